"""``stadtbuch report``: which reports there are, what waits, what was released, and who decided."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import journal
from stadtbuch.cli import interruption
from stadtbuch.cli import review as reviewing
from stadtbuch.cli.build import renew_dashboard, write_site
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    answer,
    explained,
    language,
    open_city,
    said,
)
from stadtbuch.cli.reasons import ReasonDeOption, ReasonEnOption, ReasonOption, stated
from stadtbuch.errors import Refused, UsageError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.reports.editions import Archived
    from stadtbuch.session import City
    from stadtbuch.transparency.changes import Cause, Changes, Moved

app = typer.Typer(add_completion=False)
app.command(help=reviewing.HELP)(reviewing.review)

STATUS = {
    "published": Text(de="veröffentlicht", en="published"),
    "awaiting-approval": Text(de="wartet auf Freigabe", en="awaiting approval"),
    "withheld": Text(de="zurückgezogen", en="withheld"),
    "none": Text(de="noch nicht gebaut", en="not built yet"),
}

ReportArgument = Annotated[
    str,
    typer.Argument(
        metavar="REPORT", help=said("Name des Berichts.", "Name of the report."), show_default=False
    ),
]


@app.command(
    "list",
    help=explained(
        Text(
            de="Zeigt jeden Bericht mit der letzten Ausgabe jeder Seite und dem, was wartet.",
            en="Show every report with the latest edition of each page, and what waits.",
        ),
        example="stadtbuch report list --json",
    ),
)
def list_(*, city: CityOption = None, as_json: JsonOption = False) -> None:
    """List reports."""
    opened = open_city(city)
    lines = list(listing(opened))
    answer(lines, as_json=as_json, human=lambda console: _show(console, lines))


def listing(city: City) -> Iterator[dict[str, Any]]:
    """Give one line per page and per edition that waits, in the shape of CONTRACTS."""
    from stadtbuch.reports import definitions, editions  # noqa: PLC0415 - start-up time

    found: dict[tuple[str, str], Archived] = {
        (one.edition.report, one.edition.cell): one for one in editions.history(city.state)
    }
    waiting = list(editions.all_waiting(city.state))
    reports = definitions.load(city.settings)
    for name in sorted({*reports, *(report for report, _ in found)}):
        own = [one for (report, _), one in found.items() if report == name]
        own_waiting = [one for one in waiting if one.edition.report == name]
        yield from (_line(one, "published" if one.public else "withheld") for one in own)
        yield from (_line(one, "awaiting-approval") for one in own_waiting)
        if not own and not own_waiting:
            yield {
                "report": name,
                "cell": "",
                "edition": None,
                "path": None,
                "released": None,
                "status": "none",
            }


def _line(one: Archived, status: str) -> dict[str, Any]:
    edition = one.edition
    public = status == "published"
    return {
        "report": edition.report,
        "cell": edition.cell,
        "edition": edition.id,
        "path": one.path if public else None,
        "released": edition.made_at.isoformat() if public else None,
        "status": status,
    }


def _show(console: Console, lines: list[dict[str, Any]]) -> None:
    for one in lines:
        name = one["edition"] or one["report"]
        console.print(f"{name:<52} {STATUS[one['status']].pick(language())}")
    if not lines:
        console.print(said("Diese Stadt hat noch keinen Bericht.", "This city has no report yet."))


@app.command(
    help=explained(
        Text(
            de="Zeigt, welche Seiten nicht erneuert werden konnten, seit wann, und wo der Grund steht.",
            en="Show which pages could not be renewed, since when, and where the reason stands.",
        ),
        example="stadtbuch report failures --json",
    )
)
def failures(*, city: CityOption = None, as_json: JsonOption = False) -> None:
    """List failures."""
    from stadtbuch.reports import failures as noted  # noqa: PLC0415 - start-up time

    opened = open_city(city)
    lines = [_failure(opened, one) for one in noted.everything(opened.state)]
    answer(lines, as_json=as_json, human=lambda console: _show_failures(console, lines))


def _failure(city: City, record: dict[str, Any]) -> dict[str, Any]:
    """Give one failure in the language of the process, with the path of its page."""
    from stadtbuch.reports import failures as noted  # noqa: PLC0415 - start-up time

    folder = noted.place(city.state, record["report"], record["cell"])
    page = folder / noted.PAGES[language()]
    text = " ".join(one["text"][language()] for one in record["told"][:1])
    kept = ("report", "cell", "status", "code", "type", "notebook_cell", "since", "at", "last_good")
    return {key: record[key] for key in kept} | {
        "text": text,
        "datasets": [one["id"] for one in record["datasets"]],
        "page": page.relative_to(city.settings.root).as_posix()
        if page.is_relative_to(city.settings.root)
        else str(page),
    }


def _failed_name(one: dict[str, Any]) -> str:
    """Name what could not be renewed: a report, one of its cells, or its dashboard."""
    from stadtbuch.reports import failures as noted  # noqa: PLC0415 - start-up time

    if one["cell"] == noted.DASHBOARD:
        return f"{one['report']} (Dashboard)"
    return f"{one['report']}/{one['cell']}" if one["cell"] else str(one["report"])


def _show_failures(console: Console, lines: list[dict[str, Any]]) -> None:
    for one in lines:
        name = _failed_name(one)
        since = said(f"seit {one['since'][:10]}", f"since {one['since'][:10]}")
        console.print(f"{name:<44} {since}: {one['text']}", soft_wrap=True)
        console.print(f"  {one['page']}", soft_wrap=True)
    if not lines:
        console.print(said("Alle Seiten sind auf dem neuesten Stand.", "All pages are up to date."))


@app.command(
    help=explained(
        Text(
            de="Zeigt alle Ausgaben eines Berichts, die älteste zuerst; mit --disclosure die bekannten Tabellen.",
            en="Show all editions of a report, the oldest first; with --disclosure the tables that are known.",
        ),
        example="stadtbuch report history who-lives-where",
    )
)
def history(
    report: Annotated[
        str | None,
        typer.Argument(
            metavar="REPORT",
            help=said("Name des Berichts.", "Name of the report."),
            show_default=False,
        ),
    ] = None,
    *,
    disclosure: Annotated[
        bool,
        typer.Option(
            "--disclosure",
            help=said(
                "Zeigt statt der Ausgaben die geschützten Tabellen, die je veröffentlicht wurden, und womit jede "
                "geprüft ist; ohne Bericht alle.",
                "Show instead of editions the protected tables that were ever published, and what each was tested "
                "with; all of them without a report.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the editions of a report, or what is known of its tables."""
    from stadtbuch.reports import definitions, differencing, editions  # noqa: PLC0415 - start-up time

    opened = open_city(city)
    if disclosure:
        known = differencing.listing(opened.state, report)
        answer(known, as_json=as_json, human=lambda console: _show_disclosure(console, known))
        return
    if report is None:
        raise _no_report()
    found = list(editions.history(opened.state, report))
    if not found:
        definitions.choose(definitions.load(opened.settings), [report])
    lines = [_event(one) for one in found]
    lines += [
        _event(one) | {"status": "awaiting-approval"} for one in editions.all_waiting(opened.state, report)
    ]
    answer(lines, as_json=as_json, human=lambda console: _show_history(console, lines))


