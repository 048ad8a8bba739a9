"""When reports are due: over clock changes, leap days, days off and outages, and each time once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from builders.city import a_city
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.book.ledger import Book
from stadtbuch.model.actor import Actor
from stadtbuch.model.entry import Entry
from stadtbuch.model.schedule import Occurrence, Schedule
from stadtbuch.runs import schedule
from stadtbuch.runs.schedule import Past

BERLIN = ZoneInfo("Europe/Berlin")
ACTOR = Actor(login="timer", role="operator", roles=("operator",))


def at(written: str) -> datetime:
    """Read a local time of Berlin."""
    return datetime.fromisoformat(written).replace(tzinfo=BERLIN)


def between(one: Schedule, first: str, last: str) -> list[str]:
    """Give the times at which a report is built in a span, as the city's clocks show them."""
    found = []
    for _nominal, due in schedule.times(one, after=at(first), zone=BERLIN):
        if due > at(last):
            return found
        found.append(f"{due.astimezone(BERLIN):%a %d.%m. %H:%M %Z}")
    return found


class Tower:
    """A clock tower: keeps what was done as entries, like the book, and asks what is due."""

    def __init__(self, schedules: Mapping[str, Schedule], begun: datetime, append=None) -> None:
        self.schedules, self.past, self.number = schedules, Past(), 0
        self.append = append or self._append
        self.begin(begun)

    def _append(self, kind: str, *, subject: str, now: datetime, details: Mapping[str, object]) -> Entry:
        self.number += 1
        return Entry(number=self.number, at=now, kind=kind, role="operator", who="-", subject=subject,
                     details=dict(details), previous="", hash="")  # fmt: skip

    def begin(self, now: datetime) -> None:
        """Note what begins and ends."""
        for report, mark in schedule.begins(self.schedules, self.past, zone=BERLIN).items():
            self.note(schedule.BEGUN, report, now, {"schedule": mark})
        for report in schedule.ends(self.schedules, self.past):
            self.note(schedule.ENDED, report, now, {})

    def note(self, kind: str, report: str, now: datetime, details: Mapping[str, object]) -> None:
        """Write one entry."""
        self.past.take(self.append(kind, subject=report, now=now, details=details))

    def due(self, now: datetime, **versions: str) -> list[Occurrence]:
        """Ask what is due."""
        told = {name.replace("__", "."): version for name, version in versions.items()}
        return schedule.due(self.schedules, self.past, versions=told, now=now, zone=BERLIN)

    def settle(self, one: Occurrence, now: datetime, outcome: str = "done") -> None:
        """Note what became of an occurrence."""
        self.note(schedule.OCCURRED, one.report, now, schedule.details(one, outcome=outcome))

    def tick(self, now: datetime, **versions: str) -> list[Occurrence]:
        """Settle everything that is due, and give it."""
        found = [one for one in self.due(now, **versions) if one.action != "wait"]
        for one in found:
            self.settle(one, now, "skipped" if one.action == "skip" else "done")
        return found


def daily(**changes: str) -> Schedule:
    """Give a schedule for six o'clock every morning."""
    return Schedule(**{"cron": "0 6 * * *", **changes})


# ---- times ----------------------------------------------------------------------------------------------


def test_a_time_in_the_hour_that_is_missing_comes_right_after_it():
    """On 26 March 2028 there is no 02:30: the report is built at 03:00, and only then."""
    one = Schedule(cron="30 2 * * *")
    assert between(one, "2028-03-25T00:00", "2028-03-27T12:00") == [
        "Sat 25.03. 02:30 CET", "Sun 26.03. 03:00 CEST", "Mon 27.03. 02:30 CEST",
    ]  # fmt: skip


def test_a_time_in_the_hour_that_is_there_twice_comes_once():
    """On 29 October 2028 02:30 is there twice: the first one counts."""
    one = Schedule(cron="30 2 * * *")
    assert between(one, "2028-10-28T00:00", "2028-10-30T12:00") == [
        "Sat 28.10. 02:30 CEST", "Sun 29.10. 02:30 CEST", "Mon 30.10. 02:30 CET",
    ]  # fmt: skip


