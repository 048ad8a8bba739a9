"""
Whether a protected table says what its dataset says: every published number is counted again.

A table comes from code that nobody checked, and any whole number looks like a count. So the gate counts the
rows that the run saw once more, by the conditions that each cell states, lets the rules judge what is published,
and attacks what is withheld.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stadtbuch import atomic
from stadtbuch.disclosure import primary, released
from stadtbuch.disclosure.levels import condition_of
from stadtbuch.disclosure.primary import Rule
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.errors import ProtectionError
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session.snapshots import conditions
from stadtbuch.store import read_frame
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.disclosure.tabulation import Tabulation

Conditions = dict[str, Mapping[str, Any]]


def findings(evidence: Evidence, *, concentration: Sequence[Rule] = ()) -> Iterator[Finding]:
    """
    Count all protected tables of a run again.

    Parameters
    ----------
    concentration
        The city's rules for sums.

    Raises
    ------
    ValueError
        If a snapshot is not the one that was planned; the gate refuses what it cannot judge.
    """
    inputs = evidence.facts["inputs"]
    tables = {name: one for name, one in evidence.tables.items() if one.get("kind") == released.TABLE}
    wanted = {record["dataset"] for record in tables.values()}
    frames = {
        name: snapshot(evidence, one)
        for name, one in inputs.items()
        if name in wanted and one.get("kind") == "frame"
    }
    yield from judge(tables, frames=frames, inputs=inputs, concentration=concentration)


def snapshot(evidence: Evidence, described: Mapping[str, Any]) -> pd.DataFrame:
    """Read the rows of an input as the run saw them; `ValueError` if they are not those that were planned."""
    data = (evidence.folder / described["file"]).read_bytes()
    if atomic.digest(data) != described["sha256"]:
        raise ValueError("a snapshot is not the one that was planned")
    return read_frame(data)


def judge(
    tables: Mapping[str, Mapping[str, Any]],
    *,
    frames: Mapping[str, pd.DataFrame],
    inputs: Mapping[str, Mapping[str, Any]],
    concentration: Sequence[Rule] = (),
) -> Iterator[Finding]:
    """
    Compare tables with the rows they were made from: ``reports.recount``, ``reports.unit-repeated``, and with the
    rules: ``reports.unsafe-cell``.

    Parameters
    ----------
    tables
        Records by name.
    frames
        Dataset id -> the rows that the run saw.
    inputs
        What ``run.json`` says of each input: its row filter, and whether units stand in several rows.
    concentration
        The city's rules for sums.
    """
    for name, record in tables.items():
        dataset = record["dataset"]
        if dataset not in frames:
            yield _not_counted(name)
            continue
        if inputs[dataset].get("units_repeat") and not record.get("measure", {}).get("unit"):
            yield _unit_repeated(name, dataset)
        rows = inputs[dataset].get("rows") or {}
        yield from _recounted(name, record, frames[dataset], rows=rows, concentration=concentration)


def _recounted(
    name: str,
    record: Mapping[str, Any],
    frame: pd.DataFrame,
    *,
    rows: Mapping[str, Any],
    concentration: Sequence[Rule],
) -> Iterator[Finding]:
    """Say which cells differ; one finding for a table, however many they are."""
    table = ProtectedTable.from_record(record)
    stated = stated_conditions(table)
    filtered = list(table.where) == list(conditions(rows))
    known = stated is not None and all(one["column"] in frame.columns for one in _all(stated))
    if stated is None or not filtered or not known:
        yield _not_counted(name)
        return
    if table.layout == "cube":
        yield from _tabulated(name, table, frame, stated, concentration=concentration)
        return
    counted = counts(frame, stated)
    values = np.array([counted.get(cell.labels, 0) for cell in table.cells], dtype=np.int64)
    yield from _judged(name, table, values, attack=partial(_in_grid, table, values))


def _judged(
    name: str, table: ProtectedTable, values: np.ndarray, *, attack: Callable[[np.ndarray], list[int]]
) -> Iterator[Finding]:
    """Compare what is published with what was counted; where all of it is true, attack what is withheld."""
    cells = enumerate(zip(table.cells, values.tolist(), strict=True), 1)
    wrong = [at for at, (cell, value) in cells if cell.value not in (None, value)]
    if wrong:
        yield _differs(name, wrong, of=len(table.cells))
        return
    hidden = np.array([cell.value is None for cell in table.cells])
    found = attack(hidden) if hidden.any() else []
    if found:
        yield _exposed(name, [at + 1 for at in found], of=len(table.cells))


def _in_grid(table: ProtectedTable, values: np.ndarray, hidden: np.ndarray) -> list[int]:
    """Name the withheld cells of a grid that readers can compute too well."""
    from stadtbuch.suppression import audit, closing  # noqa: PLC0415 - the solver, where something is withheld

    few = primary.few(values, minimum=table.min_count)
    room = primary.room_of_counts(values, minimum=table.min_count)
    problem = closing.Problem(table.relations, values, few & hidden, room, np.ones_like(values))
    return audit.exposed(problem, hidden)


def _tabulated(
    name: str,
    table: ProtectedTable,
    frame: pd.DataFrame,
    stated: Mapping[str, Conditions],
    *,
    concentration: Sequence[Rule],
) -> Iterator[Finding]:
    """Tabulate the rows again, groups and sums too, and let the primary rules judge what is published."""
    from stadtbuch.disclosure import clearance, protection  # noqa: PLC0415 - the solver, for such tables only

    again = _again(table, frame, stated)
    if again is None:
        yield _not_counted(name)
        return
    rules = clearance.Rules(table.min_count, 0, zeros=table.zeros, concentration=tuple(concentration))
    try:
        judged = clearance.judged(again, rules)
    except ProtectionError:  # sums without a rule for them, or too few in all
        yield _unsafe(name, range(1, len(table.cells) + 1), of=len(table.cells))
        return
    unsafe = judged.unsafe & (again.cube.values > 0)
    told = [at for at, cell in enumerate(table.cells, 1) if cell.value is not None and unsafe[at - 1]]
    if told:
        yield _unsafe(name, told, of=len(table.cells))
        return
    attack = partial(protection.exposed, judged, zeros=table.zeros)
    yield from _judged(name, table, again.cube.values, attack=attack)


def _again(table: ProtectedTable, frame: pd.DataFrame, stated: Mapping[str, Conditions]) -> Tabulation | None:
    """Tabulate rows as a table says that it was; None if it contradicts itself or the rows do not fit."""
    from stadtbuch.disclosure import tabulation  # noqa: PLC0415 - as in `_tabulated`

    labels = {}
    for level in table.levels:
        known = stated[level.name]
        for node, inside in level.inside.items():
            if node not in known or condition_of([dict(known[leaf]) for leaf in inside]) != known[node]:
                return None
        labels[level.name] = labelled(frame, {leaf: known[leaf] for leaf in level.leaves})
    given = {**labels, **{column: frame[column] for column in _measured(table) if column in frame.columns}}
    measure = tabulation.Measure(**table.measure)
    levels = {level.name: level for level in table.levels}
    try:
        found = tabulation.of_rows(
            pd.DataFrame(given), name=table.name, by=table.variables, measure=measure, hierarchies=levels
        )
    except ProtectionError:
        return None
    return found if [cell.labels for cell in table.cells] == found.labels else None


def _measured(table: ProtectedTable) -> list[str]:
    return [table.measure[name] for name in ("count", "sum", "unit", "weight") if name in table.measure]


def stated_conditions(table: ProtectedTable) -> dict[str, Conditions] | None:
    """
    Give variable -> label -> condition as the cells state them; ``None`` if they contradict each other.

    Each cell must state one condition for each of its labels, in their order, and none for a margin.
    """
    found: dict[str, Conditions] = {name: {} for name in table.variables}
    for cell in table.cells:
        labelled = [
            (name, label)
            for name, label in zip(table.variables, cell.labels, strict=True)
            if label is not None
        ]
        if len(labelled) != len(cell.where):
            return None
        for (name, label), condition in zip(labelled, cell.where, strict=True):
            if found[name].setdefault(label, condition) != condition:
                return None
    return found if all(_one_column(one) for one in found.values()) else None


def _one_column(stated: Conditions) -> bool:
    return len({one["column"] for one in stated.values()}) == 1


def _all(stated: Mapping[str, Conditions]) -> list[Mapping[str, Any]]:
    return [one for labels in stated.values() for one in labels.values()]


def counts(frame: pd.DataFrame, stated: Mapping[str, Conditions]) -> dict[tuple[str | None, ...], int]:
    """
    Count rows by the labels that their values have, with all margins.

    Parameters
    ----------
    frame
        One row per unit.
    stated
        Variable -> label -> condition over a column.

    Returns
    -------
    dict
        Labels per variable (``None``: a margin, which counts rows without a label, too) -> number of rows.

    Examples
    --------
    >>> by = {"sex": {"f": {"column": "sex", "equals": "f"}}}
    >>> counts(pd.DataFrame({"sex": ["f", "f", "x"]}), by)
    {(None,): 3, ('f',): 2}
    """
    labels = pd.DataFrame({name: labelled(frame, one) for name, one in stated.items()}, index=frame.index)
    names = list(stated)
    found: dict[tuple[str | None, ...], int] = {}
    for chosen in _subsets(names):
        found |= _grouped(labels, names, chosen)
    return found


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Give all selections of variables; those that are left out are margins."""
    found: list[tuple[str, ...]] = [()]
    for name in names:
        found += [(*one, name) for one in found]
    return found


