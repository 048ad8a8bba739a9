"""The repository's own catalogue is valid, and its generated file is current."""

from __future__ import annotations

from pathlib import Path

from stadtbuch import settings as city_settings
from stadtbuch.catalog import index, intake_file


def test_catalogue_of_this_repository_is_valid(root: Path) -> None:
    """Every file loads; there are open and closed datasets; what is withheld has its reason."""
    catalog = index.load(city_settings.read(root))
    assert {one.access_class.value for one in catalog.datasets.values()} >= {"open", "closed"}
    assert all(one.is_open or one.access.reason for one in catalog.datasets.values())


def test_generated_intake_file_is_current(root: Path) -> None:
    """Else: stadtbuch catalog check --write."""
    settings = city_settings.read(root)
    assert intake_file.is_current(index.load(settings), settings)
