"""A delivery that is really gone: a report stops, or goes on with the last good snapshot and says so everywhere."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders.city import NOW, Made, a_manifest
from builders.reports import (
    HEADLINE,
    START,
    a_publishing_city,
    write_notebook,
    write_open_report,
    write_report,
)

from stadtbuch.cli import main
from stadtbuch.reports import build, decisions, editions, failures
from stadtbuch.site import pages

MORE = "sb.publish('twice', float(2 * frame['area'].sum()), unit='km²')"
LATER = NOW + timedelta(days=1)
NOTE, KEPT = 'id="missing"', 'id="kept"'


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with both reports built, the open one asking for the last good snapshot; then a delivery is gone."""
    made = a_publishing_city(tmp_path / "city")
    write_open_report(made.root, "area", START, HEADLINE, on_missing_input="last-good")
    assert build.build(made.open(), ["area"])["exit_code"] == 0
    return made


def lose(city: Made, name: str = "boroughs.csv") -> bytes:
    """Take a delivery away; give what it was."""
    path = city.root / "data" / name
    data = path.read_bytes()
    path.unlink()
    return data


def run_of(summary: dict[str, Any]) -> dict[str, Any]:
    """Give the one cell of a build."""
    (run,) = summary["runs"]
    return run


def page(city: Made, *, now: Any = LATER, language: str = "de") -> str:
    """Write the site and read the page of the newest edition."""
    pages.write(city.open(now=now), now=now)
    name = {"de": "index.html", "en": "index.en.html"}[language]
    return (city.root / "public/reports/area" / name).read_text(encoding="utf-8")


def test_without_being_asked_a_report_stops(city: Made) -> None:
    """``stop`` is the default: the error names the delivery, yesterday's edition stays, and its page says nothing."""
    write_open_report(city.root, "area", START, HEADLINE, MORE)
    lose(city)
    run = run_of(build.build(city.open(now=LATER), ["area"]))

    assert (run["status"], run["error"].code, run["publication"]) == ("failed", "source.missing", "none")
    assert editions.names(city.open().state, "area", "") == ["2026-01-15"]
    assert NOTE not in page(city) and KEPT not in page(city)


def test_with_the_last_good_snapshot_a_new_edition_says_so(city: Made) -> None:
    """New code, old data: the edition's own record names the edition of the snapshot, its page says it in both."""
    write_open_report(city.root, "area", START, HEADLINE, MORE, on_missing_input="last-good")
    before = editions.latest(city.open().state, "area", "")
    lose(city)
    summary = build.build(city.open(now=LATER), ["area"])
    newest = editions.latest(city.open().state, "area", "")

    assert before is not None and newest is not None
    assert (summary["exit_code"], run_of(summary)["publication"]) == (0, "published")
    assert "Die Lieferung fehlt" in run_of(summary)["notices"][0].de
    assert [one.get("kept_from") for one in newest.edition.inputs] == ["area@2026-01-15"]
    assert newest.edition.inputs[0]["version"] == before.edition.inputs[0]["version"]
    assert {one["name"]: one["value"] for one in newest.edition.results}["twice"] == 39.5
    assert KEPT in page(city) and "wie in der Ausgabe vom 15. Januar 2026" in page(city)
    assert "A delivery was missing for this edition." in page(city, language="en")
    assert NOTE not in page(city)


def test_with_nothing_else_changed_the_old_edition_stays_and_says_since_when(city: Made) -> None:
    """No new edition for the same bytes: its page gains a notice, which goes when the delivery is there again."""
    data = lose(city)
    run = run_of(build.build(city.open(now=LATER), ["area"]))
    (record,) = failures.everything(city.open().state)

    assert (run["status"], run["publication"], run["error"]) == ("unchanged", "unchanged", None)
    assert (record["status"], record["code"], record["missing"]) == (
        "last-good", "source.missing", ["geography.boroughs"],
    )  # fmt: skip
    assert "Seit 16. Januar 2026 fehlt eine neue Lieferung:" in page(city)
    assert "a new delivery is missing:" in page(city, language="en")

    (city.root / "data/boroughs.csv").write_bytes(data)
    build.build(city.open(now=LATER), ["area"])
    assert list(failures.everything(city.open().state)) == []
    assert NOTE not in page(city)


