"""
What all releases of a dataset tell together: differencing.

Tables that are safe alone can be subtracted from each other: all ages up to 17 here, all up to 18 there, and somebody
of 18 is alone in the difference. So a new release is tested with all earlier ones as one system: its unknowns are the
atoms of their common refinement (`refinement`), its equations the numbers that were published. What an attacker can
compute of it are intervals, by linear programs on published numbers only.

Sources: Handbook on Statistical Disclosure Control (ESSnet), 4.3 and 5.6 (geographical differencing); Duncan and
Mukherjee (2000) on releases that follow each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import scipy.sparse as sp

from stadtbuch.disclosure.groupings import Condition
from stadtbuch.disclosure.refinement import Axis, Mask, Refinement, Together
from stadtbuch.suppression.solver import NEVER, Program

CLOSE = 1e-6  # of the solver's numbers, which stand for whole ones
LARGEST = 1_000_000
"""Atoms that one joint test takes on; what is impossible or nobody's is not among them."""
NARROW = 0.1
"""How near a sum may not become known, as a part of itself."""
ENDLESS = 1000.0
"""What an unknown may exceed the published numbers by: more than any minimum count, so that no search is endless."""
RUNS = 32
"""Up to how many pieces of a column of numbers all runs of them are tested, and not only each alone."""
SWEEPS = 12  # searches that take all suspicions at once, before each is followed alone

Predicate = tuple[Condition, ...]
Box = tuple[np.ndarray, ...]
"""A set of rows: per axis the pieces that it has."""
LEAST = "hidden-at-least-1"


class TooFineError(Exception):
    """The common refinement has more atoms than a test takes on."""


