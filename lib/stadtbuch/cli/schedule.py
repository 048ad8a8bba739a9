"""``stadtbuch schedule``: when which report is due, and what a timer needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import (
    CityOption,
    JobsOption,
    JsonOption,
    NowOption,
    ReportsArgument,
    answer,
    explained,
    language,
    open_city,
    open_settings,
    said,
)
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.schedule import Schedule
    from stadtbuch.reports.timers import Timer
    from stadtbuch.reports.timetable import Outlook
    from stadtbuch.session import City

app = typer.Typer(add_completion=False)


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


# ---- what a timer needs ---------------------------------------------------------------------------------

EveryOption = Annotated[
    int,
    typer.Option(
        "--every",
        metavar="MINUTES",
        help=said(
            "Minuten zwischen zwei Takten: 5, 10, 15, 20, 30 oder 60.", "Minutes between ticks: 5 to 60."
        ),
    ),
]
ToOption = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="PATH",
        help=said("Ordner für die Dateien; ohne ihn auf stdout.", "Folder for the files; else stdout."),
        show_default=False,
    ),
]
ReplaceOption = Annotated[
    bool,
    typer.Option("--replace", help=said("Ersetzt Dateien, die es schon gibt.", "Replace files that exist.")),
]


@app.command(
    "install",
    help=explained(
        Text(
            de="Schreibt Timer und Dienst für systemd oder eine Zeile für cron, und sagt, wie man sie einschaltet.",
            en="Write timer and service for systemd, or a line for cron, and say how to switch them on.",
        ),
        example="stadtbuch schedule install --kind systemd --every 15",
    ),
)
def install(
    *,
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="systemd|cron", help=said("Für welchen Timer.", "For which timer.")),
    ] = "systemd",
    to: ToOption = None,
    every: EveryOption = 15,
    jobs: JobsOption = 1,
    account: Annotated[
        str,
        typer.Option(
            "--user",
            metavar="LOGIN",
            help=said("Unter welcher Kennung.", "Under which account."),
            show_default=False,
        ),
    ] = "",
    replace: ReplaceOption = False,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a timer needs; nothing is switched on."""
    from stadtbuch.reports import timers  # noqa: PLC0415 - start-up time

    writers = {"systemd": timers.systemd, "cron": timers.cron}
    if kind not in writers:
        raise _no_choice("--kind", list(writers))
    if to is not None and os.geteuid() == 0 and not account:
        raise _as_root()
    timer = _timer(city, every=every, jobs=jobs, account=account)
    files = writers[kind](timer)
    written = timers.lay(files, to, replace=replace) if to is not None else []
    document = {
        "files": files,
        "written": [str(path) for path in written],
        "then": _then(kind, timer.name, account=account),
    }
    answer(document, as_json=as_json, human=lambda console: _show_files(console, document))


def _timer(city: Path | None, *, every: int, jobs: int, account: str = "") -> Timer:
    from stadtbuch.reports import timers  # noqa: PLC0415 - start-up time

    settings = open_settings(city)
    if every not in timers.MINUTES:
        raise _no_choice("--every", [str(one) for one in timers.MINUTES])
    return timers.Timer(
        settings.city.name, settings.root, _program(), every=every, jobs=jobs, account=account
    )


def _program() -> tuple[str, ...]:
    """Give the words that call this installation, whatever the path of a timer is."""
    beside = Path(sys.executable).with_name("stadtbuch")
    return (str(beside),) if beside.is_file() else (sys.executable, "-m", "stadtbuch")


def _then(kind: str, name: str, *, account: str) -> list[str]:
    """Give the commands that switch a timer on; they are never called from here."""
    if kind == "cron":
        where = f"/etc/cron.d/{name}" if account else "crontab -e"
        return [where]
    mode = "" if account else " --user"
    linger = [] if account else ["loginctl enable-linger"]
    return [f"systemctl{mode} daemon-reload", f"systemctl{mode} enable --now {name}.timer", *linger]


def _show_files(console: Console, document: Mapping[str, Any]) -> None:
    for name, content in document["files"].items():
        if not document["written"]:
            console.print(f"# ---- {name}", style="bold")
            console.print(content, soft_wrap=True, end="")
    for path in document["written"]:
        console.print(said(f"Geschrieben: {path}", f"Written: {path}"), soft_wrap=True)
    heading = said(
        "Eingeschaltet ist nichts. So geht es weiter:", "Nothing is switched on. This is how to go on:"
    )
    console.print(heading, style="bold")
    for line in document["then"]:
        console.print(f"  {line}", soft_wrap=True)


@app.command(
    "export",
    help=explained(
        Text(
            de="Schreibt dieselben Befehle als Pipeline für GitLab CI oder als DAG für Airflow.",
            en="Write the same commands as a pipeline for GitLab CI or as DAGs for Airflow.",
        ),
        example="stadtbuch schedule export gitlab-ci",
    ),
)
def export(
    target: Annotated[
        str,
        typer.Argument(metavar="gitlab-ci|airflow", help=said("Wofür.", "What for."), show_default=False),
    ],
    *,
    to: ToOption = None,
    every: EveryOption = 15,
    jobs: JobsOption = 1,
    replace: ReplaceOption = False,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what another scheduler needs."""
    from stadtbuch.reports import definitions, timers  # noqa: PLC0415 - start-up time

    timer = _timer(city, every=every, jobs=jobs)
    settings = open_settings(city)
    reports = definitions.load(settings)
    schedules = {name: one.schedule for name, one in reports.items() if one.schedule is not None}
    if target == "gitlab-ci":
        files = {".gitlab-ci.yml": timers.gitlab(timer, list(reports))}
    elif target == "airflow":
        files = {f"{timer.name}.py": timers.airflow(timer, schedules, zone=settings.city.timezone)}
    else:
        raise _no_choice("gitlab-ci|airflow", ["gitlab-ci", "airflow"])
    written = timers.lay(files, to, replace=replace) if to is not None else []
    document = {"files": files, "written": [str(path) for path in written]}
    answer(document, as_json=as_json, human=lambda console: _show_export(console, document))


def _show_export(console: Console, document: Mapping[str, Any]) -> None:
    """Give the bare content, so that it can be written into a file."""
    for content in document["files"].values():
        if not document["written"]:
            console.print(content, soft_wrap=True, end="")
    for path in document["written"]:
        console.print(said(f"Geschrieben: {path}", f"Written: {path}"), soft_wrap=True)


def _no_choice(option: str, allowed: list[str]) -> UsageError:
    listed = ", ".join(allowed)
    return UsageError(
        "usage.choice",
        Text(de=f"Diese Angabe zu {option} gibt es nicht.", en=f"{option} has no such value."),
        remedy=Text(de=f"Möglich sind: {listed}.", en=f"Possible are: {listed}."),
    )


def _as_root() -> UsageError:
    return UsageError(
        "usage.as-root",
        Text(
            de="Als root wird kein Dienst geschrieben, der dann als root liefe.",
            en="As root, no service is written that would then run as root.",
        ),
        remedy=Text(
            de="Nennen Sie mit --user die Kennung, der der Ordner der Stadt gehört.",
            en="Name with --user the account that owns the city's folder.",
        ),
    )
