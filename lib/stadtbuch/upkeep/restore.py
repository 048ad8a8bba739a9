"""
Restoring the state from a backup: laid out and verified beside, then put in place by two renames.

A mark beside the state folder says that the renames have begun; as long as it is there no other command opens the
state, and a repeated restore goes on from where it was cut off. What was there before goes only when all is done.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import standing
from stadtbuch.book.ledger import Book
from stadtbuch.errors import Problem, Refused, StadtbuchError
from stadtbuch.settings import before
from stadtbuch.state import VERSION, State, restoring, too_new, version_of
from stadtbuch.texts import Text, text
from stadtbuch.upkeep import backup
from stadtbuch.upkeep.backup import KEYS, Tell
from stadtbuch.upkeep.keeper import BOOK, Keeper
from stadtbuch.upkeep.vault import Listing, Vault, damaged

_ACTOR = re.compile(r"actor-(\d{4})")
_KEYED = {"values": ("store/values", "store/canaries")}
"""What was made with a key and would be wrong, not only useless, beside another one."""


@dataclass(frozen=True, slots=True)
class Restored:
    """
    A state that was put back.

    Attributes
    ----------
    lost
        Keys that neither the backup nor the state before had, and what goes with each.
    behind
        A checkpoint that counts more entries than the restored book; None if nobody knows of one.
    version
        The version of the layout; an older one needs `stadtbuch upgrade`.
    """

    backup: str
    files: int
    entries: int
    version: int
    lost: Mapping[str, Text]
    behind: standing.Gap | None

    def as_dict(self, language: str) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "backup": self.backup,
            "files": self.files,
            "entries": self.entries,
            "state_version": self.version,
            "upgrade_needed": self.version < VERSION,
            "keys_lost": {name: one.pick(language) for name, one in self.lost.items()},
            "behind": self.behind.as_dict() if self.behind else None,
        }


def restore(
    keeper: Keeper,
    source: Path,
    *,
    name: str | None = None,
    keys: Path | None = None,
    replace: bool = False,
    known: list[tuple[int, str]] | None = None,
    tell: Tell = lambda done, total: None,
) -> Restored:
    """
    Put a backup in the place of the state.

    Parameters
    ----------
    source
        A folder of backups.
    name
        Which backup; without it the newest.
    keys
        A folder with private keys (``*.key``); without it those of the state that is replaced.
    replace
        Whether a state that is there may go.
    known
        Checkpoints that somebody else holds, as `Checkpoint.stand`.
    tell
        Gets how many files of how many are done.

    Raises
    ------
    StateError
        ``backup.damaged`` with every damaged file; nothing was changed then.
    Refused
        ``restore.not-empty``, ``restore.other-city``.
    """
    mark = restoring(keeper.root)
    if mark.exists():
        return _finish(keeper, mark)
    vault = Vault(source)
    listing = vault.read(name)
    _require_fitting(keeper, listing, replace=replace)
    with ExitStack() as held:
        if keeper.root.exists():
            for lock in backup.LOCKS:
                held.enter_context(keeper.state.lock(lock, command="stadtbuch restore"))
        plan = _lay(keeper, vault, listing, keys=keys, known=known or [], tell=tell)
        with atomic.telling(keeper.root.parent.name):
            atomic.write(mark, json.dumps(plan).encode(), mode=0o600)
        return _finish(keeper, mark)


def _require_fitting(keeper: Keeper, listing: Listing, *, replace: bool) -> None:
    if listing.told["city"] != keeper.settings.city.key:
        raise _other_city()
    version = int(listing.told["state_version"])
    if version > VERSION:
        raise too_new(keeper.root, version)
    if version_of(keeper.root) is not None and not replace:
        raise _not_empty(keeper, listing)


def _lay(
    keeper: Keeper,
    vault: Vault,
    listing: Listing,
    *,
    keys: Path | None,
    known: list[tuple[int, str]],
    tell: Tell,
) -> dict[str, Any]:
    """Lay the new state out beside the old one and look at it; give what there is to enter into its book."""
    new = _beside(keeper.root, "new")
    with atomic.telling(keeper.root.parent.name):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        try:
            vault.take(listing, new, tell)
            _verify_book(new, listing)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        missing = _take_keys(keeper, new, listing, keys or keeper.root / KEYS)
        _drop_keyed(new, missing)
        atomic.sync_folder(new)
    behind = _behind(keeper, new, known)
    return {
        "backup": listing.name,
        "sha256": listing.digest,
        "files": len(listing.files),
        "entries": listing.told["book"]["entries"],
        "keys_lost": missing,
        "behind": behind.as_dict() if behind else None,
        "replaced": _replaced(keeper),
    }


def _verify_book(new: Path, listing: Listing) -> None:
    """See that the chain is whole and ends where the list says."""
    told = listing.told["book"]
    book = Book(new / BOOK, key=State(new).key)
    verdict = book.verify(told)
    if not verdict["ok"] or verdict["entries"] != told["entries"]:
        what = text(verdict["problem"]["text"]) if "problem" in verdict else _OTHER_BOOK
        raise damaged([Problem(file=BOOK, line=None, path="", what=what, code="backup.damaged")])


_OTHER_BOOK = Text(de="hat andere Einträge als die Liste sagt", en="has other entries than the list says")


def _take_keys(keeper: Keeper, new: Path, listing: Listing, folder: Path) -> list[str]:
    """Take the keys that the backup left out from where they lie; give the names of those that are nowhere."""
    (new / KEYS).mkdir(mode=0o700, exist_ok=True)
    missing = []
    for name, mark in listing.told["keys"].items():
        target = new / KEYS / f"{name}.key"
        if _is_over(keeper, name):
            target.unlink(missing_ok=True)  # deleted on purpose since: a backup does not bring the link back
            continue
        if not target.exists() and not _copied(folder / f"{name}.key", target, mark):
            missing.append(name)
    return missing


def _copied(source: Path, target: Path, mark: str) -> bool:
    """Copy a key if it is the one that is meant."""
    try:
        content = source.read_bytes()
    except OSError:
        return False
    if backup.fingerprint(content) != mark:
        return False
    atomic.write(target, content, mode=0o600)
    return True


def _is_over(keeper: Keeper, name: str) -> bool:
    """Tell whether a key of a year had to go by now."""
    year = _ACTOR.fullmatch(name)
    limit = before(keeper.today, keeper.settings.retention.actor_keys)
    return year is not None and date(int(year[1]) + 1, 1, 1) <= limit


def _drop_keyed(new: Path, missing: list[str]) -> None:
    for name in missing:
        for place in _KEYED.get(name, ()):
            path = new / place
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _behind(keeper: Keeper, new: Path, known: list[tuple[int, str]]) -> standing.Gap | None:
    """Compare the book that comes back with the checkpoints that others have: a given one, and the pages' own."""
    book = Book(new / BOOK, key=State(new).key)
    return standing.gap(book, [*known, *standing.stands(standing.published(keeper.public))])


