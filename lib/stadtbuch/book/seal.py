"""
The seal of a book: the key that signs its checkpoints, the history of the keys before, rotation and loss.

The history stands in the book itself. Each new key is signed by the one before; where that one is lost, the entry says
so and why, and no signature is claimed. Private keys lie with the other keys of the state and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from stadtbuch.book import checkpoint, merkle
from stadtbuch.book.checkpoint import Checkpoint, PublicKey
from stadtbuch.book.ledger import START, Book, leaf_of
from stadtbuch.errors import Refused, StateError
from stadtbuch.model.entry import Entry
from stadtbuch.texts import Text, instant, text

if TYPE_CHECKING:
    from stadtbuch.model.actor import Actor
    from stadtbuch.settings import Settings

KIND = "signing-key"
TEST = "/test"
"""Ends the name of a key that was made for a synthetic city; each of its checkpoints shows it in its first line."""


class Keyring(Protocol):
    """Where private keys lie."""

    def key(self, name: str) -> bytes:
        """Give the 32 bytes of a key; made at first use."""

    def has_key(self, name: str) -> bool:
        """Tell whether there is a key of this name."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """
    One key in the history of a book's seal.

    Attributes
    ----------
    number
        Its place in the history, from 1; the private half is the state's key ``book-<number>``.
    until
        When the next one took its place; None for the one in use.
    lost
        Why the key before could not sign this one; None if it did, or if this is the first.
    sound
        Whether the key before signed it, where it should have.
    """

    number: int
    public: PublicKey
    since: datetime
    entry: int
    until: datetime | None = None
    lost: Text | None = None
    sound: bool = True

    @property
    def name(self) -> str:
        """Give the name of the private half."""
        return f"book-{self.number}"

    @property
    def test(self) -> bool:
        """Whether it was made for a synthetic city."""
        return self.public.name.endswith(TEST)

    def as_dict(self) -> dict[str, Any]:
        """Give what the public may know of it: everything."""
        return {
            "number": self.number,
            "key": self.public.written,
            "since": instant(self.since),
            "until": instant(self.until) if self.until else None,
            "test": self.test,
            "signed_by_the_one_before": self.number > 1 and self.lost is None and self.sound,
            "one_before_lost": self.lost.as_dict() if self.lost else None,
        }


def history(entries: Iterable[Entry]) -> list[SealKey]:
    """
    Give the keys of a book from the first to the one in use, from its entries of the kind ``signing-key``.

    Examples
    --------
    >>> history([])
    []
    """
    keys: list[SealKey] = []
    for entry in entries:
        if entry.kind != KIND:
            continue
        made = _key(entry, before=keys[-1] if keys else None)
        if keys and made.public == keys[-1].public:
            continue  # two commands made the first entry at once
        if keys:
            keys[-1] = replace(keys[-1], until=entry.at)
        keys.append(made)
    return keys


def _key(entry: Entry, *, before: SealKey | None) -> SealKey:
    told = entry.details
    public = PublicKey.parse(str(told["key"]))
    lost = text(told["lost"]) if told.get("lost") else None
    number = before.number + 1 if before else 1
    signature = bytes.fromhex(told.get("signature") or "")
    due = before is not None and lost is None
    sound = not due or (
        before is not None and before.public.holds(signature, _statement(before.public, public, entry.at))
    )
    return SealKey(number, public, entry.at, entry.number, lost=lost, sound=sound)


def book_of(one: Checkpoint) -> str:
    """Say whose book a checkpoint is of, whether a key for tests signed it or a real one."""
    return one.origin.removesuffix(TEST)


def _statement(old: PublicKey, new: PublicKey, at: datetime) -> bytes:
    """Give what the old key signs: that the new one takes its place, and when."""
    return f"stadtbuch: new signing key\n{old.written}\n{new.written}\n{instant(at)}\n".encode()


@dataclass(frozen=True, slots=True)
class Seal:
    """
    The seal of a city's book.

    Attributes
    ----------
    keyring
        Where the private keys lie.
    origin
        Whose book: ``stadtbuch/`` and the city's official key.
    synthetic
        Whether the first key is marked as one for tests.
    """

    book: Book
    keyring: Keyring
    origin: str
    synthetic: bool = False

    @classmethod
    def of(cls, book: Book, keyring: Keyring, settings: Settings) -> Seal:
        """Give the seal of the city with these settings."""
        city = settings.city
        key = re.sub(r"[^a-z0-9.-]", "-", city.key.lower())
        return cls(book, keyring, origin=f"stadtbuch/{key}", synthetic=city.synthetic)

    def history(self) -> list[SealKey]:
        """Give all keys, the one in use last."""
        return history(self.book.entries(kind=KIND))

    def keys(self) -> list[PublicKey]:
        """Give the public keys, the one in use last."""
        return [one.public for one in self.history()]

    def sign(self, *, actor: Actor, now: datetime) -> bytes:
        """
        Sign the book as it stands now; the first time, this makes the key and its entry.

        Returns
        -------
        bytes
            The checkpoint as a file.

        Raises
        ------
        StateError
            ``book.key-lost`` if the private half of the key in use is not there.
        """
        current = self._current() or self._first(actor=actor, now=now, test=self.synthetic)
        top = self.book.summit()
        made = Checkpoint(
            current.public.name, top["entries"], bytes.fromhex(top["root"]), now, head=str(top["head"])
        )
        return checkpoint.issue(made, seed=self._seed(current))

    def rotate(self, *, actor: Actor, now: datetime) -> SealKey:
        """
        Put a new key in the place of the one in use, which signs it.

        Raises
        ------
        StateError
            ``book.key-lost``.
        """
        current = self._current()
        if current is None:
            return self._first(actor=actor, now=now, test=False)
        seed, new = self._seed(current), self._made(current.number + 1, test=False)
        signature = checkpoint.sign(_statement(current.public, new, now), seed=seed)
        return self._append({"key": new.written, "signature": signature.hex()}, actor=actor, now=now)

    def replace_lost(self, reason: Text, *, actor: Actor, now: datetime) -> SealKey:
        """
        Put a new key in the place of one that is lost or was stolen; nobody signs it, and the entry says why.

        Raises
        ------
        Refused
            ``book.no-key`` if there was none.
        """
        current = self._current()
        if current is None:
            raise _no_key()
        new = self._made(current.number + 1, test=False)
        return self._append({"key": new.written, "lost": reason.as_dict()}, actor=actor, now=now)

    def is_whole(self) -> bool:
        """Tell whether the private half of the key in use is there, or no key was ever made."""
        current = self._current()
        return current is None or self._holds(current)

    def _current(self) -> SealKey | None:
        found = self.history()
        return found[-1] if found else None

    def _holds(self, one: SealKey) -> bool:
        if not self.keyring.has_key(one.name):
            return False
        return checkpoint.public_of(self.keyring.key(one.name), name=one.public.name) == one.public

    def _seed(self, one: SealKey) -> bytes:
        if not self._holds(one):
            raise _lost_key(one)
        return self.keyring.key(one.name)

    def _first(self, *, actor: Actor, now: datetime, test: bool) -> SealKey:
        return self._append({"key": self._made(1, test=test).written}, actor=actor, now=now)

    def _made(self, number: int, *, test: bool) -> PublicKey:
        """Make a key, or take the one that an interrupted command has made for this place."""
        name = self.origin + TEST if test else self.origin
        return checkpoint.public_of(self.keyring.key(f"book-{number}"), name=name)

    def _append(self, details: Mapping[str, Any], *, actor: Actor, now: datetime) -> SealKey:
        self.book.append(KIND, subject="book", actor=actor, now=now, details=details)
        return self.history()[-1]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """
    What a book is to somebody who holds an earlier checkpoint of it.

    Attributes
    ----------
    problem
        ``truncated`` or ``rewritten``; None if the book still begins with everything the checkpoint stands for.
    """

    entries: int
    problem: str | None


def witness(book: Book, earlier: Checkpoint) -> Witnessed:
    """
    Compare a book with an earlier checkpoint: all that it stood for must still be there, unchanged.

    Only the hashes of the entries are compared; that each fits its entry says `Book.verify`.
    """
    hashes = book.hashes()
    if len(hashes) < earlier.size:
        return Witnessed(len(hashes), "truncated")
    found = merkle.root(leaf_of(one) for one in hashes[: earlier.size])
    head = hashes[earlier.size - 1] if earlier.size else START
    fits = (found, head) == (earlier.root, earlier.head)
    return Witnessed(len(hashes), None if fits else "rewritten")


def _lost_key(one: SealKey) -> StateError:
    return StateError(
        "book.key-lost",
        Text(
            de=f"Der private Teil des Schlüssels {one.number}, der das Buch unterschreibt, ist nicht da.",
            en=f"The private half of key {one.number}, which signs the book, is not there.",
        ),
        why=Text(
            de="Ohne Unterschrift gibt es keinen Prüfpunkt, und ohne Prüfpunkt keine neue Ausgabe.",
            en="Without a signature there is no checkpoint, and without a checkpoint no new edition.",
        ),
        remedy=Text(
            de=f"Legen Sie var/keys/{one.name}.key aus Ihrer Ablage zurück. Ist er verloren: "
            "stadtbuch book key rotate --lost --reason-de … --reason-en …",
            en=f"Put var/keys/{one.name}.key back from where you keep it. If it is lost: "
            "stadtbuch book key rotate --lost --reason-de … --reason-en …",
        ),
    )


def _no_key() -> Refused:
    return Refused(
        "book.no-key",
        Text(
            de="Es gibt noch keinen Schlüssel, der verloren sein könnte.",
            en="There is no key yet that could be lost.",
        ),
        remedy=Text(
            de="stadtbuch book checkpoint legt den ersten an.",
            en="stadtbuch book checkpoint makes the first one.",
        ),
    )
