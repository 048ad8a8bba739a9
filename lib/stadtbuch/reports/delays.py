"""
What readers are told while something does not work: that the newest edition is delayed, or that a delivery is missing.

It follows from the internal records of failures and from the report's definition. Readers learn since when, never why:
the cause stands on the internal page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from stadtbuch.model.report import Report
from stadtbuch.reports import last_good


@dataclass(frozen=True, slots=True)
class Delay:
    """
    What is told on the page of a cell.

    Attributes
    ----------
    since
        The first day, in the city's zone.
    missing
        Datasets whose delivery is missing and whose last good snapshot counts; none where the edition itself is late.
    """

    since: date
    missing: tuple[str, ...] = ()


def told(
    records: Iterable[Mapping[str, Any]],
    reports: Mapping[str, Report],
    *,
    released: Mapping[tuple[str, str], datetime],
    zone: tzinfo,
) -> dict[tuple[str, str], Delay]:
    """
    Say of which cells something is told.

    Parameters
    ----------
    records
        Of `failures.everything`. One without a cell is about all cells of its report.
    reports
        The definitions: a failure is told only if the report asks for it.
    released
        Report and cell -> when an edition was last released; what failed before then is no news for readers.
    zone
        In which days are counted.

    Returns
    -------
    dict
        Report and cell -> what is told; an empty cell stands for all.
    """
    found = {}
    for one in records:
        key, since = (one["report"], one["cell"]), datetime.fromisoformat(one["since"])
        report, day = reports.get(one["report"]), since.astimezone(zone).date()
        if one["status"] == last_good.ASKED:
            found[key] = Delay(day, tuple(one["missing"]))
        elif report is not None and report.on_failure == "notice" and not _over(since, released.get(key)):
            found[key] = Delay(day)
    return found


def _over(since: datetime, released: datetime | None) -> bool:
    return released is not None and released > since
