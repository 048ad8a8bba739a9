"""
Controlled rounding: every cell becomes a multiple of a base, and the table still adds up.

Rounded one by one, parts and sums no longer fit. Here each cell goes to one of the two multiples beside it (a multiple
stays), all sums hold, and the table is changed as little as that allows: a program in whole numbers over the same
sparse system that suppression uses, so margins, hierarchies and linked tables are one case. Tables of two dimensions
with margins always have such a rounding. Those of three need not (B. Causey, L. Cox and L. Ernst, Applications of
transportation theory to statistical problems, JASA 80, 1985); then as few steps as possible go beyond the two
multiples, zeros stay zero, and the result says which cells these are.

Source of the method: L. Cox, A constructive procedure for unbiased controlled rounding (JASA 82, 1987); the ESSnet
handbook, 5.4.3. The solver is HiGHS as scipy ships it; nodes are counted, not seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stadtbuch.errors import ProtectionError
from stadtbuch.suppression.moves import Mask
from stadtbuch.texts import Text


@dataclass(frozen=True)
class Rounded:
    """
    A rounded table.

    `values` are multiples of `base` that fulfil the relations; `beyond` says which cells are farther away than a
    neighbouring multiple (none wherever that is possible); `optimal` whether no rounding is nearer.
    """

    values: np.ndarray
    base: int
    beyond: Mask
    optimal: bool

    @property
    def zero_restricted(self) -> bool:
        """Say whether every cell stands at one of the two multiples beside it."""
        return not self.beyond.any()


def controlled(
    values: np.ndarray, relations: sp.csr_matrix, *, base: int, node_limit: int = 10_000
) -> Rounded:
    """
    Round all cells of a table, so that it still adds up and is changed as little as possible in all.

    Parameters
    ----------
    values
        Whole numbers per cell, not negative, with ``relations @ values == 0``; cells in the order of their labels,
        which decides between roundings that are equally near.
    relations
        Per row the parts of a sum as 1 and the sum as -1, as of `hierarchies.Cube` or of joined tables.
    base
        At least 2.
    node_limit
        How many nodes of branch and bound may be opened; at each of both attempts.

    Raises
    ------
    ProtectionError
        ``rounding.base``, ``rounding.count``, ``rounding.sum`` for wrong input (cell or sum by number, never by value),
        ``rounding.nodes`` if nothing was found in time.

    Examples
    --------
    Rounded one by one this would be 5 + 5 = 5:

    >>> controlled(np.array([3, 4, 7]), sp.csr_matrix([[1, 1, -1]]), base=5).values.tolist()
    [0, 5, 5]
    """
    known = _checked(values, relations, base)
    found, optimal = _nearest(known, relations, base, node_limit)
    if found is None:
        found, optimal = _least_beyond(known, relations, base, node_limit)
    if found is None or unfit(known, found, relations, base=base):
        raise _not_found()
    return Rounded(found, base, abs(found - known) >= base, optimal)


def unfit(values: np.ndarray, rounded: np.ndarray, relations: sp.csr_matrix, *, base: int) -> list[int]:
    """
    Check a rounding in whole numbers, without a solver: name the cells that are no multiple or stand in a wrong sum.

    Zeros have to stay zeros, and nothing may become negative.
    """
    wrong = (rounded % base != 0) | (rounded < 0) | ((values == 0) & (rounded != 0))
    sums = sp.csr_matrix(relations).astype(np.int64)
    broken = (sums @ rounded) != 0
    return [int(cell) for cell in np.flatnonzero(wrong | ((abs(sums).T @ broken) > 0))]


def _nearest(
    values: np.ndarray, relations: sp.csr_matrix, base: int, node_limit: int
) -> tuple[np.ndarray | None, bool]:
    """Choose for each cell the multiple below or above, at least change in all; None if that cannot be."""
    below, rest = np.divmod(values, base)
    return _solved(
        below,
        relations,
        base,
        steps=sp.identity(len(values), format="csc"),
        prices=base - 2 * rest,  # of the multiple above, beside the one below
        most=(rest > 0).astype(float),
        node_limit=node_limit,
    )


def _least_beyond(
    values: np.ndarray, relations: sp.csr_matrix, base: int, node_limit: int
) -> tuple[np.ndarray | None, bool]:
    """Let cells go beyond the neighbouring multiples, by as few steps in all as possible, then at least change."""
    below, rest = np.divmod(values, base)
    size, some = len(values), (values > 0).astype(float)
    one = sp.identity(size, format="csc")
    far = np.full(size, base * (size + 1))  # a step beyond is dearer than all others together
    return _solved(
        below,
        relations,
        base,
        steps=sp.hstack([one, one, -one], format="csc"),
        prices=np.concatenate([base - 2 * rest, far, far]),
        most=np.concatenate([(rest > 0).astype(float), some * values.max(initial=0), below.astype(float)]),
        node_limit=node_limit,
    )


def _solved(
    below: np.ndarray,
    relations: sp.csr_matrix,
    base: int,
    *,
    steps: sp.csc_matrix,
    prices: np.ndarray,
    most: np.ndarray,
    node_limit: int,
) -> tuple[np.ndarray | None, bool]:
    """Take steps from the multiples below such that all sums hold, at least price; gives cells, and if it is proven."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - a solver is loaded where needed

    sums = sp.csr_matrix(relations).astype(float)
    right = -(sums @ below)
    solved = milp(
        prices.astype(float),
        constraints=LinearConstraint(sums @ steps, right, right),
        integrality=np.ones(len(prices)),
        bounds=Bounds(np.zeros(len(prices)), most),
        options={"node_limit": node_limit, "mip_rel_gap": 0.0},
    )
    if solved.x is None:
        return None, False
    moved = np.round(steps @ solved.x).astype(np.int64)
    return (below + moved) * base, solved.status == 0


