"""
The matrix of a report: which combinations of values its cells have.

Each parameter has a list of values, those of a column of the catalogue, or a range. All are combined; `exclude`
leaves combinations out, `also` adds single ones. Every mistake is told before anything runs.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice, product
from typing import Any

from stadtbuch.errors import ReportError
from stadtbuch.model.report import Report
from stadtbuch.texts import Text, count

MOST_CELLS = 5_000
"""Pages of one report; more is a download, not a set of pages."""
MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}
Values = Callable[[str, str], Sequence[str]]
Mistake = tuple[tuple[str | int, ...], str, Text, Text | None]
"""Place in the definition, code, what is wrong, what to write."""

_REFERENCE = re.compile(r"catalogue:([a-z][a-z0-9-]*\.[a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")


def reference(value: str) -> tuple[str, str] | None:
    """
    Split a reference to a column's values.

    Examples
    --------
    >>> reference("catalogue:geography.boroughs.borough")
    ('geography.boroughs', 'borough')
    """
    match = _REFERENCE.fullmatch(value)
    return (match[1], match[2]) if match else None


def combinations(report: Report, *, values: Values) -> list[dict[str, Any]]:
    """
    Give the values of each cell: `also` first, then all combinations in declared order without the excluded ones.

    Parameters
    ----------
    report
        Its definition, without mistakes.
    values
        Dataset id and column -> the values that occur, sorted.

    Raises
    ------
    ReportError
        ``report.no-cells`` or ``report.too-many-cells``.

    Examples
    --------
    >>> from stadtbuch.texts import same
    >>> report = Report(name="r", title=same("R"), summary=same("R"), report="r.ipynb", release="automatic",
    ...                 cells={"borough": ["Mitte", "Süd"], "year": {"from": 2024, "to": 2025}},
    ...                 exclude=[{"borough": "Süd", "year": 2024}], roles={"author": "a", "release": "b"})
    >>> [tuple(one.values()) for one in combinations(report, values=lambda dataset, column: [])]
    [('Mitte', 2024), ('Mitte', 2025), ('Süd', 2025)]
    """
    axes = {name: _expanded(axis, values) for name, axis in report.cells.items()}
    _require_some(report, axes)
    combined = (dict(zip(axes, one, strict=True)) for one in product(*axes.values()))
    left = (one for one in combined if not any(_matches(one, row) for row in report.exclude))
    also = [{name: one[name] for name in report.cells} for one in report.also]
    found = [*also, *islice(left, MOST_CELLS + 1)]
    if not found:
        raise _none(report.name)
    if len(found) > MOST_CELLS:
        raise _too_many(report.name)
    return found


def _require_some(report: Report, axes: Mapping[str, Sequence[Any]]) -> None:
    empty = [name for name, found in axes.items() if not found]
    if empty and not report.also:
        raise _none(report.name, parameter=empty[0])


def _expanded(axis: Any, values: Values) -> list[Any]:
    """Give the values of one parameter."""
    if isinstance(axis, str):
        found = reference(axis)
        return list(values(*found)) if found else []
    return list(_range(axis)) if isinstance(axis, Mapping) else list(axis)


def _range(axis: Mapping[str, Any]) -> Iterator[Any]:
    first, last, every = axis["from"], axis["to"], axis.get("every", 1)
    if isinstance(first, int):
        return iter(range(first, last + 1, every))
    return _days(first, last, every)


def _days(first: date, last: date, every: int | str) -> Iterator[date]:
    """Give days from the first to the last; the end of a month stays the end of a month."""
    if every in MONTHS:
        step, number = MONTHS[str(every)], 0
        while (found := _months_later(first, step * number)) <= last:
            yield found
            number += 1
        return
    pause = timedelta(days=DAYS.get(str(every), every if isinstance(every, int) else 1))
    while first <= last:
        yield first
        first += pause


def _months_later(day: date, months: int) -> date:
    """
    Give the same day some months later, or the last of a shorter month.

    Examples
    --------
    >>> _months_later(date(2028, 1, 31), 1).isoformat()
    '2028-02-29'
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _matches(one: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Tell whether a combination has all the values of a line of `exclude`."""
    return all(_written(one[name]) in _wanted(wanted) for name, wanted in row.items())


def _wanted(wanted: Any) -> set[str]:
    return {_written(one) for one in (wanted if isinstance(wanted, list | tuple) else [wanted])}


def _written(value: Any) -> str:
    """Write a value as people compare it: 2025 and "2025" are the same year."""
    return str(value)


# ---- mistakes -------------------------------------------------------------------------------------------


def mistakes(report: Report) -> Iterator[Mistake]:
    """Find what is wrong with the matrix of a report, as far as that can be seen without data."""
    for name, axis in report.cells.items():
        yield from ((("cells", name), *told) for told in _axis(axis))
    for number, cell in enumerate(report.also):
        if set(cell) != set(report.cells):
            yield (("also", number), "also", *_ALSO)
    for number, row in enumerate(report.exclude):
        yield from ((("exclude", number), *told) for told in _exclusion(row, report))
    for name in report.cells.keys() & report.fixed.keys():
        yield (("fixed", name), "fixed", *_FIXED)


def _axis(axis: Any) -> Iterator[tuple[str, Text, Text | None]]:
    if isinstance(axis, str):
        if reference(axis) is None:
            yield ("cells", *_CELLS)
    elif isinstance(axis, Mapping):
        yield from _range_mistakes(axis)
    elif not isinstance(axis, list | tuple):
        yield ("cells", *_CELLS)
    elif not axis:
        yield "cells-empty", Text(de="ist eine leere Liste", en="is an empty list"), _CELLS[1]
    elif any(isinstance(one, dict | list) or one is None for one in axis):
        what = Text(de="enthält etwas, das kein Wert ist", en="holds something that is no value")
        yield "cells", what, _CELLS[1]
    elif len({_written(one) for one in axis}) < len(axis):
        yield "cells-twice", Text(de="nennt einen Wert zweimal", en="names a value twice"), None


def _range_mistakes(axis: Mapping[str, Any]) -> Iterator[tuple[str, Text, Text | None]]:
    first, last, every = axis.get("from"), axis.get("to"), axis.get("every", 1)
    if not {"from", "to"} <= set(axis) <= {"from", "to", "every"} or type(first) is not type(last):
        yield ("cells-range", *_RANGE)
    elif type(first) not in (int, date):
        what = Text(
            de="ist kein Bereich von ganzen Zahlen oder Tagen", en="is no range of whole numbers or days"
        )
        yield "cells-range", what, _RANGE[1]
    elif not _is_step(every, of_days=isinstance(first, date)):
        yield (
            "cells-range",
            Text(de="hat eine unbrauchbare Schrittweite", en="has an unusable step"),
            _RANGE[1],
        )
    elif first > last:  # type: ignore[operator]
        yield "cells-range", Text(de="endet, bevor er beginnt", en="ends before it begins"), _RANGE[1]


def _is_step(every: Any, *, of_days: bool) -> bool:
    return (type(every) is int and every > 0) or (of_days and every in {*MONTHS, *DAYS})


def _exclusion(row: Mapping[str, Any], report: Report) -> Iterator[tuple[str, Text, Text | None]]:
    strange = [name for name in row if name not in report.cells]
    listed = ", ".join(report.cells)
    if strange or not row:
        what = Text(
            de=f"nennt {', '.join(strange)}, was nicht unter cells steht" if row else "ist leer",
            en=f"names {', '.join(strange)}, which does not stand under cells" if row else "is empty",
        )
        yield "exclude", what, Text(de=f"unter cells stehen: {listed}", en=f"under cells stand: {listed}")
        return
    for name, wanted in row.items():
        axis = report.cells[name]
        if isinstance(axis, list | tuple) and not _wanted(wanted) <= {_written(one) for one in axis}:
            what = Text(de=f"nennt bei {name} einen Wert, den cells nicht hat",
                        en=f"names a value of {name} that cells does not have")  # fmt: skip
            yield "exclude", what, None


_ALSO = (
    Text(de="nennt andere Parameter als cells", en="names other parameters than cells"),
    Text(de="Geben Sie genau die Parameter von cells an.", en="State exactly the parameters of cells."),
)
_FIXED = (
    Text(de="steht auch unter cells", en="stands under cells as well"),
    Text(
        de="Ein Parameter ist fest oder läuft durch Werte.", en="A parameter is fixed or runs through values."
    ),
)
_CELLS = (
    Text(de="ist weder Liste noch Verweis noch Bereich", en="is neither a list nor a reference nor a range"),
    Text(
        de='Schreiben Sie [a, b], "catalogue:<domäne>.<datensatz>.<spalte>" oder {from: 2020, to: 2025}.',
        en='Write [a, b], "catalogue:<domain>.<dataset>.<column>" or {from: 2020, to: 2025}.',
    ),
)
_RANGE = (
    Text(de="ist kein Bereich", en="is no range"),
    Text(
        de="Schreiben Sie {from: 2020, to: 2025} oder {from: 2025-01-31, to: 2025-12-31, every: month}.",
        en="Write {from: 2020, to: 2025} or {from: 2025-01-31, to: 2025-12-31, every: month}.",
    ),
)


def _none(name: str, *, parameter: str = "") -> ReportError:
    why = Text(
        de=f"Zu {parameter} gibt es keine Werte."
        if parameter
        else "exclude schließt alle Kombinationen aus.",
        en=f"There are no values of {parameter}." if parameter else "exclude leaves out all combinations.",
    )
    return ReportError(
        "report.no-cells",
        Text(
            de=f"Der Bericht {name} hat keine einzige Seite.", en=f"The report {name} has not a single page."
        ),
        why=why,
        remedy=Text(
            de="Prüfen Sie cells und exclude, und ob die Daten da sind, auf die cells verweist.",
            en="Check cells and exclude, and whether the data are there that cells refers to.",
        ),
    )


def _too_many(name: str) -> ReportError:
    return ReportError(
        "report.too-many-cells",
        Text(
            de=f"Der Bericht {name} hätte mehr als {count(MOST_CELLS, 'de')} Seiten.",
            en=f"The report {name} would have more than {count(MOST_CELLS, 'en')} pages.",
        ),
        why=Text(
            de="Jede Kombination der Werte unter cells wird ein Lauf und eine Seite.",
            en="Every combination of the values under cells becomes a run and a page.",
        ),
        remedy=Text(
            de="Nehmen Sie weniger Parameter, gröbere Werte oder schließen Sie mit exclude aus.",
            en="Take fewer parameters, coarser values, or leave some out with exclude.",
        ),
    )
