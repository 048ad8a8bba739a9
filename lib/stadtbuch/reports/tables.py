"""`sb.table`, `sb.headline`, `sb.publish`, `sb.protect`: numbers with their words, units and dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.reports import figures, markup, outputs, records
from stadtbuch.reports.figures import Words
from stadtbuch.session.snapshots import conditions
from stadtbuch.texts import Text, same, text

if TYPE_CHECKING:
    import pandas as pd

    from stadtbuch.disclosure.groupings import Grouping
    from stadtbuch.disclosure.tables import ProtectedTable
    from stadtbuch.reports.tabulations import Asked, By

UNITS = ("person", "household", "company")
MOST_POINTS = 6
MOST_ROWS = 200
"""Longer tables are downloads, not reading."""


def table(
    data: pd.DataFrame | ProtectedTable,
    *,
    caption: Words | None = None,
    name: str | None = None,
    columns: Mapping[str, Words] | None = None,
) -> None:
    """
    Show a table, and record it for the page.

    Parameters
    ----------
    data
        At most 200 rows. A protected table in two dimensions is shown as a cross table.
    caption
        What the table holds: measure, place and time.
    name
        Short name for address and file; counted if left out.
    columns
        Titles of columns that the catalogue does not know.

    Raises
    ------
    UsageError
        ``table.caption``, ``table.too-long``, ``table.empty``, ``output.column-title``.
    """
    said = words(caption, what="caption", where="sb.table", code="table.caption")
    out = outputs.current()
    label = figures.named(name, out=out, kind="shown", prefix="table")
    out.claim("shown", label)
    record = {"name": label, "caption": said} | _content(data, out=out, titles=columns)
    out.write_record(f"shown/{label}.json", record)
    shown = {"text/html": markup.table_html(record, "de"), "text/plain": markup.table_text(record)}
    outputs.show(shown, kind="table", name=label)


def words(value: Any, *, what: str, where: str, code: str) -> dict[str, str]:
    """
    Read a text in both languages, or say where it is missing.

    Raises
    ------
    UsageError
        With `code`, naming the argument `what` of the function `where`.
    """
    try:
        return text(value).as_dict()
    except KeyError as missing:
        language = missing.args[0]
    raise UsageError(
        code,
        Text(de=f"{where}: {what} fehlt ({language}).", en=f"{where}: {what} is missing ({language})."),
        remedy=Text(
            de=f'Ergänzen Sie {what}={{"de": "...", "en": "..."}}.',
            en=f'Add {what}={{"de": "...", "en": "..."}}.',
        ),
    )


def _content(data: Any, *, out: outputs.Outputs, titles: Mapping[str, Words] | None) -> dict[str, Any]:
    """Give columns, rows and legend of what was handed over."""
    frame, legend = figures.data_of(data)
    _fits(len(frame) if not hasattr(data, "cells") else 1)
    described = records.columns(frame, given=titles, known=out.columns)
    columns, rows = markup.fold(described, records.rows(frame))
    if hasattr(data, "cells"):
        columns, rows = crossed(columns, rows)
    _fits(len(rows))
    return {"columns": columns, "rows": rows, "legend": legend}


def _fits(length: int) -> None:
    if 0 < length <= MOST_ROWS:
        return
    if length == 0:
        raise UsageError(
            "table.empty",
            Text(de="Die Tabelle ist leer.", en="The table is empty."),
            remedy=Text(
                de="Prüfen Sie Auswahl und Filter davor.", en="Check the selection and filters before it."
            ),
        )
    raise UsageError(
        "table.too-long",
        Text(
            de=f"Die Tabelle hat {length} Zeilen; gezeigt werden höchstens {MOST_ROWS}.",
            en=f"The table has {length} rows; at most {MOST_ROWS} are shown.",
        ),
        remedy=Text(
            de="Fassen Sie zusammen oder wählen Sie aus; lange Tabellen gehören in die Downloads.",
            en="Summarise or select; long tables belong into the downloads.",
        ),
    )


def crossed(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> tuple[list[Any], list[list[Any]]]:
    """
    Turn long rows of (row label, column label, number) into a cross table; other shapes stay as they are.

    Examples
    --------
    >>> total = {"total": True}
    >>> columns = [{"name": name, "title": {"de": name, "en": name}} for name in ("a", "b", "value")]
    >>> head, body = crossed(columns, [["N", "f", 3], ["N", total, 7], [total, "f", 9], [total, total, 20]])
    >>> [column["name"] for column in head], body[0]
    (['a', 'f', 'total'], ['N', 3, 7])
    """
    if len(columns) != 3:
        return list(columns), [list(row) for row in rows]
    first, second, number = columns
    heads = list(dict.fromkeys(_key(row[1]) for row in rows))
    lines: dict[Any, dict[Any, Any]] = {}
    for line, head, value in rows:
        lines.setdefault(_key(line), {})[_key(head)] = value
    new = [_head(head, second, number) for head in heads]
    return [first, *new], [
        [_unkey(line), *(cells.get(head) for head in heads)] for line, cells in lines.items()
    ]


TOTAL_KEY = ("total",)


def _key(label: Any) -> Any:
    return TOTAL_KEY if isinstance(label, Mapping) else label


def _unkey(key: Any) -> Any:
    return {"total": True} if key == TOTAL_KEY else key


def _head(key: Any, variable: Mapping[str, Any], number: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the column of one label of the second variable."""
    shape = {"align": "number", "places": number.get("places", 0)}
    if key == TOTAL_KEY:
        return {"name": "total", "title": markup.TOTAL.as_dict()} | shape
    label = (variable.get("labels") or {}).get(key) or same(str(key)).as_dict()
    return {"name": str(key), "title": dict(label)} | shape


