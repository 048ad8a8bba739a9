"""
Raw rows: whether a text shows single rows of a closed dataset, the way pandas or plain Python print them.

Recognised is the form, not the content: the size that pandas writes under a frame, its ``dtype`` under a
series, a heading of column names with lines below, rows as dictionaries, an HTML table that pandas made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_SHAPE = re.compile(r"^\[(\d+) rows x \d+ columns\]\s*$", re.MULTILINE)
_DTYPE = re.compile(r"^(?:.*\b(?:Name|Length|Freq): .*, )?dtype: \w+", re.MULTILINE)
_LENGTH = re.compile(r"\bLength: (\d+)\b")
_KEY = re.compile(r"[\"'](\w+)[\"']\s*:(?!\s*[\[{])")
_SEPARATOR = re.compile(r"[\s|,;]+")
_FRAME = re.compile(r"class\s*=\s*[\"'][^\"']*\bdataframe\b", re.IGNORECASE)
_ROW = re.compile(r"<tr\b", re.IGNORECASE)
_COLUMN_TYPES = re.compile(
    r"^\S+\s+(?:object|str|string|bool(?:ean)?|category|geometry|u?int\d+|float\d+|U?Int\d+|Float\d+"
    r"|datetime64\S*(?: \S+)?)$"
)
PROTECTED = {"value", "mark"}
"""Columns of a `ProtectedTable.frame`: what carries both is a table that was protected."""


class Sight(NamedTuple):
    """
    Rows that were seen: of which dataset (None if it does not tell), and how many (None if
    uncountable).
    """

    dataset: str | None
    number: int | None


def seen(text: str, *, columns: Sequence[tuple[str, Sequence[str]]]) -> Sight | None:
    r"""
    Look for rows in a text; the first form found counts.

    Parameters
    ----------
    text
        What was printed.
    columns
        Dataset ids and their column names, for the closed inputs of the run.

    Examples
    --------
    >>> closed = [("demo.people", ["age", "sex", "district"])]
    >>> seen("   age sex\n0   34   w\n1   41   m", columns=closed)
    Sight(dataset='demo.people', number=2)
    >>> seen("Gruppiert nach age und sex.", columns=closed) is None
    True
    """
    for look in (_headed, _sized, _series, _dictionaries):
        sight = look(text, columns)
        if sight:
            return sight
    return None


def seen_html(html: str, *, columns: Sequence[tuple[str, Sequence[str]]]) -> Sight | None:
    """Look for a table in HTML that pandas made; its heading is not counted."""
    if not _FRAME.search(html):
        return None
    return Sight(_best(re.findall(r"\w+", html), columns)[0], max(0, len(_ROW.findall(html)) - 1))


FEW = 10
"""So many nameless values in a list behind a picture are more than its legend or its axes."""


def seen_behind(content: Any, *, columns: Sequence[tuple[str, Sequence[str]]]) -> Sight | None:
    """
    Look for rows in data of any depth: lists of records, records of lists, features of a map.

    Parameters
    ----------
    content
        What a JSON text holds: the specification of a chart, the state of a widget, GeoJSON.
    columns
        As for `seen`.

    Examples
    --------
    >>> closed = [("demo.people", ["age", "sex", "district"])]
    >>> seen_behind({"data": {"values": [{"age": 34, "sex": "w"}, {"age": 41, "sex": "m"}]}}, columns=closed)
    Sight(dataset='demo.people', number=2)
    >>> seen_behind({"columns": {"age": [34, 41], "sex": ["w", "m"]}}, columns=closed)
    Sight(dataset='demo.people', number=2)
    >>> seen_behind({"mark": "bar", "title": "age and sex"}, columns=closed) is None
    True
    """
    found = [sight for one in _inside(content) if (sight := _gathered(one, columns))]
    return max(found, key=lambda one: (one.dataset is not None, one.number or 0), default=None)


def _inside(content: Any) -> Iterator[Any]:
    """Walk over everything nested, without recursion."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _gathered(content: Any, columns: Columns) -> Sight | None:
    """See one list or record as a table, if it is one."""
    names: list[str] = []
    number = 0
    if isinstance(content, list):
        records = [one for one in content if isinstance(one, Mapping)]
        names = [str(key) for one in records for part in (one, one.get("properties")) if isinstance(part, Mapping)
                 for key in part]  # fmt: skip
        number = len(content)
    elif isinstance(content, Mapping):
        lists = {str(key): one for key, one in content.items() if isinstance(one, list) and one}
        names, number = list(lists), min(map(len, lists.values()), default=0)
    dataset, matches = _best(names, columns)
    if matches >= 2 and number:
        return Sight(dataset, number)
    return Sight(None, number) if number >= FEW and isinstance(content, list) else None


Columns = Sequence[tuple[str, Sequence[str]]]


def _best(names: Sequence[str], columns: Columns) -> tuple[str | None, int]:
    """Find the dataset most of whose column names occur, and how many those are."""
    given = set(names)
    scored = [(len(given & set(known)), dataset) for dataset, known in columns]
    matches, dataset = max(scored, key=lambda one: one[0], default=(0, None))
    return (dataset, matches) if matches else (None, 0)


def _headed(text: str, columns: Columns) -> Sight | None:
    """Find a heading of at least two columns of one dataset, with rows below."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        fields = [field.strip("\"'") for field in _SEPARATOR.split(line.strip()) if field]
        dataset, matches = _best(fields, columns)
        if matches < 2 or 2 * matches < len(fields) or set(fields) >= PROTECTED:
            continue
        below = list(_rows_below(lines[at + 1 :], len(fields)))
        if below:
            return Sight(dataset, len(below))
    return None


def _rows_below(lines: Sequence[str], width: int) -> Iterator[str]:
    """Give the lines below a heading that have about as many fields as it."""
    for line in lines:
        fields = [field for field in _SEPARATOR.split(line.strip()) if field]
        if not fields or line.lstrip().startswith("[") or line.startswith(("Name:", "dtype:", "Length:")):
            return
        if set("".join(fields)) <= set("-+=:|"):  # the rule under a heading
            continue
        if len(fields) >= width or fields[0].isdigit() or fields[-1].isdigit() or fields[0] in ("...", ".."):
            yield line


def _sized(text: str, columns: Columns) -> Sight | None:
    """Find the size that pandas writes under a shortened frame."""
    match = _SHAPE.search(text)
    if not match:
        return None
    return Sight(_best(re.findall(r"\w+", text), columns)[0], int(match[1]))


def _series(text: str, columns: Columns) -> Sight | None:
    """
    Find a printed series: values of a column, or counts that nobody protected. A list of types is
    neither.
    """
    if not _DTYPE.search(text):
        return None
    lines = [line for line in text.splitlines() if line.strip() and not _DTYPE.match(line)]
    if lines and all(_COLUMN_TYPES.match(line.strip()) for line in lines):
        return None
    length = _LENGTH.search(text)
    return Sight(_best(re.findall(r"\w+", text), columns)[0], int(length[1]) if length else len(lines))


def _dictionaries(text: str, columns: Columns) -> Sight | None:
    """Find rows as dictionaries or JSON: at least two column names as keys."""
    dataset, matches = _best(_KEY.findall(text), columns)
    if matches < 2:
        return None
    known = dict(columns)[dataset] if dataset else ()
    first = next(name for name in _KEY.findall(text) if name in known)
    return Sight(dataset, _KEY.findall(text).count(first))
