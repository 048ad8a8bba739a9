"""
How dear the exact search is: parts of the work, and its pattern compared with the first guess.

Run ``python benchmarks/suppression.py``. It prints one line per table size: linear programs and searches that were
needed, the share of the cost of the first guess that the exact search saved, and seconds of this machine for
orientation. Nothing fails here: numbers of a machine are no promise.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.privacy import suppression, tables
from stadtbuch.privacy.solver import Program

SIZES = [(10, 8, 12.0), (20, 20, 25.0), (20, 20, 12.0), (40, 38, 12.0)]


def a_table(height: int, width: int, mean: float, *, seed: int) -> pd.Series:
    """Make counts with large and small rows, and columns that thin out."""
    chance = np.random.default_rng([height, width, seed])
    shape = np.outer(chance.lognormal(0, 0.8, height), np.linspace(1, 0.1, width))
    counts = chance.poisson(shape * mean / shape.mean())
    labels = [
        [f"row {row:03d}" for row in range(height)],
        [f"column {column:03d}" for column in range(width)],
    ]
    return pd.Series(counts.ravel(), index=pd.MultiIndex.from_product(labels, names=["district", "age"]))


def counted(counter: Counter[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Count the calls of a solver."""

    def call(*args: Any, **options: Any) -> Any:
        counter[name] += 1
        return function(*args, **options)

    return call


def measure(height: int, width: int, mean: float) -> str:
    """Protect one table and say what it took."""
    calls: Counter[str] = Counter()
    real = Program.solve, suppression.milp, suppression._Search.start
    guesses: list[float] = []

    def start(search: Any) -> None:
        real[2](search)
        guesses.append(float(search.cost[search.chosen].sum()))

    Program.solve = counted(calls, "attacks", real[0])
    suppression.milp = counted(calls, "searches", real[1])
    suppression._Search.start = start
    try:
        begun = time.perf_counter()
        made = tables.protect(
            a_table(height, width, mean, seed=1), rows="district", columns="age", min_count=3, node_limit=20_000,
            dataset="demo.people", name="table", unit="person", column_names=["district", "age"],
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    finally:
        Program.solve, suppression.milp, suppression._Search.start = real
    hidden = made.suppressed / len(made.cells)
    return (
        f"{len(made.cells):5d} cells  {hidden:5.1%} hidden  first guess {sum(guesses):6.0f}  "
        f"{calls['attacks']:5d} attacks  {calls['searches']:3d} searches  {seconds:6.2f} s  "
        f"{made.findings[0].text.en.partition(': ')[2]}"
    )


if __name__ == "__main__":
    for size in SIZES:
        print(measure(*size), flush=True)
