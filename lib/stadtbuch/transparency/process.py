"""
The quality of the process, beside that of the data: how punctually, how reliably and how sparingly reports are made.

A fold over the book, which has every event and no times, and over what the runs' folders say of seconds and processor
time. A figure that nothing was recorded for is None, not zero. Runs that `stadtbuch tidy` has removed are missing from
the durations, so these say how many runs they are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from stadtbuch.model.entry import Entry
from stadtbuch.settings import Energy

DECIDED = ("submission-accepted", "submission-rejected")
WITHDRAWN = ("withheld", "content-removed")
ON_TIME = "done"


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run took, from its ``result.json``: seconds by the clock, and processor seconds if measured."""

    status: str
    seconds: float
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """Something that somebody must look at again by a day: the id of a dataset, or ``rules``."""

    subject: str
    due: date


def measure(
    entries: Sequence[Entry],
    spent: Iterable[Spent],
    reviews: Iterable[Review],
    *,
    energy: Energy,
    today: date,
) -> dict[str, Any]:
    """
    Give all figures of the process.

    Parameters
    ----------
    entries
        The book, from its first entry.
    spent
        One for each run whose folder is there.
    reviews
        Everything that has a day of review.
    energy
        Factors of the estimate, from the settings.
    today
        In the city's zone.

    Returns
    -------
    dict
        ``schedule`` (None if no report has had one), ``runs``, ``durations``, ``energy``, ``corrections``,
        ``reviews``, ``submissions``.
    """
    took = list(spent)
    return {
        "schedule": punctuality(entries),
        "runs": outcomes(entries),
        "durations": durations(took),
        "energy": estimate(took, energy),
        "corrections": corrections(entries),
        "reviews": overdue(reviews, today=today),
        "submissions": answers(entries),
    }


def punctuality(entries: Iterable[Entry]) -> dict[str, int] | None:
    """
    Count the times at which reports were due: settled, on time, late, skipped, and tries that were in vain.

    An occurrence is on time if it was done within its deadline; one without a deadline cannot be late. Of the entries
    about one occurrence, the last one that settled it counts.
    """
    found = list(entries)
    if not any(entry.kind == "schedule-begun" for entry in found):
        return None
    occurred = [entry for entry in found if entry.kind == "occurrence"]
    settled = {one.details["occurrence"]: one for one in occurred if one.details["outcome"] != "tried"}
    told = {entry.details["occurrence"] for entry in found if entry.kind == "late"}
    late = {name for name, one in settled.items() if one.details.get("late")} | told
    done = {name for name, one in settled.items() if one.details["outcome"] == ON_TIME}
    return {
        "due": len(settled.keys() | told),
        "on_time": len(done - late),
        "late": len(late),
        "skipped": sum(int(one.details.get("skipped") or 0) for one in settled.values()),
        "retried": sum(one.details["outcome"] == "tried" for one in occurred),
    }


def outcomes(entries: Iterable[Entry]) -> dict[str, int]:
    """Count runs that went well and that failed, decisions of the gate against a report, and releases."""
    kinds = Counter(entry.kind for entry in entries)
    names = {"ran": "ran", "failed": "run-failed", "refused": "refused", "released": "released"}
    return {name: kinds[kind] for name, kind in names.items()}


