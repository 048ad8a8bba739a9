"""
Secondary suppression: hide as little as possible such that no hidden cell can be recomputed.

A table is an additive system ``M x = 0`` over its cells (inner cells and margins alike), ``x`` whole numbers.
The attacker knows every published cell, the relations, that counts are whole, and that a hidden cell is at
least 1, because zeros are published. A *move* of a pattern is an integer vector ``d`` with ``M d = 0``
that is 0 on published cells and leaves every hidden cell at 1 or more: ``x + d`` is then another table
that looks the same to the attacker. A primary cell ``p`` is protected if there is a move with ``d[p] >=
need[p]``; a secondary cell if some move changes it at all.

Method: the cut generation of Fischetti and Salazar-González (Models and algorithms for optimizing cell
suppression in tabular data with linear constraints, JASA 95, 2000). A master problem chooses cells at least
cost; an attack (a linear program per primary) either finds a move or a set of cells of which more must be
hidden, and that becomes a new row of the master problem.

Moves are capped at ``need[p]`` in every cell. In tables of one or two dimensions nothing is lost by that: the
relations are those of a network (each cell is an arc between its row and its column), so a move is a sum of
circuits with entries -1, 0, 1 of the same signs as the move. Those circuits that pass ``p`` carry ``d[p]`` in
all, and no cell more than that. Circuits of three and more dimensions have larger entries; there the cap
would be a restriction (still safe, but perhaps dearer than needed).

Everything is deterministic: cells come in the order of their labels, the solver runs without a time limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from stadtbuch.privacy.solver import NEVER, Program

Mask = np.ndarray
Move = np.ndarray
Moves = dict[int, np.ndarray]

TOLERANCE = 1e-6  # of the solver's numbers, which stand for whole ones
TINY = 1e-9  # below that a weight in a cut is none
VIOLATED = 1e-3  # by how much a cut must be missed to count
EASE = 0.01  # how much of every cell is added when looking for hard cuts
ROUNDS = 60  # of the search in fractions, before whole numbers
ROUND = 1000  # nodes that one search counts as at least: beginning it costs as much as many nodes


@dataclass(frozen=True)
class Problem:
    """
    What is to be protected.

    Parameters
    ----------
    relations
        Sparse matrix (relations x cells) of -1, 0, 1 with ``relations @ values == 0``.
    values
        Whole counts per cell, none negative.
    primary
        Which cells are hidden by rule.
    need
        How far the attacker must be left to overestimate a primary cell; at least 1 there.
    cost
        What hiding a cell costs, whole numbers above 0.
    """

    relations: sp.csr_matrix
    values: np.ndarray
    primary: Mask
    need: np.ndarray
    cost: np.ndarray


@dataclass(frozen=True)
class Pattern:
    """
    Which cells are hidden, and for each of them a move that proves it.

    `moves` maps a hidden cell's index to an integer move that changes it (by ``need`` or more for primaries);
    `optimal` says whether no cheaper pattern exists; `nodes` how many the search opened.
    """

    hidden: Mask
    moves: dict[int, Move] = field(repr=False)
    optimal: bool
    nodes: int


class NotClosableError(Exception):
    """No pattern protects the cell of this index, whatever is hidden besides."""

    def __init__(self, cell: int) -> None:
        super().__init__("no pattern protects this cell")
        self.cell = cell


def close(problem: Problem, *, node_limit: int) -> Pattern:
    """
    Find the cheapest pattern that protects every hidden cell.

    Parameters
    ----------
    problem
        Relations, values, primaries, needs and costs; cells in the order of their labels.
    node_limit
        How many branch-and-bound nodes the search may open in all. When they are used up the best pattern
        known is returned with ``optimal=False``.

    Raises
    ------
    NotClosableError
        If even hiding every cell above zero leaves a primary unprotected.

    Examples
    --------
    Two cells and their total; one cell is too small, so the other one has to go with it:

    >>> table = Problem(sp.csr_matrix([[1, 1, -1]]), np.array([2, 9, 11]), np.array([True, False, False]),
    ...                 need=np.array([1, 0, 0]), cost=np.array([3, 10, 24]))
    >>> close(table, node_limit=100).hidden.tolist()
    [True, True, False]
    """
    hidden = problem.primary & (problem.values > 0)
    if not hidden.any():
        return Pattern(hidden, {}, optimal=True, nodes=0)
    search = _Search(problem)
    search.start()
    optimal = search.improve(node_limit)
    return Pattern(search.best, search.proofs(), optimal=optimal, nodes=search.nodes)


def proven(problem: Problem, pattern: Pattern) -> list[int]:
    """
    Check every proof of a pattern in whole numbers, without a solver; give the cells whose proof fails.

    Independent of the search: it uses the relations, the values and the moves only.
    """
    return [int(cell) for cell in np.flatnonzero(pattern.hidden) if not _holds(problem, pattern, int(cell))]


def _holds(problem: Problem, pattern: Pattern, cell: int) -> bool:
    """Whether the move of one hidden cell is a move, and a large enough one."""
    move = pattern.moves.get(cell)
    if move is None or move.shape != problem.values.shape or not np.issubdtype(move.dtype, np.integer):
        return False
    balanced = not (problem.relations.astype(np.int64) @ move).any()
    stays = not move[~pattern.hidden].any() and bool(((problem.values + move)[pattern.hidden] >= 1).all())
    enough = move[cell] >= max(1, problem.need[cell]) if problem.primary[cell] else move[cell] != 0
    return bool(balanced and stays and enough)


class _Search:
    """The search's state: cuts found so far, the best pattern, and the moves that protect it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.open = np.flatnonzero(problem.values > 0)
        relations = problem.relations[:, self.open].tocsr()
        self.relations = relations[np.diff(relations.indptr) > 0].astype(float)
        self.values = problem.values[self.open].astype(float)
        self.cost = np.where(problem.primary[self.open], 0, problem.cost[self.open]).astype(float)
        self.is_primary = problem.primary[self.open]
        self.primaries = [int(cell) for cell in np.flatnonzero(self.is_primary)]
        self.need = problem.need[self.open].astype(float)
        self.cuts: list[sp.csr_matrix] = []
        self.at_least: list[np.ndarray] = []
        self.nodes = 0
        self.chosen = self.is_primary.copy()
        self.moves: Moves = {}
        self.exposed: list[int] = []
        nothing = np.zeros(len(self.open))
        self.attacks = Program(self.relations, low=nothing, high=nothing)
        both = sp.hstack([self.relations, -self.relations], format="csc")
        self.repairs = Program(both, low=np.zeros(2 * len(self.open)), high=np.zeros(2 * len(self.open)))

    # ---- the best pattern -------------------------------------------------------------------------------

    @property
    def best(self) -> Mask:
        """Give the best pattern over all cells of the table."""
        hidden = np.zeros(len(self.problem.values), dtype=bool)
        hidden[self.open[self.chosen]] = True
        return hidden

    def proofs(self) -> dict[int, Move]:
        """Give a move for every hidden cell, in whole numbers over all cells of the table."""
        moves: Moves = dict(self.moves)
        for cell in np.flatnonzero(self.chosen):
            if int(cell) not in moves:
                found = next((move for move in self.moves.values() if abs(move[cell]) > 0.5), None)
                moves[int(cell)] = found if found is not None else self._any_move(int(cell))
        return {int(self.open[cell]): self._whole(move) for cell, move in moves.items()}

    def _whole(self, move: np.ndarray) -> Move:
        whole = np.zeros(len(self.problem.values), dtype=np.int64)
        whole[self.open] = np.round(move).astype(np.int64)
        return whole

    def _any_move(self, cell: int) -> np.ndarray:
        """Look for a move that changes a secondary cell up or down; all zeros if there is none."""
        for sign in (1.0, -1.0):
            move = self._move_within(cell, self.chosen, cap=1.0, sign=sign)
            if abs(move[cell]) > 0.5:
                return move
        return np.zeros(len(self.open))

    # ---- attacks ----------------------------------------------------------------------------------------

    def _move_within(self, cell: int, pattern: Mask, *, cap: float, sign: float = 1.0) -> np.ndarray:
        """Push one cell as far as a pattern lets it, at most by `cap`; gives the move."""
        _, move = self._pushed(cell, pattern.astype(float), cap=cap, sign=sign)
        return move

    def _pushed(
        self, cell: int, weight: np.ndarray, *, cap: float, sign: float = 1.0
    ) -> tuple[float, np.ndarray]:
        """Push one cell as far as a choice of cells lets it; gives how far, and the move."""
        down = np.minimum(self.values - 1, cap)
        self.attacks.bounds(-down * weight, cap * weight)
        self.attacks.price(cell, -sign)
        reached = self.attacks.solve()
        self.attacks.price(cell, 0.0)
        if reached == NEVER:
            return 0.0, np.zeros(len(self.open))
        return -reached, self.attacks.found()

    def _attack(self, cell: int, weight: np.ndarray, *, cap: float) -> tuple[float, np.ndarray]:
        """
        Push one cell as far as a choice in fractions lets it, at most by `cap`.

        Returns how far it went, and the cut: weights of which every good pattern hides enough.
        """
        reached, _ = self._pushed(cell, weight, cap=cap)
        prices = self.attacks.duals()
        down = np.minimum(self.values - 1, cap)
        return reached, np.maximum(np.where(prices > 0, prices * down, -prices * cap), 0.0)

    # ---- a first pattern --------------------------------------------------------------------------------

    def start(self) -> None:
        """
        Find a good pattern quickly: the cheapest move for each primary in turn, then drop what is not needed.

        A primary that the primaries alone protect keeps that move in every pattern; the others are exposed.
        """
        alone = self.is_primary.copy()
        for cell in self.primaries:
            self.moves[cell] = self._move_within(cell, alone, cap=self.need[cell])
        self.exposed = [cell for cell in self.primaries if not self._is_enough(cell, self.moves[cell])]
        for cell in self.exposed:
            self.moves[cell] = self._cheapest_move(cell, self.chosen)
            self.chosen |= np.abs(self.moves[cell]) > 0.5
        self._drop()

    def _is_enough(self, cell: int, move: np.ndarray) -> bool:
        """Whether a move protects one primary."""
        return bool(move[cell] >= self.need[cell] - TOLERANCE)

    def _cheapest_move(self, cell: int, pattern: Mask) -> np.ndarray:
        """
        Find the move that protects one primary at least cost; cells that are hidden already cost
        nothing.
        """
        cap, size = self.need[cell], len(self.open)
        price = np.where(pattern, 0.0, self.cost)
        down = np.minimum(self.values - 1, cap)
        top = np.concatenate([np.full(size, cap), down])
        low = np.zeros(2 * size)
        low[cell] = cap
        top[size + cell] = 0.0
        self.repairs.prices(np.concatenate([price, price]))
        self.repairs.bounds(low, top)
        if self.repairs.solve() == NEVER:
            raise NotClosableError(int(self.open[cell]))
        found = self.repairs.found()
        return found[:size] - found[size:]

    def _drop(self) -> None:
        """Publish again what the best pattern does not need, dearest first."""
        self.chosen, self.moves = self._thinned(self.chosen, self.moves)

    def _thinned(self, pattern: Mask, moves: Moves) -> tuple[Mask, Moves]:
        """Take from a safe pattern, dearest first, every cell without which it stays safe."""
        spare = [int(cell) for cell in np.flatnonzero(pattern & ~self.is_primary)]
        for cell in sorted(spare, key=lambda one: (-self.cost[one], one)):
            without = pattern.copy()
            without[cell] = False
            fitting = self._moves_within(without, moves)
            if fitting is not None:
                pattern, moves = without, fitting
        return pattern, moves

    def _moves_within(self, pattern: Mask, known: Moves) -> Moves | None:
        """
        Give a move for every primary inside a pattern, keeping known ones that fit; None if one has
        none.
        """
        moves: Moves = {}
        for cell in self.primaries:
            old = known.get(cell)
            if old is not None and not (np.abs(old[~pattern]) > 0.5).any():
                moves[cell] = old
                continue
            move = self._move_within(cell, pattern, cap=self.need[cell])
            if not self._is_enough(cell, move):
                return None
            moves[cell] = move
        return moves

    # ---- the exact search -------------------------------------------------------------------------------

    def improve(self, node_limit: int) -> bool:
        """Search for the cheapest pattern; True if the best one known is proven to be it."""
        self.upper = float(self.cost[self.chosen].sum())
        if not self.upper:
            return True
        self.free = ~self.is_primary & (self.cost <= self.upper)
        self._row_cuts()
        for _ in range(ROUNDS):
            weight, bound = self._master(whole=False, nodes=0)
            if weight is None or bound is None or bound > self.upper - 1 + TOLERANCE:
                return weight is not None
            if not self._separate(weight):
                break
        return self._whole_rounds(node_limit)

    def _whole_rounds(self, node_limit: int) -> bool:
        """Solve the master problem in whole numbers until its pattern withstands every attack."""
        while self.nodes < node_limit:
            weight, bound = self._master(whole=True, nodes=node_limit - self.nodes)
            if weight is None or bound is None:
                return False
            if bound > self.upper - 1 + TOLERANCE:
                return True
            pattern = np.round(weight) > 0.5
            mended = self._mend(pattern)
            self._adopt(mended)
            if mended is pattern:
                return True
        return False

    def _mend(self, pattern: Mask) -> Mask:
        """
        Attack a pattern, note each gap as a cut, and close it at least cost before the next attack.

        A cut that a larger pattern violates is violated by the pattern too, so one round gives many different
        cuts, and a safe pattern besides. Returns the pattern itself if it has no gap.
        """
        grown = pattern
        for cell in self.exposed:
            if self._is_enough(cell, self._move_within(cell, grown, cap=self.need[cell])):
                continue
            self._cut_off(cell, grown.astype(float))
            grown = grown | (np.abs(self._cheapest_move(cell, grown)) > 0.5)
        return grown

    def _adopt(self, pattern: Mask) -> None:
        """Take a safe pattern, thinned, as the best one if it is."""
        moves = self._moves_within(pattern, self.moves)
        if moves is None:
            return
        pattern, moves = self._thinned(pattern, moves)
        cost = float(self.cost[pattern].sum())
        if cost < self.upper:
            self.chosen, self.moves, self.upper = pattern, moves, cost
            self.free = ~self.is_primary & (self.cost <= cost)

    def _master(self, *, whole: bool, nodes: int) -> tuple[np.ndarray | None, float | None]:
        """
        Choose cells at least cost such that every cut holds; gives the choice and a lower bound of the
        cost.
        """
        solved = milp(
            self.cost,
            constraints=self._constraints(),
            integrality=np.full(len(self.open), int(whole)),
            bounds=Bounds(self.is_primary.astype(float), (self.is_primary | self.free).astype(float)),
            options={"node_limit": nodes, "mip_rel_gap": 0.0} if whole else {},
        )
        self.nodes += max(ROUND, int(solved.mip_node_count or 0)) if whole else 0
        if solved.status != 0:
            return None, None
        return solved.x, float(solved.fun)

    def _constraints(self) -> list[LinearConstraint]:
        """Give all cuts found so far."""
        if not self.cuts:
            return []
        return [LinearConstraint(sp.vstack(self.cuts, format="csr"), lb=np.concatenate(self.at_least))]

    def _separate(self, weight: np.ndarray) -> bool:
        """Attack every exposed primary under a fractional choice of cells; True if a new cut was found."""
        found = [self._cut_off(cell, weight, both=False) for cell in self.exposed]
        return True in found or True in [self._cut_off(cell, weight) for cell in self.exposed]

    def _cut_off(self, cell: int, weight: np.ndarray, *, both: bool = True) -> bool:
        """
        Attack one primary under a choice of cells and keep the cut that the choice violates; True if there
        is one.

        A choice often falls short of several cuts at once. Attacking it with a little of every cell added
        leads to the one that is hardest to mend elsewhere; only where that finds nothing is the choice
        itself attacked.
        """
        need = self.need[cell]
        for eased in (np.minimum(1.0, weight + EASE), weight)[: 1 + both]:
            reach, cut = self._attack(cell, eased, cap=need)
            if reach < need * (1 - VIOLATED) and self._add(cut, need, weight):
                return True
        return False

    def _add(self, cut: np.ndarray, need: float, weight: np.ndarray) -> bool:
        """Add one cut: what primaries contribute is subtracted, the rest scaled to 'at least 1'."""
        rest = need - cut[self.is_primary].sum()
        if rest <= TOLERANCE:
            return False
        row = np.where(self.free, np.minimum(cut, rest) / rest, 0.0)
        row[row < TINY] = 0.0
        if row @ weight >= 1 - VIOLATED:
            return False
        self._keep(sp.csr_matrix(row), np.ones(1))
        return True

    def _keep(self, rows: sp.csr_matrix, at_least: np.ndarray) -> None:
        self.cuts.append(rows)
        self.at_least.append(at_least)

    def _row_cuts(self) -> None:
        """
        Start with what is plain: no relation may hold a single hidden cell.

        Where it holds one primary, another cell must go with it; where it holds none, each cell needs
        another one.
        """
        for row in range(self.relations.shape[0]):
            cells = self.relations.indices[self.relations.indptr[row] : self.relations.indptr[row + 1]]
            free = cells[self.free[cells]]
            primaries = int(self.is_primary[cells].sum())
            ones = np.zeros((1 if primaries else len(free), len(self.open)))
            if primaries > 1 or not ones.size:
                continue
            ones[:, free] = 1.0
            if not primaries:
                ones[np.arange(len(free)), free] = -1.0
            self._keep(sp.csr_matrix(ones), np.full(len(ones), float(primaries)))
