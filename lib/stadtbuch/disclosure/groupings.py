"""
Groupings: how the labels of a table relate to a column of the catalogue.

A table that is released from closed data records for every cell which rows it counts, as conditions over
catalogue columns. Only then a later table can be checked against it. A grouping is such a relation: it cuts a
column of whole numbers into bands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

Condition = dict[str, Any]

_BAND = re.compile(r"^(?P<start>\d{1,9})(?:–(?P<end>\d{1,9})|(?P<open>\+))$")


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    A column of whole numbers, cut into bands without gaps.

    Parameters
    ----------
    name
        How the variable is called in tables: ``"age_group"``.
    column
        The catalogue column that is cut: ``"age"``.
    edges
        The first number of each band, ascending.
    labels
        What the bands are called, as many as edges.
    last
        The last number of the last band; None if that band is open.

    Examples
    --------
    >>> Grouping("age_group", "age", edges=(0, 18), labels=("00–17", "18+")).condition("18+")
    {'column': 'age', 'from': 18, 'to': None}
    """

    name: str
    column: str
    edges: tuple[int, ...]
    labels: tuple[str, ...]
    last: int | None = None

    def __post_init__(self) -> None:
        ascending = all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False))
        if (
            not self.edges
            or not ascending
            or len(self.edges) != len(self.labels)
            or len(set(self.labels)) != len(self.labels)
        ):
            raise _badly_cut(self.name)

    def condition(self, label: str) -> Condition:
        """
        Give the condition over the catalogue column that a label stands for; ``to`` is None where it is open.

        Raises
        ------
        KeyError
            If the grouping has no such label.
        """
        if label not in self.labels:
            raise KeyError(label)
        at = self.labels.index(label)
        end = self.edges[at + 1] - 1 if at + 1 < len(self.edges) else self.last
        return {"column": self.column, "from": self.edges[at], "to": end}

    def apply(self, numbers: pd.Series) -> pd.Series:
        """
        Give each number its label, as an ordered categorical named like the grouping.

        Raises
        ------
        ProtectionError
            If a number is missing, no whole number, or outside all bands: it would silently count nowhere.
        """
        plain = pd.to_numeric(numbers, errors="coerce").astype("Float64")
        outside = plain.isna() | (plain < self.edges[0]) | (plain % 1 != 0)
        if self.last is not None:
            outside |= plain > self.last
        if bool(outside.any()):
            raise _outside(self)
        bounds = [*self.edges, float("inf") if self.last is None else self.last + 1]
        cut = pd.cut(
            plain.astype("float64"), bins=bounds, labels=list(self.labels), right=False, ordered=True
        )
        return pd.Series(cut, index=numbers.index, name=self.name)


def ages(*, width: int = 5, top: int = 90) -> Grouping:
    """
    Make the grouping of ages in full years into bands of equal width, the last one open.

    Examples
    --------
    >>> ages(width=30, top=60).labels
    ('00–29', '30–59', '60+')
    """
    if width < 1 or top < width or top % width:
        raise _badly_cut("age_group")
    edges = tuple(range(0, top + 1, width))
    labels = (*(f"{low:02d}–{low + width - 1:02d}" for low in edges[:-1]), f"{top}+")
    return Grouping("age_group", "age", edges=edges, labels=labels)


AGE = ages()


def age_group(ages_in_years: pd.Series, *, width: int = 5, top: int = 90) -> pd.Series:
    """
    Group ages into bands; the result carries the name ``age_group`` and sorts by age.

    Examples
    --------
    >>> age_group(pd.Series([4, 5, 93])).tolist()
    ['00–04', '05–09', '90+']
    """
    return ages(width=width, top=top).apply(ages_in_years)


def recognise(name: str, labels: Iterable[str], *, column_names: Sequence[str]) -> Grouping | None:
    """
    Read a grouping off its labels: a variable ``<column>_group`` whose labels are bands such as ``05–09``,
    ``90+``.

    So ``sb.age_group(..., width=10)`` is related to the column ``age`` without naming the grouping again.
    None where the name or a label does not tell.

    Examples
    --------
    >>> recognise("age_group", ["10–19", "90+"], column_names=["age"]).condition("10–19")
    {'column': 'age', 'from': 10, 'to': 19}
    """
    column = name.removesuffix("_group")
    found = [_BAND.match(str(label)) for label in labels]
    if column == name or column not in column_names or not found or not all(found):
        return None
    bands = sorted((int(m["start"]), None if m["open"] else int(m["end"]), m.string) for m in found if m)
    return _joined(name, column, bands)


def _joined(name: str, column: str, bands: list[tuple[int, int | None, str]]) -> Grouping | None:
    """Join bands to a grouping; gaps between them become bands without a row, overlaps are refused."""
    edges: list[int] = []
    labels: list[str] = []
    after: int | None = bands[0][0]
    for start, end, label in bands:
        if after is None or start < after or (end is not None and end < start):
            return None
        if start > after:
            edges.append(after)
            labels.append(f"{after}–{start - 1} ")
        edges.append(start)
        labels.append(label)
        after = None if end is None else end + 1
    return Grouping(
        name, column, edges=tuple(edges), labels=tuple(labels), last=None if after is None else after - 1
    )


def _badly_cut(name: str) -> ProtectionError:
    """Tell that the edges and labels of a grouping do not fit together."""
    return ProtectionError(
        "grouping.edges",
        Text(
            de=f"Die Gruppierung {name} ist nicht lückenlos geschnitten.",
            en=f"The grouping {name} is not cut into bands without gaps.",
        ),
        remedy=Text(
            de="Geben Sie aufsteigende Grenzen und für jede genau eine Bezeichnung an; die "
            "Obergrenze ist ein Vielfaches der Breite.",
            en="Give ascending edges and exactly one label for each; the top is a multiple of the width.",
        ),
    )


def _outside(grouping: Grouping) -> ProtectionError:
    """Tell that a row belongs to no band."""
    return ProtectionError(
        "grouping.outside",
        Text(
            de=f"In der Spalte {grouping.column} steht etwas, das in keine Klasse von {grouping.name} "
            "gehört.",
            en=f"The column {grouping.column} holds something that belongs to no band of {grouping.name}.",
        ),
        why=Text(
            de="Fehlende, gebrochene oder zu kleine Werte würden sonst stillschweigend nirgends mitgezählt.",
            en="Missing, fractional or too small values would silently be counted nowhere.",
        ),
        remedy=Text(
            de=f"Entscheiden Sie ausdrücklich: zum Beispiel "
            f'frame.dropna(subset=["{grouping.column}"]), und nennen Sie das im Text.',
            en=f'Decide explicitly: for example frame.dropna(subset=["{grouping.column}"]), and say '
            "so in the text.",
        ),
    )
