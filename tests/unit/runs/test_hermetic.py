"""``papermill --engine stadtbuch``: for anybody, behind a wall, and with a city's inputs where a manifest says so."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from builders.city import a_city, a_manifest, a_notebook
from nbformat.v4 import new_code_cell, new_notebook
from papermill import cli
from papermill.exceptions import PapermillExecutionError

from stadtbuch.errors import AccessDenied, Refused, StadtbuchError, UsageError
from stadtbuch.runs import hermetic, warm

LOADED = """
import sys
import stadtbuch.runs.hermetic
assert not {"papermill", "nbclient", "ipykernel", "pandas"} & set(sys.modules), sorted(sys.modules)
import stadtbuch.runs.engine
from papermill.engines import papermill_engines
print(papermill_engines.get_engine("stadtbuch").__name__)
"""


def a_plain_notebook(folder: Path, *code: str) -> Path:
    """Write a notebook of somebody who knows nothing of cities; its first cell has parameters."""
    cells = [new_code_cell("year = 1", metadata={"tags": ["parameters"]}), *map(new_code_cell, code)]
    path = folder / "theirs.ipynb"
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    return path


def run(path: Path, **parameters: object) -> nbformat.NotebookNode:
    """Run a notebook as papermill's users do, with our engine."""
    return papermill.execute_notebook(
        str(path), None, parameters, engine_name="stadtbuch", kernel_name="python3", progress_bar=False
    )


def test_the_entry_point_is_light_and_loads_in_any_order() -> None:
    """Papermill loads entry points while it is still importing itself: ours must not import it again."""
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)

    assert ended.stdout.split() == [hermetic.Stadtbuch.__name__], ended.stderr


def test_any_notebook_runs_behind_the_wall(tmp_path: Path) -> None:
    """Parameters arrive, the machine's files do not; the notebook says where it stopped."""
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")

    ran = run(a_plain_notebook(tmp_path, "year + 1"), year=7)
    with pytest.raises(PapermillExecutionError) as stopped:
        run(a_plain_notebook(tmp_path, f"open({str(secret)!r}).read()"))

    assert ran.cells[2].outputs[0].data["text/plain"] == "8"
    assert stopped.value.ename == "FileNotFoundError"


def test_a_notebook_with_a_manifest_gets_its_inputs(tmp_path: Path) -> None:
    """In a city it is what `stadtbuch run` lays out, and no more."""
    made = a_city(tmp_path / "city")

    ran = run(a_notebook(made.root))

    assert ran.cells[-1].outputs[0].data["text/plain"] == "2"


def test_the_command_of_the_page_works(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Papermill's own command line, as ``how-to/hermetic`` shows it, with a city's notebook and a typed parameter."""
    page = (root / "docs/how-to/hermetic.md").read_text(encoding="utf-8")
    (line,) = [one for one in page.splitlines() if one.startswith("papermill ")]
    *_, source, target = words = shlex.split(line)
    declared = a_manifest(
        parameters={"year": {"type": "integer", "minimum": 2000, "label": {"de": "Jahr", "en": "Year"}}}
    )
    made = a_city(tmp_path / "city")
    written = a_notebook(made.root, "year + 1", manifest=declared, parameters="year = 2001")
    (made.root / source).parent.mkdir(parents=True)
    notebook = nbformat.read(written, as_version=4)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, made.root / source)
    monkeypatch.chdir(made.root)

    cli.papermill(words[1:], standalone_mode=False)
    ran = nbformat.read(made.root / target, as_version=4)
    with pytest.raises(StadtbuchError):
        cli.papermill([*words[1:], "-p", "year", "1999"], standalone_mode=False)

    assert ran.cells[-1].outputs[0].data["text/plain"] == "2026"


def test_the_page_calls_the_kernel_by_its_name(root: Path) -> None:
    """What people are told to choose is what JupyterLab shows."""
    described = Path(hermetic.__file__).parents[1] / "share" / "kernels" / "stadtbuch" / "kernel.json"
    told = json.loads(described.read_text(encoding="utf-8"))["display_name"]
    for folder in ("how-to", "anleitungen"):
        assert f"*{told}*" in (root / "docs" / folder / "hermetic.md").read_text(encoding="utf-8")


def test_what_may_not_be_read_stops_before_a_run_starts(tmp_path: Path) -> None:
    """An unknown parameter, a dataset without a purpose: errors of the library, not of a cell."""
    made = a_city(tmp_path / "city")

    with pytest.raises(StadtbuchError) as refused:
        run(a_notebook(made.root), yaer=1)

    assert isinstance(refused.value, UsageError)
    assert not isinstance(refused.value, AccessDenied)


def test_without_a_wall_it_runs_in_a_plain_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same result, and papermill's log says that there was no wall."""

    def refuse(lock: Path | None = None) -> warm.Warm:
        raise Refused("run.wall-impossible", warm._impossible("").what)

    monkeypatch.setattr(warm, "begin", refuse)

    ran = run(a_plain_notebook(tmp_path, "year + 1"), year=7)

    assert ran.cells[2].outputs[0].data["text/plain"] == "8"
