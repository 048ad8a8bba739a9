"""The bound for large tables: no safe pattern is cheaper, and it is near."""

from dataclasses import replace

import numpy as np
import pytest

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.primary import few, room_of_counts
from stadtbuch.suppression import bounds, closing


def a_problem(seed: int, *, least: int) -> closing.Problem:
    """Make a table of two dimensions, one of them with groups."""
    chance = np.random.default_rng([11, seed])
    places = tuple(f"p{number}" for number in range(6))
    groups = {"north": places[:3], "south": places[3:], "all": ("north", "south")}
    ages = tuple(f"a{number}" for number in range(4))
    inner = chance.poisson(chance.lognormal(1.2, 0.8, (6, 4)))
    cube = Cube((Hierarchy("place", places, groups), Hierarchy("age", ages, {"all": ages})), inner)
    values = cube.values
    return closing.Problem(
        cube.relations,
        values,
        few(values, minimum=3),
        room_of_counts(values, minimum=3),
        values + 1,
        least=least,
    )


@pytest.mark.parametrize("least", [0, 1])
def test_no_safe_pattern_is_cheaper(least: int) -> None:
    """The proven optimum never lies below the bound, and in all it is near."""
    cheapest = bound = 0
    for seed in range(8):
        problem = a_problem(seed, least=least)
        pattern = closing.close(problem, node_limit=20_000)
        assert pattern.optimal
        assert bounds.least_cost(problem) <= pattern.cost(problem)
        cheapest, bound = cheapest + pattern.cost(problem), bound + bounds.least_cost(problem)
    assert cheapest > 0
    assert bound > 0.7 * cheapest


def test_a_pattern_that_is_not_proven_says_how_far_it_may_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the exact search there is a bound; where the pattern reaches it, it is the cheapest."""
    monkeypatch.setattr(closing, "EXACT", 0)
    monkeypatch.setattr(closing, "REBUILT", 1)
    reached = 0
    for seed in range(8):
        problem = a_problem(seed, least=1)
        pattern = closing.close(problem, node_limit=100)
        assert 0 < pattern.bound <= pattern.cost(problem)
        assert pattern.optimal == (pattern.bound == pattern.cost(problem))
        assert closing.proven(problem, pattern) == []
        reached += pattern.optimal
    assert reached


def test_what_is_safe_already_has_no_bound() -> None:
    """Where nothing is unsafe nothing has to go."""
    problem = a_problem(1, least=0)
    assert bounds.least_cost(replace(problem, primary=np.zeros_like(problem.primary))) == 0
