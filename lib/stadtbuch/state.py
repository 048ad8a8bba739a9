"""
The state folder ``var/``: what a city remembers between two commands (CONTRACTS: state).

Private (0700), with a version, so that an older library never writes into what a newer one laid out.
Keys, locks and the log live here; the book and the store have modules of their own.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from stadtbuch import atomic
from stadtbuch.errors import Busy, StateError
from stadtbuch.texts import Text, instant

VERSION = 2
"""2: editions carry a signed checkpoint, content can be removed, checkpoints that left are kept."""
Folder = Literal[
    "store",
    "editions",
    "runs",
    "keys",
    "spool",
    "log",
    "derived",
    "registers",
    "dashboards",
    "cache",
    "checkpoints",
    "journal",
    "failures",
    "answers",
    "disclosure",
]
FOLDERS: tuple[Folder, ...] = get_args(Folder)
KEY_BYTES = 32
LOG_BYTES, LOG_FILES = 1_000_000, 5

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Ids are lower case without spaces: a person's name, a street or a cell of a table does not pass.
_ID = re.compile(r"[a-z0-9][a-z0-9._:/@-]{0,199}")
_WRITABLE_BY_OWNER = 0o200

_held: set[int] = set()


def _let_go_in_child() -> None:
    """Close inherited lock files: a worker that outlives its parent must not keep the parent's lock."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@dataclass(frozen=True, slots=True)
class State:
    r"""
    The state folder of a city, made with `State.open`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     state = State.open(Path(folder) / "var")
    ...     (state.root / "VERSION").read_text(), len(state.key("demo"))
    ('2\n', 32)
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> State:
        """
        Open the state folder; make it where there is none.

        Raises
        ------
        StateError
            ``state.not-a-folder``, ``state.no-version`` (a folder with content that is not ours),
            ``state.too-new``, ``state.too-old``, ``state.restoring``, ``state.read-only``, ``state.full``,
            ``state.io``.
        """
        if restoring(root).exists():
            raise _restoring(root)
        if root.exists() and not root.is_dir():
            raise _not_a_folder(root)
        with atomic.telling(root.name):
            if root.exists():
                _require_writable(root)
            _private(root)
            _require_version(root)
            for name in FOLDERS:
                _private(root / name)
        return cls(root)

    def folder(self, name: Folder) -> Path:
        """Give the path of one of the folders; `KeyError` for a name that is none."""
        if name not in FOLDERS:
            raise KeyError(name)
        return self.root / name

    @contextmanager
    def lock(self, name: str = "build", *, command: str = "") -> Iterator[None]:
        """
        Hold a lock of the whole city while something is changed.

        The system lets it go when the process ends, however it ends.

        Parameters
        ----------
        name
            Commands with the same name exclude each other.
        command
            What to call the holder in the message to others; the name of a command, never its arguments.

        Raises
        ------
        Busy
            If another command holds it; says which, since when and as which process.
        """
        path = self.root / f"{_named(name)}.lock"
        with atomic.telling(self.root.name):
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _take(handle, path)
        _held.add(handle)
        try:
            _note(handle, command or f"stadtbuch {name}")
            yield
        finally:
            if handle in _held:  # not in a forked child, which has let go already
                _held.discard(handle)
                os.close(handle)

    def key(self, name: str) -> bytes:
        """
        Give the key of a name: 32 random bytes, made at first use.

        Raises
        ------
        StateError
            ``state.key-damaged`` if its file has another length: making a new one would cut every link
            that was made with the old one.
        """
        path = self.folder("keys") / f"{_named(name)}.key"
        with atomic.telling(f"{self.root.name}/keys"):
            if not path.exists():
                self._make_key(path)
            key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise _damaged_key(path)
        return key

    def has_key(self, name: str) -> bool:
        """Tell whether there is a key of this name; none is made."""
        return (self.folder("keys") / f"{_named(name)}.key").is_file()

    def forget_key(self, name: str) -> None:
        """Remove a key for good: whatever was made with it can no longer be traced or continued."""
        path = self.folder("keys") / f"{_named(name)}.key"
        with atomic.telling(f"{self.root.name}/keys"):
            path.unlink(missing_ok=True)
            atomic.sync_folder(path.parent)

    def _make_key(self, path: Path) -> None:
        """Write a new key unless another process was faster."""
        with atomic.queue(path.parent / ".lock"):
            if not path.exists():
                atomic.write(path, secrets.token_bytes(KEY_BYTES), mode=0o600)

    def log(self, event: str, *, now: datetime, entry: int | None = None, **fields: str | int | bool) -> None:
        """
        Append one line of JSON to ``log/stadtbuch.log``; kept are five files of one megabyte.

        Parameters
        ----------
        event
            What happened, as an id: ``"build.done"``.
        now
            With a time zone; stored in UTC.
        entry
            Number of the book's entry that tells more.
        **fields
            Ids, whole numbers and truth values only.

        Raises
        ------
        ValueError
            If a field could hold a data value or a name; it names the field, never the value.
        """
        told = {"event": event} | ({} if entry is None else {"entry": entry}) | fields
        for name, value in told.items():
            _require_harmless(name, value)
        line = json.dumps({"at": instant(now), **told}) + "\n"
        folder = self.folder("log")
        with atomic.telling(f"{self.root.name}/log"), atomic.queue(folder / ".lock"):
            _rotate(folder / "stadtbuch.log", len(line))
            _append(folder / "stadtbuch.log", line.encode())


def restoring(root: Path) -> Path:
    """Give the mark beside a state folder that says: another one is being put in its place."""
    return root.parent / f".{root.name}.restore"


def version_of(root: Path) -> int | None:
    """Give the version of a state folder's layout without opening it; nothing if it has none that can be read."""
    try:
        found = (root / "VERSION").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    return int(found) if re.fullmatch(r"[1-9][0-9]{0,8}", found) else None


