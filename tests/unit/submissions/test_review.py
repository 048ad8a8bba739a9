"""Decisions: by the right role, in the right order, with a reason, on exactly what lies there."""

from pathlib import Path

import pytest
from builders.city import a_city
from builders.submissions import REASON, ROLES, a_submission, accepted, code, received, reran

from stadtbuch.errors import AccessDenied, Refused, StadtbuchError, UsageError
from stadtbuch.model.submission import Stage, Verdict
from stadtbuch.submissions import inbox, review
from stadtbuch.texts import Text, same


@pytest.fixture
def city(tmp_path: Path):
    """Open a small city in a role that decides."""
    return a_city(tmp_path / "city", roles=ROLES).open(as_role="editor")


def bring(city, stage: str) -> str:
    """Bring a new submission to a stage."""
    got = received(city)
    number = got.submission.number
    steps = {
        "inspected": lambda: review.inspect(city, number),
        "rerun": lambda: reran(city, number),
        "accepted": lambda: review.accept(city, number, reason=REASON),
    }
    if stage == "rejected":
        review.reject(city, number, reason=REASON)
    elif stage == "withdrawn":
        review.withdraw(city, number, reason=REASON)
    else:
        for name in list(steps)[: ["received", *steps].index(stage)]:
            steps[name]()
    assert inbox.get(city.state, number).stage == stage
    return number


ALLOWED = {
    "received": {"inspect", "reject", "withdraw"},
    "inspected": {"inspect", "rerun", "reject", "withdraw"},
    "rerun": {"inspect", "rerun", "accept", "reject", "withdraw"},
    "accepted": {"inspect", "withdraw"},
    "rejected": {"inspect", "withdraw"},
    "withdrawn": set(),
}
VERBS = {
    "inspect": review.inspect,
    "rerun": reran,
    "accept": lambda city, number: review.accept(city, number, reason=REASON),
    "reject": lambda city, number: review.reject(city, number, reason=REASON),
    "withdraw": lambda city, number: review.withdraw(city, number, reason=REASON),
}


@pytest.mark.parametrize("stage", ALLOWED)
@pytest.mark.parametrize("verb", VERBS)
def test_each_step_has_its_turn(city, stage: str, verb: str) -> None:
    """A step out of order is refused with what comes next, and changes nothing."""
    number = bring(city, stage)
    if verb in ALLOWED[stage]:
        VERBS[verb](city, number)
        return
    before = inbox.get(city.state, number)
    with pytest.raises(UsageError) as error:
        VERBS[verb](city, number)
    assert error.value.code == ("submission.withdrawn" if stage == "withdrawn" else "submission.order")
    assert inbox.get(city.state, number) == before


def test_only_the_roles_of_the_settings_decide(city) -> None:
    """Who may read everything may still not decide."""
    number = bring(city, "rerun")
    analyst = a_city(city.settings.root.parent / "other", roles=ROLES).open(as_role="analyst")
    for decide in (review.accept, review.reject, review.withdraw):
        with pytest.raises(AccessDenied) as error:
            decide(analyst, number, reason=REASON)
        assert error.value.code == "submission.role"


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        (same(""), "short"), (same("   gut   "), "short"), (Text(de="Gut erklärt und klar.", en=""), "short"),
        (same("x" * 1001), "long"), (same("Fragen Sie Erika unter erika@muster.example"), "personal"),
    ],
)  # fmt: skip
def test_a_reason_is_required_and_names_nobody(city, reason: Text, rule: str) -> None:
    """It stays in the book for ever, so it is checked before."""
    number = bring(city, "rerun")
    for decide in (review.accept, review.reject, review.withdraw):
        with pytest.raises(UsageError) as error:
            decide(city, number, reason=reason)
        assert error.value.code == f"submission.reason-{rule}"
    assert inbox.get(city.state, number).stage is Stage.rerun


@pytest.mark.parametrize(
    ("changes", "data", "verdict", "rule"),
    [
        ({"consent": False}, None, Verdict.reproduced, "no-consent"),
        ({"licence": ""}, None, Verdict.reproduced, "no-licence"),
        ({}, a_submission(code("1")), Verdict.reproduced, "against"),
        ({}, a_submission(code('city.load("population.residents")')), Verdict.reproduced, "against"),
        ({}, None, Verdict.fails, "not-reproduced"),
    ],
)
def test_nothing_is_accepted_that_should_not_be_shown(city, changes, data, verdict, rule: str) -> None:
    """No consent, no licence, a finding against it, or a run that failed: not in the showcase."""
    number = received(city, data, **changes).submission.number
    review.inspect(city, number)
    reran(city, number, verdict=verdict)
    with pytest.raises(Refused) as error:
        review.accept(city, number, reason=REASON)
    assert error.value.code == f"submission.{rule}"


def test_a_run_that_differs_may_be_shown(city) -> None:
    """A person decides; the page says that it differs."""
    number = received(city).submission.number
    review.inspect(city, number)
    reran(city, number, verdict=Verdict.differs)
    assert review.accept(city, number, reason=REASON).stage is Stage.accepted


def test_the_book_says_what_was_decided_on(city) -> None:
    """Checksums of content and result, the verdict, the reason, the role."""
    number = accepted(city).submission.number
    (entry,) = city.book.entries(kind="submission-accepted")
    made, _ = inbox.rerun(inbox.get(city.state, number))
    assert (entry.subject, entry.role) == (number, "editor")
    assert entry.details == {
        "content": made.digest, "result": made.notebook, "verdict": "reproduced", "reason": REASON.as_dict()
    }  # fmt: skip


def test_the_sender_withdraws_with_the_secret_in_any_role(city) -> None:
    """No reason is asked; the content is gone at once, number and day stay."""
    got = accepted(city)
    (city.settings.root / "roles.yaml").write_text('"*": [visitor]\n')
    visitor = type(city).open(city.settings, now=city.now, login="tester")
    held = review.withdraw_by_sender(visitor, got.submission.number, secret=got.secret.lower())
    assert (held.stage, held.status.was_public, held.status.reason) == (
        Stage.withdrawn,
        True,
        review.BY_SENDER,
    )
    assert sorted(path.name for path in held.folder.iterdir()) == ["status", "submission.json"]
    assert (held.submission.credit, held.submission.digest, held.submission.secret) == ("", "", "")


@pytest.mark.parametrize("secret", ["", "11111-11111", "x" * 10_000, "ä"])
def test_a_wrong_secret_opens_nothing(city, secret: str) -> None:
    """Not even an empty one, and not after the real one was deleted."""
    got = accepted(city)
    with pytest.raises(AccessDenied) as error:
        review.withdraw_by_sender(city, got.submission.number, secret=secret)
    assert error.value.code == "submission.secret"
    review.withdraw(city, got.submission.number, reason=REASON)
    with pytest.raises(StadtbuchError) as again:
        review.withdraw_by_sender(city, got.submission.number, secret=secret)
    assert again.value.code == "submission.withdrawn"


def test_what_was_never_accepted_leaves_no_page(city) -> None:
    """A tombstone stands only where a page was."""
    number = bring(city, "withdrawn")
    assert inbox.get(city.state, number).status.was_public is False