def _grouped(
    labels: pd.DataFrame, names: Sequence[str], chosen: Sequence[str]
) -> dict[tuple[str | None, ...], int]:
    if not chosen:
        return {(None,) * len(names): len(labels)}
    sizes = labels.groupby(list(chosen)).size()
    keys = [key if isinstance(key, tuple) else (key,) for key in sizes.index]
    given = [dict(zip(chosen, key, strict=True)) for key in keys]
    return {tuple(one.get(name) for name in names): int(size) for one, size in zip(given, sizes, strict=True)}


def labelled(frame: pd.DataFrame, stated: Conditions) -> pd.Series:
    """
    Give each row the label of the condition that its value fulfils, or none.

    A value is compared as the text that its label was, so that a code stays a code.

    Examples
    --------
    >>> bands = {"0–9": {"column": "age", "from": 0, "to": 9}, "10+": {"column": "age", "from": 10, "to": None}}
    >>> labelled(pd.DataFrame({"age": [4, 93, None]}), bands).fillna("").tolist()
    ['0–9', '10+', '']
    """
    column = frame[next(iter(stated.values()))["column"]]
    exact = {str(one["equals"]): label for label, one in stated.items() if "equals" in one}
    bands = [(one["from"], one["to"], label) for label, one in stated.items() if "from" in one]
    known = {value: _label(value, exact, bands) for value in column.dropna().drop_duplicates()}
    return column.astype("object").map(known)


