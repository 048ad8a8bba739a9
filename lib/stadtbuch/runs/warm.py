"""
Warm kernels, seen from the process that uses them: one zygote and two chart servers, and the runs forked from them.

The zygote (`zygote`) runs in a box; each run is a process forked from it, with a wall of its own (`wall`). There is
one `Warm` for each process, made when it is first needed, and made anew when the library, the packages or the lock
have changed. Everything ends with the thread that started it, and with this process, however that ends.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import platform
import secrets
import select
import signal
import socket
import struct
import sys
import sysconfig
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import stadtbuch
from stadtbuch import scratch
from stadtbuch.errors import Refused
from stadtbuch.runs import apart, box, cgroups, charts, seccomp, wall, zygote
from stadtbuch.runs.bubblewrap import LIBRARY, Box, Limits
from stadtbuch.texts import Text

RUNS = zygote.RUNS
KIND = "kernel"
SOCKETS = f"{scratch.PREFIX}-{KIND}"
HOME = Path(stadtbuch.__file__).parent
CHART_SERVERS = 2
START_SECONDS = 60.0
"""The zygote needs two; on a busy machine it may take much longer."""
END_SECONDS = 30.0
MOST_DESCRIPTORS = 200
"""In one packet; the kernel takes 253."""
MOST_FILES = 10_000
PROCESSES = 2048
"""Of all runs of a zygote together, threads included: none of them can take the machine's last one."""
GROUP_PROCESSES, GROUP_BYTES = 512, 256 << 20
"""In the control group of one run: its processes with their threads; memory beside what it may use, for what it copies
of the zygote's."""
LOOK_SECONDS = 1.0
"""How often it is looked how much processor time the processes of a run have used together."""
TIMEOUT, DEAD, CPU, MEMORY, OUTPUT = "Timeout", "DeadKernel", "CpuTime", "Memory", "Output"


