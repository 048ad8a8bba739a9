"""
The made-up data as bytes, in the forms in which German offices hand them out.

The same data give the same bytes: no clock, no names of machines, no order that depends on hashing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely


def parquet(frame: pd.DataFrame) -> bytes:
    """Write a table as Parquet: days as days, texts as dictionaries."""
    columns = {name: _arrow(frame[name]) for name in frame.columns}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd", use_dictionary=True)
    return sink.getvalue()


def _arrow(values: pd.Series) -> pa.Array:
    if values.dtype.kind == "M":
        return pa.array(values.to_numpy().astype("datetime64[D]"), type=pa.date32())
    if values.dtype.kind == "i":
        return pa.array(values.to_numpy(), type=pa.int32())
    return pa.array(values.to_numpy(dtype=object), type=pa.string(), from_pandas=True)


def geojson(areas: gpd.GeoDataFrame) -> bytes:
    """
    Write areas as GeoJSON (RFC 7946: EPSG:4326, outer rings run against the clock), one feature a line.

    Parameters
    ----------
    areas
        In EPSG:4326; every other column becomes a property.
    """
    shapes = shapely.orient_polygons(areas.geometry.to_numpy(), exterior_cw=False)
    names = [name for name in areas.columns if name != areas.geometry.name]
    rows = zip(*(_plain(areas[name]) for name in names), strict=True)
    lines = [
        _feature(dict(zip(names, row, strict=True)), shape) for row, shape in zip(rows, shapes, strict=True)
    ]
    return ('{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def _plain(values: pd.Series) -> list[Any]:
    """Give a column as JSON knows it; what is missing is null."""
    return values.astype(object).where(values.notna(), None).tolist()


def geoparquet(table: gpd.GeoDataFrame) -> bytes:
    """Write places as GeoParquet; points in time are days."""
    times = {name: table[name].dt.date for name in table.columns if table[name].dtype.kind == "M"}
    sink = io.BytesIO()
    table.assign(**times).to_parquet(sink, index=False, compression="zstd")
    return sink.getvalue()


def _feature(properties: dict[str, Any], shape: shapely.Geometry) -> str:
    parts = {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))}
    return json.dumps(parts, ensure_ascii=False)


def csv(columns: dict[str, Sequence[str]], *, encoding: str) -> bytes:
    r"""
    Write a table as German spreadsheets do: semicolons and Windows line ends.

    Parameters
    ----------
    columns
        Heading to cells, already written the German way.
    encoding
        ``utf-8``, ``utf-8-sig`` or ``cp1252``.

    Examples
    --------
    >>> csv({"Zählstelle": ["001"], "Anzahl": ["1.204"]}, encoding="cp1252")
    b'Z\xe4hlstelle;Anzahl\r\n001;1.204\r\n'
    """
    lines = [";".join(columns), *map(";".join, zip(*columns.values(), strict=True))]
    return "".join(line + "\r\n" for line in lines).encode(encoding)


def whole(numbers: pd.Series, *, missing: str) -> list[str]:
    """
    Write whole numbers with the German thousands point.

    Examples
    --------
    >>> whole(pd.Series([1204, None], dtype="Int64"), missing="k. A.")
    ['1.204', 'k. A.']
    """
    return [missing if pd.isna(one) else f"{one:,}".replace(",", ".") for one in numbers]


def decimal(numbers: pd.Series) -> list[str]:
    """
    Write numbers with six decimals and the German comma.

    Examples
    --------
    >>> decimal(pd.Series([7.1]))
    ['7,100000']
    """
    return [f"{one:.6f}".replace(".", ",") for one in numbers]


def exact(numbers: pd.Series, *, missing: str) -> list[str]:
    """
    Write numbers with as many decimals as they have and the German comma.

    Examples
    --------
    >>> exact(pd.Series([7.1, None, 23.0]), missing="-")
    ['7,1', '-', '23']
    """
    return [missing if pd.isna(one) else f"{one:.10g}".replace(".", ",") for one in numbers]


def money(amounts: pd.Series) -> list[str]:
    """
    Write amounts with thousands points and cents, as treasuries do; what is not known yet stays empty.

    Examples
    --------
    >>> money(pd.Series([-1204.5, None]))
    ['-1.204,50', '']
    """
    turned = str.maketrans(",.", ".,")
    return ["" if pd.isna(one) else f"{one:,.2f}".translate(turned) for one in amounts]


def days(values: pd.Series) -> list[str]:
    """
    Write days the German way.

    Examples
    --------
    >>> days(pd.Series(pd.to_datetime(["2025-03-12"])))
    ['12.03.2025']
    """
    return pd.to_datetime(values).dt.strftime("%d.%m.%Y").tolist()


def times(values: pd.Series) -> list[str]:
    """
    Write points in time the German way, to the minute and without their zone.

    Examples
    --------
    >>> times(pd.Series(pd.to_datetime(["2025-03-12 07:00"])))
    ['12.03.2025 07:00']
    """
    return values.dt.strftime("%d.%m.%Y %H:%M").tolist()


def document(content: object) -> bytes:
    """Write JSON for people and tests."""
    return (json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n").encode()
