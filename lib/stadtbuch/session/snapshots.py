"""Snapshots: what one purpose may see of one dataset, as bytes; and row filters with parameters' values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from stadtbuch.model.analysis import Manifest
from stadtbuch.model.dataset import Dataset, PrivacyRole
from stadtbuch.settings import Settings

TEMPLATE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Source:
    """
    A dataset as its source holds it now.

    `version` is the content hash of the source's files and its schema; the frame is whole and not minimised,
    and never leaves the process that read it.
    """

    version: str
    frame: Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    What one purpose may see of one dataset: these columns, these rows, pseudonyms for identifiers.

    Attributes
    ----------
    data
        Parquet (GeoParquet where there is geometry); the same input gives the same bytes.
    sha256
        Hash of `data`.
    version
        Content hash of the source it was made from.
    units_repeat
        Whether a person (or whatever is protected) stands in more than one of the rows.
    kept_from
        The edition it was first made for, where the source is missing today.
    """

    dataset: Dataset
    version: str
    purpose: str | None
    columns: tuple[str, ...]
    rows: Mapping[str, Any]
    pseudonyms: tuple[str, ...]
    sha256: str
    data: bytes
    units_repeat: bool = False
    kept_from: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A snapshot that an earlier run saw, for the day on which its source is missing.

    Attributes
    ----------
    edition
        Id of the edition that was made from it.
    told
        What that run's record says of the input, as `described` wrote it.
    data
        Its bytes.
    """

    edition: str
    told: Mapping[str, Any]
    data: bytes

    def serves(self, dataset: Dataset, *, purpose: str | None, columns: tuple[str, ...], rows: Any) -> bool:
        """Tell whether it is what may be seen today: same class, purpose, columns and rows."""
        there = tuple(one["name"] for one in self.told["columns"])
        asked = (
            str(dataset.access_class),
            purpose,
            columns,
            {name: _plain(one) for name, one in rows.items()},
        )
        return asked == (self.told["class"], self.told["purpose"], there, dict(self.told["rows"]))


def fill(
    rows: Mapping[str, Any], *, values: Mapping[str, Any], extras: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """
    Put the values of parameters into a row filter.

    Parameters
    ----------
    rows
        Column -> value, list of values, or ``"{name}"`` for the value of a parameter.
    values
        The parameters of the run, checked before.
    extras
        Choices of each parameter beyond the catalogue's (``or:``). Such a value means "no filter".

    Examples
    --------
    >>> rows, extras = {"borough": "{borough}", "year": 2025}, {"borough": ("all",)}
    >>> fill(rows, values={"borough": "mitte"}, extras=extras)
    {'borough': 'mitte', 'year': 2025}
    >>> fill(rows, values={"borough": "all"}, extras=extras)
    {'year': 2025}
    """
    filled = {}
    for column, wanted in rows.items():
        name = parameter_of(wanted)
        if name is None:
            filled[column] = wanted
        elif values[name] not in extras.get(name, ()):
            filled[column] = values[name]
    return filled


def conditions(rows: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """
    Write a filled row filter as conditions over columns, as the cells of a protected table have them.

    Examples
    --------
    >>> conditions({"year": 2025, "borough": ["01", "02"]})
    ({'column': 'year', 'equals': 2025}, {'column': 'borough', 'in': ['01', '02']})
    """
    return tuple({"column": name, **_condition(_plain(value))} for name, value in rows.items())


def _condition(value: Any) -> dict[str, Any]:
    return {"in": value} if isinstance(value, list) else {"equals": value}


def units_repeat(frame: Any, dataset: Dataset) -> bool:
    """
    Say whether a protected unit stands in several rows: then counting rows does not count units.

    Parameters
    ----------
    frame
        The rows as the source holds them, with identifiers; nothing of them is kept.
    dataset
        Says what is protected, and which column tells one unit from another.
    """
    column = _unit_column(dataset)
    return column is not None and bool(frame[column].duplicated().any())


def _unit_column(dataset: Dataset) -> str | None:
    """Give the column that names the units: an identifier of the primary key before any other identifier."""
    if dataset.privacy.unit == "none":
        return None
    table = dataset.table
    ordered = [*table.primary_key, *table.names]
    named = (name for name in ordered if table.column(name).privacy is PrivacyRole.identifier)
    return next(named, None)


def parameter_of(wanted: Any) -> str | None:
    """
    Give the parameter that a row filter names, or ``None`` if it states a value.

    Examples
    --------
    >>> parameter_of("{borough}"), parameter_of("mitte")
    ('borough', None)
    """
    found = TEMPLATE.fullmatch(wanted) if isinstance(wanted, str) else None
    return found.group(1) if found else None


def extras_of(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Give the choices of each parameter that leave a row filter out."""
    return {name: parameter.extra for name, parameter in manifest.parameters.items() if parameter.extra}


