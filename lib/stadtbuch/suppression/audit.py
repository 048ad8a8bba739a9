"""
The audit: what an attacker can compute from what is published, by linear programs on published values only.

It knows nothing of how a pattern was found and takes none of its proofs. Where a withheld value is the only unknown
of a sum it is computed; what is left falls into blocks that share no sum, and in each block every unknown is made
as small and as large as the sums allow. Handbook on Statistical Disclosure Control (ESSnet), 4.3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from stadtbuch.suppression import nullspace
from stadtbuch.suppression.moves import Mask, Problem
from stadtbuch.suppression.safety import CLOSE
from stadtbuch.suppression.solver import NEVER, UNBOUNDED, Program


class ContradictionError(Exception):
    """The published numbers do not fit together."""


def intervals(
    relations: sp.csr_matrix, published: np.ndarray, hidden: Mask, *, least: int, asked: Mask | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """
    Give the smallest and the largest value that each cell can have.

    Parameters
    ----------
    relations
        Per row the parts of a sum as 1 and the sum as -1.
    published
        The values of all cells; what stands under hidden ones is not read.
    hidden
        Which cells are withheld.
    least
        What readers know of every withheld value: 1 where zeros are published, else 0.
    asked
        For which cells the interval shall be exact; for the others it may be too narrow. All unless said.

    Returns
    -------
    tuple
        Lower and upper ends, ``inf`` where there is none; both the value itself where it is published.

    Raises
    ------
    ContradictionError
        If the published numbers fit no table.

    Examples
    --------
    >>> low, high = intervals(sp.csr_matrix([[1, 1, 1, -1]]), np.array([0, 0, 5, 9]),
    ...                       np.array([True, True, False, False]), least=1)
    >>> low.tolist(), high.tolist()
    ([1.0, 1.0, 5.0, 9.0], [3.0, 3.0, 5.0, 9.0])
    """
    return _bounds(relations, published, hidden, least=least, asked=hidden if asked is None else asked)


def exposed(problem: Problem, hidden: Mask) -> list[int]:
    """
    Name the withheld cells that the attacker knows too well: small ones whose upper end is too low, and any that
    is exact.

    What follows by algebra is looked for first, by another method (`nullspace`); if there is any, it is the answer.
    Then linear programs ask for more: they stop for each cell as soon as tables are found that show the room.
    """
    computed = nullspace.computed(problem.relations, hidden)
    if computed.any():
        return [int(cell) for cell in np.flatnonzero(computed)]
    need = np.where(problem.primary, np.maximum(problem.need, 1), 0)
    low, high = _bounds(
        problem.relations,
        problem.values,
        hidden,
        least=problem.least,
        asked=hidden,
        enough=(problem.values + need, problem.primary),
    )
    short = hidden & problem.primary & (high < problem.values + need - CLOSE)
    exact = hidden & (high < low + 1 - CLOSE)
    return [int(cell) for cell in np.flatnonzero(short | exact)]


def _bounds(
    relations: sp.csr_matrix,
    published: np.ndarray,
    hidden: Mask,
    *,
    least: int,
    asked: Mask,
    enough: tuple[np.ndarray, Mask] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute what follows directly, then search block by block."""
    rows = sp.csr_matrix(relations).astype(float)
    known = np.where(hidden, 0, published).astype(float)
    unknown = hidden.copy()
    _compute(rows, known, unknown)
    low, high = known.copy(), known.copy()
    low[unknown], high[unknown] = np.inf, -np.inf
    right = -(rows @ known)
    for cells, lines in _blocks(rows, unknown):
        aims = cells[asked[cells]]
        if len(aims):
            _search(rows[lines][:, cells], right[lines], cells, aims, least, low, high, enough)
    return low, high


def _compute(rows: sp.csr_matrix, known: np.ndarray, unknown: Mask) -> None:
    """Work out every value that is the only unknown of a sum, again and again."""
    pattern = abs(rows)
    while True:
        alone = np.flatnonzero(pattern @ unknown == 1)
        if not len(alone):
            return
        for row in alone.tolist():
            here = slice(rows.indptr[row], rows.indptr[row + 1])
            cells, signs = rows.indices[here], rows.data[here]
            open_ = unknown[cells]
            if open_.sum() == 1:
                known[cells[open_]] = -(signs[~open_] @ known[cells[~open_]]) / signs[open_]
                unknown[cells[open_]] = False


def _blocks(rows: sp.csr_matrix, unknown: Mask) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split the unknown cells into groups that share no sum; give the cells and the sums of each."""
    cells = np.flatnonzero(unknown)
    part = rows[:, cells].tocsr()
    lines = np.flatnonzero(np.diff(part.indptr))
    part = part[lines]
    count, label = connected_components(sp.bmat([[None, part], [part.T, None]]), directed=False)
    of_line, of_cell = label[: len(lines)], label[len(lines) :]
    for group in range(count):
        yield cells[of_cell == group], lines[of_line == group]


def _search(
    part: sp.csr_matrix,
    right: np.ndarray,
    cells: np.ndarray,
    aims: np.ndarray,
    least: int,
    low: np.ndarray,
    high: np.ndarray,
    enough: tuple[np.ndarray, Mask] | None,
) -> None:
    """Make each unknown of a block as large and as small as it can be; every table found bears on all of them."""
    size = len(cells)
    program = Program(part, low=np.full(size, float(least)), high=np.full(size, np.inf), right=right)
    program.presolve()
    for aim in aims.tolist():
        at = int(np.searchsorted(cells, aim))
        for sign, ends in ((-1.0, high), (1.0, low)):
            if enough is not None and _is_enough(aim, low, high, enough):
                break
            program.price(at, sign)
            value = program.solve()
            program.price(at, 0.0)
            if value == NEVER:
                raise ContradictionError
            if value == UNBOUNDED:
                ends[aim] = np.inf
                continue
            found = program.found()
            low[cells] = np.minimum(low[cells], found)
            high[cells] = np.maximum(high[cells], found)


def _is_enough(aim: int, low: np.ndarray, high: np.ndarray, enough: tuple[np.ndarray, Mask]) -> bool:
    """Whether tables that were found already show that a cell is safe."""
    wanted, primary = enough
    return bool(
        high[aim] >= wanted[aim] if primary[aim] else high[aim] >= low[aim] + 1 and np.isfinite(low[aim])
    )
