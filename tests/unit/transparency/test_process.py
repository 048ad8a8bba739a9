"""The process report: exact counts from a scripted history, and no figure where nothing was recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stadtbuch.model.entry import Entry
from stadtbuch.settings import Energy
from stadtbuch.texts import same
from stadtbuch.transparency import process
from stadtbuch.transparency.process import Review, Spent

START = datetime(2026, 1, 1, 5, tzinfo=UTC)
TODAY = date(2026, 2, 1)


class History:
    """A book of a month, written entry by entry."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.entries: list[Entry] = []

    def add(self, kind: str, subject: str, *, day: float = 0, **details: Any) -> History:
        """Add what happened on a day."""
        number, at = len(self.entries) + 1, START + timedelta(days=day)
        self.entries.append(
            Entry(number=number, at=at, kind=kind, role="r", who="w", subject=subject, details=details,
                  previous="", hash="")
        )  # fmt: skip
        return self

    def due(self, day: int, outcome: str, *, late: bool = False, skipped: int = 0) -> History:
        """Add an occurrence of a report."""
        name = f"area@{day}"
        return self.add(
            "occurrence", "area", day=day, occurrence=name, outcome=outcome, late=late, skipped=skipped
        )


@pytest.fixture
def month() -> History:
    """Give a month with two late times, one of them never built, failures, and four submissions."""
    history = History().add("schedule-begun", "area", schedule="x")
    history.due(1, "done").due(2, "done", late=True, skipped=2).due(3, "tried").due(3, "tried").due(3, "done")
    history.due(4, "failed").add("late", "area", day=5, occurrence="area@5", deadline="6h")
    for kind in ("ran", "ran", "ran", "run-failed", "refused", "released", "loaded"):
        history.add(kind, "area")
    history.add("submission-received", "SB-1", day=0).add("submission-accepted", "SB-1", day=2)
    history.add("submission-received", "SB-2", day=1).add("submission-rejected", "SB-2", day=11)
    history.add("submission-withdrawn", "SB-1", day=12)
    history.add("submission-received", "SB-3", day=3).add("submission-inspected", "SB-3", day=4)
    return history.add("submission-received", "SB-4", day=3).add("submission-withdrawn", "SB-4", day=4)


def test_a_scripted_month_gives_exact_counts(month: History) -> None:
    """Planted late, failed, retried and refused ones are all there, and each is counted once."""
    assert process.punctuality(month.entries) == {
        "due": 5, "on_time": 2, "late": 2, "skipped": 2, "retried": 2,
    }  # fmt: skip
    assert process.outcomes(month.entries) == {"ran": 3, "failed": 1, "refused": 1, "released": 1}
    assert process.answers(month.entries) == {
        "received": 4, "decided": 2, "waiting": 1, "median_days": 6.0, "slowest_days": 10.0,
    }  # fmt: skip


def test_without_a_schedule_nobody_is_punctual() -> None:
    """A city whose reports have no schedule has no such figure."""
    assert process.punctuality(History().add("ran", "area").entries) is None


def test_a_time_that_was_told_late_and_built_later_is_late_once() -> None:
    """The entry of the deadline and that of the building are about one time."""
    history = History().add("schedule-begun", "area", schedule="x")
    history.add("late", "area", day=1, occurrence="area@1", deadline="6h").due(1, "done", late=True)

    assert process.punctuality(history.entries) == {
        "due": 1, "on_time": 0, "late": 1, "skipped": 0, "retried": 0,
    }  # fmt: skip


def test_energy_is_an_estimate_with_its_factors() -> None:
    """Watts x seconds x overhead, for measured runs only; the source stands beside it."""
    energy = Energy(watts_per_core=10, overhead=2, source=same("x"))
    spent = [Spent("ran", 10, 90.0), Spent("failed", 10, 90.0), Spent("ran", 10, None)]

    told = process.estimate(spent, energy)

    assert told["estimated_watt_hours"] == 1.0
    assert (told["watts_per_core"], told["overhead"], told["source"]["de"]) == (10, 2, "x")
    assert process.estimate([Spent("ran", 1, None)], energy)["estimated_watt_hours"] is None
    assert process.durations(spent)["measured"] == 2


def test_reviews_are_overdue_the_day_after() -> None:
    """On its day, a review is still in time."""
    found = [
        Review("a.b", TODAY),
        Review("c.d", TODAY - timedelta(days=1)),
        Review("rules", date(2030, 1, 1)),
    ]

    assert process.overdue(found, today=TODAY) == {"known": 3, "overdue": 1, "subjects": ["c.d"]}


def test_an_unreadable_result_is_no_run() -> None:
    """What was cut off, or has another form, gives no duration."""
    told = list(
        process.read_spent([{}, {"seconds": "x"}, {"seconds": 2, "status": "ran", "cpu_seconds": None}])
    )

    assert told == [Spent("ran", 2.0, None)]


def test_time_to_correction_runs_from_the_withdrawal_to_the_next_edition() -> None:
    """Only the newest edition of a cell leaves a gap; one that was followed already, or never is, gives no days."""
    history = History()
    history.add("released", "area@1", day=0).add("released", "area@2", day=1).add(
        "released", "people/a@1", day=1
    )
    history.add("withheld", "area@1", day=2)
    history.add("withheld", "area@2", day=3).add("released", "area@3", day=7)
    history.add("content-removed", "people/a@1", day=8, editions=["people/a@1"])

    told = process.corrections(history.entries)

    assert told == {"withdrawn": 3, "corrected": 1, "waiting": 1, "median_days": 4.0, "slowest_days": 4.0}
    assert process.corrections([])["median_days"] is None
