"""``stadtbuch build``: what it prints, what it publishes, how it ends."""

import json
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.reports import write_open_report

from stadtbuch import atomic
from stadtbuch.cli import build as building
from stadtbuch.cli import main
from stadtbuch.errors import Problem
from stadtbuch.model.report import Report
from stadtbuch.model.verdict import Finding
from stadtbuch.reports import build as reports
from stadtbuch.reports.build import Work
from stadtbuch.reports.definitions import Cell
from stadtbuch.site import pages
from stadtbuch.texts import Text, same

RENDER_SITE = building.render_site


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with one report from open data."""
    made = a_city(tmp_path / "city")
    write_open_report(made.root)
    return made


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Let the build end as a test wants it, without a kernel and without pages."""
    told = {"exit_code": 0, "published": "published", "sites": 0, "site_code": 0, "site_error": None}
    report = Report(
        name="area", title=same("A"), summary=same("A"), report="a.ipynb", release="automatic",
        roles={"author": "analyst", "release": "head"},
    )  # fmt: skip

    def build(city, names=(), *, jobs=1, progress=None, dry_run=False, **more):
        told["asked"] = {"names": list(names), "jobs": jobs, "dry_run": dry_run}
        work = Work(report=report, cell=Cell("", {}), publication=told["published"])
        return reports._summary([work], executed=2) | {"exit_code": told["exit_code"]}

    def render_site(city):
        told["sites"] += 1
        if told["site_error"] is not None:
            raise told["site_error"]
        return told["site_code"], not told["site_code"]

    monkeypatch.setattr("stadtbuch.reports.build.build", build)
    monkeypatch.setattr("stadtbuch.cli.build.render_site", render_site)
    return told


