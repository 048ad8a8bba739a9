"""What a reader's device loads for the page of an edition: its HTML, its style, and what else the page names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any
from urllib.parse import unquote

from stadtbuch.reports import editions
from stadtbuch.reports.editions import Archived
from stadtbuch.reports.look import FILES

LOADED = re.compile(rb'<link rel="stylesheet" href="([^"]+)"|\bsrc="([^"]+)"')

Read = Callable[[str], bytes | None]
"""Gives a file of the site by its path, or nothing if there is none."""


def of(path: str, read: Read) -> int | None:
    """
    Add up the bytes that a page loads; links that a reader may follow are not loaded.

    Parameters
    ----------
    path
        Of the page, below the site's root.
    read
        Gives the site's files.

    Returns
    -------
    int or None
        Bytes before a web server compresses them; None if there is no such page.

    Examples
    --------
    >>> site = {"a/index.html": b'<link rel="stylesheet" href="../s.css"><a href="big.csv">', "s.css": b"12345"}
    >>> of("a/index.html", site.get) - len(site["a/index.html"])
    5
    """
    page = read(path)
    if page is None:
        return None
    names = {unquote((one or other).decode()) for one, other in LOADED.findall(page)}
    loaded = (read(posixpath.normpath(posixpath.join(posixpath.dirname(path), name))) for name in names)
    return len(page) + sum(len(data) for data in loaded if data)


def measure(pages: Iterable[str], read: Read) -> dict[str, Any]:
    """
    Tell how heavy pages are.

    Returns
    -------
    dict
        ``pages``, ``median_bytes``, ``largest_bytes`` and the path ``largest``; None where there is no page.
    """
    weights = {path: weight for path in pages if (weight := of(path, read)) is not None}
    largest = max(weights, key=lambda path: (weights[path], path), default=None)
    return {
        "pages": len(weights),
        "median_bytes": round(median(weights.values())) if weights else None,
        "largest_bytes": weights[largest] if largest else None,
        "largest": largest,
    }


def newest(archive: Iterable[Archived]) -> list[str]:
    """Give the pages of the newest public edition of each cell, in all languages."""
    found: dict[tuple[str, str], Archived] = {}
    for one in archive:
        key = (one.edition.report, one.edition.cell)
        if one.public and (key not in found or _later(one, found[key])):
            found[key] = one
    return [f"{one.path}/{name}" for one in found.values() for name in FILES.values()]


def _later(one: Archived, other: Archived) -> bool:
    return editions.order(one.edition.edition) > editions.order(other.edition.edition)
