"""The ledger: append-only, chained, safe with several writers, and honest about damage."""

import json
import multiprocessing
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch import atomic
from stadtbuch.book import ledger
from stadtbuch.book.ledger import COLUMNS, START, Book
from stadtbuch.errors import Busy, StateError
from stadtbuch.model.actor import Actor

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
ACTOR = Actor(login="m.muster", role="analyst", roles=("analyst",))


def key(name: str) -> bytes:
    """Give a fixed key per name, so that hashes in these tests do not change."""
    return sha256(name.encode()).digest()


def a_book(folder: Path, *, entries: int = 0) -> Book:
    """Make a book with so many entries, each about another subject."""
    book = Book(folder / "book.sqlite", key=key)
    for number in range(1, entries + 1):
        book.append(
            "loaded", subject=f"mobility.counter-{number}", actor=ACTOR, now=NOW, details={"n": number}
        )
    return book


def tampered(book: Book, statement: str, *values: object) -> None:
    """Change the file as somebody who has it in hands can: without the triggers."""
    connection = sqlite3.connect(book.path, isolation_level=None)
    connection.execute("DROP TRIGGER IF EXISTS never_changed")
    connection.execute("DROP TRIGGER IF EXISTS never_removed")
    connection.execute(statement, values)
    connection.close()


def test_entries_come_back_as_they_were_appended(tmp_path):
    """Every field of an entry is kept; the time in UTC."""
    book = a_book(tmp_path)
    made = book.append(
        "released", subject="who-lives-where/mitte@2026-01-15", actor=ACTOR,
        now=datetime.fromisoformat("2026-01-15T09:30:00+01:00"), details={"runs": ["ab", "cd"], "ok": True},
    )  # fmt: skip
    (found,) = book.entries()
    assert found == made
    assert (found.number, found.kind, found.role, found.at) == (1, "released", "analyst", NOW)
    assert found.details == {"runs": ["ab", "cd"], "ok": True}


def test_entries_can_be_chosen_by_kind_and_subject(tmp_path):
    """Filters join with and; the order stays that of the book."""
    book = a_book(tmp_path, entries=2)
    book.append("released", subject="mobility.counter-1", actor=ACTOR, now=NOW)
    assert [entry.number for entry in book.entries(kind="loaded")] == [1, 2]
    assert [entry.number for entry in book.entries(subject="mobility.counter-1")] == [1, 3]
    assert [entry.number for entry in book.entries(kind="released", subject="mobility.counter-1")] == [3]


def test_a_book_without_entries_is_sound_and_not_on_disk(tmp_path):
    """Reading an empty book makes no file."""
    book = a_book(tmp_path)
    assert list(book.entries()) == []
    assert book.head() == {"entries": 0, "head": START}
    assert book.verify() == {"ok": True, "entries": 0, "head": START}
    assert not book.path.exists()


def test_each_hash_covers_the_one_before(tmp_path):
    """The hash can be recomputed by anybody from the export: SHA-256 of previous hash and canonical JSON."""
    book = a_book(tmp_path, entries=2)
    first, second = book.entries()
    assert (first.previous, second.previous) == (START, first.hash)
    content = {
        "at": "2026-01-15T08:30:00Z", "details": {"n": 2}, "format": 1, "kind": "loaded", "number": 2,
        "previous": first.hash, "role": "analyst", "subject": "mobility.counter-2", "who": second.who,
    }  # fmt: skip
    written = json.dumps(content, separators=(",", ":"), sort_keys=True)
    assert second.hash == sha256((first.hash + written).encode()).hexdigest()
    assert book.head() == {"entries": 2, "head": second.hash}


def test_the_login_is_only_kept_as_a_hash_with_the_key_of_the_year(tmp_path):
    """The same person is recognisable within a year, not across years, and never by name."""
    book = a_book(tmp_path)
    first = book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    again = book.append("loaded", subject="a.c", actor=ACTOR, now=NOW)
    other = book.append(
        "loaded", subject="a.b", actor=ACTOR.model_copy(update={"login": "e.beispiel"}), now=NOW
    )
    later = book.append("loaded", subject="a.b", actor=ACTOR, now=NOW + timedelta(days=365))
    assert first.who == again.who
    assert len({first.who, other.who, later.who}) == 3
    assert b"m.muster" not in book.path.read_bytes()


