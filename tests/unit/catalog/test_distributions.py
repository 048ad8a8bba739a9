"""The public files of a dataset say what the frame says."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from stadtbuch.catalog import index, reading
from stadtbuch.catalog.distributions import distributions
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings

ASource = Callable[..., tuple[Dataset, Settings]]

FIELDS = [
    {"name": "word", "type": "string"},
    {"name": "code", "type": "code"},
    {"name": "count", "type": "integer"},
    {"name": "share", "type": "number"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "datetime", "format": "%Y-%m-%dT%H:%M:%S%z"},
]
RAW = (
    "word,code,count,share,flag,day,at\n"
    '"a,""ö""",007,12,0.1,true,2024-02-01,2024-10-27T02:30:00+01:00\n'
    ",,,,,,\n"
)  # fmt: skip


def again(dataset: Dataset, found: Settings, raw: bytes) -> pd.DataFrame:
    """Read a public CSV with the same schema."""
    (found.folder("data") / "file.csv").write_bytes(raw)
    return reading.read(dataset, found)


def test_csv_is_utf8_with_points_and_iso_dates(a_source: ASource) -> None:
    """Zeros of codes stay, missing is nothing, times carry their offset."""
    dataset, found = a_source(FIELDS, RAW.encode())
    files = distributions(reading.read(dataset, found), dataset)
    assert set(files) == {"thing.csv", "thing.parquet"}
    assert files["thing.csv"].decode() == RAW


def test_every_number_is_written_as_it_is_also_if_it_equals_another(a_source: ASource) -> None:
    """Minus zero equals zero and is written differently; what repeats is written each time."""
    fields = [{"name": "share", "type": "number"}, {"name": "count", "type": "integer"}]
    raw = "share,count\n0.0,1\n-0.0,\n,1\n0.5,2\n0.5,1\n"
    dataset, found = a_source(fields, raw.encode())
    files = distributions(reading.read(dataset, found), dataset)
    assert files["thing.csv"].decode() == raw


def test_parquet_gives_back_the_same_frame(a_source: ASource) -> None:
    """Types and values are those of the catalogue."""
    dataset, found = a_source(FIELDS, RAW.encode())
    frame = reading.read(dataset, found)
    files = distributions(frame, dataset)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(files["thing.parquet"])), frame)  # noqa: TID251


def test_same_frame_gives_same_bytes(a_source: ASource) -> None:
    """Nothing of the moment is in the files."""
    dataset, found = a_source(FIELDS, RAW.encode())
    first, second = (distributions(reading.read(dataset, found), dataset) for _ in range(2))
    assert first == second


def test_geometry_comes_as_geoparquet_geojson_and_wkt(a_source: ASource) -> None:
    """GeoJSON is in WGS 84 with seven decimals; the other two keep the dataset's coordinates."""
    fields = [{"name": "n", "type": "integer"}, {"name": "shape", "type": "geometry"}]
    dataset, _ = a_source(fields, b"", reader="geojson", file="a.geojson")
    shapes = gpd.GeoSeries([Point(500000, 5640000), None], crs=25832)
    frame = gpd.GeoDataFrame({"n": pd.array([1, None], dtype="Int64"), "shape": shapes}, geometry="shape")
    files = distributions(frame, dataset)
    assert files["thing.csv"].decode() == "n,shape\n1,POINT (500000 5640000)\n,\n"
    collection = json.loads(files["thing.geojson"])
    assert collection["features"][0]["geometry"]["coordinates"] == pytest.approx([9.0, 50.911649], abs=1e-6)
    assert [one["properties"]["n"] for one in collection["features"]] == [1, None]
    assert collection["features"][1]["geometry"] is None
    back = gpd.read_parquet(io.BytesIO(files["thing.parquet"]))  # noqa: TID251
    assert back.crs.to_epsg() == 25832
    assert back.geometry[0] == Point(500000, 5640000)


def test_closed_data_are_never_written(a_city: Any, an_entry: Any) -> None:
    """There is no switch for it."""
    settings_ = a_city({"residents": an_entry("closed")})
    with pytest.raises(ValueError, match="not open"):
        distributions(pd.DataFrame(), index.load(settings_).get("population.residents"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), min_size=1, max_size=5
            ),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
            st.dates(date(1700, 1, 1), date(2200, 1, 1)),
        ),
        max_size=4,
    )
)
def test_csv_can_be_read_back_by_the_same_schema(rows: list[tuple[Any, ...]], a_source: ASource) -> None:
    """Whatever the values are, reading what was written gives the same frame."""
    fields = [FIELDS[0], *FIELDS[2:6]]
    dataset, found = a_source(fields, b"")
    frame = pd.DataFrame(
        {
            "word": pd.array([row[0] for row in rows], dtype="str"),
            "count": pd.array([row[1] for row in rows], dtype="Int64"),
            "share": pd.array([row[2] for row in rows], dtype="float64"),
            "flag": pd.array([row[3] for row in rows], dtype="boolean"),
            "day": pd.to_datetime(pd.Series([row[4] for row in rows], dtype="object")).astype(
                "datetime64[us]"
            ),
        }
    )
    read = again(dataset, found, distributions(frame, dataset)["thing.csv"])
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
