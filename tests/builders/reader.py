"""
A reader who reckons: everything that follows from the published numbers of a protected table, and nothing else.

Written without the library: it takes the public record as it is downloaded. Each combination of labels is a number
that is known, or at least zero; each published sum is an equation, each withheld cell a sum that is at least 1 where
zeros are published. Linear programs say what a cell can be at least and at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

Labels = tuple[str | None, ...]


class Reader:
    """
    What one public record tells.

    Parameters
    ----------
    record
        Of a protected table, ``grid`` or ``cube``.
    known
        Cells that this reader knows besides, such as what it contributes itself.
    """

    def __init__(self, record: Mapping[str, Any], known: Mapping[Labels, float] | None = None) -> None:
        self.variables = [*record["rows"], *record["columns"]]
        self.groups = {
            name: {group: set(inside) for level in levels.values() for group, inside in level.items()}
            for name, levels in record.get("hierarchies", {}).items()
        }
        self.labels = record["labels"]
        self.told = {tuple(cell["labels"]): cell["value"] for cell in record["cells"]} | dict(known or {})
        self.least = (
            0 if record.get("zeros", "published") != "published" or "sum" in record.get("measure", {}) else 1
        )
        inner = list(product(*(self.labels[name] for name in self.variables)))
        self.open = {
            labels: at for at, labels in enumerate(one for one in inner if self.told.get(one) is None)
        }
        self.fixed = {labels: self.told[labels] for labels in inner if self.told.get(labels) is not None}
        self.hidden = [labels for labels, value in self.told.items() if value is None]
        self._rows()

    def _rows(self) -> None:
        """Write down what is published as equations, what is withheld as sums that are at least something."""
        equal, right, withheld, least = [], [], [], []
        for labels, value in self.told.items():
            inside, rest = self.parts(labels)
            if value is None:
                withheld.append(inside)
                least.append(rest - self.least)
            elif inside:
                equal.append(inside)
                right.append(value - rest)
        self.equal, self.right = self._matrix(equal), np.array(right, dtype=float)
        self.withheld, self.room = -self._matrix(withheld), np.array(least, dtype=float)

    def parts(self, labels: Labels) -> tuple[list[int], float]:
        """Give the unknown numbers that a cell sums up, and the sum of the known ones."""
        choices = [self._leaves(name, label) for name, label in zip(self.variables, labels, strict=True)]
        inside = list(product(*choices))
        return [self.open[one] for one in inside if one in self.open], sum(
            self.fixed[one] for one in inside if one in self.fixed
        )

    def _leaves(self, name: str, label: str | None) -> list[str]:
        if label is None:
            return list(self.labels[name])
        group = self.groups.get(name, {}).get(label)
        return [label] if group is None else sorted(group)

    def _matrix(self, rows: list[list[int]]) -> sp.csr_matrix:
        where = [(number, at) for number, inside in enumerate(rows) for at in inside]
        down, across = zip(*where, strict=True) if where else ((), ())
        shape = (len(rows), len(self.open))
        return sp.csr_matrix((np.ones(len(where)), (down, across)), shape=shape)

    def most(self, labels: Labels) -> float:
        """Say what a withheld cell can be at most."""
        return self._reach(labels, 1)

    def fewest(self, labels: Labels) -> float:
        """Say what a withheld cell can be at least."""
        return self._reach(labels, -1)

    def _reach(self, labels: Labels, sign: int) -> float:
        inside, rest = self.parts(labels)
        aim = np.zeros(len(self.open))
        aim[inside] = -sign
        found = linprog(aim, A_ub=self.withheld, b_ub=self.room, A_eq=self.equal, b_eq=self.right)
        assert found.status in (0, 3), "the published numbers contradict each other"
        return np.inf * sign if found.status == 3 else rest - sign * found.fun
