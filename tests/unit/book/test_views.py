"""Views: what registers and pages read from the book, as pure folds."""

from datetime import UTC, datetime

from stadtbuch.book import views
from stadtbuch.model.entry import Entry


def an_entry(kind: str, subject: str, **details: object) -> Entry:
    """Make an entry that only says what happened to what."""
    return Entry(
        number=1, at=datetime(2026, 1, 15, tzinfo=UTC), kind=kind, role="analyst", who="x",
        subject=subject, details=details, previous="0", hash="1",
    )  # fmt: skip


def test_runs_are_those_that_finished_and_those_that_failed():
    """A failed run is part of the history."""
    book = [an_entry("ran", "a"), an_entry("loaded", "b"), an_entry("run-failed", "c")]
    assert [entry.subject for entry in views.runs(book)] == ["a", "c"]


def test_released_gives_every_edition_in_its_order():
    """What was refused or waits is not released."""
    book = [
        an_entry("released", "r@2026-01-02"),
        an_entry("refused", "r@2026-01-03"),
        an_entry("released", "r@2026-01-01"),
    ]
    assert list(views.released(book)) == ["r@2026-01-02", "r@2026-01-01"]


def test_what_was_withheld_is_no_longer_released():
    """A later release of the same edition brings it back."""
    book = [an_entry("released", "r@1"), an_entry("withheld", "r@1")]
    assert views.released(book) == {}
    assert list(views.released([*book, an_entry("released", "r@1")])) == ["r@1"]


def test_approving_a_report_ends_the_waiting_of_its_editions():
    """The approval is one entry about the report; it lists what waited."""
    book = [an_entry("awaiting-approval", "r/a@1"), an_entry("awaiting-approval", "r/b@1")]
    assert list(views.waiting([*book, an_entry("approved", "r", editions=["r/a@1"])])) == ["r/b@1"]


def test_an_edition_waits_until_somebody_decided():
    """Approval, refusal and release end the waiting; nothing else does."""
    book = [an_entry("awaiting-approval", name) for name in ("a@1", "b@1", "c@1", "d@1")]
    book += [
        an_entry("approved", "a@1"),
        an_entry("refused", "b@1"),
        an_entry("released", "c@1"),
        an_entry("ran", "d@1"),
    ]
    assert list(views.waiting(book)) == ["d@1"]


def test_an_edition_that_is_announced_again_waits_again():
    """The last word counts."""
    book = [
        an_entry("awaiting-approval", "a@1"),
        an_entry("refused", "a@1"),
        an_entry("awaiting-approval", "a@1"),
    ]
    assert list(views.waiting(book)) == ["a@1"]


def test_uses_join_what_loaded_ran_and_released_say():
    """A dataset's page can say which notebooks and reports use it."""
    book = [
        an_entry("loaded", "mobility.counts", notebook="notebooks/a.ipynb"),
        an_entry("loaded", "mobility.counts"),
        an_entry("ran", "notebooks/b.ipynb", inputs=["mobility.counts", "geography.areas"]),
        an_entry("released", "cycling/mitte@2026-01-15", inputs={"geography.areas": "version"}),
        an_entry("refused", "secret@2026-01-15", inputs=["geography.areas"]),
    ]
    assert views.uses(book) == {
        "mobility.counts": {"notebooks/a.ipynb", "notebooks/b.ipynb"},
        "geography.areas": {"notebooks/b.ipynb", "cycling"},
    }
