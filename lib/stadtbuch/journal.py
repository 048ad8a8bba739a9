"""
The journal: one note per command that is changing something, for as long as it does.

A note that nobody holds any more was left by a command that ended in the middle, by ``kill -9``, a power cut or a
full disk. Whoever finds one finishes what was begun or takes it back, and only then removes the note. The system
lets a note go when its process ends, however it ends: nothing has to expire, and a note that stayed does no harm.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.errors import StadtbuchError, StateError
from stadtbuch.texts import instant

_held: set[int] = set()


def _let_go_in_child() -> None:
    """Close inherited notes: a child that outlives its parent must not hold the parent's note."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@dataclass(frozen=True, slots=True)
class Note:
    """What a command that ended in the middle left: which one it was, and when it began (UTC)."""

    path: Path
    command: str
    since: str


@dataclass(slots=True)
class Held:
    """A note of our own; `keep` leaves it behind although the command ends without an error."""

    path: Path
    kept: bool = field(default=False)

    def keep(self) -> None:
        """Leave the note behind: something is unfinished."""
        self.kept = True


@contextmanager
def noted(folder: Path, *, command: str, now: datetime) -> Iterator[Held]:
    """
    Hold a note while something is changed.

    It is on the disk before the first change. It goes at the end, and also after an error that left everything as
    it was; it stays after a `StateError` and after every error that nobody expected.

    Parameters
    ----------
    folder
        ``var/journal``.
    command
        The name of the command, never its arguments.
    now
        When it began.

    Examples
    --------
    >>> from datetime import UTC
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> with noted(folder, command="stadtbuch build", now=datetime(2026, 1, 15, tzinfo=UTC)):
    ...     interrupted(folder)  # it is held
    []
    >>> list(folder.iterdir())
    []
    """
    handle, path = _written(folder, command=command, since=instant(now))
    held = Held(path)
    try:
        yield held
    except StateError:
        held.keep()
        raise
    except StadtbuchError:
        raise
    except BaseException:
        held.keep()
        raise
    finally:
        if handle in _held:  # not in a forked child, which has let go already
            if not held.kept:
                with suppress(OSError):  # a note that stays costs the next command a look
                    path.unlink()
            _held.discard(handle)
            os.close(handle)


def _written(folder: Path, *, command: str, since: str) -> tuple[int, Path]:
    """Write a note that is held from the moment it has its name; drafts that nobody holds go."""
    path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
    new = path.with_suffix(".new")
    with atomic.telling(f"{folder.parent.name}/{folder.name}"):
        _drop_drafts(folder)
        handle = _drafted(new)
        _held.add(handle)
        try:
            os.write(handle, json.dumps({"command": command, "since": since}).encode())
            os.fsync(handle)
            new.rename(path)
            atomic.sync_folder(folder)
        except BaseException:
            _held.discard(handle)
            os.close(handle)
            new.unlink(missing_ok=True)
            raise
    return handle, path


def _drafted(new: Path) -> int:
    """Make a draft and hold it; one that was dropped before it was held is made anew."""
    while True:
        handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return handle
        except BaseException:
            os.close(handle)
            new.unlink(missing_ok=True)
            raise
        os.close(handle)


def _drop_drafts(folder: Path) -> None:
    """Remove drafts of notes that nobody holds: their commands were killed before they changed anything."""
    for draft in folder.glob("*.new"):
        if _ownerless(draft):
            draft.unlink(missing_ok=True)


def interrupted(folder: Path) -> list[Note]:
    """Give the notes that nobody holds any more, the oldest first."""
    found = [_read(path) for path in folder.iterdir() if path.suffix == ".json" and _ownerless(path)]
    return sorted(found, key=lambda note: (note.since, note.path.name))


def forget(notes: Iterable[Note]) -> None:
    """Remove notes after what they stood for is finished."""
    for note in notes:
        note.path.unlink(missing_ok=True)


def _ownerless(path: Path) -> bool:
    """Try the lock: the system let it go when its process ended."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _read(path: Path) -> Note:
    """Read a note; one that a disk damaged still says that something is unfinished."""
    try:
        told = json.loads(path.read_bytes())
        return Note(path, str(told["command"]), str(told["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Note(path, "stadtbuch", "")
