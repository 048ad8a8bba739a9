"""
Reading a dataset's source: always through an Intake reader, built in or our own, and through the schema.

The only module of the library that imports intake (a slow and changing upstream).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import pandas as pd
import pyogrio.errors
from intake.readers import datatypes, readers

from stadtbuch.catalog import allowed, parsing, text_table, versions
from stadtbuch.catalog.distributions import distributions
from stadtbuch.catalog.patience import patiently
from stadtbuch.catalog.versions import stamp
from stadtbuch.errors import Problem, SourceError, UsageError
from stadtbuch.model.dataset import Column, Dataset, FieldType
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

_SHOWN = 3


class TextTable(readers.FileReader):
    """Intake reader of ours for CSV: cells stay text, rows know their line, nothing is inferred."""

    implements: ClassVar = {datatypes.CSV}
    output_instance = "pandas:DataFrame"

    def _read(self, data: datatypes.CSV, **options: Any) -> pd.DataFrame:
        return text_table.parse(Path(data.url).read_bytes(), **options)


def reader(dataset: Dataset, settings: Settings) -> readers.BaseReader:
    """
    Compile a dataset's source to Intake: a description of the data, and the reader that opens it.

    Raises
    ------
    ValueError
        If reader or address are not on the allow-list: the dataset never went through the catalogue's checks.
    """
    return _COMPILERS[dataset.source.reader](dataset, str(allowed.locate(dataset.source, settings)))


def _parquet(dataset: Dataset, path: str) -> readers.BaseReader:
    kind = readers.GeoPandasTabular if _geometry(dataset) else readers.PandasParquet
    return kind(data=datatypes.Parquet(url=path))


def _csv(dataset: Dataset, path: str) -> readers.BaseReader:
    headings = [column.heading for column in dataset.table.fields]
    return TextTable(
        data=datatypes.CSV(url=path), name=dataset.source.url, columns=headings, **dataset.source.options
    )


def _geojson(dataset: Dataset, path: str) -> readers.BaseReader:
    """Keep dates as the text that they are; the schema reads them."""
    return readers.GeoPandasReader(data=datatypes.GeoJSON(url=path), DATE_AS_STRING="YES")


def _shapefile(dataset: Dataset, path: str) -> readers.BaseReader:
    encoding = dataset.source.options.get("encoding")
    return readers.GeoPandasReader(
        data=datatypes.Shapefile(url=path), **({"encoding": encoding.upper()} if encoding else {})
    )


def _geopackage(dataset: Dataset, path: str) -> readers.BaseReader:
    layer = dataset.source.options.get("layer")
    return readers.GeoPandasReader(data=datatypes.GeoPackage(url=path), **({"layer": layer} if layer else {}))


_COMPILERS: dict[str, Callable[[Dataset, str], readers.BaseReader]] = {
    "parquet": _parquet,
    "csv": _csv,
    "geojson": _geojson,
    "shapefile": _shapefile,
    "geopackage": _geopackage,
}


def _geometry(dataset: Dataset) -> Column | None:
    return next((one for one in dataset.table.fields if one.type is FieldType.geometry), None)


def read(dataset: Dataset, settings: Settings, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """
    Read the whole source of a dataset, typed by its schema.

    Nothing is decided or recorded here: that is the session's business, and analysts use ``city.load``.

    Parameters
    ----------
    dataset
        From a catalogue that was checked.
    settings
        Of the city: where its data are, and its time zone.
    columns
        Names of the schema; all if left out. Only these are parsed.

    Returns
    -------
    pandas.DataFrame
        A GeoDataFrame where a geometry column is among them. Columns carry the names of the schema.

    Raises
    ------
    SourceError
        ``source.missing``, ``source.encoding``, ``source.columns``, ``source.format`` or ``source.value``
        (column and row are named, the value is not).
    UsageError
        ``catalog.unknown-column``.
    """
    wanted = _wanted(dataset, columns)
    raw = _raw(dataset, settings)
    _check_columns(dataset, raw)
    return _typed(dataset, raw, wanted, settings)


def _wanted(dataset: Dataset, columns: Sequence[str] | None) -> list[Column]:
    names = dataset.table.names if columns is None else tuple(columns)
    unknown = [name for name in names if name not in dataset.table.names]
    if unknown:
        raise UsageError(
            "catalog.unknown-column",
            Text(
                de=f"{dataset.id} hat keine Spalte {', '.join(unknown)}.",
                en=f"{dataset.id} has no column {', '.join(unknown)}.",
            ),
            remedy=Text(
                de="Es gibt: " + ", ".join(dataset.table.names),
                en="There are: " + ", ".join(dataset.table.names),
            ),
        )
    return [dataset.table.column(name) for name in names]


def _raw(dataset: Dataset, settings: Settings) -> pd.DataFrame:
    """Read through Intake; whatever goes wrong in there becomes our words."""
    path = allowed.locate(dataset.source, settings)
    if not path.is_file():
        raise versions.missing(dataset)
    try:
        network = settings.network
        frame = patiently(
            reader(dataset, settings).read, retries=network.retries, seconds=network.retry_seconds
        )
    except UnicodeDecodeError:
        raise _undecodable(dataset) from None
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _broken(dataset, error) from None
    return _named(dataset, frame)


def _named(dataset: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the geometry its heading in the schema, and the coordinate system that the catalogue states."""
    crs, described = dataset.source.options.get("crs"), _geometry(dataset)
    if isinstance(frame, gpd.GeoDataFrame):
        if crs:
            frame = frame.set_crs(crs, allow_override=True)
        if described is None:
            return pd.DataFrame(frame.drop(columns=frame.geometry.name))
        if frame.geometry.name != described.heading:
            frame = frame.rename_geometry(described.heading)
    return frame


