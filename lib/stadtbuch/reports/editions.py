"""
The archive: immutable editions, each in a folder of its own, put there by one rename.

``var/editions/<report>/<cell or _>/<YYYY-MM-DD[.n]>/``. What waits for approval has the same form and lies in
``var/spool/waiting/<report>/<cell or _>/``, one per cell, until somebody decides. ``edition.json`` and the
files it lists never change. ``status.json`` beside it may appear later: it says that an edition was taken out
of public.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import StateError, UsageError
from stadtbuch.model.report import Edition, EditionFile
from stadtbuch.reports.definitions import NO_CELL
from stadtbuch.reports.outputs import encode
from stadtbuch.stamps import Memory
from stadtbuch.state import State
from stadtbuch.texts import Text

EDITION, STATUS, CHECKPOINT = "edition.json", "status.json", "checkpoint.txt"
WITNESSES = (CHECKPOINT, "package/", "ro-crate-metadata.json")
"""How an edition was made: when, with which library, witnessed by whom. New ones alone are nothing to publish."""
NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?")
ID = re.compile(
    r"(?P<report>[a-z][a-z0-9-]*)(?:/(?P<cell>[a-z0-9-]+))?@(?P<edition>\d{4}-\d{2}-\d{2}(?:\.\d+)?)"
)
_BESIDE = ".{}.{}"
"""How a folder is called while it is written (``new``) or removed (``old``)."""
MEDIA = {
    ".ipynb": "application/x-ipynb+json",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".txt": "text/plain",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".whl": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Archived:
    """An edition in the archive: what it says about itself, where it lies, and whether it is public."""

    edition: Edition
    folder: Path
    status: Mapping[str, Any] | None

    @property
    def public(self) -> bool:
        """Whether readers may see it."""
        return self.status is None

    @property
    def content_removed(self) -> bool:
        """Whether its files were removed after a disclosure, or are about to be."""
        return self.status is not None and self.status.get("content") is not None

    @property
    def path(self) -> str:
        """Give its address below the site's root."""
        return "/".join(
            filter(None, ("reports", self.edition.report, self.edition.cell, self.edition.edition))
        )


def order(name: str) -> tuple[date, int]:
    """
    Give the place of an edition's name in time.

    Examples
    --------
    >>> sorted(["2026-01-15.10", "2026-01-15", "2026-01-15.2"], key=order)
    ['2026-01-15', '2026-01-15.2', '2026-01-15.10']
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(name)
    return date.fromisoformat(match[1]), int(match[2] or 1)


def next_name(day: date, taken: Sequence[str]) -> str:
    """
    Name a new edition: the day, and from the second of a day on a number.

    Examples
    --------
    >>> next_name(date(2026, 1, 15), ["2026-01-15", "2026-01-15.2", "2026-01-14"])
    '2026-01-15.3'
    """
    numbers = [order(name)[1] for name in taken if order(name)[0] == day]
    return day.isoformat() if not numbers else f"{day.isoformat()}.{max(numbers) + 1}"


def identify(report: str, cell: str, name: str) -> str:
    """
    Give the id of an edition.

    Examples
    --------
    >>> identify("who-lives-where", "mitte", "2026-01-15"), identify("cycling", "", "2026-01-15.2")
    ('who-lives-where/mitte@2026-01-15', 'cycling@2026-01-15.2')
    """
    return f"{report}/{cell}@{name}" if cell else f"{report}@{name}"


def place(state: State, report: str, cell: str) -> Path:
    """Give the folder that holds the editions of a cell."""
    return state.folder("editions") / report / (cell or NO_CELL)


def waiting_place(state: State, report: str, cell: str) -> Path:
    """Give the folder of the edition of a cell that waits for approval."""
    return state.folder("spool") / "waiting" / report / (cell or NO_CELL)


def names(state: State, report: str, cell: str) -> list[str]:
    """Give the names of a cell's editions, oldest first."""
    folder = place(state, report, cell)
    found = [path.name for path in folder.iterdir() if NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=order)


def read(folder: Path) -> Archived:
    """
    Read an edition from its folder.

    Raises
    ------
    StateError
        ``edition.damaged`` if it cannot be understood.
    """
    try:
        edition = Edition.model_validate_json((folder / EDITION).read_bytes())
        status = json.loads((folder / STATUS).read_bytes()) if (folder / STATUS).exists() else None
    except (OSError, ValueError):
        raise damaged(folder) from None
    return Archived(edition=edition, folder=folder, status=status)