def _replaced(keeper: Keeper) -> dict[str, Any] | None:
    """Say where the book ended that goes; nothing where there is none that can be read."""
    try:
        return keeper.book.head() if keeper.root.exists() else None
    except StadtbuchError:
        return None


def _finish(keeper: Keeper, mark: Path) -> Restored:
    """Put the new state in place, enter that it was restored, and let the old one go. Each step is done once."""
    root, new, old = keeper.root, _beside(keeper.root, "new"), _beside(keeper.root, "old")
    plan = json.loads(mark.read_bytes())
    with atomic.telling(root.parent.name):
        if new.exists():
            if root.exists():
                shutil.rmtree(old, ignore_errors=True)
                root.rename(old)
            new.rename(root)
            atomic.sync_folder(root.parent)
        _enter(keeper, plan)
        shutil.rmtree(old, ignore_errors=True)
        mark.unlink()
        atomic.sync_folder(root.parent)
    behind = plan["behind"]
    return Restored(
        backup=plan["backup"],
        files=plan["files"],
        entries=plan["entries"],
        version=version_of(root) or 0,
        lost=backup.lost(plan["keys_lost"]),
        behind=standing.Gap(**behind) if behind else None,
    )


def _enter(keeper: Keeper, plan: Mapping[str, Any]) -> None:
    """Enter the restore as the first entry after those that came back."""
    if keeper.book.head()["entries"] > plan["entries"]:
        return  # an interrupted restore has done so
    names = ("backup", "sha256", "files", "keys_lost", "behind", "replaced")
    details = {name: plan[name] for name in names if plan[name] is not None}
    keeper.book.append(
        standing.RESTORED, subject="state", actor=keeper.actor, now=keeper.now, details=details
    )


def _beside(root: Path, what: str) -> Path:
    """Give the place of the new or the old state while they are exchanged: beside, so that a rename is enough."""
    return root.parent / f".{root.name}.restore-{what}"


def _other_city() -> Refused:
    return Refused(
        "restore.other-city",
        Text(de="Das ist die Sicherung einer anderen Stadt.", en="This is the backup of another city."),
        why=Text(
            de="Ihr amtlicher Schlüssel ist nicht der aus stadtbuch.toml.",
            en="Its official key is not the one in stadtbuch.toml.",
        ),
        remedy=Text(
            de="Nennen Sie die Sicherung dieser Stadt, oder berichtigen Sie city.key.",
            en="Name the backup of this city, or correct city.key.",
        ),
    )


def _not_empty(keeper: Keeper, listing: Listing) -> Refused:
    try:
        present = str(keeper.book.head()["entries"])
    except StadtbuchError:
        present = "?"
    return Refused(
        "restore.not-empty",
        Text(
            de=f"Hier liegt schon ein Zustand; sein Buch hat {present} Einträge, "
            f"das der Sicherung {listing.told['book']['entries']}.",
            en=f"There is a state here already; its book has {present} entries, "
            f"that of the backup {listing.told['book']['entries']}.",
        ),
        why=Text(
            de="Beim Herstellen geht er verloren, sobald alles fertig ist.",
            en="Restoring removes it as soon as everything is done.",
        ),
        remedy=Text(
            de="Sichern Sie ihn zuerst, wenn Sie zweifeln; dann wiederholen Sie den Befehl mit --replace.",
            en="Back it up first if in doubt; then repeat the command with --replace.",
        ),
    )
