"""The hostile notebooks in a run forked from a zygote, beside a neighbour's run that knows a secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from attacks.hostile import ATTACKS
from attacks.suite import FOOT, Driver, drive
from stadtbuch.errors import Refused
from stadtbuch.runs import warm


@dataclass(frozen=True)
class Try:
    """An attack. `harm`: what the world or the reply shows where it succeeds. `layer`: the wall that
    stops it; with an old Landlock that is what sets runs `apart`.
    """

    name: str
    code: str
    harm: str
    layer: str = ""
    beside: tuple[str, ...] = ()
    apart: bool = False

    def walls(self, kind: str) -> tuple[str, tuple[str, ...]]:
        """Give the layer that stops it, and those that would stop it as well, where runs are kept apart in this way."""
        if kind == "landlock":
            return self.layer, self.beside
        return ("apart" if self.apart else self.layer), (*self.beside, *(() if self.apart else ("apart",)))


ON_THE_NEIGHBOUR = [
    Try("record", 'attempt("record", lambda: content(N["folder"] + "/run.json"))', "leaked", "files"),
    Try("folder", 'attempt("folder", lambda: write(N["folder"] + "/outputs/x"))', "folder -> YES", "files"),
    Try("signal", 'attempt("signal", lambda: os.kill(N["pid"], 0))', "signal -> YES", "files", apart=True),
    Try(
        "socket",
        'import socket; attempt("socket", lambda: socket.socket(socket.AF_UNIX).connect("\\0neighbour"))',
        "heard",
        "files",
        apart=True,
    ),
    Try(
        "memory",
        'attempt("memory", lambda: open(f"/proc/{N[\'pid\']}/mem", "rb"))',
        "memory -> YES",
        "files",
        ("hidden",),
    ),
    Try(
        "memory",
        'attempt("memory", lambda: open(f"/proc/{N[\'pid\']}/mem", "rb"))',
        "memory -> YES",
        "hidden",
        ("files",),
    ),
    Try(
        "inputs",
        "attempt(\"inputs\", lambda: content(f\"/proc/{N['pid']}/fd/{N['inputs'][0]}\"))",
        "leaked",
        "hidden",
        ("files",),
    ),
    Try(
        "internet", 'import socket; attempt("internet", lambda: socket.socket())', "internet -> YES", "calls"
    ),
    Try(
        "eat",
        'import mmap; attempt("eat", lambda: mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))',
        "eat -> YES",
        "limits",
    ),
]
OUTSIDE = [
    *(
        Try(place, f'attempt("{place}", lambda: content(W["places"]["{place}"]))', "leaked")
        for place in ("key", "book", "store", "closed", "roles", "home")
    ),
    Try("environment", "say(dict(os.environ), Path('/proc/self/environ').read_text())", "leaked"),
    Try("process", 'attempt("look", lambda: content(f"/proc/{W[\'neighbour\']}/cmdline"))', "leaked"),
    Try("kill", 'attempt("kill", lambda: os.kill(W["neighbour"], 9))', "neighbour"),
    Try(
        "network",
        'import socket; attempt("tcp", lambda: socket.create_connection(("127.0.0.1", W["port"]), timeout=2))',
        "knocks",
    ),
    Try(
        "local-socket",
        'import socket; attempt("local", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + W["abstract"]))',
        "knocks",
    ),
    Try("vsock", 'import socket; attempt("vsock", lambda: socket.socket(40, 1))', "vsock -> YES"),
    Try(
        "mount",
        """
import ctypes
def mount():
    try:
        call("unshare", 0x10020000)  # a user and a mount namespace of its own
    except OSError:
        pass
    here = ctypes.create_string_buffer(os.getcwd().encode())
    return call("mount", here, here, None, 0x5000, None)  # the folder onto itself
attempt("mount", lambda: child(lambda: os._exit(mount())) and 1 / 0)
""",
        "mount -> YES",
    ),
    Try("namespace", 'attempt("namespace", lambda: call("unshare", 0x10000000))', "namespace -> YES"),
    Try(
        "chart",
        """
