"""Approvals: for code, manifest, definition and rules, by the releasing role."""

from datetime import UTC, date, datetime

import nbformat
import pytest
from builders.city import Made, a_city
from builders.reports import ROLES

from stadtbuch.errors import AccessDenied, ReportError
from stadtbuch.model.report import Approval, Report
from stadtbuch.reports import approvals
from stadtbuch.texts import same

APPROVAL = Approval(role="head-of-statistics", decided=date(2026, 1, 15), code="abc", rules="2026.1")


@pytest.fixture
def city(tmp_path) -> Made:
    """Give a city."""
    made = a_city(tmp_path / "city", roles=ROLES)
    (made.root / "reports").mkdir()
    return made


def a_report(**changes) -> Report:
    """Give a report."""
    told = {
        "name": "people", "title": same("A"), "summary": same("A"), "report": "a.ipynb", "release": "approval",
        "roles": {"author": "analyst", "release": "head-of-statistics"},
    }  # fmt: skip
    return Report(**{**told, **changes})


def found(city: Made, **changes):
    """Ask for the approval of the report."""
    asked = {"code": "abc", "rules": "2026.1", "book": city.open().book, "settings": city.settings} | changes
    return approvals.find(a_report(), **asked)


def notebook(source: str, **more):
    """Give a notebook of one cell."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, **more)])


def test_without_an_approval_there_is_none(city):
    """An empty book and no file."""
    assert found(city) is None


def test_an_approval_in_the_book_holds_for_its_code_and_rules(city):
    """Another code or another version of the rules needs a new one."""
    session = city.open(as_role="head-of-statistics")
    details = {"code": "abc", "rules": "2026.1"}
    session.book.append("approved", subject="people", actor=session.actor, now=session.now, details=details)
    assert found(city).role == "head-of-statistics"
    assert found(city, code="other") is None
    assert found(city, rules="2027.1") is None


def test_an_approval_of_the_evening_bears_the_day_of_the_city(city):
    """Half past eleven at night UTC is tomorrow in Berlin already."""
    session = city.open(as_role="head-of-statistics", now=datetime(2026, 1, 15, 23, 30, tzinfo=UTC))
    details = {"code": "abc", "rules": "2026.1"}
    session.book.append("approved", subject="people", actor=session.actor, now=session.now, details=details)
    assert found(city).decided == date(2026, 1, 16)


def test_an_approval_by_another_role_does_not_hold(city):
    """Only the role that the definition names may approve."""
    session = city.open(as_role="analyst")
    details = {"code": "abc", "rules": "2026.1"}
    session.book.append("approved", subject="people", actor=session.actor, now=session.now, details=details)
    assert found(city) is None


def test_a_recorded_approval_goes_along_with_the_reports(city):
    """It is written to a file, read back, and replaced by the next one."""
    approvals.record(city.settings, a_report(), APPROVAL)
    assert found(city) == APPROVAL
    approvals.record(city.settings, a_report(), APPROVAL.model_copy(update={"code": "new"}))
    assert [one.code for one in approvals.recorded(city.settings)] == ["new"]


@pytest.mark.parametrize("content", ["approvals: 1\n", "approvals: [{report: x}]\n", "a: [", "other: []\n"])
def test_a_file_of_approvals_that_cannot_be_understood_is_no_approval(city, content):
    """It is an error, never a silent yes."""
    (city.root / "reports" / approvals.APPROVALS).write_text(content, encoding="utf-8")
    with pytest.raises(ReportError) as caught:
        found(city)
    assert caught.value.code == "report.approvals"


def test_code_is_source_tags_and_definition():
    """Outputs and counters do not count, one letter of the source does, and so does the definition."""
    first = approvals.code_of(a_report(), {"report": notebook("a = 1")})
    assert approvals.code_of(a_report(), {"report": notebook("a = 1", execution_count=7)}) == first
    assert approvals.code_of(a_report(), {"report": notebook("a = 2")}) != first
    assert approvals.code_of(a_report(), {"report": notebook("a = 1", metadata={"tags": ["de"]})}) != first
    assert approvals.code_of(a_report(fixed={"year": 2025}), {"report": notebook("a = 1")}) != first


def test_only_the_releasing_role_may_approve(city):
    """The refusal says which role it is and what to type."""
    approvals.require_role(a_report(), city.open(as_role="head-of-statistics").actor)
    with pytest.raises(AccessDenied) as caught:
        approvals.require_role(a_report(), city.open(as_role="analyst").actor)
    assert "--as head-of-statistics" in caught.value.remedy.en
