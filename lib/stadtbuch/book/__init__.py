"""The book: what happened, entry by entry; `ledger` keeps it, `views` reads it."""
