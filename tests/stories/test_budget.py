"""
A report from answers with noise: paid before anything is drawn, whoever kills what, and shown with its words.

The processes here are real ones, and killed for real.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders.asking import PURPOSE, a_city_with_budget, a_question
from builders.city import NOW, Made, a_manifest
from builders.reports import ROLES, START, write_notebook, write_report

from stadtbuch.cli import main
from stadtbuch.disclosure import budget
from stadtbuch.errors import Refused
from stadtbuch.model.analysis import Question
from stadtbuch.reports import build, editions
from stadtbuch.session import asking as door

CODE = (
    "answer = city.load('private.residents')\n"
    "sb.table(answer, name='residents', caption={'de': 'Menschen', 'en': 'People'})\n"
    "sb.headline(int(answer.frame['value'].sum()), unit={'de': 'Menschen', 'en': 'people'}, at='2025-12-31')"
)
ASKING = """
import json, sys
from datetime import datetime
from pathlib import Path
from stadtbuch import atomic, settings
from stadtbuch.errors import Refused
from stadtbuch.model.analysis import Question
from stadtbuch.session import City, asking, noise

told = json.loads(sys.argv[1])
city = City.open(settings.read(Path(told["root"])), now=datetime.fromisoformat(told["now"]), login="tester")

def stop(*_, **__):
    print("here", flush=True)
    sys.stdin.read()

if told["stop"] == "drawing":
    noise.added = stop
write = atomic.write
if told["stop"] == "keeping":
    atomic.write = lambda path, *rest, **more: (stop if path.parent.name == "answers" else write)(path, *rest, **more)
print("ready", flush=True)
if told["stop"] is None:
    sys.stdin.readline()
answered = 0
for number, question in enumerate(told["questions"]):
    try:
        asking.answer(city, f"q{number}", Question.model_validate(question), purpose=told["purpose"])
        answered += 1
    except Refused as refused:
        assert refused.code == "budget.overspent"
print(answered, flush=True)
"""


@pytest.fixture(autouse=True)
def _opendp() -> None:
    pytest.importorskip("opendp", reason="the extra budget (OpenDP) is not installed")


def asking(made: Made, questions: list[dict[str, Any]], *, stop: str | None = None) -> subprocess.Popen[str]:
    """Start a process that asks, and wait until it is ready."""
    told = {"root": str(made.root), "now": NOW.isoformat(), "questions": questions, "purpose": PURPOSE}
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING, json.dumps({**told, "stop": stop})],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def asked(made: Made, question: dict[str, Any]) -> bool:
    """Ask in this process, and tell whether there was an answer."""
    try:
        door.answer(made.open(), "q", Question.model_validate(question), purpose=PURPOSE)
    except Refused as refused:
        assert refused.code == "budget.overspent"
        return False
    return True


def paid(made: Made) -> list[float]:
    """Give what the book says was paid."""
    return [one.details["epsilon"] for one in made.open().book.entries(kind=budget.DEBITED)]


def answers(made: Made) -> int:
    """Count the answers that are kept."""
    return len(list(made.open().state.folder("answers").glob("*.json")))


@pytest.mark.parametrize("stop", ["drawing", "keeping"])
def test_who_is_killed_between_debit_and_release_has_paid(tmp_path: Path, stop: str) -> None:
    """SIGKILL before the noise is drawn, or before the answer is kept: the debit stands, and the next one is new."""
    made = a_city_with_budget(tmp_path / "city")
    process = asking(made, [a_question()], stop=stop)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.communicate()
    assert (paid(made), answers(made)) == ([0.5], 0)
    assert made.open().book.verify()["ok"]

    assert asked(made, a_question())
    assert (paid(made), answers(made)) == ([0.5, 0.5], 1)


def test_two_processes_cannot_overspend_one_budget(tmp_path: Path) -> None:
    """Ten questions of a quarter each, asked by two processes at once: four are answered, and four are paid."""
    made = a_city_with_budget(tmp_path / "city")
    edges = [[0, 10 + number, 100] for number in range(10)]
    questions = [
        a_question(ask="histogram", of="age", by=None, categories=None, edges=one, epsilon=0.25)
        for one in edges
    ]
    other = asking(made, questions[:5])
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    own = sum(asked(made, one) for one in questions[5:])
    told, _ = other.communicate()
    assert (other.returncode, own + int(told)) == (0, 4)
    assert paid(made) == [0.25] * 4
    assert answers(made) == 4


def a_city_that_asks(root: Path, **changes: Any) -> Made:
    """Make a city with a report that reads an answer with noise."""
    made = a_city_with_budget(root)
    (made.root / "roles.yaml").write_text(json.dumps(ROLES), encoding="utf-8")
    manifest = a_manifest(purpose=PURPOSE, risk="low", private={"residents": a_question(**changes)})
    write_notebook(made.root, "noisy", START, CODE, manifest=manifest)
    write_report(made.root, "noisy")
    return made


@pytest.mark.slow
def test_a_report_says_what_it_cost(tmp_path: Path) -> None:
    """It waits for approval although its notebook reads open data only; its table says how sure it is, and why."""
    made = a_city_that_asks(tmp_path / "city")
    city = made.open()
    foreseen = build.build(city, ["noisy"], dry_run=True)
    assert (foreseen["runs"][0]["status"], paid(made)) == ("ran", [])

    summary = build.build(city, ["noisy"])
    assert summary["runs"][0]["publication"] == "awaiting-approval", build.spoken(summary, "en")
    assert paid(made) == [0.5]
    (waiting,) = editions.all_waiting(city.state, "noisy")
    shown = json.loads((waiting.folder / "shown" / "residents.json").read_text(encoding="utf-8"))
    assert "ε = 0.50" in shown["legend"]["en"]
    assert [one["name"] for one in shown["columns"]] == ["borough", "value", "at_least", "at_most"]
    (used,) = [one for one in waiting.edition.inputs if one["id"] == "private.residents"]
    assert (used["derived_from"], used["epsilon"]) == ("population.residents", 0.5)

    again = build.build(made.open(), ["noisy"])
    assert (again["counts"]["executed"], paid(made)) == (0, [0.5])


def test_an_overspent_budget_is_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, no run, no debit; `book budget` shows what there is."""
    made = a_city_that_asks(tmp_path / "city", epsilon=1.5)
    at = ("--city", str(made.root))
    assert main.main(["build", "noisy", *at, "--now", "2026-01-15T09:30", "--json"]) == 3
    (line,) = json.loads(capsys.readouterr().out)["runs"]
    assert (line["status"], line["error"]["code"]) == ("refused", "budget.overspent")
    assert main.main(["book", "budget", *at, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["dataset"], told["answers"], told["of"]["epsilon"]) == ("population.residents", 0, 1.0)
