"""
Control groups: how much memory and how many processes a box or a forked run may have in all, whatever it forks.

Both versions of the kernel's interface are known. A group is made below the caller's own, so that a limit which
the caller has holds for the box as well. Version 2 needs a delegated part of the tree (``Delegate=yes`` of a
systemd unit, or ``systemd-run --user --scope -p Delegate=yes``); version 1 needs root.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
PREFIX = "stadtbuch-box-"
ROOM = "stadtbuch-commands"
NEEDED = ("memory", "pids")
COUNTING = "cpuacct"
"""Counts processor time with version 1, where it is there; version 2 always counts it."""
PATIENCE_SECONDS = 5.0

_count = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """Where groups can be made: controller -> folder; with version 2 it is the same folder twice."""

    version: Literal["v1", "v2"]
    folders: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Group:
    """One box's group. `folders` are its folders, one a controller with version 1."""

    version: Literal["v1", "v2"]
    folders: tuple[Path, ...]

    @property
    def doors(self) -> tuple[Path, ...]:
        """Give the files into which a process writes ``0`` to step in."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)

    def processes(self) -> set[int]:
        """Give the processes that are in the group now."""
        found: set[int] = set()
        for door in self.doors:
            with suppress(OSError):
                found |= {int(number) for number in door.read_text().split()}
        return found

    def peak(self) -> int | None:
        """Give the largest number of bytes that the group has used, if the kernel tells."""
        for folder, name in itertools.product(self.folders, ("memory.peak", "memory.max_usage_in_bytes")):
            with suppress(OSError, ValueError):
                return int((folder / name).read_text())
        return None

    def cpu_seconds(self) -> float:
        """Give the processor time that all its processes have used; 0 if nobody counts it."""
        for folder in self.folders:
            with suppress(OSError, ValueError):
                return int((folder / "cpuacct.usage").read_text()) / 1e9
            with suppress(OSError, ValueError):
                return int(_facts(folder / "cpu.stat")["usage_usec"]) / 1e6
        return 0.0

    def out_of_memory(self) -> bool:
        """Tell whether the kernel has killed a process of the group because it used too much memory."""
        for folder, name in itertools.product(self.folders, ("memory.events", "memory.oom_control")):
            with suppress(OSError, ValueError):
                return int(_facts(folder / name).get("oom_kill", 0)) > 0
        return False

    def close(self) -> bool:
        """End whatever is left in the group and remove it; tell whether it is gone."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            for process in self.processes():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
            if sum(_removed(folder) for folder in self.folders) == len(self.folders):
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.01)


def find(root: Path = ROOT, own: str | None = None) -> Place | None:
    """
    Find where this process may make groups, or give None.

    Parameters
    ----------
    root
        Where the groups are mounted.
    own
        What ``/proc/self/cgroup`` says.
    """
    paths = _paths(own)
    return _first(root, paths) or _second(root, paths)


def _paths(own: str | None) -> dict[str, str]:
    """Give the own groups: controller -> path; version 2 has one for all, under an empty name."""
    try:
        said = own if own is not None else OWN.read_text(encoding="utf-8")
    except OSError:
        return {}
    paths: dict[str, str] = {}
    for line in said.splitlines():
        _number, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path.lstrip("/"))
    return paths


def make(place: Place, *, memory_bytes: int, processes: int) -> Group:
    """
    Make a group with its limits.

    Raises
    ------
    OSError
        If it cannot be made or a limit cannot be set: a group without its limits is none.
    """
    sweep(place)
    name = f"{PREFIX}{os.getpid()}-{next(_count)}"
    folders = tuple(dict.fromkeys(folder / name for folder in place.folders.values()))
    group = Group(place.version, folders)
    try:
        for folder in folders:
            folder.mkdir()
        for file, value, must in _limits(place.version, memory_bytes, processes):
            _set(group, file, value, must=must)
    except OSError:
        group.close()
        raise
    return group


