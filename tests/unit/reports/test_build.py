"""Building: run what changed, judge it, keep what is new, publish what may be."""

import json
from datetime import timedelta
from typing import Any

import pytest
from builders.city import NOW, Made, write_data
from builders.reports import HEADLINE, START, a_manifest, write_notebook, write_open_report, write_report

from stadtbuch.errors import Busy, UsageError
from stadtbuch.reports import build, decisions, editions
from stadtbuch.texts import Text


def line(summary: dict[str, Any], report: str) -> dict[str, Any]:
    """Give the line of a report without cells."""
    (found,) = [one for one in summary["runs"] if one["report"] == report]
    return found


def outcome(summary: dict[str, Any], report: str) -> tuple[str, str]:
    """Give status and publication of a report."""
    found = line(summary, report)
    return found["status"], found["publication"]


def kinds(city: Made) -> list[str]:
    """Give the kinds of the book's entries in their order."""
    return [entry.kind for entry in city.open().book.entries()]


def test_the_first_build_runs_and_publishes(built_once):
    """Open data are published at once, closed data wait for approval."""
    _, summary = built_once
    assert outcome(summary, "area") == ("ran", "published")
    assert outcome(summary, "people") == ("ran", "awaiting-approval")
    assert summary["counts"]["executed"] == 3
    assert summary["exit_code"] == 0


def test_the_json_has_the_promised_keys(built_once):
    """CONTRACTS: build."""
    document = build.spoken(built_once[1], "en")
    assert set(document) == {"runs", "counts"}
    assert set(document["runs"][0]) == {
        "report", "cell", "parameters", "key", "status", "publication", "reason", "notices", "seconds", "edition",
        "findings",
    }  # fmt: skip
    assert json.dumps(document)


def test_the_second_build_runs_nothing(built):
    """Same data, code and parameters: no notebook, no edition, no entry."""
    before = kinds(built)
    summary = build.build(built.open())
    assert summary["counts"]["executed"] == 0
    assert outcome(summary, "area") == ("unchanged", "unchanged")
    assert outcome(summary, "people") == ("unchanged", "awaiting-approval")
    assert [kind for kind in kinds(built)[len(before) :] if kind != "loaded"] == []


def test_the_book_tells_what_happened(built):
    """Runs, the release, and what waits."""
    told = kinds(built)
    assert told.count("ran") == 3
    assert told.count("released") == 1
    assert told.count("awaiting-approval") == 1
    (entry,) = built.open().book.entries(kind="released")
    assert entry.subject == "area@2026-01-15"


def test_new_data_make_a_new_edition(built):
    """The old one stays; the second of a day gets a number; the other report does not run."""
    (built.root / "data/boroughs.csv").write_text("borough;area\n01;12.5\n02;8.25\n", encoding="utf-8")
    summary = build.build(built.open())
    assert line(summary, "area")["edition"] == "area@2026-01-15.2"
    later = build.build(built.open(now=NOW + timedelta(days=1)))
    assert outcome(later, "area") == ("unchanged", "unchanged")
    assert editions.names(built.open().state, "area", "") == ["2026-01-15", "2026-01-15.2"]


def test_the_same_content_is_no_new_edition(built):
    """A comment in the code runs again; the notebook changes, so it is one. Another day alone is none."""
    summary = build.build(built.open(now=NOW + timedelta(days=30)))
    assert line(summary, "area")["edition"] == "area@2026-01-15"


def test_what_was_withheld_is_not_published_again_under_another_name(built):
    """Old data come back after a correction: the edition of them stays out of public."""
    path = built.root / "data/boroughs.csv"
    old = path.read_bytes()
    path.write_text("borough;area\n01;12.5\n02;8.25\n", encoding="utf-8")
    build.build(built.open(), ["area"])
    reason = Text(de="Falsche Fläche.", en="Wrong area.")
    decisions.withhold(built.open(as_role="head-of-statistics"), "area@2026-01-15", reason=reason)
    path.write_bytes(old)
    summary = build.build(built.open(now=NOW + timedelta(days=1)), ["area"])
    assert outcome(summary, "area")[1] == "withheld"
    assert line(summary, "area")["edition"] == "area@2026-01-15"
    assert editions.names(built.open().state, "area", "") == ["2026-01-15", "2026-01-15.2"]
    assert len(list(built.open().book.entries(kind="released"))) == 2


def test_a_clock_before_the_newest_edition_fails_the_cell(built):
    """An edition that sorts behind an older one would never be seen; it is told instead."""
    (built.root / "data/boroughs.csv").write_text("borough;area\n01;12.5\n02;8.25\n", encoding="utf-8")
    summary = build.build(built.open(now=NOW - timedelta(days=1)))
    error = line(summary, "area")["error"]
    assert (error.code, summary["exit_code"]) == ("state.clock", 1)
    assert "2026-01-15" in error.what.en
    assert outcome(summary, "area") == ("failed", "none")
    assert editions.names(built.open().state, "area", "") == ["2026-01-15"]


def test_a_failing_notebook_leaves_the_last_edition_and_the_others(built):
    """Yesterday's edition stays; the other report is built; the exit code is 1."""
    before = (built.root / "var/editions/area/_/2026-01-15/edition.json").read_bytes()
    write_open_report(built.root, "area", START, "1 / 0")
    summary = build.build(built.open())
    assert outcome(summary, "area") == ("failed", "none")
    assert outcome(summary, "people") == ("unchanged", "awaiting-approval")
    assert line(summary, "area")["error"].code == "run.failed"
    assert summary["exit_code"] == 1
    assert (built.root / "var/editions/area/_/2026-01-15/edition.json").read_bytes() == before
    assert editions.latest(built.open().state, "area", "").public


