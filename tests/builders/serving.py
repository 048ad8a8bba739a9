"""A city that is served, and a visitor's browser without a browser: requests, widgets, messages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

import stadtbuch

LIB = str(Path(stadtbuch.__file__).parents[1])
VIEW = re.compile(
    r'<div class="dashboard-view" data-choice="([^"]*)">(.*?)\n?</div>\s*(?:<section>|$)', re.DOTALL
)


@dataclass
class Served:
    """A running ``stadtbuch serve``."""

    process: subprocess.Popen[bytes]
    told: Mapping[str, Any]

    @property
    def site(self) -> str:
        """Give the site's address."""
        return str(self.told["site"]).rstrip("/")

    @property
    def live(self) -> str:
        """Give the origin of the dashboards."""
        return re.sub(r"/[^/]+/$", "", next(iter(self.told["dashboards"].values())))

    def dashboards(self) -> int:
        """Give the process that serves the dashboards."""
        return next(one for one in _children(self.process.pid) if "--prepared" in _command(one))

    def copy(self) -> Path:
        """Give the private folder of the dashboards."""
        command = _command(self.dashboards())
        return Path(command[command.index("--prepared") + 1])

    def everything(self) -> set[int]:
        """Give all processes below this one."""
        return set(below(self.process.pid))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def served(root: Path, *arguments: str) -> Iterator[Served]:
    """Serve a city on ports of the system's choice until the block ends."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "stadtbuch",
            "serve",
            "--json",
            "--port",
            "0",
            "--dashboards-port",
            "0",
            *arguments,
        ],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": LIB,
            "STADTBUCH_LANGUAGE": "de",
            "STADTBUCH_SECRET": "not for kernels",
        },
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    made = Served(process, json.loads(line or "{}"))
    try:
        yield made
    finally:
        made.end()
        process.stdout.close()


def kernels(copy: Path) -> list[int]:
    """Give the kernels of a server, by its private folder: Python processes, not the walls around them."""
    commands = _pythons()
    marker = f"{copy}/kernels/"
    cold = [one for one, command in commands.items() if any(part.startswith(marker) for part in command)]
    # A child of a kernel looks like its parent until it has become another program.
    cold = [one for one in cold if not any(one in _children(parent) for parent in cold)]
    return cold + [child for one in zygotes(copy) for child in _children(one)]


def zygotes(copy: Path) -> list[int]:
    """Give the zygotes of a server, by its private folder."""
    commands = _pythons()
    servers = [one for one, command in commands.items() if str(copy) in command and "--prepared" in command]
    found = {
        one
        for server in servers
        for one in below(server)
        if any(part.endswith("/runs/zygote.py") for part in commands.get(one, ()))
    }
    return [one for one in found if not any(one in _children(parent) for parent in found)]


def _pythons() -> dict[int, list[str]]:
    found = {int(path.name): _command(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    return {
        one: command
        for one, command in found.items()
        if command and Path(command[0]).name.startswith("python")
    }


def wait_until(true: Any, *, seconds: float = 30.0) -> bool:
    """Wait until something holds; tell whether it ever did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.1)
    return bool(true())


def alive(process: int) -> bool:
    """Tell whether a process runs; one that only waits to be counted does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def _command(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _children(process: int) -> list[int]:
    """Give what a process has started, in any of its threads."""
    found: list[int] = []
    for told in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(one) for one in told.read_text().split()]
    return found


def below(process: int) -> Iterator[int]:
    """Give everything that a process has started, and what that has started."""
    for child in _children(process):
        yield child
        yield from below(child)


async def get(address: str, **asked: Any) -> HTTPResponse:
    """Ask for an address as it stands, without following."""
    request = HTTPRequest(address, follow_redirects=False, request_timeout=90, **asked)
    return await AsyncHTTPClient(force_instance=True, max_clients=50).fetch(request, raise_error=False)


@dataclass
class Visitor:
    """A page that was opened: its HTML, its kernel, its connection."""

    html: str
    kernel: str
    socket: WebSocketClientConnection

    def say(self, kind: str, content: Any, *, channel: str = "shell", **more: Any) -> None:
        """Send a message to the kernel."""
        self.socket.write_message(json.dumps(message(kind, content, channel=channel) | more))

    async def states(self) -> dict[str, Any]:
        """Ask for the state of all widgets, as a page does when it opens."""
        comm = uuid.uuid4().hex
        opening = {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}}
        self.say("comm_open", opening, metadata={"version": "1.0.0"})
        self.say("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        while True:
            said = await asyncio.wait_for(self.socket.read_message(), 30)
            told = json.loads(said) if isinstance(said, str) else {}
            if told.get("msg_type") == "comm_msg" and told["content"]["comm_id"] == comm:
                return dict(told["content"]["data"]["states"])

    async def shown(self) -> str:
        """Give the HTML of the view."""
        states = (await self.states()).values()
        return next(one["state"]["value"] for one in states if one["model_name"] == "HTMLModel")

    async def field(self) -> str:
        """Give the id of the first field of choice."""
        states = await self.states()
        return next(name for name, one in states.items() if one["model_name"] == "DropdownModel")

    def choose(self, model: str, state: Any) -> None:
        """Set traits of a widget, as a browser does."""
        self.say("comm_msg", {"comm_id": model, "data": {"method": "update", "state": state}})


def message(kind: str, content: Any, *, channel: str) -> dict[str, Any]:
    """Write a message of the kernels' protocol."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "username": "",
        "session": "visitor",
        "version": "5.3",
        "date": "",
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {"version": "2.1.0"},
        "content": content,
        "channel": channel,
        "buffers": [],
    }


@asynccontextmanager
async def visit(served: Served, path: str) -> AsyncIterator[Visitor]:
    """Open a live page, again and again while all seats are taken, and connect to its kernel."""
    answer = await get(f"{served.live}{path}")
    for _ in range(120):
        if answer.code != 503:
            break
        await asyncio.sleep(0.5)
        answer = await get(f"{served.live}{path}")
    assert answer.code == 200, answer.code
    html = answer.body.decode()
    found = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found is not None
    kernel = json.loads(found[1])["kernelId"]
    address = (
        f"{served.live.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
    )
    socket = await websocket_connect(address, max_message_size=1 << 24)
    try:
        yield Visitor(html, kernel, socket)
    finally:
        socket.close()


def view_of(html: str) -> str:
    """Cut what a view shows out of a page or a widget, with short links."""
    found = html.split('<div class="dashboard-view"', 1)[1].split(">", 1)[1].split("<section>")[0]
    return re.sub(r'href="[^"]*/', 'href="', found).strip().removesuffix("</div>").strip()
