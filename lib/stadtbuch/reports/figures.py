"""
`sb.figure`: a chart with everything a reader needs, as static SVG in both languages.

No figure without a message, a subtitle, a text for those who do not see it, its data, and help for reading
it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stadtbuch.catalog.licences import NO_LICENCE
from stadtbuch.errors import UsageError
from stadtbuch.reports import drawing, markup, outputs, records
from stadtbuch.texts import LANGUAGES, Text, text

if TYPE_CHECKING:
    import altair
    import pandas as pd

    from stadtbuch.disclosure.tables import ProtectedTable

Words = Mapping[str, str] | Text
PARTS = ("title", "subtitle", "alt", "data", "reading_help")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}")


def figure(
    chart: altair.TopLevelMixin | Callable[[str], altair.TopLevelMixin],
    *,
    name: str | None = None,
    title: Words | None = None,
    subtitle: Words | None = None,
    alt: Words | None = None,
    data: pd.DataFrame | ProtectedTable | None = None,
    reading_help: Words | None = None,
    sources: Sequence[str] | None = None,
    columns: Mapping[str, Words] | None = None,
) -> None:
    """
    Show a chart, and record it for the page: SVG in German and English, its data as a table and as CSV.

    Parameters
    ----------
    chart
        An Altair chart, or a function of the language (``"de"``, ``"en"``) that gives one.
    name
        Short name for file and address; made from the order in the notebook if left out.
    title
        The message, as a sentence: what the picture shows.
    subtitle
        Measure, place and time.
    alt
        What the picture shows, for people who do not see it.
    data
        The numbers in the picture.
    reading_help
        How to read one mark of it.
    sources
        Ids of the inputs it is made from; all inputs of the notebook if left out.
    columns
        Titles of columns of `data` that the catalogue does not know.

    Raises
    ------
    UsageError
        ``figure.incomplete`` names everything that is missing; ``figure.empty`` if nothing is drawn.
    """
    given = {"title": title, "subtitle": subtitle, "alt": alt, "data": data, "reading_help": reading_help}
    complete(given)
    out = outputs.current()
    label = named(name, out=out, kind="figures", prefix="figure")
    out.claim("figures", label)
    record = _record(label, given, out=out, sources=sources, titles=columns)
    drawn = {language: _draw(chart, record, language=language, out=out) for language in out.languages}
    _write(out, record, drawn)
    shown = {"image/svg+xml": drawn[out.languages[0]], "text/plain": markup.figure_text(record)}
    outputs.show(shown, kind="figure", name=label)


def complete(given: Mapping[str, Any]) -> None:
    """
    Refuse a figure that lacks a part or a language of a part.

    Examples
    --------
    >>> given = {"title": {"de": "Titel"}, "subtitle": None, "alt": None, "data": 1, "reading_help": None}
    >>> try:
    ...     complete(given)
    ... except UsageError as error:
    ...     error.what.en
    'The figure is incomplete: title (en), subtitle, alt, reading_help.'
    """
    missing = [word for part in PARTS for word in _lacks(part, given[part])]
    if not missing:
        return
    listed = ", ".join(missing)
    raise UsageError(
        "figure.incomplete",
        Text(de=f"Die Abbildung ist unvollständig: {listed}.", en=f"The figure is incomplete: {listed}."),
        why=Text(
            de="Ohne Aussage, Beschreibung, Daten und Lesehilfe bleibt ein Bild für viele unverständlich.",
            en="Without message, description, data and reading help many people cannot understand a picture.",
        ),
        remedy=Text(
            de=f'Ergänzen Sie {missing[0].split()[0]}={{"de": "...", "en": "..."}} in sb.figure(...).',
            en=f'Add {missing[0].split()[0]}={{"de": "...", "en": "..."}} to sb.figure(...).',
        ),
    )


def _lacks(part: str, value: Any) -> list[str]:
    if value is None:
        return [part]
    if part == "data":
        return []
    try:
        text(value)
    except KeyError as language:
        return [f"{part} ({language.args[0]})"]
    return []


def named(name: str | None, *, out: outputs.Outputs, kind: str, prefix: str) -> str:
    """
    Check the name of an output, or count one: ``figure-1``.

    Raises
    ------
    UsageError
        ``output.name`` if it would be no good file name.
    """
    if name is None:
        folder = out.folder / "outputs" / kind if out.folder else None
        made = len(list(folder.glob(f"{out.prefix}*.json"))) if folder and folder.exists() else 0
        return f"{out.prefix}{prefix}-{made + 1}"
    if NAME.fullmatch(name):
        return out.prefix + name
    raise UsageError(
        "output.name",
        Text(de="Dieser Name eignet sich nicht für eine Datei.", en="This name is no good for a file."),
        remedy=Text(
            de="Kleinbuchstaben, Ziffern, - und _; am Anfang ein Buchstabe.",
            en="Lower-case letters, digits, - and _; a letter first.",
        ),
    )


def _record(
    name: str,
    given: Mapping[str, Any],
    *,
    out: outputs.Outputs,
    sources: Sequence[str] | None,
    titles: Mapping[str, Words] | None,
) -> dict[str, Any]:
    frame, legend = data_of(given["data"])
    described = records.columns(frame, given=titles, known=out.columns)
    words = {part: text(given[part]).as_dict() for part in PARTS if part != "data"}
    return {
        "name": name,
        **words,
        "files": {language: f"{name}.{language}.svg" for language in out.languages},
        "csv": f"{name}.csv",
        "columns": described,
        "rows": records.rows(frame),
        "sources": list(sources if sources is not None else out.inputs),
        "marks": reasons(out, sources, legend),
    }


def reasons(
    out: outputs.Outputs, sources: Sequence[str] | None, legend: Mapping[str, str] | None
) -> dict[str, str] | None:
    """Put beside the legend of signs why the places of a source are coarse."""
    named = sources if sources is not None else list(out.inputs)
    said = [legend, *(out.inputs[one].get("protection") for one in named if one in out.inputs)]
    known = [dict(one) for one in said if one]
    return {language: " ".join(one[language] for one in known) for language in LANGUAGES} if known else None


def data_of(data: pd.DataFrame | ProtectedTable) -> tuple[pd.DataFrame, dict[str, str] | None]:
    """Give the frame of what was handed over, and the legend of its signs if it has any."""
    frame: Any = getattr(data, "frame", data)
    signs = (hasattr(data, "to_record") and not hasattr(data, "cells")) or (
        "mark" in frame.columns and bool((frame["mark"].astype(str) != "").any())
    )
    return frame.reset_index(drop=True), legend_of(data) if signs else None


def legend_of(data: Any) -> dict[str, str]:
    """Give the legend of the signs in a protected table, or the one that explains the house's signs."""
    legend = getattr(data, "legend", None)
    return text(legend).as_dict() if legend is not None else LEGEND.as_dict()