@dataclass(frozen=True)
class Release:
    """
    What one table made public, as equations need it.

    Parameters
    ----------
    id
        How findings call it: edition and table.
    columns
        The columns of the catalogue that its predicates speak of.
    choices
        Per column the conditions that occur, each a conjunction; the empty one means all rows.
    cells
        Which choice of each column a cell has (cells x columns).
    values
        The number of each cell; None where it is withheld.
    min_count
        The smallest count above zero that is published.
    least
        What readers know of every withheld number: 1 where zeros are published, else 0.
    summed
        Whether the numbers are sums of a column and no counts.
    """

    id: str
    columns: tuple[str, ...]
    choices: tuple[tuple[Predicate, ...], ...]
    cells: np.ndarray
    values: tuple[int | None, ...]
    min_count: int
    least: int = 1
    summed: bool = False

    @classmethod
    def of(cls, id: str, record: Mapping[str, Any]) -> Release:
        """
        Read it from the public record of a protected table.

        Examples
        --------
        >>> cell = {"where": [{"column": "sex", "equals": "f"}], "value": None}
        >>> record = {"where": [{"column": "year", "equals": 2025}], "cells": [cell], "min_count": 3}
        >>> Release.of("a", record).columns
        ('sex', 'year')
        """
        told = [(*record.get("where", ()), *cell["where"]) for cell in record["cells"]]
        least = 1 if LEAST in record.get("rules", (LEAST,)) else 0
        values = [cell["value"] for cell in record["cells"]]
        summed = "sum" in record.get("measure", {})
        return cls.stating(id, told, values, min_count=int(record["min_count"]), least=least, summed=summed)

    @classmethod
    def stating(
        cls,
        id: str,
        predicates: Sequence[Sequence[Condition]],
        values: Sequence[int | None],
        *,
        min_count: int,
        least: int = 1,
        summed: bool = False,
    ) -> Release:
        """
        Make a release from the predicate and the number of each cell.

        A cell that has fewer conditions on a column than all others is the margin over it: the sum of the others.
        """
        keys = [[_key(one) for one in predicate] for predicate in predicates]
        known = {
            key: one
            for told, own in zip(predicates, keys, strict=True)
            for one, key in zip(told, own, strict=True)
        }
        columns = tuple(sorted({key[0] for key in known}))
        at = {column: number for number, column in enumerate(columns)}
        found: list[dict[tuple[Any, ...], int]] = [{} for _ in columns]
        cells = np.zeros((len(predicates), len(columns)), dtype=np.int64)
        for row, own in enumerate(keys):
            chosen: list[tuple[Any, ...]] = [()] * len(columns)
            for key in own:
                chosen[at[key[0]]] += (key,)
            for column, one in enumerate(chosen):
                cells[row, column] = found[column].setdefault(one, len(found[column]))
        choices = tuple(tuple(tuple(dict(known[key]) for key in one) for one in own) for own in found)
        return cls(id, columns, choices, cells, tuple(values), min_count, least, summed)

    @classmethod
    def read(cls, id: str, content: Mapping[str, Any]) -> Release:
        """Read it back from what `content` gave."""
        choices = tuple(
            tuple(tuple(dict(one) for one in predicate) for predicate in own) for own in content["choices"]
        )
        columns = tuple(content["columns"])
        cells = np.array(content["cells"], dtype=np.int64).reshape(-1, len(columns))
        rest = {name: content[name] for name in ("min_count", "least", "summed")}
        return cls(id, columns, choices, cells, tuple(content["values"]), **rest)

    @property
    def content(self) -> dict[str, Any]:
        """Give everything but the id as JSON can hold it; two tables that tell the same have the same."""
        return {
            "columns": list(self.columns),
            "choices": [[[dict(one) for one in predicate] for predicate in own] for own in self.choices],
            "cells": self.cells.tolist(),
            "values": list(self.values),
            "min_count": self.min_count,
            "least": self.least,
            "summed": self.summed,
        }

    @property
    def hidden(self) -> int:
        """Count the withheld cells."""
        return sum(value is None for value in self.values)

    def boxes(self, made: Refinement) -> tuple[tuple[Mask, ...], np.ndarray]:
        """Give per axis of a refinement the masks that occur (masks x pieces), and which of them each cell has."""
        at = {column: number for number, column in enumerate(self.columns)}
        masks, chosen = [], np.zeros((len(self.values), len(made.axes)), dtype=np.int64)
        for number, axis in enumerate(made.axes):
            own = self.choices[at[axis.column]] if axis.column in at else ((),)
            masks.append(np.array([axis.all(predicate) for predicate in own]))
            if axis.column in at:
                chosen[:, number] = self.cells[:, at[axis.column]]
        return tuple(masks), chosen


@dataclass(frozen=True)
class Exposure:
    """
    What a new release makes known together with earlier ones.

    Parameters
    ----------
    atoms
        How many sets are exposed, those left out that contain another one; the new release is needed for each.
    exact
        How many of them are known exactly.
    with_
        Ids of the earlier releases that are needed for it, in their order; empty if the new one suffices alone.
    checked
        How many sets were tested.
    """

    atoms: int = 0
    exact: int = 0
    with_: tuple[str, ...] = ()
    checked: int = 0


def exposure(new: Release, earlier: Sequence[Release], *, together: Together | None = None) -> Exposure:
    """
    Test a new release together with earlier ones of the same rows.

    A set of atoms is exposed if its count must be at least 1 and must be below the minimum count of the new release.
    Of sums nobody outside knows how many contribute: a set is exposed if its sum becomes known to a tenth, and neither
    the new release nor the earlier ones told that alone.
    Tested are all atoms of the common refinement and their margins, and for each earlier release those of its
    refinement with the new one. What the earlier releases tell alone is not the new one's fault.

    Parameters
    ----------
    new, earlier
        Releases; those that share no row with the new one, directly or through others, are left out.
    together
        Which values of two columns occur together, see `Refinement.impossible`.

    Raises
    ------
    TooFineError
        If there are more than `LARGEST` atoms.

    Examples
    --------
    >>> def up_to(id, age, count):
    ...     return Release.stating(id, [[{"column": "age", "from": 0, "to": age}]], [count], min_count=3)
    >>> found = exposure(up_to("new", 18, 21), [up_to("old", 17, 20)])
    >>> found.atoms, found.exact, found.with_
    (1, 1, ('old',))
    """
    near = related(new, earlier)
    suspects, checked = _suspects(new, near, together or {})
    if not suspects:
        return Exposure(checked=checked)
    smallest = {id(box) for box in _smallest([box for box, _, _ in suspects])}
    found = [one for one in suspects if id(one[0]) in smallest]
    exact = sum(high < low + 1 - CLOSE for _, low, high in found)
    return Exposure(len(found), exact, _needed(new, near, found[0][0], together or {}), checked)


