"""Files of German cities as published: right to the last number, compared with an independent count."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from stadtbuch.catalog import index, reading
from stadtbuch.errors import SourceError
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings

pytestmark = pytest.mark.shared

TITLE = {"de": "x", "en": "x"}


@pytest.fixture
def a_file(shared: Path, a_city: Callable[..., Settings], an_entry: Callable[..., Any]) -> Any:
    """Give the builder of an entry for a file beside the checkout; nothing is copied."""

    def built(
        file: str, fields: list[dict[str, Any]], *, reader: str = "csv", **options: Any
    ) -> tuple[Dataset, Settings]:
        entry = an_entry("open") | {
            "source": {"reader": reader, "url": "{DATA}/" + file, "options": options},
            "schema": {"fields": [{"title": TITLE, **one} for one in fields], "additional": "ignore"},
        }
        settings = a_city({"real": entry}, data=str(shared / "data"))
        return index.load(settings).get("population.real"), settings

    return built


def raw_rows(path: Path, sep: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Read a file the plain way, for comparison."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=sep))


def test_koeln_budget(a_file: Any, shared: Path) -> None:
    """2,828 rows; `203.726` is 203726; codes keep their zero; each year's total equals an independent sum."""
    years = ["Ergebnis 2010", "Plan 2011", "Plan 2012", "Plan 2013", "Plan 2014", "Plan 2015"]
    columns = [
        {"name": f"y{name[-4:]}", "type": "integer", "thousands": ".", "source_name": name} for name in years
    ]
    codes = [{"name": "area", "type": "code", "source_name": "Produktbereich"},
             {"name": "plan", "type": "code", "source_name": "Teilplan"}]  # fmt: skip
    frame = reading.read(*a_file("koeln/teilergebnisplan.csv", [*codes, *columns], sep=";"))
    rows = raw_rows(shared / "data" / "koeln" / "teilergebnisplan.csv", ";")
    assert len(frame) == len(rows) == 2828
    assert frame["y2010"][1] == 203726
    assert (frame["area"][0], frame["plan"][0]) == ("01", "0101")
    for name in years:
        independent = sum(int(row[name].replace(".", "") or 0) for row in rows)
        assert int(frame[f"y{name[-4:]}"].fillna(0).sum()) == independent


def test_berlin_residents(a_file: Any, shared: Path) -> None:
    """448 areas with their zero, the total, and the 181 cells of 1 to 4 persons."""
    rows = raw_rows(shared / "data" / "berlin" / "EWR202012E_Matrix.csv", ";")
    people = [name for name in rows[0] if name.startswith("E_")]
    ages = [name.lower() for name in people if re.fullmatch(r"E_E\d\d_\d+", name)]
    counts = [{"name": name.lower(), "type": "integer", "source_name": name} for name in people]
    area = {"name": "raumid", "type": "code", "source_name": "RAUMID"}
    frame = reading.read(*a_file("berlin/EWR202012E_Matrix.csv", [area, *counts], sep=";"))
    assert len(frame) == 448
    assert frame["raumid"][0] == "01011101"
    assert int(frame["e_e"].sum()) == sum(int(row["E_E"]) for row in rows)
    cells = frame[[name.lower() for name in people]]
    assert int(((cells >= 1) & (cells <= 4)).sum().sum()) == 181
    assert len(ages) == 32
    assert frame[ages].sum(axis=1).tolist() == frame["e_e"].tolist()


def test_freiburg_budget_is_cp1252(a_file: Any, shared: Path) -> None:
    """Read as UTF-8 it is refused with what to write; read as told, the umlauts are there."""
    with (shared / "data" / "freiburg" / "ergebnishaushalt_2017_2018.csv").open(encoding="cp1252") as file:
        headings = next(csv.reader(file, delimiter=";"))
    fields = [
        {"name": f"c{n}", "type": "string", "source_name": name} for n, name in enumerate(headings) if name
    ]
    file_name = "freiburg/ergebnishaushalt_2017_2018.csv"
    with pytest.raises(SourceError) as caught:
        reading.read(*a_file(file_name, fields, sep=";"))
    assert caught.value.code == "source.encoding"
    assert caught.value.remedy is not None
    assert "cp1252" in caught.value.remedy.de
    frame = reading.read(*a_file(file_name, fields, sep=";", encoding="cp1252"))
    assert len(frame) == len(raw_rows(shared / "data" / file_name, ";", "cp1252"))
    assert frame.apply(lambda column: column.str.contains("[äöüß]").any()).any()


def test_koeln_polling_places_keep_their_zeros(a_file: Any, shared: Path) -> None:
    """800 places; constituency `04` and address number `00288001900` are text, coordinates exact."""
    fields = [
        {"name": "number", "type": "integer", "source_name": "OBJECTID"},
        {"name": "constituency", "type": "code", "source_name": "KOMMUNALWAHLBEZIRK"},
        {"name": "address", "type": "code", "source_name": "AD_NUMMER"},
        {"name": "x", "type": "number", "source_name": "KOORX"},
        {
            "name": "access",
            "type": "boolean",
            "source_name": "ROLLSTUHLGERECHT",
            "true": ["1"],
            "false": ["0"],
        },
    ]
    frame = reading.read(*a_file("koeln/wahllokale.csv", fields))
    rows = raw_rows(shared / "data" / "koeln" / "wahllokale.csv", ",", "utf-8-sig")
    assert len(frame) == len(rows) == 800
    assert (frame["constituency"][0], frame["address"][0]) == ("04", "00288001900")
    assert frame["x"].tolist() == [float(row["KOORX"]) for row in rows]
    assert int(frame["access"].sum()) == sum(row["ROLLSTUHLGERECHT"] == "1" for row in rows)


def test_koeln_boroughs_and_districts(a_file: Any) -> None:
    """Legacy GeoJSON and a shapefile with a projection of its own: the same city in the same place."""
    code = {"name": "code", "type": "code"}
    shape = {"name": "shape", "type": "geometry", "source_name": "geometry"}
    boroughs = reading.read(
        *a_file("koeln/stadtbezirke.geojson", [code | {"source_name": "STB_NR"}, shape], reader="geojson")
    )
    districts = reading.read(
        *a_file(
            "koeln/stadtteil/Stadtteil.shp",
            [
                code | {"source_name": "STT_NR"},
                {"name": "label", "type": "string", "source_name": "STT_NAME"},
                shape,
            ],
            reader="shapefile",
        )
    )
    assert isinstance(boroughs, gpd.GeoDataFrame)
    assert isinstance(districts, gpd.GeoDataFrame)
    assert (len(boroughs), len(districts)) == (9, 86)
    assert "Sülz" in set(districts["label"])
    whole, parts = boroughs.to_crs(25832).area.sum(), districts.to_crs(25832).area.sum()
    assert whole == pytest.approx(parts, rel=1e-3)
    assert whole / 1e6 == pytest.approx(405, abs=2)


def test_keys_of_german_regions_keep_their_zeros(a_file: Any, shared: Path) -> None:
    """The list of portals: 897 rows, regional keys as text."""
    rows = raw_rows(shared / "data" / "mdk" / "portals.de.csv", ",", "utf-8-sig")
    fields = [
        {"name": f"c{number}", "type": "code", "source_name": name} for number, name in enumerate(rows[0])
    ]
    frame = reading.read(*a_file("mdk/portals.de.csv", fields))
    assert len(frame) == len(rows) == 897
    for field in fields:
        assert frame[field["name"]].fillna("").tolist() == [row[field["source_name"]] for row in rows]
