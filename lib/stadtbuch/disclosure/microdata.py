"""
How well records hide among each other: k, l and t, on groups of records that are numbered with whole numbers.

A group is made of the records that have the same values in all quasi-identifiers. A missing value is a value of its
own: it hides nobody among others. Everything is counted, nothing is drawn by chance; ten million records take less than
a second once their columns are coded.

Sources: L. Sweeney (2002: k); A. Machanavajjhala et al., l-diversity (2007: distinct, entropy, recursive);
N. Li, T. Li and S. Venkatasubramanian, t-closeness (2007: equal and ordered distance); K. El Emam et al., a globally
optimal method for k (2009: search in the lattice of generalisations).

The names are those of the papers. No measure here says that nobody can be found.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

Whole = np.ndarray
DENSE, MOST = 32, 1 << 26
"""How many times more groups than records may be possible before groups are numbered anew by sorting, and how many at
most: half a gigabyte of counts."""
LATTICE = 200_000
"""Generalisations that a search looks at before it gives up."""
MISSING = -1


@dataclass(frozen=True)
class Groups:
    """
    Records by the group they stand in.

    Parameters
    ----------
    of
        Per record the number of its group, from 0.
    number
        How many numbers there are; some may have no record.
    """

    of: Whole
    number: int

    @property
    def sizes(self) -> Whole:
        """Give the number of records of each group that has any."""
        counted = np.bincount(self.of, minlength=self.number)
        return counted[counted > 0]


def coded(values: pd.Series) -> Whole:
    """
    Number the values of a column from 0; a missing one is -1.

    Examples
    --------
    >>> coded(pd.Series(["a", None, "b", "a"])).tolist()
    [0, -1, 1, 0]
    """
    return pd.factorize(values)[0].astype(np.int64)


def grouped(columns: Sequence[Whole]) -> Groups:
    """
    Number the groups of records that agree in all columns.

    Parameters
    ----------
    columns
        One array per quasi-identifier: whole numbers from -1 (missing), all of one length.

    Raises
    ------
    ProtectionError
        ``microdata.columns`` without a column, or with columns of different length.

    Examples
    --------
    >>> grouped([np.array([0, 0, 1]), np.array([5, 5, 5])]).sizes.tolist()
    [2, 1]
    """
    if not columns or len({len(one) for one in columns}) != 1:
        raise _refused(
            "columns",
            "Es braucht mindestens eine Spalte, und alle müssen gleich lang sein.",
            "There must be a column, and all must have the same length.",
        )
    of, number = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        levels = int(column.max(initial=MISSING)) + 2
        of, number = of * levels + (column + 1), number * levels
        if number > min(DENSE * max(len(of), 1024), MOST):
            of = np.unique(of, return_inverse=True)[1].reshape(-1)
            number = int(of.max(initial=-1)) + 1
    return Groups(of, number)


def smallest(groups: Groups) -> int:
    """
    Give k: the size of the smallest group; 0 without records.

    Examples
    --------
    >>> smallest(Groups(np.array([0, 0, 1, 1, 1]), 2))
    2
    """
    return int(groups.sizes.min(initial=np.iinfo(np.int64).max)) if len(groups.of) else 0


def diversity(
    groups: Groups,
    sensitive: Whole,
    *,
    kind: Literal["distinct", "entropy", "recursive"] = "distinct",
    weight: float = 2.0,
) -> float:
    """
    Give l: how different the sensitive values of the least different group are; 0 without records.

    Parameters
    ----------
    sensitive
        Per record the number of its sensitive value, from -1 (missing).
    kind
        ``distinct``: how many values. ``entropy``: the exponential of the entropy, so that l equally frequent values
        give l. ``recursive``: the greatest l for which the most frequent value has fewer than `weight` times the
        records of all values from the l-th most frequent one on.
    weight
        The c of recursive (c,l)-diversity.

    Examples
    --------
    >>> groups = Groups(np.array([0, 0, 0, 1, 1]), 2)
    >>> diversity(groups, np.array([0, 1, 2, 0, 1])), diversity(groups, np.array([0, 1, 2, 0, 0]))
    (2.0, 1.0)
    """
    if not len(groups.of):
        return 0.0
    group, counts = _by_value(groups, sensitive)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    if kind == "distinct":
        return float(np.diff(first, append=len(group)).min())
    if kind == "entropy":
        total = np.add.reduceat(counts, first)
        logs = np.add.reduceat(counts * np.log(counts), first)
        return float(np.exp((np.log(total) - logs / total).min()))
    return float(_recursive(group, counts, first, weight))


def _by_value(groups: Groups, sensitive: Whole) -> tuple[Whole, Whole]:
    """Count the records of each sensitive value in each group; groups in their order."""
    pairs = grouped([groups.of, sensitive])
    counted = np.bincount(pairs.of, minlength=pairs.number)
    some = np.flatnonzero(counted)
    member = np.zeros(pairs.number, dtype=np.int64)
    member[pairs.of] = groups.of
    order = np.argsort(member[some], kind="stable")
    return member[some][order], counted[some][order]


def _recursive(group: Whole, counts: Whole, first: Whole, weight: float) -> int:
    """Give the greatest l that holds for all groups; 0 if none does, or a group has one value only and needs more."""
    order = np.lexsort((-counts, group))
    ranked = counts[order]
    most = np.repeat(ranked[first], np.diff(first, append=len(group)))
    after = ranked[::-1].cumsum()[::-1]  # this value and all behind it, the groups behind it included
    ends = np.append(after[first[1:]], 0)
    tail = after - np.repeat(ends, np.diff(first, append=len(group)))
    holds = most < weight * tail
    return int(np.add.reduceat(holds, first).min())


def closeness(
    groups: Groups,
    sensitive: Whole,
    *,
    kind: Literal["equal", "ordered"] = "equal",
    levels: int | None = None,
) -> float:
    """
    Give t: how far the sensitive values of a group are spread otherwise than those of all records, at most.

    Parameters
    ----------
    sensitive
        Per record the number of its value, from 0; for ``ordered`` in the order of the values. A missing one is not
        allowed there.
    kind
        ``equal``: every two values are equally far apart (half the sum of differences). ``ordered``: as far as there
        are values between them (earth mover's distance).
    levels
        How many values there are; those that occur unless said.

    Raises
    ------
    ProtectionError
        ``microdata.missing`` for a missing value where an order is asked for.

    Examples
    --------
    >>> groups = Groups(np.array([0, 0, 1, 1]), 2)
    >>> closeness(groups, np.array([0, 0, 1, 1])), closeness(groups, np.array([0, 1, 0, 1]))
    (0.5, 0.0)
    """
    if not len(groups.of):
        return 0.0
    if kind == "ordered" and sensitive.min() < 0:
        raise _refused(
            "missing",
            "Eine geordnete Spalte darf keine fehlenden Werte haben.",
            "A column with an order must have no missing values.",
        )
    values = sensitive - min(int(sensitive.min()), 0)
    number = max(levels or 0, int(values.max()) + 1)
    all_ = np.bincount(values, minlength=number) / len(values)
    dense = (
        np.unique(groups.of, return_inverse=True)[1].reshape(-1) if groups.number > len(values) else groups.of
    )
    rows = int(dense.max()) + 1
    farthest, step = 0.0, max(1, (1 << 24) // number)
    for begin in range(0, rows, step):  # in parts, so that many groups need no more memory
        here = (dense >= begin) & (dense < begin + step) if rows > step else slice(None)
        size = min(step, rows - begin)
        counted = np.bincount((dense[here] - begin) * number + values[here], minlength=size * number)
        shares = counted.reshape(size, number).astype(float)
        total = shares.sum(axis=1)
        apart = shares[total > 0] / total[total > 0, None] - all_
        far = np.abs(apart).sum(axis=1) / 2 if kind == "equal" else _moved(apart)
        farthest = max(farthest, float(far.max(initial=0.0)))
    return farthest


def _moved(apart: np.ndarray) -> np.ndarray:
    """Give the earth mover's distance of rows of differences, scaled so that the ends are 1 apart."""
    if apart.shape[1] < 2:
        return np.zeros(len(apart))
    return np.abs(apart.cumsum(axis=1)).sum(axis=1) / (apart.shape[1] - 1)


# ---- what a stranger may find -------------------------------------------------------------------------


@dataclass(frozen=True)
class Risk:
    """
    How easily somebody who knows the quasi-identifiers of a person finds the person's record.

    Attributes
    ----------
    records, groups
        How many there are.
    alone
        Records that are alone in their group.
    below
        Records in groups smaller than k.
    highest, mean
        One over the size of a record's group: the greatest, and the mean of all records.
    """

    records: int
    groups: int
    alone: int
    below: int
    highest: float
    mean: float


def risk(groups: Groups, *, k: int) -> Risk:
    """
    Sum up the risk of records.

    Examples
    --------
    >>> risk(Groups(np.array([0, 0, 1]), 2), k=2)
    Risk(records=3, groups=2, alone=1, below=1, highest=1.0, mean=0.6666666666666666)
    """
    sizes = groups.sizes
    records = len(groups.of)
    return Risk(
        records=records,
        groups=len(sizes),
        alone=int((sizes == 1).sum()),
        below=int(sizes[sizes < k].sum()),
        highest=1 / int(sizes.min()) if records else 0.0,
        mean=len(sizes) / records if records else 0.0,
    )


# ---- making groups larger -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Generalisation:
    """
    How coarse each column is told.

    Attributes
    ----------
    levels
        Column -> level, 0 as it is.
    columns
        The coarse columns, one array each.
    below
        Records that still are in groups smaller than k: at most as many as were allowed.
    looked_at
        How many generalisations were counted.
    """

    levels: Mapping[str, int]
    columns: Mapping[str, Whole]
    below: int
    looked_at: int


def generalised(
    columns: Mapping[str, Whole],
    hierarchies: Mapping[str, Sequence[Whole]],
    *,
    k: int,
    most_below: int = 0,
    cost: Mapping[str, float] | None = None,
    limit: int = LATTICE,
) -> Generalisation:
    """
    Find the generalisation that loses least and leaves at most so many records in groups smaller than k.

    The cost of a generalisation is the sum over columns of the share of its levels that it climbed, times the column's
    own cost; generalisations are looked at from the cheapest on, so the first that does is the cheapest. Groups only
    grow on the way up, so what fails below needs no second look.

    Parameters
    ----------
    columns
        Column -> numbers of the values, from -1 (missing); the same length.
    hierarchies
        Column -> for each level above 0, an array that gives for every number its number at that level. A column
        without one stays as it is.
    k
        Size that groups shall have.
    most_below
        Records that may stay in smaller groups, to be suppressed afterwards.
    cost
        Column -> what it costs to tell it as coarse as possible; 1 unless said.
    limit
        Generalisations to look at before giving up.

    Raises
    ------
    ProtectionError
        ``microdata.hierarchy`` with the column and level whose array does not fit, ``microdata.impossible`` if not
        even the coarsest does, ``microdata.limit``.

    Examples
    --------
    >>> age, tens = np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1])
    >>> generalised({"age": age}, {"age": [tens]}, k=2).levels
    {'age': 1}
    """
    names = sorted(columns)
    grouped([columns[name] for name in names])  # one length
    heights = {name: len(hierarchies.get(name, ())) for name in names}
    _require_fitting(columns, hierarchies)
    price = {name: (cost or {}).get(name, 1.0) / max(heights[name], 1) for name in names}
    base, counts = _different([columns[name] for name in names])
    levels = [
        [base[place], *(_raised(base[place], one) for one in hierarchies.get(name, ()))]
        for place, name in enumerate(names)
    ]
    waiting: list[tuple[float, tuple[int, ...]]] = [(0.0, (0,) * len(names))]
    seen = {waiting[0][1]}
    looked_at = 0
    while waiting:
        _, node = heapq.heappop(waiting)
        looked_at += 1
        below = _below(grouped([levels[place][level] for place, level in enumerate(node)]), counts, k)
        if below <= most_below:
            chosen = dict(zip(names, node, strict=True))
            raised = {
                name: columns[name] if not level else _raised(columns[name], hierarchies[name][level - 1])
                for name, level in chosen.items()
            }
            return Generalisation(chosen, raised, below, looked_at)
        if looked_at >= limit:
            raise _refused(
                "limit",
                f"Nach {limit} Vergröberungen ist keine gefunden, die genügt.",
                f"After {limit} generalisations none was found that does.",
            )
        for place, name in enumerate(names):
            higher = (*node[:place], node[place] + 1, *node[place + 1 :])
            if node[place] < heights[name] and higher not in seen:
                seen.add(higher)
                total = sum(price[one] * level for one, level in zip(names, higher, strict=True))
                heapq.heappush(waiting, (round(total, 9), higher))
    raise _refused(
        "impossible",
        "Auch die gröbste Fassung lässt zu viele Datensätze in zu kleinen Gruppen.",
        "Even the coarsest form leaves too many records in groups that are too small.",
    )


def _different(columns: Sequence[Whole]) -> tuple[list[Whole], Whole]:
    """Give each combination of values once, with its number of records: there are far fewer of them."""
    groups = grouped(columns)
    _, first, counts = np.unique(groups.of, return_index=True, return_counts=True)
    return [one[first] for one in columns], counts


def _below(groups: Groups, counts: Whole, k: int) -> int:
    """Count the records in groups smaller than k; each combination stands for several."""
    sizes = np.bincount(groups.of, weights=counts, minlength=groups.number)
    return int(sizes[(sizes > 0) & (sizes < k)].sum())


def _raised(column: Whole, level: Whole) -> Whole:
    """Tell a column by a level of its hierarchy; missing stays missing."""
    return np.where(column >= 0, np.asarray(level, dtype=np.int64)[np.maximum(column, 0)], MISSING)


def _require_fitting(columns: Mapping[str, Whole], hierarchies: Mapping[str, Sequence[Whole]]) -> None:
    """Refuse a level that misses values, or that parts what the level below joined."""
    for name, levels in hierarchies.items():
        values = np.unique(columns[name][columns[name] >= 0]) if name in columns else np.zeros(0, np.int64)
        before = values
        for number, level in enumerate(levels, start=1):
            if name not in columns or (len(values) and len(level) <= values[-1]):
                raise _no_level(name, number)
            here = np.asarray(level, dtype=np.int64)[values]
            pairs = np.unique(np.stack([before, here]), axis=1)
            if len(np.unique(pairs[0])) != pairs.shape[1]:
                raise _no_level(name, number)
            before = here


def _no_level(name: str, number: int) -> ProtectionError:
    return _refused(
        "hierarchy",
        f"Stufe {number} von {name} passt nicht: Ihr fehlt ein Wert, oder sie trennt, was die Stufe darunter vereint.",
        f"Level {number} of {name} does not fit: it lacks a value, or it parts what the level below joins.",
    )


def suppressed(columns: Mapping[str, Whole], *, k: int) -> dict[str, Whole]:
    """
    Take single values out until every group has k records or more: few values of few records.

    Records of small groups lose one value, then two, and so on, as long as with what is left k of them agree; the last
    ones lose all. If fewer than k would be left with nothing, the smallest other groups join them. A missing value
    counts as a value, so a record with gaps hides among records with the same gaps only.

    Parameters
    ----------
    columns
        Column -> numbers of the values, from -1 (missing). What is tried first is to take out the last column.
    k
        Size that groups shall have.

    Returns
    -------
    dict
        The columns with -1 where a value was taken out.

    Raises
    ------
    ProtectionError
        ``microdata.impossible`` with fewer than k records.

    Examples
    --------
    >>> kept = suppressed({"a": np.array([0, 0, 0, 0]), "b": np.array([0, 0, 1, 2])}, k=2)
    >>> kept["a"].tolist(), kept["b"].tolist()
    ([0, 0, 0, 0], [0, 0, -1, -1])
    """
    names = list(columns)
    made = {name: columns[name].copy() for name in names}
    left = _too_few(made, k)
    for size in range(1, len(names) + 1):
        for out in combinations(reversed(names), size):
            if not left.any():
                return made
            _take_out(made, left, out, k)
    while (few := _too_few(made, k)).any():
        nothing = np.logical_and.reduce([made[name] < 0 for name in names])
        joining = few & ~nothing
        if not joining.any():
            joining = _smallest_group(made, ~nothing)
        for name in names:
            made[name][joining] = MISSING
    return made


def _smallest_group(made: Mapping[str, Whole], among: np.ndarray) -> np.ndarray:
    """Mark the records of the smallest group among some records."""
    if not among.any():
        raise _refused(
            "impossible",
            "Es gibt weniger Datensätze als verlangt.",
            "There are fewer records than asked for.",
        )
    groups = grouped(list(made.values()))
    sizes = np.bincount(groups.of, minlength=groups.number)[groups.of]
    at = np.flatnonzero(among)
    found: np.ndarray = groups.of == groups.of[at[np.argmin(sizes[at])]]
    return found


def _take_out(made: dict[str, Whole], left: np.ndarray, out: Sequence[str], k: int) -> None:
    """Take some columns out of the records that are left, where k of them then agree; they are left no more."""
    rows = np.flatnonzero(left)
    rest = [np.full(len(rows), MISSING) if name in out else made[name][rows] for name in made]
    groups = grouped(rest)
    enough = (np.bincount(groups.of, minlength=groups.number) >= k)[groups.of]
    for name in out:
        made[name][rows[enough]] = MISSING
    left[rows[enough]] = False


def _too_few(made: Mapping[str, Whole], k: int) -> np.ndarray:
    """Mark the records in groups smaller than k."""
    groups = grouped(list(made.values()))
    return np.bincount(groups.of, minlength=groups.number)[groups.of] < k


REMEDIES: Mapping[str, Text] = {
    "columns": Text(
        de="Nennen Sie die Spalten, die man kennen kann.", en="Name the columns that can be known."
    ),
    "missing": Text(
        de="Lassen Sie diese Datensätze weg oder messen Sie equal.",
        en="Leave these records out, or measure equal.",
    ),
    "hierarchy": Text(de="Berichtigen Sie die Hierarchie der Spalte.", en="Correct the column's hierarchy."),
    "impossible": Text(
        de="Lassen Sie Spalten weg, erlauben Sie mehr Unterdrückung oder veröffentlichen Sie eine Tabelle.",
        en="Leave columns out, allow more suppression, or publish a table instead.",
    ),
    "limit": Text(de="Kürzen Sie die Hierarchien.", en="Shorten the hierarchies."),
}


def _refused(code: str, de: str, en: str) -> ProtectionError:
    return ProtectionError(f"microdata.{code}", Text(de=de, en=en), remedy=REMEDIES[code])
