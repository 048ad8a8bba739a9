"""The null space: what follows by algebra, compared with ranks in whole numbers."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.primary import few, room_of_counts
from stadtbuch.suppression import audit, circuits, closing, nullspace


def rank(rows: list[list[int]]) -> int:
    """Find the rank in exact fractions, the slow way."""
    left, found = [[Fraction(one) for one in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        at = next((row for row in range(found, len(left)) if left[row][column]), None)
        if at is None:
            continue
        left[found], left[at] = left[at], left[found]
        for row in range(found + 1, len(left)):
            factor = left[row][column] / left[found][column]
            left[row] = [one - factor * two for one, two in zip(left[row], left[found], strict=True)]
        found += 1
    return found


def by_ranks(relations: list[list[int]], hidden: list[bool]) -> list[bool]:
    """A cell is computed if knowing it teaches the withheld part nothing new."""
    part = [[one for one, secret in zip(row, hidden, strict=True) if secret] for row in relations]
    size, known = sum(hidden), rank(part)
    unit = [[int(one == cell) for one in range(size)] for cell in range(size)]
    answers = iter(rank([*part, row]) == known for row in unit)
    return [secret and next(answers) for secret in hidden]


@given(st.data())
def test_computed_is_what_ranks_say(data: st.DataObject) -> None:
    """On any small system of whole factors the same cells are computed as by ranks in exact fractions."""
    size = data.draw(st.integers(1, 7))
    row = st.lists(st.integers(-2, 2), min_size=size, max_size=size)
    relations = data.draw(st.lists(row, min_size=1, max_size=6))
    hidden = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    found = nullspace.computed(sp.csr_matrix(relations), np.array(hidden))
    assert found.tolist() == by_ranks(relations, hidden)


@given(st.data())
def test_tied_cells_tell_each_other(data: st.DataObject) -> None:
    """Cells of one group are those that are computed once one of them is published, and no others."""
    size = data.draw(st.integers(1, 6))
    row = st.lists(st.integers(-1, 1), min_size=size, max_size=size)
    relations = sp.csr_matrix(data.draw(st.lists(row, min_size=1, max_size=5)))
    hidden = np.ones(size, dtype=bool)
    groups, known = nullspace.tied(relations, hidden), nullspace.computed(relations, hidden)
    assert (groups == -1).tolist() == known.tolist()
    for cell in np.flatnonzero(~known):
        told = nullspace.computed(relations, np.arange(size) != cell) | (np.arange(size) == cell)
        assert (told & ~known).tolist() == (groups == groups[cell]).tolist()


def test_what_algebra_forbids_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thinning a pattern gives the same cells with and without asking algebra first, and solves less with it."""
    chance = np.random.default_rng(4)
    names = [tuple(f"{name}{at}" for at in range(9)) for name in "rc"]
    cube = Cube(tuple(Hierarchy(one[0][0], one, {"all": one}) for one in names), chance.integers(0, 9, 81))
    primary = few(cube.values, minimum=4)
    problem = closing.Problem(
        cube.relations, cube.values, primary, room_of_counts(cube.values, minimum=4), cube.values + 1
    )
    found = []
    for fewest in (0, 1000):
        monkeypatch.setattr(circuits, "FEW", fewest)
        one = circuits.Circuits(problem)
        one.grow()
        one.drop()
        found.append((one.hidden.tolist(), one.ground.programs))
    (asked, less), (tried, more) = found
    assert asked == tried
    assert less < more


def a_problem() -> closing.Problem:
    """Make a table of two dimensions, one of them with groups."""
    place = Hierarchy("place", ("a", "b", "c", "d"), {"n": ("a", "b"), "s": ("c", "d"), "all": ("n", "s")})
    cube = Cube(
        (place, Hierarchy("sex", ("f", "m"), {"both": ("f", "m")})), np.array([2, 9, 8, 7, 1, 6, 5, 4])
    )
    values = cube.values
    primary = few(values, minimum=3)
    return closing.Problem(cube.relations, values, primary, room_of_counts(values, minimum=3), values + 1)


def test_the_audit_begins_with_algebra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that algebra tells is exposed before any linear program is solved; a safe pattern goes on to them."""
    problem = a_problem()
    monkeypatch.setattr(audit, "_bounds", lambda *_, **__: pytest.fail("went on to linear programs"))
    assert audit.exposed(problem, problem.primary) == np.flatnonzero(problem.primary).tolist()
    hidden = closing.close(problem, node_limit=1000).hidden
    assert not nullspace.computed(problem.relations, hidden).any()
    with pytest.raises(pytest.fail.Exception, match="linear programs"):
        audit.exposed(problem, hidden)


def test_algebra_alone_is_no_protection() -> None:
    """Two counts of one beside their total of two: algebra does not tell them, the audit does."""
    relations, values = sp.csr_matrix([[1, 1, -1]]), np.array([1, 1, 2])
    hidden = np.array([True, True, False])
    assert not nullspace.computed(relations, hidden).any()
    problem = closing.Problem(relations, values, hidden, np.array([2, 2, 0]), values + 1)
    assert audit.exposed(problem, hidden) == [0, 1]
