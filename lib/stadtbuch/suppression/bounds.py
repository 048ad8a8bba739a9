"""
A cost that no safe pattern falls below, for tables too large for the exact search.

Each relation is looked at by itself. Where it holds an unsafe cell that needs room, the other withheld cells of the
relation have to give that room together, and what one of them can give is known: as much as is asked in the
direction in which it grows, and down to what readers know in the other. Where it holds no unsafe cell, no withheld
cell may be the only one. These are the simplest cuts of Fischetti and Salazar-González (JASA 95, 2000); one linear
program over all of them gives the bound. It takes no pattern and no proof, so it says how dear a pattern is, whoever
found it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from stadtbuch.suppression.moves import Problem

TINY = 1e-9
WHOLE = 1e-6  # how far the solver's numbers may be from whole ones


def least_cost(problem: Problem) -> int:
    """
    Give a whole cost that every safe pattern has at least.

    Parameters
    ----------
    problem
        Relations, values, primaries, needs and costs.

    Examples
    --------
    A small cell, two larger ones and their total: one more has to go, and the cheapest costs 10.

    >>> table = Problem(sp.csr_matrix([[1, 1, 1, -1]]), np.array([2, 9, 14, 25]), np.array([True, False, False, False]),
    ...                 need=np.array([1, 0, 0, 0]), cost=np.array([3, 10, 15, 26]))
    >>> least_cost(table)
    10
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - a solver is loaded where one is needed

    unsafe = problem.primary & (problem.values > 0)
    free = problem.open & ~unsafe
    sums = _kept(sp.csr_matrix(problem.relations).astype(float), problem.open)
    room, company = _rooms(problem, sums, unsafe, free), _companies(sums, unsafe, free)
    rows = sp.vstack([room, company], format="csr")[:, np.flatnonzero(free)]
    if not room.shape[0] or not rows.shape[1]:
        return 0
    right = np.concatenate([np.ones(room.shape[0]), np.zeros(company.shape[0])])
    solved = linprog(problem.cost[free].astype(float), A_ub=-rows, b_ub=-right, bounds=(0, 1))
    return int(np.ceil(solved.fun - WHOLE)) if solved.status == 0 else 0


def _rooms(problem: Problem, sums: sp.csr_matrix, unsafe: np.ndarray, free: np.ndarray) -> sp.csr_matrix:
    """Write down for each unsafe cell in each relation that free cells give the room that is missing: 'at least 1'."""
    pairs = _kept(sums, unsafe).tocoo()
    rows = sums[pairs.row]
    many = np.diff(rows.indptr)
    need = np.maximum(problem.need[pairs.col], 1).astype(float)
    asked, sign, own = (np.repeat(one, many) for one in (need, pairs.data, pairs.col))
    down = (problem.values - problem.least)[rows.indices].astype(float)
    gives = np.where(rows.data * sign < 0, asked, np.minimum(asked, down))
    gives[rows.indices == own] = 0.0
    rows = sp.csr_matrix((gives, rows.indices, rows.indptr), shape=rows.shape)
    missing = need - rows @ unsafe.astype(float)
    short = missing > TINY
    rows, missing = _kept(rows[short], free), missing[short]
    missing = np.repeat(missing, np.diff(rows.indptr))
    rows.data = np.minimum(rows.data, missing) / missing
    return rows


def _companies(sums: sp.csr_matrix, unsafe: np.ndarray, free: np.ndarray) -> sp.csr_matrix:
    """Write down for each free cell in a relation without unsafe ones: the others in it, less the cell itself."""
    rows = _kept(abs(sums), free)[(abs(sums) @ unsafe.astype(float)) == 0]
    many = np.diff(rows.indptr)
    repeated = rows[np.repeat(np.arange(rows.shape[0]), many)]
    size = len(rows.indices)
    itself = sp.csr_matrix((np.full(size, 2.0), (np.arange(size), rows.indices)), shape=repeated.shape)
    return sp.csr_matrix(repeated - itself)


def _kept(rows: sp.csr_matrix, cells: np.ndarray) -> sp.csr_matrix:
    """Keep the entries of some cells only."""
    kept = sp.csr_matrix(rows @ sp.diags(cells.astype(float)))
    kept.eliminate_zeros()
    return kept
