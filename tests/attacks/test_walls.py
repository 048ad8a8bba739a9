"""
Each wall of the box holds something off: with it the attack fails, without it the same attack succeeds.

So the tests of the hostile notebooks cannot pass for no reason. Where two walls stand behind each other, the other one
(`beside`) is taken away in both cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from attacks.suite import Driver, drive
from stadtbuch.runs import box


@dataclass(frozen=True)
class Wall:
    """A wall, and an attack that only this wall stops. `harm` is what the world or the reply then shows."""

    layer: str
    code: str
    harm: str
    beside: tuple[str, ...] = ()
    only: str = ""
    limits: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give a name for the test."""
        return f"{self.layer}-{self.only}" if self.only else self.layer


FILL = """
for number in range(4):
    attempt("fill", lambda: open(f"/tmp/fill{number}", "wb").write(b"x" * (4 << 20)))
say(f"filled={sum(os.path.getsize(f'/tmp/fill{n}') for n in range(4)) >> 20}")
"""
WALLS = [
    Wall("files", 'attempt("key", lambda: content(W["places"]["key"]))', "leaked", beside=("identity",)),
    Wall("read-only", 'attempt("write", lambda: write("/box/run/input.txt"))', "changed"),
    Wall(
        "processes",
        'attempt("look", lambda: content(f"/proc/{W[\'neighbour\']}/cmdline"))',
        "leaked",
    ),
    Wall(
        "network",
        """
import socket, time
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", W["port"]), timeout=2))
time.sleep(0.2)
""",
        "knocks",
    ),
    Wall(
        "ipc",
        """
LIBC.shmat.restype = ctypes.c_void_p
address = LIBC.shmat(W["segment"], None, 0)
say(ctypes.string_at(address, 60) if address not in (None, ctypes.c_void_p(-1).value) else "no")
""",
        "leaked",
        beside=("calls",),
    ),
    Wall("names", 'import socket; say("ALIEN" if socket.gethostname() != "box" else "box")', "ALIEN"),
    Wall("environment", "say(dict(os.environ))", "leaked"),
    Wall("sizes", FILL, "filled=16", limits={"work_bytes": 8 << 20}),
    Wall("calls", 'import socket; attempt("vsock", lambda: socket.socket(40, 1))', "vsock -> YES"),
    Wall(
        "limits",
        """
held = []
try:
    while len(held) < 600:
        held.append(os.open("/dev/null", 0))
except OSError:
    pass
say("MANY" if len(held) == 600 else "few")
""",
        "MANY",
    ),
    Wall(
        "cgroup",
        """
held = [b"x" * (1 << 20) for _ in range(300)]
say("ATE")
""",
        "ATE",
        limits={"memory_bytes": 100 << 20},
        only="root",
    ),
    Wall("time", 'import time; time.sleep(3); say("LATE")', "LATE", limits={"seconds": 1.5}),
    Wall("reply", 'say("x" * (3 << 20)); say("LONG")', "LONG", limits={"reply_bytes": 1 << 20}),
    Wall(
        "identity",
        """
attempt("owner", lambda: (open("/tmp/x", "w").close(), os.chown("/tmp/x", 12345, 12345), os.stat("/tmp/x").st_uid)[2])
""",
        "owner -> YES",
        only="root",
    ),
    Wall(
        "identity",
        'attempt("new namespace", lambda: call("unshare", 0x10000000))',
        "new namespace -> YES",
        beside=("calls",),
        only="user",
    ),
]


@pytest.fixture(scope="module", params=["root", "user"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Give the process that opens the boxes, as both users."""
    for one in drive(request.param):
        one.identity = request.param  # type: ignore[attr-defined]
        yield one


def _shows(wall: Wall, run: dict[str, Any]) -> bool:
    """Tell whether the harm was done: to the world, or as the reply says."""
    return wall.harm in run["harm"] or wall.harm in run["reply"]


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.name)
def test_attack_succeeds_only_without_its_wall(driver: Driver, wall: Wall) -> None:
    """With the wall nothing happens; without it the harm is done, and seen."""
    identity = driver.identity  # type: ignore[attr-defined]
    if wall.only and wall.only != identity:
        other = f"the wall {wall.layer} is another one for this user, tried by {wall.layer}-{identity}"
        pytest.skip(
            other if wall.layer == "identity" else "no control group is delegated to an ordinary user here"
        )
    asked = {"do": "plain", "code": wall.code, "limits": {"seconds": 20.0} | wall.limits}
    try:
        with_it = driver.ask(**asked, without=wall.beside)
        assert not _shows(wall, with_it), with_it
        assert with_it["ended"] != "not-started", with_it
        without_it = driver.ask(**asked, without=(*wall.beside, wall.layer))
        assert _shows(wall, without_it), without_it
    finally:
        driver.ask(do="reset")


def test_every_wall_is_tried() -> None:
    """A new wall needs an attack that only it stops; the terminal and the client have tests of their own."""
    assert {wall.layer for wall in WALLS} | {"terminal"} == box.LAYERS


TAKE_TERMINAL = """
def typed():
    import fcntl, termios
    return fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), termios.TIOCSTI, b"x")
attempt("terminal", lambda: os.open("/dev/tty", os.O_RDWR))
"""


def test_terminal_is_out_of_reach(driver: Driver) -> None:
    """Started from a terminal, the box has none; without the wall it could read what is typed there."""
    asked = {"do": "terminal", "code": TAKE_TERMINAL}
    assert "terminal -> no" in driver.ask(**asked, without=())["reply"]
    assert "terminal -> YES" in driver.ask(**asked, without=("terminal",))["reply"]


READ_CLIENT = """
attempt("memory", lambda: open(f"/proc/{os.getppid()}/mem", "rb"))
attempt("descriptors", lambda: os.listdir(f"/proc/{os.getppid()}/fd"))
"""


def test_client_hides_from_the_kernel(driver: Driver) -> None:
    """A notebook reaches neither memory nor descriptors of the client, which holds the reply; else it could."""
    asked = {"do": "notebook", "cells": [READ_CLIENT]}
    with_it = driver.ask(**asked, without=())["reply"]
    assert "memory -> no" in with_it
    assert "descriptors -> no" in with_it
    without_it = driver.ask(**asked, without=("client",))["reply"]
    assert "memory -> YES" in without_it
    assert "descriptors -> YES" in without_it
