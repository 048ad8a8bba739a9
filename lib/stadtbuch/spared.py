"""
Runs that were not needed: what a build found unchanged, one line per build.

The book has no entry for what did not happen, so it is counted here, in ``var/log/spared.jsonl``: the moment and a
number, nothing else. `stadtbuch tidy` takes old lines away with the other logs; the figure says since when it counts.
A line that cannot be written is lost: no build fails for a statistic.

Imports the standard library only: the answer of a build that finds nothing to do counts too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "spared.jsonl"


def number(lines: Iterable[Mapping[str, Any]]) -> int:
    """
    Count the runs that a build did not need: those of cells that were unchanged, each run once.

    Parameters
    ----------
    lines
        The ``runs`` of what a build answers.

    Examples
    --------
    >>> number([{"status": "unchanged", "key": "a"}] * 2 + [{"status": "ran", "key": "b"}])
    1
    """
    return len({one["key"] for one in lines if one["status"] == "unchanged"})


def note(folder: Path, runs: int, *, at: float) -> None:
    """Add a line; `folder` is that of the logs, `at` in seconds since 1970."""
    if runs == 0:
        return
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    line = json.dumps({"at": moment, "runs": runs}) + "\n"
    with suppress(OSError):
        handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def read(folder: Path) -> dict[str, Any] | None:
    """
    Give how many runs were spared and since which day; None if nothing was counted.

    Returns
    -------
    dict or None
        ``runs`` and ``since``, a day in UTC. A line that is cut short is left out.
    """
    found = list(_lines(folder / FILE))
    return (
        {"runs": sum(runs for _, runs in found), "since": min(at for at, _ in found)[:10]} if found else None
    )


def _lines(path: Path) -> Iterable[tuple[str, int]]:
    try:
        written = path.read_bytes().splitlines()
    except OSError:
        return
    for line in written:
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            yield str(told["at"]), int(told["runs"])
