"""
Bubblewrap's command line for a box: what stands around a command, and what it sees (pure but for `system_view`).

The traps that it avoids: bubblewrap makes missing folders above a target readable for their owner only; /tmp has to
come before what lies below it; changing the user cuts the tie to the parent, so it is tied anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import stadtbuch

PROGRAM = "bwrap"
LAYERS = frozenset(
    {
        "identity",  # another user: its own user namespace, or as root a number that nobody else has
        "files",  # sees the system's programs, Python and what is granted; nothing of the city
        "read-only",  # may change none of it
        "processes",  # sees and reaches its own processes only; they end with it
        "network",  # has a loopback of its own and nothing else
        "ipc",  # shares no memory, queues and semaphores with others
        "names",  # has a host name of its own
        "environment",  # gets the variables that are written for it
        "terminal",  # has no terminal
        "sizes",  # its folders in memory have a size
        "calls",  # may make the system calls of a list
        "limits",  # processor time, address space, processes, files, open files, no core dumps
        "cgroup",  # memory and processes in all
        "time",  # seconds by the clock on the wall
        "reply",  # bytes of the reply
    }
)
"""Every wall. Only tests take one away, to see that its attack then succeeds."""

LIBRARY = "/box/lib"
"""Where the library lies inside."""
TEMPORARY = "/tmp"  # noqa: S108 - inside the box, where nobody else is
HOME = f"{TEMPORARY}/home"
SHARED_BYTES = 16 << 20
_LINKED = ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/alternatives")


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a box may use.

    `seconds`: by the clock; `cpu_seconds`: of each process; `memory_bytes`: in all, where there is a control group;
    `address_bytes`: of each process, reserved or used (drawing charts reserves 64 GiB and uses little);
    `processes`: with their threads; `file_bytes`: of each file; `work_bytes`: of the files of each folder in memory;
    `reply_bytes`: of the reply.
    """

    seconds: float = 120.0
    cpu_seconds: int = 120
    memory_bytes: int = 2 << 30
    address_bytes: int = 80 << 30
    processes: int = 128
    open_files: int = 512
    file_bytes: int = 64 << 20
    work_bytes: int = 128 << 20
    reply_bytes: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Grant:
    """
    Something from outside that lies at `target` inside: a file or folder, or bytes.

    Bytes need no file of the city's that the box's user could read, and leave none behind.
    """

    source: Path | bytes = field(repr=False)
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """
    A box as it shall be.

    Attributes
    ----------
    grants
        Beside the system's programs, Python and this library.
    folders
        Writable folders in memory, beside ``/tmp``.
    environment
        Its variables; `variables` gives a good set.
    folder
        Where the command starts.
    lead
        Whether the command is the first process inside. Only for one that hides its memory from others (as the
        re-run's client does): bubblewrap's own first process is readable for a command of the same user.
    calls
        System calls that are allowed beside those of the list, as rows of `seccomp`'s table.
    namespaces
        Whether the command may make namespaces of its own: for the zygote, which does so in each run that it forks.
    layers
        All of them; only tests take one away.
    """

    grants: tuple[Grant, ...] = ()
    folders: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = TEMPORARY
    limits: Limits = Limits()
    lead: bool = False
    calls: str = ""
    namespaces: bool = False
    layers: frozenset[str] = LAYERS

    def without(self, *layers: str) -> Box:
        """Give the box without some of its walls (for tests)."""
        return replace(self, layers=self.layers - set(layers))


def variables(**more: str) -> dict[str, str]:
    """
    Give the variables of a box: nothing of the caller's, and the same every time.

    Examples
    --------
    >>> variables(TZ="Europe/Berlin")["TZ"], "SECRET" in variables()
    ('Europe/Berlin', False)
    """
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "TMPDIR": TEMPORARY,
        "LANG": "C.UTF-8",
        "IPYTHONDIR": f"{HOME}/ipython",
        "JUPYTER_CONFIG_DIR": f"{HOME}/jupyter",
        "JUPYTER_DATA_DIR": f"{HOME}/jupyter-data",
        "JUPYTER_RUNTIME_DIR": f"{HOME}/jupyter-runtime",
        "JUPYTER_NO_CONFIG": "1",
        "MPLCONFIGDIR": f"{HOME}/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "STADTBUCH_LIBRARY": LIBRARY,
        **more,
    }


