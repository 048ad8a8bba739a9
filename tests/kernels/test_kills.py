"""Whatever is killed, and whenever: no process stays behind, nothing else is hurt, and the next run starts."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stadtbuch import scratch
from stadtbuch.errors import Refused
from stadtbuch.runs import box, cgroups, kernels, wall, warm

TESTS = Path(__file__).parents[1]
LIBRARY = Path(box.__file__).parents[2]
INFO = {"city": {"timezone": "Europe/Berlin"}, "now": "2026-01-15T08:00:00+00:00"}
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
CHART = """
import vl_convert
print(len(vl_convert.vegalite_to_svg(
    {"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a", "type": "nominal"}}})))
"""
EVENTS = {"closed": 30, "busy": 25, "killed": 20, "suicide": 10, "daemon": 10, "ended": 20}
"""What happens to a run, and how often."""
PER_THOUSAND = {"zygote": 7, "coordinator": 4, "chart server": 4}
"""What happens to the others."""


def asked(name: str, log: int) -> warm.Asked:
    """Ask for a run without inputs."""
    return warm.Asked(
        name=name,
        environment=kernels.environment(Path(warm.RUNS) / name, INFO),
        bounds=warm.Bounds(60, 1 << 30, 1 << 20),
        log=log,
        files={"run.json": b"{}"},
        folders=("inputs", "modules", "home", "outputs"),
    )


def processes() -> dict[str, tuple[str, str]]:
    """Give every process by number and start time: its parent, and its command line."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            told = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            command = (path.parent / "cmdline").read_bytes().decode(errors="replace")
            if told[0] != "Z":
                found[f"{path.parent.name}@{told[19]}"] = (told[1], command)
    return found


def below(parent: int, *, without: set[str] = frozenset()) -> dict[str, str]:
    """
    Give what a process has started, and what that has started: number and start time -> command line.

    Those in `without` are left out with all that they start: a browser of other tests is none of ours.
    """
    everybody = {one: told for one, told in processes().items() if one not in without}
    known: dict[str, str] = {}
    waiting = [str(parent)]
    while waiting:
        above = waiting.pop()
        for one, (its_parent, command) in everybody.items():
            if its_parent == above and one not in known:
                known[one] = command
                waiting.append(one.partition("@")[0])
    return known


def find(program: str) -> list[str]:
    """Give the processes that run a program of ours in a box; the first one has forked the others."""
    found = [
        one
        for one, command in below(os.getpid()).items()
        if f"/runs/{program}.py" in command
        and not command.startswith(("bwrap", "setpriv", "prlimit", "/bin/sh"))
    ]
    return sorted(found, key=lambda one: int(one.partition("@")[2]))


def kill(one: str) -> None:
    """Kill a process."""
    os.kill(int(one.partition("@")[0]), signal.SIGKILL)


def gone(several: set[str]) -> None:
    """Wait until none of these processes is left."""
    for _ in range(600):
        if not several & processes().keys():
            return
        time.sleep(0.05)
    raise AssertionError(f"still there: {[told for one, told in processes().items() if one in several]}")


def settled(most: int, event: str) -> None:
    """Wait until no more processes of the zygote are left than that: one that was killed may still be ending."""
    for _ in range(600):
        ours = find("zygote")
        if len(ours) <= most:
            return
        time.sleep(0.05)
    raise AssertionError(f"after {event}, {len(ours)} processes instead of {most}: {ours}")


def left_by(owner: int) -> list[Path]:
    """Give the folders and control groups of a process."""
    place = cgroups.find()
    groups = set(place.folders.values()) if place else set()
    found = [path for folder in groups for path in folder.glob(f"{cgroups.PREFIX}{owner}-*")]
    return found + list(Path(tempfile.gettempdir()).glob(f"{warm.SOCKETS}-{owner}-*"))