def _label(value: Any, exact: Mapping[str, str], bands: Sequence[tuple[Any, Any, str]]) -> str | None:
    inside = (label for low, high, label in bands if low <= value and (high is None or value < high + 1))
    return exact.get(str(value)) or exact.get(_day(value)) or next(inside, None)


def _day(value: Any) -> str:
    """Write a day without its midnight, as people label it; nothing of other values."""
    whole = isinstance(value, pd.Timestamp) and value.tz is None and value == value.normalize()
    return value.date().isoformat() if whole else ""


# ---- what is said -------------------------------------------------------------------------------------

FEWEST_NAMED = 5
"""How many cells a finding names by their position; the rest follows the same cause."""


def _differs(name: str, wrong: Sequence[int], *, of: int) -> Finding:
    named = ", ".join(str(at) for at in wrong[:FEWEST_NAMED]) + (", …" if len(wrong) > FEWEST_NAMED else "")
    return _refuse(
        "reports.recount",
        name,
        Text(
            de=f"Die Tabelle {name} gibt nicht wieder, was sich in den gelesenen Zeilen zählen lässt "
            f"(Feld {named} von {of}).",
            en=f"The table {name} does not say what can be counted in the rows that were read "
            f"(cell {named} of {of}).",
        ),
        Text(
            de="Zählen Sie Zeilen mit groupby([...]).size(). Auswahlen gehören unter rows: ins Manifest, "
            "nicht ins Notebook; fehlende Werte brauchen eine eigene Gruppe.",
            en="Count rows with groupby([...]).size(). Selections belong under rows: in the manifest, not in "
            "the notebook; missing values need a group of their own.",
        ),
    )


