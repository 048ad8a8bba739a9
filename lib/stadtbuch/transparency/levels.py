"""
How reproducible each report's way of being made is: baseline, silver, gold.

The levels are those of the maturity framework for reproducible analytical pipelines (RAP) of the NHS England RAP
community of practice, in our words. Each criterion is answered by something that was looked at; one that could not be
looked at is "not checked", and counts as little as one that is not met. A level holds only if every criterion of it and
of those below is met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stadtbuch.texts import Text

Level = Literal["baseline", "silver", "gold"]
LEVELS: tuple[Level, ...] = ("baseline", "silver", "gold")
SOURCE = "NHS England RAP Community of Practice, Levels of RAP"


NAMES: Mapping[Level | None, Text] = {
    "baseline": Text(de="Grundstufe", en="baseline"),
    "silver": Text(de="Silber", en="silver"),
    "gold": Text(de="Gold", en="gold"),
    None: Text(de="unter der Grundstufe", en="below baseline"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What was seen of one report; None where it could not be looked at.

    Attributes
    ----------
    language
        Of its notebooks, as they say themselves; None if they say nothing: then they run as Python.
    parses, functions, longest_line
        Whether all code is Python that can be parsed, how many functions it defines, and its longest line.
    sections
        Tags of its texts, such as ``method``.
    versioned
        Whether git knows the notebooks as they are.
    edition_files
        Paths in its newest public edition; nothing if there is none.
    reviewed_by, author
        The role that approved this edition's code, and the role that it is run in.
    runs, logged
        Keys of the runs that the edition came from, and those of them that stand in the book.
    tidy
        Whether each published table is a plain rectangle with one line of names.
    readme, lock, tests, changelog, automation
        Whether the city's folder has them; `tests`: one that names the report.
    packaged
        Whether the library is installed as a package.
    scheduled
        Whether the report says when it is due.
    """

    language: str | None = None
    parses: bool | None = None
    functions: int | None = None
    longest_line: int | None = None
    sections: frozenset[str] = frozenset()
    versioned: bool | None = None
    edition_files: frozenset[str] = frozenset()
    reviewed_by: str | None = None
    author: str | None = None
    runs: frozenset[str] = frozenset()
    logged: frozenset[str] = frozenset()
    tidy: bool | None = None
    readme: bool = False
    lock: bool = False
    tests: bool = False
    changelog: bool = False
    automation: bool = False
    packaged: bool = False
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand: its level, its words, and what answers it from the facts."""

    name: str
    level: Level
    text: Text
    met: Callable[[Facts], bool | None]


def _reviewed(facts: Facts) -> bool:
    return facts.reviewed_by is not None and facts.reviewed_by != facts.author


def _has(facts: Facts, beginning: str, end: str = "") -> bool:
    return any(one.startswith(beginning) and one.endswith(end) for one in facts.edition_files)


CRITERIA = (
    Criterion(
        "open-language", "baseline",
        Text(de="Der Code ist in einer freien Sprache geschrieben.", en="The code is in an open-source language."),
        lambda facts: None if facts.parses is None else facts.parses and facts.language in (None, "python"),
    ),
    Criterion(
        "version-control", "baseline",
        Text(de="Der Code liegt in einer Versionsverwaltung.", en="The code is under version control."),
        lambda facts: facts.versioned,
    ),
    Criterion(
        "readme", "baseline",
        Text(de="Eine README erklärt das Ganze.", en="A README explains the whole."),
        lambda facts: facts.readme,
    ),
    Criterion(
        "peer-review", "baseline",
        Text(de="Eine zweite Rolle hat den Code freigegeben.", en="A second role has approved the code."),
        _reviewed,
    ),
    Criterion(
        "open-code", "baseline",
        Text(de="Der Code ist veröffentlicht.", en="The code is published."),
        lambda facts: _has(facts, "notebooks/", ".ipynb"),
    ),
    Criterion(
        "minimal-manual", "silver",
        Text(de="Das Ergebnis entsteht ohne Handgriffe.", en="The result is made without manual steps."),
        lambda facts: bool(facts.runs),
    ),
    Criterion(
        "documented", "silver",
        Text(de="Methode und Grenzen sind beschrieben.", en="Method and limits are described."),
        lambda facts: {"method", "limits"} <= facts.sections,
    ),
    Criterion(
        "standard-folders", "silver",
        Text(de="Die Ausgabe folgt dem festen Aufbau: Notebooks, Daten, Paket.",
             en="The edition follows the fixed layout: notebooks, data, package."),
        lambda facts: _has(facts, "notebooks/") and _has(facts, "data/") and _has(facts, "package/"),
    ),
    Criterion(
        "functions", "silver",
        Text(de="Der Code ist in Funktionen gegliedert.", en="The code is organised in functions."),
        lambda facts: None if facts.functions is None else facts.functions > 0,
    ),
    Criterion(
        "standards", "silver",
        Text(de="Der Code ist gültig und hat Zeilen bis 120 Zeichen (ein Teil von PEP 8).",
             en="The code is valid, with lines of up to 120 characters (a part of PEP 8)."),
        lambda facts: None if facts.longest_line is None else facts.longest_line <= 120 and facts.parses is True,
    ),
    Criterion(
        "tests", "silver",
        Text(de="Ein Test nennt den Bericht.", en="A test names the report."),
        lambda facts: facts.tests,
    ),
    Criterion(
        "dependencies", "silver",
        Text(de="Die benötigten Pakete sind festgelegt.", en="The packages that it needs are pinned."),
        lambda facts: facts.lock,
    ),
    Criterion(
        "logs", "silver",
        Text(de="Jeder Lauf steht im Buch.", en="Each run stands in the book."),
        lambda facts: bool(facts.runs) and facts.runs <= facts.logged,
    ),
    Criterion(
        "tidy", "silver",
        Text(de="Veröffentlichte Tabellen sind einfache Rechtecke mit einer Kopfzeile.",
             en="Published tables are plain rectangles with one header."),
        lambda facts: facts.tidy,
    ),
    Criterion(
        "packaged", "gold",
        Text(de="Code und Eingaben liegen als Paket zum Nachrechnen bei, die Bibliothek ist ein Paket.",
             en="Code and inputs come as a package to compute again, and the library is a package."),
        lambda facts: facts.packaged and _has(facts, "package/"),
    ),
    Criterion(
        "automation", "gold",
        Text(de="Tests laufen bei jeder Änderung von selbst.", en="Tests run by themselves at each change."),
        lambda facts: facts.automation,
    ),
    Criterion(
        "scheduled", "gold",
        Text(de="Der Bericht wird nach Zeitplan oder bei neuen Daten gebaut.",
             en="The report is built by schedule or when data are new."),
        lambda facts: facts.scheduled,
    ),
    Criterion(
        "changelog", "gold",
        Text(de="Änderungen sind für alle verzeichnet.", en="Changes are listed for everybody."),
        lambda facts: facts.changelog,
    ),
)  # fmt: skip


def judge(facts: Facts) -> dict[str, Any]:
    """
    Give a report's level, and the criteria that are not met or could not be looked at.

    Returns
    -------
    dict
        ``level`` (None below baseline), ``unmet`` and ``not_checked``: names of criteria, lowest level first.

    Examples
    --------
    >>> judge(Facts())["level"] is None
    True
    """
    answers: Mapping[str, bool | None] = {one.name: one.met(facts) for one in CRITERIA}
    held: Level | None = None
    for level in LEVELS:
        if not all(answers[one.name] for one in CRITERIA if one.level == level):
            break
        held = level
    return {
        "level": held,
        "unmet": [name for name, answer in answers.items() if answer is False],
        "not_checked": [name for name, answer in answers.items() if answer is None],
    }
