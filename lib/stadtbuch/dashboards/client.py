"""
The connection that Voila has to a visitor's kernel while it makes the page.

The stock one waits until a kernel has said nothing for a fifth of a second, longer than a forked kernel takes to
start. This one waits until the kernel is connected, has answered, and says that it is idle again: messages come in
order, so nothing from before can follow.
"""

from __future__ import annotations

import math
import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

PATIENCE_SECONDS = 0.1
"""Then it asks again: a subscription may have come too late to hear that the kernel is idle."""


class Client(AsyncKernelClient):
    """A client that waits no longer than it must."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered; a `RuntimeError`, as stock raises, if it dies or time is up."""
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._answers():
            if not await self.is_alive() or time.monotonic() > until:
                raise RuntimeError("no answer from the kernel")

    wait_for_ready = _async_wait_for_ready

    async def _answers(self) -> bool:
        """Ask who it is, and wait until it has answered and is idle."""
        asked = self.kernel_info()
        try:
            while not _is_end(await self._said(), asked):
                pass
            reply = await self.shell_channel.get_msg(timeout=PATIENCE_SECONDS)
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True

    async def _said(self) -> dict[str, Any]:
        """Give the next thing that the kernel says to everybody."""
        return dict(await self.iopub_channel.get_msg(timeout=PATIENCE_SECONDS))


def _is_end(said: dict[str, Any], asked: str) -> bool:
    """Tell whether a message says that all about a request has been said."""
    about = said["parent_header"].get("msg_id")
    return about == asked and said["content"].get("execution_state") == "idle"
