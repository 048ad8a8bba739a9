"""
Levels: how the labels of a variable are grouped, step by step: quarters, districts, boroughs.

The city says it in open data, so an analyst hands over columns of an open frame. What a group counts is what its
labels count; the conditions of its cells follow from theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import pandas as pd

from stadtbuch.disclosure.groupings import Condition
from stadtbuch.disclosure.hierarchies import Hierarchy
from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

Groups = Mapping[str, Mapping[str, tuple[str, ...]]]
WHOLE = ""
"""The node that holds all labels: the margin. No label is empty, so no label is called like it."""


@dataclass(frozen=True)
class Levels:
    """
    The labels of a variable and the levels over them.

    Parameters
    ----------
    name
        The variable.
    leaves
        Its labels, in their order.
    groups
        Level -> group -> the labels in it: ``{"borough": {"01": ("0101", "0102")}}``. Levels from fine to coarse.

    Examples
    --------
    >>> areas = pd.DataFrame({"quarter": ["a", "b", "c"], "borough": ["North", "North", "South"]})
    >>> Levels.of("quarter", areas).hierarchy.nodes
    ('a', 'b', 'c', 'North', 'South', '')
    """

    name: str
    leaves: tuple[str, ...]
    groups: Groups = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, given: pd.DataFrame | Mapping[str, Sequence[str]]) -> Levels:
        """
        Read levels off a frame (first column the labels, then from fine to coarse), or off groups with their labels.

        Raises
        ------
        ProtectionError
            ``protect.node-missing`` where a group is missing, ``protect.node-twice`` where a label stands in two
            groups of a level or a name stands for two things, ``protect.hierarchy`` if it is neither of both.
        """
        if isinstance(given, pd.DataFrame) and len(given.columns) > 1 and len(given):
            return cls(name, *_of_frame(name, given))
        if isinstance(given, Mapping) and given:
            groups = {str(node): tuple(str(label) for label in parts) for node, parts in given.items()}
            leaves = tuple(dict.fromkeys(label for parts in groups.values() for label in parts))
            return cls(name, leaves, {f"{name}_group": groups})
        raise _wrong("hierarchy", name, *_SHAPE)

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """Give labels, groups and the whole as the engine takes them."""
        groups: dict[str, tuple[str, ...]] = {}
        finer: Mapping[str, tuple[str, ...]] = {leaf: (leaf,) for leaf in self.leaves}
        for level in self.groups.values():
            twice = level.keys() & {*self.leaves, *groups}
            if twice:
                raise _wrong("node-twice", self.name, *_TWICE)
            groups |= {node: _parts(inside, finer) for node, inside in level.items()}
            once = [label for inside in level.values() for label in inside]
            finer = level if sorted(once) == sorted(self.leaves) else finer
        return Hierarchy(self.name, self.leaves, {**groups, WHOLE: _parts(self.leaves, finer)})

    @cached_property
    def inside(self) -> dict[str, tuple[str, ...]]:
        """Give for every label and group the labels in it; not for the whole."""
        made = {leaf: (leaf,) for leaf in self.leaves}
        return made | {node: labels for level in self.groups.values() for node, labels in level.items()}


def condition_of(conditions: Sequence[Condition]) -> Condition | None:
    """
    Join the conditions of labels to that of their group; None if they cannot be one condition.

    Examples
    --------
    >>> condition_of([{"column": "quarter", "equals": "a"}, {"column": "quarter", "equals": "b"}])
    {'column': 'quarter', 'in': ['a', 'b']}
    >>> condition_of([{"column": "age", "from": 0, "to": 4}, {"column": "age", "from": 5, "to": None}])
    {'column': 'age', 'from': 0, 'to': None}
    """
    if len(conditions) == 1:
        return dict(conditions[0])
    column = conditions[0]["column"]
    if all("equals" in one for one in conditions):
        return {"column": column, "in": [one["equals"] for one in conditions]}
    if not all("from" in one for one in conditions):
        return None
    bands = sorted(conditions, key=lambda one: one["from"])
    if any(low["to"] is None or low["to"] + 1 != high["from"] for low, high in pairwise(bands)):
        return None
    return {"column": column, "from": bands[0]["from"], "to": bands[-1]["to"]}


def _of_frame(name: str, frame: pd.DataFrame) -> tuple[tuple[str, ...], Groups]:
    """Read labels and groups column by column; rows that say the same are one."""
    known = pd.DataFrame(frame).drop_duplicates()
    if known.isna().any(axis=None) or (known.astype("str").apply(lambda one: one.str.strip()) == "").any(
        axis=None
    ):
        raise _wrong("node-missing", name, *_MISSING)
    named = known.astype("str")
    labels = named.iloc[:, 0]
    if labels.duplicated().any():
        raise _wrong("node-twice", name, *_TWICE)
    named = named.sort_values(named.columns[0])
    groups = {
        str(level): {
            str(node): tuple(inside) for node, inside in named.groupby(level, sort=True)[named.columns[0]]
        }
        for level in named.columns[1:]
    }
    return tuple(named.iloc[:, 0]), groups


def _parts(inside: Sequence[str], finer: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Make a group of the next finer groups where they fit into it, else of labels."""
    wanted = set(inside)
    chosen = [node for node, labels in finer.items() if wanted.issuperset(labels)]
    once = [label for node in chosen for label in finer[node]]
    if len(once) == len(wanted) and set(once) == wanted:
        return tuple(chosen)
    return tuple(inside)


# ---- what is said when something is wrong -------------------------------------------------------------

_SHAPE = (
    "ist weder ein Frame mit Bezeichnungen und Gruppen noch ein Verzeichnis von Gruppen",
    "is neither a frame with labels and groups nor a mapping of groups",
    'Übergeben Sie Spalten offener Daten, etwa hierarchies={"quarter": areas[["quarter", "district", "borough"]]}.',
    'Pass columns of open data, such as hierarchies={"quarter": areas[["quarter", "district", "borough"]]}.',
)
_MISSING = (
    "lässt eine Bezeichnung oder eine Gruppe leer",
    "leaves a label or a group empty",
    "Ordnen Sie jede Bezeichnung auf jeder Stufe einer Gruppe zu.",
    "Assign every label to a group on every level.",
)
_TWICE = (
    "nennt etwas zweimal; es würde doppelt gezählt",
    "names something twice; it would be counted twice",
    "Jede Bezeichnung steht auf jeder Stufe in einer Gruppe, und jede Gruppe hat einen eigenen Namen.",
    "Every label stands in one group per level, and every group has a name of its own.",
)


def _wrong(kind: str, name: str, de: str, en: str, do_de: str, do_en: str) -> ProtectionError:
    return ProtectionError(
        f"protect.{kind}",
        Text(de=f"Die Hierarchie von {name} {de}.", en=f"The hierarchy of {name} {en}."),
        remedy=Text(de=do_de, en=do_en),
    )
