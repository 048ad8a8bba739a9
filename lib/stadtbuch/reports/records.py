"""
What a figure or table says, as plain data: columns with titles in both languages, rows of plain values.

A record is the part of an output that machines read: the gate compares the shown HTML, SVG and CSV with it,
the site renders pages of both languages from it, and nothing else of a run's output is ever published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from stadtbuch.errors import UsageError
from stadtbuch.texts import Text, text

if TYPE_CHECKING:
    import pandas as pd

KNOWN: dict[str, Text] = {
    "age_group": Text(de="Altersgruppe", en="Age group"),
    "value": Text(de="Anzahl", en="Count"),
    "mark": Text(de="Zeichen", en="Mark"),
    "year": Text(de="Jahr", en="Year"),
    "month": Text(de="Monat", en="Month"),
    "date": Text(de="Datum", en="Date"),
    "place": Text(de="Gebiet", en="Area"),
    "found": Text(de="Anzahl", en="Number"),
    "at_least": Text(de="mindestens", en="At least"),
    "at_most": Text(de="höchstens", en="At most"),
}
"""Titles of columns that every city's tables share."""

YEARS = range(1000, 3000)
"""Whole numbers in a column called ``year`` that are names, written without a thousands separator."""


def plain(value: Any) -> Any:
    """
    Turn one cell into what JSON can hold; missing becomes ``None``, a day its ISO date, a pair of wordings
    stays.

    Examples
    --------
    >>> import pandas as pd
    >>> plain(pd.Timestamp("2025-12-31")), plain(float("nan")), plain(pd.NA)
    ('2025-12-31', None, None)
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (Text, Mapping)):
        return text(value).as_dict()
    if isinstance(value, datetime):  # pandas' Timestamp is one, and so is NaT
        if value != value:
            return None
        midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if midnight and value.tzinfo is None else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else value
    if isinstance(value, (bool, int)):
        return value
    missing = str(type(value).__name__) in {"NAType", "NaTType"}
    return None if missing else str(value)


def rows(frame: pd.DataFrame) -> list[list[Any]]:
    """
    Give the rows of a frame as plain values; geometry is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> rows(pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    [[1, 'x'], [2, None]]
    """
    columns = [frame[name].tolist() for name in names(frame)]
    return [[plain(value) for value in row] for row in zip(*columns, strict=True)]


def names(frame: pd.DataFrame) -> list[str]:
    """Give the names of the columns that can be published as a table: all but geometry."""
    return [
        str(name) for name, kind in zip(frame.columns, frame.dtypes, strict=True) if str(kind) != "geometry"
    ]


def columns(
    frame: pd.DataFrame,
    *,
    given: Mapping[str, Mapping[str, str] | Text] | None,
    known: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """
    Describe the columns of a frame: title in both languages, alignment, labels of codes, decimals.

    Parameters
    ----------
    frame
        What is shown.
    given
        Titles that the author states, by column name; they win.
    known
        Columns of the run's inputs by name (`outputs.Outputs.columns`).

    Raises
    ------
    UsageError
        ``output.column-title`` if a column has no title; the error names all of them.
    """
    stated = {name: text(value) for name, value in (given or {}).items()}
    untitled = [
        name for name in names(frame) if name not in stated and name not in known and name not in KNOWN
    ]
    if untitled:
        raise _untitled(untitled)
    return [_column(frame, name, stated, known) for name in names(frame)]


def _column(
    frame: pd.DataFrame, name: str, stated: Mapping[str, Text], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    title = (
        stated[name].as_dict() if name in stated else dict(known[name]["title"]) if name in known else None
    )
    described: dict[str, Any] = {"name": name, "title": title or KNOWN[name].as_dict()}
    described |= _shape([plain(value) for value in frame[name].tolist()], name)
    labels = known.get(name, {}).get("labels")
    if labels:
        described["labels"] = {str(code): dict(label) for code, label in labels.items()}
    return described


def _shape(values: Sequence[Any], name: str) -> dict[str, Any]:
    """Tell how a column is written: numbers to the right with as many decimals as they need, at most two."""
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not numbers or any(isinstance(value, (str, Mapping)) for value in values):
        return {"align": "text"}
    if name == "year" and all(value in YEARS for value in numbers):
        return {"align": "number", "places": None}
    whole = all(float(value).is_integer() for value in numbers)
    short = all(round(float(value), 1) == value for value in numbers)
    return {"align": "number", "places": 0 if whole else 1 if short else 2}


def _untitled(columns: list[str]) -> UsageError:
    listed = ", ".join(columns)
    example = f'columns={{"{columns[0]}": {{"de": "...", "en": "..."}}}}'
    return UsageError(
        "output.column-title",
        Text(de=f"Spalten ohne Überschrift: {listed}.", en=f"Columns without a title: {listed}."),
        why=Text(
            de="Jede veröffentlichte Spalte hat eine Überschrift auf Deutsch und auf Englisch.",
            en="Every published column has a title in German and in English.",
        ),
        remedy=Text(de=f"Geben Sie {example} an.", en=f"Add {example}."),
    )
