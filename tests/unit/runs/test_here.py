"""Which city a notebook stands in."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders.city import NOW, a_city, a_closed_manifest, a_notebook

import stadtbuch as sb
from stadtbuch.errors import ManifestError, ParameterError, SettingsError
from stadtbuch.runs import execute, here, manifest, plan
from stadtbuch.session import City, RunCity

REGISTER = "population.residents"


def test_the_city_is_found_upwards(tmp_path: Path) -> None:
    """A notebook in any folder of the city finds it."""
    a_city(tmp_path)

    city = here.city(tmp_path / "notebooks", now=NOW)

    assert isinstance(city, City)
    assert city.settings.root == tmp_path.resolve()
    assert city.today == date(2026, 1, 15)


def test_outside_of_a_city_there_is_none(tmp_path: Path) -> None:
    """The message says what is missing."""
    with pytest.raises(SettingsError) as refused:
        here.city(tmp_path)
    assert refused.value.code == "settings.not-found"


def test_in_a_run_it_is_the_runs_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line gives the city of the run, whatever folder the code stands in."""
    made = a_city(tmp_path)
    request = plan.plan(made.open(), manifest.read(a_notebook(tmp_path)), {})
    request.folder.mkdir(parents=True)
    execute._lay_out(request)
    monkeypatch.setenv("STADTBUCH_RUN", str(request.folder))

    assert isinstance(sb.city(), RunCity)


def test_the_notebooks_variables_are_the_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In JupyterLab the manifest counts, and the filter follows the variable of the parameter's name."""
    a_city(tmp_path)
    path = a_notebook(tmp_path, manifest=a_closed_manifest(), parameters='borough = "all"')
    namespace = {"borough": "02", "unrelated": 1}
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(user_ns=namespace))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))

    city = here.city(tmp_path, now=NOW)

    assert city.load(REGISTER)["age"].tolist() == [58, 64, 71]
    namespace["borough"] = "03"
    with pytest.raises(ParameterError):
        city.load(REGISTER)


def test_values_can_be_given(tmp_path: Path) -> None:
    """Outside of a notebook its path and values may be named."""
    a_city(tmp_path)
    path = a_notebook(tmp_path, manifest=a_closed_manifest(), parameters='borough = "all"')

    city = here.city(tmp_path, now=NOW, notebook=path, values={"borough": "01"})

    assert city.parameters == {"borough": "01"}
    assert len(city.load(REGISTER)) == 5


def test_a_half_written_manifest_does_not_stop_exploring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the lab its mistakes are shown and open data can be read; a named notebook must be right."""
    a_city(tmp_path)
    path = a_notebook(tmp_path, manifest="```yaml\nstadtbuch: {risk: none}\n```")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))

    assert len(here.city(tmp_path, now=NOW).load("geography.boroughs")) == 2
    assert "stadtbuch.inputs: fehlt" in capsys.readouterr().err
    with pytest.raises(ManifestError):
        here.city(tmp_path, notebook=path)


def test_importing_the_library_is_cheap() -> None:
    """``import stadtbuch`` brings none of the heavy packages along."""
    code = (
        "import stadtbuch, sys; print(len({'pandas', 'pydantic', 'papermill', 'intake'} & set(sys.modules)))"
    )
    library = str(Path(sb.__file__).parents[1])

    told = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": library}, capture_output=True, text=True, check=True
    )

    assert told.stdout == "0\n"


def test_the_analysts_world_is_small() -> None:
    """At most a dozen names, and each of them is there."""
    assert len(sb.__all__) <= 14
    assert set(sb.__all__) <= set(dir(sb))
    assert all(getattr(sb, name) is not None for name in sb.__all__)
    with pytest.raises(AttributeError):
        sb.nothing  # noqa: B018 - asking is the test
