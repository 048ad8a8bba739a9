"""Groupings relate labels to catalogue columns."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure.groupings import AGE, Grouping, age_group, ages, recognise
from stadtbuch.errors import ProtectionError


@given(st.integers(0, 130), st.sampled_from([(5, 90), (10, 80), (1, 100), (15, 75)]))
def test_label_and_condition_agree(age: int, cut: tuple[int, int]) -> None:
    """Whoever gets a label fulfils the condition that the label stands for."""
    width, top = cut
    label = age_group(pd.Series([age]), width=width, top=top)[0]
    condition = ages(width=width, top=top).condition(label)
    assert condition["column"] == "age"
    assert condition["from"] <= age
    assert condition["to"] is None or age <= condition["to"]


def test_age_groups_sort_by_age() -> None:
    """The result is an ordered categorical named like the variable, and keeps its index."""
    grouped = age_group(pd.Series([97, 5, 30], index=[7, 8, 9], dtype="Int64"))
    assert grouped.name == "age_group"
    assert grouped.index.tolist() == [7, 8, 9]
    assert grouped.sort_values().tolist() == ["05–09", "30–34", "90+"]
    assert AGE.labels[:2] == ("00–04", "05–09")


@pytest.mark.parametrize("ages_given", [[3, None], [-1], [2.5], ["alt"]])
def test_who_fits_no_band_is_not_dropped_silently(ages_given: list) -> None:
    """A missing, negative, fractional or unreadable age is an error that names the column only."""
    with pytest.raises(ProtectionError) as caught:
        age_group(pd.Series(ages_given))
    assert caught.value.code == "grouping.outside"
    assert "age" in caught.value.what.en


def test_closed_last_band_refuses_what_lies_above() -> None:
    """A grouping with a last number refuses greater ones."""
    grouping = Grouping("size_group", "size", edges=(1, 3), labels=("1–2", "3–4"), last=4)
    assert grouping.apply(pd.Series([1, 4])).tolist() == ["1–2", "3–4"]
    assert grouping.condition("3–4") == {"column": "size", "from": 3, "to": 4}
    with pytest.raises(ProtectionError, match="size"):
        grouping.apply(pd.Series([5]))


@pytest.mark.parametrize(
    ("edges", "labels"),
    [((), ()), ((5, 0), ("a", "b")), ((0, 5), ("a",)), ((0, 5), ("a", "a")), ((0, 0), ("a", "b"))],
)
def test_badly_cut_grouping_is_refused(edges: tuple, labels: tuple) -> None:
    """Edges ascend, and each has one label of its own."""
    with pytest.raises(ProtectionError) as caught:
        Grouping("x", "age", edges=edges, labels=labels)
    assert caught.value.code == "grouping.edges"


@pytest.mark.parametrize(("width", "top"), [(0, 90), (7, 90), (100, 90)])
def test_badly_cut_ages_are_refused(width: int, top: int) -> None:
    """The top of the age bands is a multiple of their width."""
    with pytest.raises(ProtectionError):
        ages(width=width, top=top)


def test_unknown_label_has_no_condition() -> None:
    """A label that the grouping does not have is a KeyError."""
    with pytest.raises(KeyError):
        AGE.condition("00–09")


def test_bands_are_read_off_their_labels() -> None:
    """A variable <column>_group with labels of bands is related to the column; gaps stay gaps."""
    grouping = recognise("age_group", ["20–29", "00–09", "80+"], column_names=["age"])
    assert grouping is not None
    assert grouping.condition("20–29") == {"column": "age", "from": 20, "to": 29}
    assert grouping.condition("80+") == {"column": "age", "from": 80, "to": None}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("age", ["00–09"]),
        ("size_group", ["00–09"]),
        ("age_group", []),
        ("age_group", ["young", "old"]),
        ("age_group", ["00–09", "05–14"]),
        ("age_group", ["80+", "90+"]),
        ("age_group", ["09–05"]),
    ],
)
def test_what_is_no_grouping_is_not_read_as_one(name: str, labels: list[str]) -> None:
    """Other names, other labels, overlapping or reversed bands are not taken for a grouping."""
    assert recognise(name, labels, column_names=["age"]) is None
