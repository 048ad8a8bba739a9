"""What an analyst hands over to `sb.protect`, besides counts in a grid: as tabulations and the rules that hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from stadtbuch.disclosure import clearance, primary
from stadtbuch.disclosure.layout import Naming
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.ratios import DENOMINATOR, NUMERATOR, Thresholds
from stadtbuch.disclosure.tabulation import Measure, Tabulation, of_counts, of_rows
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.texts import Text

By = str | Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """
    What was handed over: the data, by which variables, what is measured, and how labels are grouped.

    `data` and `by` name several tables where they are mappings; else there is one, called `name`.
    """

    data: Any
    name: str | None
    by: By | None
    measure: Measure
    hierarchies: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_grid(self) -> bool:
        """Whether these are counts in rows and columns, as pandas makes them, and nothing more."""
        several = isinstance(self.data, Mapping) or isinstance(self.by, Mapping)
        return not several and self.by is None and not self.hierarchies and self.measure == Measure()

    @property
    def variables(self) -> list[str]:
        """Name all variables of all tables."""
        return list(dict.fromkeys(one for _, _, by in self.tables() for one in by))

    def tables(self) -> list[tuple[str, Any, list[str]]]:
        """Give name, data and variables of each table."""
        if isinstance(self.by, Mapping):
            return [(str(name), _over(self.data, _listed(by)), _listed(by)) for name, by in self.by.items()]
        if isinstance(self.data, Mapping):
            return [(str(name), one, self._by(one)) for name, one in self.data.items()]
        if self.name is None:
            raise _nameless()
        return [(self.name, self.data, self._by(self.data))]

    def _by(self, data: Any) -> list[str]:
        if self.by is not None:
            return _listed(self.by)
        if isinstance(data, pd.Series):
            return [str(level) for level in data.index.names]
        raise _no_variables()

    def tabulations(self, naming: Naming) -> list[Tabulation]:
        """
        Check and tabulate everything.

        Raises
        ------
        ProtectionError
            See `tabulation`; ``protect.by`` if rows come without `by`.
        """
        levels = {str(name): _levels(str(name), one) for name, one in self.hierarchies.items()}
        unknown = levels.keys() - set(self.variables)
        if unknown:
            raise _unused(min(unknown))
        return [self._tabulation(name, data, by, levels, naming) for name, data, by in self.tables()]

    def _tabulation(
        self, name: str, data: Any, by: list[str], levels: Mapping[str, Levels], naming: Naming
    ) -> Tabulation:
        if isinstance(data, pd.DataFrame):
            return of_rows(data, name=name, by=by, measure=self.measure, hierarchies=levels, naming=naming)
        if self.measure != Measure():
            raise _needs_rows()
        return of_counts(data, name=name, by=by, hierarchies=levels, naming=naming)


def _levels(name: str, given: Any) -> Levels:
    return given if isinstance(given, Levels) else Levels.of(name, given)


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _over(data: Any, by: list[str]) -> Any:
    """Aggregate counts to the variables of one table; rows stay rows."""
    if not isinstance(data, pd.Series) or not set(by) <= set(data.index.names):
        return data
    return data.groupby(level=by, observed=True).sum(min_count=1)


def stacked(data: pd.DataFrame) -> pd.Series:
    """
    Give a cross table of counts as one number per combination.

    Examples
    --------
    >>> crossed = pd.crosstab(pd.Series(["N", "N"], name="place"), pd.Series(["f", "m"], name="sex"))
    >>> stacked(crossed).to_dict()
    {('N', 'f'): 1, ('N', 'm'): 1}
    """
    levels = list(range(data.columns.nlevels))
    if None in [*data.index.names, *data.columns.names]:
        raise _no_variables()
    return pd.Series(data.stack(levels))


def measured(
    *,
    count: str | None,
    sum_: str | None,
    unit: str | None,
    weight: str | None,
    places: int,
    facts: Mapping[str, Any],
) -> Measure:
    """
    Say what is measured, with columns of the catalogue only.

    Raises
    ------
    ProtectionError
        ``protect.unknown-unit`` if `unit` names no identifier of the dataset, ``protect.unknown-column``,
        ``protect.measure`` if count and sum are both given.
    """
    roles = {column["name"]: column.get("privacy") for column in facts["columns"]}
    if unit is not None and roles.get(unit) != "identifier":
        raise unknown_unit(unit, [name for name, role in roles.items() if role == "identifier"])
    for column in (count, sum_, weight):
        if column is not None and roles.get(column, "identifier") in ("identifier", "free-text"):
            raise _unknown_column(column)
    if (count and (sum_ or unit)) or places not in range(5) or (places and not sum_):
        raise _two_measures()
    return Measure(count=count, sum=sum_, unit=unit, weight=weight, places=places)


def rules(facts: Mapping[str, Any], described: Mapping[str, Any], *, min_count: int) -> clearance.Rules:
    """
    Give the rules that hold for a dataset.

    Parameters
    ----------
    facts
        What the run knows: thresholds, and what is confidential.
    described
        What it knows of the dataset.
    """
    return clearance.Rules(
        min_count=min_count,
        node_limit=int(facts["thresholds"]["solver_nodes"]),
        zeros=described.get("zeros", "published"),
        cost=facts.get("tables", {}).get("cost", "value"),
        concentration=concentration(facts),
        rates=rates(facts["thresholds"]),
    )


def rates(thresholds: Mapping[str, int]) -> Thresholds:
    """
    Give the thresholds of rates that the city decided.

    Examples
    --------
    >>> rates({"rate_denominator": 200})
    Thresholds(numerator=3, denominator=200)
    """
    return Thresholds(
        int(thresholds.get("rate_numerator", NUMERATOR)), int(thresholds.get("rate_denominator", DENOMINATOR))
    )


def concentration(facts: Mapping[str, Any]) -> tuple[primary.Rule, ...]:
    """
    Give the city's rules of concentration; none if it has decided none.

    Examples
    --------
    >>> concentration({"confidential": {"concentration": {"dominance": {"n": 2, "k": 90}}}})
    (Dominance(n=2, k=90),)
    """
    told = facts.get("confidential", {}).get("concentration") or {}
    made: list[primary.Rule] = []
    if told.get("dominance"):
        made.append(primary.Dominance(**told["dominance"]))
    if told.get("p_percent"):
        made.append(primary.PQ(told["p_percent"]["p"]))
    if told.get("pq"):
        made.append(primary.PQ(**told["pq"]))
    return tuple(made)


# ---- what is said when something is wrong -------------------------------------------------------------


def unknown_unit(unit: str, known: Iterable[str]) -> ProtectionError:
    """Say that a unit is none of the dataset, and which there are."""
    listed = ", ".join(known) or "–"
    return ProtectionError(
        "protect.unknown-unit",
        Text(
            de=f"{unit} bezeichnet keine Schutzeinheit dieses Datensatzes.",
            en=f"{unit} names no protection unit of this dataset.",
        ),
        why=Text(
            de="Wer mehrere Zeilen hat, zählt nur einmal; das muss am Katalog ablesbar sein.",
            en="Whoever has several rows counts once; the catalogue must say who that is.",
        ),
        remedy=Text(de=f"Möglich sind: {listed}.", en=f"Possible are: {listed}."),
    )


def _unknown_column(column: str) -> ProtectionError:
    return ProtectionError(
        "protect.unknown-column",
        Text(
            de=f"{column} ist keine Spalte des Katalogs, die sich zählen oder summieren ließe.",
            en=f"{column} is no column of the catalogue that could be counted or summed.",
        ),
        why=Text(
            de="Die Freigabeprüfung rechnet jede Summe aus den gelesenen Zeilen nach.",
            en="The gate computes every sum again from the rows that were read.",
        ),
        remedy=Text(
            de="Nennen Sie eine Spalte mit Zahlen, die unter inputs: im Manifest steht.",
            en="Name a column of numbers that is listed under inputs: in the manifest.",
        ),
    )


def _two_measures() -> ProtectionError:
    return ProtectionError(
        "protect.measure",
        Text(
            de="sb.protect: count= verträgt sich nicht mit sum= oder unit=; places= gehört zu sum=.",
            en="sb.protect: count= does not go with sum= or unit=; places= belongs to sum=.",
        ),
        remedy=Text(
            de="Zählen Sie Zeilen, oder Einheiten (unit=), oder eine Spalte mit Anzahlen (count=), oder bilden Sie "
            "Summen (sum=, auch mit unit= und places= von 0 bis 4).",
            en="Count rows, or units (unit=), or a column of counts (count=), or form sums (sum=, also with unit= and "
            "places= from 0 to 4).",
        ),
    )


def _needs_rows() -> ProtectionError:
    return ProtectionError(
        "protect.rows-needed",
        Text(de="Summen werden aus Zeilen geschützt.", en="Sums are protected from rows."),
        why=Text(
            de="Fertigen Summen sieht niemand an, wie viele beitragen und ob einzelne überwiegen.",
            en="Nobody can tell from finished sums how many contribute, and whether single ones prevail.",
        ),
        remedy=Text(
            de='Übergeben Sie die Zeilen: sb.protect(frame, by=[...], sum="amount", unit="company_id", ...).',
            en='Pass the rows: sb.protect(frame, by=[...], sum="amount", unit="company_id", ...).',
        ),
    )


def _no_variables() -> ProtectionError:
    return ProtectionError(
        "protect.by",
        Text(
            de="sb.protect weiß nicht, nach welchen Variablen die Tabelle gegliedert ist.",
            en="sb.protect does not know by which variables the table is.",
        ),
        remedy=Text(
            de="Nennen Sie sie mit by=[...]; eine Kreuztabelle braucht Namen für Index und Spalten.",
            en="Name them with by=[...]; a cross table needs names of its index and columns.",
        ),
    )


def _unused(variable: str) -> ProtectionError:
    return ProtectionError(
        "protect.hierarchy-unused",
        Text(
            de=f"Es gibt eine Hierarchie für {variable}, aber keine Tabelle danach.",
            en=f"There is a hierarchy of {variable}, but no table by it.",
        ),
        remedy=Text(
            de="Nehmen Sie die Variable in by= auf, oder die Hierarchie heraus.",
            en="Take the variable into by=, or the hierarchy out.",
        ),
    )


def _nameless() -> UsageError:
    return UsageError(
        "protect.name",
        Text(de="sb.protect: name= fehlt.", en="sb.protect: name= is missing."),
        remedy=Text(
            de="Geben Sie der Tabelle den Namen, der unter gives: im Manifest steht.",
            en="Give the table the name that is listed under gives: in the manifest.",
        ),
    )
