"""
Free text: what can be found in answers to surveys without a language model, and taken out of them.

Found are identifiers (`identifiers`), houses, accounts, numbers of files and customers, dates of birth, and names:
behind an address or title, where somebody gives or signs a name, behind a word for a relative or neighbour, and by
a list of first names. A name without any of these is missed, and so is whoever is described rather than named. So
scrubbed texts are still personal, and never pass the gate without a review (how much is found: docs:
explanation/free-text).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import pandas as pd

from stadtbuch.privacy import identifiers, spelling

Kind = Literal["name", "address", "number", "account", "birth", "contact"]

MARKS: Mapping[str, tuple[str, str]] = {
    "name": ("[Name]", "[name]"),
    "address": ("[Anschrift]", "[address]"),
    "number": ("[Nummer]", "[number]"),
    "account": ("[Konto im Netz]", "[account]"),
    "birth": ("[Geburtstag]", "[date of birth]"),
    "contact": ("[Kontakt]", "[contact]"),
}
"""What stands in the place of what was taken out, German and English."""

_OF_IDENTIFIERS = {"mail": "contact", "phone": "contact", "address": "address"}

_CAPITAL = r"[A-ZÄÖÜÀ-ÖØ-Þ][\w'’]{1,30}"
_PART = rf"(?:(?:von|van|de|den|der|zu|al|el|bin|ten|ter|da|di)[ -])?{_CAPITAL}(?:-{_CAPITAL})*"
_INITIAL = r"(?:[A-ZÄÖÜ]\. ?)"
_TITLE = r"(?:(?:Dr|Prof|Mag|Dipl|Ing)\.?(?:[- ][A-Za-z]{2,5}\.)? ?)"


def _any(words: str) -> str:
    """Write a choice of words in any case; an underscore stands for a space."""
    return f"(?i:{'|'.join(words.split())})".replace("_", " ")


_FULL = rf"{_INITIAL}?{_PART}(?: {_INITIAL}?{_PART}){{0,2}}"
_RELATIVES = """
    nachbar(?:n|in)? kolleg(?:e|en|in) freund(?:in)? mann ehefrau ehemann tochter sohn mutter vater oma opa bruder
    schwester vermieter(?:in)? hausmeister(?:in)? lehrer(?:in)? chef(?:in)? tante onkel enkel(?:in)? erzieher(?:in)?
    sachbearbeiter(?:in)? hausarzt hausärztin neighbou?r colleague friend husband wife daughter son mother father
    brother sister landlord landlady teacher boss aunt uncle caretaker grandson granddaughter
"""
_BEFORE = r"herrn? frau fräulein familie fam\. hr\. fr\. ehepaar eheleute mrs?\.? ms\.? miss mister"
_ADDRESSED = re.compile(
    rf"\b{_any(_BEFORE)} (?:{_TITLE}){{0,2}}(?P<name>{_FULL})|\b{_TITLE}(?P<title>{_INITIAL}?{_PART}(?: {_PART})?)"
)
_ADDRESSED_SMALL = re.compile(r"\b(?:herrn?|frau|familie) (?P<name>[a-zäöüß]{3,20}(?:-[a-zäöüß]{3,20})?)\b")
_GIVING = r"ich_heiße mein_name_ist mein_name: name: my_name_is i_am_called gez\. unterschrift: signed:?"
_GIVEN = re.compile(rf"\b{_any(_GIVING)} (?P<name>{_FULL})")
_FAMILY = re.compile(rf"\b[Tt]he (?P<name>{_PART}) family\b")
_SIGNED = re.compile(
    r"\b(?:[Gg]r(?:ü|ue)(?:ß|ss)e?n?|MfG|LG|VG|[Rr]egards|[Ss]incerely|[Cc]heers|[Tt]hanks|Danke|Ihre?)\b"
    rf"(?: aus [A-ZÄÖÜ]\w+)?[,!.]?[ \n]+(?:Ihre? |[Yy]ours,? )?(?P<name>{_FULL})\s*[.!]?\s*$"
)
_RELATED = re.compile(rf"\b{_any(_RELATIVES)},? (?P<name>{_PART}(?: {_PART})?)")
_NUMBERS = r"""
    kund(?:en|innen)-?(?:nummer|nr\.?) aktenzeichen az\.? vertrags-?(?:nummer|nr\.?) mitglieds-?(?:nummer|nr\.?)
    zählernummer customer_(?:number|no\.?|id) case_(?:number|no\.?) reference(?:_number|_no\.?)?
    membership_(?:number|no\.?)
