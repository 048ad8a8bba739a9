"""
Plain kernels: an ordinary ipykernel of this Python, in a clean environment, without a wall.

The environment is written from scratch: nothing that the caller's shell, notebook server or home folder says
reaches a run, so that two machines give the same result. The kernel listens on sockets in a private folder,
not on ports.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

import stadtbuch
from stadtbuch import scratch
from stadtbuch.runs import warm

NAME = "stadtbuch-plain"
PROGRAM = Path(__file__).with_name("inside.py")


class Specs(KernelSpecManager):
    """Knows one kernel: ours. Kernels that are installed for the user do not matter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give the spec: the current folder shadows nothing (-P), packages of the user stay out (-s)."""
        return KernelSpec(
            argv=[sys.executable, "-P", "-s", str(PROGRAM), "-f", "{connection_file}"],
            display_name="Stadtbuch",
            language="python",
            interrupt_mode="signal",
        )


class PlainKernel(AsyncKernelManager):
    """Starts our kernel and removes its sockets afterwards; `ended` says how its process did, once it has."""

    ended: int | None = None

    @default("kernel_spec_manager")
    def _our_specs(self) -> KernelSpecManager:
        return Specs(parent=self)

    @default("transport")
    def _sockets(self) -> str:
        """Two kernels that start at the same time may pick the same port; folders cannot collide."""
        return "ipc"

    @default("connection_file")
    def _private_folder(self) -> str:
        """Give a short path (the system limits a socket's to about 100 characters) that only we can enter."""
        return str(scratch.made(warm.KIND) / "kernel.json")

    async def _async_is_alive(self) -> bool:
        """Tell whether the process lives, and remember how it ended."""
        found = await self.provisioner.poll() if self.has_kernel and self.provisioner else 0
        self.ended = found if self.ended is None else self.ended
        return found is None

    is_alive = _async_is_alive  # type: ignore[assignment]

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        """Remove the connection file with its folder."""
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            scratch.remove(Path(self.connection_file).parent)

    cleanup_resources = _async_cleanup_resources  # type: ignore[assignment]


def environment(folder: Path, info: Mapping[str, Any]) -> dict[str, str]:
    """
    Give a kernel's whole environment.

    Parameters
    ----------
    folder
        The run's folder; the home folder lies in it, so that no configuration of the user is read.
    info
        The content of ``run.json``.
    """
    home = folder / "home"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TZ": str(info["city"]["timezone"]),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": str(int(datetime.fromisoformat(info["now"]).timestamp())),
        "STADTBUCH_RUN": str(folder),
        "STADTBUCH_LANGUAGE": "de",
        "STADTBUCH_LIBRARY": str(Path(stadtbuch.__file__).parent.parent),
        "OMP_NUM_THREADS": "1",
    }