@pytest.mark.parametrize("statement", ["UPDATE entries SET role = 'x'", "DELETE FROM entries"])
def test_the_database_itself_refuses_changes(tmp_path, statement):
    """A stray program that opens the file cannot change or remove entries."""
    book = a_book(tmp_path, entries=1)
    connection = sqlite3.connect(book.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert book.verify()["ok"]


@pytest.mark.parametrize(
    "details",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {1: "x"},
        {"x": {2: 1}},
        {"x": b"y"},
        {"x": NOW},
        {"x": "\ud800"},
    ],
)
def test_details_that_are_no_json_are_refused_before_anything_is_written(tmp_path, details):
    """What would not come back as it went in never enters the book."""
    book = a_book(tmp_path)
    with pytest.raises(ValueError):
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW, details=details)
    assert not book.path.exists()


def test_a_time_without_a_zone_is_refused(tmp_path):
    """A naive time would mean something else on another machine."""
    with pytest.raises(ValueError, match="time zone"):
        a_book(tmp_path).append("loaded", subject="a.b", actor=ACTOR, now=datetime(2026, 1, 1))


@pytest.mark.parametrize(("kind", "subject"), [("Loaded", "a.b"), ("", "a.b"), ("loaded", "")])
def test_an_entry_without_kind_or_subject_is_refused(tmp_path, kind, subject):
    """Entries that no view could find do not enter."""
    with pytest.raises(ValueError, match="kind"):
        a_book(tmp_path).append(kind, subject=subject, actor=ACTOR, now=NOW)


