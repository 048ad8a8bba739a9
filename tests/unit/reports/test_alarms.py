"""Alarms: each told once per channel, tried again where a channel failed, and never in the way of a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders.city import CANARY, TOML, Made, a_city
from builders.reports import ROLES, START, write_open_report, write_report

from stadtbuch.cli import main
from stadtbuch.errors import RunFailed, SourceError
from stadtbuch.notification.notices import Notice
from stadtbuch.reports import alarms, timetable
from stadtbuch.session import City
from stadtbuch.texts import same

NOW = datetime(2026, 1, 16, 5, 0, tzinfo=UTC)
FILE = "notices.jsonl"


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city that writes notices into a file."""
    made = a_city(tmp_path / "city", roles=ROLES, toml=TOML + f'[notify]\nfile = "{FILE}"\n')
    write_report(
        made.root, "daily", schedule={"cron": "0 6 * * *", "deadline": "2h"}, report="notebooks/any.ipynb"
    )
    (made.root / "notebooks" / "any.ipynb").write_text("{}")
    return made


def at(city: City, minutes: int) -> City:
    """Give the same session some minutes later."""
    return replace(city, now=NOW + timedelta(minutes=minutes))


def a_notice(event: str = "failed") -> Notice:
    """Give a notice."""
    return Notice(event, "daily", "daily@x", NOW, ("run.failed",))


def lines(city: Made) -> list[str]:
    """Give the events that arrived in the file."""
    file = city.root / FILE
    return [json.loads(line)["event"] for line in file.read_text().splitlines()] if file.is_file() else []


def test_a_notice_is_told_once(city):
    """The same thing at the next tick is no news."""
    opened = city.open()
    for minutes in (0, 5, 60):
        alarms.tell(at(opened, minutes), [a_notice(), a_notice("late")])
    assert lines(city) == ["failed", "late"]


def test_a_channel_that_failed_is_tried_again_after_a_pause(city):
    """Ten minutes later, at most five times; what became of it stands in the book."""
    (city.root / FILE).mkdir()
    opened = city.open()
    tried = [bool(alarms.tell(at(opened, minutes), [a_notice()])) for minutes in (0, 5, 10, 20, 30, 40, 50)]
    assert tried == [True, False, True, True, True, True, False]
    told = [entry.details for entry in opened.book.entries(kind="notified")]
    assert [(one["ok"], one["error"]) for one in told] == [(False, "IsADirectoryError")] * 5


def test_what_arrives_at_the_second_try_is_done(city):
    """One line, and no third."""
    (city.root / FILE).mkdir()
    opened = city.open()
    alarms.tell(opened, [a_notice()])
    (city.root / FILE).rmdir()
    alarms.tell(at(opened, 20), [])
    alarms.tell(at(opened, 40), [a_notice()])
    assert lines(city) == ["failed"]


def test_only_the_events_of_the_settings_are_told(tmp_path):
    """A city may want to know less."""
    toml = TOML + f'[notify]\nfile = "{FILE}"\nevents = ["late"]\n'
    made = a_city(tmp_path / "city", roles=ROLES, toml=toml)
    alarms.tell(made.open(), [a_notice(), a_notice("late")])
    assert lines(made) == ["late"]


def tick(city: City, *, day: int, hour: int, **becomes: Any) -> timetable.Ticked:
    """Tick at an hour of the city's day, with a build that ends as it is told."""

    def build(names: Any, days: Mapping[str, Any]) -> dict[str, Any]:
        told = {"report": "daily", "cell": "", "status": "ran", "publication": "published", "error": None}
        runs = [told | {"findings": []} | becomes]
        return {"runs": runs, "counts": {}, "exit_code": 0}

    moment = datetime(2026, 1, day, hour, tzinfo=city.settings.city.zone)
    return timetable.tick(replace(city, now=moment), build=build)


