"""
Papermill's traps: what it would take without a word is told before a kernel starts, wherever a value comes in.

Each trap is first seen to be one: papermill's own functions let the value pass.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
import pytest
import yaml
from builders.city import Made, a_city, a_dataset, a_manifest, a_notebook
from builders.reports import ROLES, write_report
from papermill.cli import _resolve_type
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from stadtbuch.cli import main
from stadtbuch.errors import ParameterError, Refused
from stadtbuch.runs import engine, kernels, manifest, warm
from stadtbuch.texts import same

LABEL = {"de": "Wert", "en": "Value"}
TYPES = {
    "year": {"type": "integer", "label": LABEL, "default": 2025},
    "code": {"type": "text", "label": LABEL, "default": "0000"},
    "share": {"type": "number", "label": LABEL, "default": 0.5},
    "only": {"type": "boolean", "label": LABEL, "default": True},
    "until": {"type": "date", "label": LABEL, "default": "2025-12-31"},
}
CELL = 'year = 2025\ncode = "0000"\nshare = 0.5\nonly = True\nuntil = "2025-12-31"'
CODE = "year=1;import os;x"
"""A name with a statement in it."""


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Give a city with a notebook of typed parameters, in which no kernel and no forked run can start."""

    def started(*told: Any, **more: Any) -> None:
        pytest.fail("a kernel was started")

    monkeypatch.setattr(kernels.PlainKernel, "start_kernel", started)
    monkeypatch.setattr(warm, "Run", started)
    monkeypatch.setattr("stadtbuch.runs.execute.execute", started)
    made = a_city(tmp_path / "city", datasets={"geography.boroughs": a_dataset()}, roles=ROLES)
    a_notebook(made.root, "year + 1", manifest=a_manifest(parameters=TYPES), parameters=CELL)
    return made


def called(city: Made, capsys: Any, *given: str) -> tuple[int, str]:
    """Run the notebook with these words, and give exit code and code of the error."""
    path = city.root / "notebooks" / "example.ipynb"
    code = main.main(["run", str(path), "--city", str(city.root), "--json", *given])
    return code, json.loads(capsys.readouterr().out)["error"]["code"]


def papermill_takes(city: Made, **given: Any) -> str:
    """Give the cell that papermill would write for these values."""
    notebook = load_notebook_node(str(city.root / "notebooks" / "example.ipynb"))
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    made = parameterize_notebook(notebook, given)
    (cell,) = [one for one in made.cells if "injected-parameters" in one.metadata.get("tags", ())]
    return str(cell.source)


def test_papermill_itself_falls_into_each_trap(city: Made):
    """A word for a year, a number for a code, another type, an unknown name, a statement in a name."""
    assert 'year = "abc"' in papermill_takes(city, year="abc")
    assert _resolve_type("0123") == 123
    assert "year = 2025.5" in papermill_takes(city, year=2025.5)
    assert "yaer = 2025" in papermill_takes(city, yaer=2025)
    assert f"{CODE} = 1" in papermill_takes(city, **{CODE: 1})


TRAPS = [
    ("year=abc", "parameter.type"),
    ("year=2025.0", "parameter.type"),
    ("year=02025", "parameter.type"),
    ("year=true", "parameter.type"),
    ("share=1,5", "parameter.type"),
    ("share=nan", "parameter.type"),
    ("only=1", "parameter.type"),
    ("only=on", "parameter.type"),
    ("until=31.12.2025", "parameter.type"),
    ("until=2025-02-29", "parameter.type"),
    ("yaer=2025", "parameter.unknown"),
    (f"{CODE}=1", "parameter.type"),  # the name ends at the first sign: the rest is no year
    ("x;import os=1", "parameter.form"),
    ("__import__('os')=1", "parameter.form"),
]


