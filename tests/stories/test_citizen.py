"""A citizen's story: a notebook goes by mail to the showcase and back; another one is not taken."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.submissions import ADDRESS, CANARY, a_mail, a_submission, code, shown, text
from stories.conftest import Lindenstadt, call

from stadtbuch.errors import Refused
from stadtbuch.runs import box

NOW = "2026-01-16T09:00"
WHY = "Gut erklärt, sauber gerechnet und mit eigener Frage."
WHY_EN = "Well explained, cleanly computed, and with a question of its own."
FALSE = "987654321 Zählstellen"
"""Stands in the sender's own outputs: what is shown is what our run gives."""
SOURCE = """import stadtbuch as sb

city = sb.city()
counters = city.load("mobility.bicycle_counters")
print("Es sind", len(counters), "Zählstellen.")
counters[["name", "kind"]].head(3)"""


@pytest.fixture(scope="module")
def sandbox() -> None:
    """Skip visibly where no sandbox can be opened."""
    try:
        box.require(bounded=False)
    except Refused as refusal:
        pytest.skip(f"no sandbox can be opened here, so no citizen's notebook was re-run ({refusal.code})")


@dataclass(frozen=True)
class Mail:
    """A mail on the disk, and the notebook in it."""

    eml: Path
    notebook: Path


@pytest.fixture
def good(tmp_path: Path) -> Mail:
    """Write a good mail, and its notebook beside it."""
    told = {"output_type": "stream", "name": "stdout", "text": FALSE}
    data = a_submission(
        text(f"# Wo wird das Rad gezählt?\n\n{CANARY} hat nachgesehen."),
        code(SOURCE, outputs=[told, shown(html="<script>")]),
    )
    (tmp_path / "good.ipynb").write_bytes(data)
    (tmp_path / "good.eml").write_bytes(a_mail(("zählstellen.ipynb", data)))
    return Mail(tmp_path / "good.eml", tmp_path / "good.ipynb")


def said(city: Lindenstadt, *arguments: str, expected: int = 0) -> dict:
    """Call ``stadtbuch submission`` with --json."""
    called = city.call("submission", *arguments, "--json")
    assert called.code == expected, called.err.decode()
    return json.loads(called.out)


def build(city: Lindenstadt, now: str) -> None:
    """Bring the pages up to date; one unchanged report is named, because only the pages matter here."""
    called = city.call("build", "how-does-the-city-cycle", "--jobs", "1", "--now", now)
    assert called.code == 0, called.err.decode()


def holding(folder: Path, words: str) -> list[str]:
    """Name the files below a folder that hold some words."""
    found = (path for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_a_notebook_goes_from_mail_to_showcase_and_back(
    lindenstadt: Lindenstadt, tmp_path: Path, good: Mail, sandbox: None
) -> None:
    """Checked at home, received, inspected, re-run, accepted, shown, linked, withdrawn, gone."""
    home = tmp_path / "home"
    home.mkdir()
    assert call(home, "submission", "inspect", str(good.notebook)).code == 0

    city = lindenstadt.copy(tmp_path / "city")
    public, var = city.root / "public", city.root / "var"
    got = said(city, "receive", str(good.eml), "--now", NOW)
    number, page = got["number"], f"showcase/{got['number'].lower()}"
    assert said(city, "inspect", number, "--now", NOW)["inspection"]["decision"] == "allow"
    assert said(city, "rerun", number, "--now", NOW)["verdict"] == "reproduced"
    decided = ("--reason", WHY, "--reason-en", WHY_EN, "--as", "head-of-statistics", "--now", NOW)
    assert said(city, "accept", number, *decided)["to"] == ADDRESS
    assert not (public / page).exists()

    build(city, "2026-01-17T08:00")
    german, english = ((public / page / name).read_text("utf-8") for name in ("index.html", "index.en.html"))
    for words in (
        "Von Bürgerinnen und Bürgern, nicht von der Stadt",
        "Radgruppe Nord",
        WHY,
        CANARY,
        "Creative Commons",
    ):
        assert words in german
    assert "From citizens, not from the city" in english
    assert WHY_EN in english
    assert re.search(r"Es sind \d+ Zählstellen\.", german)
    assert FALSE not in german
    assert "<script" not in german
    assert f'href="../../{page}/index.html"' in (
        public / "datasets/mobility.bicycle_counters/index.html"
    ).read_text("utf-8")
    assert 'href="../../datasets/mobility.bicycle_counters/index.html"' in german
    assert f"{got['number'].lower()}/index.html" in (public / "showcase/index.html").read_text("utf-8")
    assert holding(public, ADDRESS) == []
    assert holding(var / "log", CANARY) == holding(var / "log", ADDRESS) == []
    assert holding(var, got["secret"]) == []

    said(city, "withdraw", number, "--secret", got["secret"], "--now", "2026-01-18")
    assert holding(var / "spool", CANARY) == []
    build(city, "2026-01-18T08:00")
    assert holding(public, CANARY) == []
    assert holding(public, "Radgruppe Nord") == []
    assert f"{page}/index.html" not in (public / "datasets/mobility.bicycle_counters/index.html").read_text(
        "utf-8"
    )
    assert sorted(path.name for path in (public / page).iterdir()) == ["index.en.html", "index.html"]
    assert "zurückgezogen" in (public / page / "index.html").read_text("utf-8")
    told = [
        entry["kind"] for entry in json.loads(city.call("book", "show", "--subject", number, "--json").out)
    ]
    assert told == [
        f"submission-{kind}" for kind in ("received", "inspected", "rerun", "accepted", "withdrawn")
    ]
    assert json.loads(city.call("book", "verify", "--json").out)["ok"] is True


def test_a_notebook_on_closed_data_is_not_taken(lindenstadt: Lindenstadt, tmp_path: Path) -> None:
    """The sender reads why, and how to object; nothing of it becomes public."""
    city = lindenstadt.copy(tmp_path / "city")
    data = a_submission(text(f"# {CANARY}"), code('city.load("population.residents")'))
    (tmp_path / "closed.eml").write_bytes(a_mail(("a.ipynb", data)))
    number = said(city, "receive", str(tmp_path / "closed.eml"), "--now", NOW)["number"]
    inspected = said(city, "inspect", number, "--now", NOW, expected=3)["inspection"]
    assert [one["rule"] for one in inspected["findings"]] == ["submission.closed-dataset"]
    reason = (
        "--reason",
        "Das Einwohnerregister ist nicht offen.",
        "--as",
        "head-of-statistics",
        "--now",
        NOW,
    )
    assert said(city, "accept", number, *reason, expected=2)["error"]["code"] == "submission.order"
    letter = said(city, "reject", number, *reason)["letter"]
    assert "Das Einwohnerregister ist nicht offen." in letter
    assert "Sind Sie anderer Ansicht?" in letter
    assert holding(city.root / "public", CANARY) == []
