"""Words for what the catalogue stores as codes: classes, types, rhythms, units, thresholds."""

from __future__ import annotations

import re

from stadtbuch.model.dataset import Budget
from stadtbuch.reports.editions import Archived
from stadtbuch.reports.look import long_date
from stadtbuch.texts import LANGUAGES, Text, decimal, same

CLASSES = {
    "open": (
        Text(de="Offen", en="Open"),
        Text(
            de="Für alle, zu jedem Zweck, unter der genannten Lizenz.",
            en="For everybody, for any purpose, under the licence stated.",
        ),
    ),
    "shared": (
        Text(de="Geteilt", en="Shared"),
        Text(
            de="Nur für genannte Rollen und Zwecke, befristet.",
            en="For stated roles and purposes only, for a limited time.",
        ),
    ),
    "closed": (
        Text(de="Geschlossen", en="Closed"),
        Text(
            de="Nicht zugänglich; veröffentlicht werden höchstens geschützte Tabellen daraus.",
            en="Not accessible; at most protected tables made from them are published.",
        ),
    ),
}

DOMAINS = {
    "geography": Text(de="Geografie", en="Geography"),
    "population": Text(de="Bevölkerung", en="Population"),
    "social": Text(de="Soziales", en="Social affairs"),
    "mobility": Text(de="Mobilität", en="Mobility"),
    "environment": Text(de="Umwelt", en="Environment"),
    "finance": Text(de="Finanzen", en="Finance"),
    "health": Text(de="Gesundheit", en="Health"),
    "participation": Text(de="Beteiligung", en="Participation"),
    "stadtbuch": Text(de="Daten über die Daten", en="Data about the data"),
}

TYPES = {
    "string": Text(de="Text", en="text"),
    "code": Text(de="Schlüssel", en="code"),
    "integer": Text(de="ganze Zahl", en="whole number"),
    "number": Text(de="Zahl", en="number"),
    "boolean": Text(de="ja oder nein", en="yes or no"),
    "date": Text(de="Datum", en="date"),
    "datetime": Text(de="Zeitpunkt", en="point in time"),
    "geometry": Text(de="Geometrie", en="geometry"),
}

UNITS = {
    "year": Text(de="Jahre", en="years"),
    "person": Text(de="Personen", en="persons"),
    "persons": Text(de="Personen", en="persons"),
    "bicycle": Text(de="Fahrräder", en="bicycles"),
    "bicycles": Text(de="Fahrräder", en="bicycles"),
    "EUR": same("€"),
    "hours": Text(de="Stunden", en="hours"),
    "pairs": Text(de="Paare", en="pairs"),
    "degree": Text(de="Grad", en="degrees"),
}

PRIVACY = {
    "identifier": Text(de="bezeichnet eine Person", en="identifies a person"),
    "quasi-identifier": Text(
        de="kann zusammen mit anderen Angaben eine Person verraten",
        en="can reveal a person together with other facts",
    ),
    "sensitive": Text(de="besonders schutzwürdig", en="sensitive"),
    "free-text": Text(de="freier Text", en="free text"),
    "harmless": Text(de="unbedenklich", en="harmless"),
}

PRIVACY_OF_THINGS = PRIVACY | {
    "identifier": Text(de="bezeichnet etwas Einzelnes", en="identifies a single thing"),
    "quasi-identifier": Text(
        de="kann zusammen mit anderen Angaben etwas Einzelnes verraten",
        en="can reveal a single thing together with other facts",
    ),
}
"""Where no person is protected but a place, a thing, or a species."""


def privacy(unit: str) -> dict[str, Text]:
    """Give the words for what the columns of a dataset tell, by what it protects."""
    return PRIVACY_OF_THINGS if unit == "none" else PRIVACY


def budget(decided: Budget | None) -> Text | None:
    """Give the numbers of a budget of noisy answers as people write them."""
    if decided is None:
        return None
    said = {language: decimal(decided.epsilon, language, places=2) for language in LANGUAGES}
    delta = f", δ = {decided.delta:g}" if decided.delta else ""
    return Text(**{language: number + delta for language, number in said.items()})


RHYTHMS = {
    "ANNUAL": Text(de="jährlich", en="yearly"),
    "QUARTERLY": Text(de="vierteljährlich", en="quarterly"),
    "MONTHLY": Text(de="monatlich", en="monthly"),
    "WEEKLY": Text(de="wöchentlich", en="weekly"),
    "DAILY": Text(de="täglich", en="daily"),
    "CONT": Text(de="laufend", en="continuously"),
    "UPDATE_CONT": Text(de="laufend", en="continuously"),
    "IRREG": Text(de="unregelmäßig", en="irregularly"),
    "NEVER": Text(de="nie", en="never"),
}

