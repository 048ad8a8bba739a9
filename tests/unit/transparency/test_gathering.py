"""What the process report looks at: git, the archive, the city's files; and the command that tells it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.reports import ROLES, write_open_report

from stadtbuch.cli import main
from stadtbuch.reports import definitions
from stadtbuch.transparency import gathering

NOTEBOOK = "notebooks/area.ipynb"


def git(root: Path, *arguments: str) -> None:
    """Call git, with a name that is nobody's."""
    told = ["-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *told, *arguments], check=True, capture_output=True)


def versioned(root: Path) -> bool | None:
    """Ask whether git knows the notebook as it is."""
    return gathering.is_versioned(gathering.unchanged_files(root), [NOTEBOOK])


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with one report that was never built."""
    made = a_city(tmp_path / "city", roles=ROLES)
    write_open_report(made.root)
    return made


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_versioned_means_as_git_knows_it(city: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of git nobody knows; then unknown, known, and changed since."""
    root = city.root
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    assert versioned(root) is None
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    assert versioned(root) is False
    git(root, "add", NOTEBOOK)
    git(root, "commit", "-q", "-m", "second")
    assert versioned(root) is True
    (root / NOTEBOOK).write_text((root / NOTEBOOK).read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert versioned(root) is False


def test_a_missing_git_is_not_a_yes(city: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed, nothing is known."""
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert versioned(city.root) is None


def test_facts_follow_the_files(city: Made) -> None:
    """README, lock, tests, changelog and automation are met once they are there."""
    opened = city.open()
    (report,) = definitions.load(city.settings).values()
    before = gathering.facts(opened, report, [], "")
    for name in ("README.md", "requirements/runtime.lock", "CHANGELOG.md", ".ci/run"):
        (city.root / name).parent.mkdir(exist_ok=True)
        (city.root / name).write_text("x", encoding="utf-8")
    after = gathering.facts(opened, report, [], "def test_area(): ...")

    names = ("readme", "lock", "tests", "changelog", "automation")
    assert [getattr(before, name) for name in names] == [False] * 5
    assert [getattr(after, name) for name in names] == [True] * 5
    assert (before.parses, before.functions) == (True, 1)
    assert before.sections >= {"method", "limits"}
    assert (before.edition_files, before.runs, before.reviewed_by) == (frozenset(), frozenset(), None)


def test_the_command_tells_the_process(city: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document, or sentences; not about single datasets."""
    folder = city.open().state.folder("runs") / ("a" * 64)
    arguments = ["quality", "--process", "--city", str(city.root), "--now", "2026-01-15T09:00"]
    assert main.main([*arguments, "--json"]) == 0
    before = json.loads(capsys.readouterr().out)["process"]
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps({"status": "ran", "seconds": 2, "cpu_seconds": 1.5}))
    assert main.main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["process"]

    assert (before["schedule"], before["durations"]["cpu_seconds"]) == (None, None)
    assert told["durations"]["cpu_seconds"] == 1.5
    assert told["energy"]["estimated_watt_hours"] > 0
    assert told["reviews"] == {"known": 2, "overdue": 0, "subjects": []}
    assert told["levels"]["area"]["level"] is None
    assert main.main(arguments) == 0
    assert "Zeitplan: keiner" in capsys.readouterr().out
    assert main.main([*arguments, "geography.boroughs"]) == 2
