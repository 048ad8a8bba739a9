"""
``make campaign NAME=crash``: every step of every command, 300 random moments of a build, a broken disk, a full one.

``CRASH="--jobs 1"`` uses one processor instead of two, ``--every 10`` tries every tenth step, ``--minutes 30`` stops
in time. All of it takes about 75 minutes of processor time.

It goes on where it was stopped: what was tried stands in ``build/crash-campaign.jsonl``, one line each, and counts as
long as library and campaign are the same. The last line says how much of everything was tried with exactly this code;
the exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import errno
import json
import multiprocessing
import multiprocessing.util
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests import their builders from there

from crash import moments, world
from crash.world import Nursery, Scene
from stadtbuch.runs import key

ERRORS = (errno.EIO, errno.EMFILE, errno.ENOSPC)
PARTS = {
    "kill": "kills at a step",
    "moment": "random moments",
    "full": "full disks",
    "error": "failing writes",
    "cut": "power cuts at a step",
}
"""Kind -> what the last line calls it, in the order in which they are tried."""
SIZES = range(1, 9)
TOLD_SECONDS = 20.0


@dataclass(frozen=True)
class Case:
    """One thing to try; `at` is a step, a share of the time of a build, or room in 100 kB."""

    kind: str
    scene: str
    at: float
    code: int = 0

    @property
    def name(self) -> str:
        """Give the name under which it is recorded."""
        return f"{self.kind} {self.scene} {self.at:g} {self.code}"


def cases(steps: dict[str, int], *, seed: int, every: int, number: int) -> Iterator[Case]:
    """Give everything to try: scene -> how many steps it has."""
    at = [(name, step) for name, count in steps.items() for step in range(1, count + 1, every)]
    random = Random(seed)
    yield from (Case("kill", name, step) for name, step in at)
    yield from (Case("moment", "publish", round(random.random(), 6)) for _ in range(number))
    if moments.may_mount():
        yield from (Case("full", "publish", size) for size in SIZES)
    yield from (Case("error", name, step, ERRORS[step % len(ERRORS)]) for name, step in at)
    yield from (Case("cut", name, step) for name, step in at)


class Worker:
    """What a process of the campaign holds: the scenes, its nursery, and whether to stop."""

    scenes: dict[str, Scene]
    stop: Any
    nursery: Nursery

    @classmethod
    def begin(cls, scenes: dict[str, Scene], folder: str, stop: Any) -> None:
        """Start a nursery that ends with this process."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign says when to stop
        cls.scenes, cls.stop = scenes, stop
        cls.nursery = Nursery(Path(tempfile.mkdtemp(dir=folder)))
        multiprocessing.util.Finalize(None, cls.nursery.close, exitpriority=10)

    @classmethod
    def attempt(cls, case: Case) -> tuple[Case, list[str] | None]:
        """Try one thing; None if there was no time for it."""
        if cls.stop.is_set():
            return case, None
        scene = cls.scenes[case.scene]
        if case.kind == "moment":
            return case, moments.survive(cls.nursery, scene, share=case.at)
        if case.kind == "full":
            return case, moments.fill(cls.nursery, scene, megabytes=int(case.at))
        return case, world.survive(cls.nursery, scene, kind=case.kind, at=int(case.at), errno=case.code)


@dataclass
class Record:
    """What was tried with this code and this seed: case -> what was wrong."""

    path: Path
    mark: dict[str, Any]
    tried: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path, *, seed: int) -> Record:
        """Read what an earlier call has tried."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        mark = {"seed": seed, "code": code()}
        told = (json.loads(line) for line in lines)
        return cls(path, mark, {one["case"]: one["wrong"] for one in told if mark.items() <= one.items()})

    def add(self, case: Case, wrong: list[str]) -> None:
        """Write one down."""
        self.tried[case.name] = wrong
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**self.mark, "case": case.name, "wrong": wrong}) + "\n")


def code() -> str:
    """Name the state of library and campaign: what was tried with another one does not count."""
    own = (path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return sha256(b"".join((key.library()["sha256"].encode(), *own))).hexdigest()[:12]


def commit() -> str:
    """Name the commit, and say so if files differ from it."""
    given = {"cwd": Path(__file__).parent, "capture_output": True, "text": True, "check": False}
    found = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], **given).stdout.strip()  # type: ignore[call-overload]
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], **given).stdout.strip()  # type: ignore[call-overload]
    return (found or "no commit") + (" with changes" if changed else "")


def perform(
    todo: list[Case], scenes: dict[str, Scene], folder: str, record: Record, *, jobs: int, minutes: float
) -> None:
    """Try everything, several at once, and say how far it is; Ctrl-C and the end of time stop after what is begun."""
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    begun = told = time.monotonic()
    with context.Pool(jobs, Worker.begin, (scenes, folder, stop)) as pool:
        for number, (case, wrong) in enumerate(pool.imap_unordered(Worker.attempt, todo), 1):
            if wrong is not None:
                record.add(case, wrong)
                for one in wrong:
                    print(one, flush=True)
            now = time.monotonic()
            if now - begun > minutes * 60:
                stop.set()
            if now - told > TOLD_SECONDS and not stop.is_set():
                told = now
                left = (now - begun) / number * (len(todo) - number) / 60
                print(f"  {number} of {len(todo)}, about {left:.0f} min left", file=sys.stderr, flush=True)
        pool.close()
        pool.join()


def last_line(record: Record, whole: list[Case]) -> str:
    """Say what was tried, of how much."""
    every = Counter(case.kind for case in whole)
    tried = Counter(case.kind for case in whole if case.name in record.tried)
    counted = ", ".join(f"{tried[kind]} of {every[kind]} {words}" for kind, words in PARTS.items())
    bad = sum(bool(record.tried.get(case.name)) for case in whole)
    return f"crash campaign: commit {commit()}, seed {record.mark['seed']}; {counted}; {bad} of {tried.total()} wrong"


def main() -> int:
    """Try everything that was not tried yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=20260115)
    parser.add_argument("--every", type=int, default=1, help="only every n-th step")
    parser.add_argument("--moments", type=int, default=300)
    parser.add_argument("--jobs", "-j", type=int, default=2, help="how many at once")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin nothing more after this time")
    parser.add_argument("--record", type=Path, default=Path("build/crash-campaign.jsonl"))
    given = parser.parse_args()
    record = Record.read(given.record, seed=given.seed)
    with world.quick_disk("crash-campaign-") as folder:
        nursery = Nursery(folder / "nursery")
        scenes = {one.name: one for one in world.make(folder / "scenes", nursery)}
        moments.measure(scenes["publish"])
        nursery.close()  # before processes are forked that would keep it alive
        steps = {name: one.steps for name, one in scenes.items()}
        print(
            f"steps: {steps}; a whole build takes {moments.WHOLE['build']:.1f} s", file=sys.stderr, flush=True
        )
        whole = list(cases(steps, seed=given.seed, every=1, number=given.moments))
        some = cases(steps, seed=given.seed, every=given.every, number=given.moments)
        todo = [case for case in some if case.name not in record.tried]
        perform(todo, scenes, str(folder), record, jobs=given.jobs, minutes=given.minutes)
    if not moments.may_mount():
        print("Skipped: a full disk needs root, to mount a small one.")
    print(last_line(record, whole))
    return 1 if any(record.tried.get(case.name) for case in whole) else 0


if __name__ == "__main__":
    sys.exit(main())
