"""
An attacker on protected tables, written without looking at how they are protected.

It reads the public record of a table, as a stranger would download it, and knows what every reader knows:
numbers add up, they are whole, and a withheld number is at least 1 because zeros are shown. With two linear
programs per withheld cell it finds what that cell can be at least and at most. Linear programs are exact
here: the relations of tables with two dimensions are those of a network, so the extremes are whole numbers.
"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from stadtbuch.disclosure import tables
from stadtbuch.suppression import audit, closing


def intervals(record: dict) -> dict[tuple, tuple[float, float]]:
    """Find the smallest and largest possible number of every withheld cell of a public record."""
    known = {tuple(cell["labels"]): cell["value"] for cell in record["cells"]}
    hidden = [labels for labels, value in known.items() if value is None]
    matrix, right = equations(record, known, hidden)
    found = {}
    for at, labels in enumerate(hidden):
        aim = np.zeros(len(hidden))
        aim[at] = 1
        least = linprog(aim, A_eq=matrix, b_eq=right, bounds=(1, None))
        most = linprog(-aim, A_eq=matrix, b_eq=right, bounds=(1, None))
        assert least.status == 0, "the published numbers contradict each other"
        found[labels] = (least.fun, np.inf if most.status == 3 else -most.fun)
    return found


def equations(record: dict, known: dict, hidden: list) -> tuple[np.ndarray, np.ndarray]:
    """Write down 'parts minus whole is zero' for every line of the table, published numbers on the right."""
    rows, columns = (combinations(record, record[side]) for side in ("rows", "columns"))
    lines = [[*((row + column) for row in rows[:-1]), rows[-1] + column] for column in columns]
    if record["columns"]:
        lines += [[*((row + column) for column in columns[:-1]), row + columns[-1]] for row in rows]
    matrix, right = np.zeros((len(lines), len(hidden))), np.zeros(len(lines))
    for number, line in enumerate(lines):
        for place, labels in enumerate(line):
            sign = -1 if place == len(line) - 1 else 1
            if known[labels] is None:
                matrix[number, hidden.index(labels)] = sign
            else:
                right[number] -= sign * known[labels]
    return matrix, right


def combinations(record: dict, variables: list[str]) -> list[tuple]:
    """List the labels of one dimension, its margin last."""
    if not variables:
        return [()]
    return [*product(*(record["labels"][name] for name in variables)), (None,) * len(variables)]


def a_table(seed: int) -> tuple[pd.Series, dict]:
    """Make random counts: one or two dimensions, sometimes crossed, sometimes sparse, sometimes large."""
    chance = np.random.default_rng([20260110, seed])
    sizes = {"district": chance.integers(2, 7), "age": chance.integers(2, 6)}
    shape = {"rows": "district"}
    if chance.random() < 0.85:
        shape["columns"] = "age"
        if chance.random() < 0.3:
            sizes["sex"], shape["columns"] = 2, ["age", "sex"]
    else:
        sizes.pop("age")
    labels = [[f"{name}-{number}" for number in range(size)] for name, size in sizes.items()]
    index = pd.MultiIndex.from_product(labels, names=list(sizes))
    weights = chance.lognormal(0, chance.uniform(0.2, 1.2), len(index))
    counts = pd.Series(chance.poisson(weights * chance.choice([1.5, 4, 10, 40])), index=index)
    return counts, shape


def protected(seed: int) -> tuple[pd.Series, tables.ProtectedTable] | None:
    """Protect a random table; None if all together are too few."""
    counts, shape = a_table(seed)
    min_count = (3, 3, 5)[seed % 3]
    if counts.sum() < min_count:
        return None
    made = tables.protect(
        counts,
        **shape,
        min_count=min_count,
        node_limit=20_000,
        dataset="demo.people",
        name=f"seed-{seed}",
        unit="person",
        column_names=["district", "age", "sex"],
    )
    return counts, made


def true(counts: pd.Series, labels: tuple) -> int:
    """Count what a cell or margin really holds."""
    fits = [name == label or label is None for name, label in zip(counts.index.names, labels, strict=True)]
    assert len(fits) == counts.index.nlevels
    kept = counts
    for level, label in enumerate(labels):
        if label is not None:
            kept = kept[kept.index.get_level_values(level) == label]
    return int(kept.sum())


def test_no_withheld_cell_can_be_computed(sample: int) -> None:
    """In no random table can the attacker compute a withheld cell, or tell that a small one is small."""
    tried = withheld = 0
    for seed in range(sample):
        pair = protected(seed)
        if pair is None:
            continue
        counts, made = pair
        tried += 1
        for labels, (least, most) in intervals(made.to_record()).items():
            value = true(counts, labels)
            assert least - 1e-6 <= value <= most + 1e-6, f"seed {seed}: the attacker is wrong about {labels}"
            assert most - least >= 1 - 1e-6, f"seed {seed}: {labels} can be computed"
            if value < made.min_count:
                assert most >= made.min_count - 1e-6, f"seed {seed}: {labels} is known to be small"
            withheld += 1
    print(f"tables {tried}, withheld cells {withheld}, computed 0")
    assert tried >= 0.9 * sample
    assert withheld > 3 * tried


def test_published_cells_are_true() -> None:
    """What is published is exactly what was counted, every small count is withheld, every zero is shown."""
    for seed in range(30):
        pair = protected(seed)
        if pair is None:
            continue
        counts, made = pair
        for cell in made.cells:
            value = true(counts, cell.labels)
            assert cell.value in (None, value)
            if value == 0:
                assert (cell.value, cell.mark) == (0, "–")
            if 0 < value < made.min_count:
                assert (cell.value, cell.mark) == (None, "·")


def test_attacker_wins_without_secondary_suppression(monkeypatch: pytest.MonkeyPatch) -> None:
    """With small counts hidden only, the attacker computes most of them: so the attack is a real one."""

    def only_primaries(problem: closing.Problem, *, node_limit: int) -> closing.Pattern:
        return closing.Pattern(problem.primary, {}, optimal=True, nodes=0)

    monkeypatch.setattr(closing, "close", only_primaries)
    monkeypatch.setattr(closing, "proven", lambda problem, pattern: [])
    monkeypatch.setattr(audit, "exposed", lambda problem, hidden: [])
    exact = 0
    for seed in range(20):
        pair = protected(seed)
        if pair:
            exact += sum(most - least < 0.5 for least, most in intervals(pair[1].to_record()).values())
    assert exact > 20


def test_attacker_knows_the_lower_bound() -> None:
    """Where hidden cells are at least 1, a hidden pair that adds up to 2 is known: the attacker sees that."""
    record = {
        "rows": ["a"],
        "columns": [],
        "labels": {"a": ["x", "y", "z"]},
        "cells": [
            {"labels": ["x"], "value": None},
            {"labels": ["y"], "value": None},
            {"labels": ["z"], "value": 8},
            {"labels": [None], "value": 10},
        ],
    }
    assert intervals(record) == {("x",): (1, 1), ("y",): (1, 1)}
