"""
What a join tells that neither side told: how many stay alike (k) before and after.

Two tables may be harmless alone and single out people together: ten people of one borough and age, ten of one borough
and job, and one of that borough, age and job. Only columns are named here, never a value.

Source of the measure: L. Sweeney, k (2002); of the rule: joining is a processing step of its own (guideline on
municipal data: "Zusammenführung mit anderen Daten").
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text

MOST = 20_000_000
"""Groups of a join that are counted; a join beyond that is not judged to be harmless."""
SIZE, OTHER = "__size", "__other"


@dataclass(frozen=True, slots=True)
class Joined:
    """
    How many records are alike in all columns that tell something about people.

    Attributes
    ----------
    left, right
        k of each side, by its own columns.
    k
        k of the join; None if nothing meets, or if the join is too large to count.
    columns
        The quasi-identifiers and sensitive columns that stand side by side in the join, sorted.
    on
        The columns it was joined by.
    too_large
        Whether the join has more groups than are counted.
    """

    left: int
    right: int
    k: int | None
    columns: tuple[str, ...]
    on: tuple[str, ...]
    too_large: bool = False

    def singles_out(self, least: int) -> bool:
        """Tell whether people are told apart by the join who were not by either side."""
        if min(self.left, self.right) < least:
            return False
        return self.too_large or (self.k is not None and self.k < least)


def measure(
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    on: Sequence[str],
    telling: Collection[str],
) -> Joined:
    """
    Measure k of two tables and of their join.

    Nothing is joined row by row: groups of equal records are counted, and groups that meet are multiplied.

    Parameters
    ----------
    left, right
        One row per record.
    on
        The columns that both have and are joined by.
    telling
        Names of the columns that tell something about people (quasi-identifiers and sensitive ones).

    Examples
    --------
    >>> left = pd.DataFrame({"nr": [1, 2, 3, 4], "sex": ["f", "f", "m", "m"]})
    >>> right = pd.DataFrame({"nr": [1, 2, 3, 4], "job": ["a", "b", "a", "b"]})
    >>> both = measure(left, right, on=["nr"], telling={"sex", "job"})
    >>> both.left, both.right, both.k, both.columns
    (2, 2, 1, ('job', 'sex'))
    """
    keys = list(on)
    sides = [_telling(frame, telling) for frame in (left, right)]
    columns = tuple(sorted({*sides[0], *sides[1]}))
    alone = [_smallest(frame, side) for frame, side in zip((left, right), sides, strict=True)]
    groups = [
        _sizes(frame, [*keys, *(one for one in side if one not in keys)])
        for frame, side in zip((left, right), sides, strict=True)
    ]
    if _meetings(groups[0], groups[1], keys) > MOST:
        return Joined(alone[0], alone[1], None, columns, tuple(keys), too_large=True)
    met = groups[0].merge(groups[1], on=keys, suffixes=("", OTHER))
    if met.empty or not columns:
        return Joined(alone[0], alone[1], None, columns, tuple(keys))
    # A column that both sides have without joining by it stands twice in the join, and tells twice.
    there = [name for name in met.columns if name.removesuffix(OTHER) in columns]
    sizes = (met[SIZE] * met[SIZE + OTHER]).groupby([met[name] for name in there], sort=False).sum()
    return Joined(alone[0], alone[1], int(sizes.min()), columns, tuple(keys))


def _telling(frame: pd.DataFrame, telling: Collection[str]) -> list[str]:
    return [str(name) for name in frame.columns if name in telling]


def _smallest(frame: pd.DataFrame, columns: Sequence[str]) -> int:
    """Give k of one side; without a column that tells something, all its records are alike."""
    return int(_sizes(frame, columns)[SIZE].min()) if columns and len(frame) else len(frame)


def _sizes(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Count equal records; values are compared as texts, and a missing one is a value of its own."""
    plain = pd.DataFrame({name: frame[name].astype("str").fillna("") for name in columns}, index=frame.index)
    return plain.groupby(list(columns), sort=False).size().reset_index(name=SIZE)


def _meetings(left: pd.DataFrame, right: pd.DataFrame, keys: Sequence[str]) -> int:
    counted = [side.groupby(list(keys), sort=False).size() for side in (left, right)]
    both = counted[0].index.intersection(counted[1].index)
    return int((counted[0].loc[both] * counted[1].loc[both]).sum())


def finding(joined: Joined, *, subject: str, least: int, severity: Severity) -> Finding:
    """
    Say which columns together single people out.

    Parameters
    ----------
    subject
        Which inputs meet: ``"a.b + c.d"``.
    least
        How many must be alike.
    """
    told, keys = ", ".join(joined.columns), ", ".join(joined.on)
    return Finding(
        rule="privacy.merge",
        severity=severity,
        subject=subject,
        text=Text(
            de=f"Zusammengeführt über {keys} sind weniger als {least} Menschen gleich in {told}; "
            "jede Seite für sich hat immer so viele.",
            en=f"Joined by {keys}, fewer than {least} people are alike in {told}; each side alone always has as "
            "many.",
        ),
        remedy=Text(
            de="Führen Sie über weniger Spalten zusammen, fassen Sie diese Spalten gröber, oder bilden Sie die "
            "Tabelle vorher mit sb.protect(...).",
            en="Join by fewer columns, make these columns coarser, or make the table with sb.protect(...) before.",
        ),
    )