class Stopped(Exception):
    """A run ended before it was done; `kind` says why: `TIMEOUT`, `DEAD`, `CPU`, `MEMORY` or `OUTPUT`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may use: processor time, memory beyond what it starts with, what it shows and its files in all."""

    cpu_seconds: int
    memory_bytes: int
    output_bytes: int

    @classmethod
    def of(cls, limits: Mapping[str, Any]) -> Bounds:
        """Read them from ``run.json``."""
        return cls(limits["cpu_seconds"], limits["memory_mb"] << 20, limits["output_mb"] << 20)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a run is to be.

    `name`: of its folder, letters, digits and ``-``. `environment`: all its variables. `files`: path in its folder ->
    content; `inputs`: the same, of which it gets a descriptor and no copy; several runs may share one from `sealed`.
    `folders`: empty ones. `log`: descriptor of a file for what it writes past its notebook. `layers`: of its wall; only
    tests take one away. `kernel`: connection file, below a folder from `Warm.sockets`, of the Jupyter kernel that the
    run is to be; `quiet`: it logs nothing, for what a kernel logs stands on the page of whoever uses it.
    """

    name: str
    environment: Mapping[str, str]
    bounds: Bounds
    log: int
    seed: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)
    inputs: Mapping[str, bytes | int] = field(default_factory=dict)
    folders: Sequence[str] = ()
    layers: frozenset[str] = wall.LAYERS
    kernel: Path | None = None
    quiet: bool = False

    @property
    def folder(self) -> Path:
        """Give its folder, as it sees it."""
        return Path(RUNS) / self.name


class Run:
    """A forked run: a line for its cells, a connection that is its lifeline, and its process."""

    def __init__(
        self,
        line: socket.socket,
        connection: socket.socket,
        process: int,
        bounds: Bounds,
        gone: Callable[[], None],
        group: cgroups.Group | None = None,
    ) -> None:
        self.line, self.connection, self.process, self.bounds = line, connection, process, bounds
        self._gone, self.group, self._look = gone, group, 0.0
        self._turn = threading.Lock()
        self.said = 0
        self.cpu_seconds: float | None = None

    def execute(self, code: str, *, until: float) -> Iterator[dict[str, Any]]:
        """
        Run one cell and give what it shows, message by message; the last one is ``done``.

        Parameters
        ----------
        until
            By `time.monotonic`.

        Raises
        ------
        Stopped
            If the run ends, takes too long or says too much.
        """
        self._ask({"code": code}, until)
        while True:
            told = self._frame(until)
            yield told
            if told.get("type") == "done":
                return

    def files(self, *, until: float) -> Iterator[tuple[str, bytes]]:
        """
        Take the files that the run has made, as path and content.

        Nothing that the run says is trusted: paths lead downwards, sizes and numbers have limits.

        Raises
        ------
        Stopped
            As `execute`; `OUTPUT` if there is more than it may hand out.
        """
        self._ask({"most": self.bounds.output_bytes - self.said}, until)
        for _ in range(MOST_FILES):
            told = self._frame(until)
            if told.get("type") == "all":
                if told.get("whole") is not True:
                    raise Stopped(OUTPUT)
                return
            if told.get("type") == "file":
                yield _downwards(told.get("path")), self._content(told.get("size"), until)
        raise Stopped(OUTPUT)

    def stop(self) -> None:
        """Kill the run; whoever waits for it is told. Another thread may do that, also when it is closed already."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        with self._turn:
            if self.process >= 0:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.process, number)

    def close(self) -> None:
        """End the run and wait until it is gone; its descriptors are closed then."""
        self.line.close()
        self.stop()
        self._how()
        self.connection.close()
        _ended(self.process, END_SECONDS)
        with self._turn:
            if self.process >= 0:
                os.close(self.process)
                self.process = -1
                if self.group is not None:
                    self.group.close()
                self._gone()

    def _ask(self, told: Mapping[str, Any], until: float) -> None:
        content = json.dumps(told).encode()
        try:
            self.line.settimeout(_left(until))
            self.line.sendall(struct.pack("!I", len(content)) + content)
        except TimeoutError:
            raise Stopped(TIMEOUT) from None
        except OSError:
            raise Stopped(self._how()) from None

    def _frame(self, until: float) -> dict[str, Any]:
        (length,) = struct.unpack("!I", self._exactly(4, until))
        try:
            told = json.loads(self._content(length, until))
        except (ValueError, RecursionError):
            raise Stopped(DEAD) from None
        if not isinstance(told, dict):
            raise Stopped(DEAD)
        return told

    def _content(self, length: Any, until: float) -> bytes:
        """Take bytes that count as said."""
        if not isinstance(length, int) or length < 0:
            raise Stopped(DEAD)
        self.said += length
        if self.said > self.bounds.output_bytes:
            raise Stopped(OUTPUT)
        return self._exactly(length, until)

    def _exactly(self, number: int, until: float) -> bytes:
        found = bytearray()
        while len(found) < number:
            try:
                self.line.settimeout(self._patience(until))
                piece = self.line.recv(min(number - len(found), 1 << 20))
            except TimeoutError:
                if time.monotonic() < until:  # it is only time to look again
                    continue
                raise Stopped(TIMEOUT) from None
            except OSError:
                piece = b""
            if not piece:
                raise Stopped(self._how())
            found += piece
        return bytes(found)

    def _patience(self, until: float) -> float:
        """Say how long to wait; end a run whose processes have together used more than one may."""
        left = _left(until)
        if self.group is None:
            return left
        if time.monotonic() >= self._look:
            self._look = time.monotonic() + LOOK_SECONDS
            if self.group.cpu_seconds() > self.bounds.cpu_seconds:
                self.stop()
                raise Stopped(CPU)
        return min(left, LOOK_SECONDS)

    def _how(self) -> str:
        """Ask the zygote how the run ended."""
        self.connection.settimeout(END_SECONDS)
        try:
            told = json.loads(self.connection.recv(4096) or b"{}")
        except (OSError, ValueError):
            return DEAD
        self.cpu_seconds = told.get("cpu", self.cpu_seconds)
        if self.group is not None and self.group.out_of_memory():
            return MEMORY
        ignored = told.get("status") == -signal.SIGKILL and (self.cpu_seconds or 0) > self.bounds.cpu_seconds
        return CPU if ignored or told.get("status") == -signal.SIGXCPU else DEAD


