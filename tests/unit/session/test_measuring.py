"""Sources are measured once per version; what is kept is no value."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders.city import CANARY, NOW, Made, a_city, write_catalogue, write_data
from builders.city import a_dataset as an_entry

from stadtbuch.model.measure import Criterion, Gap
from stadtbuch.quality import scorecard
from stadtbuch.session import measuring

REGISTER = "population.residents"


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give the small city."""
    return a_city(tmp_path / "city")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of datasets that were really looked at."""
    found: list[str] = []
    look = scorecard.look

    def noticed(frame: Any, dataset: Any, **more: Any) -> Any:
        found.append(dataset.id)
        return look(frame, dataset, **more)

    monkeypatch.setattr(measuring.scorecard, "look", noticed)
    return found


def by_criterion(card: measuring.Card) -> dict[Criterion, Any]:
    """Give the measurements by criterion."""
    return {one.criterion: one for one in card.measurements}


def test_a_version_is_measured_once(city: Made, looks: list[str]) -> None:
    """A second session asks the state, not the source, and tells the same; a month later, too."""
    first = measuring.card(city.open(), REGISTER, reports=1)
    again = measuring.card(city.open(), REGISTER, reports=1)
    measuring.card(city.open(now=NOW + timedelta(days=30)), REGISTER, reports=1)
    assert first == again
    assert looks == [REGISTER]


def test_new_data_are_measured_anew(city: Made, looks: list[str]) -> None:
    """Another file is another version."""
    measuring.card(city.open(), REGISTER, reports=1)
    write_data(city.root, seventh=65)
    measuring.card(city.open(), REGISTER, reports=1)
    assert looks == [REGISTER, REGISTER]


def test_a_new_rule_is_measured_anew(city: Made, looks: list[str]) -> None:
    """The same data under another description are measured again, and the rule counts."""
    assert (
        by_criterion(measuring.card(city.open(), REGISTER, reports=1))[Criterion.correct].gap == Gap.no_rule
    )
    entry = an_entry(access="closed")
    entry["schema"]["fields"][2]["constraints"] = {"maximum": 70}
    write_catalogue(city.root, {REGISTER: entry})
    found = by_criterion(measuring.card(city.open(), REGISTER, reports=1))[Criterion.correct]
    assert (found.failed, found.of) == (1, 8)
    assert looks == [REGISTER, REGISTER]


def test_a_damaged_note_is_measured_again(city: Made, looks: list[str]) -> None:
    """What was kept is a convenience; nobody needs it whole."""
    first = measuring.card(city.open(), REGISTER, reports=1)
    (kept,) = (city.root / "var" / "store" / "measured").glob("*.json")
    kept.write_text("{", encoding="utf-8")
    assert measuring.card(city.open(), REGISTER, reports=1) == first
    assert len(looks) == 2


def test_what_is_kept_holds_no_value_and_nobody_else_reads_it(city: Made) -> None:
    """Counts and shares only, in a private file."""
    measuring.card(city.open(), REGISTER, reports=1)
    (kept,) = (city.root / "var" / "store" / "measured").glob("*.json")
    assert CANARY not in kept.read_text(encoding="utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_looking_at_closed_data_is_noted_once(city: Made) -> None:
    """The book says that the register was looked at as a whole; open data need no note."""
    opened = city.open()
    for name in (REGISTER, "geography.boroughs", REGISTER):
        measuring.card(opened, name, reports=0)
    entries = list(city.open().book.entries(kind="measured"))
    assert [(one.subject, list(one.details)) for one in entries] == [(REGISTER, ["version"])]


def test_days_in_the_future_are_looked_at_again(city: Made, looks: list[str]) -> None:
    """A planned day becomes the newest one when it is there: such data are asked once a day."""
    entry = an_entry(access="closed", accrualPeriodicity="ANNUAL")
    entry["schema"]["primaryKey"] = ["person_id", "valid_on"]
    write_catalogue(city.root, {REGISTER: entry})
    data = city.root / "data" / "residents.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("2025-12-31", "2026-01-20", 1), encoding="utf-8")
    newest = [
        by_criterion(measuring.card(city.open(now=NOW + timedelta(days=days)), REGISTER, reports=0))[
            Criterion.timely
        ].newest
        for days in (0, 0, 10)
    ]
    assert [day.isoformat() for day in newest] == ["2025-12-31", "2025-12-31", "2026-01-25"]
    assert len(looks) == 2


def test_a_missing_source_is_a_gap_and_no_error(city: Made) -> None:
    """What cannot be read is shown as not measured."""
    (city.root / "data" / "residents.csv").unlink()
    found = measuring.public(city.open(), REGISTER, reports=0)
    assert by_criterion(found)[Criterion.complete].gap == Gap.unreadable
    assert found.rows is None


def test_an_odd_dataset_stops_nothing(city: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks while measuring is a gap of that dataset: no report waits for it."""

    def broken(*arguments: Any, **more: Any) -> None:
        raise TypeError("with a value in it")

    monkeypatch.setattr(measuring.scorecard, "look", broken)
    assert (
        by_criterion(measuring.card(city.open(), REGISTER, reports=0))[Criterion.complete].gap
        == Gap.unreadable
    )


def test_rows_of_closed_data_are_not_told(city: Made) -> None:
    """How many records there are is told for open data only."""
    assert measuring.public(city.open(), "geography.boroughs", reports=0).rows == 2
    assert measuring.public(city.open(), REGISTER, reports=0).rows is None