def exposed(
    new: Release, earlier: Sequence[Release], *, together: Together, among: Sequence[Box] | None = None
) -> list[Box]:
    """
    Give the sets that a new release exposes beside earlier ones, as `exposure` counts them.

    Parameters
    ----------
    new, earlier, together
        As `exposure` takes them.
    among
        Only these sets are tested, of which it is known that the earlier releases do not expose them alone; else all.
    """
    return [box for box, _, _ in _suspects(new, earlier, together, among=among)[0]]


def binding(
    new: Release,
    earlier: Sequence[Release],
    boxes: Sequence[Box],
    *,
    together: Together,
    kept: Collection[int] = (),
) -> set[int] | None:
    """
    Choose cells of a new release that make sets known: of each exposed set the least number that bears on it.

    None if a set is exposed on which no number of the new release bears but those that are kept.
    """
    made = refined([new, *earlier])
    joint = _Joint(made, [_own(made, one) for one in (new, *earlier)], made.impossible(together))
    chosen: set[int] = set()
    for box in _smallest(boxes):
        bearing: set[int] = set()
        for sign in (1.0, -1.0):
            joint.search(reduce(np.multiply.outer, box).astype(float), sign)
            bearing |= joint.bearing().difference(kept)
        if not bearing:
            return None
        if not bearing & chosen:
            chosen.add(min(bearing, key=lambda cell: (new.values[cell] or 0, cell)))
    return chosen


def related(new: Release, earlier: Sequence[Release]) -> list[Release]:
    """Give the earlier releases that share rows with the new one, directly or through others, in their order."""
    everything = [new, *earlier]
    made = refined(everything)
    supports = [_support(one.boxes(made)[0]) for one in everything]
    known, rest = {0}, set(range(1, len(everything)))
    while reached := {one for one in rest if any(_meet(supports[one], supports[other]) for other in known)}:
        known |= reached
        rest -= reached
    return [everything[one] for one in sorted(known - {0})]


def refined(releases: Sequence[Release]) -> Refinement:
    """Give the common refinement of releases."""
    return Refinement.of(predicate for one in releases for own in one.choices for predicate in own)


def _meet(one: tuple[Mask, ...], other: tuple[Mask, ...]) -> bool:
    return all(bool((mine & theirs).any()) for mine, theirs in zip(one, other, strict=True))


def _support(masks: Sequence[Mask]) -> tuple[Mask, ...]:
    """Give the box in which a release counts at all."""
    return tuple(np.asarray(own.any(axis=0)) for own in masks)


def _key(condition: Condition) -> tuple[Any, ...]:
    """Give a condition as something that can be compared."""
    if "equals" in condition:
        return (condition["column"], str(condition["equals"]))
    if "in" in condition:
        return (condition["column"], "in", *map(str, condition["in"]))
    return (condition["column"], condition.get("from"), condition.get("to"), "band")


# ---- the system ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Own:
    """One release over the pieces that it tells apart itself."""

    code: tuple[np.ndarray, ...]
    """Per axis the own piece of each piece; -1 where it counts nobody."""
    support: tuple[Mask, ...]
    sizes: tuple[int, ...]
    inside: tuple[np.ndarray, ...]
    """Per cell the numbers of its own inner cells."""
    values: tuple[int | None, ...]
    least: int


