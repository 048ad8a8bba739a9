"""The command line: one module per noun; `main` finds them, `context` is what they share."""
