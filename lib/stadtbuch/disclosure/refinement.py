"""
The common refinement of releases: predicates over columns become sets of the same smallest pieces.

Two tables that cut a column differently (ages 0 to 17 and ages 0 to 18) share pieces: 0 to 17, 18, and the rest. What
can be computed from both is told in such pieces. A predicate is one condition per column (`groupings`), so what it
selects is a box: a set of pieces per column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from stadtbuch.disclosure.groupings import Condition

Mask = np.ndarray
Together = Mapping[tuple[str, str], Set[tuple[str, str]]]
REST = None
"""The piece of a column that no condition names."""


@dataclass(frozen=True)
class Axis:
    """
    One column and its pieces.

    Parameters
    ----------
    column
        The column of the catalogue.
    edges
        Where a column of numbers or days is cut: piece ``i`` reaches from ``edges[i]`` to below ``edges[i + 1]``.
    values
        The pieces of a column of codes: its values as texts, `REST` last. Empty where there are edges.
    """

    column: str
    edges: tuple[float, ...] = ()
    values: tuple[str | None, ...] = ()

    @classmethod
    def of(cls, column: str, conditions: Iterable[Condition]) -> Axis:
        """
        Cut a column into the pieces that some conditions tell apart.

        Examples
        --------
        >>> Axis.of("age", [{"from": 0, "to": 17}, {"from": 0, "to": 18}]).edges
        (-inf, 0.0, 18.0, 19.0, inf)
        >>> Axis.of("sex", [{"equals": "f"}, {"in": ["f", "m"]}]).values
        ('f', 'm', None)
        """
        told = list(conditions)
        if any("from" in one for one in told):
            ends = {end for one in told for low, high in _ranges(one) for end in (low, high)}
            return cls(column, edges=tuple(sorted(ends | {-np.inf, np.inf})))
        return cls(column, values=(*sorted({value for one in told for value in _listed(one)}), REST))

    @property
    def size(self) -> int:
        """Give how many pieces there are."""
        return len(self.values) or len(self.edges) - 1

    def mask(self, condition: Condition) -> Mask:
        """Say which pieces fulfil a condition that the axis was made from."""
        if self.values:
            listed = set(_listed(condition))
            return np.array([value in listed for value in self.values])
        edges, found = np.array(self.edges), np.zeros(self.size, dtype=bool)
        for low, high in _ranges(condition):
            found |= (edges[:-1] >= low) & (edges[1:] <= high)
        return found

    def all(self, conditions: Iterable[Condition]) -> Mask:
        """Say which pieces fulfil all of some conditions; every piece if there are none."""
        found = np.ones(self.size, dtype=bool)
        for condition in conditions:
            found &= self.mask(condition)
        return found


@dataclass(frozen=True)
class Refinement:
    """The pieces of all columns that some predicates speak of; an atom is one piece of each."""

    axes: tuple[Axis, ...]

    @classmethod
    def of(cls, predicates: Iterable[Sequence[Condition]]) -> Refinement:
        """
        Find the coarsest pieces from which all predicates are put together.

        Examples
        --------
        >>> made = Refinement.of([[{"column": "age", "from": 0, "to": 17}], [{"column": "sex", "equals": "f"}]])
        >>> [(axis.column, axis.size) for axis in made.axes], made.shape
        ([('age', 3), ('sex', 2)], (3, 2))
        """
        by_column: dict[str, list[Condition]] = {}
        seen: set[tuple[str, str]] = set()
        for predicate in predicates:
            for condition in predicate:
                key = (condition["column"], repr(condition))
                if key not in seen:
                    seen.add(key)
                    by_column.setdefault(condition["column"], []).append(condition)
        return cls(tuple(Axis.of(column, by_column[column]) for column in sorted(by_column)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Give the number of pieces per column."""
        return tuple(axis.size for axis in self.axes)

    def impossible(self, together: Together) -> Mask:
        """
        Say which atoms nobody can be in, because the values of two columns do not occur together.

        Parameters
        ----------
        together
            Two columns of codes -> the pairs of values that occur: a district and its borough, an area within old
            and within new borders. A value that is in no pair may be anywhere.

        Returns
        -------
        numpy.ndarray
            Over `shape`.

        Examples
        --------
        >>> codes = [[{"column": "borough", "equals": "1"}], [{"column": "district", "equals": "11"}]]
        >>> Refinement.of(codes).impossible({("district", "borough"): {("11", "1")}}).tolist()
        [[False, True], [True, False]]
        """
        never = np.zeros(self.shape, dtype=bool)
        at = {axis.column: number for number, axis in enumerate(self.axes) if axis.values}
        for (one, other), pairs in together.items():
            if one in at and other in at:
                first, second = self.axes[at[one]].values, self.axes[at[other]].values
                apart = _apart(first, second, pairs) | _apart(second, first, {pair[::-1] for pair in pairs}).T
                shape = [1] * len(self.axes)
                shape[at[one]], shape[at[other]] = len(first), len(second)
                never |= (apart if at[one] < at[other] else apart.T).reshape(shape)
        return never


def _apart(
    first: Sequence[str | None], second: Sequence[str | None], pairs: Set[tuple[str, str]]
) -> np.ndarray:
    """Say which pairs cannot be, judged by the values of the first column that are known."""
    partners: dict[str | None, set[str]] = {}
    for one, other in pairs:
        partners.setdefault(one, set()).add(other)
    table = np.zeros((len(first), len(second)), dtype=bool)
    for row, value in enumerate(first):
        if value in partners:
            table[row] = [other not in partners[value] for other in second]
            table[row, -1] = partners[value] <= set(second)  # every partner has a piece: the rest is none
    return table


def _listed(condition: Condition) -> list[str]:
    return [str(one) for one in (condition["in"] if "in" in condition else [condition["equals"]])]


def _ranges(condition: Condition) -> list[tuple[float, float]]:
    """Give the half-open ranges that a condition over numbers or days selects."""
    if "from" in condition or "to" in condition:
        low, high = condition.get("from"), condition.get("to")
        return [(-np.inf if low is None else _number(low), np.inf if high is None else _number(high) + 1)]
    values = condition["in"] if "in" in condition else [condition["equals"]]
    return [(_number(value), _number(value) + 1) for value in values]


def _number(value: Any) -> float:
    """Read a number, or a day as its number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float(date.fromisoformat(str(value)[:10]).toordinal())
