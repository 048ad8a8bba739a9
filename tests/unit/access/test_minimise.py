"""Minimising: never a column or a row more, pseudonyms instead of identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from stadtbuch.access.minimise import minimise, pseudonym, require_fair_filter
from stadtbuch.errors import AccessDenied, StadtbuchError, UsageError
from stadtbuch.model.dataset import Dataset

ADataset = Callable[..., Dataset]
NAMED = pseudonym(b"key", dataset="population.residents", version="v1", purpose="age-structure")


@pytest.fixture
def people() -> pd.DataFrame:
    """Four residents; one without id, one without age."""
    return pd.DataFrame(
        {
            "person_id": pd.array(["P1", "P2", "P1", None], dtype="str"),
            "age": pd.array([3, 40, None, 90], dtype="Int64"),
            "district": pd.array(["01", "02", "01", "03"], dtype="str"),
            "note": pd.array(["a", "b", "c", "d"], dtype="str"),
        },
        index=[7, 8, 9, 10],
    )


def test_only_columns_and_rows_asked_for_remain(people: pd.DataFrame, a_dataset: ADataset) -> None:
    """A column may be filtered without being kept; the index starts anew."""
    slim = minimise(people, a_dataset(), columns=["age"], rows={"district": "01"}, pseudonym=NAMED)
    assert list(slim.columns) == ["age"]
    assert slim["age"].tolist() == [3, pd.NA]
    assert slim.index.equals(pd.RangeIndex(2))
    assert str(slim["age"].dtype) == "Int64"


def test_lists_mean_any_of_them(people: pd.DataFrame, a_dataset: ADataset) -> None:
    """Several filters must all hold; an empty list lets nothing pass; missing values match nothing."""
    dataset = a_dataset()

    def ages(**rows: Any) -> list[int]:
        slim = minimise(people, dataset, columns=["age"], rows=rows, pseudonym=NAMED)
        return slim["age"].dropna().tolist()

    assert ages(district=["01", "03"]) == [3, 90]
    assert ages(district=["01", "03"], age=[90, 40]) == [90]
    assert ages(district=[]) == []
    assert ages(age=3) == [3]


def test_identifiers_become_pseudonyms(people: pd.DataFrame, a_dataset: ADataset) -> None:
    """The same person keeps the same pseudonym; a missing id stays missing; nothing of the id is left."""
    slim = minimise(people, a_dataset(), columns=["person_id", "age"], rows={}, pseudonym=NAMED)
    first, second, third, fourth = slim["person_id"]
    assert first == third == NAMED("person_id", "P1")
    assert first != second
    assert pd.isna(fourth)
    assert all(re.fullmatch(r"psn_[a-z2-7]{20}", one) for one in (first, second))
    assert str(slim["person_id"].dtype) == "str"
    assert people["person_id"].tolist()[0] == "P1"


def test_pseudonyms_depend_on_everything_that_limits_them() -> None:
    """Another key, dataset, version, purpose or column gives another pseudonym."""
    base = {"dataset": "a.b", "version": "1", "purpose": "p"}
    made = {
        pseudonym(b"k", **base)("c", "v"),
        pseudonym(b"K", **base)("c", "v"),
        pseudonym(b"k", **base)("C", "v"),
    }
    made |= {pseudonym(b"k", **(base | {name: "other"}))("c", "v") for name in base}
    assert len(made) == 6
    assert pseudonym(b"k", **base)("c", "v") in made


@pytest.mark.parametrize("column", ["person_id", "note"])
def test_filter_that_picks_out_persons_is_denied(
    column: str, people: pd.DataFrame, a_dataset: ADataset
) -> None:
    """By identifier or free text; in open data such columns are harmless."""
    with pytest.raises(AccessDenied) as caught:
        minimise(people, a_dataset(), columns=["age"], rows={column: "P1"}, pseudonym=NAMED)
    assert caught.value.code == "access.filter-identifier"
    assert "P1" not in caught.value.render("de")
    minimise(people, a_dataset("open"), columns=["age"], rows={column: "P1"}, pseudonym=NAMED)


ROLED = {
    "age": "quasi-identifier", "arrived": "quasi-identifier", "income": "sensitive", "faith": "sensitive",
    "year": "harmless", "note": "free-text", "person_id": "identifier",
}  # fmt: skip


def roled(a_dataset: ADataset, access: str = "closed") -> Dataset:
    """Give a dataset with columns of all roles, of which the purpose covers some."""
    fields = [
        {"name": name, "type": "string", "title": {"de": "x", "en": "x"},
         "privacy": "harmless" if access == "open" else role}
        for name, role in ROLED.items()
    ]  # fmt: skip
    purposes = {} if access == "open" else {"age-structure": ["age", "income", "person_id"]}
    return a_dataset(access, schema={"fields": fields}, privacy={"unit": "person", "purposes": purposes})


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("age", None),
        ("year", None),
        ("nowhere", None),
        ("arrived", "access.filter-not-allowed"),
        ("faith", "access.filter-not-allowed"),
        ("income", "access.row-filter"),
        ("note", "access.filter-identifier"),
        ("person_id", "access.filter-identifier"),
    ],
)
@pytest.mark.parametrize("access", ["shared", "closed"])
def test_rows_are_chosen_by_what_the_purpose_covers(
    access: str, column: str, code: str | None, a_dataset: ADataset
) -> None:
    """Columns of the purpose and harmless ones; sensitive ones only where they are read as well."""
    asked: dict[str, Any] = {"purpose": "age-structure", "columns": ["age"], "rows": {column: "x"}}
    require_fair_filter(roled(a_dataset, "open"), **asked)
    if code is None:
        require_fair_filter(roled(a_dataset, access), **asked)
        return
    with pytest.raises(AccessDenied) as caught:
        require_fair_filter(roled(a_dataset, access), **asked)
    assert (caught.value.code, caught.value.exit_code) == (code, 4)
    assert column in caught.value.what.en


def test_a_sensitive_column_that_is_read_may_choose_rows(a_dataset: ADataset) -> None:
    """Its content is known anyway."""
    asked: dict[str, Any] = {"purpose": "age-structure", "rows": {"income": "x"}}
    require_fair_filter(roled(a_dataset), columns=["income"], **asked)


def test_a_refused_filter_says_what_the_purpose_covers(a_dataset: ADataset) -> None:
    """The message names the column, the purpose and its columns, and never the value."""
    with pytest.raises(AccessDenied) as caught:
        require_fair_filter(
            roled(a_dataset), purpose="age-structure", columns=["age"], rows={"arrived": "1999-05-17"}
        )
    told = caught.value.render("en")
    assert all(word in told for word in ("arrived", "age-structure", "age, income, person_id", "rows="))
    assert "1999" not in told


@pytest.mark.parametrize(
    "rows",
    [
        {"sex": "f"}, {"age": "3"}, {"age": 3.5}, {"age": True}, {"district": 1}, {"district": None},
        {"age": [3, "4"]}, {"district": {"<": "02"}}, {"district": lambda values: values},
    ],
)  # fmt: skip
def test_filter_that_would_silently_match_nothing_is_an_error(
    rows: dict[str, Any], people: pd.DataFrame, a_dataset: ADataset
) -> None:
    """An unknown column, a value of another type, anything but equality."""
    with pytest.raises(UsageError) as caught:
        minimise(people, a_dataset(), columns=["age"], rows=rows, pseudonym=NAMED)
    assert caught.value.code == "access.row-filter"


def dated(kind: str, a_dataset: ADataset) -> Dataset:
    """Give an open dataset with one column of a kind."""
    title = {"de": "x", "en": "x"}
    return a_dataset("open", schema={"fields": [{"name": "at", "type": kind, "title": title}]})


@pytest.mark.parametrize("value", [date(2024, 1, 2), "2024-01-02", datetime(2024, 1, 2)])
def test_dates_are_compared_as_dates(value: object, a_dataset: ADataset) -> None:
    """A parameter's date, or its ISO text."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-02", "2024-01-03"]).as_unit("us")})
    slim = minimise(frame, dated("date", a_dataset), columns=["at"], rows={"at": value}, pseudonym=NAMED)
    assert slim["at"].tolist() == [pd.Timestamp("2024-01-02")]


