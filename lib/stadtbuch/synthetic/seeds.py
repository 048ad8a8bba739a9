"""
Chance, tamed: one seed for the city, one stream per table.

A stream is keyed by the table's name, so that a new table changes no other one.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def stream(seed: int, table: str) -> np.random.Generator:
    """
    Give the random numbers of one table.

    Examples
    --------
    >>> int(stream(1, "areas").integers(1000)) == int(stream(1, "areas").integers(1000))
    True
    >>> int(stream(1, "areas").integers(10**9)) == int(stream(1, "residents").integers(10**9))
    False
    """
    key = int.from_bytes(sha256(table.encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key >> 32, key & 0xFFFF_FFFF)))
