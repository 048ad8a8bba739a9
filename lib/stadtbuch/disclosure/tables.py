"""
Protected tables: counts or sums with margins, made so that what is withheld cannot be recomputed.

`protect` takes counts as pandas makes them (``groupby(...).size()``) in one or two dimensions, hides what is below
the minimum count, hides as little as possible besides (see `suppression`), proves the result, and gives a
`ProtectedTable`. That holds no hidden number and does not tell which cells are hidden by rule and which to protect
others. Tables of more dimensions, with hierarchies, sums or several at once are made by `clearance`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stadtbuch.disclosure import ratios
from stadtbuch.disclosure.groupings import Condition, Grouping
from stadtbuch.disclosure.layout import (
    ASK,
    COARSEN,
    MARGIN,
    Labels,
    Naming,
    Shape,
    System,
    refusal,
    relations,
    relations_to_columns,
    where,
)
from stadtbuch.disclosure.levels import Groups, Levels
from stadtbuch.disclosure.primary import few, in_one, room_of_counts
from stadtbuch.disclosure.ratios import USUAL, Thresholds
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.suppression.safety import Safety
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.disclosure.protection import Zeros
    from stadtbuch.suppression import closing

HIDDEN = "·"
ZERO = "–"
RECORD_FORMAT = 1
FULL_FORMAT = 2
"""The record of a table with more than counts in a grid: format 1 and `FULL_KEYS`."""
FULL_KEYS = ("layout", "hierarchies", "measure", "zeros", "safety", "together", "rates")
LEAST: Mapping[Zeros, int] = {"published": 1, "may-be-withheld": 0}
CLOSE = 1e-6  # of the solver's numbers, which stand for whole ones


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One cell as the public may know it.

    `labels` has one entry per variable, None where the cell is a margin over it; `value` is None where the
    count is hidden; `where` are the conditions over catalogue columns that the counted rows fulfil.
    """

    labels: Labels
    value: int | None
    where: tuple[Condition, ...] = ()

    @property
    def mark(self) -> str:
        """Give the sign that stands beside or instead of the number."""
        if self.value is None:
            return HIDDEN
        return "" if self.value else ZERO


