"""What is wrong in a table on purpose, and what only looks wrong: for the ground truth about quality."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, slots=True)
class Defect:
    """
    One kind of mistake in one table.

    `kind` is a word for it (``duplicate``, ``stuck``), `columns` where it shows, `keys` the rows by their
    primary key; ``rows`` that are missing are named by the key that they would have. `note` says what else
    a reader of the ground truth must know.
    """

    dataset: str
    kind: str
    columns: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...]
    note: str = ""

    def told(self) -> dict[str, Any]:
        """Give it as the page of ground truth holds it."""
        return {
            "dataset": self.dataset,
            "defect": self.kind,
            "columns": list(self.columns),
            "rows": [dict(one) for one in self.keys],
            **({"note": self.note} if self.note else {}),
        }


@dataclass(frozen=True, slots=True)
class Laid:
    """A table with mistakes in it, the mistakes, and what looks like one."""

    table: Any
    defects: tuple[Defect, ...] = ()
    look_alikes: tuple[Defect, ...] = ()


def keys(table: pd.DataFrame, rows: Sequence[Hashable], columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """
    Name rows by some of their columns, in order.

    Examples
    --------
    >>> keys(pd.DataFrame({"id": ["a", "b"], "n": [1, 2]}), [1], ["id"])
    ({'id': 'b'},)
    """
    chosen = table.loc[list(rows), list(columns)]
    told = {name: [_written(value) for value in chosen[name]] for name in columns}
    return tuple(dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True))


def _written(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
