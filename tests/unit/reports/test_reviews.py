"""Reviews: who may let which finding pass, for how long it holds, and what readers see of it."""

import json
from pathlib import Path

import nbformat
import pytest
import yaml
from builders.city import Made

from stadtbuch.errors import AccessDenied, ReportError, UsageError
from stadtbuch.model.verdict import Decision, Severity
from stadtbuch.reports import definitions, gate, reviews
from stadtbuch.reports.reviews import FREE_TEXT, SENSITIVE
from stadtbuch.runs import manifest
from stadtbuch.texts import Text

OWNER = "head-of-statistics"
REGISTER = "population.residents"
REASON = Text(de="Die Tabelle ist grob genug.", en="The table is coarse enough.")


def folder_of(city: Made, notebook: str) -> Path:
    """Give the folder of the run of a notebook."""
    name = f"notebooks/{notebook}.ipynb"
    folders = (city.root / "var" / "runs").iterdir()
    return next(one for one in folders if json.loads((one / "run.json").read_bytes())["notebook"] == name)


def judged(city: Made, notebook: str = "people.prepare", *, step: str = "prepare") -> Decision:
    """Judge a run of the report ``people`` (or of the report with the notebook's name)."""
    report = definitions.load(city.settings)[notebook.partition(".")[0]]
    told = manifest.read(city.root / "notebooks" / f"{notebook}.ipynb", root=city.root).manifest
    folder = folder_of(city, notebook)
    return gate.judge(city.open(), folder, manifest=told, step=step, report=report)[1]


def weights(decision: Decision) -> dict[str, Severity]:
    """Give the rules that were found, with their weights."""
    return {one.rule: one.severity for one in decision.findings}


def review(city: Made, *, role: str = OWNER, report: str = "people", **changes):
    """Let a finding pass."""
    asked = {"rule": SENSITIVE, "about": REGISTER, "reason": REASON} | changes
    return reviews.decide(city.open(as_role=role), report, **asked)


def change_catalogue(city: Made, change) -> Made:
    """Change the entry of the register."""
    path = city.root / "catalogs" / "population.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    entry = content["datasets"]["residents"]
    change(entry)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return city


def change_run(city: Made, notebook: str, change) -> None:
    """Change what a run says it read."""
    path = folder_of(city, notebook) / "run.json"
    facts = json.loads(path.read_bytes())
    change(facts["inputs"][REGISTER])
    path.write_text(json.dumps(facts), encoding="utf-8")


@pytest.fixture
def sensitive(built: Made) -> Made:
    """Give the built city, whose register is about a sensitive group."""
    return change_catalogue(built, lambda entry: entry["privacy"].update(sensitive_group=True))


@pytest.fixture
def with_free_text(built: Made) -> Made:
    """Give the built city, whose preparing run read the notes of the register."""
    note = {"name": "note", "privacy": "free-text", "title": {"de": "Vermerk", "en": "Note"}, "labels": {}}
    change_run(built, "people.prepare", lambda one: one["columns"].append(note))
    return built


def test_a_sensitive_group_waits_for_a_review(sensitive):
    """Without a decision of the owner the gate refuses, and says what to type."""
    found = next(one for one in judged(sensitive).findings if one.rule == SENSITIVE)
    assert (found.severity, found.subject) == (Severity.refuse, REGISTER)
    assert f"--rule {SENSITIVE} --about {REGISTER} --as {OWNER}" in found.remedy.en


def test_after_the_review_it_is_a_note_that_names_role_day_and_reason(sensitive):
    """The report goes on, and its readers see who allowed it and why; the book holds it."""
    review(sensitive)
    found = next(one for one in judged(sensitive).findings if one.rule == SENSITIVE)
    assert found.severity is Severity.note
    assert found.text.en.endswith(f"by the role {OWNER} on 2026-01-15: {REASON.en}")
    assert [entry.role for entry in sensitive.open().book.entries(kind="reviewed", subject="people")] == [
        OWNER
    ]


def test_free_text_never_passes_by_itself(with_free_text):
    """A run that reads free text is refused until its owner looked at it."""
    assert weights(judged(with_free_text))[FREE_TEXT] is Severity.refuse