def test_a_second_edition_without_the_delivery_names_the_first(city: Made) -> None:
    """However long it is missing: the record leads to the edition for which the delivery was there."""
    lose(city)
    for number in (1, 2):
        more = MORE.replace("twice", f"twice_{number}")
        write_open_report(city.root, "area", START, HEADLINE, more, on_missing_input="last-good")
        build.build(city.open(now=NOW + timedelta(days=number)), ["area"])
    newest = editions.latest(city.open().state, "area", "")

    assert newest is not None and newest.edition.edition == "2026-01-17"
    assert newest.edition.inputs[0]["kept_from"] == "area@2026-01-15"


def test_a_delivery_that_is_wrong_is_never_replaced(city: Made) -> None:
    """A file that cannot be read is a mistake that somebody must see."""
    (city.root / "data/boroughs.csv").write_bytes(b"borough;area\n01;x\n")
    run = run_of(build.build(city.open(now=LATER), ["area"]))

    assert run["status"] == "failed" and run["error"].code.startswith("source.")


def test_what_may_not_be_read_any_more_is_not_read_from_a_snapshot(tmp_path: Path) -> None:
    """
    Closed data are decided about and judged as ever, whatever was kept.

    Without the index of the closed values the gate refuses; once the purpose has ended, the preparing step is denied.
    """
    made = a_publishing_city(tmp_path / "city")
    told = yaml.safe_load((made.root / "reports/people.yaml").read_text(encoding="utf-8"))
    write_report(made.root, "people", **{**told, "on_missing_input": "last-good"})
    build.build(made.open(), ["people"])
    decisions.approve(made.open(as_role="head-of-statistics"), "people")
    lose(made, "residents.csv")
    kept = run_of(build.build(made.open(now=LATER), ["people"]))
    shutil.rmtree(made.root / "var/store/values")
    unjudged = run_of(build.build(made.open(now=LATER), ["people"]))
    catalog = made.root / "catalogs/population.yaml"
    text = catalog.read_text(encoding="utf-8")
    denied_by = text.replace("age-structure", "something-else")
    catalog.write_text(denied_by, encoding="utf-8")
    denied = run_of(build.build(made.open(now=LATER), ["people"]))

    assert denied_by != text
    assert (kept["error"], kept["publication"]) == (None, "unchanged")
    assert (unjudged["publication"], [one.rule for one in unjudged["findings"]]) == (
        "refused",
        ["reports.unjudged"],
    )
    assert denied["error"] is not None and denied["status"] in ("refused", "failed")
    assert denied["error"].code != "source.missing"


def test_pages_from_the_catalogue_stay_while_its_column_is_missing(tmp_path: Path) -> None:
    """Cells that come from a column of the missing dataset are those of the public editions."""
    made = a_publishing_city(tmp_path / "city")
    manifest = a_manifest(
        inputs={"geography.boroughs": {"rows": {"borough": "{borough}"}}},
        parameters={"borough": {"type": "choice", "choices": "catalogue:geography.boroughs.borough",
                                "label": {"de": "Bezirk", "en": "Borough"}}},
    )  # fmt: skip
    write_notebook(made.root, "area", START, HEADLINE, manifest=manifest, parameters="borough = '01'")
    cells = {"borough": "catalogue:geography.boroughs.borough"}
    write_report(made.root, "area", cells=cells, on_missing_input="last-good")
    first = build.build(made.open(), ["area"])
    lose(made)
    again = build.build(made.open(now=LATER), ["area"])

    assert [one["cell"] for one in again["runs"]] == [one["cell"] for one in first["runs"]] == ["01", "02"]
    assert [one["publication"] for one in again["runs"]] == ["unchanged", "unchanged"]


def test_another_word_in_the_definition_is_a_mistake_with_its_line(
    city: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting is checked like every other one."""
    write_open_report(city.root, "area", START, HEADLINE, on_missing_input="yesterday")
    assert main.main(["build", "area", "--city", str(city.root), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert (problem["path"], problem["remedy"]) == ("on_missing_input", "erlaubt: stop, last-good")