def _check_columns(dataset: Dataset, frame: pd.DataFrame) -> None:
    expected = [column.heading for column in dataset.table.fields]
    missing = [name for name in expected if name not in frame.columns]
    surplus = [str(name) for name in frame.columns if name not in expected]
    if missing or (surplus and dataset.table.additional == "refuse"):
        raise _other_columns(dataset, missing, surplus if dataset.table.additional == "refuse" else [])


def _typed(dataset: Dataset, raw: pd.DataFrame, wanted: list[Column], settings: Settings) -> pd.DataFrame:
    zone, problems, typed = settings.city.zone, [], {}
    for column in wanted:
        try:
            values = raw[column.heading].reset_index(drop=True)
            typed[column.name] = parsing.column(values, column, zone=zone)
        except parsing.UnreadableError as error:
            problems.append(_unfit(dataset, column, [int(raw.index[row]) for row in error.rows]))
    if problems:
        raise _unreadable_values(dataset, problems)
    geometry = next((one.name for one in wanted if one.type is FieldType.geometry), None)
    if geometry:
        return gpd.GeoDataFrame(typed, geometry=geometry, crs=typed[geometry].crs)
    return pd.DataFrame(typed, index=pd.RangeIndex(len(raw)))


def values(dataset: Dataset, column: str, settings: Settings) -> list[str]:
    """
    Give the different values of an open dataset's column as sorted text: the choices of a parameter.

    Raises
    ------
    UsageError
        ``catalog.values-not-open``: choices end up in addresses and menus that everybody reads.
    """
    if not dataset.is_open:
        raise UsageError(
            "catalog.values-not-open",
            Text(
                de=f"{dataset.id} ist nicht offen; seine Werte können keine Auswahl eines Parameters sein.",
                en=f"{dataset.id} is not open; its values cannot be the choices of a parameter.",
            ),
            remedy=Text(
                de="Nehmen Sie die Auswahl aus einem offenen Datensatz oder schreiben Sie sie aus.",
                en="Take the choices from an open dataset or write them out.",
            ),
        )
    found = read(dataset, settings, columns=[column])[column].dropna()
    return sorted({str(one) for one in found})


def _undecodable(dataset: Dataset) -> SourceError:
    return SourceError(
        "source.encoding",
        Text(
            de=f"{dataset.id}: {dataset.source.url} ist nicht in der angegebenen Kodierung gespeichert.",
            en=f"{dataset.id}: {dataset.source.url} is not stored in the encoding stated.",
        ),
        remedy=Text(
            de="Schreiben Sie unter source.options: encoding: cp1252 (oder wie die Datei gespeichert ist).",
            en="Write under source.options: encoding: cp1252 (or however the file was saved).",
        ),
    )


