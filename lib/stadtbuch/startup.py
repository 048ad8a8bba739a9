"""What each process of ours does before it imports anything heavy."""

from __future__ import annotations

import gc
import sys

SPARED = "rfc3987_syntax"
"""A parser of one kind of address that jsonschema builds when nbformat is imported: more than a second each time."""


def spare() -> None:
    """
    Leave out an import that costs more than all others together and that no schema of notebooks needs.

    jsonschema takes it as not installed and skips the check of the formats ``iri`` and ``iri-reference``. Only
    processes that are ours alone call this, never a notebook of somebody who imports the library.

    Examples
    --------
    >>> import stadtbuch.startup
    >>> stadtbuch.startup.SPARED
    'rfc3987_syntax'
    """
    sys.modules.setdefault(SPARED, None)  # type: ignore[arg-type]


def collect_seldom() -> None:
    """
    Look for circular rubbish less often: a command that reads a large table makes a million objects and keeps them.

    Python would go through all of them again and again, which is a quarter of the time of reading a CSV file. What is
    not circular goes at once, as ever.
    """
    gc.set_threshold(100_000, 20, 100)
