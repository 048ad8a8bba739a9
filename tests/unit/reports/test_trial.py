"""`stadtbuch check` behind the command line: a notebook or a report, judged and not published."""

import pytest
from builders.city import CANARY
from builders.reports import START, a_manifest, write_notebook

from stadtbuch.model.verdict import Decision, Finding, Outcome, Severity
from stadtbuch.reports import editions, trial
from stadtbuch.texts import same


def rules(decision: Decision) -> set[str]:
    """Give the rules of a decision's findings."""
    return {finding.rule for finding in decision.findings}


def test_a_report_that_was_built_is_allowed(built):
    """Nothing runs, nothing is published."""
    decision = trial.of_report(built.open(), "people")
    assert decision.outcome is Outcome.allow
    assert len(decision.reasons) == 2
    assert editions.names(built.open().state, "people", "") == []


def test_a_preparing_notebook_is_judged_as_one(built):
    """It may read closed data, because only its tables leave."""
    assert trial.of_notebook(built.open(), built.root / "notebooks/people.prepare.ipynb", []).allowed


def test_a_notebook_of_no_report_is_judged_as_a_page(built):
    """A closed input, printed rows and missing sections are all told at once."""
    manifest = a_manifest(
        purpose="age-structure", risk="low", inputs={"population.residents": {"columns": ["borough", "age"]}}
    )
    path = write_notebook(
        built.root,
        "look",
        START,
        "print(city.load('population.residents').head())",
        manifest=manifest,
        words=[],
    )
    decision = trial.of_notebook(built.open(), path, [])
    assert {"reports.closed-input", "privacy.raw-rows", "reports.missing-section"} <= rules(decision)
    finding = next(one for one in decision.findings if one.rule == "privacy.raw-rows")
    assert finding.subject == "cell 3, output 1"


HOVER = """
import altair as alt, pandas as pd
frame = pd.DataFrame({"borough": ["01"], "value": [5], "who": ["{name}"]})
said = {"de": "x", "en": "x"}
sb.figure(alt.Chart(frame).mark_bar().encode(x="value", y="borough", tooltip="who"), title=said, subtitle=said,
          alt=said, reading_help=said, data=frame[["borough", "value"]], columns={"borough": said})
""".replace("{name}", CANARY)
PSEUDONYMS = """
frame = city.load("population.residents")
sb.table(frame, caption={"de": "Menschen", "en": "People"})
"""
FOREIGN = """
from IPython.display import display
display({"application/vnd.foreign+json": {"a": 1}}, raw=True)
"""


@pytest.mark.parametrize(
    ("name", "source", "columns", "rule", "place"),
    [
        ("hover", HOVER, ["age"], "privacy.value", "cell 3, output 1"),
        ("pseudonyms", PSEUDONYMS, ["person_id", "age"], "privacy.pseudonym", "cell 3, output 1"),
        ("foreign", FOREIGN, ["age"], "privacy.mime", "cell 3, output 1"),
    ],
)
def test_what_would_give_somebody_away_is_refused(built, name, source, columns, rule, place):
    """A name in a hover text, pseudonyms in a table, a form nobody can read: where, why, what to do."""
    manifest = a_manifest(
        purpose="age-structure", risk="low", inputs={"population.residents": {"columns": columns}}
    )
    path = write_notebook(built.root, name, START, source, manifest=manifest)
    decision = trial.of_notebook(built.open(), path, [])
    assert (rule, place) in {(finding.rule, finding.subject) for finding in decision.findings}
    assert all(CANARY not in str(finding) and finding.remedy.en for finding in decision.findings)


def test_joined_decisions_tell_a_shared_finding_once():
    """One refusal refuses all; what refuses stands first."""

    def finding(rule: str, severity: Severity) -> Finding:
        return Finding(rule=rule, severity=severity, subject="x", text=same(rule), remedy=same("-"))

    refused = Decision(
        outcome=Outcome.refuse, reasons=(same("nein"),), findings=(finding("a", Severity.refuse),)
    )
    allowed = Decision(outcome=Outcome.allow, reasons=(same("ja"),), findings=(finding("b", Severity.note),))
    decision = trial.joined([allowed, refused, refused])
    assert decision.outcome is Outcome.refuse
    assert [one.rule for one in decision.findings] == ["a", "b"]
    assert [reason.de for reason in decision.reasons] == ["nein"]
