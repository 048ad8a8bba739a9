"""Verdicts: no decision without a reason, one refusal refuses the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stadtbuch.model.verdict import Decision, Finding, Outcome, Severity, decide
from stadtbuch.texts import Text, same

PASSED = Text(de="Geprüft nach 2026.1.", en="Checked by 2026.1.")


def a_finding(severity: str = "refuse", text: str = "seen") -> Finding:
    """Make a finding of a weight."""
    return Finding(rule="demo.rule", severity=severity, subject="cell 1", text=same(text), remedy=same("do"))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_decision_without_a_reason_cannot_be_built(outcome):
    """Neither yes nor no without saying why."""
    with pytest.raises(ValidationError):
        Decision(outcome=outcome, reasons=())


def test_one_refusing_finding_refuses_the_whole():
    """The reasons are those of the refusing findings; all findings are kept."""
    findings = [a_finding("warn", "warned"), a_finding("refuse", "refused"), a_finding("note", "noted")]
    decision = decide(findings, passed=PASSED)
    assert (decision.outcome, decision.allowed) == (Outcome.refuse, False)
    assert decision.reasons == (same("refused"),)
    assert decision.findings == tuple(findings)


def test_what_passes_says_what_was_checked():
    """A yes names the rules."""
    decision = decide([], passed=PASSED)
    assert (decision.allowed, decision.reasons) == (True, (PASSED,))


@given(st.lists(st.sampled_from(list(Severity))))
def test_only_refusing_findings_stop_a_publication(severities):
    """Allowed if and only if nothing refuses; no finding is lost; there always is a reason."""
    decision = decide([a_finding(one) for one in severities], passed=PASSED)
    assert decision.allowed == (Severity.refuse not in severities)
    assert len(decision.findings) == len(severities)
    assert decision.reasons


def test_a_finding_is_json_in_the_promised_shape():
    """CONTRACTS: check gives rule, severity, subject, text, remedy."""
    finding = Finding(
        rule="privacy.mime", severity="refuse", subject="cell 3", text=Text(de="unbekannt", en="unknown"),
        remedy=Text(de="weglassen", en="leave it out"),
    )  # fmt: skip
    assert finding.as_dict("en") == {
        "rule": "privacy.mime", "severity": "refuse", "subject": "cell 3",
        "text": "unknown", "remedy": "leave it out",
    }  # fmt: skip


def test_findings_and_decisions_do_not_change():
    """What was decided stays decided."""
    with pytest.raises(ValidationError):
        a_finding().rule = "other"
    with pytest.raises(ValidationError):
        decide([], passed=PASSED).outcome = Outcome.refuse


def test_an_unknown_field_is_refused():
    """A finding cannot carry a value along in a field of its own."""
    with pytest.raises(ValidationError):
        Finding(rule="a", severity="note", subject="b", text=same("c"), remedy=same("d"), value="Erika")
