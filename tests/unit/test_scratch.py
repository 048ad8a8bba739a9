"""Scratch folders: what a killed process left goes when the next one is made."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from stadtbuch import scratch

HOLD = """
import os, signal, sys
from pathlib import Path
from stadtbuch import scratch
folder = scratch.made("kernel", place=Path(sys.argv[1]))
(folder / "inner").mkdir()
(folder / "inner" / "socket").touch()
(folder / "inner").chmod(0o500)
if len(sys.argv) > 2 and os.fork() == 0:
    print(os.getpid(), flush=True)
    signal.pause()
os.kill(os.getpid(), signal.SIGKILL)
"""


def gone() -> int:
    """Give the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_process_left_goes_with_the_next_folder(tmp_path: Path) -> None:
    """Also where it took the permission to write away from itself."""
    assert subprocess.run([sys.executable, "-c", HOLD, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    with scratch.folder("verify", place=tmp_path) as folder:
        assert (left.exists(), list(tmp_path.iterdir())) == (False, [folder])
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_outlives_its_parent_holds_nothing(tmp_path: Path) -> None:
    """The folder is its parent's, and goes with it."""
    line = [sys.executable, "-c", HOLD, str(tmp_path), "with a child"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.wait()
        try:
            assert scratch.sweep(tmp_path) == 1
        finally:
            os.kill(child, 9)
    assert list(tmp_path.iterdir()) == []


def test_what_is_held_or_not_ours_stays(tmp_path: Path) -> None:
    """A living process's, one that is held by a process that cannot be seen, and whatever has another name."""
    number = gone()
    kept = [
        f"stadtbuch-kernel-{os.getpid()}-abcdefgh",
        f"stadtbuch-kernel-{number}-heldheld",
        f"stadtbuch-unit-another.host-{number}-abcdefgh",
        f"stadtbuch-{number}-abcdefgh",
        f"somebody-kernel-{number}-abcdefgh",
    ]
    going = [f"stadtbuch-kernel-{number}-abcdefgh", f"stadtbuch-{scratch.UNIT}-{number}-abcdefgh"]
    for name in [*kept, *going]:
        (tmp_path / name).mkdir()
    handle = os.open(tmp_path / kept[1], os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        assert scratch.sweep(tmp_path) == len(going)
    finally:
        os.close(handle)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
