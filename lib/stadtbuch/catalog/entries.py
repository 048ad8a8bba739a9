"""From the content of one catalogue file to its datasets, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from stadtbuch.catalog import mistakes, rules
from stadtbuch.catalog.files import Located, Place
from stadtbuch.errors import Problem
from stadtbuch.model.dataset import Dataset, Description, Name, Slug
from stadtbuch.model.frozen import Frozen
from stadtbuch.texts import Text


class Defaults(Frozen):
    """What all datasets of a file have in common. Access is not among it on purpose: it has no default."""

    publisher: Slug | None = None
    owner: Slug | None = None
    steward: Slug | None = None
    maintainer: Slug | None = None
    contact_point: str | None = Field(default=None, alias="contactPoint")
    license: str | None = None
    attribution: Text | None = None
    spatial: str | None = None
    theme: tuple[str, ...] | None = None
    action_field: str | None = None
    accrual_periodicity: str | None = Field(default=None, alias="accrualPeriodicity")
    origin: Literal["administration", "science", "business", "civil-society"] | None = None


class CatalogFile(Frozen):
    """One catalogue file: one data domain with its datasets."""

    schema_version: Literal[1]
    domain: Slug
    defaults: Defaults = Defaults()
    datasets: dict[Name, Description] = Field(min_length=1)


class _Frame(Frozen):
    """The file around its datasets, which are checked one by one after their defaults were put in."""

    schema_version: Literal[1]
    domain: Slug
    defaults: Defaults = Defaults()
    datasets: dict[Name, dict[str, Any]] = Field(min_length=1)


def datasets(content: Located, *, domains: Sequence[str]) -> tuple[list[Dataset], list[Problem]]:
    """
    Give the datasets of a file and all its mistakes.

    Parameters
    ----------
    content
        Of the file.
    domains
        The data domains that the city's settings name.

    Returns
    -------
    tuple
        Datasets without any mistake of their own, and the mistakes.
    """
    problems = [mistakes.problem(one, _Frame, content, ()) for one in _errors(_Frame, content.data)]
    problems += rules.domain(content, domains)
    entries = content.data.get("datasets")
    defaults = content.data.get("defaults")
    found = []
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            dataset, wrong = _dataset(content, name, entry, defaults if isinstance(defaults, dict) else {})
            problems += wrong
            found += [dataset] if dataset else []
    return found, list(dict.fromkeys(problems))


def _dataset(
    content: Located, name: str, entry: dict[str, Any], defaults: dict[str, Any]
) -> tuple[Dataset | None, list[Problem]]:
    """Check one entry: first its form, then what its parts say together."""
    place: Place = ("datasets", name)
    inherited = {key: value for key, value in defaults.items() if key in SHARED and key not in entry}
    content = replace(content, moved={(*place, key): ("defaults", key) for key in inherited})
    whole = inherited | entry
    errors = _errors(Description, whole)
    parts = _parts(whole, broken={str(one["loc"][0]) for one in errors})
    domain = str(content.data.get("domain"))
    dataset = Dataset.model_construct(**parts, id=f"{domain}.{name}", domain=domain)
    wrong = [mistakes.problem(one, Description, content, place) for one in errors]
    wrong += rules.problems(dataset, content, place, known=frozenset(parts))
    return None if wrong else dataset, wrong


def _parts(whole: dict[str, Any], *, broken: set[str]) -> dict[str, Any]:
    """Give the well-formed fields of an entry: the rules about them speak even where another is broken."""
    if not broken:
        return dict(Description.model_validate(whole, by_alias=True, by_name=False))
    keys = {name: field.alias or name for name, field in Description.model_fields.items()}
    return {
        name: _adapter(name).validate_python(whole[key], by_alias=True, by_name=False)
        if key in whole
        else Description.model_fields[name].get_default(call_default_factory=True)
        for name, key in keys.items()
        if key not in broken
    }


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    kind: Any = Description.model_fields[name].annotation
    return TypeAdapter(kind)


SHARED = frozenset(field.alias or name for name, field in Defaults.model_fields.items())


def _errors(model: type[BaseModel], data: Any) -> list[Any]:
    """Give what pydantic finds; only the names of YAML count."""
    try:
        model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []
