"""
Tabulations: what was handed over to be protected, as cells with what contributes to them.

From counts as pandas makes them, or from rows with a description: by which variables, and what is counted or summed.
All margins and all groups of hierarchies are formed here. Everything is checked; messages name variables and cells,
never a value, and labels only where they may be told (`layout.Naming`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.disclosure.hierarchies import Cube
from stadtbuch.disclosure.layout import Labels, Naming, Shape, at_cell, labels_of, refusal
from stadtbuch.disclosure.levels import WHOLE, Levels
from stadtbuch.disclosure.primary import Contributions
from stadtbuch.disclosure.protection import LARGEST

MOST = 2**53
"""Up to here floats hold whole numbers exactly, and ten such numbers times a hundred fit into 64 bits."""
NOTHING_TOLD = Naming()


@dataclass(frozen=True)
class Measure:
    """
    What stands in the cells.

    Parameters
    ----------
    count
        Column that says how many units a row stands for; each row is one unit without it.
    sum
        Column that is summed; nothing is summed without it.
    unit
        Column that tells one protection unit (person, household, company) from another; each row is one without it.
    weight
        Column of weights: for how many units of the population a row stands.
    places
        Decimal places of the sums. Values are whole numbers of the last place: cents for 2.
    """

    count: str | None = None
    sum: str | None = None
    unit: str | None = None
    weight: str | None = None
    places: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that are read besides the variables."""
        return tuple(one for one in (self.count, self.sum, self.unit, self.weight) if one)

    def to_record(self) -> dict[str, Any]:
        """Give what differs from counting rows, as JSON can hold it."""
        stated = {"count": self.count, "sum": self.sum, "unit": self.unit, "weight": self.weight}
        return {name: one for name, one in stated.items() if one} | (
            {"places": self.places} if self.places else {}
        )


