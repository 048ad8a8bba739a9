"""The manifest: strict, every mistake at once, with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.city import a_closed_manifest, a_manifest, a_notebook, fenced

import stadtbuch
from stadtbuch.errors import ManifestError
from stadtbuch.runs import manifest

SCHEMA = Path(stadtbuch.__file__).parent / "share" / "schemas" / "manifest.schema.json"


def mistakes(root: Path, first: str | dict[str, Any], **cells: Any) -> dict[str, tuple[int | None, str]]:
    """Give the mistakes of a manifest: code -> line and German text."""
    with pytest.raises(ManifestError) as refused:
        manifest.read(a_notebook(root, manifest=first, **cells), root=root)
    assert refused.value.exit_code == 2
    return {one.code: (one.line, one.what.de) for one in refused.value.problems} or {
        refused.value.code: (None, "")
    }


def test_a_valid_manifest_is_read(tmp_path: Path) -> None:
    """Purpose, inputs and parameters arrive typed; the name is relative to the city."""
    path = a_notebook(tmp_path, manifest=a_closed_manifest(), parameters='borough = "all"')

    analysis = manifest.read(path, root=tmp_path)

    assert (analysis.name, analysis.manifest.purpose) == ("notebooks/example.ipynb", "age-structure")
    assert analysis.manifest.parameters["borough"].extra == ("all",)
    assert analysis.manifest.inputs["population.residents"].rows == {"borough": "{borough}"}


def test_words_around_the_block_and_other_blocks_are_fine(tmp_path: Path) -> None:
    """People may explain in the first cell; only blocks marked as yaml count."""
    first = f"# Titel\n\n```python\nstadtbuch: 1\n```\n\n{fenced(a_manifest())}\n\nMehr dazu."

    assert manifest.read(a_notebook(tmp_path, manifest=first)).manifest.risk == "none"


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    """Lines count within the first cell, prose above the block included."""
    first = "\n".join([
        "Ein Satz.",
        "```yaml",
        "stadtbuch:",
        "  benefit: {de: Nutzen, en: Benefit}",
        "  risk: huge",
        "  risk: none",
        "  purpos: age-structure",
        "  inputs:",
        "    population.residents: {colums: [age]}",
        "```",
    ])  # fmt: skip

    with pytest.raises(ManifestError) as refused:
        manifest.read(a_notebook(tmp_path, manifest=first))

    told = {(one.line, one.path, one.code) for one in refused.value.problems}
    assert told == {
        (6, "stadtbuch.risk", "manifest.key-twice"),
        (5, "stadtbuch.risk", "manifest.value"),
        (7, "stadtbuch.purpos", "manifest.key-unknown"),
        (9, "stadtbuch.inputs.population.residents.colums", "manifest.key-unknown"),
    }
    assert "example.ipynb:7 stadtbuch.purpos: ist ein unbekannter Schlüssel (meinten Sie purpose?)" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("# Nur Text", "manifest.missing"),
        ("```yaml\nother: 1\n```", "manifest.key-missing"),
        ("```yaml\nstadtbuch: [\n```", "manifest.not-yaml"),
        ("```yaml\n- a\n```", "manifest.not-mapping"),
        ("```yaml\n\n```", "manifest.empty"),
        ("```yaml\nstadtbuch: &a {risk: none, x: *a}\n```", "manifest.alias"),
        (f"{fenced(a_manifest())}\n{fenced(a_manifest())}", "manifest.two-blocks"),
    ],
)
def test_what_is_no_manifest_is_said(tmp_path: Path, first: str, code: str) -> None:
    """No block, no YAML, two blocks: each has its own code."""
    assert code in mistakes(tmp_path, first)


CHOICE = {"type": "choice", "label": {"de": "Bezirk", "en": "Borough"}, "choices": ["a"]}
NUMBER = {"type": "integer", "label": {"de": "Jahr", "en": "Year"}}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"benefit": {"de": "Nur deutsch", "en": ""}}, "manifest.empty-text"),
        ({"benefit": {"de": "a", "en": "b", "fr": "c"}}, "manifest.unknown"),
        ({"inputs": {"residents": {}}}, "manifest.input-id"),
        ({"inputs": {}}, "manifest.value"),
        ({"inputs": {"geography.boroughs": {"rows": {"borough": "{borow}"}}}}, "manifest.rows-parameter"),
        ({"inputs": {"geography.boroughs": {"rows": {"borough": "0{x}"}}}}, "manifest.rows-template"),
        ({"inputs": {"geography.boroughs": {"rows": {"borough": {"min": 1}}}}}, "manifest.rows-form"),
        ({"parameters": {"x": {**CHOICE, "choices": None}}}, "manifest.no-choices"),
        ({"parameters": {"x": {**CHOICE, "choices": "catalogue:boroughs"}}}, "manifest.choices-form"),
        ({"parameters": {"x": {**NUMBER, "or": ["all"]}}}, "manifest.choices-misplaced"),
        ({"parameters": {"x": {**NUMBER, "minimum": 2, "maximum": 1}}}, "manifest.range-empty"),
        ({"parameters": {"x": {**CHOICE, "minimum": 2}}}, "manifest.range-misplaced"),
        ({"parameters": {"x": {**NUMBER, "default": "1"}}}, "manifest.default-type"),
        ({"parameters": {"class": NUMBER}}, "manifest.keyword"),
        ({"parameters": {"X y": NUMBER}}, "manifest.value"),
        ({"parameters": {"x": {**NUMBER, "extra": ["all"]}}}, "manifest.key-unknown"),
    ],
)
def test_parts_that_do_not_fit_are_said(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    """What a type cannot see is checked as well."""
    assert code in mistakes(tmp_path, a_manifest(**change), parameters="x = 1")


def test_parameters_need_their_cell(tmp_path: Path) -> None:
    """Papermill writes below the tagged cell; without it the manifest would no longer be first."""
    told = a_manifest(parameters={"year": {**NUMBER, "default": 2025}})

    assert "manifest.parameters-cell" in mistakes(tmp_path, told)
    _, text = mistakes(tmp_path, told, parameters="year = 2025\nyeer = 1")["manifest.parameters-cell"]
    assert text == "die Zelle „parameters“ setzt yeer, das Manifest erklärt es nicht"
    assert manifest.read(a_notebook(tmp_path, manifest=told, parameters="year = 2025")).manifest.parameters


def test_files_that_are_no_notebooks_are_said(tmp_path: Path) -> None:
    """A missing file, a text file, a huge file: three messages."""
    other, huge = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    other.write_text("{}", encoding="utf-8")
    huge.write_bytes(b" " * (manifest.MAX_BYTES + 1))
    codes = []
    for path in (tmp_path / "none.ipynb", other, huge):
        with pytest.raises(ManifestError) as refused:
            manifest.read(path)
        codes.append(refused.value.code)

    assert codes == ["manifest.no-notebook", "manifest.not-a-notebook", "manifest.too-large"]


def test_stored_outputs_are_a_finding(tmp_path: Path) -> None:
    """Outputs in the file stop no run, but whoever passes the file on should know."""
    path = a_notebook(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="Erika")]
    nbformat.write(notebook, path)

    (finding,) = manifest.findings(manifest.read(path, root=tmp_path))

    assert (finding.rule, finding.severity) == ("notebook.stored-outputs", "warn")
    assert finding.text.de == "In der Datei sind Ausgaben gespeichert (Zellen 3)."


def test_the_shipped_schema_is_current() -> None:
    """Editors help with the schema that the library checks against."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == manifest.schema()


def test_the_cell_of_parameters_gives_literal_defaults_and_is_never_run(tmp_path):
    """Papermill's convention holds for the command line too, without executing what is no literal."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "year = 2025\nplace = 'Mitte'\nbad = __import__('os').getcwd()",
                metadata={"tags": ["parameters"]},
            ),
            nbformat.v4.new_code_cell("year = 1999"),
        ]
    )
    analysis = manifest.Analysis(manifest=None, notebook=notebook, path=tmp_path, name="x")
    assert analysis.defaults == {"year": 2025, "place": "Mitte"}


def test_notes_for_the_lab_are_no_part_of_the_analysis(tmp_path):
    """A cell tagged ``lab`` keeps its place, so that cells are counted as people see them, and loses its content."""
    path = a_notebook(tmp_path, "%load_ext stadtbuch", "1 + 1")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells[:2]:
        cell.metadata["tags"] = ["lab"]
    nbformat.write(notebook, path)
    read = manifest.read(path)
    assert [cell.source for cell in read.notebook.cells[1:]] == ["", "1 + 1"]
    assert read.notebook.cells[0].source == notebook.cells[0].source
