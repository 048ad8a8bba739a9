"""
Circuits: for each small cell the cheapest way round that leaves it uncertain, found in its neighbourhood.

The search looks around one cell: a small linear program over the nearest and cheapest cells finds the move that
costs least to hide. Where that neighbourhood is too small, the next larger one is tried, at last the whole table.
Afterwards whatever no proof needs is published again, dearest first, and parts of the pattern are torn down and
built anew while that makes it cheaper. Everything is counted, nothing is timed: the same table gives the same
pattern on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import scipy.sparse as sp

from stadtbuch.suppression import nullspace
from stadtbuch.suppression.moves import (
    NOBODY,
    Mask,
    Move,
    Problem,
    Requirement,
    protects,
    turned,
    whole,
)
from stadtbuch.suppression.solver import NEVER, Program

# How many cells a neighbourhood holds, and whether the sums over them are added: ways round may lead over those.
LADDER = ((160, False), (640, False), (2500, False), (640, True), (60, True))
HIDDEN_ALREADY = 1e-4  # the price of a cell that is hidden anyway
WITHIN = (300, 1500)  # how many hidden cells a proof is looked for in when one is to be published again
BARREN = 50  # searches of one size in vain, and none with success, after which that size is left out
MANY = 2000  # cells to be published again from which on those of few proofs come first
PROOFS = 5  # what few proofs are: publishing a cell means to find each of them anew
THINNING = 2000  # programs that one thinning of a pattern may take
FEW = 20  # cells to be published again below which algebra is not asked first
AROUND = 40  # how many hidden cells are torn down at once


class NotClosableError(Exception):
    """No pattern protects the cell of this index, whatever is hidden besides."""

    def __init__(self, cell: int) -> None:
        super().__init__("no pattern protects this cell")
        self.cell = cell


class Ground:
    """The relations of a table, laid out to look around a cell and to solve there."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.open = problem.open
        self.rows = sp.csr_matrix(problem.relations).astype(np.int64)
        self.columns = sp.csc_matrix(self.rows)
        self.down = (problem.values - problem.least).astype(float)
        self.sums = _sums(self.rows)
        self.programs = 0

    def around(self, cell: int, *, allowed: Mask, price: np.ndarray, limit: int) -> np.ndarray:
        """Give the nearest allowed cells, in rings of common relations; of the last ring the cheapest."""
        seen = np.zeros(len(allowed), dtype=bool)
        seen[cell] = True
        ring, count = np.array([cell]), 1
        while len(ring) and count < limit:
            rows = _distinct(_listed(self.columns, ring), self.rows.shape[0])
            near = _distinct(_listed(self.rows, rows), len(allowed))
            near = near[allowed[near] & ~seen[near]]
            if count + len(near) > limit:
                near = near[np.argsort(price[near], kind="stable")[: limit - count]]
            seen[near] = True
            ring, count = near, count + len(near)
        return np.flatnonzero(seen)

    def with_sums(self, cells: np.ndarray) -> np.ndarray:
        """Add the sums that cells are part of, and theirs, as far as they may be hidden."""
        seen, fresh = np.zeros(len(self.open), dtype=bool), cells
        seen[cells] = True
        while len(fresh):
            rows = _distinct(_listed(self.columns, fresh), self.rows.shape[0])
            above = _distinct(self.sums[rows], len(seen))
            fresh = above[self.open[above] & ~seen[above]]
            seen[fresh] = True
        return np.flatnonzero(seen)

    def cheapest(self, requirement: Requirement, cells: np.ndarray, price: np.ndarray) -> Move | None:
        """Find the move within some cells that protects one of them at least cost; None if there is none."""
        cell, insider = requirement
        need = float(self.problem.need[cell]) if self.problem.primary[cell] else 1.0
        size, at = len(cells), int(np.searchsorted(cells, cell))
        low, high = np.zeros(2 * size), np.concatenate([np.full(size, np.inf), self.down[cells]])
        low[at], high[at], high[size + at] = need, need, 0.0
        if insider != NOBODY:
            high[np.flatnonzero(np.tile(cells == insider, 2))] = 0.0
        program = Program(
            self._up_and_down(cells), low=low, high=high, prices=np.concatenate([price[cells], price[cells]])
        )
        self.programs += 1
        if program.solve() == NEVER:
            return None
        found = program.found()
        move = whole(cells, found[:size] - found[size:])
        return move if move is not None and self._holds(move, requirement) else None

    def _up_and_down(self, cells: np.ndarray) -> sp.csc_matrix:
        """Give the relations of some cells, each cell twice: as what is added and as what is taken away."""
        lines = _listed(self.columns, cells)
        used = _distinct(lines, self.rows.shape[0])
        number = np.zeros(self.rows.shape[0], dtype=self.columns.indices.dtype)
        number[used] = np.arange(len(used))
        ends = np.cumsum(np.diff(self.columns.indptr)[np.r_[cells, cells]])
        signs = _listed(self.columns, cells, self.columns.data)
        return sp.csc_matrix(
            (np.r_[signs, -signs], np.tile(number[lines], 2), np.r_[0, ends]),
            shape=(len(used), 2 * len(cells)),
        )

    def _holds(self, move: Move, requirement: Requirement) -> bool:
        """Check in whole numbers what the solver found."""
        left = (self.problem.values[move.cells] - self.problem.least) * move.divisor + move.amounts
        balanced = not (self.columns[:, move.cells] @ move.amounts).any()
        return balanced and bool((left >= 0).all()) and protects(self.problem, move, requirement)


