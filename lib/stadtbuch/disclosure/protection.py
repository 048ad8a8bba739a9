"""
Protection of several tables at once: sums or counts, with hierarchies, linked by what they share.

Tables of the same people that are protected one after another can give each other away. Here they become one
system (`hierarchies.join`), are suppressed together, and the result is audited from outside before it is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from stadtbuch.disclosure.hierarchies import Cube, Joined, join
from stadtbuch.disclosure.layout import COARSEN
from stadtbuch.errors import ProtectionError
from stadtbuch.suppression import audit, closing
from stadtbuch.texts import Text

Zeros = Literal["published", "may-be-withheld"]
Cost = Callable[[np.ndarray], np.ndarray]

SAFE, UNSAFE, SECONDARY, FIXED = "s", "u", "x", "z"
LARGEST = 60_000


def by_value(values: np.ndarray) -> np.ndarray:
    """Let a cell cost what it counts, and one more: large numbers tell most."""
    return values + 1


def by_cell(values: np.ndarray) -> np.ndarray:
    """Let every cell cost the same; tends to withhold totals, which are as dear as any cell then."""
    return np.ones_like(values)


def by_size(values: np.ndarray) -> np.ndarray:
    """Let a cell cost the number of binary digits of its value: between the other two."""
    return 1 + np.ceil(np.log2(values + 1)).astype(np.int64)


@dataclass(frozen=True)
class Judged:
    """
    A table and what the primary rules said of it.

    Parameters
    ----------
    cube
        The table.
    unsafe
        Per cell whether it may not be published.
    room
        Per cell how far an attacker must be left to overestimate it; 0 where it is safe.
    fixed
        Cells that must be published, such as totals that are known already; none unless said.
    alone
        Cells with a single contributor, who may subtract what is theirs; none unless said.
    """

    cube: Cube
    unsafe: np.ndarray
    room: np.ndarray
    fixed: np.ndarray | None = None
    alone: np.ndarray | None = None


@dataclass(frozen=True)
class Protection:
    """
    Tables with what is withheld in them. For inside the city: `status` tells why.

    `joined` is the system of all tables, `problem` and `pattern` what was asked and found.
    """

    joined: Joined
    problem: closing.Problem
    pattern: closing.Pattern

    def hidden(self, table: int) -> np.ndarray:
        """Say for each cell of a table (0 is the first) whether it is withheld."""
        return self.pattern.hidden[self.joined.places[table]]

    def status(self, table: int) -> np.ndarray:
        """Give for each cell: s may be published, u unsafe by itself, x withheld for others, z must be published."""
        problem, hidden = self.problem, self.pattern.hidden
        status = np.where(problem.primary & hidden, UNSAFE, np.where(hidden, SECONDARY, SAFE))
        if problem.fixed is not None:
            status[problem.fixed & ~hidden] = FIXED
        return status[self.joined.places[table]]

    @cached_property
    def _intervals(self) -> tuple[np.ndarray, np.ndarray]:
        hidden, problem = self.pattern.hidden, self.problem
        return audit.intervals(problem.relations, problem.values, hidden, least=problem.least)

    def intervals(self, table: int) -> tuple[np.ndarray, np.ndarray]:
        """Give for each cell of a table what an attacker can compute: at least and at most."""
        low, high = self._intervals
        return low[self.joined.places[table]], high[self.joined.places[table]]

    @property
    def lost(self) -> int:
        """Give the cost of what is withheld besides unsafe cells."""
        return self.pattern.cost(self.problem)


def protect(
    tables: Sequence[Judged],
    *,
    node_limit: int,
    zeros: Zeros = "published",
    cost: Cost = by_value,
) -> Protection:
    """
    Withhold unsafe cells in all tables, and as little as possible besides, so that none can be computed.

    Parameters
    ----------
    tables
        The tables, judged. Cells that count the same are one, unsafe if any table says so.
    node_limit
        How many nodes the exact search may open.
    zeros
        Whether zeros are published, so that a withheld value is known to be 1 or more; or may be withheld too.
    cost
        What withholding costs, by value: `by_value`, `by_cell`, `by_size`, or another function.

    Raises
    ------
    ProtectionError
        ``protect.too-large``, ``protect.negative``, ``protect.contradiction`` for wrong input; ``protect.impossible``
        if a cell cannot be protected; ``protect.audit`` if the result does not stand up to
        the audit. Cells are named by table and number, never by value.

    Examples
    --------
    >>> from stadtbuch.disclosure.hierarchies import Hierarchy
    >>> from stadtbuch.disclosure.primary import few, room_of_counts
    >>> cube = Cube((Hierarchy("age", ("a", "b", "c"), {"all": ("a", "b", "c")}),), np.array([2, 9, 30]))
    >>> judged = Judged(cube, few(cube.values, minimum=3), room_of_counts(cube.values, minimum=3))
    >>> made = protect([judged], node_limit=1000)
    >>> "".join(made.status(0)), made.intervals(0)[1].tolist()
    ('uxss', [10.0, 10.0, 30.0, 41.0])
    """
    for number, one in enumerate(tables, start=1):
        if (np.asarray(one.cube.inner) < 0).any():
            at = int(np.flatnonzero(np.asarray(one.cube.inner).ravel() < 0)[0])
            raise _at("negative", number, at, *_NEGATIVE)
    joined = join([one.cube for one in tables])
    if len(joined.values) > LARGEST:
        raise _too_large(len(joined.values))
    problem = _problem(joined, tables, least=1 if zeros == "published" else 0, cost=cost)
    try:
        pattern = closing.close(problem, node_limit=node_limit)
    except closing.NotClosableError as error:
        raise _at("impossible", *_place(joined, error.cell), *_IMPOSSIBLE) from None
    for cell in [*closing.proven(problem, pattern), *audit.exposed(problem, pattern.hidden)]:
        raise _at("audit", *_place(joined, cell), *_AUDIT)
    return Protection(joined, problem, pattern)


def exposed(one: Judged, hidden: np.ndarray, *, zeros: Zeros) -> list[int]:
    """
    Audit one table as it was published, whoever chose what is withheld: name the cells that readers know too well.

    Parameters
    ----------
    hidden
        Per cell whether it is withheld; where two cells count the same, both must be.
    zeros
        The policy it was published under.

    Examples
    --------
    >>> from stadtbuch.disclosure.hierarchies import Hierarchy
    >>> cube = Cube((Hierarchy("age", ("a", "b", "c"), {"all": ("a", "b", "c")}),), np.array([2, 9, 30]))
    >>> few = Judged(cube, cube.values < 3, np.array([1, 0, 0, 0]))
    >>> exposed(few, np.array([True, False, False, False]), zeros="published")
    [0]
    >>> exposed(few, np.array([True, True, False, False]), zeros="published")
    []
    """
    joined = join([one.cube])
    (place,) = joined.places
    withheld = np.ones(len(joined.values), dtype=bool)
    np.logical_and.at(withheld, place, hidden)
    problem = _problem(joined, [one], least=1 if zeros == "published" else 0, cost=by_value)
    found = set(audit.exposed(problem, withheld))
    return [cell for cell, variable in enumerate(place.tolist()) if variable in found]


def _problem(joined: Joined, tables: Sequence[Judged], *, least: int, cost: Cost) -> closing.Problem:
    """Bring what was judged in each table to the variables of the system."""
    size = len(joined.values)
    unsafe, fixed, alone = (np.zeros(size, dtype=bool) for _ in range(3))
    room = np.zeros(size, dtype=np.int64)
    for one, place in zip(tables, joined.places, strict=True):
        np.logical_or.at(unsafe, place, one.unsafe)
        np.maximum.at(room, place, np.asarray(one.room, dtype=np.int64))
        for gathered, given in ((fixed, one.fixed), (alone, one.alone)):
            if given is not None:
                np.logical_or.at(gathered, place, given)
    return closing.Problem(
        joined.relations,
        joined.values,
        unsafe & (joined.values > 0),
        np.where(unsafe, np.maximum(room, 1), 0),
        cost(joined.values),
        least=least,
        fixed=fixed if fixed.any() else None,
        alone=alone if alone.any() else None,
    )


def _place(joined: Joined, cell: int) -> tuple[int, int]:
    """Give the first table that has a cell (counted from 1), and its place there (from 0)."""
    for number, place in enumerate(joined.places, start=1):
        if cell in place:
            return number, int(np.flatnonzero(place == cell)[0])
    return 0, cell


# ---- what is said when something is wrong -------------------------------------------------------------

_NEGATIVE = (
    "ist negativ",
    "is negative",
    "Schützen Sie Einnahmen und Ausgaben als zwei Tabellen.",
    "Protect income and expenses as two tables.",
)
_IMPOSSIBLE = ("lässt sich nicht schützen", "cannot be protected", *COARSEN)
_AUDIT = ("hielt der Nachprüfung nicht stand", "did not stand up to the audit", *COARSEN)


def _at(kind: str, table: int, cell: int, de: str, en: str, do_de: str, do_en: str) -> ProtectionError:
    return ProtectionError(
        f"protect.{kind}",
        Text(
            de=f"Das Feld {cell + 1} der Tabelle {table} {de}.",
            en=f"The cell {cell + 1} of table {table} {en}.",
        ),
        remedy=Text(de=do_de, en=do_en),
    )


def _too_large(size: int) -> ProtectionError:
    return ProtectionError(
        "protect.too-large",
        Text(
            de=f"Die Tabellen haben zusammen {size} Felder; geschützt werden bis zu {LARGEST}.",
            en=f"The tables have {size} cells in all; up to {LARGEST} can be protected.",
        ),
        remedy=Text(de=COARSEN[0], en=COARSEN[1]),
    )
