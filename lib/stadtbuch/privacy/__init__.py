"""
Disclosure control: pure functions that judge and protect, without files, clock or chance of their own.

`groupings` relate a table's labels to catalogue columns, `tables` protect counts, `suppression` closes the
gaps that margins leave open, `values` knows closed values by keyed hashes only, `identifiers` finds what
names a person, `outputs` is the gate's judgement on a finished notebook.
"""
