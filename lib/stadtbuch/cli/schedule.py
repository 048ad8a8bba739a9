"""``stadtbuch schedule``: when which report is due, and what a timer needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import (
    CityOption,
    JsonOption,
    NowOption,
    answer,
    explained,
    language,
    open_city,
    said,
)
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.schedule import Schedule
    from stadtbuch.reports.timetable import Outlook
    from stadtbuch.session import City

app = typer.Typer(add_completion=False)

ReportsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REPORT",
        help=said("Welche Berichte; ohne Angabe alle.", "Which reports; else all."),
        show_default=False,
    ),
]


@app.command(
    "list",
    help=explained(
        Text(
            de="Zeigt je Bericht den Zeitplan, was zuletzt daraus wurde und wann er wieder fällig ist.",
            en="Show for every report its schedule, what became of it last, and when it is due again.",
        ),
        example="stadtbuch schedule list",
    ),
)
def list_(
    report: ReportsArgument = None,
    *,
    city: CityOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """List schedules."""
    from stadtbuch.reports import timetable  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now)
    told = timetable.outlook(opened, report or [])
    lines = [_listed(opened, told, name, one) for name, one in told.schedules.items()]
    answer(lines, as_json=as_json, human=lambda console: _show(console, lines))


def _listed(city: City, told: Outlook, report: str, one: Schedule) -> dict[str, Any]:
    from stadtbuch.reports import timetable  # noqa: PLC0415 - start-up time

    zone = city.settings.city.zone
    last = told.past.outcomes.get(report)
    following = timetable.upcoming(one, after=city.now, zone=zone, number=1)
    return {
        "report": report,
        "schedule": timetable.told(one).pick(language()),
        "begun": report in told.past.begun,
        "due": [occurrence.id for occurrence in told.due if occurrence.report == report],
        "last": instant(datetime.fromisoformat(last.details["due"])) if last else None,
        "outcome": last.details["outcome"] if last else None,
        "next": instant(following[0][1]) if following else None,
        "next_local": timetable.shown(following[0][1], zone=zone).pick(language()) if following else None,
    }


def _show(console: Console, lines: list[dict[str, Any]]) -> None:
    from stadtbuch.cli.tick import OUTCOMES  # noqa: PLC0415 - with the command that needs it

    for one in lines:
        last = OUTCOMES[one["outcome"]].pick(language()) if one["outcome"] else said("noch nie", "never yet")
        after = one["next_local"] or said("bei neuen Daten", "with new data")
        due = said(", jetzt fällig", ", due now") if one["due"] else ""
        console.print(f"{one['report']:<32} {one['schedule']}", soft_wrap=True)
        words = said(f"zuletzt: {last}; wieder: {after}{due}", f"last: {last}; next: {after}{due}")
        console.print(f"{'':<32} {words}", soft_wrap=True)
    if not lines:
        console.print(
            said("Kein Bericht hat einen Zeitplan (schedule:).", "No report has a schedule (schedule:)."),
            style="bold",
        )


@app.command(
    "next",
    help=explained(
        Text(
            de="Zeigt die nächsten Termine, der Reihe nach; vorsorglich auch nach Feiertagen und Zeitumstellung.",
            en="Show the next times in their order, to see what days off and changes of the clock do to them.",
        ),
        example="stadtbuch schedule next --number 12",
    ),
)
def next_(
    report: ReportsArgument = None,
    *,
    number: Annotated[
        int,
        typer.Option("--number", min=1, max=1000, metavar="N", help=said("Wie viele.", "How many.")),
    ] = 10,
    city: CityOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the next times."""
    from stadtbuch.reports import timetable  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now)
    zone = opened.settings.city.zone
    told = timetable.outlook(opened, report or [])
    found = [
        (due, nominal, name)
        for name, one in told.schedules.items()
        for nominal, due in timetable.upcoming(one, after=opened.now, zone=zone, number=number)
    ]
    lines = [
        {
            "report": name,
            "due": instant(due),
            "nominal": instant(nominal),
            "local": timetable.shown(due, zone=zone).pick(language()),
            "moved_from": None if due == nominal else timetable.shown(nominal, zone=zone).pick(language()),
        }
        for due, nominal, name in sorted(found)[:number]
    ]
    watching = {name: list(one.of) for name, one in told.schedules.items() if one.of}
    document = {"times": lines, "watching": watching}
    answer(document, as_json=as_json, human=lambda console: _show_next(console, document))


def _show_next(console: Console, document: Mapping[str, Any]) -> None:
    for one in document["times"]:
        moved = (
            said(f" (statt {one['moved_from']})", f" (instead of {one['moved_from']})")
            if one["moved_from"]
            else ""
        )
        console.print(f"{one['local']}  {one['report']}{moved}", soft_wrap=True)
    for report, datasets in document["watching"].items():
        listed = ", ".join(datasets)
        words = said(f"{report}: sobald {listed} neu ist", f"{report}: as soon as {listed} is new")
        console.print(words, soft_wrap=True)
    if not document["times"] and not document["watching"]:
        console.print(said("Es steht nichts an.", "Nothing is coming up."), style="bold")
