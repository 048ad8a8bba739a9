"""The tests themselves stay on this machine."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketConnectBlockedError

REFUSED = (SocketConnectBlockedError, UserWarning)  # it warns before it raises, and warnings are errors here


def test_no_test_reaches_beyond_this_machine() -> None:
    """A connection to anywhere else is refused before a packet leaves."""
    with socket.socket() as plug, pytest.raises(REFUSED, match=r"192\.0\.2\.1"):
        plug.connect(("192.0.2.1", 80))  # reserved for documentation


def test_loopback_is_allowed() -> None:
    """Servers that a test starts itself can be asked."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as plug,
    ):
        assert plug.getpeername()[0] == "127.0.0.1"
