"""
What a command does about interruptions: it finishes what an earlier one left undone, and leaves a note of its own
while it changes something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stadtbuch import journal, scratch
from stadtbuch.cli.context import language, narrator, said
from stadtbuch.errors import Busy, StateError
from stadtbuch.journal import Held, Note
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.session import City
    from stadtbuch.settings import Settings


@contextmanager
def changing(city: City, command: str) -> Iterator[Held]:
    """
    Change something in the city: finish first what was interrupted, then hold a note until all is done.

    Parameters
    ----------
    city
        An opened city.
    command
        The name of the command, for whoever finds its note.
    """
    resume(city)
    with journal.noted(city.state.folder("journal"), command=command, now=city.now) as held:
        yield held


def left(settings: Settings) -> bool:
    """Tell whether an interrupted command left something undone; asks for one small folder and no more."""
    folder = settings.folder("state") / "journal"
    return folder.is_dir() and bool(journal.interrupted(folder))


def resume(city: City) -> bool:
    """
    Finish what interrupted commands left undone, and say so in one line on stderr.

    If another command is changing the city, it is left to the next one.

    Returns
    -------
    bool
        Whether anything was left undone.
    """
    if not left(city.settings):
        return False
    with suppress(Busy):
        notes, done = _finish(city)
        journal.forget(notes)
        narrator().print(_told(notes[-1:], done, city), style="yellow", soft_wrap=True)
        return True
    return False


def _finish(city: City) -> tuple[list[Note], Counter[str]]:
    """Bring archive, shelf, spool and pages to what the book says; give the notes, and how much was done."""
    from stadtbuch.dashboards import shelf  # noqa: PLC0415 - start-up time; needed after a crash only
    from stadtbuch.reports import recovery  # noqa: PLC0415 - as above
    from stadtbuch.runs import cgroups  # noqa: PLC0415 - as above
    from stadtbuch.site import pages  # noqa: PLC0415 - as above
    from stadtbuch.submissions import inbox  # noqa: PLC0415 - as above

    with city.state.lock("build", command="stadtbuch"), city.state.lock("site", command="stadtbuch"):
        notes = journal.interrupted(city.state.folder("journal"))
        done = Counter(asdict(recovery.mend(city)))
        done["dashboards"] = shelf.mend(city)
        scratch.sweep()
        cgroups.sweep_all()
        with inbox.writing(city):
            pass  # which finishes what was cut off
        if city.settings.folder("public").exists():
            done["pages"] = pages.write(city, now=city.now)["written"]
    return notes, done


DONE = {
    "editions": Text(de="Ausgaben an ihren Platz gelegt", en="editions put in their place"),
    "waiting": Text(de="zur Freigabe vorgelegt", en="laid before whoever approves"),
    "withheld": Text(de="Ausgaben zurückgezogen", en="editions withheld"),
    "runs": Text(de="Läufe ins Buch eingetragen", en="runs entered into the book"),
    "dashboards": Text(de="Dashboards an ihren Platz gelegt", en="dashboards put in their place"),
    "pages": Text(de="Dateien der Seiten geschrieben", en="files of the pages written"),
    "removed": Text(de="Reste entfernt", en="leftovers removed"),
}
NOTHING = Text(de="es fehlte nichts", en="nothing was missing")


def _told(notes: list[Note], done: Mapping[str, int], city: City) -> str:
    """Say in one line what was finished."""
    name = notes[0].command if notes else "stadtbuch"
    since = _moment(notes[0].since, city) if notes else "?"
    parts = [f"{done[key]} {words.pick(language())}" for key, words in DONE.items() if done.get(key)]
    listed = ", ".join(parts) or NOTHING.pick(language())
    return said(
        f"„{name}“ vom {since} war unterbrochen und ist jetzt zu Ende gebracht: {listed}.",
        f"“{name}” of {since} was interrupted and is finished now: {listed}.",
    )


def _moment(since: str, city: City) -> str:
    """Give a moment in the city's time."""
    try:
        at = datetime.fromisoformat(since).astimezone(city.settings.city.zone)
    except ValueError:
        return "?"
    return at.strftime(said("%d.%m.%Y, %H:%M Uhr", "%Y-%m-%d %H:%M"))


def unfinished(summary: Mapping[str, Any]) -> bool:
    """Tell whether a build ended although the state could not be written: then the next command looks at it."""
    errors = (one.get("error") for one in (*summary["runs"], *summary.get("dashboards", ())))
    return any(isinstance(error, StateError) for error in errors)