@pytest.mark.parametrize(
    ("becomes", "expected"),
    [
        ({"status": "failed", "error": RunFailed("run.failed", same(CANARY))}, ["failed"]),
        ({"status": "failed", "error": SourceError("source.missing", same(CANARY))}, ["failed"]),
        ({"status": "refused", "publication": "refused"}, ["refused"]),
        ({"publication": "awaiting-approval"}, ["awaiting-approval"]),
        ({}, []),
    ],
)
def test_a_tick_tells_what_became_of_a_report(city, becomes, expected):
    """What is done is no news; of an error only its code leaves the house."""
    opened = city.open()
    tick(opened, day=15, hour=12)
    tick(opened, day=16, hour=6, **becomes)
    assert lines(city) == expected
    assert all(CANARY not in path.read_text(errors="ignore") for path in [city.root / FILE] if path.exists())


def test_the_alarm_comes_before_the_build(city):
    """Late is told although the build then never ends."""
    opened = city.open()
    tick(opened, day=15, hour=12)

    def build(names: Any, days: Any) -> dict[str, Any]:
        assert lines(city) == ["late"]
        raise KeyboardInterrupt

    moment = datetime(2026, 1, 16, 9, tzinfo=opened.settings.city.zone)
    with pytest.raises(KeyboardInterrupt):
        timetable.tick(replace(opened, now=moment), build=build)


def test_a_failing_channel_stops_no_report(city):
    """The report is built, the outcome says that nobody was told."""
    (city.root / FILE).mkdir()
    opened = city.open()
    tick(opened, day=15, hour=12)
    told = tick(opened, day=16, hour=9)
    assert [one.outcome for one in told.settled] == ["done"]
    assert [(one.notice.event, one.ok) for one in told.sent] == [("late", False)]


def test_what_keeps_a_report_from_being_judged_is_told_once_a_day(city):
    """A definition with a mistake."""
    (city.root / "reports" / "daily.yaml").write_text("title: x\n", encoding="utf-8")
    opened = city.open()
    for day, hour in ((16, 6), (16, 12), (17, 6)):
        tick(opened, day=day, hour=hour)
    assert lines(city) == ["failed", "failed"]


@pytest.mark.parametrize(("notify", "expected"), [("always", 1), ("schedule", 0)])
def test_a_build_by_hand_tells_only_if_the_definition_asks(tmp_path, capsys, notify, expected):
    """A failure is told with its code once a day, never with a value; without being asked, nobody is told."""
    notices = tmp_path / "notices.jsonl"
    made = a_city(tmp_path / "city", roles=ROLES, toml=f'{TOML}\n[notify]\nfile = "{notices}"\n')
    write_open_report(made.root, "area", START, "raise ValueError('Quendel')", notify=notify)
    arguments = ["build", "--city", str(made.root), "--now", "2026-01-15T10:00"]

    assert main.main([*arguments, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert main.main(arguments) == 1
    told = notices.read_text(encoding="utf-8").splitlines() if notices.exists() else []

    assert len(told) == expected == len(answer.get("notices", []))
    assert all("run.failed" in line and "Quendel" not in line for line in told)
    assert [one.details["codes"] for one in made.open().book.entries(kind="notified")] == [
        ["run.failed"]
    ] * expected


def test_a_build_that_went_well_is_no_news():
    """Nothing is told of what ran, and a failure comes before a refusal."""
    ran = {"status": "ran", "cell": "a", "error": None, "findings": []}
    refused = ran | {"status": "refused", "findings": [SimpleNamespace(rule="tables.small")]}
    failed = ran | {"status": "failed", "error": SimpleNamespace(code="run.timeout")}

    assert list(alarms.of_build("r", [ran], now=NOW)) == []
    (one,) = alarms.of_build("r", [ran, refused], now=NOW)
    assert (one.event, one.codes, one.cells) == ("refused", ("tables.small",), 1)
    (one,) = alarms.of_build("r", [refused, failed, ran], now=NOW)
    assert (one.event, one.codes) == ("failed", ("run.timeout",))
