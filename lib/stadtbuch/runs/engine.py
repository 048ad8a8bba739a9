"""
The engines: papermill runs a notebook in one of our kernels, or cell by cell in a run forked from the zygote. No other
module imports papermill.

What papermill would do beyond that is switched off: no saving after each cell, no progress bar, no log of
outputs, no change of the process's folder. Volatile metadata are removed, so that the same run gives the same
bytes.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import platform
import signal
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator

from stadtbuch import scratch
from stadtbuch.errors import Refused
from stadtbuch.runs import anybody, kernels, warm
from stadtbuch.runs.warm import CPU, DEAD, OUTPUT, TIMEOUT, Stopped

PLAIN, DIRECT = "stadtbuch-plain", "stadtbuch-direct"
START_SECONDS = 120
"""A kernel starts in one or two seconds; on a busy machine it may take much longer."""
INJECTED = "injected-parameters"
ERROR_MARK = "papermill-error-cell-tag"
RAISES = "raises-exception"
VOLATILE = ("execution", "papermill")
LANGUAGE_INFO = {
    "name": "python",
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": 3},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}
"""What a kernel of ours says of its language; its version is this Python's."""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Where and how a notebook stopped.

    `cell` counts the notebook's cells from 1, without the one that papermill adds; `kind` is the type of the
    exception, `Timeout` or `DeadKernel`; `message` may hold data.
    """

    cell: int | None
    kind: str
    message: str


class _Limit:
    """Tells nbclient how long a cell may take: what is left of the time for all cells."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until: float | None = None

    def __call__(self, cell: Any) -> float:
        self.until = self.until or time.monotonic() + self.seconds
        return max(self.until - time.monotonic(), 0.001)


class Plain(NBClientEngine):
    """Papermill's own engine, with our kernel and one time limit for the whole notebook."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the cells; that time was up or the kernel died is recorded as a cell's error."""
        options["seen"].append(nb_man)
        client = options["client"](
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=options["kernel"],
            timeout_func=_Limit(options["seconds"]),
            startup_timeout=START_SECONDS,
            store_widget_state=False,
            record_timing=False,
            log=logging.getLogger("stadtbuch.engine"),
        )
        folder, manager = options["folder"], client.create_kernel_manager()
        try:
            # What a kernel writes past its notebook could hold data: it goes into the private folder.
            with (folder / "kernel.log").open("wb") as log:
                environment = dict(options["environment"])
                client.execute(env=environment, cwd=str(folder), stdout=log, stderr=log)
        except CellTimeoutError:
            _mark(nb_man, TIMEOUT)
        except DeadKernelError:
            flooded = getattr(client, "left", 0) < 0
            _mark(nb_man, OUTPUT if flooded else CPU if manager.ended == -signal.SIGXCPU else DEAD)


def counting(most: int) -> type[PapermillNotebookClient]:
    """Give a client that ends a plain kernel which says more than it may, in bytes."""

    class Counting(PapermillNotebookClient):
        """Counts what all messages say."""

        left = most

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            self.left -= len(json.dumps(msg.get("content", {}), default=str))
            if self.left < 0:
                self.km.provisioner.process.kill()
                return None
            return super().process_message(msg, cell, cell_index)

    return Counting


class Direct(Engine):
    """
    Runs the cells in a forked run: no kernel, no ZeroMQ.

    Its messages are those of a kernel, so nbclient's own client sorts them into the cells.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the cells until one raises; that the run was stopped is recorded as a cell's error."""
        options["seen"].append(nb_man)
        log = logging.getLogger("stadtbuch.engine")
        client = PapermillNotebookClient(nb_man, store_widget_state=False, record_timing=False, log=log)
        _execute_all(nb_man, client, options["run"], options["seconds"])


