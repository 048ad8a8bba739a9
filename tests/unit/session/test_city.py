"""The door in the lab: decide, read once, minimise, record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders.city import CANARY, a_city, a_closed_manifest, a_dataset, default_datasets, write_data

from stadtbuch.catalog import reading, versions
from stadtbuch.errors import AccessDenied, SourceError, StadtbuchError, UsageError
from stadtbuch.model.analysis import Manifest
from stadtbuch.session import Declared

REGISTER = "population.residents"
COLUMNS = ["borough", "age"]


def test_open_data_come_without_a_purpose(tmp_path: Path) -> None:
    """An open dataset is one line: all columns, all rows, typed by the catalogue."""
    frame = a_city(tmp_path).open().load("geography.boroughs")

    assert frame.to_dict("list") == {"borough": ["01", "02"], "area": [12.5, 7.25]}


def test_closed_data_come_minimised(tmp_path: Path) -> None:
    """Of a closed dataset come the columns asked for, in a frame with a fresh index."""
    city = a_city(tmp_path).open()

    frame = city.load(REGISTER, purpose="age-structure", columns=COLUMNS, rows={"borough": "02"})

    assert frame.to_dict("list") == {"borough": ["02"] * 3, "age": [58, 64, 71]}
    assert frame.index.tolist() == [0, 1, 2]


def test_identifiers_come_as_pseudonyms(tmp_path: Path) -> None:
    """A person's id arrives as a pseudonym that is the same each time."""
    city = a_city(tmp_path).open()

    first, again = (city.load(REGISTER, "age-structure", ["person_id"])["person_id"] for _ in range(2))

    assert first.str.fullmatch(r"psn_[a-z2-7]{20}").all()
    assert first.is_unique
    assert first.tolist() == again.tolist()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"columns": COLUMNS}, "access.no-purpose"),
        ({"purpose": "marketing", "columns": COLUMNS}, "access.unknown-purpose"),
        ({"purpose": "age-structure"}, "access.columns-needed"),
        ({"purpose": "age-structure", "columns": ["denomination"]}, "access.column-not-allowed"),
        (
            {"purpose": "age-structure", "columns": COLUMNS, "rows": {"person_id": "P001"}},
            "access.filter-identifier",
        ),
        (
            {"purpose": "age-structure", "columns": COLUMNS, "rows": {"denomination": "x"}},
            "access.filter-not-allowed",
        ),
    ],
)
def test_a_refusal_says_what_to_write(tmp_path: Path, asked: dict, code: str) -> None:
    """Whoever may not read learns why and what to do, and nothing is recorded as read."""
    city = a_city(tmp_path).open()

    with pytest.raises(AccessDenied) as refused:
        city.load(REGISTER, **asked)

    assert (refused.value.code, refused.value.exit_code) == (code, 4)
    assert refused.value.remedy is not None
    assert list(city.book.entries("loaded")) == []


def test_a_grant_ends_in_the_citys_time_zone(tmp_path: Path) -> None:
    """The grant's last day is over at midnight in the city, not at midnight in Greenwich."""
    made = a_city(tmp_path)
    last, over = datetime(2027, 12, 31, 22, 59, tzinfo=UTC), datetime(2027, 12, 31, 23, 1, tzinfo=UTC)

    assert len(made.open(now=last).load(REGISTER, "age-structure", COLUMNS)) == 8
    with pytest.raises(AccessDenied) as refused:
        made.open(now=over).load(REGISTER, "age-structure", COLUMNS)
    assert refused.value.code == "access.grant-expired"


def test_another_role_gets_nothing(tmp_path: Path) -> None:
    """A grant counts for its role only."""
    city = a_city(tmp_path, roles={"*": ["visitor"]}).open()

    with pytest.raises(AccessDenied) as refused:
        city.load(REGISTER, "age-structure", COLUMNS)

    assert refused.value.code == "access.no-grant"


def test_reading_what_is_not_open_is_recorded_once(tmp_path: Path) -> None:
    """The book says who read which version for which purpose; it holds no values and no number of rows."""
    city = a_city(tmp_path).open()
    for _ in range(2):
        city.load(REGISTER, "age-structure", COLUMNS, {"borough": "02"})
    city.load("geography.boroughs")

    (entry,) = city.book.entries()

    assert (entry.kind, entry.subject, entry.role) == ("loaded", REGISTER, "analyst")
    assert entry.details == {
        "version": reading.stamp(city.dataset(REGISTER), city.settings),
        "purpose": "age-structure",
        "columns": 2,
        "filtered_by": ["borough"],
    }


def test_the_same_is_minimised_once_but_allowed_each_time(tmp_path: Path) -> None:
    """Cells of a report that ask for the same share a snapshot; another role is asked for all the same."""
    city = a_city(tmp_path).open()
    asked = {"purpose": "age-structure", "columns": COLUMNS}
    first, again = (city.snapshot(REGISTER, **asked) for _ in range(2))
    assert again is first
    assert city.snapshot(REGISTER, **asked, rows={"borough": "01"}) is not first
    with pytest.raises(AccessDenied):
        city.snapshot(REGISTER, **(asked | {"purpose": "curiosity"}))


