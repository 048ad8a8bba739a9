"""The examples of the pages about schedules, notices and matrices are valid."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from docs.test_commands import blocks

from stadtbuch.catalog import files
from stadtbuch.model.report import Report
from stadtbuch.reports import matrix
from stadtbuch.runs import schedule
from stadtbuch.settings import Notify
from stadtbuch.texts import same

PAGES = ("schedule", "notification", "matrix")


@pytest.mark.parametrize("name", PAGES)
def test_every_example_of_a_definition_has_no_mistake(root: Path, name: str) -> None:
    """What people copy is what the library takes."""
    shown = [
        one for one in blocks(root / "docs" / "how-to" / f"{name}.md") if one.language in ("yaml", "toml")
    ]
    assert shown
    for block in shown:
        if block.language == "toml":
            assert Notify(**tomllib.loads(block.content)["notify"]).mail is not None
            continue
        located, problems = files.loads(block.content.encode(), name=name)
        assert located is not None and not problems
        report = Report(
            name="r", title=same("R"), summary=same("R"), report="r.ipynb", release="automatic",
            roles={"author": "a", "release": "b"}, **located.data,
        )  # fmt: skip
        assert list(matrix.mistakes(report)) == []
        assert report.schedule is None or schedule.mistakes(report.schedule) == []


def test_every_period_and_option_is_explained(root: Path) -> None:
    """What a fixed parameter can be counted from, and every key of a schedule."""
    for folder in ("how-to", "anleitungen"):
        page = (root / "docs" / folder / "schedule.md").read_text(encoding="utf-8")
        assert {one for one in schedule.PERIODS if f"`{one}`" not in page} == set()
        keys = {"cron", "on", "of", "time_zone", "catch_up", "deadline", "holidays", "region"}
        assert {one for one in keys if f"`{one}`" not in page} == set()