class Field:
    """Runs, and what happens to them."""

    def __init__(self, seed: int) -> None:
        """Start with nothing."""
        self.chance = random.Random(seed)
        self.count: Counter[str] = Counter()
        self.live: list[warm.Run] = []
        self.number = 0
        self.owners: list[int] = []
        self.processes = 1
        self.log = os.open(os.devnull, os.O_WRONLY)

    def fork(self) -> warm.Run:
        """Fork a run; a few stay alive beside each other."""
        self.number += 1
        while len(self.live) > 2:
            self.take().close()
        run = warm.begin().fork(asked(f"run-{self.number}", self.log))
        self.live.append(run)
        return run

    def take(self) -> warm.Run:
        """Take one of those that are alive."""
        return self.live.pop(self.chance.randrange(len(self.live)))

    def happen(self, event: str) -> None:
        """Let something happen."""
        self.count[event] += 1
        getattr(self, event.replace(" ", "_"))()

    def closed(self) -> None:
        """Close a run that does nothing."""
        self.fork()
        self.take().close()

    def busy(self) -> None:
        """Close a run that computes."""
        run = self.fork()
        run._ask({"code": "while True: pass"}, time.monotonic() + 60)
        self.live.remove(run)
        run.close()

    def killed(self) -> None:
        """Kill a run from outside; whoever waits for it is told."""
        run = self.fork()
        run._ask({"code": "import time; time.sleep(600)"}, time.monotonic() + 60)
        signal.pidfd_send_signal(run.process, signal.SIGKILL)
        self.dead(run)

    def suicide(self) -> None:
        """Let a run kill itself."""
        run = self.fork()
        run._ask({"code": "import os; os.kill(os.getpid(), 9)"}, time.monotonic() + 60)
        self.dead(run)

    def dead(self, run: warm.Run) -> None:
        """See that a run is told to be dead, and let go of it."""
        with pytest.raises(warm.Stopped) as stopped:
            while True:
                run._frame(time.monotonic() + 60)
        assert stopped.value.kind == warm.DEAD
        self.live.remove(run)
        run.close()

    def daemon(self) -> None:
        """Let a run leave a process behind that has hidden from it; both are gone when it is closed."""
        run = self.fork()
        list(run.execute(DAEMON, until=time.monotonic() + 60))
        self.live.remove(run)
        run.close()

    def ended(self) -> None:
        """Let a run do its work and hand out its files."""
        run = self.fork()
        shown = list(run.execute("open('outputs/x', 'w').write('x'); 1 + 1", until=time.monotonic() + 60))
        assert shown[-1] == {"type": "done", "content": {"ok": True}}
        assert list(run.files(until=time.monotonic() + 60)) == [("x", b"x")]

    def zygote(self) -> None:
        """Kill the zygote: its runs die with it, the next one has a new one."""
        self.fork()
        kill(find("zygote")[0])
        for run in self.live:
            assert select.select([run.process], [], [], 60)[0]
            with pytest.raises(warm.Stopped):
                list(run.execute("1", until=time.monotonic() + 60))
            run.close()
        self.live.clear()

    def chart_server(self) -> None:
        """Kill the chart servers: a run that draws does so by itself, and the next ones are replaced."""
        run = self.fork()
        for one in find("charts"):
            kill(one)
        shown = list(run.execute(CHART, until=time.monotonic() + 60))
        assert int("".join(one["content"].get("text", "") for one in shown)) > 500

    def coordinator(self) -> None:
        """Kill the command itself, with runs that compute and that have left processes behind."""
        environment = {**os.environ, "PYTHONPATH": f"{LIBRARY}{os.pathsep}{TESTS}"}
        line = [sys.executable, "-m", "kernels.coordinator"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment, cwd=TESTS) as command:
            assert command.stdout is not None
            assert command.stdout.readline() == b"ready\n"
            started = set(below(command.pid))
            assert len(started) > 6
            command.kill()
        self.owners.append(command.pid)
        gone(started)


@pytest.fixture(params=["landlock", "namespaces"])
def field(request: pytest.FixtureRequest, seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    """Give a field without kernels of other tests, kept apart by either kind of wall; at its end nothing is left."""
    try:
        monkeypatch.setattr(wall, "kind", lambda: request.param)
        warm.require()
    except Refused as refused:
        pytest.skip(f"no wall can be built here: {refused.why.en if refused.why else ''}")
    warm.end()
    before = set(below(os.getpid()))
    handles = len(list(Path("/proc/self/fd").iterdir()))
    found = Field(seed)
    found.processes = 1 if request.param == "landlock" else 3
    yield found
    for run in found.live:
        run.close()
    os.close(found.log)
    warm.end()
    gone(set(below(os.getpid(), without=before)))
    with scratch.folder("test"):  # the next start, of whatever, takes away what the killed ones left
        assert [one for owner in (os.getpid(), *found.owners) for one in left_by(owner)] == []
    assert len(list(Path("/proc/self/fd").iterdir())) <= handles


def test_no_orphan_after_any_kind_of_end(field: Field, kills: int, seed: int) -> None:
    """Forks and kills in a random order: each run is gone when it is closed, and nothing else with it."""
    kills = kills if field.processes == 1 else kills // 15
    names, weights = zip(*EVENTS.items(), strict=True)
    events = field.chance.choices(names, weights, k=kills)
    for name, often in PER_THOUSAND.items():
        for place in field.chance.sample(range(kills), max(1, kills * often // 1000)):
            events[place] = name
    for number, event in enumerate(events):
        field.happen(event)
        if number % 10 == 0:
            settled(1 + field.processes * len(field.live), event)

    print(f"kernels: seed {seed}, {sum(field.count.values())} forks and kills, orphans 0:", dict(field.count))
    assert sum(field.count.values()) == kills
