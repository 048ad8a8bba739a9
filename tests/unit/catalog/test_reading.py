"""Reading through Intake and the schema: formats, versions, and errors that never quote a value."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from intake.readers import readers
from shapely.geometry import Point, Polygon

from stadtbuch.catalog import index, reading
from stadtbuch.errors import SourceError, UsageError
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings

ASource = Callable[..., tuple[Dataset, Settings]]

AREAS = [
    {"name": "code", "type": "code", "source_name": "NR"},
    {"name": "label", "type": "string", "source_name": "NAME"},
    {"name": "shape", "type": "geometry", "source_name": "geometry"},
]


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    """Two areas with codes and umlauts."""
    square = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)])
    return gpd.GeoDataFrame(
        {"NR": ["01", "02"], "NAME": ["Süd", "Nord"]}, geometry=[square, square], crs="EPSG:25832"
    )


def refused(source: tuple[Dataset, Settings], **how: Any) -> SourceError:
    """Give the error of a source that must not be read."""
    with pytest.raises(SourceError) as caught:
        reading.read(*source, **how)
    return caught.value


def test_german_csv_is_read_by_its_schema(a_source: ASource) -> None:
    """Separator, encoding, thousands point, decimal comma, date, leading zeros, missing sign, headings."""
    raw = "Nr;Betrag;Stand;Köpfe\n0101;-22.000,00;01.02.2024;203.726\n02;–;;1\n".encode("cp1252")
    source = a_source(
        [
            {"name": "number", "type": "code", "source_name": "Nr"},
            {
                "name": "amount", "type": "number", "source_name": "Betrag", "decimal": ",", "thousands": ".",
                "missing": ["–"],
            },
            {"name": "day", "type": "date", "source_name": "Stand", "format": "%d.%m.%Y"},
            {"name": "heads", "type": "integer", "source_name": "Köpfe", "thousands": "."},
        ],
        raw,
        options={"sep": ";", "encoding": "cp1252"},
    )  # fmt: skip
    frame = reading.read(*source)
    assert frame["number"].tolist() == ["0101", "02"]
    assert frame["amount"].tolist()[0] == -22000.0
    assert frame["amount"].isna().tolist() == [False, True]
    assert frame["day"].tolist()[0] == pd.Timestamp("2024-02-01")
    assert frame["heads"].tolist() == [203726, 1]
    assert frame.index.equals(pd.RangeIndex(2))


def test_only_columns_asked_for_are_read(a_source: ASource) -> None:
    """In the order asked; others are not even parsed."""
    fields = [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "integer"},
        {"name": "c", "type": "code"},
    ]
    source = a_source(fields, b"a,b,c\n1,broken,x\n")
    assert reading.read(*source, columns=["c", "a"]).to_dict("list") == {"c": ["x"], "a": [1]}
    with pytest.raises(UsageError, match="hat keine Spalte d"):
        reading.read(*source, columns=["d"])


def test_value_that_does_not_fit_names_column_and_line_never_the_value(a_source: ASource) -> None:
    """All columns with mistakes are named, with their first lines."""
    fields = [{"name": "age", "type": "integer", "source_name": "Alter"}, {"name": "day", "type": "date"}]
    raw = b"Alter,day\n1,2024-01-01\nGEHEIM,2024-01-01\n\n3,GEHEIM\n4,GEHEIM\n5,GEHEIM\n6,GEHEIM\n"
    error = refused(a_source(fields, raw))
    assert error.code == "source.value"
    assert [(one.path, one.line) for one in error.problems] == [("Alter", 3), ("day", 5)]
    assert "Zeile 5, 6, 7 und 1 weitere" in error.render("de")
    assert "GEHEIM" not in error.render("de") + error.render("en") + str(error.as_dict("de"))


def test_missing_file_is_named_by_its_address(a_source: ASource) -> None:
    """The address of the catalogue is shown, not the place on this machine."""
    source = a_source([{"name": "a", "type": "code"}])
    error = refused(source)
    assert error.code == "source.missing"
    assert "{DATA}/file.csv" in error.what.de
    assert str(source[1].root) not in error.render("de")
    with pytest.raises(SourceError, match=r"\{DATA\}/file\.csv"):
        reading.stamp(*source)


def test_other_columns_are_refused_unless_left_out_on_purpose(a_source: ASource) -> None:
    """Missing ones always; additional ones until the schema says that they are known."""
    fields = [{"name": "a", "type": "code"}, {"name": "b", "type": "code"}]
    error = refused(a_source(fields, b"a,c\n1,2\n"))
    assert error.code == "source.columns"
    assert [(one.path, one.what.de) for one in error.problems] == [
        ("b", "fehlt in der Quelle"),
        ("c", "steht nicht im Schema"),
    ]
    assert [one.path for one in refused(a_source(fields, b"a\n1\n")).problems] == ["b"]
    assert [one.path for one in refused(a_source(fields, b"a,b,c\n1,2,3\n")).problems] == ["c"]
    assert [one.path for one in refused(a_source(fields, b"a,c\n1,3\n", additional="ignore")).problems] == [
        "b"
    ]
    source = a_source(fields, b"a,b,c\n1,2,3\n", additional="ignore")
    assert list(reading.read(*source).columns) == ["a", "b"]


def test_encoding_that_is_wrong_names_file_and_remedy(a_source: ASource) -> None:
    """The error of the text reader comes out as it is."""
    error = refused(a_source([{"name": "a", "type": "string"}], "a\nKöln\n".encode("cp1252")))
    assert error.code == "source.encoding"
    assert "{DATA}/file.csv" in error.what.de


def test_parquet_keeps_its_types(a_source: ASource) -> None:
    """Strings, nullable integers, times with a zone."""
    fields = [
        {"name": "n", "type": "integer"},
        {"name": "at", "type": "datetime"},
        {"name": "c", "type": "code"},
    ]
    source = a_source(fields, b"", reader="parquet", file="a.parquet")
    path = source[1].folder("data") / "a.parquet"
    at = pd.to_datetime(["2024-07-01T10:00Z", None])
    pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "at": at, "c": ["01", None]}).to_parquet(path)
    frame = reading.read(*source)
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "datetime64[us, Europe/Berlin]", "str"]
    assert frame["at"][0].isoformat() == "2024-07-01T12:00:00+02:00"
    assert frame["c"].tolist()[0] == "01"


@pytest.mark.parametrize(
    ("reader", "file"),
    [("geojson", "a.geojson"), ("geopackage", "a.gpkg"), ("shapefile", "a.shp"), ("parquet", "a.parquet")],
)
def test_geometry_comes_from_every_geographic_format(
    reader: str, file: str, areas: gpd.GeoDataFrame, a_source: ASource
) -> None:
    """Names of the schema, codes with zeros, umlauts, coordinate system, the same shapes."""
    source = a_source(AREAS, reader=reader, file=file)
    path = source[1].folder("data") / file
    if reader == "parquet":
        areas.to_parquet(path)
    else:
        areas.to_file(path)
    frame = reading.read(*source)
    assert isinstance(frame, gpd.GeoDataFrame)
    assert list(frame.columns) == ["code", "label", "shape"]
    assert frame["code"].tolist() == ["01", "02"]
    assert frame["label"].tolist() == ["Süd", "Nord"]
    assert frame.crs.to_epsg() == 25832
    assert frame.geometry.geom_equals(gpd.GeoSeries(list(areas.geometry), crs=25832)).all()
    assert not isinstance(reading.read(*source, columns=["code"]), gpd.GeoDataFrame)


def test_geometry_that_the_schema_leaves_out_is_not_read(areas: gpd.GeoDataFrame, a_source: ASource) -> None:
    """A plain frame comes back."""
    source = a_source(AREAS[:2], reader="geojson", file="a.geojson")
    areas.to_file(source[1].folder("data") / "a.geojson")
    frame = reading.read(*source)
    assert type(frame) is pd.DataFrame
    assert list(frame.columns) == ["code", "label"]


def test_legacy_crs_member_is_honoured_and_the_catalogue_overrules_it(a_source: ASource) -> None:
    """GeoJSON of old servers; coordinates stay as they are, their meaning is what the catalogue says."""
    raw = (
        b'{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::31467"}},'
        b'"features":[{"type":"Feature","properties":{"day":"2024-01-02"},'
        b'"geometry":{"type":"Point","coordinates":[3, 5]}}]}'
    )
    fields = [{"name": "day", "type": "date"}, {"name": "geometry", "type": "geometry"}]
    frame = reading.read(*a_source(fields, raw, reader="geojson", file="a.geojson"))
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.crs.to_epsg() == 31467
    assert frame["day"].tolist() == [pd.Timestamp("2024-01-02")]
    options = {"crs": "EPSG:25832"}
    frame = reading.read(*a_source(fields, raw, reader="geojson", file="a.geojson", options=options))
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.crs.to_epsg() == 25832
    assert frame.geometry[0] == Point(3, 5)


def test_text_that_looks_like_something_else_stays_text(a_source: ASource) -> None:
    """GeoJSON strings such as dates are not turned into anything before the schema is asked."""
    raw = (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":"2024-01-02","b":"007"},'
        b'"geometry":null}]}'
    )
    fields = [{"name": "a", "type": "string"}, {"name": "b", "type": "code"}]
    frame = reading.read(*a_source(fields, raw, reader="geojson", file="a.geojson"))
    assert frame.iloc[0].tolist() == ["2024-01-02", "007"]


def test_shapefile_in_an_old_encoding(areas: gpd.GeoDataFrame, a_source: ASource) -> None:
    """Without a .cpg the catalogue names the encoding; a wrong one is an error with words of our own."""
    source = a_source(AREAS, reader="shapefile", file="a.shp", options={"encoding": "cp1252"})
    areas.to_file(source[1].folder("data") / "a.shp", encoding="cp1252")
    (source[1].folder("data") / "a.cpg").unlink()
    assert reading.read(*source)["label"].tolist() == ["Süd", "Nord"]
    error = refused(a_source(AREAS, reader="shapefile", file="a.shp", options={"encoding": "utf-8"}))
    assert error.code == "source.encoding"


@pytest.mark.parametrize(
    ("reader", "file"), [("parquet", "a.parquet"), ("geojson", "a.geojson"), ("geopackage", "a.gpkg")]
)
def test_broken_file_is_told_in_our_words(reader: str, file: str, a_source: ASource) -> None:
    """Whatever a reader says about its content stays inside."""
    error = refused(a_source(AREAS, b"GEHEIM and nothing else", reader=reader, file=file))
    assert error.code == "source.format"
    assert "GEHEIM" not in error.render("de")


def test_version_changes_with_bytes_and_parsing_only(a_source: ASource) -> None:
    """Titles may be improved without a new version; another separator or format is another version."""
    fields: list[dict[str, Any]] = [{"name": "a", "type": "integer"}]
    first = reading.stamp(*a_source(fields, b"a\n1\n"))
    assert first == reading.stamp(*a_source([{**fields[0], "title": {"de": "A", "en": "A"}}], b"a\n1\n"))
    assert first != reading.stamp(*a_source(fields, b"a\n2\n"))
    assert first != reading.stamp(*a_source([{"name": "a", "type": "code"}], b"a\n1\n"))
    assert first != reading.stamp(*a_source([{**fields[0], "thousands": "."}], b"a\n1\n"))
    assert first != reading.stamp(*a_source(fields, b"a\n1\n", options={"sep": ";"}))


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf", ".prj", ".cpg"])
def test_version_of_a_shapefile_covers_all_its_files(
    part: str, areas: gpd.GeoDataFrame, a_source: ASource
) -> None:
    """One changed byte in any part is a new version."""
    source = a_source(AREAS, reader="shapefile", file="a.shp")
    path = source[1].folder("data") / "a.shp"
    areas.to_file(path)
    before = reading.stamp(*source)
    changed = path.with_suffix(part)
    raw = changed.read_bytes()
    changed.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert reading.stamp(*source) != before


def test_choices_of_a_parameter_are_sorted_and_different(a_source: ASource) -> None:
    """Each value once, missing ones left out."""
    source = a_source(
        [{"name": "a", "type": "string"}, {"name": "b", "type": "code"}],
        b"a,b\nSued,1\nMitte,2\n,3\nMitte,4\n",
    )
    assert reading.values(source[0], "a", source[1]) == ["Mitte", "Sued"]


def test_values_of_closed_data_are_no_choices(a_city: Any, an_entry: Any) -> None:
    """They would stand in addresses and menus."""
    settings = a_city({"residents": an_entry("closed")})
    with pytest.raises(UsageError) as caught:
        reading.values(index.load(settings).get("population.residents"), "district", settings)
    assert caught.value.code == "catalog.values-not-open"


def test_every_source_is_an_intake_reader(a_source: ASource) -> None:
    """Also CSV, whose reader is ours; there is no second path."""
    assert isinstance(reading.reader(*a_source([{"name": "a", "type": "code"}])), readers.FileReader)


def test_one_module_imports_intake(root: Path) -> None:
    """The slow upstream has one door; a second import anywhere in the library is found."""
    importing = []
    for path in sorted((root / "lib" / "stadtbuch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.split(".")[0] == "intake" for name in names):
                importing.append(path.relative_to(root / "lib").as_posix())
    assert set(importing) == {"stadtbuch/catalog/reading.py"}