def test_a_leap_day_comes_every_four_years():
    """Nothing on 28 February or 1 March instead."""
    assert between(Schedule(cron="0 6 29 2 *"), "2026-01-01T00:00", "2033-01-01T00:00") == [
        "Tue 29.02. 06:00 CET", "Sun 29.02. 06:00 CET",
    ]  # fmt: skip


def test_a_schedule_may_have_a_zone_of_its_own():
    """Six o'clock in New York is noon in Berlin, and eleven while only one of them changed its clocks."""
    one = daily(time_zone="America/New_York")
    assert between(one, "2028-03-11T00:00", "2028-03-12T23:00") == [
        "Sat 11.03. 12:00 CET", "Sun 12.03. 11:00 CET",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("holidays", "expected"),
    [
        ("skip", []),
        ("before", ["Thu 30.04. 06:00 CEST"]),
        ("after", ["Mon 04.05. 06:00 CEST"]),
    ],
)
def test_a_day_off_moves_a_time_or_leaves_it_out(holidays: str, expected: list[str]):
    """The first of May 2026 is a Friday and a public holiday."""
    one = Schedule(cron="0 6 1 5 *", holidays=holidays, region="DE-NW")
    assert between(one, "2026-04-01T00:00", "2026-05-31T00:00") == expected


def test_times_that_are_moved_together_are_one():
    """After Easter 2026 the daily report is built once on Tuesday, for Tuesday."""
    one = daily(holidays="after", region="DE-NW")
    found = _first(one, 3)
    assert found == [("Thu", "Thu 02.04."), ("Tue", "Tue 07.04."), ("Wed", "Wed 08.04.")]


def _first(one: Schedule, number: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for nominal, due in schedule.times(one, after=at("2026-04-02T00:00"), zone=BERLIN):
        found.append((f"{nominal.astimezone(BERLIN):%a}", f"{due.astimezone(BERLIN):%a %d.%m.}"))
        if len(found) == number:
            break
    return found


# ---- exactly once ---------------------------------------------------------------------------------------


def test_what_was_built_is_not_due_again():
    """The same question a minute later finds nothing."""
    tower = Tower({"r": daily()}, at("2026-01-15T05:00"))
    assert [one.id for one in tower.tick(at("2026-01-15T06:00"))] == ["r@2026-01-15T05:00Z"]
    assert tower.tick(at("2026-01-15T06:01")) == []
    assert tower.due(at("2026-01-16T05:59")) == []


def test_nothing_before_the_beginning_is_due():
    """Whoever adds a schedule today does not get the reports of last year."""
    tower = Tower({"r": daily(catch_up="all")}, at("2026-01-15T06:01"))
    assert tower.due(at("2026-01-16T05:00")) == []


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("all", [("build", 0, "16"), ("build", 0, "17"), ("build", 0, "18")]),
        ("latest", [("build", 2, "18")]),
        ("skip", [("skip", 2, "18")]),
    ],
)
def test_after_an_outage_the_schedule_says_what_is_made_up_for(catch_up: str, expected: list):
    """Three days off: all three, the last one for all, or none; afterwards nothing is left."""
    tower = Tower({"r": daily(catch_up=catch_up)}, at("2026-01-15T12:00"))
    found = tower.tick(at("2026-01-18T20:00"))
    assert [(one.action, one.skipped, f"{one.due.astimezone(BERLIN):%d}") for one in found] == expected
    assert tower.due(at("2026-01-18T20:01")) == []


def test_skipping_leaves_what_is_just_due():
    """A tick a few minutes after the time has missed nothing."""
    tower = Tower({"r": daily(catch_up="skip")}, at("2026-01-15T12:00"))
    assert [one.action for one in tower.tick(at("2026-01-16T06:14"))] == ["build"]