@dataclass(frozen=True)
class Tabulation:
    """
    A table before it is judged.

    Parameters
    ----------
    name
        How it is called.
    levels
        Per variable its labels and the groups over them.
    originals
        Per variable what its labels were in the data, for conditions.
    measure
        What stands in the cells.
    cube
        All cells, groups and margins included.
    units
        Per cell how many protection units it counts; of a sum, how many give something.
    contributions
        What units contribute to the cells of a sum; None for counts.
    """

    name: str
    levels: tuple[Levels, ...]
    originals: Mapping[str, Mapping[str, Any]]
    measure: Measure
    cube: Cube
    units: np.ndarray
    contributions: Contributions | None = field(default=None, repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the names of the variables."""
        return tuple(one.name for one in self.levels)

    @property
    def labels(self) -> list[Labels]:
        """Give the labels of every cell; None for a margin."""
        return [tuple(None if node == WHOLE else node for node in cell) for cell in self.cube.labels]


def of_counts(
    counts: pd.Series,
    *,
    name: str,
    by: Sequence[str],
    hierarchies: Mapping[str, Levels],
    naming: Naming = NOTHING_TOLD,
) -> Tabulation:
    """
    Tabulate counts: one number per combination of labels; combinations that are missing are zeros.

    Labels may be groups of a hierarchy: their counts must be those of what is in them, and are not needed.

    Raises
    ------
    ProtectionError
        ``protect.*``, its own code for each kind of mistake.

    Examples
    --------
    >>> counts = pd.Series([4, 5], index=pd.Index(["a", "b"], name="place"))
    >>> of_counts(counts, name="t", by=["place"], hierarchies={}).cube.values.tolist()
    [4, 5, 9]
    """
    by = list(by)
    shape = Shape.of(counts, rows=by[:1], columns=by[1:], naming=naming)
    levels = [_levels(one, shape.labels[one], hierarchies) for one in by]
    _require_size(levels)
    inner = np.zeros([len(one.leaves) for one in levels], dtype=np.int64)
    at = [{leaf: number for number, leaf in enumerate(one.leaves)} for one in levels]
    groups: dict[Labels, int] = {}
    for labels, count in shape.counts.items():
        place = tuple(known.get(str(label)) for known, label in zip(at, labels, strict=True))
        if None in place:
            groups[labels] = count
        else:
            inner[place] = count
    cube = Cube(tuple(one.hierarchy for one in levels), inner)
    values = _bounded(cube)
    _require_additive(groups, cube, values)
    return Tabulation(name, tuple(levels), shape.originals, Measure(), cube, values)


def of_rows(
    frame: pd.DataFrame,
    *,
    name: str,
    by: Sequence[str],
    measure: Measure,
    hierarchies: Mapping[str, Levels],
    naming: Naming = NOTHING_TOLD,
) -> Tabulation:
    """
    Tabulate rows by variables that are columns of theirs.

    Raises
    ------
    ProtectionError
        ``protect.*``, its own code for each kind of mistake.

    Examples
    --------
    >>> firms = pd.DataFrame({"branch": ["x", "x", "y"], "tax": [70, 20, 5], "firm": ["p1", "p1", "p2"]})
    >>> made = of_rows(firms, name="t", by=["branch"], measure=Measure(sum="tax", unit="firm"), hierarchies={})
    >>> made.cube.values.tolist(), made.units.tolist()
    ([90, 5, 95], [1, 1, 2])
    """
    _require_columns(frame, by, measure)
    originals, levels = {}, []
    for one in by:
        present, originals[one] = labels_of(pd.Index(frame[one]), one)
        levels.append(_levels(one, present, hierarchies))
        _require_leaves(present, levels[-1])
    _require_size(levels)
    at = _inner_cells(frame, levels)
    where = _Where(levels, naming)
    weight = _numbers(frame, measure.weight, at, where, least=1)
    unit = None if measure.unit is None else _units(frame[measure.unit], measure.unit)
    many = int(np.prod([len(one.leaves) for one in levels]))
    shape = [len(one.leaves) for one in levels]
    if measure.sum is not None:
        value = _numbers(frame, measure.sum, at, where, places=measure.places)
        return _sums(name, levels, originals, measure, at, value, unit, weight)
    if unit is not None:
        at, weight = _each_once(at, unit, weight, where)
    heads = _numbers(frame, measure.count, at, where) if measure.count else np.ones(len(at), dtype=np.int64)
    hierarchy = tuple(one.hierarchy for one in levels)
    units = Cube(hierarchy, _added(at, heads, many).reshape(shape))
    cube = Cube(hierarchy, _added(at, heads * weight, many).reshape(shape))
    _bounded(cube)
    return Tabulation(name, tuple(levels), originals, measure, cube, units.values)


def _sums(
    name: str,
    levels: Sequence[Levels],
    originals: Mapping[str, Mapping[str, Any]],
    measure: Measure,
    at: np.ndarray,
    value: np.ndarray,
    unit: np.ndarray | None,
    weight: np.ndarray,
) -> Tabulation:
    """Tabulate sums; who gives nothing to a cell does not contribute to it."""
    shape = [len(one.leaves) for one in levels]
    many = int(np.prod(shape))
    if float(value.astype(float) @ weight.astype(float)) >= MOST:
        raise _too_much()
    cube = Cube(tuple(one.hierarchy for one in levels), _added(at, value * weight, many).reshape(shape))
    gives = value > 0
    at, value, weight = at[gives], value[gives], weight[gives]
    who = np.arange(len(gives))[gives] if unit is None else unit[gives]
    order = np.lexsort((-value, at))
    bare = Contributions.of(at, value, weight=weight, cells=many)
    gathered = bare.spread(cube.member, unit=who[order])
    return Tabulation(name, tuple(levels), originals, measure, cube, gathered.units(), gathered)


def _levels(name: str, present: Sequence[str], hierarchies: Mapping[str, Levels]) -> Levels:
    """Give the levels of a variable: those handed over, or its labels alone."""
    given = hierarchies.get(name)
    return Levels(name, tuple(present)) if given is None else given


def _require_leaves(present: Sequence[str], levels: Levels) -> None:
    """Refuse labels that the hierarchy does not know."""
    if set(present) - set(levels.leaves):
        raise _unknown_node(levels.name)


def _require_size(levels: Sequence[Levels]) -> None:
    size = int(np.prod([len(one.hierarchy.nodes) for one in levels], dtype=float))
    if size > LARGEST:
        raise refusal(
            "too-large",
            f"Die Tabelle hat {size} Felder; geschützt werden bis zu {LARGEST}.",
            f"The table has {size} cells; up to {LARGEST} can be protected.",
            "Fassen Sie Gruppen zusammen oder lassen Sie eine Variable weg.",
            "Merge groups or leave out a variable.",
        )


def _require_columns(frame: pd.DataFrame, by: Sequence[str], measure: Measure) -> None:
    """Refuse rows that lack what the description names."""
    if not len(frame):
        raise refusal(
            "empty",
            "Die Tabelle enthält keine Zahlen.",
            "The table holds no counts.",
            "Prüfen Sie Filter und Parameter: Es blieb keine Zeile übrig.",
            "Check filters and parameters: no row was left.",
        )
    columns = list(frame.columns)
    for name in (*by, *measure.columns):
        if columns.count(name) != 1:
            raise refusal(
                "unknown-variable",
                f"Die Daten haben keine Spalte {name}, oder mehrere.",
                f"The data have no column {name}, or several.",
                "Nennen Sie Spalten der Daten, die Sie übergeben.",
                "Name columns of the data that you pass.",
            )
    if len(set(by)) < len(by):
        raise refusal(
            "variable-twice",
            "Eine Variable kommt zweimal vor.",
            "A variable occurs twice.",
            "Nennen Sie jede Variable in by= genau einmal.",
            "Name every variable in by= exactly once.",
        )


def _inner_cells(frame: pd.DataFrame, levels: Sequence[Levels]) -> np.ndarray:
    """Give every row the number of the inner cell that it belongs to."""
    at = np.zeros(len(frame), dtype=np.int64)
    for one in levels:
        column = frame[one.name]
        known = {label: number for number, label in enumerate(one.leaves)}
        codes, values = pd.factorize(column)
        at = at * len(one.leaves) + np.array([known[str(value)] for value in values])[codes]
    return at


@dataclass(frozen=True)
class _Where:
    """How messages call an inner cell."""

    levels: Sequence[Levels]
    naming: Naming

    def of(self, cell: int) -> Any:
        shape = [len(one.leaves) for one in self.levels]
        place = np.unravel_index(cell, shape)
        labels = tuple(one.leaves[number] for one, number in zip(self.levels, place, strict=True))
        variables = [one.name for one in self.levels]
        return self.naming.cell(variables, labels, number=int(cell) + 1, of=int(np.prod(shape)))


def _numbers(
    frame: pd.DataFrame, column: str | None, at: np.ndarray, where: _Where, *, least: int = 0, places: int = 0
) -> np.ndarray:
    """Read a column as whole numbers of its last place; each mistake names column and cell, never a number."""
    if column is None:
        return np.ones(len(frame), dtype=np.int64)
    if not pd.api.types.is_numeric_dtype(frame[column]) or pd.api.types.is_bool_dtype(frame[column]):
        raise refusal(
            "not-numeric",
            f"Die Spalte {column} enthält keine Zahlen.",
            f"The column {column} holds no numbers.",
            "Nennen Sie eine Spalte mit Zahlen.",
            "Name a column of numbers.",
        )
    plain = frame[column].to_numpy(dtype="float64", na_value=np.nan)
    steps = plain * 10**places
    whole = np.round(steps)
    off = np.abs(steps - whole) > 1e-6 * np.maximum(1, np.abs(steps) * 1e-6)
    wrong = {
        "missing-count": np.isnan(plain),
        "too-much": np.abs(steps) >= MOST,
        "not-whole": off,
        "negative": plain < least,
    }
    for kind, rows in wrong.items():
        if rows.any():
            place = where.of(int(at[np.flatnonzero(rows)[0]]))
            de, en, do_de, do_en = _WRONG[kind]
            raise at_cell(kind, place, f"{de} ({column})", f"{en} ({column})", do_de, do_en)
    return whole.astype(np.int64)


def _units(column: pd.Series, name: str) -> np.ndarray:
    if column.isna().any():
        raise refusal(
            "unit-missing",
            f"In der Spalte {name} fehlt bei einer Zeile die Einheit.",
            f"In the column {name} a row has no unit.",
            "Ohne Einheit lässt sich nicht zählen, wie viele es sind; klären Sie diese Zeilen vorher.",
            "Without a unit it cannot be counted how many there are; settle these rows before.",
        )
    return np.asarray(pd.factorize(column)[0], dtype=np.int64)


def _each_once(
    at: np.ndarray, unit: np.ndarray, weight: np.ndarray, where: _Where
) -> tuple[np.ndarray, np.ndarray]:
    """Count every unit once; a unit in two cells would be counted twice in their sum."""
    first = ~pd.DataFrame({"cell": at, "unit": unit}).duplicated().to_numpy()
    at, unit, weight = at[first], unit[first], weight[first]
    again = pd.Series(unit).duplicated().to_numpy()
    if again.any():
        place = where.of(int(at[np.flatnonzero(again)[0]]))
        raise at_cell("unit-twice", place, *_TWICE)
    return at, weight


def _require_additive(groups: Mapping[Labels, int], cube: Cube, values: np.ndarray) -> None:
    """Refuse groups that are no node, or whose count is not that of what is in them."""
    number = {labels: cell for cell, labels in enumerate(cube.labels)}
    for labels, count in groups.items():
        cell = number.get(tuple(str(label) for label in labels))
        if cell is None:
            known = [set(one.nodes) for one in cube.hierarchies]
            wrong = next(
                one.name
                for one, nodes, label in zip(cube.hierarchies, known, labels, strict=True)
                if label not in nodes
            )
            raise _unknown_node(wrong)
        if values[cell] != count:
            raise refusal(
                "not-additive",
                f"Das Feld {cell + 1} von {len(values)} ist nicht die Summe seiner Teile.",
                f"The cell {cell + 1} of {len(values)} is not the sum of its parts.",
                "Übergeben Sie nur die feinsten Zahlen; Summen bildet sb.protect selbst.",
                "Pass the finest counts only; sb.protect forms sums itself.",
            )


def _bounded(cube: Cube) -> np.ndarray:
    values = cube.values
    if values.max(initial=0) >= MOST:
        raise _too_much()
    return values


def _added(at: np.ndarray, value: np.ndarray, cells: int) -> np.ndarray:
    found = np.zeros(cells, dtype=np.int64)
    np.add.at(found, at, value)
    return found


# ---- what is said when something is wrong -------------------------------------------------------------

_SMALLER = ("Rechnen Sie in einer größeren Einheit.", "Reckon in a larger unit.")
_WRONG = {
    "missing-count": (
        "hat eine Zeile ohne Zahl",
        "has a row without a number",
        "Entscheiden Sie ausdrücklich, was mit solchen Zeilen geschieht, und nennen Sie das im Text.",
        "Decide explicitly what happens to such rows, and say so in the text.",
    ),
    "too-much": ("hat eine zu große Zahl", "has too large a number", *_SMALLER),
    "not-whole": (
        "hat eine Zahl mit mehr Nachkommastellen, als places= sagt",
        "has a number with more decimals than places= says",
        "Geben Sie mit places= an, wie viele Nachkommastellen die Beträge haben, etwa places=2 für Cent.",
        "Say with places= how many decimals the amounts have, such as places=2 for cents.",
    ),
    "negative": (
        "hat eine zu kleine oder negative Zahl",
        "has too small or a negative number",
        "Schützen Sie Einnahmen und Ausgaben als zwei Tabellen; Gewichte sind mindestens 1.",
        "Protect income and expenses as two tables; weights are at least 1.",
    ),
}
_TWICE = (
    "zählt eine Einheit, die schon in einem anderen Feld steht",
    "counts a unit that stands in another cell already",
    "Wählen Sie einen Stichtag oder ein Merkmal, das jede Einheit nur einmal hat.",
    "Choose one reference date, or a variable that every unit has only once.",
)


def _unknown_node(variable: str) -> Exception:
    return refusal(
        "node-missing",
        f"Die Hierarchie von {variable} kennt eine Bezeichnung der Daten nicht.",
        f"The hierarchy of {variable} does not have one of the labels of the data.",
        "Nehmen Sie jede Bezeichnung in die Hierarchie auf.",
        "Take every label into the hierarchy.",
    )


def _too_much() -> Exception:
    return refusal(
        "too-much",
        "Die Summen sind zu groß, um in ganzen Zahlen zu rechnen.",
        "The sums are too large to reckon in whole numbers.",
        *_SMALLER,
    )
