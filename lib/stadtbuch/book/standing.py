"""
Whether the book is still the one that others hold checkpoints of, or an older copy that was put back.

A restored old book looks sound by itself. It is seen only beside a checkpoint that left the state: on the public pages,
or in somebody's hands. Until somebody has acknowledged the gap, in the book and for everybody to read, nothing is
released: a new edition would be entered where other entries stood before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import checkpoint
from stadtbuch.book.checkpoint import Checkpoint
from stadtbuch.book.ledger import Book
from stadtbuch.errors import Refused, StadtbuchError
from stadtbuch.model.actor import Actor
from stadtbuch.model.entry import Entry
from stadtbuch.texts import Text, text

PUBLISHED = "book/checkpoint.txt"
"""Where the newest checkpoint lies on the public pages."""

ACKNOWLEDGED, RESTORED = "acknowledged", "restored"


@dataclass(frozen=True, slots=True)
class Gap:
    """
    What a book lacks that somebody else has a checkpoint of.

    Attributes
    ----------
    entries, head
        The checkpoint: how many entries there were, and the hash of the last one.
    present
        How many entries the book has.
    """

    entries: int
    head: str
    present: int

    def as_dict(self) -> dict[str, Any]:
        """Give it as the book and JSON write it."""
        return {"entries": self.entries, "head": self.head, "present": self.present}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody said why entries are missing: in which role, when, and the reason."""

    gap: Gap
    role: str
    at: datetime
    reason: Text


def published(public: Path) -> Checkpoint | None:
    """
    Give the newest checkpoint on the public pages; nothing where there is none that can be read.

    Parameters
    ----------
    public
        The folder of the pages. Where its own checkpoint is missing, those of its editions tell.
    """
    newest = _read(public / PUBLISHED)
    if newest is not None or not (public / "reports").is_dir():
        return newest
    found = [_read(path) for path in (public / "reports").rglob("checkpoint.txt")]
    return max((one for one in found if one is not None), key=lambda one: one.size, default=None)


def _read(path: Path) -> Checkpoint | None:
    try:
        return checkpoint.read(path.read_bytes()).checkpoint
    except (OSError, StadtbuchError):
        return None


def stands(*known: Checkpoint | None) -> list[tuple[int, str]]:
    """Give what can be compared with a book of the checkpoints that there are."""
    return [one.stand for one in known if one is not None]


def gap(book: Book, known: Iterable[tuple[int, str]]) -> Gap | None:
    """
    Give what the book lacks of the checkpoints that are known, unless it was acknowledged already.

    Parameters
    ----------
    known
        `Checkpoint.stand` of those from `published` or from somebody; the book itself remembers what a restore met.
    """
    missing = {one for one in (*known, *_remembered(book)) if book.hash_at(one[0]) != one[1]}
    if missing:
        settled = acknowledgements(book.entries(kind=ACKNOWLEDGED))
        missing -= {(one.gap.entries, one.gap.head) for one in settled}
    if not missing:
        return None
    entries, head = max(missing)
    return Gap(entries, head, present=int(book.head()["entries"]))


def _remembered(book: Book) -> Iterator[tuple[int, str]]:
    """Give the checkpoints that were newer than the book when it was restored."""
    for entry in book.entries(kind=RESTORED):
        behind = entry.details.get("behind")
        if isinstance(behind, Mapping):
            yield int(behind["entries"]), str(behind["head"])


def acknowledgements(entries: Iterable[Entry]) -> list[Acknowledgement]:
    """
    Give every gap that somebody has acknowledged.

    Examples
    --------
    >>> acknowledgements([])
    []
    """
    return [
        Acknowledgement(
            Gap(entry.details["entries"], entry.details["head"], entry.details["present"]),
            role=entry.role,
            at=entry.at,
            reason=text(entry.details["reason"]),
        )
        for entry in entries
        if entry.kind == ACKNOWLEDGED
    ]


def acknowledge(book: Book, found: Gap, *, reason: Text, actor: Actor, now: datetime) -> Entry:
    """Enter that the book lacks entries, and why; from then on releases go on."""
    details = {**found.as_dict(), "reason": reason.as_dict()}
    return book.append(ACKNOWLEDGED, subject="book", actor=actor, now=now, details=details)


def require_current(book: Book, public: Path) -> None:
    """
    Refuse to release anything from a book that is older than its last published checkpoint.

    Raises
    ------
    Refused
        ``book.older``.
    """
    found = gap(book, stands(published(public)))
    if found is not None:
        raise older(found)


def older(found: Gap) -> Refused:
    """Say that the book is older than a checkpoint of it."""
    return Refused(
        "book.older",
        Text(
            de=f"Das Buch ist älter als sein letzter Prüfpunkt: Der zählt {found.entries} Einträge, "
            f"das Buch hat {found.present} oder andere.",
            en=f"The book is older than its last checkpoint: that one counts {found.entries} entries, "
            f"the book has {found.present}, or other ones.",
        ),
        why=Text(
            de="Vermutlich kam eine ältere Sicherung zurück. Bis das geklärt ist, wird nichts veröffentlicht.",
            en="Probably an older backup was restored. Until that is settled, nothing is published.",
        ),
        remedy=Text(
            de="Stellen Sie die neueste Sicherung her. Gibt es keine: stadtbuch book acknowledge --reason …",
            en="Restore the newest backup. If there is none: stadtbuch book acknowledge --reason …",
        ),
    )


def keep(folder: Path, note: bytes) -> Path:
    """Keep a copy of a checkpoint that leaves the state; its name is the number of entries."""
    path = folder / f"{checkpoint.read(note).checkpoint.size:09d}.txt"
    with atomic.telling(folder.name):
        folder.mkdir(mode=0o700, exist_ok=True)
        atomic.write(path, note, mode=0o600)
    return path


def sent(folder: Path) -> Checkpoint | None:
    """Give the newest checkpoint that left the state by a command, from the copies that were kept."""
    found = (_read(path) for path in sorted(folder.glob("*.txt"), reverse=True))
    return next((one for one in found if one is not None), None)
