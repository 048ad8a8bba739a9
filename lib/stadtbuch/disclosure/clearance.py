"""
Clearance: tabulations are judged by the rules, protected together, and become tables that may be published.

Tables that are cleared in one call and measure the same are one system (`protection`): what one of them withholds
cannot be computed from the others. The parameters of concentration rules go in and nowhere out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stadtbuch.disclosure import protection
from stadtbuch.disclosure.groupings import Condition, Grouping
from stadtbuch.disclosure.layout import ASK, COARSEN, Labels, refusal, relate
from stadtbuch.disclosure.levels import condition_of
from stadtbuch.disclosure.primary import MinimumCount, Rule, few, in_one, judge, room_of_counts
from stadtbuch.disclosure.protection import Judged, Protection, Zeros
from stadtbuch.disclosure.ratios import USUAL, Thresholds
from stadtbuch.disclosure.tables import LEAST, Cell, ProtectedTable
from stadtbuch.disclosure.tabulation import Tabulation
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text

Known = Mapping[str, str | None]
COSTS: Mapping[str, protection.Cost] = {
    "value": protection.by_value,
    "cell": protection.by_cell,
    "size": protection.by_size,
}


@dataclass(frozen=True)
class Rules:
    """
    What holds for the tables of a dataset.

    Parameters
    ----------
    min_count
        The smallest number of units above zero that is published, at least 2.
    node_limit
        How many nodes the exact search may open.
    zeros
        Whether zeros are published, or may be withheld too.
    cost
        What withholding costs: a name in `COSTS`.
    concentration
        Rules for sums. Their parameters stay inside the city.
    rates
        What rates formed from the tables need.
    """

    min_count: int
    node_limit: int
    zeros: Zeros = "published"
    cost: str = "value"
    concentration: tuple[Rule, ...] = ()
    rates: Thresholds = USUAL


@dataclass(frozen=True)
class Origin:
    """
    What the tables are of: the dataset, its unit, its columns, and which of its rows were read.

    `groupings` relate variables to columns; `where` are the conditions of the row filter.
    """

    dataset: str
    unit: str
    column_names: Collection[str]
    groupings: Sequence[Grouping] = ()
    where: tuple[Condition, ...] = ()


def clear(
    tabulations: Sequence[Tabulation], *, rules: Rules, origin: Origin, published: Sequence[Known] = ()
) -> dict[str, ProtectedTable]:
    """
    Make tabulations publishable, jointly where they measure the same.

    Parameters
    ----------
    published
        Cells that are public already and must stay so, by label per variable; a variable that is not named is a
        margin.

    Raises
    ------
    ProtectionError
        ``protect.concentration`` for sums without a rule of concentration, ``protect.min-count``,
        ``protect.unknown-grouping``, ``protect.published`` for a cell that no table has or that is unsafe by itself,
        and those of `protection.protect`.

    Examples
    --------
    >>> import pandas as pd
    >>> from stadtbuch.disclosure.tabulation import of_counts
    >>> counts = pd.Series([2, 9, 30], index=pd.Index(["a", "b", "c"], name="district"))
    >>> made = clear([of_counts(counts, name="t", by=["district"], hierarchies={})],
    ...              rules=Rules(3, 100), origin=Origin("demo.people", "person", ["district"]))
    >>> made["t"].frame["mark"].tolist(), made["t"].total()
    (['·', '·', '', ''], 41)
    """
    made: dict[str, ProtectedTable] = {}
    for group in _alike(tabulations):
        found = _Cleared(group, rules, published)
        made |= {one.name: found.table(number, origin) for number, one in enumerate(group)}
    together = tuple(one.name for one in tabulations) if len(tabulations) > 1 else ()
    return {one.name: replace(made[one.name], together=together) for one in tabulations}


def policies(tabulations: Sequence[Tabulation], *, rules: Rules) -> list[Finding]:
    """Say inside the city how much is withheld where zeros are published, and where they may be withheld too."""
    return [_both(group, rules) for group in _alike(tabulations)]


def _alike(tabulations: Sequence[Tabulation]) -> list[list[Tabulation]]:
    """Put tabulations together that measure the same."""
    found: dict[Any, list[Tabulation]] = {}
    for one in tabulations:
        found.setdefault(one.measure, []).append(one)
    return list(found.values())


class _Cleared:
    """Tabulations of one measure with what the engine found."""

    def __init__(
        self, tabulations: Sequence[Tabulation], rules: Rules, published: Sequence[Known] = ()
    ) -> None:
        if rules.min_count < 2:
            raise refusal(
                "min-count", "Die Mindestfallzahl ist kleiner als 2.", "The minimum count is below 2.", *ASK
            )
        self.tabulations, self.rules = tabulations, rules
        self.judged = _kept([judged(one, rules) for one in tabulations], tabulations, published)
        cost = COSTS[rules.cost]
        self.made: Protection = protection.protect(
            self.judged, node_limit=rules.node_limit, zeros=rules.zeros, cost=cost
        )

    def table(self, number: int, origin: Origin) -> ProtectedTable:
        """Give one table of them."""
        one, hidden = self.tabulations[number], self.made.hidden(number)
        where = conditions(one, origin)
        labels = one.labels
        cells = tuple(
            Cell(label, None if secret else int(value), where.of(label))
            for label, value, secret in zip(labels, one.cube.values, hidden, strict=True)
        )
        return ProtectedTable(
            name=one.name,
            dataset=origin.dataset,
            unit=origin.unit,
            rows=one.variables[:1],
            columns=one.variables[1:],
            min_count=self.rules.min_count,
            labels={level.name: level.leaves for level in one.levels},
            cells=cells,
            where=origin.where,
            findings=self._findings(number),
            status=dict(zip(labels, self.made.status(number).tolist(), strict=True)),
            layout="cube",
            hierarchies={level.name: level.groups for level in one.levels if level.groups},
            measure=one.measure.to_record(),
            zeros=self.rules.zeros,
            rates=self.rules.rates,
            bounds=lambda: self.made.intervals(number),
        )

    def _findings(self, number: int) -> tuple[Finding, ...]:
        name, status = self.tabulations[number].name, self.made.status(number)
        first, second = (int((status == kind).sum()) for kind in (protection.UNSAFE, protection.SECONDARY))
        found = [_suppressed(name, first, second)]
        if not self.made.pattern.optimal:
            found.append(_not_optimal(name))
        in_one_cell = self._in_one(number)
        return (*found, *([_group_disclosure(name, in_one_cell)] if in_one_cell else []))

    def _in_one(self, number: int) -> int:
        """Count published cells that hold everybody of a group with several parts."""
        one = self.tabulations[number]
        if one.contributions is not None:
            return 0
        return int((in_one(one.cube.values, one.cube.relations) & ~self.made.hidden(number)).sum())


def judged(one: Tabulation, rules: Rules) -> Judged:
    """
    Let the primary rules judge a tabulation.

    Whoever alone gives all of a sum can subtract it from others: such inner cells are marked (margins over them move
    with them). In counts nobody learns from being in a cell more than that it is not empty, which is public.

    Raises
    ------
    ProtectionError
        ``protect.concentration``, ``protect.impossible`` if all units together are too few.
    """
    if one.contributions is not None:
        if not rules.concentration:
            raise _no_concentration(one.name)
        unsafe, room = judge(one.contributions, [MinimumCount(rules.min_count), *rules.concentration])
        inner = np.diff(one.cube.member.indptr) == 1
        return Judged(one.cube, unsafe, room, alone=(one.units == 1) & inner)
    unsafe = few(one.units, minimum=rules.min_count)
    if unsafe[-1]:
        raise _too_few(one.name)
    values = one.cube.values
    weighted = np.where(unsafe, np.maximum(1, -(-values // 10)), 0)
    room = weighted if one.measure.weight else room_of_counts(values, minimum=rules.min_count)
    return Judged(one.cube, unsafe, room)


def _kept(
    found: Sequence[Judged], tabulations: Sequence[Tabulation], published: Sequence[Known]
) -> list[Judged]:
    """Mark the cells that are public already; refuse one that no table has, or that may not be published."""
    fixed = [np.zeros(len(one.unsafe), dtype=bool) for one in found]
    for number, known in enumerate(published, 1):
        places = [_place(one, known) for one in tabulations]
        if not any(place is not None for place in places):
            raise _not_there(number)
        for place, one, mask in zip(places, found, fixed, strict=True):
            if place is not None:
                if one.unsafe[place] and one.cube.values[place] > 0:
                    raise _not_safe(number)
                mask[place] = True
    return [replace(one, fixed=mask) for one, mask in zip(found, fixed, strict=True)]


def _place(one: Tabulation, known: Known) -> int | None:
    """Find the cell of a table that is meant; None if the table has no such variables or labels."""
    if set(known) - set(one.variables):
        return None
    labels = tuple(str(known[name]) if known.get(name) is not None else None for name in one.variables)
    return one.labels.index(labels) if labels in one.labels else None


@dataclass(frozen=True)
class _Conditions:
    """Which rows the cells of a table count: per variable the condition of every label and group."""

    per_variable: Sequence[Mapping[str, Condition]]

    def of(self, labels: Labels) -> tuple[Condition, ...]:
        """Give the conditions of one cell; a margin has none on that variable."""
        pairs = zip(self.per_variable, labels, strict=True)
        return tuple(dict(known[label]) for known, label in pairs if label is not None)


def conditions(one: Tabulation, origin: Origin) -> _Conditions:
    """
    Relate the labels and groups of a tabulation to catalogue columns; a group is the union of its labels.

    Raises
    ------
    ProtectionError
        ``protect.unknown-grouping``, ``protect.unknown-label``; ``protect.node-gap`` if the labels of a group are
        bands that do not follow each other.
    """
    originals = {level.name: _complete(one.originals[level.name], level.leaves) for level in one.levels}
    related = relate(originals, column_names=list(origin.column_names), groupings=origin.groupings)
    found = []
    for level, relation in zip(one.levels, related, strict=True):
        known = {leaf: relation(leaf) for leaf in level.leaves}
        for node, inside in level.inside.items():
            joined = condition_of([known[leaf] for leaf in inside])
            if joined is None:
                raise _gap(level.name)
            known[node] = joined
        found.append(known)
    return _Conditions(found)


def _complete(originals: Mapping[str, Any], leaves: Sequence[str]) -> dict[str, Any]:
    """Give what labels were in the data; those that only the hierarchy has are of the same kind."""
    whole = bool(originals) and all(isinstance(one, int) for one in originals.values())
    return {leaf: originals.get(leaf, int(leaf) if whole and leaf.isdigit() else leaf) for leaf in leaves}


def _both(group: Sequence[Tabulation], rules: Rules) -> Finding:
    """Protect under both policies and say what each withholds."""
    told = {}
    for zeros in LEAST:
        made = _Cleared(group, replace(rules, zeros=zeros)).made
        told[zeros] = (int(made.pattern.hidden.sum()), made.lost)
    (shown, shown_cost), (withheld, withheld_cost) = told["published"], told["may-be-withheld"]
    return Finding(
        rule="privacy.zeros",
        severity=Severity.note,
        subject=", ".join(one.name for one in group),
        text=Text(
            de=f"Mit veröffentlichten Nullen bleiben {shown} Felder geheim (Verlust {shown_cost}); dürfen auch Nullen "
            f"geheim sein, sind es {withheld} (Verlust {withheld_cost}).",
            en=f"With zeros published {shown} cells are withheld (loss {shown_cost}); where zeros may be withheld too "
            f"it is {withheld} (loss {withheld_cost}).",
        ),
        remedy=Text(
            de="Welche der beiden Regeln gilt, steht im Katalog: privacy.zeros.",
            en="Which of the two holds stands in the catalogue: privacy.zeros.",
        ),
    )


# ---- what is said -------------------------------------------------------------------------------------


def _suppressed(name: str, first: int, second: int) -> Finding:
    return Finding(
        rule="privacy.suppressed",
        severity=Severity.note,
        subject=name,
        text=Text(
            de=f"{name}: {first} Felder für sich zu genau und {second} weitere zum Schutz geheim gehalten.",
            en=f"{name}: {first} cells too telling by themselves and {second} more for their protection withheld.",
        ),
        remedy=Text(
            de="Gröbere Gruppen halten weniger geheim. Wie viele Felder wofür, bleibt im Haus.",
            en="Coarser groups withhold less. How many cells for which reason stays inside.",
        ),
    )


def _not_optimal(name: str) -> Finding:
    return Finding(
        rule="privacy.not-optimal",
        severity=Severity.note,
        subject=name,
        text=Text(
            de=f"{name}: sicher, aber vielleicht mehr geheim gehalten als nötig.",
            en=f"{name}: safe, but perhaps more withheld than needed.",
        ),
        remedy=Text(
            de="Fassen Sie Gruppen zusammen, oder erhöhen Sie thresholds.solver_nodes in stadtbuch.toml.",
            en="Merge groups, or raise thresholds.solver_nodes in stadtbuch.toml.",
        ),
    )


def _group_disclosure(name: str, found: int) -> Finding:
    return Finding(
        rule="privacy.group-disclosure",
        severity=Severity.note,
        subject=name,
        text=Text(
            de=f"{name}: In {found} Feldern stehen alle einer Gruppe.",
            en=f"{name}: {found} cells hold everybody of a group.",
        ),
        remedy=Text(
            de="Wer dazugehört, von dem weiß man dann auch dieses Merkmal. Ist es heikel, fassen Sie Gruppen zusammen.",
            en="Of whoever belongs there this is then known, too. If it is delicate, merge groups.",
        ),
    )


def _no_concentration(name: str) -> Exception:
    return refusal(
        "concentration",
        f"Für die Summen der Tabelle {name} hat die Stadt keine Konzentrationsregel festgelegt.",
        f"The city has decided no concentration rule for the sums of the table {name}.",
        "Tragen Sie in stadtbuch.toml unter [concentration] die Datei mit der Regel ein "
        "(docs/anleitungen/protect.md), oder veröffentlichen Sie nur Anzahlen.",
        "Name the file with the rule under [concentration] in stadtbuch.toml (docs/how-to/protect.md), or publish "
        "counts only.",
    )


def _not_there(number: int) -> Exception:
    return refusal(
        "published",
        f"published=: Das Feld {number} gibt es in keiner der Tabellen.",
        f"published=: the cell {number} is in none of the tables.",
        "Nennen Sie Bezeichnungen der Variablen; was Sie nicht nennen, ist der Rand: {} ist die Gesamtzahl.",
        "Name labels of the variables; what you do not name is the margin: {} is the grand total.",
    )


def _not_safe(number: int) -> Exception:
    return refusal(
        "published",
        f"published=: Das Feld {number} darf für sich nicht veröffentlicht sein.",
        f"published=: the cell {number} may not be published by itself.",
        "Ist es schon öffentlich, lässt es sich nicht mehr schützen; sprechen Sie mit den Verantwortlichen der Daten.",
        "If it is public already it cannot be protected any more; talk to those responsible for the data.",
    )


def _too_few(name: str) -> Exception:
    return refusal(
        "impossible",
        f"Die Tabelle {name} lässt sich nicht schützen (alle zusammen): Es sind zu wenige.",
        f"The table {name} cannot be protected (all together): there are too few.",
        *COARSEN,
    )


def _gap(variable: str) -> Exception:
    return refusal(
        "node-gap",
        f"In der Hierarchie von {variable} besteht eine Gruppe aus Klassen, die nicht aneinander grenzen.",
        f"In the hierarchy of {variable} a group consists of bands that do not follow each other.",
        "Bilden Sie Gruppen aus benachbarten Klassen.",
        "Make groups of neighbouring bands.",
    )
