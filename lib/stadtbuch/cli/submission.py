"""``stadtbuch submission``: what citizens send in, from receipt to showcase. Heavy imports inside: start-up time."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import journal
from stadtbuch import settings as city_settings
from stadtbuch.cli import interruption
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    answer,
    explained,
    language,
    narrator,
    open_city,
    said,
)
from stadtbuch.errors import SettingsError, UsageError
from stadtbuch.texts import Text, count, instant, place

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.submission import Inspection
    from stadtbuch.session import City
    from stadtbuch.submissions.inbox import Held
    from stadtbuch.submissions.inspection import Known
    from stadtbuch.submissions.mail import Sent

app = typer.Typer(add_completion=False)

MAX_FILE = 12_000_000

STAGES = {
    "received": Text(de="empfangen", en="received"),
    "inspected": Text(de="geprüft", en="inspected"),
    "rerun": Text(de="nachgerechnet", en="re-run"),
    "accepted": Text(de="angenommen", en="accepted"),
    "rejected": Text(de="abgelehnt", en="rejected"),
    "withdrawn": Text(de="zurückgezogen", en="withdrawn"),
}
SEVERITIES = {
    "refuse": Text(de="steht dagegen", en="stands against it"),
    "warn": Text(de="zu bedenken", en="to consider"),
    "note": Text(de="zur Kenntnis", en="to know"),
}
VERDICTS = {
    "reproduced": Text(de="gleich herausgekommen", en="reproduced"),
    "differs": Text(de="etwas anderes herausgekommen", en="differs"),
    "fails": Text(de="nicht bis zum Ende gelaufen", en="did not run to its end"),
}

NumberArgument = Annotated[
    str,
    typer.Argument(metavar="NUMBER", help=said("Empfangsnummer.", "Receipt number."), show_default=False),
]
FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help=said(
            "Ein Notebook (.ipynb) oder eine gespeicherte Mail (.eml).",
            "A notebook (.ipynb) or a stored mail (.eml).",
        ),
        show_default=False,
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help=said("Begründung, ein ganzer Satz.", "Reason, a whole sentence."),
        show_default=False,
    ),
]
ReasonEnOption = Annotated[
    str,
    typer.Option(
        "--reason-en",
        metavar="TEXT",
        help=said(
            "Dieselbe auf Englisch; sonst steht überall dieselbe.",
            "The same in English; else one text stands everywhere.",
        ),
        show_default=False,
    ),
]


# ---- receive ------------------------------------------------------------------------------------------


@app.command(
    help=explained(
        Text(
            de="Nimmt ein Notebook an, allein oder in einer Mail; nichts davon wird geöffnet oder ausgeführt.",
            en="Receive a notebook, alone or in a mail; nothing of it is opened or run.",
        ),
        example="stadtbuch submission receive mail.eml",
    )
)
def receive(
    file: FileArgument,
    *,
    credit: Annotated[
        str | None,
        typer.Option(
            "--credit",
            metavar="NAME",
            help=said("Name oder Alias zur Nennung.", "Name or alias to be credited."),
            show_default=False,
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            metavar="LICENCE",
            help=said(
                "Lizenz der Einsendung, etwa „CC BY 4.0“.", 'Licence of the submission, such as "CC BY 4.0".'
            ),
            show_default=False,
        ),
    ] = None,
    consent: Annotated[
        bool,
        typer.Option(
            "--consent",
            help=said(
                "Die Einwilligung in die Veröffentlichung liegt vor.", "There is consent to publication."
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Receive a submission."""
    from stadtbuch.submissions import inbox, letters  # noqa: PLC0415 - start-up time

    sent = _completed(_sent(file), credit=credit, licence=licence, consent=consent)
    opened = open_city(city, now=now, as_role=as_role)
    with journal.noted(_journal(opened), command="stadtbuch submission receive", now=opened.now):
        got = inbox.receive(opened, sent, random=secrets.token_bytes)
    letter = letters.receipt(got.submission, secret=got.secret, mailbox=mailbox(opened)).pick(language())
    document = _record(got.submission.model_dump(mode="json")) | {
        "stage": "received",
        "secret": got.secret,
        "letter": letter,
    }

    def human(console: Console) -> None:
        console.print(letter, soft_wrap=True)
        if got.submission.duplicate_of:
            double = got.submission.duplicate_of
            narrator().print(
                said(
                    f"Derselbe Inhalt liegt schon unter {double}.",
                    f"The same content already lies under {double}.",
                )
            )

    answer(document, as_json=as_json, human=human)