def _no_report() -> UsageError:
    return UsageError(
        "usage.report-missing",
        Text(de="Es fehlt der Name des Berichts.", en="The name of the report is missing."),
        remedy=Text(
            de="Nennen Sie ihn, oder schreiben Sie --disclosure dazu: dann gilt es für alle.",
            en="Name it, or add --disclosure: then all are meant.",
        ),
    )


def _show_disclosure(console: Console, known: list[dict[str, Any]]) -> None:
    """Say per dataset which tables are known, how large they are and what they were tested with."""
    dataset = None
    for one in known:
        if one["dataset"] != dataset:
            dataset = one["dataset"]
            console.print(dataset, style="bold")
        cells = said(
            f"{one['cells']} Felder, {one['withheld']} geheim gehalten",
            f"{one['cells']} cells, {one['withheld']} withheld",
        )
        more = len(one["editions"]) - 1
        others = said(f" und {more} weitere", f" and {more} more") if more else ""
        console.print(
            f"  {one['editions'][0]}{others} ({one['table']}): {cells}; {_tested(one)}", soft_wrap=True
        )
    if not known:
        console.print(said("Noch keine geschützte Tabelle.", "No protected table yet."))


def _tested(one: dict[str, Any]) -> str:
    """Say what a table was tested with, and what was found."""
    if one["grade"] is None:
        return said("vor dieser Prüfung veröffentlicht", "published before there was this test")
    return said(
        f"geprüft mit {one['tested_with']} früheren, {one['sets']} Mengen, {one['exposed']} davon zu genau",
        f"tested with {one['tested_with']} earlier ones, {one['sets']} sets, {one['exposed']} of them too exact",
    )