def argv(
    box: Box,
    command: Sequence[str],
    *,
    system: Sequence[str],
    data: Mapping[str, int],
    calls: int | None,
    user: int | None,
    info: int | None = None,
) -> list[str]:
    """
    Write bubblewrap's command line.

    Parameters
    ----------
    command
        What to start inside.
    system
        Arguments that show the system's programs and Python, from `system_view`.
    data
        Target -> descriptor, for grants that are bytes.
    calls
        Descriptor of the filter.
    user
        As root: the number of the user that the command becomes. None: a user namespace.
    info
        Descriptor on which bubblewrap tells the number of the first process inside.
    """
    on = box.layers
    view = _view(box, system, data) if "files" in on else ["--dev-bind", "/", "/"]
    written = [part for name, value in box.environment.items() for part in ("--setenv", name, value)]
    tail = ["--chdir", box.folder] + (["--info-fd", str(info)] if info is not None else [])
    if calls is not None and "calls" in on:
        tail += ["--seccomp", str(calls)]
    return [
        PROGRAM,
        *_walls(on, user, namespaces=box.namespaces),
        # As root the first process is another user's and cannot be read; and changing the user would cut the tie
        # by which the box ends with its parent.
        *(["--as-pid-1"] if box.lead and user is None and "processes" in on else []),
        *view,
        *written,
        *tail,
        "--",
        *(_become(user) if user is not None and "identity" in on else []),
        *(_limited(box.limits) if "limits" in on else []),
        *command,
    ]


def _walls(on: frozenset[str], user: int | None, *, namespaces: bool) -> list[str]:
    """Give namespaces and identity; a box ends with its parent whatever the layers."""
    walls = ["--die-with-parent"]
    for layer, option in (
        ("ipc", "--unshare-ipc"),
        ("processes", "--unshare-pid"),
        ("network", "--unshare-net"),
        ("names", "--unshare-uts"),
        ("cgroup", "--unshare-cgroup-try"),
        ("terminal", "--new-session"),
        ("environment", "--clearenv"),
    ):
        walls += [option] if layer in on else []
    walls += ["--hostname", "box"] if "names" in on else []
    if user is None:
        walls += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
        return walls + (["--disable-userns"] if "identity" in on and not namespaces else [])
    if "identity" in on:
        kept = [part for name in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{name}")]
        walls += ["--cap-drop", "ALL", *kept]
    return walls


def _view(box: Box, system: Sequence[str], data: Mapping[str, int]) -> list[str]:
    """Give the files that are seen: folders in memory first, then what lies in them."""
    on, size = box.layers, str(box.limits.work_bytes)

    def memory(folder: str, at_most: str) -> list[str]:
        sized = ["--size", at_most] if "sizes" in on else []
        return [*sized, "--perms", "1777", "--tmpfs", folder]

    # /tmp first: Python or its packages may lie below it.
    lines = [*memory(TEMPORARY, size), "--perms", "1777", "--dir", HOME, "--perms", "0755", "--dir", "/etc"]
    lines += [*system, "--proc", "/proc", "--dev", "/dev"]
    for folder in box.folders:
        lines += [*_parents(folder), *memory(folder, size)]
    lines += memory("/dev/shm", str(SHARED_BYTES))  # noqa: S108 - inside the box
    for grant in box.grants:
        lines += [*_parents(grant.target), *_granted(grant, data)]
    if "read-only" in on:
        return [*lines, "--remount-ro", "/dev", "--remount-ro", "/"]
    return ["--bind" if part == "--ro-bind" else part for part in lines]


def _granted(grant: Grant, data: Mapping[str, int]) -> list[str]:
    if isinstance(grant.source, bytes):
        return ["--perms", "0444", "--ro-bind-data", str(data[grant.target]), grant.target]
    return ["--bind" if grant.writable else "--ro-bind", str(grant.source), grant.target]


def _parents(path: str) -> list[str]:
    """Make the folders above a path readable: bubblewrap alone would make them for their owner only."""
    above = [str(one) for one in reversed(Path(path).parents)]
    made = [one for one in above if one not in ("/", "/dev", TEMPORARY)]
    return [part for one in made for part in ("--perms", "0755", "--dir", one)]


def _become(user: int) -> list[str]:
    """Drop root for good: number, group, capabilities, and the way back through setuid programs."""
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--pdeathsig=KILL",
        "--",
    ]


def _limited(limits: Limits) -> list[str]:
    return [
        "prlimit",
        f"--cpu={limits.cpu_seconds}",
        f"--as={limits.address_bytes}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}",
        "--core=0",
        "--memlock=0",
        "--msgqueue=0",
        "--sigpending=256",
        "--",
    ]


def system_view() -> list[str]:
    """Give the arguments that show programs, libraries, fonts, Python, its packages and this library."""
    lines = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, _LINKED):
        if path.is_symlink():
            lines += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            lines += ["--ro-bind", str(path), str(path)]
    for name in _SETTINGS:
        lines += ["--ro-bind-try", name, name]
    for folder in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not Path(folder).is_relative_to("/usr"):
            lines += [*_parents(folder), "--ro-bind", folder, folder]
    package = str(Path(stadtbuch.__file__).parent)
    target = f"{LIBRARY}/stadtbuch"
    return [*lines, *_parents(target), "--ro-bind", package, target]