def mailbox(city: City) -> str:
    """Give the address to which citizens write."""
    return city.settings.submissions.mailbox or city.settings.city.contact


def _sent(file: Path) -> Sent:
    """Read a file as bytes; a mail is opened as far as its one attachment."""
    from stadtbuch.submissions import mail  # noqa: PLC0415 - start-up time

    data = _bytes(file)
    if file.suffix.lower() == ".eml":
        return mail.read(data)
    if file.suffix.lower() == ".ipynb":
        return mail.Sent(notebook=data)
    raise UsageError(
        "submission.unknown-format",
        Text(
            de="Angenommen werden bisher nur Notebooks (.ipynb), allein oder in einer Mail (.eml).",
            en="So far only notebooks (.ipynb) are accepted, alone or in a mail (.eml).",
        ),
        remedy=Text(
            de="Benennen Sie die Datei richtig oder speichern Sie die Mail als .eml.",
            en="Name the file correctly, or save the mail as .eml.",
        ),
    )


def _bytes(file: Path) -> bytes:
    """Read a file that is one; never more than a little over the limit."""
    try:
        if not file.is_file():
            raise OSError
        with file.open("rb") as opened:
            return opened.read(MAX_FILE + 1)
    except OSError:
        raise UsageError(
            "submission.no-file",
            Text(
                de="Diese Datei gibt es nicht, oder sie lässt sich nicht lesen.",
                en="There is no such file, or it cannot be read.",
            ),
            remedy=Text(de="Prüfen Sie Pfad und Rechte.", en="Check the path and its permissions."),
        ) from None


def _completed(sent: Sent, *, credit: str | None, licence: str | None, consent: bool) -> Sent:
    """Add what was said on the command line; it goes before what the mail says."""
    from dataclasses import replace  # noqa: PLC0415 - start-up time

    from stadtbuch.submissions import mail  # noqa: PLC0415 - start-up time

    if licence is not None and not mail.licence(licence):
        raise UsageError(
            "submission.licence",
            Text(
                de="Diese Lizenz steht nicht zur Wahl.", en="This licence is not one of those to choose from."
            ),
            remedy=Text(
                de="Zur Wahl stehen: CC BY 4.0, CC BY-SA 4.0, CC0, MIT, dl-de/by-2-0, dl-de/zero-2-0.",
                en="Choose one of: CC BY 4.0, CC BY-SA 4.0, CC0, MIT, dl-de/by-2-0, dl-de/zero-2-0.",
            ),
        )
    return replace(
        sent,
        credit=sent.credit if credit is None else mail.credit(credit),
        licence=sent.licence if licence is None else mail.licence(licence),
        consent=sent.consent or consent,
    )


# ---- look ---------------------------------------------------------------------------------------------


@app.command(
    "list",
    help=explained(
        Text(
            de="Zeigt alle Einsendungen und was als Nächstes zu tun ist.",
            en="Show all submissions and what is to be done next.",
        ),
        example="stadtbuch submission list --json",
    ),
)
def list_(*, city: CityOption = None, as_json: JsonOption = False) -> None:
    """List submissions."""
    from stadtbuch.submissions import inbox  # noqa: PLC0415 - start-up time

    opened = open_city(city)
    found = list(inbox.everything(opened.state))
    broken = inbox.damaged(opened.state)

    def human(console: Console) -> None:
        for held in found:
            shown = (
                f"{held.number}  {held.submission.received_at.astimezone(opened.settings.city.zone):%Y-%m-%d}"
            )
            console.print(
                f"{shown}  {STAGES[held.stage.value].pick(language()):<14} {inbox.NEXT[held.stage].pick(language())}"
            )
        if not found:
            console.print(said("Noch keine Einsendung.", "No submission yet."))
        for problem in broken:
            narrator().print(problem.render(language()), style="bold red", soft_wrap=True)

    answer([_line(held) for held in found], as_json=as_json, human=human)


