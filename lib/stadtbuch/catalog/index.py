"""The catalogue of a city: all datasets of all its files, checked as a whole."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from stadtbuch.catalog import entries, files
from stadtbuch.errors import CatalogError, Problem, UsageError
from stadtbuch.model.dataset import Dataset
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

GENERATED = "intake.yaml"
_FOLDING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True, slots=True)
class Catalog:
    """All datasets by id, in the order of their ids."""

    datasets: Mapping[str, Dataset]

    def get(self, id: str) -> Dataset:
        """
        Give a dataset.

        Raises
        ------
        UsageError
            ``catalog.unknown-dataset``, with the nearest known id.
        """
        if id in self.datasets:
            return self.datasets[id]
        near = get_close_matches(id, list(self.datasets), n=1, cutoff=0.5)
        hint = (
            Text(de=f"Meinten Sie {near[0]}? ", en=f"Did you mean {near[0]}? ")
            if near
            else Text(de="", en="")
        )
        raise UsageError(
            "catalog.unknown-dataset",
            Text(de=f"Es gibt keinen Datensatz {id}.", en=f"There is no dataset {id}."),
            remedy=Text(
                de=hint.de + "„stadtbuch catalog list“ zeigt alle.",
                en=hint.en + '"stadtbuch catalog list" shows all.',
            ),
        )

    def search(self, words: str, language: str = "de") -> list[Dataset]:
        """
        Find the datasets in which every word occurs, the best match first.

        Parts of compounds count (``wohner`` finds ``Einwohner``), as do ``ae`` for ``ä`` and the keywords of
        both languages; `language` decides the order among equals.
        """
        asked = fold(words).split()
        scored = [(_score(dataset, asked), dataset) for dataset in self.datasets.values()]
        found = [(score, dataset) for score, dataset in scored if score]
        return [one for _, one in sorted(found, key=lambda hit: (-hit[0], fold(hit[1].title.pick(language))))]


def fold(written: str) -> str:
    """
    Make spellings comparable: small letters, umlauts and accents written out.

    Examples
    --------
    >>> fold("Straßenbäume") == fold("STRASSENBAEUME")
    True
    """
    small = unicodedata.normalize("NFC", written).casefold().translate(_FOLDING)
    bare = unicodedata.normalize("NFD", small)
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


def _score(dataset: Dataset, asked: list[str]) -> int:
    """Weigh where words stand: title and id 8, keywords 4, columns 2, description 1; 0 if one is nowhere."""
    shelves = [
        (8, [dataset.id, dataset.title.de, dataset.title.en]),
        (4, [word for words in dataset.keyword.values() for word in words]),
        (
            2,
            [
                text
                for column in dataset.table.fields
                for text in (column.name, column.title.de, column.title.en)
            ],
        ),
        (1, [dataset.description.de, dataset.description.en, dataset.domain]),
    ]
    folded = [(weight, fold(" ".join(texts))) for weight, texts in shelves]
    weights = [max((weight for weight, text in folded if word in text), default=0) for word in asked]
    return sum(weights) if weights and all(weights) else 0


def load(settings: Settings) -> Catalog:
    """
    Read and check every catalogue file of the city.

    Raises
    ------
    CatalogError
        ``catalog.invalid`` with every mistake of every file: file, line, path, what to write instead.
    """
    datasets, problems = collect(settings)
    if problems:
        raise invalid(problems)
    return Catalog({dataset.id: dataset for dataset in sorted(datasets, key=lambda one: one.id)})


def collect(settings: Settings) -> tuple[list[Dataset], list[Problem]]:
    """Give the valid datasets and all mistakes by file and line, where `load` would raise."""
    folder = settings.folder("catalogs")
    paths = sorted(path for path in folder.glob("*.y*ml") if path.name != GENERATED)
    if not paths:
        return [], [_no_files(settings.paths.catalogs)]
    datasets: list[Dataset] = []
    problems: list[Problem] = []
    for path in paths:
        content, mistakes = files.read(path, name=f"{settings.paths.catalogs}/{path.name}")
        problems += mistakes
        if content is not None:
            found, mistakes = entries.datasets(content, domains=settings.catalog.domains)
            datasets += found
            problems += mistakes
    return datasets, sorted(problems, key=lambda one: (one.file, one.line or 0, one.path))


def invalid(problems: list[Problem]) -> CatalogError:
    """Make the error that names all mistakes."""
    number = len(problems)
    return CatalogError(
        "catalog.invalid",
        Text(
            de=f"Der Katalog hat {number} Fehler." if number > 1 else "Der Katalog hat einen Fehler.",
            en=f"The catalogue has {number} mistakes." if number > 1 else "The catalogue has one mistake.",
        ),
        problems=problems,
        remedy=Text(
            de="Berichtigen Sie die Stellen und prüfen Sie mit „stadtbuch catalog check“.",
            en='Correct the places and check with "stadtbuch catalog check".',
        ),
    )


def _no_files(folder: str) -> Problem:
    return Problem(
        folder, None, "",
        Text(de="Hier liegt keine Katalogdatei (<domäne>.yaml).", en="No catalogue file (<domain>.yaml)."),
        Text(
            de="Legen Sie eine an; der Ordner catalogs der synthetischen Stadt ist ein Muster.",
            en="Make one; the folder catalogs of the synthetic city is a model.",
        ),
        "catalog.no-files",
    )  # fmt: skip