def _own(made: Refinement, release: Release) -> _Own:
    """Find the pieces that a release tells apart, and what its cells are made of."""
    masks, chosen = release.boxes(made)
    support, codes, sizes, members = _support(masks), [], [], []
    at = {column: number for number, column in enumerate(release.columns)}
    for axis, own, whole in zip(made.axes, masks, support, strict=True):
        margin = _margin(release.choices[at[axis.column]]) if axis.column in at else None
        counted = whole if margin is None else np.asarray(np.delete(own, margin, axis=0).any(axis=0))
        kinds, told = np.unique(own[:, counted], axis=1, return_inverse=True)
        code = np.full(len(counted), -1)
        code[counted] = told.ravel()
        codes.append(code)
        sizes.append(kinds.shape[1])
        members.append([np.flatnonzero(one) for one in kinds])
    inside = []
    for row in chosen.tolist():
        number = np.zeros(1, dtype=np.int64)
        for size, own_pieces, one in zip(sizes, members, row, strict=True):
            number = (number[:, None] * size + own_pieces[one]).ravel()
        inside.append(number)
    return _Own(tuple(codes), support, tuple(sizes), tuple(inside), release.values, release.least)


def _margin(choices: Sequence[Predicate]) -> int | None:
    """Give the choice of a column that is the sum of all others: it has no condition but those that all have."""
    told = [{_key(one) for one in predicate} for predicate in choices]
    least = min(told, key=len)
    return (
        told.index(least) if len(told) > 1 and all(least < one for one in told if one is not least) else None
    )


