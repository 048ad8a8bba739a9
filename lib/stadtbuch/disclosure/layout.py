"""
The layout of a table: from counts as pandas makes them to cells with margins and the relations between them.

What was handed in is checked here, each kind of mistake with its own words. They name variables, never a
count, and a label only where it is safe to tell (see `Naming`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from stadtbuch.disclosure.groupings import Condition, Grouping, recognise
from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

MARGIN = "total"
MARGIN_WORDS = frozenset({MARGIN, "all", "insgesamt", "gesamt", "summe"})
LARGEST = 20_000

Labels = tuple[str | None, ...]


@dataclass(frozen=True)
class Naming:
    """
    Which labels a message may tell. A label is data: messages stand on screens, in logs and in results.

    Parameters
    ----------
    nameable
        Variables whose labels may all be told.
    groupings
        Their own labels may be told, and nothing else that stands under their names.

    Examples
    --------
    >>> naming = Naming({"sex"})
    >>> naming.cell(("sex", "note"), ("f", "Erika"), number=3, of=8).en
    '3 of 8 (sex f)'
    """

    nameable: Collection[str] = ()
    groupings: Sequence[Grouping] = ()

    def tells(self, variable: str, label: str) -> bool:
        """Say whether a label may stand in a message."""
        grouped = [grouping.labels for grouping in self.groupings if grouping.name == variable]
        return any(label in labels for labels in grouped) if grouped else variable in self.nameable

    def cell(self, variables: Sequence[str], labels: Labels, *, number: int, of: int) -> Text:
        """Say which cell is meant: by its number, and by those of its labels that may be told."""
        named = [
            f"{name} {label}"
            for name, label in zip(variables, labels, strict=True)
            if label is not None and self.tells(name, label)
        ]
        told = f" ({', '.join(named)})" if named else ""
        return Text(de=f"{number} von {of}{told}", en=f"{number} of {of}{told}")


@dataclass(frozen=True)
class System:
    """All cells of a table with margins: labels, values, relations between them, and what hiding costs."""

    labels: tuple[Labels, ...]
    values: np.ndarray
    relations: sp.csr_matrix
    cost: np.ndarray


@dataclass(frozen=True)
class Shape:
    """The table as it was handed in, checked: its variables, their labels in order, and the counts."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    originals: dict[str, dict[str, Any]]
    counts: dict[Labels, int]

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the names of all variables, rows first."""
        return self.rows + self.columns

    @classmethod
    def of(
        cls,
        counts: pd.Series,
        *,
        rows: str | Sequence[str],
        columns: str | Sequence[str] | None,
        naming: Naming = Naming(),
    ) -> Shape:
        """Check what was handed in and bring its labels into their order."""
        if not isinstance(counts, pd.Series) or counts.empty:
            raise refusal(
                "empty", "Die Tabelle enthält keine Zahlen.", "The table holds no counts.", *_FILTER
            )
        rows, columns = _names(rows), _names(columns)
        _check_variables(rows, columns, counts.index.names)
        order = [counts.index.names.index(name) for name in rows + columns]
        labels, originals = {}, {}
        for name, level in zip(rows + columns, order, strict=True):
            labels[name], originals[name] = labels_of(counts.index.get_level_values(level), name)
        return cls(rows, columns, labels, originals, _numbers(counts, order, rows + columns, naming))

    def system(self) -> System:
        """Lay out all cells, margins last in each dimension, with the relations between them."""
        row_labels, column_labels = (self._crossed(dimension) for dimension in (self.rows, self.columns))
        size = len(row_labels) * len(column_labels)
        if size > LARGEST:
            raise _too_large(size)
        labels = tuple(row + column for row in row_labels for column in column_labels)
        inner = np.array([self.counts.get(one, 0) for one in labels], dtype=np.int64)
        grid = inner.reshape(len(row_labels), len(column_labels))
        if self.rows:
            grid[-1] = grid[:-1].sum(axis=0)
        if self.columns:
            grid[:, -1] = grid[:, :-1].sum(axis=1)
        dearer = np.array([1 << _margins(one, len(self.rows)) for one in labels])
        return System(
            labels, grid.ravel(), relations(*grid.shape, two=bool(self.columns)), (grid.ravel() + 1) * dearer
        )

    def _crossed(self, dimension: tuple[str, ...]) -> list[Labels]:
        """Cross the labels of one dimension's variables and put its margin last."""
        if not dimension:
            return [()]
        return [*product(*(self.labels[name] for name in dimension)), (None,) * len(dimension)]


def _names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def _margins(labels: Labels, rows: int) -> int:
    """Count over how many dimensions a cell is a margin."""
    return int(bool(labels[:rows]) and labels[0] is None) + int(bool(labels[rows:]) and labels[-1] is None)


