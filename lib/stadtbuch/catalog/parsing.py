"""
From what a source wrote to typed columns, exactly as the schema says. Nothing is guessed.

Text is read by the column's own rules (decimal sign, thousands sign, format, missing signs); values that a
source already types (Parquet, GeoPackage) are only converted where nothing is lost. What does not fit is an
error that names column and row, never the value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from stadtbuch.model.dataset import Column, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

MIDNIGHT = re.compile(r"(?<![\d:])24:00(?=(?::00)?(?![\d:]))")  # of the hour, never of minute and second
SPACES = "[ \u00a0\u202f\u2009]"


class UnreadableError(ValueError):
    """Some cells of a column are not what the schema says; `rows` are their positions, counted from 0."""

    def __init__(self, rows: list[int]) -> None:
        super().__init__(f"{len(rows)} cells")
        self.rows = rows


def column(values: pd.Series, description: Column, *, zone: ZoneInfo) -> pd.Series:
    """
    Give one column its type.

    Parameters
    ----------
    values
        As the source gave them: text, or already typed.
    description
        The column of the schema.
    zone
        The city's time zone, for times without one of their own.

    Returns
    -------
    pandas.Series
        str, Int64, float64, boolean, datetime64[us] or datetime64[us, zone]; missing is NA, NaN or NaT.

    Raises
    ------
    UnreadableError
        With the positions of all cells that do not fit.

    Examples
    --------
    >>> amount = Column(name="plan", type="integer", title={"de": "Plan", "en": "Plan"}, thousands=".")
    >>> column(pd.Series(["203.726", ""]), amount, zone=ZoneInfo("Europe/Berlin")).tolist()
    [203726, <NA>]
    """
    if description.type is FieldType.geometry:
        return values
    if _is_text(values):
        return _from_text(values, description, zone)
    return _from_typed(values, description, zone)


def _is_text(values: pd.Series) -> bool:
    """Whether every cell is text or missing."""
    if isinstance(values.dtype, pd.StringDtype):
        return True
    return values.dtype == object and all(isinstance(one, str) for one in values.dropna())


def _from_text(values: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    words = values.astype("str")
    if description.type not in (FieldType.string, FieldType.code):
        words = words.str.strip()
    words = words.mask(words.isin(description.missing))
    readers: dict[FieldType, Callable[[pd.Series, Column, ZoneInfo], pd.Series]] = {
        FieldType.string: _same,
        FieldType.code: _same,
        FieldType.integer: _integers,
        FieldType.number: _numbers,
        FieldType.boolean: _truths,
        FieldType.date: _dates,
        FieldType.datetime: _times,
    }
    return readers[description.type](words, description, zone)


def _refuse(bad: pd.Series | np.ndarray) -> None:
    """Raise if any cell is marked as bad."""
    rows = np.flatnonzero(np.asarray(bad, dtype=bool))
    if len(rows):
        raise UnreadableError([int(row) for row in rows])


def _same(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    return words


def number_pattern(description: Column, *, decimals: bool) -> str:
    """
    Give the only way in which a number of this column may be written, as a regular expression.

    Groups after a thousands sign have exactly three digits: ``1.5`` is a mistake then, not 15.

    Examples
    --------
    >>> german = Column(name="x", type="number", title={"de": "x", "en": "x"}, decimal=",", thousands=".")
    >>> bool(re.fullmatch(number_pattern(german, decimals=True), "-22.000,00"))
    True
    >>> bool(re.fullmatch(number_pattern(german, decimals=True), "1.5"))
    False
    """
    digits = "[0-9]+"
    if description.thousands:
        sign = SPACES if description.thousands == " " else re.escape(description.thousands)
        digits = f"(?:[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+|[0-9]+)"
    if not decimals:
        return f"[+−-]?{digits}"
    power = "" if description.thousands else "(?:[eE][+-]?[0-9]{1,3})?"
    return f"[+−-]?{digits}(?:{re.escape(description.decimal)}[0-9]+)?{power}"


def _plain(words: pd.Series, description: Column, *, decimals: bool) -> pd.Series:
    """Rewrite numbers the way Python reads them, after checking that they are written as declared."""
    present = words.notna()
    _refuse(present & ~words.str.fullmatch(number_pattern(description, decimals=decimals)).fillna(True))
    plain = words.str.replace("−", "-", regex=False)
    if description.thousands == " ":
        plain = plain.str.replace(SPACES, "", regex=True)
    elif description.thousands:
        plain = plain.str.replace(description.thousands, "", regex=False)
    return plain.str.replace(description.decimal, ".", regex=False) if decimals else plain


def _integers(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    plain = _plain(words, description, decimals=False)
    places, different = pd.factorize(plain)  # most columns repeat their values: each is read once
    read = [int(word) for word in different]
    beyond = [not -(2**63) <= one < 2**63 for one in read]
    _refuse(np.array([*beyond, False])[places])  # a missing one has the place -1
    fitting = [None if bad else one for one, bad in zip(read, beyond, strict=True)]
    return pd.Series(pd.array([*fitting, None], dtype="Int64")[places], index=words.index)


def _numbers(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    plain = _plain(words, description, decimals=True)
    places, different = pd.factorize(plain)  # as in `_integers`
    numbers = np.array([*map(float, different), np.nan])[places]
    _refuse(np.isinf(numbers))
    return pd.Series(numbers, index=words.index)


def _truths(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    yes, no = words.isin(description.true), words.isin(description.false)
    _refuse(words.notna() & ~yes & ~no)
    return yes.astype("boolean").mask(words.isna())


def _dates(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    days = pd.to_datetime(words, format=description.format or "%Y-%m-%d", errors="coerce", exact=True)
    _refuse(words.notna() & days.isna())
    return days.dt.as_unit("us")


def _times(words: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    """Read times; ``24:00`` is the next day's midnight."""
    pattern = description.format or "%Y-%m-%dT%H:%M:%S"
    late = words.str.contains(MIDNIGHT).fillna(False).astype(bool) & ("%H:%M" in pattern)
    words = words.mask(late, words.str.replace(MIDNIGHT, "00:00", regex=True))
    if "%z" in pattern:
        times = pd.to_datetime(words, format=pattern, errors="coerce", exact=True, utc=True)
    else:
        times = pd.to_datetime(words, format=pattern, errors="coerce", exact=True)
    _refuse(words.notna() & times.isna())
    return placed(times + pd.to_timedelta(late.astype("int64"), unit="D"), description, zone=zone)


