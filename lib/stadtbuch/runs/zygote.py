"""
The zygote: a process that has imported everything and seen no data. It forks one process for each run.

It runs in a box without network, files of the city and other processes, and holds one socket to the process that
started it (`warm`), on which requests arrive with their descriptors. Each forked run makes its folder, shuts itself
in (`wall`), and only then acknowledges itself, with a descriptor of its own process. The connection of a run is its
lifeline: closed by whoever asked, the run is killed with all it started; when the run ends, its end is told there.

It is started by its path, so it may import the library only after it has found it. It never draws: a process that
is forked after the drawing engine was started hangs in it.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

RUNS = "/box/runs"
READY = b"ready"
PRELOADED = """
    numpy pandas geopandas pyarrow pyarrow.parquet pyogrio shapely scipy.sparse altair vl_convert
    IPython.core.completer ipykernel.zmqshell ipykernel.ipkernel ipykernel.kernelapp ipykernel.heartbeat
    ipykernel.debugger ipywidgets matplotlib_inline.backend_inline IPython.extensions.storemagic zmq
    jupyter_client.localinterfaces tornado.platform.asyncio
"""
STANDARD_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/dev/urandom", "/dev/zero")
OWN_FACTS = ("stat", "statm", "status", "maps", "cmdline", "environ", "cgroup", "limits", "mounts", "fd")
GONE, NO_WALL = 9, 70


class Zygote:
    """Forks runs and buries them."""

    def __init__(self, control: int, lifeline: int, calls: Sequence[bytes], library: str) -> None:
        self.control, self.lifeline, self.library = control, lifeline, library
        self.calls, self.calls_of_kernels = calls
        self.number = os.getpid()
        self.shell: Any = None
        self.watched = select.poll()
        self.runs: dict[int, Run] = {}
        """Descriptor of the connection, and descriptor of the process -> run."""

    def load(self, also: Sequence[str] = ()) -> None:
        """Import everything, and use it once on made-up data: what is only then set up is set up for all."""
        for name in PRELOADED.split():
            with suppress(ImportError):  # what is optional is loaded by the run that needs it
                importlib.import_module(name)
        import stadtbuch  # noqa: PLC0415 - only once the library is found
        from stadtbuch.runs import rehearsal, shell  # noqa: PLC0415 - only once the library is found

        for name in stadtbuch.__all__:  # what a notebook may call of it, whatever floor that stands on
            getattr(stadtbuch, name)
        for name in also:
            importlib.import_module(name)

        self.shell = shell.prepare()
        rehearsal.rehearse(self.shell)
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Answer until the one who started this is gone."""
        from stadtbuch.runs import wall  # noqa: PLC0415 - only once the library is found

        wall.adopt()
        for one in (self.control, self.lifeline):
            self.watched.register(one, select.POLLIN)
        with socket.socket(fileno=self.control) as door:
            door.send(READY)
            while True:
                for descriptor, _ in self.watched.poll():
                    if descriptor == self.lifeline:
                        return
                    if descriptor == self.control:
                        if not self._take(door):
                            return
                    elif descriptor in self.runs:
                        self._end(self.runs[descriptor], gone=descriptor)

    def _take(self, door: socket.socket) -> bool:
        """Take one request and fork; tell whether there may be another."""
        told, descriptors, _, _ = socket.recv_fds(door, 64, 253)
        if not told:
            return False
        name, packets = told.decode().split(":")
        for _ in range(int(packets) - 1):  # one carries no more
            descriptors += socket.recv_fds(door, 64, 253)[1]
        connection = socket.socket(fileno=descriptors[1])
        number = os.fork()
        if number == 0:
            door.detach()
            _become(self, name, connection, descriptors)
        for one in (descriptors[0], *descriptors[2:]):
            os.close(one)
        self._watch(Run(number, connection, name))
        return True

    def _watch(self, run: Run) -> None:
        for descriptor in (run.connection.fileno(), run.process):
            self.runs[descriptor] = run
        self.watched.register(run.connection, 0)  # only that it is closed
        self.watched.register(run.process, select.POLLIN)

    def _end(self, run: Run, *, gone: int) -> None:
        """Kill a run that nobody waits for any more; bury one that has ended."""
        if gone != run.process:
            self.watched.unregister(gone)
            del self.runs[gone]
            run.kill()
            return
        run.kill()  # what it started and left in its session
        self.watched.unregister(run.process)
        del self.runs[run.process]
        _, status, used = os.wait4(run.number, 0)
        self._sweep()
        shutil.rmtree(f"{RUNS}/{run.name}", ignore_errors=True)
        if self.runs.pop(run.connection.fileno(), None):
            self.watched.unregister(run.connection)
            told = {"status": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime}
            with suppress(OSError):
                run.connection.send(json.dumps(told).encode(), socket.MSG_DONTWAIT)
        run.close()

    def _sweep(self) -> None:
        """Kill what ended runs left behind, also in sessions of their own: their children are ours now."""
        alive = {run.number for run in self.runs.values()}
        for _ in range(100):
            left = [one for one in _children(self.number) if one not in alive]
            for one in left:
                with suppress(ProcessLookupError, ChildProcessError):
                    os.kill(one, signal.SIGKILL)
                    os.waitpid(one, 0)
            if not left:
                return


