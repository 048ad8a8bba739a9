"""
How exposed people are in rows that name nobody: measured from the columns that tell something about them.

For use inside the city, before somebody thinks of handing out rows. Rows about people are not published: no gate lets
them pass, because whatever k they have, whoever knows more than the columns assumed finds more. Tables are published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from stadtbuch.disclosure import microdata
from stadtbuch.errors import UsageError
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text, count


@dataclass(frozen=True, slots=True)
class Exposure:
    """
    What somebody finds who knows the quasi-identifiers of a person.

    Attributes
    ----------
    people
        How many there are: different units, or rows where nothing tells units apart.
    columns
        The quasi-identifiers that were looked at together.
    least
        How many must be alike.
    k
        The size of the smallest group.
    alone, below
        People who are alone in their group, and those in groups smaller than `least`.
    without
        Column -> how many people would be alone if it were left out: which one to make coarser first.
    diversity
        Sensitive column -> l, the fewest different values of a group: 1 tells the value of a whole group.
    closeness
        Sensitive column -> t, how far a group's values are from everybody's: 0 alike, 1 nothing in common.
    """

    people: int
    columns: tuple[str, ...]
    least: int
    k: int
    alone: int
    below: int
    without: Mapping[str, int]
    diversity: Mapping[str, float]
    closeness: Mapping[str, float]

    @property
    def text(self) -> Text:
        """Say it in a sentence, for the lab."""
        said = {
            language: {
                name: count(number, language)
                for name, number in (("people", self.people), ("alone", self.alone), ("below", self.below))
            }
            for language in ("de", "en")
        }
        named = ", ".join(self.columns)
        return Text(
            de=f"Von {said['de']['people']} sind {said['de']['alone']} in {named} allein und {said['de']['below']} "
            f"in einer Gruppe unter {self.least}; die kleinste Gruppe hat {self.k}.",
            en=f"Of {said['en']['people']}, {said['en']['alone']} are alone in {named} and {said['en']['below']} in a "
            f"group below {self.least}; the smallest group has {self.k}.",
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Name the columns that single people out, and sensitive ones that a whole group shares; no value."""
        found = []
        if self.k < self.least:
            found.append(_singles_out(self.columns, self.least, worst=self._worst))
        found += [_shared(name) for name, fewest in self.diversity.items() if fewest < 2]
        return tuple(found)

    @property
    def _worst(self) -> str:
        return (
            min(self.without, key=lambda name: (self.without[name], name))
            if self.without
            else self.columns[0]
        )

    @property
    def frame(self) -> pd.DataFrame:
        """Give per quasi-identifier how many would be alone without it."""
        return pd.DataFrame({"column": list(self.without), "alone_without": list(self.without.values())})

    def _repr_html_(self) -> str:
        """Show it in the lab."""
        return f"<p>{escape(self.text.de)}</p>{self.frame.to_html(index=False)}"


def measure(
    rows: pd.DataFrame,
    *,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    unit: str | None = None,
    least: int,
) -> Exposure:
    """
    Measure how exposed people are.

    Parameters
    ----------
    rows
        One or more rows per person.
    quasi, sensitive
        Columns of these roles. A missing value is a value of its own.
    unit
        The column that tells one person from another; whoever stands in several equal rows counts once.
    least
        How many must be alike.

    Raises
    ------
    UsageError
        ``exposure.columns`` if there is no quasi-identifier.

    Examples
    --------
    >>> rows = pd.DataFrame({"age": [30, 30, 31, 31], "sex": ["f", "f", "f", "m"]})
    >>> told = measure(rows, quasi=["age", "sex"], least=2)
    >>> told.k, told.alone, dict(told.without)
    (1, 2, {'age': 1, 'sex': 0})
    """
    if not quasi:
        raise _no_columns()
    once = rows.drop_duplicates([unit, *quasi]) if unit else rows
    codes = {name: microdata.coded(once[name]) for name in quasi}
    risk = microdata.risk(groups := microdata.grouped(list(codes.values())), k=least)
    every = microdata.grouped([microdata.coded(rows[name]) for name in quasi])
    values = {name: microdata.coded(rows[name]) for name in sensitive}
    return Exposure(
        people=int(rows[unit].nunique()) if unit else len(rows),
        columns=tuple(quasi),
        least=least,
        k=microdata.smallest(groups),
        alone=risk.alone,
        below=risk.below,
        without={name: _alone_without(codes, name) for name in quasi} if len(quasi) > 1 else {},
        diversity={name: microdata.diversity(every, one) for name, one in values.items()},
        closeness={name: round(microdata.closeness(every, one), 4) for name, one in values.items()},
    )


def _alone_without(codes: Mapping[str, microdata.Whole], name: str) -> int:
    return microdata.risk(microdata.grouped([one for key, one in codes.items() if key != name]), k=2).alone


def _singles_out(columns: Sequence[str], least: int, *, worst: str) -> Finding:
    named = ", ".join(columns)
    return Finding(
        rule="privacy.exposure",
        severity=Severity.warn,
        subject=named,
        text=Text(
            de=f"In {named} zusammen sind weniger als {least} Menschen gleich: Wer das von jemandem weiß, findet die "
            "Zeile.",
            en=f"In {named} together fewer than {least} people are alike: "
            "whoever knows that of somebody finds the row.",
        ),
        remedy=Text(
            de=f"Veröffentlichen Sie Tabellen (sb.protect), keine Zeilen. Am meisten hilft es, {worst} "
            "gröber zu fassen.",
            en=f"Publish tables (sb.protect), no rows. Making {worst} coarser helps most.",
        ),
    )


def _shared(column: str) -> Finding:
    return Finding(
        rule="privacy.exposure",
        severity=Severity.warn,
        subject=column,
        text=Text(
            de=f"Eine ganze Gruppe hat denselben Wert in {column}: Wer jemanden der Gruppe kennt, kennt den Wert.",
            en=f"A whole group has the same value in {column}: whoever knows somebody of the group knows the value.",
        ),
        remedy=Text(
            de="Fassen Sie die Gruppen gröber, oder lassen Sie die Spalte weg.",
            en="Make the groups coarser, or leave the column out.",
        ),
    )


def _no_columns() -> UsageError:
    return UsageError(
        "exposure.columns",
        Text(
            de="sb.exposure: Keine Spalte gilt laut Katalog als mittelbar bezeichnend.",
            en="sb.exposure: no column counts as quasi-identifying in the catalogue.",
        ),
        remedy=Text(
            de='Nennen Sie die Spalten: sb.exposure(rows, quasi=["age", "borough"]).',
            en='Name the columns: sb.exposure(rows, quasi=["age", "borough"]).',
        ),
    )
