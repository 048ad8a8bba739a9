"""Tabulations: counts and rows become cells with all margins; wrong input is refused by name, never by value."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure.layout import Naming
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.tabulation import Measure, Tabulation, of_counts, of_rows
from stadtbuch.errors import ProtectionError

AREAS = Levels.of("area", pd.DataFrame({"area": ["a1", "a2", "b1"], "borough": ["A", "A", "B"]}))
ROWS = pd.DataFrame(
    {
        "area": ["a1", "a1", "a2", "b1", "b1", "b1"],
        "branch": ["x", "y", "x", "x", "x", "y"],
        "firm": ["p1", "p1", "p2", "p3", "p3", "p4"],
        "tax": [100.5, 20, 30, 40, 5, 0],
        "staff": [3, 1, 4, 1, 5, 9],
        "weight": [1, 2, 1, 1, 1, 2],
    }
)
SMALL = Naming(["area", "branch"])


def tabulated(frame: pd.DataFrame = ROWS, **changed: Any) -> Tabulation:
    """Tabulate the rows, with something changed."""
    usual = {"name": "t", "by": ["area"], "hierarchies": {"area": AREAS}, "naming": SMALL}
    measure = Measure(**changed.pop("measure", {}))
    return of_rows(frame, measure=measure, **(usual | changed))


def cells(made: Tabulation) -> dict[str, int]:
    """Give the values of a table in one dimension by label."""
    return {str(labels[0]): int(value) for labels, value in zip(made.labels, made.cube.values, strict=True)}


def test_rows_are_counted_on_every_level() -> None:
    """Labels, groups and the whole are cells; the margin has no label."""
    assert cells(tabulated()) == {"a1": 2, "a2": 1, "b1": 3, "A": 3, "B": 3, "None": 6}


def test_a_unit_with_several_rows_counts_once() -> None:
    """Three rows of two firms in one area are two firms."""
    assert cells(tabulated(measure={"unit": "firm"}))["b1"] == 2


def test_a_column_of_counts_is_added_up() -> None:
    """Rows may be counts themselves."""
    made = tabulated(measure={"count": "staff"})
    assert (cells(made)["A"], made.units[3]) == (8, 8)


def test_weights_do_not_make_units() -> None:
    """What is published is weighted; how many were asked is not."""
    made = tabulated(measure={"weight": "weight"})
    assert (cells(made)["a1"], made.units[0]) == (3, 2)


def test_sums_know_who_contributes() -> None:
    """Cents are whole numbers; what a firm gives in several rows is one contribution; nothing given is none."""
    made = tabulated(measure={"sum": "tax", "unit": "firm", "places": 2})
    assert cells(made)["a1"] == 12050
    assert made.contributions is not None
    assert made.units.tolist() == [1, 1, 1, 2, 1, 3]
    assert made.contributions.largest(1)[-1].tolist() == [12050]


def test_counts_and_rows_give_the_same_table() -> None:
    """Whether pandas counted or we did."""
    counts = ROWS.groupby(["area", "branch"]).size()
    both = ["area", "branch"]
    again = of_counts(counts, name="t", by=both, hierarchies={"area": AREAS})
    assert again.labels == tabulated(by=both).labels
    assert (again.cube.values == tabulated(by=both).cube.values).all()


people = st.lists(
    st.tuples(st.sampled_from(["a1", "a2", "b1"]), st.sampled_from("fm"), st.integers(0, 9)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(people)
def test_every_cell_is_what_pandas_sums(rows: list[tuple[str, str, int]]) -> None:
    """In three dimensions, over labels, groups and margins."""
    frame = pd.DataFrame(rows, columns=["area", "sex", "tax"])
    made = of_rows(
        frame, name="t", by=["area", "sex"], measure=Measure(sum="tax"), hierarchies={"area": AREAS}
    )
    assert made.contributions is not None
    assert (made.contributions.totals() == made.cube.values).all()
    for (area, sex), value in zip(made.labels, made.cube.values, strict=True):
        inside = frame["area"].isin(AREAS.inside[area]) if area else pd.Series(True, index=frame.index)
        assert frame.loc[inside & ((frame["sex"] == sex) | (sex is None)), "tax"].sum() == value


TAX = {"sum": "tax", "places": 1}
BAD = [
    ("protect.empty", ROWS.iloc[:0], {}),
    ("protect.unknown-variable", ROWS, {"by": ["district"]}),
    ("protect.unknown-variable", ROWS, {"measure": {"unit": "owner"}}),
    ("protect.variable-twice", ROWS, {"by": ["area", "area"]}),
    ("protect.label-missing", ROWS.assign(branch=[None, *"yxxxy"]), {"by": ["branch"]}),
    ("protect.label-margin", ROWS.assign(branch=["All", *"yxxxy"]), {"by": ["branch"]}),
    ("protect.node-missing", ROWS.assign(area="c7"), {}),
    ("protect.unit-missing", ROWS.assign(firm=[None, *"yxxxy"]), {"measure": {"unit": "firm"}}),
    ("protect.unit-twice", ROWS.assign(firm="p1"), {"measure": {"unit": "firm"}}),
    ("protect.not-numeric", ROWS, {"measure": {"sum": "firm"}}),
    ("protect.missing-count", ROWS.assign(tax=[np.nan, 77, 1, 1, 1, 1]), {"measure": TAX}),
    ("protect.negative", ROWS.assign(tax=[-77, 77, 1, 1, 1, 1]), {"measure": TAX}),
    ("protect.not-whole", ROWS.assign(tax=[77.77, 1, 1, 1, 1, 1]), {"measure": TAX}),
    ("protect.negative", ROWS.assign(weight=0), {"measure": {"weight": "weight"}}),
    ("protect.too-much", ROWS.assign(tax=7e17), {"measure": TAX}),
    ("protect.too-much", ROWS.assign(tax=5e14), {"measure": TAX}),
    (
        "protect.too-large",
        pd.DataFrame({"a": range(250), "b": range(250)}),
        {"by": ["a", "b"], "hierarchies": {}},
    ),
]


@pytest.mark.parametrize(
    ("code", "frame", "changed"), BAD, ids=[f"{n}-{one[0]}" for n, one in enumerate(BAD)]
)
def test_wrong_rows_have_their_own_words(code: str, frame: pd.DataFrame, changed: dict[str, Any]) -> None:
    """Each mistake has its code and a remedy in both languages, and tells no value."""
    with pytest.raises(ProtectionError) as caught:
        tabulated(frame, **changed)
    said = caught.value.render("de") + caught.value.render("en")
    assert caught.value.code == code
    assert caught.value.remedy is not None
    assert not any(secret in said for secret in ("77", "p1", "c7"))


def test_the_cell_of_a_wrong_row_is_named() -> None:
    """By its number and the labels that may be told."""
    with pytest.raises(ProtectionError) as caught:
        tabulated(ROWS.assign(tax=[1, 1, -7, 1, 1, 1]), measure=TAX)
    assert "The cell 2 of 3 (area a2)" in caught.value.what.en


@pytest.mark.parametrize(
    ("extra", "code"),
    [({"A": 3}, None), ({"A": 4}, "protect.not-additive"), ({"c7": 2}, "protect.node-missing")],
)
def test_groups_among_counts_must_add_up(extra: dict[str, int], code: str | None) -> None:
    """A group's count that is right is not needed; one that contradicts its parts is refused with its cell."""
    counts = pd.Series({"a1": 2, "a2": 1, "b1": 3} | extra).rename_axis("area")
    if code is None:
        assert cells(of_counts(counts, name="t", by=["area"], hierarchies={"area": AREAS}))["A"] == 3
        return
    with pytest.raises(ProtectionError) as caught:
        of_counts(counts, name="t", by=["area"], hierarchies={"area": AREAS})
    assert caught.value.code == code
