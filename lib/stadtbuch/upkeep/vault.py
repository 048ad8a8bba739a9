"""
A folder of backups: every content once, by its SHA-256, and one list per backup that says what lay where.

``objects/ab/cdef…`` holds contents, ``backups/<time>.json`` the lists. A list names its own checksum, each content is
named by its own: a damaged byte is an error with the name of the file, never a wrong state.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book.ledger import canonical
from stadtbuch.errors import Problem, StateError, UsageError
from stadtbuch.texts import Text, instant

FORMAT = 1
MARK = "stadtbuch-backup.json"
_ABOUT = {
    "about": "Backups of a Stadtbuch: objects/ holds contents by SHA-256, backups/ one list per backup. "
    "It holds closed data of the city: protect it as you protect those.",
    "restore": "stadtbuch restore THIS-FOLDER",
}
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(?:-\d+)?")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Listing:
    """
    The list of one backup.

    Attributes
    ----------
    told
        Its content: city, versions, ``book``, ``keys``, ``folders``, ``files``.
    """

    name: str
    told: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Give path below the state folder -> ``sha256``, ``bytes``, ``mode``, ``mtime``."""
        return dict(self.told["files"])

    @property
    def digest(self) -> str:
        """Give the checksum of the whole list."""
        return str(self.told["sha256"])

    @property
    def made(self) -> datetime:
        """Give when it was made."""
        return datetime.fromisoformat(self.told["made"])

    @property
    def bytes(self) -> int:
        """Give the size of everything in it."""
        return sum(int(one["bytes"]) for one in self.files.values())


