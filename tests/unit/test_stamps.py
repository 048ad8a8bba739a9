"""Stamps: a file that changed is seen, however small the change; what is remembered is never believed in doubt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stadtbuch import stamps
from stadtbuch.stamps import DoubtError, Memory, Scope

OLD = 1_600_000_000


def an_old_file(path: Path, data: bytes = b"1") -> Path:
    """Write a file and give it old times; the time of its entry stays that of today."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (OLD, OLD))
    return path


def later(folder: Path) -> int:
    """Give the disk's time some days from now: no file is young then."""
    return stamps.clock(folder) + 10**15


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """Look at a folder with two files, at a single file and at one that is not there."""
    an_old_file(tmp_path / "folder/a/one.txt")
    an_old_file(tmp_path / "folder/two.txt")
    an_old_file(tmp_path / "single.txt")
    an_old_file(tmp_path / "folder/out/any.txt")
    return Scope(
        folders=(str(tmp_path / "folder"), str(tmp_path / "nowhere")),
        files=(str(tmp_path / "single.txt"), str(tmp_path / "missing.txt")),
        without=(str(tmp_path / "folder/out"),),
    )


def test_what_nobody_touched_holds(tmp_path, scope):
    """Also what is left out may change, and what no result depends on."""
    seen = stamps.look(scope, at=later(tmp_path))
    (tmp_path / "folder/out/any.txt").write_bytes(b"2")
    an_old_file(tmp_path / "folder/__pycache__/x.pyc")
    assert (stamps.holds(scope, seen), seen.young) == (True, {})


CHANGES = {
    "one byte": lambda root: (root / "folder/a/one.txt").write_bytes(b"2"),
    "the same bytes, written again": lambda root: (root / "folder/two.txt").write_bytes(b"1"),
    "its time set back": lambda root: an_old_file(root / "folder/two.txt", b"2"),
    "another file in its place": lambda root: an_old_file(root / "new").replace(root / "single.txt"),
    "a file more": lambda root: an_old_file(root / "folder/a/three.txt"),
    "a file less": lambda root: (root / "folder/a/one.txt").unlink(),
    "another name": lambda root: (root / "folder/two.txt").rename(root / "folder/2.txt"),
    "one that was missing": lambda root: an_old_file(root / "missing.txt"),
    "a folder that was missing": lambda root: an_old_file(root / "nowhere/x.txt"),
    "a link to a folder": lambda root: (root / "folder/link").symlink_to(root / "folder/a"),
    "the folder is gone": lambda root: (root / "folder").rename(root / "elsewhere"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_seen(tmp_path, scope, name):
    """Content, times, names, number of files: each by itself."""
    seen = stamps.look(scope, at=later(tmp_path))
    CHANGES[name](tmp_path)
    assert not stamps.holds(scope, seen)


def test_a_young_file_is_looked_into(tmp_path, scope, monkeypatch):
    """Written within one tick of the disk's clock, it looks the same from outside and is read instead."""
    seen = stamps.look(scope, at=stamps.clock(tmp_path))
    assert str(tmp_path / "single.txt") in seen.young
    monkeypatch.setattr(stamps, "stamp", lambda status: "the same")
    same = stamps.look(scope, at=stamps.clock(tmp_path))
    (tmp_path / "single.txt").write_bytes(b"2")
    assert not stamps.holds(scope, same)


def test_whole_seconds_make_files_young_for_longer(tmp_path):
    """Some disks keep no fraction of a second: two seconds then, else a tenth."""
    status = an_old_file(tmp_path / "a").stat()
    at, second = OLD * 10**9 + 10**9, OLD * 10**9
    coarse, fine = (
        os.stat_result((*status[:7], OLD, OLD, OLD), {"st_mtime_ns": last, "st_ctime_ns": last})
        for last in (second, second + 5)
    )
    assert (stamps.young(coarse, at=at), stamps.young(fine, at=at)) == (True, False)


def test_a_link_to_a_folder_is_no_ground_for_a_claim(tmp_path, scope):
    """What lies behind it is not looked at, so nothing is said."""
    (tmp_path / "folder/link").symlink_to(tmp_path)
    with pytest.raises(DoubtError):
        stamps.look(scope, at=0)


# ---- what was worked out -------------------------------------------------------------------------------


def remembering(folder: Path, *, rehash: bool = False, aged: bool = True) -> Memory:
    """Open the memory as a later process would; files are old by then."""
    memory = Memory(folder / "cache/stamps.json", rehash=rehash)
    memory.at = later(folder) if aged else memory.at
    return memory


def hashed(memory: Memory, path: Path) -> tuple[str, bool]:
    """Ask for a file's digest, and tell whether it was opened for it."""
    opened: list[str] = []
    made = memory.of(f"sha256 {path}", [path], make=lambda: opened.append("x") or stamps.content(str(path)))
    return made, bool(opened)


def test_an_unchanged_file_is_opened_once(tmp_path):
    """The next process takes the digest from the memory."""
    path = an_old_file(tmp_path / "data.csv")
    first = remembering(tmp_path)
    digest = first.digest(path)
    first.save()
    assert hashed(remembering(tmp_path), path) == (digest, False)


def test_a_changed_file_is_opened_again(tmp_path):
    """Also if somebody set its time back."""
    path = an_old_file(tmp_path / "data.csv")
    first = remembering(tmp_path)
    first.digest(path)
    first.save()
    an_old_file(path, b"2")
    assert hashed(remembering(tmp_path), path) == (stamps.content(str(path)), True)


def test_rehash_believes_nothing(tmp_path):
    """For whoever trusts no stamp."""
    path = an_old_file(tmp_path / "data.csv")
    first = remembering(tmp_path)
    first.digest(path)
    first.save()
    assert hashed(remembering(tmp_path, rehash=True), path)[1]


def test_a_young_file_is_not_remembered(tmp_path):
    """Git's rule: its stamp might hide another change."""
    path = an_old_file(tmp_path / "data.csv")
    first = remembering(tmp_path, aged=False)
    first.digest(path)
    first.save()
    assert hashed(remembering(tmp_path), path)[1]


def test_a_file_that_changes_meanwhile_is_not_remembered(tmp_path):
    """What was worked out belongs to neither content."""
    path = an_old_file(tmp_path / "data.csv")
    memory = remembering(tmp_path)
    memory.of("x", [path], make=lambda: str(path.write_bytes(b"22")))
    assert memory.known == {}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": ["x"]}'])
def test_a_damaged_memory_counts_as_deleted(tmp_path, data):
    """It may be deleted at any time, so also by accident."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/stamps.json").write_bytes(data)
    path = an_old_file(tmp_path / "data.csv")
    assert hashed(remembering(tmp_path), path)[1]
