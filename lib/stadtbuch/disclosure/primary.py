"""
Primary rules: which cells of a table tell too much by themselves, and how much room each must be left.

Everything here is arithmetic on whole numbers. A sum of money is handed over in its smallest unit (cents). The
contributions to a cell are those of protection units (persons, households, companies, holdings): what one unit
gives in several records counts as one contribution.

Sources of the rules: A. Hundepool et al., Handbook on Statistical Disclosure Control (ESSnet, 2nd ed. 2024),
chapter 4 (magnitude tables: dominance, p%, pq, protection levels, weights) and chapter 5 (frequency tables,
group disclosure); UK Government Statistical Service, guidance on rates (numerator and denominator thresholds).
The parameters of concentration rules (n, k, p, q) stay inside the city: who knows them can compute more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

Whole = np.ndarray
Mask = np.ndarray


@dataclass(frozen=True)
class Contributions:
    """
    What protection units contribute to the cells of a table.

    Parameters
    ----------
    cell, value, weight
        Per contribution: the cell's number, what it adds (whole, not negative), and for how many units it stands
        (whole, at least 1). Sorted by cell, largest value first.
    cells
        How many cells the table has.
    """

    cell: Whole
    value: Whole
    weight: Whole
    cells: int

    @classmethod
    def of(
        cls,
        cell: Whole,
        value: Whole,
        *,
        cells: int,
        unit: Whole | None = None,
        weight: Whole | None = None,
    ) -> Contributions:
        """
        Gather records to contributions: what one unit gives to one cell is added up.

        Parameters
        ----------
        cell, value
            Per record the cell's number and what it adds.
        cells
            How many cells there are.
        unit
            Per record the number of the protection unit; without it every record is a unit of its own.
        weight
            Per record for how many units of the population it stands; 1 unless said. Of a unit with several
            records the first one's weight counts.

        Examples
        --------
        >>> one = Contributions.of(np.array([0, 0, 0]), np.array([5, 4, 7]), unit=np.array([8, 8, 9]), cells=1)
        >>> one.value.tolist(), one.counts().tolist(), one.totals().tolist()
        ([9, 7], [2], [16])
        """
        cell, value = np.asarray(cell, dtype=np.int64), np.asarray(value, dtype=np.int64)
        weight = np.ones(len(cell), np.int64) if weight is None else np.asarray(weight, dtype=np.int64)
        if unit is not None:
            cell, value, weight = _by_unit(cell, value, np.asarray(unit), weight)
        order = np.lexsort((-value, cell))
        return cls(cell[order], value[order], weight[order], cells)

    def spread(self, member: sp.csr_matrix, *, unit: Whole) -> Contributions:
        """
        Bring contributions to inner cells to all cells that contain them, margins among them.

        Parameters
        ----------
        member
            Sparse matrix (all cells x inner cells) of 0 and 1.
        unit
            Per contribution the number of its protection unit: it counts once in every margin.
        """
        above = sp.csc_matrix(member)
        many = np.diff(above.indptr)[self.cell]
        record = np.repeat(np.arange(len(self.cell)), many)
        start = np.repeat(above.indptr[self.cell] - np.r_[0, np.cumsum(many)[:-1]], many)
        cell = above.indices[start + np.arange(len(record))]
        return Contributions.of(
            cell,
            self.value[record],
            unit=np.asarray(unit)[record],
            weight=self.weight[record],
            cells=member.shape[0],
        )

    def counts(self) -> Whole:
        """Count the contributing units of each cell, by their weights."""
        return _added(self.cell, self.weight, self.cells)

    def units(self) -> Whole:
        """Count the units of each cell that were asked, whatever their weights."""
        return _added(self.cell, np.ones(len(self.cell), dtype=np.int64), self.cells)

    def totals(self) -> Whole:
        """Add up each cell, by the weights."""
        return _added(self.cell, self.value * self.weight, self.cells)

    def largest(self, many: int) -> Whole:
        """
        Give the largest contributions of each cell (cells x many), zero where there are fewer.

        A contribution of weight 4 stands for four units of the same size (Handbook, 4.2.2).

        Examples
        --------
        >>> two = Contributions.of(np.array([0, 0]), np.array([100, 10]), weight=np.array([4, 7]), cells=1)
        >>> two.largest(2).tolist(), two.totals().tolist()
        ([[100, 100]], [470])
        """
        before = np.cumsum(self.weight) - self.weight
        first = np.searchsorted(self.cell, np.arange(self.cells))
        rank = before - np.append(before, 0)[np.minimum(first, len(before))][self.cell]
        found = np.zeros((self.cells, many), dtype=np.int64)
        for place in range(many):
            here = (rank <= place) & (place < rank + self.weight)
            found[self.cell[here], place] = self.value[here]
        return found


class Rule(Protocol):
    """A primary rule: it names unsafe cells, and how far above its value a reader must still believe each."""

    def unsafe(self, contributions: Contributions) -> Mask:
        """Say for each cell whether it is unsafe."""
        ...

    def room(self, contributions: Contributions) -> Whole:
        """Give for each cell how far an attacker must be left to overestimate it; 0 where it is safe."""
        ...


@dataclass(frozen=True, slots=True)
class MinimumCount:
    """
    A cell needs `minimum` contributing units; zero units tell nothing. A weight makes no unit more of them.

    `share`: of a sum, the attacker must be left to overestimate it by so many per cent.
    """

    minimum: int
    share: int = 10

    def unsafe(self, contributions: Contributions) -> Mask:
        """
        Find cells with one to ``minimum - 1`` units.

        Examples
        --------
        >>> few = Contributions.of(np.array([0, 0, 1]), np.array([1, 1, 1]), cells=3)
        >>> MinimumCount(2).unsafe(few).tolist()
        [False, True, False]
        """
        return few(contributions.units(), minimum=self.minimum)

    def room(self, contributions: Contributions) -> Whole:
        """Give `share` per cent of the sum, at least 1."""
        wanted = np.maximum(1, _up(contributions.totals() * self.share, 100))
        return np.where(self.unsafe(contributions), wanted, 0)


@dataclass(frozen=True, slots=True)
class Dominance:
    """
    The (n,k) rule: the `n` largest contributions may not be more than `k` per cent of the cell.

    Source: Handbook, 4.2.1.
    """

    n: int
    k: int

    def unsafe(self, contributions: Contributions) -> Mask:
        """
        Find dominated cells.

        Examples
        --------
        >>> Dominance(1, 85).unsafe(Contributions.of(np.array([0, 0]), np.array([90, 10]), cells=1)).tolist()
        [True]
        """
        return 100 * self._top(contributions) > self.k * contributions.totals()

    def room(self, contributions: Contributions) -> Whole:
        """Give what is missing until the largest are no more than `k` per cent."""
        missing = _up(100 * self._top(contributions), self.k) - contributions.totals()
        return np.where(self.unsafe(contributions), np.maximum(missing, 1), 0)

    def _top(self, contributions: Contributions) -> Whole:
        return contributions.largest(self.n).sum(axis=1)


@dataclass(frozen=True, slots=True)
class PQ:
    """
    The pq rule: the second largest unit, who knows others to `q` per cent, may not learn the largest to `p`.

    Source: Handbook, 4.2.1. The p% rule is the one with q = 100: nothing is known before.
    """

    p: int
    q: int = 100

    def unsafe(self, contributions: Contributions) -> Mask:
        """
        Find cells whose largest contribution could be estimated too closely.

        Examples
        --------
        >>> PQ(10).unsafe(Contributions.of(np.zeros(3), np.array([52, 50, 8]), cells=1)).tolist()
        [False]
        """
        first, rest = self._parts(contributions)
        return (first > 0) & (self.q * rest < self.p * first)

    def room(self, contributions: Contributions) -> Whole:
        """Give what is missing until the rest is wide enough."""
        first, rest = self._parts(contributions)
        missing = _up(self.p * first, self.q) - rest
        return np.where(self.unsafe(contributions), np.maximum(missing, 1), 0)

    def _parts(self, contributions: Contributions) -> tuple[Whole, Whole]:
        largest = contributions.largest(2)
        return largest[:, 0], contributions.totals() - largest.sum(axis=1)


def few(counts: Whole, *, minimum: int) -> Mask:
    """
    Find counts from 1 to ``minimum - 1``.

    Examples
    --------
    >>> few(np.array([0, 1, 2, 3]), minimum=3).tolist()
    [False, True, True, False]
    """
    return (counts > 0) & (counts < minimum)


def room_of_counts(counts: Whole, *, minimum: int) -> Whole:
    """
    Give how far small counts must be left to be overestimated: at least to the minimum, at least by 1.

    Examples
    --------
    >>> room_of_counts(np.array([0, 1, 2, 3]), minimum=3).tolist()
    [0, 2, 1, 0]
    """
    return np.where(few(counts, minimum=minimum), np.maximum(counts + 1, minimum) - counts, 0)


def judge(contributions: Contributions, rules: list[Rule]) -> tuple[Mask, Whole]:
    """Let all rules judge: a cell is unsafe if one finds it so, and needs the most room that one asks for."""
    unsafe = np.zeros(contributions.cells, dtype=bool)
    room = np.zeros(contributions.cells, dtype=np.int64)
    for rule in rules:
        unsafe |= rule.unsafe(contributions)
        room = np.maximum(room, rule.room(contributions))
    return unsafe, room


def rates(numerators: Whole, denominators: Whole, *, numerator: int = 3, denominator: int = 100) -> Mask:
    """
    Find rates that may not be published: on few cases in all, or with few who have it, or few who do not.

    Nobody and everybody with the feature are left to the table rules (group disclosure).

    Examples
    --------
    >>> rates(np.array([3, 2, 0, 30, 148]), np.array([100, 150, 150, 99, 150])).tolist()
    [False, True, False, True, True]
    """
    without = denominators - numerators
    return (denominators < denominator) | few(numerators, minimum=numerator) | few(without, minimum=numerator)


def in_one(counts: Whole, relations: sp.csr_matrix) -> Mask:
    """
    Find group disclosure: cells that hold all of a whole with several parts (l = 1).

    Whoever is known to belong to the whole is then known to belong to that part.

    Parameters
    ----------
    counts
        Count of each cell.
    relations
        Per row the parts of a whole as 1 and the whole as -1.

    Examples
    --------
    >>> in_one(np.array([0, 4, 4]), sp.csr_matrix([[1, 1, -1]])).tolist()
    [False, True, False]
    """
    parts = relations > 0
    nonzero = parts.astype(np.int64) @ (counts > 0).astype(np.int64)
    alone = (nonzero == 1) & (np.diff(sp.csr_matrix(parts).indptr) > 1)
    inside = sp.csr_matrix(parts)[alone].T.astype(np.int64) @ np.ones(int(alone.sum()), dtype=np.int64)
    return (inside > 0) & (counts > 0)


def means(contributions: Contributions, *, minimum: int) -> Mask:
    """
    Find cells whose mean, median or quantiles may not be published: fewer than `minimum` units.

    A mean of nobody does not exist, so empty cells are among them.
    """
    return contributions.counts() < minimum


def extremes(contributions: Contributions, *, minimum: int) -> tuple[Mask, Mask]:
    """
    Find cells whose smallest or largest value may not be published: fewer than `minimum` units have it.

    An extreme that few share is the value of those few.

    Examples
    --------
    >>> cell = Contributions.of(np.zeros(4), np.array([7, 7, 7, 20]), cells=1)
    >>> [found.tolist() for found in extremes(cell, minimum=3)]
    [[False], [True]]
    """
    most = _sharing(contributions, contributions.largest(1)[:, 0])
    least = np.full(contributions.cells, np.iinfo(np.int64).max)
    np.minimum.at(least, contributions.cell, contributions.value)
    return _sharing(contributions, least) < minimum, most < minimum


def _sharing(contributions: Contributions, value: Whole) -> Whole:
    """Count the units of each cell that have a certain value."""
    same = contributions.value == value[contributions.cell]
    return _added(contributions.cell[same], contributions.weight[same], contributions.cells)


def _by_unit(cell: Whole, value: Whole, unit: Whole, weight: Whole) -> tuple[Whole, Whole, Whole]:
    """Add what one unit gives to one cell."""
    order = np.lexsort((unit, cell))
    cell, value, unit, weight = cell[order], value[order], unit[order], weight[order]
    starts = (
        np.flatnonzero(np.r_[True, (cell[1:] != cell[:-1]) | (unit[1:] != unit[:-1])]) if len(cell) else cell
    )
    return cell[starts], np.add.reduceat(value, starts) if len(cell) else value, weight[starts]


def _added(cell: Whole, value: Whole, cells: int) -> Whole:
    """Add values by cell, in whole numbers."""
    found = np.zeros(cells, dtype=np.int64)
    np.add.at(found, cell, value)
    return found


def _up(number: Whole, divisor: int) -> Whole:
    """Divide and round up."""
    return -(-number // divisor)
