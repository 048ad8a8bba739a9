"""One thing that happened: an entry of the book."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stadtbuch.model.frozen import Frozen

FORMAT = 1


class Entry(Frozen):
    """
    One entry of the book; never rewritten, chained to the one before by its hash.

    `who` is HMAC(login) with a key of the year (CONTRACTS: actor), `details` holds no data values and no names.
    """

    number: int
    format: int = FORMAT
    at: datetime
    kind: str
    role: str
    who: str
    subject: str
    details: dict[str, Any] = {}
    previous: str
    hash: str
