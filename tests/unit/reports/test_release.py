"""What an edition is made of: files without traces of machines, each with its licence."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from builders.city import Made

from stadtbuch import atomic
from stadtbuch.reports import editions, release


@pytest.fixture
def area(built) -> Path:
    """Give the folder of the open report's edition."""
    return built.root / "var/editions/area/_/2026-01-15"


@pytest.fixture
def people(built) -> Path:
    """Give the folder of the closed report's edition, which waits."""
    return built.root / "var/spool/waiting/people/_"


def test_every_file_is_listed_with_its_hash(area, people):
    """What lies there is what the description says, and nothing else."""
    for folder in (area, people):
        edition = editions.read(folder).edition
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert there == {file.path for file in edition.files} | {"edition.json"}
        assert all(atomic.digest((folder / file.path).read_bytes()) == file.sha256 for file in edition.files)


def test_the_public_notebook_tells_nothing_about_machines(area, built):
    """No paths, no times, no program's notes; tags, outputs and records' names stay."""
    text = (area / "notebooks/area.ipynb").read_text(encoding="utf-8")
    assert str(built.root) not in text
    assert "papermill" not in text
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert {key for cell in notebook.cells for key in cell.metadata} == {"tags"}
    kinds = [
        output.metadata.stadtbuch.kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "stadtbuch" in output.get("metadata", {})
    ]
    assert kinds == ["headline", "result", "figure", "table"]


def test_of_the_preparing_step_only_the_source_leaves(people):
    """No output, no counter, nothing of the data."""
    notebook = nbformat.read(people / "notebooks/people.prepare.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_a_protected_table_can_be_downloaded(people):
    """As CSV with marks, as Parquet with the same numbers, as its record."""
    frame = pd.read_csv(people / "data/by_borough.csv", dtype=str, keep_default_na=False)  # noqa: TID251 - a download
    assert frame.to_dict("list") == {
        "borough": ["01", "02", "total"],
        "value": ["5", "3", "8"],
        "mark": ["", "", ""],
    }
    stored = pd.read_parquet(people / "data/by_borough.parquet")  # noqa: TID251 - as above
    assert stored["value"].tolist() == [5, 3, 8]
    assert (
        json.loads((people / "data/by_borough.json").read_text(encoding="utf-8"))["kind"] == "protected-table"
    )


def test_every_download_names_licence_and_sources(area, people):
    """In the data package beside the CSV: licence, attribution, titles, hash."""
    package = json.loads((area / "figures/datapackage.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in package["licenses"]] == ["dl-de/by-2-0"]
    assert package["sources"][0]["attribution"] == "Statistikstelle Kleinstadt"
    (resource,) = package["resources"]
    assert resource["path"] == "areas.csv"
    assert resource["hash"] == f"sha256:{atomic.digest((area / 'figures/areas.csv').read_bytes())}"
    assert resource["schema"]["fields"][1] == {
        "name": "area",
        "type": "number",
        "title": "Fläche",
        "title_en": "Area",
    }
    package = json.loads((people / "data/datapackage.json").read_text(encoding="utf-8"))
    assert {one["path"] for one in package["resources"]} == {
        "by_borough.csv",
        "by_borough.parquet",
        "people.csv",
    }
    assert {one["class"] for one in package["sources"]} == {"closed", "open"}


def test_the_licence_is_written_for_people(people):
    """Both languages, and a closed source is named as what it is."""
    text = (people / "data/LICENCE.txt").read_text(encoding="utf-8")
    assert "Lizenz und Namensnennung" in text
    assert "Licence and attribution" in text
    assert "Melderegister" in text
    assert "(not open; only protected tables made from it are published)" in text


def test_inputs_tell_version_and_class_and_no_content(people):
    """The register's version and purpose, not the hash of the rows that the run saw."""
    inputs = {one["id"]: one for one in editions.read(people).edition.inputs}
    assert (inputs["population.residents"]["class"], inputs["population.residents"]["step"]) == (
        "closed",
        "prepare",
    )
    assert len(inputs["population.residents"]["version"]) == 64
    assert "sha256" not in inputs["population.residents"]
    assert inputs["people.by_borough"]["title"]["en"] == "Protected table by_borough"


def test_a_notebook_is_written_in_one_form():
    """Ids of cells that papermill makes up anew in every run become fixed."""

    def executed(identity: str):
        cells = [
            nbformat.v4.new_code_cell(
                "x = 1", id=identity, metadata={"tags": ["injected-parameters"], "papermill": {}}
            )
        ]
        return nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"start_time": identity}})

    first, second = (
        release.written(release.public_notebook(executed(one))) for one in ("aaaaaaaa", "bbbbbbbb")
    )
    assert first == second


def test_foreign_metadata_of_outputs_do_not_leave():
    """Only the name of the record stays."""
    marked = {"stadtbuch": {"kind": "table", "name": "a"}, "foreign": {"path": "x"}}
    output = nbformat.v4.new_output("display_data", data={"text/plain": "a"}, metadata=marked)
    cell = nbformat.v4.new_code_cell("a", outputs=[output], metadata={"slideshow": {"slide_type": "x"}})
    public = release.public_notebook(nbformat.v4.new_notebook(cells=[cell], metadata={"foreign": 1}))
    assert public.cells[0].outputs[0].metadata == {"stadtbuch": {"kind": "table", "name": "a"}}
    assert public.cells[0].metadata == {}
    assert set(public.metadata) == {"kernelspec", "language_info"}


def test_city_stays_unchanged(built: Made):
    """Reading an edition writes nothing."""
    before = sorted(path.as_posix() for path in built.root.rglob("*"))
    list(editions.history(built.open().state))
    assert sorted(path.as_posix() for path in built.root.rglob("*") if "book.sqlite" not in path.name) == [
        path for path in before if "book.sqlite" not in path
    ]


def test_notes_for_the_lab_do_not_leave():
    """The public notebook has no empty places where its author's notes were; the manifest always stays."""
    cells = [nbformat.v4.new_code_cell("", metadata={"tags": ["lab"]}) for _ in range(3)]
    notebook = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("1 + 1")])
    assert [cell.source for cell in release.public_notebook(notebook).cells] == ["", "1 + 1"]