class Run:
    """One forked run, seen from its zygote."""

    def __init__(self, number: int, connection: socket.socket, name: str) -> None:
        self.number, self.connection, self.name = number, connection, name
        self.process = os.pidfd_open(number)

    def kill(self) -> None:
        """Kill it with its session; before it has one, it alone."""
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.number, signal.SIGKILL)

    def close(self) -> None:
        """Let go of its descriptors."""
        self.connection.close()
        os.close(self.process)


def _children(number: int) -> Iterator[int]:
    """
    Give the children of a process.

    From every process's own file: the list in ``/proc/PID/task/PID/children`` may leave one out while another ends
    (Linux, filesystems/proc, 3.7), and here some are always ending.
    """
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            told = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(told[1]) == number:
                yield int(status.parent.name)


def _become(zygote: Zygote, name: str, connection: socket.socket, descriptors: list[int]) -> NoReturn:
    """Be a run: shut in, acknowledged, and from then on at the service of whoever asked."""
    try:
        with os.fdopen(descriptors[0], "rb") as file:
            request = {**json.load(file), "name": name}
        _forget(zygote, request["layers"])
        _begin(zygote, request, connection, descriptors)
    except BaseException as error:  # noqa: BLE001 - whatever is missing, a run without its wall must not go on
        with suppress(OSError):
            connection.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    os._exit(NO_WALL)


def _forget(zygote: Zygote, layers: Sequence[str]) -> None:
    """Let go of everything that is the zygote's or another run's."""
    from stadtbuch.runs import wall  # noqa: PLC0415 - only once the library is found

    os.setsid()
    wall.end_with_parent(signal.SIGKILL)
    if os.getppid() != zygote.number:
        os._exit(GONE)
    os.close(zygote.lifeline)
    if "door" in layers:
        os.close(zygote.control)
    for run in set(zygote.runs.values()):
        run.close()
    del zygote.watched


def _begin(
    zygote: Zygote, request: dict[str, Any], connection: socket.socket, descriptors: list[int]
) -> NoReturn:
    from stadtbuch.runs import apart, charts, wall  # noqa: PLC0415 - only once the library is found

    for place in request["doors"]:  # of its control group: what it uses from here on is counted there
        os.write(descriptors[place], b"0")
        os.close(descriptors[place])
    if request["apart"] and "apart" in request["layers"]:
        apart.part(RUNS, size=request["limits"]["file_bytes"] + request["limits"]["memory_bytes"])
    named = {name: descriptors[place] for name, place in request["descriptors"].items()}
    _stand(named["log"])
    _surround(zygote, request["environment"])
    folder = _lay_out(request, descriptors)
    _find_modules(folder)
    if "charts" in named:
        charts.lead(named["charts"])
    if "limits" in request["layers"]:
        wall.bound(**request["limits"])
    calls = zygote.calls_of_kernels if request["kernel"] else zygote.calls
    stays = _open(zygote, request, folder)
    wall.shut(stays, calls=calls, layers=request["layers"], landlock=request["landlock"])
    serve = _served(zygote, request, folder, named)
    own = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [b"{}"], [own])
    os.close(own)
    connection.close()
    serve()
    os._exit(0)


def _stand(log: int) -> None:
    """Connect the standard descriptors: nothing to read, and the run's private log to write."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def _surround(zygote: Zygote, environment: dict[str, str]) -> None:
    """Set the run's variables, and those that every kernel sets for itself."""
    from stadtbuch.runs import inside  # noqa: PLC0415 - only once the library is found

    inside.surround({"MPLBACKEND": "module://matplotlib_inline.backend_inline", **environment})
    zygote.shell.init_environment()
    tempfile.tempdir = None
    time.tzset()


def _lay_out(request: dict[str, Any], descriptors: list[int]) -> Path:
    """Make the run's folder; its inputs are links to descriptors, so no file of the city is ever seen here."""
    folder = Path(RUNS) / request["name"]
    folder.mkdir(mode=0o700)
    for name in request["folders"]:
        (folder / name).mkdir(mode=0o700, parents=True)
    for path, content in request["files"].items():
        target = folder / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(b64decode(content))
    for path, place in request["inputs"].items():
        os.set_inheritable(descriptors[place], True)
        (folder / path).symlink_to(f"/proc/self/fd/{descriptors[place]}")
    os.chdir(folder)
    return folder


def _find_modules(folder: Path) -> None:
    """Find modules where a kernel finds them: beside the notebook first, the current folder before packages."""
    sys.path.insert(0, str(folder / "modules"))
    packages = (place for place, one in enumerate(sys.path) if one.endswith(("-packages", "/box/lib")))
    sys.path.insert(next(packages, len(sys.path)), "")


def _open(zygote: Zygote, request: dict[str, Any], folder: Path) -> Any:
    from stadtbuch.runs import wall  # noqa: PLC0415 - only once the library is found

    system = ("/usr", "/bin", "/sbin", "/lib", "/lib64", sys.prefix, sys.base_prefix, zygote.library)
    own = tuple(f"/proc/self/{name}" for name in OWN_FACTS)
    sockets = [str(Path(request["kernel"]).parent)] if request["kernel"] else []
    writable = (str(folder), "/dev/null", *sockets)
    return wall.Open(readable=(*STANDARD_FILES, *own), runnable=system, writable=writable)


def _served(
    zygote: Zygote, request: dict[str, Any], folder: Path, named: dict[str, int]
) -> Callable[[], NoReturn]:
    """Prepare the shell of a run, and give what runs its cells."""
    from stadtbuch.runs import inside, shell  # noqa: PLC0415 - only once the library is found

    line = socket.socket(fileno=named["line"])
    if request["kernel"]:
        line.close()
        return lambda: _be_kernel(zygote, request, folder)
    inside.note_errors(zygote.shell, folder / "outputs", Path(zygote.library) / "stadtbuch")
    shell.attach(zygote.shell, line)
    random.seed(request["seed"])
    sys.modules["numpy"].random.seed(request["seed"])
    return lambda: shell.serve(zygote.shell, line, folder / "outputs")


def _be_kernel(zygote: Zygote, request: dict[str, Any], folder: Path) -> NoReturn:
    """Be an ordinary ipykernel, for notebooks with widgets: it makes a shell of its own."""
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - loaded before the fork

    from stadtbuch.runs import inside  # noqa: PLC0415 - only once the library is found

    type(zygote.shell).clear_instance()
    application = IPKernelApp.instance()
    application.initialize(["-f", request["kernel"], "--HistoryManager.enabled=False", "--quiet"])
    inside.note_errors(application.shell, folder / "outputs", Path(zygote.library) / "stadtbuch")
    inside.seed(application.shell, request["seed"])
    if request["quiet"]:
        logging.disable(logging.CRITICAL)
    application.start()
    os._exit(0)


def _content(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def main() -> None:
    """
    Load, then serve.

    Arguments: the library's folder; the descriptors of control, lifeline and the two filters; further modules to load.
    """
    library, also = sys.argv[1], sys.argv[6:]
    control, lifeline, *filters = map(int, sys.argv[2:6])
    sys.path.append(library)
    from stadtbuch import startup  # noqa: PLC0415 - only once the library is found

    startup.spare()
    calls = [_content(one) for one in filters]
    if not all(calls):
        raise SystemExit("no filter of system calls, so no run starts")
    zygote = Zygote(control, lifeline, calls, library)
    zygote.load(also)
    zygote.serve()


if __name__ == "__main__":
    main()
    os._exit(0)