def described(snapshot: Snapshot, settings: Settings, *, licence: Any) -> dict[str, Any]:
    """
    Tell about an input what a page, a table header or the gate must know: an entry of ``run.json``'s
    ``inputs``.

    Parameters
    ----------
    snapshot
        What the run sees.
    settings
        The city's thresholds: a dataset without its own minimum count has the city's.
    licence
        The licence's entry in the fixed list, or ``None``.
    """
    dataset = snapshot.dataset
    repeat: dict[str, Any] = {} if dataset.is_open else {"units_repeat": snapshot.units_repeat}
    repeat |= {} if dataset.privacy.zeros == "published" else {"zeros": dataset.privacy.zeros}
    return repeat | {
        "kind": "frame",
        "sha256": snapshot.sha256,
        "class": str(dataset.access_class),
        "version": snapshot.version,
        **origin(dataset, columns=snapshot.columns, licence=licence),
        "rows": {name: _plain(value) for name, value in snapshot.rows.items()},
        "purpose": snapshot.purpose,
        "min_count": min_count(dataset, settings),
    }


def places_rules(dataset: Dataset, today: date) -> dict[str, Any]:
    """
    Tell how exactly the places of a dataset may be told today; nothing if it has no such rules.

    `before` is the first day that stays inside. It changes once a year, and a run is made anew then.
    """
    from stadtbuch.disclosure import places  # noqa: PLC0415 - pandas, for few datasets

    rules = dataset.privacy.places
    if rules is None:
        return {}
    before = places.opens(rules.season, today).isoformat() if rules.season else None
    titles = {name: title.as_dict() for name, title in places.protected_titles(dataset).items()}
    return {
        "places": {"rules": rules.model_dump(mode="json", by_alias=True), "before": before, "titles": titles}
    }


def origin(dataset: Dataset, *, columns: Iterable[str], licence: Any) -> dict[str, Any]:
    """Tell where an input comes from and what its columns mean; columns it does not have are left out."""
    known = [name for name in columns if name in dataset.table.names]
    return {
        "title": dataset.title.as_dict(),
        "licence": dataset.license,
        "licence_title": licence.title.as_dict() if licence else None,
        "licence_url": licence.url if licence else None,
        "attribution": dataset.attribution.as_dict() if dataset.attribution else None,
        "columns": [_column(dataset.table.column(name)) for name in known],
        "privacy_unit": dataset.privacy.unit,
        "sensitive": dataset.privacy.sensitive_group,
    }


def min_count(dataset: Dataset, settings: Settings) -> int:
    """Give the minimum count of a dataset: its own, but never below the city's for its kind."""
    thresholds = settings.thresholds
    common = thresholds.min_count_sensitive if dataset.privacy.sensitive_group else thresholds.min_count
    return max(dataset.privacy.min_count or 0, common.value)


def _column(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title.as_dict(),
        "unit": one.unit,
        "type": "code" if one.coarse is not None and one.coarse.grid else str(one.type),
        "privacy": str(one.privacy),
        "labels": {code: label.as_dict() for code, label in one.labels.items()},
    }


def _plain(value: Any) -> Any:
    """Write a filter's value as JSON; a date as ISO text."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
