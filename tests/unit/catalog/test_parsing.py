"""Typing by the schema: what German files write, read exactly or refused, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.catalog import parsing
from stadtbuch.model.dataset import Column

ZONE = ZoneInfo("Europe/Berlin")
TITLE = {"de": "x", "en": "x"}


def column(type: str, **how: Any) -> Column:
    """Give a column of a type, written in a certain way."""
    return Column.model_validate({"name": "x", "title": TITLE, "type": type, **how})


def read(values: list[Any], type: str, **how: Any) -> list[Any]:
    """Read text cells as a column."""
    return parsing.column(pd.Series(values, dtype="str"), column(type, **how), zone=ZONE).tolist()


def refused(values: list[Any], type: str, **how: Any) -> list[int]:
    """Give the rows that are refused."""
    with pytest.raises(parsing.UnreadableError) as caught:
        read(values, type, **how)
    return caught.value.rows


GERMAN: dict[str, Any] = {"decimal": ",", "thousands": "."}


@pytest.mark.parametrize(
    ("written", "how", "value"),
    [
        ("203.726", {"thousands": "."}, 203726),
        ("-22.000", {"thousands": "."}, -22000),
        ("1.234.567", {"thousands": "."}, 1234567),
        ("203726", {"thousands": "."}, 203726),
        ("0", {"thousands": "."}, 0),
        (" 12 ", {}, 12),
        ("+7", {}, 7),
        ("−7", {}, -7),
        ("1 234", {"thousands": " "}, 1234),
        ("1\u00a0234", {"thousands": " "}, 1234),
        ("1\u202f234", {"thousands": " "}, 1234),
        ("1'234", {"thousands": "'"}, 1234),
        ("9223372036854775807", {}, 2**63 - 1),
        ("007", {}, 7),
    ],
)
def test_whole_numbers(written: str, how: dict[str, Any], value: int) -> None:
    """A thousands sign is what the schema says it is."""
    assert read([written], "integer", **how) == [value]


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("1.5", {"thousands": "."}),
        ("12.34", {"thousands": "."}),
        ("1234.567", {"thousands": "."}),
        ("1.2345", {"thousands": "."}),
        (".123", {"thousands": "."}),
        ("1..234", {"thousands": "."}),
        ("01.02.2024", {"thousands": "."}),
        ("203.726", {}),
        ("12,00", {"thousands": "."}),
        ("1,5", {}),
        ("x", {}),
        ("1e3", {}),
        ("- 5", {}),
        ("٣", {}),
        ("1_000", {}),
        ("9223372036854775808", {}),
        ("1 23", {"thousands": " "}),
    ],
)
def test_what_is_no_whole_number_is_refused(written: str, how: dict[str, Any]) -> None:
    """`1.5` under a thousands point is a mistake, not 15; a date is no number."""
    assert refused(["1", written], "integer", **how) == [1]


@pytest.mark.parametrize(
    ("written", "how", "value"),
    [
        ("-22.000,00", GERMAN, -22000.0),
        ("1,5", GERMAN, 1.5),
        ("0,1", GERMAN, 0.1),
        ("1.234.567,89", GERMAN, 1234567.89),
        ("97.48", {}, 97.48),
        ("6610677.243", {}, 6610677.243),
        ("1e-05", {}, 1e-05),
        ("5", GERMAN, 5.0),
    ],
)
def test_numbers(written: str, how: dict[str, Any], value: float) -> None:
    """Decimal comma and point, exact to the last bit."""
    assert read([written], "number", **how) == [value]


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("1.5", GERMAN),
        ("1,5", {}),
        ("inf", {}),
        ("nan", {}),
        ("1e999", {}),
        ("1,2,3", GERMAN),
        ("1.000.00", GERMAN),
    ],
)
def test_what_is_no_number_is_refused(written: str, how: dict[str, Any]) -> None:
    """Words, infinities and the other decimal sign."""
    assert refused([written], "number", **how) == [0]


def test_missing_signs_are_per_column() -> None:
    """A dash is missing where the schema says so, and a mistake elsewhere."""
    assert pd.isna(read(["-", "", "5"], "integer", missing=["-", ""])[:2]).all()
    assert refused(["5", "-", ""], "integer") == [1]
    assert read(["-", "x"], "string", missing=["-"])[1] == "x"


def test_codes_keep_their_zeros() -> None:
    """`01011101` is a code; so is `1.100.01`."""
    assert read(["01011101", "1.100.01", " 7"], "code") == ["01011101", "1.100.01", " 7"]


def test_truth_values_are_named() -> None:
    """Only the words of the schema count."""
    assert read(["j", "n"], "boolean", **{"true": ["j"], "false": ["n"]}) == [True, False]
    assert refused(["ja", "vielleicht"], "boolean") == [1]


@pytest.mark.parametrize(
    ("written", "format", "value"),
    [
        ("01.02.2024", "%d.%m.%Y", date(2024, 2, 1)),
        ("2024-02-29", None, date(2024, 2, 29)),
        ("20240201", "%Y%m%d", date(2024, 2, 1)),
        ("2025-12", "%Y-%m", date(2025, 12, 1)),
    ],
)
def test_dates_follow_their_format(written: str, format: str | None, value: date) -> None:
    """`01.02.2024` is the first of February, not a number."""
    assert [one.date() for one in read([written], "date", format=format)] == [value]


@pytest.mark.parametrize("written", ["30.02.2024", "2024-02-01", "1.2.24", "", "01.02.2024 "])
def test_what_is_no_date_of_the_format_is_refused(written: str) -> None:
    """A day that does not exist, another format; blanks around it do no harm, nothing is missing."""
    if written.strip() in ("", "01.02.2024"):
        assert len(read([written], "date", format="%d.%m.%Y")) == 1
    else:
        assert refused([written], "date", format="%d.%m.%Y") == [0]


def test_midnight_at_the_end_of_a_day_is_the_next_day() -> None:
    """`24:00` of the last day of a month is the first of the next."""
    times = read(["31.01.2024 24:00", "31.01.2024 23:00"], "datetime", format="%d.%m.%Y %H:%M")
    assert [one.isoformat() for one in times] == ["2024-02-01T00:00:00+01:00", "2024-01-31T23:00:00+01:00"]


def test_twenty_four_minutes_past_are_no_midnight() -> None:
    """In `00:24:00` the minute is 24, not the hour; `T24:00:00` is the next day."""
    times = read(["2000-01-01T00:24:00", "2000-01-01T24:00:00"], "datetime")
    assert [time.replace(tzinfo=None) for time in times] == [
        datetime(2000, 1, 1, 0, 24),
        datetime(2000, 1, 2),
    ]


def test_midnight_is_of_the_next_day_also_when_the_clocks_change() -> None:
    """The day on which the clocks change ends at its own midnight."""
    times = read(["31.03.2024 24:00", "27.10.2024 24:00"], "datetime", format="%d.%m.%Y %H:%M")
    assert [one.isoformat() for one in times] == ["2024-04-01T00:00:00+02:00", "2024-10-28T00:00:00+01:00"]


def test_hour_that_the_clocks_skip_is_a_mistake() -> None:
    """There was no 02:30 on the last Sunday of March."""
    assert refused(["2024-03-31T01:30:00", "2024-03-31T02:30:00"], "datetime") == [1]


def test_hour_that_comes_twice_is_a_mistake_unless_the_schema_says_which() -> None:
    """02:30 on the last Sunday of October is summer or winter time, or an error."""
    twice = ["2024-10-27T02:30:00"]
    assert refused(twice, "datetime") == [0]
    assert read(twice, "datetime", ambiguous="summer")[0].isoformat() == "2024-10-27T02:30:00+02:00"
    assert read(twice, "datetime", ambiguous="winter")[0].isoformat() == "2024-10-27T02:30:00+01:00"


def test_winter_time_all_year_has_neither_gap_nor_doubles() -> None:
    """Measuring networks write so; the column's own zone says it."""
    times = read(["2024-03-31T02:30:00", "2024-10-27T02:30:00"], "datetime", timezone="Etc/GMT-1")
    assert [one.isoformat() for one in times] == ["2024-03-31T03:30:00+02:00", "2024-10-27T02:30:00+01:00"]


