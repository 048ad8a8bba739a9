"""
Questions that are answered with noise: what may be asked, and the exact whole numbers to which noise is added.

A unit counts with at most `most_rows` rows, the first ones of its own, so that adding or removing one unit moves all
cells together by at most `most_rows` times what one row can move. Groups are told by the catalogue or the question,
never by the data: which groups exist would be an answer, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product, repeat

import numpy as np
import pandas as pd

from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.analysis import Question
from stadtbuch.model.dataset import Budget, Column, Dataset, FieldType, PrivacyRole
from stadtbuch.texts import Text

MOST_CELLS = 2000
STEPS = 10_000
"""Into how many steps the range of a number that is not whole is divided; noise is added to whole steps."""
GROUPED = (FieldType.code, FieldType.string, FieldType.integer, FieldType.boolean)
NUMBERS = (FieldType.integer, FieldType.number)
NAMING = (PrivacyRole.identifier, PrivacyRole.free_text)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A question that may be asked, with what its dataset says.

    Attributes
    ----------
    unit
        The column that tells one unit from another.
    labels
        Per column of `by`, its groups.
    whole
        Whether the numbers of `of` are whole ones.
    """

    name: str
    question: Question
    unit: str
    labels: Mapping[str, tuple[str, ...]]
    whole: bool = True

    @property
    def columns(self) -> list[str]:
        """Give the columns that must be read."""
        question = self.question
        return list(dict.fromkeys([self.unit, *question.by, *([question.of] if question.of else [])]))

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """Give the labels of all cells in their order."""
        if self.question.ask == "histogram":
            return [(one,) for one in bins(self.question.edges, whole=self.whole)]
        return list(product(*(self.labels[name] for name in self.question.by)))

    @property
    def step(self) -> float:
        """Give how much one whole step of a sum or mean is."""
        low, high = self._bounds
        width = high - low if self.question.ask == "mean" else max(abs(low), abs(high))
        fits = self.whole and low.is_integer() and high.is_integer()
        return 1.0 if fits else width / STEPS

    @property
    def middle(self) -> float:
        """Give from where a mean is counted: the middle of its bounds, whole where the numbers are."""
        low, high = self._bounds
        return float((low + high) // 2) if self.step == 1 else (low + high) / 2

    @property
    def reach(self) -> int:
        """Give by how many steps one row can move a sum (of the distances from `middle`, for a mean)."""
        low, high = self._bounds
        centre = self.middle if self.question.ask == "mean" else 0.0
        return max(1, *(abs(round((end - centre) / self.step)) for end in (low, high)))

    @property
    def _bounds(self) -> tuple[float, float]:
        assert self.question.bounds is not None  # `read` refuses a sum or mean without
        return self.question.bounds


def bins(edges: Sequence[float], *, whole: bool) -> list[str]:
    """
    Name the bins of a histogram: from one edge to below the next.

    Examples
    --------
    >>> bins([0, 18, 65], whole=True), bins([0, 0.5, 1], whole=False)
    (['0–17', '18–64'], ['0–<0.5', '0.5–<1'])
    """
    ends = [(low, f"{high - 1:g}" if whole else f"<{high:g}") for low, high in pairwise(edges)]
    return [f"{low:g}–{high}" for low, high in ends]


def read(
    name: str, question: Question, dataset: Dataset, *, categories: Mapping[str, Sequence[str]]
) -> tuple[Asked, Budget]:
    """
    Hold a question against what its dataset allows.

    Parameters
    ----------
    categories
        The groups that the question itself names, by column.

    Raises
    ------
    Refused
        ``budget.none``: no budget was decided for the dataset; ``private.unit``: nothing tells whose rows are whose;
        ``private.column``: a column that names somebody.
    UsageError
        ``private.form``: what is missing or does not fit; ``private.categories``; ``private.too-large``.
    """
    budget = dataset.privacy.budget
    if dataset.is_open or dataset.privacy.unit == "none" or budget is None:
        raise _no_budget(dataset.id)
    for column in (*question.by, *([question.of] if question.of else []), *question.rows):
        _require_column(name, column, dataset)
    _require_form(name, question, dataset)
    asked = Asked(
        name=name,
        question=question,
        unit=_unit(dataset),
        labels={one: _labels(name, dataset.table.column(one), categories.get(one)) for one in question.by},
        whole=question.of is None or dataset.table.column(question.of).type is FieldType.integer,
    )
    if len(asked.cells) > MOST_CELLS:
        raise _too_large(name)
    return asked, budget


def _unit(dataset: Dataset) -> str:
    named = [
        one
        for one in (*dataset.table.primary_key, *dataset.table.names)
        if dataset.table.column(one).privacy is PrivacyRole.identifier
    ]
    if not named:
        raise _no_unit(dataset.id)
    return named[0]


def _labels(name: str, column: Column, given: Sequence[str] | None) -> tuple[str, ...]:
    found = given or tuple(column.labels) or column.constraints.enum
    if not found:
        raise _no_categories(name, column.name)
    return tuple(dict.fromkeys(map(str, found)))


def _require_column(name: str, column: str, dataset: Dataset) -> None:
    if column not in dataset.table.names:
        raise _wrong(name, f"{column} gibt es in {dataset.id} nicht", f"{dataset.id} has no {column}")
    if dataset.table.column(column).privacy in NAMING:
        raise _naming(name, column)


def _require_form(name: str, question: Question, dataset: Dataset) -> None:
    """Say what is missing, or does not fit what is asked."""
    numeric = question.of is not None and dataset.table.column(question.of).type in NUMBERS
    bounded = question.bounds is not None and question.bounds[0] < question.bounds[1]
    rising = len(question.edges) > 1 and all(low < high for low, high in pairwise(question.edges))
    grouped = all(dataset.table.column(one).type in GROUPED for one in question.by)
    whole = all(float(one).is_integer() for one in question.edges)
    integer = numeric and dataset.table.column(str(question.of)).type is FieldType.integer
    checks = {
        "of: fehlt oder ist keine Zahlenspalte|of: is missing or no column of numbers": (
            question.ask == "counts" or numeric
        ),
        "of: gehört nicht zu counts|of: does not belong to counts": (
            question.ask != "counts" or question.of is None
        ),
        "bounds: [von, bis] fehlt: ohne Grenzen könnte eine Zeile alles verschieben|"
        "bounds: [from, to] is missing: without bounds one row could move everything": (
            question.ask not in ("sum", "mean") or bounded
        ),
        "bounds: gehört nur zu sum und mean|bounds: belongs to sum and mean only": (
            question.ask in ("sum", "mean") or question.bounds is None
        ),
        "edges: braucht mindestens zwei steigende Zahlen|edges: needs at least two rising numbers": (
            question.ask != "histogram" or rising
        ),
        "edges: einer Spalte ganzer Zahlen sind ganze Zahlen|edges: of a column of whole numbers are whole": (
            not integer or whole
        ),
        "by: gehört nicht zu histogram|by: does not belong to histogram": (
            question.ask != "histogram" or not question.by
        ),
        "by: nur Spalten mit Gruppen|by: columns of groups only": grouped,
        "rows: nennt Werte, keine Parameter|rows: states values, no parameters": not any(
            isinstance(one, str) and one.startswith("{") for one in question.rows.values()
        ),
    }
    for said, holds in checks.items():
        if not holds:
            raise _wrong(name, *said.split("|"))


def counted(frame: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """
    Keep the rows that count: those of a known group, with a number where one is asked for, and at most `most_rows`
    of each unit. What is kept of a unit depends on its own rows only.
    """
    question = asked.question
    fits = pd.Series(True, index=frame.index)
    for name in question.by:
        fits &= frame[name].astype("str").isin(asked.labels[name])
    if question.of:
        fits &= frame[question.of].notna()
    fits &= frame[asked.unit].notna()
    kept = frame.loc[fits]
    if question.ask == "histogram":
        inside = (kept[question.of] >= question.edges[0]) & (kept[question.of] < question.edges[-1])
        kept = kept.loc[inside.astype(bool)]
    return kept.loc[kept.groupby(asked.unit, sort=False).cumcount() < question.most_rows]


def tallies(frame: pd.DataFrame, asked: Asked) -> list[int]:
    """Count the rows of each cell; `frame` is what `counted` keeps."""
    sizes = _keys(frame, asked).value_counts()
    return [int(sizes.get(labels, 0)) for labels in asked.cells]


def sums(frame: pd.DataFrame, asked: Asked) -> list[int]:
    """Add up each cell in whole steps, values drawn into the bounds; for a mean, distances from the middle."""
    low, high = asked._bounds
    centre = asked.middle if asked.question.ask == "mean" else 0.0
    values = frame[str(asked.question.of)].astype(float).clip(low, high)
    steps = ((values - centre) / asked.step).round().astype("int64")
    added = steps.groupby(_keys(frame, asked)).sum()
    return [int(added.get(labels, 0)) for labels in asked.cells]


def _keys(frame: pd.DataFrame, asked: Asked) -> pd.Series:
    """Give each row the labels of its cell."""
    question = asked.question
    if question.ask == "histogram":
        names = bins(question.edges, whole=asked.whole)
        cut = pd.cut(frame[str(question.of)], list(question.edges), right=False, labels=names).astype("str")
        parts = [cut]
    else:
        parts = [frame[name].astype("str") for name in question.by]
    keys = zip(*parts, strict=True) if parts else repeat((), len(frame))
    return pd.Series(np.fromiter(keys, dtype=object, count=len(frame)), index=frame.index)


# ---- what is said -------------------------------------------------------------------------------------


def _no_budget(dataset: str) -> Refused:
    return Refused(
        "budget.none",
        Text(
            de=f"Für {dataset} ist kein Budget beschlossen.",
            en=f"No budget was decided for {dataset}.",
        ),
        why=Text(
            de="Antworten mit Rauschen gibt es nur aus Daten, die nicht offen sind, im Rahmen eines Jahresbudgets.",
            en="There are noisy answers only from data that are not open, within a budget of the year.",
        ),
        remedy=Text(
            de="Der Katalog nennt es unter privacy: budget: {epsilon, reason, decided_by, decided}. "
            "Für Tabellen ohne Rauschen nehmen Sie sb.protect(...).",
            en="The catalogue states it under privacy: budget: {epsilon, reason, decided_by, decided}. "
            "For tables without noise use sb.protect(...).",
        ),
    )


def _no_unit(dataset: str) -> Refused:
    return Refused(
        "private.unit",
        Text(
            de=f"{dataset} hat keine Spalte, die sagt, welche Zeilen zu wem gehören.",
            en=f"{dataset} has no column that tells whose rows are whose.",
        ),
        why=Text(
            de="Ohne sie lässt sich nicht begrenzen, wie viel eine einzelne Person zu einer Antwort beiträgt.",
            en="Without it nobody can limit how much a single person contributes to an answer.",
        ),
        remedy=Text(
            de="Beschreiben Sie eine Spalte mit privacy: identifier, oder nehmen Sie sb.protect(...).",
            en="Describe a column with privacy: identifier, or use sb.protect(...).",
        ),
    )


def _naming(name: str, column: str) -> Refused:
    return Refused(
        "private.column",
        Text(
            de=f"{name} fragt nach {column}; diese Spalte bezeichnet Einzelne oder enthält freien Text.",
            en=f"{name} asks by {column}; this column names single persons or holds free text.",
        ),
        remedy=Text(de="Fragen Sie nach Merkmalen von Gruppen.", en="Ask by what groups have in common."),
    )


def _no_categories(name: str, column: str) -> UsageError:
    return UsageError(
        "private.categories",
        Text(
            de=f"{name}: Welche Gruppen {column} hat, steht nicht fest.",
            en=f"{name}: which groups {column} has is not settled.",
        ),
        why=Text(
            de="Die Gruppen dürfen nicht aus den Daten kommen: Welche es gibt, wäre schon eine Antwort.",
            en="The groups may not come from the data: which ones there are would be an answer already.",
        ),
        remedy=Text(
            de=f'Schreiben Sie categories: {{{column}: [...]}} oder "catalogue:<domäne>.<datensatz>.<spalte>" '
            "eines offenen Datensatzes.",
            en=f'Write categories: {{{column}: [...]}} or "catalogue:<domain>.<dataset>.<column>" of an open '
            "dataset.",
        ),
    )


def _wrong(name: str, de: str, en: str) -> UsageError:
    return UsageError(
        "private.form",
        Text(de=f"private: {name}: {de}.", en=f"private: {name}: {en}."),
        remedy=Text(
            de="docs/anleitungen/budget.md zeigt Fragen zum Abschreiben.",
            en="docs/how-to/budget.md shows questions to copy.",
        ),
    )


def _too_large(name: str) -> UsageError:
    return UsageError(
        "private.too-large",
        Text(
            de=f"{name} hätte mehr als {MOST_CELLS} Felder.",
            en=f"{name} would have more than {MOST_CELLS} cells.",
        ),
        remedy=Text(de="Fragen Sie nach weniger Gruppen.", en="Ask by fewer groups."),
    )
