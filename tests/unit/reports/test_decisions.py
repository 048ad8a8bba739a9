"""What people decide: approving, withholding, and what the catalogue finds afterwards."""

import pytest
from builders.city import NOW, Made
from builders.reports import PROTECT, START, a_manifest, write_notebook

from stadtbuch.errors import AccessDenied, ReportError, UsageError
from stadtbuch.reports import approvals, build, decisions, editions
from stadtbuch.site import pages
from stadtbuch.texts import Text, same

REASON = Text(de="Eine Quelle war falsch.", en="A source was wrong.")
HEAD = "head-of-statistics"


def derived(city: Made) -> list[str]:
    """Give the tables that the catalogue finds."""
    return sorted(path.name for path in (city.root / "var/derived").iterdir())


def with_new_rules(city: Made) -> Made:
    """Give the same city, judging by another version of the rules."""
    rules = city.settings.rules.model_copy(update={"version": "2099.1"})
    return Made(city.root, city.settings.model_copy(update={"rules": rules}))


def test_approval_releases_what_waits(built):
    """The edition leaves the spool, carries the approval, and its table can be loaded."""
    done = decisions.approve(built.open(as_role=HEAD), "people")
    assert [edition.id for edition in done.released] == ["people@2026-01-15"]
    state = built.open().state
    released = editions.latest(state, "people", "")
    assert released.edition.approval.role == HEAD
    assert editions.damaged_files(released) == []
    assert list(editions.all_waiting(state)) == []
    assert derived(built) == ["people.by_borough.json"]
    assert built.open().load("people.by_borough").total() == 8


def test_a_name_that_was_taken_meanwhile_gets_a_number(built):
    """What waited is released beside what is there, never over it."""
    state = built.open().state
    waiting = editions.waiting(state, "people", "")
    files = {file.path: (waiting.folder / file.path).read_bytes() for file in waiting.edition.files}
    editions.lay(editions.place(state, "people", "") / "2026-01-15", waiting.edition, files)
    done = decisions.approve(built.open(as_role=HEAD), "people")
    assert [edition.id for edition in done.released] == ["people@2026-01-15.2"]


def test_what_is_approved_once_needs_no_second_approval(built):
    """The next build with the same code finds the approval in the book."""
    decisions.approve(built.open(as_role=HEAD), "people")
    summary = build.build(built.open(), ["people"])
    assert summary["runs"][0]["publication"] == "unchanged"
    assert summary["counts"]["executed"] == 0


def test_only_the_releasing_role_approves(built):
    """An analyst does not release the own report."""
    with pytest.raises(AccessDenied) as caught:
        decisions.approve(built.open(as_role="analyst"), "people")
    assert caught.value.exit_code == 4
    assert list(built.open().book.entries(kind="approved")) == []


def test_an_approval_is_for_the_code_that_was_looked_at(built):
    """If the notebook changed since, it must be built and looked at again."""
    manifest = a_manifest(
        purpose="age-structure", risk="low", inputs={"population.residents": {"columns": ["borough", "age"]}},
        gives=["by_borough"],
    )  # fmt: skip
    write_notebook(built.root, "people.prepare", START, PROTECT + "\n# more", manifest=manifest, words=[])
    with pytest.raises(UsageError) as caught:
        decisions.approve(built.open(as_role=HEAD), "people")
    assert caught.value.code == "report.stale"


def test_an_approval_is_for_the_rules_that_judged(built):
    """What waits under older rules is not stamped with the new version; building again judges it anew."""
    newer = with_new_rules(built)
    with pytest.raises(UsageError) as caught:
        decisions.approve(newer.open(as_role=HEAD), "people")
    assert caught.value.code == "report.stale"
    assert list(newer.open().book.entries(kind="approved")) == []
    build.build(newer.open(), ["people"])
    (released,) = decisions.approve(newer.open(as_role=HEAD), "people").released
    assert (released.rules, released.approval.rules) == ("2099.1", "2099.1")


def test_a_recorded_approval_lets_a_fresh_city_publish(built):
    """The file in reports/ is enough where the book knows nothing."""
    done = decisions.approve(built.open(as_role=HEAD), "people", record=True)
    assert done.file.name == approvals.APPROVALS
    session = built.open()
    editions.remove(editions.place(session.state, "people", ""))
    (built.root / "var/book.sqlite").unlink()
    summary = build.build(built.open(), ["people"])
    assert summary["runs"][0]["publication"] == "published"
    assert [entry.kind for entry in built.open().book.entries(kind="released")] == ["released"]


def test_withholding_takes_an_edition_out_of_public(built):
    """The reason is kept, the files stay, the book knows, the table is found no more."""
    decisions.approve(built.open(as_role=HEAD), "people")
    done = decisions.withhold(built.open(as_role=HEAD), "people@2026-01-15", reason=REASON)
    assert not done.public
    assert done.status["reason"] == REASON.as_dict()
    assert derived(built) == []
    (entry,) = built.open().book.entries(kind="withheld")
    assert (entry.subject, entry.role) == ("people@2026-01-15", HEAD)
    summary = build.build(built.open(), ["people"])
    assert summary["runs"][0]["publication"] == "withheld"


def test_withholding_twice_or_in_another_role_is_refused(built):
    """Both say what is wrong."""
    with pytest.raises(AccessDenied):
        decisions.withhold(built.open(as_role="analyst"), "area@2026-01-15", reason=REASON)
    decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    with pytest.raises(UsageError) as caught:
        decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    assert caught.value.code == "edition.withheld"


def test_a_mistake_in_another_report_does_not_keep_an_edition_public(built):
    """Withholding reads the definition of this report only; who may do it still counts."""
    (built.root / "reports/broken.yaml").write_text("title: [", encoding="utf-8")
    with pytest.raises(AccessDenied):
        decisions.withhold(built.open(as_role="analyst"), "area@2026-01-15", reason=REASON)
    assert not decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=REASON).public
    pages.write(built.open(), now=NOW)
    (page,) = (built.root / "public").glob("reports/area/2026-01-15/index.html")
    assert REASON.de in page.read_text(encoding="utf-8")


def test_a_definition_that_cannot_be_read_names_nobody_who_may_withhold(built):
    """Then the definition must be corrected first: silence is no permission."""
    (built.root / "reports/area.yaml").write_text("title: [", encoding="utf-8")
    with pytest.raises(ReportError):
        decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    assert editions.latest(built.open().state, "area", "").public


def test_withholding_again_adds_the_entry_that_an_interruption_left_out(built):
    """The note beside the edition came first; the book learns its reason once, not twice."""
    state = built.open().state
    editions.withhold(editions.find(state, "area@2026-01-15"), reason=REASON, role=HEAD, now=NOW)
    for _ in range(2):
        with pytest.raises(UsageError, match="schon zurückgezogen"):
            decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=same("anders"))
    (entry,) = built.open().book.entries(kind="withheld")
    assert (entry.subject, entry.details["reason"]) == ("area@2026-01-15", REASON.as_dict())


def test_a_damaged_edition_is_not_released(built):
    """What waited must be what was judged."""
    (built.root / "var/spool/waiting/people/_/results.json").write_bytes(b"[1]")
    with pytest.raises(Exception, match="beschädigt"):
        decisions.approve(built.open(as_role=HEAD), "people")
    assert editions.names(built.open().state, "people", "") == []
