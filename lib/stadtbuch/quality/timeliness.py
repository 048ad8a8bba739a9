"""
Timeliness: how old the newest data are, and how old they may be.

The newest day is that of the data where a date is part of the key (a series of days, or of reference dates), else
the day on which the entry says the data were last changed. They may be as old as their rhythm plus the time that
the catalogue grants for a delivery: ``accrualPeriodicity: ANNUAL`` and ``targets: {timely: P35D}`` make 401 days.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

import pandas as pd

from stadtbuch.model.dataset import Column, Dataset, FieldType
from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement
from stadtbuch.quality.indicators import not_measured

RHYTHMS = {
    "TRIENNIAL": 1096,
    "BIENNIAL": 731,
    "ANNUAL": 366,
    "ANNUAL_2": 184,
    "ANNUAL_3": 122,
    "QUARTERLY": 92,
    "BIMONTHLY": 62,
    "MONTHLY": 31,
    "BIWEEKLY": 14,
    "WEEKLY": 7,
    "DAILY": 1,
    "HOURLY": 1,
    "CONT": 1,
    "UPDATE_CONT": 1,
}
"""Days between two deliveries, by the code of the EU's list of frequencies; other codes promise no rhythm."""

PATIENCE = 0.5
"""By which part of the time allowed data may be late and still be a warning rather than bad."""

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_DAYS = (366, 31, 7, 1)


def days(duration: str) -> int | None:
    """
    Give the days of an ISO 8601 duration, years and months at their longest; ``None`` if it is none.

    Examples
    --------
    >>> days("P35D"), days("P1Y"), days("P2W"), days("soon")
    (35, 366, 14, None)
    """
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        return None
    return sum(int(number or 0) * length for number, length in zip(match.groups(), _DAYS, strict=True))


def allowed(dataset: Dataset) -> int | None:
    """Give how many days old the newest data may be; ``None`` where the catalogue promises nothing."""
    rhythm = RHYTHMS.get(dataset.accrual_periodicity or "")
    tolerance = days(str((dataset.quality.get("targets") or {}).get("timely", "")))
    if rhythm is None and tolerance is None:
        return None
    return (rhythm or 0) + (tolerance or 0)


def newest(frame: pd.DataFrame, dataset: Dataset, *, at: date) -> date | None:
    """
    Give the newest day of the data that is not after `at`; that of the entry where the data state none.

    A day in the future is a plan or a mistake; neither makes data timely.
    """
    found = [_latest(frame[one.name], at) for one in _dated(dataset)]
    return max((one for one in found if one is not None), default=None) or stated(dataset)


def stated(dataset: Dataset) -> date | None:
    """Give the day on which the entry says that the data were last changed."""
    return dataset.modified or dataset.issued


def ahead(frame: pd.DataFrame, dataset: Dataset, *, at: date) -> bool:
    """Whether the data hold days after `at`: then their newest day depends on the day one asks."""
    columns = [frame[one.name] for one in _dated(dataset)]
    return any(bool((values >= _midnight(values, at)).any()) for values in columns)


def timely(dataset: Dataset, *, newest: date | None, at: date) -> Measurement:
    """
    Measure how many days old the newest data are.

    Of data that are not open, the newest day could be that of one person's entry: it counts as the last day of
    its month.

    Parameters
    ----------
    dataset
        Says how old the data may be.
    newest
        From `newest`.
    at
        The day one asks.
    """
    may_be = allowed(dataset)
    if newest is None or may_be is None:
        return not_measured(dataset, Criterion.timely, Gap.no_rule)
    day = newest if dataset.is_open else min(_end_of_month(newest), max(at, newest))
    age = max((at - day).days, 0)
    return Measurement(
        dataset=dataset.id,
        criterion=Criterion.timely,
        value=age,
        unit="days",
        target=may_be,
        verdict=_grade(age, may_be),
        newest=day,
        due=day + timedelta(days=may_be),
    )


def _grade(age: int, may_be: int) -> Grade:
    if age <= may_be:
        return Grade.good
    return Grade.warning if age <= may_be * (1 + PATIENCE) else Grade.bad


def _dated(dataset: Dataset) -> list[Column]:
    """Give the columns of the key that hold days or times."""
    kinds = (FieldType.date, FieldType.datetime)
    columns = (one for one in dataset.table.fields if one.name in dataset.table.primary_key)
    return [one for one in columns if one.type in kinds]


def _midnight(values: pd.Series, at: date) -> pd.Timestamp:
    """Give the end of a day in the time zone of a column."""
    return pd.Timestamp(at + timedelta(days=1), tz=values.dt.tz)


def _latest(values: pd.Series, at: date) -> date | None:
    newest = values[values < _midnight(values, at)].max()
    return None if pd.isna(newest) else newest.date()


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
