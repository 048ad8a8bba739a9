"""The rounds: every check exists, none can break the examination, the page names them all."""

import importlib.util
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from stadtbuch.errors import Refused
from stadtbuch.examination import installation, memory
from stadtbuch.examination.notes import Check, Level, Note, fine
from stadtbuch.examination.rounds import ROUNDS, examine, looked_up
from stadtbuch.examination.scene import Scene
from stadtbuch.runs import wall, warm
from stadtbuch.texts import Text, same

SCENE = Scene(root=None, now=datetime(2026, 1, 15, tzinfo=UTC))
CHECKS = [check for checks in ROUNDS.values() for check in checks]


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.id)
def test_every_check_has_its_function(check):
    """A table of names could name what is not there."""
    assert looked_up(check).__doc__
    assert check.title.de
    assert check.title.en


def test_no_two_checks_share_an_id():
    """Machines tell checks by their id."""
    ids = [one.id for one in CHECKS]
    assert len(ids) == len(set(ids)) > 40


def test_the_page_names_every_check(root):
    """docs/reference/doctor.md says what is looked at; `make docs` writes it."""
    path = root / "docs" / "reference" / "write_doctor.py"
    spec = importlib.util.spec_from_file_location("write_doctor", path)
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert (root / "docs" / "reference" / "doctor.md").read_text(encoding="utf-8") == writer.page()


def test_a_check_that_breaks_is_a_problem_without_its_words(monkeypatch):
    """The words of a foreign error may hold data."""

    def break_(_):
        raise RuntimeError("4711 lives in the Altmarkt")

    monkeypatch.setattr(installation, "python", break_)
    report = examine(SCENE)
    (found,) = [one for one in report.seen if one.check == "python"]
    assert found.note.level is Level.problem
    assert "RuntimeError" in found.note.text.en
    assert "4711" not in str(found.as_dict("de"))
    assert len(report.seen) > 5


def test_a_note_that_is_not_fine_needs_a_remedy():
    """Nobody is told of a problem and left alone with it."""
    with pytest.raises(ValueError, match="remedy"):
        Note(Level.problem, same("broken"))
    assert fine("gut", "good").level is Level.ok


def test_libraries_are_compared_with_their_floors(monkeypatch):
    """Missing and too old ones are named with the version that is needed; extras are not."""
    found = {"pandas": "2.9.1", "numpy": "2.10.0"}
    required = ["pandas>=3.1", "numpy>=2.4", "gone>=1.0", 'jupyterlab>=4.4; extra == "lab"', "tzdata>=2026.6"]
    monkeypatch.setattr(installation.metadata, "requires", lambda _: required)
    monkeypatch.setattr(installation, "installed", lambda name: {**found, "tzdata": "2026.7"}.get(name))
    said = {one.subject: one.text.en for one in installation.libraries(SCENE)}
    assert said == {
        "pandas": "pandas 2.9.1 is too old (needed: 3.1).",
        "gone": "gone is missing (needed: 1.0).",
    }


def test_random_keys_are_not_taken_for_test_keys():
    """A thousand drawn keys pass."""
    import secrets

    assert not any(memory.is_test_key(secrets.token_bytes(32)) for _ in range(1000))


@pytest.mark.parametrize("free", [10**12, 10**9, 10**7])
def test_a_full_disk_is_told_before_it_is_full(monkeypatch, tmp_path, root, free):
    """Much room is fine, little a hint, hardly any a problem."""
    (tmp_path / "stadtbuch.toml").write_bytes((root / "stadtbuch.toml").read_bytes())
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda _: usage)
    scene = Scene(root=tmp_path, now=SCENE.now)
    (note,) = memory.space(scene)
    assert note.level == {10**12: "ok", 10**9: "hint", 10**7: "problem"}[free]


def test_a_check_says_what_it_needs():
    """What needs a city is left out where there is none, and named."""
    report = examine(SCENE)
    assert set(report.skipped) == {one.id for one in CHECKS if one.needs == "city"}
    assert isinstance(CHECKS[0], Check)
    assert isinstance(CHECKS[0].title, Text)


def test_it_says_whether_runs_have_a_wall(monkeypatch):
    """By Landlock alone or with namespaces beside it; without, it is a hint, and a problem where a city requires it."""

    def seen(required):
        settings = SimpleNamespace(runs=SimpleNamespace(wall="required" if required else "where-possible"))
        scene = SimpleNamespace(has_city=True, settings=settings)
        return [note.level for note in installation.forked_runs(scene)]

    for version, levels in ((7, "ok"), (3, "ok"), (1, "hint")):
        monkeypatch.setattr(wall, "version", lambda version=version: version)
        if version == 1 or _walls_are_possible():
            assert seen(False) == [levels]

    assert seen(True) == ["problem"]


def _walls_are_possible() -> bool:
    """Tell whether this machine can build the wall that its Landlock asks for."""
    try:
        warm.require()
    except Refused:
        return False
    return True