@app.command(
    help=explained(
        Text(
            de="Zeigt eine Einsendung: Angaben, Befunde, Ergebnis des Nachrechnens.",
            en="Show a submission: facts, findings, result of the re-run.",
        ),
        example="stadtbuch submission show SB-2026-7K3M-Q2TD",
    )
)
def show(number: NumberArgument, *, city: CityOption = None, as_json: JsonOption = False) -> None:
    """Show a submission."""
    from stadtbuch.submissions import inbox  # noqa: PLC0415 - start-up time

    opened = open_city(city)
    held = inbox.get(opened.state, number)
    inspected, ran = inbox.inspection(held), inbox.rerun(held)
    document = _line(held) | {
        "address": inbox.address(held),
        "inspection": _inspected(inspected) if inspected else None,
        "rerun": ran[0].model_dump(mode="json") | {"text": ran[0].text.pick(language())} if ran else None,
    }

    def human(console: Console) -> None:
        submission = held.submission
        console.print(f"{held.number}  {STAGES[held.stage.value].pick(language())}", style="bold")
        console.print(f"{inbox.NEXT[held.stage].pick(language())}")
        consent = said("ja", "yes") if submission.consent else said("nein", "no")
        credit, licence = submission.credit or "–", submission.licence or "–"
        size = count(submission.size, language())
        facts = said(
            f"{size} Bytes, Nennung: {credit}, Lizenz: {licence}, Einwilligung: {consent}",
            f"{size} bytes, credit: {credit}, licence: {licence}, consent: {consent}",
        )
        console.print(facts, soft_wrap=True)
        if held.status.reason:
            console.print(held.status.reason.pick(language()), soft_wrap=True)
        if inspected:
            _print_inspection(console, inspected)
        if ran:
            console.print(
                f"{VERDICTS[ran[0].verdict.value].pick(language())}: {ran[0].text.pick(language())}",
                soft_wrap=True,
            )

    answer(document, as_json=as_json, human=human)


def _line(held: Held) -> dict[str, Any]:
    """Give one submission as JSON; the digest of the secret stays inside."""
    status = held.status
    return _record(held.submission.model_dump(mode="json")) | {
        "stage": held.stage.value,
        "since": instant(status.at),
        "role": status.role,
        "reason": status.reason.pick(language()) if status.reason else None,
        "entry": status.entry,
    }


def _record(submission: dict[str, Any]) -> dict[str, Any]:
    hidden = ("secret", "format")
    return {key: value for key, value in submission.items() if key not in hidden}


# ---- inspect ------------------------------------------------------------------------------------------


