"""
A checkpoint: how long the book is and the one hash that stands for all its entries, signed.

The form is that of a transparency log's checkpoint in a signed note (C2SP tlog-checkpoint and signed-note): lines for
people, readable by other programs that know the form. Nothing here reads a disk or a clock::

    stadtbuch/990010000000
    1204
    <root of the Merkle tree, base64>
    time 2026-01-15T08:00:00Z
    head <hash of the last entry>

    — stadtbuch/990010000000 <four bytes that name the key, and the Ed25519 signature, base64>
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from stadtbuch.errors import Refused
from stadtbuch.texts import Text, instant

SEED_BYTES = PUBLIC_BYTES = 32
LARGEST = 10_000
"""Bytes of a checkpoint file; a real one has about 300."""

_ED25519 = b"\x01"  # the kind of key in a signed note
_FORM = re.compile(
    r"(?P<origin>[a-z0-9][a-z0-9./-]{0,99})\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<time>[0-9T:.-]{19,26}Z)\nhead (?P<head>[0-9a-f]{64})\n"
    r"\n— (?P<name>[a-z0-9][a-z0-9./-]{0,99}) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)
_KEY = re.compile(r"(?P<name>[a-z0-9][a-z0-9./-]{0,99})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """
    The state of a book at one moment.

    Attributes
    ----------
    origin
        Whose book: ``stadtbuch/`` and the city's official key.
    size
        The number of entries.
    root
        Of the Merkle tree over their hashes, 32 bytes.
    head
        The hash of the last entry, hexadecimal.
    """

    origin: str
    size: int
    root: bytes
    at: datetime
    head: str

    @property
    def stand(self) -> tuple[int, str]:
        """Give what can be compared with a book at once: the number of entries and the hash of the last."""
        return self.size, self.head

    @property
    def body(self) -> bytes:
        """Give the bytes that are signed."""
        lines = (
            self.origin,
            str(self.size),
            base64.b64encode(self.root).decode(),
            f"time {instant(self.at)}",
            f"head {self.head}",
        )
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    What somebody needs to check a signature.

    Attributes
    ----------
    name
        Whose key it is: the origin of the checkpoints.
    key
        Ed25519, 32 bytes.

    Examples
    --------
    >>> one = PublicKey("stadtbuch/990010000000", bytes(32))
    >>> PublicKey.parse(one.written) == one
    True
    """

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        """Give the four bytes that name the key in a signature."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    @property
    def written(self) -> str:
        """Give the key as one line, as signed notes write it."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, line: str) -> PublicKey:
        """
        Read what `written` gives.

        Raises
        ------
        Refused
            ``checkpoint.key-unreadable``.
        """
        match = _KEY.fullmatch(line.strip())
        content = base64.b64decode(match["key"]) if match else b""
        if match is None or content[:1] != _ED25519 or len(content) != 1 + PUBLIC_BYTES:
            raise _unreadable_key()
        found = cls(match["name"], content[1:])
        if found.written != line.strip():
            raise _unreadable_key()
        return found

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Tell whether a signature of a message was made with the private half of this key."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - start-up time
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - start-up time

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def public_of(seed: bytes, *, name: str) -> PublicKey:
    """
    Give the public half of a key.

    Parameters
    ----------
    seed
        The private half, 32 random bytes.
    name
        Whose key it is.
    """
    return PublicKey(name, _private(seed).public_key().public_bytes_raw())


def sign(message: bytes, *, seed: bytes) -> bytes:
    """Sign a message with Ed25519 (RFC 8032): 64 bytes, the same for the same message and key."""
    return _private(seed).sign(message)  # type: ignore[no-any-return]