def test_people_read_one_line_per_page(city, fake, capsys):
    """What became of each, and how many notebooks ran."""
    assert main.main(["build", "--city", str(city.root)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{'area':<44} veröffentlicht", "2 Notebooks ausgeführt."]
    assert said.err == ""


def test_machines_read_one_document(city, fake, capsys):
    """CONTRACTS: runs and counts."""
    assert main.main(["build", "--city", str(city.root), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"runs", "counts"}
    assert document["counts"]["executed"] == 2
    assert document["runs"][0]["publication"] == "published"


@pytest.mark.parametrize("code", [1, 3, 4])
def test_the_exit_code_is_that_of_the_build(city, fake, code):
    """Also when pages were written: what is fine is public, what is not is told."""
    fake["exit_code"] = code
    assert main.main(["build", "--city", str(city.root), "--json"]) == code
    assert fake["sites"] == 1


FULL = atomic.unusable("public", OSError(28, "no space"))


@pytest.mark.parametrize("code", [0, 3])
def test_pages_that_fail_do_not_lose_the_summary_of_the_runs(city, fake, capsys, code):
    """Machines get the runs with the error beside them, and exit code 1."""
    fake |= {"exit_code": code, "site_error": FULL}
    assert main.main(["build", "--city", str(city.root), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"runs", "counts", "site"}
    assert document["counts"]["executed"] == 2
    assert document["site"] == {"error": FULL.as_dict("de")}


def test_people_read_the_runs_first_and_then_why_the_pages_failed(city, fake, capsys):
    """The runs on stdout, the error on stderr."""
    fake["site_error"] = FULL
    assert main.main(["build", "--city", str(city.root)]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "2 Notebooks ausgeführt."
    assert said.err.startswith("Der Datenträger von public ist voll.")


def test_a_damaged_archive_ends_with_code_1_after_the_warnings(city, seen, capsys, monkeypatch):
    """It outweighs a page that not everybody can read; both are told."""
    problem = Problem(file="area/_/2026-01-15/data/a.csv", line=None, path="", what=same("Fehlt."))
    told = {"findings": [a_finding(f"{PAGE}: table")], "damaged": pages.damaged([problem])}
    monkeypatch.setattr("stadtbuch.site.pages.write", lambda city, *, now: told)
    assert main.main(["build", "--city", str(city.root)]) == 1
    said = capsys.readouterr().err
    assert "accessibility.tables" in said
    assert "area/_/2026-01-15/data/a.csv" in said


def test_a_dry_run_writes_no_pages(city, fake, capsys):
    """It says so."""
    assert main.main(["build", "area", "--dry-run", "--jobs", "3", "--city", str(city.root)]) == 0
    assert fake["asked"] == {"names": ["area"], "jobs": 3, "dry_run": True}
    assert fake["sites"] == 0
    assert "Nichts wurde ausgeführt." in capsys.readouterr().out


def test_the_number_of_notebooks_is_told_in_both_languages(city, fake, capsys, monkeypatch):
    """English readers get English words."""
    monkeypatch.setenv("STADTBUCH_LANGUAGE", "en")
    main.main(["build", "--city", str(city.root)])
    assert capsys.readouterr().out.splitlines()[-1] == "2 notebooks executed."


def test_an_unknown_report_ends_with_code_2(city, capsys):
    """Nothing runs; the answer suggests."""
    assert main.main(["build", "aera", "--city", str(city.root)]) == 2
    assert "Meinten Sie area?" in capsys.readouterr().err


def test_a_second_build_at_the_same_time_ends_with_code_1(city, capsys):
    """It says which command is first, and nothing is lost."""
    with city.open().state.lock("build", command="stadtbuch build"):
        assert main.main(["build", "--city", str(city.root)]) == 1
    assert "stadtbuch build" in capsys.readouterr().err


def test_a_wrong_definition_ends_with_code_2_and_all_mistakes(city, capsys):
    """File and line of each."""
    path = city.root / "reports" / "area.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "shedule: {}\nrelaese: x\n", encoding="utf-8")
    assert main.main(["build", "--city", str(city.root)]) == 2
    said = capsys.readouterr().err
    assert "meinten Sie schedule?" in said
    assert "meinten Sie release?" in said


def a_finding(subject: str, severity: str = "refuse") -> Finding:
    """Give what a check of accessibility sees."""
    return Finding(
        rule="accessibility.tables", severity=severity, subject=subject,
        text=Text(de="Einer Tabelle fehlt der Titel.", en="A table lacks a caption."),
        remedy=Text(de="Geben Sie ihr einen.", en="Give it one."),
    )  # fmt: skip


PAGE = "reports/area/2026-01-15/index.html"


@pytest.fixture
def seen(fake, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Let the real `render_site` find what a test puts in here."""
    found: list[Finding] = []
    monkeypatch.setattr("stadtbuch.cli.build.render_site", RENDER_SITE)
    monkeypatch.setattr(
        "stadtbuch.site.pages.write", lambda city, *, now: {"findings": found, "damaged": None}
    )
    return found


def test_a_report_that_not_everybody_can_read_ends_with_code_3(city, seen, capsys):
    """Warning with page and remedy, then the sentence why; on stderr, so that --json keeps its keys."""
    seen.append(a_finding(f"{PAGE}: table"))
    assert main.main(["build", "--city", str(city.root), "--json"]) == 3
    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {"runs", "counts"}
    warning, why = said.err.splitlines()
    assert warning == (
        f"accessibility.tables, {PAGE}: table: Einer Tabelle fehlt der Titel. Was tun? Geben Sie ihr einen."
    )
    assert why.startswith(f"Nicht für alle zugänglich, aber geschrieben: {PAGE}. ")


@pytest.mark.parametrize(
    ("subject", "severity"),
    [
        (f"{PAGE}: table", "warn"),
        ("datasets/index.html: table", "refuse"),
        ("reports/index.html: h1", "refuse"),
    ],
)
def test_other_pages_and_hints_are_told_and_stop_nothing(city, seen, capsys, subject, severity):
    """A warning on stderr, and the build ends well."""
    seen.append(a_finding(subject, severity))
    assert main.main(["build", "--city", str(city.root)]) == 0
    (warning,) = capsys.readouterr().err.splitlines()
    assert subject in warning


@pytest.mark.parametrize("code", [1, 4])
def test_a_failure_outweighs_an_unreadable_page(city, seen, fake, code):
    """CONTRACTS: the first of 1, 4, 3 that occurred."""
    seen.append(a_finding(f"{PAGE}: table"))
    fake["exit_code"] = code
    assert main.main(["build", "--city", str(city.root), "--json"]) == code
