"""
How dear suppression is, and how far from the cheapest pattern: tables as cities have them, from 336 to 54,000 cells.

Run ``python benchmarks/suppression.py`` (``--large`` adds the table of 54,000 cells). One line per table: cells,
small ones, cost of what is hidden besides, the bound that is proven, linear programs, seconds of this machine for
the search and for checking every proof. Nothing fails here: numbers of a machine are no promise.
"""

import resource
import sys
import time
from collections import Counter
from typing import Any

import numpy as np

from stadtbuch.privacy import suppression
from stadtbuch.privacy.hierarchies import Cube, Hierarchy
from stadtbuch.privacy.primary import few, room_of_counts
from stadtbuch.privacy.solver import Program

NODES = 20_000
PLAIN: list[dict[str, Any]] = [
    {"districts": 10, "boroughs": 3, "ages": 18, "people": 4_500},
    {"districts": 72, "boroughs": 10, "ages": 18, "people": 36_000},
    {"districts": 10, "boroughs": 3, "ages": 18, "sexes": 2, "people": 9_000},
    {"districts": 120, "boroughs": 14, "ages": 18, "sexes": 2, "people": 60_000},
]
LARGE: list[dict[str, Any]] = [
    {"districts": 72, "boroughs": 10, "ages": 18, "sexes": 2, "origins": 7, "people": 60_000}
]


def a_city(
    *, districts: int, boroughs: int, ages: int, people: int, sexes: int = 1, origins: int = 1, seed: int = 1
) -> Cube:
    """Make counts by district in boroughs, age in bands, and perhaps sex and origin."""
    chance = np.random.default_rng(seed)
    hierarchies = [grouped("district", districts, boroughs), grouped("age", ages, 5)]
    weights = [chance.lognormal(0, 0.8, districts), np.linspace(1, 0.1, ages)]
    for name, size, skew in (("sex", sexes, 1.0), ("origin", origins, 0.35)):
        if size > 1:
            hierarchies.append(grouped(name, size, 1))
            weights.append(skew ** np.arange(size))
    expected = weights[0]
    for weight in weights[1:]:
        expected = np.multiply.outer(expected, weight)
    expected = expected * chance.lognormal(0, 0.5, expected.shape)
    return Cube(tuple(hierarchies), chance.poisson(expected * people / expected.sum()).ravel())


def grouped(name: str, size: int, groups: int) -> Hierarchy:
    """Make a hierarchy of two levels, or of one if there is a single group."""
    leaves = tuple(f"{name} {number:03d}" for number in range(size))
    if groups == 1:
        return Hierarchy(name, leaves, {"all": leaves})
    parts = [tuple(part.tolist()) for part in np.array_split(np.array(leaves), groups)]
    named = {f"{name}s {number:02d}": part for number, part in enumerate(parts)}
    return Hierarchy(name, leaves, {**named, "all": tuple(named)})


def a_problem(cube: Cube, *, least: int) -> suppression.Problem:
    """Ask for counts of three and more, with zeros published (1) or not (0)."""
    values = cube.values
    primary = few(values, minimum=3)
    return suppression.Problem(
        cube.relations, values, primary, room_of_counts(values, minimum=3), values + 1, least=least
    )


def measure(cube: Cube, *, least: int) -> str:
    """Protect one table and say what it took."""
    calls: Counter[str] = Counter()
    real = Program.solve

    def counted(program: Program) -> float:
        calls["programs"] += 1
        return real(program)

    problem = a_problem(cube, least=least)
    Program.solve = counted
    try:
        begun = time.perf_counter()
        pattern = suppression.close(problem, node_limit=NODES)
        searched = time.perf_counter()
        unproven = suppression.proven(problem, pattern)
        checked = time.perf_counter()
    finally:
        Program.solve = real
    cost = pattern.cost(problem)
    bound = f"bound {pattern.bound:6d} ({cost / pattern.bound:.3f})" if pattern.bound else "no bound      "
    return (
        f"{len(problem.values):6d} cells  least {least}  {int(problem.primary.sum()):5d} small  "
        f"cost {cost:6d}  {bound}  "
        f"{'optimum' if pattern.optimal else 'perhaps dearer'}  {calls['programs']:6d} programs  "
        f"{searched - begun:6.2f} s  proofs checked in {checked - searched:5.2f} s, {len(unproven)} fail"
    )


if __name__ == "__main__":
    for size in PLAIN + (LARGE if "--large" in sys.argv else []):
        for least in (0, 1):
            print(measure(a_city(**size), least=least), flush=True)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
