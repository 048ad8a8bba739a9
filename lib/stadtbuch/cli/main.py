"""
The entry point: finds a command, runs it, and turns whatever goes wrong into sentences and an exit code.

Commands are imported when they are called, not before: ``stadtbuch --help`` answers at once.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from stadtbuch import atomic, startup
from stadtbuch.cli import speech
from stadtbuch.cli.context import explained, language, narrator, said
from stadtbuch.errors import Failed, StadtbuchError
from stadtbuch.texts import Text

_BROKEN = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
"""What a full or broken disk says, or a system that has no more files to give, where nobody thought of it."""
_INTERRUPTED = 130  # what Typer makes of Ctrl-C


@dataclass(frozen=True, slots=True)
class Door:
    """Where a command lives (``module:attribute``), what it is for, and an example."""

    target: str
    short: Text
    example: str
    hidden: bool = False


DOORS = {
    "init": Door(
        "stadtbuch.cli.init:init",
        Text(
            de="Legt die Ordner einer neuen Stadt an, mit denen sofort eine erste Seite entsteht.",
            en="Make a new city's folders, from which a first page can be built at once.",
        ),
        'stadtbuch init my-city --name "Musterstadt"',
    ),
    "doctor": Door(
        "stadtbuch.cli.doctor:doctor",
        Text(
            de="Sagt, was installiert ist, was fehlt oder falsch eingestellt ist, und was zu tun ist.",
            en="Say what is installed, missing or misconfigured, and what to do.",
        ),
        "stadtbuch doctor --public",
    ),
    "demo": Door(
        "stadtbuch.cli.demo:demo",
        Text(
            de="Baut die synthetische Stadt von den Daten bis zu den öffentlichen Seiten.",
            en="Build the synthetic city, from its data to its public pages.",
        ),
        "stadtbuch demo",
    ),
    "lab": Door(
        "stadtbuch.cli.lab:lab",
        Text(
            de="Startet JupyterLab mit Startnotebook, Hinweisen, Vervollständigung und Vorlagen.",
            en="Start JupyterLab with a start notebook, notes, completion and templates.",
        ),
        "stadtbuch lab",
    ),
    "catalog": Door(
        "stadtbuch.cli.catalog:app",
        Text(
            de="Zeigt, durchsucht und prüft den Datenkatalog.",
            en="Show, search and check the data catalogue.",
        ),
        "stadtbuch catalog list",
    ),
    "quality": Door(
        "stadtbuch.cli.quality:quality",
        Text(
            de="Misst, wie gut die Daten sind: vierzehn Kriterien, gemessen oder mit dem Grund, warum nicht.",
            en="Measure how good the data are: fourteen criteria, measured or with the reason why not.",
        ),
        "stadtbuch quality geography.areas",
    ),
    "run": Door(
        "stadtbuch.cli.run:run",
        Text(
            de="Führt ein Notebook einmal aus; das Ergebnis bleibt intern.",
            en="Run a notebook once; the result stays internal.",
        ),
        "stadtbuch run notebooks/analyses/who-lives-where.ipynb -p borough=all -p reference_date=2025-12-31",
    ),
    "check": Door(
        "stadtbuch.cli.check:check",
        Text(
            de="Sagt, was die Freigabeprüfung zu einem Notebook oder Bericht sagen würde.",
            en="Say what the gate would say about a notebook or report.",
        ),
        "stadtbuch check notebooks/analyses/how-does-the-city-cycle.ipynb",
    ),
    "build": Door(
        "stadtbuch.cli.build:build",
        Text(
            de="Bringt Berichte auf den neuesten Stand und veröffentlicht, was veröffentlicht werden darf.",
            en="Bring reports up to date and publish what may be published.",
        ),
        "stadtbuch build --jobs 2",
    ),
    "tick": Door(
        "stadtbuch.cli.tick:tick",
        Text(
            de="Baut, was nach den Zeitplänen jetzt fällig ist; für einen Timer, beliebig oft.",
            en="Build what the schedules say is due now; for a timer, as often as you like.",
        ),
        "stadtbuch tick --jobs 2",
    ),
    "schedule": Door(
        "stadtbuch.cli.schedule:app",
        Text(
            de="Zeigt die Zeitpläne der Berichte und schreibt, was ein Timer braucht.",
            en="Show the schedules of the reports, and write what a timer needs.",
        ),
        "stadtbuch schedule list",
    ),
    "report": Door(
        "stadtbuch.cli.report:app",
        Text(de="Zeigt Berichte und gibt Ausgaben frei.", en="Show reports and approve editions."),
        "stadtbuch report list",
    ),
    "verify": Door(
        "stadtbuch.cli.verify:verify",
        Text(
            de="Rechnet eine Ausgabe aus ihrem eigenen Paket nach und vergleicht jede Zahl.",
            en="Compute an edition again from its own package and compare every number.",
        ),
        "stadtbuch verify who-lives-where-mitte-2026-01-15.zip",
    ),
    "submission": Door(
        "stadtbuch.cli.submission:app",
        Text(
            de="Nimmt Einsendungen an, prüft sie, rechnet sie nach und entscheidet über sie.",
            en="Receive submissions, inspect them, re-run them and decide about them.",
        ),
        "stadtbuch submission inspect my-notebook.ipynb",
    ),
    "serve": Door(
        "stadtbuch.cli.serve:serve",
        Text(
            de="Zeigt die öffentlichen Seiten und die Dashboards auf diesem Rechner.",
            en="Serve the public pages and the dashboards from this machine.",
        ),
        "stadtbuch serve --port 8000 --dashboards-port 8001",
    ),
    "book": Door(
        "stadtbuch.cli.book:app",
        Text(de="Zeigt und prüft das Buch der Stadt.", en="Show and verify the city's book."),
        "stadtbuch book verify",
    ),
    "backup": Door(
        "stadtbuch.cli.upkeep:backup",
        Text(
            de="Sichert den Zustand der Stadt, geprüft und nur was neu ist; ohne Schlüssel, wenn nicht verlangt.",
            en="Back up the city's state, verified and only what is new; without keys unless asked for.",
        ),
        "stadtbuch backup ../backups",
    ),
    "restore": Door(
        "stadtbuch.cli.upkeep:restore",
        Text(
            de="Stellt den Zustand aus einer Sicherung her; bis alles fertig ist, bleibt der alte.",
            en="Restore the state from a backup; until everything is done, the old one stays.",
        ),
        "stadtbuch restore ../backups --replace",
    ),
    "upgrade": Door(
        "stadtbuch.cli.upkeep:upgrade",
        Text(
            de="Stellt einen Zustand um, den ein früheres Stadtbuch angelegt hat; sichert ihn zuerst.",
            en="Convert a state that an earlier Stadtbuch made; back it up first.",
        ),
        "stadtbuch upgrade",
    ),
    "tidy": Door(
        "stadtbuch.cli.upkeep:tidy",
        Text(
            de="Entfernt, was niemand mehr braucht und dessen Frist vorbei ist.",
            en="Remove what nobody needs any more and whose time is over.",
        ),
        "stadtbuch tidy --dry-run",
    ),
    "synthetic": Door(
        "stadtbuch.cli.synthetic:app",
        Text(de="Erzeugt die Daten einer erfundenen Stadt.", en="Make the data of an invented city."),
        "stadtbuch synthetic make --size small --seed 1",
        hidden=True,
    ),
}


class Nouns(TyperGroup):
    """The group of all commands, which imports a command when it is called."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names in the order of the help."""
        return list(DOORS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; while the help is written, only its name and its line."""
        door = DOORS.get(cmd_name)
        if door is None:
            return None
        if self.listing:
            return TyperCommand(cmd_name, short_help=door.short.pick(language()), hidden=door.hidden)
        return load(cmd_name, door)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands without importing them."""
        self.listing = True
        try:
            super().format_options(ctx, formatter)
        finally:
            self.listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a mistake names those that exist without importing them."""
        self.listing = args[0] not in DOORS
        return super().resolve_command(ctx, args)


def load(name: str, door: Door) -> Any:
    """
    Import a command: a Typer of a noun's verbs, or a plain function.

    Raises
    ------
    Failed
        ``internal.command`` if the installation lacks it.
    """
    module, _, attribute = door.target.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        if getattr(error, "name", None) not in (module, attribute):
            raise
        raise _incomplete(name) from None
    command = _group(name, found, door) if isinstance(found, typer.Typer) else _single(name, found, door)
    speech.speak(command, language=language())
    return command


def _group(name: str, app: typer.Typer, door: Door) -> TyperGroup:
    app.rich_markup_mode = None  # plain help; see speech
    group = typer.main.get_group(app)
    group.name, group.help, group.hidden = name, _help(door), door.hidden
    return group


def _single(name: str, function: Any, door: Door) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, help=_help(door), hidden=door.hidden)(function)
    return typer.main.get_command(app)


def _help(door: Door) -> str:
    return explained(door.short, example=door.example)


def _incomplete(name: str) -> Failed:
    return Failed(
        "internal.command",
        Text(
            de=f"Der Befehl {name} fehlt in dieser Installation.",
            en=f"The command {name} is missing from this installation.",
        ),
        remedy=Text(de="Installieren Sie Stadtbuch neu.", en="Install Stadtbuch again."),
    )


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(_version() + "\n")
        raise typer.Exit


def _version() -> str:
    """Give the version of the installed package; a bare checkout has none."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - start-up time

    try:
        return version("stadtbuch")
    except PackageNotFoundError:
        return said("nicht installiert", "not installed")


def _stadtbuch(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help=said("Zeigt die Version.", "Show the version."),
        ),
    ] = False,
) -> None:
    """Stand for the options that come before a command."""


