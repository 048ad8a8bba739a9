"""Control groups: where they can be made, with which limits, and that none is left."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stadtbuch.runs import cgroups
from stadtbuch.runs.cgroups import Group, Place


def a_second_version(root: Path, *, handed_on: str = "memory pids", own: str = "service/main") -> Path:
    """Write a tree as version 2 of the interface shows it."""
    (root / "cgroup.controllers").parent.mkdir(parents=True, exist_ok=True)
    for folder in (root, *reversed((root / own).parents[: own.count("/")]), root / own):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory pids")
        (folder / "cgroup.subtree_control").write_text("")
        (folder / "cgroup.procs").write_text("")
    (root / own).parent.joinpath("cgroup.subtree_control").write_text(handed_on)
    return root / own


def test_second_version_is_found_above_the_own_group(tmp_path: Path) -> None:
    """Where the group above hands memory and processes on, ours is made beside the command's own."""
    own = a_second_version(tmp_path)
    place = cgroups.find(tmp_path, "0::/service/main\n")
    assert place == Place("v2", {"memory": own.parent, "pids": own.parent})


@pytest.mark.parametrize("handed_on", ["", "memory", "cpu io"])
def test_half_a_group_is_none(tmp_path: Path, handed_on: str) -> None:
    """Memory without processes, or nothing handed on: then there is no place."""
    own = a_second_version(tmp_path, handed_on=handed_on)
    (own / "cgroup.controllers").write_text("cpu")
    assert cgroups.find(tmp_path, "0::/service/main\n") is None


def test_room_is_made_in_a_delegated_group(tmp_path: Path) -> None:
    """A delegated group hands on only what has no processes in it: the command steps into a group below."""
    own = a_second_version(tmp_path, handed_on="", own="scope")
    place = cgroups.find(tmp_path, "0::/scope\n")
    assert (own / cgroups.ROOM / "cgroup.procs").read_text() == "0"
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert place is None  # this tree is of paper: no kernel answered, and that is noticed


def test_first_version_needs_both_controllers(tmp_path: Path) -> None:
    """Version 1: a tree for each controller; one alone does not bound a box."""
    for name in ("memory", "pids"):
        (tmp_path / name / "own").mkdir(parents=True)
        (tmp_path / name / "own" / "cgroup.procs").write_text("")
    both = "4:memory:/own\n8:pids:/own\n1:cpu,cpuacct:/\n"
    assert cgroups.find(tmp_path, both) == Place("v1", {n: tmp_path / n / "own" for n in ("memory", "pids")})
    assert cgroups.find(tmp_path, "4:memory:/own\n") is None


def test_nothing_mounted_is_no_place(tmp_path: Path) -> None:
    """No groups, no place, no error."""
    assert cgroups.find(tmp_path, "0::/\n") is None
    assert cgroups.find(tmp_path, "") is None


def test_limits_are_written_or_there_is_no_group(tmp_path: Path) -> None:
    """A group whose limits cannot be set is taken away again."""
    with pytest.raises(OSError, match="memory"):
        cgroups.make(Place("v2", {"memory": tmp_path, "pids": tmp_path}), memory_bytes=1, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_groups_of_killed_commands_are_swept(tmp_path: Path) -> None:
    """What a killed command left goes at the next start; groups of living ones stay."""
    (tmp_path / f"{cgroups.PREFIX}4194999-0").mkdir()
    (tmp_path / f"{cgroups.PREFIX}{os.getpid()}-7").mkdir()
    (tmp_path / "foreign").mkdir()
    cgroups.sweep(Place("v2", {"memory": tmp_path, "pids": tmp_path}))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["foreign", f"{cgroups.PREFIX}{os.getpid()}-7"]


def test_groups_of_killed_commands_are_swept_without_making_any(tmp_path: Path) -> None:
    """In the own group and in the one above, as a later command in another group below does; nothing else changes."""
    (tmp_path / "service" / "commands").mkdir(parents=True)
    for folder in (tmp_path / "service", tmp_path / "service" / "commands"):
        (folder / f"{cgroups.PREFIX}4194999-0").mkdir()
        (folder / f"{cgroups.PREFIX}{os.getpid()}-7").mkdir()
    cgroups.sweep_all(tmp_path, "0::/service/commands\n")
    left = [path.name for path in tmp_path.rglob("*") if path.name.startswith(cgroups.PREFIX)]
    assert left == [f"{cgroups.PREFIX}{os.getpid()}-7"] * 2


def test_real_group_bounds_and_goes() -> None:
    """On this machine, where groups can be made: limits stand in it, and nothing is left of it."""
    place = cgroups.find()
    if place is None:
        pytest.skip("this user can make no control groups here")
    group = cgroups.make(place, memory_bytes=64 << 20, processes=7)
    try:
        said = {
            (folder / "pids.max").read_text().strip()
            for folder in group.folders
            if (folder / "pids.max").exists()
        }
        assert said == {"7"}
        assert group.processes() == set()
    finally:
        assert group.close()
    assert not any(folder.exists() for folder in group.folders)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    """A group that is gone is gone."""
    assert Group("v2", (tmp_path / "gone",)).close()


def a_group(folder: Path, **files: str) -> Group:
    """Write a group's files as the kernel does."""
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return Group("v2", (folder,))


def test_processor_time_and_memory_are_told_by_both_versions(tmp_path: Path) -> None:
    """Version 2 counts in microseconds and events, version 1 in nanoseconds and under other names."""
    second, first, silent = (tmp_path / name for name in ("second", "first", "silent"))
    for folder in (second, first, silent):
        folder.mkdir()
    ours = a_group(
        second, cpu_stat="usage_usec 2500000\nuser_usec 1\n", memory_events="max 3\noom 1\noom_kill 1\n"
    )
    older = a_group(
        first, cpuacct_usage="1500000000\n", memory_oom_control="oom_kill_disable 0\noom_kill 0\n"
    )
    assert (ours.cpu_seconds(), ours.out_of_memory()) == (2.5, True)
    assert (older.cpu_seconds(), older.out_of_memory()) == (1.5, False)
    assert (a_group(silent).cpu_seconds(), a_group(silent).out_of_memory()) == (0.0, False)


def test_a_process_of_another_namespace_steps_in_through_an_open_door() -> None:
    """With version 2, a run in a box steps into a group that it cannot see, by the descriptor that it was handed."""
    root = next(
        (one for one in (cgroups.ROOT, cgroups.ROOT / "unified") if (one / "cgroup.controllers").is_file()),
        None,
    )
    folder = root / f"{cgroups.PREFIX}{os.getpid()}-door" if root else None
    try:
        assert folder is not None
        folder.mkdir()
    except (AssertionError, OSError):
        pytest.skip("no control groups of version 2 can be made here")
    group = Group("v2", (folder,))
    try:
        code = "import os, sys; os.write(int(sys.argv[1]), b'0'); input(); print(sum(range(10**6)))"
        door = os.open(group.doors[0], os.O_WRONLY)
        line = ["unshare", "--pid", "--fork", "--cgroup", sys.executable, "-c", code, str(door)]
        with subprocess.Popen(
            line, pass_fds=(door,), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            os.close(door)
            assert process.stdin is not None
            until = time.monotonic() + 30
            while not group.processes() and time.monotonic() < until:
                time.sleep(0.01)
            inside = group.processes()
            process.communicate(b"\n")
        assert len(inside) == 1
        assert group.cpu_seconds() > 0
    finally:
        assert group.close()
