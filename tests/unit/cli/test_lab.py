"""``stadtbuch lab``: starting JupyterLab, and new analyses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from builders.city import Made, a_city

from stadtbuch.cli import lab, main


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Give a city, and stand in it."""
    city = a_city(tmp_path / "city")
    monkeypatch.chdir(city.root)
    return city


def test_it_becomes_jupyterlab(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is replaced, with the city and what was asked as one argument."""
    seen = []
    monkeypatch.setattr(lab.os, "execv", lambda program, words: seen.append((program, words)))
    assert main.main(["lab", "--port", "9999", "--no-browser"]) == 0
    ((program, words),) = seen
    assert (program, words[1:3]) == (sys.executable, ["-m", "stadtbuch.lab"])
    assert json.loads(words[3]) == {"city": str(made.root), "port": 9999, "browser": False, "json": False}


def test_without_jupyterlab_it_says_what_to_install(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An extra that is missing is no crash."""
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert main.main(["lab", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "lab.not-installed"
    assert "stadtbuch[lab]" in error["remedy"]


def test_new_needs_no_jupyterlab(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook is a file."""
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert main.main(["lab", "--new", "how-old", "--template", "closed-data", "--json"]) == 0
    made_files = json.loads(capsys.readouterr().out)["notebooks"]
    assert made_files == ["notebooks/analyses/how-old.ipynb", "notebooks/analyses/how-old.prepare.ipynb"]
    assert all((made.root / path).is_file() for path in made_files)


def test_new_tells_people_what_comes_next(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """The files, and what to fill in."""
    assert main.main(["lab", "--new", "how-old"]) == 0
    said = capsys.readouterr().out
    assert "notebooks/analyses/how-old.ipynb" in said
    assert "TODO" in said


def test_a_bad_name_is_a_usage_error(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and an example."""
    assert main.main(["lab", "--new", "Wie alt?"]) == 2
    assert "wie-alt-sind-die-baeume" in capsys.readouterr().err


def test_outside_of_a_city_there_is_no_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The usual sentence, and nothing starts."""
    monkeypatch.chdir(tmp_path)
    assert main.main(["lab"]) == 2
    assert "stadtbuch.toml" in capsys.readouterr().err