@dataclass(frozen=True)
class ProtectedTable:
    """
    A table that may be published: its cells, their predicates, and the rules that were applied.

    Parameters
    ----------
    name, dataset, unit
        The table's name, the dataset it counts, and what is protected there: ``"person"``.
    rows, columns
        The variables of the two dimensions; `columns` is empty in one dimension.
    min_count
        The smallest count above zero that is published.
    labels
        Per variable its labels in their order.
    cells
        All cells, margins included.
    where
        The conditions that hold for all cells: the rows that were counted at all.
    findings
        What the protection has to say inside the city. Not part of the public record.
    status
        Per cell, inside the city: ``s`` published, ``u`` unsafe by itself, ``x`` withheld to protect others, ``z``
        must be published. Empty for a table that was read from its record.
    layout
        ``grid``: one margin over the rows and one over the columns. ``cube``: margins over every variable.
    hierarchies
        In a cube, variable -> level -> group -> the labels in it; the groups are cells as well.
    measure
        In a cube, what was counted or summed (`tabulation.Measure`); empty for rows.
    zeros
        Whether zeros are always published, so that a withheld number is at least 1, or may be withheld too.
    together
        The tables that were protected together with this one, itself among them; empty if it stands alone.
    rates
        The thresholds that rates formed from it keep.
    bounds
        In a table protected together with others, what all of them tell of its cells: at least and at most.
    """

    name: str
    dataset: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    min_count: int
    labels: Mapping[str, tuple[str, ...]]
    cells: tuple[Cell, ...]
    where: tuple[Condition, ...] = ()
    findings: tuple[Finding, ...] = field(default=(), compare=False, repr=False)
    status: Mapping[Labels, str] = field(default_factory=dict, compare=False, repr=False)
    layout: str = "grid"
    hierarchies: Mapping[str, Groups] = field(default_factory=dict)
    measure: Mapping[str, Any] = field(default_factory=dict)
    zeros: Zeros = "published"
    together: tuple[str, ...] = ()
    rates: Thresholds = USUAL
    bounds: Callable[[], tuple[np.ndarray, np.ndarray]] | None = field(
        default=None, compare=False, repr=False
    )

    @property
    def is_sum(self) -> bool:
        """Whether its numbers are sums of amounts, not counts of units."""
        return "sum" in self.measure

    @property
    def places(self) -> int:
        """Give the decimal places of its numbers; the values of cells are whole numbers of the last place."""
        return int(self.measure.get("places", 0))

    @property
    def dimensions(self) -> tuple[tuple[str, ...], ...]:
        """Give the groups of variables that have a margin in common."""
        if self.layout == "cube":
            return tuple((name,) for name in self.variables)
        return (self.rows, self.columns)

    @property
    def levels(self) -> tuple[Levels, ...]:
        """Give per variable its labels and the groups over them."""
        return tuple(
            Levels(name, self.labels[name], self.hierarchies.get(name, {})) for name in self.variables
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the names of all variables, rows first."""
        return self.rows + self.columns

    @property
    def rules(self) -> tuple[str, ...]:
        """Name the rules that hold for this table."""
        concentration = ("concentration",) if self.is_sum else ()
        least = f"hidden-at-least-{LEAST[self.zeros]}"
        return (f"min-count {self.min_count}", *concentration, "complementary-suppression", least)

    @property
    def safety(self) -> Safety:
        """
        Give the grade of safety: of every cell that is unsafe by itself, readers must believe a value as high as its
        rule asks for; of every other withheld cell, more than one value.
        """
        return Safety.upper_end

    @property
    def suppressed(self) -> int:
        """Count the hidden cells, whatever they are hidden for."""
        return sum(cell.value is None for cell in self.cells)

    @cached_property
    def _by_labels(self) -> dict[Labels, Cell]:
        return {cell.labels: cell for cell in self.cells}

    @property
    def frame(self) -> pd.DataFrame:
        """
        Give the table in long form: one column per variable, ``value`` (Int64) and ``mark``.

        A margin's label is ``total``; a hidden value is NA with the mark ``·``, a zero carries ``–``. Sums with
        decimal places are Float64.
        """
        return self._frame(self.cells, self.variables)

    @property
    def table(self) -> pd.DataFrame:
        """Give the table as readers see it: a line per label of the rows, margins last, marks beside numbers."""
        columns = list(dict.fromkeys(cell.labels[len(self.rows) :] for cell in self.cells))
        lines = list(dict.fromkeys(cell.labels[: len(self.rows)] for cell in self.cells))
        shown = [
            [_shown(self._by_labels[line + column], self.places) for column in columns] for line in lines
        ]
        return pd.DataFrame(
            shown, index=[_heading(line) for line in lines], columns=[_heading(column) for column in columns]
        )

    @property
    def intervals(self) -> pd.DataFrame:
        """
        Give what an attacker can compute of each withheld cell, from the published numbers alone.

        In long form: one column per variable, ``at_least`` and ``at_most`` (Int64, NA where there is no end).
        """
        low, high = self._bounds() if self.bounds is None else self.bounds()
        hidden = np.array([cell.value is None for cell in self.cells])
        withheld = [cell for cell in self.cells if cell.value is None]
        frame = self._frame(withheld, self.variables).drop(columns=["value", "mark"])
        frame["at_least"] = self._numbers([_end(np.ceil(end - CLOSE)) for end in low[hidden]])
        frame["at_most"] = self._numbers([_end(np.floor(end + CLOSE)) for end in high[hidden]])
        return frame

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute what this table alone tells of its cells."""
        from stadtbuch.suppression import audit  # noqa: PLC0415 - the solver; who reads a table needs none

        hidden = np.array([cell.value is None for cell in self.cells])
        known = np.array([cell.value or 0 for cell in self.cells])
        return audit.intervals(self.relations, known, hidden, least=LEAST[self.zeros])

    @property
    def relations(self) -> Any:
        """Give the sums between its cells: per sum its parts as 1 and the sum as -1, in the order of the cells."""
        if self.layout == "cube":
            from stadtbuch.disclosure.hierarchies import Cube  # noqa: PLC0415 - as for the solver

            return Cube(tuple(one.hierarchy for one in self.levels), np.zeros(0)).relations
        width = len(dict.fromkeys(cell.labels[len(self.rows) :] for cell in self.cells))
        return relations(len(self.cells) // width, width, two=bool(self.columns))

    def _numbers(self, values: Sequence[int | None]) -> Any:
        """Write values as readers know them: whole, or with the decimal places of the sums."""
        if not self.places:
            return pd.array(values, dtype="Int64")
        return pd.array([None if one is None else one / 10**self.places for one in values], dtype="Float64")

    def total(self) -> int | float | None:
        """Give the grand total; None if it is hidden."""
        value = self._by_labels[(None,) * len(self.variables)].value
        return value / 10**self.places if value is not None and self.places else value

    def by(self, variable: str | Sequence[str]) -> pd.DataFrame:
        """
        Give the numbers by one variable or level of a hierarchy, or by several.

        That is the published margin where the table has it. Otherwise it is a sum of published cells;
        where one of them is hidden the sum is hidden too, and is not formed.

        Raises
        ------
        UsageError
            If the table has no such variable (code ``table.unknown-variable``).
        """
        wanted = (variable,) if isinstance(variable, str) else tuple(variable)
        if self.layout == "cube":
            return self._by_level(wanted)
        self._know(wanted)
        cells = []
        for labels in product(*(self.labels[name] for name in wanted)):
            given = dict(zip(wanted, labels, strict=True))
            cells.append(Cell(labels, _sum([cell.value for cell in self._parts(given)])))
        return self._frame(cells, wanted)

    def rate(self, among: ProtectedTable, by: str | Sequence[str], **changes: int) -> pd.DataFrame:
        """Give the rate of what is counted here among what another table counts; see `ratios.rate`."""
        return ratios.rate(self, among, by, **changes)

    def mean(self, per: ProtectedTable, by: str | Sequence[str]) -> pd.DataFrame:
        """Give the sums of this table per unit that another table counts; see `ratios.mean`."""
        return ratios.mean(self, per, by)

    def _by_level(self, wanted: Sequence[str]) -> pd.DataFrame:
        """Give the cells of a cube by variables or levels; everything else is margin."""
        choices: list[tuple[str | None, ...]] = [(None,)] * len(self.variables)
        order = []
        for name in wanted:
            at, labels = self._level(name)
            if at in order:
                raise _unknown("table.unknown-variable", name, self._asked_by)
            choices[at] = labels
            order.append(at)
        cells = [
            Cell(tuple(labels[at] for at in order), self._by_labels[labels].value)
            for labels in product(*choices)
        ]
        return self._frame(cells, wanted)

    def _level(self, name: str) -> tuple[int, tuple[str, ...]]:
        """Find the variable that a name stands for, and the labels or groups of that level."""
        for at, variable in enumerate(self.variables):
            if name == variable:
                return at, self.labels[variable]
            if name in self.hierarchies.get(variable, {}):
                return at, tuple(self.hierarchies[variable][name])
        raise _unknown("table.unknown-variable", name, self._asked_by)

    @property
    def _asked_by(self) -> list[str]:
        """Name what a table can be asked by: variables and levels."""
        return [*self.variables, *(level for levels in self.hierarchies.values() for level in levels)]

    def _parts(self, given: Mapping[str, str]) -> list[Cell]:
        """Find the fewest cells that make up a group: margins over every dimension that is not asked for."""
        choices: list[tuple[str | None, ...]] = []
        for dimension in (self.rows, self.columns):
            asked = any(name in given for name in dimension)
            for name in dimension:
                choices.append((given[name],) if name in given else self.labels[name] if asked else (None,))
        return [self._by_labels[labels] for labels in product(*choices)]

    def select(self, **labels: str | None) -> pd.DataFrame:
        """
        Give the cells with the given labels, in long form.

        A variable that is not named runs through all its labels, without groups and margins; None asks for the
        margin. A group of a hierarchy can be named like a label.

        Raises
        ------
        UsageError
            If a variable or label is unknown (``table.unknown-variable``, ``table.unknown-label``).
        """
        self._know(labels)
        for name, label in labels.items():
            if label is not None and label not in self.labels[name] and label not in self._groups(name):
                raise _unknown_label(name)
        cells = [cell for cell in self.cells if self._matches(cell, labels)]
        return self._frame(cells, self.variables)

    def _matches(self, cell: Cell, wanted: Mapping[str, str | None]) -> bool:
        for name, label in zip(self.variables, cell.labels, strict=True):
            if name in wanted and label != wanted[name]:
                return False
            if name not in wanted and (label is None or label in self._groups(name)):
                return False
        return True

    def _groups(self, variable: str) -> set[str]:
        """Name the groups of a variable, on all levels."""
        return {node for level in self.hierarchies.get(variable, {}).values() for node in level}

    def _know(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.variables:
                raise _unknown("table.unknown-variable", name, self.variables)

    def _frame(self, cells: Sequence[Cell], variables: Sequence[str]) -> pd.DataFrame:
        content: dict[str, Any] = {
            name: pd.array(
                [MARGIN if cell.labels[at] is None else cell.labels[at] for cell in cells], dtype="str"
            )
            for at, name in enumerate(variables)
        }
        content["value"] = self._numbers([cell.value for cell in cells])
        content["mark"] = pd.array([cell.mark for cell in cells], dtype="str")
        return pd.DataFrame(content)

    @property
    def legend(self) -> Text:
        """Explain the marks and the rule."""
        if self.is_sum:
            return _legend_of_sums(self.min_count)
        least = self.min_count
        return Text(
            de=f"{HIDDEN} geheim gehalten: Zahlen von 1 bis {least - 1} und weitere, aus denen sie "
            "sich errechnen ließen. "
            f"{ZERO} genau null.",
            en=f"{HIDDEN} withheld: counts from 1 to {least - 1}, and others from which they could be "
            "computed. "
            f"{ZERO} exactly zero.",
        )

    def to_record(self) -> dict[str, Any]:
        """Give the public record, as JSON can hold it: no hidden number, no reason why a cell is hidden."""
        full = self.layout != "grid" or self.rates != USUAL
        return {
            "format": FULL_FORMAT if full else RECORD_FORMAT,
            "kind": "protected-table",
            "name": self.name,
            "dataset": self.dataset,
            "unit": self.unit,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "min_count": self.min_count,
            "rules": list(self.rules),
            "labels": {name: list(labels) for name, labels in self.labels.items()},
            "legend": self.legend.as_dict(),
            "where": [dict(condition) for condition in self.where],
            "cells": [
                {
                    "labels": list(cell.labels),
                    "value": cell.value,
                    "mark": cell.mark,
                    "where": [dict(condition) for condition in cell.where],
                }
                for cell in self.cells
            ],
        } | (self._full() if full else {})

    def _full(self) -> dict[str, Any]:
        """Give what only a record in full format says."""
        nested = {
            name: {
                level: {node: list(inside) for node, inside in groups.items()}
                for level, groups in one.items()
            }
            for name, one in self.hierarchies.items()
        }
        said = (
            self.layout,
            nested,
            dict(self.measure),
            self.zeros,
            str(self.safety),
            list(self.together),
            list(self.rates),
        )
        return dict(zip(FULL_KEYS, said, strict=True))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ProtectedTable:
        """
        Read a table back from its public record.

        Raises
        ------
        UsageError
            If it is no such record, or one of a newer format (code ``table.record``).
        """
        try:
            if record["format"] not in (RECORD_FORMAT, FULL_FORMAT):
                raise _not_a_record()
            full = _full_of(record) if record["format"] == FULL_FORMAT else {}
            return cls(
                name=str(record["name"]),
                dataset=str(record["dataset"]),
                unit=str(record["unit"]),
                rows=tuple(record["rows"]),
                columns=tuple(record["columns"]),
                min_count=int(record["min_count"]),
                labels={str(name): tuple(labels) for name, labels in record["labels"].items()},
                cells=tuple(_cell_of(cell) for cell in record["cells"]),
                where=tuple(dict(one) for one in record.get("where", ())),
                **full,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _not_a_record() from None

    def _repr_html_(self) -> str:
        """Show the table in the lab: one row per label of the rows, margins last."""
        columns = list(dict.fromkeys(cell.labels[len(self.rows) :] for cell in self.cells))
        lines = [_html_row("th", [*self.rows, *(_heading(labels) for labels in columns)])]
        for labels in dict.fromkeys(cell.labels[: len(self.rows)] for cell in self.cells):
            cells = [self._by_labels[labels + column] for column in columns]
            named = [_heading((label,)) for label in labels]
            lines.append(_html_row("td", [*named, *(_shown(cell, self.places) for cell in cells)]))
        return f"<table>{''.join(lines)}</table><p>{escape(self.legend.de)}</p>"


def protect(
    counts: pd.Series,
    *,
    rows: str | Sequence[str],
    columns: str | Sequence[str] | None = None,
    min_count: int,
    node_limit: int,
    dataset: str,
    name: str,
    unit: str,
    column_names: Sequence[str],
    groupings: Sequence[Grouping] = (),
    nameable: Collection[str] = (),
) -> ProtectedTable:
    """
    Make counts publishable: small counts hidden, and enough besides that none can be recomputed.

    Parameters
    ----------
    counts
        Whole counts; the names of the index levels are the variables. Combinations that are missing are
        zeros.
    rows, columns
        Variables of the two dimensions; a dimension may cross several variables. Margins are added: per
        row, per column, and in all.
    min_count
        The smallest count above zero that is published, at least 2.
    node_limit
        How many nodes the exact search may open.
    dataset, name, unit
        What is counted, how the table is called, and what is protected (``"person"``).
    column_names
        The columns of the dataset in the catalogue; every variable is one of them, or a grouping of one.
    groupings
        Groupings that the variables come from.
    nameable
        Variables whose labels may be told in messages, besides the labels of `groupings`: none unless said.

    Raises
    ------
    ProtectionError
        For every kind of wrong input its own code (``protect.*``), and if the table cannot be protected. The
        texts name variables and the number of a cell, never a count, and no label but those that may be told.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["Nord", "Süd"], ["m", "w"]], names=["district", "sex"])
    >>> table = protect(pd.Series([1, 20, 30, 40], index=index), rows="district", columns="sex", min_count=3,
    ...                 node_limit=100, dataset="demo.people", name="people", unit="person",
    ...                 column_names=["district", "sex"])
    >>> table.select(district="Nord")["mark"].tolist(), table.total()
    (['·', '·'], 91)
    """
    naming = Naming(nameable, groupings)
    shape = Shape.of(counts, rows=rows, columns=columns, naming=naming)
    relations = relations_to_columns(shape, column_names=column_names, groupings=groupings)
    if min_count < 2:
        raise refusal(
            "min-count", "Die Mindestfallzahl ist kleiner als 2.", "The minimum count is below 2.", *ASK
        )
    system = shape.system()
    places = _Places(shape.variables, system, naming)
    problem, pattern, findings = _closed(
        system, places, min_count=min_count, node_limit=node_limit, name=name
    )
    cells = tuple(
        Cell(labels, None if hidden else int(value), where(labels, relations))
        for labels, value, hidden in zip(system.labels, system.values, pattern.hidden, strict=True)
    )
    return ProtectedTable(
        name=name,
        dataset=dataset,
        unit=unit,
        rows=shape.rows,
        columns=shape.columns,
        min_count=min_count,
        labels=shape.labels,
        cells=cells,
        findings=findings,
        status={
            labels: "u" if unsafe else "x" if hidden else "s"
            for labels, unsafe, hidden in zip(system.labels, problem.primary, pattern.hidden, strict=True)
        },
    )


# ---- protection and its audit -------------------------------------------------------------------------


def _closed(
    system: System, places: _Places, *, min_count: int, node_limit: int, name: str
) -> tuple[closing.Problem, closing.Pattern, tuple[Finding, ...]]:
    """Hide what must be hidden, prove every hidden cell, audit the result from outside, and say what happened."""
    from stadtbuch.suppression import audit, closing  # noqa: PLC0415 - the solver; who reads a table needs none

    primary = few(system.values, minimum=min_count)
    if primary[-1]:
        raise _impossible(name, None)
    need = room_of_counts(system.values, minimum=min_count)
    problem = closing.Problem(system.relations, system.values, primary, need, system.cost)
    try:
        pattern = closing.close(problem, node_limit=node_limit)
    except closing.NotClosableError as error:
        raise _impossible(name, places.of(error.cell)) from None
    unproven = closing.proven(problem, pattern) or audit.exposed(problem, pattern.hidden)
    if unproven:
        raise _unproven(name, places.of(unproven[0]), optimal=pattern.optimal)
    return problem, pattern, (*_findings(name, problem, pattern), *_all_in_one(name, problem, pattern))


@dataclass(frozen=True)
class _Places:
    """How messages call the cells of one table, margins included."""

    variables: tuple[str, ...]
    system: System
    naming: Naming

    def of(self, cell: int) -> Text:
        """Name one cell."""
        labels = self.system.labels
        return self.naming.cell(self.variables, labels[cell], number=int(cell) + 1, of=len(labels))


def _findings(name: str, problem: closing.Problem, pattern: closing.Pattern) -> tuple[Finding, ...]:
    """Say inside the city how much was hidden, and whether the pattern is proven to be the cheapest."""
    primary = problem.primary
    first, second = int(primary.sum()), int((pattern.hidden & ~primary).sum())
    findings = [
        Finding(
            rule="privacy.suppressed",
            severity=Severity.note,
            subject=name,
            text=Text(
                de=f"{name}: {first} Felder unter der Mindestfallzahl und {second} weitere zum Schutz "
                "geheim gehalten.",
                en=f"{name}: {first} cells below the minimum count and {second} more for their "
                "protection withheld.",
            ),
            remedy=Text(
                de="Gröbere Gruppen halten weniger geheim. Wie viele Felder wofür, bleibt im Haus.",
                en="Coarser groups withhold less. How many cells for which reason stays inside.",
            ),
        )
    ]
    if not pattern.optimal:
        findings.append(_not_optimal(name))
    return tuple(findings)


def _all_in_one(name: str, problem: closing.Problem, pattern: closing.Pattern) -> tuple[Finding, ...]:
    """Say inside the city where everybody of a row or column is in one published cell (group disclosure)."""
    found = int((in_one(problem.values, problem.relations) & ~pattern.hidden).sum())
    if not found:
        return ()
    return (
        Finding(
            rule="privacy.group-disclosure",
            severity=Severity.note,
            subject=name,
            text=Text(
                de=f"{name}: In {found} Feldern stehen alle ihrer Zeile oder Spalte.",
                en=f"{name}: {found} cells hold everybody of their row or column.",
            ),
            remedy=Text(
                de="Wer dazugehört, von dem weiß man dann auch dieses Merkmal. Ist es heikel, fassen Sie "
                "Gruppen zusammen.",
                en="Of whoever belongs there this is then known, too. If it is delicate, merge groups.",
            ),
        ),
    )


def _not_optimal(name: str) -> Finding:
    return Finding(
        rule="privacy.not-optimal",
        severity=Severity.warn,
        subject=name,
        text=Text(
            de=f"{name}: sicher, aber vielleicht mehr geheim gehalten als nötig; die Suche endete an "
            "ihrer Knotenzahl.",
            en=f"{name}: safe, but perhaps more withheld than needed; the search ended at its node limit.",
        ),
        remedy=Text(
            de="Fassen Sie Gruppen zusammen, oder erhöhen Sie thresholds.solver_nodes in stadtbuch.toml.",
            en="Merge groups, or raise thresholds.solver_nodes in stadtbuch.toml.",
        ),
    )


# ---- small parts --------------------------------------------------------------------------------------


def _sum(values: Sequence[int | None]) -> int | None:
    """Add published values; None as soon as one is hidden."""
    return (
        None
        if any(value is None for value in values)
        else sum(value for value in values if value is not None)
    )


def _cell_of(record: Mapping[str, Any]) -> Cell:
    value = record["value"]
    labels = tuple(None if label is None else str(label) for label in record["labels"])
    return Cell(labels, None if value is None else int(value), tuple(dict(one) for one in record["where"]))


def _full_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Read what only a record in full format says."""
    if (
        record["layout"] not in ("grid", "cube")
        or record["zeros"] not in LEAST
        or record["safety"] != Safety.upper_end
    ):
        raise _not_a_record()
    at = {name: number for number, name in enumerate([*record["rows"], *record["columns"]])}
    nested = {
        str(name): _in_order(one, [cell["labels"][at[name]] for cell in record["cells"]])
        for name, one in record["hierarchies"].items()
    }
    return {
        "layout": record["layout"],
        "hierarchies": nested,
        "measure": dict(record["measure"]),
        "zeros": record["zeros"],
        "together": tuple(map(str, record["together"])),
        "rates": Thresholds(*map(int, record["rates"])),
    }


def _in_order(levels: Mapping[str, Any], labels: Sequence[str | None]) -> Groups:
    """Bring levels and their groups into the order of the cells: JSON may have sorted them by name."""
    order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    read = {
        str(level): {
            str(node): tuple(map(str, inside))
            for node, inside in sorted(groups.items(), key=lambda one: order[one[0]])
        }
        for level, groups in levels.items()
    }
    return dict(sorted(read.items(), key=lambda one: min(order[node] for node in one[1])))


def _legend_of_sums(least: int) -> Text:
    return Text(
        de=f"{HIDDEN} geheim gehalten: Summen, zu denen weniger als {least} beitragen oder bei denen einzelne zu viel "
        f"ausmachen, und weitere, aus denen sie sich errechnen ließen. {ZERO} genau null.",
        en=f"{HIDDEN} withheld: sums to which fewer than {least} contribute or of which single ones are too large a "
        f"part, and others from which they could be computed. {ZERO} exactly zero.",
    )


def _end(end: float) -> int | None:
    return int(end) if np.isfinite(end) else None


def _heading(labels: Labels) -> str:
    return " × ".join(MARGIN if label is None else label for label in dict.fromkeys(labels)) or "value"


def _shown(cell: Cell, places: int) -> str:
    return cell.mark or (f"{(cell.value or 0) / 10**places:.{places}f}" if places else str(cell.value))


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


# ---- what is said when something is wrong -------------------------------------------------------------


def _impossible(name: str, place: Text | None) -> ProtectionError:
    at = (
        Text(de=f" (Feld {place.de})", en=f" (cell {place.en})")
        if place
        else Text(de=" (alle zusammen)", en=" (all together)")
    )
    return ProtectionError(
        "protect.impossible",
        Text(
            de=f"Die Tabelle {name} lässt sich nicht schützen{at.de}.",
            en=f"The table {name} cannot be protected{at.en}.",
        ),
        why=Text(
            de="Es sind zu wenige: Auch wenn alles geheim bliebe, wäre erkennbar, dass die "
            "Mindestfallzahl nicht erreicht ist.",
            en="There are too few: even with everything withheld it could be told that the minimum "
            "count is not reached.",
        ),
        remedy=Text(de=COARSEN[0], en=COARSEN[1]),
    )


def _unproven(name: str, place: Text, *, optimal: bool) -> ProtectionError:
    what = Text(
        de=f"Der Schutz der Tabelle {name} ließ sich nicht nachweisen (Feld {place.de}).",
        en=f"The protection of the table {name} could not be proven (cell {place.en}).",
    )
    code = "protect.audit" if optimal else "protect.node-limit"
    why = Text(
        de="Für jedes geheim gehaltene Feld muss es eine zweite Tabelle geben, die von außen gleich "
        "aussieht.",
        en="For every withheld cell there must be a second table that looks the same from outside.",
    )
    return ProtectionError(code, what, why=why, remedy=Text(de=COARSEN[0], en=COARSEN[1]))


def _unknown(code: str, name: str, known: Sequence[str]) -> UsageError:
    listed = ", ".join(known)
    return UsageError(
        code,
        Text(de=f"Die Tabelle kennt das nicht: {name}.", en=f"The table does not know this: {name}."),
        remedy=Text(de=f"Bekannt sind: {listed}.", en=f"Known are: {listed}."),
    )


def _unknown_label(variable: str) -> UsageError:
    """Say that a variable has no such label, without repeating one: labels are data."""
    return UsageError(
        "table.unknown-label",
        Text(
            de=f"Die Variable {variable} der Tabelle hat diese Bezeichnung nicht.",
            en=f"The variable {variable} of the table does not have this label.",
        ),
        remedy=Text(
            de=f'Welche sie hat, zeigt table.labels["{variable}"].',
            en=f'table.labels["{variable}"] shows those it has.',
        ),
    )


def _not_a_record() -> UsageError:
    return UsageError(
        "table.record",
        Text(
            de="Das ist kein Datensatz einer geschützten Tabelle dieser Version.",
            en="This is no record of a protected table of this version.",
        ),
        remedy=Text(de="Bauen Sie den Bericht neu.", en="Build the report again."),
    )
