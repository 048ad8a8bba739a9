"""``stadtbuch check``: the decision, the findings, exit code 3."""

import json
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.reports import write_open_report

from stadtbuch.cli import main
from stadtbuch.model.verdict import Decision, Finding, Outcome, Severity
from stadtbuch.texts import Text

ALLOWED = Decision(outcome=Outcome.allow, reasons=(Text(de="Geprüft.", en="Checked."),))
FINDING = Finding(
    rule="privacy.mime",
    severity=Severity.refuse,
    subject="cell 3, output 1",
    text=Text(de="Unbekannte Form.", en="Unknown form."),
    remedy=Text(de="Nehmen Sie sb.figure.", en="Use sb.figure."),
)
REFUSED = Decision(outcome=Outcome.refuse, reasons=(FINDING.text,), findings=(FINDING,))


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with one report."""
    made = a_city(tmp_path / "city")
    write_open_report(made.root)
    return made


@pytest.fixture
def decides(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Let the trial decide as a test wants it, without a kernel."""
    told = {"decision": ALLOWED}

    def of_notebook(city, path, given, *, progress=None):
        told["asked"] = (path, given)
        return told["decision"]

    def of_report(city, name, *, jobs=1, progress=None):
        told["asked"] = (name, jobs)
        return told["decision"]

    monkeypatch.setattr("stadtbuch.reports.trial.of_notebook", of_notebook)
    monkeypatch.setattr("stadtbuch.reports.trial.of_report", of_report)
    return told


def test_a_refusal_says_what_where_and_what_to_do(city, decides, capsys):
    """Rule, place and remedy in the reader's language, exit code 3."""
    decides["decision"] = REFUSED
    assert main.main(["check", "area", "--city", str(city.root)]) == 3
    said = capsys.readouterr().out
    assert "Würde abgelehnt." in said
    assert "Unbekannte Form.    privacy.mime" in said
    assert "Wo: Zelle 3, Ausgabe 1" in said
    assert "Was tun? Nehmen Sie sb.figure." in said


def test_machines_read_decision_and_findings(city, decides, capsys):
    """CONTRACTS: check."""
    decides["decision"] = REFUSED
    assert main.main(["check", "area", "--json", "--city", str(city.root)]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["decision"] == "refuse"
    assert document["findings"] == [FINDING.as_dict("de")]
    assert set(document["findings"][0]) == {"rule", "severity", "subject", "text", "remedy"}


def test_what_is_allowed_says_what_was_checked(city, decides, capsys):
    """A yes has reasons too."""
    assert main.main(["check", "area", "--jobs", "2", "--city", str(city.root)]) == 0
    assert capsys.readouterr().out.splitlines() == ["Würde zugelassen.", "Geprüft."]
    assert decides["asked"] == ("area", 2)


def test_a_notebook_may_be_named_from_the_city_s_folder(city, decides, capsys):
    """Relative to the current folder, or else to the city's; parameters go along."""
    arguments = ["check", "notebooks/area.ipynb", "-p", "year=2025", "--city", str(city.root)]
    assert main.main(arguments) == 0
    assert decides["asked"] == (city.settings.root / "notebooks/area.ipynb", ["year=2025"])


def test_a_notebook_that_is_not_there_ends_with_code_2(city, capsys):
    """The message names it."""
    assert main.main(["check", "notebooks/none.ipynb", "--city", str(city.root)]) == 2
    assert "none.ipynb" in capsys.readouterr().err
