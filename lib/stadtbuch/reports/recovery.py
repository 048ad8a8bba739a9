"""
Recovery: finishing what a command left undone when it was killed, lost its power or its disk.

The book decides. What it says happened is brought about: a staged edition gets its name, a withheld one its note, an
approved one is released. What it does not know is taken away: an edition that was only half written, a run that was
cut off. Every step may be repeated; after an interruption of the recovery itself, the next one goes on.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.book.ledger import Entry
from stadtbuch.errors import Busy, StadtbuchError, StateError
from stadtbuch.model.report import Approval
from stadtbuch.reports import decisions, definitions, editions, removal
from stadtbuch.reports.editions import Archived
from stadtbuch.runs import execute
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.texts import Text


@dataclass(frozen=True, slots=True)
class Mended:
    """How much was finished (`editions`, `waiting`, `withheld`, `runs`) and how much was taken away (`removed`)."""

    editions: int = 0
    waiting: int = 0
    withheld: int = 0
    runs: int = 0
    removed: int = 0


def mend(city: City) -> Mended:
    """
    Bring archive, spool, runs and derived tables to what the book says; only under the lock of a build.

    Parameters
    ----------
    city
        The session; entries that are still missing are its actor's.

    Raises
    ------
    StateError
        If the state cannot be written.
    """
    with atomic.telling("var"):
        shown, aside, gone = _switch(city)
        withheld = _withhold(city) + removal.resume(city)
        _drop_released(city)
        approved = _release_approved(city)
        runs = _enter_runs(city)
        gone += sum(map(_removed, list(editions.removed(city.state))))
        gone += execute.clear(city)
        gone += _clear_cluster(city.state)
        gone += atomic.sweep(city.state.root)
        _point(city)
    return Mended(shown + approved, aside, withheld, runs, gone)


def _switch(city: City) -> tuple[int, int, int]:
    """Give staged editions that the book knows their names, and remove the others."""
    shown = aside = gone = 0
    for staged, place in list(editions.staged(city.state)):
        waits = city.state.folder("spool") in place.parents
        kind = "awaiting-approval" if waits else "released"
        if _is_known(city, staged, kind=kind) and (waits or not place.exists()):
            editions.switch(staged, place)
            shown, aside = shown + (not waits), aside + waits
        else:
            gone += _removed(staged)
    return shown, aside, gone


def _is_known(city: City, staged: Path, *, kind: str) -> bool:
    """Tell whether a staged edition is whole and the last of its name in the book."""
    try:
        found = editions.read(staged)
    except StadtbuchError:
        return False
    digest = atomic.digest((staged / editions.EDITION).read_bytes())
    last = list(city.book.entries(kind=kind, subject=found.edition.id))[-1:]
    return bool(last) and last[0].details["edition"] == digest and not editions.damaged_files(found)


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder)
    return True


def _withhold(city: City) -> int:
    """Put the note beside every edition that the book calls withheld."""
    done = 0
    for entry in city.book.entries(kind="withheld"):
        try:
            found = editions.find(city.state, entry.subject)
        except StadtbuchError:  # damaged or gone: that is not ours to mend
            continue
        if found.public:
            at = entry.at.astimezone(city.settings.city.zone)
            editions.withhold(found, reason=Text(**entry.details["reason"]), role=entry.role, now=at)
            done += 1
    return done


def _drop_released(city: City) -> None:
    """Take away what waits although it was released."""
    for waiting in _waiting(city):
        with suppress(StateError):  # a damaged edition is told by whoever reads it next
            latest = editions.latest(city.state, waiting.edition.report, waiting.edition.cell)
            if latest is not None and editions.same(latest.edition, waiting.edition):
                editions.remove(waiting.folder)


def _waiting(city: City) -> list[Archived]:
    """Give what waits and can be read."""
    found = []
    for folder in sorted((city.state.folder("spool") / "waiting").glob("*/[!.]*")):
        with suppress(StateError):
            found.append(editions.read(folder))
    return found


def _release_approved(city: City) -> int:
    """Release what an approval named and what still waits."""
    done = 0
    for waiting in _waiting(city):
        entry = _approval_of(city, waiting)
        if entry is not None:
            decided = entry.at.astimezone(city.settings.city.zone).date()
            approval = Approval(
                role=entry.role, decided=decided, code=waiting.edition.code, rules=waiting.edition.rules
            )
            decisions.release_waiting(city, waiting, approval)
            done += 1
    return done


def _approval_of(city: City, waiting: Archived) -> Entry | None:
    """Give the entry that approved exactly this edition."""
    edition = waiting.edition
    wanted = (edition.code, edition.rules)
    for entry in city.book.entries(kind="approved", subject=edition.report):
        named = edition.id in entry.details.get("editions", ())
        if named and (entry.details.get("code"), entry.details.get("rules")) == wanted:
            return entry
    return None


def _enter_runs(city: City) -> int:
    """Write the runs that are complete into the book, where it does not know them."""
    found = list(execute.unentered(city))
    for info in found:
        details = execute.described(info)
        city.book.append("ran", subject=info["notebook"], actor=city.actor, now=city.now, details=details)
    return len(found)


def _clear_cluster(state: State) -> bool:
    """Take away where a cluster's workers were at work on this machine, unless one is at work."""
    folder = state.folder("spool") / "cluster"
    with suppress(Busy), state.lock("cluster", command="stadtbuch"):
        return folder.exists() and _removed(folder)
    return False


def _point(city: City) -> None:
    """Let the catalogue find exactly the tables that are released."""
    for report in definitions.readable(city.settings).values():
        decisions.point(city, report)