def _require_writable(root: Path) -> None:
    """
    Find out by trying: the bits do not tell what a read-only disk allows.

    A folder without its owner's write bit is respected even by root, whom the system would let pass:
    somebody closed it on purpose.
    """
    if not root.stat().st_mode & _WRITABLE_BY_OWNER:
        raise atomic.read_only(root.name)
    with tempfile.TemporaryFile(dir=root):
        pass


def _private(folder: Path) -> None:
    """Make a folder that only its owner may look into."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def _require_version(root: Path) -> None:
    """Check the version of the layout; write it into a new, empty folder."""
    path = root / "VERSION"
    if not path.exists():
        # Another process may be laying out the same folder: it writes VERSION first, by a temporary name.
        foreign = any(not one.name.startswith(".VERSION.") for one in root.iterdir())
        if foreign and not path.exists():
            raise _no_version(root)
        atomic.write(path, f"{VERSION}\n".encode(), mode=0o600)
    found = version_of(root)
    if found is None:
        raise _no_version(root)
    if found > VERSION:
        raise too_new(root, found)
    if found < VERSION:
        raise _too_old(root, found)


def _named(name: str) -> str:
    """Let only plain names become file names."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name of a key or lock consists of a-z, 0-9 and -")
    return name


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        busy = _busy(handle, path)
        os.close(handle)
        raise busy from None


