"""
How long a visitor waits for a live dashboard, and what each one costs: forked kernels against cold ones.

Run ``python benchmarks/dashboards.py``; ``--city FOLDER`` takes a city that ``stadtbuch demo`` has built. Two servers
of the same dashboards, each with as many seats as visitors come: one forks a kernel when a visitor comes, the other one
has cold kernels in boxes of their own, one of them waiting for the next visitor. They take turns:

- *one after the other*: a visitor comes to a server that has had time to get everything ready, the waiting kernel too;
- *at once*: several visitors come together.

The time is from the request to the last byte of the page, with what the dashboard shows. Processor time is that of
everything together until the server has come to rest, getting ready for the next visitor included. Memory is what the
kernel of one visitor has for itself. Nothing fails here: numbers of a machine are no promise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from runs import BIN, Cost, called, machine, measured, meter, ratio, said
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from stadtbuch import settings
from stadtbuch.dashboards import prepared, shelf
from stadtbuch.state import State

ROOT = Path(__file__).resolve().parents[1]
CITY = (
    "stadtbuch.toml",
    "synthetic.yaml",
    "roles.yaml",
    "concentration.toml",
    "catalogs",
    "notebooks",
    "reports",
    "requirements",
)
KINDS = ("forked", "boxed")
PROGRAMS = {"forked": "/runs/zygote.py", "boxed": "/dashboards/kernel.py"}
REST_SECONDS = 8.0


@dataclass
class Served:
    """One server of dashboards and what its visitors measured."""

    kind: str
    address: str
    process: subprocess.Popen[bytes]
    single: list[Cost] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


@contextmanager
def server(city: Path, kind: str, *, seats: int) -> Iterator[Served]:
    """Start one server on a port of the system's choice."""
    told = settings.read(city)
    copy = prepared.lay_out(shelf.listed(State.open(told.folder("state"))), told, datasets=[], tokens="")
    reading, lifeline = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        own = f"127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-P", "-s", "-m", "stadtbuch.dashboards.server"]
        command += ["--prepared", str(copy), "--socket", str(listening.fileno()), "--lifeline", str(reading)]
        command += ["--site", "http://127.0.0.1:1/", "--own", own, "--seats", str(seats), "--kind", kind]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, pass_fds=(listening.fileno(), reading), start_new_session=True
        )
        os.close(reading)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield Served(kind, f"http://{own}", process)
        finally:
            os.close(lifeline)
            process.wait(60)
            process.stdout.close()


async def visit(served: Served, path: str) -> float:
    """Open a page, and give the seconds until its last byte."""
    begun = time.perf_counter()
    request = HTTPRequest(served.address + path, request_timeout=120)
    answer = await AsyncHTTPClient(force_instance=True, max_clients=50).fetch(request)
    assert b"dashboard-view" in answer.body
    return time.perf_counter() - begun


def come(served: Served, paths: Sequence[str]) -> list[float]:
    """Let visitors come together, and wait until the server has come to rest."""

    async def together() -> list[float]:
        return await asyncio.gather(*(visit(served, path) for path in paths))

    waits = asyncio.run(together())
    time.sleep(REST_SECONDS)
    return waits


def kernels(served: Served) -> dict[int, int]:
    """Give the memory that each kernel of a server has for itself, in kilobytes."""
    known = {int(path.name): path for path in Path("/proc").glob("[0-9]*")}
    found: dict[int, int] = {}
    waiting = [served.process.pid]
    while waiting:
        above = waiting.pop()
        below = [
            int(one) for tasks in known[above].glob("task/*/children") for one in tasks.read_text().split()
        ]
        waiting += [one for one in below if one in known]
        if _program(above).startswith("python") and not (served.kind == "forked" and below):
            command = (known[above] / "cmdline").read_bytes().decode()
            if PROGRAMS[served.kind] in command:
                told = (known[above] / "smaps_rollup").read_text(encoding="ascii")
                found[above] = sum(map(int, re.findall(r"^Private_\w+:\s+(\d+) kB", told, re.MULTILINE)))
    return found


def _program(process: int) -> str:
    return Path(Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")[0]).name


def a_city(folder: Path) -> Path:
    """Build the made-up city, small: dashboards read tables, whose size does not depend on the number of persons."""
    city = folder / "city"
    city.mkdir()
    for name in CITY:
        called("cp", "-r", str(ROOT / name), str(city), cwd=ROOT)
    called(str(BIN / "stadtbuch"), "demo", "--size", "mini", "--json", cwd=city)
    return city


def measure(city: Path, *, rounds: int, at_once: int) -> None:
    """Let both servers take turns, and print what came of it."""
    kept = shelf.listed(State.open(settings.read(city).folder("state")))[-1]
    paths = [f"/{kept.name}/?{query}" for query in _queries(kept)]
    seats = rounds + at_once + 1
    meter()  # before the servers start: they are counted from then on
    with server(city, "forked", seats=seats) as one, server(city, "boxed", seats=seats) as other:
        time.sleep(2 * REST_SECONDS)
        for place in range(rounds):
            for served in (one, other) if place % 2 else (other, one):
                cost, (waited,) = measured(
                    lambda served=served, place=place: come(served, [paths[place % len(paths)]])
                )
                served.waits.append(waited)
                served.single.append(Cost(waited, cost.cpu))
        for served in (one, other):
            served.memory = list(kernels(served).values())
            served.many = come(served, [paths[place % len(paths)] for place in range(at_once)])
    for served in (one, other):
        report(served, at_once=at_once)
    ratio("one after the other: cold kernels against forked", _cost(one), _cost(other))
    said(
        f"{at_once} at once: the last one's wait, cold against forked",
        f"{max(other.many) / max(one.many):.1f} x",
    )


def _cost(served: Served) -> Cost:
    return Cost(median(served.waits), median(one.cpu for one in served.single))


def _queries(kept: shelf.Kept) -> list[str]:
    """Give addresses of single choices of a dashboard's first control."""
    control = kept.controls[0]
    return [f"{control.name}={one.slug}" for one in control.options]


def report(served: Served, *, at_once: int) -> None:
    """Print what one server's visitors measured."""
    cost = _cost(served)
    said(f"{served.kind}: a visitor's wait (median of {len(served.waits)})", f"{cost.wall:.2f} s")
    said(f"{served.kind}: longest of them", f"{max(served.waits):.2f} s")
    said(f"{served.kind}: processor time per visitor", f"{cost.cpu:.2f} s")
    said(f"{served.kind}: {at_once} at once, the last one's wait", f"{max(served.many):.2f} s")
    said(f"{served.kind}: own memory of a visitor's kernel", f"{median(served.memory) / 1024:.0f} MB")


def main() -> None:
    """Measure."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--city", type=Path)
    reader.add_argument("--rounds", type=int, default=6)
    reader.add_argument("--at-once", type=int, default=4)
    asked = reader.parse_args()
    said("machine", machine())
    with TemporaryDirectory(prefix="stadtbuch-bench-") as folder:
        measure(asked.city or a_city(Path(folder)), rounds=asked.rounds, at_once=asked.at_once)


if __name__ == "__main__":
    main()
