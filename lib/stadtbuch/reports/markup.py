"""
HTML and CSV from records: pure functions that the kernel, the gate and the site share.

The gate renders again from the record and demands the same bytes, so nothing can hide in an output that its
record does not say. No style, no script, no id: looks are the theme's business.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from stadtbuch.texts import Text, count, decimal

HIDDEN = "·"
MARGIN = "total"
"""The label of a margin in `ProtectedTable.frame`."""
MISSING = Text(de="k. A.", en="n/a")
YES, NO = Text(de="ja", en="yes"), Text(de="nein", en="no")
AS_OF = Text(de="Stand", en="as of")
TOTAL = Text(de="Insgesamt", en="Total")
SCROLL = Text(de="Tabelle", en="Table")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Record = Mapping[str, Any]


def day(value: str, language: str) -> str:
    """
    Write an ISO date the way readers do.

    Examples
    --------
    >>> day("2025-12-31", "de"), day("2025-12-31", "en")
    ('31.12.2025', '31 Dec 2025')
    """
    read = date.fromisoformat(value[:10])
    return f"{read:%d.%m.%Y}" if language == "de" else f"{read.day} {MONTHS[read.month - 1]} {read.year}"


def cell(value: Any, column: Record, language: str) -> str:
    """
    Write one value of a table for readers; not yet escaped.

    A value is a plain one, ``{"mark": "·"}`` for a cell with a sign instead of a number, ``{"total": true}``
    for the label of a sum, or a pair of wordings ``{"de":, "en":}``.

    Examples
    --------
    >>> cell(1234.5, {"align": "number", "places": 1}, "de")
    '1.234,5'
    >>> cell({"mark": "·"}, {"align": "number"}, "de")
    '·'
    """
    if isinstance(value, Mapping):
        return _special(value, language)
    if value is None:
        return MISSING.pick(language)
    if isinstance(value, bool):
        return (YES if value else NO).pick(language)
    if isinstance(value, (int, float)):
        return _number(value, column.get("places", 0), language)
    label = (column.get("labels") or {}).get(value)
    if label:
        return str(label[language])
    return day(value, language) if DAY.fullmatch(value) else str(value)


def _special(value: Mapping[str, Any], language: str) -> str:
    if "mark" in value:
        return str(value["mark"])
    return TOTAL.pick(language) if value.get("total") else str(value[language])


def _number(value: float, places: int | None, language: str) -> str:
    if places is None:
        return str(int(value))
    return count(round(value), language) if places == 0 else decimal(value, language, places=places)


def table_html(record: Record, language: str) -> str:
    """
    Write the record of `sb.table` as an accessible table in one language.

    The table stands in a region that can be scrolled with the keyboard; the first column heads its rows.

    Parameters
    ----------
    record
        ``caption``, ``columns``, ``rows`` and, if the table has signs, ``legend``.
    language
        ``"de"`` or ``"en"``.

    Examples
    --------
    >>> record = {"caption": {"de": "Menschen", "en": "People"}, "legend": None, "rows": [["Mitte", 1200]],
    ...           "columns": [{"title": {"de": "Bezirk", "en": "Borough"}, "align": "text"},
    ...                       {"title": {"de": "Anzahl", "en": "Count"}, "align": "number", "places": 0}]}
    >>> '<td class="num">1.200</td>' in table_html(record, "de")
    True
    """
    caption, columns = escape(record["caption"][language]), record["columns"]
    head = "".join(f'<th scope="col"{_aligned(one)}>{escape(one["title"][language])}</th>' for one in columns)
    body = "".join(f"<tr>{_row(row, columns, language)}</tr>\n" for row in record["rows"])
    heading = f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>"
    table = f"<table>\n{heading}\n<tbody>\n{body}</tbody>\n</table>"
    region = (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{SCROLL.pick(language)}: {caption}">'
    )
    legend = _legend(record, language)
    return f'<div class="sb-table" lang="{language}">\n{region}\n{table}\n</div>{legend}\n</div>'


def _row(row: Sequence[Any], columns: Sequence[Record], language: str) -> str:
    first, *others = [
        escape(cell(value, column, language)) for value, column in zip(row, columns, strict=True)
    ]
    cells = (f"<td{_aligned(column)}>{value}</td>" for value, column in zip(others, columns[1:], strict=True))
    return f'<th scope="row">{first}</th>' + "".join(cells)


def _aligned(column: Record) -> str:
    return ' class="num"' if column.get("align") == "number" else ""


def _legend(record: Record, language: str) -> str:
    legend = record.get("legend")
    return f'\n<p class="legend">{escape(legend[language])}</p>' if legend else ""


def headline_html(record: Record, language: str) -> str:
    """
    Write one big number with its unit and reference date.

    Examples
    --------
    >>> headline_html({"value": 12345, "unit": {"de": "Menschen", "en": "people"}, "at": "2025-12-31",
    ...                "label": None}, "de")
    '<p class="headline" lang="de"><strong class="headline-value">12.345</strong> <span
    class="headline-unit">Menschen</span> <span class="headline-at">Stand: 31.12.2025</span></p>'
    """
    label = (
        f'<span class="headline-label">{escape(record["label"][language])}</span> '
        if record.get("label")
        else ""
    )
    number, unit = escape(number_text(record["value"], language)), escape(record["unit"][language])
    when = f"{AS_OF.pick(language)}: {day(record['at'], language)}"
    return (
        f'<p class="headline" lang="{language}">{label}<strong class="headline-value">{number}</strong> '
        f'<span class="headline-unit">{unit}</span> <span class="headline-at">{when}</span></p>'
    )


def headline_text(record: Record) -> str:
    """Write a headline as plain text, as the notebook shows it beside the HTML."""
    return f"{number_text(record['value'], 'de')} {record['unit']['de']}"


def points_html(record: Record, language: str) -> str:
    r"""
    Write the main points as a list.

    Examples
    --------
    >>> points_html({"points": [{"de": "3 < 4", "en": "3 < 4"}]}, "de")
    '<ul class="points" lang="de">\n<li>3 &lt; 4</li>\n</ul>'
    """
    items = "".join(f"<li>{escape(point[language])}</li>\n" for point in record["points"])
    return f'<ul class="points" lang="{language}">\n{items}</ul>'


def points_text(record: Record) -> str:
    """Write the main points as plain text, as the notebook shows them beside the HTML."""
    return "\n".join(f"- {point['de']}" for point in record["points"])


def number_text(value: Any, language: str) -> str:
    """
    Write the value of a named result.

    Examples
    --------
    >>> number_text(0.5, "de"), number_text("Mitte", "de")
    ('0,5', 'Mitte')
    """
    if value is None:
        return HIDDEN
    if isinstance(value, str):
        return value
    if float(value).is_integer():
        return count(int(value), language)
    return decimal(value, language, places=1 if round(value, 1) == value else 2)


def result_text(record: Record) -> str:
    """Write a named result as one line of text, as the notebook shows it."""
    return f"{record['name']} = {number_text(record['value'], 'de')} {record['unit']['de']}".strip()


def figure_text(record: Record) -> str:
    """Write what stands in a notebook for readers who see no pictures."""
    return f"{record['title']['de']}\n{record['alt']['de']}"


def table_text(record: Record) -> str:
    """Write a table as plain text: its caption and its size."""
    return f"{record['caption']['de']} ({len(record['rows'])} × {len(record['columns'])})"


def figure_table(record: Record) -> dict[str, Any]:
    """
    Give the data of a figure as the record of a table, for the table view under every picture.

    The record of a protected table's figure holds ``value`` and ``mark``; they become one column.
    """
    columns, rows = fold(record["columns"], record["rows"])
    return {"caption": record["title"], "columns": columns, "rows": rows, "legend": record.get("marks")}


def fold(columns: Sequence[Record], rows: Iterable[Sequence[Any]]) -> tuple[list[Any], list[list[Any]]]:
    """
    Put the sign of a cell into the place of its number, and leave the column of signs out.

    The label ``total`` of such a table's margins becomes a word of the reader's language.

    Examples
    --------
    >>> fold([{"name": "value"}, {"name": "mark"}], [[None, "·"], [3, ""]])
    ([{'name': 'value'}], [[{'mark': '·'}], [3]])
    """
    names = [column["name"] for column in columns]
    if "mark" not in names or "value" not in names:
        return list(columns), [list(row) for row in rows]
    at, sign = names.index("value"), names.index("mark")
    kept = [place for place in range(len(names)) if place != sign]
    folded = [
        [{"mark": row[sign]} if place == at and row[sign] else _margin(row[place]) for place in kept]
        for row in rows
    ]
    return [columns[place] for place in kept], folded


def _margin(value: Any) -> Any:
    return {"total": True} if value == MARGIN else value


def csv_text(record: Record) -> str:
    r"""
    Write the data of a record as CSV: comma, decimal point, column names as headings, UTF-8, no marks in
    numbers.

    Examples
    --------
    >>> csv_text({"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, None], [2.5, "x"]]})
    'a,b\n1,\n2.5,x\n'
    """
    rows = [[column["name"] for column in record["columns"]], *record["rows"]]
    return "".join(_csv_line([_flat(value) for value in row]) for row in rows)


def _csv_line(values: list[Any]) -> str:
    """Write one line; only with this terminator does the writer quote a carriage return inside a value."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue().removesuffix("\r\n") + "\n"


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value.get("de", "") if isinstance(value, Mapping) else value
