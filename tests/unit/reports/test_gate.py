"""The gate on finished runs: what was really executed, changed in one place."""

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.city import CANARY, Made
from nbformat.v4 import new_output

from stadtbuch.reports import gate, screening, values
from stadtbuch.runs import manifest


def folder_of(city: Made, notebook: str) -> Path:
    """Give the folder of the run of a notebook."""
    for path in (city.root / "var" / "runs").iterdir():
        if (
            json.loads((path / "run.json").read_text(encoding="utf-8"))["notebook"]
            == f"notebooks/{notebook}.ipynb"
        ):
            return path
    raise AssertionError(notebook)


def judged(city: Made, notebook: str = "area", *, step: str = "report"):
    """Judge the run of a notebook."""
    folder = folder_of(city, notebook)
    told = manifest.read(city.root / "notebooks" / f"{notebook}.ipynb", root=city.root).manifest
    return gate.judge(city.open(), folder, manifest=told, step=step)[1]


def rules(city: Made, *arguments: Any, **more: Any) -> set[str]:
    """Give the refusing rules."""
    decision = judged(city, *arguments, **more)
    assert decision.allowed == (not decision.findings)
    assert decision.reasons
    return {finding.rule for finding in decision.findings}


def change_notebook(folder: Path, change) -> None:
    """Change the executed notebook of a run."""
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    change(notebook)
    nbformat.write(notebook, folder / "notebook.ipynb")


def change_record(folder: Path, path: str, change) -> None:
    """Change one record of a run."""
    file = folder / "outputs" / path
    record = json.loads(file.read_text(encoding="utf-8"))
    change(record)
    file.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def code_cell(notebook):
    """Give the last cell of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"][-1]


def test_what_was_built_passes(built):
    """Both steps of the closed report and the open one: allowed, with a reason."""
    assert rules(built) == set()
    assert rules(built, "people") == set()
    assert rules(built, "people.prepare", step="prepare") == set()
    assert "2026.1" in judged(built).reasons[0].en


def test_an_output_of_another_wording_is_refused(built):
    """One letter more than the record says."""

    def change(notebook):
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] += " "

    change_notebook(folder_of(built, "area"), change)
    assert {"reports.record", "privacy.unrecorded"} <= rules(built)


def test_html_without_a_record_is_refused(built):
    """Whoever writes HTML past our helpers does not get through."""
    change_notebook(
        folder_of(built, "area"),
        lambda notebook: code_cell(notebook).outputs.append(
            new_output("display_data", data={"text/html": "<b>x</b>"})
        ),
    )
    assert rules(built) == {"privacy.unrecorded"}


def test_an_unknown_form_of_output_is_refused(built):
    """Nobody here can read it, so nobody can say that it is harmless."""
    change_notebook(
        folder_of(built, "area"),
        lambda notebook: code_cell(notebook).outputs.append(
            new_output("display_data", data={"application/vnd.foreign+json": "{}"})
        ),
    )
    assert rules(built) == {"privacy.mime"}


def test_a_file_that_no_record_names_is_refused(built):
    """The folder of outputs is no place to leave something."""
    (folder_of(built, "area") / "outputs" / "extra.csv").write_text("a\n1\n", encoding="utf-8")
    assert "reports.file" in rules(built)


@pytest.mark.parametrize("part", ["title", "subtitle", "alt", "reading_help"])
def test_a_figure_whose_record_lost_a_part_is_refused(built, part):
    """`sb.figure` refuses it already; a record written by hand does not get further."""
    change_record(folder_of(built, "area"), "figures/areas.json", lambda record: record[part].update(en=""))
    assert "reports.figure" in rules(built)


def test_an_empty_picture_is_refused(built):
    """A stub in the place of a chart leaks no error, so the gate looks itself."""
    file = folder_of(built, "area") / "outputs" / "figures" / "areas.en.svg"
    file.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    assert "reports.empty-figure" in rules(built)


def test_a_csv_that_differs_from_its_record_is_refused(built):
    """The download says what the table view says."""
    (folder_of(built, "area") / "outputs/figures/areas.csv").write_text(
        "borough,area\n01,99\n", encoding="utf-8"
    )
    assert "reports.record" in rules(built)


def test_a_closed_value_is_found_in_every_place(built):
    """In a picture's hover text, in a table, in a caption, in the source."""
    folder = folder_of(built, "area")
    svg = folder / "outputs/figures/areas.en.svg"
    svg.write_text(
        svg.read_text(encoding="utf-8").replace("</svg>", f"<title>{CANARY}</title></svg>"), encoding="utf-8"
    )
    assert rules(built) == {"privacy.value"}
    change_notebook(folder, lambda notebook: notebook.cells[1].update(source=f"name = '{CANARY}'"))
    assert "privacy.source-literal" in rules(built)


