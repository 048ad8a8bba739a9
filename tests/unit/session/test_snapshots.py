"""Row filters and what is told about an input."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from builders.city import a_dataset
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.model.dataset import Dataset
from stadtbuch.session.snapshots import Kept, fill, parameter_of, units_repeat

VALUES = st.text(max_size=8)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES), VALUES)
def test_a_filter_never_gains_columns(rows: dict[str, Any], value: str) -> None:
    """Filling in parameters takes filters out or puts values in; it adds none."""
    rows = {name: wanted for name, wanted in rows.items() if parameter_of(wanted) is None}

    filled = fill(rows | {"borough": "{borough}"}, values={"borough": value}, extras={"borough": ("all",)})

    assert filled == rows | ({} if value == "all" else {"borough": value})


def test_a_value_that_looks_like_a_parameter_is_not_filled_twice() -> None:
    """A parameter's value is data: braces in it mean nothing."""
    assert fill({"a": "{x}"}, values={"x": "{y}", "y": "secret"}, extras={}) == {"a": "{y}"}


@pytest.mark.parametrize(
    ("keys", "unit", "repeat"),
    [
        (["P1", "P2"], "person", False),
        (["P1", "P1"], "person", True),
        (["P1", "P1"], "none", False),
    ],
)
def test_a_unit_that_stands_twice_is_noticed(keys: list[str], unit: str, repeat: bool) -> None:
    """By the identifier of the primary key, although another identifier comes before it."""
    entry = a_dataset(access="closed")
    entry["privacy"] |= {"unit": unit}
    entry["schema"]["fields"].insert(0, {**entry["schema"]["fields"][0], "name": "household_id"})
    entry["schema"]["primaryKey"] = ["valid_on", "person_id"]
    dataset = Dataset.model_validate({**entry, "id": "population.residents", "domain": "population"})
    frame = pd.DataFrame({"household_id": ["H", "H"], "person_id": keys})

    assert units_repeat(frame, dataset) is repeat


@pytest.mark.parametrize(
    ("changes", "serves"),
    [
        ({}, True),
        ({"purpose": "another"}, False),
        ({"columns": ("borough",)}, False),
        ({"columns": ("borough", "age", "note")}, False),
        ({"rows": {}}, False),
        ({"rows": {"borough": "02"}}, False),
        ({"class": "open"}, False),
    ],
)
def test_a_kept_snapshot_serves_only_what_may_be_seen_today(changes: dict[str, Any], serves: bool) -> None:
    """Another purpose, fewer or more columns, other rows, another class than then: it is not given."""
    told = {
        "class": changes.pop("class", "closed"),
        "purpose": "age-structure",
        "columns": [{"name": "borough"}, {"name": "age"}],
        "rows": {"borough": "01"},
    }
    described = {**a_dataset(access="closed"), "id": "population.residents", "domain": "population"}
    dataset = Dataset.model_validate(described)
    asked = {"purpose": "age-structure", "columns": ("borough", "age"), "rows": {"borough": "01"}}

    assert Kept("r@2026-01-15", told, b"").serves(dataset, **{**asked, **changes}) is serves
