"""The web server of ``stadtbuch serve`` in a process of its own, and somebody who asks it for pages."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crash.moments import LIB

Fetch = Callable[[str], tuple[int, bytes]]


@contextmanager
def public(folder: Path) -> Iterator[Fetch]:
    """Serve a folder; give what asks for a path and gets a code and a body."""
    reading, writing = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = [sys.executable, "-m", "stadtbuch.site.server", "--public", str(folder),
                "--socket", str(listening.fileno()), "--lifeline", str(reading)]  # fmt: skip
        with subprocess.Popen(
            line, env={"PYTHONPATH": LIB}, pass_fds=(listening.fileno(), reading), stdout=subprocess.PIPE
        ) as server:
            os.close(reading)
            assert server.stdout is not None
            assert server.stdout.readline() == b'{"ready": true}\n'
            connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=60)
            try:
                yield lambda path: _asked(connection, path)
            finally:
                connection.close()
                os.close(writing)  # the server ends with whoever started it


def _asked(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", f"/{path}")
    answer = connection.getresponse()
    return answer.status, answer.read()