def headline(
    value: float | int | None, *, unit: Words | None = None, at: Any = None, label: Words | None = None
) -> None:
    """
    Show one number that answers the report's question, with its unit and the day it holds for.

    Raises
    ------
    UsageError
        ``headline.value``, ``headline.unit`` or ``headline.date``.
    """
    said = words(unit, what="unit", where="sb.headline", code="headline.unit")
    out = outputs.current()
    record: dict[str, Any] = {
        "name": out.next_name("headline"),
        "value": _number(value, where="sb.headline", code="headline.value"),
        "unit": said,
        "at": _day(at),
        "label": words(label, what="label", where="sb.headline", code="headline.label") if label else None,
        "kind": "headline",
    }
    _append(out, record)
    shown = {"text/html": markup.headline_html(record, "de"), "text/plain": markup.headline_text(record)}
    outputs.show(shown, kind="headline", name=record["name"])


def publish(name: str, value: Any, *, unit: Words | str | None = None, label: Words | None = None) -> None:
    """
    Publish a named result, so that it can be cited, compared between editions and exported.

    Parameters
    ----------
    name
        Unique in the notebook.
    value
        A number, a text or a day; ``None`` or NA for a number that is withheld.
    unit
        Such as ``{"de": "Personen", "en": "persons"}``; a plain text stands for both languages.

    Raises
    ------
    UsageError
        ``result.unit``, ``result.value`` or ``output.name-twice``.
    """
    stated = same(unit).as_dict() if isinstance(unit, str) else unit
    said = words(stated, what="unit", where="sb.publish", code="result.unit")
    out = outputs.current()
    label_said = words(label, what="label", where="sb.publish", code="result.label") if label else None
    plain = records.plain(value)
    if plain is not None and not isinstance(value, (str, date)):
        plain = _number(value, where="sb.publish", code="result.value")
    checked = figures.named(name, out=out, kind="results", prefix="result")
    if any(one["name"] == checked for one in out.results()):
        raise outputs.twice(checked)
    record = {
        "name": checked,
        "value": plain,
        "unit": said,
        "at": None,
        "label": label_said,
        "kind": "result",
    }
    _append(out, record)
    outputs.show({"text/plain": markup.result_text(record)}, kind="result", name=checked)


