"""The planner and the run key: complete, and no wider than what the run sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.city import (
    CANARY,
    Made,
    a_city,
    a_closed_manifest,
    a_dataset,
    a_manifest,
    a_notebook,
    default_datasets,
    fenced,
    write_catalogue,
    write_data,
)

from stadtbuch import settings
from stadtbuch.catalog import reading
from stadtbuch.errors import AccessDenied, UsageError
from stadtbuch.runs import key, manifest, plan
from stadtbuch.store import read_frame

REGISTER = "population.residents"


def planned(made: Made, path: Path, **parameters: Any) -> plan.Request:
    """Plan a run in a new session, as a new process would."""
    city = Made(made.root, settings.read(made.root)).open()
    return plan.plan(city, manifest.read(path, root=made.root), parameters)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give the default city."""
    return a_city(tmp_path)


def closed(root: Path, *code: str) -> Path:
    """Write the notebook that reads the register of one borough."""
    return a_notebook(root, *code or ("1 + 1",), manifest=a_closed_manifest(), parameters='borough = "all"')


def test_a_run_gets_exactly_its_minimised_snapshots(made: Made) -> None:
    """One file per declared input, with the declared columns and rows; nothing else of the register."""
    request = planned(made, closed(made.root), borough="02")

    assert list(request.inputs) == [f"inputs/{REGISTER}.parquet"]
    frame = read_frame(request.inputs[f"inputs/{REGISTER}.parquet"])
    assert frame.to_dict("list") == {"borough": ["02"] * 3, "age": [58, 64, 71]}
    assert request.restricted
    assert CANARY not in json.dumps(request.info)


def test_an_extra_choice_leaves_the_filter_out(made: Made) -> None:
    """``all`` is a choice beside the catalogue's: every row is there."""
    request = planned(made, closed(made.root), borough="all")

    assert len(read_frame(request.inputs[f"inputs/{REGISTER}.parquet"])) == 8


def test_open_inputs_are_not_restricted(made: Made) -> None:
    """A run that reads open data only may say more about its errors."""
    assert not planned(made, a_notebook(made.root)).restricted


def test_the_record_of_a_run_is_complete(made: Made) -> None:
    """What pages and the gate need stands in run.json."""
    info = planned(made, closed(made.root), borough="01").info

    assert info["city"] == {
        "name": "Kleinstadt", "timezone": "Europe/Berlin", "synthetic": True,
        "contact": "statistik@kleinstadt.example",
    }  # fmt: skip
    told = info["inputs"][REGISTER]
    assert (told["file"], told["kind"], told["class"]) == (f"inputs/{REGISTER}.parquet", "frame", "closed")
    assert (told["purpose"], told["min_count"], told["rows"]) == ("age-structure", 3, {"borough": "01"})
    assert [one["privacy"] for one in told["columns"]] == ["quasi-identifier", "quasi-identifier"]
    assert (info["rules"], info["restricted"], info["notebook"]) == (
        "2026.1",
        True,
        "notebooks/example.ipynb",
    )
    assert key.of(info["key_parts"]) == info["key"]