@pytest.mark.parametrize(("given", "code"), TRAPS)
def test_the_command_line_starts_no_kernel(city: Made, capsys: Any, given: str, code: str):
    """Exit code 2, and no folder of a run."""
    assert called(city, capsys, "-p", given) == (2, code)
    assert list((city.root / "var").glob("runs/*")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("year", "abc"), ("year", 2025.0), ("year", True), ("code", 123), ("share", "1,5"), ("only", 1),
     ("only", "on"), ("until", "31.12.2025"), ("yaer", 2025)],
)  # fmt: skip
def test_a_report_starts_no_kernel(
    city: Made, capsys: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
):
    """The same in a definition: `fixed`, told for the report and nothing else."""
    monkeypatch.setattr(
        "stadtbuch.runs.execute.execute", lambda requests, **more: [] if not requests else pytest.fail()
    )
    write_report(city.root, "area", report="notebooks/example.ipynb", fixed={name: value})
    assert main.main(["build", "area", "--city", str(city.root), "--json"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["status"] == "failed"
    assert run["error"]["code"] in ("parameter.type", "report.parameter")


def test_a_zero_in_front_of_a_text_stays(city: Made):
    """From a definition too: YAML is read so that 0123 is text."""
    (city.root / "reports").mkdir()
    write_report(city.root, "area", report="notebooks/example.ipynb", fixed={"code": "X"})
    file = city.root / "reports" / "area.yaml"
    file.write_text(file.read_text().replace("code: X", "code: 0123"))
    from stadtbuch.reports import definitions

    assert definitions.load(city.settings)["area"].fixed == {"code": "0123"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"year": {"type": "integer", "label": LABEL, "default": "abc"}}, "manifest.default-type"),
        ({"year": {"type": "integer", "label": LABEL, "default": 2025.0}}, "manifest.default-type"),
        ({"year": {"type": "integer", "label": LABEL, "default": True}}, "manifest.default-type"),
        ({"only": {"type": "boolean", "label": LABEL, "default": 1}}, "manifest.default-type"),
        ({"until": {"type": "date", "label": LABEL, "default": "2025-02-29"}}, "manifest.default-type"),
        ({"lambda": {"type": "integer", "label": LABEL, "default": 1}}, "manifest.keyword"),
        ({CODE: {"type": "integer", "label": LABEL, "default": 1}}, "manifest.value"),
    ],
)
def test_a_manifest_starts_no_kernel(city: Made, capsys: Any, changes: Mapping[str, Any], code: str):
    """Wrong defaults, words of Python and statements as names are mistakes of the manifest."""
    names = "\n".join(f"{name} = None" for name in changes if name.isidentifier() and name != "lambda")
    a_notebook(city.root, "1", manifest=a_manifest(parameters=changes), parameters=names or "x = None")
    path = city.root / "notebooks" / "example.ipynb"
    with pytest.raises(manifest.ManifestError) as refused:
        manifest.read(path, root=city.root)
    assert code in [one.code for one in refused.value.problems]
    assert called(city, capsys) == (2, "manifest.invalid")


@pytest.mark.parametrize(
    ("cell", "name"), [('year = "abc"', "year"), ("code = 123", "code"), ("share = None", "")]
)
def test_a_default_in_the_notebooks_own_cell_is_judged_alike(city: Made, capsys: Any, cell: str, name: str):
    """Papermill's convention is no way around the types."""
    a_notebook(city.root, "1", manifest=a_manifest(parameters=TYPES), parameters=f"{CELL}\n{cell}")
    if name:
        assert called(city, capsys) == (2, "parameter.type")


