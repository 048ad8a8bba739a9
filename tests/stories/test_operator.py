"""
The operator of scheduled reports: one line at night, and in the morning everything is as it should be.

Nothing runs that did not change, a failing notebook leaves yesterday's page online and says why, two commands
at once do no harm, and nothing of the closed register is anywhere but where it belongs.
"""

import json
from pathlib import Path

import pytest
from builders.city import CANARY, Made
from builders.reports import START, a_publishing_city, write_open_report

from stadtbuch.cli import main

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = "2026-01-15T02:00", "2026-01-16T02:00", "2026-01-17T02:00"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city with an open report and one from the closed register."""
    return a_publishing_city(tmp_path_factory.mktemp("operator") / "city")


def called(capsys, city: Made, *arguments: str) -> tuple[int, dict]:
    """Run a command and give its exit code and its answer."""
    code = main.main([*arguments, "--city", str(city.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


def night(capsys, city: Made, now: str) -> tuple[int, dict]:
    """Run what the timer runs."""
    return called(capsys, city, "build", "--jobs", "2", "--now", now)


def outcomes(document: dict) -> dict[str, tuple[str, str]]:
    """Give status and publication by report."""
    return {one["report"]: (one["status"], one["publication"]) for one in document["runs"]}


def page(city: Made, report: str) -> Path:
    """Give the page of a report."""
    return city.root / "public" / "reports" / report / "index.html"


def test_the_first_night_publishes_what_may_be_published(capsys, city):
    """The open report is online, the closed one waits and is not."""
    code, document = night(capsys, city, FIRST)
    assert code == 0
    assert outcomes(document) == {"area": ("ran", "published"), "people": ("ran", "awaiting-approval")}
    assert page(city, "area").exists()
    assert not page(city, "people").exists()


def test_in_the_morning_the_head_approves(capsys, city):
    """The page appears at once, without running anything."""
    code, document = called(
        capsys, city, "report", "approve", "people", "--as", "head-of-statistics", "--now", FIRST
    )
    assert (code, document["released"]) == (0, ["people@2026-01-15"])
    assert page(city, "people").exists()


def test_a_night_without_news_runs_nothing(capsys, city):
    """0 notebooks, the same pages."""
    before = page(city, "people").read_bytes()
    code, document = night(capsys, city, SECOND)
    assert code == 0
    assert document["counts"]["executed"] == 0
    assert outcomes(document) == {"area": ("unchanged", "unchanged"), "people": ("unchanged", "unchanged")}
    assert page(city, "people").read_bytes() == before


def test_a_failing_notebook_leaves_yesterday_online(capsys, city):
    """Exit code 1, the reason names notebook and cell, the other report is untouched."""
    good = (city.root / "notebooks" / "area.ipynb").read_bytes()
    before = page(city, "area").read_bytes()
    write_open_report(city.root, "area", START, "frame = city.load('geography.boroughs')\nframe['nothing']")
    code, document = night(capsys, city, THIRD)
    assert code == 1
    assert outcomes(document) == {"area": ("failed", "none"), "people": ("unchanged", "unchanged")}
    (error,) = [one["error"] for one in document["runs"] if one["report"] == "area"]
    assert "area.ipynb" in error["text"]
    assert "3" in error["text"]
    assert page(city, "area").read_bytes() == before
    (city.root / "notebooks" / "area.ipynb").write_bytes(good)


def test_a_missing_delivery_stops_only_what_needs_it(capsys, city):
    """The file of the boroughs is gone: its report fails with the dataset's name, the other one stands."""
    file = city.root / "data" / "boroughs.csv"
    content = file.read_bytes()
    file.unlink()
    code, document = night(capsys, city, THIRD)
    file.write_bytes(content)
    assert code == 1
    assert outcomes(document)["people"] == ("unchanged", "unchanged")
    (error,) = [one["error"] for one in document["runs"] if one["report"] == "area"]
    assert error["code"] == "source.missing"
    assert "geography.boroughs" in error["text"]


def test_two_commands_at_once_do_no_harm(capsys, city):
    """The second one ends at once with code 1 and says who is first."""
    with city.open().state.lock("build", command="stadtbuch build"):
        code, document = night(capsys, city, THIRD)
    assert code == 1
    assert document["error"]["code"] == "state.busy"


def test_the_book_is_whole_and_knows_everything(capsys, city):
    """Runs, release, approval, failure: in their order, chain unbroken."""
    code, document = called(capsys, city, "book", "verify")
    assert (code, document["ok"]) == (0, True)
    kinds = [entry.kind for entry in city.open().book.entries()]
    assert kinds.count("ran") == 3
    assert kinds.count("run-failed") == 1
    assert [kind for kind in kinds if kind in ("released", "approved", "awaiting-approval")] == [
        "released", "awaiting-approval", "approved", "released",
    ]  # fmt: skip


def test_nothing_of_the_register_is_where_it_does_not_belong(city):
    """The canary of the free-text column stands in the source only: in no page, edition, log, run or book."""
    found = [
        path.relative_to(city.root).as_posix()
        for path in city.root.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert found == ["data/residents.csv"]


def test_every_edition_is_what_its_description_says(capsys, city):
    """Each file with its hash."""
    from stadtbuch.reports import editions

    for one in editions.history(city.open().state):
        assert editions.damaged_files(one) == []
