"""
Forked kernels for Jupyter: what the entry point of ``jupyter_client.kernel_provisioners`` names.

A kernel of the city's spec is forked from this process's zygote, behind a wall, and listens on sockets in a folder that
nobody else can enter. A notebook with a manifest that lies in a city finds the inputs that it declares.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
from pathlib import Path
from typing import Any, Protocol

from jupyter_client.provisioning import KernelProvisionerBase

from stadtbuch.runs import anybody, warm

NAME = "stadtbuch-forked"


class Lays(Protocol):
    """What a kernel manager of ours holds as `laid`: it says what the kernel gets."""

    def asked(self, name: str, *, log: int, kernel: Path) -> warm.Asked:
        """Ask for the forked run that is the kernel of this connection file."""


class Forked(KernelProvisionerBase):  # type: ignore[misc]
    """One kernel, forked."""

    run: warm.Run | None = None
    sockets: Path | None = None
    ended: int | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a process."""
        return self.run is not None

    async def poll(self) -> int | None:
        """Give None while it lives, else a number."""
        if self.run is None or self.run.process < 0:
            return self.ended or 0
        return 0 if select.select([self.run.process], [], [], 0)[0] else None

    async def wait(self) -> int | None:
        """Wait for its end: the system tells, nobody asks again and again."""
        if self.run is not None and await self.poll() is None:
            over, loop = asyncio.Event(), asyncio.get_running_loop()
            loop.add_reader(self.run.process, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(self.run.process)
        await self._close()
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send it a signal."""
        if self.run is not None:
            self.run.send(signal.Signals(signum))

    async def kill(self, restart: bool = False) -> None:
        """Kill it."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """End it."""
        await self.send_signal(signal.SIGTERM)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the sockets and write the connection file."""
        zygote = await asyncio.to_thread(_zygote)
        self.sockets = self.sockets or zygote.sockets()
        manager: Any = self.parent
        manager.cache_ports = False
        manager.transport, manager.ip = "ipc", str(self.sockets / "s")
        manager.connection_file = str(self.sockets / "kernel.json")
        manager.write_connection_file()
        Path(manager.connection_file).chmod(
            0o644
        )  # in the box it is somebody else; above it nobody else enters
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork it."""
        notebook = (kwargs.get("env") or {}).get("JPY_SESSION_NAME")
        self.run = await asyncio.to_thread(self._fork, notebook)
        return self.connection_info

    def _fork(self, notebook: str | None) -> warm.Run:
        """Fork it with what its manager has laid out (`Lays`), else with what its notebook declares."""
        assert self.sockets is not None
        laid: Lays = getattr(self.parent, "laid", None) or anybody.laid(notebook, {})
        with Path(os.devnull).open("wb") as log:
            asked = laid.asked(self.sockets.name, log=log.fileno(), kernel=self.sockets / "kernel.json")
            return _zygote().fork(asked)

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind."""
        await self._close()
        if self.sockets is not None and not restart:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = None

    async def _close(self) -> None:
        if self.run is not None:
            run, self.run = self.run, None
            await asyncio.to_thread(run.close)


def _zygote() -> warm.Warm:
    found = warm.begin()
    found.wait()
    return found
