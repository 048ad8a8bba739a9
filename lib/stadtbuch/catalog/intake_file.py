"""
``catalogs/intake.yaml``: the open datasets for people who know Intake and have never heard of Stadtbuch.

``intake.open_catalog("catalogs/intake.yaml")["domain.name"].read()`` works without our library. The entries
point to the normalised Parquet file that the site hands out, by an address relative to the file itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

import yaml

from stadtbuch import atomic
from stadtbuch.catalog.index import GENERATED, Catalog
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.errors import Problem
from stadtbuch.model.dataset import Dataset, FieldType
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

HEADER = """\
# Generated from the other files of this folder by "stadtbuch catalog check --write". Do not edit.
# Plain Intake 2 opens it, once the site was built: intake.open_catalog("intake.yaml")["domain.name"].read()
"""


def expected(catalog: Catalog, settings: Settings) -> str:
    """Give the file's content as it should be; the same catalogue gives the same text."""
    opened = [dataset for dataset in catalog.datasets.values() if dataset.is_open]
    content = {
        "version": 2,
        "metadata": {"title": settings.city.publisher.as_dict()},
        "aliases": {dataset.id: dataset.id for dataset in opened},
        "data": _data(opened, _public(settings)),
        "entries": {dataset.id: _entry(dataset) for dataset in opened},
        "user_parameters": {},
    }
    return HEADER + yaml.safe_dump(content, allow_unicode=True, sort_keys=True, width=110)


def path(settings: Settings) -> Path:
    """Give the place of the file."""
    return settings.folder("catalogs") / GENERATED


def write(catalog: Catalog, settings: Settings) -> bool:
    """Renew the file; say whether anything changed."""
    if is_current(catalog, settings):
        return False
    atomic.write(path(settings), expected(catalog, settings).encode())
    return True


def is_current(catalog: Catalog, settings: Settings) -> bool:
    """Whether the file says what the catalogue says."""
    try:
        return path(settings).read_bytes() == expected(catalog, settings).encode()
    except FileNotFoundError:
        return False


def stale(settings: Settings) -> Problem:
    """Say that the file has to be renewed."""
    return Problem(
        f"{settings.paths.catalogs}/{GENERATED}",
        None,
        "",
        Text(de="ist nicht auf dem Stand des Katalogs", en="does not say what the catalogue says"),
        Text(de="stadtbuch catalog check --write", en="stadtbuch catalog check --write"),
        "catalog.intake-stale",
    )


def _public(settings: Settings) -> str:
    """Give the public folder as seen from the catalogue's, with the slashes of addresses."""
    relative = os.path.relpath(settings.folder("public"), settings.folder("catalogs"))
    return PurePath(relative).as_posix()


def _token(dataset: Dataset) -> str:
    return f"{dataset.id}.parquet"


def _data(opened: Iterable[Dataset], public: str) -> dict[str, Any]:
    return {
        _token(dataset): {
            "datatype": "intake.readers.datatypes:Parquet",
            "kwargs": {
                "url": f"{{CATALOG_DIR}}/{public}/datasets/{dataset.id}/{dataset.name}.parquet",
                "storage_options": None,
            },
            "metadata": {},
            "user_parameters": {},
        }
        for dataset in opened
    }


def _entry(dataset: Dataset) -> dict[str, Any]:
    has_shapes = any(column.type is FieldType.geometry for column in dataset.table.fields)
    reader = "GeoPandasTabular" if has_shapes else "PandasParquet"
    return {
        "reader": f"intake.readers.readers:{reader}",
        "kwargs": {"data": f"{{data({_token(dataset)})}}"},
        "output_instance": "geopandas:GeoDataFrame" if has_shapes else "pandas:DataFrame",
        "metadata": _metadata(dataset),
        "user_parameters": {},
    }


def _metadata(dataset: Dataset) -> dict[str, Any]:
    attribution = {"attribution": dataset.attribution.as_dict()} if dataset.attribution else {}
    return {
        "title": dataset.title.as_dict(),
        "description": dataset.description.as_dict(),
        "publisher": dataset.publisher,
        "license": dataset.license,
        "license_url": LICENCES[str(dataset.license)].url,
        "misuse": dataset.misuse.as_dict(),
    } | attribution
