"""
The gate: what a finished notebook shows, word by word, and what of it may not be public.

`notebooks` takes it apart, `contents` and `disguises` open what is packed or written another way, `values` knows closed
values by keyed hashes only, `identifiers` finds what names a person, `outputs` judges. Pure functions, without files,
clock or chance of their own.
"""
