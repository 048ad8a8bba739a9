"""
Opens boxes on request, as the user that it is started as: one line of JSON in, one line out.

A process of its own, so that the same attacks run as root and as an ordinary user.
"""

from __future__ import annotations

import atexit
import json
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from attacks.world import World
from stadtbuch.runs import box, kernels, warm
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
    elif asked["do"] == "forked":
        return _forked(world, asked, told)
    elif asked["do"] == "bare":
        return _bare(world, asked, told)
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


def _bare(world: World, asked: dict[str, Any], told: str) -> dict[str, Any]:
    """Run code in an ordinary process of this user, as an ordinary kernel is one."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}\n{told}{asked['code']}"],
        capture_output=True,
        text=True,
        check=False,
    )
    time.sleep(0.2)  # whoever knocked is counted by now
    return {"reply": ended.stdout, "said": ended.stderr, "harm": world.harm(ended.stdout)}


def _forked(world: World, asked: dict[str, Any], told: str) -> dict[str, Any]:
    """Run cells in a run forked from a zygote, beside a neighbour that knows a secret."""
    zygote = _zygote(asked.get("kind"))
    world.ours = world.children() - {world.neighbour.pid}
    with closing(_fork(zygote, world, "neighbour", asked)) as beside:
        world.kept = world.groups()
        secret = world.tokens["neighbour"]
        hides = f"{PRELUDE}\n{NEIGHBOUR}\nstart({secret!r})"
        told_us = "".join(_said(_cell(beside, hides, 30.0)))
        assert told_us.startswith("{"), told_us
        found = json.loads(told_us) | {"pid": _number(beside)}
        about = f"{told}N = {found!r}\n"
        begun = time.monotonic()
        with closing(_fork(zygote, world, "attacker", asked)) as run:
            outputs, fault = _cells(run, [f"{PRELUDE}\n{about}", *asked["cells"]], asked.get("seconds", 30.0))
        alive = not select.select([beside.process], [], [], 0)[0]
        heard = "".join(_said(_cell(beside, "heard()", 30.0))) if alive else ""
    reply = "".join(text for one in outputs.values() for text in _said(one))
    harm = (
        world.harm(reply) | ({} if alive else {"neighbour": ["dead"]}) | ({"heard": heard} if heard else {})
    )
    return {
        "ended": "replied", "seconds": time.monotonic() - begun, "memory": None, "length": len(reply), "reply": reply,
        "said": "", "harm": harm, "fault": fault, "outputs": outputs,
    }  # fmt: skip


@cache
def _zygote(kind: Any) -> warm.Warm:
    """Give the zygote whose runs are kept from each other in this way."""
    found = warm.Warm(kind)
    atexit.register(found.close)
    found.wait()
    return found


def _number(run: warm.Run) -> int:
    """Give the number that the process of a run has in the zygote's box, whatever it calls itself."""
    told = Path(f"/proc/self/fdinfo/{run.process}").read_text(encoding="ascii")
    return int(next(line for line in told.splitlines() if line.startswith("NSpid:")).split()[2])


NEIGHBOUR = """
def start(secret):
    import json, socket, threading
    global hold, door, datagrams, knocks
    hold, knocks = secret, []
    Path("run.json").write_text(secret)
    os.environ["SECRET"] = secret
    door = socket.socket(socket.AF_UNIX)
    door.bind("\\0neighbour")
    door.listen()
    def wait():
        while True:
            door.accept()
            knocks.append("abstract")
    threading.Thread(target=wait, daemon=True).start()
    inputs = [one for one in os.listdir("inputs")]
    handles = [int(os.readlink(f"inputs/{one}").rpartition("/")[2]) for one in inputs]
    print(json.dumps({"folder": os.getcwd(), "inputs": handles}))

def heard():
    if knocks:
        print(knocks)
"""


def _fork(zygote: warm.Warm, world: World, name: str, asked: dict[str, Any]) -> warm.Run:
    with Path(os.devnull).open("wb") as log:
        return zygote.fork(
            warm.Asked(
                name=name,
                environment=kernels.environment(Path(warm.RUNS) / name, INFO),
                bounds=warm.Bounds(60, 1 << 30, asked.get("output_bytes", 8 << 20)),
                log=log.fileno(),
                files={"run.json": json.dumps({**INFO, "inputs": {}}).encode()},
                inputs={"inputs/granted.parquet": world.tokens["neighbour"].encode()}
                if name == "neighbour"
                else {},
                folders=("inputs", "modules", "home", "outputs"),
                layers=warm.wall.LAYERS - set(asked.get("without", ())),
            )
        )


def _cells(run: warm.Run, cells: list[str], seconds: float) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Run cells one after the other, also after an error."""
    outputs: dict[str, Any] = {}
    for number, code in enumerate(cells, start=1):
        shown = outputs.setdefault(f"cell-{number}", [])
        try:
            shown += _cell(run, code, seconds)
        except warm.Stopped as stopped:
            return outputs, {"cell": number, "kind": stopped.kind, "message": ""}
    with suppress(warm.Stopped):
        list(run.files(until=time.monotonic() + 10))
    return outputs, None


def _cell(run: warm.Run, code: str, seconds: float) -> list[dict[str, Any]]:
    shown = list(run.execute(code, until=time.monotonic() + seconds))
    return [
        {"output_type": one["type"], **one["content"]}
        for one in shown
        if isinstance(one.get("content"), dict)
    ]


def _said(outputs: list[dict[str, Any]]) -> list[str]:
    return [
        str(one.get(name, ""))
        for one in outputs
        for name in ("text", "ename", "evalue", "traceback", "data")
        if one.get(name)
    ]


if __name__ == "__main__":
    main()