def placed(times: pd.Series, description: Column, *, zone: ZoneInfo) -> pd.Series:
    """
    Put times into the city's zone.

    Times without an offset are local to the column's `timezone`, else to the city. An hour that the clocks
    skip is a mistake; an hour that they pass twice is one as well, unless the column says which is meant.
    """
    if times.dt.tz is not None:
        return times.dt.tz_convert(zone).dt.as_unit("us")
    own = ZoneInfo(description.timezone) if description.timezone else zone
    summer = {"refuse": "NaT", "summer": np.ones(len(times), bool), "winter": np.zeros(len(times), bool)}
    local = times.dt.tz_localize(own, ambiguous=summer[description.ambiguous], nonexistent="NaT")
    _refuse(times.notna() & local.isna())
    return local.dt.tz_convert(zone).dt.as_unit("us")


def _from_typed(values: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    """Convert what a source already typed, refusing whatever would lose something."""
    kind, known = description.type, values.notna()
    if kind in (FieldType.string, FieldType.code):
        whole = _whole(values)
        return whole.astype("str").mask(~known)
    if kind is FieldType.integer:
        return _whole(values)
    if kind is FieldType.number:
        _refuse(known & ~_all_of(values, "iuf"))
        return values.astype("Float64").astype("float64")
    if kind is FieldType.boolean:
        return _from_text(_whole(values).astype("str").mask(~known), description, zone) \
            if _all_of(values, "iuf").any() else _bool(values)  # fmt: skip
    return _moments(values, description, zone)


def _all_of(values: pd.Series, kinds: str) -> pd.Series:
    """Mark all cells if the column has one of numpy's kinds (``i`` whole, ``f`` float, ``M`` time)."""
    kind = getattr(values.dtype, "kind", "O")
    return pd.Series(kind in kinds, index=values.index)


def _whole(values: pd.Series) -> pd.Series:
    """Give whole numbers; a source that knows no missing integers wrote them as floats, which is no loss."""
    known = values.notna()
    _refuse(known & ~_all_of(values, "iuf"))
    if values.dtype.kind == "f":
        numbers = values.astype("Float64").astype("float64")
        _refuse(known & ((numbers % 1 != 0) | (numbers.abs() > 2**53)))
    return values.astype("Int64")


def _bool(values: pd.Series) -> pd.Series:
    if values.dtype == object:
        _refuse(values.notna() & ~values.map(lambda one: isinstance(one, bool | np.bool_)))
    else:
        _refuse(values.notna() & ~_all_of(values, "b"))
    return values.astype("boolean")


def _moments(values: pd.Series, description: Column, zone: ZoneInfo) -> pd.Series:
    if values.dtype == object:  # Parquet's date32 arrives as Python dates
        values = pd.to_datetime(values, errors="coerce").where(values.notna())
    _refuse(values.notna() & ~_all_of(values, "M"))
    times = values.dt
    if description.type is FieldType.datetime:
        return placed(values, description, zone=zone)
    if times.tz is not None:
        values = values.dt.tz_convert(zone).dt.tz_localize(None)
    _refuse(values.notna() & (values != values.dt.normalize()))
    return values.dt.as_unit("us")
