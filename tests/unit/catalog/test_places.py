"""Rules for places in the catalogue: every slip is found when the file is checked, not when a nest is public."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from stadtbuch.catalog import index
from stadtbuch.errors import CatalogError
from stadtbuch.settings import Settings

ACity = Callable[..., Settings]
AnEntry = Callable[..., dict[str, Any]]

PLACES: dict[str, Any] = {
    "unit": "person_id",
    "kind": "kind",
    "category": "category",
    "show": ["kind"],
    "date": "day",
    "season": {"from": "02-01", "until": "08-31"},
    "outline": "geography.boroughs",
    "steps": {"rare": {"grid": 5000, "bands": [1, 4]}, "common": {"column": "district"}},
    "reason": {"de": "Ruhe", "en": "Quiet"},
}
LABELS = {"rare": {"de": "selten", "en": "rare"}, "common": {"de": "häufig", "en": "common"}}
COLUMNS = [
    {"name": "kind", "type": "string", "title": {"de": "Art", "en": "Kind"}},
    {"name": "category", "type": "code", "labels": LABELS, "title": {"de": "Klasse", "en": "Class"}},
    {"name": "day", "type": "date", "title": {"de": "Tag", "en": "Day"}},
    {"name": "geometry", "type": "geometry", "title": {"de": "Ort", "en": "Place"}},
]


def entry(an_entry: AnEntry, **changes: Any) -> dict[str, Any]:
    """Give a closed entry whose places have rules; None removes one of them."""
    made = an_entry("closed")
    told = copy.deepcopy(PLACES) | changes
    made["privacy"]["places"] = {key: value for key, value in told.items() if value is not None}
    made["schema"]["fields"] += copy.deepcopy(COLUMNS)
    made["source"] = {"reader": "geojson", "url": "{DATA}/birds.geojson"}
    return made


def rare(step: dict[str, Any]) -> dict[str, Any]:
    """Change the step of what is rare."""
    return {"steps": {"rare": step, "common": {"grid": 1000}}}


def test_rules_without_a_slip_load(a_city: ACity, an_entry: AnEntry) -> None:
    """What stands above is read as it stands."""
    rules = index.load(a_city({"birds": entry(an_entry)})).get("population.birds").privacy.places
    assert rules is not None
    assert rules.steps["rare"].grid == 5000
    assert rules.steps["common"].bands == (1,)


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"unit": "recrod"}, "catalog.places", "unit"),
        ({"date": "dya"}, "catalog.places", "date"),
        ({"show": ["knd"]}, "catalog.places", "show.0"),
        ({"show": ["kind", "district"]}, "catalog.places", "show.1"),
        ({"show": ["person_id"]}, "catalog.places", "show.0"),
        (rare({}), "catalog.places", "steps.rare"),
        (rare({"grid": 1000, "column": "district"}), "catalog.places", "steps.rare"),
        (rare({"column": "distrct"}), "catalog.places", "steps.rare.column"),
        (rare({"grid": 1000, "bands": [2, 4]}), "catalog.places", "steps.rare.bands"),
        (rare({"grid": 1000, "bands": [1, 1]}), "catalog.places", "steps.rare.bands"),
        (rare({"grid": 1000, "bands": [0]}), "catalog.places", "steps.rare.bands"),
        ({"steps": {"common": {"grid": 1000}}}, "catalog.places", "steps"),
        ({"outline": None}, "catalog.places", "outline"),
        ({"date": None}, "catalog.places", "date"),
        (rare({"grid": 4000}), "catalog.value", "steps.rare.grid"),
        ({"season": {"from": "02-31", "until": "8-31"}}, "catalog.value", "season.until"),
        ({"reason": None}, "catalog.key-missing", "reason"),
        ({"reason": {"de": " ", "en": "Quiet"}}, "catalog.text-empty", "reason.de"),
    ],
    ids=lambda one: str(one)[:60],
)  # fmt: skip
def test_each_slip_is_found_at_its_place(
    changes: dict[str, Any], code: str, path: str, a_city: ACity, an_entry: AnEntry
) -> None:
    """One wrong thing gives one problem with its path and line."""
    with pytest.raises(CatalogError) as caught:
        index.load(a_city({"birds": entry(an_entry, **changes)}))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == (code, f"datasets.birds.privacy.places.{path}")
    assert problem.line