class _Joint:
    """
    All releases as one system of equations over the atoms in which there may be somebody; the first one is the new.

    Where the numbers of earlier releases do not fit, the rows were changed since: then the fewest changes are
    assumed that explain it, and what changed is left out.
    """

    def __init__(self, made: Refinement, owns: Sequence[_Own], never: Mask) -> None:
        self.made, self.owns, self.never = made, owns, never.ravel()
        self.rows: sp.csr_matrix
        self.right: np.ndarray
        self.cells: list[tuple[int, ...]]
        self.inner = [_inner_of_atoms(own, made.shape) for own in owns]
        boxes = [reduce(np.logical_and.outer, own.support).ravel() for own in owns]
        self.boxes = boxes
        self.unknown = (~reduce(np.logical_or, boxes) & ~self.never).reshape(made.shape)
        self.changed = 0
        self._lines(trusted=len(owns))
        if self._first():
            return
        self._lines(trusted=1)
        kept = self._fitting()
        self.changed = int((~kept).sum())
        self.rows, self.right = self.rows[kept], self.right[kept]
        self.cells = [own for own, stays in zip(self.cells, kept.tolist(), strict=True) if stays]
        if not self._first():
            raise ValueError("the published numbers do not fit together")

    def _empty(self, trusted: int) -> Mask:
        """Say where the releases that are trusted count nobody."""
        empty = self.never.copy()
        for own, inner, box in zip(self.owns[:trusted], self.inner, self.boxes, strict=False):
            zero = np.zeros(int(np.prod(own.sizes)) + 1, dtype=bool)
            zero[-1] = True  # rows that no label of a dimension counts, though its margin does
            for inside, value in zip(own.inside, own.values, strict=True):
                if value == 0:
                    zero[inside] = True
            empty |= box & zero[inner]
        return empty

    def _lines(self, trusted: int) -> None:
        """Write down what every release says: of its inner cells by atoms, of its sums by inner cells."""
        self.alive = np.flatnonzero(~self.unknown.ravel() & ~self._empty(trusted))
        lines = _Lines(len(self.alive))
        for number, own in enumerate(self.owns):
            here, inside = self.inner[number][self.alive], self.boxes[number][self.alive]
            _tell(lines, own, here, inside & (here < 0), trusted=number < trusted, weak=number > 0)
        self.size = len(lines.low)
        self.low = np.array(lines.low)
        self.high = np.full(self.size, 2.0 * max(lines.right, default=0) + ENDLESS)
        counts = [len(columns) for columns, _ in lines.rows]
        columns = np.concatenate([[], *(columns for columns, _ in lines.rows)]).astype(np.int64)
        signs = np.concatenate([[], *(signs for _, signs in lines.rows)])
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.rows = sp.csr_matrix((signs, columns, ends), shape=(len(counts), self.size))
        self.right, self.weak = np.array(lines.right, dtype=float), np.array(lines.weak, dtype=bool)
        self.cells = [() if weak else own for weak, own in zip(lines.weak, lines.cells, strict=True)]

    def _first(self) -> bool:
        """Find some counts that fit everything, if there are any."""
        self.program = Program(self.rows, low=self.low, high=self.high, right=self.right)
        self.program.presolve()
        return self.program.solve() != NEVER

    def _fitting(self) -> Mask:
        """Say which lines hold in the counts that contradict the earlier releases least."""
        weak = np.flatnonzero(self.weak)
        ones = np.ones(len(weak))
        slack = sp.csr_matrix((ones, (weak, np.arange(len(weak)))), shape=(len(self.weak), len(weak)))
        program = Program(
            sp.hstack([self.rows, slack, -slack], format="csr"),
            low=np.concatenate([self.low, 0 * ones, 0 * ones]),
            high=np.concatenate([self.high, np.inf * ones, np.inf * ones]),
            prices=np.concatenate([np.zeros(self.size), ones, ones]),
            right=self.right,
        )
        program.presolve()
        if program.solve() == NEVER:
            raise ValueError("the published numbers do not fit together")
        used = program.found()[self.size :].reshape(2, -1).sum(axis=0)
        kept = np.ones(len(self.weak), dtype=bool)
        kept[weak[used > CLOSE]] = False
        return kept

    def counts(self) -> np.ndarray:
        """Give the counts of all atoms that were found last, in their shape."""
        whole = np.zeros(int(np.prod(self.made.shape)))
        whole[self.alive] = self.program.found()[: len(self.alive)]
        return whole.reshape(self.made.shape)

    def search(self, weights: np.ndarray, sign: float) -> float:
        """Make a weighted sum of atoms as small (1) or as large (-1) as it can be."""
        prices = np.zeros(self.size)
        prices[: len(self.alive)] = sign * weights.ravel()[self.alive]
        self.program.prices(prices)
        return sign * self.program.solve()

    def bearing(self) -> set[int]:
        """Give the cells of the new release whose numbers bear on the last search."""
        lines = np.flatnonzero(np.abs(self.program.prices_of_rows()) > CLOSE)
        return {cell for line in lines for cell in self.cells[line] if self.owns[0].values[cell]}


class _Lines:
    """Equations as they are gathered: columns and signs, right sides, which may be given up; and lower bounds."""

    def __init__(self, size: int) -> None:
        self.low = [0.0] * size
        self.rows: list[tuple[np.ndarray, np.ndarray]] = []
        self.right: list[float] = []
        self.weak: list[bool] = []
        self.cells: list[tuple[int, ...]] = []

    def variable(self, least: float) -> int:
        """Add an unknown."""
        self.low.append(least)
        return len(self.low) - 1

    def add(
        self,
        columns: np.ndarray,
        value: float,
        *,
        weak: bool,
        whole: int | None = None,
        cells: tuple[int, ...] = (),
    ) -> None:
        """Say what some unknowns sum to: a number, or another unknown; and which cells of its release say so."""
        signs = np.ones(len(columns))
        if whole is not None:
            columns, signs = np.append(columns, whole), np.append(signs, -1)
        self.rows.append((columns, signs))
        self.right.append(value)
        self.weak.append(weak)
        self.cells.append(cells)