"""
_NUMBERED = re.compile(rf"\b{_any(_NUMBERS)}[: ]{{1,3}}(?P<name>[A-Z]{{0,4}}[-/. ]?\d[\w/.-]{{2,24}})")
_DAY = (
    r"\d{1,2}[./ ]{1,2}(?:\d{1,2}[./]|[A-Za-zä]{3,9}) ?(?:\d{4}|\d{2})|\d{4}-\d\d-\d\d"
    r"|[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_BORN = re.compile(
    r"\b(?:geb(?:oren)?\.?(?: am)?|[Gg]eburts(?:tag|datum):?(?: ist)?(?: der| am)?"
    rf"|born(?: on)?|[Dd]ate of birth:?|DOB:?) (?:the )?(?P<name>{_DAY})"
)
_HOUSE = re.compile(
    rf"\b(?P<name>(?:{identifiers.STREET}),? (?:Nr\.? ?)?{identifiers.HOUSE}(?:,? \d{{5}}(?: {_CAPITAL})?)?)"
)
_SMALL_HOUSE = re.compile(
    r"\b(?P<name>[a-zäöüß-]{2,30}(?:straße|strasse|str\.|weg|gasse|platz|allee) [1-9]\d{0,3} ?[a-z]?)\b"
)
_ENGLISH_HOUSE = re.compile(
    r"\b(?P<name>[1-9]\d{0,3} ?[a-z]? (?:[A-Z][a-z]+ ){1,3}(?:Street|Road|Lane|Avenue|Drive|Close|Square|St\.|Rd\.))"
)
_ACCOUNT = re.compile(
    r"(?<![\w.@])(?P<name>@[A-Za-z_][\w.]{2,30}"
    r"|(?:https?://)?(?:www\.)?(?:facebook|instagram|twitter|x|linkedin|tiktok)\.com/[\w./-]+)"
)
_WORD = re.compile(rf"{_CAPITAL}(?:-{_CAPITAL})?")
_NOT_NAMES = frozenset(
    """
    Bürgermeister Bürgermeisterin Oberbürgermeister Oberbürgermeisterin Minister Ministerin Kanzler Kanzlerin Doktor
    Professor Professorin Präsident Präsidentin Stadt
    Stadtrat Stadträtin Dezernent Dezernentin Gott Herr Frau Familie
    Direktor Direktorin Leiterin Leiter Vorsitzende Vorsitzender
    Und Oder Die Der Das Den Dem Ein Eine Er Sie Es Ich Wir
    Mein Meine Unser Unsere Hat Ist War Sagt Mayor Councillor President The And He She It They We You Is Was Has Says
    Who Wenn Weil Dass Als Auch Nicht Immer Hier Dort Bitte Danke Ihr Ihre Viele Vielen Alle Nur Noch Sehr Team
    Verwaltung
    """.split()  # noqa: SIM905 - a list of words is read as words
)
"""Words with a capital that stand behind a title or a relative and are no names."""


@dataclass(frozen=True)
class Scrubbed:
    """
    Texts without what was found in them.

    Attributes
    ----------
    texts
        With marks in the place of what was taken out; missing ones stay missing.
    found
        Per text, how many things were taken out of it.
    counts
        Kind to number, over all texts.
    """

    texts: pd.Series
    found: pd.Series
    counts: Mapping[str, int]

    @property
    def first(self) -> pd.Series:
        """Give the texts to be read first: where something was found, there is often more."""
        return self.texts[self.found > 0]


def scrub(texts: pd.Series, *, names: Iterable[str] = (), language: Literal["de", "en"] = "de") -> Scrubbed:
    """
    Take out of free texts what names or finds a person.

    Parameters
    ----------
    texts
        Answers, one a row; missing values stay.
    names
        Names that are known to occur (of the staff of an office, of an association); in any case.
    language
        Of the marks; both languages are always looked for.

    Returns
    -------
    Scrubbed
        Its texts are still free text: publishing anything of them needs a review.

    Examples
    --------
    >>> answers = pd.Series(["Frau Ambach aus der Lindenstr. 5 ist laut.", "Mehr Bänke, bitte!"])
    >>> scrub(answers).texts.tolist()
    ['Frau [Name] aus der [Anschrift] ist laut.', 'Mehr Bänke, bitte!']
    """
    known = frozenset(word.casefold() for name in names for word in name.split() if len(word) > 2)
    place = ("de", "en").index(language)
    counts: Counter[str] = Counter()
    found: list[int] = []
    written: list[str | None] = []
    for text in texts:
        if not isinstance(text, str):
            written.append(None)
            found.append(0)
            continue
        plain = spelling.plain(text)
        taken = finds(plain, known=known)
        counts.update(kind for _, _, kind in taken)
        found.append(len(taken))
        written.append(_without(plain, taken, place))
    return Scrubbed(
        pd.Series(written, index=texts.index, dtype="str", name=texts.name),
        pd.Series(found, index=texts.index, dtype="int64"),
        dict(sorted(counts.items())),
    )


def finds(text: str, *, known: frozenset[str] = frozenset()) -> list[tuple[int, int, str]]:
    """
    Give what would be taken out of one text: begin, end, kind; in order, without overlap.

    Examples
    --------
    >>> finds("Mein Name ist Max Muster, erreichbar unter max@post.example")
    [(14, 24, 'name'), (43, 59, 'contact')]
    """
    seen = [*_certain(text), *_names(text, known)]
    return _apart(sorted(seen, key=lambda one: (one[0], one[0] - one[1])))


def _certain(text: str) -> Iterator[tuple[int, int, str]]:
    """Find what has a form of its own."""
    for begin, end, kind in identifiers.spans(text):
        yield begin, end, _OF_IDENTIFIERS.get(kind, "number")
    patterns = (
        (_HOUSE, "address"),
        (_SMALL_HOUSE, "address"),
        (_ENGLISH_HOUSE, "address"),
        (_NUMBERED, "number"),
    )
    for pattern, kind in (*patterns, (_BORN, "birth"), (_ACCOUNT, "account")):
        for match in pattern.finditer(text):
            yield match.start("name"), match.end("name"), kind


def _names(text: str, known: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Find names by what stands before them and by lists; once found, again anywhere in the text."""
    said: set[str] = set()
    for pattern in (_ADDRESSED, _ADDRESSED_SMALL, _GIVEN, _FAMILY, _SIGNED, _RELATED):
        for match in pattern.finditer(text):
            group = "title" if "title" in pattern.groupindex and match["title"] else "name"
            for begin, end, word in _words(match[group], match.start(group)):
                if _is_no_name(word):
                    break
                said.add(word.casefold())
                yield begin, end, "name"
    yield from _listed(text, known | frozenset(said))