@app.command(
    help=explained(
        Text(
            de="Sagt, ohne etwas auszuführen, was ein Notebook nutzt und was dagegen steht; auch zu Hause, vor dem "
            "Senden. Code 3, wenn etwas dagegen steht.",
            en="Say without running anything what a notebook uses and what stands against it; at home, too, before "
            "sending. Exit code 3 if something stands against it.",
        ),
        example="stadtbuch submission inspect my-notebook.ipynb",
    )
)
def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER|FILE",
            help=said("Empfangsnummer oder eine eigene Datei.", "Receipt number, or a file of your own."),
            show_default=False,
        ),
    ],
    *,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Inspect a submission or a file."""
    from stadtbuch.submissions import inspection, numbers, review  # noqa: PLC0415 - start-up time

    if numbers.looks_like_number(what):
        opened = open_city(city, now=now, as_role=as_role)
        with journal.noted(_journal(opened), command="stadtbuch submission inspect", now=opened.now):
            held, made = review.inspect(opened, what)
        document = _line(held) | {"inspection": _inspected(made)}
    else:
        made = inspection.inspect(_sent(Path(what)).notebook, known=_known(city))
        document = {"inspection": _inspected(made)}
    answer(document, as_json=as_json, human=lambda console: _print_inspection(console, made))
    if made.blocking:
        raise typer.Exit(3)


def _journal(city: City) -> Path:
    return city.state.folder("journal")


def _known(city: Path | None) -> Known:
    """Give what the city around this folder knows; at home there is none."""
    from stadtbuch.catalog import index  # noqa: PLC0415 - start-up time
    from stadtbuch.submissions import inspection  # noqa: PLC0415 - start-up time

    try:
        settings = city_settings.read(city_settings.find((city or Path.cwd()).resolve()))
    except SettingsError as error:
        if city is not None or error.code != "settings.not-found":
            raise
        return inspection.NOTHING
    catalog = index.load(settings)
    derived = settings.folder("state") / "derived"
    tables = frozenset(one.name.removesuffix(".json") for one in derived.glob("*.json"))
    mailboxes = {settings.city.contact, *(one.contact_point for one in catalog.datasets.values())}
    return inspection.Known(
        datasets=catalog.datasets, tables=tables, mailboxes=frozenset(one.lower() for one in mailboxes)
    )


def _inspected(made: Inspection) -> dict[str, Any]:
    """Give an inspection as JSON."""
    return {
        "decision": "refuse" if made.blocking else "allow",
        "cells": made.cells,
        "code_cells": made.code_cells,
        "datasets": [one.model_dump(mode="json") for one in made.uses],
        "imports": list(made.imports),
        "findings": [one.as_dict(language()) for one in made.findings],
    }


def _print_inspection(console: Console, made: Inspection) -> None:
    """Say to a person what was seen, what stands against it first."""
    cells = said(
        f"{made.cells} Zellen, {made.code_cells} davon mit Code.",
        f"{made.cells} cells, {made.code_cells} of them code.",
    )
    console.print(cells if made.cells else said("Nicht als Notebook lesbar.", "Not readable as a notebook."))
    for use in made.uses:
        console.print(f"  {use.dataset}: {_openness(use.known, use.open)}")
    for severity, title in SEVERITIES.items():
        chosen = [one for one in made.findings if one.severity.value == severity]
        if chosen:
            console.print(title.pick(language()) + ":", style="bold red" if severity == "refuse" else "bold")
        for one in chosen:
            console.print(
                f"  {_place(one.subject)}: {one.text.pick(language())} {one.remedy.pick(language())}",
                soft_wrap=True,
            )
    if not made.blocking:
        console.print(
            said("Nichts steht dagegen, es einzusenden.", "Nothing stands against sending it."), style="bold"
        )


def _openness(known: bool | None, is_open: bool | None) -> str:
    if known is None:
        return said("Datensatz der Stadt", "dataset of the city")
    if not known:
        return said("gibt es hier nicht", "does not exist here")
    return said("offen", "open") if is_open else said("nicht offen", "not open")


def _place(subject: str) -> str:
    return "Notebook" if subject == "notebook" and language() == "de" else place(subject, language())


# ---- re-run -------------------------------------------------------------------------------------------


@app.command(
    help=explained(
        Text(
            de="Rechnet eine geprüfte Einsendung in der abgeschlossenen Umgebung nach; geschieht nie von selbst.",
            en="Re-run an inspected submission in the closed environment; never happens by itself.",
        ),
        example="stadtbuch submission rerun SB-2026-7K3M-Q2TD",
    )
)
def rerun(
    number: NumberArgument,
    *,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Re-run a submission."""
    from stadtbuch.submissions import rerun as sandbox  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)

    def progress(run: int) -> None:
        narrator().print(said(f"Lauf {run} von 2 im Sandkasten …", f"Run {run} of 2 in the sandbox …"))

    # a real city's server must bound memory and processes in all; the made-up city is for trying out
    with journal.noted(_journal(opened), command="stadtbuch submission rerun", now=opened.now):
        made = sandbox.rerun(opened, number, bounded=not opened.settings.city.synthetic, progress=progress)
    words = f"{VERDICTS[made.verdict.value].pick(language())}: {made.text.pick(language())}"
    document = made.model_dump(mode="json") | {"text": made.text.pick(language())}
    answer(document, as_json=as_json, human=lambda console: console.print(words, soft_wrap=True))
    if made.verdict.value == "fails":
        raise typer.Exit(3)


