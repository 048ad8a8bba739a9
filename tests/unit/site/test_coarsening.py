"""What a page says of coarsened places: by the rules alone, in words, and in the register of withheld data, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from builders import small_city
from builders.nature import BIRDS, a_nature_city

from stadtbuch.model.places import PlaceStep
from stadtbuch.site import assembly, coarsening


@pytest.mark.parametrize(
    ("bands", "de"),
    [
        ((1,), "nur, dass es etwas gibt"),
        ((1, 4, 11), "1–3, 4–10, 11+"),
        ((0, 3), "3+"),
        ((3,), "nur, ob es mindestens 3 sind"),
    ],
)
def test_classes_of_numbers_are_told_as_the_map_tells_them(bands: tuple[int, ...], de: str) -> None:
    """Readers see the classes that can occur."""
    assert coarsening.numbers(PlaceStep(grid=1000, bands=bands)).de == de


def test_steps_are_told_the_strictest_first(tmp_path: Path) -> None:
    """Withheld before large cells before small ones, with the season and what is told beside."""
    steps = {"common": {"grid": 1000}, "rare": {"grid": 5000, "bands": [1, 4]}, "nest": {"withhold": True}}
    dataset = a_nature_city(tmp_path, steps=steps).open().catalog.datasets[BIRDS]
    said = coarsening.told(dataset)
    assert said is not None
    assert [(label.en, place.en, number.en) for label, place, number in said["steps"]] == [
        ("nest", "not at all", "–"),
        ("rare", "in cells 5 km wide", "1–3, 4+"),
        ("common", "in cells 1 km wide", "only that there is something"),
    ]
    assert "31 August" in said["season"].en
    assert [one.en for one in said["shown"]] == ["Species"]


def test_the_pages_of_protected_places_say_how_and_why(tmp_path: Path) -> None:
    """Dataset page and register of withheld data tell category, cell, season and reason; others do not."""
    birds = a_nature_city(tmp_path / "nature").open().catalog.datasets[BIRDS]
    site = small_city.make_site(tmp_path / "small", today=date(2026, 1, 16))
    files = assembly.build(replace(site, datasets=site.datasets | {BIRDS: birds}))
    for path in (f"datasets/{BIRDS}/index.html", "registers/withheld/index.html"):
        page = files[path].decode()
        assert "Wie genau Orte gezeigt werden" in page
        assert "in Feldern, die 5 km breit sind" in page
        assert "Wer das Nest kennt, stört es." in page
        assert "nach dem 31. August" in page
    other = next(iter(site.datasets))
    assert "Wie genau Orte" not in files[f"datasets/{other}/index.html"].decode()


def test_what_protects_places_says_nothing_of_persons(tmp_path: Path) -> None:
    """A well's number identifies no person."""
    birds = a_nature_city(tmp_path / "nature").open().catalog.datasets[BIRDS]
    site = small_city.make_site(tmp_path / "small", today=date(2026, 1, 16))
    files = assembly.build(replace(site, datasets=site.datasets | {BIRDS: birds}))
    page = files[f"datasets/{BIRDS}/index.en.html"].decode()
    assert "identifies a single thing" in page
    assert "identifies a person" not in page
