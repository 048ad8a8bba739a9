"""``stadtbuch build``: bring reports up to date and publish what may be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import scratch
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
    narrator,
    open_city,
    said,
)
from stadtbuch.cli.progress import drawn
from stadtbuch.errors import Refused, StadtbuchError, UsageError
from stadtbuch.texts import Text, count, place

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.verdict import Finding
    from stadtbuch.notification.channels import Sent
    from stadtbuch.session import City

_NAMED = 3
"""Cells that a line names before it only counts."""

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
    report: ReportsArgument = None,
    *,
    jobs: JobsOption = 1,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=said("Sagt nur, was laufen würde.", "Only say what would run.")),
    ] = False,
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash",
            help=said(
                "Sieht jeden Inhalt an, statt Größe und Zeit der Dateien zu glauben.",
                "Look at every content instead of believing sizes and times of files.",
            ),
        ),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help=said(
                "Wo die Läufe stattfinden: local oder tls://rechner:port; sonst auf diesem Rechner.",
                "Where the runs take place: local or tls://host:port; else on this machine.",
            ),
            show_default=False,
        ),
    ] = None,
    reverify: Annotated[
        bool,
        typer.Option(
            "--reverify",
            help=said(
                "Rechnet danach die veröffentlichten Ausgaben nach; das Urteil kommt ins Buch und auf ihre Seiten.",
                "Compute the published editions again afterwards; the verdict goes into the book and onto their pages.",
            ),
        ),
    ] = False,
    oldest: Annotated[
        int | None,
        typer.Option(
            "--oldest",
            metavar="N",
            min=1,
            help=said(
                "Mit --reverify: nur die N Ausgaben, deren Urteil am ältesten ist oder fehlt.",
                "With --reverify: only the N editions whose verdict is oldest or missing.",
            ),
            show_default=False,
        ),
    ] = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build reports."""
    if oldest is not None and not reverify:
        raise _nothing_to_verify()
    opened = open_city(city, now=now, as_role=as_role, rehash=rehash)
    summary = perform(opened, report or [], jobs=jobs, dry_run=dry_run, cluster=cluster)
    document = spoken(summary)
    if reverify and not dry_run:
        document["verified"], code = _verify_again(opened, report or [], oldest=oldest)
        summary["exit_code"] = summary["exit_code"] or code
    notices = [] if dry_run else deliveries.as_document(_notify(opened, summary))
    document |= {"notices": notices} if notices else {}

    def human(console: Console) -> None:
        tell(console, document, dry_run=dry_run)
        deliveries.tell(console, notices)

    answer(document, as_json=as_json, human=human)
    end(summary, as_json=as_json)


def _notify(city: City, summary: Mapping[str, Any]) -> list[Sent]:
    """Tell people about what failed or was refused, for the reports that ask for it after every build."""
    from stadtbuch.reports import alarms, definitions  # noqa: PLC0415 - start-up time

    if summary["exit_code"] == 0:
        return []
    reports = definitions.readable(city.settings)
    names = dict.fromkeys(one["report"] for one in summary["runs"])
    asking = [name for name in names if name in reports and reports[name].notify == "always"]
    runs = {name: [one for one in summary["runs"] if one["report"] == name] for name in asking}
    notices = [notice for name in asking for notice in alarms.of_build(name, runs[name], now=city.now)]
    return alarms.tell(city, notices) if notices else []


def _verify_again(city: City, names: list[str], *, oldest: int | None) -> tuple[list[dict[str, Any]], int]:
    """Compute published editions again, and bring their pages up to date; give the verdicts and an exit code."""
    from stadtbuch.transparency import reverification  # noqa: PLC0415 - start-up time

    def say(edition: str) -> None:
        narrator().print(said(f"Rechnet nach: {edition}", f"Computing again: {edition}"), soft_wrap=True)

    with scratch.folder("verify") as folder:
        found = list(reverification.again(city, names, oldest=oldest, work=folder, told=say))
    write_site(city)
    codes = [one.exit_code for one in found]
    return [one.as_dict(language()) for one in found], next((code for code in (1, 3) if code in codes), 0)


def _nothing_to_verify() -> UsageError:
    return UsageError(
        "usage.oldest",
        Text(de="--oldest gehört zu --reverify.", en="--oldest belongs to --reverify."),
        remedy=Text(
            de="Rufen Sie stadtbuch build --reverify --oldest 3 auf.",
            en="Call stadtbuch build --reverify --oldest 3.",
        ),
    )