class Warm:
    """
    One zygote with its chart servers; `live` counts the runs that are not closed yet.

    Parameters
    ----------
    kind
        What keeps its runs from each other, with the oldest Landlock that it has to hold with: only tests name one.
        Else it is the best that there is (`wall.kind`), with the Landlock that there is.
    """

    def __init__(self, kind: wall.Kind | None = None) -> None:
        self.kind = kind or wall.kind() or "landlock"
        oldest = wall.OLDEST if self.kind == "landlock" else wall.OLDEST_FOR_FILES
        self._landlock = oldest if kind else wall.version()
        self._stamp = stamp()
        self._locks: dict[Path, tuple[str, int, int]] = {}
        self._turn = threading.Lock()
        self.live = 0
        self._made = ExitStack()
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="stadtbuch-warm")
        self._said = os.memfd_create("said")
        self._sockets = scratch.made(KIND)
        (self._sockets / "k").mkdir()
        (self._sockets / "k").chmod(0o777)  # in the box it is somebody else; above it nobody else enters
        self._place = _place()
        self._control, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._servers: list[socket.socket] = []
        self._next: Iterator[int] = iter(())
        self._ready: Future[None] = self._keeper.submit(self._start, inner)

    @property
    def alive(self) -> bool:
        """Whether runs can be forked, as far as is known; a zygote that is gone closes its socket."""
        if not self._ready.done():
            return True
        if self._ready.exception() is not None or self._control.fileno() < 0:
            return False
        return not select.select([self._control], [], [], 0)[0]

    @property
    def failed(self) -> bool:
        """Whether it could not even start."""
        return self._ready.done() and self._ready.exception() is not None

    def current(self, lock: Path | None) -> bool:
        """Tell whether library, packages and Python are what they were at the start, and a city's lock as well."""
        if lock is not None and self._locks.setdefault(lock, _state(lock)) != _state(lock):
            return False
        return self._stamp == stamp()

    def wait(self) -> None:
        """
        Wait until runs can be forked.

        Raises
        ------
        Refused
            ``run.wall-impossible`` if that is not possible here.
        """
        self._ready.result()

    def sockets(self) -> Path:
        """Make a folder for the sockets of one kernel; its name is as good as a key, for others cannot list it."""
        folder = self._sockets / "k" / secrets.token_hex(12)
        folder.mkdir()
        folder.chmod(0o777)
        return folder

    def wall(self) -> list[str]:
        """Say what the wall of its runs is made of: for ``run.json``."""
        parts = [f"bubblewrap {'.'.join(map(str, box.version()))}", f"landlock {self._landlock}"]
        parts += ["seccomp"] if self.kind == "landlock" else ["namespaces", "seccomp"]
        return [*parts, "rlimits", *([f"cgroup {self._place.version}"] if self._place else [])]

    def fork(self, asked: Asked) -> Run:
        """
        Fork a run; it stands behind its wall when this returns.

        Raises
        ------
        Refused
            ``run.wall-impossible`` if there is no zygote; ``run.no-wall`` if the run's wall could not be built.
        """
        self.wait()
        with ExitStack() as sent:
            line, its_line = _pair(socket.SOCK_STREAM)
            connection, its_connection = _pair(socket.SOCK_SEQPACKET)
            named = {"line": its_line.detach(), "log": os.dup(asked.log)}
            chart = self._line_to_charts()
            if chart is not None:
                named["charts"] = chart
            content = {path: _own(data) for path, data in asked.inputs.items()}
            group = self._group(asked)
            doors = [os.open(door, os.O_WRONLY | os.O_CLOEXEC) for door in group.doors] if group else []
            descriptors = [its_connection.detach(), *named.values(), *content.values(), *doors]
            for one in descriptors:
                sent.callback(os.close, one)
            places = {one: place for place, one in enumerate(descriptors, 1)}
            request = {
                "environment": dict(asked.environment),
                "files": {path: b64encode(data).decode() for path, data in asked.files.items()},
                "folders": list(asked.folders),
                "seed": asked.seed,
                "descriptors": {name: places[one] for name, one in named.items()},
                "inputs": {path: places[one] for path, one in content.items()},
                "doors": [places[one] for one in doors],
                "limits": {
                    "cpu_seconds": asked.bounds.cpu_seconds,
                    "memory_bytes": asked.bounds.memory_bytes,
                    "file_bytes": asked.bounds.output_bytes,
                    "processes": PROCESSES,
                },
                "layers": sorted(asked.layers),
                "landlock": self._landlock,
                "apart": self.kind == "namespaces",
                "kernel": str(asked.kernel) if asked.kernel else None,
                "quiet": asked.quiet,
            }
            descriptors.insert(0, sealed(json.dumps(request).encode()))
            sent.callback(os.close, descriptors[0])
            try:
                self._send(asked.name, descriptors)
                process = _acknowledged(connection)
            except BaseException:
                line.close()
                connection.close()
                if group is not None:
                    group.close()
                raise
        with self._turn:
            self.live += 1
        return Run(line, connection, process, asked.bounds, self._buried, group)

    def _group(self, asked: Asked) -> cgroups.Group | None:
        """Make a control group for a run where that is possible: it bounds all its processes together."""
        if self._place is None or "group" not in asked.layers:
            return None
        memory = asked.bounds.memory_bytes + GROUP_BYTES
        try:
            return cgroups.make(self._place, memory_bytes=memory, processes=GROUP_PROCESSES)
        except OSError as error:
            raise _no_wall(f"cgroup: {error.strerror}") from None

    def _buried(self) -> None:
        with self._turn:
            self.live -= 1

    def close(self) -> None:
        """End the zygote with all its runs, then the chart servers."""
        with suppress(RuntimeError):  # the interpreter is ending, and the keeper has ended with all it kept
            self._keeper.submit(self._made.close).result()
        self._keeper.shutdown()
        self._control.close()
        os.close(self._said)
        scratch.remove(self._sockets)

    def _start(self, inner: socket.socket) -> None:
        """Start everything, in the keeper's thread."""
        try:
            servers = [self._start_charts() for _ in range(CHART_SERVERS)]
            self._start_zygote(inner)
            for server in servers:
                server.settimeout(START_SECONDS)
                server.recv(len(charts.READY))
            self._servers, self._next = servers, cycle(range(len(servers)))
            self._control.settimeout(START_SECONDS)
            if self._control.recv(len(zygote.READY)) != zygote.READY:
                raise _impossible(self._words())
        except BaseException:
            self._made.close()
            raise

    def _start_zygote(self, inner: socket.socket) -> None:
        lifeline, held = os.pipe()
        filters = [sealed(one) for one in _filters()]
        given = (inner.fileno(), lifeline, *filters)
        place = self._sockets / "k"
        command = _command("zygote", *map(str, given), *_also)
        here = Box(
            grants=(box.Grant(place, str(place), writable=True),),
            folders=(RUNS,),
            environment=box.variables(PYDEVD_DISABLE_FILE_VALIDATION="1"),
            limits=_ROOMY,
            calls=seccomp.LANDLOCK if self.kind == "landlock" else f"{seccomp.LANDLOCK} {seccomp.NAMESPACES}",
            namespaces=self.kind == "namespaces",
            layers=box.LAYERS - {"cgroup"},
        )
        self._made.enter_context(box.running(here, command, inherit=given, said=self._said))
        self._made.callback(os.close, held)  # first: the zygote ends by itself then
        for one in (lifeline, *filters):
            os.close(one)
        inner.close()

    def _start_charts(self) -> socket.socket:
        outer, inner = _pair(socket.SOCK_SEQPACKET)
        here = Box(environment=box.variables(), limits=_ROOMY, layers=box.LAYERS - {"cgroup"})
        command = _command("charts", str(inner.fileno()))
        self._made.enter_context(box.running(here, command, inherit=(inner.fileno(),), said=self._said))
        self._made.callback(outer.close)
        inner.close()
        return outer

    def _line_to_charts(self) -> int | None:
        """Connect a new line to a chart server and give its end; a server that is gone is replaced."""
        with self._turn:
            for place in islice(self._next, len(self._servers)):
                own, other = _pair(socket.SOCK_STREAM)
                with other:
                    if _handed(self._servers[place], other):
                        return own.detach()
                own.close()
                self._keeper.submit(self._replace, place)
        return None

    def _replace(self, place: int) -> None:
        with suppress(OSError, Refused):  # without it, a run draws for itself
            server = self._start_charts()
            server.settimeout(START_SECONDS)
            server.recv(len(charts.READY))
            self._servers[place] = server

    def _send(self, name: str, descriptors: list[int]) -> None:
        """Hand a request with its descriptors to the zygote, in as many packets as are needed."""
        packets = [
            descriptors[at : at + MOST_DESCRIPTORS] for at in range(0, len(descriptors), MOST_DESCRIPTORS)
        ]
        with self._turn:
            try:
                for packet in packets:
                    socket.send_fds(self._control, [f"{name}:{len(packets)}".encode()], packet)
            except OSError:
                raise _impossible(self._words()) from None

    def _words(self) -> str:
        """Give the last line of what zygote and chart servers said: for whoever runs the command."""
        os.lseek(self._said, 0, os.SEEK_SET)
        lines = os.read(self._said, 1 << 16).decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "zygote"


