"""
The connection that Voila has to a visitor's kernel while it makes the page.

The stock one waits until a kernel has said nothing for a fifth of a second, longer than a forked kernel takes to
start. This one waits until the kernel is connected, has answered, and says that it is idle again: messages come in
order, so nothing from before can follow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

PATIENCE_SECONDS = 0.1
"""Then it asks again, with ever more patience: a subscription may have come too late to hear the answer's end."""


class Client(AsyncKernelClient):
    """A client that waits no longer than it must."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered; a `RuntimeError`, as stock raises, if it dies or time is up."""
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        asked, patience = {self.kernel_info()}, PATIENCE_SECONDS
        while not await self._answers(asked, patience):
            if not await self.is_alive() or time.monotonic() > until:
                raise RuntimeError("no answer from the kernel")
            asked.add(self.kernel_info())
            patience *= 2

    wait_for_ready = _async_wait_for_ready

    async def _answers(self, asked: Collection[str], patience: float) -> bool:
        """Wait until the kernel has answered one of the questions who it is, and is idle."""
        try:
            while not _is_end(await self.iopub_channel.get_msg(timeout=patience), asked):
                pass
            reply = await self.shell_channel.get_msg(timeout=patience)
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


def _is_end(said: Mapping[str, Any], asked: Collection[str]) -> bool:
    """Tell whether a message says that all about a question has been said."""
    return said["parent_header"].get("msg_id") in asked and said["content"].get("execution_state") == "idle"