LEGEND = Text(
    de="· geheim gehalten zum Schutz Einzelner; – nichts vorhanden (genau null).",
    en="· withheld to protect individuals; – nothing there (exactly zero).",
)


def _draw(chart: Any, record: Mapping[str, Any], *, language: str, out: outputs.Outputs) -> str:
    built = chart(language) if callable(chart) and not hasattr(chart, "to_dict") else chart
    return drawing.tidy(
        drawing.convert(drawing.spec(built), language=language),
        name=record["name"],
        language=language,
        title=record["title"][language],
        alt=record["alt"][language],
        credit=credit(out.inputs, record["sources"], language),
        synthetic=out.synthetic,
    )


def credit(inputs: Mapping[str, Any], sources: Sequence[str], language: str) -> list[str]:
    """
    Give one line per source: title, attribution, licence with its address; withheld sources have none.

    Examples
    --------
    >>> counts = {"title": {"de": "Räder", "en": "Bikes"}, "attribution": {"de": "Stadt", "en": "City"},
    ...           "licence_title": {"de": "Zero", "en": "Zero"}, "licence_url": "https://example.org/zero"}
    >>> credit({"a.b": counts}, ["a.b"], "en")
    ['Bikes. City. Zero, https://example.org/zero']
    """
    lines = []
    for one in (inputs[source] for source in sources if source in inputs):
        words = (
            _said(one.get("title"), language),
            _said(one.get("attribution"), language),
            _licence(one, language),
        )
        lines.append(". ".join(filter(None, words)))
    return lines


def _licence(one: Mapping[str, Any], language: str) -> str:
    """
    Give an input's licence with its address, or say that there is none because it is withheld.

    Examples
    --------
    >>> _licence({"class": "closed", "licence_title": None}, "en")
    'No licence: not published'
    """
    title = _said(one.get("licence_title") or one.get("licence"), language)
    if not title and one.get("class", "open") != "open":
        return NO_LICENCE.pick(language)
    return ", ".join(filter(None, (title, one.get("licence_url"))))


def _said(value: Any, language: str) -> str:
    if not value:
        return ""
    return str(value[language] if isinstance(value, Mapping) else value).rstrip(".")


def _write(out: outputs.Outputs, record: Mapping[str, Any], drawn: Mapping[Any, str]) -> None:
    """Write picture files first and the record last: a record never names a file that is not there."""
    for language, file in record["files"].items():
        out.write(f"figures/{file}", drawn[language].encode())
    out.write(f"figures/{record['csv']}", markup.csv_text(record).encode())
    out.write_record(f"figures/{record['name']}.json", record)
