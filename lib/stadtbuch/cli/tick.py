"""``stadtbuch tick``: build what is due now. A timer calls it; nothing runs in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from stadtbuch.cli import build as building
from stadtbuch.cli import deliveries, interruption
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JobsOption,
    JsonOption,
    NowOption,
    ReportsArgument,
    answer,
    language,
    open_city,
    said,
)
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.schedule import Occurrence
    from stadtbuch.reports.timetable import Settled, Ticked
    from stadtbuch.session import City

OUTCOMES = {
    "done": Text(de="gebaut", en="built"),
    "awaiting-approval": Text(de="wartet auf Freigabe", en="awaiting approval"),
    "refused": Text(de="abgelehnt", en="refused"),
    "failed": Text(de="gescheitert", en="failed"),
    "skipped": Text(de="ausgefallen", en="left out"),
    "tried": Text(de="noch nicht möglich, wird wieder versucht", en="not possible yet, will be tried again"),
    "busy": Text(de="ein anderer Befehl baut gerade", en="another command is building"),
    "wait": Text(de="wartet auf den nächsten Versuch", en="waits for the next try"),
}


def tick(
    report: ReportsArgument = None,
    *,
    jobs: JobsOption = 1,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do what is due."""
    from stadtbuch.reports import timetable  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    interruption.resume(opened)

    def build(names: Sequence[str], days: Mapping[str, date]) -> dict[str, Any]:
        return building.perform(opened, list(names), jobs=jobs, days=days)

    ticked = timetable.tick(opened, report or [], build=build)
    opened.memory.save()
    document = as_document(opened, ticked)
    answer(document, as_json=as_json, human=lambda console: tell(console, document))
    if ticked.exit_code:
        raise typer.Exit(ticked.exit_code)


def as_document(city: City, ticked: Ticked) -> dict[str, Any]:
    """Give the answer as JSON; what was built stands there as ``stadtbuch build`` tells it."""
    told = ticked.outlook
    waiting = [_line(city, one, outcome="wait") for one in told.due if one.action == "wait"]
    return {
        "at": instant(city.now),
        "due": [*(_settled(city, one) for one in ticked.settled), *waiting],
        "late": [one.id for one in ticked.late],
        "problems": [
            *(one.as_dict(language()) for one in told.problems),
            *({**error.as_dict(language()), "path": name} for name, error in told.unreadable.items()),
            *(_ahead(name) for name in told.ahead),
        ],
        "notices": deliveries.as_document(ticked.sent),
        "builds": [building.spoken(one) for one in ticked.builds],
        "error": ticked.error.as_dict(language()) if ticked.error else None,
    }


def _settled(city: City, one: Settled) -> dict[str, Any]:
    return {
        **_line(city, one.occurrence, outcome=one.outcome),
        "late": one.late,
        "codes": list(one.codes),
        "cells": list(one.cells),
    }


def _line(city: City, one: Occurrence, *, outcome: str) -> dict[str, Any]:
    from stadtbuch.reports import timetable  # noqa: PLC0415 - start-up time

    return {
        "report": one.report,
        "occurrence": one.id,
        "nominal": instant(one.nominal),
        "due": instant(one.due),
        "reason": timetable.reason(one, zone=city.settings.city.zone).pick(language()),
        "outcome": outcome,
    }


def _ahead(report: str) -> dict[str, Any]:
    return {
        "code": "schedule.clock",
        "path": report,
        "text": said(
            f"Der letzte Termin von {report} liegt in der Zukunft: Eine Uhr ging falsch.",
            f"The last time of {report} lies in the future: a clock was wrong.",
        ),
        "remedy": said(
            "Prüfen Sie die Uhr. Bis dahin baut stadtbuch build diesen Bericht.",
            "Check the clock. Until then stadtbuch build builds this report.",
        ),
    }


def tell(console: Console, document: Mapping[str, Any]) -> None:
    """Say for people what was due and what became of it."""
    for one in document["due"]:
        late = f" ({said('zu spät', 'late')})" if one.get("late") else ""
        outcome = OUTCOMES[one["outcome"]].pick(language())
        console.print(f"{one['report']:<32} {one['reason']}: {outcome}{late}", soft_wrap=True)
    for occurrence in document["late"]:
        words = said(f"Zu spät: {occurrence}", f"Late: {occurrence}")
        console.print(words, style="yellow", soft_wrap=True)
    for one in document["problems"]:
        place = " ".join(filter(None, (one.get("file", ""), one["path"])))
        console.print(f"{place}: {one['text']} {one['remedy']}", style="yellow", soft_wrap=True)
    for one in document["builds"]:
        building.tell(console, one)
    deliveries.tell(console, document["notices"])
    error = document["error"]
    if error:
        console.print(f"{error['text']} {error['remedy']}", style="yellow", soft_wrap=True)
    elif not document["due"]:
        console.print(said("Jetzt ist nichts fällig.", "Nothing is due now."), style="bold")
