"""
Live kernels: one process for each visitor, with a folder of its own, an environment written from scratch, limits,
and around it a wall where the machine allows one. No kernel ever knows of two visitors.

There are three kinds. *Forked*: from the server's zygote, when a visitor has a seat, with what that visitor's
dashboard needs (`visits`). *Boxed*, where no wall can stand around a forked process: a cold kernel in a box of its own,
and *plain*, where there is no box: the same without it. These two start for nobody, one of them waits for the next
visitor; its folder gets ``run.json`` with what that visitor chose, and only then does the notebook run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Literal

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from tornado.web import HTTPError
from traitlets import Any as AnyTrait
from traitlets import Bool, Int, Unicode, default

import stadtbuch
from stadtbuch.dashboards.client import Client
from stadtbuch.dashboards.prepared import READ
from stadtbuch.dashboards.seats import Seat, Seats
from stadtbuch.dashboards.visits import CPU_SECONDS, Offered, Visit
from stadtbuch.errors import Refused
from stadtbuch.runs import box, provisioner, warm
from stadtbuch.runs import kernels as plain

Kind = Literal["forked", "boxed", "plain"]
NAME, FORKED = "stadtbuch-live", "stadtbuch-live-forked"
LIBRARY = Path(stadtbuch.__file__).parent.parent
PROGRAM = Path(__file__).with_name("kernel.py")
NEEDED = ("stadtbuch.dashboards.live", "stadtbuch.dashboards.parts", "stadtbuch.disclosure.tables")
"""What every dashboard loads: its zygote has done so."""
TRIES = 2
"""A zygote that dies takes its kernels with it; the next one starts at once."""


class Specs(KernelSpecManager):
    """Knows the live kernel, cold and forked; those installed on this machine do not matter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give the spec; `LiveKernel` writes the command, and the provisioner needs none."""
        told = {"kernel_provisioner": {"provisioner_name": provisioner.NAME}} if kernel_name == FORKED else {}
        return KernelSpec(
            argv=["{connection_file}"], display_name="Stadtbuch", language="python", metadata=told
        )

    def get_all_specs(self) -> dict[str, Any]:
        """Give the one there is, in the shape that Voila looks through."""
        return {NAME: {"resource_dir": "", "spec": self.get_kernel_spec(NAME).to_dict()}}


class LiveKernel(ServerKernelManager):
    """Starts one live kernel, and leaves nothing behind; with `laid`, the provisioner forks it."""

    laid: Visit | None = None
    folder = AnyTrait()
    prepared = AnyTrait()
    memory_mb = Int(1024)
    boxed = Bool(False)
    zone = Unicode("UTC")
    _made: ExitStack | None = None

    @default("transport")
    def _sockets(self) -> str:
        """Listen on sockets in the private folder, not on ports."""
        return "ipc"

    @default("client_factory")
    def _our_client(self) -> type[Client]:
        return Client

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        """Start the process: forked, in a box, or plainly where there is none."""
        if self.laid is not None:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            return
        self._made = ExitStack()
        started: dict[str, Any] = {**kw, "cwd": str(self.folder)}
        if self.boxed:
            Path(self.connection_file).chmod(0o644)  # in the box it is somebody else
            here = self._made.enter_context(box.opened(self._box(), self._command(box.LIBRARY)))
            command, started["pass_fds"], started["env"] = here.argv, here.descriptors, {"PATH": box.PATH}
        else:
            command, started["env"] = self._command(str(LIBRARY)), self._environment()
        null = os.open(os.devnull, os.O_RDWR)
        self._made.callback(os.close, null)
        await super()._async_launch_kernel(command, **started, stdin=null, stdout=null, stderr=null)

    def _command(self, library: str) -> list[str]:
        """Write the command: the current folder shadows nothing (-P), packages of the user stay out (-s)."""
        program = str(PROGRAM).replace(str(LIBRARY), library, 1)
        own = [library, str(self.folder), str(self.memory_mb), "-f", str(self.connection_file)]
        return [sys.executable, "-P", "-s", program, *own]

    def _box(self) -> box.Box:
        """Grant the open data of the dashboards, to read, and the kernel's own folder."""
        return box.Box(
            grants=(
                box.Grant(self.prepared, str(self.prepared)),
                box.Grant(self.folder, str(self.folder), writable=True),
            ),
            environment=box.variables(TZ=self.zone, **self._told()),
            folder=str(self.folder),
            limits=box.Limits(cpu_seconds=CPU_SECONDS, memory_bytes=self.memory_mb << 20, file_bytes=4 << 20),
        )

    def _environment(self) -> dict[str, str]:
        """Write the whole environment of a kernel without a box."""
        facts = {"city": {"timezone": self.zone}, "now": "1970-01-01T00:00:00+00:00"}
        made = plain.environment(self.folder, facts) | self._told()
        made.pop("STADTBUCH_LIBRARY")
        return made

    def _told(self) -> dict[str, str]:
        return {"STADTBUCH_RUN": str(self.folder), "STADTBUCH_LANGUAGE": "de"}

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        """Take away the box, the sockets and the folder."""
        await super()._async_cleanup_resources(restart=restart)
        if self._made is not None:
            self._made.close()
            self._made = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources  # type: ignore[assignment]


