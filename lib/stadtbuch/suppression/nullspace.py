"""
Null space: which withheld cells follow from published ones by adding and subtracting alone.

The withheld part of a table is a system ``M z = 0``: what every solution leaves at zero can be computed by whoever
can add, and nothing else can by algebra. The system is brought into steps modulo a prime, so that numbers stay small
and exact, and one solution with chosen free numbers is read off: a cell is computed exactly when it is zero there. No
solver, no tolerance, nothing shared with the search or its proofs.

This is the least of the three kinds of safety, and the first line of the audit. What readers know besides (that
no count is below 1) is not used here: a table may withstand algebra and still be narrow.

Source: F. Cox, Suppression methodology and statistical disclosure control (JASA 75, 1980) for the system; the test of a
zero by a random point is Schwartz's and Zippel's. With numbers below 2**61 one of a million cells is taken for computed
by mistake in one of a million million tables.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from stadtbuch.suppression.moves import Mask

PRIME = 2**61 - 1
Line = dict[int, int]  # of a relation: withheld cell and its factor modulo the prime


def computed(relations: sp.csr_matrix, hidden: Mask) -> Mask:
    """
    Find withheld cells whose value follows from the published ones by algebra.

    Parameters
    ----------
    relations
        Per row the parts of a sum as 1 and the sum as -1 (any whole factors).
    hidden
        Which cells are withheld.

    Examples
    --------
    A withheld cell beside its published total is computed; two of them hide each other:

    >>> table = sp.csr_matrix([[1, 1, -1, 0, 0, 0], [0, 0, 0, 1, 1, -1]])
    >>> computed(table, np.array([True, False, False, True, True, False])).tolist()
    [True, False, False, False, False, False]
    """
    cells = np.flatnonzero(hidden)
    (numbers,) = _solutions(relations, cells, 1)
    found = np.zeros(len(hidden), dtype=bool)
    found[cells] = [number == 0 for number in numbers]
    return found


def tied(relations: sp.csr_matrix, hidden: Mask) -> np.ndarray:
    """
    Find withheld cells that tell each other: whoever learns one of them computes the others of its group.

    In every solution of the withheld part such cells are multiples of each other, so two solutions with chosen free
    numbers show the groups. To publish one of a group is to publish all of it.

    Parameters
    ----------
    relations, hidden
        As in `computed`.

    Returns
    -------
    numpy.ndarray
        The number of each cell's group; -1 for cells that are published or computed.

    Examples
    --------
    Of two withheld cells beside their total each tells the other; of three none does:

    >>> table = sp.csr_matrix([[1, 1, -1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, -1]])
    >>> tied(table, np.array([True, True, False, True, True, True, False])).tolist()
    [0, 0, -1, 1, 2, 3, -1]
    """
    cells = np.flatnonzero(hidden)
    groups = np.full(len(hidden), -1)
    number: dict[int, int] = {}
    for cell, one, two in zip(cells.tolist(), *_solutions(relations, cells, 2), strict=True):
        if one or two:
            ratio = one * pow(two, -1, PRIME) % PRIME if two else -1
            groups[cell] = number.setdefault(ratio, len(number))
    return groups


def _solutions(relations: sp.csr_matrix, cells: np.ndarray, many: int) -> list[list[int]]:
    """Give some solutions of the withheld part of a table: the same ones for every table of this size."""
    steps, free = _in_steps(_lines(relations, cells), len(cells))
    chance = np.random.default_rng(0)
    return [
        _solution(steps, free, chance.integers(1, PRIME, len(free)).tolist(), len(cells)) for _ in range(many)
    ]


def _lines(relations: sp.csr_matrix, cells: np.ndarray) -> list[Line]:
    """Write down the withheld part of every relation."""
    part = sp.csr_matrix(relations)[:, cells].tocsr()
    part.sum_duplicates()
    part.eliminate_zeros()
    factors = [int(one) % PRIME for one in part.data.tolist()]
    columns, ends = part.indices.tolist(), part.indptr.tolist()
    return [
        dict(zip(columns[begin:end], factors[begin:end], strict=True))
        for begin, end in pairwise(ends)
        if begin < end
    ]


def _in_steps(lines: Sequence[Line], size: int) -> tuple[list[tuple[int, Line]], list[int]]:
    """Solve each relation for one cell and put it into the others, shortest first; gives the steps and what is free."""
    where: list[set[int]] = [set() for _ in range(size)]
    for number, line in enumerate(lines):
        for cell in line:
            where[cell].add(number)
    waiting = [(len(line), number) for number, line in enumerate(lines)]
    heapq.heapify(waiting)
    steps: list[tuple[int, Line]] = []
    free = set(range(size))
    while waiting:
        length, number = heapq.heappop(waiting)
        line = lines[number]
        if length != len(line) or (line and number not in where[next(iter(line))]):
            continue  # it was changed or used since
        for cell in line:
            where[cell].discard(number)
        if not line:
            continue
        solved = min(line, key=lambda cell: (len(where[cell]), cell))
        steps.append((solved, line))
        free.discard(solved)
        for other in sorted(where[solved]):
            _put_in(line, solved, lines[other], other, where)
            heapq.heappush(waiting, (len(lines[other]), other))
    return steps, sorted(free)


def _put_in(line: Line, solved: int, other: Line, number: int, where: list[set[int]]) -> None:
    """Remove a cell from another relation by adding a multiple of the one that is solved for it."""
    factor = PRIME - other[solved] * pow(line[solved], -1, PRIME) % PRIME
    for cell, amount in line.items():
        left = (other.get(cell, 0) + factor * amount) % PRIME
        if left:
            if cell not in other:
                where[cell].add(number)
            other[cell] = left
        else:
            del other[cell]
            where[cell].discard(number)


def _solution(
    steps: Sequence[tuple[int, Line]], free: Sequence[int], chosen: Sequence[int], size: int
) -> list[int]:
    """Give free cells the chosen numbers and work out the others, last step first."""
    numbers = [0] * size
    for cell, number in zip(free, chosen, strict=True):
        numbers[cell] = number
    for solved, line in reversed(steps):
        total = sum(amount * numbers[cell] for cell, amount in line.items() if cell != solved)
        numbers[solved] = -total * pow(line[solved], -1, PRIME) % PRIME
    return numbers
