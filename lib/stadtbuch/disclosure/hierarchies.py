"""
Hierarchies: how the labels of a variable are grouped, and what that makes of a table.

A table with hierarchies, and several tables that share variables, become one system: every cell is a set of
inner combinations, equal sets are one variable however they are called, and every group is the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
import scipy.sparse as sp

from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

Nodes = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Hierarchy:
    """
    The labels of one variable and the groups over them.

    Parameters
    ----------
    name
        The variable.
    leaves
        Its labels, in their order.
    groups
        Per group its parts: labels or other groups. A label may stand in several groupings (boroughs and school
        districts over the same quarters).

    Raises
    ------
    ProtectionError
        ``protect.node-missing`` if a part is neither a label nor a group, ``protect.node-twice`` if a name stands
        for two things or a label would be counted twice in a group, ``protect.node-circle`` if a group contains
        itself, ``protect.node-empty`` if it has no part.

    Examples
    --------
    >>> place = Hierarchy("place", ("a", "b", "c"), {"north": ("a", "b"), "all": ("north", "c")})
    >>> place.nodes, place.member.toarray().tolist()[3:]
    (('a', 'b', 'c', 'north', 'all'), [[1, 1, 0], [1, 1, 1]])
    """

    name: str
    leaves: tuple[str, ...]
    groups: Nodes = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [*self.leaves, *self.groups]
        if len(set(names)) != len(names):
            raise _wrong("node-twice", self.name, *_TWICE)
        for parts in self.groups.values():
            if not parts:
                raise _wrong("node-empty", self.name, *_EMPTY)
            if any(part not in names for part in parts):
                raise _wrong("node-missing", self.name, *_MISSING)
        if (self.member.data > 1).any():
            raise _wrong("node-twice", self.name, *_TWICE)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Give all labels and groups, parts before what they are part of."""
        found, rest = list(self.leaves), dict(self.groups)
        while rest:
            ready = [group for group, parts in rest.items() if all(part in found for part in parts)]
            if not ready:
                raise _wrong("node-circle", self.name, *_CIRCLE)
            found += ready
            for group in ready:
                del rest[group]
        return tuple(found)

    @cached_property
    def member(self) -> sp.csr_matrix:
        """Say which labels are in which node (nodes x labels, 0 and 1)."""
        at = {node: number for number, node in enumerate(self.nodes)}
        rows = np.zeros((len(at), len(self.leaves)), dtype=np.int64)
        rows[: len(self.leaves)] = np.eye(len(self.leaves), dtype=np.int64)
        for group in self.nodes[len(self.leaves) :]:
            rows[at[group]] = sum(rows[at[part]] for part in self.groups[group])
        return sp.csr_matrix(rows)

    @cached_property
    def relations(self) -> sp.csr_matrix:
        """Write down that the parts of each group sum to it (groups x nodes)."""
        at = {node: number for number, node in enumerate(self.nodes)}
        rows = np.zeros((len(self.groups), len(at)), dtype=np.int64)
        for row, (group, parts) in enumerate(self.groups.items()):
            rows[row, [at[part] for part in parts]] = 1
            rows[row, at[group]] = -1
        return sp.csr_matrix(rows)


@dataclass(frozen=True)
class Cube:
    """
    A table over several hierarchies: all combinations of their nodes.

    Parameters
    ----------
    hierarchies
        One per variable.
    inner
        The values of the combinations of labels, in their order (whole numbers, not negative).
    """

    hierarchies: tuple[Hierarchy, ...]
    inner: np.ndarray

    @cached_property
    def member(self) -> sp.csr_matrix:
        """Say which inner combinations are in which cell (cells x inner cells)."""
        return _crossed([one.member for one in self.hierarchies])

    @cached_property
    def relations(self) -> sp.csr_matrix:
        """Write down every sum in the table: the groups of one variable, for all nodes of the others."""
        rows = [
            _crossed(
                [
                    one.relations if place == at else sp.identity(len(one.nodes), np.int64, format="csr")
                    for place, one in enumerate(self.hierarchies)
                ]
            )
            for at in range(len(self.hierarchies))
        ]
        return sp.vstack(rows, format="csr")

    @property
    def values(self) -> np.ndarray:
        """Give the value of every cell."""
        return self.member @ np.asarray(self.inner).ravel()

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """Give the nodes of every cell."""
        return list(product(*(one.nodes for one in self.hierarchies)))

    def sets(self) -> list[tuple[tuple[str, frozenset[str]], ...]]:
        """Name every cell by what it counts: per variable the labels in it, none where it counts all of them."""
        choices = []
        for one in self.hierarchies:
            inside = [frozenset(np.take(one.leaves, row.indices)) for row in one.member]
            whole = frozenset(one.leaves)
            choices.append([() if labels == whole else ((one.name, labels),) for labels in inside])
        return [tuple(sorted(sum(chosen, ()), key=lambda pair: pair[0])) for chosen in product(*choices)]


