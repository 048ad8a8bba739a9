"""Building dashboards: every choice at once, judged like a report, kept only while its report is public."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders.city import NOW, Made, a_manifest
from builders.reports import START, a_publishing_city, texts, write_notebook, write_report

from stadtbuch import settings as city_settings
from stadtbuch.dashboards import build, controls, definitions, pages, shelf
from stadtbuch.errors import AccessDenied, ReportError
from stadtbuch.reports import build as reports
from stadtbuch.reports import decisions, editions, failures
from stadtbuch.reports.look import Shell
from stadtbuch.texts import Text

LATER = NOW + timedelta(days=1)
LOAD = "frame = city.load('geography.boroughs')"
VIEW = """
def view(borough):
    here = frame if borough == 'all' else frame[frame['borough'] == borough]
    sb.headline(float(here['area'].sum()), unit={'de': 'km²', 'en': 'km²'}, at='2025-12-31')
    sb.table(here, name='areas', caption={'de': 'Flächen', 'en': 'Areas'})
sb.dashboard(view)
"""
BOROUGH = {
    "type": "choice",
    "choices": "catalogue:geography.boroughs.borough",
    "or": ["all"],
    "label": {"de": "Stadtbezirk", "en": "Borough"},
}


def write_dashboard(root: Path, *code: str, **manifest: Any) -> None:
    """Write the dashboard of the open report."""
    (root / "notebooks" / "dashboards").mkdir(parents=True, exist_ok=True)
    told = a_manifest(parameters={"borough": BOROUGH}, **manifest)
    cells = code or (START, LOAD, VIEW)
    words = texts(("method", "limits"))
    write_notebook(root, "dashboards/area", *cells, manifest=told, words=words, parameters="borough = 'all'")
    write_report(root, "area", dashboard={"parameters": ["borough"]})


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Build the open report and its dashboard once."""
    root = tmp_path_factory.mktemp("dashboards") / "city"
    made = a_publishing_city(root)
    write_dashboard(root)
    reports.build(made.open(), ["area"])
    return root, build.build(made.open())


@pytest.fixture
def built(built_once: tuple[Path, dict[str, Any]], tmp_path: Path) -> Made:
    """Give a copy of the built city that a test may change."""
    root = tmp_path / "city"
    shutil.copytree(built_once[0], root)
    return Made(root, city_settings.read(root))


def test_one_run_writes_every_choice(built_once: tuple[Path, dict[str, Any]]) -> None:
    """Two boroughs and all of them: three pages, from one notebook that ran once."""
    _, summary = built_once
    (line,) = summary["dashboards"]
    assert (line["publication"], line["pages"], summary["executed"], summary["exit_code"]) == (
        "published",
        3,
        1,
        0,
    )


def test_a_second_build_runs_nothing(built: Made) -> None:
    """What is on the shelf is not computed, judged or noted again."""
    before = len(list(built.open().book.entries()))
    summary = build.build(built.open())
    assert (summary["dashboards"][0]["publication"], summary["executed"]) == ("unchanged", 0)
    assert len(list(built.open().book.entries())) == before


def test_a_page_shows_its_choice_and_links_to_the_others(built: Made) -> None:
    """Each choice has its own number, its own table and links to the other choices."""
    (kept,) = shelf.of(built.open())
    shell = Shell(city=built.settings.city, root="../../../", style="x.css")
    found = list(controls.grid(kept.controls))
    written = [pages.Pages(kept).page(one, language="de", shell=shell, mode="choice") for one in found]
    assert [controls.address(one) for one in found] == ["all", "01", "02"]
    assert len({page.split('headline-value">')[1].split("<")[0] for page in written}) == 3
    assert 'href="../../../dashboards/area/02/index.html"' in written[1]
    assert "<script" not in "".join(written)
    assert max(len(page.encode()) for page in written) < 300_000


def test_a_report_without_a_public_edition_has_no_dashboard(built: Made) -> None:
    """When its only edition is withdrawn, the dashboard is not listed, and the next build takes it down."""
    city = built.open(as_role="head-of-statistics")
    edition = next(one.edition.id for one in editions.history(city.state) if one.public)
    decisions.withhold(city, edition, reason=Text(de="Falsch.", en="Wrong."))
    assert shelf.of(built.open()) == []
    assert build.build(built.open())["dashboards"] == []
    assert shelf.everything(city.state) == []


def test_a_dashboard_never_reads_closed_data(built: Made) -> None:
    """Closed data in its manifest are refused before anything is read or run."""
    write_dashboard(
        built.root, inputs={"population.residents": {"columns": ["borough"]}}, purpose="age-structure"
    )
    city = built.open()
    with pytest.raises(AccessDenied) as refusal:
        definitions.read(city, reports.definitions.load(built.settings)["area"])
    assert refusal.value.code == "dashboard.input"
    summary = build.build(built.open())
    assert (summary["dashboards"][0]["publication"], summary["executed"], summary["exit_code"]) == (
        "none",
        0,
        4,
    )
    assert [one.kind for one in city.book.entries() if one.subject == "population.residents"] == []