def points(sentences: Sequence[Words]) -> None:
    """
    Show the main points of a report: one to six sentences that may hold computed numbers.

    Parameters
    ----------
    sentences
        Each in both languages, as plain text.

    Raises
    ------
    UsageError
        ``points.count`` if there is none or more than six; ``points.sentence`` if a language is missing.
    """
    if not 1 <= len(sentences) <= MOST_POINTS:
        raise UsageError(
            "points.count",
            Text(
                de=f"sb.points: ein bis {MOST_POINTS} Sätze.",
                en=f"sb.points: one to {MOST_POINTS} sentences.",
            ),
            why=Text(
                de="Mehr Kernaussagen liest niemand als Kernaussagen.",
                en="Nobody reads more of them as the main points.",
            ),
            remedy=Text(
                de="Behalten Sie die wichtigsten; der Rest gehört in den Text.",
                en="Keep the most important ones; the rest belongs into the text.",
            ),
        )
    said = [words(one, what="sentence", where="sb.points", code="points.sentence") for one in sentences]
    out = outputs.current()
    record: dict[str, Any] = {"name": out.next_name("points"), "kind": "points", "points": said}
    _append(out, record)
    shown = {"text/html": markup.points_html(record, "de"), "text/plain": markup.points_text(record)}
    outputs.show(shown, kind="points", name=record["name"])


def _append(out: outputs.Outputs, record: Mapping[str, Any]) -> None:
    out.write(outputs.RESULTS, outputs.encode([*out.results(), record]))


def _number(value: Any, *, where: str, code: str) -> int | float:
    plain = records.plain(value)
    if isinstance(plain, (int, float)) and not isinstance(plain, bool):
        return plain
    raise UsageError(
        code,
        Text(de=f"{where}: Der Wert ist keine Zahl.", en=f"{where}: the value is no number."),
        why=Text(
            de="Eine geheim gehaltene oder fehlende Zahl kann keine Aussage tragen.",
            en="A number that is withheld or missing cannot carry a message.",
        ),
        remedy=Text(
            de="Nehmen Sie eine veröffentlichte Summe, etwa table.total().",
            en="Take a published sum, such as table.total().",
        ),
    )


def _day(value: Any) -> str:
    """Read a day from a date, a timestamp or ISO text."""
    plain = records.plain(value)
    try:
        return date.fromisoformat(str(plain)[:10]).isoformat()
    except ValueError:
        pass
    raise UsageError(
        "headline.date",
        Text(de="sb.headline: at fehlt oder ist kein Datum.", en="sb.headline: at is missing or no date."),
        why=Text(de="Eine Zahl gilt für einen Tag.", en="A number holds for a day."),
        remedy=Text(de='Ergänzen Sie at="2025-12-31".', en='Add at="2025-12-31".'),
    )


def protect(
    data: pd.Series | pd.DataFrame | Mapping[str, pd.Series | pd.DataFrame],
    *,
    dataset: str,
    name: str | None = None,
    rows: str | list[str] | None = None,
    columns: str | list[str] | None = None,
    by: By | None = None,
    count: str | None = None,
    sum: str | None = None,
    unit: str | None = None,
    weight: str | None = None,
    places: int = 0,
    hierarchies: Mapping[str, Any] | None = None,
    groupings: Sequence[Grouping] = (),
    published: Sequence[Mapping[str, str | None]] = (),
) -> Any:
    """
    Turn counts or sums into a table that may be published: what would tell too much is withheld.

    Parameters
    ----------
    data
        Counts, one per combination, as ``groupby([...]).size()`` or ``pd.crosstab`` give them; or rows, with `by`.
        Several tables by name are protected together, so that none gives another away.
    dataset
        The closed dataset the data come from.
    name
        Name of the table; the manifest's `gives` lists it. Several tables bring their own names.
    rows, columns
        Of counts in two dimensions: variables that make up the rows and the columns; the first level, and all
        others, if left out.
    by
        Variables of the table, each with a margin of its own. Rows need it. By name for several tables of the same
        rows: ``by={"people": ["borough", "sex"], "ages": ["age_group"]}``.
    count
        Column of rows that are counts themselves: how many units each stands for.
    sum
        Column that is summed. The concentration rules of the city are applied to what each unit contributes.
    unit
        With rows: column that tells one protection unit from another; several rows of one unit are one. Each row is
        a unit without it. With counts: what is counted; the protection unit of the dataset if left out.
    weight
        Column of whole weights of a sample.
    places
        Decimal places of the sums: 2 for euros and cents.
    hierarchies
        Variable -> columns of an open frame, first its labels, then from fine to coarse; groups are part of the table.
    groupings
        How variables that are no columns of the catalogue are made from such columns.
    published
        Cells that are public already and must stay, by labels; a variable that is not named is a margin, so ``{}`` is
        the grand total. Such a table has margins over every variable.

    Returns
    -------
    ProtectedTable or dict
        The table; of several tables each by its name.

    Raises
    ------
    ProtectionError
        ``protect.identifier`` if a variable names single persons or holds free text; and if the table cannot
        be protected as it is.
    UsageError
        ``protect.dataset`` if the notebook does not read that dataset.
    """
    from stadtbuch.reports import tabulations  # noqa: PLC0415 - the solver is heavy; only closed notebooks need it

    out = outputs.current()
    facts = _facts(out, dataset)
    if "places" in facts:
        raise _has_places(dataset)
    if by is None and hasattr(data, "columns"):
        frame: Any = data
        rows, columns = rows or list(frame.index.names), columns or list(frame.columns.names)
        data = tabulations.stacked(frame)
    several = isinstance(data, Mapping) or isinstance(by, Mapping)
    with_rows = by is not None and not hasattr(data, "name")
    measure = tabulations.measured(
        count=count, sum_=sum, unit=unit if with_rows else None, weight=weight, places=places, facts=facts
    )
    asked = tabulations.Asked(data, name, by, measure, hierarchies or {})
    if asked.is_grid and not published:
        made = [_grid(data, asked, rows, columns, groupings, unit, out=out, facts=facts, dataset=dataset)]
    else:
        made = _cube(asked, groupings, published, out=out, facts=facts, dataset=dataset)
    for one in made:
        _hand_out(one, out)
    return {one.name: one for one in made} if several else made[0]


