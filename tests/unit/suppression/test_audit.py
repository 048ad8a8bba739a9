"""The audit: what follows from published numbers, without knowing how they were chosen."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.primary import few, room_of_counts
from stadtbuch.suppression import audit, closing


def a_grid(rows: int, columns: int, seed: int) -> closing.Problem:
    """Make a table of two dimensions with small counts."""
    chance = np.random.default_rng([5, seed])
    names = [tuple(f"{name}{at}" for at in range(size)) for name, size in (("r", rows), ("c", columns))]
    hierarchies = tuple(Hierarchy(one[0][0], one, {"all": one}) for one in names)
    values = Cube(hierarchies, chance.integers(0, 9, (rows, columns))).values
    relations = Cube(hierarchies, chance.integers(0, 9, (rows, columns))).relations
    primary = few(values, minimum=3)
    return closing.Problem(relations, values, primary, room_of_counts(values, minimum=3), values + 1)


def test_hidden_values_are_not_read() -> None:
    """The intervals are the same whatever stands under withheld cells."""
    problem = a_grid(4, 4, 1)
    hidden = closing.close(problem, node_limit=1000).hidden
    other = np.where(hidden, 777, problem.values)
    first = audit.intervals(problem.relations, problem.values, hidden, least=1)
    again = audit.intervals(problem.relations, other, hidden, least=1)
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert (first[0] <= problem.values).all()
    assert (first[1] >= problem.values).all()


def test_what_follows_is_computed() -> None:
    """Small counts alone in their row and column are exact; with the proven pattern none is."""
    for seed in range(5):
        problem = a_grid(4, 5, seed)
        careless = audit.intervals(problem.relations, problem.values, problem.primary, least=1)
        assert (careless[0] == careless[1])[problem.primary].any()
        hidden = closing.close(problem, node_limit=1000).hidden
        assert audit.exposed(problem, hidden) == []
        assert audit.exposed(problem, problem.primary) != []


def test_a_pattern_with_one_cell_less_is_exposed() -> None:
    """Of a cheapest pattern no secondary cell can be spared: the audit sees it, without any proof."""
    problem = a_grid(4, 5, 3)
    pattern = closing.close(problem, node_limit=1000)
    assert pattern.optimal
    for cell in np.flatnonzero(pattern.hidden & ~problem.primary):
        fewer = pattern.hidden.copy()
        fewer[cell] = False
        assert audit.exposed(problem, fewer) != []


def test_readers_know_that_hidden_is_at_least_one() -> None:
    """A hidden pair that adds up to 2 is exact where zeros are published, and not where they may be withheld."""
    relations = sp.csr_matrix([[1, 1, 1, -1]])
    problem = closing.Problem(
        relations, np.array([1, 1, 8, 10]), np.array([True, True, False, False]),
        need=np.array([1, 1, 0, 0]), cost=np.ones(4, dtype=int),
    )  # fmt: skip
    assert audit.exposed(problem, problem.primary) == [0, 1]
    assert audit.exposed(replace(problem, least=0), problem.primary) == []


def test_an_unbounded_value_is_said_so() -> None:
    """Where the sum is withheld too there is no upper end."""
    low, high = audit.intervals(
        sp.csr_matrix([[1, 1, -1]]), np.array([0, 4, 0]), np.array([True, False, True]), least=1
    )
    assert low.tolist() == [1.0, 4.0, 5.0]
    assert high.tolist() == [np.inf, 4.0, np.inf]


def test_numbers_that_fit_no_table_are_noticed() -> None:
    """Parts that are larger than their sum contradict it."""
    with pytest.raises(audit.ContradictionError):
        audit.intervals(
            sp.csr_matrix([[1, 1, 1, -1]]),
            np.array([0, 0, 9, 5]),
            np.array([True, True, False, False]),
            least=1,
        )