def test_times_are_compared_as_instants(a_dataset: ADataset) -> None:
    """A time without a zone is local, one with a zone is converted; no date is refused."""
    at = pd.to_datetime(["2024-07-01T10:00Z", "2024-07-01T12:00Z"]).as_unit("us").tz_convert("Europe/Berlin")
    frame, dataset = pd.DataFrame({"at": at}), dated("datetime", a_dataset)
    for value in (datetime(2024, 7, 1, 12), datetime(2024, 7, 1, 10, tzinfo=UTC)):
        slim = minimise(frame, dataset, columns=["at"], rows={"at": value}, pseudonym=NAMED)
        assert slim["at"].tolist() == [at[0]]
    with pytest.raises(UsageError):
        minimise(frame, dataset, columns=["at"], rows={"at": "someday"}, pseudonym=NAMED)


def test_geometry_stays_geometry(a_dataset: ADataset) -> None:
    """A map can be drawn from what remains; without its shapes it is a plain frame."""
    title = {"de": "x", "en": "x"}
    fields = [
        {"name": "code", "type": "code", "title": title},
        {"name": "shape", "type": "geometry", "title": title},
    ]
    places = gpd.GeoDataFrame({"code": ["1", "2"]}, geometry=[Point(0, 0), Point(1, 1)], crs=25832)
    places = places.rename_geometry("shape")
    dataset = a_dataset("open", schema={"fields": fields})
    slim = minimise(places, dataset, columns=["code", "shape"], rows={"code": "2"}, pseudonym=NAMED)
    assert isinstance(slim, gpd.GeoDataFrame)
    assert (slim.crs, slim.geometry[0]) == (places.crs, Point(1, 1))
    assert type(minimise(places, dataset, columns=["code"], rows={}, pseudonym=NAMED)) is pd.DataFrame


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(
        st.tuples(st.text(max_size=2), st.none() | st.integers(0, 9), st.sampled_from("ABC")), max_size=8
    ),
    columns=st.lists(st.sampled_from(["person_id", "age", "district"]), min_size=1, max_size=4),
    rows=st.dictionaries(
        st.sampled_from(["age", "district", "x"]),
        st.integers(0, 9) | st.sampled_from("ABC") | st.lists(st.sampled_from("ABC"), max_size=2),
        max_size=2,
    ),
)
def test_never_a_column_or_a_row_more(
    table: list[tuple[str, int | None, str]], columns: list[str], rows: dict[str, Any], a_dataset: ADataset
) -> None:
    """Whatever is asked, the result holds a subset of rows and columns, and no identifier."""
    frame = pd.DataFrame(
        {
            "person_id": pd.array([row[0] for row in table], dtype="str"),
            "age": pd.array([row[1] for row in table], dtype="Int64"),
            "district": pd.array([row[2] for row in table], dtype="str"),
        }
    )
    try:
        slim = minimise(frame, a_dataset(), columns=columns, rows=rows, pseudonym=NAMED)
    except StadtbuchError as error:
        assert error.code == "access.row-filter"
        return
    assert list(slim.columns) == list(dict.fromkeys(columns))
    expected = [
        row for row in table
        if all(row[{"age": 1, "district": 2}[name]] in (value if isinstance(value, list) else [value])
               for name, value in rows.items())
    ]  # fmt: skip
    assert len(slim) == len(expected)
    if "district" in columns:
        assert slim["district"].tolist() == [row[2] for row in expected]
    if "person_id" in columns:
        assert slim["person_id"].tolist() == [NAMED("person_id", row[0]) for row in expected]