def end(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """End the command with its exit code; what stopped the pages is told last, JSON has it already."""
    if "site" in summary and not as_json:
        raise summary["site"]["error"]
    if summary["exit_code"]:
        raise typer.Exit(summary["exit_code"])


def perform(
    city: City,
    names: list[str],
    *,
    jobs: int,
    dry_run: bool = False,
    days: Mapping[str, date] | None = None,
    cluster: str | None = None,
) -> dict[str, Any]:
    """
    Build the reports, for the nominal days of a tick if `days` names them, then write the site.

    With the address of a cluster, the runs take place there.

    Returns
    -------
    dict
        What `reports.build` gives; if the pages failed, ``site`` with the ``error`` beside it.
    """
    from stadtbuch.cli import looked  # noqa: PLC0415 - start-up time

    if dry_run:
        summary = _reports(city, names, jobs=jobs, dry_run=True, days=days)
        city.memory.save()
        return summary
    with interruption.changing(city, "stadtbuch build") as note:
        seen = looked.before(city)
        with _crew(city, cluster, jobs=jobs) as more:
            summary = _reports(city, names, jobs=jobs, days=days, **more)
            summary = _with_dashboards(city, names, summary, jobs=jobs, **more)
        try:
            code, silent = render_site(city)
        except StadtbuchError as error:  # the runs are done: their summary must not be lost
            if error.code != "editions.damaged":  # then all other pages were written
                note.keep()
            return summary | {"site": {"error": error}, "exit_code": error.exit_code}
        summary["exit_code"] = summary["exit_code"] or code
        if interruption.unfinished(summary):
            note.keep()
    if silent and not names and days is None:
        _note(city, summary, seen)
    city.memory.save()
    return summary


def _reports(
    city: City,
    names: list[str],
    *,
    jobs: int,
    dry_run: bool = False,
    days: Mapping[str, date] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Build the reports, with their progress drawn."""
    from stadtbuch.reports import build as reports  # noqa: PLC0415 - start-up time

    with drawn(narrator()) as progress:
        return reports.build(city, names, jobs=jobs, progress=progress, dry_run=dry_run, days=days, **more)


def _note(city: City, summary: Mapping[str, Any], seen: Any) -> None:
    """Keep what the next build says if nothing changes."""
    from stadtbuch.cli import looked  # noqa: PLC0415 - start-up time

    if summary["exit_code"] == 0:
        looked.after(
            city,
            seen,
            document=spoken(summary),
            runs=summary["keys"],
            language=language(),
            lines=lambda document: [(about, line) for about, line, _ in lines(document)],
        )


@contextmanager
def _crew(city: City, cluster: str | None, *, jobs: int) -> Iterator[dict[str, Any]]:
    """Give what a build is told about who does its runs: nothing, or a cluster."""
    if cluster is None:
        yield {}
        return
    from stadtbuch.runs import cluster as clusters  # noqa: PLC0415 - start-up time

    with clusters.opened(city.settings, city.state, cluster, jobs=jobs) as crew:
        yield {"crew": crew}


def _with_dashboards(
    city: City, names: Sequence[str], summary: dict[str, Any], *, jobs: int, **more: Any
) -> dict[str, Any]:
    """Bring the dashboards of the reports up to date: they read what the reports have released."""
    from stadtbuch.dashboards import build as dashboards  # noqa: PLC0415 - start-up time

    with drawn(narrator()) as progress:
        done = dashboards.build(city, names, jobs=jobs, progress=progress, **more)
    counts = {**summary["counts"], "executed": summary["counts"]["executed"] + done["executed"]}
    codes = (summary["exit_code"], done["exit_code"])
    return {
        **summary,
        "counts": counts,
        "dashboards": done["dashboards"],
        "exit_code": next((one for one in (1, 4, 3) if one in codes), 0),
    }


def renew_dashboard(city: City, report: str) -> None:
    """Bring a report's dashboard up to date after a release by hand; what is wrong with it stops nothing."""
    from stadtbuch.dashboards import build as dashboards  # noqa: PLC0415 - start-up time

    done = dashboards.build(city, [report])
    for one in dashboards.spoken(done, language()):
        for line in _reasons(one) if one["publication"] in ("refused", "none") else ():
            narrator().print(line, style="yellow", soft_wrap=True)


def write_site(city: City) -> int:
    """
    Render all public pages from the archive, and warn on stderr of those that not everybody can read.

    Returns
    -------
    int
        The exit code of a command that had nothing else to tell: 3 as long as a check of accessibility refuses
        a report's page, else 0.

    Raises
    ------
    StateError
        ``editions.damaged`` if the archive is; all other pages are written then.
    """
    return render_site(city)[0]


def render_site(city: City) -> tuple[int, bool]:
    """Render all public pages; give the exit code, and whether there was nothing to tell."""
    from stadtbuch.site import pages  # noqa: PLC0415 - start-up time

    with city.state.lock("site", command="stadtbuch build"):
        written = pages.write(city, now=city.now)
    code = warn(written["findings"])
    if written["damaged"] is not None:
        raise written["damaged"]
    return code, not written["findings"]


def warn(findings: Sequence[Finding]) -> int:
    """Tell what is wrong with pages, each with its remedy, and give the exit code that follows."""
    if not findings:
        return 0
    console = narrator()
    for one in findings:
        told = one.as_dict(language())
        console.print(_reason(told), style="yellow", soft_wrap=True)
    refused = sorted({page for one in findings if (page := _refused_page(one))})
    if not refused:
        return 0
    console.print(_unreadable(refused), style="bold", soft_wrap=True)
    return Refused.exit_code


def _refused_page(finding: Finding) -> str:
    """Give the page of a report that a finding refuses; nothing for a mere hint or another page."""
    from stadtbuch.reports import accessibility  # noqa: PLC0415 - start-up time

    page = finding.subject.partition(":")[0]
    return page if accessibility.is_report_page(page) and finding.severity == "refuse" else ""


def _unreadable(refused: Sequence[str]) -> str:
    """Say why the command ends as refused although its pages are written."""
    pages = ", ".join(refused)
    return said(
        f"Nicht für alle zugänglich, aber geschrieben: {pages}. "
        "Berichtigen Sie das Notebook oder die Vorlage, aus der die Stelle kommt, und bauen Sie neu.",
        f"Not accessible to everybody, but written: {pages}. "
        "Correct the notebook or the template that the place comes from, and build again.",
    )


def spoken(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give the summary as JSON in the language of the process."""
    from stadtbuch.reports import build as reports  # noqa: PLC0415 - start-up time

    site = {"error": summary["site"]["error"].as_dict(language())} if "site" in summary else None
    document = reports.spoken(summary, language()) | ({"site": site} if site else {})
    if summary.get("dashboards"):
        from stadtbuch.dashboards import build as dashboards  # noqa: PLC0415 - start-up time

        document["dashboards"] = dashboards.spoken(summary, language())
    return document


def tell(console: Console, document: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Say for people what became of every cell, and why something was refused or failed."""
    for _, line, style in lines(document, dry_run=dry_run):
        console.print(line, style=style, soft_wrap=True)


def lines(document: Mapping[str, Any], *, dry_run: bool = False) -> list[tuple[str | None, str, str | None]]:
    """
    Write an answer for people.

    Returns
    -------
    list of tuple
        The report that a line is about (None: several, or all), the line, its style.
    """
    told: list[tuple[str | None, str, str | None]] = []
    for run in document["runs"]:
        name = f"{run['report']}/{run['cell']}" if run["cell"] else run["report"]
        told.append((run["report"], f"{name:<44} {_outcome(run, dry_run=dry_run).pick(language())}", None))
    for one in document.get("verified", ()):
        told.append((one["edition"], f"{one['edition']:<44} {_verdict(one).pick(language())}", None))
    for one in document.get("dashboards", ()):
        name = f"dashboards/{one['dashboard']}"
        told.append((one["dashboard"], f"{name:<44} {_dashboard_outcome(one).pick(language())}", None))
    told += [(None, line, None) for line in causes(document["runs"])]
    stopped = [*document["runs"], *document.get("dashboards", ())]
    reasons = dict.fromkeys(line for run in stopped for line in _reasons(run))
    told += [(None, line, "yellow") for line in reasons]
    return [*told, (None, executed(document["counts"]["executed"], dry_run=dry_run), "bold")]


def causes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    Say why something runs, for each reason once with the cells that it holds for.

    A first run has no cause worth a line.
    """
    found: dict[str, list[str]] = {}
    for run in runs:
        name = f"{run['report']}/{run['cell']}" if run["cell"] else run["report"]
        for one in run.get("reason", ()):
            if one["part"] != "first":
                step = said(" (Vorbereitung)", " (preparation)") if one["step"] == "prepare" else ""
                found.setdefault(one["text"], []).append(name + step)
    return [f"{_some(names)}: {text}" for text, names in found.items()]


def _some(names: Sequence[str]) -> str:
    """List a few names and count the others."""
    shown, more = names[:_NAMED], len(names) - _NAMED
    rest = said(f" und {more} weitere", f" and {more} more") if more > 0 else ""
    return ", ".join(shown) + rest


def _verdict(one: Mapping[str, Any]) -> Text:
    from stadtbuch.transparency.verdict import OUTCOMES as VERDICTS  # noqa: PLC0415 - start-up time

    found: Text = VERDICTS[one["verdict"]]
    return found


def _outcome(run: Mapping[str, Any], *, dry_run: bool) -> Text:
    if dry_run or run["status"] in ("failed", "refused"):
        return STATUS[run["status"]]
    return OUTCOMES[run["publication"]]


def _dashboard_outcome(one: Mapping[str, Any]) -> Text:
    return STATUS["failed"] if one["error"] else OUTCOMES[one["publication"]]


def _reasons(run: Mapping[str, Any]) -> list[str]:
    """Give the lines that say why a cell did not get through, and what to do."""
    lines = [_reason(one) for one in run["findings"]]
    error = run.get("error")
    if error:
        label = said("Was tun?", "What to do?")
        single = [_problem(one) for one in error["problems"]]
        lines.append(" ".join(filter(None, (error["text"], *single, error["why"], label, error["remedy"]))))
    return lines


def _problem(one: Mapping[str, Any]) -> str:
    """Say a single mistake in a file with its place."""
    place = " ".join(filter(None, (one["file"] + (f":{one['line']}" if one["line"] else ""), one["path"])))
    remedy = f" ({one['remedy']})" if one["remedy"] else ""
    return f"{place}: {one['text']}{remedy}"


def _reason(finding: Mapping[str, str]) -> str:
    """Say a finding in one line."""
    label = said("Was tun?", "What to do?")
    where = place(finding["subject"], language())
    return f"{finding['rule']}, {where}: {finding['text']} {label} {finding['remedy']}"


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
