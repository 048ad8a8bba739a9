"""
The public report about the process: the figures of ``stadtbuch quality --process`` as a page and as JSON.

Counts come from the book; times are those of the machine that made the reports. So this page is the only one that
differs where somebody else builds the same city (docs/decisions/0032-process-page.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stadtbuch.reports.look import long_date, size
from stadtbuch.texts import LANGUAGES, Text, count, decimal, same, text
from stadtbuch.transparency import levels

FOLDER, JSON = "registers/process", "registers/process/process.json"
NOT_MEASURED = Text(de="nicht gemessen", en="not measured")
FULL, FIRST, STEP = 280, 34, 46
"""Of the picture: the longest bar, where the first one begins, and how far apart bars are; in its own units."""

Told = Mapping[str, Any]
Row = tuple[Text, Text, Text]


def document(told: Told) -> bytes:
    """Write the figures for programs; texts in both languages."""
    head = {"about": "Figures of the process, as of stadtbuch quality --process.", "schema_version": 1}
    return (json.dumps({**head, "process": told}, ensure_ascii=False, indent=1) + "\n").encode()


def page(told: Told) -> dict[str, Any]:
    """Give what the page shows: its picture, the table of figures, the levels of the reports."""
    return {
        "headline": headline(told),
        "bars": list(bars(told)),
        "reading": reading(told),
        "rows": [*_outcomes(told), *_effort(told), *_readers(told)],
        "levels": [_level(name, one) for name, one in told["levels"].items()],
        "source": levels.SOURCE,
        "file": JSON.rpartition("/")[2],
        "bytes": len(document(told)),
    }


def headline(told: Told) -> Text:
    """
    Say in one sentence what became of the runs.

    Examples
    --------
    >>> headline({"runs": {"ran": 1, "failed": 0}, "spared": None}).en
    '1 of 1 runs went well.'
    """
    ran, failed = told["runs"]["ran"], told["runs"]["failed"]
    spared = told["spared"]
    de = f"{count(ran, 'de')} von {count(ran + failed, 'de')} Läufen gelangen"
    en = f"{count(ran, 'en')} of {count(ran + failed, 'en')} runs went well"
    if spared is not None:
        de += f", {count(spared['runs'], 'de')} waren nicht nötig"
        en += f", {count(spared['runs'], 'en')} were not needed"
    return Text(de=de + ".", en=en + ".")


def reading(told: Told) -> Text:
    """
    Say how to read the picture; what has no bar in it is not explained.

    Examples
    --------
    >>> reading({"spared": None}).en
    'The longer the bar, the more often.'
    """
    de, en = "Je länger der Balken, desto öfter.", "The longer the bar, the more often."
    if told["spared"] is not None:
        de += " Gespart ist ein Lauf, dessen Eingaben und Code dieselben waren wie beim letzten Mal."
        en += " A run is spared if its inputs and code were the same as the last time."
    return Text(de=de, en=en)


def bars(told: Told) -> Iterator[dict[str, Any]]:
    """Give the bars of the picture: label, number, length and place; what was not counted has none."""
    due, runs, spared = told["schedule"], told["runs"], told["spared"]
    found = [
        (Text(de="Läufe gelungen", en="runs that went well"), runs["ran"]),
        (Text(de="Läufe gescheitert", en="runs that failed"), runs["failed"]),
        (Text(de="Läufe gespart", en="runs spared"), spared["runs"] if spared else None),
        (Text(de="Versuche vergeblich", en="tries in vain"), due["retried"] if due else None),
        (Text(de="Ablehnungen durch die Freigabeprüfung", en="refusals by the gate"), runs["refused"]),
    ]
    counted = [(label, number) for label, number in found if number is not None]
    most = max((number for _, number in counted), default=0)
    for place, (label, number) in enumerate(counted):
        length = round(FULL * number / most, 1) if most else 0
        yield {"label": label, "number": number, "length": length, "y": FIRST + place * STEP}


def _outcomes(told: Told) -> Iterator[Row]:
    due, runs, spared = told["schedule"], told["runs"], told["spared"]
    if due is None:
        yield Text(de="Pünktlich", en="On time"), NOT_MEASURED, Text(de="kein Zeitplan", en="no schedule")
    else:
        yield (
            Text(de="Pünktlich", en="On time"),
            Text(de=f"{due['on_time']} von {due['due']}", en=f"{due['on_time']} of {due['due']}"),
            Text(
                de=f"Termine; {due['late']} zu spät, {due['skipped']} ausgefallen",
                en=f"times at which reports were due; {due['late']} late, {due['skipped']} left out",
            ),
        )
        yield (
            Text(de="Wiederholt", en="Retried"),
            _number(due["retried"]),
            Text(
                de="vergebliche Versuche, etwa weil eine Quelle fehlte",
                en="tries in vain, such as a missing source",
            ),
        )
    yield Text(de="Gelungen", en="Went well"), _number(runs["ran"]), Text(de="Läufe", en="runs")
    yield Text(de="Gescheitert", en="Failed"), _number(runs["failed"]), Text(de="Läufe", en="runs")
    yield (
        Text(de="Abgelehnt", en="Refused"),
        _number(runs["refused"]),
        Text(de="Entscheidungen der Freigabeprüfung", en="decisions of the gate"),
    )
    yield (
        Text(de="Gespart", en="Spared"),
        _number(spared["runs"]) if spared else NOT_MEASURED,
        _since(spared["since"]) if spared else same(""),
    )
    yield (
        Text(de="Veröffentlicht", en="Released"),
        _number(runs["released"]),
        Text(de="Ausgaben", en="editions"),
    )


def _since(day: str) -> Text:
    return Text(
        de=f"Läufe, die nicht nötig waren, seit {long_date(day, 'de')}",
        en=f"runs that were not needed, since {long_date(day, 'en')}",
    )


def _effort(told: Told) -> Iterator[Row]:
    took, energy = told["durations"], told["energy"]
    recorded = Text(de=f"{took['runs']} aufgezeichnete Läufe", en=f"{took['runs']} recorded runs")
    yield (
        Text(de="Dauer eines Laufs, Median", en="Duration of a run, median"),
        _amount(took["median_seconds"], "s"),
        recorded,
    )
    yield (
        Text(de="Dauer, neun von zehn Läufen", en="Duration, nine in ten runs"),
        _amount(took["p90_seconds"], "s"),
        Text(de="höchstens", en="at most"),
    )
    yield (
        Text(de="Rechenzeit", en="Processor time"),
        _amount(took["cpu_seconds"], "s"),
        Text(de=f"{took['measured']} gemessene Läufe", en=f"{took['measured']} measured runs"),
    )
    source, watts, overhead = text(energy["source"]), energy["watts_per_core"], energy["overhead"]
    yield (
        Text(de="Strom, geschätzt", en="Energy, estimated"),
        _amount(energy["estimated_watt_hours"], "Wh"),
        Text(
            de=f"{decimal(watts, 'de')} W je Kern mal {decimal(overhead, 'de')}. {source.de}",
            en=f"{decimal(watts, 'en')} W per core times {decimal(overhead, 'en')}. {source.en}",
        ),
    )


def _readers(told: Told) -> Iterator[Row]:
    pages, fixed, reviews, sent = told["pages"], told["corrections"], told["reviews"], told["submissions"]
    yield (
        Text(de="Gewicht einer Seite, Median", en="Weight of a page, median"),
        _size(pages["median_bytes"]),
        Text(de=f"{pages['pages']} Seiten neuester Ausgaben, mit allem, was sie laden",
             en=f"{pages['pages']} pages of newest editions, with all that they load"),
    )  # fmt: skip
    yield (
        Text(de="Gewicht der schwersten Seite", en="Weight of the heaviest page"),
        _size(pages["largest_bytes"]),
        same(""),
    )
    yield (
        Text(de="Zeit bis zur Berichtigung, Median", en="Time to correction, median"),
        _days(fixed["median_days"]),
        Text(
            de=f"{fixed['withdrawn']} Ausgaben zurückgezogen, {fixed['corrected']} ersetzt, {fixed['waiting']} offen",
            en=f"{fixed['withdrawn']} editions withdrawn, {fixed['corrected']} replaced, {fixed['waiting']} open",
        ),
    )
    yield (
        Text(de="Überfällige Überprüfungen", en="Overdue reviews"),
        Text(
            de=f"{reviews['overdue']} von {reviews['known']}",
            en=f"{reviews['overdue']} of {reviews['known']}",
        ),
        same(", ".join(reviews["subjects"])),
    )
    yield (
        Text(de="Antwort auf Einsendungen, Median", en="Answer to submissions, median"),
        _days(sent["median_days"]),
        Text(
            de=f"{sent['received']} erhalten, {sent['decided']} entschieden, {sent['waiting']} offen",
            en=f"{sent['received']} received, {sent['decided']} decided, {sent['waiting']} open",
        ),
    )


def _level(name: str, one: Told) -> dict[str, Any]:
    """Give a report's level, with the words of what is not met and what could not be looked at."""
    words = {each.name: each.text for each in levels.CRITERIA}
    return {
        "report": name,
        "level": levels.NAMES[one["level"]],
        "unmet": [words[each] for each in one["unmet"]],
        "not_checked": [words[each] for each in one["not_checked"]],
    }


def _number(number: int) -> Text:
    return Text(de=count(number, "de"), en=count(number, "en"))


def _amount(number: float | None, unit: str) -> Text:
    """Write a number with its unit; small ones with more places."""
    if number is None:
        return NOT_MEASURED
    places = 1 if number >= 10 else 2
    return Text(**{language: f"{decimal(number, language, places=places)} {unit}" for language in LANGUAGES})


def _days(number: float | None) -> Text:
    if number is None:
        return Text(de="keine", en="none")
    return Text(de=f"{decimal(number, 'de')} Tage", en=f"{decimal(number, 'en')} days")


def _size(number: int | None) -> Text:
    return NOT_MEASURED if number is None else Text(de=size(number, "de"), en=size(number, "en"))