def test_a_new_version_is_due_once_and_an_old_one_again():
    """What comes back after a correction is news; what stays is none."""
    one = Schedule(on="new-version", of="a.b")
    tower = Tower({"r": one}, at("2026-01-15T05:00"))
    seen = [
        [found.id for found in tower.tick(at(f"2026-01-15T{hour:02}:00"), a__b=version)]
        for hour, version in enumerate("AABBA", 6)
    ]
    assert seen == [["r@a.b:A"], [], ["r@a.b:B"], [], ["r@a.b:A"]]


def test_several_new_versions_are_one_occurrence():
    """A report that watches two datasets is built once for both."""
    tower = Tower({"r": Schedule(on="new-version", of=("a.b", "a.c"))}, at("2026-01-15T05:00"))
    assert [one.id for one in tower.tick(at("2026-01-15T06:00"), a__b="1", a__c="2")] == ["r@a.b:1+a.c:2"]
    assert [one.id for one in tower.tick(at("2026-01-15T07:00"), a__b="1", a__c="3")] == ["r@a.c:3"]


def test_a_version_that_cannot_be_read_is_not_due():
    """A delivery that is just being replaced starts nothing."""
    tower = Tower({"r": Schedule(on="new-version", of="a.b")}, at("2026-01-15T05:00"))
    assert tower.due(at("2026-01-15T06:00")) == []


def test_a_changed_expression_begins_anew():
    """Nothing of the new times is made up for; a changed deadline changes no times."""
    tower = Tower({"r": daily(catch_up="all")}, at("2026-01-15T12:00"))
    tower.schedules = {"r": daily(catch_up="all", deadline="2h")}
    assert schedule.begins(tower.schedules, tower.past, zone=BERLIN) == {}
    tower.schedules = {"r": Schedule(cron="0 * * * *", catch_up="all")}
    assert tower.due(at("2026-01-17T12:30")) == []
    tower.begin(at("2026-01-17T12:30"))
    assert [one.id for one in tower.due(at("2026-01-17T13:00"))] == ["r@2026-01-17T12:00Z"]


def test_a_schedule_that_was_away_does_not_come_back_with_its_past():
    """What would have been due in the meantime is not."""
    tower = Tower({"r": daily(catch_up="all")}, at("2026-01-15T12:00"))
    kept, tower.schedules = tower.schedules, {}
    tower.begin(at("2026-01-16T12:00"))
    tower.schedules = kept
    assert tower.due(at("2026-01-20T12:00")) == []
    tower.begin(at("2026-01-20T12:00"))
    assert len(tower.due(at("2026-01-21T06:00"))) == 1


# ---- again, and late ------------------------------------------------------------------------------------


