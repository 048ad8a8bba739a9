"""Only what changed runs: exactly the right notebooks, each with its reason; noise runs nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.city import Made, default_datasets, write_catalogue, write_data
from nbformat.v4 import new_output

from stadtbuch import settings
from stadtbuch.catalog import versions
from stadtbuch.reports import build, editions
from stadtbuch.runs import key

PAGE, STEP, TABLE = "notebooks/area.ipynb", "notebooks/people.prepare.ipynb", "notebooks/people.ipynb"


def foreseen(city: Made) -> dict[str, list[tuple[str, str, str | None]]]:
    """Ask a new session what would run: report -> step, part and name of each reason."""
    session = Made(city.root, settings.read(city.root)).open()
    document = build.spoken(build.build(session, dry_run=True), "de")
    return {
        run["report"]: [(one["step"], one["part"], one["name"]) for one in run["reason"]]
        for run in document["runs"]
        if run["status"] == "ran"
    }


def edited(city: Made, path: str, change: Callable[[Any], None]) -> None:
    """Change a notebook in place."""
    notebook = nbformat.read(city.root / path, as_version=4)
    change(notebook)
    nbformat.write(notebook, city.root / path)


def _touch(city: Made) -> None:
    for path in city.root.rglob("*"):
        if path.is_file() and "var" not in path.relative_to(city.root).parts:
            os.utime(path, (1, 1))


def _comment(city: Made) -> None:
    for path in (PAGE, STEP, TABLE):
        edited(city, path, lambda nb: nb.cells[0].update(source=nb.cells[0].source + "\n<!-- Notiz -->"))


def _outputs(city: Made) -> None:
    told = [new_output("stream", text="x")]
    edited(city, PAGE, lambda nb: nb.cells[1].update(outputs=told, execution_count=7))


def _metadata(city: Made) -> None:
    edited(city, PAGE, lambda nb: nb.metadata.update(kernelspec={"name": "x", "display_name": "X"}))
    edited(city, PAGE, lambda nb: nb.cells[1].metadata.update(collapsed=True, ExecuteTime={"end": "x"}))


def _saved_again(city: Made) -> None:
    (city.root / PAGE).write_text(json.dumps(json.loads((city.root / PAGE).read_text())), encoding="utf-8")


def _no_cache(city: Made) -> None:
    shutil.rmtree(city.root / "var/cache")


NOISE = {
    "mtimes": _touch,
    "comments in Markdown": _comment,
    "stored outputs": _outputs,
    "metadata": _metadata,
    "another form of the same JSON": _saved_again,
    "the cache is gone": _no_cache,
}


@pytest.mark.parametrize("name", NOISE)
def test_noise_runs_nothing(built: Made, name: str) -> None:
    """What no result depends on."""
    NOISE[name](built)
    assert foreseen(built) == {}


def _code(city: Made) -> None:
    edited(city, PAGE, lambda nb: nb.cells[2].update(source=nb.cells[2].source + "\n1"))


def _byte(city: Made) -> None:
    (city.root / "data/boroughs.csv").write_bytes(b"borough;area\n01;12.5\n02;7.26\n")


def _lock(city: Made) -> None:
    (city.root / "requirements").mkdir()
    (city.root / key.LOCK).write_text("pandas==3.1.1\n", encoding="utf-8")


def _threshold(city: Made) -> None:
    path = city.root / "stadtbuch.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("value = 5", "value = 6"), encoding="utf-8")


def _title(city: Made) -> None:
    told = default_datasets()
    told["geography.boroughs"]["title"] = {"de": "Bezirke", "en": "Districts"}
    write_catalogue(city.root, told)


def _result_lost(city: Made) -> None:
    session = city.open()
    newest = editions.latest(session.state, "area", "")
    assert newest is not None
    shutil.rmtree(session.state.folder("runs") / newest.edition.run_keys["report"])


BOTH = {
    "area": [("report", "environment", "sha256"), ("report", "environment", "source")],
    "people": [
        ("prepare", "environment", "sha256"),
        ("prepare", "environment", "source"),
        ("report", "prepare", None),
    ],
}
CHANGES: dict[str, tuple[Callable[[Made], None], dict[str, Any]]] = {
    "code": (_code, {"area": [("report", "code", None)]}),
    "one byte of an input": (_byte, {"area": [("report", "inputs", "geography.boroughs")]}),
    "one row of the register": (
        lambda city: write_data(city.root, seventh=65),
        {"people": [("prepare", "inputs", "population.residents"), ("report", "prepare", None)]},
    ),
    "the lock": (_lock, BOTH),
    "a threshold": (
        _threshold,
        {
            "area": [("report", "rules", "min_count_sensitive")],
            "people": [("prepare", "rules", "min_count_sensitive"), ("report", "prepare", None)],
        },
    ),
    "a title in the catalogue": (_title, {"area": [("report", "catalogue", "geography.boroughs")]}),
    "a result that was lost": (_result_lost, {"area": [("report", "gone", None)]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_runs_exactly_what_depends_on_it(built: Made, name: str) -> None:
    """And the dry run says which part of the key it was."""
    change, expected = CHANGES[name]
    change(built)
    assert foreseen(built) == expected


def test_reasons_do_without_the_cache(built: Made) -> None:
    """Where it was deleted, the run behind the newest edition tells what it depended on."""
    _no_cache(built)
    _byte(built)
    assert foreseen(built) == {"area": [("report", "inputs", "geography.boroughs")]}


def test_a_new_sentence_is_published_without_a_run(built: Made) -> None:
    """No notebook is executed, and the new edition holds the sentence of today."""
    edited(built, PAGE, lambda nb: nb.cells[-2].update(source="Ein neuer Satz."))
    summary = build.build(built.open(), ["area"])
    (run,) = summary["runs"]
    newest = editions.latest(built.open().state, "area", "")
    assert newest is not None
    assert (summary["counts"]["executed"], run["status"], run["publication"]) == (0, "unchanged", "published")
    assert "Ein neuer Satz." in (newest.folder / "notebooks/area.ipynb").read_text(encoding="utf-8")
    assert newest.edition.edition == "2026-01-15.2"


def test_a_new_sentence_is_judged_like_an_old_one(built: Made) -> None:
    """A value of the register in a new sentence is refused, although nothing ran."""
    register = (built.root / "data/residents.csv").read_text(encoding="utf-8")
    canary = next(word for word in register.replace("\n", ";").split(";") if word.startswith("KANARI"))
    edited(built, PAGE, lambda nb: nb.cells[-2].update(source=f"Es war {canary}."))
    summary = build.build(built.open(), ["area"])
    assert (summary["counts"]["executed"], summary["exit_code"]) == (0, 3)


def test_the_same_run_is_judged_with_each_notebooks_own_words(built: Made) -> None:
    """Two notebooks with the same code share the run and nothing else."""
    shutil.copy(built.root / PAGE, built.root / "notebooks/other.ipynb")
    definition = (built.root / "reports/area.yaml").read_text(encoding="utf-8")
    (built.root / "reports/other.yaml").write_text(definition.replace(PAGE, "notebooks/other.ipynb"))
    edited(built, "notebooks/other.ipynb", lambda nb: nb.cells.pop())
    summary = build.build(built.open(), ["area", "other"])
    outcomes = {run["report"]: (run["status"], run["publication"]) for run in summary["runs"]}
    assert outcomes == {"area": ("unchanged", "unchanged"), "other": ("refused", "refused")}
    assert summary["counts"]["executed"] == 0


def test_a_failed_run_is_tried_again_and_says_so(built: Made, tmp_path: Path) -> None:
    """Its key is the same; that it failed is the reason."""
    edited(built, PAGE, lambda nb: nb.cells[2].update(source="1 / 0"))
    build.build(built.open(), ["area"])
    assert foreseen(built) == {"area": [("report", "failed", None)]}


def test_an_unchanged_source_is_not_hashed_again(built: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stamp is known; who does not believe stamps says so, and every content is looked at."""
    session = built.open()
    session.memory.at += 10**15  # the files of this copy are young otherwise
    version = session.version("geography.boroughs")
    session.memory.save()
    hashed: list[str] = []
    monkeypatch.setattr(versions, "stamp", lambda dataset, settings: hashed.append(dataset.id) or version)

    assert built.open().version("geography.boroughs") == version
    assert hashed == ["geography.boroughs"]  # still young for a session of now

    later = built.open()
    later.memory.at += 10**15
    assert (later.version("geography.boroughs"), len(hashed)) == (version, 1)
    built.open(rehash=True).version("geography.boroughs")
    assert len(hashed) == 2
