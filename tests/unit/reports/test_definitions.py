"""Definitions of reports: strict, all mistakes at once, cells with good addresses."""

import json
from datetime import date
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.reports import write_open_report
from hypothesis import given
from hypothesis import strategies as st

import stadtbuch
from stadtbuch.errors import ReportError, UsageError
from stadtbuch.model.report import Report
from stadtbuch.reports import definitions
from stadtbuch.texts import same


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with one valid report."""
    made = a_city(tmp_path / "city")
    write_open_report(made.root)
    return made


def problems(city: Made) -> dict[str, str]:
    """Load and give what is wrong: place -> what, in English."""
    with pytest.raises(ReportError) as caught:
        definitions.load(city.settings)
    return {f"{one.file}:{one.line} {one.path}": one.render("en") for one in caught.value.problems}


def append(city: Made, text: str) -> None:
    """Add lines to the report's file."""
    path = city.root / "reports" / "area.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def a_report(**changes) -> Report:
    """Give a valid report without cells."""
    told = {
        "name": "area", "title": same("A"), "summary": same("A"), "report": "a.ipynb", "release": "automatic",
        "roles": {"author": "analyst", "release": "head"},
    }  # fmt: skip
    return Report(**{**told, **changes})


def test_a_valid_report_is_read(city):
    """The file's name is the report's name."""
    assert definitions.load(city.settings)["area"].title.de == "Wie groß ist die Stadt?"


def test_every_mistake_is_told_at_once(city):
    """Unknown keys with a suggestion, missing parts, wrong values, each with its line."""
    append(city, "shedule: {}\nalso: [{borough: all}]\nrelease: automatic\n")
    found = problems(city)
    assert any("did you mean schedule?" in one for one in found.values())
    assert any("release" in place for place in found)
    assert len(found) >= 2


def test_a_notebook_must_be_there_and_inside_the_city(city):
    """A path that leads out of the city's folder is no notebook of it."""
    (city.root.parent / "outside.ipynb").write_text("{}", encoding="utf-8")
    for path in ("notebooks/none.ipynb", "../outside.ipynb", "reports/area.yaml"):
        write_open_report(city.root, report=path)
        (told,) = problems(city).values()
        assert "There is no such notebook" in told


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("cells: {borough: 'boroughs'}\n", "neither a list nor a reference"),
        ("also: [{borough: all}]\n", "names other parameters than cells"),
        ("cells: {year: ['2025']}\nfixed: {year: 2025}\n", "stands under cells as well"),
        ("related: [nothing]\n", "There is no report nothing"),
        ("name: other\n", "The name stands in the file's name"),
        ("license: free\n", "unknown licence"),
    ],
)
def test_what_does_not_fit_together_is_told(city, lines, said):
    """Well-formed YAML that makes no report is refused with a reason."""
    append(city, lines)
    assert any(said in one for one in problems(city).values())


def test_an_unknown_report_is_named_with_a_suggestion(city):
    """A typing mistake on the command line gets an answer."""
    with pytest.raises(UsageError) as caught:
        definitions.choose(definitions.load(city.settings), ["aera"])
    assert caught.value.remedy.en == "Did you mean area?"


def test_cells_run_through_the_values_of_a_column():
    """A reference asks the catalogue; `also` comes first; `fixed` goes everywhere."""
    report = a_report(cells={"borough": "catalogue:a.b.c"}, also=({"borough": "all"},), fixed={"year": 2025})
    asked = []

    def values(dataset: str, column: str) -> list[str]:
        asked.append((dataset, column))
        return ["Mitte", "Öst"]

    found = definitions.cells(report, values=values)
    assert asked == [("a.b", "c")]
    assert [cell.slug for cell in found] == ["all", "mitte", "oest"]
    assert found[2].parameters == {"borough": "Öst", "year": 2025}


def test_a_report_without_cells_is_one_page():
    """Its address has no cell, its folder in the archive is called _."""
    (cell,) = definitions.cells(a_report(), values=lambda dataset, column: [])
    assert (cell.slug, cell.folder) == ("", "_")


def test_two_cells_never_share_an_address():
    """Values that become the same slug are refused instead of overwriting each other."""
    with pytest.raises(ReportError) as caught:
        definitions.cells(a_report(cells={"place": ("Süd", "Sued")}), values=lambda dataset, column: [])
    assert caught.value.code == "report.cells-alike"


def test_two_parameters_make_one_address_in_declared_order():
    """The order of the definition is the order of the address."""
    found = definitions.cells(
        a_report(cells={"year": ("2024", "2025"), "place": ("A", "B")}), values=lambda dataset, column: []
    )
    assert [cell.slug for cell in found] == ["2024-a", "2024-b", "2025-a", "2025-b"]


@given(st.text())
def test_a_slug_is_a_safe_name(value):
    """Whatever a value is, its slug is a file name and a part of an address."""
    made = definitions.slug(value)
    assert made
    assert made.strip("-") == made
    assert all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in made)


def test_umlauts_are_written_out():
    """A reader recognises the name in the address."""
    assert definitions.slug("Äußere Größe") == "aeussere-groesse"


def test_the_shipped_schema_is_current():
    """Editors help with the schema that the library checks against."""
    file = Path(stadtbuch.__file__).parent / "share" / "schemas" / "report.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == definitions.schema()


def test_a_fixed_parameter_may_be_counted_from_the_nominal_day():
    """The end of the month before, in a leap year."""
    report = a_report(fixed={"until": "{occurrence:previous-month-end}", "year": 2025})
    (cell,) = definitions.cells(report, values=lambda dataset, column: [], day=date(2028, 3, 1))
    assert cell.parameters == {"until": "2028-02-29", "year": 2025}


@pytest.mark.parametrize(
    ("schedule", "period", "words"),
    [
        ("{cron: 0 6 1 * *}", "last-month", "is no known period"),
        ("{on: new-version, of: geography.boroughs}", "date", "needs a schedule with cron"),
    ],
)
def test_a_period_without_a_time_is_a_mistake(city, schedule, period, words):
    """Unknown words, and schedules that have no times."""
    append(city, f"schedule: {schedule}\nfixed: {{until: '{{occurrence:{period}}}'}}\n")
    assert any(words in one for one in problems(city).values())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("schedule: {cron: 0 25 * * *}", "schedule.cron: has a wrong hour"),
        ("schedule: {on: new-versions, of: a.b}", "did you mean new-version?"),
        ("schedule: {cron: 0 6 * * *, catchup: all}", "did you mean catch_up?"),
        ("schedule: daily", "must consist of named parts"),
        ("cells: {x: {from: 2, to: 1}}", "cells.x: ends before it begins"),
        ("cells: {x: [1]}\nexclude: [{y: 1}]", "exclude.0: names y"),
    ],
)
def test_mistakes_in_schedule_and_matrix_are_told_with_their_line(city, line, words):
    """As all others are."""
    append(city, line + "\n")
    found = problems(city)
    assert any(words in one for one in found.values()), found
    assert all(":None" not in place for place in found)


def test_a_mistake_in_another_definition_stops_no_report_that_is_named(city):
    """Named reports are read alone; all together are told all mistakes."""
    (city.root / "reports" / "broken.yaml").write_text("title: x\n", encoding="utf-8")
    assert [one.name for one in definitions.named(city.settings, ["area"])] == ["area"]
    for names in ([], ["broken"]):
        with pytest.raises(ReportError):
            definitions.named(city.settings, names)
    with pytest.raises(UsageError, match="area"):
        definitions.named(city.settings, ["aera"])