def sweep(place: Place) -> None:
    """Remove groups of commands that were killed before they could."""
    for folder in dict.fromkeys(place.folders.values()):
        for left in folder.glob(f"{PREFIX}*-*"):
            owner = left.name.removeprefix(PREFIX).partition("-")[0]
            if owner.isdigit() and not Path(f"/proc/{owner}").exists():
                Group(place.version, (left,)).close()


def sweep_all(root: Path = ROOT, own: str | None = None) -> None:
    """
    Remove groups of commands that were killed, wherever this one could make some; nothing else is changed.

    Parameters
    ----------
    root, own
        As `find`.
    """
    paths = _paths(own)
    first = _first(root, paths)
    here = root / paths.get("", "")
    both = (folder for folder in (here, here.parent) if folder.is_relative_to(root))
    for place in [first] if first else [Place("v2", {"": folder}) for folder in both]:
        sweep(place)


def _limits(version: str, memory_bytes: int, processes: int) -> tuple[tuple[str, int, bool], ...]:
    """Give file, value and whether a kernel without it will not do; swap would let memory grow unseen."""
    if version == "v2":
        return (
            ("memory.max", memory_bytes, True),
            ("memory.swap.max", 0, False),
            ("memory.oom.group", 1, False),
            ("pids.max", processes, True),
        )
    return (
        ("memory.limit_in_bytes", memory_bytes, True),
        ("memory.memsw.limit_in_bytes", memory_bytes, False),
        ("pids.max", processes, True),
    )


def _set(group: Group, file: str, value: int, *, must: bool) -> None:
    for folder in group.folders:
        if (folder / file).exists():
            (folder / file).write_text(str(value))
            return
    if must:
        raise FileNotFoundError(file)


def _facts(file: Path) -> dict[str, str]:
    """Read a file of names and numbers."""
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _removed(folder: Path) -> bool:
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _first(root: Path, paths: Mapping[str, str]) -> Place | None:
    """Version 1: a tree for each controller."""
    folders = {name: _tree(root, paths, name) for name in (*NEEDED, COUNTING)}
    found = {name: folder for name, folder in folders.items() if folder is not None}
    return Place("v1", found) if found.keys() >= set(NEEDED) else None


def _tree(root: Path, paths: Mapping[str, str], name: str) -> Path | None:
    """Give the own group in a controller's tree, if it may be written; in a container its path may not be visible."""
    own = root / name / paths.get(name, "")
    folder = own if own.is_dir() else root / name
    able = name in paths and (folder / "cgroup.procs").is_file() and _writable(folder)
    return folder if able else None


def _second(root: Path, paths: Mapping[str, str]) -> Place | None:
    """Version 2: the own group if it hands controllers on, the one above, or the own one after making room."""
    if not (root / "cgroup.controllers").is_file() or "" not in paths:
        return None
    own = root / paths[""]
    if not own.is_dir():
        own = root
    for folder in (own, own.parent):
        if folder.is_relative_to(root) and _writable(folder) and _hands_on(folder):
            return Place("v2", dict.fromkeys(NEEDED, folder))
    return Place("v2", dict.fromkeys(NEEDED, own)) if _made_room(own) else None


def _made_room(own: Path) -> bool:
    """
    Step into a group of our own below, so that the delegated one may hand its controllers on.

    The kernel allows that only for a group without processes; where others are in it, nothing changes for them.
    """
    if not _writable(own) or not set(NEEDED) <= _words(own / "cgroup.controllers"):
        return False
    room = own / ROOM
    with suppress(OSError):
        room.mkdir(exist_ok=True)
        (room / "cgroup.procs").write_text("0")
        (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in NEEDED))
    return _hands_on(own)


def _hands_on(folder: Path) -> bool:
    return set(NEEDED) <= _words(folder / "cgroup.subtree_control")


def _words(file: Path) -> set[str]:
    try:
        return set(file.read_text(encoding="utf-8").split())
    except OSError:
        return set()


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)