def _checked(values: np.ndarray, relations: sp.csr_matrix, base: int) -> np.ndarray:
    """Refuse what cannot be rounded."""
    if base < 2:
        raise _no_base()
    known = np.asarray(values)
    wrong = ~np.isfinite(known) | (known < 0) | (known != np.floor(known))
    if wrong.any():
        raise _no_count(int(np.flatnonzero(wrong)[0]))
    known = known.astype(np.int64)
    broken = np.flatnonzero(sp.csr_matrix(relations).astype(np.int64) @ known)
    if len(broken):
        raise _no_sum(int(broken[0]))
    return known


# ---- what is said when something is wrong -------------------------------------------------------------


def _no_base() -> ProtectionError:
    return ProtectionError(
        "rounding.base",
        Text(de="Die Basis muss mindestens 2 sein.", en="The base must be at least 2."),
        remedy=Text(de="Wählen Sie eine andere Basis.", en="Choose another base."),
    )


def _no_count(cell: int) -> ProtectionError:
    return ProtectionError(
        "rounding.count",
        Text(
            de=f"Das Feld {cell + 1} ist keine Anzahl: gerundet werden ganze Zahlen, die nicht negativ sind.",
            en=f"The cell {cell + 1} is no count: whole numbers that are not negative are rounded.",
        ),
        remedy=Text(de="Zählen Sie zuerst, und runden Sie danach.", en="Count first, and round afterwards."),
    )


def _no_sum(relation: int) -> ProtectionError:
    return ProtectionError(
        "rounding.sum",
        Text(
            de=f"Die Summe {relation + 1} der Tabelle geht nicht auf: ihre Teile ergeben sie nicht.",
            en=f"The sum {relation + 1} of the table is not the sum of its parts.",
        ),
        remedy=Text(
            de="Bilden Sie alle Felder aus denselben Zeilen, und runden Sie danach.",
            en="Make all cells from the same rows, and round afterwards.",
        ),
    )


def _not_found() -> ProtectionError:
    return ProtectionError(
        "rounding.nodes",
        Text(
            de="Für diese Tabelle wurde keine Rundung gefunden, bei der alle Summen stimmen.",
            en="No rounding of this table was found in which all sums hold.",
        ),
        remedy=Text(
            de="Fassen Sie Ausprägungen zusammen, oder wählen Sie eine kleinere Basis.",
            en="Group values, or choose a smaller base.",
        ),
    )
