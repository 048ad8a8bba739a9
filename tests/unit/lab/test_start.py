"""How JupyterLab is started for a city."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from builders.city import Made, a_city

from stadtbuch.lab import start
from stadtbuch.runs import drafts, manifest

SHIPPED = sorted(drafts.SHIPPED.rglob("*.ipynb"))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give a fresh city."""
    return a_city(tmp_path / "city")


def test_a_city_without_a_start_notebook_gets_one(made: Made) -> None:
    """It is there once, and what people write into it stays."""
    assert start.start_notebook(made.settings) == "notebooks/tutorials/start.ipynb"
    path = made.root / "notebooks/tutorials/start.ipynb"
    assert "%load_ext stadtbuch" in path.read_text(encoding="utf-8")
    path.write_text("mine", encoding="utf-8")
    start.start_notebook(made.settings)
    assert path.read_text(encoding="utf-8") == "mine"


def test_flags_keep_the_lab_at_home(made: Made) -> None:
    """Root is the city, the extension is on, news and updates are off."""
    told = start.flags(made.settings, start="notebooks/tutorials/start.ipynb", port=9999, browser=False)
    assert f"--ServerApp.root_dir={made.root}" in told
    assert "--ServerApp.jpserver_extensions=stadtbuch.lab.server=True" in told
    assert {"--LabApp.news_url=None", "--LabApp.extension_manager=readonly", "--ServerApp.port=9999"} <= set(
        told
    )
    assert "--ContentsManager.hide_globs=var" in told
    assert not any("token" in one or "password" in one or "ServerApp.ip" in one for one in told)


@pytest.mark.parametrize(
    "path", [*SHIPPED, start.SHIPPED], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_shipped_notebooks_hold_no_outputs(path: Path) -> None:
    """They are valid, empty of outputs, and load the extension."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []
    assert any(cell.source.startswith("%load_ext stadtbuch") for cell in code)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_templates_speak_both_languages(path: Path) -> None:
    """Their manifests are valid, and every text exists in German and English."""
    told = manifest.read(path)
    assert "TODO" in told.manifest.benefit.de
    tags = [
        set(cell.metadata.get("tags", ())) for cell in told.notebook.cells if cell.cell_type == "markdown"
    ]
    assert sum("de" in one for one in tags) == sum("en" in one for one in tags) > 0


def test_templates_lie_where_the_templates_extension_looks() -> None:
    """jupyterlab-templates takes notebooks from the folders below its own, never from its own."""
    assert {path.relative_to(drafts.SHIPPED).parts[0] for path in SHIPPED} == {"closed-data", "open-data"}
    assert all(len(path.relative_to(drafts.SHIPPED).parts) == 2 for path in SHIPPED)


def test_no_shipped_notebook_names_a_real_dataset() -> None:
    """A template for every city names none of one."""
    text = "".join(json.dumps(json.loads(path.read_text(encoding="utf-8"))) for path in SHIPPED)
    assert "population." not in text
    assert "geography." not in text
