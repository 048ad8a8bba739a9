"""``stadtbuch tick`` and ``stadtbuch schedule``: what a timer calls and what people ask, with real builds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders.city import Made, a_city
from builders.reports import HEADLINE, ROLES, START, write_open_report

from stadtbuch.cli import main

WATCHING = {"on": "new-version", "of": "geography.boroughs", "deadline": "6h"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city whose report watches the boroughs; it goes through one day from test to test."""
    made = a_city(tmp_path_factory.mktemp("tick") / "city", roles=ROLES)
    write_open_report(made.root, "area", START, HEADLINE, schedule=WATCHING)
    return made


def called(capsys: Any, city: Made, *arguments: str) -> tuple[int, Any]:
    """Call a command and give its exit code and its answer."""
    code = main.main([*arguments, "--city", str(city.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


def deliver(city: Made, area: str) -> None:
    """Lay a new version of the boroughs into the city."""
    file = city.root / "data" / "boroughs.csv"
    file.write_text(f"borough;area\n01;{area}\n02;7.25\n", encoding="utf-8")


def test_a_tick_publishes_what_is_due(capsys, city):
    """The page is there, and the answer says why it was built."""
    code, told = called(capsys, city, "tick", "--now", "2026-01-15T06:00")
    (one,) = told["due"]
    assert (code, one["report"], one["outcome"]) == (0, "area", "done")
    assert one["reason"] == "neue Fassung von geography.boroughs"
    assert [run["publication"] for run in told["builds"][0]["runs"]] == ["published"]
    assert (city.root / "public" / "reports" / "area" / "index.html").exists()


def test_a_tick_without_news_says_so(capsys, city):
    """In one sentence, with code 0."""
    assert main.main(["tick", "--city", str(city.root), "--now", "2026-01-15T06:15"]) == 0
    assert capsys.readouterr().out == "Jetzt ist nichts fällig.\n"


def test_two_ticks_at_once_build_once(city):
    """Two processes meet a new delivery: one edition, one entry, both end well."""
    deliver(city, "13.5")
    before = city.open().book.head()["entries"]
    line = [
        sys.executable,
        "-m",
        "stadtbuch",
        "tick",
        "--city",
        str(city.root),
        "--now",
        "2026-01-16T06:00",
        "--json",
    ]
    pair = [
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)
        for _ in "ab"
    ]
    ended = [(one.communicate()[0], one.returncode) for one in pair]
    assert [code for _, code in ended] == [0, 0]
    fresh = [entry for entry in city.open().book.entries() if entry.number > before]
    kinds = [entry.kind for entry in fresh if entry.kind in ("occurrence", "ran", "released")]
    assert sorted(kinds) == ["occurrence", "ran", "released"]
    done = [one["outcome"] for said, _ in ended for one in json.loads(said)["due"]]
    assert done == ["done"]


def test_the_list_says_what_became_of_each_report(capsys, city):
    """For machines the last outcome, for people a line."""
    code, (one,) = called(capsys, city, "schedule", "list", "--now", "2026-01-16T07:00")
    assert (code, one["report"], one["outcome"], one["due"]) == (0, "area", "done", [])
    assert main.main(["schedule", "list", "--city", str(city.root)]) == 0
    assert "zuletzt: gebaut; wieder: bei neuen Daten" in capsys.readouterr().out


def test_the_next_times_are_told_with_what_moved_them(capsys, city):
    """A holiday in May, and what waits for data."""
    write_open_report(
        city.root, "monthly", START, HEADLINE,
        schedule={"cron": "0 6 1 * *", "holidays": "after", "region": "DE-NW"},
    )  # fmt: skip
    code, told = called(capsys, city, "schedule", "next", "--number", "2", "--now", "2026-04-15")
    assert code == 0
    assert [(one["local"], one["moved_from"]) for one in told["times"]] == [
        ("04.05.2026 06:00", "01.05.2026 06:00"), ("01.06.2026 06:00", None),
    ]  # fmt: skip
    assert told["watching"] == {"area": ["geography.boroughs"]}


def test_a_wrong_schedule_is_told_with_its_line(capsys, city: Made):
    """Key and sentence, and what to write."""
    file = Path(city.root / "reports" / "area.yaml")
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("'on': new-version", "cron: 0 25 * * *"), encoding="utf-8")
    code = main.main(["build", "area", "--city", str(city.root)])
    said = capsys.readouterr().err
    file.write_text(good, encoding="utf-8")
    assert code == 2
    assert "schedule" in said
