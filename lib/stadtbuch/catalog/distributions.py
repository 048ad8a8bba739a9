"""The files in which an open dataset is handed out: the same values, whatever the source looked like."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from stadtbuch.model.dataset import Column, Dataset, FieldType

WGS84 = 4326
PLACES = 7


def distributions(frame: pd.DataFrame, dataset: Dataset) -> dict[str, bytes]:
    """
    Write a dataset's public files.

    CSV is UTF-8 with the names of the schema, decimal points, ISO dates (times with their offset), shapes as
    WKT in the dataset's own coordinates, nothing where nothing is known. Parquet keeps the types; with a
    geometry it is GeoParquet, and GeoJSON (RFC 7946: WGS 84, seven decimals, about a centimetre) comes too.

    Parameters
    ----------
    frame
        As `stadtbuch.catalog.reading.read` gives it.
    dataset
        Of the frame; must be open.

    Returns
    -------
    dict
        File name to content; the same frame gives the same bytes.

    Raises
    ------
    ValueError
        If the dataset is not open: nothing else is ever handed out whole.
    """
    if not dataset.is_open:
        raise ValueError(f"{dataset.id} is not open")
    files = {f"{dataset.name}.csv": csv_bytes(frame, dataset), f"{dataset.name}.parquet": _parquet(frame)}
    if isinstance(frame, gpd.GeoDataFrame):
        files[f"{dataset.name}.geojson"] = _geojson(frame, dataset)
    return files


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def csv_bytes(frame: pd.DataFrame, dataset: Dataset) -> bytes:
    """Write a frame as CSV; see `distributions`."""
    columns = [_words(frame[name], dataset.table.column(str(name))) for name in frame.columns]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue().encode()


def _words(values: pd.Series, column: Column) -> list[str]:
    """Write one column as text, missing values as nothing."""
    if column.type is FieldType.geometry:
        return [
            "" if one is None else one for one in shapely.to_wkt(values.to_numpy(), rounding_precision=-1)
        ]
    return _each(values, lambda value: _word(value, column.type), missing="")


def _each(values: pd.Series, write: Callable[[Any], Any], *, missing: Any) -> list[Any]:
    """Write every value, each different one once: most columns repeat theirs."""
    if values.dtype.kind == "f" and bool(np.signbit(values[values == 0]).any()):
        return [missing if pd.isna(value) else write(value) for value in values]  # 0.0 and -0.0 are equal
    places, different = pd.factorize(values)
    written = np.empty(len(different) + 1, dtype=object)
    written[:-1], written[-1] = (
        [write(value) for value in different],
        missing,
    )  # a missing one has the place -1
    return list(written[places])


def _word(value: object, kind: FieldType) -> str:
    if kind is FieldType.boolean:
        return "true" if value else "false"
    if kind is FieldType.number:
        return repr(float(str(value)))
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if kind is FieldType.date else value.isoformat()
    return str(value)


def _geojson(frame: gpd.GeoDataFrame, dataset: Dataset) -> bytes:
    placed = frame.to_crs(WGS84) if frame.crs is not None else frame
    shape = placed.geometry.name
    names = [str(name) for name in placed.columns if name != shape]
    rows = zip(*[_plain(placed[name], dataset.table.column(name)) for name in names], strict=True)
    features = [
        {"type": "Feature", "properties": dict(zip(names, row, strict=True)), "geometry": _rounded(geometry)}
        for row, geometry in zip(rows if names else [()] * len(placed), placed.geometry, strict=True)
    ]
    collection = {"type": "FeatureCollection", "name": dataset.name, "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(values: pd.Series, column: Column) -> list[object]:
    """Give values as JSON knows them; dates as their ISO text."""
    if column.type in (FieldType.integer, FieldType.number, FieldType.boolean):
        return _each(values, lambda value: getattr(value, "item", lambda: value)(), missing=None)
    return _each(values, lambda value: _word(value, column.type), missing=None)


def _rounded(shape: Any) -> object:
    """Give a geometry's mapping with rounded coordinates."""
    return None if shape is None else _round(shape.__geo_interface__)


def _round(part: Any) -> Any:
    if isinstance(part, float):
        return round(part, PLACES)
    if isinstance(part, (list, tuple)):
        return [_round(one) for one in part]
    if isinstance(part, dict):
        return {name: _round(value) for name, value in part.items()}
    return part
