"""
A run that protected places, without a kernel: rows, rules and outline, and what the run left.

Valid by default; change one thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from builders.city import TOML, Made, a_city, a_dataset, default_datasets
from nbformat.v4 import new_notebook

from stadtbuch import atomic
from stadtbuch.model.places import PlaceRules
from stadtbuch.reports.evidence import Evidence
from stadtbuch.store import frame_bytes

BIRDS, OUTLINE = "environment.birds", "geography.city"
EAST, NORTH = 4_130_000, 3_470_000
NEST = (2_345.6, 7_654.3)
"""Metres from the corner of the city."""

PLACES: dict[str, Any] = {
    "unit": "record",
    "kind": "species",
    "category": "category",
    "show": ["species"],
    "date": "day",
    "season": {"from": "02-01", "until": "08-31"},
    "outline": OUTLINE,
    "steps": {"rare": {"grid": 5000, "bands": [1, 4]}, "common": {"grid": 1000, "bands": [1, 4]}},
    "reason": {"de": "Wer das Nest kennt, stört es.", "en": "Whoever knows the nest disturbs it."},
}


def _column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "title": {"de": name.capitalize(), "en": name.capitalize()}} | more


def bird_entry(**changes: Any) -> dict[str, Any]:
    """Give the closed entry of the birds; `changes` replace parts of its rules for places."""
    return a_dataset(
        access="closed",
        source={"reader": "geojson", "url": "{DATA}/birds.geojson"},
        privacy={
            "unit": "none",
            "purposes": {"age-structure": ["record", "species", "category", "day", "geometry"]},
            "places": PLACES | changes,
        },
        schema={
            "primaryKey": ["record"],
            "fields": [
                _column("record", "string", privacy="identifier"),
                _column("species", "string"),
                _column("category", "string"),
                _column("day", "date", privacy="quasi-identifier"),
                _column("observer", "string", privacy="identifier"),
                _column("geometry", "geometry", privacy="sensitive"),
            ],
        },
    )


def outline_entry() -> dict[str, Any]:
    """Give the open entry of the city's outline."""
    return a_dataset(
        source={"reader": "geojson", "url": "{DATA}/city.geojson"},
        schema={"fields": [_column("name", "string"), _column("geometry", "geometry")]},
    )


def outline() -> gpd.GeoDataFrame:
    """Give the city: a square of ten kilometres that fills its cells."""
    box = shapely.box(EAST, NORTH, EAST + 10_000, NORTH + 10_000)
    return gpd.GeoDataFrame({"name": ["City"]}, geometry=[shapely.segmentize(box, 500)], crs=3035).to_crs(
        4326
    )


def birds() -> gpd.GeoDataFrame:
    """Give three observations: two of a rare species, the second of this season; one of a common species."""
    spots = [NEST, NEST, (8_100.0, 1_200.0)]
    frame = pd.DataFrame(
        {
            "record": ["R-81", "R-82", "R-83"],
            "species": ["owl", "owl", "robin"],
            "category": ["rare", "rare", "common"],
            "day": ["2025-03-02", "2026-03-02", "2025-04-11"],
            "observer": ["Friedhelm Ackerknecht", "Friedhelm Ackerknecht", "Hildburg Ottensen"],
        }
    )
    points = gpd.points_from_xy([EAST + x for x, _ in spots], [NORTH + y for _, y in spots])
    return gpd.GeoDataFrame(frame, geometry=points, crs=3035).to_crs(4326)


def a_nature_city(root: Path, **changes: Any) -> Made:
    """Make a city with birds whose places are protected; `changes` replace parts of those rules."""
    datasets = default_datasets() | {BIRDS: bird_entry(**changes), OUTLINE: outline_entry()}
    toml = TOML.replace('"population"]', '"population", "environment"]')
    made = a_city(root, datasets=datasets, toml=toml)
    birds().to_file(root / "data" / "birds.geojson", driver="GeoJSON")
    outline().to_file(root / "data" / "city.geojson", driver="GeoJSON")
    return made


def evidence(folder: Path, tables: dict[str, Any], **told: Any) -> Evidence:
    """Give what a run left that read all birds: its snapshot and its records."""
    rows = birds().drop(columns="observer").astype({"day": "datetime64[us]"})
    data = frame_bytes(rows)
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    (folder / "inputs" / "birds.parquet").write_bytes(data)
    described = {
        "file": "inputs/birds.parquet", "kind": "frame", "class": "closed", "sha256": atomic.digest(data), "rows": {},
    }  # fmt: skip
    facts = {"inputs": {BIRDS: described | told}, "key": "k"}
    return Evidence(folder, facts, new_notebook(), {}, {}, tables, (), {})


def rules() -> PlaceRules:
    """Give the rules for places as a model."""
    return PlaceRules.model_validate(PLACES)