@dataclass(frozen=True)
class Joined:
    """
    Several tables as one system.

    `values` and `relations` are over the variables of the system; `places` gives for every table the variable of
    each of its cells.
    """

    values: np.ndarray
    relations: sp.csr_matrix
    places: tuple[np.ndarray, ...]


def join(cubes: Sequence[Cube]) -> Joined:
    """
    Bring tables together: cells that count the same are one variable, sums that say the same are said once.

    Raises
    ------
    ProtectionError
        ``protect.contradiction`` if two tables give the same set two values: it names table and cell.

    Examples
    --------
    Two tables of the same people share what they count in all:

    >>> one = Cube((Hierarchy("sex", ("f", "m"), {"all": ("f", "m")}),), np.array([4, 5]))
    >>> two = Cube((Hierarchy("age", ("old", "young"), {"all": ("old", "young")}),), np.array([2, 7]))
    >>> joined = join([one, two])
    >>> joined.values.tolist(), [place.tolist() for place in joined.places]
    ([4, 5, 9, 2, 7], [[0, 1, 2], [3, 4, 2]])
    """
    known: dict[object, int] = {}
    values: list[int] = []
    places, rows = [], []
    for number, cube in enumerate(cubes, start=1):
        place = np.zeros(cube.member.shape[0], dtype=np.int64)
        for cell, (name, value) in enumerate(zip(cube.sets(), cube.values.tolist(), strict=True)):
            place[cell] = known.setdefault(name, len(values))
            if place[cell] == len(values):
                values.append(value)
            elif values[place[cell]] != value:
                raise _contradiction(number, cell + 1, len(place))
        places.append(place)
        rows.append((cube.relations, place))
    return Joined(np.array(values), _once(rows, len(values)), tuple(places))


def _once(rows: Sequence[tuple[sp.csr_matrix, np.ndarray]], size: int) -> sp.csr_matrix:
    """Renumber the relations of all tables; leave out what says nothing, and what was said before."""
    moved = []
    for relations, place in rows:
        pairs = relations.tocoo()
        moved.append(
            sp.csr_matrix((pairs.data, (pairs.row, place[pairs.col])), shape=(relations.shape[0], size))
        )
    joined = sp.vstack(moved, format="csr") if moved else sp.csr_matrix((0, size), dtype=np.int64)
    joined.sum_duplicates()
    joined.eliminate_zeros()
    seen: dict[tuple[bytes, bytes], int] = {}
    for row in range(joined.shape[0]):
        here = slice(joined.indptr[row], joined.indptr[row + 1])
        if here.start != here.stop:
            seen.setdefault((joined.indices[here].tobytes(), joined.data[here].tobytes()), row)
    return joined[list(seen.values())]


def _crossed(matrices: Sequence[sp.csr_matrix]) -> sp.csr_matrix:
    """Form the Kronecker product of several matrices."""
    made = matrices[0]
    for matrix in matrices[1:]:
        made = sp.kron(made, matrix, format="csr")
    return sp.csr_matrix(made)


# ---- what is said when something is wrong -------------------------------------------------------------

_MISSING = (
    "nennt einen Teil, den es weder als Bezeichnung noch als Gruppe gibt",
    "names a part that is neither a label nor a group",
    "Nennen Sie zu jeder Gruppe nur vorhandene Bezeichnungen oder Gruppen.",
    "Name only existing labels or groups as parts.",
)
_TWICE = (
    "nennt etwas zweimal; es würde doppelt gezählt",
    "names something twice; it would be counted twice",
    "Geben Sie jeder Gruppe einen eigenen Namen, und jeder Bezeichnung einen Platz darin.",
    "Give every group a name of its own, and every label one place in it.",
)
_CIRCLE = (
    "enthält eine Gruppe, die zu sich selbst gehört",
    "has a group that belongs to itself",
    "Ordnen Sie die Gruppen so, dass jede nur aus kleineren besteht.",
    "Arrange the groups so that each consists of smaller ones only.",
)
_EMPTY = (
    "enthält eine Gruppe ohne Teile",
    "has a group without parts",
    "Nehmen Sie die leere Gruppe heraus.",
    "Take the empty group out.",
)


def _wrong(kind: str, name: str, de: str, en: str, do_de: str, do_en: str) -> ProtectionError:
    return ProtectionError(
        f"protect.{kind}",
        Text(de=f"Die Hierarchie von {name} {de}.", en=f"The hierarchy of {name} {en}."),
        remedy=Text(de=do_de, en=do_en),
    )


def _contradiction(table: int, cell: int, cells: int) -> ProtectionError:
    return ProtectionError(
        "protect.contradiction",
        Text(
            de=f"Das Feld {cell} von {cells} der Tabelle {table} widerspricht einer anderen Tabelle.",
            en=f"The cell {cell} of {cells} of table {table} contradicts another table.",
        ),
        why=Text(
            de="Beide zählen dasselbe und nennen verschiedene Zahlen.",
            en="Both count the same and give different numbers.",
        ),
        remedy=Text(
            de="Bilden Sie beide Tabellen aus denselben Zeilen.", en="Make both tables from the same rows."
        ),
    )
