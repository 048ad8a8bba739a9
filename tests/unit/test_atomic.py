"""Atomic writing: either the old file or the new one, and sentences where the disk says no."""

import errno
import os
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch import atomic
from stadtbuch.errors import StateError


def test_a_file_is_replaced_as_a_whole(tmp_path):
    """New content, wanted permissions, nothing left beside it."""
    path = tmp_path / "page.html"
    atomic.write(path, b"old")
    atomic.write(path, b"new", mode=0o600)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "write", "replace"])
def test_a_failure_at_any_step_keeps_the_old_file(tmp_path, monkeypatch, step):
    """No reader ever sees a half file, and no temporary one stays."""
    path = tmp_path / "page.html"
    atomic.write(path, b"old")

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    if step == "replace":
        monkeypatch.setattr(Path, "replace", broken)
    elif step == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", broken)
    else:
        monkeypatch.setattr(atomic.os, "fdopen", lambda handle, mode: _Full(handle))
    with pytest.raises(OSError, match="full"):
        atomic.write(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


class _Full:
    """A file on a disk without room."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)

    def write(self, _: bytes) -> None:
        """Refuse, as a full disk does."""
        raise OSError(errno.ENOSPC, "full")


def test_the_content_is_on_the_disk_before_the_name_changes(tmp_path, monkeypatch):
    """A power cut after the rename finds the whole file: flush, rename, flush the folder."""
    steps = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: (steps.append("flush"), fsync(handle)))
    monkeypatch.setattr(Path, "replace", lambda old, new: (steps.append("rename"), replace(old, new))[1])
    atomic.write(tmp_path / "page.html", b"new")
    assert steps == ["flush", "rename", "flush"]


@given(st.binary(max_size=100))
def test_a_digest_is_the_sha256(data):
    """Anybody can recompute it with a tool of their own."""
    assert atomic.digest(data) == sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, "state.read-only"), (errno.EACCES, "state.read-only"), (errno.EPERM, "state.read-only"),
     (errno.ENOSPC, "state.full"), (errno.EDQUOT, "state.full"), (errno.EIO, "state.io"), (None, "state.io")],
)  # fmt: skip
def test_every_answer_of_the_system_has_a_code(number, code):
    """The sentence names the folder and never repeats the system's words, which hold paths."""
    with pytest.raises(StateError) as caught, atomic.telling("var"):
        raise OSError(number, "/home/m.muster/secret") if number else OSError("/home/m.muster/secret")
    assert caught.value.code == code
    assert caught.value.render("en").startswith(("var ", "The disk of var "))
    assert "muster" not in caught.value.render("en")


def test_other_errors_pass():
    """A mistake in the program is not blamed on the disk."""
    with pytest.raises(ZeroDivisionError), atomic.telling("var"):
        raise ZeroDivisionError


def _count_up(folder: Path) -> None:
    for _ in range(50):
        with atomic.queue(folder / "lock"):
            path = folder / "number"
            path.write_text(str(int(path.read_text()) + 1))


def test_a_queue_lets_one_in_at_a_time(tmp_path):
    """Two processes that read, add and write lose no step."""
    (tmp_path / "number").write_text("0")
    with get_context("spawn").Pool(2) as pool:
        pool.map(_count_up, [tmp_path] * 2)
    assert (tmp_path / "number").read_text() == "100"


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    """Temporary files without an owner go; one that is being written, and files of others, stay."""
    left, other = tmp_path / "a" / ".page.html.abcd1234", tmp_path / ".gitignore"
    left.parent.mkdir()
    left.write_bytes(b"half")
    other.write_bytes(b"")
    file, held = atomic._temporary(tmp_path / "page.html")
    with file:
        assert atomic.sweep(tmp_path) == 1
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([".gitignore", "a", held.name])
    assert atomic.sweep(tmp_path) == 1
