"""The JSON Schema of a catalogue file, generated from the models: editors check and complete YAML with it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from stadtbuch.catalog.allowed import READERS
from stadtbuch.catalog.entries import SHARED, CatalogFile
from stadtbuch.catalog.licences import LICENCES

NAME = "catalog.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def expected() -> dict[str, Any]:
    """
    Give the schema as it should be.

    It differs from the models in three places: what `defaults` can supply is not required of an entry, and
    licences and readers are listed, as editors cannot ask the catalogue's rules.
    """
    schema = _without_examples(CatalogFile.model_json_schema(by_alias=True))
    kinds = schema["$defs"]
    entry = kinds["Description"]
    entry["required"] = [name for name in entry["required"] if name not in SHARED]
    for owner in (entry, kinds["Defaults"]):
        owner["properties"]["license"] = {"enum": sorted(LICENCES)}
    kinds["Source"]["properties"]["reader"] = {"enum": sorted(READERS)}
    return {"$schema": DIALECT, **schema, "title": "Stadtbuch catalogue file"}


def _without_examples(part: Any) -> Any:
    """Keep of each docstring what helps in an editor: its first paragraph."""
    if isinstance(part, dict):
        return {
            key: value.split("\n\n")[0] if key == "description" and isinstance(value, str)
            else _without_examples(value)
            for key, value in part.items()
        }  # fmt: skip
    return [_without_examples(one) for one in part] if isinstance(part, list) else part


def text() -> str:
    """Give the schema as the file shipped holds it."""
    return json.dumps(expected(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def shipped() -> dict[str, Any]:
    """Read the schema that is shipped with the library."""
    return json.loads((resources.files("stadtbuch") / "share" / "schemas" / NAME).read_text(encoding="utf-8"))
