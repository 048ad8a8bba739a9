"""
What a worker process does: take a laid-out folder, run its notebook, write the executed copy, say how it
ended.

A worker ends with the command that started it, however that ends: it holds one end of a pipe and stops as
soon as the other one is closed, by Ctrl-C, an error or ``kill -9``. The kernel ends with its worker.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

from stadtbuch import atomic, startup

SOURCE, INFO, EXECUTED = "source.ipynb", "run.json", "notebook.ipynb"
GRACE_SECONDS = 10


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
        ``seconds`` and ``fault`` (``cell``, ``kind``, ``message``) or None.
    """
    from stadtbuch.runs import engine, kernels  # noqa: PLC0415 - papermill, in the workers only

    kernels.sweep()
    info = json.loads((folder / INFO).read_text(encoding="utf-8"))
    begun = time.monotonic()
    executed, fault = engine.run(
        (folder / SOURCE).read_text(encoding="utf-8"),
        parameters=info["parameters"],
        folder=folder,
        environment=kernels.environment(folder, info),
        seconds=seconds,
    )
    atomic.write(folder / EXECUTED, executed.encode(), mode=0o600)
    return {"seconds": time.monotonic() - begun, "fault": asdict(fault) if fault else None}


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
