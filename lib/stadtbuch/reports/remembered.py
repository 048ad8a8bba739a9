"""
What each step of each cell last depended on, kept so that the next build can say what changed.

``var/cache/last/<report>.json`` may be deleted at any time: then the runs of the newest edition are asked, and after
them nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import StateError
from stadtbuch.reports import editions
from stadtbuch.reports.definitions import NO_CELL
from stadtbuch.runs import execute, key, reasons
from stadtbuch.runs.plan import Request
from stadtbuch.runs.reasons import Reason
from stadtbuch.state import State

Parts = Mapping[str, Any]


def why(state: State, request: Request, *, report: str, cell: str, step: str) -> list[Reason]:
    """
    Say why a step will run; nothing if its result is there already.

    Parameters
    ----------
    request
        The planned run.
    report, cell, step
        Whose it is.
    """
    if execute.finished(request) is not None:
        return []
    before = _kept(state, report).get(cell or NO_CELL, {}).get(step) or _of_edition(state, report, cell, step)
    ended = _ended(state, request)
    if before is None:
        return [Reason("interrupted" if ended == "interrupted" else "first", step=step)]
    return reasons.between(before, _plain(request.key_parts), step=step) or [Reason(ended, step=step)]


def keep(state: State, report: str, found: Mapping[str, Mapping[str, Parts]]) -> None:
    """
    Keep what the steps of a report's cells depended on this time.

    Parameters
    ----------
    found
        Cell -> step -> key parts; cells that were not planned keep what was known of them.
    """
    before = _kept(state, report)
    after = {**before}
    for cell, steps in found.items():
        after[cell or NO_CELL] = {
            **before.get(cell or NO_CELL, {}),
            **{step: _plain(parts) for step, parts in steps.items()},
        }
    if after == before:
        return
    path = _file(state, report)
    with atomic.telling("var/cache"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, key.canonical(after), mode=0o600)


def _file(state: State, report: str) -> Path:
    return state.folder("cache") / "last" / f"{report}.json"


def _kept(state: State, report: str) -> dict[str, dict[str, Any]]:
    """Read what is known of a report; a file that cannot be read counts as deleted."""
    try:
        told = json.loads(_file(state, report).read_bytes())
        return {cell: dict(steps) for cell, steps in told.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _of_edition(state: State, report: str, cell: str, step: str) -> dict[str, Any] | None:
    """Ask the run behind the newest edition."""
    try:
        newest = editions.latest(state, report, cell)
    except StateError:
        return None
    found = newest.edition.run_keys.get(step) if newest else None
    return reasons.recorded(state.folder("runs") / found) if found else None


def _plain(parts: Parts) -> dict[str, Any]:
    return dict(json.loads(key.canonical(dict(parts))))


def _ended(state: State, request: Request) -> str:
    """Say how a run of the same key ended that left no result: ``failed``, ``interrupted`` or ``gone``."""
    folder = request.folder
    if not (folder / "run.json").exists():
        return "interrupted" if execute.was_interrupted(state, request.key) else "gone"
    try:
        status = json.loads((folder / "result.json").read_bytes()).get("status")
    except (OSError, ValueError, AttributeError):
        return "interrupted"
    return "failed" if status == "failed" else "gone"
