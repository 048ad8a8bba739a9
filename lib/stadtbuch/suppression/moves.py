"""
Moves: proofs that a hidden cell cannot be computed, which anybody can check by adding and comparing.

A table is an additive system ``M x = 0`` over its cells (inner cells and sums alike). A move is a vector ``d`` with
``M d = 0`` that is zero on every published cell and leaves every hidden cell at what readers know it to be at least.
``x + d`` is then another table that looks the same to them. Moves are kept in whole numbers over a common divisor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

Mask = np.ndarray

DIVISORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 24, 60, 120)
WHOLE = 1e-6  # how far the solver's numbers may be from whole ones
NOBODY = -1


@dataclass(frozen=True)
class Problem:
    """
    What is to be protected.

    Parameters
    ----------
    relations
        Sparse matrix (relations x cells) of -1, 0, 1 with ``relations @ values == 0``.
    values
        Whole values per cell, none negative.
    primary
        Which cells are hidden by rule.
    need
        How far the attacker must be left to overestimate a primary cell; at least 1 there.
    cost
        What hiding a cell costs, whole numbers above 0.
    least
        What readers know of every hidden value: at least 1 where zeros are published, else 0.
    fixed
        Cells that must be published whatever it costs; none unless said.
    alone
        Cells with a single contributor, who knows the value and may subtract it; none unless said.
    """

    relations: sp.csr_matrix
    values: np.ndarray
    primary: Mask
    need: np.ndarray
    cost: np.ndarray
    least: int = 1
    fixed: Mask | None = None
    alone: Mask | None = None

    @property
    def open(self) -> Mask:
        """Say which cells may be hidden: none below what readers know, none that must be published."""
        may = self.values >= self.least
        return may if self.fixed is None else may & (~self.fixed | self.primary)


@dataclass(frozen=True)
class Move:
    """The cells that change, by how much (whole numbers), and what all amounts are divided by."""

    cells: np.ndarray
    amounts: np.ndarray
    divisor: int = 1

    def at(self, cell: int) -> int:
        """Give the amount at one cell, before dividing."""
        place = int(np.searchsorted(self.cells, cell))
        return int(self.amounts[place]) if place < len(self.cells) and self.cells[place] == cell else 0


Requirement = tuple[int, int]  # a hidden cell, and the cell that the attacker knows besides (or NOBODY)


@dataclass(frozen=True)
class Pattern:
    """
    Which cells are hidden, and for each of them moves that prove it.

    `moves` maps a hidden cell and an insider's cell (`NOBODY` for the public) to a move that does without that
    insider's cell; `optimal` says whether no cheaper pattern exists; `bound` is a cost that no safe pattern falls
    below; `nodes` says how many the search opened.
    """

    hidden: Mask
    moves: dict[Requirement, Move] = field(repr=False)
    optimal: bool
    nodes: int
    bound: int = 0

    def cost(self, problem: Problem) -> int:
        """Add up what is hidden besides the primary cells."""
        return int(problem.cost[self.hidden & ~problem.primary].sum())


def whole(cells: np.ndarray, amounts: np.ndarray) -> Move | None:
    """
    Write a solver's move in whole numbers; None if it is none over a small divisor.

    Examples
    --------
    >>> whole(np.array([3, 1, 7]), np.array([0.5, -1.0000001, 0.0]))
    Move(cells=array([1, 3]), amounts=array([-2,  1]), divisor=2)
    """
    for divisor in DIVISORS:
        scaled = amounts * divisor
        rounded = np.round(scaled)
        if (np.abs(scaled - rounded) <= WHOLE * divisor * np.maximum(1, np.abs(amounts))).all():
            kept = np.flatnonzero(rounded)
            order = kept[np.argsort(cells[kept])]
            return Move(cells[order].astype(np.int64), rounded[order].astype(np.int64), divisor)
    return None


def proven(problem: Problem, pattern: Pattern) -> list[int]:
    """
    Check every proof of a pattern in whole numbers, without a solver; give the cells whose proof fails.

    Independent of the search: it uses the relations, the values and the moves only.
    """
    relations = sp.csc_matrix(problem.relations).astype(np.int64)
    checked: dict[int, bool] = {}
    for move in pattern.moves.values():
        if id(move) not in checked:
            checked[id(move)] = is_move(problem, relations, pattern.hidden, move)
    hidden = [int(cell) for cell in np.flatnonzero(pattern.hidden)]
    return [cell for cell in hidden if not _safe(problem, pattern, cell, checked)]


def _safe(problem: Problem, pattern: Pattern, cell: int, checked: dict[int, bool]) -> bool:
    """Whether one hidden cell is proven against the public and against every insider its proof relies on."""
    move = pattern.moves.get((cell, NOBODY))
    if move is None or not checked[id(move)] or not protects(problem, move, (cell, NOBODY)):
        return False
    for insider in _relied(problem, move, cell):
        other = pattern.moves.get((cell, insider))
        if other is None or not checked[id(other)] or not protects(problem, other, (cell, insider)):
            return False
    return True


def _relied(problem: Problem, move: Move, cell: int) -> list[int]:
    """Name the insiders' cells that the proof of a primary cell moves."""
    if not problem.primary[cell] or problem.alone is None:
        return []
    return [int(one) for one in move.cells if problem.alone[one] and one != cell]


def is_move(problem: Problem, relations: sp.csc_matrix, hidden: Mask, move: Move) -> bool:
    """Whether amounts balance in every relation, touch hidden cells only, and leave each at its least or more."""
    if not (np.issubdtype(move.amounts.dtype, np.integer) and len(move.cells) == len(move.amounts)):
        return False
    if move.divisor < 1 or not len(move.cells) or len(np.unique(move.cells)) != len(move.cells):
        return False
    if not hidden[move.cells].all():
        return False
    left = (problem.values[move.cells] - problem.least) * move.divisor + move.amounts
    return bool((left >= 0).all()) and not (relations[:, move.cells] @ move.amounts).any()


def protects(problem: Problem, move: Move, requirement: Requirement) -> bool:
    """Whether a move changes a cell as far as it needs, and leaves the insider's cell alone."""
    cell, insider = requirement
    if insider != NOBODY and move.at(insider):
        return False
    amount = move.at(cell)
    if not problem.primary[cell]:
        return amount != 0
    return amount >= max(1, int(problem.need[cell])) * move.divisor


def turned(problem: Problem, move: Move) -> Move | None:
    """Give the same move the other way round, if every cell can bear it."""
    left = (problem.values[move.cells] - problem.least) * move.divisor - move.amounts
    return Move(move.cells, -move.amounts, move.divisor) if (left >= 0).all() else None