def test_times_with_an_offset_are_moved_to_the_city() -> None:
    """UTC becomes local time."""
    (time,) = read(["2024-07-01T10:00:00+0000"], "datetime", format="%Y-%m-%dT%H:%M:%S%z")
    assert time.isoformat() == "2024-07-01T12:00:00+02:00"


@pytest.mark.parametrize(
    ("type", "dtype"),
    [
        ("string", "str"), ("code", "str"), ("integer", "Int64"), ("number", "float64"),
        ("boolean", "boolean"),
        ("date", "datetime64[us]"), ("datetime", "datetime64[us, Europe/Berlin]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cells", [[], ["", ""]])
def test_types_do_not_depend_on_the_values(type: str, dtype: str, cells: list[str]) -> None:
    """Empty columns and columns of missing values have the type of the schema."""
    values = parsing.column(pd.Series(cells, dtype="str"), column(type), zone=ZONE)
    assert str(values.dtype) == dtype
    assert values.isna().all()


@pytest.mark.parametrize(
    ("values", "type", "expected"),
    [
        (pd.Series([1, 2]), "integer", [1, 2]),
        (pd.Series([1.0, np.nan]), "integer", [1, pd.NA]),
        (pd.Series([1, None], dtype="Int64"), "code", ["1", np.nan]),
        (pd.Series([7.0, np.nan]), "code", ["7", np.nan]),
        (pd.Series([1, 2], dtype="int32"), "number", [1.0, 2.0]),
        (pd.Series([True, False]), "boolean", [True, False]),
        (pd.Series([True, None], dtype="object"), "boolean", [True, pd.NA]),
        (pd.Series([1, 0]), "boolean", [True, False]),
        (pd.Series([date(2024, 1, 2), None], dtype="object"), "date", [pd.Timestamp("2024-01-02"), pd.NaT]),
        (pd.Series(pd.to_datetime(["2024-01-02"])), "date", [pd.Timestamp("2024-01-02")]),
    ],
)
def test_typed_sources_are_converted_without_loss(values: pd.Series, type: str, expected: list[Any]) -> None:
    """What Parquet and geographic files already know."""
    found = parsing.column(values, column(type), zone=ZONE).tolist()
    assert [pd.isna(one) for one in found] == [pd.isna(one) for one in expected]
    known = [(one, two) for one, two in zip(found, expected, strict=True) if not pd.isna(two)]
    assert all(one == two for one, two in known)


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (pd.Series([1, 1.5]), "integer"),
        (pd.Series([0.5]), "code"),
        (pd.Series([True]), "integer"),
        (pd.Series([True]), "number"),
        (pd.Series([2]), "boolean"),
        (pd.Series(pd.to_datetime(["2024-01-02T10:00"])), "date"),
        (pd.Series([1]), "date"),
        (pd.Series([20240101]), "datetime"),
        (pd.Series([[1], [2]]), "string"),
        (pd.Series([float(2**60)]), "integer"),
        (pd.Series([1.0, np.inf]), "integer"),
    ],
)
def test_typed_values_that_would_lose_something_are_refused(values: pd.Series, type: str) -> None:
    """Decimals, times of day, numbers that a float cannot hold exactly."""
    with pytest.raises(parsing.UnreadableError):
        parsing.column(values, column(type), zone=ZONE)