def _words(name: str, at: int) -> Iterator[tuple[int, int, str]]:
    for match in re.finditer(r"[^\s]+", name):
        yield at + match.start(), at + match.end(), match[0].rstrip(".,")


def _is_no_name(word: str) -> bool:
    """Tell words from names."""
    return word in _NOT_NAMES or word.endswith(("meisterin", "meister", "ung", "keit", "heit", "schaft"))


def _listed(text: str, known: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Find first names of the list with the surname behind them, and every name that is known already."""
    for match in _WORD.finditer(text):
        word = match[0]
        if word.casefold() in known or any(part.casefold() in known for part in word.split("-")):
            yield match.start(), match.end(), "name"
        elif _listed_name(word):
            behind = re.match(rf" (?:{_INITIAL})?{_PART}", text[match.end() :])
            ends = match.end() + (behind.end() if behind and _is_surname(behind[0].strip()) else 0)
            yield match.start(), ends, "name"


def _listed_name(word: str) -> bool:
    return any(part.removesuffix("s") in first_names() or part in first_names() for part in word.split("-"))


def _is_surname(word: str) -> bool:
    return word.split()[-1] not in _NOT_NAMES and not word.isupper()


@cache
def first_names() -> frozenset[str]:
    """Give the list of first names; what is an ordinary word as well is not on it."""
    text = files("stadtbuch").joinpath("share/words/first-names.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _apart(seen: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Join what overlaps or stands side by side and is of one kind."""
    apart: list[tuple[int, int, str]] = []
    for begin, end, kind in seen:
        if apart and begin < apart[-1][1]:
            last = apart[-1]
            apart[-1] = (last[0], max(last[1], end), last[2])
        elif apart and kind == apart[-1][2] == "name" and begin == apart[-1][1] + 1:
            apart[-1] = (apart[-1][0], end, kind)
        else:
            apart.append((begin, end, kind))
    return apart


def _without(text: str, taken: list[tuple[int, int, str]], place: int) -> str:
    for begin, end, kind in reversed(taken):
        text = text[:begin] + MARKS[kind][place] + text[end:]
    return text
