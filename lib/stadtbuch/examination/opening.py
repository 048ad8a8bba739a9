"""What must be so before the city goes public: who publishes, who answers, and the texts that the law asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stadtbuch.examination.folder import readable
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.founding import TODO
from stadtbuch.settings import FILE
from stadtbuch.site.wording import PAGES
from stadtbuch.texts import LANGUAGES, Text

_RESERVED = re.compile(r"[@.](example|invalid|test|localhost|example\.(com|net|org))$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NO_STATE = "99"
"""A regional key that begins so belongs to no German state."""


def contact(scene: Scene) -> Iterable[Note]:
    """Look for a mailbox that somebody can write to."""
    address = scene.settings.city.contact
    if _ADDRESS.fullmatch(address) and not _RESERVED.search(address):
        yield fine("Kontakt ist angegeben", "A contact is stated")
        return
    yield problem(
        Text(
            de="city.contact ist kein Postfach, an das man schreiben kann.",
            en="city.contact is no mailbox that one can write to.",
        ),
        Text(
            de="Tragen Sie ein Funktionspostfach der Stadt ein.", en="Enter a function mailbox of the city."
        ),
        subject=FILE,
        why=Text(
            de="Es steht auf jeder Seite, auch für Hinweise zur Barrierefreiheit.",
            en="It stands on every page, also for comments on accessibility.",
        ),
    )


def official_key(scene: Scene) -> Iterable[Note]:
    """Look at the city's official key."""
    key = scene.settings.city.key
    invented = scene.settings.city.synthetic and key.startswith(NO_STATE)
    if (key.isdigit() and key.strip("0") and not key.startswith(NO_STATE)) or invented:
        return
    yield problem(
        Text(de="city.key ist kein amtlicher Schlüssel.", en="city.key is not an official key."),
        Text(de="Tragen Sie den Regionalschlüssel Ihrer Stadt ein.", en="Enter your city's regional key."),
        subject=FILE,
    )


def synthetic(scene: Scene) -> Iterable[Note]:
    """Say that every page calls its data made up."""
    if scene.settings.city.synthetic:
        yield hint(
            Text(
                de="Jede Seite sagt, dass alle Daten erfunden sind.",
                en="Every page says that all data are made up.",
            ),
            Text(
                de="Wenn Ihre eigenen Daten da sind: city.synthetic = false.",
                en="When your own data are there: city.synthetic = false.",
            ),
            subject=FILE,
        )


def address(scene: Scene) -> Iterable[Note]:
    """Look for the site's public address, which the feed's links need."""
    if not scene.settings.site.address:
        yield hint(
            Text(
                de="Die öffentliche Adresse der Seiten fehlt.",
                en="The public address of the site is missing.",
            ),
            Text(de="Tragen Sie sie unter [site] address ein.", en="Enter it under [site] address."),
            subject=FILE,
            why=Text(
                de="Ohne sie führen die Links des Feeds nicht zu den Seiten.",
                en="Without it the feed's links do not lead to the pages.",
            ),
        )


def imprint(scene: Scene) -> Iterable[Note]:
    """Look for the imprint."""
    return _written("imprint", scene)


def privacy(scene: Scene) -> Iterable[Note]:
    """Look for the privacy notice."""
    return _written("privacy", scene)


def accessibility(scene: Scene) -> Iterable[Note]:
    """Look for the accessibility statement."""
    return _written("accessibility", scene)


def _written(name: str, scene: Scene) -> Iterable[Note]:
    """Require that the city wrote a text itself, in both languages, and finished it."""
    title = PAGES[name]
    for code in LANGUAGES:
        path = scene.settings.root / "site" / f"{name}.{code}.md"
        words, shown = readable(path), scene.shown(path)
        if words is None or not words.strip():
            yield problem(
                Text(de=f"Es fehlt: {title.de}.", en=f"Missing: {title.en}."),
                Text(
                    de="Schreiben Sie den Text Ihrer Stadt in diese Datei; die Seite zeigt sonst nur eine Vorlage.",
                    en="Write your city's text into this file; otherwise the page shows a template only.",
                ),
                subject=shown,
            )
        elif TODO in words:
            yield problem(
                Text(de=f"Nicht fertig: {title.de}.", en=f"Not finished: {title.en}."),
                Text(
                    de=f"Ersetzen Sie jedes {TODO} durch das, was für Ihre Stadt gilt.",
                    en=f"Replace every {TODO} by what holds for your city.",
                ),
                subject=shown,
            )
        elif _reserved_in(words):
            yield problem(
                Text(de=f"Beispieladresse in: {title.de}.", en=f"Address of an example in: {title.en}."),
                Text(de="Schreiben Sie die Adresse Ihrer Stadt.", en="Write your city's address."),
                subject=shown,
            )


def _reserved_in(words: str) -> bool:
    """Tell whether a text holds an address that can belong to nobody."""
    found = re.findall(r"[\w.+-]+@[\w.-]*\w", words)
    return any(_RESERVED.search(one) for one in found)
