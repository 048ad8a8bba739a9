"""``stadtbuch book``: show, verify and export what happened; checkpoints that leave the machine."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import atomic
from stadtbuch.book.ledger import Book, canonical
from stadtbuch.cli import key, proof
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    acting,
    answer,
    explained,
    language,
    open_settings,
    said,
)
from stadtbuch.cli.files import writing
from stadtbuch.cli.reasons import ReasonDeOption, ReasonEnOption, ReasonOption, stated
from stadtbuch.errors import UsageError
from stadtbuch.state import State
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.book.checkpoint import Note
    from stadtbuch.model.dataset import Budget

app = typer.Typer(add_completion=False)
app.add_typer(
    key.app,
    name="key",
    help=explained(
        Text(
            de="Zeigt und ersetzt die Schlüssel, die Prüfpunkte unterschreiben.",
            en="Show and replace the keys that sign checkpoints.",
        ),
        example="stadtbuch book key list",
    ),
)


def _book(city: Path | None) -> tuple[Book, Any]:
    """Open the book of a city for reading, with the zone in which its times are shown."""
    settings = open_settings(city)
    state = State.open(settings.folder("state"))
    return Book(state.root / "book.sqlite", key=state.key), settings.city.zone


@app.command(
    help=explained(
        Text(de="Zeigt Einträge, die neuesten zuletzt.", en="Show entries, the newest last."),
        example="stadtbuch book show --kind released --last 10",
    )
)
def show(
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help=said("Nur Einträge dieser Art.", "Only entries of this kind.")
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="ID",
            help=said("Nur Einträge zu dieser Kennung.", "Only entries about this id."),
        ),
    ] = None,
    last: Annotated[
        int,
        typer.Option("--last", metavar="N", min=1, help=said("Wie viele höchstens.", "How many at most.")),
    ] = 20,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show entries."""
    book, zone = _book(city)
    shown = deque(book.entries(kind=kind, subject=subject), maxlen=last)

    def human(console: Console) -> None:
        for entry in shown:
            console.print(
                f"{entry.number:>6}  {entry.at.astimezone(zone):%Y-%m-%d %H:%M}  {entry.kind:<18}"
                f"  {entry.role:<20}  {entry.subject}"
            )
        if not shown:
            console.print(said("Kein Eintrag.", "No entry."))

    answer([proof.record(entry) for entry in shown], as_json=as_json, human=human)