# ---- decide -------------------------------------------------------------------------------------------


def _reason(given: str, english: str) -> Text:
    """Join the reason's wordings; one alone stands for both."""
    return Text(de=given, en=english or given)


@app.command(
    help=explained(
        Text(
            de="Nimmt eine nachgerechnete Einsendung an; sie erscheint mit dem nächsten Bau, mit der Begründung.",
            en="Accept a re-run submission; it appears with the next build, the reason on its page.",
        ),
        example="stadtbuch submission accept SB-2026-7K3M-Q2TD --as head-of-statistics "
        '--reason "…" --reason-en "…"',
    )
)
def accept(
    number: NumberArgument,
    *,
    reason: ReasonOption = "",
    reason_en: ReasonEnOption = "",
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a submission."""
    from stadtbuch.submissions import letters, review  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    text = _reason(reason, reason_en)
    with interruption.changing(opened, "stadtbuch submission accept"):
        held = review.accept(opened, number, reason=text)
    page = f"{opened.settings.site.address.rstrip('/')}/showcase/{held.number.lower()}/".lstrip("/")
    _decided(opened, held, letters.accepted(held.number, reason=text, page=page), as_json=as_json)


@app.command(
    help=explained(
        Text(
            de="Lehnt eine Einsendung ab; die Begründung geht an die einsendende Person.",
            en="Reject a submission; the reason goes to the sender.",
        ),
        example='stadtbuch submission reject SB-2026-7K3M-Q2TD --as head-of-statistics --reason "…"',
    )
)
def reject(
    number: NumberArgument,
    *,
    reason: ReasonOption = "",
    reason_en: ReasonEnOption = "",
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject a submission."""
    from stadtbuch.submissions import letters, review  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    text = _reason(reason, reason_en)
    with interruption.changing(opened, "stadtbuch submission reject"):
        held = review.reject(opened, number, reason=text)
    _decided(
        opened, held, letters.rejected(held.number, reason=text, mailbox=mailbox(opened)), as_json=as_json
    )


@app.command(
    help=explained(
        Text(
            de="Zieht eine Einsendung zurück, mit dem Geheimnis aus dem Empfang oder mit einer Begründung der Stadt.",
            en="Withdraw a submission, by the secret of the receipt or with a reason of the city.",
        ),
        example="stadtbuch submission withdraw SB-2026-7K3M-Q2TD --secret 4F7…",
    )
)
def withdraw(
    number: NumberArgument,
    *,
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="SECRET",
            help=said("Geheimnis aus der Empfangsbestätigung.", "Secret from the receipt."),
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = "",
    reason_en: ReasonEnOption = "",
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a submission."""
    from stadtbuch.submissions import letters, review  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    with interruption.changing(opened, "stadtbuch submission withdraw"):
        if secret is not None:
            held = review.withdraw_by_sender(opened, number, secret=secret)
        else:
            held = review.withdraw(opened, number, reason=_reason(reason, reason_en))
    _decided(opened, held, letters.withdrawn(held.number, was_public=held.status.was_public), as_json=as_json)


def _decided(city: City, held: Held, letter: Text, *, as_json: bool) -> None:
    """Give the decision and the letter to the sender, with the address as long as it is kept."""
    from stadtbuch.submissions import inbox  # noqa: PLC0415 - start-up time

    to, words = inbox.address(held), letter.pick(language())
    document = _line(held) | {"letter": words, "to": to}

    def human(console: Console) -> None:
        if to:
            console.print(said(f"An: {to}", f"To: {to}"))
        console.print(words, soft_wrap=True)

    answer(document, as_json=as_json, human=human)
