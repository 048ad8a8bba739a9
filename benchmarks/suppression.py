"""
How dear suppression and rounding are, and how far from the cheapest pattern: tables as cities have them.

Run ``python benchmarks/closing.py``. Parts, each with its goal:

1. up to 350 cells, six tables: the cheapest pattern, proven;
2. 2,000 cells in two dimensions, 1,000 in three: the same;
3. the way of larger tables, taken on those of 1 and 2, against the cheapest pattern;
4. 10,000 and 50,000 cells: the best pattern found, and the bound that is proven;
5. controlled rounding of 10,000 cells.

One line per table: cells, small ones, what hiding costs besides, by how much that may be too much, linear programs,
then seconds by the clock (and of the processor) of the search, of checking every proof, and of the audit. Nothing fails
here: numbers of a machine are no promise. ``--quick`` leaves out the tables of 50,000 cells.
"""

import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.perturbation import rounded
from stadtbuch.disclosure.primary import few, room_of_counts
from stadtbuch.suppression import audit, closing
from stadtbuch.suppression.rounding import controlled, unfit
from stadtbuch.suppression.solver import Program

NODES = 20_000
Size = dict[str, Any]
TINY: list[Size] = [
    {"districts": 10, "boroughs": 3, "ages": 18, "people": people, "seed": seed}
    for people, seed in ((4_500, 1), (4_500, 3), (2_500, 1), (2_500, 3), (1_500, 1), (9_000, 2))
]
PLAIN: list[Size] = [
    {"districts": 30, "boroughs": 5, "ages": 18, "people": 9_000},
    {"districts": 72, "boroughs": 10, "ages": 18, "people": 36_000},
    {"districts": 10, "boroughs": 3, "ages": 18, "sexes": 2, "people": 9_000},
]
TEN_THOUSAND: Size = {"districts": 120, "boroughs": 14, "ages": 18, "sexes": 2, "people": 60_000}
FIFTY_THOUSAND: Size = {
    "districts": 80,
    "boroughs": 10,
    "ages": 18,
    "sexes": 2,
    "origins": 7,
    "people": 60_000,
}


@dataclass(frozen=True)
class Watch:
    """Seconds by the clock and of the processor since something began."""

    clock: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=time.process_time)

    def __str__(self) -> str:
        clock, processor = time.perf_counter() - self.clock, time.process_time() - self.processor
        return f"{clock:.2f} s ({processor:.2f})"


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


def a_problem(cube: Cube, *, least: int) -> closing.Problem:
    """Ask for counts of three and more, with zeros published (1) or not (0)."""
    values = cube.values
    primary = few(values, minimum=3)
    return closing.Problem(
        cube.relations, values, primary, room_of_counts(values, minimum=3), values + 1, least=least
    )


def close(problem: closing.Problem, *, exact: int = closing.EXACT) -> closing.Pattern:
    """Search; with ``exact=0`` as larger tables are searched."""
    known, closing.EXACT = closing.EXACT, exact
    try:
        return closing.close(problem, node_limit=NODES)
    finally:
        closing.EXACT = known


def measure(size: Size, *, least: int, goal: str) -> tuple[closing.Problem, closing.Pattern]:
    """Protect one table and say what it took."""
    calls: Counter[str] = Counter()
    real = Program.solve

    def counted(program: Program) -> float:
        calls["programs"] += 1
        return real(program)

    problem = a_problem(a_city(**size), least=least)
    Program.solve = counted
    try:
        watch = Watch()
        pattern = close(problem)
        searched = str(watch)
        watch = Watch()
        unproven = closing.proven(problem, pattern)
        checked = str(watch)
        watch = Watch()
        exposed = audit.exposed(problem, pattern.hidden)
        audited = str(watch)
    finally:
        Program.solve = real
    cost, known = pattern.cost(problem), "cheapest" if pattern.optimal else f"bound {pattern.bound}"
    too_much = f"at most {cost / pattern.bound:.3f} x" if pattern.bound else "nothing besides"
    print(
        f"{len(problem.values):6d} cells  least {least}  {int(problem.primary.sum()):5d} small  "
        f"cost {cost:6d}  {known}, {too_much}  {calls['programs']} programs  search {searched}  "
        f"proofs {checked}, {len(unproven)} fail  audit {audited}, {len(exposed)} exposed  goal {goal}",
        flush=True,
    )
    return problem, pattern


def compare(known: list[tuple[closing.Problem, closing.Pattern]], *, least: int, goal: str) -> None:
    """Search tables whose cheapest pattern is known as larger ones are searched, and say how much dearer that is."""
    ratios = [
        close(problem, exact=0).cost(problem) / pattern.cost(problem)
        for problem, pattern in known
        if problem.least == least and pattern.optimal and pattern.cost(problem)
    ]
    print(
        f"least {least}: {len(ratios)} tables, on average {np.mean(ratios):.3f} x the cheapest, "
        f"at most {max(ratios):.3f} x  goal {goal}",
        flush=True,
    )


def round_off(size: Size, *, base: int) -> None:
    """Round one table so that it adds up and say what it took."""
    cube = a_city(**size)
    watch = Watch()
    made = controlled(cube.values, cube.relations, base=base)
    found = str(watch)
    wrong = unfit(cube.values, made.values, cube.relations, base=base)
    one_by_one = abs(rounded(cube.values, base=base) - cube.values).sum()
    print(
        f"{len(made.values):6d} cells  base {base}  {'nearest' if made.optimal else 'perhaps not nearest'}  "
        f"{int(made.beyond.sum())} beyond their neighbours  "
        f"changed {abs(made.values - cube.values).sum() / one_by_one:.3f} x of rounding one by one  "
        f"{len(wrong)} wrong  {found}",
        flush=True,
    )


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print("1. up to 350 cells")
    known = [measure(size, least=least, goal="3 s, proven") for size in TINY for least in (0, 1)]
    print("2. two dimensions up to 2,000 cells, three dimensions with 1,000")
    known += [measure(size, least=least, goal="30 s, proven") for size in PLAIN for least in (0, 1)]
    print("3. the way of larger tables against the cheapest pattern")
    compare(known, least=0, goal="1.05 x")
    compare(known, least=1, goal="1.15 x")
    print("4. larger tables")
    measure(TEN_THOUSAND, least=0, goal="15 s")
    measure(TEN_THOUSAND, least=1, goal="40 s")
    if "--quick" not in sys.argv:
        for least in (0, 1):
            measure(FIFTY_THOUSAND, least=least, goal="120 s")
    print("5. controlled rounding")
    for base in (3, 5):
        round_off(TEN_THOUSAND, base=base)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
