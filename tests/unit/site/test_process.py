"""The public report about the process: the figures of the command, in words, as a picture and as a file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from builders import small_city
from builders.city import Made, a_city
from builders.reports import ROLES, write_open_report

from stadtbuch.cli import main
from stadtbuch.reports import accessibility, build
from stadtbuch.site import assembly, pages, process, search

NOW = "2026-01-15T09:00"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city that was built twice: one run, one run spared."""
    made = a_city(tmp_path_factory.mktemp("process") / "city", roles=ROLES)
    write_open_report(made.root)
    for _ in range(2):
        build.build(made.open())
    opened = made.open()
    pages.write(opened, now=opened.now)
    return made


def read(city: Made, name: str) -> str:
    """Read a file of the page's folder."""
    return (city.root / "public" / process.FOLDER / name).read_text(encoding="utf-8")


def test_the_page_and_the_command_tell_the_same(city: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """The file for programs holds what ``quality --process`` answers, spared runs and weight of pages included."""
    arguments = ["quality", "--process", "--json", "--city", str(city.root), "--now", NOW]
    assert main.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)["process"]
    public = json.loads(read(city, "process.json"))["process"]

    assert public["energy"].pop("source")["de"] == told["energy"].pop("source")
    assert public == told
    assert (told["runs"]["ran"], told["spared"]["runs"]) == (1, 1)
    assert told["pages"]["pages"] == 2 and 10_000 < told["pages"]["largest_bytes"] < 300_000
    assert told["levels"]["area"]["unmet"]


def test_the_page_speaks_both_languages_and_passes_our_own_checks(city: Made) -> None:
    """Picture with words for those who do not see it, table, levels with what is missing, file to download."""
    for name, words in (("index.html", "1 von 1 Läufen gelangen, 1 waren nicht nötig."),
                        ("index.en.html", "1 of 1 runs went well, 1 were not needed.")):  # fmt: skip
        html = read(city, name)
        assert words in html
        assert 'href="process.json"' in html and "<title id=" in html
        assert accessibility.check(html, subject=name) == []
    assert "Eine README erklärt das Ganze." in read(city, "index.html")
    assert "estimated, not measured" in read(city, "index.en.html")


def test_bars_are_as_long_as_their_numbers() -> None:
    """The longest bar is full, half the number is half the length, and what was not counted has no bar."""
    told = {
        "schedule": None,
        "runs": {"ran": 10, "failed": 0, "refused": 5},
        "spared": None,
    }

    assert [(one["number"], one["length"]) for one in process.bars(told)] == [
        (10, 280.0),
        (0, 0.0),
        (5, 140.0),
    ]


@pytest.mark.parametrize("spared", [None, {"runs": 3, "since": "2026-01-15"}])
def test_the_reading_help_explains_the_bars_that_are_there(spared: dict | None) -> None:
    """Spared runs are explained where the picture has a bar of them, and only there."""
    told = {"schedule": None, "runs": {"ran": 10, "failed": 0, "refused": 5}, "spared": spared}

    drawn = any("gespart" in one["label"].de for one in process.bars(told))

    assert drawn is ("Gespart" in process.reading(told).de) is ("spared" in process.reading(told).en)


def test_without_figures_there_is_no_page_and_no_link(tmp_path: Path) -> None:
    """A site that was given none has no page of them, and search does not lead there."""
    site = small_city.make_site(tmp_path, today=date(2026, 1, 16))
    without = replace(site, process=None)

    assert process.FOLDER in {entry.folder for entry in search.entries(site)}
    assert process.FOLDER not in {entry.folder for entry in search.entries(without)}
    assert not any(path.startswith(process.FOLDER) for path in assembly.build(without))