def test_a_table_that_no_report_released_is_refused(built: Made) -> None:
    """A draft table of a waiting report is out of reach."""
    write_dashboard(built.root, inputs={"people.by_borough": {}})
    (line,) = build.build(built.open())["dashboards"]
    assert line["error"].code == "run.no-table"


def test_a_filter_by_a_choice_is_refused(built: Made) -> None:
    """A kernel sees its inputs before anybody chose."""
    write_dashboard(built.root, inputs={"geography.boroughs": {"rows": {"borough": "{borough}"}}})
    with pytest.raises(ReportError) as refusal:
        definitions.read(built.open(), reports.definitions.load(built.settings)["area"])
    assert refusal.value.code == "dashboard.filter"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"parameters": []}, "dashboard.invalid"),
        ({"parameters": ["borough"], "colour": "red"}, "dashboard.invalid"),
        ({"parameters": ["year"]}, "dashboard.parameter"),
        ({"parameters": ["borough"], "notebook": "../x.ipynb"}, "dashboard.notebook"),
    ],
)
def test_a_wrong_definition_says_what_is_wrong(built: Made, told: dict[str, Any], code: str) -> None:
    """What stands under `dashboard` is checked before anything runs."""
    write_report(built.root, "area", dashboard=told)
    with pytest.raises(ReportError) as refusal:
        definitions.read(built.open(), reports.definitions.load(built.settings)["area"])
    assert refusal.value.code == code


def test_a_changed_file_on_the_shelf_is_not_shown(built: Made) -> None:
    """One byte of a record, and the dashboard is not listed."""
    (kept,) = shelf.of(built.open())
    path = kept.folder / "outputs" / "results.json"
    path.write_bytes(path.read_bytes().replace(b"km", b"kn", 1))
    assert shelf.of(built.open()) == []


def test_the_gate_judges_every_choice(built: Made) -> None:
    """A view that shows an address only for one choice is refused, and the last sound version stays."""
    told = "{'de': 'x@example.org' if borough == '02' else 'Flächen', 'en': 'Areas'}"
    write_dashboard(built.root, START, LOAD, VIEW.replace("{'de': 'Flächen', 'en': 'Areas'}", told))
    summary = build.build(built.open())
    assert (summary["dashboards"][0]["publication"], summary["exit_code"]) == ("refused", 3)
    assert b"x@example.org" not in json.dumps([kept.told for kept in shelf.of(built.open())]).encode()
    assert [kept.name for kept in shelf.of(built.open())] == ["area"]


def test_a_failed_dashboard_is_explained_inside_and_stays_as_it_was_outside(built: Made) -> None:
    """The public sees the last sound version and when it was computed; the owner reads the cause on an internal page,
    which goes when it works again.
    """
    later = built.open(now=LATER)
    write_dashboard(built.root, START, LOAD, VIEW.replace("frame['borough'] == borough", "frame['nothing']"))
    build.build(later)

    (record,) = failures.everything(later.state)
    (kept,) = shelf.of(later)
    shell = Shell(city=built.settings.city, root="../../../", style="x.css")
    choice = next(iter(controls.grid(kept.controls)))
    assert "15. Januar 2026" in pages.Pages(kept).page(choice, language="de", shell=shell, mode="choice")
    assert (record["report"], record["notebook_cell"], record["type"]) == ("area", 5, "KeyError")
    assert (record["last_good"], record["since"][:10]) == ("dashboards/area, 2026-01-15", "2026-01-16")
    assert [one["en"] for one in record["changed"]] == ["the notebook's code is another one"]
    assert [one["id"] for one in record["datasets"]] == ["geography.boroughs"]
    folder = failures.place(later.state, "area", failures.DASHBOARD)
    inside = (folder / "index.html").read_text(encoding="utf-8")
    assert "area (Dashboard): nicht erneuert" in inside
    assert "geography.boroughs" in inside

    write_dashboard(built.root)
    assert build.build(later)["exit_code"] == 0
    assert list(failures.everything(later.state)) == []
    assert not folder.exists()


def test_a_refused_dashboard_is_explained_until_no_report_offers_it(built: Made) -> None:
    """What the gate saw stands on the internal page; a dashboard that is given up leaves none behind."""
    told = "{'de': 'x@example.org', 'en': 'Areas'}"
    write_dashboard(built.root, START, LOAD, VIEW.replace("{'de': 'Flächen', 'en': 'Areas'}", told))
    build.build(built.open())
    (record,) = failures.everything(built.open().state)
    assert (record["status"], record["code"]) == ("refused", "gate.refused")

    write_report(built.root, "area")
    build.build(built.open())
    assert list(failures.everything(built.open().state)) == []
