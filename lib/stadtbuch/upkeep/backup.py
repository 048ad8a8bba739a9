"""
Backing up the state: one consistent picture of ``var/``, verified as it is written.

The book is copied by SQLite's own online backup; everything else lies still, because no build runs meanwhile. Keys
stay out unless they are asked for: a backup travels, and who has data and keys can lead pseudonyms and entries back
to people. What a backup without keys costs says `lost`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book.ledger import Book
from stadtbuch.errors import StateError, UsageError
from stadtbuch.state import KEY_BYTES, State, version_of
from stadtbuch.texts import Text
from stadtbuch.upkeep.keeper import BOOK, Keeper
from stadtbuch.upkeep.vault import Listing, Vault

KIND = "backed-up"
KEYS = "keys"
LOCKS = ("build", "site")
"""Whoever holds one of these is changing what a backup must find at rest."""

_TEMPORARY = re.compile(r"\..+\.(?:[a-z0-9_]{8}|old)|\.lock|.+\.lock")
"""What is being written (``.new``) is kept: the book may know an edition that was cut off before it got its name."""
_LEFT_OUT = ("cache", "journal", "spool/preview-")
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: its list, and what was new of it."""

    listing: Listing
    new_files: int
    new_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "backup": self.listing.name,
            "files": len(self.listing.files),
            "bytes": self.listing.bytes,
            "new_files": self.new_files,
            "new_bytes": self.new_bytes,
            "entries": self.listing.told["book"]["entries"],
            "with_keys": bool(self.listing.told["with_keys"]),
            "sha256": self.listing.digest,
        }


def make(
    keeper: Keeper, target: Path, *, with_keys: bool = False, tell: Tell = lambda done, total: None
) -> Made:
    """
    Back up the state into a folder of backups; what is there already is not written again.

    Parameters
    ----------
    target
        Made if there is none; on another machine or disk.
    with_keys
        Whether private keys go along.
    tell
        Gets how many files of how many are done.

    Raises
    ------
    Busy
        If a build is running; commands that only read go on meanwhile.
    UsageError
        ``backup.place`` for a place inside of what is backed up or of the public pages; ``backup.not-ours``.
    StateError
        If it cannot be read or written, or what was written does not come back as it was.
    """
    _require_elsewhere(keeper, target)
    vault = Vault(target)
    vault.open()
    with ExitStack() as held:
        for name in LOCKS:
            held.enter_context(keeper.state.lock(name, command="stadtbuch backup"))
        submissions = keeper.root / "spool" / "submissions"
        if submissions.is_dir():
            held.enter_context(atomic.queue(submissions / ".lock"))
        made = _written(keeper, vault, with_keys=with_keys, tell=tell)
    facts = made.as_dict()
    details = {name: facts[name] for name in ("backup", "files", "bytes", "with_keys", "sha256")}
    keeper.book.append(KIND, subject="state", actor=keeper.actor, now=keeper.now, details=details)
    return made


def _written(keeper: Keeper, vault: Vault, *, with_keys: bool, tell: Tell) -> Made:
    root = keeper.root
    paths = [path for path in content(root) if with_keys or path.parts[0] != KEYS]
    files: dict[str, dict[str, Any]] = {}
    new_files = new_bytes = 0
    with tempfile.TemporaryDirectory(dir=vault.root, prefix=".book-") as place:
        copies = {BOOK: _copy_of_book(keeper.book, Path(place))}
        for number, path in enumerate(paths, 1):
            source = copies.get(path.as_posix()) or root / path
            digest, size, new = vault.put(source)
            new_files, new_bytes = new_files + new, new_bytes + size * new
            files[path.as_posix()] = _described(root / path, digest, size)
            tell(number, len(paths))
        head = Book(copies[BOOK], key=_no_key).head() if BOOK in files else keeper.book.head()
    told = {
        "city": keeper.settings.city.key,
        "state_version": version_of(root),
        "with_keys": with_keys,
        "keys": fingerprints(keeper.state),
        "book": head,
        "folders": [path.as_posix() for path in folders(root)],
        "files": files,
    }
    return Made(vault.write(told, now=keeper.now), new_files, new_bytes)


def _described(path: Path, digest: str, size: int) -> dict[str, Any]:
    about = path.stat()
    return {"sha256": digest, "bytes": size, "mode": about.st_mode & 0o777, "mtime": int(about.st_mtime)}