def durations(spent: Sequence[Spent]) -> dict[str, float | int | None]:
    """
    Give median and ninetieth percentile of the runs' seconds, and the sum of their processor seconds.

    The percentile is the smallest duration that at least nine in ten runs do not exceed.

    Examples
    --------
    >>> durations([Spent("ran", float(n), 0.5) for n in range(1, 11)])
    {'runs': 10, 'median_seconds': 5.5, 'p90_seconds': 9.0, 'cpu_seconds': 5.0, 'measured': 10}
    >>> durations([])["median_seconds"] is None
    True
    """
    seconds = sorted(one.seconds for one in spent)
    used = [one.cpu_seconds for one in spent if one.cpu_seconds is not None]
    return {
        "runs": len(seconds),
        "median_seconds": round(median(seconds), 3) if seconds else None,
        "p90_seconds": round(seconds[-(-9 * len(seconds) // 10) - 1], 3) if seconds else None,
        "cpu_seconds": round(sum(used), 3) if used else None,
        "measured": len(used),
    }


def estimate(spent: Sequence[Spent], energy: Energy) -> dict[str, Any]:
    """
    Estimate the energy of the measured runs: watts per core x processor seconds x what the building adds.

    It is an estimate with its factors beside it, not a measurement: the processes that plan, judge and render, idle
    machines, storage and networks are not in it.
    """
    used = [one.cpu_seconds for one in spent if one.cpu_seconds is not None]
    joules = energy.watts_per_core * sum(used) * energy.overhead
    return {
        "estimated_watt_hours": round(joules / 3600, 3) if used else None,
        "watts_per_core": energy.watts_per_core,
        "overhead": energy.overhead,
        "source": energy.source.as_dict(),
    }


def corrections(entries: Iterable[Entry]) -> dict[str, Any]:
    """
    Tell how long readers waited for a better edition after one was taken out of public.

    The time begins when the newest edition of a cell is withdrawn, and ends with the next one that is released. An
    edition that a newer one had followed by then is no gap.

    Returns
    -------
    dict
        ``withdrawn``, ``corrected``, ``waiting``, and of the corrected ones ``median_days`` and ``slowest_days``.
    """
    newest: dict[str, str] = {}
    waiting: dict[str, datetime] = {}
    withdrawn: set[str] = set()
    days: list[float] = []
    for entry in entries:
        if entry.kind == "released":
            cell = _cell(entry.subject)
            newest[cell] = entry.subject
            if cell in waiting:
                days.append((entry.at - waiting.pop(cell)).total_seconds() / 86_400)
        elif entry.kind in WITHDRAWN:
            for edition in entry.details.get("editions", [entry.subject]):
                withdrawn.add(edition)
                if newest.get(_cell(edition)) == edition:
                    waiting.setdefault(_cell(edition), entry.at)
    return {
        "withdrawn": len(withdrawn),
        "corrected": len(days),
        "waiting": len(waiting),
        "median_days": round(median(days), 1) if days else None,
        "slowest_days": round(max(days), 1) if days else None,
    }


def _cell(edition: str) -> str:
    """Give report and cell of an edition's id."""
    return edition.partition("@")[0]


def overdue(reviews: Iterable[Review], *, today: date) -> dict[str, Any]:
    """Count what is to be reviewed and name what should have been by now."""
    known = list(reviews)
    late = sorted({one.subject for one in known if one.due < today})
    return {"known": len(known), "overdue": len(late), "subjects": late}


def answers(entries: Iterable[Entry]) -> dict[str, Any]:
    """Tell how many submissions came, how many wait, and how many days the decided ones waited (median)."""
    received: dict[str, datetime] = {}
    open_now: dict[str, datetime] = {}
    days: list[float] = []
    for entry in entries:
        if entry.kind == "submission-received":
            received[entry.subject] = open_now[entry.subject] = entry.at
        elif entry.kind in DECIDED and entry.subject in open_now:
            days.append((entry.at - open_now.pop(entry.subject)).total_seconds() / 86_400)
        elif entry.kind == "submission-withdrawn":
            open_now.pop(entry.subject, None)
    return {
        "received": len(received),
        "decided": len(days),
        "waiting": len(open_now),
        "median_days": round(median(days), 1) if days else None,
        "slowest_days": round(max(days), 1) if days else None,
    }


def read_spent(results: Iterable[Mapping[str, Any]]) -> Iterator[Spent]:
    """Read what runs took; a file that is cut short or of another form counts as no run."""
    for told in results:
        seconds, used = told.get("seconds"), told.get("cpu_seconds")
        if isinstance(seconds, int | float):
            yield Spent(
                str(told.get("status")), float(seconds), used if isinstance(used, int | float) else None
            )