def _grid(
    data: Any,
    asked: Asked,
    rows: str | list[str] | None,
    columns: str | list[str] | None,
    groupings: Sequence[Grouping],
    unit: str | None,
    *,
    out: outputs.Outputs,
    facts: Mapping[str, Any],
    dataset: str,
) -> ProtectedTable:
    """Protect counts in rows and columns."""
    from stadtbuch.disclosure import tables  # noqa: PLC0415 - as in `protect`
    from stadtbuch.reports import tabulations  # noqa: PLC0415 - as in `protect`

    levels = [str(level) for level in data.index.names]
    _require_groups([*levels, *_listed(rows), *_listed(columns)], groupings, out=out, facts=facts)
    if unit not in (None, *UNITS):
        raise tabulations.unknown_unit(str(unit), UNITS)
    bare = tables.protect(
        data,
        rows=rows if rows is not None else levels[0],
        columns=columns if columns is not None or rows is not None else levels[1:] or None,
        min_count=threshold(out.facts, facts),
        node_limit=int(out.facts["thresholds"]["solver_nodes"]),
        groupings=tuple(groupings),
        dataset=dataset,
        name=asked.tables()[0][0],
        unit=unit or facts.get("privacy_unit") or "person",
        column_names=[column["name"] for column in facts["columns"]],
        nameable=_nameables(facts),
    )
    rates = tabulations.rates(out.facts["thresholds"])
    return replace(bare, where=conditions(facts.get("rows") or {}), rates=rates)


def _cube(
    asked: Asked,
    groupings: Sequence[Grouping],
    published: Sequence[Mapping[str, str | None]],
    *,
    out: outputs.Outputs,
    facts: Mapping[str, Any],
    dataset: str,
) -> list[ProtectedTable]:
    """Protect tables with margins over every variable, all of them together."""
    from stadtbuch.disclosure import clearance  # noqa: PLC0415 - as in `protect`
    from stadtbuch.disclosure.layout import Naming  # noqa: PLC0415 - as in `protect`
    from stadtbuch.reports import tabulations  # noqa: PLC0415 - as in `protect`

    _require_groups(asked.variables, groupings, out=out, facts=facts)
    rules = tabulations.rules(out.facts, facts, min_count=threshold(out.facts, facts))
    origin = clearance.Origin(
        dataset=dataset,
        unit=facts.get("privacy_unit") or "person",
        column_names=[column["name"] for column in facts["columns"]],
        groupings=tuple(groupings),
        where=conditions(facts.get("rows") or {}),
    )
    ready = asked.tabulations(Naming(_nameables(facts), groupings))
    made = list(clearance.clear(ready, rules=rules, origin=origin, published=published).values())
    if out.folder is None:
        outputs.warn(clearance.policies(ready, rules=rules))
    return made