def relations(height: int, width: int, *, two: bool) -> sp.csr_matrix:
    """Write down that each line of the grid sums to its margin: rows x columns as Kronecker products."""
    down = sp.csr_matrix(np.append(np.ones(height - 1, dtype=np.int64), -1).reshape(1, -1))
    if not two:
        return down
    across = sp.csr_matrix(np.append(np.ones(width - 1, dtype=np.int64), -1).reshape(1, -1))
    lines = [
        sp.kron(sp.identity(height, dtype=np.int64), across),
        sp.kron(down, sp.identity(width, dtype=np.int64)),
    ]
    return sp.vstack(lines, format="csr")


def _check_variables(rows: tuple[str, ...], columns: tuple[str, ...], levels: Sequence[Any]) -> None:
    """Refuse variables that are named twice, unknown, left over, or missing."""
    named = rows + columns
    if not rows:
        raise refusal(
            "no-rows", "Die Tabelle hat keine Zeilen-Variable.", "The table has no row variable.", *_NAME
        )
    for name in named:
        if named.count(name) > 1 or list(levels).count(name) > 1:
            raise refusal(
                "variable-twice",
                f"Die Variable {name} kommt zweimal vor.",
                f"The variable {name} occurs twice.",
                *_NAME,
            )
        if name not in levels:
            raise refusal(
                "unknown-variable",
                f"Die Zahlen kennen keine Variable {name}.",
                f"The counts have no variable {name}.",
                *_NAME,
            )
    left = ", ".join(str(level) for level in levels if level not in named)
    if left:
        raise refusal(
            "too-many-dimensions",
            f"Diese Variablen stehen weder in den Zeilen noch in den Spalten: {left}.",
            f"These variables are neither in the rows nor in the columns: {left}.",
            "Nennen Sie sie in rows= oder columns= (eine Dimension darf mehrere Variablen kreuzen) "
            "oder fassen Sie darüber zusammen.",
            "Name them in rows= or columns= (a dimension may cross several variables), or aggregate "
            "over them.",
        )


