"""
Secondary suppression: hide as little as possible such that no hidden cell can be recomputed.

A table is an additive system over its cells (see `moves`). The attacker knows every published cell, the relations,
and that a hidden cell is at least 1 where zeros are published. A primary cell is protected if there is a move that
raises it as far as it needs; a secondary cell if some move changes it at all.

A pattern is first grown from the cheapest circuits (`circuits`), thinned and rebuilt; where the table is small
enough the exact search (`cuts`) then proves the cheapest pattern or says how far it may be off; where it is larger,
the pattern is grown in two orders. Whatever found it,
`proven` checks it in whole numbers and without a solver.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stadtbuch.suppression.bounds import least_cost
from stadtbuch.suppression.circuits import Circuits, Ground, NotClosableError
from stadtbuch.suppression.cuts import Budget, Cuts
from stadtbuch.suppression.moves import NOBODY, Move, Pattern, Problem, proven

__all__ = ["Move", "NotClosableError", "Pattern", "Problem", "close", "proven"]

EXACT = 3000  # cells that the exact search takes on
STEPS = 40  # of the simplex method, for each node that may be opened
REBUILT = 40  # parts of the pattern that are built anew at least where the exact search is not enough
A_PART = 80  # cells of the table per such part, where that makes more of them
ORDERS: tuple[Literal["most", "least"], ...] = ("most", "least")
WORTH_IT = 20_000  # cells up to which the search begins twice, and parts are built anew


def close(problem: Problem, *, node_limit: int) -> Pattern:
    """
    Find the cheapest pattern that protects every hidden cell, or one that is nearly that.

    Parameters
    ----------
    problem
        Relations, values, primaries, needs and costs; cells in the order of their labels.
    node_limit
        How many branch-and-bound nodes the search may open in all. When they are used up the best pattern
        known is returned with ``optimal=False`` and the bound that is proven.

    Raises
    ------
    NotClosableError
        If even hiding every cell that may be hidden leaves a primary unprotected.

    Examples
    --------
    Two cells and their total; one cell is too small, so the other one has to go with it:

    >>> import scipy.sparse as sp
    >>> table = Problem(sp.csr_matrix([[1, 1, -1]]), np.array([2, 9, 11]), np.array([True, False, False]),
    ...                 need=np.array([1, 0, 0]), cost=np.array([3, 10, 24]))
    >>> close(table, node_limit=100).hidden.tolist()
    [True, True, False]
    """
    if not (problem.primary & (problem.values > 0)).any():
        return Pattern(np.zeros(len(problem.values), dtype=bool), {}, optimal=True, nodes=0)
    size, budget = int(problem.open.sum()), Budget(node_limit, node_limit * STEPS)
    circuits = _begun(problem, twice=EXACT < size <= WORTH_IT)
    optimal, bound = False, 0.0
    if size <= EXACT:
        cuts = Cuts(circuits, budget)
        optimal, bound = cuts.search(), cuts.bound
    if not optimal and size <= WORTH_IT and node_limit:
        circuits.refine(max(REBUILT, size // A_PART))
    _prove_secondaries(circuits)
    best = circuits.total()
    if not optimal:
        bound = max(bound, least_cost(problem))
        optimal = bound > best - 1 + 1e-6
    return Pattern(
        circuits.hidden,
        circuits.moves,
        optimal=optimal,
        nodes=budget.opened,
        bound=best if optimal else int(np.ceil(bound - 1e-6)),
    )


def _begun(problem: Problem, *, twice: bool) -> Circuits:
    """Grow a pattern and thin it; twice means also the other way round, those first that need least: which is better
    differs from table to table.
    """
    ground = Ground(problem)
    grown = []
    for first in ORDERS[: 1 + twice]:
        one = Circuits(problem, ground=ground, first=first)
        one.grow()
        one.drop()
        grown.append(one)
    return min(grown, key=Circuits.total)


def _prove_secondaries(circuits: Circuits) -> None:
    """Give every secondary cell a move that changes it: one of those that protect the primaries."""
    known = list(circuits.moves.values())
    for move in known:
        for cell in move.cells.tolist():
            circuits.moves.setdefault((cell, NOBODY), move)