def test_an_unknown_dataset_is_guessed(tmp_path: Path) -> None:
    """A typing mistake gets the nearest id."""
    with pytest.raises(UsageError) as refused:
        a_city(tmp_path).open().load("population.residence")

    assert refused.value.code == "catalog.unknown-dataset"
    assert refused.value.remedy.de == "Meinten Sie population.residents?"


def test_a_missing_file_is_an_error_of_the_source(tmp_path: Path) -> None:
    """If a delivery is missing, the message names the dataset."""
    made = a_city(tmp_path)
    (tmp_path / "data" / "residents.csv").unlink()

    with pytest.raises(SourceError) as failed:
        made.open().load(REGISTER, "age-structure", COLUMNS)

    assert failed.value.code == "source.missing"


def test_a_session_is_one_view(tmp_path: Path) -> None:
    """A source is read once per session: data that arrive meanwhile are seen by the next one."""
    made = a_city(tmp_path)
    city = made.open()
    before = city.load(REGISTER, "age-structure", COLUMNS)
    write_data(tmp_path, seventh=65)

    assert city.load(REGISTER, "age-structure", COLUMNS).equals(before)
    assert made.open().load(REGISTER, "age-structure", COLUMNS)["age"].tolist()[6] == 65


def test_a_source_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version and content must belong together."""
    city = a_city(tmp_path).open()
    stamps = iter("abcd")
    monkeypatch.setattr(versions, "stamp", lambda dataset, settings: next(stamps))

    with pytest.raises(SourceError) as failed:
        city.load("geography.boroughs")

    assert failed.value.code == "source.changing"


def test_what_is_not_said_comes_from_the_manifest(tmp_path: Path) -> None:
    """In a notebook with a manifest the bare line is enough; the filter follows the variable's value."""
    manifest, values = Manifest(**a_closed_manifest()), {"borough": "01"}
    city = a_city(tmp_path).open().declaring(Declared(manifest, lambda: values))

    assert city.load(REGISTER)["borough"].unique().tolist() == ["01"]
    values["borough"] = "all"
    assert len(city.load(REGISTER)) == 8
    assert city.load(REGISTER, columns=["age"], rows={"borough": "02"}).to_dict("list") == {
        "age": [58, 64, 71]
    }


def test_a_released_table_is_open(tmp_path: Path) -> None:
    """A table that a report released is loaded by its id, as a protected table."""
    city = a_city(tmp_path).open()
    record = {
        "format": 1, "kind": "protected-table", "name": "by_borough", "dataset": REGISTER, "unit": "persons",
        "rows": ["borough"], "columns": [], "min_count": 3, "labels": {"borough": ["01"]},
        "cells": [{"labels": ["01"], "value": 5, "mark": "", "where": []},
                  {"labels": [None], "value": 5, "mark": "", "where": []}],
    }  # fmt: skip
    path = city.state.folder("derived") / "who-lives-where.by_borough.json"
    path.write_text(json.dumps(record), encoding="utf-8")

    assert city.load("who-lives-where.by_borough").total() == 5


def test_choices_are_open_values_only(tmp_path: Path) -> None:
    """The choices of a parameter come from open data."""
    city = a_city(tmp_path).open()

    assert city.choices("catalogue:geography.boroughs.borough") == ["01", "02"]
    with pytest.raises(StadtbuchError) as refused:
        city.choices("catalogue:population.residents.note")
    assert CANARY not in str(refused.value)


def test_the_facts_hold_the_citys_thresholds(tmp_path: Path) -> None:
    """A sensitive group has the stricter minimum count; a dataset's own never lowers the city's."""
    register = a_dataset(access="closed")
    register["privacy"] |= {"sensitive_group": True, "min_count": 3}
    city = a_city(tmp_path, datasets=default_datasets() | {REGISTER: register}).open()
    city.load(REGISTER, "age-structure", COLUMNS)

    facts = city.facts()

    assert facts["thresholds"] == {"min_count": 3, "min_count_sensitive": 5, "solver_nodes": 2000}
    told = facts["inputs"][REGISTER]
    assert (told["min_count"], told["class"], told["privacy_unit"]) == (5, "closed", "person")
    assert [column["name"] for column in told["columns"]] == COLUMNS


def test_a_city_shows_itself_in_one_line(tmp_path: Path) -> None:
    """A notebook that ends with ``city`` prints no catalogue and no login."""
    assert repr(a_city(tmp_path).open()) == "City(Kleinstadt, analyst, 2 datasets)"


def test_no_day_is_reached_before_the_clock_says_so(tmp_path: Path) -> None:
    """A told moment in the future opens no lock; one in the past stays what was told."""
    made = a_city(tmp_path)
    clock = datetime(2026, 5, 1, 10, tzinfo=UTC)
    told = {year: made.open(now=datetime(year, 12, 1, 10, tzinfo=UTC), clock=clock) for year in (2025, 2026)}

    assert told[2026].today.isoformat() == "2026-12-01"
    assert told[2026].reached.isoformat() == "2026-05-01"
    assert told[2025].reached.isoformat() == "2025-12-01"
