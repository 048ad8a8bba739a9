"""
An attacker on several tables of the same people, written without looking at how they are compared.

It reads the public records as a stranger would download them, writes one unknown for every age, borough and sex, and
one equation for every published number, margins included. Then it asks of every run of ages, in every borough and sex
or in all of them: must somebody be in there, and must it be fewer than the minimum count?
"""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from stadtbuch.disclosure import history, tables
from stadtbuch.disclosure.groupings import Grouping
from stadtbuch.disclosure.history import Release

AGES, BOROUGHS, SEXES = 5, ("01", "02"), ("f", "m")
SHAPE = (AGES, len(BOROUGHS), len(SEXES))
LEAST = 3


def a_city(chance: np.random.Generator) -> np.ndarray:
    """Give how many people of each age, borough and sex there are."""
    return chance.poisson(chance.lognormal(0.6, 0.8, SHAPE))


def a_record(people: np.ndarray, chance: np.random.Generator) -> dict[str, Any] | None:
    """Protect a table of random bands of age by borough or sex, for itself; None if it cannot be."""
    edges = tuple(
        sorted({0, *chance.choice(np.arange(1, AGES), int(chance.integers(1, 4)), replace=False).tolist()})
    )
    bands = Grouping("age_group", "age", edges, tuple(f"from {edge}" for edge in edges))
    by = chance.choice(["borough", "sex"])
    sums = np.add.reduceat(people, edges, axis=0).sum(axis=2 if by == "borough" else 1)
    labels = BOROUGHS if by == "borough" else SEXES
    counts = pd.Series(
        sums.ravel(), index=pd.MultiIndex.from_product([bands.labels, labels], names=["age_group", by])
    )
    try:
        made = tables.protect(
            counts, rows="age_group", columns=by, min_count=LEAST, node_limit=200, dataset="demo.people", name="t",
            unit="person", column_names=["age", "borough", "sex"], groupings=[bands],
        )  # fmt: skip
    except tables.ProtectionError:
        return None
    return made.to_record()


def boxes() -> Iterator[np.ndarray]:
    """Give every run of ages, in every borough and sex or in all of them."""
    for low, high in combinations(range(AGES + 1), 2):
        for borough, sex in product((0, 1, slice(None)), repeat=2):
            box = np.zeros(SHAPE)
            box[low:high, borough, sex] = 1
            yield box


def inside(where: list[dict[str, Any]]) -> np.ndarray:
    """Give the people that a cell counts, as the conditions in its record say."""
    found = np.ones(SHAPE)
    for told in where:
        if told["column"] == "age":
            end = AGES - 1 if told["to"] is None else told["to"]
            found[[age for age in range(AGES) if not told["from"] <= age <= end]] = 0
        elif told["column"] == "borough":
            found[:, [one != told["equals"] for one in BOROUGHS]] = 0
        else:
            found[:, :, [one != told["equals"] for one in SEXES]] = 0
    return found


def small(records: list[dict[str, Any]]) -> list[bool]:
    """Say of every box whether the attacker knows that a few people are in it, and no others."""
    cells = [(inside(cell["where"]).ravel(), cell["value"]) for record in records for cell in record["cells"]]
    known = np.array([row for row, value in cells if value is not None])
    right = [value for _, value in cells if value is not None]
    hidden = np.array([row for row, value in cells if value is None]).reshape(-1, known.shape[1])
    found = []
    for box in boxes():
        ends = [
            linprog(
                sign * box.ravel(), A_eq=known, b_eq=right,
                A_ub=-hidden if len(hidden) else None, b_ub=-np.ones(len(hidden)) if len(hidden) else None,
            )
            for sign in (1, -1)
        ]  # fmt: skip
        assert all(end.status == 0 for end in ends)
        found.append(ends[0].fun > 1 - 1e-6 and -ends[1].fun < LEAST - 1e-6)
    return found


def test_the_attacker_finds_nothing_that_the_test_overlooks(sample: int) -> None:
    """Where the test sees nothing new the attacker learns of nobody; where it sees something, so does the attacker."""
    tried = exposed = 0
    for seed in range(max(sample // 60, 3)):
        chance = np.random.default_rng([2026, seed])
        people = a_city(chance)
        made = [one for one in (a_record(people, chance) for _ in range(3)) if one is not None]
        if len(made) < 2:
            continue
        *earlier, new = [Release.of(f"table {number}", record) for number, record in enumerate(made)]
        found = history.exposure(new, earlier)
        before, after = small(made[:-1]), small(made)
        learnt = sum(now and not then for then, now in zip(before, after, strict=True))
        assert bool(found.atoms) == bool(learnt), f"seed {seed}: {found}, the attacker learnt of {learnt}"
        tried += 1
        exposed += bool(learnt)
    assert exposed, "no table gave another one away: the attacker was not tried"
    assert exposed < tried, "every table gave another one away"