def command() -> Any:
    """Make the whole command line, ready to be called or described."""
    about = Text(
        de="Stadtbuch: kommunale Daten auswerten, prüfen, erklären und veröffentlichen.",
        en="Stadtbuch: analyse, check, explain and publish municipal data.",
    )
    app = typer.Typer(cls=Nouns, add_completion=False, rich_markup_mode=None)
    app.callback(help=explained(about, example="stadtbuch build --help"))(_stadtbuch)
    made = typer.main.get_command(app)
    speech.speak(made, language=language())
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command and give its exit code: 0 ok, 1 failed, 2 usage, 3 refused, 4 access denied.

    Parameters
    ----------
    argv
        The arguments; those of the process if left out. None at all show the help.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    _write_utf8()
    startup.spare()
    startup.collect_seldom()
    try:
        return _run(given)
    except BrokenPipeError:
        return _unheard()


def _run(given: Sequence[str]) -> int:
    try:
        code = command().main(list(given) or ["--help"], prog_name="stadtbuch", standalone_mode=False)
    except StadtbuchError as error:
        return _fail(error, given)
    except TyperException as error:
        return _fail(speech.mistake(error), given)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(_interrupted(), given)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback with values
        if isinstance(error, OSError) and error.errno in _BROKEN:
            return _fail(atomic.unusable("var", error), given)
        return _fail(_unexpected(error), given)
    if code == _INTERRUPTED:
        return _fail(_interrupted(), given)
    return code if isinstance(code, int) else 0


