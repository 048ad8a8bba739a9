"""A whole build, with runs in flight, that is killed at a moment; and a disk that is full."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import stadtbuch
from crash import world
from crash.world import BUILD, Nursery, Scene
from stadtbuch.runs import cgroups

LIB = str(Path(stadtbuch.__file__).parents[1])
NOBODY = 65534
WHOLE: dict[str, float] = {}
"""How long a whole build takes on this machine: measured once, so that moments are spread over all of it."""


def bare_city(scene: Scene, root: Path) -> Path:
    """Give the city before anything ran in it: its files and its keys."""
    shutil.copytree(scene.root, root, ignore=shutil.ignore_patterns("var", "public"))
    (root / "var").mkdir(mode=0o700)
    shutil.copy(scene.root / "var/VERSION", root / "var/VERSION")
    shutil.copytree(scene.root / "var/keys", root / "var/keys")
    return root


def start(
    root: Path,
    *arguments: str,
    scratch: Path,
    more: Mapping[str, str] | None = None,
    umask: int = -1,
    account: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a build as a timer does: a process of its own group."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": LIB, "LANG": "C.UTF-8", "TMPDIR": str(scratch)}
    return subprocess.Popen(
        [sys.executable, "-m", "stadtbuch", *(arguments or BUILD)],
        cwd=root,
        env=environment | dict(more or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=umask,
        user=account,
        group=account,
        extra_groups=None if account is None else [],
    )


def survive(nursery: Nursery, scene: Scene, *, share: float) -> list[str]:
    """Kill a whole build, its group and all, after a share of its time; build again; say everything that is wrong."""
    with city(scene) as (root, scratch):
        process = start(root, scratch=scratch)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(share * measure(scene))
        told = kill(process, root)
        told += [f"half edition in between: {one}" for one in world.half_editions(root)]
        ended = nursery.call(root, BUILD, temporary=scratch)  # the same one, as on the same machine
        told += [f"the next build ended with {ended.status}: {ended.err}"] if ended.status else []
        told += world.wrong(root, scene)
        told += _left(root, scratch, process.pid)
    return [f"moment {share:.6f}: {one}" for one in [*told, *nursery.left()]]


def kill(process: subprocess.Popen[bytes], root: Path) -> list[str]:
    """Kill a command's group; whatever it started elsewhere must end by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(600):
        if not world.processes(root):
            return []
        time.sleep(0.05)  # another process ends; there is nothing to wait on
    return [f"process {number} outlives its command" for number in world.processes(root)]


@contextlib.contextmanager
def city(scene: Scene, *, name: str = "city") -> Iterator[tuple[Path, Path]]:
    """Give a city before anything ran in it, and an empty folder for temporary files; short, for sockets."""
    with world.quick_disk("sb-") as folder:
        scratch = folder / "tmp"
        scratch.mkdir()
        yield bare_city(scene, folder / name), scratch


def other_account() -> bool:
    """Tell whether another account can be tried here: as root, with a Python that everybody may read."""
    if os.geteuid() != 0:
        return False
    asked = [sys.executable, "-c", "import stadtbuch"]
    try:
        found = subprocess.run(asked, user=NOBODY, env={"PYTHONPATH": LIB}, capture_output=True, check=False)
    except PermissionError:
        return False
    return found.returncode == 0


def give_away(folder: Path) -> None:
    """Give a folder to another account."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)


def take_back(folder: Path) -> None:
    """Make a folder ours again."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, os.geteuid(), os.getegid())


def until(ready: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    for _ in range(2400):
        if ready():
            return
        time.sleep(0.05)  # another process works; there is nothing to wait on
    raise TimeoutError


def measure(scene: Scene) -> float:
    """Measure a whole build once, in seconds."""
    if "build" not in WHOLE:
        with city(scene) as (root, scratch):
            begun = time.monotonic()
            assert start(root, scratch=scratch).wait() == 0
            WHOLE["build"] = time.monotonic() - begun
    return WHOLE["build"]


def _left(root: Path, scratch: Path, killed: int) -> list[str]:
    """Name what is left in the folder for temporary files, and of the killed process's control groups."""
    found = [f"temporary: {path.name}" for path in scratch.iterdir()]
    found += [f"control group: {path.name}" for path in _groups(killed)]
    return found + [f"process {number}" for number in world.processes(root)]


def _groups(owner: int) -> list[Path]:
    place = cgroups.find()
    folders = set(place.folders.values()) if place else set()
    return [path for folder in folders for path in folder.glob(f"{cgroups.PREFIX}{owner}-*")]


def may_mount() -> bool:
    """Tell whether a small disk can be mounted here."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False
        )
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


def fill(nursery: Nursery, scene: Scene, *, megabytes: int) -> list[str]:
    """Build on a disk with a little room, then on the same disk with enough; say everything that is wrong."""
    with tempfile.TemporaryDirectory(dir=scene.root.parent, prefix="full-") as folder:
        disk = Path(folder) / "disk"
        disk.mkdir()
        used = sum(path.stat().st_size + 4096 for path in scene.root.rglob("*"))
        room = used + megabytes * 100_000
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", str(disk)], check=True)
        try:
            root = Path(shutil.copytree(scene.root, disk / "city"))
            ended = nursery.call(root, scene.command)
            subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
            told = world._badly_told(ended) + world._in_between(root, scene)
            again = nursery.call(root, scene.command)
            told += [f"the next build ended with {again.status}: {again.err}"] if again.status else []
            told += world.wrong(root, scene)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    return [f"full disk, {megabytes}00 kB of room, ended with {ended.status}: {one}" for one in told]
