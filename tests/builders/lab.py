"""
A real kernel and a real JupyterLab server in a city, and what they say.

>>> marked({"metadata": {"stadtbuch_lab": {"kind": "note"}}})
{'kind': 'note'}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

import stadtbuch

LIB = str(Path(stadtbuch.__file__).parents[1])
SECONDS = 120


@dataclass
class Kernel:
    """A running kernel: what a cell shows comes back as the notebook file would hold it."""

    client: Any
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell and give its outputs."""
        asked = self.client.execute(code)
        self.outputs = []
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return self.outputs
            if kind in ("display_data", "execute_result", "stream", "error"):
                self.outputs.append({"output_type": kind, **content})

    def said(self, code: str, *, kind: str) -> str:
        """Run a cell and give the plain text of what the lab says about it."""
        return "\n".join(told(self.run(code), kind))

    def completions(self, code: str) -> list[str]:
        """Ask for completions at the end of a text."""
        return self.client.complete(code, len(code), reply=True, timeout=SECONDS)["content"]["matches"]


def told(outputs: list[dict[str, Any]], kind: str) -> list[str]:
    """Give the texts of the lab's own outputs of a kind: ``note``, ``warning``, ``peek``, ``decision`` ..."""
    return [one["data"]["text/plain"] for one in outputs if marked(one).get("kind") == kind]


def marked(output: dict[str, Any]) -> dict[str, Any]:
    """Give the lab's mark of an output."""
    return output.get("metadata", {}).get("stadtbuch_lab", {})


@contextmanager
def kernel_in(folder: Path, **environment: str) -> Iterator[Kernel]:
    """Run a kernel in a city."""
    manager, client = start_new_kernel(
        kernel_name="python3",
        cwd=str(folder),
        env={**os.environ, "PYTHONPATH": LIB, "STADTBUCH_LANGUAGE": "de", **environment},
    )
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@dataclass(frozen=True)
class Server:
    """A running JupyterLab server."""

    url: str
    token: str
    root: Path
    start: str

    def ask(self, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """Ask the server; JSON comes back as data, anything else as text."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        asked.add_header("Authorization", f"token {self.token}")
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                content = answer.read().decode()
        except urllib.error.HTTPError as error:
            error.close()
            raise
        return json.loads(content) if content[:1] in ("{", "[") else content

    def save(self, path: str, notebook: dict[str, Any]) -> Any:
        """Save a notebook as JupyterLab does."""
        body = {"type": "notebook", "format": "json", "content": notebook}
        return self.ask(f"/api/contents/{path}", method="PUT", body=body)


@contextmanager
def server_in(folder: Path) -> Iterator[Server]:
    """Run a JupyterLab server in a city, started the way people start it."""
    with _running(["stadtbuch", "lab", "--no-browser", "--json"], folder) as server:
        yield server


@contextmanager
def plain_server_in(folder: Path) -> Iterator[Server]:
    """Run JupyterLab in a folder without ``stadtbuch lab``; only that it tells its address is asked of it."""
    flags = ["--no-browser", "--allow-root", "--Stadtbuch.announce=True"]
    with _running(["jupyter", "lab", *flags], folder) as server:
        yield server


@contextmanager
def _running(module: list[str], folder: Path) -> Iterator[Server]:
    environment = {**os.environ, "PYTHONPATH": LIB, "STADTBUCH_LANGUAGE": "de"}
    with (folder / "server.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", *module], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log
        )
        try:
            answer = json.loads(running.stdout.readline())
            address, _, token = answer["url"].partition("?token=")
            yield Server(address.partition("/lab")[0], token, folder, answer["url"])
        finally:
            running.terminate()
            running.communicate(timeout=60)