@pytest.fixture
def papermill_run(city: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a way to call papermill with our engine, and the cell that it would have run."""
    seen: list[str] = []

    def caught(nb_man: Any, *told: Any, **more: Any) -> None:
        seen.append(next(one.source for one in nb_man.nb.cells if "injected-parameters" in one.metadata.tags))

    monkeypatch.setattr(engine.warm, "begin", lambda: pytest.fail("a zygote was started"))
    monkeypatch.setattr(engine, "_without_wall", caught)
    engine.papermill_engines.register("stadtbuch-here", engine.Hermetic)
    path = city.root / "notebooks" / "example.ipynb"

    def run(**given: Any) -> str:
        papermill.execute_notebook(
            str(path), str(tmp_path / "out.ipynb"), parameters=given, engine_name="stadtbuch-here",
            kernel_name="python3", language="python", progress_bar=False,
        )  # fmt: skip
        return seen[-1]

    return run


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"year": "abc"}, "parameter.type"),
        ({"year": 2025.0}, "parameter.type"),
        ({"year": True}, "parameter.type"),
        ({"code": _resolve_type("0123")}, "parameter.type"),
        ({"only": 1}, "parameter.type"),
        ({"until": "31.12.2025"}, "parameter.type"),
        ({"yaer": 2025}, "parameter.unknown"),
        ({CODE: 1}, "parameter.unknown"),
    ],
)
def test_papermill_with_our_engine_starts_no_kernel(papermill_run: Any, given: Mapping[str, Any], code: str):
    """Whoever calls papermill instead of stadtbuch meets the same types."""
    with pytest.raises(ParameterError) as refused:
        papermill_run(**given)
    assert refused.value.code == code


def test_papermill_with_our_engine_gives_the_declared_types(
    papermill_run: Any, monkeypatch: pytest.MonkeyPatch
):
    """Raw texts of ``-r`` and whole numbers for numbers become what the manifest says; text stays text."""

    def no_wall() -> None:
        raise Refused("wall.none", same("x"), remedy=same("x"))

    monkeypatch.setattr(engine.warm, "begin", no_wall)
    cell = papermill_run(year="2024", code="0123", share=1, only="ja")
    assert cell.splitlines()[1:] == ["year = 2024", 'code = "0123"', "share = 1.0", "only = True"]


def test_the_form_asks_again_until_an_answer_fits(city: Made, capsys: Any, monkeypatch: pytest.MonkeyPatch):
    """What does not fit is told at the question; at the end of the input nothing has run."""
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("abc\n2024\n0123\n1,5\n0.25\nvielleicht\nnein\n31.12.2025\n")
    )
    code, error = called(city, capsys, "--form")
    assert (code, error) == (2, "usage.form-ended")


def test_what_the_form_gives_is_what_the_options_give(
    city: Made, capsys: Any, monkeypatch: pytest.MonkeyPatch
):
    """An empty line takes the default; the form ends with the line that does the same."""
    seen: list[Mapping[str, Any]] = []

    def planned(opened: Any, analysis: Any, bound: Mapping[str, Any], **more: Any) -> None:
        seen.append(bound)
        raise KeyboardInterrupt

    monkeypatch.setattr("stadtbuch.runs.plan.plan", planned)
    path = str(city.root / "notebooks" / "example.ipynb")
    monkeypatch.setattr("sys.stdin", io.StringIO("2024\n0123\n\nnein\n2028-02-29\n"))
    main.main(["run", path, "--city", str(city.root), "--form"])
    told = capsys.readouterr().err
    words = told.partition("Ohne Formular: ")[2].splitlines()[0].split()[3:]
    main.main(["run", path, "--city", str(city.root), *words])
    expected = {"year": 2024, "code": "0123", "share": 0.5, "only": False, "until": "2028-02-29"}
    assert seen == [expected, expected]
    assert "leer: 0.5" in told


def test_a_parameter_that_is_given_is_not_asked(city: Made, capsys: Any, monkeypatch: pytest.MonkeyPatch):
    """The form asks for the rest."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    path = str(city.root / "notebooks" / "example.ipynb")
    main.main(["run", path, "--city", str(city.root), "--form", "-p", "year=2024"])
    told = capsys.readouterr().err
    assert "(code)" in told and "(year)" not in told


def test_the_examples_of_yaml_are_read_without_guessing():
    """`yes`, `on` and numbers with zeros: what people write is what a run gets, or an error."""
    assert yaml.safe_load("only: on") == {"only": True}  # the trap of YAML itself
    from stadtbuch.catalog import files

    located, _ = files.loads(b"only: on\ncode: 0123\n", name="a.yaml")
    assert located is not None
    assert located.data == {"only": "on", "code": "0123"}
