"""``stadtbuch doctor``: what is installed, missing or misconfigured, and what to do about it."""

from __future__ import annotations

from datetime import UTC
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import settings as city_settings
from stadtbuch.cli.context import CityOption, JsonOption, NowOption, answer, language, moment, narrator, said
from stadtbuch.errors import Refused, SettingsError
from stadtbuch.texts import Text, instant

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.examination.notes import Note
    from stadtbuch.examination.rounds import Report

SIGNS = {"ok": "✓", "hint": "•", "problem": "✗"}
STYLES = {"ok": "green", "hint": "yellow", "problem": "bold red"}


def doctor(
    *,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help=said(
                "Prüft auch, was vor der ersten öffentlichen Seite stimmen muss.",
                "Also check what must be right before the first public page.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examine the installation and the city."""
    from stadtbuch.examination.rounds import examine  # noqa: PLC0415 - start-up time
    from stadtbuch.examination.scene import Scene  # noqa: PLC0415 - start-up time

    scene = Scene(root=_root(city), now=moment(now, zone=UTC), public=public)
    if now is not None and scene.has_city:  # a time without offset is meant in the city's zone
        scene = Scene(root=scene.root, now=moment(now, zone=scene.settings.city.zone), public=public)
    if not as_json:
        narrator().print(said("Untersuche …", "Examining …"), style="dim")
    report = examine(scene)
    document = _document(report, scene.now, public=public)
    answer(document, as_json=as_json, human=lambda console: _tell(console, report))
    if not report.ok:
        raise typer.Exit(Refused.exit_code)


def _root(city: Path | None) -> Path | None:
    """Find the city; none around the current folder is something to tell, one that was named must be there."""
    try:
        return city_settings.find((city or Path.cwd()).resolve())
    except SettingsError:
        if city is not None:
            raise
        return None


def _document(report: Report, now: Any, *, public: bool) -> dict[str, Any]:
    from stadtbuch.examination.notes import Level  # noqa: PLC0415 - start-up time

    return {
        "ok": report.ok,
        "public": public,
        "at": instant(now),
        "counts": {str(level): report.count(level) for level in Level},
        "seen": [one.as_dict(language()) for one in report.seen],
        "skipped": list(report.skipped),
    }


def _tell(console: Console, report: Report) -> None:
    """Print each group: first what is fine, in one paragraph, then every hint and problem with its remedy."""
    for group, several in groupby(report.seen, key=lambda one: one.group):
        notes = [one.note for one in several]
        console.print(group.title.pick(language()), style="bold")
        fine = [note.text.pick(language()) for note in notes if note.level == "ok"]
        if fine:
            console.print(f"  {SIGNS['ok']} {'; '.join(fine)}.", style=STYLES["ok"])
        for level in ("problem", "hint"):
            for note in notes:
                if note.level == level:
                    _tell_one(console, note)
        console.print()
    console.print(_sum(report).pick(language()), style="bold" if report.ok else "bold red", soft_wrap=True)


def _tell_one(console: Console, note: Note) -> None:
    text = note.text.pick(language())
    subject = f"{note.subject}: " if note.subject and note.subject not in text else ""
    console.print(f"  {SIGNS[note.level]} {subject}{text}", style=STYLES[note.level], soft_wrap=True)
    for part in (note.why, note.remedy):
        if part:
            console.print(f"    {part.pick(language())}", soft_wrap=True)
    if note.command:
        console.print(f"    $ {note.command}", style="cyan", soft_wrap=True)


def _sum(report: Report) -> Text:
    from stadtbuch.examination.notes import Level  # noqa: PLC0415 - start-up time

    problems, hints = report.count(Level.problem), report.count(Level.hint)
    de, en = ("Kein Problem", "No problem")
    if problems:
        de, en = f"Probleme: {problems}", f"Problems: {problems}"
    return Text(de=f"{de}. Hinweise: {hints}.", en=f"{en}. Hints: {hints}.")