def test_what_failed_for_a_passing_reason_is_tried_again_with_growing_pauses():
    """After 15, 30, 60 minutes, up to six hours; nothing later is tried before."""
    tower = Tower({"r": daily(catch_up="all")}, at("2026-01-15T05:00"))
    now, tried = at("2026-01-15T06:00").astimezone(UTC), []
    while now < at("2026-01-16T12:00"):
        found = tower.due(now)
        one = next(iter(found), None)  # a tick stops at what it could not build
        if one is not None and one.action == "wait":
            assert found == [one]
        if one is not None and one.action == "build":
            tried.append((one.id, now))
            tower.settle(one, now, "tried")
        now += timedelta(minutes=5)
    assert {id for id, _ in tried} == {"r@2026-01-15T05:00Z"}
    pauses = [(later - earlier).seconds // 60 for (_, earlier), (_, later) in pairwise(tried)]
    assert pauses == [15, 30, 60, 120, 240, 360, 360, 360]


def test_the_latest_stands_for_what_could_not_be_built():
    """The next day's time replaces the one that is still being tried."""
    tower = Tower({"r": daily()}, at("2026-01-15T05:00"))
    tower.settle(tower.due(at("2026-01-15T06:00"))[0], at("2026-01-15T06:00"), "tried")
    (one,) = tower.due(at("2026-01-16T06:00"))
    assert (one.id, one.skipped) == ("r@2026-01-16T05:00Z", 1)


def test_a_missed_deadline_is_told_once():
    """An hour after its deadline, and not every hour again."""
    tower = Tower({"r": daily(deadline="2h"), "s": daily()}, at("2026-01-15T05:00"))

    def overdue(now: datetime) -> list[str]:
        late = schedule.overdue(tower.schedules, tower.past, tower.due(now), waiting=[], now=now)
        for one in late:
            tower.note(schedule.LATE, one.report, now, {"occurrence": one.id})
        return [one.id for one in late]

    assert overdue(at("2026-01-15T08:00")) == []
    assert overdue(at("2026-01-15T08:01")) == ["r@2026-01-15T05:00Z"]
    assert overdue(at("2026-01-15T09:00")) == []


def test_what_still_awaits_approval_after_its_deadline_is_late():
    """Built, but not there: somebody has to decide."""
    tower = Tower({"r": daily(deadline="2h")}, at("2026-01-15T05:00"))
    tower.settle(tower.due(at("2026-01-15T06:00"))[0], at("2026-01-15T06:00"), schedule.WAITING)
    now = at("2026-01-15T09:00")
    assert schedule.overdue(tower.schedules, tower.past, [], waiting=[], now=now) == []
    (one,) = schedule.overdue(tower.schedules, tower.past, [], waiting=["r"], now=now)
    assert one.id == "r@2026-01-15T05:00Z"


def test_a_clock_that_ran_ahead_is_noticed():
    """After a tick in a wrong year nothing would be due for years: that is said."""
    tower = Tower({"r": daily()}, at("2026-01-15T05:00"))
    tower.tick(at("2036-01-15T12:00"))
    assert schedule.ahead(tower.schedules, tower.past, now=at("2026-01-16T12:00")) == ["r"]


# ---- a year ---------------------------------------------------------------------------------------------

YEAR = {
    "night": Schedule(cron="30 2 * * *", catch_up="all"),
    "half-hours": Schedule(cron="0,30 1-3 26 3 *", catch_up="all"),
    "double": Schedule(cron="0,30 2 29 10 *", catch_up="all"),
    "minutes": Schedule(cron="*/30 2 29 10 *", catch_up="all"),
    "leap": Schedule(cron="0 6 29 2 *", catch_up="all", deadline="6h"),
    "monthly": Schedule(cron="0 6 1 * *", catch_up="all", holidays="after", region="DE-NW"),
    "weekly": Schedule(cron="0 7 * * 1"),
    "offices": Schedule(cron="0 5 * * *", catch_up="skip", holidays="skip", region="DE-NW"),
    "abroad": Schedule(cron="30 1 * * 0", time_zone="America/New_York", catch_up="all"),
    "register": Schedule(on="new-version", of="population.residents"),
}
OUTAGE = (at("2028-03-24T01:00"), at("2028-03-27T04:00"))
"""Three days without a tick, over the change of the clocks in spring."""


def _ticks(rng: random.Random) -> Iterator[datetime]:
    """Give moments at uneven distances over 2028 and a bit, none within the outage."""
    now = at("2028-01-01T00:00").astimezone(UTC)
    while now < at("2029-01-05T00:00"):
        if not OUTAGE[0] <= now < OUTAGE[1]:
            yield now
        now += timedelta(minutes=rng.choice([5, 60, 180, 400, 700]))


def test_in_a_year_everything_is_due_exactly_once(tmp_path: Path):
    """
    2028: both changes of the clocks, the leap day, holidays, a three-day outage, every tick twice; a real book.

    What has to come out is counted without the library: by the calendar.
    """
    made = a_city(tmp_path / "city")
    state = made.open().state
    book = Book(state.root / "book.sqlite", key=state.key)
    rng = random.Random(2028)

    def append(kind: str, *, subject: str, now: datetime, details: Mapping[str, object]) -> Entry:
        return book.append(kind, subject=subject, actor=ACTOR, now=now, details=details)

    tower = Tower(YEAR, at("2028-01-01T00:00"), append=append)
    built: list[Occurrence] = []
    arrivals = 0
    for now in _ticks(rng):
        version = str((now - at("2028-01-01T00:00")).days // 30)  # a delivery every thirty days
        arrivals = max(arrivals, int(version) + 1)
        done = tower.tick(now, population__residents=version)
        assert tower.tick(now, population__residents=version) == []  # the second of two ticks at once
        built += [one for one in done if one.action == "build"]
    assert max(Counter(one.id for one in built).values()) == 1
    assert Past.of(book.entries()) == tower.past
    assert book.verify()["ok"]
    days = {
        name: [one for one in built if one.report == name and one.due < at("2029-01-01T00:00")]
        for name in YEAR
    }
    assert len(days["night"]) == 366
    assert [f"{one.due.astimezone(BERLIN):%H:%M}" for one in days["half-hours"]] == [
        "01:00",
        "01:30",
        "03:00",
        "03:30",
    ]
    assert [f"{one.due:%H:%M}" for one in days["double"]] == ["00:00", "00:30"]
    # With a star in minutes or hours, time is what counts and not what the clock shows: both hours.
    assert [f"{one.due:%H:%M}" for one in days["minutes"]] == ["00:00", "00:30", "01:00", "01:30"]
    assert len(days["leap"]) == 1
    assert len(days["monthly"]) == 12  # the first of January is a holiday and a Saturday: built on the third
    assert f"{days['monthly'][0].due.astimezone(BERLIN):%d.%m.}" == "03.01."
    assert len(days["abroad"]) == 53
    assert len(days["weekly"]) == 52
    assert len(days["register"]) == arrivals - 1 or len(days["register"]) == arrivals
    assert _weekdays_off_counted(days["offices"])


def _weekdays_off_counted(found: list[Occurrence]) -> bool:
    """Tell whether no report of the offices fell on a weekend or a holiday of the region."""
    off = {date(2028, 4, 14), date(2028, 4, 17), date(2028, 5, 1), date(2028, 5, 25), date(2028, 6, 5),
           date(2028, 6, 15), date(2028, 10, 3), date(2028, 11, 1), date(2028, 12, 25), date(2028, 12, 26)}  # fmt: skip
    local = [one.due.astimezone(BERLIN).date() for one in found]
    return bool(local) and all(day.weekday() < 5 and day not in off for day in local)


@settings(max_examples=30, deadline=None)
@given(
    cron=st.sampled_from(["30 2 * * *", "*/20 1-3 * * *", "0 6 1 * *", "15 3 29 2 *", "0 0 * * 1"]),
    gaps=st.lists(st.integers(min_value=1, max_value=3000), min_size=1, max_size=25),
    start=st.datetimes(min_value=datetime(2027, 9, 1), max_value=datetime(2028, 11, 1)),
)
def test_however_the_ticks_fall_everything_comes_once_and_in_order(
    cron: str, gaps: list[int], start: datetime
):
    """With `all`, the times built are those of the expression, whatever the distances between ticks."""
    begun = start.replace(tzinfo=UTC, second=0, microsecond=0)
    tower = Tower({"r": Schedule(cron=cron, catch_up="all")}, begun)
    now, built = begun, []
    for gap in gaps:
        now += timedelta(minutes=gap)
        built += [one.nominal for one in tower.tick(now)]
    expected = []
    for nominal in schedule.nominals(tower.schedules["r"], after=begun - timedelta(minutes=1), zone=BERLIN):
        if nominal > now:
            break
        expected.append(nominal)
    assert built == expected


# ---- mistakes, and periods ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "key", "words"),
    [
        ({}, "", "either cron or on"),
        ({"cron": "0 6 * * *", "on": "new-version", "of": "a.b"}, "", "either cron or on"),
        ({"on": "new-version"}, "of", "is missing"),
        ({"cron": "0 6 * * *", "of": "a.b"}, "of", "belongs to on"),
        ({"on": "new-version", "of": "a.b", "catch_up": "all"}, "catch_up", "for cron only"),
        ({"on": "new-version", "of": "a.b", "time_zone": "UTC"}, "time_zone", "for cron only"),
        ({"on": "new-version", "of": "residents"}, "of", "no id"),
        ({"cron": "0 6 * *"}, "cron", "five fields"),
        ({"cron": "0 6 1 * * *"}, "cron", "five fields"),
        ({"cron": "@daily"}, "cron", "five fields"),
        ({"cron": "61 6 * * *"}, "cron", "wrong minute"),
        ({"cron": "0 25 * * *"}, "cron", "wrong hour"),
        ({"cron": "0 6 * 13 *"}, "cron", "wrong month"),
        ({"cron": "0 6 * * 8"}, "cron", "day of the week"),
        ({"cron": "0 6 31 2 *"}, "cron", "day of the month"),
        ({"cron": "0 6 * * *", "time_zone": "Europe/Berln"}, "time_zone", "no time zone"),
        ({"cron": "0 6 * * *", "deadline": "soon"}, "deadline", "no span"),
        ({"cron": "0 6 * * *", "region": "DE-NW"}, "region", "with holidays only"),
        ({"cron": "0 6 * * *", "holidays": "skip"}, "holidays", "needs region"),
        ({"cron": "0 6 * * *", "holidays": "skip", "region": "DE-XX"}, "region", "unknown"),
        ({"cron": "0 6 * * *", "holidays": "skip", "region": "Atlantis"}, "region", "unknown"),
        ({"cron": "0 6 * * 0", "holidays": "skip", "region": "DE"}, "cron", "never"),
    ],
)
def test_a_mistake_is_said_where_it_stands(told: dict, key: str, words: str):
    """Key and sentence; what was written comes with what to write."""
    found = schedule.mistakes(Schedule(**told))
    assert [(one[0], words in one[2].en) for one in found] == [(key, True)]


@pytest.mark.parametrize(
    "told",
    [
        {"cron": "0 6 1 * *", "holidays": "before", "region": "DE", "deadline": "2d", "catch_up": "all"},
        {"cron": "0 6 L * *", "time_zone": "Europe/Vienna"},
        {"cron": "0 6 * * MON#1"},
        {"on": "new-version", "of": ["a.b", "a.c"], "catch_up": "latest", "deadline": "90m"},
    ],
)
def test_a_valid_schedule_has_no_mistakes(told: dict):
    """Last day of the month, first Monday, several datasets."""
    assert schedule.mistakes(Schedule(**told)) == []


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("date", "2028-03-01"), ("previous-day", "2028-02-29"), ("year", 2028), ("previous-year", 2027),
        ("previous-year-end", "2027-12-31"), ("month", "2028-03"), ("previous-month", "2028-02"),
        ("previous-month-end", "2028-02-29"), ("quarter", "2028-Q1"), ("previous-quarter", "2027-Q4"),
    ],
)  # fmt: skip
def test_a_period_is_counted_from_the_nominal_day(period: str, expected: object):
    """Across the leap day and the turn of the year."""
    assert schedule.filled(f"{{occurrence:{period}}}", day=date(2028, 3, 1)) == expected