def labels_of(level: pd.Index, name: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Give a variable's labels in their order (categories keep theirs), and what they were before."""
    if level.hasnans or any(not str(label).strip() for label in level.unique()):
        raise refusal(
            "label-missing",
            f"In der Variable {name} fehlt eine Bezeichnung oder ist leer.",
            f"In the variable {name} a label is missing or empty.",
            "Geben Sie der Gruppe einen Namen, zum Beispiel „ohne Angabe“.",
            'Give the group a name, such as "not stated".',
        )
    present = list(level.unique())
    if isinstance(level.dtype, pd.CategoricalDtype):
        present = [label for label in level.categories if label in set(present)]
    else:
        present.sort(
            key=lambda label: (
                not isinstance(label, (int, np.integer)),
                label if isinstance(label, (int, np.integer)) else 0,
                str(label),
            )
        )
    originals = {str(label): _plain(label) for label in present}
    for label in originals:
        if label.strip().casefold() in MARGIN_WORDS:
            raise refusal(
                "label-margin",
                f"In der Variable {name} heißt eine Gruppe wie die Randsumme.",
                f"In the variable {name} a group is called like the margin.",
                "Nehmen Sie Summenzeilen vorher heraus: Randsummen bildet sb.protect selbst.",
                "Take out rows of totals first: sb.protect forms the margins itself.",
            )
    return tuple(originals), originals


def _plain(label: Any) -> str | int | bool:
    """Give a label as JSON can hold it, for the predicates."""
    if isinstance(label, (bool, np.bool_)):
        return bool(label)
    return int(label) if isinstance(label, (int, np.integer)) else str(label)


def _numbers(
    counts: pd.Series, order: list[int], variables: tuple[str, ...], naming: Naming
) -> dict[Labels, int]:
    """Read the counts cell by cell; each mistake names the cell, never its count."""
    numbers: dict[Labels, int] = {}
    for number, (key, count) in enumerate(zip(counts.index, counts.array, strict=True), start=1):
        parts = key if isinstance(key, tuple) else (key,)
        labels = tuple(str(parts[level]) for level in order)
        place = naming.cell(variables, labels, number=number, of=len(counts))
        if labels in numbers:
            raise at_cell("duplicate", place, "steht zweimal in der Tabelle", "is in the table twice", *_SUM)
        numbers[labels] = _whole(count, place)
    return numbers


def _whole(count: Any, place: Text) -> int:
    """Read one count."""
    if pd.isna(count):
        raise at_cell("missing-count", place, "hat keine Zahl", "has no count", *_COUNT)
    if isinstance(count, (bool, np.bool_, str)) or not _is_whole(count):
        raise at_cell("not-whole", place, "hat keine ganze Zahl", "has no whole number", *_COUNT)
    if count < 0:
        raise at_cell("negative", place, "hat eine negative Zahl", "has a negative number", *_COUNT)
    return int(count)


def _is_whole(count: Any) -> bool:
    try:
        return bool(np.isfinite(count) and int(count) == count and abs(count) < 2**53)
    except (TypeError, ValueError):
        return False


def relations_to_columns(
    shape: Shape, *, column_names: Sequence[str], groupings: Sequence[Grouping]
) -> list[Callable[[str], Condition]]:
    """Find for every variable how its labels become conditions over a catalogue column."""
    originals = {name: shape.originals[name] for name in shape.variables}
    return relate(originals, column_names=column_names, groupings=groupings)


def relate(
    originals: Mapping[str, Mapping[str, Any]], *, column_names: Sequence[str], groupings: Sequence[Grouping]
) -> list[Callable[[str], Condition]]:
    """
    Find for every variable how its labels become conditions over a catalogue column.

    Parameters
    ----------
    originals
        Variable -> label -> what it was in the data.
    """
    named = {grouping.name: grouping for grouping in groupings}
    return [_relation(name, labels, named.get(name), column_names) for name, labels in originals.items()]


def _relation(
    name: str, labels: Mapping[str, Any], grouping: Grouping | None, column_names: Sequence[str]
) -> Callable[[str], Condition]:
    """
    Relate one variable; a grouping that is handed over comes first, then the catalogue, then its
    labels.
    """
    if grouping is None and name in column_names:
        return lambda label: {"column": name, "equals": labels[label]}
    grouping = grouping or recognise(name, labels, column_names=column_names)
    if grouping is None or grouping.column not in column_names:
        raise refusal(
            "unknown-grouping",
            f"Die Variable {name} ist weder eine Spalte im Katalog noch eine bekannte Gruppierung.",
            f"The variable {name} is neither a column of the catalogue nor a known grouping.",
            "Verwenden Sie die Spalte selbst, sb.age_group(...), oder übergeben Sie "
            "groupings=[Grouping(...)].",
            "Use the column itself, sb.age_group(...), or pass groupings=[Grouping(...)].",
        )
    for label in labels:
        if label not in grouping.labels:
            raise refusal(
                "unknown-label",
                f"Die Gruppierung {name} kennt eine Bezeichnung der Zahlen nicht.",
                f"The grouping {name} does not have one of the labels of the counts.",
                "Bilden Sie die Gruppen mit derselben Gruppierung, die Sie übergeben.",
                "Form the groups with the same grouping that you pass.",
            )
    return grouping.condition


def where(labels: Labels, relations: Sequence[Callable[[str], Condition]]) -> tuple[Condition, ...]:
    """Give the conditions of one cell; a margin has none on that variable."""
    return tuple(relate(label) for relate, label in zip(relations, labels, strict=True) if label is not None)


# ---- what is said when something is wrong ------------------------------------------------------------

COARSEN = (
    "Fassen Sie Gruppen zusammen (breitere Altersklassen, Stadtbezirke statt Stadtteile) oder "
    "lassen Sie eine Variable weg.",
    "Merge groups (wider age bands, boroughs instead of districts) or leave out a variable.",
)
_COUNT = (
    "Zählen Sie mit groupby(...).size(); andere Werte als Anzahlen schützt sb.protect noch nicht.",
    "Count with groupby(...).size(); sb.protect does not yet protect values other than counts.",
)
_SUM = (
    "Fassen Sie vorher zusammen: groupby(...).size() oder groupby(level=...).sum().",
    "Aggregate first: groupby(...).size() or groupby(level=...).sum().",
)
_NAME = (
    "Nennen Sie jede Variable der Tabelle genau einmal in rows= oder columns=.",
    "Name every variable of the table exactly once in rows= or columns=.",
)
_FILTER = (
    "Prüfen Sie Filter und Parameter: Es blieb keine Zeile übrig.",
    "Check filters and parameters: no row was left.",
)
ASK = (
    "Tragen Sie in stadtbuch.toml eine Mindestfallzahl von 2 oder mehr ein.",
    "Set a minimum count of 2 or more in stadtbuch.toml.",
)


def refusal(kind: str, de: str, en: str, remedy_de: str, remedy_en: str) -> ProtectionError:
    """Make the error of one kind: ``protect.<kind>``, what is wrong, what to do."""
    return ProtectionError(f"protect.{kind}", Text(de=de, en=en), remedy=Text(de=remedy_de, en=remedy_en))


def at_cell(kind: str, place: Text, de: str, en: str, remedy_de: str, remedy_en: str) -> ProtectionError:
    """Make the error of one kind about one cell, as `Naming.cell` calls it."""
    return refusal(kind, f"Das Feld {place.de} {de}.", f"The cell {place.en} {en}.", remedy_de, remedy_en)


def _too_large(size: int) -> ProtectionError:
    return refusal(
        "too-large",
        f"Die Tabelle hat {size} Felder; geschützt werden bis zu {LARGEST}.",
        f"The table has {size} cells; up to {LARGEST} can be protected.",
        *COARSEN,
    )
