"""``stadtbuch run``: one run, said in sentences or as one JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders.city import CANARY, a_city, a_closed_manifest, a_dataset, a_notebook, default_datasets

from stadtbuch.cli import main
from stadtbuch.runs import execute, manifest, plan

REGISTER = "population.residents"


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a way to run a notebook of a city: exit code, stdout, stderr."""

    def run(path: Path, *more: str) -> tuple[int, str, str]:
        code = main.main(["run", str(path), "--city", str(tmp_path), "--now", "2026-01-15", *more])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_a_run_tells_its_key_and_folder(tmp_path: Path, call: Any) -> None:
    """The second call says that there was nothing to do; JSON is one document."""
    a_city(tmp_path)
    path = a_notebook(tmp_path)

    code, out, err = call(path, "--json")
    told = json.loads(out)

    assert (code, told["status"], told["error"], told["parameters"]) == (0, "ran", None, {})
    assert told["folder"] == f"var/runs/{told['key']}"
    assert "[1/1] notebooks/example.ipynb: ausgeführt" in err
    code, out, err = call(path)
    assert (code, err) == (0, "")
    assert out.startswith("Nichts zu tun: Daten, Code und Parameter sind dieselben")


def test_a_failed_run_says_where(tmp_path: Path, call: Any) -> None:
    """People read a sentence with the cell; JSON keeps key and folder beside the error."""
    a_city(tmp_path)
    path = a_notebook(
        tmp_path,
        f"import stadtbuch as sb\npeople = sb.city().load('{REGISTER}')",
        f"raise KeyError('{CANARY}')",
        manifest=a_closed_manifest(),
        parameters='borough = "all"',
    )

    code, out, _ = call(path, "-p", "borough=01", "--json")
    told = json.loads(out)

    assert (code, told["status"], told["error"]["code"]) == (1, "failed", "run.failed")
    assert told["error"]["text"] == "notebooks/example.ipynb ist in Zelle 4 gescheitert (KeyError)."
    assert CANARY not in out


def notebook(root: Path, **changes: Any) -> Path:
    """Write a notebook that reads the closed register and has no default for its parameter."""
    return a_notebook(root, "1 + 1", manifest=a_closed_manifest(**changes), parameters="borough = None")


def with_expired_grant() -> dict[str, Any]:
    """Give a catalogue in which the analyst's grant is over."""
    register = a_dataset(access="closed")
    register["access"]["grants"][0]["until"] = "2025-12-31"
    return default_datasets() | {REGISTER: register}


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (["-p", "borough=01", "-p", "boro=1"], 2, "parameter.unknown"),
        (["-p", "borough=99"], 2, "parameter.choice"),
        ([], 2, "parameter.missing"),
        (["-p", "borough"], 2, "parameter.form"),
        (["-p", "borough=01", "--as", "mayor"], 4, "actor.role-not-yours"),
    ],
)
def test_wrong_calls_start_nothing(tmp_path: Path, call: Any, given: list[str], code: int, name: str) -> None:
    """Each mistake has its own code; no run folder is made."""
    a_city(tmp_path)

    got, out, _ = call(notebook(tmp_path), *given, "--json")

    assert (got, json.loads(out)["error"]["code"]) == (code, name)
    assert list((tmp_path / "var").glob("runs/*")) == []


def test_without_a_purpose_access_is_denied(tmp_path: Path, call: Any) -> None:
    """Exit code 4, and what to write."""
    a_city(tmp_path)

    code, _, err = call(notebook(tmp_path, purpose=None), "-p", "borough=01")

    assert code == 4
    assert err.startswith("population.residents ist geschlossen, und es ist kein Zweck angegeben.")
    assert "purpose: age-structure" in err


def test_an_expired_grant_denies_access(tmp_path: Path, call: Any) -> None:
    """Exit code 4; the message names the day."""
    a_city(tmp_path, datasets=with_expired_grant())

    code, out, _ = call(notebook(tmp_path), "-p", "borough=01", "--json")

    assert (code, json.loads(out)["error"]["code"]) == (4, "access.grant-expired")


def test_a_missing_file_fails(tmp_path: Path, call: Any) -> None:
    """Exit code 1: the source of the dataset is missing."""
    a_city(tmp_path)
    (tmp_path / "data" / "residents.csv").unlink()

    code, out, _ = call(notebook(tmp_path), "-p", "borough=01", "--json")

    assert (code, json.loads(out)["error"]["code"]) == (1, "source.missing")


@pytest.mark.parametrize(
    ("first", "name"),
    [("# Titel", "manifest.missing"), ("```yaml\nstadtbuch: {\n```", "manifest.invalid")],
)
def test_a_wrong_manifest_is_said(tmp_path: Path, call: Any, first: str, name: str) -> None:
    """No manifest, and one that is no YAML: exit code 2."""
    a_city(tmp_path)

    code, out, _ = call(a_notebook(tmp_path, manifest=first), "--json")

    assert (code, json.loads(out)["error"]["code"]) == (2, name)


def test_a_second_run_at_the_same_time_is_told_to_wait(tmp_path: Path, call: Any) -> None:
    """Exit code 1, nothing lost."""
    made = a_city(tmp_path)
    path = a_notebook(tmp_path)
    request = plan.plan(made.open(), manifest.read(path, root=tmp_path), {})

    with execute._claim(request.folder):
        code, out, _ = call(path, "--json")

    assert (code, json.loads(out)["error"]["code"]) == (1, "run.busy")