def test_every_period_has_a_test_case():
    """A new period is counted by hand above before anybody uses it."""
    cases = test_a_period_is_counted_from_the_nominal_day.pytestmark[0].args[1]
    assert {period for period, _ in cases} == set(schedule.PERIODS)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-05-01T05:59", "2026-04-01"),
        ("2026-05-01T06:00", "2026-04-01"),  # a holiday: due on Monday only
        ("2026-05-04T05:59", "2026-04-01"),
        ("2026-05-04T06:00", "2026-05-01"),
        ("2026-05-20T12:00", "2026-05-01"),
    ],
)
def test_the_nominal_day_of_a_moment_is_the_last_one_that_was_due(now: str, expected: str):
    """What is built by hand between two times is built for the last one."""
    one = Schedule(cron="0 6 1 * *", holidays="after", region="DE-NW")
    assert schedule.day_of(one, now=at(now), zone=BERLIN).isoformat() == expected


def test_without_times_the_nominal_day_is_today():
    """New versions have no times of their own."""
    now = at("2026-05-01T00:30")
    assert schedule.day_of(None, now=now.astimezone(UTC), zone=BERLIN) == date(2026, 5, 1)
    watching = Schedule(on="new-version", of="a.b")
    assert schedule.day_of(watching, now=now.astimezone(UTC), zone=BERLIN) == date(2026, 5, 1)
