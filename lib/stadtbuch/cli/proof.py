"""``stadtbuch book prove|consistency``: what somebody can check who holds checkpoints and not the book."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli import key
from stadtbuch.cli.context import CityOption, JsonOption, answer, open_settings, said
from stadtbuch.cli.files import content_of
from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.entry import Entry
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.book.checkpoint import Checkpoint
    from stadtbuch.book.ledger import Book


def record(entry: Entry) -> dict[str, Any]:
    """Give an entry as JSON, in the form in which its hash can be recomputed."""
    return entry.model_dump() | {"at": instant(entry.at)}


def _leaves(city: Path | None) -> tuple[Book, list[bytes]]:
    """Open the book of a city, and give the leaves of its tree."""
    from stadtbuch.book.ledger import leaf_of  # noqa: PLC0415 - start-up time

    book = key.seal_of(open_settings(city))[0].book
    return book, [leaf_of(one) for one in book.hashes()]


def prove(
    entry: Annotated[
        int,
        typer.Argument(
            metavar="ENTRY",
            min=1,
            help=said("Nummer des Eintrags.", "Number of the entry."),
            show_default=False,
        ),
    ],
    *,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove an entry."""
    from stadtbuch.book import merkle  # noqa: PLC0415 - start-up time

    book, leaves = _leaves(city)
    found = next((one for one in book.entries() if one.number == entry), None)
    if found is None:
        raise _no_entry(len(leaves))
    document: dict[str, Any] = {
        "entry": record(found),
        "entries": len(leaves),
        "root": merkle.root(leaves).hex(),
        "proof": [one.hex() for one in merkle.inclusion(leaves, entry - 1)],
    }

    def human(console: Console) -> None:
        console.print(said(f"Eintrag {entry}: {found.hash}", f"Entry {entry}: {found.hash}"))
        for one in document["proof"]:
            console.print(f"  {one}")
        console.print(said("ergibt die Wurzel ", "gives the root ") + str(document["root"]))

    answer(document, as_json=as_json, human=human)


def _no_entry(last: int) -> UsageError:
    return UsageError(
        "book.no-entry",
        Text(de="Diesen Eintrag gibt es nicht.", en="There is no such entry."),
        remedy=Text(
            de=f"Nennen Sie eine Nummer bis {last}; stadtbuch book show zeigt die letzten.",
            en=f"Name a number up to {last}; stadtbuch book show lists the last ones.",
        ),
    )


def consistency(
    earlier: Annotated[
        Path,
        typer.Argument(
            metavar="EARLIER",
            help=said("Der frühere Prüfpunkt.", "The earlier checkpoint."),
            show_default=False,
        ),
    ],
    later: Annotated[
        Path,
        typer.Argument(
            metavar="LATER",
            help=said("Der spätere Prüfpunkt.", "The later checkpoint."),
            show_default=False,
        ),
    ],
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            metavar="FILE",
            help=said(
                "Beweis von anderswo (die JSON-Antwort dieses Befehls); mit --key geht es dann ohne das Buch.",
                "Proof from elsewhere (the JSON answer of this command); with --key no book is needed then.",
            ),
            show_default=False,
        ),
    ] = None,
    trusted: key.TrustedOption = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that one checkpoint continues another."""
    from stadtbuch.book import merkle, seal  # noqa: PLC0415 - start-up time

    first = key.signed(city, earlier, trusted, option="EARLIER").checkpoint
    second = key.signed(city, later, trusted, option="LATER").checkpoint
    if seal.book_of(first) != seal.book_of(second):
        raise _other_book()
    hashes = _made(city, first.size, second.size) if file is None else _read(file)
    holds = merkle.extends((first.size, first.root), (second.size, second.root), hashes)
    document = {
        "consistent": holds,
        "origin": seal.book_of(first),
        "earlier": _stand(first),
        "later": _stand(second),
        "proof": [one.hex() for one in hashes],
    }
    answer(document, as_json=as_json, human=lambda console: _tell(console, first, second, holds=holds))
    if not holds:
        raise typer.Exit(3)


def _made(city: Path | None, first: int, second: int) -> list[bytes]:
    """Make the proof from the book; none where the book or the order of both checkpoints does not allow one."""
    from stadtbuch.book import merkle  # noqa: PLC0415 - start-up time

    _, leaves = _leaves(city)
    return merkle.consistency(leaves[:second], first) if first <= second <= len(leaves) else []


def _read(file: Path) -> list[bytes]:
    """
    Read the proof in the answer of this command.

    Raises
    ------
    UsageError
        ``usage.proof``.
    """
    try:
        return [bytes.fromhex(one) for one in json.loads(content_of(file, "--proof"))["proof"]]
    except (ValueError, KeyError, TypeError):
        raise _no_proof() from None


def _stand(one: Checkpoint) -> dict[str, Any]:
    return {"entries": one.size, "root": one.root.hex(), "at": instant(one.at)}


def _tell(console: Console, first: Checkpoint, second: Checkpoint, *, holds: bool) -> None:
    sizes = (first.size, second.size)
    good = said(
        "Der spätere Prüfpunkt ({1} Einträge) beginnt mit allen {0} Einträgen des früheren, unverändert.",
        "The later checkpoint ({1} entries) begins with all {0} entries of the earlier one, unchanged.",
    )
    bad = said(
        "Das ist nicht bewiesen: Der spätere Prüfpunkt ({1} Einträge) setzt den früheren ({0}) nicht fort.",
        "That is not proved: the later checkpoint ({1} entries) does not continue the earlier one ({0}).",
    )
    console.print((good if holds else bad).format(*sizes), style="" if holds else "bold red", soft_wrap=True)


def _other_book() -> Refused:
    return Refused(
        "checkpoint.origin",
        Text(
            de="Die beiden Prüfpunkte gehören zu verschiedenen Büchern.",
            en="The two checkpoints belong to different books.",
        ),
        remedy=Text(
            de="Vergleichen Sie Prüfpunkte derselben Stadt; die erste Zeile nennt das Buch.",
            en="Compare checkpoints of the same city; the first line names the book.",
        ),
    )


def _no_proof() -> UsageError:
    return UsageError(
        "usage.proof",
        Text(de="Die Datei zu --proof enthält keinen Beweis.", en="The file of --proof holds no proof."),
        remedy=Text(
            de="Geben Sie die Antwort von stadtbuch book consistency … --json an.",
            en="Give the answer of stadtbuch book consistency … --json.",
        ),
    )
