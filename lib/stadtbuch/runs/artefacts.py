"""
Artefacts on their way to a cluster and back: pieces by content, sealed, in a folder that fsspec can reach.

A piece is encrypted with a key that lives only as long as the build and travels inside the order, not beside the
piece. So whoever can read the folder, such as the operator of an object store, learns sizes and no contents; whoever
can write into it changes nothing unnoticed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import fsspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from fsspec.implementations.local import LocalFileSystem

from stadtbuch import atomic
from stadtbuch.errors import Failed, UsageError
from stadtbuch.texts import Text

NAME = re.compile(r"[0-9a-f]{64}")
FOLDER = "stadtbuch-artefacts"
"""What is made below the address, and emptied; nothing else there is touched."""
OVERHEAD = 17
"""Bytes by which a sealed piece is longer: a check value of 16, and one because nothing cannot be sealed."""


def new_key() -> bytes:
    """Draw a key for one build."""
    return secrets.token_bytes(64)


@dataclass(frozen=True)
class Artefacts:
    """
    Sealed pieces below an address; a piece is called by the SHA-256 of its sealed bytes.

    The same content under the same key gives the same bytes (AES-SIV, RFC 5297): equal inputs of many runs travel
    once, and a unit of work that is repeated writes what is there already.

    Examples
    --------
    >>> shelf = Artefacts("memory://example", new_key())
    >>> shelf.get(shelf.put(b"content"), limit=100)
    b'content'
    >>> shelf.clear()
    """

    address: str
    key: bytes = field(repr=False)

    def put(self, data: bytes) -> str:
        """
        Seal a piece, keep it, and give its name.

        Raises
        ------
        Failed
            ``cluster.artefacts`` if the folder cannot be written.
        """
        sealed = AESSIV(self.key).encrypt(b"\0" + data, None)
        name = atomic.digest(sealed)
        with _telling():
            files, path = self._place(name)
            if not files.exists(path):
                _write(files, path, sealed)
        return name

    def get(self, name: str, *, limit: int) -> bytes:
        """
        Give a piece of at most `limit` bytes.

        Raises
        ------
        Failed
            ``cluster.artefacts`` if it is missing, longer, or not what its name says.
        """
        if not NAME.fullmatch(name):
            raise _unsound()
        with _telling():
            files, path = self._place(name)
            with files.open(path, "rb") as file:
                sealed = file.read(limit + OVERHEAD + 1)
        if len(sealed) > limit + OVERHEAD or atomic.digest(sealed) != name:
            raise _unsound()
        try:
            return AESSIV(self.key).decrypt(sealed, None)[1:]
        except InvalidTag:
            raise _unsound() from None

    def clear(self) -> None:
        """Remove all pieces, also those of an earlier build that was killed."""
        with _telling():
            files, path = self._root()
            if files.exists(path):
                files.rm(path, recursive=True)

    def _place(self, name: str) -> tuple[Any, str]:
        files, root = self._root()
        return files, f"{root}/{name[:2]}/{name[2:]}"

    def _root(self) -> tuple[Any, str]:
        files, path = fsspec.core.url_to_fs(self.address)
        return files, f"{path.rstrip('/')}/{FOLDER}"


def _write(files: Any, path: str, data: bytes) -> None:
    """Put a file where readers see all of it or nothing: an object store does that by itself."""
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    if not isinstance(files, LocalFileSystem):
        files.pipe_file(path, data)
        return
    half = f"{path}.{secrets.token_hex(8)}"
    files.pipe_file(half, data)
    files.mv(half, path)


@contextmanager
def _telling() -> Iterator[None]:
    """Turn what a file system says into a sentence; its own words may hold addresses and keys."""
    try:
        yield
    except (ImportError, ValueError):
        raise _no_such_address() from None
    except Exception as error:  # noqa: BLE001 - file systems have errors of their own, beside OSError
        raise _unreachable(type(error).__name__) from None


def _no_such_address() -> UsageError:
    return UsageError(
        "cluster.artefacts-address",
        Text(
            de="Die Adresse der Zwischenablage (cluster.artefacts) lässt sich nicht verwenden.",
            en="The address of the artefacts (cluster.artefacts) cannot be used.",
        ),
        why=Text(
            de="Sie ist falsch geschrieben, oder das Paket für diese Art von Adresse fehlt.",
            en="It is misspelt, or the package for this kind of address is missing.",
        ),
        remedy=Text(
            de="Prüfen Sie sie; für s3:// braucht es das Paket s3fs, auf jedem Rechner des Clusters.",
            en="Check it; s3:// needs the package s3fs, on each machine of the cluster.",
        ),
    )


def _unreachable(kind: str) -> Failed:
    return Failed(
        "cluster.artefacts",
        Text(
            de=f"Die Zwischenablage des Clusters lässt sich nicht lesen oder schreiben ({kind}).",
            en=f"The artefacts of the cluster cannot be read or written ({kind}).",
        ),
        remedy=Text(
            de="Prüfen Sie cluster.artefacts: Die Adresse muss von jedem Rechner des Clusters aus erreichbar sein.",
            en="Check cluster.artefacts: the address must be reachable from each machine of the cluster.",
        ),
    )


def _unsound() -> Failed:
    return Failed(
        "cluster.artefacts",
        Text(
            de="Ein Stück der Zwischenablage ist beschädigt, zu groß oder verändert.",
            en="A piece of the artefacts is damaged, too large or changed.",
        ),
        remedy=Text(
            de="Bauen Sie noch einmal; geschieht es wieder, prüfen Sie, wer in cluster.artefacts schreiben darf.",
            en="Build again; if it happens again, check who may write to cluster.artefacts.",
        ),
    )