def _copy_of_book(book: Book, place: Path) -> Path:
    """Copy the book, and see that the copy is whole."""
    path = place / BOOK
    book.copy(path)
    verdict = Book(path, key=_no_key).verify()
    if not verdict["ok"]:
        raise _broken_book(verdict["problem"]["text"])
    return path


def _no_key(name: str) -> bytes:
    raise LookupError(name)  # a copy is read only


def content(root: Path) -> Iterator[Path]:
    """
    Give every file of a state folder that is worth keeping, relative to it.

    Left out are locks, temporary names, caches, and runs that were interrupted.
    """
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_symlink() or not path.is_file() or not _is_kept(root, name):
            continue
        yield name


def folders(root: Path) -> Iterator[Path]:
    """Give every folder of a state folder that is worth keeping, relative to it."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_dir() and not path.is_symlink() and _is_kept(root, name):
            yield name


def _is_kept(root: Path, name: Path) -> bool:
    if name.name.startswith(f"{BOOK}-") or any(_TEMPORARY.fullmatch(part) for part in name.parts):
        return False
    if (
        name.parts[0] == "runs"
        and len(name.parts) > 1
        and not (root / "runs" / name.parts[1] / "result.json").exists()
    ):
        return False
    return not name.as_posix().startswith(_LEFT_OUT)


def fingerprints(state: State) -> dict[str, str]:
    """Give for every key what tells it from another one, and tells nothing else: it is random and long."""
    found = sorted((state.root / KEYS).glob("*.key"))
    return {path.stem: fingerprint(path.read_bytes()) for path in found if path.stat().st_size == KEY_BYTES}


def fingerprint(key: bytes) -> str:
    """Give what tells a key from another one."""
    return sha256(b"stadtbuch: which key is this\n" + key).hexdigest()[:32]


LOST: Mapping[str, Text] = {
    "actor": Text(
        de="Einträge dieses Jahres führen nicht mehr zu Menschen; wer schon gehandelt hat, gilt als jemand anderes.",
        en="Entries of this year no longer lead to people; whoever has acted already counts as somebody else.",
    ),
    "pseudonyms": Text(
        de="Pseudonyme werden neu gebildet; Läufe mit geschlossenen Daten werden neu ausgeführt.",
        en="Pseudonyms are made anew; runs with closed data are executed again.",
    ),
    "values": Text(
        de="Der Vergleich mit geschlossenen Werten wird neu aufgebaut; gepflanzte Kanarienwerte sind neu zu pflanzen.",
        en="The comparison with closed values is built anew; planted canaries have to be planted again.",
    ),
    "book": Text(
        de="Prüfpunkte brauchen einen neuen Schlüssel: stadtbuch book key rotate --lost --reason-de … --reason-en …",
        en="Checkpoints need a new key: stadtbuch book key rotate --lost --reason-de … --reason-en …",
    ),
}
"""What goes with a key, by the first word of its name."""


def lost(names: list[str]) -> dict[str, Text]:
    """
    Say what goes with keys that are not there.

    Examples
    --------
    >>> list(lost(["actor-2026", "pseudonyms"]))
    ['actor-2026', 'pseudonyms']
    """
    other = Text(
        de="Was damit entstand, passt nicht mehr.", en="What was made with it does not fit any more."
    )
    return {name: LOST.get(name.partition("-")[0], other) for name in names}


def _require_elsewhere(keeper: Keeper, target: Path) -> None:
    """A backup inside of the state would back itself up; one on the public pages would be public."""
    place = target.resolve()
    if any(place.is_relative_to(one.resolve()) for one in (keeper.root, keeper.public)):
        raise UsageError(
            "backup.place",
            Text(de="Dort gehört keine Sicherung hin.", en="A backup does not belong there."),
            why=Text(
                de="Der Ordner liegt im Zustand selbst oder auf den öffentlichen Seiten.",
                en="The folder lies in the state itself or on the public pages.",
            ),
            remedy=Text(
                de="Nennen Sie einen Ordner auf einem anderen Datenträger.",
                en="Name a folder on another disk.",
            ),
        )


def _broken_book(said: Mapping[str, str]) -> StateError:
    return StateError(
        "backup.book",
        Text(
            de="Das Buch ist nicht heil und wird so nicht gesichert.",
            en="The book is not sound; it is not backed up so.",
        ),
        why=Text(**said),
        remedy=Text(
            de="stadtbuch book verify sagt, wo; stellen Sie die letzte heile Sicherung her.",
            en="stadtbuch book verify says where; restore the last sound backup.",
        ),
    )