def _note(handle: int, command: str) -> None:
    """Leave a note for those who come later; the file's time says since when."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)


def _busy(handle: int, path: Path) -> Busy:
    """Say who holds the lock; a holder that has not written its note yet is just called another command."""
    try:
        note = json.loads(os.pread(handle, 1000, 0))
        holder, process = str(note["command"]), str(note["pid"])
    except (ValueError, KeyError, TypeError):
        holder, process = "stadtbuch", "?"
    since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Busy(
        "state.busy",
        Text(
            de=f"„{holder}“ ändert gerade diese Stadt (seit {since:%d.%m.%Y %H:%M} UTC, Prozess {process}).",
            en=f"“{holder}” is changing this city (process {process}, since {since:%Y-%m-%d %H:%M} UTC).",
        ),
        why=Text(
            de="Zwei Befehle dürfen denselben Zustand nicht zugleich ändern.",
            en="Two commands may not change the same state at once.",
        ),
        remedy=Text(
            de="Warten Sie, bis er fertig ist, und wiederholen Sie den Befehl. Es ging nichts verloren.",
            en="Wait until it is done and repeat the command. Nothing was lost.",
        ),
    )


def _require_harmless(name: str, value: object) -> None:
    """Let only ids, whole numbers and truth values into the log."""
    if isinstance(value, int) or (isinstance(value, str) and _ID.fullmatch(value)):
        return
    raise ValueError(f"the log takes ids, whole numbers and truth values: field {name!r} is none")


def _rotate(path: Path, more: int) -> None:
    """Shift the log files by one number when the newest would grow too large; the oldest goes."""
    if not path.exists() or path.stat().st_size + more <= LOG_BYTES:
        return
    files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, LOG_FILES))]
    for older, newer in zip(reversed(files), list(reversed(files))[1:], strict=False):
        if newer.exists():
            newer.replace(older)


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(handle).st_size
        if os.write(handle, line) < len(line):  # a full disk took half of it: the next line begins a line
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, "")
    finally:
        os.close(handle)


def _not_a_folder(root: Path) -> StateError:
    return StateError(
        "state.not-a-folder",
        Text(de=f"{root.name} ist kein Ordner.", en=f"{root.name} is not a folder."),
        remedy=Text(
            de="Benennen Sie die Datei um oder ändern Sie paths.state in stadtbuch.toml.",
            en="Rename the file or change paths.state in stadtbuch.toml.",
        ),
    )


def _no_version(root: Path) -> StateError:
    return StateError(
        "state.no-version",
        Text(
            de=f"Der Ordner {root.name} hat Inhalt, aber keine lesbare Datei VERSION.",
            en=f"The folder {root.name} has content, but no readable file VERSION.",
        ),
        why=Text(
            de="So sieht kein Zustandsordner von Stadtbuch aus; Fremdes wird nicht angerührt.",
            en="No state folder of Stadtbuch looks like this; what belongs to others is not touched.",
        ),
        remedy=Text(
            de="Nennen Sie unter paths.state einen leeren Ordner oder stellen Sie die Sicherung her.",
            en="Name an empty folder under paths.state, or restore the backup.",
        ),
    )


def too_new(root: Path, found: int) -> StateError:
    """Say that a newer library made a state folder."""
    return StateError(
        "state.too-new",
        Text(
            de=f"{root.name} hat die Version {found}; diese Bibliothek kennt sie bis {VERSION}.",
            en=f"{root.name} has version {found}; this library knows versions up to {VERSION}.",
        ),
        why=Text(
            de="Ein neueres Stadtbuch hat den Ordner angelegt oder umgestellt.",
            en="A newer Stadtbuch made or converted the folder.",
        ),
        remedy=Text(
            de="Nehmen Sie das neuere Stadtbuch. Es wurde nichts geändert.",
            en="Use the newer Stadtbuch. Nothing was changed.",
        ),
    )


def _restoring(root: Path) -> StateError:
    return StateError(
        "state.restoring",
        Text(
            de=f"{root.name} wird gerade aus einer Sicherung hergestellt, oder das wurde unterbrochen.",
            en=f"{root.name} is being restored from a backup, or that was interrupted.",
        ),
        why=Text(
            de="Bis dahin ist nicht sicher, welcher Stand gilt.",
            en="Until then it is not settled which state holds.",
        ),
        remedy=Text(
            de="Wiederholen Sie stadtbuch restore; es macht dort weiter. Es ging nichts verloren.",
            en="Repeat stadtbuch restore; it goes on from there. Nothing was lost.",
        ),
    )


def _too_old(root: Path, found: int) -> StateError:
    return StateError(
        "state.too-old",
        Text(
            de=f"{root.name} hat noch die Version {found}; diese Bibliothek braucht {VERSION}.",
            en=f"{root.name} still has version {found}; this library needs {VERSION}.",
        ),
        why=Text(
            de="Ein früheres Stadtbuch hat den Ordner angelegt. Es wurde nichts geändert.",
            en="An earlier Stadtbuch made the folder. Nothing was changed.",
        ),
        remedy=Text(
            de="Stellen Sie ihn um: stadtbuch upgrade --backup ORDNER",
            en="Convert it: stadtbuch upgrade --backup FOLDER",
        ),
    )


def _damaged_key(path: Path) -> StateError:
    return StateError(
        "state.key-damaged",
        Text(de=f"Der Schlüssel {path.stem} ist beschädigt.", en=f"The key {path.stem} is damaged."),
        why=Text(
            de="Ein neuer Schlüssel passte zu nichts, was mit dem alten entstand.",
            en="A new key would fit nothing that was made with the old one.",
        ),
        remedy=Text(de="Stellen Sie ihn aus der Sicherung her.", en="Restore it from the backup."),
    )
