"""The made-up city in two sizes, made once for all tests, and read back through the catalogue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stadtbuch import settings, synthetic
from stadtbuch.catalog import index, reading
from stadtbuch.settings import Settings
from stadtbuch.synthetic import config

DOMAINS = ("environment", "finance", "geography", "mobility", "participation", "population", "social")
"""Those whose data are made up; the city's own registers are not."""


@dataclass(frozen=True)
class Made:
    """A city that was made: its settings, its data and what the generator says about them."""

    settings: Settings
    told: dict[str, Any]

    def read(self, dataset: str) -> Any:
        """Read a dataset the way everybody does; once, as no test changes it."""
        return _read(self.settings.root, dataset)

    def canaries(self) -> dict[str, dict[str, Any]]:
        """Give the canaries of all data that are not open: dataset, column, value."""
        return self.truth("privacy")["canaries"]

    def truth(self, name: str) -> dict[str, Any]:
        """Read a page of the ground truth."""
        return json.loads((self.settings.root / "truth" / f"{name}.json").read_text(encoding="utf-8"))

    def defects(self, dataset: str) -> dict[str, list[dict[str, Any]]]:
        """Give the mistakes that were made in a dataset: kind to rows by key."""
        told = [one for one in self.truth("quality")["defects"] if one["dataset"] == dataset]
        return {one["defect"]: [row for each in told if each["defect"] == one["defect"] for row in each["rows"]]
                for one in told}  # fmt: skip

    def look_alikes(self, dataset: str) -> dict[str, list[dict[str, Any]]]:
        """Give the rows that look wrong and are not: kind to rows by key."""
        told = self.truth("quality")["look_alikes"]
        return {one["defect"]: one["rows"] for one in told if one["dataset"] == dataset}

    def without_test_record(self, dataset: str) -> Any:
        """Give a dataset that is not open without the record in which every value is a canary."""
        frame = self.read(dataset)
        column, value = next(iter(self.canaries()[dataset].items()))
        return frame[frame[column].astype("string") != str(value)]

    def stock(self) -> pd.DataFrame:
        """Give the register at the last reference date."""
        residents = self.read("population.residents")
        return residents[residents["reference_date"] == self.truth("privacy")["reference_date"]]


@cache
def _read(place: Path, dataset: str) -> Any:
    found = settings.read(place)
    return reading.read(index.load(found).get(dataset), found)


def empty_city(root: Path, place: Path) -> Settings:
    """Lay out the files of the city without any data."""
    place.mkdir(parents=True)
    for name in ("stadtbuch.toml", "synthetic.yaml"):
        shutil.copy(root / name, place)
    (place / "catalogs").mkdir()
    for domain in DOMAINS:
        shutil.copy(root / "catalogs" / f"{domain}.yaml", place / "catalogs")
    return settings.read(place)


@pytest.fixture
def empty(root: Path, tmp_path: Path) -> Settings:
    """Give a city without data."""
    return empty_city(root, tmp_path / "city")


@pytest.fixture(scope="session")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Made]:
    """Give a function that makes a city of a size and seed, each once."""
    done: dict[tuple[str, int], Made] = {}

    def one(size: str = "mini", seed: int = synthetic.SEED) -> Made:
        if (size, seed) not in done:
            place = empty_city(root, tmp_path_factory.mktemp("cities") / f"{size}-{seed}")
            done[size, seed] = Made(place, synthetic.make(place, size=size, seed=seed))  # type: ignore[arg-type]
        return done[size, seed]

    return one


@pytest.fixture(scope="session")
def pattern(root: Path) -> config.Config:
    """Give the pattern from which the city is made."""
    return config.read(root)