@app.command(
    help=explained(
        Text(
            de="Prüft jeden Eintrag, die ganze Kette und einen früheren Prüfpunkt; Code 3, wenn etwas nicht stimmt.",
            en="Check every entry, the whole chain and an earlier checkpoint; exit code 3 if something is wrong.",
        ),
        example="stadtbuch book verify",
    )
)
def verify(
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help=said(
                "Früherer Prüfpunkt: Unterschrift, und ob sein Buch noch ganz in diesem steckt.",
                "Earlier checkpoint: its signature, and whether its book is still whole in this one.",
            ),
            show_default=False,
        ),
    ] = None,
    trusted: key.TrustedOption = None,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help=said("Prüfsumme eines früheren Prüfpunkts.", "Hash of an earlier checkpoint."),
        ),
    ] = None,
    entries: Annotated[
        int | None,
        typer.Option(
            "--entries",
            metavar="N",
            min=0,
            help=said("Einträge beim Prüfpunkt.", "Entries at that checkpoint."),
        ),
    ] = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the book."""
    book, _ = _book(city)
    note = None if checkpoint is None else key.signed(city, checkpoint, trusted)
    verdict = book.verify(_checkpoint(head, entries))
    verdict = _with_keys(book, verdict)
    if note is not None:
        verdict = _compared(book, verdict, note)
    if "problem" in verdict:
        verdict["problem"] |= {"text": verdict["problem"]["text"][language()]}
    answer(verdict, as_json=as_json, human=lambda console: console.print(_sentence(verdict)))
    if not verdict["ok"]:
        raise typer.Exit(3)


def _with_keys(book: Book, verdict: dict[str, Any]) -> dict[str, Any]:
    """Add to a verdict whether each key but the first was signed by the one before, or that one is said to be lost."""
    from stadtbuch.book import ledger, seal  # noqa: PLC0415 - start-up time

    if "problem" in verdict:
        return verdict
    unsigned = next((one for one in seal.history(book.entries(kind=seal.KIND)) if not one.sound), None)
    if unsigned is None:
        return verdict
    return verdict | {"ok": False, "problem": ledger.problem("key-unsigned", unsigned.entry)}


def _compared(book: Book, verdict: dict[str, Any], note: Note) -> dict[str, Any]:
    """Add to a verdict whether the book still holds everything that a checkpoint stands for."""
    from stadtbuch.book import ledger, seal  # noqa: PLC0415 - start-up time

    earlier = note.checkpoint
    told = {
        "origin": earlier.origin,
        "entries": earlier.size,
        "at": instant(earlier.at),
        "head": earlier.head,
    }
    seen = seal.witness(book, earlier)
    verdict = verdict | {"checkpoint": told | {"consistent": seen.problem is None}}
    if seen.problem is None or "problem" in verdict:
        return verdict
    place = earlier.size if seen.problem == "rewritten" else seen.entries
    return verdict | {"ok": False, "problem": ledger.problem(seen.problem, place)}


def _checkpoint(head: str | None, entries: int | None) -> dict[str, Any] | None:
    """Join the two halves of a checkpoint; one alone says nothing."""
    if (head is None) != (entries is None):
        raise UsageError(
            "usage.checkpoint",
            Text(
                de="Ein Prüfpunkt braucht --head und --entries.",
                en="A checkpoint needs --head and --entries.",
            ),
            remedy=Text(
                de="Beides steht in edition.json unter book_head; unterschrieben ist --checkpoint.",
                en="Both stand in edition.json under book_head; what is signed goes to --checkpoint.",
            ),
        )
    return None if head is None else {"head": head, "entries": entries}


def _sentence(verdict: dict[str, Any]) -> str:
    if verdict["ok"]:
        sound = said(
            f"Das Buch ist unversehrt: {verdict['entries']} Einträge, Prüfsumme {verdict['head']}.",
            f"The book is sound: {verdict['entries']} entries, hash {verdict['head']}.",
        )
        return sound + (_of_checkpoint(verdict["checkpoint"]) if "checkpoint" in verdict else "")
    problem = verdict["problem"]
    place = (
        ""
        if problem["entry"] is None
        else said(f"Eintrag {problem['entry']}: ", f"Entry {problem['entry']}: ")
    )
    return place + problem["text"]


@app.command(
    help=explained(
        Text(
            de="Zeigt je Datensatz und Jahr, was Antworten mit Rauschen vom Budget verbraucht haben.",
            en="Show per dataset and year what answers with noise have spent of the budget.",
        ),
        example="stadtbuch book budget",
    )
)
def budget(*, city: CityOption = None, as_json: JsonOption = False) -> None:
    """Show what is spent."""
    from stadtbuch.catalog import index  # noqa: PLC0415 - start-up time
    from stadtbuch.disclosure import budget as budgets  # noqa: PLC0415 - start-up time

    settings = open_settings(city)
    book, _ = _book(city)
    decided = {
        one.id: one.privacy.budget for one in index.load(settings).datasets.values() if one.privacy.budget
    }
    lines = []
    for (dataset, year), paid in sorted(budgets.by_year(book.entries(kind=budgets.DEBITED)).items()):
        lines.append(
            {"dataset": dataset, "year": year, **paid.as_dict(), "of": _decided(decided.get(dataset))}
        )
    unused = [name for name in decided if name not in {one["dataset"] for one in lines}]
    nothing = budgets.Spent().as_dict()
    lines += [{"dataset": one, "year": None, **nothing, "of": _decided(decided[one])} for one in unused]

    def human(console: Console) -> None:
        for one in lines:
            of = f" / {one['of']['epsilon']:g}" if one["of"] else ""
            console.print(
                f"{one['dataset']:<32} {one['year'] or '':>4}  ε {one['epsilon']:g}{of}  "
                + said(f"Antworten: {one['answers']}", f"answers: {one['answers']}")
            )
        if not lines:
            console.print(said("Kein Datensatz hat ein Budget.", "No dataset has a budget."))

    answer(lines, as_json=as_json, human=human)


def _decided(budget: Budget | None) -> dict[str, Any] | None:
    return None if budget is None else {"epsilon": budget.epsilon, "delta": budget.delta, "per": budget.per}


def _of_checkpoint(told: dict[str, Any]) -> str:
    return said(
        f" Die {told['entries']} Einträge des Prüfpunkts vom {told['at']} sind noch dieselben.",
        f" The {told['entries']} entries of the checkpoint of {told['at']} are still the same.",
    )


@app.command(
    help=explained(
        Text(
            de="Unterschreibt, wie das Buch jetzt steht: ein Prüfpunkt, den Sie anderswo aufbewahren lassen.",
            en="Sign how the book stands now: a checkpoint for somebody else to keep.",
        ),
        example="stadtbuch book checkpoint --out checkpoint.txt",
    )
)
def checkpoint(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help=said("Datei; sonst auf stdout.", "File; else stdout."),
            show_default=False,
        ),
    ] = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a checkpoint."""
    from stadtbuch.book import checkpoint as notes  # noqa: PLC0415 - start-up time
    from stadtbuch.book import standing  # noqa: PLC0415 - start-up time

    settings = open_settings(city)
    seal, state = key.seal_of(settings)
    standing.require_current(seal.book, settings.folder("public"))
    actor, at = acting(settings, as_role=as_role, now=now)
    made = seal.sign(actor=actor, now=at)
    if out is not None:
        with writing("--out"):
            atomic.write(out, made)
    standing.keep(state.folder("checkpoints"), made)
    told = notes.read(made).checkpoint
    document = {
        "origin": told.origin,
        "entries": told.size,
        "root": told.root.hex(),
        "head": told.head,
        "at": instant(told.at),
        "file": None if out is None else str(out),
        "checkpoint": made.decode(),
    }
    written = said(
        f"Prüfpunkt über {told.size} Einträge geschrieben.", f"Checkpoint of {told.size} entries written."
    )

    def human(console: Console) -> None:
        console.out(made.decode() if out is None else f"{written}\n", end="", highlight=False)

    answer(document, as_json=as_json, human=human)


