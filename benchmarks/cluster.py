"""
What a run costs on a cluster beside the run itself, and whether that stays the same from 100 to 5,000 runs.

Run ``python benchmarks/cluster.py``, or with ``--runs 10,20`` for a look. Measured is `runs.execute.execute` with a
local cluster of two workers: claims, folders, sealing the inputs, orders, Dask's scheduling, answers, checking and
writing what came back, ``result.json`` with hashes. The unit of work itself is trivial: the worker opens its order and
the request, and hands out a notebook of 300 bytes; no kernel is started, no book is written.
Each number of runs is measured after a warm-up in one cluster. Nothing fails here: numbers of a machine are no promise.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import stadtbuch.runs.cluster as clusters
from stadtbuch import settings
from stadtbuch.runs import execute, unit
from stadtbuch.runs.artefacts import Artefacts
from stadtbuch.runs.plan import Request
from stadtbuch.state import State

RUNS = (100, 500, 1000, 5000)
ROOT = Path(__file__).resolve().parents[1]
INPUT = b"borough;area\n" * 200


def trivial(order: str) -> str:
    """Do what every unit does around its run, and no run."""
    asked = json.loads(order)
    shelf = Artefacts(asked["artefacts"], b64decode(asked["key"]))
    assert not unit.unfit(shelf.get(asked["terms"], limit=unit.PIECE).decode())
    told = json.loads(shelf.get(asked["request"], limit=unit.INPUT))
    for name in told["inputs"].values():
        shelf.get(name, limit=unit.INPUT)
    notebook = json.dumps({"cells": [], "metadata": {"key": told["info"]["key"]}, "pad": "x" * 200}).encode()
    return json.dumps({"status": "ran", "files": {"notebook.ipynb": [shelf.put(notebook), len(notebook)]}})


def requests(folder: Path, number: int) -> list[Request]:
    """Make requests that differ in their key only, as the cells of a report do."""
    made = []
    for one in range(number):
        key = f"{one:064x}"
        info = {
            "key": key,
            "key_parts": {},
            "now": datetime(2026, 1, 15, tzinfo=UTC).isoformat(),
            "inputs": {},
        }
        inputs = {"inputs/a.csv": INPUT, "inputs/own.csv": str(one).encode()}
        made.append(
            Request(
                key=key, key_parts={}, folder=folder / key, info=info, restricted=False,
                notebook="{}", inputs=inputs, modules={},
            )
        )  # fmt: skip
    return made


def measure(crew: execute.Crew, number: int) -> tuple[float, float]:
    """Give the seconds and the coordinator's CPU seconds of a number of runs."""
    with TemporaryDirectory() as folder:
        todo = requests(Path(folder), number)
        begun, busy = time.perf_counter(), time.process_time()
        done = execute.execute(todo, jobs=2, crew=crew)
        spent = time.perf_counter() - begun, time.process_time() - busy
        assert [one.status for one in done] == ["ran"] * number
    return spent


def report(crew: execute.Crew, numbers: Sequence[int]) -> list[dict[str, float]]:
    """Measure each number in one cluster and print a line for it."""
    measure(crew, 20)
    rows = []
    for number in numbers:
        seconds, busy = measure(crew, number)
        rows.append({"runs": number, "ms": 1000 * seconds / number, "cpu_ms": 1000 * busy / number})
        print(
            f"{number:6d} runs  {seconds:8.2f} s  {1000 * seconds / number:7.2f} ms per run  "
            f"{1000 * busy / number:7.2f} CPU ms per run on the coordinator"
        )
    wall, cpu = (rows[-1][name] / rows[0][name] for name in ("ms", "cpu_ms"))
    print(
        f"per run, {numbers[-1]} against {numbers[0]} runs: {wall:.2f} x by the clock, "
        f"{cpu:.2f} x by CPU of the coordinator (1.00 is exactly linear)",
        flush=True,
    )
    return rows


def main(numbers: Sequence[int]) -> None:
    """Measure in a cluster of this machine; each run under way holds its folder open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, max(numbers) + 500)), hard))
    with TemporaryDirectory() as folder:
        state = State.open(Path(folder) / "var")
        with clusters.opened(settings.read(ROOT), state, clusters.LOCAL, jobs=2, perform=trivial) as crew:
            report(crew, numbers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default=",".join(map(str, RUNS)), help="numbers of runs, smallest first")
    main([int(one) for one in parser.parse_args().runs.split(",")])
