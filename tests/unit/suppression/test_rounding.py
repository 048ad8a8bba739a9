"""Controlled rounding: multiples that add up, as near as can be, and open about what cannot be."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy, join
from stadtbuch.errors import ProtectionError
from stadtbuch.suppression.rounding import controlled, unfit

NO_NEIGHBOURS = np.array([[[1, 0, 0], [0, 0, 1]], [[0, 0, 1], [0, 1, 0]]])
"""A table of 2 x 2 x 3 that has no rounding to base 2 with every cell at a neighbouring multiple."""


def plain(name: str, size: int) -> Hierarchy:
    """Make labels and their total."""
    leaves = tuple(f"{name}{number}" for number in range(size))
    return Hierarchy(name, leaves, {f"all {name}": leaves})


def grouped(name: str) -> Hierarchy:
    """Make four labels in two groups."""
    leaves = tuple(f"{name}{number}" for number in range(4))
    return Hierarchy(name, leaves, {"low": leaves[:2], "high": leaves[2:], "all": ("low", "high")})


@st.composite
def cubes(draw: st.DrawFn, *, dimensions: int = 3) -> Cube:
    """Make a small table of one to three dimensions, the first one perhaps with groups."""
    first = draw(st.sampled_from([grouped("a"), plain("a", 2), plain("a", 3)]))
    others = [plain(name, draw(st.integers(2, 3))) for name in "bc"[: draw(st.integers(0, dimensions - 1))]]
    shape = [len(one.leaves) for one in (first, *others)]
    numbers = st.lists(st.integers(0, 12), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    return Cube((first, *others), np.array(draw(numbers)).reshape(shape))


@given(cubes(), st.integers(2, 7))
def test_rounded_tables_add_up(cube: Cube, base: int) -> None:
    """Whatever the table: multiples of the base, every sum holds, zeros stay, and it is said what went farther."""
    made = controlled(cube.values, cube.relations, base=base)
    assert not (cube.relations @ made.values).any()
    assert not (made.values % base).any()
    assert (made.values >= 0).all()
    assert not made.values[cube.values == 0].any()
    assert unfit(cube.values, made.values, cube.relations, base=base) == []
    assert ((abs(made.values - cube.values) >= base) == made.beyond).all()


@given(cubes(dimensions=2), st.integers(2, 7))
def test_two_dimensions_always_have_neighbours(cube: Cube, base: int) -> None:
    """In one and two dimensions, one of them with groups, no cell goes beyond: a multiple stays as it is."""
    made = controlled(cube.values, cube.relations, base=base)
    assert made.zero_restricted
    assert made.optimal
    whole = cube.values % base == 0
    assert (made.values[whole] == cube.values[whole]).all()


@pytest.mark.parametrize("seed", range(12))
def test_no_rounding_is_nearer(seed: int) -> None:
    """Among all choices of neighbouring multiples that add up none changes less: all are tried."""
    chance = np.random.default_rng([3, seed])
    cube = Cube((plain("a", 2), plain("b", 2)), chance.integers(0, 15, (2, 2)))
    base = int(chance.integers(2, 8))
    below, values = cube.values // base * base, cube.values
    choices = [
        below + base * np.array(up) * (values % base > 0) for up in product((0, 1), repeat=len(values))
    ]
    sums = [abs(one - values).sum() for one in choices if not (cube.relations @ one).any()]
    made = controlled(values, cube.relations, base=base)
    assert abs(made.values - values).sum() == min(sums)


def test_what_cannot_be_is_said() -> None:
    """Where no rounding stays beside all cells, as few steps as possible go beyond, and the cells are named."""
    cube = Cube((plain("a", 2), plain("b", 2), plain("c", 3)), NO_NEIGHBOURS)
    made = controlled(cube.values, cube.relations, base=2)
    assert not made.zero_restricted
    assert unfit(cube.values, made.values, cube.relations, base=2) == []
    assert made.beyond.sum() == 1
    assert made.optimal


def test_linked_tables_are_rounded_alike() -> None:
    """What two tables share is one cell: it is rounded once, and both add up."""
    people = np.array([[3, 4], [8, 1], [2, 2]])
    place, sex, age = plain("place", 3), plain("sex", 2), plain("age", 2)
    joined = join([Cube((place, sex), people), Cube((place, age), people[:, ::-1])])
    made = controlled(joined.values, joined.relations, base=5)
    first, second = (made.values[one] for one in joined.places)
    assert first.reshape(4, 3)[:, 2].tolist() == second.reshape(4, 3)[:, 2].tolist()
    assert not (joined.relations @ made.values).any()


def test_same_table_same_rounding() -> None:
    """Rounding again gives the same numbers, although others would be as near."""
    cube = Cube((grouped("a"), plain("b", 3)), np.arange(12).reshape(4, 3))
    first, again = (controlled(cube.values, cube.relations, base=3).values.tolist() for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("rounded", "wrong"),
    [([0, 5, 5], []), ([5, 5, 5], [0, 1, 2]), ([1, 4, 5], [0, 1]), ([-5, 10, 5], [0])],
)
def test_a_wrong_rounding_is_noticed(rounded: list[int], wrong: list[int]) -> None:
    """The check adds up by itself: no multiple, negative or a sum that does not hold."""
    relations = sp.csr_matrix([[1, 1, -1]])
    assert unfit(np.array([3, 4, 7]), np.array(rounded), relations, base=5) == wrong
    assert unfit(np.array([0, 7, 7]), np.array([5, 5, 10]), relations, base=5) == [0]


@pytest.mark.parametrize(
    ("values", "base", "code", "place"),
    [
        ([3, 4, 7], 1, "rounding.base", ""),
        ([3, -41, -38], 5, "rounding.count", "2"),
        ([3, 4.5, 7.5], 5, "rounding.count", "2"),
        ([3, float("nan"), 7], 5, "rounding.count", "2"),
        ([3, 4, 96], 5, "rounding.sum", "1"),
    ],
)
def test_wrong_input_is_named_and_not_shown(values: list[float], base: int, code: str, place: str) -> None:
    """A base, a cell or a sum is named by its number; no value is in the message."""
    with pytest.raises(ProtectionError) as caught:
        controlled(np.array(values), sp.csr_matrix([[1, 1, -1]]), base=base)
    assert caught.value.code == code
    said = caught.value.render("de") + caught.value.render("en")
    assert place in said
    assert not any(value in said for value in ("41", "4.5", "96", "nan"))


def test_nodes_are_counted() -> None:
    """Without a node nothing is found where a search is needed: it is refused, not half done."""
    cube = Cube((plain("a", 2), plain("b", 2), plain("c", 3)), NO_NEIGHBOURS)
    with pytest.raises(ProtectionError) as caught:
        controlled(cube.values, cube.relations, base=2, node_limit=0)
    assert caught.value.code == "rounding.nodes"
