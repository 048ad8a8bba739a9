"""The wording of criteria, verdicts and gaps: one word per thing, on the command line and on pages."""

from __future__ import annotations

from collections.abc import Mapping

from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement
from stadtbuch.texts import Text, count, decimal

CRITERIA: Mapping[Criterion, Text] = {
    Criterion.complete: Text(de="vollständig", en="complete"),
    Criterion.unambiguous: Text(de="eindeutig", en="unambiguous"),
    Criterion.correct: Text(de="korrekt", en="correct"),
    Criterion.uniform: Text(de="einheitlich", en="uniform"),
    Criterion.timely: Text(de="zeitnah", en="timely"),
    Criterion.understandable: Text(de="verständlich", en="understandable"),
    Criterion.relevant: Text(de="relevant", en="relevant"),
    Criterion.controlled: Text(de="kontrolliert", en="controlled"),
    Criterion.consistent: Text(de="widerspruchsfrei", en="consistent"),
    Criterion.reliable: Text(de="zuverlässig", en="reliable"),
    Criterion.precise: Text(de="genau", en="precise"),
    Criterion.free_of_redundancy: Text(de="redundanzfrei", en="free of redundancy"),
    Criterion.current: Text(de="aktuell gehalten", en="kept current"),
    Criterion.punctual: Text(de="pünktlich geliefert", en="delivered on time"),
}

GRADES: Mapping[Grade, Text] = {
    Grade.good: Text(de="gut", en="good"),
    Grade.warning: Text(de="mäßig", en="fair"),
    Grade.bad: Text(de="schlecht", en="bad"),
    Grade.not_measured: Text(de="nicht gemessen", en="not measured"),
}

GAPS: Mapping[Gap, Text] = {
    Gap.not_built: Text(de="misst Stadtbuch noch nicht", en="not yet measured by Stadtbuch"),
    Gap.no_rule: Text(de="der Katalog legt dafür nichts fest", en="the catalogue sets no rule"),
    Gap.no_rows: Text(de="keine Datenzeilen", en="no records"),
    Gap.unreadable: Text(de="Quelle nicht lesbar", en="source not readable"),
    Gap.too_few: Text(de="zu wenige Zeilen für eine Angabe", en="too few records to tell"),
    Gap.self_made: Text(de="von Stadtbuch selbst geschrieben", en="written by Stadtbuch itself"),
}


def value(one: Measurement, language: str) -> str:
    """
    Write what was measured; nothing where there is no number.

    A share is rounded down, 99.97 per cent are not all; that of data that are not open is a lower bound.

    Examples
    --------
    >>> share = Measurement(dataset="a.b", criterion="complete", value=0.99978, unit="share", of=9000)
    >>> value(share, "de"), value(share, "en")
    ('99,9 %', '99.9 %')
    """
    if one.value is None:
        return ""
    if one.unit == "share":
        bound = LEAST.pick(language) if one.of is None and one.value < 1 else ""
        places = 0 if one.value == 1 else 1
        return f"{bound}{decimal(int(one.value * 1000) / 10, language, places=places)} %"
    number = int(one.value)
    return f"{count(number, language)} {UNITS[str(one.unit)][number != 1].pick(language)}"


LEAST = Text(de="mindestens ", en="at least ")
UNITS = {
    "days": (Text(de="Tag alt", en="day old"), Text(de="Tage alt", en="days old")),
    "reports": (Text(de="Bericht", en="report"), Text(de="Berichte", en="reports")),
}
