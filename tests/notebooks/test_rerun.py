"""
The executed notebooks of a build, executed once more: same texts, same tables, same figures.

nbval runs each executed copy in the private folder of its run, with exactly the inputs that were laid out there,
and compares what every cell puts out. Pictures are no text: they are compared by the rows of their record.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from stories.conftest import Lindenstadt, lindenstadt  # noqa: F401 - the built city, shared with the stories

from stadtbuch.runs import kernels

pytestmark = pytest.mark.slow

SANITIZE = """
[a picture is compared by its record, not by its drawing]
regex: (?s)<svg.*</svg>
replace: PICTURE
"""
RUNS = {
    "prepare": ("who-lives-where.prepare", None),
    "whole city": ("who-lives-where", "all"),
    "borough": ("who-lives-where", "Mitte"),
    "cycling": ("how-does-the-city-cycle", None),
    "budget prepare": ("budget-understandable.prepare", None),
    "budget": ("budget-understandable", None),
    "welfare prepare": ("welfare-by-quarter.prepare", None),
    "welfare": ("welfare-by-quarter", None),
    "our data": ("state-of-our-data", None),
    "nature prepare": ("owl-kingfisher-drinking-water.prepare", None),
    "nature": ("owl-kingfisher-drinking-water", None),
}
ONCE = ("welfare prepare", "budget prepare")
"""Not executed again: they only protect, which has tests of its own, and one preparation stands for all here."""


@pytest.fixture(scope="module")
def runs(lindenstadt: Lindenstadt) -> dict[str, Path]:  # noqa: F811 - the fixture
    """Give the folders of the built city's runs; of the pages of boroughs, one."""
    folders = sorted((lindenstadt.root / "var" / "runs").iterdir())
    return {name: folder for folder in folders if (name := _name(_told(folder)))}


def _told(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def _name(told: dict[str, Any]) -> str | None:
    path = Path(told["notebook"])
    wanted = path.stem, told["parameters"].get("borough")
    if path.parent.name != "analyses":
        return None  # of a dashboard
    return next((name for name, one in RUNS.items() if one == wanted), None)


@pytest.fixture
def again(tmp_path: Path) -> Callable[[Path], tuple[Path, subprocess.CompletedProcess[str]]]:
    """Give a function that executes a copy of a run's folder with nbval, its outputs emptied before."""
    spec = {
        "argv": [sys.executable, "-P", "-s", str(kernels.PROGRAM), "-f", "{connection_file}"],
        "display_name": "Stadtbuch",
        "language": "python",
    }
    known = tmp_path / "jupyter" / "kernels" / kernels.NAME
    known.mkdir(parents=True)
    (known / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    (tmp_path / "sanitize.cfg").write_text(SANITIZE, encoding="utf-8")

    def execute(run: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
        copy = tmp_path / "run"
        shutil.copytree(run, copy)
        shutil.rmtree(copy / "outputs", ignore_errors=True)
        for name in ("home", "outputs/tables", "outputs/figures", "outputs/shown"):
            (copy / name).mkdir(parents=True)
        command = [
            *(sys.executable, "-P", "-m", "pytest", "-p", "nbval.plugin", "-p", "no:cacheprovider"),
            *("--rootdir", str(copy), "--color=no", "--nbval", "--nbval-kernel-name", kernels.NAME),
            *("--nbval-sanitize-with", str(tmp_path / "sanitize.cfg"), "notebook.ipynb"),
        ]
        environment = kernels.environment(copy, _told(copy)) | {
            "JUPYTER_PATH": str(tmp_path / "jupyter"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        return copy, done

    return execute


def _records(run: Path) -> dict[str, Any]:
    """Give what a run recorded: figures with their rows, tables, results."""
    return {
        path.relative_to(run).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((run / "outputs").rglob("*.json"))
    }


def unshown(run: Path) -> set[str]:
    """
    Give the records of a run that its executed notebook does not show.

    nbval compares what was stored: a notebook that was emptied passes whatever it puts out now.
    """
    notebook = nbformat.read(run / "notebook.ipynb", as_version=4)
    shown = {
        output.get("metadata", {}).get("stadtbuch", {}).get("name")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    }
    records = _records(run)
    results = {one["name"] for one in records.pop("outputs/results.json", [])}
    wanted = {Path(path).stem for path in records} | results
    assert wanted, "a run without any record shows nothing to anybody"
    return wanted - shown


LONG = ("whole city", "our data", "budget", "welfare", "nature")
"""Left to the campaign: the others stand for them."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=[pytest.mark.long] if one in LONG else []) for one in RUNS if one not in ONCE],
)
def test_a_second_execution_gives_the_same(
    name: str,
    runs: dict[str, Path],
    again: Callable[[Path], tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    """Texts and tables cell by cell, figures by the rows of their records, results by their values."""
    assert unshown(runs[name]) == set()
    copy, done = again(runs[name])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert _records(copy) == _records(runs[name])


def test_each_figure_has_rows_to_compare(runs: dict[str, Path]) -> None:
    """Without rows in its record, a figure would be compared by nothing."""
    figures = {
        path.name: len(json.loads(path.read_text(encoding="utf-8"))["rows"])
        for run in runs.values()
        for path in (run / "outputs" / "figures").glob("*.json")
    }
    known = {"pyramid.json", "map.json", "calendar.json", "months.json", "classes.json", "scorecard.json"}
    assert set(figures) >= known
    assert min(figures.values()) > 0


# ---- what nbval sees, and what it does not ---------------------------------------------------


@pytest.fixture
def small_run(tmp_path: Path) -> Callable[[str | None], Path]:
    """Give a function that lays out a run of one cell, with a stored output or without."""

    def lay_out(stored: str | None) -> Path:
        run = tmp_path / "small"
        (run / "outputs").mkdir(parents=True)
        told = {"seed": 1, "city": {"timezone": "Europe/Berlin"}, "now": "2026-01-15T08:00:00+01:00"}
        (run / "run.json").write_text(json.dumps(told), encoding="utf-8")
        result = [{"name": "sum", "value": 3, "kind": "result"}]
        (run / "outputs" / "results.json").write_text(json.dumps(result), encoding="utf-8")
        outputs = [] if stored is None else [_output(stored)]
        cell = new_code_cell("1 + 2", outputs=outputs, execution_count=1 if outputs else None)
        nbformat.write(new_notebook(cells=[cell]), run / "notebook.ipynb")
        return run

    return lay_out


def _output(text: str) -> nbformat.NotebookNode:
    told = {"stadtbuch": {"kind": "result", "name": "sum"}}
    return new_output("execute_result", data={"text/plain": text}, metadata=told, execution_count=1)


@pytest.mark.parametrize(("stored", "code", "lacking"), [("4", 1, set()), (None, 0, {"sum"})])
def test_a_notebook_without_stored_outputs_is_seen(
    stored: str | None, code: int, lacking: set[str], small_run: Any, again: Any
) -> None:
    """Another output is refused by nbval, a missing one passes in silence: there our own guard speaks."""
    run = small_run(stored)
    assert again(run)[1].returncode == code
    assert unshown(run) == lacking


def test_nbval_has_one_door(root: Path) -> None:
    """No other module of the tests knows nbval: a slow upstream has one place to be met."""
    knowing = {
        path.name
        for folder in ("lib", "tests", "benchmarks")
        for path in (root / folder).rglob("*.py")
        if "nbval" in path.read_text(encoding="utf-8")
    }
    assert knowing == {Path(__file__).name}
