"""
Stamps: what the system says of a file without opening it, and what may be concluded from that.

Size, times of content and of entry, and number of the file are the same: then its content is the same, unless the
file was written so shortly before it was looked at that the clock of the disk could not tell the difference. Such
files are young, and their content is looked at again (git calls them racy). What is remembered here may be deleted at
any time.

Imports a small part of the standard library only: whoever asks whether anything changed must not wait for more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

YOUNG = 100_000_000
"""Nanoseconds within which a disk's clock may not tick: the kernels of today take ten milliseconds at most."""
COARSE, WHOLE = 2_000_000_000, 1_000_000_000
"""The same where times are whole seconds, as on FAT and some network disks."""
PASSED_OVER = frozenset({"__pycache__", ".ipynb_checkpoints"})
"""Folders that nothing depends on."""


class DoubtError(Exception):
    """Something that stamps cannot vouch for: a link to a folder, a device, a folder that cannot be read."""


def stamp(status: os.stat_result) -> str:
    """Give size, times and number of a file as one word."""
    return f"{status.st_size}.{status.st_mtime_ns}.{status.st_ctime_ns}.{status.st_ino}"


def young(status: os.stat_result, *, at: int) -> bool:
    """
    Tell whether a file may have changed again without its stamp showing it.

    Parameters
    ----------
    at
        When the stamp was taken, in nanoseconds of the disk's own clock (`clock`).
    """
    last = max(status.st_mtime_ns, status.st_ctime_ns)
    return last + (YOUNG if last % WHOLE else COARSE) > at


def clock(folder: Path) -> int:
    """Ask the disk of a folder for its time, in nanoseconds: what it would stamp a file with now."""
    import tempfile  # noqa: PLC0415 - start-up time: only those who remember need it

    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
        file.flush()
        return os.fstat(file.fileno()).st_mtime_ns


def content(path: str) -> str:
    """Give the SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# ---- everything that was looked at ---------------------------------------------------------------------


class Scope(NamedTuple):
    """
    What to look at: whole folders, single files, and folders to leave out.

    Paths are absolute. A file or folder that does not exist is looked at as well: it must not appear.
    """

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {name: list(paths) for name, paths in self._asdict().items()}


class Look(NamedTuple):
    """What was seen: one digest of all names and stamps, and the content of the young files."""

    digest: str
    young: Mapping[str, str]


def look(scope: Scope, *, at: int) -> Look:
    """
    Look at everything in a scope.

    Parameters
    ----------
    at
        The disk's time before looking, see `clock`.

    Raises
    ------
    DoubtError
        If something is there that a stamp does not vouch for.
    """
    total, fresh = sha256(), {}
    for path, status in _seen(scope):
        total.update(_line(path, status))
        if status is not None and young(status, at=at):
            fresh[path] = content(path)
    return Look(total.hexdigest(), fresh)


def holds(scope: Scope, seen: Look) -> bool:
    """Tell whether everything still is as it was seen; any doubt is a no."""
    total = sha256()
    try:
        for path, status in _seen(scope):
            total.update(_line(path, status))
        return total.hexdigest() == seen.digest and all(
            content(path) == known for path, known in seen.young.items()
        )
    except (OSError, DoubtError):
        return False


def _line(path: str, status: os.stat_result | None) -> bytes:
    return f"{path}\0{stamp(status) if status else '-'}\n".encode(errors="surrogateescape")


def _seen(scope: Scope) -> Iterator[tuple[str, os.stat_result | None]]:
    """Give all files of a scope in one order; a missing one without a stamp."""
    for path in scope.files:
        yield path, _status(path)
    left_out = frozenset(scope.without)
    for folder in scope.folders:
        if not Path(folder).exists():
            yield folder, None
        else:
            yield from _below(folder, left_out)


def _status(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a thousand of these stand between a question and its answer
    except FileNotFoundError:
        return None
    return found


def _below(folder: str, left_out: frozenset[str]) -> Iterator[tuple[str, os.stat_result | None]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.path in left_out or entry.name in PASSED_OVER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, left_out)
        elif entry.is_file():
            yield entry.path, entry.stat()
        else:
            raise DoubtError(entry.name)


# ---- what was worked out from files --------------------------------------------------------------------


class Memory:
    """
    What was worked out from the content of files, kept for as long as their stamps stay the same.

    It lives in one file that may be deleted at any time; what cannot be read counts as deleted.

    Parameters
    ----------
    file
        Where it is kept.
    rehash
        Start with nothing: every content is looked at again.
    """

    def __init__(self, file: Path, *, rehash: bool = False) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file = file
        self.at = clock(file.parent)
        self.known = {} if rehash else _read(file)
        self.changed = rehash

    def of(self, name: str, paths: Iterable[str | Path], *, make: Callable[[], str]) -> str:
        """
        Give what was worked out under a name from files, or work it out now.

        It is kept only if no file is young and none changed meanwhile.

        Parameters
        ----------
        name
            What is worked out; everything but the files' content that decides it belongs into the name.
        paths
            The files that decide it; a missing one counts as such.
        make
            Works it out.
        """
        files = [str(path) for path in paths]
        before = self._mark(files)
        known = self.known.get(name)
        if before is not None and known is not None and known[0] == before:
            return known[1]
        made = make()
        if before is not None and self._mark(files) == before:
            self.keep(name, before, made)
        return made

    def kept(self, name: str, mark: str) -> str | None:
        """Give what was kept under a name with the same mark; None if nothing was."""
        known = self.known.get(name)
        return known[1] if known is not None and known[0] == mark else None

    def keep(self, name: str, mark: str, made: str) -> None:
        """Keep what follows from a mark, in the place of what was kept under the name before."""
        self.known[name] = [mark, made]
        self.changed = True

    def digest(self, path: Path) -> str:
        """Give the SHA-256 of a file."""
        return self.of(f"sha256 {path}", [path], make=lambda: content(str(path)))

    def _mark(self, files: list[str]) -> str | None:
        """Give the stamps of files as one word; None if one of them is young."""
        found = [_status(path) for path in files]
        if any(one is not None and young(one, at=self.at) for one in found):
            return None
        return " ".join(stamp(one) if one else "-" for one in found)

    def save(self) -> None:
        """Keep it for the next process, by a temporary name; what cannot be written is worked out again."""
        import tempfile  # noqa: PLC0415 - as in `clock`

        if not self.changed:
            return
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{self.file.name}.", dir=self.file.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self.known, file)
            Path(temporary).replace(self.file)
        except OSError:
            return
        self.changed = False


def _read(file: Path) -> dict[str, list[str]]:
    try:
        told = json.loads(file.read_bytes())
        return {str(name): [str(mark), str(made)] for name, (mark, made) in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