@settings(max_examples=30, deadline=None)
@given(
    details=st.dictionaries(
        st.text(max_size=8).filter(lambda text: text.isprintable()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8).filter(lambda text: text.isprintable()),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
            max_leaves=6,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_json_survives_and_verifies(tmp_path_factory, details):
    """Whatever JSON the details hold, they come back equal and the chain holds."""
    book = a_book(tmp_path_factory.mktemp("book"))
    book.append("loaded", subject="a.b", actor=ACTOR, now=NOW, details=details)
    assert next(book.entries()).details == details
    assert book.verify()["ok"]


CHANGES = {
    "number": "UPDATE entries SET number = 7 WHERE number = 3",
    "format": "UPDATE entries SET format = 2 WHERE number = 2",
    "at": "UPDATE entries SET at = '2026-01-15T08:30:01Z' WHERE number = 2",
    "kind": "UPDATE entries SET kind = 'ran' WHERE number = 2",
    "role": "UPDATE entries SET role = 'operator' WHERE number = 2",
    "who": "UPDATE entries SET who = 'x' WHERE number = 2",
    "subject": "UPDATE entries SET subject = 'mobility.counter-9' WHERE number = 2",
    "details": "UPDATE entries SET details = '{\"n\":3}' WHERE number = 2",
    "spaces": "UPDATE entries SET details = '{\"n\": 2}' WHERE number = 2",
    "no json": "UPDATE entries SET details = '{' WHERE number = 2",
    "previous": "UPDATE entries SET previous = hash WHERE number = 2",
    "hash": "UPDATE entries SET hash = previous WHERE number = 2",
    "deleted": "DELETE FROM entries WHERE number = 2",
    "deleted first": "DELETE FROM entries WHERE number = 1",
    "swapped": "UPDATE entries SET number = CASE number WHEN 1 THEN -2 ELSE -1 END WHERE number < 3",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_verify_finds_every_kind_of_tampering(tmp_path, statement):
    """A changed column, a missing entry, swapped entries: each is found."""
    book = a_book(tmp_path, entries=3)
    tampered(book, statement)
    if "-2" in statement:
        tampered(book, "UPDATE entries SET number = -number WHERE number < 0")
    verdict = book.verify()
    assert not verdict["ok"]
    assert set(verdict["problem"]["text"]) == {"de", "en"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("deleted", "missing"), ("deleted first", "missing"), ("previous", "unchained"), ("at", "changed")],
)
def test_verify_says_what_is_wrong(tmp_path, name, code):
    """Whoever investigates learns whether an entry is missing, out of line or changed."""
    book = a_book(tmp_path, entries=3)
    tampered(book, CHANGES[name])
    assert book.verify()["problem"]["code"] == f"book.{code}"


def test_an_entry_with_a_new_hash_of_its_own_breaks_the_chain_after_it(tmp_path):
    """Recomputing the hash of a changed entry only moves the break to the next one."""
    book = a_book(tmp_path, entries=3)
    content = list(book.entries())[1].model_dump() | {"role": "operator", "at": "2026-01-15T08:30:00Z"}
    tampered(book, "UPDATE entries SET role = 'operator', hash = ? WHERE number = 2", ledger.chained(content))
    verdict = book.verify()
    assert (verdict["problem"]["code"], verdict["problem"]["entry"]) == ("book.unchained", 3)


def test_verify_names_the_first_entry_that_does_not_fit(tmp_path):
    """Whoever investigates knows where to look."""
    book = a_book(tmp_path, entries=3)
    tampered(book, CHANGES["role"])
    verdict = book.verify()
    assert (verdict["problem"]["code"], verdict["problem"]["entry"]) == ("book.changed", 2)
    assert verdict["entries"] == 1


@settings(max_examples=30, deadline=None)
@given(
    number=st.integers(1, 3),
    column=st.sampled_from([name for name in COLUMNS if name not in ("number", "format")]),
    at=st.integers(0, 200),
    letter=st.characters(min_codepoint=32, max_codepoint=382, exclude_categories=["Cs"]),
)
def test_one_changed_letter_breaks_the_chain(tmp_path_factory, number, column, at, letter):
    """No single letter of any column can change unnoticed."""
    book = a_book(tmp_path_factory.mktemp("book"), entries=3)
    connection = sqlite3.connect(book.path)
    (old,) = connection.execute(f"SELECT {column} FROM entries WHERE number = ?", (number,)).fetchone()
    connection.close()
    place = at % len(old)
    new = old[:place] + letter + old[place + 1 :]
    if new != old:
        tampered(book, f"UPDATE entries SET {column} = ? WHERE number = ?", new, number)
        assert not book.verify()["ok"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_of_the_file_is_detected_or_harmless(tmp_path_factory, data):
    """Whatever bit of the file flips: the book says so, or still gives exactly the same entries."""
    book = a_book(tmp_path_factory.mktemp("book"), entries=2)
    before = list(book.entries())
    content = bytearray(book.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    book.path.write_bytes(content)
    try:
        sound = book.verify(expected_head={"entries": 2, "head": before[-1].hash})["ok"]
    except StateError:
        return
    assert not sound or list(book.entries()) == before


def test_a_cut_end_is_noticed_by_whoever_kept_a_checkpoint(tmp_path):
    """Without a checkpoint a shorter book looks sound; with one it does not."""
    book = a_book(tmp_path, entries=3)
    checkpoint = book.head()
    tampered(book, "DELETE FROM entries WHERE number = 3")
    assert book.verify()["ok"]
    verdict = book.verify(expected_head=checkpoint)
    assert (verdict["ok"], verdict["problem"]["code"]) == (False, "book.truncated")


def test_a_rewritten_book_is_noticed_by_whoever_kept_a_checkpoint(tmp_path):
    """A chain that was computed anew is sound in itself, and does not hold the old checkpoint."""
    checkpoint = a_book(tmp_path, entries=2).head()
    (tmp_path / "other").mkdir()
    other = Book(tmp_path / "other" / "book.sqlite", key=key)
    for _ in range(3):
        other.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    assert other.verify()["ok"]
    assert other.verify(expected_head=checkpoint)["problem"]["code"] == "book.rewritten"


def test_a_longer_book_still_holds_its_checkpoints(tmp_path):
    """Every earlier head, and the empty one, stays part of the chain."""
    book = a_book(tmp_path)
    checkpoints = [book.head()]
    for _ in range(3):
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
        checkpoints.append(book.head())
    assert [book.verify(expected_head=one)["ok"] for one in checkpoints] == [True] * 4


def _append_fifty(path: Path, worker: int) -> None:
    book = Book(path, key=key)
    for number in range(50):
        book.append("loaded", subject=f"worker.{worker}", actor=ACTOR, now=NOW, details={"n": number})


def test_several_writers_lose_nothing(tmp_path):
    """Three processes that start with no book append 150 entries in one sound chain."""
    path = tmp_path / "book.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_fifty, args=(path, worker)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    book = Book(path, key=key)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert book.verify() == {"ok": True, "entries": 150, "head": book.head()["head"]}
    for worker in range(3):
        assert [entry.details["n"] for entry in book.entries(subject=f"worker.{worker}")] == list(range(50))


def test_a_new_book_is_laid_out_by_one_writer_at_a_time(tmp_path):
    """SQLite does not wait while a file changes to WAL: the others queue."""
    book = a_book(tmp_path)
    writer = threading.Thread(target=a_book, args=(tmp_path,), kwargs={"entries": 1})
    with atomic.queue(tmp_path / "book.lock"):
        writer.start()
        writer.join(timeout=0.2)
        assert not book.path.exists()
    writer.join()
    assert book.verify()["entries"] == 1


def test_an_append_that_fails_leaves_nothing(tmp_path, monkeypatch):
    """What breaks between reading the head and writing leaves the book as it was, and not locked."""
    book = a_book(tmp_path, entries=1)
    insert = ledger._insert
    monkeypatch.setattr(ledger, "_insert", lambda *given: 1 / (insert(*given) or 0))
    with pytest.raises(ZeroDivisionError):
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    monkeypatch.undo()
    assert book.append("loaded", subject="a.b", actor=ACTOR, now=NOW).number == 2
    assert book.verify()["entries"] == 2


def test_a_writer_that_waits_too_long_says_busy(tmp_path, monkeypatch):
    """Another program that keeps the book locked is a sentence, not a hang."""
    book = a_book(tmp_path, entries=1)
    monkeypatch.setattr(ledger, "_PATIENCE", 0.01)
    other = sqlite3.connect(book.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy) as caught:
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    assert caught.value.code == "book.busy"
    assert [entry.number for entry in book.entries()] == [1]
    other.close()


def test_a_book_of_a_newer_version_is_left_alone(tmp_path):
    """An older library neither reads nor writes what it does not understand."""
    book = a_book(tmp_path, entries=1)
    tampered(book, "PRAGMA user_version = 2")
    before = book.path.read_bytes()
    for act in (lambda: book.append("loaded", subject="a", actor=ACTOR, now=NOW), book.verify, book.head):
        with pytest.raises(StateError) as caught:
            act()
        assert caught.value.code == "book.too-new"
    assert book.path.read_bytes() == before


def test_an_entry_of_a_newer_format_is_not_guessed_at(tmp_path):
    """Readers understand every earlier format; a later one is an error, not a wrong entry."""
    book = a_book(tmp_path, entries=1)
    tampered(book, "UPDATE entries SET format = 99")
    with pytest.raises(StateError) as caught:
        list(book.entries())
    assert caught.value.code == "book.too-new"


def test_a_file_that_is_no_book_is_named_damaged_and_kept(tmp_path):
    """A damaged file is never overwritten by a new, empty book."""
    book = a_book(tmp_path)
    book.path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StateError) as caught:
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    assert caught.value.code == "book.damaged"
    assert book.verify()["problem"]["code"] == "book.damaged"
    assert book.path.read_bytes().startswith(b"this is no database")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    """Where no book can be made, the error is one of the state."""
    with pytest.raises(StateError) as caught:
        Book(Path("/proc/stadtbuch-book.sqlite"), key=key).append("loaded", subject="a", actor=ACTOR, now=NOW)
    assert caught.value.code in ("state.read-only", "state.io")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_READONLY_DBMOVED", "state.read-only"),
        ("SQLITE_CANTOPEN", "state.read-only"),
        ("SQLITE_FULL", "state.full"),
        ("SQLITE_IOERR_WRITE", "state.io"),
        ("SQLITE_BUSY_SNAPSHOT", "book.busy"),
        ("SQLITE_CORRUPT", "book.damaged"),
    ],
)
def test_what_sqlite_says_becomes_a_sentence(tmp_path, monkeypatch, name, code):
    """Each way a disk can fail has its own code and no traceback."""
    book = a_book(tmp_path, entries=1)

    def broken(*_: object) -> None:
        error = sqlite3.OperationalError("words of the library")
        error.sqlite_errorname = name
        raise error

    monkeypatch.setattr(ledger, "_insert", broken)
    with pytest.raises((StateError, Busy)) as caught:
        book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    assert caught.value.code == code
    assert "words of the library" not in caught.value.render("en")


def test_only_the_owner_may_read_the_book(tmp_path):
    """The file and what SQLite lays beside it are 0600."""
    book = a_book(tmp_path, entries=1)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert book.path.exists()
