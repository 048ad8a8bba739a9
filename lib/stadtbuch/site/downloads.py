"""The files of an open dataset as the public gets them, described by a Data Package beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.catalog import reading, versions
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.errors import SourceError
from stadtbuch.model.dataset import Column, Dataset, FieldType
from stadtbuch.session.snapshots import Source
from stadtbuch.settings import Settings
from stadtbuch.stamps import Memory
from stadtbuch.texts import Text

PACKAGE = "datapackage.json"
FORMAT = 1
"""Raised when the same data are to be written differently: files of an older format are made again."""

MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "geojson": "application/geo+json"}
TYPES = {FieldType.code: "string", FieldType.geometry: "string"}
MISSING = Text(
    de="Die Datei liegt zurzeit nicht vor; sie erscheint hier, sobald sie geliefert ist.",
    en="The file is not there at present; it will appear here as soon as it is delivered.",
)
KEPT = Text(
    de="Die jüngste Lieferung fehlt oder lässt sich nicht lesen; hier steht weiter der Stand davor.",
    en="The latest delivery is missing or cannot be read; what was there before stays here.",
)


@dataclass(frozen=True, slots=True)
class Handout:
    """What is handed out of an open dataset: its version, its files; and what is wrong with the source, if anything."""

    version: str
    files: Mapping[str, bytes]
    problem: Text | None = None


def hand_out(
    dataset: Dataset,
    settings: Settings,
    *,
    before: Path,
    memory: Memory | None = None,
    read: Callable[[], Source] | None = None,
) -> Handout:
    """
    Write the public files of an open dataset.

    Parameters
    ----------
    dataset
        Must be open.
    settings
        Of the city: where its data are.
    before
        The dataset's folder in the site as it was; if it holds the same version undamaged, its files are taken.
        While the source cannot be read, an earlier version stays, as long as the catalogue describes it the same.
    memory
        What is known of files by their stamps.
    read
        Reads the source, where somebody else may have read it already.
    """
    try:
        version = versions.version(dataset, settings, memory=memory)
        files = _kept(before, version)
        if not files:
            source = read() if read is not None else Source(version, reading.read(dataset, settings))
            version = source.version
            files = dict(sorted(reading.distributions(source.frame, dataset).items()))  # as they are listed
    except SourceError:
        return _last(before, dataset)
    return Handout(version=version, files={**files, PACKAGE: _package(dataset, version, files)})


def _package(dataset: Dataset, version: str, files: Mapping[str, bytes]) -> bytes:
    described = json.dumps(describe(dataset, version, files), ensure_ascii=False, indent=1)
    return (described + "\n").encode()


def _last(folder: Path, dataset: Dataset) -> Handout:
    """
    Keep what the site hands out while the source cannot be read: a bad delivery breaks nobody's link.

    Not if the catalogue says anything else about it than before: a column may have been taken out for a reason.
    """
    try:
        data = (folder / PACKAGE).read_bytes()
        version = str(json.loads(data)["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return Handout(version="", files={}, problem=MISSING)
    files = _kept(folder, version)
    if not files or data != _package(dataset, version, files):
        return Handout(version="", files={}, problem=MISSING)
    return Handout(version=version, files={**files, PACKAGE: data}, problem=KEPT)


def _kept(folder: Path, version: str) -> dict[str, bytes]:
    """Give the files of an earlier build if they are of this version, complete and undamaged."""
    try:
        package = json.loads((folder / PACKAGE).read_bytes())
        if (package["version"], package["format"]) != (version, FORMAT):
            return {}
        files = {one["path"]: (folder / one["path"]).read_bytes() for one in package["resources"]}
        whole = all(
            f"sha256:{atomic.digest(files[one['path']])}" == one["hash"] for one in package["resources"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if whole else {}


def first_rows(handout: Handout, *, rows: int = 5, width: int = 40) -> list[list[str]]:
    r"""
    Show how an open dataset's file looks: its header and first rows; nothing if it has no CSV file.

    Parameters
    ----------
    handout
        The dataset's files.
    rows
        How many rows, besides the header.
    width
        How many characters of a cell; a longer one ends with an ellipsis.

    Examples
    --------
    >>> first_rows(Handout("v", {"a.csv": b"day,note\n1,abcdef\n2,b\n"}), rows=1, width=4)
    [['day', 'note'], ['1', 'abc…']]
    """
    data = next((data for name, data in handout.files.items() if name.endswith(".csv")), b"")
    lines = csv.reader(TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline=""))
    shown = islice(lines, rows + 1)
    return [[cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell in line] for line in shown]


def describe(dataset: Dataset, version: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Describe a dataset's files as a Frictionless Data Package."""
    licence = LICENCES.get(dataset.license or "")
    return {
        "name": dataset.id,
        "title": dataset.title.de,
        "title_en": dataset.title.en,
        "description": dataset.description.de,
        "version": version,
        "format": FORMAT,
        "licenses": [{"name": dataset.license, "title": licence.title.de, "path": licence.url}]
        if licence
        else [],
        "attribution": dataset.attribution.de if dataset.attribution else "",
        "contact": dataset.contact_point,
        "misuse": dataset.misuse.as_dict(),
        "resources": [_resource(dataset, name, data) for name, data in sorted(files.items())],
    }


def _resource(dataset: Dataset, name: str, data: bytes) -> dict[str, Any]:
    """Describe one file; CSV carries the Table Schema, the other formats carry their own types."""
    ending = name.rpartition(".")[2]
    described: dict[str, Any] = {
        "name": name.replace(".", "-"),
        "path": name,
        "format": ending,
        "mediatype": MEDIA[ending],
        "bytes": len(data),
        "hash": f"sha256:{atomic.digest(data)}",
    }
    if ending != "csv":
        return described
    schema = {"fields": [_field(column) for column in dataset.table.fields]}
    keys = {"primaryKey": list(dataset.table.primary_key)} if dataset.table.primary_key else {}
    return described | {"encoding": "utf-8", "schema": schema | keys}


def _field(column: Column) -> dict[str, Any]:
    unit = {"unit": column.unit} if column.unit else {}
    return {
        "name": column.name,
        "type": TYPES.get(column.type, column.type.value),
        "title": column.title.de,
        "title_en": column.title.en,
        **unit,
    }