@dataclass(frozen=True, slots=True)
class Vault:
    """A folder of backups."""

    root: Path

    def open(self) -> None:
        """
        Lay the folder out, or find that it is one.

        Raises
        ------
        UsageError
            ``backup.not-ours`` if it holds something else.
        StateError
            If it cannot be written.
        """
        with atomic.telling(self.root.name):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.root / MARK).exists():
                if any(self.root.iterdir()):
                    raise _not_ours(self.root)
                atomic.write(self.root / MARK, (json.dumps(_ABOUT, indent=1) + "\n").encode(), mode=0o600)
            for name in ("objects", "backups"):
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
            self._sweep()

    def _sweep(self) -> None:
        """Remove what an interrupted backup left under temporary names."""
        for path in (self.root / "objects").glob("*/.*"):
            path.unlink(missing_ok=True)
        for path in (self.root / "objects").glob(".*"):
            path.unlink(missing_ok=True)

    def put(self, source: Path) -> tuple[str, int, bool]:
        """
        Take a file in, read it back, and give its digest, its size and whether it was new.

        A content that is there already is read, too: what a disk has spoilt since is written anew.
        """
        with atomic.telling(self.root.name):
            known = _digest(source)
            if self._has(known):
                return known, source.stat().st_size, False
            temporary = self.root / "objects" / f".incoming-{os.getpid()}"
            digest, size = _copy(source, temporary)  # should it have changed since, this is what counts
            target = self.path(digest)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            temporary.replace(target)
            atomic.sync_folder(target.parent)
            if _digest(target) != digest:
                raise damaged([_spoilt(source.name)])
        return digest, size, True

    def _has(self, digest: str) -> bool:
        """Tell whether a content is there and sound."""
        path = self.path(digest)
        return path.is_file() and _digest(path) == digest

    def path(self, digest: str) -> Path:
        """Give the place of a content."""
        return self.root / "objects" / digest[:2] / digest[2:]

    def write(self, told: Mapping[str, Any], *, now: datetime) -> Listing:
        """Write the list of a backup; from then on it exists."""
        content = {"format": FORMAT, "made": instant(now), **told}
        content["sha256"] = sha256(canonical(content).encode()).hexdigest()
        name = self._free_name(now)
        with atomic.telling(self.root.name):
            data = (json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True) + "\n").encode()
            atomic.write(self.root / "backups" / f"{name}.json", data, mode=0o600)
        return Listing(name, content)

    def _free_name(self, now: datetime) -> str:
        name = instant(now.replace(microsecond=0)).replace(":", "")
        taken = set(self.names())
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
        return next(one for one in (name, *numbered) if one not in taken)

    def names(self) -> list[str]:
        """Give the names of the backups, the oldest first."""
        found = (path.stem for path in (self.root / "backups").glob("*.json"))
        return sorted((one for one in found if _NAME.fullmatch(one)), key=_order)

    def read(self, name: str | None = None) -> Listing:
        """
        Read the list of a backup; without a name the newest.

        Raises
        ------
        UsageError
            ``backup.none`` if there is none of this name.
        StateError
            ``backup.damaged`` if the list is not what was written; ``backup.too-new``.
        """
        names = self.names()
        chosen = name or (names[-1] if names else None)
        if chosen is None or chosen not in names:
            raise _none(names)
        path = self.root / "backups" / f"{chosen}.json"
        try:
            told = json.loads(path.read_bytes())
            expected = sha256(
                canonical({key: told[key] for key in told if key != "sha256"}).encode()
            ).hexdigest()
            sound = told["sha256"] == expected
        except (OSError, ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise damaged([_spoilt(f"backups/{chosen}.json")])
        if told["format"] > FORMAT:
            raise _too_new()
        return Listing(chosen, told)

    def keep(self, number: int) -> list[str]:
        """
        Delete all backups but the newest, and every content that none of those names any more.

        Parameters
        ----------
        number
            How many stay, at least 1.

        Returns
        -------
        list of str
            The names of those that went.
        """
        gone = self.names()[: -max(1, number)]
        stay = [self.read(name) for name in self.names() if name not in gone]
        needed = {str(one["sha256"]) for listing in stay for one in listing.files.values()}
        with atomic.telling(self.root.name):
            for name in gone:
                (self.root / "backups" / f"{name}.json").unlink()
            for path in (self.root / "objects").glob("??/*"):
                if path.parent.name + path.name not in needed:
                    path.unlink()
        return gone

    def take(self, listing: Listing, target: Path, tell: Callable[[int, int], None]) -> None:
        """
        Lay everything of a backup into an empty folder, flushed to the disk.

        Parameters
        ----------
        tell
            Gets how many files of how many are done.

        Raises
        ------
        StateError
            ``backup.damaged``, with every file that is missing or is not what it was.
        """
        problems = []
        for folder in listing.told["folders"]:
            (target / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for number, (name, one) in enumerate(sorted(listing.files.items()), 1):
            place = _inside(target, name)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._give(one, place):
                problems.append(_spoilt(name))
            tell(number, len(listing.files))
        if problems:
            raise damaged(problems)

    def _give(self, one: Mapping[str, Any], place: Path) -> bool:
        """Copy one content to its place; tell whether it is what it was."""
        source = self.path(str(one["sha256"]))
        if not source.is_file():
            return False
        digest, _ = _copy(source, place)
        place.chmod(int(one["mode"]))
        os.utime(place, (int(one["mtime"]), int(one["mtime"])))
        return digest == one["sha256"]


def _order(name: str) -> tuple[str, int]:
    moment, _, number = name.partition("Z")
    return moment, int(number.removeprefix("-") or 1)


def _inside(target: Path, name: str) -> Path:
    """Give a place below a folder; a list that leads out of it is not ours."""
    place = target / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise damaged([_spoilt("backups")])
    return place


def _copy(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file, flushed to the disk; give digest and size of what was read."""
    hashed, size = sha256(), 0
    with source.open("rb") as reading, target.open("wb") as writing:
        target.chmod(0o600)
        while block := reading.read(_BLOCK):
            hashed.update(block)
            size += len(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    return hashed.hexdigest(), size


def _digest(path: Path) -> str:
    hashed = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def _spoilt(name: str) -> Problem:
    return Problem(
        file=name,
        line=None,
        path="",
        what=Text(
            de="fehlt oder ist nicht mehr, was gesichert wurde",
            en="is missing or not what was saved any more",
        ),
        code="backup.damaged",
    )


def damaged(problems: list[Problem]) -> StateError:
    """Say which files of a backup are damaged."""
    return StateError(
        "backup.damaged",
        Text(de="Die Sicherung ist beschädigt.", en="The backup is damaged."),
        problems=problems,
        why=Text(
            de="Ein Inhalt passt nicht zu seiner Prüfsumme. Es wurde nichts geändert.",
            en="A content does not fit its checksum. Nothing was changed.",
        ),
        remedy=Text(
            de="Nehmen Sie eine andere Sicherung oder eine Kopie davon, und prüfen Sie den Datenträger.",
            en="Take another backup or a copy of this one, and check the disk.",
        ),
    )


def free(root: Path) -> int:
    """Give the bytes that are free where a folder lies or will lie."""
    there = next(one for one in (root, *root.parents) if one.exists())
    return shutil.disk_usage(there).free


def _not_ours(root: Path) -> UsageError:
    return UsageError(
        "backup.not-ours",
        Text(
            de=f"In {root.name} liegt etwas anderes als Sicherungen.",
            en=f"{root.name} holds something else than backups.",
        ),
        remedy=Text(de="Nennen Sie einen leeren Ordner.", en="Name an empty folder."),
    )


def _none(names: list[str]) -> UsageError:
    known = ", ".join(names[-5:]) or "–"
    return UsageError(
        "backup.none",
        Text(de="Eine solche Sicherung gibt es dort nicht.", en="There is no such backup."),
        why=Text(de=f"Die letzten sind: {known}.", en=f"The last ones are: {known}."),
        remedy=Text(
            de="Nennen Sie den Ordner, den stadtbuch backup beschrieben hat.",
            en="Name the folder that stadtbuch backup has written.",
        ),
    )


def _too_new() -> StateError:
    return StateError(
        "backup.too-new",
        Text(
            de="Die Sicherung wurde von einem neueren Stadtbuch geschrieben.",
            en="The backup was written by a newer Stadtbuch.",
        ),
        remedy=Text(
            de="Nehmen Sie das neuere Stadtbuch. Es wurde nichts geändert.",
            en="Use the newer Stadtbuch. Nothing was changed.",
        ),
    )
