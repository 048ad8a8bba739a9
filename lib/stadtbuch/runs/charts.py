"""
Chart servers: the engine that draws charts, started once and not in every run.

It is a JavaScript engine that needs a third of a second to start, and a process that was forked after its start
hangs in it. So it lives in processes of its own, in boxes of their own, without files and network. A run gets one
connected socket to one of them; `lead` makes ``vl_convert`` in a run go that way. A chart server that is gone costs
time and no result: the run then starts an engine of its own.

A request is ``[function, arguments, keywords]``, a reply ``{"text"}``, ``{"bytes"}`` or ``{"error"}``, each as JSON
behind its length in four bytes.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

DRAWING = ("vega_to_", "vegalite_to_", "svg_to_")
FETCHING = ("vega_to_html", "vegalite_to_html", "vega_to_url", "vegalite_to_url")
"""Not drawing: they give scripts or addresses, and stay with the caller."""
READY = b"ready"
WARMING: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"a": 1}]},
    "mark": "bar",
    "encoding": {"x": {"field": "a", "type": "ordinal"}},
}
MOST_BYTES = 256 << 20
DRAW_SECONDS = 120
"""Longer than any honest chart takes: then the server ends, and whoever asked draws for itself."""


def send(line: socket.socket, told: Any) -> None:
    """Send one message."""
    content = json.dumps(told).encode()
    line.sendall(struct.pack("!I", len(content)) + content)


def receive(line: socket.socket) -> Any:
    """
    Receive one message.

    Raises
    ------
    EOFError
        If the other side is gone.
    ValueError
        If it is too long, or no JSON.
    """
    (length,) = struct.unpack("!I", _exactly(line, 4))
    if length > MOST_BYTES:
        raise ValueError("too long")
    return json.loads(_exactly(line, length))


def _exactly(line: socket.socket, number: int) -> bytes:
    found = bytearray()
    while len(found) < number:
        piece = line.recv(min(number - len(found), 1 << 20))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def drawing(module: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions of ``vl_convert`` that draw, by name."""
    names = [one for one in dir(module) if one.startswith(DRAWING) and one not in FETCHING]
    return {name: getattr(module, name) for name in names}


def lead(descriptor: int) -> None:
    """
    Let this process's ``vl_convert`` ask a chart server.

    Parameters
    ----------
    descriptor
        Of a connected socket; the server at its other end is asked by nobody else on it.
    """
    import vl_convert  # noqa: PLC0415 - megabytes; only where charts are drawn

    line = socket.socket(fileno=descriptor)
    for name, own in drawing(vl_convert).items():
        setattr(vl_convert, name, _asking(name, own, line))


def _asking(name: str, own: Callable[..., Any], line: socket.socket) -> Callable[..., Any]:
    @wraps(own)
    def asked(*arguments: Any, **keywords: Any) -> Any:
        try:
            send(line, [name, arguments, keywords])
            reply = receive(line)
        except (EOFError, OSError, TypeError):  # the server is gone, or what is asked is no JSON
            return own(*arguments, **keywords)
        if "error" in reply:
            raise ValueError(reply["error"])
        return base64.b64decode(reply["bytes"]) if "bytes" in reply else reply["text"]

    return asked


def main(control: int) -> None:
    """
    Serve until the one who started this is gone.

    Parameters
    ----------
    control
        Descriptor of a socket on which connected sockets arrive, one for each run.
    """
    import vl_convert  # noqa: PLC0415 - this process alone draws

    known = drawing(vl_convert)
    vl_convert.vegalite_to_svg(WARMING)
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    lines: dict[int, socket.socket] = {}
    with socket.socket(fileno=control) as door:
        door.send(READY)
        while True:
            for descriptor, _ in waiting.poll():
                if descriptor != control:
                    if not _serve(lines[descriptor], known):
                        waiting.unregister(descriptor)
                        lines.pop(descriptor).close()
                elif (line := _taken(door)) is not None:
                    lines[line.fileno()] = line
                    waiting.register(line, select.POLLIN)
                else:
                    return


def _taken(door: socket.socket) -> socket.socket | None:
    """Take a run's line; None if nobody will send another."""
    told, descriptors, _, _ = socket.recv_fds(door, 16, 1)
    if not told or not descriptors:
        return None
    line = socket.socket(fileno=descriptors[0])
    line.settimeout(10)  # a run that stops in the middle of a message stops nobody else
    return line


def _serve(line: socket.socket, known: dict[str, Callable[..., Any]]) -> bool:
    """Answer one request; tell whether there may be another."""
    try:
        name, arguments, keywords = receive(line)
        signal.alarm(DRAW_SECONDS)
        send(line, _drawn(known[name], arguments, keywords))
        signal.alarm(0)
    except Exception:  # noqa: BLE001 - a run that sends anything else has lost its line, and no other has
        signal.alarm(0)
        return False
    return True


def _drawn(function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> dict[str, Any]:
    if "allowed_base_urls" in str(getattr(function, "__text_signature__", "")):
        keywords["allowed_base_urls"] = []  # nothing is fetched from anywhere
    try:
        made = function(*arguments, **keywords)
    except Exception as error:  # noqa: BLE001 - a chart that cannot be drawn is its author's business
        return {"error": str(error)[:4000]}
    return {"bytes": base64.b64encode(made).decode()} if isinstance(made, bytes) else {"text": made}


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[2]))
    os._exit(0)
