"""Forked kernels for Jupyter: ordinary kernels with widgets, behind the wall, that leave nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders.city import a_city, a_notebook
from builders.loops import run
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from stadtbuch.errors import Refused
from stadtbuch.runs import warm

SPEC = "stadtbuch"
WIDGET = "from ipywidgets import IntSlider\nIntSlider().comm is not None"
REACH = """
import os, socket
def tried(do):
    try:
        return bool(do())
    except OSError:
        return False
[tried(lambda: os.listdir({outside!r})), tried(lambda: os.listdir(os.path.dirname({sockets!r}))),
 tried(lambda: socket.socket().bind(("127.0.0.1", 0)) is None), tried(lambda: open("/proc/self/net/unix").read())]
"""


async def _asked(client: Any, code: str) -> str:
    """Run a cell and give its result."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("evalue") or content.get("data", {}).get("text/plain", ""))

    await client.execute_interactive(code, timeout=60, output_hook=hear)
    return "".join(said)


async def _session(env: dict[str, str], *cells: str) -> tuple[list[str], Path]:
    """Start the kernel that the spec names, run cells, and end it."""
    manager = AsyncKernelManager(kernel_name=SPEC)
    await manager.start_kernel(env=env)
    sockets = Path(manager.connection_file).parent
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        told = [await _asked(client, cell.replace("{sockets!r}", repr(str(sockets)))) for cell in cells]
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return told, sockets


@pytest.fixture(autouse=True)
def wall() -> None:
    """Skip where no wall can be built."""
    try:
        warm.require()
    except Refused as refused:
        pytest.skip(f"no wall can be built here: {refused.why.en if refused.why else ''}")


def test_the_spec_comes_with_the_library() -> None:
    """Whoever has Stadtbuch installed is offered the kernel."""
    assert KernelSpecManager().get_kernel_spec(SPEC).display_name.startswith("Stadtbuch")


def test_a_notebook_in_the_lab_finds_what_it_declares(tmp_path: Path) -> None:
    """Widgets work; declared inputs are there; files outside, other kernels' sockets and ports are not."""
    made = a_city(tmp_path / "city")
    notebook = a_notebook(made.root)
    load = "import stadtbuch as sb\nlen(sb.city().load('geography.boroughs'))"
    reach = REACH.replace("{outside!r}", repr(str(tmp_path)))

    told, sockets = run(_session({"JPY_SESSION_NAME": str(notebook)}, load, WIDGET, reach))

    assert told == ["2", "True", "[False, False, False, False]"]
    assert not sockets.exists()