class Circuits:
    """A safe pattern in the making: what is hidden, and the move that proves each requirement."""

    def __init__(
        self, problem: Problem, *, ground: Ground | None = None, first: Literal["most", "least"] = "most"
    ) -> None:
        self.problem, self.first = problem, first
        self.ground = ground or Ground(problem)
        self.within = self._within
        self.cost = problem.cost.astype(float)
        self.hidden = problem.primary & (problem.values > 0)
        self.moves: dict[Requirement, Move] = {}
        self.users: dict[int, set[Requirement]] = {}
        self.barren, self.vain = [0] * (len(LADDER) + 1), [0] * len(WITHIN)

    @property
    def price(self) -> np.ndarray:
        """Give what hiding each cell would cost now."""
        return np.where(self.hidden, HIDDEN_ALREADY, self.cost)

    def total(self) -> int:
        """Give the cost of what is hidden besides the primary cells."""
        return int(self.problem.cost[self.hidden & ~self.problem.primary].sum())

    # ---- growing --------------------------------------------------------------------------------------------

    def grow(self, cells: Iterable[int] | None = None) -> None:
        """
        Protect every primary cell (or those given) that is not yet, those that need most (or least) first.

        Raises
        ------
        NotClosableError
            If hiding everything would not protect one.
        """
        need, values = self.problem.need, self.problem.values
        wanted = np.flatnonzero(self.problem.primary & (values > 0)) if cells is None else cells
        turn = -1 if self.first == "most" else 1
        for cell in sorted(
            (int(one) for one in wanted), key=lambda one: (turn * need[one], turn * values[one], one)
        ):
            self._protect((cell, NOBODY))
            for insider in self._relied(cell):
                self._protect((cell, insider))

    def settle(self) -> None:
        """Protect what is not protected yet, by hidden cells alone where that is possible."""
        for cell in np.flatnonzero(self.problem.primary & (self.problem.values > 0)).tolist():
            self._settle((cell, NOBODY))
            for insider in self._relied(cell):
                self._settle((cell, insider))

    def _settle(self, requirement: Requirement) -> None:
        move = None if requirement in self.moves else self.within(requirement, self.price)
        if move is not None:
            self._keep(requirement, move)
            self._share(move)
        self._protect(requirement)

    def take(self, requirement: Requirement, move: Move) -> None:
        """Hide what a move needs."""
        self.hidden[move.cells] = True
        self._keep(requirement, move)
        self._share(move)

    def _relied(self, cell: int) -> list[int]:
        """Name the insiders' cells that the proof of a cell moves."""
        if self.problem.alone is None:
            return []
        return [int(one) for one in self.moves[cell, NOBODY].cells if self.problem.alone[one] and one != cell]

    def _protect(self, requirement: Requirement) -> None:
        """Hide what is cheapest to protect one cell."""
        if requirement in self.moves:
            return
        price = self.price
        for rung, (limit, sums) in enumerate((*LADDER, (len(price), False))):
            if rung < len(LADDER) and self.barren[rung] >= BARREN:
                continue
            cells = self.ground.around(requirement[0], allowed=self.ground.open, price=price, limit=limit)
            if sums:
                cells = self.ground.with_sums(cells)
            move = self.ground.cheapest(requirement, cells, price)
            if move is not None:
                self.barren[rung] = -len(price)  # it leads somewhere in this table
                break
            self.barren[rung] += 1
        else:
            raise NotClosableError(requirement[0])
        self.take(requirement, move)

    def _share(self, move: Move) -> None:
        """Let a move prove whatever else it protects, in both directions."""
        for one in (move, turned(self.problem, move)):
            if one is None:
                continue
            for cell in one.cells[self.problem.primary[one.cells]]:
                requirement = (int(cell), NOBODY)
                if requirement not in self.moves and protects(self.problem, one, requirement):
                    self._keep(requirement, one)

    def _keep(self, requirement: Requirement, move: Move) -> None:
        self._forget(requirement)
        self.moves[requirement] = move
        for cell in move.cells.tolist():
            self.users.setdefault(cell, set()).add(requirement)

    def _forget(self, requirement: Requirement) -> None:
        old = self.moves.pop(requirement, None)
        if old is not None:
            for cell in old.cells.tolist():
                self.users[cell].discard(requirement)

    # ---- publishing again -----------------------------------------------------------------------------------

    def drop(self, cells: Iterable[int] | None = None) -> None:
        """Publish again what the proofs do not need, dearest first."""
        spare = np.flatnonzero(self.hidden & ~self.problem.primary) if cells is None else np.asarray(cells)
        if len(spare) > FEW:
            tied = nullspace.tied(self.problem.relations, self.hidden)
            unsafe = self.hidden & self.problem.primary
            spare = spare[~np.isin(tied[spare], tied[unsafe])]  # each of these alone computes an unsafe cell
        end = self.ground.programs + THINNING
        for cell in self._in_order(spare):
            if self.ground.programs >= end and self.users.get(cell):
                continue  # it is safe as it is, and perhaps dearer than need be
            self._publish(cell)
        self._publish_unused()

    def _publish_unused(self) -> None:
        """Publish again what no proof uses any more: it has none of its own."""
        for cell in np.flatnonzero(self.hidden & ~self.problem.primary).tolist():
            if not self.users.get(cell):
                self.hidden[cell] = False

    def _in_order(self, spare: np.ndarray) -> list[int]:
        """Put cells that may be published again in order: dearest first, of very many those of few proofs first."""
        many = np.zeros(len(self.cost), dtype=bool)
        if len(spare) > MANY:
            many[spare] = [len(self.users.get(int(one), ())) > PROOFS for one in spare]
        return sorted((int(one) for one in spare), key=lambda one: (many[one], -self.cost[one], one))

    def _publish(self, cell: int) -> bool:
        """Publish one cell if every proof that uses it can be replaced."""
        users = sorted(self.users.get(cell, ()))
        if users and self.problem.alone is not None:
            return False  # the proofs against insiders depend on each other; they are left as they are
        self.hidden[cell] = False
        found: dict[Requirement, Move] = {}
        price = np.where(self.problem.primary, HIDDEN_ALREADY, self.cost)
        for requirement in users:
            known = next((move for move in found.values() if self._fits(move, requirement)), None)
            move = known or self.within(requirement, price)
            if move is None:
                self.hidden[cell] = True
                return False
            found[requirement] = move
        for requirement, move in found.items():
            self._keep(requirement, move)
        return True

    def _fits(self, move: Move, requirement: Requirement) -> bool:
        return protects(self.problem, move, requirement)

    def _within(self, requirement: Requirement, price: np.ndarray) -> Move | None:
        """Look for a move among hidden cells only, near by first."""
        for rung, limit in enumerate(WITHIN):
            if rung + 1 < len(WITHIN) and self.vain[rung] >= BARREN:
                continue
            cells = self.ground.around(requirement[0], allowed=self.hidden, price=price, limit=limit)
            move = self.ground.cheapest(requirement, cells, price)
            self.vain[rung] += 1 if move is None else -len(price)
            if move is not None or len(cells) < limit:
                return move
        return None

    # ---- tearing down and building anew ---------------------------------------------------------------------

    def refine(self, rounds: int) -> None:
        """Tear down a part of the pattern and build it anew, `rounds` times; keep what became cheaper."""
        chance = np.random.default_rng(0)  # always the same chance: same table, same pattern
        for _ in range(rounds):
            spare = np.flatnonzero(self.hidden & ~self.problem.primary)
            if not len(spare):
                return
            self._rebuild(int(chance.choice(spare)), chance)

    def _rebuild(self, centre: int, chance: np.random.Generator) -> None:
        """Tear down around one cell and build anew with a little chance in the prices."""
        before = self.hidden.copy(), dict(self.moves), {cell: set(many) for cell, many in self.users.items()}
        cost = self.total()
        near = self.ground.around(centre, allowed=self.hidden, price=self.cost, limit=AROUND)
        gone = near[~self.problem.primary[near]]
        lost = {requirement for cell in gone for requirement in self.users.get(int(cell), ())}
        for requirement in lost:
            self._forget(requirement)
        self.hidden[gone] = False
        plain = self.cost
        self.cost = plain * chance.uniform(0.7, 1.3, len(plain))
        self.grow(sorted({cell for cell, _ in lost}))
        self.cost = plain
        self.drop(np.flatnonzero(self.hidden & ~before[0]))
        if self.total() >= cost:
            self.hidden, self.moves, self.users = before


def _sums(rows: sp.csr_matrix) -> np.ndarray:
    """Give for every relation the cell that is the sum of the others."""
    negative = rows.data < 0
    sums = np.zeros(rows.shape[0], dtype=np.int64)
    sums[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[negative]] = rows.indices[negative]
    return sums


def _listed(
    matrix: sp.csr_matrix | sp.csc_matrix, lines: np.ndarray, of: np.ndarray | None = None
) -> np.ndarray:
    """Give the indices that stand in some lines of a compressed matrix, or what `of` holds beside them."""
    starts, many = matrix.indptr[lines], np.diff(matrix.indptr)[lines]
    offsets = np.repeat(starts - np.r_[0, np.cumsum(many)[:-1]], many)
    return (matrix.indices if of is None else of)[offsets + np.arange(len(offsets))]


def _distinct(indices: np.ndarray, size: int) -> np.ndarray:
    """Give each index below `size` once, in order."""
    there = np.zeros(size, dtype=bool)
    there[indices] = True
    return np.flatnonzero(there)
