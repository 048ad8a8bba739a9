"""One tick: what is due is built once, what became of it stands in the book, and one report stops no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders.city import Made, a_city, write_data
from builders.reports import ROLES, write_report

from stadtbuch.errors import Busy, RunFailed, SourceError, StateError, UsageError
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports import timetable
from stadtbuch.session import City
from stadtbuch.texts import same

BERLIN = ZoneInfo("Europe/Berlin")
DAILY = {"cron": "0 6 * * *"}
WATCHING = {"on": "new-version", "of": "population.residents"}


@dataclass
class Crew:
    """Builds nothing and remembers what it was asked for; `becomes` says what becomes of a report's runs."""

    becomes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, date]] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, names: Sequence[str], days: Mapping[str, date]) -> dict[str, Any]:
        """Answer as `reports.build` does."""
        if self.error is not None:
            raise self.error
        self.asked += [(name, days[name]) for name in names]
        runs = [a_run(name, **self.becomes.get(name, {})) for name in names]
        failed = any(one["error"] is not None for one in runs)
        return {"runs": runs, "counts": {}, "exit_code": 1 if failed else 0}


def a_run(report: str, **changes: Any) -> dict[str, Any]:
    """Give the line of one cell that was published."""
    told = {
        "report": report,
        "cell": "",
        "status": "ran",
        "publication": "published",
        "error": None,
        "findings": [],
    }
    return told | changes


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with a report that is due every morning, and one that watches the register."""
    made = a_city(tmp_path / "city", roles=ROLES)
    for name, told in (("daily", DAILY), ("watching", WATCHING)):
        write_report(made.root, name, schedule=told, report="notebooks/any.ipynb")
    (made.root / "notebooks" / "any.ipynb").write_text("{}")
    return made


def opened(city: Made, now: str) -> City:
    """Open the city at a local time."""
    return city.open(now=datetime.fromisoformat(now).replace(tzinfo=BERLIN))


def ticked(city: Made, now: str, crew: Crew, *names: str) -> list[tuple[str, str]]:
    """Tick, and give reports with what became of them."""
    told = timetable.tick(opened(city, now), names, build=crew)
    return [(one.occurrence.report, one.outcome) for one in told.settled]


def entries(city: Made, kind: str) -> list[Mapping[str, Any]]:
    """Give what the book says."""
    return [one.details for one in city.open().book.entries(kind=kind)]


def test_the_first_tick_builds_what_is_new_and_begins_to_count(city):
    """The register is new to a report that watches it; a time of the morning is not made up for."""
    crew = Crew()
    assert ticked(city, "2026-01-15T12:00", crew) == [("watching", "done")]
    assert len(entries(city, "schedule-begun")) == 2


def test_what_is_due_is_built_for_its_nominal_day_and_once(city):
    """Two days later, late in the evening, for that morning; the next tick has nothing to do."""
    ticked(city, "2026-01-15T12:00", Crew())
    crew = Crew()
    assert ticked(city, "2026-01-17T23:00", crew) == [("daily", "done")]
    assert crew.asked == [("daily", date(2026, 1, 17))]
    assert ticked(city, "2026-01-17T23:05", crew) == []
    (_, last) = entries(city, "occurrence")
    assert (last["occurrence"], last["skipped"]) == ("daily@2026-01-17T05:00Z", 1)


def test_all_that_was_missed_is_built_in_its_order(city):
    """Three mornings, three builds, each for its day."""
    write_report(city.root, "daily", schedule={**DAILY, "catch_up": "all"}, report="notebooks/any.ipynb")
    ticked(city, "2026-01-15T12:00", Crew())
    crew = Crew()
    ticked(city, "2026-01-18T12:00", crew)
    assert [day.day for _, day in crew.asked] == [16, 17, 18]


def test_a_new_delivery_is_due_and_a_touched_file_is_not(city):
    """The content decides."""
    ticked(city, "2026-01-15T12:00", Crew())
    (city.root / "data" / "residents.csv").touch()
    assert ticked(city, "2026-01-15T13:00", Crew()) == []
    write_data(city.root, seventh=65)
    assert ticked(city, "2026-01-15T14:00", Crew()) == [("watching", "done")]


@pytest.mark.parametrize(
    ("changes", "outcome", "codes"),
    [
        ({"status": "failed", "error": RunFailed("run.cell", same("x"))}, "failed", ["run.cell"]),
        (
            {"status": "refused", "publication": "refused",
             "findings": [Finding(rule="privacy.raw-rows", severity=Severity.refuse, subject="s", text=same("x"),
                                  remedy=same("y"))]},
            "refused",
            ["privacy.raw-rows"],
        ),
        ({"publication": "awaiting-approval"}, "awaiting-approval", []),
        ({"publication": "unchanged", "status": "unchanged"}, "done", []),
    ],
)  # fmt: skip
def test_what_became_of_a_report_stands_in_the_book(city, changes, outcome, codes):
    """The outcome and the codes of rules and errors, no texts; it is not tried again."""
    ticked(city, "2026-01-15T12:00", Crew())
    crew = Crew(becomes={"daily": changes})
    assert ticked(city, "2026-01-16T06:00", crew) == [("daily", outcome)]
    told = entries(city, "occurrence")[-1]
    assert (told["outcome"], told["codes"]) == (outcome, codes)
    assert ticked(city, "2026-01-16T12:00", crew) == []


@pytest.mark.parametrize(
    "error", [SourceError("source.missing", same("x")), StateError("state.full", same("x"))]
)
def test_what_may_pass_is_tried_again_until_it_works(city, error):
    """A missing delivery or a full disk: after a quarter of an hour, not before."""
    ticked(city, "2026-01-15T12:00", Crew())
    crew = Crew(becomes={"daily": {"status": "failed", "error": error}})
    assert ticked(city, "2026-01-16T06:00", crew) == [("daily", "tried")]
    assert ticked(city, "2026-01-16T06:10", crew) == []
    assert ticked(city, "2026-01-16T06:15", Crew()) == [("daily", "done")]
    assert ticked(city, "2026-01-16T12:00", Crew()) == []


def test_while_another_command_builds_nothing_is_lost(city):
    """Nothing stands in the book, and the next tick does it."""
    ticked(city, "2026-01-15T12:00", Crew())
    crew = Crew(error=Busy("state.busy", same("x")))
    told = timetable.tick(opened(city, "2026-01-16T06:00"), build=crew)
    assert ([one.outcome for one in told.settled], told.exit_code) == (["busy"], 0)
    assert len(entries(city, "occurrence")) == 1
    assert ticked(city, "2026-01-16T06:01", Crew()) == [("daily", "done")]


def test_the_second_of_two_ticks_does_nothing(city):
    """It says so and ends well: a timer is no alarm."""
    crew = Crew()
    now = opened(city, "2026-01-15T12:00")
    with now.state.lock(timetable.TICK, command="stadtbuch tick"):
        told = timetable.tick(now, build=crew)
    assert (told.error.code, told.exit_code, crew.asked) == ("state.busy", 0, [])


def test_a_tick_that_dies_while_building_leaves_its_work_to_the_next(city):
    """Nothing is noted before it is done."""
    ticked(city, "2026-01-15T12:00", Crew())
    with pytest.raises(KeyboardInterrupt):
        timetable.tick(opened(city, "2026-01-16T06:00"), build=Crew(error=KeyboardInterrupt()))
    assert ticked(city, "2026-01-16T06:01", Crew()) == [("daily", "done")]


def test_pages_that_were_not_written_are_tried_again(city):
    """A report is there when its page is."""
    ticked(city, "2026-01-15T12:00", Crew())
    broken = Crew()

    def build(names: Sequence[str], days: Mapping[str, date]) -> dict[str, Any]:
        return broken(names, days) | {"site": {"error": StateError("state.full", same("x"))}, "exit_code": 1}

    told = timetable.tick(opened(city, "2026-01-16T06:00"), build=build)
    assert ([one.outcome for one in told.settled], told.exit_code) == (["tried"], 1)


def test_a_report_that_is_late_is_told_once_before_it_is_built(city):
    """The deadline passed while no tick came."""
    write_report(city.root, "daily", schedule={**DAILY, "deadline": "2h"}, report="notebooks/any.ipynb")
    ticked(city, "2026-01-15T12:00", Crew())
    told = timetable.tick(opened(city, "2026-01-16T09:00"), build=Crew())
    assert [one.id for one in told.late] == ["daily@2026-01-16T05:00Z"]
    assert [(one.outcome, one.late) for one in told.settled] == [("done", True)]
    assert timetable.tick(opened(city, "2026-01-16T10:00"), build=Crew()).late == ()
    assert [one["deadline"] for one in entries(city, "late")] == ["2h"]


def test_a_mistake_in_one_definition_stops_no_other_report(city):
    """It is told, the code is 1, and what is due is built; a schedule that cannot be read has not ended."""
    ticked(city, "2026-01-15T12:00", Crew())
    (city.root / "reports" / "watching.yaml").write_text("title: nothing\n")
    told = timetable.tick(opened(city, "2026-01-16T06:00"), build=Crew())
    assert ([one.occurrence.report for one in told.settled], told.exit_code) == (["daily"], 1)
    assert told.outlook.problems
    assert entries(city, "schedule-ended") == []


def test_a_watched_file_that_is_missing_is_told(city):
    """The report is not due, and the tick does not end well."""
    (city.root / "data" / "residents.csv").unlink()
    told = timetable.tick(opened(city, "2026-01-16T05:00"), build=Crew())
    assert (list(told.outlook.unreadable), told.settled, told.exit_code) == (["population.residents"], (), 1)


def test_a_schedule_that_is_taken_away_ends(city):
    """And begins anew when it comes back."""
    ticked(city, "2026-01-15T12:00", Crew())
    write_report(city.root, "daily", report="notebooks/any.ipynb")
    ticked(city, "2026-01-16T12:00", Crew())
    write_report(city.root, "daily", report="notebooks/any.ipynb", schedule=DAILY)
    assert ticked(city, "2026-01-18T12:00", Crew()) == []
    assert ticked(city, "2026-01-19T06:00", Crew()) == [("daily", "done")]


def test_single_reports_can_be_ticked(city):
    """The others neither run nor end; an unknown name is refused."""
    assert ticked(city, "2026-01-15T12:00", Crew(), "daily") == []
    assert ticked(city, "2026-01-16T06:00", Crew(), "daily") == [("daily", "done")]
    with pytest.raises(UsageError, match="daily"):
        ticked(city, "2026-01-16T06:00", Crew(), "dayly")


def test_asking_changes_nothing(city):
    """The outlook leaves the book as it is."""
    ticked(city, "2026-01-15T12:00", Crew())
    before = city.open().book.head()
    told = timetable.outlook(opened(city, "2026-01-16T06:00"))
    assert [one.id for one in told.due] == ["daily@2026-01-16T05:00Z"]
    assert city.open().book.head() == before


def test_each_occurrence_is_one_city_at_one_moment(city):
    """A session is not changed by ticking: the moment is the caller's."""
    now = opened(city, "2026-01-15T12:00")
    later = replace(now, now=datetime(2026, 1, 16, 6, tzinfo=BERLIN))
    timetable.tick(now, build=Crew())
    assert [one.occurrence.report for one in timetable.tick(later, build=Crew()).settled] == ["daily"]
