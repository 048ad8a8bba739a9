"""
Text for people, always in German and English.

A `Text` is a pair that cannot be built with one language missing, so no page, message or error can
be untranslated by accident. It stands inline, next to the code that says it
(docs/decisions/0002-texts-inline.md tells why there are no message catalogues).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

Language = Literal["de", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Text:
    """
    One sentence, title or label in both languages of the product.

    Examples
    --------
    >>> Text(de="Stadtbezirk", en="Borough").pick("en")
    'Borough'
    """

    de: str
    en: str

    def pick(self, language: str) -> str:
        """Give the wording of one language; German where the language is neither of the two."""
        return self.en if language == "en" else self.de

    def __str__(self) -> str:
        return self.de

    def as_dict(self) -> dict[str, str]:
        """Give the pair as it stands in YAML and JSON."""
        return {"de": self.de, "en": self.en}


def same(wording: str) -> Text:
    """
    Make a text that reads alike in both languages: a name, an id, a number.

    Examples
    --------
    >>> same("Mitte").en
    'Mitte'
    """
    return Text(de=wording, en=wording)


def text(value: Text | Mapping[str, str]) -> Text:
    """
    Read a text from the form people write it in, ``{"de": ..., "en": ...}``.

    Raises
    ------
    KeyError
        If one of the two languages is missing or empty; the argument names the language.

    Examples
    --------
    >>> text({"de": "Alter", "en": "Age"}).de
    'Alter'
    """
    if isinstance(value, Text):
        return value
    for language in LANGUAGES:
        if not isinstance(value, Mapping) or not str(value.get(language) or "").strip():
            raise KeyError(language)
    return Text(de=str(value["de"]), en=str(value["en"]))


def count(number: int, language: str) -> str:
    """
    Write a whole number the way readers of the language do.

    Examples
    --------
    >>> count(1234567, "de"), count(1234567, "en")
    ('1.234.567', '1,234,567')
    """
    plain = f"{number:,}"
    return plain.replace(",", ".") if language == "de" else plain


def decimal(number: float, language: str, *, places: int = 1) -> str:
    """
    Write a number with a fixed count of decimals the way readers of the language do.

    Examples
    --------
    >>> decimal(1234.56, "de"), decimal(1234.56, "en")
    ('1.234,6', '1,234.6')
    """
    plain = f"{number:,.{places}f}"
    return plain.translate(str.maketrans(",.", ".,")) if language == "de" else plain


def instant(now: datetime) -> str:
    """
    Write a point in time as it is stored: ISO 8601 in UTC.

    Raises
    ------
    ValueError
        If it has no time zone.

    Examples
    --------
    >>> instant(datetime.fromisoformat("2026-01-15T08:00:00+01:00"))
    '2026-01-15T07:00:00Z'
    """
    if now.tzinfo is None:
        raise ValueError("a point in time needs a time zone")
    return now.astimezone(UTC).isoformat().replace("+00:00", "Z")


PLACES = {
    "cell": "Zelle",
    "cells": "Zellen",
    "output": "Ausgabe",
    "outputs": "Ausgaben",
    "figure": "Abbildung",
}
"""Words of a finding's subject that stand for a place in a notebook; ids, files and pages have no language."""


def place(subject: str, language: str) -> str:
    """
    Say where something was found, for people; machines get the finding's subject as it is.

    Examples
    --------
    >>> place("cell 3, output 1", "de"), place("cell 3, output 1", "en")
    ('Zelle 3, Ausgabe 1', 'cell 3, output 1')
    >>> place("reports/output/index.html", "de")
    'reports/output/index.html'
    """
    if language != "de":
        return subject
    return ", ".join(_german(part) for part in subject.split(", "))


def _german(part: str) -> str:
    word, space, rest = part.partition(" ")
    return PLACES.get(word, word) + space + rest
