"""
The program of a live kernel: bounds itself, reads what every dashboard needs, and starts an ordinary ipykernel.

It is started by its path, before anybody knows for whom: its folder gets ``run.json`` with a visitor's choice only
when the server hands it over. Arguments: the folder of the library, the kernel's folder, megabytes, then ipykernel's.
"""

from __future__ import annotations

import ctypes
import logging
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
FILE_BYTES = 4 << 20
RESERVED_BYTES = 1 << 30
"""The engine that draws charts reserves this and uses little of it; the box's control group counts what is used."""


def main() -> None:
    """Prepare the process and hand it to ipykernel."""
    library, folder, megabytes, *rest = sys.argv[1:]
    _bound(int(megabytes) << 20)
    sys.path.insert(0, f"{folder}/modules")
    if library not in sys.path:
        sys.path.append(library)
    from stadtbuch import startup  # noqa: PLC0415 - only once the paths are right

    startup.spare()
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - as above

    _warm()  # after ipykernel, which puts its own comms in place
    application = IPKernelApp.instance()
    application.initialize([*rest, "--HistoryManager.enabled=False"])
    logging.disable(logging.CRITICAL)  # what is logged goes to the visitor's page
    application.start()


def _bound(memory: int) -> None:
    """
    Limit the process, and let it end with the one that started it, however that ends.

    Memory is what it may write to; addresses alone are not counted, of which drawing charts takes many gigabytes.
    """
    process = ctypes.CDLL(None, use_errno=True)
    process.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    process.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    for what, most in (
        (resource.RLIMIT_DATA, memory + RESERVED_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _warm() -> None:
    """Import what the views will need: a visitor who comes then does not wait for it."""
    import altair  # noqa: F401, PLC0415 - as in `main`
    import geopandas  # noqa: F401, PLC0415
    import ipywidgets  # noqa: F401, PLC0415
    import pandas  # noqa: F401, PLC0415
    import pyarrow.parquet  # noqa: F401, PLC0415
    import vl_convert  # noqa: F401, PLC0415

    from stadtbuch.dashboards import live  # noqa: F401, PLC0415
    from stadtbuch.disclosure import tables  # noqa: F401, PLC0415


if __name__ == "__main__":
    main()
