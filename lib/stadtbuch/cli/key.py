"""``stadtbuch book key``: the keys that sign the checkpoints of the book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from stadtbuch.cli.reasons import ReasonDeOption, ReasonEnOption, ReasonOption, stated
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.book.checkpoint import Note
    from stadtbuch.book.seal import Seal, SealKey
    from stadtbuch.settings import Settings
    from stadtbuch.state import State

app = typer.Typer(add_completion=False, rich_markup_mode=None)

TrustedOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help=said(
            "Schlüssel, die Sie aufbewahrt haben (keys.json oder Zeilen daraus); sonst die des Buchs.",
            "Keys that you kept (keys.json or lines of it); else those of the book.",
        ),
        show_default=False,
    ),
]
"""Keys that somebody trusts more than those that the book names."""


def seal_of(settings: Settings) -> tuple[Seal, State]:
    """Open the seal of a city without opening its catalogue."""
    from stadtbuch.book.ledger import Book  # noqa: PLC0415 - start-up time
    from stadtbuch.book.seal import Seal  # noqa: PLC0415 - start-up time
    from stadtbuch.state import State  # noqa: PLC0415 - start-up time

    state = State.open(settings.folder("state"))
    return Seal.of(Book(state.root / "book.sqlite", key=state.key), state, settings), state


@app.command(
    "list",
    help=explained(
        Text(
            de="Zeigt alle Schlüssel, mit denen Prüfpunkte unterschrieben wurden; nie ihren geheimen Teil.",
            en="Show all keys that signed checkpoints; never their private half.",
        ),
        example="stadtbuch book key list",
    ),
)
def list_(*, city: CityOption = None, as_json: JsonOption = False) -> None:
    """List the keys."""
    settings = open_settings(city)
    seal, _ = seal_of(settings)
    found = seal.history()
    document = {"keys": [one.as_dict() for one in found], "private_half_present": seal.is_whole()}
    answer(document, as_json=as_json, human=lambda console: _show(console, found, whole=seal.is_whole()))


def _show(console: Console, found: list[SealKey], *, whole: bool) -> None:
    for one in found:
        console.print(f"{one.number:>3}  {one.public.written}", soft_wrap=True)
        for line in _about(one):
            console.print(f"     {line}", soft_wrap=True)
    if not found:
        console.print(said("Noch kein Schlüssel.", "No key yet."))
    if not whole:
        console.print(
            said(
                "Der geheime Teil des letzten Schlüssels fehlt.",
                "The private half of the last key is missing.",
            ),
            style="bold red",
        )


def _about(one: SealKey) -> list[str]:
    lines = [said(f"seit {one.since:%d.%m.%Y}", f"since {one.since:%Y-%m-%d}")]
    if one.until:
        lines[0] += said(f" bis {one.until:%d.%m.%Y}", f" until {one.until:%Y-%m-%d}")
    if one.test:
        lines.append(said("Schlüssel zum Testen", "a key for tests"))
    if one.lost:
        before = said("der vorige ging verloren", "the one before was lost")
        lines.append(f"{before}: {one.lost.pick(language())}")
    if not one.sound:
        lines.append(said("NICHT vom vorigen unterschrieben", "NOT signed by the one before"))
    return lines


@app.command(
    help=explained(
        Text(
            de="Ersetzt den Schlüssel durch einen neuen, den der alte unterschreibt; bei Verlust mit --lost und Grund.",
            en="Replace the key by a new one, signed by the old one; after a loss with --lost and the reason.",
        ),
        example="stadtbuch book key rotate",
    )
)
def rotate(
    *,
    lost: Annotated[
        bool,
        typer.Option(
            "--lost",
            help=said(
                "Der alte ist verloren oder gestohlen und unterschreibt nicht; der Grund wird veröffentlicht.",
                "The old one is lost or stolen and does not sign; the reason is published.",
            ),
        ),
    ] = False,
    reason: ReasonOption = None,
    reason_de: ReasonDeOption = None,
    reason_en: ReasonEnOption = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rotate the key."""
    settings = open_settings(city)
    actor, at = acting(settings, as_role=as_role, now=now)
    why = _why(reason, reason_de, reason_en, lost=lost)
    seal, state = seal_of(settings)
    with state.lock("build", command="stadtbuch book key rotate"):
        made = (
            seal.replace_lost(why, actor=actor, now=at)
            if why is not None
            else seal.rotate(actor=actor, now=at)
        )
    told = said(
        f"Schlüssel {made.number} gilt ab jetzt. Bewahren Sie eine Kopie von var/keys/{made.name}.key getrennt auf. "
        "Der nächste Bau veröffentlicht den neuen Schlüssel.",
        f"Key {made.number} is in use from now on. Keep a copy of var/keys/{made.name}.key in another place. "
        "The next build publishes the new key.",
    )
    answer(made.as_dict(), as_json=as_json, human=lambda console: console.print(told, soft_wrap=True))


def _why(both: str | None, german: str | None, english: str | None, *, lost: bool) -> Text | None:
    """Give the reason of a loss; one without --lost would be lost itself."""
    if not lost and any((both, german, english)):
        raise UsageError(
            "usage.reason",
            Text(de="Ein Grund gehört zu --lost.", en="A reason belongs to --lost."),
            remedy=Text(
                de="Ist der alte Schlüssel noch da, lassen Sie ihn weg; sonst schreiben Sie --lost dazu.",
                en="If the old key is still there, leave it out; else add --lost.",
            ),
        )
    return stated(both, german, english) if lost else None


def signed(city: Path | None, file: Path, trusted: Path | None, *, option: str = "--checkpoint") -> Note:
    """
    Read a checkpoint and check its signature by the keys that are trusted; else by those of the city's book.

    Raises
    ------
    UsageError, Refused
        If the file cannot be read, is no checkpoint, or no such key signed it.
    """
    from stadtbuch.book import checkpoint  # noqa: PLC0415 - start-up time
    from stadtbuch.cli.files import content_of  # noqa: PLC0415 - start-up time

    note = checkpoint.read(content_of(file, option))
    known = seal_of(open_settings(city))[0].keys() if trusted is None else public_keys(trusted)
    note.signed_by(known)
    return note


def public_keys(file: Path) -> list[Any]:
    """
    Read public keys that somebody kept: ``keys.json`` of the public pages, or lines of it.

    Raises
    ------
    UsageError, Refused
        If the file cannot be read, or holds something else.
    """
    import json  # noqa: PLC0415 - only here

    from stadtbuch.book.checkpoint import PublicKey  # noqa: PLC0415 - start-up time
    from stadtbuch.cli.files import content_of  # noqa: PLC0415 - start-up time

    words = content_of(file, "--key").decode("utf-8", errors="replace")
    try:
        lines = [str(one["key"]) for one in json.loads(words)["keys"]]
    except (ValueError, KeyError, TypeError):
        lines = [line for line in words.splitlines() if line.strip() and not line.startswith("#")]
    return [PublicKey.parse(line) for line in lines]
