"""
What all commands share: options, the way into the city, the one answer. The clock is read here only.

Progress and warnings go to stderr (`narrator`), the answer goes to stdout (`answer`), so that ``--json``
gives exactly one document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import settings as city_settings
from stadtbuch.errors import UsageError
from stadtbuch.settings import Settings
from stadtbuch.texts import Language, Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.actor import Actor
    from stadtbuch.session import City

_WIDTH = 200  # for pipes and files: wide enough that no id of a table is cut


def language() -> Language:
    """Give the language in which this process speaks."""
    return city_settings.environment().language


def explained(text: Text, *, example: str) -> str:
    """
    Write the help of a command: what it does and an example, in the language of the process.

    Examples
    --------
    >>> shown = explained(Text(de="Zeigt das Buch.", en="Show the book."), example="stadtbuch book show")
    >>> shown.splitlines()[-1]
    'stadtbuch book show'
    """
    label = Text(de="Beispiel", en="Example").pick(language())
    return f"{text.pick(language())}\n\n{label}:\n\n{example}"


def said(de: str, en: str) -> str:
    """Pick the wording of the process's language, for the help of an option or a line of progress."""
    return Text(de=de, en=en).pick(language())


CityOption = Annotated[
    Path | None,
    typer.Option(
        "--city",
        metavar="PATH",
        help=said(
            "Ordner der Stadt; sonst der nächste mit stadtbuch.toml.", "The city's folder; else the nearest."
        ),
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help=said("Gibt genau ein JSON-Dokument auf stdout aus.", "Exactly one JSON document on stdout."),
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="TIME",
        help=said(
            "Tut, als wäre es jetzt 2026-01-15 oder 2026-01-15T08:00, in der Zeitzone der Stadt.",
            "As if it were now: 2026-01-15 or 2026-01-15T08:00, in the city's time zone.",
        ),
        show_default=False,
    ),
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="ROLE",
        help=said("In welcher Ihrer Rollen Sie handeln.", "In which of your roles you act."),
        show_default=False,
    ),
]
ReportsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REPORT",
        help=said("Welche Berichte; ohne Angabe alle.", "Which reports; else all."),
        show_default=False,
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs", min=1, metavar="N", help=said("Wie viele Läufe zugleich.", "How many runs at once.")
    ),
]


def moment(given: str | None, *, zone: tzinfo) -> datetime:
    """
    Give the time of a command: what ``--now`` says, or the clock.

    Parameters
    ----------
    given
        ISO 8601 date or date-time; without an offset it is in `zone`.
    zone
        The city's time zone.

    Raises
    ------
    UsageError
        ``usage.now`` if it is no such time.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> moment("2026-01-15", zone=ZoneInfo("Europe/Berlin")).isoformat()
    '2026-01-15T00:00:00+01:00'
    """
    if given is None:
        return datetime.now(UTC).astimezone(zone)
    try:
        told = datetime.fromisoformat(given)
        local = told.replace(tzinfo=zone) if told.tzinfo is None else told.astimezone(zone)
        # A time that the clock jumps over in spring comes back as another one.
        back = local.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError):
        raise _no_time() from None
    if back.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise _no_time()
    return local


def _no_time() -> UsageError:
    return UsageError(
        "usage.now",
        Text(de="--now ist keine gültige Zeit.", en="--now is not a valid time."),
        remedy=Text(
            de="Schreiben Sie 2026-01-15 oder 2026-01-15T08:00.",
            en="Write 2026-01-15 or 2026-01-15T08:00.",
        ),
    )


def acting(settings: Settings, *, as_role: str | None, now: str | None) -> tuple[Actor, datetime]:
    """
    Say who acts and when, for commands that do without the catalogue.

    Parameters
    ----------
    as_role, now
        What ``--as`` and ``--now`` gave.

    Raises
    ------
    AccessDenied, UsageError
        If the role is not one's own, or the time is none.
    """
    from stadtbuch.actors import who  # noqa: PLC0415 - start-up time

    return who(settings.root, as_role=as_role), moment(now, zone=settings.city.zone)


def open_settings(city: Path | None) -> Settings:
    """Find and read the settings of the city at a path, or of the one around the current folder."""
    return city_settings.read(city_settings.find((city or Path.cwd()).resolve()))


def open_city(
    city: Path | None, *, now: str | None = None, as_role: str | None = None, rehash: bool = False
) -> City:
    """
    Open the city for a command.

    Parameters
    ----------
    city, now, as_role
        What ``--city``, ``--now`` and ``--as`` gave.
    rehash
        Believe no stamp of a file.

    Raises
    ------
    StadtbuchError
        If the settings, the state, the time or the role do not allow it.
    """
    from stadtbuch.session import City  # noqa: PLC0415 - start-up time: it brings pandas along

    found = open_settings(city)
    zone = found.city.zone
    return City.open(
        found, now=moment(now, zone=zone), clock=moment(None, zone=zone), as_role=as_role, rehash=rehash
    )


def answer(document: Any, *, as_json: bool, human: Callable[[Console], None]) -> None:
    """
    Give a command's answer on stdout: one JSON document, or text for people.

    Parameters
    ----------
    document
        What ``--json`` promises; keys stay in their order.
    as_json
        What ``--json`` gave.
    human
        Prints the same for people; markup in square brackets has no meaning there, use ``style=``.
    """
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        human(_console(stderr=False))
    sys.stdout.flush()


def narrator() -> Console:
    """Give the console for progress and warnings: stderr."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # noqa: PLC0415 - start-up time

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
