"""The door inside a run: what was laid out, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders.city import a_city, a_closed_manifest, a_notebook

from stadtbuch.errors import AccessDenied, StateError
from stadtbuch.runs import execute, manifest, plan
from stadtbuch.session import RunCity

REGISTER = "population.residents"


@pytest.fixture
def run(tmp_path: Path) -> RunCity:
    """Give the city of a run that was laid out, not executed."""
    made = a_city(tmp_path)
    told = a_closed_manifest(parameters=None, inputs={REGISTER: {"columns": ["borough", "age"]}})
    analysis = manifest.read(a_notebook(tmp_path, manifest=told), root=tmp_path)
    request = plan.plan(made.open(), analysis, {})
    request.folder.mkdir(parents=True)
    execute._lay_out(request)
    return RunCity.open(request.folder)


def test_a_declared_input_is_there(run: RunCity) -> None:
    """The bare line gives the declared columns; fewer may be asked for."""
    assert run.load(REGISTER).columns.tolist() == ["borough", "age"]
    assert run.load(REGISTER, "age-structure", ["age"]).columns.tolist() == ["age"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"dataset": "geography.boroughs"}, "geography.boroughs: {columns: [...]}"),
        ({"dataset": "population.resident"}, "Oder meinten Sie population.residents?"),
        ({"dataset": REGISTER, "columns": ["age", "note"]}, "unter inputs: population.residents: columns:"),
        ({"dataset": REGISTER, "purpose": "other"}, "ändern Sie purpose:"),
        ({"dataset": REGISTER, "rows": {"borough": "01"}}, "unter inputs: population.residents: rows:"),
    ],
)
def test_what_is_not_declared_is_refused(run: RunCity, asked: dict[str, Any], told: str) -> None:
    """Anything beyond the manifest is refused with the line to add."""
    with pytest.raises(AccessDenied) as refused:
        run.load(**asked)

    assert (refused.value.code, refused.value.exit_code) == ("access.not-declared", 4)
    assert told in refused.value.remedy.de


def test_a_value_given_as_an_id_is_not_repeated(run: RunCity) -> None:
    """What does not look like an id could be a value of the data: no message repeats it."""
    with pytest.raises(AccessDenied) as refused:
        run.load("Erika Mustermann")

    assert "Erika" not in str(refused.value) + json.dumps(refused.value.as_dict("en"))


def test_a_changed_input_is_noticed(run: RunCity) -> None:
    """A file that is not the planned one is an error, not other numbers."""
    path = run.folder / "inputs" / f"{REGISTER}.parquet"
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(StateError) as failed:
        run.load(REGISTER)

    assert failed.value.code == "run.input-damaged"


def test_a_folder_of_no_run_is_refused(tmp_path: Path) -> None:
    """The variable that names the run's folder must name one."""
    with pytest.raises(StateError) as failed:
        RunCity.open(tmp_path)

    assert failed.value.code == "run.no-folder"


def test_a_run_knows_its_facts(run: RunCity) -> None:
    """Figures and tables find parameters, languages, seed and the place for their records."""
    assert (run.parameters, run.languages, run.seed) == ({}, ("de", "en"), 20260101)
    assert run.outputs == run.folder / "outputs"
    assert run.now.isoformat() == "2026-01-15T09:30:00+00:00"
    assert run.facts()["inputs"][REGISTER]["class"] == "closed"
    assert repr(run) == "RunCity(Kleinstadt, 1 inputs)"