def group(number: int, sign: str) -> str:
    """Write a whole number with a thousands sign."""
    return f"{number:,}".replace(",", sign)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["", ".", ",", " ", "'"]))
def test_whole_numbers_survive_writing_and_reading(number: int, sign: str) -> None:
    """Grouped with any sign, every integer of 64 bits comes back."""
    assert read([group(number, sign)], "integer", thousands=sign) == [number]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_numbers_survive_writing_and_reading(number: float) -> None:
    """Python's shortest form comes back bit by bit, with a comma as well."""
    assert read([repr(number)], "number") == [number]
    assert read([repr(number).replace(".", ",")], "number", decimal=",") == [number]


@given(st.decimals(-(10**9), 10**9, places=2))
def test_german_amounts_survive_writing_and_reading(amount: Any) -> None:
    """Point for thousands, comma for cents."""
    german = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    assert read([german], "number", **GERMAN) == [float(amount)]


@given(st.dates(date(1700, 1, 1), date(2200, 12, 31)), st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%Y%m%d"]))
def test_dates_survive_writing_and_reading(day: date, format: str) -> None:
    """Each format reads what it writes."""
    assert read([day.strftime(format)], "date", format=format)[0].date() == day


@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)))
def test_instants_survive_writing_and_reading(moment: datetime) -> None:
    """A time written in UTC is the same instant in the city's zone, whatever the clocks do."""
    moment = moment.replace(microsecond=0)
    (time,) = read([moment.isoformat()], "datetime", timezone="UTC")
    assert time.astimezone(UTC).replace(tzinfo=None) == moment


@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)))
def test_local_time_is_read_exactly_or_refused(moment: datetime) -> None:
    """A local time is refused exactly when the clocks skip it or pass it twice."""
    local = moment.replace(microsecond=0)
    first, second = (local.replace(tzinfo=ZONE, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first != second:
        assert refused([local.isoformat()], "datetime") == [0]
    else:
        (time,) = read([local.isoformat()], "datetime")
        assert time.to_pydatetime().replace(tzinfo=None) == local
        assert abs(time.to_pydatetime() - first) < timedelta(seconds=1)


@given(
    st.lists(st.text(max_size=6), max_size=5),
    st.sampled_from(["integer", "number", "boolean", "date", "datetime"]),
)
def test_any_text_is_typed_or_refused_by_row(cells: list[str], type: str) -> None:
    """Nothing else comes out, and what is refused is really among the cells."""
    try:
        values = read(cells, type, **(GERMAN if type == "number" else {}))
    except parsing.UnreadableError as error:
        assert all(cells[row].strip() for row in error.rows)
    else:
        assert len(values) == len(cells)