def _tell(
    lines: _Lines, own: _Own, inner: np.ndarray, unlabelled: Mask, *, trusted: bool, weak: bool
) -> None:
    """Write down one release over the atoms that are left."""
    single = {int(at[0]): value for at, value in zip(own.inside, own.values, strict=True) if len(at) == 1}
    named = {int(at[0]): cell for cell, at in enumerate(own.inside) if len(at) == 1}
    order = np.argsort(inner, kind="stable")
    starts = np.searchsorted(inner[order], np.arange(int(np.prod(own.sizes)) + 1))
    place: dict[int, int] = {}
    for one in range(len(starts) - 1):
        atoms = order[starts[one] : starts[one + 1]]
        value = single.get(one, _LATENT)
        if isinstance(value, int):
            if len(atoms) or value:
                lines.add(atoms, value, weak=weak, cells=(named[one],))
        elif value is None or len(atoms):
            place[one] = _part(lines, atoms, own.least if value is None else 0, trusted=trusted, weak=weak)
    if not trusted and unlabelled.any():
        lines.add(np.flatnonzero(unlabelled), 0, weak=weak)
    for cell, (at, value) in enumerate(zip(own.inside, own.values, strict=True)):
        if value is not None and len(at) > 1:
            open_ = np.array([place[one] for one in at.tolist() if one in place], dtype=np.int64)
            if len(open_):
                known = sum(single[one] or 0 for one in at.tolist() if one in single)
                parts = (named[one] for one in at.tolist() if one in named)
                lines.add(open_, value - known, weak=weak, cells=(cell, *parts))


_LATENT = object()
"""Of an inner cell that a release sums but does not show."""


def _part(lines: _Lines, atoms: np.ndarray, least: int, *, trusted: bool, weak: bool) -> int:
    """Give the unknown that stands for an inner cell whose number is not published."""
    if trusted and len(atoms) == 1:
        lines.low[atoms[0]] = max(lines.low[atoms[0]], least)
        return int(atoms[0])
    part = lines.variable(least)
    lines.add(atoms, 0, weak=weak and not trusted, whole=part)
    return part


def _inner_of_atoms(own: _Own, shape: tuple[int, ...]) -> np.ndarray:
    """Give for every atom the release's own inner cell that it is in, -1 where it is in none."""
    found = np.zeros(shape, dtype=np.int64)
    outside = np.zeros(shape, dtype=bool)
    for axis, code in enumerate(own.code):
        along = [1] * len(shape)
        along[axis] = len(code)
        found = found * own.sizes[axis] + np.maximum(code, 0).reshape(along)
        outside |= (code < 0).reshape(along)
    return np.where(outside, -1, found).ravel()


