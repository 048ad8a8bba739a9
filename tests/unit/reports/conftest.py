"""A run's folder without a kernel, and one city whose reports were really built, copied for each test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders.city import Made
from builders.reports import a_publishing_city

from stadtbuch import settings as city_settings
from stadtbuch.reports import build

CODE = {"type": "code", "privacy": "quasi-identifier"}
COLUMNS = [
    {"name": "borough", "title": {"de": "Bezirk", "en": "Borough"}, "labels": {}} | CODE,
    {
        "name": "sex",
        "title": {"de": "Geschlecht", "en": "Sex"},
        "labels": {"f": {"de": "weiblich", "en": "female"}, "m": {"de": "männlich", "en": "male"}},
    }
    | CODE,
]
REGISTER = {
    "class": "closed",
    "kind": "frame",
    "title": {"de": "Register", "en": "Register"},
    "attribution": {"de": "Stadt", "en": "City"},
    "licence_title": {"de": "Zero", "en": "Zero"},
    "licence_url": "https://example.org/zero",
    "columns": COLUMNS,
    "privacy_unit": "person",
    "min_count": 3,
    "sensitive": False,
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a run that reads the closed register of a synthetic city."""
    folder = tmp_path / "run"
    (folder / "outputs").mkdir(parents=True)
    facts = {
        "city": {"synthetic": True},
        "thresholds": {"min_count": 3, "min_count_sensitive": 5, "solver_nodes": 2000},
        "inputs": {"population.residents": REGISTER},
    }
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    monkeypatch.setenv("STADTBUCH_RUN", str(folder))
    return folder


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, str]]]:
    """Collect what is displayed: kind, name, MIME bundle."""
    seen: list[tuple[str, str, dict[str, str]]] = []
    monkeypatch.setattr(
        "stadtbuch.reports.outputs.show",
        lambda bundle, *, kind, name: seen.append((kind, name, dict(bundle))),
    )
    return seen


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Build the open and the closed report once: three kernels."""
    root = tmp_path_factory.mktemp("built") / "city"
    made = a_publishing_city(root)
    return root, build.build(made.open(), jobs=2)


@pytest.fixture
def built(built_once: tuple[Path, dict[str, Any]], tmp_path: Path) -> Made:
    """Give a copy of the built city that a test may change."""
    root = tmp_path / "city"
    shutil.copytree(built_once[0], root)
    return Made(root, city_settings.read(root))
