"""
Tidying up: what nothing needs any more and has lain long enough goes, each kind after its own time.

First it is found out what is due (`due`), which changes nothing; then it is removed (`remove`). What an edition that is
public or waits, a dashboard, a released table or the book needs is never due. The book itself only grows.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic, scratch, spared
from stadtbuch.reports import editions
from stadtbuch.settings import before
from stadtbuch.upkeep.backup import LOCKS

if TYPE_CHECKING:
    from stadtbuch.upkeep.keeper import Keeper

KIND, KEY_KIND = "tidied", "actor-key-deleted"
KINDS = ("runs", "failed-runs", "store", "logs", "waiting", "actor-keys", "leftovers")

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_ACTOR = re.compile(r"actor-(\d{4})")
_HALF = re.compile(r"\..+\.old")
"""What was being taken away; what was being written may be an edition that the book knows: a build finishes it."""
_SURE = "P1D"  # nothing that is being written lies around so long


@dataclass(frozen=True, slots=True)
class Due:
    """
    One thing that may go.

    Attributes
    ----------
    kind
        One of `KINDS`.
    path
        Below the state folder: a file, a folder, or a log of which old lines go.
    bytes
        How much room that gives.
    """

    kind: str
    path: str
    bytes: int


def due(keeper: Keeper) -> list[Due]:
    """Find what may go now; nothing is changed."""
    kept = needed(keeper)
    found = [
        *_runs(keeper, kept),
        *_waiting(keeper),
        *_logs(keeper),
        *_actor_keys(keeper),
        *_leftovers(keeper),
    ]
    going = {one.path.removeprefix("runs/") for one in found if one.path.startswith("runs/")}
    return [*found, *_store(keeper, kept, going)]


def tally(found: Iterable[Due]) -> dict[str, dict[str, int]]:
    """
    Count what is due by kind.

    Examples
    --------
    >>> tally([Due("runs", "runs/ab", 7), Due("runs", "runs/cd", 1)])["runs"]
    {'number': 2, 'bytes': 8}
    """
    sums = {kind: {"number": 0, "bytes": 0} for kind in KINDS}
    for one in found:
        sums[one.kind]["number"] += 1
        sums[one.kind]["bytes"] += one.bytes
    return sums


def tidy(keeper: Keeper) -> list[Due]:
    """
    Remove what is due, and what killed processes left outside of the state; enter how much was due.

    Raises
    ------
    Busy
        If a build is running.
    """
    with ExitStack() as held:
        for name in LOCKS:
            held.enter_context(keeper.state.lock(name, command="stadtbuch tidy"))
        found = due(keeper)
        with atomic.telling(keeper.root.name):
            for one in found:
                _remove(keeper, one)
            scratch.sweep()
        if found:
            details = {kind: sums for kind, sums in tally(found).items() if sums["number"]}
            keeper.book.append(KIND, subject="state", actor=keeper.actor, now=keeper.now, details=details)
    return found


# ---- what is needed -----------------------------------------------------------------------------------


def _descriptions(keeper: Keeper) -> Iterator[Path]:
    """Give the files that say from which runs and contents something came that is still used."""
    for folder in editions.folders(keeper.state):
        if not (folder / editions.STATUS).exists():
            yield from _words(folder)
    for name in ("spool/waiting", "dashboards", "derived"):
        yield from _words(keeper.root / name)


def _words(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*.json") if path.is_file())


def needed(keeper: Keeper) -> set[str]:
    """Give every checksum that a public or waiting edition, a dashboard or a released table names."""
    return {one for path in _descriptions(keeper) for one in _named(path)}


def _named(path: Path) -> list[str]:
    try:
        return _DIGEST.findall(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return []


# ---- what is due, kind by kind ------------------------------------------------------------------------


def _runs(keeper: Keeper, kept: set[str]) -> Iterator[Due]:
    """Find runs that nothing was made from; failed and interrupted ones go earlier."""
    times = keeper.settings.retention
    for folder in _folders(keeper.root / "runs"):
        if folder.name in kept:
            continue
        failed = _failed(folder)
        kind, time = ("failed-runs", times.failed_runs) if failed else ("runs", times.runs)
        if _is_older(keeper, folder / "result.json", time) and _is_older(keeper, folder, time):
            yield _one(keeper, kind, folder)


def _failed(folder: Path) -> bool:
    """Tell whether a run has no result that could be used."""
    try:
        return json.loads((folder / "result.json").read_bytes()).get("status") == "failed"
    except (OSError, ValueError, AttributeError):
        return True


def _store(keeper: Keeper, needed: set[str], going: set[str]) -> Iterator[Due]:
    """Find contents that neither what is needed nor a run that stays refers to."""
    root, time = keeper.root / "store", keeper.settings.retention.store
    kept = set(needed)
    stay = (folder for folder in _folders(keeper.root / "runs") if folder.name not in going)
    kept |= {one for folder in stay for one in _named(folder / "run.json")}
    kept |= {one for path in (root / "values").glob("*") for one in _named(path)}
    for path in sorted(root.glob("[0-9a-f][0-9a-f]/*")):
        if path.parent.name + path.name not in kept and _is_older(keeper, path, time):
            yield _one(keeper, "store", path)


def _waiting(keeper: Keeper) -> Iterator[Due]:
    """Find editions that nobody approved; the next build makes them anew if they are still wanted."""
    limit = before(keeper.today, keeper.settings.retention.waiting)
    for path in sorted((keeper.root / "spool" / "waiting").glob(f"*/*/{editions.EDITION}")):
        made = editions.read(path.parent).edition.made_at
        if _day(keeper, made) < limit:
            yield _one(keeper, "waiting", path.parent)


def _logs(keeper: Keeper) -> Iterator[Due]:
    """Find logs with lines that are too old."""
    limit = before(keeper.today, keeper.settings.retention.logs)
    log = keeper.root / "log"
    for path in sorted([*log.glob("stadtbuch.log*"), *log.glob(spared.FILE)]):
        old = sum(len(line) for line in path.read_bytes().splitlines(keepends=True) if _is_old(line, limit))
        if old:
            yield Due("logs", path.relative_to(keeper.root).as_posix(), old)


def _is_old(line: bytes, limit: date) -> bool:
    """Tell whether a line is too old; one that cannot be read is."""
    try:
        return datetime.fromisoformat(json.loads(line)["at"]).date() < limit
    except (ValueError, KeyError, TypeError):
        return True


def _actor_keys(keeper: Keeper) -> Iterator[Due]:
    """Find keys of years that ended long enough ago: without them, entries lead to nobody."""
    limit = before(keeper.today, keeper.settings.retention.actor_keys)
    for path in sorted((keeper.root / "keys").glob("actor-*.key")):
        year = _ACTOR.fullmatch(path.stem)
        if year and date(int(year[1]) + 1, 1, 1) <= limit:
            yield _one(keeper, "actor-keys", path)


def _leftovers(keeper: Keeper) -> Iterator[Due]:
    """Find what interrupted commands left under temporary names."""
    root = keeper.root
    found = [
        *root.glob("spool/preview-*"),
        *root.glob("spool/cluster"),
        *(path for path in root.rglob(".*") if _HALF.fullmatch(path.name)),
    ]
    for path in sorted(found):
        inside = any(other in path.parents for other in found)
        if not inside and _is_older(keeper, path, _SURE):
            yield _one(keeper, "leftovers", path)


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _one(keeper: Keeper, kind: str, path: Path) -> Due:
    return Due(kind, path.relative_to(keeper.root).as_posix(), _weight(path))


def _weight(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file() and not one.is_symlink())


def _is_older(keeper: Keeper, path: Path, time: str) -> bool:
    """Tell whether a file was last written longer ago; what is not there is no reason to keep the rest."""
    try:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return True
    return _day(keeper, written) < before(keeper.today, time)


def _day(keeper: Keeper, at: datetime) -> date:
    return at.astimezone(keeper.settings.city.zone).date()


# ---- removing -----------------------------------------------------------------------------------------


def _remove(keeper: Keeper, one: Due) -> None:
    path = keeper.root / one.path
    if one.kind == "actor-keys":
        _forget(keeper, path.stem)
    elif one.kind == "logs":
        _shorten(keeper, path)
    elif path.is_dir():
        _take_away(path)
    else:
        path.unlink(missing_ok=True)


def _forget(keeper: Keeper, name: str) -> None:
    """Enter that a key goes, then let it go: cut off between both, the next time finds it still there."""
    if not any(keeper.book.entries(kind=KEY_KIND, subject=name)):
        keeper.book.append(KEY_KIND, subject=name, actor=keeper.actor, now=keeper.now)
    keeper.state.forget_key(name)


def _shorten(keeper: Keeper, path: Path) -> None:
    """Leave out the lines of a log that are too old; an empty one goes."""
    limit = before(keeper.today, keeper.settings.retention.logs)
    with atomic.queue(path.parent / ".lock"):
        kept = [line for line in path.read_bytes().splitlines(keepends=True) if not _is_old(line, limit)]
        if kept:
            atomic.write(path, b"".join(kept), mode=0o600)
        else:
            path.unlink(missing_ok=True)


def _take_away(path: Path) -> None:
    """Remove a folder: renamed first, so that nobody reads half of it."""
    if _HALF.fullmatch(path.name) or path.parent.name == "spool":
        shutil.rmtree(path, ignore_errors=True)
        return
    old = path.parent / f".{path.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def as_dict(found: Iterable[Due], *, dry_run: bool) -> dict[str, Any]:
    """Give what is or was due as JSON."""
    listed = list(found)
    return {
        "dry_run": dry_run,
        "kinds": tally(listed),
        "number": len(listed),
        "bytes": sum(one.bytes for one in listed),
        "due": [{"kind": one.kind, "path": one.path, "bytes": one.bytes} for one in listed],
    }
