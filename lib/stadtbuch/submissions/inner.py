"""
What runs inside the box: papermill's client, and the kernel that it starts. Nothing that it says is trusted.

Standard input holds one request, a descriptor takes one reply; neither is handed on to the kernel. The client makes
itself unreadable for other processes before it starts the kernel, which runs as the same user: no ``ptrace``, no
``/proc/<number>/fd``, no ``/proc/<number>/mem``.

It is started by its path, so it may import the library only after it has found it.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

KERNEL = "kernel"
FLOOD = "Flood"
CHART, MAX_CHARTS = "application/vnd.vegalite+json", 50
_PR_SET_DUMPABLE = 4


def main() -> None:
    """Be the kernel, or the client, as the first argument says."""
    sys.path.append(str(Path(__file__).parents[2]))
    from stadtbuch import startup  # noqa: PLC0415 - only once the path is right

    startup.spare()
    if sys.argv[1] == KERNEL:
        sys.argv = [sys.argv[0], *sys.argv[2:]]
        _kernel()
    else:
        _client(int(sys.argv[1]))


def _client(reply: int) -> None:
    """Run the notebook of the request and reply."""
    request = json.load(sys.stdin.buffer)
    _hide(reply, readable=bool(request.get("readable")))
    try:
        answer = _run(request, reply)
    except Exception as error:  # noqa: BLE001 - a notebook that breaks the client itself fails, and is told so
        answer = {"fault": {"cell": None, "kind": "Client", "message": type(error).__name__}, "outputs": {}}
    _reply(reply, answer)


def _reply(reply: int, answer: dict[str, Any]) -> NoReturn:
    """Say how it ended, and end: the box goes with this process, whatever the notebook is still doing."""
    with open(reply, "wb", closefd=False) as pipe:
        pipe.write(json.dumps(answer).encode())
    os._exit(0)


def _hide(reply: int, *, readable: bool) -> None:
    """Keep the request, the reply and this process's memory from the kernel."""
    os.set_inheritable(reply, False)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    if not readable and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        os._exit(1)


def _run(request: dict[str, Any], reply: int) -> dict[str, Any]:
    """Run the notebook; give how it ended and the outputs of each cell by its id."""
    from stadtbuch.runs import engine, kernels  # noqa: PLC0415 - only once the library is found

    folder = Path(request["folder"])
    info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    executed, fault = engine.run(
        request["notebook"],
        parameters={},
        folder=folder,
        environment=kernels.environment(folder, info),
        seconds=float(request["seconds"]),
        client=_counting(int(request["output_bytes"]), reply),
        kernel=_kernels(int(request["address_bytes"])),
    )
    cells = [cell for cell in json.loads(executed)["cells"] if "outputs" in cell]
    _draw([output["data"] for cell in cells for output in cell["outputs"] if "data" in output])
    told = {"cell": fault.cell, "kind": fault.kind, "message": fault.message} if fault else None
    return {"fault": told, "outputs": {cell["id"]: cell["outputs"] for cell in cells}}


def _draw(shown: list[dict[str, Any]]) -> None:
    """
    Draw the charts that the kernel described, as pictures.

    Here and not in the kernel: the drawing library reserves 64 GiB of addresses, which no other code shall have.
    """
    for data in [one for one in shown if CHART in one][:MAX_CHARTS]:
        import vl_convert  # noqa: PLC0415 - only where there is a chart

        with suppress(Exception):  # it is the notebook's chart: one that cannot be drawn is not shown
            data["image/svg+xml"] = vl_convert.vegalite_to_svg(data[CHART])


def _counting(limit: int, reply: int) -> Any:
    """Give a client that ends the box as soon as a notebook says more than it may."""
    from stadtbuch.runs import engine  # noqa: PLC0415 - only once the library is found

    class Counting(engine.PapermillNotebookClient):
        """Counts the bytes of all messages before it takes them in."""

        said = 0
        shutdown_kernel = "immediate"  # a kernel that does not want to end is not asked

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            Counting.said += len(json.dumps(msg.get("content", {}), default=str))
            if Counting.said > limit:
                _reply(reply, {"fault": {"cell": cell_index + 1, "kind": FLOOD}, "outputs": {}})
            return super().process_message(msg, cell, cell_index)

    return Counting


def _kernels(address_bytes: int) -> Any:
    """Give what starts this very file as a kernel."""
    from jupyter_client.kernelspec import KernelSpec  # noqa: PLC0415 - only once the library is found
    from traitlets import default  # noqa: PLC0415 - only once the library is found

    from stadtbuch.runs import kernels  # noqa: PLC0415 - only once the library is found

    class OneSpec(kernels.Specs):
        """Knows one kernel."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            spec = super().get_kernel_spec(kernel_name)
            # Not -I: that would drop PYTHONHASHSEED as well, and two runs would order sets differently. The variables
            # are all written by us, so the rest of -I (no user packages, no current folder) is what -s -P give.
            started = [sys.executable, "-P", "-s", __file__, KERNEL, "-f", "{connection_file}"]
            spec.argv = ["prlimit", f"--as={address_bytes}", "--", *started]
            return spec

    class BoxedKernel(kernels.PlainKernel):
        """Starts it."""

        @default("kernel_spec_manager")
        def _our_specs(self) -> Any:
            return OneSpec(parent=self)

    return BoxedKernel


def _kernel() -> None:
    from stadtbuch.runs import inside  # noqa: PLC0415 - only once the library is found

    inside.main(_describe_charts)


def _describe_charts(shell: Any) -> None:
    """Hand Altair charts out as descriptions: their usual form is a script from a foreign address."""

    def described(chart: Any) -> dict[str, Any]:
        return {CHART: chart.to_dict(), "text/plain": type(chart).__name__}

    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", described)


if __name__ == "__main__":
    main()