def _write_utf8() -> None:
    """Write UTF-8 whatever the terminal's locale says: JSON has no other encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _fail(error: StadtbuchError, given: Sequence[str]) -> int:
    """Tell an error on stderr, or as the one JSON document on stdout, and give its exit code."""
    options = given[: given.index("--")] if "--" in given else given
    if "--json" in options:
        sys.stdout.write(json.dumps({"error": error.as_dict(language())}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        first, *others = error.render(language()).split("\n")
        console = narrator()
        console.print(first, style="bold red", soft_wrap=True)
        for line in others:
            console.print(line, soft_wrap=True)
    return error.exit_code


def _interrupted() -> Failed:
    return Failed(
        "usage.interrupted",
        Text(de="Abgebrochen.", en="Interrupted."),
        remedy=Text(
            de="Was fertig war, bleibt; wiederholen Sie den Befehl für den Rest.",
            en="What was finished stays; repeat the command for the rest.",
        ),
    )


def _unheard() -> int:
    """End quietly when nobody reads the answer any more (``| head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _unexpected(error: Exception) -> Failed:
    """Name the type and our own line only: the message of a foreign error may hold data."""
    kind, place = type(error).__name__, _place(error)
    return Failed(
        "internal.error",
        Text(
            de=f"Das hätte nicht geschehen dürfen: {kind} in {place}.",
            en=f"This should not have happened: {kind} in {place}.",
        ),
        why=Text(
            de="Der Wortlaut des Fehlers könnte Daten enthalten und wird deshalb nicht gezeigt.",
            en="The wording of the error could hold data and is therefore not shown.",
        ),
        remedy=Text(
            de="Melden Sie den Befehl und diese Zeile dem Team, das Stadtbuch betreibt.",
            en="Report the command and this line to the team that runs Stadtbuch.",
        ),
    )


def _place(error: Exception) -> str:
    """Give the innermost line of the library that the error passed, relative to the package."""
    package = Path(__file__).parent.parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(package):
            return f"{Path(frame.filename).relative_to(package.parent).as_posix()}:{frame.lineno}"
    return "?"
