"""
What a browser may say to its kernel: small messages of the few shapes that a page of widgets needs.

A coarse second lock in front of the kernel's own (`guard`): it knows no widgets, only shapes, sizes and how often.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

LARGEST = 4096
"""Bytes of a message; a choice takes about 600."""
AT_ONCE, A_SECOND = 200, 20.0
PROTOCOL = "v1.kernel.websocket.jupyter.org"
QUESTIONS = ("kernel_info_request", "comm_info_request", "comm_close")
CONTROL = "jupyter.widget.control"
TRAITS = ("index",)


class Connection(ZMQChannelsWebsocketConnection):
    """A visitor's connection; what does not fit is dropped before anything else looks at it."""

    _tokens = float(AT_ONCE)
    _refilled = 0.0

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass on what fits; stock code would answer a malformed message with an error in the log."""
        try:
            if self._may_speak() and fits(incoming_msg, v1=self.subprotocol == PROTOCOL):
                super().handle_incoming_message(incoming_msg)
        except Exception:  # noqa: BLE001 - no word of a visitor may get into a log
            return

    def _may_speak(self) -> bool:
        """Count messages: a burst when a page opens, then a few a second."""
        now = time.monotonic()
        self._tokens = min(float(AT_ONCE), self._tokens + (now - self._refilled) * A_SECOND)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def fits(message: Any, *, v1: bool) -> bool:
    """
    Tell whether a message has one of the shapes that a page needs.

    Examples
    --------
    >>> told = {"channel": "shell", "header": {"msg_type": "execute_request"}, "content": {"code": "1"}}
    >>> fits(json.dumps(told), v1=False)
    False
    """
    if not isinstance(message, (bytes, str)) or len(message) > LARGEST:
        return False
    if v1:
        if not isinstance(message, bytes):
            return False
        channel, message_parts = deserialize_msg_from_ws_v1(message)
        if len(message_parts) != 4:  # header, parent, metadata, content; no binary buffers
            return False
        return _fits(channel, json.loads(message_parts[0])["msg_type"], json.loads(message_parts[3]))
    if not isinstance(message, str):
        return False
    told = json.loads(message)
    return not told.get("buffers") and _fits(told.get("channel"), told["header"]["msg_type"], told["content"])


def _fits(channel: Any, kind: Any, content: Any) -> bool:
    if channel != "shell" or not isinstance(content, Mapping):
        return False
    if kind in QUESTIONS:
        return True
    if kind == "comm_open":
        return content.get("target_name") == CONTROL
    data = content.get("data")
    return kind == "comm_msg" and isinstance(data, Mapping) and _is_choice(data)


def _is_choice(data: Mapping[str, Any]) -> bool:
    """Tell an update of a choice, or the question for the state of the page."""
    method, state = data.get("method"), data.get("state")
    if method in ("request_state", "request_states"):
        return True
    return (
        method == "update"
        and isinstance(state, Mapping)
        and set(state) <= set(TRAITS)
        and all(type(value) is int for value in state.values())
    )
