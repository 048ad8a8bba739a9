"""`city.merge`: joining two tables, with a look at what the join tells that neither side told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.dataset import PrivacyRole
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text

if TYPE_CHECKING:
    import pandas as pd

    from stadtbuch.disclosure.joins import Joined

How = Literal["inner", "left", "right", "outer"]
TELLING = (str(PrivacyRole.quasi_identifier), str(PrivacyRole.sensitive))


def merge(
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    on: str | Sequence[str] | None,
    how: How,
    inputs: Mapping[str, Mapping[str, Any]],
) -> tuple[pd.DataFrame, Finding | None]:
    """
    Join two tables, and measure k where people are told about.

    Parameters
    ----------
    on
        Columns that both have; without it, all of them.
    inputs
        What is known about the inputs, as ``run.json`` tells: roles of columns, units, minimum counts.

    Returns
    -------
    tuple
        The join with ``attrs["stadtbuch"]["k"]`` where k was measured, and what there is to say about it.

    Raises
    ------
    UsageError
        ``merge.columns`` if there is nothing to join by.
    """
    keys = _keys(left, right, on)
    made = left.merge(right, on=keys, how=how)
    persons = {name: one for name, one in inputs.items() if about_people(one)}
    if not persons:
        return made, None
    joined = measured(left, right, keys, inputs)
    made.attrs["stadtbuch"] = {"k": joined.k, "columns": list(joined.columns)}
    least = smallest_allowed(persons.values())
    if not joined.singles_out(least):
        return made, None
    from stadtbuch.disclosure import joins  # noqa: PLC0415 - as below

    return made, joins.finding(joined, subject=" + ".join(persons), least=least, severity=Severity.refuse)


def measured(
    left: pd.DataFrame, right: pd.DataFrame, keys: Sequence[str], inputs: Mapping[str, Mapping[str, Any]]
) -> Joined:
    """Measure a join by the roles that the catalogue gives to columns."""
    from stadtbuch.disclosure import joins  # noqa: PLC0415 - pandas, and few notebooks join

    return joins.measure(left, right, on=keys, telling=telling(inputs.values()))


def telling(inputs: Any) -> set[str]:
    """Name the columns of inputs that tell something about people."""
    columns = (column for one in inputs for column in one.get("columns", ()))
    return {column["name"] for column in columns if column.get("privacy") in TELLING}


def about_people(described: Mapping[str, Any]) -> bool:
    """Tell whether an input holds records of people, households or companies."""
    return described.get("kind") == "frame" and described.get("privacy_unit", "none") != "none"


def smallest_allowed(inputs: Any) -> int:
    """Give how many must be alike: the strictest minimum count of the inputs."""
    return max(int(one["min_count"]) for one in inputs)


def common(left: pd.DataFrame, right: pd.DataFrame) -> list[str]:
    """Give the columns that two tables both have, but for geometry."""
    return [
        str(name) for name in left.columns if name in right.columns and str(left[name].dtype) != "geometry"
    ]


def refused(finding: Finding) -> Refused:
    """Make the error of a finding."""
    return Refused(finding.rule, finding.text, remedy=finding.remedy)


def pairs(inputs: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Give every pair of inputs about people."""
    names = [name for name, one in inputs.items() if about_people(one)]
    yield from ((one, other) for at, one in enumerate(names) for other in names[at + 1 :])


def _keys(left: pd.DataFrame, right: pd.DataFrame, on: str | Sequence[str] | None) -> list[str]:
    there = common(left, right)
    wanted = there if on is None else [on] if isinstance(on, str) else list(on)
    if wanted and all(name in there for name in wanted):
        return wanted
    listed = ", ".join(there) or "–"
    raise UsageError(
        "merge.columns",
        Text(
            de="city.merge: Über diese Spalten lässt sich nicht zusammenführen.",
            en="city.merge: these columns cannot be joined by.",
        ),
        remedy=Text(
            de=f"Beide Tabellen haben: {listed}. Benennen Sie Spalten vorher gleich (rename).",
            en=f"Both tables have: {listed}. Give columns the same name before (rename).",
        ),
    )
