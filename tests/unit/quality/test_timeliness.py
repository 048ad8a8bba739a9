"""Timeliness: how old the newest data are, and how old they may be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.model.dataset import Dataset
from stadtbuch.model.measure import Gap, Grade
from stadtbuch.quality import timeliness

BOTH = {"de": "Wort", "en": "word"}
TODAY = date(2026, 1, 15)
REASON = {
    "kind": "personal-data", "text": BOTH, "legal_basis": "§ 1", "decided_by": "data-owner",
    "decided": "2026-01-01", "review": "2028-01-01",
}  # fmt: skip


def described(*, closed: bool = False, key: tuple[str, ...] = ("day",), **changes: Any) -> Dataset:
    """Describe a dataset with a day and a second date."""
    fields = [{"name": name, "type": "date", "title": BOTH} for name in ("day", "since")]
    entry = {
        "id": "example.data", "domain": "example", "title": BOTH, "description": BOTH, "publisher": "office",
        "owner": "head", "steward": "steward", "contactPoint": "office@city.example", "misuse": BOTH,
        "source": {"reader": "csv", "url": "{DATA}/x.csv"}, "modified": "2025-06-01", "accrualPeriodicity": "MONTHLY",
        "access": {"class": "closed", "reason": REASON} if closed else {"class": "open"},
        "schema": {"fields": fields, "primaryKey": list(key)}, "quality": {"targets": {"timely": "P10D"}},
    }  # fmt: skip
    return Dataset.model_validate(entry | changes)


def days(*written: str) -> pd.DataFrame:
    """Make a frame of days; the second column is long ago."""
    found = pd.to_datetime(pd.Series(written))
    return pd.DataFrame({"day": found, "since": pd.to_datetime(pd.Series(["1990-01-01"] * len(found)))})


def test_the_newest_day_is_that_of_the_key() -> None:
    """Since when a device stands there says nothing about how fresh the data are."""
    assert timeliness.newest(days("2025-12-01", "2025-12-31"), described(), at=TODAY) == date(2025, 12, 31)


def test_without_a_day_in_the_key_the_entry_says_it() -> None:
    """A list of trees is as fresh as its last change."""
    assert timeliness.newest(days("2025-12-31"), described(key=()), at=TODAY) == date(2025, 6, 1)


def test_a_day_in_the_future_makes_nothing_fresh() -> None:
    """A mistyped year would keep the data timely for ever; it is noticed, too."""
    frame = days("2025-12-31", "2062-01-01")
    assert timeliness.newest(frame, described(), at=TODAY) == date(2025, 12, 31)
    assert timeliness.ahead(frame, described(), at=TODAY)
    assert not timeliness.ahead(days("2025-12-31"), described(), at=TODAY)


def test_a_day_ends_at_midnight_of_its_zone() -> None:
    """The last hour of today is today, in the city's time."""
    hours = pd.DataFrame({"day": pd.to_datetime(["2026-01-15T23:30"]).tz_localize("Europe/Berlin")})
    dataset = described()
    assert timeliness.newest(hours, dataset, at=TODAY) == TODAY
    assert not timeliness.ahead(hours, dataset, at=TODAY)
    assert timeliness.ahead(hours, dataset, at=TODAY - timedelta(days=1))


def test_no_day_at_all_is_no_new_day() -> None:
    """Where the key's day is empty everywhere, the entry's own date counts."""
    frame = pd.DataFrame({"day": pd.to_datetime(pd.Series([None, None]))})
    assert timeliness.newest(frame, described(), at=TODAY) == date(2025, 6, 1)
    assert not timeliness.ahead(frame, described(), at=TODAY)


def test_rhythm_and_delivery_time_are_added() -> None:
    """Monthly data that may take ten days are timely for 41 days."""
    assert timeliness.allowed(described()) == 41
    assert timeliness.allowed(described(accrualPeriodicity=None)) == 10
    assert timeliness.allowed(described(accrualPeriodicity="IRREG", quality={})) is None


@pytest.mark.parametrize(
    ("age", "verdict"), [(0, "good"), (41, "good"), (42, "warning"), (61, "warning"), (62, "bad")]
)
def test_verdict_by_age(age: int, verdict: str) -> None:
    """On the last day allowed data are good, half as long again a warning, then bad."""
    found = timeliness.timely(described(), newest=TODAY - timedelta(days=age), at=TODAY)
    assert (found.value, found.verdict) == (age, verdict)


def test_without_a_promise_nothing_is_late() -> None:
    """A dataset without rhythm and target is not measured, and not good."""
    found = timeliness.timely(described(accrualPeriodicity="IRREG", quality={}), newest=TODAY, at=TODAY)
    assert (found.verdict, found.gap) == (Grade.not_measured, Gap.no_rule)


def test_the_newest_day_of_closed_data_is_blurred() -> None:
    """The newest entry may be one person's: it counts as the end of its month."""
    one = timeliness.timely(described(closed=True), newest=date(2025, 11, 3), at=TODAY)
    other = timeliness.timely(described(closed=True), newest=date(2025, 11, 28), at=TODAY)
    assert one == other
    assert one.newest == date(2025, 11, 30)


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), TODAY), st.dates(date(2020, 1, 1), TODAY))
def test_newer_data_are_never_less_timely(one: date, other: date) -> None:
    """Of two newest days the later one is at least as good."""
    order = [Grade.bad, Grade.warning, Grade.good]
    for dataset in (described(), described(closed=True)):
        older, newer = (timeliness.timely(dataset, newest=day, at=TODAY) for day in sorted((one, other)))
        assert order.index(older.verdict) <= order.index(newer.verdict)
        assert 0 <= newer.value <= older.value