def latest(state: State, report: str, cell: str) -> Archived | None:
    """Give the newest edition of a cell, public or not."""
    found = names(state, report, cell)
    return read(place(state, report, cell) / found[-1]) if found else None


def waiting(state: State, report: str, cell: str) -> Archived | None:
    """Give the edition of a cell that waits for approval."""
    folder = waiting_place(state, report, cell)
    return read(folder) if (folder / EDITION).exists() else None


def withheld_like(state: State, made: Edition) -> Archived | None:
    """Give the newest edition of the same cell and with the same files that was taken out of public."""
    folder = place(state, made.report, made.cell)
    found = (read(folder / name) for name in reversed(names(state, made.report, made.cell)))
    return next((one for one in found if not one.public and same(one.edition, made)), None)


def history(state: State, report: str | None = None) -> Iterator[Archived]:
    """Give all editions in the archive, by report, cell and time."""
    return map(read, folders(state, report))


def folders(state: State, report: str | None = None) -> Iterator[Path]:
    """Give the folders of all editions in the archive, by report, cell and time, readable or not."""
    root = state.folder("editions")
    for cells in sorted(root.iterdir()) if root.is_dir() else []:
        if cells.is_dir() and report in (None, cells.name):
            for cell in sorted(path.name for path in cells.iterdir() if path.is_dir()):
                found = "" if cell == NO_CELL else cell
                yield from (cells / cell / name for name in names(state, cells.name, found))


def all_waiting(state: State, report: str | None = None) -> Iterator[Archived]:
    """Give all editions that wait for approval, by report and cell."""
    root = state.folder("spool") / "waiting"
    for path in sorted(root.glob(f"*/*/{EDITION}")):
        hidden = path.parent.name.startswith(".")  # being written or removed
        if not hidden and report in (None, path.parent.parent.name):
            yield read(path.parent)


def find(state: State, id: str) -> Archived:
    """
    Give the edition of an id.

    Raises
    ------
    UsageError
        ``edition.unknown`` if the id has another form or names nothing.
    """
    match = ID.fullmatch(id)
    folder = place(state, match["report"], match["cell"] or "") / match["edition"] if match else None
    if folder is None or not (folder / EDITION).exists():
        raise _unknown()
    return read(folder)


def describe(files: Mapping[str, bytes]) -> tuple[EditionFile, ...]:
    """
    List files with hash, size and type, by path.

    Examples
    --------
    >>> describe({"data/a.csv": b"x"})[0].media_type
    'text/csv'
    """
    return tuple(
        EditionFile(
            path=path,
            sha256=atomic.digest(data),
            bytes=len(data),
            media_type=media_type(path),
        )
        for path, data in sorted(files.items())
    )


def media_type(path: str) -> str:
    """Give the media type of a file by its ending."""
    return MEDIA.get(Path(path).suffix, "application/octet-stream")


def same(one: Edition, other: Edition) -> bool:
    """
    Tell whether two editions say the same: then there is nothing new to publish.

    How they were made does not count: a newer library that gives the same bytes is no news for readers, and the
    older edition's package still computes what it shows.
    """
    return _said(one) == _said(other)


def _said(edition: Edition) -> set[tuple[str, str]]:
    return {(file.path, file.sha256) for file in edition.files if not file.path.startswith(WITNESSES)}


def lay(folder: Path, edition: Edition, files: Mapping[str, bytes]) -> None:
    """
    Put an edition into a folder: written beside its place, flushed, then renamed in one step.

    Raises
    ------
    StateError
        ``edition.exists``: an edition that is in the archive never changes.
    """
    switch(stage(folder, edition, files), folder)


def stage(folder: Path, edition: Edition, files: Mapping[str, bytes]) -> Path:
    """
    Write a whole edition beside its place, down to the disk; `switch` shows it.

    Raises
    ------
    StateError
        ``edition.exists``.
    """
    if folder.exists():
        raise _exists(edition)
    with atomic.telling("var/editions"):
        return _written(folder, edition, files)


def stage_waiting(folder: Path, edition: Edition, files: Mapping[str, bytes]) -> Path:
    """Write an edition beside the place where it will wait, in the place of an earlier one."""
    with atomic.telling("var/spool"):
        return _written(folder, edition, files)