class Hermetic(Direct):
    """
    For anybody: ``papermill --engine stadtbuch``.

    A notebook with a manifest that lies in a city gets the inputs that it declares, as in `stadtbuch run`; any other
    gets nothing. Files that it writes are gone with it: what counts stands in the notebook.
    """

    _count = itertools.count()

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the cells behind a wall; in a plain kernel of ours where there is none, and say so."""
        given = nb_man.nb.metadata["papermill"]["parameters"]
        laid = anybody.laid(options.get("input_path"), given)
        if laid.request is not None:
            _retype(nb_man.nb, {name: laid.request.parameters[name] for name in given})
        said = {name: options.get(name) for name in ("log_output", "stdout_file", "stderr_file")}
        try:
            zygote = warm.begin()
            zygote.wait()
        except Refused as refused:
            if laid.limits.wall == "required":
                raise
            logging.getLogger("papermill").warning("no wall: %s", refused.why.en if refused.why else "")
            _without_wall(nb_man, laid, said)
            return
        with Path(os.devnull).open("wb") as log:
            asked = laid.asked(f"notebook-{next(cls._count)}", log=log.fileno())
            with closing(zygote.fork(asked)) as run:
                client = PapermillNotebookClient(
                    nb_man, store_widget_state=False, record_timing=False, **said
                )
                _execute_all(nb_man, client, run, laid.limits.seconds)


def _retype(notebook: Any, values: Mapping[str, Any]) -> None:
    """Write the values that were given in the types of the manifest: papermill took them as they were typed."""
    for cell in notebook.cells:
        if INJECTED in cell.metadata.get("tags", ()):
            cell.source = PythonTranslator.codify(dict(values))


def _without_wall(nb_man: Any, laid: anybody.Laid, said: Mapping[str, Any]) -> None:
    with scratch.folder("papermill") as folder:
        laid.write(folder)
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernels.NAME,
            kernel_manager_class=kernels.PlainKernel,
            timeout_func=_Limit(laid.limits.seconds),
            startup_timeout=START_SECONDS,
            store_widget_state=False,
            record_timing=False,
            **said,
        )
        client.execute(env=laid.environment(folder), cwd=str(folder))


def _execute_all(nb_man: Any, client: PapermillNotebookClient, run: warm.Run, seconds: float) -> None:
    client.reset_execution_trackers()
    until = time.monotonic() + seconds
    try:
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            well = _execute(run, client, cell, index, until)
            if not well:
                nb_man.cell_exception(cell, cell_index=index)
            nb_man.cell_complete(cell, cell_index=index)
            if not well:
                break
    except Stopped as stopped:
        _mark(nb_man, stopped.kind)
    nb_man.nb.metadata["language_info"] = {**LANGUAGE_INFO, "version": platform.python_version()}


def _execute(run: warm.Run, client: Any, cell: Any, index: int, until: float) -> bool:
    """Run one cell; tell whether the next one shall run."""
    if cell.cell_type != "code" or not cell.source.strip():
        return True
    client.clear_before_next_output = False
    for told in run.execute(cell.source, until=until):
        if told.get("type") == "done":
            return told.get("content") == {"ok": True} or RAISES in cell.metadata.get("tags", ())
        try:
            head = {"msg_type": told["type"]}
            message = {
                **head,
                "header": head,
                "content": told["content"],
                "parent_header": {},
                "metadata": {},
            }
            client.process_message(message, cell, index)
        except Exception:  # noqa: BLE001 - what a run says is not trusted; a kernel sends no such message
            raise Stopped(DEAD) from None
    raise Stopped(DEAD)


def run(
    notebook: str,
    *,
    parameters: Mapping[str, Any],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    client: type[PapermillNotebookClient] = PapermillNotebookClient,
    kernel: type[kernels.PlainKernel] = kernels.PlainKernel,
) -> tuple[str, Fault | None]:
    """
    Run a notebook and give it back executed.

    Parameters
    ----------
    notebook
        Its source as JSON text.
    parameters
        Bound values: text, numbers, truth values; written as literals below the cell tagged ``parameters``.
    folder
        The kernel's current folder.
    environment
        The kernel's whole environment.
    seconds
        Limit for all cells together; starting the kernel does not count.
    client, kernel
        What reads the kernel's messages, and what starts it; the re-run of citizens' notebooks has stricter ones.

    Returns
    -------
    tuple
        The executed notebook as JSON text, and where it stopped, if it did.
    """
    papermill_engines.register(PLAIN, Plain)
    return _executed(
        notebook,
        parameters,
        engine=PLAIN,
        folder=folder,
        environment=environment,
        seconds=seconds,
        client=client,
        kernel=kernel,
    )


def run_forked(
    notebook: str, *, parameters: Mapping[str, Any], run: warm.Run, seconds: float
) -> tuple[str, Fault | None]:
    """
    Run a notebook in a forked run; parameters and result as in `run`.

    Parameters
    ----------
    run
        Fresh from `warm.Warm.fork`; it lives on afterwards, unless it was stopped.
    """
    papermill_engines.register(DIRECT, Direct)
    return _executed(notebook, parameters, engine=DIRECT, run=run, seconds=seconds)


def _executed(
    notebook: str, parameters: Mapping[str, Any], *, engine: str, **options: Any
) -> tuple[str, Fault | None]:
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("stadtbuch.engine").setLevel(logging.CRITICAL)
    seen: list[Any] = []
    with suppress(PapermillExecutionError):  # the notebook itself says where it stopped
        papermill.execute_notebook(
            nbformat.reads(notebook, as_version=4),
            None,
            parameters=dict(parameters),
            engine_name=engine,
            kernel_name=kernels.NAME,
            language="python",
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            seen=seen,
            **options,
        )
    executed = _cleaned(seen[0].nb)
    return nbformat.writes(executed, version=4) + "\n", _fault(executed)


def _mark(nb_man: Any, kind: str) -> None:
    """Record an error at the last cell that was begun."""
    code = [cell for cell in nb_man.nb.cells if cell.cell_type == "code"]
    begun = [cell for cell in code if cell.metadata.get("papermill", {}).get("status") != nb_man.PENDING]
    cell = (begun or code)[-1]
    # Stopping the kernel interrupts the cell: that error is a consequence, not the cause.
    cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
    cell.outputs.append(nbformat.v4.new_output("error", ename=kind, evalue="", traceback=[]))


def _cleaned(notebook: Any) -> Any:
    """Remove papermill's marks and everything that differs between two equal runs."""
    notebook.cells = [cell for cell in notebook.cells if ERROR_MARK not in cell.metadata.get("tags", ())]
    for cell in notebook.cells:
        for name in VOLATILE:
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if INJECTED in cell.metadata.get("tags", ()):
            cell["id"] = INJECTED
        if cell.get("outputs"):
            cell.outputs = _joined(cell.outputs)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Join pieces of one stream that follow each other: where a kernel cuts it depends on the clock."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _fault(notebook: Any) -> Fault | None:
    """
    Find the first cell that raised.

    A notebook that ends itself with ``sys.exit()`` has not done all it says, so that counts as well.
    """
    number = 0
    for cell in notebook.cells:
        number += INJECTED not in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return Fault(number, output.ename, output.evalue)
    return None