def _unsafe(name: str, told: Sequence[int], *, of: int) -> Finding:
    named = ", ".join(str(at) for at in told[:FEWEST_NAMED]) + (", …" if len(told) > FEWEST_NAMED else "")
    return _refuse(
        "reports.unsafe-cell",
        name,
        Text(
            de=f"Die Tabelle {name} zeigt Zahlen, die nach den Regeln der Stadt geheim bleiben "
            f"(Feld {named} von {of}).",
            en=f"The table {name} shows numbers that the city's rules withhold (cell {named} of {of}).",
        ),
        Text(de="Bilden Sie sie mit sb.protect(...).", en="Make it with sb.protect(...)."),
    )


def _exposed(name: str, found: Sequence[int], *, of: int) -> Finding:
    named = ", ".join(str(at) for at in found[:FEWEST_NAMED]) + (", …" if len(found) > FEWEST_NAMED else "")
    return _refuse(
        "reports.exposed-cell",
        name,
        Text(
            de=f"Was die Tabelle {name} geheim hält, lässt sich aus ihr ausrechnen (Feld {named} von {of}).",
            en=f"What the table {name} withholds can be computed from it (cell {named} of {of}).",
        ),
        Text(de="Bilden Sie sie mit sb.protect(...).", en="Make it with sb.protect(...)."),
    )


def _not_counted(name: str) -> Finding:
    return _refuse(
        "reports.recount",
        name,
        Text(
            de=f"Die Tabelle {name} lässt sich nicht nachzählen: Ihre Bedingungen passen nicht zu den "
            f"gelesenen Zeilen.",
            en=f"The table {name} cannot be counted again: its conditions do not fit the rows that were read.",
        ),
        Text(
            de="Bilden Sie sie mit sb.protect(...) aus einem Datensatz, der unter inputs: steht, und aus "
            "Spalten, die dort genannt sind.",
            en="Make it with sb.protect(...) from a dataset that is listed under inputs:, and from columns "
            "that are named there.",
        ),
    )


def _unit_repeated(name: str, dataset: str) -> Finding:
    return _refuse(
        "reports.unit-repeated",
        name,
        Text(
            de=f"In den gelesenen Zeilen von {dataset} steht dieselbe Einheit mehrmals; die Tabelle {name} "
            f"zählte sie mehrfach.",
            en=f"The rows that were read of {dataset} hold the same unit more than once; the table {name} "
            f"would count it repeatedly.",
        ),
        Text(
            de="Wählen Sie im Manifest die Zeilen eines Stichtags, etwa rows: {reference_date: ...}.",
            en="Select the rows of one reference date in the manifest, such as rows: {reference_date: ...}.",
        ),
    )


def _refuse(rule: str, subject: str, said: Text, remedy: Text) -> Finding:
    return Finding(rule=rule, severity=Severity.refuse, subject=subject, text=said, remedy=remedy)
