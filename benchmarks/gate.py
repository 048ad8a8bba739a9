"""
How long the gate takes for a notebook of 5 MB: text, tables and charts, compared with two closed registers.

Run ``python benchmarks/gate.py``. The notebook is made up: every cell has another text, table and chart, so nothing
that was judged is remembered. The best of some rounds counts, each in a process of its own; so does its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from typing import Any

from stadtbuch.privacy import notebooks, outputs, values

KEY = b"a key of the measurement"
LETTERS = "abcdefghiklmnoprstuvwz"


def vocabulary(rng: random.Random, size: int) -> list[str]:
    """Make words; every third one begins with a capital."""
    words = ["".join(rng.choices(LETTERS, k=rng.randrange(3, 12))) for _ in range(size)]
    return [word.capitalize() if at % 3 == 0 else word for at, word in enumerate(words)]


def indexed(rng: random.Random, words: list[str], people: int) -> frozenset[bytes]:
    """Index a register: first and last names, and notes of eight words."""
    names = [f"{rng.choice(words)}ine {rng.choice(words)}mann" for _ in range(people)]
    notes = [" ".join(rng.choices(words, k=8)) for _ in range(people // 10)]
    phrases = {values.phrase(one) for one in (*names, *notes)} | {
        word for one in names for word in values.words(one)
    }
    return values.digests(phrases, key=KEY)


def a_notebook(rng: random.Random, words: list[str], size: int) -> tuple[dict[str, Any], dict[Any, set[str]]]:
    """Make a notebook of about so many bytes, with the records of its tables and charts."""
    cells: list[dict[str, Any]] = []
    records: dict[Any, set[str]] = {}
    written = 0
    while written < size:
        name = f"t{len(cells)}"
        said = " ".join(rng.choices(words, k=300))
        rows = "".join(
            f"<tr><th>{rng.choice(words)}</th><td>{rng.randrange(99999)}</td></tr>" for _ in range(200)
        )
        bars = "".join(
            f'<path d="M{rng.random() * 900:.2f},{rng.random() * 600:.2f}h3v4Z" fill="#336699" '
            f'aria-label="{rng.choice(words)}: {rng.randrange(9999)}"/>'
            for _ in range(250)
        )
        table, chart = f"<table>{rows}</table>", f'<svg xmlns="http://www.w3.org/2000/svg">{bars}</svg>'
        records |= {("table", name): {table}, ("figure", name): {chart}}
        marked = [("text/html", table, "table"), ("image/svg+xml", chart, "figure")]
        shown = [
            {"output_type": "display_data", "data": {mime: text}}
            | {"metadata": {"stadtbuch": {"kind": kind, "name": name}}}
            for mime, text, kind in marked
        ]
        printed = {"output_type": "stream", "name": "stdout", "text": " ".join(rng.choices(words, k=400))}
        source = f"x = {len(cells)}\n" * 40
        code = {"cell_type": "code", "id": name, "metadata": {}, "execution_count": 1, "source": source}
        cells += [
            {"cell_type": "markdown", "id": f"m{name}", "metadata": {}, "source": said},
            code | {"outputs": [*shown, printed]},
        ]
        written += len(said) + len(table) + len(chart) + len(printed["text"])
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, records


def once(size: int, people: int) -> dict[str, float]:
    """Judge one notebook, and say how long which part took."""
    rng = random.Random(20260115)
    words = vocabulary(rng, 30_000)
    notebook, records = a_notebook(rng, words, size)
    closed = tuple(
        outputs.ClosedFacts(name, ("age", "sex"), indexed(rng, words, people))
        for name in ("a.people", "b.people")
    )
    facts = outputs.Facts(restricted=True, key=KEY, closed=closed, records=records)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, used = time.perf_counter(), time.process_time()
    stripped = notebooks.strip(notebook)
    sheet = notebooks.read(stripped)
    read = time.process_time() - used
    found = outputs.judge(stripped, facts)
    assert found == []
    return {
        "bytes": len(json.dumps(notebook, ensure_ascii=False).encode()),
        "pieces": len(sheet.pieces),
        "hashes": sum(len(one.index) for one in closed),
        "clock": time.perf_counter() - begun,
        "processor": time.process_time() - used,
        "reading": read,
        "memory_before": before / 1024,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", type=int, default=5_000_000, help="bytes of the notebook")
    parser.add_argument("--people", type=int, default=50_000, help="of each of two registers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(json.dumps(once(given.size, given.people)))
        return
    command = [sys.executable, __file__, "--once", "--size", str(given.size), "--people", str(given.people)]
    rounds = [json.loads(subprocess.check_output(command)) for _ in range(given.rounds)]
    best = min(rounds, key=lambda one: one["processor"])
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; best of {given.rounds} by processor time")
    print(
        f"notebook: {best['bytes'] / 1e6:.1f} MB, {best['pieces']} texts; indexes: {best['hashes']:,} hashes"
    )
    print(f"gate: {best['clock']:.2f} s by the clock, {best['processor']:.2f} s of processor (goal: 2 s)")
    print(f"  taking the notebook apart: {best['reading']:.2f} s of processor")
    print(f"memory: {best['memory']:.0f} MB at most, {best['memory_before']:.0f} MB before judging")


if __name__ == "__main__":
    main()
