"""
Owls, kingfishers and wells: the page shows them, and nobody finds one by it.

The attacker of these tests knows everything that is public, the outline of the city, and how the grid works. The
true places come from the data themselves and from ``truth/privacy.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import yaml
from builders.city import a_manifest
from builders.reports import START, write_notebook

from stadtbuch.disclosure import grid
from stadtbuch.model.places import PlaceRules

REPORT = "owl-kingfisher-drinking-water"
TEXTS = {".html", ".json", ".geojson", ".csv", ".svg", ".txt", ".ipynb", ".xml", ".md", ".js", ".yaml"}
RULES = {
    "very-sensitive": 10_000,
    "sensitive": 5_000,
    "common": 1_000,
}
pytestmark = pytest.mark.slow

OPEN_POSITIONS = ("datasets/environment.trees", "datasets/environment.air_stations", "datasets/geography.")
"""Places of things that are open; a tree may stand beside a nest."""


@cache
def truth(root: Path) -> dict[str, Any]:
    """Give what is planted in the data."""
    return json.loads((root / "truth" / "privacy.json").read_text(encoding="utf-8"))


@cache
def birds(root: Path) -> gpd.GeoDataFrame:
    """Give the closed observations."""
    return gpd.read_parquet(root / "data" / "environment" / "breeding_birds.parquet").to_crs(4326)  # noqa: TID251 - the truth itself, not an analysis


@cache
def wells(root: Path) -> gpd.GeoDataFrame:
    """Give the closed register of wells."""
    return gpd.read_file(root / "data" / "environment" / "wells.geojson").to_crs(4326)  # noqa: TID251 - the truth itself, not an analysis


@cache
def city(root: Path) -> shapely.Geometry:
    """Give the outline of the city in metres."""
    boroughs = gpd.read_file(root / "data" / "geography" / "boroughs.geojson")  # noqa: TID251 - the truth itself, not an analysis
    return shapely.union_all(boroughs.to_crs(grid.EPSG).geometry.to_numpy())


@cache
def published(root: Path) -> dict[str, str]:
    """Give every public text."""
    public = root / "public"
    paths = (path for path in sorted(public.rglob("*")) if path.is_file() and path.suffix in TEXTS)
    return {path.relative_to(public).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def edition(root: Path) -> Path:
    """Give the folder of the report's edition."""
    (found,) = (path for path in (root / "public" / "reports" / REPORT).iterdir() if path.is_dir())
    return found


def told(root: Path, name: str) -> gpd.GeoDataFrame:
    """Give what the report released, with its areas in metres."""
    file = edition(root) / "data" / f"{name}.geojson"
    return gpd.read_file(file).to_crs(grid.EPSG)  # noqa: TID251 - as a stranger reads a download


def test_the_page_shows_maps_and_says_beside_them_why_they_are_coarse(lindenstadt):
    """In both languages: reason, season, what is left out; light enough; downloads with the words of Darwin Core."""
    for name, words in (
        (
            "index.html",
            (
                "Warum nicht genauer?",
                "Eier sammeln",
                "nach dem 31. August",
                "Beobachtet von",
                "Pumpen zerstören",
            ),
        ),
        (
            "index.en.html",
            (
                "Why not more exactly?",
                "collect their eggs",
                "after 31 August",
                "Observer",
                "destroy the pumps",
            ),
        ),
    ):
        file = lindenstadt.root / "public" / "reports" / REPORT / name
        page = file.read_text(encoding="utf-8")
        assert page.count("<figure") == 3
        assert [word for word in words if word not in page] == []
        assert file.stat().st_size < 300_000
    record = json.loads(
        (edition(lindenstadt.root) / "data" / "birds_by_area.geojson").read_text(encoding="utf-8")
    )
    assert {"informationWithheld", "dataGeneralizations"} <= set(record)