import vl_convert
where = {"url": f"http://127.0.0.1:{W['port']}/x.csv"}
attempt("chart", lambda: vl_convert.vegalite_to_svg(
    {"data": where, "mark": "point", "encoding": {"x": {"field": "a", "type": "nominal"}}}))
""",
        "knocks",
    ),
]
DOORS = """
import socket
for number in range(3, 1024):
    try:
        kind = socket.socket(fileno=os.dup(number)).getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    except OSError:
        continue
    say("door" if kind == socket.SOCK_SEQPACKET else "line")
"""


def _shows(one: Try, seen: dict[str, Any]) -> bool:
    """Tell whether the harm was done: to the world, or as the reply says."""
    said = "".join(output.get("text", "") for cell in seen.get("outputs", {}).values() for output in cell)
    return one.harm in seen["harm"] or one.harm in (said or seen["reply"])


@pytest.fixture(scope="module", params=["root", "user"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Give the process that forks the runs, as both users."""
    try:
        warm.require()
    except Refused as refused:
        pytest.skip(f"no wall can be built here: {refused.why.en if refused.why else ''}")
    yield from drive(request.param)


@pytest.fixture(params=["landlock", "namespaces"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name what keeps runs from each other; ``make test`` takes a sample of the second (`conftest`)."""
    if request.param == "namespaces" and not warm._may_part():
        pytest.skip("a boxed process can make no namespaces of its own here")
    return str(request.param)


@pytest.mark.parametrize("batch", sorted({one.batch for one in ATTACKS.values()} - {"alone"}))
def test_hostile_cells_reach_nothing(driver: Driver, kind: str, batch: str) -> None:
    """No attack reads, changes, reaches or leaves anything outside of its run, and none hurts the neighbour."""
    several = [one for one in ATTACKS.values() if one.batch == batch]
    seen = driver.ask(do="forked", kind=kind, cells=[one.code + FOOT for one in several])
    assert seen["harm"] == {}, seen["harm"]
    for number, one in enumerate(several, start=2):
        said = "".join(output.get("text", "") for output in seen["outputs"].get(f"cell-{number}", []))
        assert "YES" not in said, (one.name, said[:2000])


@pytest.mark.parametrize("one", ON_THE_NEIGHBOUR, ids=lambda one: f"{one.name}-{one.layer}")
def test_the_neighbour_is_hurt_only_without_the_wall(driver: Driver, kind: str, one: Try) -> None:
    """Runs of one zygote are the same user: each part of the wall stops something, and without it that succeeds."""
    layer, beside = one.walls(kind)
    with_it = driver.ask(
        do="forked", kind=kind, cells=[one.code], without=beside if layer not in ("files", "apart") else ()
    )
    assert not _shows(one, with_it), with_it
    without_it = driver.ask(do="forked", kind=kind, cells=[one.code], without=(*beside, layer))
    assert _shows(one, without_it), without_it


@pytest.mark.parametrize("one", OUTSIDE, ids=lambda one: one.name)
def test_outside_is_out_of_reach_and_was_not_before(driver: Driver, kind: str, one: Try) -> None:
    """What a plain kernel reaches, a forked run does not."""
    try:
        behind = driver.ask(do="forked", kind=kind, cells=[one.code])
        assert not _shows(one, behind), behind
        bare = driver.ask(do="bare", code=one.code)
        assert _shows(one, bare), bare
    finally:
        driver.ask(do="reset")


def test_a_run_holds_no_door_to_the_zygote(driver: Driver, kind: str) -> None:
    """Of all sockets it has its own line, and one to a chart server: nothing on which the requests of other runs, with
    their inputs, arrive. A run that has not let go of the zygote's door could take them.
    """
    held = []
    for without in ((), ("door",)):
        seen = driver.ask(do="forked", kind=kind, cells=[DOORS], without=without)
        held.append({*"".join(output.get("text", "") for output in seen["outputs"]["cell-2"]).split()})
    assert held == [{"line"}, {"line", "door"}]
