"""Checks: named functions, found by entry point, and refusing when they break."""

from importlib.metadata import EntryPoint

import pytest

from stadtbuch import checks
from stadtbuch.checks import check, run
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import same


def a_finding(rule: str) -> Finding:
    """Make a finding that only notes something."""
    return Finding(rule=rule, severity="note", subject="x", text=same("seen"), remedy=same("nothing"))


@check("demo.first")
def first(subject, facts):
    """Note whatever comes."""
    yield a_finding("demo.first")


@check("demo.second")
def second(subject, facts):
    """Note what the facts say."""
    return [a_finding(rule) for rule in facts]


def test_a_check_carries_the_name_of_its_rule():
    """Reports and documentation name rules, not functions."""
    assert first.rule == "demo.first"


def test_findings_stand_in_the_order_of_the_checks():
    """The same subject gives the same list."""
    found = run([second, first], None, ["a", "b"], name="cell 1")
    assert [finding.rule for finding in found] == ["a", "b", "demo.first"]


@pytest.mark.parametrize("late", [False, True])
def test_a_check_that_breaks_refuses(late):
    """Fail closed, also after some findings; the message of the error, which may hold data, is not shown."""

    @check("demo.broken")
    def broken(subject, facts):
        if late:
            yield a_finding("demo.early")
        raise ValueError("Erika Mustermann")
        yield

    found = run([broken, first], None, None, name="cell 3, output 1")
    refusal = found[-2]
    assert (refusal.rule, refusal.severity, refusal.subject) == (
        "check.broken",
        Severity.refuse,
        "cell 3, output 1",
    )
    assert "demo.broken" in refusal.text.de
    assert "ValueError" in refusal.text.en
    assert "Mustermann" not in str(refusal)
    assert found[-1].rule == "demo.first"


def test_checks_of_other_packages_are_found_by_name(monkeypatch):
    """A third party adds a check by an entry point; their order does not depend on the installation."""
    points = [
        EntryPoint("zz", "stadtbuch.model.verdict:Finding", checks.GROUP),
        EntryPoint("aa", "stadtbuch.model.verdict:Severity", checks.GROUP),
    ]
    monkeypatch.setattr(checks, "entry_points", lambda group: points if group == "stadtbuch.checks" else [])
    assert checks.installed() == [Severity, Finding]
