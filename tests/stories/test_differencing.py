"""
Two reports by two people who never met: each table is safe, and one minus the other is a single person.

The first one is online. Whatever is done afterwards, the second one does not come beside it, and the first one stays.
"""

import json
from typing import Any

import pytest
from builders.city import Made, a_city, a_manifest
from builders.reports import ROLES, START, write_notebook, write_report

from stadtbuch.cli import main
from stadtbuch.reports import differencing

pytestmark = pytest.mark.slow

REGISTER = "population.residents"
FIRST = "without@2026-01-15 (t)"
NOW = ("--now", "2026-01-15T02:00")
SAID = ("--reason-de", "Fehler.", "--reason-en", "A mistake.")
HEAD = ("--as", "head-of-statistics")


def write(city: Made, name: str, *, rows: dict[str, Any], **changes: Any) -> None:
    """Write a report in two steps: people by age, of some boroughs or of all."""
    told = a_manifest(
        purpose="age-structure", risk="low", gives=["t"],
        inputs={REGISTER: {"columns": ["borough", "age"], "rows": rows}},
    )  # fmt: skip
    code = (
        f"people = city.load('{REGISTER}')\nbands = sb.ages(width=50, top=50)\n"
        f"sb.protect(people.groupby(bands.apply(people['age'])).size(), name='t', dataset='{REGISTER}', "
        "groupings=[bands])"
    )
    write_notebook(city.root, f"{name}.prepare", START, code, manifest=told, words=[])
    shown = f"sb.table(city.load('{name}.t'), caption={{'de': 'Alter', 'en': 'Ages'}})"
    write_notebook(city.root, name, START, shown, manifest=a_manifest(inputs={f"{name}.t": {}}))
    write_report(city.root, name, prepare=f"notebooks/{name}.prepare.ipynb", release="approval", **changes)


def called(capsys: Any, city: Made, *arguments: str) -> tuple[int, Any]:
    """Run a command and give its exit code and its answer."""
    code = main.main([*arguments, "--city", str(city.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city in whose third borough one person lives."""
    made = a_city(tmp_path_factory.mktemp("differencing") / "city", roles=ROLES)
    ages = {"01": [20] * 4 + [60] * 4, "02": [30] * 4 + [70] * 4, "03": [40]}
    rows = [
        f"P{borough}{number:02};{borough};{age};2025-12-31;x;ohne"
        for borough, own in ages.items()
        for number, age in enumerate(own)
    ]
    head = "person_id;borough;age;valid_on;denomination;note"
    (made.root / "data/residents.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    write(made, "without", rows={"borough": ["01", "02"]})
    write(made, "all", rows={})
    return made


def test_each_report_is_safe_alone(capsys, city):
    """Nothing is said against either while none is public: both wait; the first one is approved and goes online."""
    for name in ("all", "without"):
        code, document = called(capsys, city, "build", name, *NOW)
        assert (code, document["runs"][0]["publication"]) == (0, "awaiting-approval")
    assert called(capsys, city, "report", "approve", "without", *HEAD, *NOW)[0] == 0
    assert (city.root / "public/reports/without/index.html").exists()


def test_what_waited_meanwhile_is_not_approved(capsys, city):
    """What was safe when it was made is not safe any more; the approval is refused and leaves no trace."""
    before = city.open().book.head()
    code, document = called(capsys, city, "report", "approve", "all", *HEAD, *NOW)
    assert (code, document["error"]["code"]) == (3, "privacy.differencing")
    assert FIRST in str(document["error"])
    assert city.open().book.head() == before


def test_the_second_one_is_refused_and_the_first_stays(capsys, city):
    """The build ends with 3; the finding names the edition it must not stand beside, and no number of people."""
    code, document = called(capsys, city, "build", "all", *NOW)
    assert (code, document["runs"][0]["publication"]) == (3, "refused")
    (found,) = document["runs"][0]["findings"]
    assert (found["rule"], found["severity"], found["subject"]) == ("privacy.differencing", "refuse", "t")
    assert FIRST in found["text"]
    assert (city.root / "public/reports/without/index.html").exists()
    assert not (city.root / "public/reports/all").exists()
    code, document = called(capsys, city, "check", "all")
    assert (code, document["findings"][0]["rule"]) == (3, "privacy.differencing")


def test_the_history_says_what_is_known(capsys, city):
    """Cells, what is withheld and what it was tested with: counts only."""
    code, (one,) = called(capsys, city, "report", "history", "--disclosure")
    assert code == 0
    assert {name: one[name] for name in ("dataset", "table", "editions", "cells", "withheld", "grade")} == {
        "dataset": REGISTER, "table": "t", "editions": ["without@2026-01-15"], "cells": 3, "withheld": 0, "grade": "U",
    }  # fmt: skip
    assert called(capsys, city, "report", "history", "all", "--disclosure") == (0, [])
    assert main.main(["report", "history", "--disclosure", "--city", str(city.root)]) == 0
    assert "population.residents" in capsys.readouterr().out


def test_what_an_older_library_released_is_taken_over(city):
    """Without what was remembered, the archive is read once more; what it was tested with nobody knows then."""
    state = city.open().state
    (state.folder("disclosure") / differencing.INDEX).unlink()
    assert [(one["editions"], one["grade"]) for one in differencing.listing(state)] == [
        (["without@2026-01-15"], None)
    ]


def test_what_was_public_stays_known(capsys, city):
    """Withdrawn, its content removed, the second report is refused all the same."""
    assert (
        called(
            capsys, city, "report", "withdraw", "without@2026-01-15", "--remove-content", *SAID, *HEAD, *NOW
        )[0]
        == 0
    )
    code, document = called(capsys, city, "build", "all", *NOW)
    assert (code, FIRST in document["runs"][0]["findings"][0]["text"]) == (3, True)
