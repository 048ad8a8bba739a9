"""``stadtbuch quality``: figures for people and machines, and nothing that only some may know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders.city import CANARY, Made
from builders.reports import a_publishing_city

from stadtbuch.cli import main
from stadtbuch.model.measure import Criterion


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city with two reports; nothing is built."""
    return a_publishing_city(tmp_path_factory.mktemp("quality") / "city")


def called(capsys: pytest.CaptureFixture[str], city: Made, *arguments: str) -> tuple[int, str]:
    """Run the command and give its exit code and its answer."""
    code = main.main(["quality", *arguments, "--city", str(city.root), "--now", "2026-01-15"])
    return code, capsys.readouterr().out


def test_json_as_promised(capsys: pytest.CaptureFixture[str], city: Made) -> None:
    """CONTRACTS: dataset, criterion, then value, unit, target and verdict; all fourteen criteria."""
    code, out = called(capsys, city, "--json")
    found = json.loads(out)["datasets"]
    assert (code, list(found)) == (0, ["geography.boroughs", "population.residents"])
    for card in found.values():
        assert list(card) == [one.value for one in Criterion]
        assert all(set(one) == {"value", "unit", "target", "verdict", "gap"} for one in card.values())
    assert found["geography.boroughs"]["unambiguous"] == {
        "value": 1.0, "unit": "share", "target": 1.0, "verdict": "good", "gap": None,
    }  # fmt: skip
    assert found["geography.boroughs"]["relevant"]["value"] == 1


def test_whoever_asks_gets_the_public_figures(capsys: pytest.CaptureFixture[str], city: Made) -> None:
    """Eight persons are too few, whatever one's role is."""
    _, out = called(capsys, city, "population.residents", "--json", "--as", "head-of-statistics")
    assert json.loads(out)["datasets"]["population.residents"]["complete"]["gap"] == "too-few"


def test_people_read_words(capsys: pytest.CaptureFixture[str], city: Made) -> None:
    """A line per dataset; a line per criterion for the one that was asked for."""
    _, every = called(capsys, city)
    assert "population.residents" in every
    assert "nicht gemessen" in every
    _, one = called(capsys, city, "geography.boroughs")
    assert "eindeutig" in one
    assert "100 %" in one
    assert "misst Stadtbuch noch nicht" in one
    assert CANARY not in every + one


def test_an_unknown_dataset_is_a_mistake_with_a_hint(capsys: pytest.CaptureFixture[str], city: Made) -> None:
    """What could have been meant is named."""
    assert main.main(["quality", "geography.borough", "--city", str(city.root)]) == 2
    assert "geography.boroughs" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nobody has to guess."""
    assert main.main(["quality", "--help"]) == 0
    assert "stadtbuch quality geography.areas" in capsys.readouterr().out
