"""
Converting an older state folder, one version after the other.

First comes a backup; each step can be repeated, and the new version is written when the step is done: an interrupted
upgrade goes on with the step that was not finished. Entries of the book are never rewritten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.book import standing
from stadtbuch.errors import StateError
from stadtbuch.state import VERSION, too_new, version_of
from stadtbuch.texts import Text
from stadtbuch.upkeep import backup
from stadtbuch.upkeep.backup import Tell
from stadtbuch.upkeep.keeper import Keeper

KIND = "upgraded"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """
    What an upgrade did.

    Attributes
    ----------
    steps
        The versions that were reached, in their order; none if there was nothing to do.
    backup
        The folder of the backup that was made first; None if there was nothing to do.
    """

    found: int
    steps: tuple[int, ...]
    backup: Path | None


def upgrade(keeper: Keeper, *, target: Path | None = None, tell: Tell = lambda done, total: None) -> Upgraded:
    """
    Bring the state folder to the version of this library.

    Parameters
    ----------
    target
        Where the backup goes that is made first; without it a hidden folder beside the state.
    tell
        Gets the progress of the backup.

    Raises
    ------
    StateError
        ``state.none`` if there is no state folder; ``state.too-new``; whatever the backup says.
    """
    found = version_of(keeper.root)
    if found is None:
        raise _none(keeper.root)
    if found > VERSION:
        raise too_new(keeper.root, found)
    if found == VERSION:
        return Upgraded(found, (), None)
    place = target or before_upgrade(keeper.root)
    backup.make(keeper, place, with_keys=target is None, tell=tell)
    steps = []
    with keeper.state.lock("build", command="stadtbuch upgrade"):
        for version in range(found, VERSION):
            STEPS[version](keeper)
            with atomic.telling(keeper.root.name):
                atomic.write(keeper.root / "VERSION", f"{version + 1}\n".encode(), mode=0o600)
            steps.append(version + 1)
    return Upgraded(found, tuple(steps), place)


def before_upgrade(root: Path) -> Path:
    """Give the folder beside the state for the backup before an upgrade; it is as private as the state."""
    return root.parent / f".{root.name}.before-upgrade"


def _to_2(keeper: Keeper) -> None:
    """Sign the book as it was until now, so that from here on nobody can shorten it unnoticed."""
    for name in ("checkpoints", "cache"):
        (keeper.root / name).mkdir(mode=0o700, exist_ok=True)
    _enter(keeper, 2)
    note = keeper.seal.sign(actor=keeper.actor, now=keeper.now)
    standing.keep(keeper.root / "checkpoints", note)


def _enter(keeper: Keeper, version: int) -> None:
    if not any(entry.details.get("version") == version for entry in keeper.book.entries(kind=KIND)):
        details = {"version": version}
        keeper.book.append(KIND, subject="state", actor=keeper.actor, now=keeper.now, details=details)


STEPS: dict[int, Callable[[Keeper], None]] = {1: _to_2}
"""From a version to the next one."""


def _none(root: Path) -> StateError:
    return StateError(
        "state.none",
        Text(
            de=f"Hier gibt es keinen Zustandsordner {root.name}, der umzustellen wäre.",
            en=f"There is no state folder {root.name} here that could be converted.",
        ),
        remedy=Text(
            de="Wechseln Sie in den Ordner der Stadt, oder bauen Sie zuerst: stadtbuch build.",
            en="Change to the city's folder, or build first: stadtbuch build.",
        ),
    )
