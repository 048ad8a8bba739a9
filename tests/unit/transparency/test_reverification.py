"""Old editions once more: those that waited longest come first, so that a few each night are all in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders.city import NOW, a_city
from builders.reports import HEADLINE, ROLES, START, write_open_report

from stadtbuch.book import views
from stadtbuch.cli import main
from stadtbuch.reports import build
from stadtbuch.transparency import reverification


def test_those_that_waited_longest_come_first(tmp_path: Path) -> None:
    """Without a verdict first, then the oldest verdict; and only as many as were asked for are computed."""
    made = a_city(tmp_path / "city", roles=ROLES)
    for name in ("area", "size"):
        write_open_report(made.root, name, START, HEADLINE)
    build.build(made.open())
    city = made.open()

    def order(*looked_at: str) -> list[str]:
        for name in looked_at:
            details = {"verdict": "identical", "environment": "running", "parts": []}
            city.book.append(
                views.VERIFIED, subject=f"{name}@2026-01-15", actor=city.actor, now=NOW, details=details
            )
        return [archived.edition.report for archived, _ in reverification.due(city, [])]

    assert order() == ["area", "size"]
    assert order("area") == ["size", "area"]
    assert order("size") == ["area", "size"]
    assert order("area") == ["size", "area"]
    (work := tmp_path / "work").mkdir()
    assert [one.edition for one in reverification.again(city, [], work=work, oldest=1)] == ["size@2026-01-15"]
    assert order() == ["area", "size"]
    assert [pair[0].edition.report for pair in reverification.due(city, ["size"])] == ["size"]


def test_how_many_without_verifying_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--oldest`` alone would silently do nothing."""
    made = a_city(tmp_path / "city", roles=ROLES)
    assert main.main(["build", "--oldest", "1", "--city", str(made.root)]) == 2
    assert "--reverify --oldest" in capsys.readouterr().err