def _private(seed: bytes) -> "ed25519.Ed25519PrivateKey":  # type: ignore[name-defined] # noqa: F821, UP037
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - start-up time

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signature, not checked yet."""

    checkpoint: Checkpoint
    name: str
    key_id: bytes
    signature: bytes

    @property
    def written(self) -> bytes:
        """Give the file."""
        told = base64.b64encode(self.key_id + self.signature).decode()
        return self.checkpoint.body + f"\n— {self.name} {told}\n".encode()

    def signed_by(self, keys: Iterable[PublicKey]) -> PublicKey:
        """
        Give the key that signed it.

        Raises
        ------
        Refused
            ``checkpoint.unknown-key`` if none of these keys is named by the signature;
            ``checkpoint.forged`` if the signature is not of this text.
        """
        named = [one for one in keys if one.id == self.key_id and one.name == self.name]
        if not named or self.name != self.checkpoint.origin:
            raise _unknown_key()
        for one in named:
            if one.holds(self.signature, self.checkpoint.body):
                return one
        raise _forged()


def issue(checkpoint: Checkpoint, *, seed: bytes) -> bytes:
    """
    Sign a checkpoint and give it as a file.

    Examples
    --------
    >>> from datetime import UTC
    >>> made = Checkpoint("stadtbuch/990010000000", 0, bytes(32), datetime(2026, 1, 15, tzinfo=UTC), "0" * 64)
    >>> file = issue(made, seed=bytes(range(32)))
    >>> read(file).signed_by([public_of(bytes(range(32)), name=made.origin)]).name
    'stadtbuch/990010000000'
    """
    public = public_of(seed, name=checkpoint.origin)
    return Note(checkpoint, public.name, public.id, sign(checkpoint.body, seed=seed)).written


def read(file: bytes) -> Note:
    """
    Read a checkpoint; whatever differs from the one form in which it is written is refused.

    Raises
    ------
    Refused
        ``checkpoint.unreadable``.
    """
    try:
        match = _FORM.fullmatch(file[:LARGEST].decode("utf-8"))
        note = _note(match) if match else None
    except (UnicodeDecodeError, binascii.Error, ValueError):
        note = None
    if note is None or note.written != file:
        raise _unreadable()
    return note


def _note(match: re.Match[str]) -> Note:
    signed = base64.b64decode(match["signature"], validate=True)
    checkpoint = Checkpoint(
        origin=match["origin"],
        size=int(match["size"]),
        root=base64.b64decode(match["root"], validate=True),
        at=datetime.fromisoformat(match["time"]),
        head=match["head"],
    )
    return Note(checkpoint, match["name"], signed[:4], signed[4:])


def _unreadable() -> Refused:
    return Refused(
        "checkpoint.unreadable",
        Text(
            de="Das ist kein Prüfpunkt, oder er ist beschädigt.",
            en="This is no checkpoint, or a damaged one.",
        ),
        remedy=Text(
            de="Nehmen Sie die Datei genau so, wie sie geschrieben wurde, ohne ein Zeichen zu ändern.",
            en="Take the file exactly as it was written, without changing a character.",
        ),
    )


def _unreadable_key() -> Refused:
    return Refused(
        "checkpoint.key-unreadable",
        Text(de="Das ist kein öffentlicher Schlüssel.", en="This is no public key."),
        why=Text(
            de="Eine Zeile sieht so aus: stadtbuch/990010000000+1a2b3c4d+AX…",
            en="A line looks like this: stadtbuch/990010000000+1a2b3c4d+AX…",
        ),
        remedy=Text(
            de="Nehmen Sie book/keys.json von den öffentlichen Seiten oder eine Zeile daraus.",
            en="Take book/keys.json from the public pages, or a line of it.",
        ),
    )


def _unknown_key() -> Refused:
    return Refused(
        "checkpoint.unknown-key",
        Text(
            de="Der Prüfpunkt ist mit keinem der bekannten Schlüssel unterschrieben.",
            en="The checkpoint is signed by none of the known keys.",
        ),
        remedy=Text(
            de="Prüfen Sie, ob er aus dieser Stadt ist, und nennen Sie mit --key ihren Schlüssel von damals.",
            en="Check that it is of this city, and name its key of that time with --key.",
        ),
    )


def _forged() -> Refused:
    return Refused(
        "checkpoint.forged",
        Text(
            de="Die Unterschrift gehört nicht zu diesem Prüfpunkt.",
            en="The signature does not belong to this checkpoint.",
        ),
        why=Text(
            de="Er wurde nach dem Unterschreiben verändert, oder jemand hat ihn nachgemacht.",
            en="It was changed after it was signed, or somebody forged it.",
        ),
        remedy=Text(
            de="Verlassen Sie sich nicht darauf; holen Sie ihn neu, wo er herkam.",
            en="Do not rely on it; fetch it again from where it came.",
        ),
    )