def test_a_refused_notebook_leaves_the_last_edition(built):
    """What the gate refuses is not archived; rules and places stand in the book, exit code 3."""
    write_open_report(
        built.root,
        "area",
        START,
        HEADLINE,
        "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))",
    )
    summary = build.build(built.open())
    assert outcome(summary, "area") == ("refused", "refused")
    assert [finding.rule for finding in line(summary, "area")["findings"]] == ["privacy.unrecorded"]
    assert summary["exit_code"] == 3
    assert editions.names(built.open().state, "area", "") == ["2026-01-15"]
    again = build.build(built.open())
    assert outcome(again, "area")[1] == "refused"
    (entry,) = built.open().book.entries(kind="refused")
    assert entry.details["rules"] == ["privacy.unrecorded"]


def test_a_report_that_reads_closed_data_is_refused(built):
    """The public step sees open data only, whatever it shows."""
    manifest = a_manifest(
        purpose="age-structure", risk="low", inputs={"population.residents": {"columns": ["borough", "age"]}}
    )
    write_notebook(built.root, "area", START, "city.load('population.residents')\nNone", manifest=manifest)
    summary = build.build(built.open(), ["area"])
    assert [finding.rule for finding in line(summary, "area")["findings"]] == ["reports.closed-input"]


def test_a_purpose_that_was_not_granted_ends_with_code_4(built):
    """Access is denied before a kernel starts; the other report is built."""
    manifest = a_manifest(
        purpose="marketing", risk="low", inputs={"population.residents": {"columns": ["age"]}}
    )
    write_notebook(built.root, "area", START, manifest=manifest)
    summary = build.build(built.open())
    assert summary["exit_code"] == 4
    assert outcome(summary, "people") == ("unchanged", "awaiting-approval")


def test_the_exit_code_is_the_first_of_1_4_3(built):
    """A failure weighs more than a refusal."""
    write_report(built.root, "broken", report="notebooks/broken.ipynb")
    write_notebook(built.root, "broken", "1 / 0", manifest=a_manifest())
    write_notebook(built.root, "area", START, "print('x')", manifest=a_manifest(), words=[])
    summary = build.build(built.open(), jobs=2)
    assert [one["status"] for one in summary["runs"]] == ["refused", "failed", "unchanged"]
    assert summary["exit_code"] == 1


def test_unchanged_data_of_another_person_change_the_closed_report(built):
    """The register's new version runs the preparing step; the same table publishes nothing new."""
    write_data(built.root, seventh=65)
    summary = build.build(built.open(), ["people"])
    assert summary["counts"]["executed"] == 1
    assert outcome(summary, "people") == ("ran", "awaiting-approval")


def test_a_dry_run_executes_and_writes_nothing(built):
    """It says what would run."""
    write_data(built.root, seventh=65)
    before = kinds(built)
    summary = build.build(built.open(), dry_run=True)
    assert [one["status"] for one in summary["runs"]] == ["unchanged", "ran"]
    assert summary["counts"]["executed"] == 0
    assert [kind for kind in kinds(built)[len(before) :] if kind != "loaded"] == []


def test_two_builds_at_once_are_refused_quickly(built):
    """The second one says who is first, and changes nothing."""
    session = built.open()
    with session.state.lock("build"), pytest.raises(Busy) as caught:
        build.build(session)
    assert caught.value.exit_code == 1


def test_an_unknown_report_is_told(built):
    """With a suggestion."""
    with pytest.raises(UsageError) as caught:
        build.build(built.open(), ["peple"])
    assert caught.value.remedy.en == "Did you mean people?"


def test_a_parameter_that_no_notebook_knows_is_told(built):
    """A report cannot set what nobody reads."""
    write_report(built.root, "area", fixed={"yaer": 2025})
    summary = build.build(built.open(), ["area"])
    assert line(summary, "area")["error"].code == "report.parameter"
    assert summary["exit_code"] == 1


def test_one_preparing_run_serves_all_cells(built):
    """Three pages, one preparing run; each page its own edition."""
    code = (START, "borough = 'all'", HEADLINE)
    told = a_manifest(
        parameters={
            "borough": {
                "type": "choice", "choices": "catalogue:geography.boroughs.borough", "or": ["all"],
                "label": {"de": "Bezirk", "en": "Borough"},
            }
        },
        inputs={"geography.boroughs": {}, "people.by_borough": {}},
    )  # fmt: skip
    write_notebook(built.root, "people", code[0], code[2], manifest=told, parameters=code[1])
    write_report(
        built.root, "people", prepare="notebooks/people.prepare.ipynb", release="approval",
        cells={"borough": "catalogue:geography.boroughs.borough"}, also=[{"borough": "all"}],
    )  # fmt: skip
    summary = build.build(built.open(), ["people"], jobs=2)
    assert [one["cell"] for one in summary["runs"]] == ["all", "01", "02"]
    assert [one["parameters"] for one in summary["runs"]] == [
        {"borough": "all"},
        {"borough": "01"},
        {"borough": "02"},
    ]
    assert {one["publication"] for one in summary["runs"]} == {"awaiting-approval"}
    assert summary["counts"]["executed"] == 3


def test_closed_data_are_never_published_without_an_approval(built):
    """``release: automatic`` holds for open data; a closed preparing step needs somebody's decision."""
    write_report(built.root, "people", prepare="notebooks/people.prepare.ipynb", release="automatic")
    summary = build.build(built.open(), ["people"])
    assert outcome(summary, "people")[1] == "awaiting-approval"
