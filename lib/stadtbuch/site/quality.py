"""What a dataset's page says of its quality: the public measurements in sentences, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement
from stadtbuch.quality import words
from stadtbuch.reports import registers
from stadtbuch.reports.look import long_date
from stadtbuch.session import measuring
from stadtbuch.texts import Text, same

if TYPE_CHECKING:
    from stadtbuch.session.city import City
    from stadtbuch.session.measuring import Card

MEANINGS: Mapping[Criterion, Text] = {
    Criterion.complete: Text(
        de="Anteil der Pflichtfelder, die gefüllt sind", en="share of required cells that are filled"
    ),
    Criterion.unambiguous: Text(
        de="Anteil der Zeilen, deren Schlüssel nur einmal vorkommt",
        en="share of rows whose key occurs only once",
    ),
    Criterion.correct: Text(
        de="Anteil der Zeilen, deren Werte die erklärten Grenzen und Muster einhalten",
        en="share of rows that keep within the declared bounds and patterns",
    ),
    Criterion.uniform: Text(
        de="Anteil der Zeilen, die nur Schlüssel aus den erklärten Listen verwenden",
        en="share of rows that use only codes of the declared lists",
    ),
    Criterion.timely: Text(
        de="ob die neueste Lieferung so jung ist, wie der Katalog verspricht",
        en="whether the newest delivery is as recent as the catalogue promises",
    ),
    Criterion.understandable: Text(
        de="Anteil der beschreibenden Texte, die es auf Deutsch und Englisch gibt",
        en="share of the describing texts that are there in German and English",
    ),
    Criterion.relevant: Text(
        de="wie viele Berichte der Stadt den Datensatz lesen",
        en="how many reports of the city read the dataset",
    ),
    Criterion.controlled: Text(
        de="Anteil der Spalten, für die eine Regel gilt", en="share of columns that are under a rule"
    ),
}
"""What a measured criterion asks; one that is not listed is told by its name."""

TOLD = (Grade.good, Grade.warning, Grade.bad)


def cards(city: City) -> dict[str, Card]:
    """Measure every dataset as everybody may know it; a version that was measured before is not read again."""
    number = registers.readers(list(registers.find_uses(city)))
    return {name: measuring.public(city, name, reports=number.get(name, 0)) for name in city.catalog.datasets}


def told(card: Card | None) -> dict[str, Any] | None:
    """
    Say what was measured of a dataset and what not; nothing if it was not looked at.

    Returns
    -------
    dict or None
        ``summary``, ``rows`` (criterion, meaning, result, verdict and its code) and ``gaps`` (reason and the
        criteria that were not measured for it).
    """
    if card is None:
        return None
    measured = [one for one in card.measurements if one.verdict is not Grade.not_measured]
    missing: dict[Gap, list[Text]] = {}
    for one in card.measurements:
        if one.verdict is Grade.not_measured and one.gap:
            missing.setdefault(one.gap, []).append(words.CRITERIA[one.criterion])
    return {
        "summary": summary(measured, of=len(card.measurements)),
        "rows": [_row(one) for one in measured],
        "gaps": [(words.GAPS[gap], named) for gap, named in missing.items()],
    }


def summary(measured: list[Measurement], *, of: int) -> Text:
    """
    Say in one sentence how a dataset does.

    Examples
    --------
    >>> one = Measurement(dataset="a.b", criterion="complete", value=1, unit="share", verdict="good")
    >>> summary([one], of=14).de, summary([one, one], of=14).en
    ('Gemessen ist 1 von 14 Kriterien: 1 gut.', '2 of 14 criteria are measured: 2 good.')
    >>> summary([], of=14).en
    'None of 14 criteria is measured.'
    """
    if not measured:
        return Text(de=f"Keines von {of} Kriterien ist gemessen.", en=f"None of {of} criteria is measured.")
    counted = [(grade, sum(one.verdict is grade for one in measured)) for grade in TOLD]
    listed = [(words.GRADES[grade], number) for grade, number in counted if number]
    de = ", ".join(f"{number} {grade.de}" for grade, number in listed)
    en = ", ".join(f"{number} {grade.en}" for grade, number in listed)
    number = len(measured)
    return Text(
        de=f"Gemessen {'ist' if number == 1 else 'sind'} {number} von {of} Kriterien: {de}.",
        en=f"{number} of {of} criteria {'is' if number == 1 else 'are'} measured: {en}.",
    )


def _row(one: Measurement) -> dict[str, Any]:
    name = words.CRITERIA[one.criterion]
    return {
        "name": name,
        "meaning": MEANINGS.get(one.criterion, name),
        "result": _result(one),
        "verdict": words.GRADES[one.verdict],
        "code": one.verdict.value,
    }


def _result(one: Measurement) -> Text:
    """Say what was measured. An age in days changes every night; the days themselves do not."""
    if one.unit != "days":
        return Text(de=words.value(one, "de"), en=words.value(one, "en"))
    if one.newest is None or one.due is None:
        return same("–")
    return Text(
        de=f"Stand {long_date(one.newest, 'de')}, zeitnah bis {long_date(one.due, 'de')}",
        en=f"as of {long_date(one.newest, 'en')}, timely until {long_date(one.due, 'en')}",
    )