def test_nobody_is_named(lindenstadt):
    """No observer, no place name of a note, no name or id of a well, no id of an observation."""
    known = truth(lindenstadt.root)
    names = [*known["observers"]["names"], known["nest"]["field"], known["nest"]["careless_note"]]
    names += [*birds(lindenstadt.root)["record_id"], *wells(lindenstadt.root)["well_id"]]
    names += [
        one for one in wells(lindenstadt.root)["name"] if "Gänsemarkt" not in one
    ]  # everybody knows the pump
    searched = re.compile("|".join(re.escape(one) for one in names))
    assert [name for name, text in published(lindenstadt.root).items() if searched.search(text)] == []


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Give numbers with decimals that stand close to each other."""
    numbers = [(one.start(), one[0]) for one in re.finditer(r"(?<![\w.])\d{1,2}\.\d{3,}", text)]
    for (at, first), (then, second) in pairwise(numbers):
        if then - at < 60:
            yield first, second


def test_no_place_is_written_anywhere(lindenstadt):
    """Not to a metre, ten metres or hundred, in no order: neither in pages nor in downloads, code, or pictures."""
    places = pd.concat([birds(lindenstadt.root).geometry, wells(lindenstadt.root).geometry])
    closed = {(f"{one.x:.{n}f}", f"{one.y:.{n}f}") for one in places for n in (4, 5, 6)}
    found = set()
    for name, text in published(lindenstadt.root).items():
        if not name.startswith(OPEN_POSITIONS):
            for first, second in pairs(text):
                cut = {(first[: 3 + n], second[: 3 + n]) for n in (4, 5, 6)} | {(first, second)}
                found |= {name for one in cut if one in closed or one[::-1] in closed}
    assert found == set()


def test_an_attacker_still_has_to_search_half_a_cell_of_city(lindenstadt):
    """All areas told for a species that hold its nest, cut with each other and with the city, leave so much."""
    areas = told(lindenstadt.root, "birds_by_area")
    nests = birds(lindenstadt.root).to_crs(grid.EPSG)
    nests = nests[nests["category"].isin(RULES)]
    assert len(nests) > 50
    for species, category, nest in zip(
        nests["species_latin"], nests["category"], nests.geometry, strict=True
    ):
        holding = areas[(areas["species_latin"] == species) & areas.buffer(1).contains(nest)]
        assert len(holding) > 0
        left = shapely.intersection_all([city(lindenstadt.root), *holding.geometry.to_numpy()])
        whole = min(grid.INSIDE * RULES[category] ** 2, city(lindenstadt.root).area)
        assert shapely.area(left) >= whole * 0.999


def test_garden_wells_are_somewhere_in_their_area(lindenstadt):
    """What nobody has to guard is told by the kilometre, and still by no garden."""
    areas = told(lindenstadt.root, "wells_by_area")
    gardens = wells(lindenstadt.root)[lambda frame: frame["kind"] == "garden"].to_crs(grid.EPSG)
    assert len(gardens) > 0
    for well in gardens.geometry:
        holding = areas[(areas["kind"] == "garden") & areas.buffer(1).contains(well)]
        left = shapely.intersection_all([city(lindenstadt.root), *holding.geometry.to_numpy()])
        assert shapely.area(left) >= grid.INSIDE * 1_000**2 * 0.999


def test_wells_of_public_supply_are_somewhere_in_the_city(lindenstadt):
    """Their one area holds the whole city; emergency wells are told by borough, with no shape of their own."""
    areas = told(lindenstadt.root, "wells_by_area")
    (supply,) = areas.loc[areas["kind"] == "drinking-water"].geometry
    assert shapely.contains(shapely.buffer(supply, 1), city(lindenstadt.root))
    emergency = areas[areas["kind"] == "emergency"]
    assert len(emergency) > 0
    assert emergency.geometry.isna().all()
    assert set(areas["kind"]) == {"drinking-water", "emergency", "garden"}


def test_numbers_are_told_in_classes_only(lindenstadt):
    """No exact number, no day and no column beside those that the rules name."""
    for name, columns in (
        ("birds_by_area", ["species_latin", "category", "year"]),
        ("wells_by_area", ["kind"]),
    ):
        file = edition(lindenstadt.root) / "data" / f"{name}.csv"
        frame = pd.read_csv(file, dtype=str)  # noqa: TID251 - as a stranger reads a download
        assert frame.columns.tolist() == [*columns, "place", "found"]
        assert set(frame["found"]) <= {"1+", "1–3", "4–10", "11+"}


def test_the_rules_that_are_tested_are_those_of_the_catalogue(root):
    """The attacker above measures what the catalogue promises."""
    entries = yaml.safe_load((root / "catalogs" / "environment.yaml").read_text(encoding="utf-8"))["datasets"]
    steps = PlaceRules.model_validate(entries["breeding_birds"]["privacy"]["places"]).steps
    assert {name: step.grid for name, step in steps.items()} == RULES


FORGED = """
import json, pathlib
made = sb.places(birds, name="birds", dataset="environment.breeding_birds", show=["species_latin"], outline=boroughs)
file = next(pathlib.Path(os.environ["STADTBUCH_RUN"]).glob("outputs/tables/*.json"))
record = json.loads(file.read_text(encoding="utf-8"))
fine = next(name for name in record["areas"] if name.startswith("CRS3035RES1000m"))
record["found"] = [{**one, "place": fine} for one in record["found"]]
file.write_text(json.dumps(record, ensure_ascii=False, indent=1) + chr(10), encoding="utf-8")
"""


def test_a_notebook_that_writes_finer_places_is_refused(lindenstadt, tmp_path):
    """A record changed behind the helper's back, and a nest in the text: each is found, and none is repeated."""
    city = lindenstadt.copy(tmp_path / "city")
    nest = birds(lindenstadt.root).query("species_latin == 'Bubo bubo'").geometry.iloc[0]
    declared = a_manifest(
        purpose="protected-places",
        risk="high",
        gives=["birds"],
        inputs={
            "environment.breeding_birds": {
                "columns": ["record_id", "species_latin", "category", "date", "geometry"]
            },
            "geography.boroughs": {},
        },
    )
    reads = "birds, boroughs = city.load('environment.breeding_birds'), city.load('geography.boroughs')"
    note = f"# Am Horst: {nest.y:.4f} {nest.x:.4f}"
    write_notebook(
        city.root, "forged", f"import os\n{START}\n{reads}\n{note}", FORGED, manifest=declared, words=[]
    )
    said = city.call("check", "notebooks/forged.ipynb", "--json", "--now", "2026-01-15T08:00")
    assert said.code == 3
    told = json.loads(said.out)
    assert {one["rule"] for one in told["findings"]} == {
        "reports.record",  # what is shown is no longer what the record says
        "reports.regrid",
        "privacy.coordinates",
    }
    assert f"{nest.x:.4f}" not in (said.out + said.err).decode()