def switch(staged: Path, folder: Path) -> None:
    """Give a staged edition its name in one step; what waited there before goes first."""
    with atomic.telling("var/editions"):
        if folder.exists():
            remove(folder)
        staged.rename(folder)
        atomic.sync_folder(folder.parent)


def staged(state: State) -> Iterator[tuple[Path, Path]]:
    """Give the folders in which editions were being written, each with the place that it is for."""
    for path in _beside(state, "new"):
        yield path, path.with_name(path.name.removeprefix(".").removesuffix(".new"))


def removed(state: State) -> Iterator[Path]:
    """Give the folders that were being removed."""
    return _beside(state, "old")


def _beside(state: State, word: str) -> Iterator[Path]:
    """Find what stands beside places in the archive, and beside those where editions wait."""
    pattern = _BESIDE.format("*", word)
    yield from sorted(state.folder("editions").glob(f"*/*/{pattern}"))
    yield from sorted((state.folder("spool") / "waiting").glob(f"*/{pattern}"))


def _written(folder: Path, edition: Edition, files: Mapping[str, bytes]) -> Path:
    """Write a whole edition beside its place; what an interrupted command left there goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.parent / _BESIDE.format(folder.name, "new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    for path, data in files.items():
        (building / path).parent.mkdir(parents=True, exist_ok=True)
        atomic.write(building / path, data)
    atomic.write(building / EDITION, edition_bytes(edition))
    for made in (building, *folder.parents[:3]):  # the folders may be as new as what is in them
        atomic.sync_folder(made)
    return building


def remove(folder: Path) -> None:
    """
    Take away an edition that waited: renamed first, so that nobody sees half of it.

    Raises
    ------
    StateError
        If the disk does not let it go; then the next command takes away what is left.
    """
    old = folder.parent / _BESIDE.format(folder.name, "old")
    with atomic.telling("var/spool"):
        atomic.remove_folder(old)
        folder.rename(old)
        atomic.remove_folder(old)


def edition_bytes(edition: Edition) -> bytes:
    """Write an edition's description in one stable form."""
    return encode(edition.model_dump(mode="json", by_alias=True))


def withhold(archived: Archived, *, reason: Text, role: str, now: datetime) -> None:
    """Note that an edition is taken out of public; the edition itself stays as it is."""
    status = {"status": "withheld", "reason": reason.as_dict(), "role": role, "at": now.isoformat()}
    atomic.write(archived.folder / STATUS, encode(status))


def damaged_files(archived: Archived, *, memory: Memory | None = None) -> list[str]:
    """Name the files of an edition that are not what its description says."""
    return [
        file.path
        for file in archived.edition.files
        if _digest(archived.folder / file.path, memory) != file.sha256
    ]


def _digest(path: Path, memory: Memory | None) -> str:
    """Give a file's SHA-256; nothing if it is gone or the disk does not give it."""
    try:
        return memory.digest(path) if memory else atomic.digest(path.read_bytes())
    except OSError:
        return ""


def damaged(folder: Path) -> StateError:
    """Say that an edition is not what its description says."""
    name = "/".join(folder.parts[-3:])
    return StateError(
        "edition.damaged",
        Text(de=f"Die Ausgabe {name} ist beschädigt.", en=f"The edition {name} is damaged."),
        remedy=Text(de="Stellen Sie sie aus der Sicherung her.", en="Restore it from the backup."),
    )


def _exists(edition: Edition) -> StateError:
    return StateError(
        "edition.exists",
        Text(de=f"{edition.id} liegt schon im Archiv.", en=f"{edition.id} is in the archive already."),
        why=Text(de="Eine Ausgabe ändert sich nie.", en="An edition never changes."),
        remedy=Text(de="Bauen Sie noch einmal.", en="Build once more."),
    )


def _unknown() -> UsageError:
    return UsageError(
        "edition.unknown",
        Text(de="Es gibt keine Ausgabe mit dieser Kennung.", en="There is no edition of this id."),
        why=Text(
            de="Eine Kennung sieht so aus: wer-wohnt-wo/mitte@2026-01-15.",
            en="An id looks like this: who-lives-where/mitte@2026-01-15.",
        ),
        remedy=Text(
            de="„stadtbuch report history“ zeigt alle Ausgaben.",
            en='"stadtbuch report history" shows all editions.',
        ),
    )
