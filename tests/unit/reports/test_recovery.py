"""Recovery: the book decides what is finished and what is taken back."""

import json

import pytest

from stadtbuch.reports import build, decisions, editions, recovery
from stadtbuch.reports.recovery import Mended
from stadtbuch.runs import execute
from stadtbuch.texts import Text

HEAD = "head-of-statistics"
REASON = Text(de="Eine Quelle war falsch.", en="A source was wrong.")


class Cut(BaseException):
    """Stands for a power cut."""


def cut(*_: object, **__: object) -> None:
    """End here."""
    raise Cut


def kinds(city, *wanted: str) -> list[str]:
    """Give the kinds of entries of the book."""
    return [entry.kind for entry in city.open().book.entries() if entry.kind in wanted]


def cut_off(monkeypatch: pytest.MonkeyPatch, action, *, before: str, of=editions) -> None:
    """Do something until it would call a function."""
    with monkeypatch.context() as patched:
        patched.setattr(of, before, cut)
        with pytest.raises(Cut):
            action()


def test_an_edition_that_the_book_knows_gets_its_place(built, monkeypatch):
    """Cut off between entry and name: released once, and what waited is gone."""
    cut_off(monkeypatch, lambda: decisions.approve(built.open(as_role=HEAD), "people"), before="switch")
    assert recovery.mend(built.open()).editions == 1
    assert [one.edition.id for one in editions.history(built.open().state, "people")] == ["people@2026-01-15"]
    assert list(editions.all_waiting(built.open().state)) == []
    assert kinds(built, "approved", "released").count("approved") == 1
    assert recovery.mend(built.open()) == Mended()


def test_an_edition_that_the_book_does_not_know_is_taken_back(built, monkeypatch):
    """Cut off before the entry: nothing was released, and the approval that stands is carried out."""
    cut_off(
        monkeypatch,
        lambda: decisions.approve(built.open(as_role=HEAD), "people"),
        before="enter",
        of=decisions,
    )
    mended = recovery.mend(built.open())
    assert (mended.editions, mended.removed) == (1, 1)
    (entry,) = built.open().book.entries(kind="released", subject="people@2026-01-15")
    latest = editions.latest(built.open().state, "people", "")
    assert (latest.edition.approval.role, editions.damaged_files(latest)) == (HEAD, [])
    assert entry.details["files"] == len(latest.edition.files)


def test_a_withheld_edition_gets_its_note(built, monkeypatch):
    """The reason comes from the book, and so does the role that gave it."""
    cut_off(
        monkeypatch,
        lambda: decisions.withhold(built.open(as_role=HEAD), "area@2026-01-15", reason=REASON),
        before="withhold",
    )
    assert editions.latest(built.open().state, "area", "").public
    assert recovery.mend(built.open()).withheld == 1
    status = editions.latest(built.open().state, "area", "").status
    assert (status["reason"], status["role"]) == (REASON.as_dict(), HEAD)
    assert kinds(built, "withheld") == ["withheld"]


def test_a_run_that_the_book_does_not_know_is_entered(built):
    """Complete, but cut off before its entry: it is entered once, with what it read."""
    known = {entry.details["key"]: entry for entry in built.open().book.entries(kind="ran")}
    book = built.root / "var/book.sqlite"
    for path in book.parent.glob("book.sqlite*"):
        path.unlink()
    assert recovery.mend(built.open()).runs == len(known)
    entered = {entry.details["key"]: entry for entry in built.open().book.entries(kind="ran")}
    assert {key: one.details for key, one in entered.items()} == {
        key: one.details for key, one in known.items()
    }
    assert recovery.mend(built.open()).runs == 0


@pytest.mark.parametrize("how", ["no mark", "half a mark", "half an output"])
def test_half_a_run_is_removed_and_done_again(built, how):
    """Also where a power cut lost what was written before the mark."""
    (run,) = [path.parents[1] for path in (built.root / "var/runs").glob("*/outputs/figures")
              if any(path.iterdir())]  # fmt: skip
    if how == "no mark":
        (run / "result.json").unlink()
    elif how == "half a mark":
        (run / "result.json").write_text("{", encoding="utf-8")
    else:
        next((run / "outputs/figures").iterdir()).write_bytes(b"")
    assert recovery.mend(built.open()).removed == 1
    assert not run.exists()


def test_the_next_build_says_that_a_run_was_interrupted(built):
    """Also after recovery has taken away the half of it; one build later that is over."""
    (run,) = [path.parents[1] for path in (built.root / "var/runs").glob("*/outputs/figures")
              if any(path.iterdir())]  # fmt: skip
    (run / "result.json").unlink()
    recovery.mend(built.open())

    def why() -> list[str]:
        summary = build.build(built.open(), ["area"], dry_run=True)
        return [one.part for row in summary["runs"] for one in row["reason"]]

    assert why() == ["interrupted"]
    execute.forget_interruptions(built.open().state)
    assert why() == ["gone"]


def test_where_killed_workers_were_at_work_is_cleared(built):
    """Not while a cluster of this city is at work."""
    state = built.open().state
    (state.folder("spool") / "cluster" / "unit").mkdir(parents=True)
    with state.lock("cluster", command="test"):
        assert recovery.mend(built.open()).removed == 0
    assert recovery.mend(built.open()).removed == 1
    assert not (state.folder("spool") / "cluster").exists()


def test_a_failed_run_stays_to_be_looked_at(built):
    """It is not half: it says why it failed."""
    (run, *_) = sorted((built.root / "var/runs").iterdir())
    told = json.loads((run / "result.json").read_text(encoding="utf-8"))
    (run / "result.json").write_text(json.dumps({**told, "status": "failed"}), encoding="utf-8")
    assert recovery.mend(built.open()) == Mended()


def test_the_next_build_of_the_library_mends_too(built, monkeypatch):
    """Not only the command line: whoever builds finds what was left."""
    city = built.open(as_role=HEAD)
    note = city.state.folder("journal") / "1-abc.json"
    note.write_text("{}", encoding="utf-8")
    cut_off(monkeypatch, lambda: decisions.approve(city, "people"), before="switch")
    summary = build.build(built.open(), ["people"])
    assert summary["runs"][0]["publication"] == "unchanged"
    assert kinds(built, "released") == ["released", "released"]