def _broken(dataset: Dataset, error: Exception) -> SourceError:
    """Name only the kind of error: its message could quote the file."""
    kind = type(error).__name__
    return SourceError(
        "source.format",
        Text(
            de=f"{dataset.id}: {dataset.source.url} ist nicht als {dataset.source.reader} lesbar ({kind}).",
            en=f"{dataset.id}: {dataset.source.url} cannot be read as {dataset.source.reader} ({kind}).",
        ),
        remedy=Text(
            de="Prüfen Sie, ob die Datei vollständig ist und ob source.reader zu ihr passt.",
            en="Check that the file is complete and that source.reader fits it.",
        ),
    )


def _other_columns(dataset: Dataset, missing: list[str], surplus: list[str]) -> SourceError:
    problems = [
        Problem(dataset.source.url, None, name, Text(de="fehlt in der Quelle", en="is missing in the source"))
        for name in missing
    ] + [
        Problem(dataset.source.url, None, name, Text(de="steht nicht im Schema", en="is not in the schema"))
        for name in surplus
    ]
    return SourceError(
        "source.columns",
        Text(
            de=f"{dataset.id}: Die Spalten der Quelle sind nicht die des Schemas.",
            en=f"{dataset.id}: the columns of the source are not those of the schema.",
        ),
        problems=problems,
        remedy=Text(
            de="Beschreiben Sie die Spalte unter schema.fields (source_name: die Überschrift in der Datei), "
            "oder schreiben Sie schema.additional: ignore, damit der Rest bewusst ungelesen bleibt.",
            en="Describe the column under schema.fields (source_name: is the heading in the file), "
            "or write schema.additional: ignore to leave the rest unread on purpose.",
        ),
    )


def _unfit(dataset: Dataset, column: Column, places: list[int]) -> Problem:
    """Name column and rows; a text file has lines, anything else has records counted from 1."""
    lines = dataset.source.reader == "csv"
    numbers = places if lines else [place + 1 for place in places]
    more = len(numbers) - _SHOWN
    shown = ", ".join(str(number) for number in numbers[:_SHOWN])
    unit = Text(de="Zeile", en="line") if lines else Text(de="Datensatz", en="record")
    rest = Text(de=f" und {more} weitere", en=f" and {more} more") if more > 0 else Text(de="", en="")
    what = Text(
        de=f"{unit.de} {shown}{rest.de}: nicht lesbar als {_as_declared(column).de}",
        en=f"{unit.en} {shown}{rest.en}: not readable as {_as_declared(column).en}",
    )
    return Problem(
        dataset.source.url, numbers[0] if lines else None, column.heading, what, code="source.value"
    )


def _as_declared(column: Column) -> Text:
    """Say how the schema declares a column's values to be written."""
    rules = [f"{name}: {value!r}" for name in ("format", "thousands", "decimal", "timezone")
             if (value := getattr(column, name)) and (name, value) != ("decimal", ".")]  # fmt: skip
    wording = column.type.value + (f" ({', '.join(rules)})" if rules else "")
    return Text(de=wording, en=wording)


def _unreadable_values(dataset: Dataset, problems: list[Problem]) -> SourceError:
    return SourceError(
        "source.value",
        Text(
            de=f"{dataset.id}: Werte in {dataset.source.url} passen nicht zum Schema.",
            en=f"{dataset.id}: values in {dataset.source.url} do not fit the schema.",
        ),
        problems=problems,
        remedy=Text(
            de="Berichtigen Sie die Quelle, oder sagen Sie im Schema, wie sie schreibt "
            "(missing, decimal, thousands, format, timezone, ambiguous).",
            en="Correct the source, or say in the schema how it writes "
            "(missing, decimal, thousands, format, timezone, ambiguous).",
        ),
    )


__all__ = ["TextTable", "distributions", "read", "reader", "stamp", "values"]
