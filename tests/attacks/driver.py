"""
Opens boxes on request, as the user that it is started as: one line of JSON in, one line out.

A process of its own, so that the same attacks run as root and as an ordinary user.
"""

from __future__ import annotations

import json
import os
import pty
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from attacks.world import World
from stadtbuch.runs import box
from stadtbuch.submissions import notebooks, rerun

PRELUDE = Path(__file__).with_name("prelude.py").read_text(encoding="utf-8")
INFO = {
    "schema_version": 1, "notebook": "submission", "parameters": {}, "purpose": None, "restricted": False, "seed": 1,
    "engine": "sandboxed", "city": {"name": "x", "timezone": "Europe/Berlin", "synthetic": True, "contact": ""},
    "thresholds": {}, "rules": "1", "languages": ["de", "en"], "now": "2026-01-15T08:00:00+00:00", "gives": [],
}  # fmt: skip


def main() -> None:
    """Answer until the input ends."""
    world = World(Path(sys.argv[1]))
    said = {"possible": box.possible().yes, "parts": dict(box.possible().parts), "told": world.told()}
    try:
        print(json.dumps(said), flush=True)
        for line in sys.stdin:
            print(json.dumps(_answer(world, json.loads(line))), flush=True)
    finally:
        world.reset()
        world.close()


def _answer(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["do"] == "reset":
        world.reset()
        return {"told": world.told()}
    limits = replace(rerun.LIMITS, **asked.get("limits", {}))
    told = f"W = {world.told()!r}\n"
    if asked["do"] == "plain":
        answer, more = _plain(world, asked, told, limits), {}
    elif asked["do"] == "terminal":
        return {"reply": _terminal(asked, told)}
    else:
        answer, more = _notebook(asked, told, limits)
    if "processes" in asked.get("without", ()):
        time.sleep(0.3)  # whoever survives is found by now, and whoever only dies slowly is not
    reply = answer.reply.decode("utf-8", "replace")
    return {
        "ended": answer.ended, "seconds": answer.seconds, "memory": answer.memory_bytes, "length": len(reply),
        "reply": reply if len(reply) < 400_000 else reply[:200_000] + reply[-200_000:],
        "said": answer.said.decode(errors="replace"), "harm": world.harm(reply), **more,
    }  # fmt: skip


def _plain(world: World, asked: dict[str, Any], told: str, limits: box.Limits) -> box.Answer:
    """Run code in a box without papermill and kernel: cheap."""
    grants = (box.Grant(world.root / "run", "/box/run", writable=False),)
    here = box.Box(grants=grants, environment=box.variables(), limits=limits).without(
        *asked.get("without", ())
    )
    code = f"{PRELUDE}\nREPLY = int(__import__('sys').argv[1])\n{told}{asked['code']}"
    return box.run(here, [sys.executable, "-I", "-c", code, "{reply}"], b"request")


def _terminal(asked: dict[str, Any], told: str) -> str:
    """Start a box from a terminal, as a person would who calls bubblewrap by hand."""
    here = box.Box(environment=box.variables()).without(*asked["without"])
    command = [sys.executable, "-I", "-c", f"{PRELUDE}\nREPLY = 1\n{told}{asked['code']}"]
    with box.opened(here, command) as started:
        process, terminal = pty.fork()
        if process == 0:
            for handle in started.descriptors:
                os.set_inheritable(handle, True)
            os.execvp(started.argv[0], started.argv)
        said = bytearray()
        with suppress(OSError):  # a terminal whose other end is closed says so
            while piece := os.read(terminal, 4096):
                said += piece
        os.waitpid(process, 0)
        os.close(terminal)
    return said.decode(errors="replace")


def _notebook(asked: dict[str, Any], told: str, limits: box.Limits) -> tuple[box.Answer, dict[str, Any]]:
    """Run a notebook as a citizen's is run."""
    cells = [PRELUDE + told, *asked["cells"]]
    sent = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, **asked.get("top", {})}
    sent["cells"] = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    notebook = notebooks.read(json.dumps(sent).encode())
    files = {"inputs/granted.parquet": b"granted", "run.json": json.dumps({**INFO, "inputs": {}}).encode()}
    ran = rerun.once(
        notebook,
        rerun.Laid({}, files),
        limits=limits,
        seconds=asked.get("seconds", 30.0),
        output_bytes=asked.get("output_bytes", rerun.OUTPUT_BYTES),
        without=asked.get("without", ()),
    )
    assert ran.answer is not None
    return ran.answer, {"fault": asdict(ran.fault) if ran.fault else None, "outputs": dict(ran.outputs)}


if __name__ == "__main__":
    main()
