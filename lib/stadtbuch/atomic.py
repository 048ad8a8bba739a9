"""
Writing so that a reader, or a power cut, sees either the old file or the new one, never half of it.

Write to a temporary name in the same folder, flush to the disk, rename.
"""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path


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
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


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