def _event(one: Archived) -> dict[str, Any]:
    edition, approval = one.edition, one.edition.approval
    reason = one.status["reason"][language()] if one.status else None
    return _line(one, "published" if one.public else "withheld") | {
        "made": edition.made_at.isoformat(),
        "code": edition.code,
        "rules": edition.rules,
        "approved_by": approval.role if approval else None,
        "approved": approval.decided.isoformat() if approval else None,
        "reason": reason,
        "private": [
            {
                "id": used["id"],
                "dataset": used["derived_from"],
                "epsilon": used["epsilon"],
                "delta": used["delta"],
            }
            for used in edition.inputs
            if "epsilon" in used
        ],
    }


def _show_history(console: Console, lines: list[dict[str, Any]]) -> None:
    for one in lines:
        by = said(f"freigegeben von {one['approved_by']}", f"approved by {one['approved_by']}")
        parts = [STATUS[one["status"]].pick(language()), by if one["approved_by"] else None, one["reason"]]
        parts += [f"{used['dataset']}: ε {used['epsilon']:g}" for used in one["private"]]
        console.print(f"{one['edition']:<52} {', '.join(filter(None, parts))}", soft_wrap=True)
    if not lines:
        console.print(said("Noch keine Ausgabe.", "No edition yet."))


@app.command(
    help=explained(
        Text(
            de="Gibt Code, Manifest und Regelwerk eines Berichts frei und veröffentlicht, was darauf wartet.",
            en="Approve a report's code, manifest and rules, and publish what waits for that.",
        ),
        example="stadtbuch report approve who-lives-where --as head-of-statistics",
    )
)
def approve(
    report: ReportArgument,
    *,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help=said(
                "Auch in reports/approvals.yaml schreiben, damit die Freigabe mit den Berichten mitgeht.",
                "Also write it into reports/approvals.yaml, so that it goes along with the reports.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a report."""
    from stadtbuch.reports import decisions  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    with interruption.changing(opened, "stadtbuch report approve"):
        done = decisions.approve(opened, report, record=record)
        if done.released:
            renew_dashboard(opened, report)
        code = write_site(opened) if done.released else 0
    document = {
        "report": report,
        "role": done.approval.role,
        "code": done.approval.code,
        "rules": done.approval.rules,
        "released": [edition.id for edition in done.released],
        "recorded": done.file.name if done.file else None,
    }
    answer(document, as_json=as_json, human=lambda console: _show_approval(console, document))
    if code:
        raise typer.Exit(code)


def _show_approval(console: Console, document: dict[str, Any]) -> None:
    number = len(document["released"])
    console.print(
        said(
            f"Freigegeben als {document['role']}, nach Regelwerk {document['rules']}.",
            f"Approved as {document['role']}, by rules {document['rules']}.",
        ),
        style="bold",
    )
    for edition in document["released"]:
        console.print(f"  {edition}")
    if not number:
        console.print(
            said(
                "Es wartete keine Ausgabe; die nächste mit diesem Code wird ohne Rückfrage veröffentlicht.",
                "No edition was waiting; the next one of this code is published without asking again.",
            )
        )


@app.command(
    help=explained(
        Text(
            de="Zieht eine Ausgabe zurück; ihre Seite nennt dann den Grund, im Archiv bleibt sie.",
            en="Take an edition out of public; its page states the reason, the archive keeps it.",
        ),
        example="stadtbuch report withhold who-lives-where/mitte@2026-01-15 --as head-of-statistics "
        '--reason-de "…" --reason-en "…"',
    )
)
def withhold(
    edition: Annotated[
        str,
        typer.Argument(
            metavar="EDITION", help=said("Kennung der Ausgabe.", "Id of the edition."), show_default=False
        ),
    ],
    *,
    reason_de: Annotated[
        str,
        typer.Option("--reason-de", help=said("Grund auf Deutsch.", "Reason in German."), show_default=False),
    ],
    reason_en: Annotated[
        str,
        typer.Option(
            "--reason-en", help=said("Grund auf Englisch.", "Reason in English."), show_default=False
        ),
    ],
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withhold an edition."""
    from stadtbuch.reports import decisions  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    with interruption.changing(opened, "stadtbuch report withhold"):
        try:
            done = decisions.withhold(opened, edition, reason=Text(de=reason_de, en=reason_en))
        except UsageError as error:
            if error.code == "edition.withheld":  # an earlier try may have been cut off before the pages
                write_site(opened)
            raise
        code = write_site(opened)
    line = _event(done)
    gone = said(f"{edition} ist nicht mehr öffentlich.", f"{edition} is not public any more.")
    answer(line, as_json=as_json, human=lambda console: console.print(gone))
    if code:
        raise typer.Exit(code)


@app.command(
    help=explained(
        Text(
            de="Zieht eine Ausgabe zurück; mit --remove-content verschwindet auch ihr Inhalt, überall, wo er liegt.",
            en="Withdraw an edition; with --remove-content its content goes, too, wherever it lies.",
        ),
        example="stadtbuch report withdraw how-does-the-city-cycle@2026-01-15 --remove-content --dry-run",
    )
)
def withdraw(
    edition: Annotated[
        str,
        typer.Argument(
            metavar="EDITION", help=said("Kennung der Ausgabe.", "Id of the edition."), show_default=False
        ),
    ],
    *,
    remove_content: Annotated[
        bool,
        typer.Option(
            "--remove-content",
            help=said(
                "Auch ihre Dateien entfernen, und jede andere Ausgabe, die dasselbe enthält.",
                "Also remove its files, and every other edition that holds the same.",
            ),
        ),
    ] = False,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="PATH",
            help=said(
                "Welche Datei der Ausgabe zu viel verrät (mehrfach); sonst alle.",
                "Which file of the edition tells too much (repeatable); else all.",
            ),
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=said("Sagt nur, was es träfe.", "Only say what it would take."))
    ] = False,
    reason: ReasonOption = None,
    reason_de: ReasonDeOption = None,
    reason_en: ReasonEnOption = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw an edition."""
    from stadtbuch.reports import removal  # noqa: PLC0415 - start-up time

    if not remove_content:
        _require_content_option(file, dry_run=dry_run)
        why = stated(reason, reason_de, reason_en)
        withhold(
            edition, reason_de=why.de, reason_en=why.en, city=city, as_role=as_role, now=now, as_json=as_json
        )
        return
    opened = open_city(city, now=now, as_role=as_role)
    if dry_run:
        found, code = removal.scope(opened.state, edition, files=file or ()), 0
    else:
        why = stated(reason, reason_de, reason_en)
        with suppress(Refused):  # an older book stops the pages, never an emergency
            interruption.resume(opened)
        folder = opened.state.folder("journal")
        with journal.noted(folder, command="stadtbuch report withdraw", now=opened.now):
            found = removal.remove(opened, edition, reason=why, files=file or ())
            code = write_site(opened)
    document = {"dry_run": dry_run, **found.as_dict()}
    answer(document, as_json=as_json, human=lambda console: _show_removal(console, document))
    if code:
        raise typer.Exit(code)


def _require_content_option(file: list[str] | None, *, dry_run: bool) -> None:
    """An option about content without --remove-content is a mistake that must not pass as something milder."""
    if file or dry_run:
        raise UsageError(
            "usage.remove-content",
            Text(
                de="--file und --dry-run gehören zu --remove-content.",
                en="--file and --dry-run belong to --remove-content.",
            ),
            remedy=Text(de="Schreiben Sie --remove-content dazu.", en="Add --remove-content."),
        )


def _show_removal(console: Console, document: dict[str, Any]) -> None:
    done = said("Es träfe diese Ausgaben:", "It would take these editions:")
    if not document["dry_run"]:
        done = said("Entfernt ist der Inhalt dieser Ausgaben:", "The content of these editions is removed:")
    console.print(done, style="bold")
    for one in document["editions"]:
        console.print(f"  {one}")
    if document["derived"]:
        console.print(
            said(
                "Daraus entstanden und noch öffentlich; sehen Sie sie an:",
                "Made from it and still public; look at them:",
            ),
            style="bold red",
        )
        for one in document["derived"]:
            console.print(f"  {one}")
    if not document["dry_run"]:
        console.print(
            said(
                "Sicherungen haben ihn noch: stadtbuch backup ORDNER --keep 1 schreibt eine neue und löscht die alten.",
                "Backups still hold it: stadtbuch backup FOLDER --keep 1 writes a new one and deletes the old ones.",
            ),
            soft_wrap=True,
        )


EditionArgument = Annotated[
    str,
    typer.Argument(
        metavar="EDITION",
        help=said("Kennung oder Ordner einer Ausgabe.", "Id or folder of an edition."),
        show_default=False,
    ),
]


@app.command(
    help=explained(
        Text(
            de="Sagt, was sich zwischen zwei Ausgaben eines Berichts geändert hat, und warum.",
            en="Say what changed between two editions of a report, and why.",
        ),
        example="stadtbuch report diff who-lives-where/mitte@2026-01-15 who-lives-where/mitte@2026-02-15",
    )
)
def diff(
    before: EditionArgument, after: EditionArgument, *, city: CityOption = None, as_json: JsonOption = False
) -> None:
    """Compare two editions."""
    from stadtbuch.transparency import changes  # noqa: PLC0415 - start-up time

    found = changes.between(_folder(before, city), _folder(after, city))
    answer(found.as_dict(), as_json=as_json, human=lambda console: _show_changes(console, found))


def _folder(named: str, city: Path | None) -> Path:
    """Give the folder of an edition: of the city's own by id, or the one that was named."""
    from stadtbuch.reports import editions  # noqa: PLC0415 - start-up time

    if (Path(named) / editions.EDITION).is_file():
        return Path(named)
    return editions.find(open_city(city).state, named).folder


def _show_changes(console: Console, found: Changes) -> None:
    """Say the causes first, then what they led to."""
    from stadtbuch.transparency.changes import REASONS  # noqa: PLC0415 - start-up time

    console.print(f"{found.before} → {found.after}", style="bold", soft_wrap=True)
    heads = said("Warum", "Why"), said("Zahlen", "Numbers"), said("Tabellen", "Tables")
    _listed(
        console,
        heads[0],
        [f"{REASONS[one.reason].pick(language())}: {_from_to(one)}" for one in found.causes],
    )
    _listed(console, heads[1], [_from_to(one) for one in found.values])
    rows = said("Zeilen: {} fort, {} neu", "rows: {} gone, {} new")
    _listed(console, heads[2], [f"{one.path}: {rows.format(one.gone, one.new)}" for one in found.tables])
    _listed(console, said("Andere Dateien", "Other files"), list(found.others))
    if not found.complete:
        console.print(
            said(
                "Eine der Ausgaben hat kein Paket; Code und Umgebung sind nur im Ganzen verglichen.",
                "One of the editions has no package; code and environment are compared as a whole only.",
            )
        )


def _listed(console: Console, head: str, lines: list[str]) -> None:
    console.print(head + (":" if lines else said(": nichts", ": nothing")))
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)


def _from_to(one: Cause | Moved) -> str:
    name = one.name if hasattr(one, "name") else one.subject
    return f"{name}: {_short(one.before)} → {_short(one.after)}"


def _short(value: object) -> str:
    """Write a value for a line; of a checksum its beginning is enough."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return " ".join(str(one.get(language(), one)) for one in value)[:120]
    text = str(value)
    return text[:12] if len(text) == 64 else text
