"""
Versions of sources: content hashes, behind stamps, so that an unchanged file is not read to learn that.

Imports no reader: whoever asks for a version does not wait for Intake.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from stadtbuch.catalog import allowed
from stadtbuch.errors import SourceError
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings
from stadtbuch.stamps import Memory
from stadtbuch.texts import Text


def version(dataset: Dataset, settings: Settings, *, memory: Memory | None) -> str:
    """
    Give a dataset's version, from the memory if there is one and the stamps of the files are the same.

    Raises
    ------
    SourceError
        ``source.missing``.
    """
    if memory is None:
        return stamp(dataset, settings)
    told = sha256(parsing_part(dataset, settings)).hexdigest()
    return memory.of(
        f"version {dataset.id} {told}",
        allowed.parts(dataset.source, settings),
        make=lambda: stamp(dataset, settings),
    )


def stamp(dataset: Dataset, settings: Settings) -> str:
    """
    Give a dataset's version: SHA-256 over the bytes of its files and what its schema says about parsing.

    Raises
    ------
    SourceError
        ``source.missing``.
    """
    path = allowed.locate(dataset.source, settings)
    if not path.is_file():
        raise missing(dataset)
    total = sha256(parsing_part(dataset, settings))
    for part in filter(Path.is_file, allowed.parts(dataset.source, settings)):
        with part.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
        total.update(part.suffix.encode())
    return total.hexdigest()


def parsing_part(dataset: Dataset, settings: Settings) -> bytes:
    """Give what decides how bytes become values; titles and rights may change without a new version."""
    told = {"title", "description", "unit", "privacy", "constraints", "labels"}
    fields = [column.model_dump(mode="json", exclude=told) for column in dataset.table.fields]
    parts = [
        dataset.source.reader,
        dataset.source.options,
        fields,
        dataset.table.additional,
        settings.city.timezone,
    ]
    return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()


def missing(dataset: Dataset) -> SourceError:
    """Say that a source is not there, and who brings it."""
    return SourceError(
        "source.missing",
        Text(
            de=f"{dataset.id}: Die Datei {dataset.source.url} fehlt.",
            en=f"{dataset.id}: the file {dataset.source.url} is missing.",
        ),
        remedy=Text(
            de="Dieses Verzeichnis schreibt Stadtbuch selbst: stadtbuch build.",
            en="Stadtbuch itself writes this register: stadtbuch build.",
        )
        if allowed.is_register(dataset.source)
        else Text(
            de="Legen Sie die Datei dorthin oder berichtigen Sie source.url; {DATA} ist der Ordner data in "
            "[paths] (stadtbuch.toml).",
            en="Put the file there or correct source.url; {DATA} is the folder data under [paths] in "
            "stadtbuch.toml.",
        ),
    )
