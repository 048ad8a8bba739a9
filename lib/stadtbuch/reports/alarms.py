"""
Alarms: which notices follow from a tick or a build, each told once per channel, and tried again where a channel failed.

What was told, on which channel and whether it arrived, stands in the book.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stadtbuch.book.ledger import Book
from stadtbuch.model.entry import Entry
from stadtbuch.model.schedule import Occurrence
from stadtbuch.notification import channels
from stadtbuch.notification.channels import Sent
from stadtbuch.notification.notices import FAILED, LATE, REFUSED, WAITING, Notice
from stadtbuch.session.city import City

TOLD = "notified"
"""Kind of the book's entries about notices."""
MOST_TRIES = 5
PAUSE = timedelta(minutes=10)
"""Between two tries of a channel that failed."""


@dataclass(slots=True)
class Delivery:
    """How far one notice is on one channel."""

    notice: Notice
    channel: str
    ok: bool
    tries: int
    last: datetime


def deliveries(book: Book) -> dict[tuple[str, str], Delivery]:
    """Give every notice of the book by its id and channel."""
    found: dict[tuple[str, str], Delivery] = {}
    for entry in book.entries(kind=TOLD):
        notice = Notice.from_record({**entry.details, "report": entry.subject})
        key = (notice.id, str(entry.details["channel"]))
        before = found.get(key)
        tries = (before.tries if before else 0) + 1
        found[key] = Delivery(notice, key[1], bool(entry.details["ok"]), tries, entry.at)
    return found


def tell(city: City, notices: Iterable[Notice]) -> list[Sent]:
    """
    Tell what is new, and once more what did not arrive; note in the book what became of it.

    Parameters
    ----------
    city
        The session; its settings say which events are told, and on which channels.
    notices
        What happened; what was told before is left out.

    Returns
    -------
    list
        One outcome per notice and channel; a channel that fails raises nothing.
    """
    names = channels.channels(city.settings)
    if not names:
        return []
    before = deliveries(city.book)
    fresh = [one for one in notices if one.event in city.settings.notify.events]
    due = [(one, name) for one in fresh for name in names if (one.id, name) not in before]
    due += [(one.notice, one.channel) for one in before.values() if _again(one, names, now=city.now)]
    sent = [channels.send(one, name, settings=city.settings, now=city.now) for one, name in due]
    for one in sent:
        _note(city, one)
    return sent


def _again(one: Delivery, names: Sequence[str], *, now: datetime) -> bool:
    return not one.ok and one.channel in names and one.tries < MOST_TRIES and now >= one.last + PAUSE


def _note(city: City, sent: Sent) -> Entry:
    told = {key: value for key, value in sent.notice.to_record().items() if key != "report"}
    details = {**told, "channel": sent.channel, "ok": sent.ok, "error": sent.error}
    return city.book.append(TOLD, subject=sent.notice.report, actor=city.actor, now=city.now, details=details)


# ---- what there is to tell ------------------------------------------------------------------------------

EVENT_OF = {"failed": FAILED, "tried": FAILED, "refused": REFUSED, "awaiting-approval": WAITING}
"""Outcome of an occurrence -> event; what is done, skipped or waits for another command is no news."""


def of_late(late: Iterable[Occurrence]) -> Iterator[Notice]:
    """Give the notices about what missed its deadline."""
    for one in late:
        yield Notice(LATE, one.report, one.id, one.due)


def of_outcome(
    occurrence: Occurrence, outcome: str, *, codes: tuple[str, ...], cells: int
) -> Iterator[Notice]:
    """Give the notice about what became of an occurrence; a second try that fails like the first is none."""
    if outcome in EVENT_OF:
        yield Notice(EVENT_OF[outcome], occurrence.report, occurrence.id, occurrence.due, codes, cells)


def of_build(report: str, runs: Sequence[Mapping[str, Any]], *, now: datetime) -> Iterator[Notice]:
    """
    Give the notice about a build that somebody called: failed before refused, and the same once a day.

    Parameters
    ----------
    runs
        What became of the report's cells, as `reports.build` gives it.
    """
    for status in (FAILED, REFUSED):
        concerned = [one for one in runs if one["status"] == status]
        if concerned:
            told = tuple(dict.fromkeys(code for one in concerned for code in codes(one)))
            cells = sum(bool(one["cell"]) for one in concerned)
            yield Notice(EVENT_OF[status], report, f"{report}@build:{now:%Y-%m-%d}", now, told, cells)
            return


def codes(run: Mapping[str, Any]) -> list[str]:
    """Give the codes of what went wrong; never a text, which could say more than a mail may."""
    error = [run["error"].code] if run["error"] is not None else []
    return [*error, *sorted({finding.rule for finding in run["findings"]})]


def of_obstacle(report: str, what: str, code: str, *, now: datetime) -> Notice:
    """Give the notice about something that keeps a report from being judged: told once a day as long as it lasts."""
    return Notice(FAILED, report, f"{report}@{what}:{now:%Y-%m-%d}", now, (code,))
