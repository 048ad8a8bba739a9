"""Hierarchies and linked tables: one system, equal sets one variable, each mistake with its own words."""

import numpy as np
import pytest

from stadtbuch.disclosure.hierarchies import Cube, Hierarchy, join
from stadtbuch.errors import ProtectionError

PLACES = Hierarchy("place", ("a", "b", "c", "d"), {"all": ("n", "s"), "n": ("a", "b"), "s": ("c", "d")})
SEX = Hierarchy("sex", ("f", "m"), {"all": ("f", "m")})


def test_every_sum_of_a_cube_holds() -> None:
    """Whatever the values: all relations of all nodes sum to nothing, and the whole is the sum of the parts."""
    cube = Cube((PLACES, SEX), np.arange(8))
    assert not (cube.relations @ cube.values).any()
    assert dict(zip(cube.labels, cube.values.tolist(), strict=True))["all", "all"] == 28
    assert cube.relations.shape == (3 * 3 + 1 * 7, 21)


def test_groups_may_be_listed_in_any_order() -> None:
    """A group may be named before its parts; the nodes come parts first."""
    assert PLACES.nodes == ("a", "b", "c", "d", "n", "s", "all")


def test_two_groupings_over_the_same_labels() -> None:
    """Boroughs and school districts over the same quarters share quarters and total."""
    both = Hierarchy(
        "place",
        ("a", "b", "c"),
        {"n": ("a", "b"), "east": ("b", "c"), "all": ("n", "c"), "city": ("a", "east")},
    )
    cube = Cube((both,), np.array([1, 2, 4]))
    joined = join([cube])
    names = dict(zip(both.nodes, joined.places[0].tolist(), strict=True))
    assert names["all"] == names["city"]
    assert len(joined.values) == 6
    assert not (joined.relations @ joined.values).any()


def test_equal_sets_are_one_variable() -> None:
    """Two tables of one dataset share the margin that both have; the same sum is said once."""
    by_sex, by_age = (
        Cube((PLACES, SEX), np.arange(8)),
        Cube((PLACES,), np.arange(8).reshape(4, 2).sum(axis=1)),
    )
    joined = join([by_sex, by_age])
    margin = [place for place, labels in enumerate(by_sex.labels) if labels[1] == "all"]
    assert joined.places[0][margin].tolist() == joined.places[1].tolist()
    assert len(joined.values) == len(by_sex.labels)
    assert joined.relations.shape[0] == by_sex.relations.shape[0]


def test_tables_that_contradict_each_other_are_refused() -> None:
    """Two numbers for the same people: table and cell are named, and no number."""
    with pytest.raises(ProtectionError) as caught:
        join([Cube((SEX,), np.array([417, 5])), Cube((SEX,), np.array([417, 6]))])
    assert caught.value.code == "protect.contradiction"
    assert "2 von 3 der Tabelle 2" in caught.value.render("de")
    assert "417" not in caught.value.render("de") + caught.value.render("en")


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("protect.node-missing", {"n": ("a", "x")}),
        ("protect.node-twice", {"a": ("b", "c")}),
        ("protect.node-twice", {"n": ("a", "b"), "all": ("n", "a")}),
        ("protect.node-empty", {"n": ()}),
        ("protect.node-circle", {"n": ("s", "a"), "s": ("n", "b")}),
    ],
)
def test_each_mistake_in_a_hierarchy_has_its_code(code: str, groups: dict) -> None:
    """Missing, doubled, empty and circular nodes are told apart, and no label is repeated."""
    with pytest.raises(ProtectionError) as caught:
        Hierarchy("place", ("a", "b", "c"), groups)
    assert caught.value.code == code
    assert caught.value.remedy is not None