def test_a_closed_value_in_the_source_of_the_preparing_step_is_refused(built):
    """Its outputs stay inside, its source goes out."""
    change_notebook(
        folder_of(built, "people.prepare"),
        lambda notebook: notebook.cells[1].update(source=f"name = '{CANARY}'"),
    )
    assert rules(built, "people.prepare", step="prepare") == {"privacy.source-literal"}


def test_outputs_of_the_preparing_step_stay_inside(built):
    """Looking at the data while preparing is free: nothing of it leaves."""
    change_notebook(
        folder_of(built, "people.prepare"),
        lambda notebook: code_cell(notebook).outputs.append(
            new_output("stream", text=f"  age note\n0 3 {CANARY}\n")
        ),
    )
    assert rules(built, "people.prepare", step="prepare") == set()


def test_a_preparing_notebook_is_no_page(built):
    """Judged as a page it reads closed data and lacks every section."""
    assert {"reports.closed-input", "reports.missing-section"} <= rules(built, "people.prepare")


def test_a_protected_table_is_not_changed_by_hand(built):
    """A count below the threshold does not get out, whatever the file says."""

    def change(record):
        record["cells"][0].update(value=1, mark="")

    change_record(folder_of(built, "people.prepare"), "tables/by_borough.json", change)
    assert "reports.small-count" in rules(built, "people.prepare", step="prepare")


def test_a_table_that_was_promised_must_be_there(built):
    """The report step would wait for it in vain."""
    (folder_of(built, "people.prepare") / "outputs/tables/by_borough.json").unlink()
    assert "reports.not-given" in rules(built, "people.prepare", step="prepare")


@pytest.mark.parametrize(
    "path", ["run.json", "notebook.ipynb", "outputs/results.json", "outputs/shown/areas.json"]
)
def test_what_cannot_be_read_is_refused(built, path):
    """A broken file is a refusal, not a crash and not a pass."""
    folder = folder_of(built, "area")
    (folder / path).write_text("{", encoding="utf-8")
    told = manifest.read(built.root / "notebooks/area.ipynb", root=built.root).manifest
    evidence, decision = gate.judge(built.open(), folder, manifest=told, step="report")
    assert evidence is None
    assert [finding.rule for finding in decision.findings] == ["reports.unjudged"]


def test_a_check_that_breaks_refuses(built, monkeypatch):
    """Fail closed: the gate never passes what it could not judge, and its words hold no data."""

    def broken(*arguments, **more):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(screening.Screen, "of", broken)
    decision = judged(built)
    assert not decision.allowed
    assert CANARY not in str(decision)


def test_metadata_in_the_notebook_are_refused(built):
    """Nobody sees them, anybody can read them."""
    change_notebook(folder_of(built, "area"), lambda notebook: notebook.cells[0].metadata.update(secret="x"))
    assert rules(built) == {"privacy.metadata"}


def test_a_value_behind_an_escaped_line_break_is_found(built):
    """In JSON a line break is a backslash and an n; the word after it is read as a word."""
    change_record(
        folder_of(built, "area"),
        "figures/areas.json",
        lambda record: record["alt"].update(en=f"Note:\n{CANARY}"),
    )
    assert "privacy.value" in rules(built)


def test_a_planted_value_is_refused_whatever_the_run_reads(built):
    """Canaries are known to the gate by their keyed hashes alone."""
    values.plant(built.open(), ["Wendehals-Q7", "Zaunammer 12"])
    change_notebook(
        folder_of(built, "area"),
        lambda notebook: code_cell(notebook).outputs.append(new_output("stream", text="wendehals-q7\n")),
    )
    assert rules(built) == {"privacy.canary"}
    assert b"Wendehals" not in (built.open().state.folder("store") / "canaries").read_bytes()


def test_a_dataset_that_is_not_there_is_noted_unless_the_run_was_made_from_it(built):
    """An open page can still be judged and says what was not compared; its own source must be readable."""
    (built.root / "data" / "residents.csv").unlink()
    shutil.rmtree(built.open().state.folder("store") / "values", ignore_errors=True)
    decision = judged(built)
    assert decision.allowed
    assert [(one.rule, one.subject) for one in decision.findings] == [
        ("reports.not-compared", "population.residents")
    ]
    assert not judged(built, "people").allowed
