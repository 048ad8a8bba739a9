"""
Scratch folders: what a process keeps in the folder for temporary files for as long as it lives.

Each carries the number of its process in its name and is held by it. Whoever makes the next one removes those whose
process is gone: ``kill -9`` leaves nothing that outlives the next command.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "stadtbuch"
UNIT = f"unit-{os.uname().nodename}"
"""Kind of a unit's folder on a cluster, where several machines may share one folder for temporary files."""
_held: dict[Path, int] = {}


def _let_go_in_child() -> None:
    """Close inherited folders: a child that outlives its parent must not hold the parent's."""
    for handle in _held.values():
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


def made(kind: str, *, place: Path | None = None) -> Path:
    """
    Make a folder that only this user can enter, and remove those of processes that were killed.

    Parameters
    ----------
    kind
        A word that says what it is for.
    place
        Where; the folder for temporary files if left out.

    Examples
    --------
    >>> folder = made("example")
    >>> folder.name.startswith(f"stadtbuch-example-{os.getpid()}-"), sweep(), folder.is_dir()
    (True, 0, True)
    >>> remove(folder)
    >>> folder.exists()
    False
    """
    sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{kind}-{os.getpid()}-", dir=place))
    handle = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # a disk without locks: then the number of the process alone decides
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _held[folder] = handle
    return folder


def remove(folder: Path) -> None:
    """Remove a folder of ours, and let go of it; folders without permission to write in them go as well."""
    _clear(folder)
    handle = _held.pop(folder, None)
    if handle is not None:
        os.close(handle)


@contextmanager
def folder(kind: str, *, place: Path | None = None) -> Iterator[Path]:
    """Give a folder for the time of a block; the parameters are those of `made`."""
    found = made(kind, place=place)
    try:
        yield found
    finally:
        remove(found)


def sweep(place: Path | None = None) -> int:
    """
    Remove the folders of this user's processes that are gone.

    A folder that somebody holds stays, whatever its number says: its process may be one that cannot be seen from here.

    Returns
    -------
    int
        How many were removed.
    """
    there = place or Path(tempfile.gettempdir())
    return sum(_swept(path) for path, owner in _found(there) if not _alive(int(owner)))


def _found(place: Path) -> Iterator[tuple[Path, str]]:
    """Give the folders of this machine with their owners."""
    name = re.compile(rf"{PREFIX}-(?:[a-z]+|{re.escape(UNIT)})-([0-9]+)-[A-Za-z0-9_]{{8}}")
    with suppress(FileNotFoundError):
        for path in sorted(place.iterdir()):
            match = name.fullmatch(path.name)
            if match and path.is_dir() and not path.is_symlink():
                yield path, match[1]


def _swept(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # gone by now, or somebody else's
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(path)
    except OSError:
        return False
    finally:
        os.close(handle)
    return not path.exists()


def _clear(folder: Path) -> None:
    with suppress(OSError):
        for one in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
            one.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
