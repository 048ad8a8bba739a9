"""``stadtbuch init``: the folders of a new city, ready to build its first page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from stadtbuch.cli.context import JsonOption, NowOption, answer, moment, said
from stadtbuch.texts import Language

if TYPE_CHECKING:
    from rich.console import Console

NEXT = ("stadtbuch build", "stadtbuch doctor")


def init(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help=said(
                "Der Ordner: neu, leer oder nur mit .git.", "The folder: new, empty or with .git only."
            ),
            show_default=False,
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help=said("Name der Stadt; sonst ein Platzhalter.", "The city's name; else a placeholder."),
            show_default=False,
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            metavar="MAIL",
            help=said("Funktionspostfach; sonst ein Platzhalter.", "A function mailbox; else a placeholder."),
            show_default=False,
        ),
    ] = None,
    spoken: Annotated[
        Language,
        typer.Option("--language", help=said("Erste Sprache der Seiten.", "First language of the pages.")),
    ] = "de",
    zone: Annotated[
        str,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help=said("Zeitzone, in der Daten gezeigt werden.", "Time zone in which dates are shown."),
        ),
    ] = "Europe/Berlin",
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Found a city."""
    from stadtbuch import founding  # noqa: PLC0415 - start-up time

    place = folder.absolute()
    wishes = founding.Wishes(
        login=_login(place),
        today=moment(now, zone=_zone(zone)).date(),
        name=name,
        contact=contact,
        zone=zone,
        language=spoken,
        version=_version(),
    )
    written = founding.lay(place, founding.files(wishes))
    document = {"folder": str(place), "files": written, "next": [_change(place), *NEXT]}
    answer(document, as_json=as_json, human=lambda console: _tell(console, document, place))


def _login(place: Path) -> str:
    """Ask the system who this is: the new city's first analyst."""
    from stadtbuch.actors import who  # noqa: PLC0415 - start-up time

    return who(place / "nobody-has-a-role-yet", as_role=None).login


def _zone(name: str) -> ZoneInfo:
    """Give the zone; one that does not exist is told by `founding.files`, together with the rest."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _version() -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - start-up time

    try:
        return version("stadtbuch")
    except PackageNotFoundError:
        return None


def _change(place: Path) -> str:
    here = Path.cwd()
    shown = place.relative_to(here) if place.is_relative_to(here) else place
    return f"cd {shlex.quote(str(shown))}"


def _tell(console: Console, document: dict[str, Any], place: Path) -> None:
    number = len(document["files"])
    console.print(
        said(
            f"Die neue Stadt liegt in {place.name or place}: {number} Dateien.",
            f"The new city lies in {place.name or place}: {number} files.",
        ),
        style="bold",
        soft_wrap=True,
    )
    console.print(
        said(
            "Ein Beispieldatensatz (erfunden) und ein Bericht sind dabei. Als Nächstes:",
            "An example dataset (made up) and a report came along. Next:",
        ),
        soft_wrap=True,
    )
    for line in document["next"]:
        console.print(f"  {line}", soft_wrap=True)