def test_other_roles_decide_nothing(sensitive):
    """Neither a command in another role nor an entry of another role lets it pass."""
    with pytest.raises(AccessDenied) as caught:
        review(sensitive, role="analyst")
    assert caught.value.code == "report.review-role"
    made = review(sensitive).model_copy(update={"role": "analyst"})
    reviews.write(sensitive.settings, made)
    session = sensitive.open(as_role="analyst")
    details = {"review": made.model_copy(update={"role": OWNER}).model_dump(mode="json")}
    session.book.append("reviewed", subject="people", actor=session.actor, now=session.now, details=details)
    change_run(
        sensitive, "people.prepare", lambda one: one["columns"].append({"name": "x", "privacy": "harmless"})
    )
    assert weights(judged(sensitive))[SENSITIVE] is Severity.refuse


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["columns"].append({"name": "sex", "privacy": "quasi-identifier"}),
        lambda one: one.update(purpose="another"),
    ],
    ids=["a further column", "another purpose"],
)
def test_a_review_holds_for_what_was_reviewed(sensitive, change):
    """Who reads a further column, or for another purpose, needs a new review."""
    review(sensitive)
    change_run(sensitive, "people.prepare", change)
    assert weights(judged(sensitive))[SENSITIVE] is Severity.refuse


def test_other_code_needs_a_new_review_where_code_decides(built):
    """What looks like an identifier may be none: that holds for this notebook as it is."""
    path = built.root / "notebooks" / "people.prepare.ipynb"
    mail = "# Frage an amt@andere-stadt.example"
    for where in (path, folder_of(built, "people.prepare") / "notebook.ipynb"):
        notebook = nbformat.read(where, as_version=4)
        notebook.cells[-1].source += f"\n{mail}"
        nbformat.write(notebook, where)
    (found,) = [one for one in judged(built).findings if one.rule == "privacy.identifier"]
    review(built, rule="privacy.identifier", about=found.subject)
    assert judged(built).allowed
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += "\n"
    nbformat.write(notebook, path)
    assert not judged(built).allowed


@pytest.mark.parametrize(
    "rule", ["privacy.value", "privacy.canary", "privacy.mime", "check.broken", "reports.recount"]
)
def test_nothing_else_has_exceptions(built, rule):
    """What stands in closed data does not leave by a signature."""
    with pytest.raises(UsageError) as caught:
        review(built, rule=rule)
    assert caught.value.code == "report.no-exception"


@pytest.mark.parametrize(
    "wording",
    ["Passt so.", "Frau Erika sagt, es ist gut: erika@post.example"],
    ids=["short", "names somebody"],
)
def test_a_reason_says_something_and_names_nobody(sensitive, wording):
    """Readers see it, so it must be one."""
    with pytest.raises(UsageError) as caught:
        review(sensitive, reason=Text(de=wording, en=wording + " "))
    assert caught.value.code == "report.review-reason"


def test_only_what_a_report_reads_can_be_reviewed(sensitive):
    """The open report does not read the register."""
    with pytest.raises(UsageError) as caught:
        review(sensitive, report="area")
    assert caught.value.code == "report.review-subject"


def test_a_review_goes_along_with_the_reports(sensitive):
    """Written into the file it holds in another copy of the city; a new one takes the place of the old one."""
    review(sensitive, record=True)
    review(sensitive, record=True)
    assert len(reviews.recorded(sensitive.settings)) == 1
    (sensitive.root / "var" / "book.sqlite").unlink()
    assert weights(judged(sensitive))[SENSITIVE] is Severity.note


def test_a_file_that_is_not_understood_is_an_error_and_no_pass(sensitive):
    """A typing mistake in the file of reviews lets nothing pass."""
    (sensitive.root / "reports" / definitions.REVIEWS).write_text("reviews: [{rule: x}]", encoding="utf-8")
    with pytest.raises(ReportError) as caught:
        reviews.recorded(sensitive.settings)
    assert caught.value.code == "report.reviews"
    assert not judged(sensitive).allowed


@pytest.mark.parametrize(
    ("origin", "custody", "weight"),
    [
        ("administration", "city", Severity.refuse),
        ("business", "third-party", Severity.refuse),
        ("civil-society", "city", Severity.refuse),
        ("civil-society", "third-party", Severity.warn),
    ],
)
def test_rules_bind_the_city_and_advise_civil_society(sensitive, origin, custody, weight):
    """The same defect: a refusal for what the city holds, advice for what civil society holds itself."""
    held = {"kind": custody, "reason": {"de": "So vereinbart.", "en": "As agreed."}}
    change_catalogue(sensitive, lambda entry: entry.update(origin=origin, custody=held))
    assert weights(judged(sensitive))[SENSITIVE] is weight
