"""A small valid city for the tests of the catalogue; each test changes one thing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stadtbuch import settings as city_settings
from stadtbuch.catalog import index
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings

TOML = """
schema_version = 1
[city]
name = "Musterstadt"
key = "990000000000"
timezone = "Europe/Berlin"
language = "de"
publisher = {de = "Statistik", en = "Statistics"}
contact = "statistik@musterstadt.example"
claim = {de = "Zahlen", en = "Numbers"}
[paths]
data = "DATA"
[rules]
version = "1"
reviewed = 2026-01-10
review = 2028-01-10
[thresholds]
min_count = {value = 3, reason = {de = "a", en = "a"}, decided_by = "steering-group", decided = 2026-01-10}
min_count_sensitive = {value = 5, reason = {de = "a", en = "a"}, decided_by = "cdo", decided = 2026-01-10}
solver_nodes = {value = 9, reason = {de = "a", en = "a"}, decided_by = "steering-group", decided = 2026-01-10}
[catalog]
domains = ["population", "mobility", "geography"]
"""

OPEN: dict[str, Any] = {
    "title": {"de": "Bäume", "en": "Trees"},
    "description": {"de": "Alle Straßenbäume", "en": "All street trees"},
    "keyword": {"de": ["Baumkataster", "Grünfläche"], "en": ["green"]},
    "publisher": "statistics-office",
    "owner": "head-of-statistics",
    "steward": "steward-statistics",
    "contactPoint": "statistik@musterstadt.example",
    "license": "dl-de/by-2-0",
    "source": {"reader": "csv", "url": "{DATA}/trees.csv", "options": {"sep": ";"}},
    "access": {"class": "open"},
    "schema": {
        "fields": [
            {"name": "code", "type": "code", "title": {"de": "Nummer", "en": "Number"}},
            {
                "name": "height", "type": "number", "decimal": ",", "thousands": ".", "unit": "m",
                "title": {"de": "Höhe", "en": "Height"},
            },
        ]
    },
    "misuse": {"de": "Höhen sind geschätzt.", "en": "Heights are estimates."},
}  # fmt: skip

CLOSED: dict[str, Any] = OPEN | {
    "title": {"de": "Einwohnerregister", "en": "Population register"},
    "description": {"de": "Alle Menschen", "en": "All people"},
    "keyword": {"de": ["Einwohner"], "en": ["residents"]},
    "license": None,
    "source": {"reader": "csv", "url": "{DATA}/residents.csv"},
    "access": {
        "class": "closed",
        "reason": {
            "kind": "personal-data", "text": {"de": "Register", "en": "Register"}, "legal_basis": "§ 1",
            "decided_by": "data-owner", "decided": "2026-01-15", "review": "2028-01-15",
        },
        "preparation": {"tried": ["aggregate"], "outcome": {"de": "als Tabelle", "en": "as a table"}},
        "grants": [{"role": "analyst", "purposes": ["age-structure"], "until": "2027-12-31"}],
    },
    "privacy": {"unit": "person", "min_count": 3, "purposes": {"age-structure": ["district", "age"]}},
    "schema": {
        "primaryKey": ["person_id"],
        "fields": [
            {
                "name": "person_id", "type": "string", "privacy": "identifier",
                "title": {"de": "Kennzeichen", "en": "Id"},
            },
            {
                "name": "age", "type": "integer", "privacy": "quasi-identifier",
                "title": {"de": "Alter", "en": "Age"},
            },
            {
                "name": "district", "type": "code", "privacy": "quasi-identifier",
                "title": {"de": "Stadtteil", "en": "District"},
            },
        ],
    },
}  # fmt: skip

Change = Callable[[dict[str, Any]], Any]
ACity = Callable[..., Settings]
ADataset = Callable[..., tuple[Dataset, Settings]]


def entry(kind: str, change: Change | None = None) -> dict[str, Any]:
    """Give a valid entry with one change."""
    made = copy.deepcopy(OPEN if kind == "open" else CLOSED)
    if change:
        change(made)
    return made


@pytest.fixture
def an_entry() -> Callable[..., dict[str, Any]]:
    """Give the builder of valid entries, open or closed."""
    return entry


@pytest.fixture
def a_city(tmp_path: Path) -> ACity:
    """Give the builder of a city whose catalogue holds the given entries, or the given text."""

    def built(
        entries: dict[str, Any] | str | bytes, *, domain: str = "population", data: str = "data", **parts: Any
    ) -> Settings:
        root = tmp_path / "city"
        (root / "catalogs").mkdir(parents=True, exist_ok=True)
        (root / "stadtbuch.toml").write_text(TOML.replace("DATA", data), encoding="utf-8")
        content = entries
        if isinstance(entries, dict):
            whole = {"schema_version": 1, "domain": domain, **parts, "datasets": entries}
            content = yaml.safe_dump(
                json.loads(json.dumps(whole)), sort_keys=False
            )  # no aliases for equal parts
        raw = content.encode() if isinstance(content, str) else content
        assert isinstance(raw, bytes)
        (root / "catalogs" / f"{domain}.yaml").write_bytes(raw)
        found = city_settings.read(root)
        found.folder("data").mkdir(parents=True, exist_ok=True)
        return found

    return built


@pytest.fixture
def a_source(a_city: ACity) -> ADataset:
    """Give the builder of an open dataset with its file: columns, bytes, reader and options."""

    def built(
        fields: list[dict[str, Any]],
        data: bytes | None = None,
        *,
        reader: str = "csv",
        file: str = "file.csv",
        options: dict[str, Any] | None = None,
        **schema: Any,
    ) -> tuple[Dataset, Settings]:
        title = {"de": "x", "en": "x"}
        described = [{"title": title, **column} for column in fields]
        made = entry("open") | {
            "source": {"reader": reader, "url": "{DATA}/" + file, "options": options or {}},
            "schema": {"fields": described, **schema},
        }
        found = a_city({"thing": made})
        if data is not None:
            (found.folder("data") / file).write_bytes(data)
        return index.load(found).get("population.thing"), found

    return built