_ROOMY = Limits(
    cpu_seconds=1 << 30,
    address_bytes=1 << 46,
    processes=1 << 14,
    open_files=1 << 14,
    file_bytes=1 << 40,
    work_bytes=1 << 34,
)
"""The box's own limits; each run has its own."""


def _place() -> cgroups.Place | None:
    """Find out by trying where control groups of runs can be made; None where they cannot."""
    place = cgroups.find()
    if place is None:
        return None
    try:
        cgroups.make(place, memory_bytes=GROUP_BYTES, processes=1).close()
    except OSError:
        return None
    return place


def _filters() -> list[bytes]:
    """
    Give the lists of system calls of runs, and of those that are kernels.

    ZeroMQ asks for the machine's addresses even where it uses none of them; Landlock closes the ports.
    """
    return [
        seccomp.program(platform.machine(), network="none"),
        seccomp.program(platform.machine(), network="streams"),
    ]


def _command(program: str, *arguments: str) -> list[str]:
    """Write the command of one of our programs in a box."""
    return [sys.executable, "-P", "-s", f"{LIBRARY}/stadtbuch/runs/{program}.py", LIBRARY, *arguments]


def _pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, kind)


def _handed(server: socket.socket, line: socket.socket) -> bool:
    try:
        socket.send_fds(server, [b"line"], [line.fileno()], socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def _own(content: bytes | int) -> int:
    """Give a descriptor of our own for an input."""
    return sealed(content) if isinstance(content, bytes) else os.dup(content)


def sealed(content: bytes) -> int:
    """
    Lay bytes into a file that exists in memory only and that nobody can change any more.

    Returns
    -------
    int
        Its descriptor; whoever calls closes it.
    """
    handle = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(handle, "wb", closefd=False) as file:
        file.write(content)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _acknowledged(connection: socket.socket) -> int:
    """Wait until a run stands behind its wall, and give the descriptor of its process."""
    connection.settimeout(START_SECONDS)
    try:
        told, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
        answer = json.loads(told or b"{}")
    except OSError:
        answer, descriptors = {}, []
    if not descriptors:
        raise _no_wall(str(answer.get("error", "")))
    return descriptors[0]


def _ended(process: int, seconds: float) -> bool:
    """Wait for the end of a process."""
    return bool(select.select([process], [], [], seconds)[0])


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _downwards(path: Any) -> str:
    """Give a path that a run named, if it leads downwards."""
    parts = path.split("/") if isinstance(path, str) else []
    if (
        not 0 < len(parts) <= 8
        or len(path) > 400
        or any(one in ("", ".", "..") or "\0" in one for one in parts)
    ):
        raise Stopped(DEAD)
    return path


def _impossible(words: str) -> Refused:
    return Refused(
        "run.wall-impossible",
        Text(
            de="Hier lässt sich kein Kernel hinter einer Mauer starten.",
            en="No kernel behind a wall can be started here.",
        ),
        why=Text(de=f"Der Sandkasten sagt: {words}", en=f"The sandbox says: {words}"),
        remedy=Text(
            de="stadtbuch doctor sagt, was fehlt. Ohne Mauer laufen die Notebooks, wenn [runs] wall es erlaubt.",
            en="stadtbuch doctor says what is missing. Notebooks run without a wall if [runs] wall allows it.",
        ),
    )


def _no_wall(words: str) -> Refused:
    return Refused(
        "run.no-wall",
        Text(
            de="Die Mauer um einen Lauf ließ sich nicht bauen, also läuft er nicht.",
            en="The wall around a run could not be built, so it does not run.",
        ),
        why=Text(de=words or "Der Prozess endete.", en=words or "The process ended."),
        remedy=Text(
            de="stadtbuch doctor sagt, was dieser Rechner kann.",
            en="stadtbuch doctor says what this machine can do.",
        ),
    )


_also: list[str] = []
"""Modules of the library that the zygotes of this process load beside what every run needs."""
_one: Warm | None = None
_retired: list[Warm] = []
"""Of an earlier state of the library; they end with their last run."""
_choosing = threading.Lock()


def preload(*modules: str) -> None:
    """Let the zygotes that this process starts from now on load further modules: their runs need not."""
    _also.extend(one for one in modules if one not in _also)


def begin(lock: Path | None = None) -> Warm:
    """
    Give this process's warm kernels; they may still be starting.

    Parameters
    ----------
    lock
        The lock file of the city: when it changes, everything starts anew.

    Raises
    ------
    Refused
        ``run.wall-impossible`` where there is no Landlock, or no bubblewrap.
    """
    global _one
    require()
    with _choosing:
        if _one is not None and not (_one.alive and _one.current(lock)):
            _retired.append(_one)
            _one = None
        for one in [one for one in _retired if not (one.live and one.alive)]:
            _retired.remove(one)
            one.close()
        if _one is None:
            _one = Warm()
            _one.current(lock)
        return _one


def end() -> None:
    """End this process's warm kernels, if there are any."""
    global _one
    with _choosing:
        for one in (*_retired, *([_one] if _one is not None else [])):
            one.close()
        _retired.clear()
        _one = None


def _forget() -> None:
    """Leave them to the process that started them: this one was forked from it."""
    global _one, _choosing
    _one, _choosing = None, threading.Lock()
    _retired.clear()


atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def require() -> None:
    """
    Go on only where a run can have a wall, as far as that can be told without building one.

    Raises
    ------
    Refused
        ``run.wall-impossible``, or ``box.impossible`` without bubblewrap.
    """
    box.require_tools()
    found = wall.kind()
    if found is None:
        raise _impossible(f"Landlock {wall.version()} < {wall.OLDEST_FOR_FILES}")
    if found == "namespaces" and not _may_part():
        raise _impossible(f"Landlock {wall.version()} < {wall.OLDEST}, unshare")


@cache
def _may_part() -> bool:
    """Find out by trying whether a boxed process can step into namespaces of its own."""
    code = f"import ctypes, os; ctypes.CDLL(None).unshare({apart.ALL}) or os.write({{reply}}, b'apart')"
    here = Box(
        environment=box.variables(),
        limits=Limits(seconds=20),
        calls=seccomp.NAMESPACES,
        namespaces=True,
        layers=box.LAYERS - {"cgroup"},
    )
    return box.run(here, [sys.executable, "-I", "-S", "-c", code], b"").reply == b"apart"


def stamp() -> tuple[tuple[str, int, int], ...]:
    """Tell in what state the library, the packages and Python are, by sizes and times."""
    packages = Path(sysconfig.get_path("purelib"))
    files = sorted(HOME.rglob("*.py"))
    return tuple(_state(path) for path in (*files, packages, Path(sys.executable)))


def _state(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, 0)
    return (str(path), found.st_mtime_ns, found.st_size)
