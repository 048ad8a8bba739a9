"""
Writing so that a reader, or a power cut, sees either the old file or the new one, never half of it.

Write to a temporary name in the same folder, flush to the disk, rename.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from stadtbuch.errors import StateError
from stadtbuch.texts import Text

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
LEFTOVER = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
"""The temporary names of `write`."""


def write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """
    Replace a file's content in one step.

    Parameters
    ----------
    path
        Its folder must exist.
    data
        The whole new content.
    mode
        Permissions of the new file.
    """
    file, temporary = _temporary(path)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            temporary.replace(path)  # while it is held: nobody sweeps a file that has an owner
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _temporary(path: Path) -> tuple[IO[bytes], Path]:
    """Make a file beside its place and hold it; one that was swept before it was held is made anew."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return os.fdopen(handle, "wb"), Path(name)
        except BaseException:
            os.close(handle)
            Path(name).unlink(missing_ok=True)
            raise
        os.close(handle)


def sweep(folder: Path) -> int:
    """
    Remove what `write` left below a folder when its process was killed; a file that somebody holds stays.

    Returns
    -------
    int
        How many files were removed.
    """
    return sum(_swept(path) for path in folder.rglob(".*") if LEFTOVER.fullmatch(path.name))


def _swept(path: Path) -> bool:
    """Remove a temporary file that has no owner any more."""
    try:
        if path.is_symlink() or not path.is_file():
            return False
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # gone by now, or not ours
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there; an error is never passed over."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(data: bytes) -> str:
    """
    Give the SHA-256 of bytes as hexadecimal text.

    Examples
    --------
    >>> digest(b"")[:8]
    'e3b0c442'
    """
    return sha256(data).hexdigest()


@contextmanager
def queue(path: Path) -> Iterator[None]:
    """
    Let one process at a time do something short; the others wait.

    The system lets the lock go when the process ends, however it ends.

    Parameters
    ----------
    path
        The lock file; it is made, stays, and means nothing by itself.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def telling(folder: str) -> Iterator[None]:
    """
    Turn what the operating system says about an unwritable state folder into a sentence for people.

    Parameters
    ----------
    folder
        How people call the folder: ``"var/store"``; a name, never an absolute path.

    Raises
    ------
    StateError
        ``state.read-only``, ``state.full`` or ``state.io``.

    Examples
    --------
    >>> with telling("var"):  # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     raise OSError(errno.ENOSPC, "no space")
    Traceback (most recent call last):
    StateError: ...
    """
    try:
        yield
    except OSError as error:
        raise unusable(folder, error) from None


def unusable(folder: str, error: OSError) -> StateError:
    """Say why a folder of the state cannot be used; the number of the error says more than its words."""
    if error.errno in _READ_ONLY:
        return read_only(folder)
    if error.errno in _FULL:
        return StateError(
            "state.full",
            Text(
                de=f"Der Datenträger von {folder} ist voll. Der alte Stand bleibt gültig.",
                en=f"The disk of {folder} is full. The old state stays valid.",
            ),
            remedy=Text(
                de="Schaffen Sie Platz und wiederholen Sie den Befehl.",
                en="Make room and repeat the command.",
            ),
        )
    kind = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return StateError(
        "state.io",
        Text(
            de=f"{folder} lässt sich nicht lesen oder schreiben ({kind}).",
            en=f"{folder} cannot be read or written ({kind}).",
        ),
        remedy=Text(
            de="Prüfen Sie den Datenträger und wiederholen Sie den Befehl.",
            en="Check the disk and repeat the command.",
        ),
    )


def read_only(folder: str) -> StateError:
    """Say that a folder of the state may not be written to."""
    return StateError(
        "state.read-only",
        Text(
            de=f"{folder} ist schreibgeschützt. Es wurde nichts geändert.",
            en=f"{folder} is read-only. Nothing was changed.",
        ),
        why=Text(
            de="Jeder Befehl, der etwas festhält, schreibt in den Zustandsordner.",
            en="Every command that records something writes into the state folder.",
        ),
        remedy=Text(
            de=f"Geben Sie sich Schreibrechte auf {folder} oder hängen Sie den Datenträger schreibbar ein.",
            en=f"Give yourself write permission on {folder} or mount its disk writable.",
        ),
    )
