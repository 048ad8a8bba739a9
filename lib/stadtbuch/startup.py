"""What each process of ours does before it imports anything heavy."""

from __future__ import annotations

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
