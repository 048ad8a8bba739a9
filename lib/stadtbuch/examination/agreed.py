"""What the city agreed on: its settings, and the rules that are looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from stadtbuch.errors import Problem
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.settings import FILE
from stadtbuch.texts import Text

SOON = timedelta(days=90)
"""How long before a date it is told that it comes."""


def mistakes(found: Iterable[Problem], *, command: str) -> Iterator[Note]:
    """Turn mistakes in files into notes."""
    look = Text(de="Berichtigen Sie diese Stelle.", en="Correct this place.")
    for one in found:
        line = one.render("de"), one.render("en")
        subject = one.file + (f":{one.line}" if one.line else "")
        yield problem(Text(de=line[0], en=line[1]), one.remedy or look, subject=subject, command=command)


def settings(scene: Scene) -> Iterable[Note]:
    """Read the settings."""
    if scene.root is None:
        say = problem if scene.public else hint
        yield say(
            Text(
                de="Hier ist keine Stadt: geprüft wurde nur die Installation.",
                en="There is no city here: only the installation was examined.",
            ),
            Text(
                de="Wechseln Sie in den Ordner einer Stadt, oder legen Sie eine an.",
                en="Change to the folder of a city, or make one.",
            ),
            command="stadtbuch init my-city",
        )
    elif scene.settings_error:
        error = scene.settings_error
        yield from mistakes(error.problems, command="stadtbuch doctor")
        rest = Text(
            de="Alles andere an dieser Stadt wurde deshalb nicht geprüft.",
            en="Therefore nothing else about this city was examined.",
        )
        yield hint(rest, error.remedy or rest, subject=FILE)
    else:
        city = scene.settings.city
        yield fine(
            f"{FILE} ist gültig: {city.name}", f"{FILE} is valid: {city.name}", synthetic=city.synthetic
        )


def rules(scene: Scene) -> Iterable[Note]:
    """Look at the date by which the rules are reviewed."""
    review, today = scene.settings.rules.review, scene.today
    remedy = Text(
        de="Prüfen Sie Regeln und Schwellen, und setzen Sie rules.reviewed und rules.review neu.",
        en="Review rules and thresholds, and set rules.reviewed and rules.review anew.",
    )
    facts = {"days": (review - today).days}
    if review < today:
        text = Text(
            de=f"Die Regeln sollten bis {review} geprüft sein.",
            en=f"The rules were to be reviewed by {review}.",
        )
        why = Text(
            de="Jede Seite sagt das ihren Leserinnen und Lesern.", en="Every page tells its readers so."
        )
        yield problem(text, remedy, subject=FILE, why=why, facts=facts)
    elif review - today <= SOON:
        text = Text(
            de=f"Die Regeln sind bis {review} zu prüfen.", en=f"The rules are to be reviewed by {review}."
        )
        yield hint(text, remedy, subject=FILE, facts=facts)
    else:
        version = scene.settings.rules.version
        yield fine(
            f"Regelwerk {version}, gültig bis {review}",
            f"Rules {version}, valid until {review}",
            days=facts["days"],
        )