def edit(change: Callable[[Any], None]) -> Callable[[Made, Path], None]:
    """Make a change of the notebook."""

    def changed(made: Made, path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        change(notebook)
        nbformat.write(notebook, path)

    return changed


def declare(**changes: Any) -> Callable[[Made, Path], None]:
    """Make a change of the manifest, which stands in a Markdown cell."""
    return edit(lambda nb: nb.cells[0].update(source=fenced(a_closed_manifest(**changes))))


def retitle(made: Made, path: Path) -> None:
    """Change a column's title in the catalogue."""
    register = a_dataset(access="closed")
    register["schema"]["fields"][2]["title"] = {"de": "Lebensjahre", "en": "Years"}
    write_catalogue(made.root, default_datasets() | {REGISTER: register})


def new_threshold(made: Made, path: Path) -> None:
    """Raise the city's minimum count for sensitive groups, which this run does not even read."""
    toml = (made.root / "stadtbuch.toml").read_text(encoding="utf-8")
    (made.root / "stadtbuch.toml").write_text(toml.replace("value = 5", "value = 6"), encoding="utf-8")


def module(made: Made, path: Path) -> None:
    """Change a module that the notebook imports through another one."""
    (path.parent / "second.py").write_text("x = 2", encoding="utf-8")


CHANGES = {
    "code": (edit(lambda nb: nb.cells[3].update(source="2 + 2")), {"code"}),
    "order": (edit(lambda nb: nb.cells.insert(3, nb.cells.pop(2))), {"code"}),
    "tag": (edit(lambda nb: nb.cells[2].metadata.update(tags=["method"])), {"code"}),
    "words": (edit(lambda nb: nb.cells[0].update(source=nb.cells[0].source + "\n<!-- Mehr. -->")), set()),
    "a table to give": (declare(gives=["ages"]), {"manifest"}),
    "another column": (
        declare(inputs={REGISTER: {"columns": ["borough"], "rows": {"borough": "{borough}"}}}),
        {"inputs", "catalogue"},
    ),
    "attachment": (
        edit(lambda nb: nb.cells[0].update(attachments={"a.png": {"image/png": "iVBORw0KGgo="}})),
        set(),
    ),
    "metadata of a cell": (edit(lambda nb: nb.cells[3].metadata.update(note="x")), {"code"}),
    "marks of Jupyter": (edit(lambda nb: nb.cells[3].metadata.update(collapsed=True)), set()),
    "data": (lambda made, path: write_data(made.root, seventh=65), {"inputs"}),
    "title": (retitle, {"catalogue"}),
    "threshold": (new_threshold, {"rules"}),
    "module": (module, {"modules"}),
    "lock": (lambda made, path: _write_lock(made.root), {"environment"}),
    "outputs": (
        edit(lambda nb: nb.cells[2].update(outputs=[nbformat.v4.new_output("stream", text="x")])),
        set(),
    ),
    "metadata": (
        edit(lambda nb: nb.metadata.update(widgets={}, kernelspec={"name": "r", "display_name": "R"})),
        set(),
    ),
    "unused module": (lambda made, path: (path.parent / "third.py").write_text("x = 3"), set()),
}


def _write_lock(root: Path) -> None:
    (root / "requirements").mkdir()
    (root / key.LOCK).write_text("pandas==3.1.1\n", encoding="utf-8")


@pytest.mark.parametrize("name", CHANGES)
def test_the_key_changes_with_what_the_result_depends_on(made: Made, name: str) -> None:
    """Each cause changes its own part of the key, and noise changes none."""
    change, parts = CHANGES[name]
    path = closed(made.root, "import first", "1 + 1")
    (path.parent / "first.py").write_text("import second", encoding="utf-8")
    (path.parent / "second.py").write_text("x = 1", encoding="utf-8")
    before = planned(made, path, borough="02")
    change(made, path)

    after = planned(made, path, borough="02")

    changed = {part for part in before.key_parts if before.key_parts[part] != after.key_parts[part]}
    assert changed == parts
    assert (before.key == after.key) == (not parts)


def test_a_boroughs_key_depends_on_its_own_rows(made: Made) -> None:
    """New data about somebody in 02 run 02 and the whole city again, not 01."""
    path = closed(made.root)
    before = {name: planned(made, path, borough=name).key for name in ("01", "02", "all")}
    write_data(made.root, seventh=65)

    after = {name: planned(made, path, borough=name).key for name in ("01", "02", "all")}

    assert {name for name in before if before[name] != after[name]} == {"02", "all"}


def test_a_source_is_read_once_per_session(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build over all boroughs reads the register once."""
    read, seen = reading.read, []
    monkeypatch.setattr(
        reading,
        "read",
        lambda dataset, *rest, **more: seen.append(dataset.id) or read(dataset, *rest, **more),
    )
    city, analysis = made.open(), manifest.read(closed(made.root), root=made.root)

    keys = {plan.plan(city, analysis, {"borough": name}).key for name in ("01", "02", "all")}

    assert (len(keys), seen) == (3, [REGISTER])


def test_without_a_purpose_nothing_is_planned(made: Made) -> None:
    """The refusal comes before a kernel starts."""
    path = a_notebook(made.root, manifest=a_closed_manifest(purpose=None), parameters='borough = "all"')

    with pytest.raises(AccessDenied) as refused:
        planned(made, path, borough="01")

    assert (refused.value.code, refused.value.exit_code) == ("access.no-purpose", 4)


def test_rows_beyond_the_purpose_are_not_planned(made: Made) -> None:
    """A filter of the manifest follows the purpose, as it does in the lab; nothing is recorded as read."""
    inputs = {REGISTER: {"columns": ["borough"], "rows": {"borough": "{borough}", "denomination": "x"}}}
    path = a_notebook(made.root, manifest=a_closed_manifest(inputs=inputs), parameters='borough = "all"')

    with pytest.raises(AccessDenied) as refused:
        planned(made, path, borough="02")

    assert refused.value.code == "access.filter-not-allowed"
    assert list(made.open().book.entries("loaded")) == []


def test_a_foreign_role_cannot_be_borrowed(made: Made) -> None:
    """A report's definition may name any role; it must be one of those of the login that builds it."""
    analysis = manifest.read(closed(made.root), root=made.root)
    (made.root / "roles.yaml").write_text(
        "tester: [operator]\nother: [operator, analyst]\n", encoding="utf-8"
    )

    with pytest.raises(AccessDenied) as refused:
        plan.plan(made.open(), analysis, {"borough": "01"}, role="analyst")
    assert refused.value.code == "actor.role-not-yours"

    city = made.open(login="other")
    assert plan.plan(city, analysis, {"borough": "01"}, role="analyst").restricted
    assert [entry.role for entry in city.book.entries("loaded")] == ["analyst"]


RECORD = {"format": 1, "kind": "protected-table", "name": "t", "dataset": REGISTER, "unit": "persons",
          "rows": ["borough"], "columns": [], "min_count": 3, "labels": {"borough": ["01"]},
          "cells": [{"labels": ["01"], "value": 5, "mark": "", "where": []},
                    {"labels": [None], "value": 5, "mark": "", "where": []}]}  # fmt: skip


def test_a_table_of_another_run_is_an_open_input(made: Made) -> None:
    """The report step sees the protected table, and no row of the register."""
    path = a_notebook(made.root, manifest=a_manifest(inputs={"who.t": {}}))
    analysis = manifest.read(path, root=made.root)

    record = RECORD | {"license": "cc-by-4.0"}
    request = plan.plan(made.open(), analysis, {}, extra_inputs={"who.t": record})

    told = request.info["inputs"]["who.t"]
    assert (told["kind"], told["class"], told["file"]) == ("table", "open", "inputs/who.t.table.json")
    assert (told["derived_from"], told["title"]["de"]) == (REGISTER, "Geschützte Tabelle t")
    assert [one["name"] for one in told["columns"]] == ["borough"]
    assert not request.restricted
    assert json.loads(request.inputs["inputs/who.t.table.json"]) == record


@pytest.mark.parametrize(("licence", "stated"), [("cc-by-4.0", "cc-by-4.0"), (None, None), ("mine", None)])
def test_a_released_table_is_cited_with_its_licence_and_its_source(
    made: Made, licence: str | None, stated: str | None
) -> None:
    """The report's licence holds for the table; the closed source is named, its licence is not borrowed."""
    path = a_notebook(made.root, manifest=a_manifest(inputs={"who.t": {}}))
    analysis = manifest.read(path, root=made.root)

    request = plan.plan(made.open(), analysis, {}, extra_inputs={"who.t": RECORD | {"license": licence}})

    told = request.info["inputs"]["who.t"]
    assert told["licence"] == stated
    assert (told["licence_url"] is None) == (stated is None)
    assert "aus: Melderegister" in told["attribution"]["de"]
    assert "from: " in told["attribution"]["en"]


def test_a_table_that_no_report_made_is_said(made: Made) -> None:
    """The message names the report to build."""
    path = a_notebook(made.root, manifest=a_manifest(inputs={"who.t": {}}))

    with pytest.raises(UsageError) as refused:
        planned(made, path)

    assert refused.value.code == "run.no-table"
    assert refused.value.remedy.de.endswith("stadtbuch build who")


def test_an_unknown_dataset_is_guessed(made: Made) -> None:
    """A typing mistake in the manifest gets the nearest id."""
    path = a_notebook(made.root, manifest=a_manifest(inputs={"geography.borough": {}}))

    with pytest.raises(UsageError) as refused:
        planned(made, path)

    assert refused.value.remedy.de == "Meinten Sie geography.boroughs?"
