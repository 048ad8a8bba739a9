"""``stadtbuch build``: bring reports up to date and publish what may be published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JobsOption,
    JsonOption,
    NowOption,
    answer,
    language,
    narrator,
    open_city,
    said,
)
from stadtbuch.cli.progress import drawn
from stadtbuch.texts import Text, count

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.session import City

OUTCOMES = {
    "published": Text(de="veröffentlicht", en="published"),
    "unchanged": Text(de="unverändert", en="unchanged"),
    "awaiting-approval": Text(de="wartet auf Freigabe", en="awaiting approval"),
    "withheld": Text(de="zurückgezogen", en="withheld"),
    "refused": Text(de="abgelehnt", en="refused"),
    "none": Text(de="nichts Neues", en="nothing new"),
}
STATUS = {
    "ran": Text(de="würde laufen", en="would run"),
    "unchanged": Text(de="unverändert", en="unchanged"),
    "refused": Text(de="abgelehnt", en="refused"),
    "failed": Text(de="gescheitert", en="failed"),
}


def build(
    report: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REPORT]...",
            help=said("Welche Berichte; sonst alle.", "Which reports; else all."),
            show_default=False,
        ),
    ] = None,
    *,
    jobs: JobsOption = 1,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=said("Nur sagen, was laufen würde.", "Only say what would run.")),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build reports."""
    opened = open_city(city, now=now, as_role=as_role)
    summary = perform(opened, report or [], jobs=jobs, dry_run=dry_run)
    document = spoken(summary)
    answer(document, as_json=as_json, human=lambda console: tell(console, document, dry_run=dry_run))
    if summary["exit_code"]:
        raise typer.Exit(summary["exit_code"])


def perform(city: City, names: list[str], *, jobs: int, dry_run: bool = False) -> dict[str, Any]:
    """Build the reports, then write the site; what `build` gives is given back."""
    from stadtbuch.reports import build as reports  # noqa: PLC0415 - start-up time

    with drawn(narrator()) as progress:
        summary = reports.build(city, names, jobs=jobs, progress=progress, dry_run=dry_run)
    if not dry_run:
        write_site(city)
    return summary


def write_site(city: City) -> None:
    """Render all public pages from the archive."""
    from stadtbuch.site import pages  # noqa: PLC0415 - start-up time

    with city.state.lock("site", command="stadtbuch build"):
        pages.write(city, now=city.now)


def spoken(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give the summary as JSON in the language of the process."""
    from stadtbuch.reports import build as reports  # noqa: PLC0415 - start-up time

    return reports.spoken(summary, language())


def tell(console: Console, document: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Say for people what became of every cell, and why something was refused or failed."""
    for run in document["runs"]:
        name = f"{run['report']}/{run['cell']}" if run["cell"] else run["report"]
        console.print(f"{name:<44} {_outcome(run, dry_run=dry_run).pick(language())}")
    told: set[str] = set()
    for run in document["runs"]:
        for line in _reasons(run):
            if line not in told:
                console.print(line, style="yellow", soft_wrap=True)
            told.add(line)
    console.print(executed(document["counts"]["executed"], dry_run=dry_run), style="bold")


def _outcome(run: Mapping[str, Any], *, dry_run: bool) -> Text:
    if dry_run or run["status"] == "failed":
        return STATUS[run["status"]]
    return OUTCOMES[run["publication"]]


def _reasons(run: Mapping[str, Any]) -> list[str]:
    """Give the lines that say why a cell did not get through, and what to do."""
    label = said("Was tun?", "What to do?")
    lines = [
        f"{one['rule']}, {one['subject']}: {one['text']} {label} {one['remedy']}" for one in run["findings"]
    ]
    error = run.get("error")
    if error:
        lines.append(" ".join(filter(None, (error["text"], error["why"], label, error["remedy"]))))
    return lines


def executed(number: int, *, dry_run: bool = False) -> str:
    """Say how many notebooks were executed."""
    if dry_run:
        return said("Nichts wurde ausgeführt.", "Nothing was executed.")
    shown = count(number, language())
    if number == 1:
        return said("1 Notebook ausgeführt.", "1 notebook executed.")
    return said(f"{shown} Notebooks ausgeführt.", f"{shown} notebooks executed.")


def site_of(city: City) -> Path:
    """Give the first page of the site."""
    return city.settings.folder("public") / "index.html"
