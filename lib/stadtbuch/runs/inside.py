"""
The program of a run's kernel: seeds what is random, notes errors of the library, and starts an ordinary
ipykernel.

It is started by its path, so it may import the library only after it has found it.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

RESERVED_BYTES = 1 << 30
"""The engine that draws charts reserves this and uses little of it."""
CELLS = "/tmp/stadtbuch-cells"  # noqa: S108 - a name in tracebacks; no such folder exists


def main(prepare: Callable[[Any], None] = lambda shell: None) -> None:
    """Prepare the process and hand it to ipykernel; `prepare` gets the shell before it starts."""
    # The kernel's whole environment is written by `kernels.environment`; this program is its reader.
    folder, library = Path(os.environ["STADTBUCH_RUN"]), os.environ.pop("STADTBUCH_LIBRARY")
    sys.path.insert(0, str(folder / "modules"))
    if library not in sys.path:
        sys.path.append(library)
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - only once the paths are right

    from stadtbuch import startup  # noqa: PLC0415 - as above

    startup.spare()

    steady()
    application = IPKernelApp.instance()
    application.initialize([*sys.argv[1:], "--HistoryManager.enabled=False"])
    note_errors(application.shell, folder / "outputs", Path(library) / "stadtbuch")
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    seed(application.shell, told["seed"])
    prepare(application.shell)
    _bound(told.get("limits"))
    application.start()


def steady() -> None:
    """Name cells by their code alone: ipykernel's names, which stand in warnings, hold a process's number."""
    from ipykernel import compiler  # noqa: PLC0415 - only once the paths are right

    compiler.get_tmp_directory = lambda: CELLS


def surround(environment: Mapping[str, str]) -> None:
    """Replace the whole environment of this process."""
    os.environ.clear()
    os.environ.update(environment)


def _bound(limits: Mapping[str, int] | None) -> None:
    """Set the limits of a plain kernel, as far as the system knows them; a box has limits of its own."""
    from stadtbuch.runs import wall  # noqa: PLC0415 - only once the paths are right

    if limits is not None:
        memory = (limits["memory_mb"] << 20) + RESERVED_BYTES
        with suppress(OSError, ValueError):
            wall.bound(
                cpu_seconds=limits["cpu_seconds"], memory_bytes=memory, file_bytes=limits["output_mb"] << 20
            )


def seed(shell: Any, number: int) -> None:
    """
    Start the common generators from the seed when the first cell runs; own generators take ``city.seed``.

    Not before: the kernel itself draws numbers while it starts.
    """
    import numpy as np  # noqa: PLC0415 - only once the paths are right

    def first_cell(*event: Any) -> None:
        shell.events.unregister("pre_run_cell", first_cell)
        random.seed(number)
        np.random.seed(number)

    shell.events.register("pre_run_cell", first_cell)


def note_errors(shell: Any, outputs: Path, library: Path) -> None:
    """Keep code and texts of the library's own errors, so that the command ends with their exit code."""
    from stadtbuch.errors import StadtbuchError  # noqa: PLC0415 - only once the paths are right

    def noted(
        shell: Any,
        kind: type[BaseException],
        error: StadtbuchError,
        trace: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        # Only what the library itself raised: a text that a notebook made up could hold data.
        if _origin(trace).is_relative_to(library):
            content = {"type": kind.__name__, "de": error.as_dict("de"), "en": error.as_dict("en")}
            outputs.mkdir(exist_ok=True)
            (outputs / "error.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc((StadtbuchError,), noted)


def _origin(trace: TracebackType) -> Path:
    """Give the file in which an error was raised."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return Path(trace.tb_frame.f_code.co_filename)


if __name__ == "__main__":
    main()
