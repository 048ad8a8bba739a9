"""
How long k, l and t of microdata take, beside pyCANON and polars where these are installed.

Run ``python benchmarks/microdata.py``. Neither of the two is among our libraries: install them beside ours in an
environment of your own to see the ratios. All count the same records, already coded in whole numbers; what they give is
compared before the times are printed. The best of some rounds counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.disclosure import microdata

LEVELS = {"age": 100, "sex": 3, "district": 72, "household": 6, "group": 5}
SENSITIVE = 20


def records(number: int) -> pd.DataFrame:
    """Draw records with five quasi-identifiers and a sensitive value; some combinations are rare."""
    rng = np.random.default_rng(20260115)
    drawn = {name: (rng.beta(1.2, 3.0, number) * levels).astype(np.int64) for name, levels in LEVELS.items()}
    return pd.DataFrame(drawn | {"sensitive": (rng.beta(1.0, 4.0, number) * SENSITIVE).astype(np.int64)})


def best(action: Callable[[], Any], *, rounds: int) -> tuple[float, Any]:
    """Give the shortest time of some rounds, and the result."""
    times, given = [], None
    for _ in range(rounds):
        begun = time.perf_counter()
        given = action()
        times.append(time.perf_counter() - begun)
    return min(times), given


def ours(frame: pd.DataFrame) -> dict[str, Callable[[], float]]:
    """Give our ways to count; each begins with the columns."""
    columns = [frame[name].to_numpy() for name in LEVELS]
    sensitive = frame["sensitive"].to_numpy()
    return {
        "k": lambda: microdata.smallest(microdata.grouped(columns)),
        "l (distinct)": lambda: microdata.diversity(microdata.grouped(columns), sensitive),
        "l (entropy)": lambda: microdata.diversity(microdata.grouped(columns), sensitive, kind="entropy"),
        "l (recursive)": lambda: microdata.diversity(microdata.grouped(columns), sensitive, kind="recursive"),
        "t (equal)": lambda: microdata.closeness(microdata.grouped(columns), sensitive),
        "t (ordered)": lambda: microdata.closeness(microdata.grouped(columns), sensitive, kind="ordered"),
    }


def of_polars(frame: pd.DataFrame) -> dict[str, Callable[[], float]]:
    """Give how polars counts k and l, where it is installed."""
    if importlib.util.find_spec("polars") is None:
        return {}
    import polars  # noqa: PLC0415 - not among our libraries

    table = polars.DataFrame({name: frame[name].to_numpy() for name in frame})
    grouped = table.lazy().group_by(list(LEVELS))
    return {
        "k": lambda: grouped.agg(polars.len().alias("n")).select(polars.col("n").min()).collect().item(),
        "l (distinct)": lambda: (
            grouped.agg(polars.col("sensitive").n_unique().alias("n"))
            .select(polars.col("n").min())
            .collect()
            .item()
        ),
    }


def of_pycanon(frame: pd.DataFrame) -> dict[str, Callable[[], float]]:
    """Give how pyCANON counts k and l, where it is installed."""
    if importlib.util.find_spec("pycanon") is None:
        return {}
    from pycanon import anonymity  # noqa: PLC0415 - not among our libraries

    return {
        "k": lambda: anonymity.k_anonymity(frame, list(LEVELS)),
        "l (distinct)": lambda: anonymity.l_diversity(frame, list(LEVELS), ["sensitive"]),
    }


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description="Measure k, l and t.")
    asked.add_argument("--records", type=int, nargs="+", default=[1_000_000, 10_000_000])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument(
        "--pycanon-most", type=int, default=1_000_000, help="records that pyCANON is given at most"
    )
    given = asked.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the start")
    for number in given.records:
        frame = records(number)
        others = {"polars": of_polars(frame)}
        if number <= given.pycanon_most:
            others["pyCANON"] = of_pycanon(frame)
        print(f"{number:,} records, {len(LEVELS)} quasi-identifiers")
        for name, action in ours(frame).items():
            seconds, found = best(action, rounds=given.rounds)
            line = f"  {name:<14} {seconds:8.3f} s"
            for other, actions in others.items():
                if name in actions:
                    theirs, told = best(actions[name], rounds=1 if other == "pyCANON" else given.rounds)
                    alike = "" if told == found else f" (gives {told}, not {found})"
                    line += f"   {other} {theirs:8.3f} s = {theirs / seconds:6.1f} x{alike}"
            print(line, flush=True)
        for name, told in others.items():
            if not told:
                print(f"  {name} is not installed, so there is nothing to compare with")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