THRESHOLDS = {
    "min_count": Text(de="Mindestfallzahl", en="Minimum count"),
    "min_count_sensitive": Text(
        de="Mindestfallzahl bei schutzbedürftigen Gruppen", en="Minimum count for sensitive groups"
    ),
    "rate_numerator": Text(de="Fälle, die eine Quote braucht", en="Cases that a rate needs"),
    "rate_denominator": Text(de="Unter so vielen", en="Among so many"),
    "solver_nodes": Text(de="Höchstzahl der Rechenschritte", en="Steps of the search, at most"),
}

PAGES = {
    "accessibility": Text(de="Erklärung zur Barrierefreiheit", en="Accessibility statement"),
    "privacy": Text(de="Datenschutz", en="Privacy notice"),
    "imprint": Text(de="Impressum", en="Imprint"),
}

STANDING = {
    "registers/withheld": (
        Text(de="Nicht veröffentlichte Daten", en="Withheld data"),
        Text(
            de="Welche Daten die Stadt zurückhält, warum, und wann die Entscheidung überprüft wird.",
            en="Which data the city withholds, why, and when the decision is reviewed.",
        ),
    ),
    "registers/process": (
        Text(de="Wie verlässlich Berichte entstehen", en="How reliably reports are made"),
        Text(
            de="Pünktlich, gescheitert, abgelehnt, gespart: Zahlen zum Verfahren, mit geschätztem Strom.",
            en="On time, failed, refused, spared: figures of the process, with an estimate of energy.",
        ),
    ),
    "methods": (
        Text(de="Regeln und Methoden", en="Rules and methods"),
        Text(
            de="Wie kleine Zahlen geschützt werden, welche Schwellenwerte gelten und wer sie beschlossen hat.",
            en="How small numbers are protected, which thresholds hold and who decided them.",
        ),
    ),
    "showcase": (
        Text(de="Was Menschen aus den Daten machen", en="What people make of the data"),
        Text(
            de="Auswertungen von Bürgerinnen und Bürgern mit den offenen Daten der Stadt.",
            en="Analyses by citizens with the city's open data.",
        ),
    ),
    "send-in": (
        Text(de="Auswertung einsenden", en="Send in your analysis"),
        Text(
            de="Wie Sie ein Notebook schicken, was damit geschieht und wie Sie es zurückziehen.",
            en="How to send a notebook, what becomes of it, and how to withdraw it.",
        ),
    ),
    "accessibility": (
        PAGES["accessibility"],
        Text(
            de="Was geprüft wurde und wie Sie Barrieren melden.",
            en="What was checked, and how to report barriers.",
        ),
    ),
    "privacy": (
        PAGES["privacy"],
        Text(
            de="Welche Daten beim Besuch dieser Seiten anfallen.",
            en="Which data a visit to these pages leaves.",
        ),
    ),
    "imprint": (
        PAGES["imprint"],
        Text(de="Wer diese Seiten verantwortet.", en="Who is responsible for these pages."),
    ),
}
"""Pages that every city has: folder -> title and what stands there."""

FORMATS = {
    "csv": same("CSV (UTF-8)"),
    "parquet": same("Parquet"),
    "geojson": same("GeoJSON"),
    "json": Text(de="Beschreibung (Data Package)", en="Description (Data Package)"),
}
_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?")
_PARTS = (
    (Text(de="Jahr", en="year"), Text(de="Jahre", en="years")),
    (Text(de="Monat", en="month"), Text(de="Monate", en="months")),
    (Text(de="Tag", en="day"), Text(de="Tage", en="days")),
)


def domain(name: str) -> Text:
    """Give a data domain's name; a city's own domain is shown as it is written."""
    return DOMAINS.get(name) or same(name.replace("-", " ").capitalize())


def file_format(name: str) -> Text:
    """
    Name a file's format by its ending.

    Examples
    --------
    >>> file_format("residents.csv").de
    'CSV (UTF-8)'
    """
    ending = name.rpartition(".")[2]
    return FORMATS.get(ending) or same(ending.upper())


def duration(written: str) -> Text:
    """
    Say an ISO 8601 duration in words.

    Examples
    --------
    >>> duration("P10Y").de, duration("P1M").en, duration("unbekannt").de
    ('10 Jahre', '1 month', 'unbekannt')
    """
    match = _DURATION.fullmatch(written)
    found = (
        [(int(number), names) for number, names in zip(match.groups(), _PARTS, strict=True) if number]
        if match
        else []
    )
    if not found:
        return same(written)
    return Text(
        de=" ".join(f"{number} {names[number != 1].de}" for number, names in found),
        en=" ".join(f"{number} {names[number != 1].en}" for number, names in found),
    )


def edition(archived: Archived) -> Text:
    """Name an edition by its day, its number on that day, and whether it was taken out of public."""
    name = archived.edition.edition
    number = f" ({name[11:]})" if len(name) > 10 else ""
    gone = Text(de="", en="") if archived.public else Text(de=", zurückgezogen", en=", withdrawn")
    return Text(de=long_date(name, "de") + number + gone.de, en=long_date(name, "en") + number + gone.en)
