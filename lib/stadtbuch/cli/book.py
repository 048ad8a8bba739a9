"""``stadtbuch book``: show, verify and export what happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import atomic
from stadtbuch.book.ledger import Book, canonical
from stadtbuch.cli.context import CityOption, JsonOption, answer, explained, language, open_settings, said
from stadtbuch.errors import UsageError
from stadtbuch.model.entry import Entry
from stadtbuch.state import State
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(add_completion=False)


def _book(city: Path | None) -> tuple[Book, Any]:
    """Open the book of a city for reading, with the zone in which its times are shown."""
    settings = open_settings(city)
    state = State.open(settings.folder("state"))
    return Book(state.root / "book.sqlite", key=state.key), settings.city.zone


def record(entry: Entry) -> dict[str, Any]:
    """Give an entry as JSON, in the form in which its hash can be recomputed."""
    return entry.model_dump() | {"at": instant(entry.at)}


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

    answer([record(entry) for entry in shown], as_json=as_json, human=human)


@app.command(
    help=explained(
        Text(
            de="Prüft jeden Eintrag und die ganze Kette; Code 3, wenn etwas nicht stimmt.",
            en="Check every entry and the whole chain; exit code 3 if something is wrong.",
        ),
        example="stadtbuch book verify",
    )
)
def verify(
    *,
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
    verdict = book.verify(_checkpoint(head, entries))
    if "problem" in verdict:
        verdict["problem"] |= {"text": verdict["problem"]["text"][language()]}
    answer(verdict, as_json=as_json, human=lambda console: console.print(_sentence(verdict)))
    if not verdict["ok"]:
        raise typer.Exit(3)


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
                de="Beides steht in edition.json unter book_head.",
                en="Both stand in edition.json under book_head.",
            ),
        )
    return None if head is None else {"head": head, "entries": entries}


def _sentence(verdict: dict[str, Any]) -> str:
    if verdict["ok"]:
        return said(
            f"Das Buch ist unversehrt: {verdict['entries']} Einträge, Prüfsumme {verdict['head']}.",
            f"The book is sound: {verdict['entries']} entries, hash {verdict['head']}.",
        )
    problem = verdict["problem"]
    place = (
        ""
        if problem["entry"] is None
        else said(f"Eintrag {problem['entry']}: ", f"Entry {problem['entry']}: ")
    )
    return place + problem["text"]


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
    records = [record(entry) for entry in book.entries()]
    lines = "".join(canonical(one) + "\n" for one in records)
    if to is None:
        answer(records, as_json=as_json, human=lambda console: console.out(lines, end="", highlight=False))
        return
    with _writing(to):
        atomic.write(to, lines.encode(), mode=0o600)
    written = said(f"{len(records)} Einträge geschrieben.", f"{len(records)} entries written.")
    answer(
        {"entries": len(records), "file": str(to)},
        as_json=as_json,
        human=lambda console: console.print(written),
    )


@contextmanager
def _writing(to: Path) -> Iterator[None]:
    """Say in a sentence that a file cannot be written where the user wants it."""
    try:
        yield
    except OSError:
        raise UsageError(
            "usage.file",
            Text(
                de="Die Datei zu --to lässt sich nicht schreiben.", en="The file of --to cannot be written."
            ),
            remedy=Text(
                de="Nennen Sie einen vorhandenen Ordner, in den Sie schreiben dürfen.",
                en="Name an existing folder that you may write to.",
            ),
        ) from None
