"""Snapshots: what one purpose may see of one dataset, as bytes; and row filters with parameters' values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stadtbuch.errors import AccessDenied
from stadtbuch.model.analysis import Manifest
from stadtbuch.model.dataset import Dataset, PrivacyRole
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

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
    """

    dataset: Dataset
    version: str
    purpose: str | None
    columns: tuple[str, ...]
    rows: Mapping[str, Any]
    pseudonyms: tuple[str, ...]
    sha256: str
    data: bytes


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


def require_fair_filter(dataset: Dataset, *, rows: Mapping[str, Any], columns: tuple[str, ...]) -> None:
    """
    Refuse a row filter on a sensitive column that the purpose may not read: the rows would tell its content.

    Raises
    ------
    AccessDenied
        ``access.row-filter`` with the column's name.
    """
    for name in rows:
        hidden = name in dataset.table.names and name not in columns
        if not dataset.is_open and hidden and dataset.table.column(name).privacy is PrivacyRole.sensitive:
            raise _unfair_filter(dataset, name)


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
    return {
        "kind": "frame",
        "sha256": snapshot.sha256,
        "class": str(dataset.access_class),
        "version": snapshot.version,
        **origin(dataset, columns=snapshot.columns, licence=licence),
        "rows": {name: _plain(value) for name, value in snapshot.rows.items()},
        "purpose": snapshot.purpose,
        "min_count": min_count(dataset, settings),
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
        "type": str(one.type),
        "privacy": str(one.privacy),
        "labels": {code: label.as_dict() for code, label in one.labels.items()},
    }


def _plain(value: Any) -> Any:
    """Write a filter's value as JSON; a date as ISO text."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _unfair_filter(dataset: Dataset, name: str) -> AccessDenied:
    return AccessDenied(
        "access.row-filter",
        Text(
            de=f"{dataset.id} lässt sich nicht nach {name} filtern.",
            en=f"{dataset.id} cannot be filtered by {name}.",
        ),
        why=Text(
            de="Die Spalte ist schutzbedürftig und gehört nicht zu denen, die hier gelesen werden.",
            en="The column is sensitive and not among those that are read here.",
        ),
        remedy=Text(
            de=f"Streichen Sie {name} unter rows: oder bei rows=.",
            en=f"Remove {name} under rows: or from rows=.",
        ),
    )