# ---- suspicions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Family:
    """Sets that are tested: all combinations of one group of pieces per axis (`groups`: groups x pieces)."""

    groups: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Give how many groups there are per axis."""
        return tuple(len(one) for one in self.groups)

    def sums(self, counts: np.ndarray) -> np.ndarray:
        """Count every set; the axes with most pieces first, while there is least to add."""
        for axis in sorted(range(len(self.groups)), key=lambda one: -self.groups[one].shape[1]):
            own = self.groups[axis].astype(float)
            counts = np.moveaxis(np.tensordot(own, counts, axes=(1, axis)), 0, axis)
        return counts

    def together(self, chosen: Mask) -> np.ndarray:
        """Give every atom the number of chosen sets that it is in."""
        return _Family(tuple(own.T for own in self.groups)).sums(chosen.astype(float))

    def alone(self, at: tuple[int, ...]) -> np.ndarray:
        """Give every atom whether it is in one set."""
        return reduce(np.multiply.outer, [own[one] for own, one in zip(self.groups, at, strict=True)]).astype(
            float
        )


def _families(made: Refinement, releases: Sequence[Release]) -> list[_Family]:
    """Give what is tested: atoms and margins of the whole refinement, and of the new release with each earlier one."""
    pieces = tuple(_pieces(axis) for axis in made.axes)
    masks = [one.boxes(made)[0] for one in releases]
    pairs = [
        _Family(tuple(_told_apart(mine, theirs) for mine, theirs in zip(masks[0], other, strict=True)))
        for other in masks[1:]
    ]
    return [_Family(pieces), *pairs]


def _pieces(axis: Axis) -> np.ndarray:
    """Give every piece of an axis, and all of them; of numbers and days every run, if they are few."""
    size = axis.size
    if axis.edges and size <= RUNS:
        runs = [(low, high) for low in range(size) for high in range(low + 1, size + 1)]
        return _distinct([(np.arange(size) >= low) & (np.arange(size) < high) for low, high in runs])
    return _distinct([*np.eye(size), np.ones(size)])


def _told_apart(mine: Mask, theirs: Mask) -> np.ndarray:
    """Give the groups of pieces of one axis that two releases name, or tell apart together."""
    both = np.vstack([mine, theirs])
    kinds, code = np.unique(both, axis=1, return_inverse=True)
    apart = [code.ravel() == one for one in range(kinds.shape[1]) if kinds[:, one].any()]
    return _distinct([*apart, *both])


def _distinct(groups: Sequence[np.ndarray]) -> np.ndarray:
    return np.unique(np.array(groups, dtype=bool), axis=0)


Found = tuple[Box, float, float]
"""A set, and what its count can be: at least, at most."""


Tell = Callable[[np.ndarray, np.ndarray], Mask]
"""Says of sets by the least and the most that they can be, as far as is known, whether they may be exposed."""


def _telling(new: Release) -> Tell:
    """Give what counts as told too much for the numbers of a release."""
    if new.summed:
        return lambda low, high: (high > CLOSE) & (high - low <= NARROW * low + CLOSE * np.maximum(high, 1))
    return lambda low, high: (low > 1 - CLOSE) & (high < new.min_count - CLOSE)


def _suspects(
    new: Release, earlier: Sequence[Release], together: Together, *, among: Sequence[Box] | None = None
) -> tuple[list[Found], int]:
    """Find the sets that the new release exposes, and how many were tested."""
    made = refined([new, *earlier])
    if int(np.prod(made.shape, dtype=float)) > LARGEST:
        raise TooFineError
    never, tell = made.impossible(together), _telling(new)

    def joint(releases: Sequence[Release]) -> _Joint:
        return _Joint(made, [_own(made, one) for one in releases], never)

    if among is not None:
        return _again(joint([new, *earlier]), among, tell), len(among)
    families = _families(made, [new, *earlier])
    checked = sum(int(np.prod(one.shape)) for one in families)
    found = _exposed(joint([new, *earlier]), families, tell)
    alone = [[new]] if new.summed else []
    for told in ([*alone, earlier] if earlier else alone) if found else ():
        known = joint(told)
        found = [one for one in found if not _is_exposed(known, one[0], tell)]
    return found, checked


def _smallest(boxes: Sequence[Box]) -> list[Box]:
    """Give the sets that have no other one in them."""
    return [one for one in boxes if not any(_within(other, one) for other in boxes)]


def _within(inner: Box, outer: Box) -> bool:
    """Say whether a set is part of another one and not all of it."""
    inside = all(not (mine & ~theirs).any() for mine, theirs in zip(inner, outer, strict=True))
    return inside and any((mine != theirs).any() for mine, theirs in zip(inner, outer, strict=True))


def _exposed(joint: _Joint, families: Sequence[_Family], tell: Tell) -> list[Found]:
    """Follow every suspicion until counts are found that clear it, or none can be."""
    boxes: dict[bytes, Box] = {}
    atoms: list[np.ndarray] = []
    for family, open_ in zip(families, _swept(joint, families, tell), strict=True):
        for at in map(tuple, np.argwhere(open_)):
            inside = np.flatnonzero(family.alone(at).ravel()[joint.alive])
            box = tuple(own[one] for own, one in zip(family.groups, at, strict=True))
            if boxes.setdefault(inside.tobytes(), box) is box:
                atoms.append(inside)
    ends = np.cumsum([0, *(len(inside) for inside in atoms)])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *atoms])
    sets = sp.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(atoms), len(joint.alive)))
    return _followed(joint, sets, list(boxes.values()), tell)


def _again(joint: _Joint, boxes: Sequence[Box], tell: Tell) -> list[Found]:
    """Test some sets once more; those in which there may be rows that no release counts are not known."""
    masks = [reduce(np.logical_and.outer, box) for box in boxes]
    known = [at for at, mask in enumerate(masks) if not (mask & joint.unknown).any()]
    sets = sp.csr_matrix(np.array([masks[at].ravel()[joint.alive] for at in known], dtype=float))
    return _followed(joint, sets, [boxes[at] for at in known], tell) if known else []


def _swept(joint: _Joint, families: Sequence[_Family], tell: Tell) -> list[Mask]:
    """Make all suspicious sets small at once, then large, as long as that clears some."""
    left = [one.sums(joint.unknown) < 1 for one in families]
    low = [np.full(one.shape, np.inf) for one in families]
    high = [np.full(one.shape, -np.inf) for one in families]

    def clear() -> int:
        counts = joint.counts()
        for family, open_, least, most in zip(families, left, low, high, strict=True):
            if open_.any():
                sums = family.sums(counts)
                np.minimum(least, sums, out=least)
                np.maximum(most, sums, out=most)
                open_ &= tell(least, most)
        return sum(int(open_.sum()) for open_ in left)

    before, now = -1, clear()
    for sweep in range(SWEEPS):
        if not now or (now == before and sweep % 2 == 0):
            break
        before = now
        weights = [
            family.together(open_) for family, open_ in zip(families, left, strict=True) if open_.any()
        ]
        joint.search(sum(weights[1:], weights[0]), -1.0 if sweep % 2 else 1.0)
        now = clear()
    return left


def _followed(joint: _Joint, sets: sp.csr_matrix, boxes: Sequence[Box], tell: Tell) -> list[Found]:
    """Search each set for itself; whatever counts are found bear on all of them."""
    low, high, found = np.full(len(boxes), np.inf), np.full(len(boxes), -np.inf), []
    open_ = np.ones(len(boxes), dtype=bool)
    for one, box in enumerate(boxes):
        ends = []
        for sign in (1.0, -1.0):
            if open_[one]:
                ends.append(joint.search(reduce(np.multiply.outer, box).astype(float), sign))
                sums = sets @ joint.program.found()[: len(joint.alive)]
                low, high = np.minimum(low, sums), np.maximum(high, sums)
                open_ &= tell(low, high)
        if open_[one]:
            found.append((box, ends[0], ends[1]))
    return found


def _is_exposed(joint: _Joint, box: Box, tell: Tell) -> bool:
    """Say whether one set is told too much."""
    weights = reduce(np.multiply.outer, box).astype(float)
    if (weights.astype(bool) & joint.unknown).any():
        return False
    ends = [np.array([joint.search(weights, sign)]) for sign in (1.0, -1.0)]
    return bool(tell(*ends)[0])


def _needed(new: Release, earlier: Sequence[Release], box: Box, together: Together) -> tuple[str, ...]:
    """Give the earlier releases without which one set would not be exposed: each that can be spared is."""
    made = refined([new, *earlier])
    never = made.impossible(together)

    def exposes(chosen: Sequence[Release]) -> bool:
        joint = _Joint(made, [_own(made, one) for one in (new, *chosen)], never)
        return _is_exposed(joint, box, _telling(new))

    alone = next((one for one in earlier if exposes([one])), None)
    if exposes([]):
        return ()
    if alone is not None:
        return (alone.id,)
    kept = list(earlier)
    for one in earlier:
        fewer = [other for other in kept if other is not one]
        if exposes(fewer):
            kept = fewer
    return tuple(one.id for one in kept)
