"""
What a view showed, as HTML: the same function for the static pages and for the live dashboard.

It knows records and pictures only, so a number that stands in one of them stands in the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stadtbuch.reports import look, markup, outputs, pictures
from stadtbuch.reports.render import TABLE_ROWS

Href = Callable[[str], str]
"""Path below ``outputs/`` -> address of the file as the page sees it."""


def html(
    marks: Sequence[Sequence[str]],
    files: Mapping[str, bytes],
    *,
    language: str,
    href: Href,
    sources: Mapping[str, Any],
) -> str:
    """
    Write everything that a view showed, in its order.

    Parameters
    ----------
    marks
        Kind and name of each output.
    files
        Path below ``outputs/`` -> content: records and pictures.
    language
        ``"de"`` or ``"en"``; the pictures of this language must be there.
    href
        How the page gets to the downloads.
    sources
        What is known about the inputs, by id.
    """
    results = {one["name"]: one for one in json.loads(files.get(outputs.RESULTS, b"[]"))}
    written = []
    for kind, name in marks:
        if kind == "figure":
            written.append(_figure(name, files, language=language, href=href, sources=sources))
        elif kind == "table":
            written.append(markup.table_html(json.loads(files[f"shown/{name}.json"]), language))
        elif kind == "headline":
            written.append(markup.headline_html(results[name], language))
        elif kind == "points":
            written.append(f'<div class="prose">{markup.points_html(results[name], language)}</div>')
    return "\n".join(written)


def downloads(marks: Sequence[Sequence[str]], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the files that the figures of a view link to: pictures and their data."""
    found: dict[str, bytes] = {}
    for kind, name in marks:
        if kind == "figure":
            record = json.loads(files[f"figures/{name}.json"])
            paths = (f"figures/{one}" for one in (*record["files"].values(), record["csv"]))
            found |= {path: files[path] for path in paths}
    return found


def plain(path: str) -> str:
    """
    Name a download without the choice in front of it, which its folder says already.

    Examples
    --------
    >>> plain("figures/sued.2025--pyramid.de.svg")
    'pyramid.de.svg'
    """
    return path.rpartition("/")[2].partition("--")[2] or path.rpartition("/")[2]


def _figure(
    name: str, files: Mapping[str, bytes], *, language: str, href: Href, sources: Mapping[str, Any]
) -> str:
    record = json.loads(files[f"figures/{name}.json"])
    table = markup.figure_table(record)
    everything = len(table["rows"])
    table["rows"] = table["rows"][:TABLE_ROWS]
    picture, csv = f"figures/{record['files'][language]}", f"figures/{record['csv']}"
    anchor = f"bild-{name.partition('--')[2]}"
    return look.part(
        "figure.html.j2",
        language=language,
        record=record,
        anchor=anchor,
        svg=pictures.inline(files[picture].decode(), label=record["alt"][language], identity=anchor),
        table=markup.table_html(table, language),
        shown=len(table["rows"]),
        left_out=everything - len(table["rows"]),
        csv=href(csv),
        csv_bytes=len(files[csv]),
        picture=href(picture),
        picture_bytes=len(files[picture]),
        credit=_credit(record["sources"], sources, language),
    )


def _credit(wanted: Sequence[str], sources: Mapping[str, Any], language: str) -> str:
    return "; ".join(look.pick(sources[one].get("title"), language) for one in wanted if one in sources)
