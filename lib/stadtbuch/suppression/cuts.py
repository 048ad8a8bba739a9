"""
The exact search: the cheapest safe pattern, or a proven bound of how cheap one could be.

Method: the cut generation of Fischetti and Salazar-González (Models and algorithms for optimizing cell
suppression in tabular data with linear constraints, JASA 95, 2000). A master problem chooses cells at least
cost; an attack (a linear program per requirement) either finds a move or a set of cells of which more must be
hidden, and that becomes a new row of the master problem.

Moves are capped in every cell. In tables of one or two dimensions, one of them with a hierarchy, nothing is lost by
a cap at ``need[p]``: the relations are those of a network (each cell is an arc between its row and its column), so a
move is a sum of circuits with entries -1, 0, 1 of the same signs as the move. Those circuits that pass ``p`` carry
``d[p]`` in all, and no cell more than that. Circuits of more dimensions have larger entries, so there the cap is
`WIDER` times as high.

Everything is counted: nodes of the search, and steps of the simplex method. The solver runs without a time limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from stadtbuch.suppression.circuits import HIDDEN_ALREADY, Circuits
from stadtbuch.suppression.moves import NOBODY, Mask, Move, Requirement, protects, whole
from stadtbuch.suppression.solver import NEVER, Program

TOLERANCE = 1e-6  # of the solver's numbers, which stand for whole ones
TINY = 1e-9  # below that a weight in a cut is none
VIOLATED = 1e-3  # by how much a cut must be missed to count
EASE = 0.01  # how much of every cell is added when looking for hard cuts
ROUNDS = 60  # of the search in fractions, before whole numbers
STALLED = 3  # rounds in a row that raise the bound by less than a thousandth
FRACTIONS = 0.6  # how much of all steps the search in fractions may take
ROUND = 1000  # nodes that one search counts as at least: beginning it costs as much as many nodes
WIDER = 2  # times the need that a cell may move where relations are no network


@dataclass
class Budget:
    """How much may be searched: nodes of the master problem, and steps of all attacks together."""

    nodes: int
    steps: int
    opened: int = field(default=0)
    stepped: int = field(default=0)

    @property
    def is_spent(self) -> bool:
        """Say whether the search has to end."""
        return self.opened >= self.nodes or self.stepped >= self.steps


class Cuts:
    """The exact search's state: the cuts found so far, and the best pattern (held by `circuits`)."""

    def __init__(self, circuits: Circuits, budget: Budget) -> None:
        self.circuits, self.budget = circuits, budget
        problem = self.problem = circuits.problem
        self.cells = np.flatnonzero(problem.open)
        self.place = {int(cell): at for at, cell in enumerate(self.cells)}
        part = sp.csr_matrix(problem.relations)[:, self.cells].tocsr()
        self.relations = part[np.diff(part.indptr) > 0].astype(float)
        self.is_primary = problem.primary[self.cells] & (problem.values[self.cells] > 0)
        self.cost = np.where(self.is_primary, 0, problem.cost[self.cells]).astype(float)
        self.down = (problem.values[self.cells] - problem.least).astype(float)
        self.wider = 1 if is_network(problem.relations) else WIDER
        self.cuts: list[sp.csr_matrix] = []
        self.at_least: list[np.ndarray] = []
        self.bound = 0.0
        nothing = np.zeros(len(self.cells))
        self.attacks = Program(self.relations, low=nothing, high=nothing)
        both = sp.hstack([self.relations, -self.relations], format="csc")
        none = np.zeros(2 * len(self.cells))
        self.repairs = Program(both, low=none, high=none)
        self.free = ~self.is_primary
        self.requirements: list[Requirement] = self._exposed()

    @property
    def upper(self) -> int:
        """Give the cost of the best pattern."""
        return self.circuits.total()

    def search(self) -> bool:
        """Search for the cheapest pattern; True if the best one known is proven to be it."""
        if not self.upper or not self.requirements:
            return True
        self._restrict()
        self._row_cuts()
        best, stalled = 0.0, 0
        for _ in range(ROUNDS):
            weight = self._master(whole=False)
            if weight is None:
                return False
            if self._closed_gap():
                return True
            stalled = stalled + 1 if self.bound - best < 1e-3 * self.bound else 0
            best = self.bound
            if stalled >= STALLED or self._is_late() or not self._separate(weight):
                break
        return self._whole_rounds()

    def _adopt(self, trial: Circuits) -> None:
        """Take a safe pattern, thinned, as the best one if it is."""
        trial.drop()
        if trial.total() < self.upper:
            self.circuits.hidden, self.circuits.moves = trial.hidden, trial.moves
            self.circuits.users = trial.users
            self._restrict()

    def _is_late(self) -> bool:
        """Whether it is time for whole numbers: they find better patterns, fractions only better bounds."""
        return self.budget.is_spent or self.budget.stepped > FRACTIONS * self.budget.steps

    def _closed_gap(self) -> bool:
        """Whether no pattern can be cheaper: costs are whole."""
        return self.bound > self.upper - 1 + TOLERANCE

    def _restrict(self) -> None:
        """Cells that cost more than the best pattern are in none that is cheaper."""
        self.free = ~self.is_primary & (self.cost <= self.upper)

    def _exposed(self) -> list[Requirement]:
        """Name the requirements that the primary cells alone do not fulfil; the others hold in every pattern."""
        alone = self.is_primary.astype(float)
        exposed = []
        for requirement in sorted(self.circuits.moves):
            if not self.problem.primary[requirement[0]]:
                continue
            reached, _ = self._push(requirement, alone)
            if reached < self._need(requirement) - TOLERANCE:
                exposed.append(requirement)
        return exposed

    def _need(self, requirement: Requirement) -> float:
        return float(self.problem.need[requirement[0]])

    # ---- attacks ----------------------------------------------------------------------------------------

    def _push(self, requirement: Requirement, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """Push one cell as far as a choice of cells lets it; gives how far, and the bounds' weights: a cut."""
        cell, insider = self.place[requirement[0]], requirement[1]
        cap = self._need(requirement) * self.wider
        down, up = np.minimum(self.down, cap), np.full(len(self.cells), cap)
        up[cell] = self._need(requirement)
        if insider != NOBODY:
            down[self.place[insider]] = up[self.place[insider]] = 0.0
        self.attacks.bounds(-down * weight, up * weight)
        self.attacks.price(cell, -1.0)
        reached = self.attacks.solve()
        self.budget.stepped += self.attacks.steps
        self.attacks.price(cell, 0.0)
        if reached == NEVER:
            return 0.0, np.zeros(len(self.cells))
        prices = self.attacks.duals()
        return -reached, np.maximum(np.where(prices > 0, prices * down, -prices * up), 0.0)

    def _move(self, requirement: Requirement, pattern: Mask) -> Move | None:
        """Find a move within a pattern that fulfils a requirement; None if there is none."""
        reached, _ = self._push(requirement, pattern.astype(float))
        if reached < self._need(requirement) - TOLERANCE:
            return None
        move = whole(self.cells, self.attacks.found())
        return move if move is not None and protects(self.problem, move, requirement) else None

    def _cheapest(self, requirement: Requirement, pattern: Mask) -> Move | None:
        """Find the move that fulfils a requirement at least cost; what is hidden already costs nothing."""
        cell, size = self.place[requirement[0]], len(self.cells)
        price = np.where(pattern, HIDDEN_ALREADY, self.cost)
        low, high = np.zeros(2 * size), np.concatenate([np.full(size, np.inf), self.down])
        low[cell] = high[cell] = self._need(requirement)
        high[size + cell] = 0.0
        if requirement[1] != NOBODY:
            insider = self.place[requirement[1]]
            high[[insider, size + insider]] = 0.0
        self.repairs.prices(np.concatenate([price, price]))
        self.repairs.bounds(low, high)
        if self.repairs.solve() == NEVER:
            return None
        self.budget.stepped += self.repairs.steps
        found = self.repairs.found()
        move = whole(self.cells, found[:size] - found[size:])
        return move if move is not None and protects(self.problem, move, requirement) else None

    # ---- the master problem -----------------------------------------------------------------------------

    def _master(self, *, whole: bool) -> np.ndarray | None:
        """Choose cells at least cost such that every cut holds; raises the bound, gives the choice."""
        left = max(0, self.budget.nodes - self.budget.opened)
        solved = milp(
            self.cost,
            constraints=self._rows(),
            integrality=np.full(len(self.cells), int(whole)),
            bounds=Bounds(self.is_primary.astype(float), (self.is_primary | self.free).astype(float)),
            options={"node_limit": left, "mip_rel_gap": 0.0} if whole else {},
        )
        self.budget.opened += max(ROUND, int(solved.mip_node_count or 0)) if whole else 0
        if whole and solved.mip_dual_bound is not None and np.isfinite(solved.mip_dual_bound):
            self.bound = max(self.bound, float(solved.mip_dual_bound))
        if solved.status != 0:
            return None
        self.bound = max(self.bound, float(solved.fun))
        return solved.x

    def _rows(self) -> list[LinearConstraint]:
        """Give all cuts found so far."""
        if not self.cuts:
            return []
        return [LinearConstraint(sp.vstack(self.cuts, format="csr"), lb=np.concatenate(self.at_least))]

    def _whole_rounds(self) -> bool:
        """Solve the master problem in whole numbers until its pattern withstands every attack."""
        while not self.budget.is_spent:
            weight = self._master(whole=True)
            if weight is None:
                return self._closed_gap()
            if self._closed_gap():
                return True
            if self._mend(np.round(weight) > 0.5):
                return True
        return False

    def _mend(self, pattern: Mask) -> bool:
        """
        Attack a pattern, note each gap as a cut, and close it at least cost before the next attack.

        A cut that a larger pattern violates is violated by the pattern too, so one round gives many different
        cuts, and a safe pattern besides. Returns whether the pattern has no gap.
        """
        trial = Circuits(self.problem, ground=self.circuits.ground)
        trial.within = lambda requirement, price: self._move(requirement, trial.hidden[self.cells])
        trial.hidden[self.cells[pattern]] = True
        missed = False
        for requirement in self.requirements:
            hidden = trial.hidden[self.cells]
            reached, _ = self._push(requirement, hidden.astype(float))
            if reached >= self._need(requirement) - TOLERANCE:
                continue
            missed = True
            self._cut_off(requirement, hidden.astype(float))
            move = self._cheapest(requirement, hidden)
            if move is not None:
                trial.take(requirement, move)
        trial.settle()
        self._adopt(trial)
        return not missed and self._closed_gap()

    # ---- cuts -------------------------------------------------------------------------------------------

    def _separate(self, weight: np.ndarray) -> bool:
        """Attack every exposed requirement under a fractional choice of cells; True if a new cut was found."""
        found = [self._cut_off(one, weight, both=False) for one in self.requirements]
        return True in found or True in [self._cut_off(one, weight) for one in self.requirements]

    def _cut_off(self, requirement: Requirement, weight: np.ndarray, *, both: bool = True) -> bool:
        """
        Attack one requirement under a choice of cells and keep the cut that the choice violates; True if there
        is one.

        A choice often falls short of several cuts at once. Attacking it with a little of every cell added
        leads to the one that is hardest to mend elsewhere; only where that finds nothing is the choice
        itself attacked.
        """
        if self.budget.stepped >= self.budget.steps:
            return False
        need = self._need(requirement)
        for eased in (np.minimum(1.0, weight + EASE), weight)[: 1 + both]:
            reached, cut = self._push(requirement, eased)
            if reached < need * (1 - VIOLATED) and self._add(cut, need, weight):
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
        self._note(sp.csr_matrix(row), np.ones(1))
        return True

    def _note(self, rows: sp.csr_matrix, at_least: np.ndarray) -> None:
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
            many = 1 if primaries else len(free)
            if primaries > 1 or not many:
                continue
            lines, columns = np.divmod(np.arange(many * len(free)), max(1, len(free)))
            amounts = np.where((lines == columns) & (primaries == 0), -1.0, 1.0)
            self._note(
                sp.csr_matrix((amounts, (lines, free[columns])), shape=(many, len(self.cells))),
                np.full(many, float(primaries)),
            )


def is_network(relations: sp.csr_matrix) -> bool:
    """
    Whether the relations are surely those of a network: every cell stands in at most two of them, with two signs.

    Rows may be multiplied by -1 to get there; that is tried along the relations that share cells. False may also
    mean that it was not found.

    Examples
    --------
    >>> is_network(sp.csr_matrix([[1, 1, -1]]))
    True
    """
    columns = sp.csc_matrix(relations)
    many = np.diff(columns.indptr)
    if (many > 2).any():
        return False
    pairs = np.flatnonzero(many == 2)
    starts = columns.indptr[pairs]
    first, second = columns.indices[starts], columns.indices[starts + 1]
    same = columns.data[starts] == columns.data[starts + 1]
    return _two_sides(relations.shape[0], first, second, same)


def _two_sides(rows: int, first: np.ndarray, second: np.ndarray, turn: np.ndarray) -> bool:
    """Whether signs can be given to rows: pairs marked `turn` get different ones, the others the same."""
    doubled = sp.coo_matrix(
        (
            np.ones(2 * len(first)),
            (
                np.concatenate([first, first + rows]),
                np.concatenate([second + rows * turn, second + rows * ~turn]),
            ),
        ),
        shape=(2 * rows, 2 * rows),
    )
    _, label = sp.csgraph.connected_components(doubled, directed=False)
    return bool((label[:rows] != label[rows:]).all())