app.command(
    help=explained(
        Text(
            de="Beweist, dass ein Eintrag im Buch steht, für jemanden, der nur einen Prüfpunkt hat.",
            en="Prove that an entry is in the book, to somebody who has a checkpoint only.",
        ),
        example="stadtbuch book prove 1 --json",
    )
)(proof.prove)
app.command(
    help=explained(
        Text(
            de="Beweist, dass ein späterer Prüfpunkt alles enthält, wofür ein früherer steht; Code 3, wenn nicht.",
            en="Prove that a later checkpoint holds all that an earlier one stands for; exit code 3 if it does not.",
        ),
        example="stadtbuch book consistency earlier.txt later.txt --json",
    )
)(proof.consistency)


@app.command(
    help=explained(
        Text(
            de="Stellt fest, dass dem Buch Einträge fehlen, und warum; danach wird wieder veröffentlicht.",
            en="State that the book lacks entries, and why; from then on things are published again.",
        ),
        example='stadtbuch book acknowledge --reason-de "…" --reason-en "…"',
    )
)
def acknowledge(
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help=said(
                "Der neuere Prüfpunkt, falls er nicht auf den öffentlichen Seiten steht.",
                "The newer checkpoint, if it is not on the public pages.",
            ),
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = None,
    reason_de: ReasonDeOption = None,
    reason_en: ReasonEnOption = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge a gap."""
    from stadtbuch.book import standing  # noqa: PLC0415 - start-up time

    why = stated(reason, reason_de, reason_en)
    settings = open_settings(city)
    actor, at = acting(settings, as_role=as_role, now=now)
    seal, state = key.seal_of(settings)
    given = None if file is None else key.signed(city, file, None).checkpoint
    with state.lock("build", command="stadtbuch book acknowledge"):
        found = standing.gap(seal.book, standing.stands(standing.published(settings.folder("public")), given))
        if found is None:
            raise _no_gap()
        made = standing.acknowledge(seal.book, found, reason=why, actor=actor, now=at)
    told = said(
        f"Eintrag {made.number}: Dem Buch fehlen Einträge bis {found.entries}. Der Grund wird veröffentlicht.",
        f"Entry {made.number}: the book lacks entries up to {found.entries}. The reason is published.",
    )
    answer(proof.record(made), as_json=as_json, human=lambda console: console.print(told, soft_wrap=True))


def _no_gap() -> UsageError:
    return UsageError(
        "book.no-gap",
        Text(
            de="Dem Buch fehlt nichts, wovon ein Prüfpunkt weiß.",
            en="The book lacks nothing that a checkpoint knows of.",
        ),
        remedy=Text(
            de="Es ist nichts zu tun. Kennen Sie einen neueren Prüfpunkt, nennen Sie ihn mit --checkpoint.",
            en="There is nothing to do. If you know a newer checkpoint, name it with --checkpoint.",
        ),
    )


@app.command(
    help=explained(
        Text(de="Gibt alle Einträge als JSON-Zeilen aus.", en="Give all entries as JSON lines."),
        example="stadtbuch book export --to book.jsonl",
    )
)
def export(
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help=said("Datei; sonst auf stdout.", "File; else stdout."),
            show_default=False,
        ),
    ] = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the book."""
    book, _ = _book(city)
    records = [proof.record(entry) for entry in book.entries()]
    lines = "".join(canonical(one) + "\n" for one in records)
    if to is None:
        answer(records, as_json=as_json, human=lambda console: console.out(lines, end="", highlight=False))
        return
    with writing("--to"):
        atomic.write(to, lines.encode(), mode=0o600)
    written = said(f"{len(records)} Einträge geschrieben.", f"{len(records)} entries written.")
    answer(
        {"entries": len(records), "file": str(to)},
        as_json=as_json,
        human=lambda console: console.print(written),
    )