def _hand_out(made: ProtectedTable, out: outputs.Outputs) -> None:
    """Write a table's public record and show it."""
    out.claim("tables", made.name)
    out.write_record(f"tables/{made.name}.json", made.to_record())
    if out.folder is None:
        outputs.warn(made.findings)  # in the lab the returned table shows itself
    else:
        outputs.show({"text/html": made._repr_html_()}, kind="protected", name=made.name)


def _nameables(facts: Mapping[str, Any]) -> list[str]:
    return [column["name"] for column in facts["columns"] if _nameable(column)]


def _has_places(dataset: str) -> ProtectionError:
    return ProtectionError(
        "protect.places",
        Text(
            de=f"Aus {dataset} entstehen keine Tabellen mit sb.protect: Seine Orte sind geschützt.",
            en=f"No tables are made from {dataset} by sb.protect: its places are protected.",
        ),
        remedy=Text(de="Nehmen Sie sb.places(...).", en="Use sb.places(...)."),
    )


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _require_groups(
    variables: Iterable[str],
    groupings: Sequence[Grouping],
    *,
    out: outputs.Outputs,
    facts: Mapping[str, Any],
) -> None:
    """Refuse variables that name single persons, before any of their labels could stand in a message."""
    roles: dict[str, Any] = {name: column.get("privacy") for name, column in out.columns.items()}
    roles |= {column["name"]: column.get("privacy") for column in facts["columns"]}
    behind = {grouping.name: grouping.column for grouping in groupings}
    for variable in variables:
        for column in (variable, behind.get(variable, variable), variable.removesuffix("_group")):
            if roles.get(column) in ("identifier", "free-text"):
                raise _identifying(column)


def _nameable(column: Mapping[str, Any]) -> bool:
    """Say whether a column's values are groups that a message may name: codes and steps, of harmless roles."""
    listed = bool(column.get("labels")) or column.get("type") in ("code", "integer", "boolean")
    return listed and column.get("privacy") in ("harmless", "quasi-identifier")


def _identifying(column: str) -> ProtectionError:
    return ProtectionError(
        "protect.identifier",
        Text(
            de=f"Nach der Spalte {column} darf keine Tabelle gegliedert sein.",
            en=f"No table may be grouped by the column {column}.",
        ),
        why=Text(
            de="Sie bezeichnet einzelne Personen oder enthält freien Text; jede Bezeichnung in der Tabelle "
            "wäre ein solcher Wert.",
            en="It names single persons or holds free text; every label in the table would be such a value.",
        ),
        remedy=Text(
            de=f"Gliedern Sie nach Merkmalen von Gruppen, etwa Gebiet oder Altersgruppe; {column} taugt nur "
            "dazu, vorher Personen zu zählen oder Zeilen zuzuordnen.",
            en=f"Group by what groups have in common, such as area or age band; {column} only serves to count "
            "persons or to match rows before.",
        ),
    )


def _facts(out: outputs.Outputs, dataset: str) -> Mapping[str, Any]:
    """Give what is known about a dataset that this notebook reads."""
    if dataset in out.inputs:
        return out.inputs[dataset]
    raise UsageError(
        "protect.dataset",
        Text(de=f"Dieses Notebook liest {dataset} nicht.", en=f"This notebook does not read {dataset}."),
        remedy=Text(
            de=f"Nehmen Sie {dataset} unter inputs: in das Manifest auf, oder berichtigen Sie dataset=.",
            en=f"Add {dataset} to inputs: in the manifest, or correct dataset=.",
        ),
    )


def threshold(facts: Mapping[str, Any], dataset: Mapping[str, Any]) -> int:
    """
    Give the minimum count that holds: the strictest of city, dataset and all other inputs that are not open.

    Examples
    --------
    >>> city = {"thresholds": {"min_count": 3, "min_count_sensitive": 5}, "inputs": {}}
    >>> threshold(city, {"sensitive": True})
    5
    """
    inputs = [dataset, *(one for one in facts["inputs"].values() if one.get("class") != "open")]
    sensitive = any(one.get("sensitive") for one in inputs)
    stated = [one["min_count"] for one in inputs if one.get("min_count")]
    city = facts["thresholds"]
    return int(max([city["min_count"], *stated, *([city["min_count_sensitive"]] if sensitive else [])]))
