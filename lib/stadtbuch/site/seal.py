"""
What the public needs to hold the book to its word: the newest checkpoint, the history of its keys, gaps that were
acknowledged; and a page that explains them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch.book import checkpoint, standing
from stadtbuch.book.seal import SealKey
from stadtbuch.book.standing import PUBLISHED, Acknowledgement
from stadtbuch.errors import StadtbuchError

if TYPE_CHECKING:
    from stadtbuch.session.city import City

FOLDER, KEYS = "book", "book/keys.json"


@dataclass(frozen=True, slots=True)
class PublicSeal:
    """
    What is told of the book.

    Attributes
    ----------
    note
        The newest checkpoint, as a file.
    keys
        All keys, the one in use last.
    gaps
        What the book lacks, with reason.
    """

    note: bytes
    keys: tuple[SealKey, ...]
    gaps: tuple[Acknowledgement, ...] = ()


def gather(city: City, public: Path, *, now: datetime) -> PublicSeal | None:
    """
    Sign the book for the public; nothing as long as no edition was ever signed.

    The checkpoint that is public already stays as long as the book and the key are the same: an unchanged site stays
    unchanged to the last byte.

    Raises
    ------
    StateError
        ``book.key-lost``.
    """
    keys = tuple(city.seal.history())
    if not keys:
        return None
    note = _standing_note(city, public, keys[-1]) or city.seal.sign(actor=city.actor, now=now)
    gaps = standing.acknowledgements(city.book.entries(kind=standing.ACKNOWLEDGED))
    return PublicSeal(note, keys, tuple(gaps))


def _standing_note(city: City, public: Path, key: SealKey) -> bytes | None:
    """Give the checkpoint that is public, if it still says how the book stands."""
    try:
        file = (public / PUBLISHED).read_bytes()
        note = checkpoint.read(file)
        note.signed_by([key.public])
    except (OSError, StadtbuchError):
        return None
    told, head = note.checkpoint, city.book.head()
    return file if (told.size, told.head) == (head["entries"], head["head"]) else None


def files(seal: PublicSeal | None) -> dict[str, bytes]:
    """Give the files for programs: the checkpoint, and the keys with their history."""
    if seal is None:
        return {}
    told = {
        "about": "Keys that sign the checkpoints of the book, oldest first. Form of a key: C2SP signed-note.",
        "keys": [one.as_dict() for one in seal.keys],
    }
    return {PUBLISHED: seal.note, KEYS: (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()}


def page(seal: PublicSeal) -> dict[str, Any]:
    """Give what the page about the book shows."""
    return {"keys": list(reversed(seal.keys)), "gaps": seal.gaps}
