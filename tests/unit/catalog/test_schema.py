"""The JSON Schema that editors use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from stadtbuch.catalog import schema

Entry = Callable[..., dict[str, Any]]


def complaints(content: dict[str, Any]) -> list[str]:
    """Give the places that the shipped schema complains about."""
    validator = jsonschema.Draft202012Validator(schema.shipped())
    return [error.json_path for error in validator.iter_errors(content)]


def file(entry: dict[str, Any], **defaults: str) -> dict[str, Any]:
    """Give a catalogue file with one entry."""
    return {"schema_version": 1, "domain": "population", "defaults": defaults, "datasets": {"thing": entry}}


def test_shipped_schema_is_current() -> None:
    """After a change of the models it is written anew: `schema.text()`."""
    assert schema.shipped() == schema.expected()


def test_shipped_schema_passes_its_metaschema() -> None:
    """It is itself valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(schema.shipped())


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_valid_entries_pass(kind: str, an_entry: Entry) -> None:
    """What the loader takes, editors take."""
    entry = {key: value for key, value in an_entry(kind).items() if value is not None}
    assert complaints(file(entry)) == []


def test_what_defaults_can_supply_is_not_required(an_entry: Entry) -> None:
    """An entry without publisher is valid YAML; whether a default fills it in, the loader knows."""
    assert complaints(file(an_entry("open", lambda entry: entry.pop("publisher")), publisher="x")) == []


def test_editors_underline_common_mistakes(an_entry: Entry) -> None:
    """Unknown keys, classes, licences and readers; a missing access block; access among the defaults."""
    assert complaints(file(an_entry("open", lambda entry: entry.update(titel=1)))) == ["$.datasets.thing"]
    assert complaints(file(an_entry("open", lambda entry: entry.pop("access")))) == ["$.datasets.thing"]
    changed = an_entry("open", lambda entry: entry.update(license="x", access={"class": "x"}))
    changed["source"]["reader"] = "pickle"
    assert sorted(complaints(file(changed))) == [
        "$.datasets.thing.access.class",
        "$.datasets.thing.license",
        "$.datasets.thing.source.reader",
    ]
    assert complaints(file(an_entry("open"), access="open")) == ["$.defaults"]
