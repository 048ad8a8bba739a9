"""
What a worker does: take a laid-out folder, run its notebook, write the executed copy, say how it ended.

Where runs are forked from a zygote (`forked`), a worker is a thread of the command. Else (`work`) it is a process:
it ends with the command that started it, however that ends: it holds one end of a pipe and stops as
soon as the other one is closed, by Ctrl-C, an error or ``kill -9``. The kernel ends with its worker.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic, startup

if TYPE_CHECKING:
    from stadtbuch.runs.warm import Run, Warm

SOURCE, INFO, EXECUTED = "source.ipynb", "run.json", "notebook.ipynb"
GRACE_SECONDS = 10
FOLDERS = ("inputs", "modules", "home", "outputs", "outputs/tables", "outputs/figures", "outputs/shown")
"""What every run finds in its folder."""
FAULTS = ("Timeout", "DeadKernel", "CpuTime", "Output")
"""The run was stopped or is dead: there is nobody who could hand out files."""
HANDING_OUT_SECONDS = 60.0


def begin(lifeline: Connection) -> None:
    """Prepare a worker: only the lifeline ends it, so that Ctrl-C reaches one place and not three."""
    startup.spare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_watch, args=(lifeline,), daemon=True).start()


def work(folder: Path, seconds: float) -> dict[str, Any]:
    """
    Run the notebook of a folder.

    Parameters
    ----------
    folder
        Laid out by `execute`.
    seconds
        Limit for all cells together.

    Returns
    -------
    dict
        ``seconds``, ``cpu_seconds`` of the run's processes (None if unknown), and ``fault`` (``cell``, ``kind``,
        ``message``) or None.
    """
    from stadtbuch.runs import engine, kernels  # noqa: PLC0415 - papermill, in the workers only

    info = json.loads((folder / INFO).read_text(encoding="utf-8"))
    begun, used = time.monotonic(), _children()
    executed, fault = engine.run(
        (folder / SOURCE).read_text(encoding="utf-8"),
        parameters=info["parameters"],
        folder=folder,
        environment=kernels.environment(folder, info),
        seconds=seconds,
        client=engine.counting(_bytes(info)),
    )
    if fault is None and sum(one.stat().st_size for one in _files(folder)) > _bytes(info):
        fault = engine.Fault(None, "Output", "")
    atomic.write(folder / EXECUTED, executed.encode(), mode=0o600)
    return _ended(begun, _children() - used, fault)


def _bytes(info: Mapping[str, Any]) -> int:
    """Give how much a run may put out; without a word on it, as much as it likes."""
    return int(info["limits"]["output_mb"]) << 20 if "limits" in info else sys.maxsize


def _files(folder: Path) -> list[Path]:
    return [one for one in (folder / "outputs").rglob("*") if one.is_file() and not one.is_symlink()]


def forked(
    folder: Path, seconds: float, *, warm: Warm, alive: Callable[[Run], Any] = lambda run: None
) -> dict[str, Any]:
    """
    Run the notebook of a folder in a run forked from a zygote; parameters and result as in `work`.

    The run sees nothing of the folder but what it is handed: inputs as descriptors, modules and ``run.json`` as copies.
    Its files come back through its line.

    Parameters
    ----------
    warm
        The zygote.
    alive
        Is told of the run as soon as it is there: so that it can be stopped from elsewhere.

    Raises
    ------
    Refused
        ``run.no-wall`` if its wall cannot be built.
    """
    from stadtbuch.runs import engine  # noqa: PLC0415 - papermill, only where something runs

    info = json.loads((folder / INFO).read_text(encoding="utf-8")) | {"engine": "direct", "wall": warm.wall()}
    told = (json.dumps(info, ensure_ascii=False, indent=1) + "\n").encode()
    atomic.write(folder / INFO, told, mode=0o600)
    begun = time.monotonic()
    with (
        (folder / "kernel.log").open("ab") as log,
        closing(warm.fork(_asked(folder, info, told, log))) as run,
    ):
        alive(run)
        executed, fault = engine.run_forked(
            (folder / SOURCE).read_text(encoding="utf-8"),
            parameters=info["parameters"],
            run=run,
            seconds=seconds,
        )
        if fault is None or fault.kind not in FAULTS:
            fault = _take(run, folder) or fault
    atomic.write(folder / EXECUTED, executed.encode(), mode=0o600)
    return _ended(begun, run.cpu_seconds, fault)


def _ended(begun: float, cpu_seconds: float | None, fault: Any) -> dict[str, Any]:
    """Say how a run ended and what it took."""
    told = asdict(fault) if fault else None
    return {"seconds": time.monotonic() - begun, "cpu_seconds": cpu_seconds, "fault": told}


def _children() -> float:
    """Give the processor time of all children that have ended: here, the kernels."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _asked(folder: Path, info: Mapping[str, Any], told: bytes, log: Any) -> Any:
    """Say what a forked run gets of its folder."""
    from stadtbuch.runs import kernels, warm  # noqa: PLC0415 - as in `forked`

    name = str(info["key"])[:32]
    environment = kernels.environment(Path(warm.RUNS) / name, info)
    del environment["STADTBUCH_LIBRARY"]  # the zygote has found it
    return warm.Asked(
        name=name,
        environment=environment,
        bounds=warm.Bounds.of(info["limits"]),
        log=log.fileno(),
        seed=info["seed"],
        files={INFO: told, **_contents(folder, "modules")},
        inputs=_contents(folder, "inputs"),
        folders=FOLDERS,
    )


def _contents(folder: Path, name: str) -> dict[str, bytes]:
    files = (path for path in (folder / name).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


def _take(run: Run, folder: Path) -> Any:
    """Write the files that a run hands out; give what is wrong if it hands out too much, or ends over it."""
    from stadtbuch.runs import engine, warm  # noqa: PLC0415 - as in `forked`

    try:
        for path, content in run.files(until=time.monotonic() + HANDING_OUT_SECONDS):
            target = folder / "outputs" / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
    except warm.Stopped as stopped:
        return engine.Fault(None, stopped.kind, "")
    except OSError:  # the same path twice, or a path through a file: no honest run says that
        return engine.Fault(None, warm.DEAD, "")
    return None


def _watch(lifeline: Connection) -> None:
    """Wait until the coordinator is gone or lets go; then end, softly first."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)


def _stop(number: int, frame: Any) -> None:
    """Leave the run through its own clean-up, which ends the kernel."""
    raise SystemExit(1)
