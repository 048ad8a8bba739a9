"""What is told: an event of a report, in both languages, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stadtbuch.texts import Text, instant

FAILED, REFUSED, LATE, WAITING = "failed", "refused", "late", "awaiting-approval"
EVENTS = {
    FAILED: Text(de="gescheitert", en="failed"),
    REFUSED: Text(de="abgelehnt", en="refused"),
    LATE: Text(de="zu spät", en="late"),
    WAITING: Text(de="wartet auf Freigabe", en="awaiting approval"),
}
MEANINGS = {
    FAILED: Text(
        de="Der Bericht konnte nicht gebaut werden. Die letzte Ausgabe bleibt öffentlich.",
        en="The report could not be built. The last edition stays public.",
    ),
    REFUSED: Text(
        de="Die Freigabeprüfung hat den Bericht abgelehnt. Die letzte Ausgabe bleibt öffentlich.",
        en="The gate refused the report. The last edition stays public.",
    ),
    LATE: Text(de="Der Bericht ist zu seiner Frist nicht da.", en="The report is not there at its deadline."),
    WAITING: Text(
        de="Eine neue Ausgabe ist fertig und wartet auf eine Entscheidung.",
        en="A new edition is ready and waits for a decision.",
    ),
}
ADVICE = {
    FAILED: Text(de="stadtbuch build {report}", en="stadtbuch build {report}"),
    REFUSED: Text(de="stadtbuch check {report}", en="stadtbuch check {report}"),
    LATE: Text(de="stadtbuch schedule list {report}", en="stadtbuch schedule list {report}"),
    WAITING: Text(de="stadtbuch report list", en="stadtbuch report list"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One thing to tell.

    Attributes
    ----------
    event
        One of `EVENTS`.
    report
        Its name.
    occurrence
        Id of the time at which it was due.
    due
        That time.
    codes
        Codes of errors and rules.
    cells
        How many pages are concerned.
    """

    event: str
    report: str
    occurrence: str
    due: datetime
    codes: tuple[str, ...] = ()
    cells: int = 0

    @property
    def id(self) -> str:
        """Name it: the same thing is told once."""
        return f"{self.event}:{self.occurrence}"

    def to_record(self) -> dict[str, Any]:
        """Write the notice as JSON, as the book and machines get it."""
        return {
            "event": self.event,
            "report": self.report,
            "occurrence": self.occurrence,
            "due": instant(self.due),
            "codes": list(self.codes),
            "cells": self.cells,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Notice:
        """Read what `to_record` wrote; other keys are left aside."""
        return cls(
            event=record["event"],
            report=record["report"],
            occurrence=record["occurrence"],
            due=datetime.fromisoformat(record["due"]),
            codes=tuple(record["codes"]),
            cells=record["cells"],
        )


def subject(notice: Notice, *, city: str, language: str) -> str:
    """
    Give the line that people see first.

    Examples
    --------
    >>> at = datetime.fromisoformat("2026-01-15T06:00+01:00")
    >>> subject(Notice("late", "area", "area@x", at), city="Musterstadt", language="en")
    '[Musterstadt] area: late'
    """
    return f"[{city}] {notice.report}: {EVENTS[notice.event].pick(language)}"


def body(notice: Notice, *, language: str, shown: str) -> str:
    """
    Write the notice for people: what happened, where, what to do.

    Parameters
    ----------
    notice
        What is told.
    language
        ``de`` or ``en``.
    shown
        The due time as readers write it.

    Examples
    --------
    >>> at = datetime.fromisoformat("2026-01-15T06:00+01:00")
    >>> print(body(Notice("failed", "area", "area@x", at, ("run.failed",)), language="en", shown="2026-01-15 06:00"))
    The report could not be built. The last edition stays public.
    <BLANKLINE>
    Report:  area
    Due:     2026-01-15 06:00
    Codes:   run.failed
    What to do? stadtbuch build area
    """
    words = {"de": ("Bericht", "Fällig", "Seiten", "Kennungen", "Was tun?"),
             "en": ("Report", "Due", "Pages", "Codes", "What to do?")}[language]  # fmt: skip
    width = max(len(word) for word in words[:4]) + 3
    rows = [(words[0], notice.report), (words[1], shown)]
    rows += [(words[2], str(notice.cells))] if notice.cells else []
    rows += [(words[3], ", ".join(notice.codes))] if notice.codes else []
    lines = [f"{label + ':':<{width}}{value}" for label, value in rows]
    advice = ADVICE[notice.event].pick(language).format(report=notice.report)
    return "\n".join([MEANINGS[notice.event].pick(language), "", *lines, f"{words[4]} {advice}"])


def message(notice: Notice, *, city: str, shown: Text, first: str) -> tuple[str, str]:
    """Give subject and body: both languages below each other, the city's first."""
    order = ("en", "de") if first == "en" else ("de", "en")
    parts = [body(notice, language=language, shown=shown.pick(language)) for language in order]
    return subject(notice, city=city, language=first), "\n\n--\n\n".join(parts)
