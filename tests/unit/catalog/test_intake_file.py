"""``catalogs/intake.yaml``: plain Intake opens it anywhere, and it is kept current."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import yaml
from shapely.geometry import Point

from stadtbuch.catalog import index, intake_file, reading
from stadtbuch.settings import Settings

ACity = Callable[..., Settings]

PLAIN = """
import json, sys
import intake
catalog = intake.open_catalog(sys.argv[1])
found = {}
for name in catalog:
    frame = catalog[name].read()
    columns = [column for column in frame.columns if frame[column].dtype.kind != "V" and column != "shape"]
    found[name] = {"type": type(frame).__name__, "rows": json.loads(frame[columns].to_json(orient="values"))}
assert "stadtbuch" not in sys.modules
print(json.dumps(found))
"""


def city_with_data(a_city: ACity, an_entry: Callable[..., dict[str, Any]]) -> Settings:
    """Give a city with an open table, open places and a closed register, and the files of its site."""
    places = an_entry("open") | {
        "source": {"reader": "geojson", "url": "{DATA}/places.geojson"},
        "schema": {
            "fields": [
                {"name": "code", "type": "code", "title": {"de": "x", "en": "x"}},
                {
                    "name": "shape",
                    "type": "geometry",
                    "source_name": "geometry",
                    "title": {"de": "x", "en": "x"},
                },
            ]
        },
    }
    entries = {"trees": an_entry("open"), "places": places, "residents": an_entry("closed")}
    settings = a_city(entries)
    data = settings.folder("data")
    (data / "trees.csv").write_text("code;height\n007;1.234,5\n08;\n", encoding="utf-8")
    gpd.GeoDataFrame({"code": ["01"]}, geometry=[Point(7, 51)], crs=4326).to_file(data / "places.geojson")
    for dataset in index.load(settings).datasets.values():
        if dataset.is_open:
            folder = settings.folder("public") / "datasets" / dataset.id
            folder.mkdir(parents=True)
            for name, raw in reading.distributions(reading.read(dataset, settings), dataset).items():
                (folder / name).write_bytes(raw)
    return settings


def test_plain_intake_reads_what_our_door_reads(a_city: ACity, an_entry: Any, tmp_path: Path) -> None:
    """From another folder, in a process without our library, every open dataset, value by value."""
    settings = city_with_data(a_city, an_entry)
    intake_file.write(index.load(settings), settings)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(intake_file.path(settings))],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "population.places": {"type": "GeoDataFrame", "rows": [["01"]]},
        "population.trees": {"type": "DataFrame", "rows": [["007", 1234.5], ["08", None]]},
    }


def test_file_names_open_datasets_only(a_city: ACity, an_entry: Any) -> None:
    """Nothing of a closed dataset, no source address, no place on this machine."""
    settings = a_city({"trees": an_entry("open"), "residents": an_entry("closed")})
    text = intake_file.expected(index.load(settings), settings)
    content = yaml.safe_load(text)
    assert list(content["entries"]) == ["population.trees"]
    assert "residents" not in text
    assert "{DATA}" not in text
    assert str(settings.root) not in text
    url = content["data"]["population.trees.parquet"]["kwargs"]["url"]
    assert url == "{CATALOG_DIR}/../public/datasets/population.trees/trees.parquet"


def test_file_is_stale_until_it_is_renewed(a_city: ACity, an_entry: Any) -> None:
    """Missing, current, changed catalogue, current again; renewing twice changes nothing."""
    settings = a_city({"trees": an_entry("open")})
    catalog = index.load(settings)
    assert not intake_file.is_current(catalog, settings)
    assert intake_file.write(catalog, settings)
    assert intake_file.is_current(catalog, settings)
    assert not intake_file.write(catalog, settings)
    changed = index.load(a_city({"trees": an_entry("open"), "shrubs": an_entry("open")}))
    assert not intake_file.is_current(changed, settings)


def test_generated_file_is_no_catalogue_file(a_city: ACity, an_entry: Any) -> None:
    """Our loader passes it by."""
    settings = a_city({"trees": an_entry("open")})
    intake_file.write(index.load(settings), settings)
    assert list(index.load(settings).datasets) == ["population.trees"]