class Kernels(AsyncMappingKernelManager):
    """
    All live kernels: never more than there are seats, the one that waits for the next visitor included.

    Attributes
    ----------
    seats
        Who sits; set by the server.
    folder, prepared
        Where cold kernels get their folders, and what all of them may read.
    kind
        Of which kind they are.
    """

    seats: Seats
    folder: Path
    prepared: Path
    offered: Offered
    kind: Kind = "plain"
    memory_mb = 1024
    zone = "UTC"
    ahead = True
    _waiting: asyncio.Task[str] | None = None
    _zygote: warm.Warm | None = None
    _ended = False

    @property
    def boxed(self) -> bool:
        """Whether a wall stands around cold kernels: also around those that help out where forking fails."""
        return self.kind != "plain"

    def pre_start_kernel(self, kernel_name: str | None, kwargs: Any) -> Any:
        """Give a forked kernel what its visitor needs, and each other one a folder that only it can enter."""
        laid = kwargs.pop("laid", None)
        made: Any
        made, name, kernel_id = super().pre_start_kernel(kernel_name, kwargs)
        made.laid = laid
        if laid is not None:
            return made, name, kernel_id
        folder = self.folder / kernel_id[:8]
        folder.mkdir()
        folder.chmod(0o777 if self.boxed else 0o700)  # in the box it is somebody else; above it nobody enters
        (folder / "home").mkdir()
        (folder / "home").chmod(0o777 if self.boxed else 0o700)
        made.folder, made.prepared, made.memory_mb = folder, self.prepared, self.memory_mb
        made.boxed, made.zone = self.boxed, self.zone
        made.connection_file = str(folder / "kernel.json")
        made.ip = str(folder / "k")
        return made, name, kernel_id

    async def admit(self, seat: Seat, run: Mapping[str, Any]) -> str:
        """
        Give a visitor who has a seat a kernel that knows what was chosen.

        Parameters
        ----------
        seat
            The visitor's.
        run
            The content of ``run.json``.
        """
        forked = await self._forked(run) if self.kind == "forked" else None
        seat.kernel = forked or await self._cold(run)
        return seat.kernel

    async def _forked(self, run: Mapping[str, Any]) -> str | None:
        """Fork a visitor's kernel; None if that turns out not to be possible, now or ever."""
        for _ in range(TRIES):
            with suppress(Refused, OSError):  # the zygote has died meanwhile
                await asyncio.to_thread(self.keep_warm)
                return await self._begin(FORKED, laid=self.offered.visit(run))
        return None

    def keep_warm(self) -> None:
        """Have a zygote, a new one if the last one died; where none can start, kernels are cold ones from now on."""
        if self._zygote is not None and self._zygote.failed:
            self.kind = "boxed"
        if self.kind == "forked" and not self._ended:
            warm.preload(*NEEDED)
            self._zygote = warm.begin()

    async def _cold(self, run: Mapping[str, Any]) -> str:
        """Hand over a cold kernel, which learns only now for whom it works."""
        kernel = await self._next()
        folder = self._found(kernel).folder
        for name in ("inputs", "modules"):
            (folder / name).symlink_to(self.prepared / run["dashboard"]["name"] / name)
        (folder / "run.json").write_text(json.dumps(run, ensure_ascii=False), encoding="utf-8")
        (folder / "run.json").chmod(READ)
        return kernel

    def _found(self, kernel: str) -> Any:
        """Give a kernel's manager, a `LiveKernel`."""
        return self.get_kernel(kernel)

    async def _next(self) -> str:
        """Take the kernel that waits, or start one."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            with suppress(Exception):  # it did not start, or died while it waited
                kernel = await waiting
                if kernel in self and await self._found(kernel).is_alive():
                    return kernel
        return await self._begin()

    async def _begin(self, name: str = NAME, **more: Any) -> str:
        """Start a kernel."""
        if len(self.list_kernel_ids()) >= self.seats.number:
            raise HTTPError(503)
        return str(await self.start_kernel(kernel_name=name, kernel_id=str(uuid.uuid4()), **more))

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a visitor's browser came, however short it stays."""
        super().notify_connect(kernel_id)
        for seat in self.seats.taken:
            seat.seen = seat.seen or seat.kernel == kernel_id

    def refill(self) -> None:
        """Have ready what the next visitor needs: a zygote, or a cold kernel that waits if a seat is free."""
        if not self.ahead or self._ended:
            return
        if self.kind == "forked":
            if self._zygote is None or not self._zygote.alive:
                self.keep_warm()
        elif self._waiting is None and self.seats.free > 0:
            self._waiting = asyncio.ensure_future(self._begin())
            self._waiting.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def sweep(self) -> None:
        """End the kernels whose visitors are gone, free their seats, and start the next one."""
        now = time.monotonic()
        for seat in list(self.seats.taken):
            if seat.kernel is None:
                continue
            alive = seat.kernel in self and await self._found(seat.kernel).is_alive()
            connected = bool(self._kernel_connections.get(seat.kernel, 0))
            if not alive or seat.over(connected=connected, now=now):
                await self.leave(seat)
        self.refill()

    async def leave(self, seat: Seat) -> None:
        """End a visitor's kernel, then free the seat: never the other way round."""
        if seat.kernel is not None and seat.kernel in self:
            with suppress(Exception):  # it may end by itself meanwhile
                await self.shutdown_kernel(seat.kernel, now=True)
        self.seats.leave(seat)

    async def end(self) -> None:
        """End everything."""
        self._ended = True
        if self._waiting is not None:
            with suppress(BaseException):
                await asyncio.wait_for(self._waiting, 5)
        ends = [self.shutdown_kernel(one, now=True) for one in self.list_kernel_ids()]
        await asyncio.gather(*ends, return_exceptions=True)  # a sweep may just be ending the same one
        self.offered.close()
        warm.end()


def possible() -> Kind:
    """Tell which kind of kernel this machine allows: the best one."""
    if not box.possible().yes:
        return "plain"
    try:
        warm.require()
    except Refused:
        return "boxed"
    return "forked"
