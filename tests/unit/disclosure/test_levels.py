"""Levels: labels grouped step by step, read off open data."""

import pandas as pd
import pytest

from stadtbuch.disclosure.levels import WHOLE, Levels, condition_of
from stadtbuch.errors import ProtectionError

AREAS = pd.DataFrame(
    {"quarter": ["a1", "a2", "b1", "b2"], "district": ["A", "A", "B", "B"], "borough": ["North"] * 4}
)


def test_levels_of_a_frame_build_on_each_other() -> None:
    """Quarters make districts, districts make boroughs, and boroughs make the whole."""
    made = Levels.of("quarter", AREAS).hierarchy
    assert made.groups == {"A": ("a1", "a2"), "B": ("b1", "b2"), "North": ("A", "B"), WHOLE: ("North",)}


def test_groups_across_each_other_consist_of_labels() -> None:
    """School districts that cut through districts are made of quarters."""
    areas = AREAS.assign(borough=["x", "y", "x", "y"])
    made = Levels.of("quarter", areas).hierarchy
    assert (made.groups["x"], made.groups[WHOLE]) == (("a1", "b1"), ("x", "y"))


def test_groups_can_be_written_down() -> None:
    """Without a frame, each group names its labels."""
    made = Levels.of("age", {"minors": ["0-5", "6-17"], "adults": ["18+"]})
    assert made.inside["minors"] == ("0-5", "6-17")
    assert made.hierarchy.groups[WHOLE] == ("minors", "adults")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (AREAS[["quarter"]], "protect.hierarchy"),
        ({}, "protect.hierarchy"),
        (AREAS.assign(borough=[None, "x", "x", "x"]), "protect.node-missing"),
        (AREAS.assign(quarter=["a1", "a1", "b1", "b2"], district=list("ABCD")), "protect.node-twice"),
        (AREAS.assign(borough=["A"] * 4), "protect.node-twice"),
        (AREAS.assign(borough=["a1"] * 4), "protect.node-twice"),
    ],
)
def test_hierarchies_that_would_count_wrongly_are_refused(given, code: str) -> None:
    """Missing or doubled nodes, and what is no hierarchy at all; the variable is named, no label."""
    with pytest.raises(ProtectionError) as caught:
        _ = Levels.of("quarter", given).hierarchy
    assert caught.value.code == code
    assert "quarter" in caught.value.what.en
    assert "a1" not in caught.value.render("de") + caught.value.render("en")


def test_bands_with_a_gap_have_no_condition() -> None:
    """A group is one condition over a column, or none."""
    low, high = {"column": "age", "from": 0, "to": 4}, {"column": "age", "from": 10, "to": None}
    assert condition_of([low, high]) is None
    assert condition_of([low, {"column": "age", "equals": 7}]) is None
    assert condition_of([high]) == high
