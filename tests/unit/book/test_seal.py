"""The seal: the first key, rotation, loss, and what an earlier checkpoint says of the book."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.book.test_ledger import ACTOR, a_book, tampered

from stadtbuch.book import checkpoint, seal, standing
from stadtbuch.book.ledger import Book
from stadtbuch.book.seal import Seal
from stadtbuch.errors import Refused, StateError
from stadtbuch.texts import Text

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=400)
ORIGIN = "stadtbuch/990010000000"
REASON = Text(de="Der Rechner wurde gestohlen.", en="The machine was stolen.")


@dataclass
class Keys:
    """A keyring whose keys are known: made at first use, and lost when a test says so."""

    held: dict[str, bytes] = field(default_factory=dict)

    def key(self, name: str) -> bytes:
        """Give a key."""
        return self.held.setdefault(name, sha256(name.encode()).digest())

    def has_key(self, name: str) -> bool:
        """Tell whether it was made."""
        return name in self.held


@pytest.fixture
def sealed(tmp_path) -> Seal:
    """Give the seal of a book with three entries."""
    return Seal(a_book(tmp_path, entries=3), Keys(), ORIGIN)


def signed(one: Seal, now=NOW) -> checkpoint.Checkpoint:
    """Sign, check the signature, and give what was signed."""
    note = checkpoint.read(one.sign(actor=ACTOR, now=now))
    note.signed_by(one.keys())
    return note.checkpoint


def test_the_first_signature_makes_the_key_and_its_entry(sealed):
    """The checkpoint counts the entry of its own key; a second one needs no new key."""
    made = signed(sealed)
    assert (made.origin, made.size, made.at) == (ORIGIN, 4, NOW)
    assert made.head == sealed.book.head()["head"]
    assert signed(sealed).size == 4
    (key,) = sealed.history()
    assert (key.number, key.since, key.until, key.test) == (1, NOW, None, False)


def test_the_key_of_a_made_up_city_says_so(tmp_path):
    """In the first line of each checkpoint; the key that follows is a real one."""
    one = Seal(a_book(tmp_path), Keys(), ORIGIN, synthetic=True)
    assert signed(one).origin == f"{ORIGIN}/test"
    assert one.rotate(actor=ACTOR, now=LATER).test is False
    assert signed(one).origin == ORIGIN


def test_a_new_key_is_signed_by_the_old_one(sealed):
    """Old checkpoints are still checked with the key of their time."""
    before = sealed.sign(actor=ACTOR, now=NOW)
    new = sealed.rotate(actor=ACTOR, now=LATER)
    old, current = sealed.history()
    assert (old.until, current, new.number, new.sound) == (LATER, new, 2, True)
    assert current.as_dict()["signed_by_the_one_before"] is True
    assert checkpoint.read(before).signed_by(sealed.keys()) == old.public
    assert checkpoint.read(sealed.sign(actor=ACTOR, now=LATER)).signed_by(sealed.keys()) == new.public


def test_a_key_that_slipped_in_unsigned_is_seen(sealed):
    """Whoever can write into the book cannot make the old key sign."""
    signed(sealed)
    stranger = checkpoint.public_of(sha256(b"stranger").digest(), name=ORIGIN)
    for signature in ("", "00" * 64):
        details = {"key": stranger.written, "signature": signature}
        sealed.book.append(seal.KIND, subject="book", actor=ACTOR, now=LATER, details=details)
        assert [one.sound for one in sealed.history()] == [True, False]


def test_a_lost_key_stops_signing_until_it_is_replaced(sealed):
    """No new key takes its place by itself; the entry says why nobody signed it."""
    signed(sealed)
    sealed.keyring.held.clear()
    assert not sealed.is_whole()
    for act in (sealed.sign, sealed.rotate):
        with pytest.raises(StateError) as caught:
            act(actor=ACTOR, now=LATER)
        assert caught.value.code == "book.key-lost"
    assert not sealed.keyring.held
    new = sealed.replace_lost(REASON, actor=ACTOR, now=LATER)
    assert (new.number, new.lost, new.sound) == (2, REASON, True)
    assert new.as_dict()["signed_by_the_one_before"] is False
    assert signed(sealed).size == 5


def test_another_key_under_the_name_of_the_lost_one_does_not_sign(sealed):
    """A file of 32 other bytes is not the key that the book names."""
    signed(sealed)
    sealed.keyring.held["book-1"] = sha256(b"another").digest()
    with pytest.raises(StateError, match="nicht da"):
        sealed.sign(actor=ACTOR, now=NOW)


def test_nothing_that_never_was_can_be_lost(sealed):
    """Without a first key there is nothing to replace."""
    with pytest.raises(Refused) as caught:
        sealed.replace_lost(REASON, actor=ACTOR, now=NOW)
    assert caught.value.code == "book.no-key"


def test_a_book_that_only_grew_fits_every_earlier_checkpoint(sealed):
    """However many entries came since; the tree that grows in the process is the tree of a fresh reader."""
    early = []
    for _ in range(20):
        early.append(signed(sealed))
        sealed.book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
    fresh = Book(sealed.book.path, key=sealed.book.key)
    assert fresh.summit() == sealed.book.summit()
    assert [seal.witness(fresh, one).problem for one in early] == [None] * 20


def test_a_shortened_and_a_rewritten_book_are_told_apart(sealed, tmp_path):
    """Fewer entries than the checkpoint counts, or as many, but other ones."""
    kept = signed(sealed)
    (tmp_path / "short").mkdir()
    assert seal.witness(a_book(tmp_path / "short", entries=2), kept).problem == "truncated"
    tampered(sealed.book, "UPDATE entries SET hash = ? WHERE number = 2", "0" * 64)
    assert seal.witness(sealed.book, kept).problem == "rewritten"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_one_changed_digit_of_any_hash_is_seen(tmp_path_factory, number, place, digit):
    """Whichever entry's hash is changed in whichever place, the checkpoint does not fit any more."""
    book = a_book(tmp_path_factory.mktemp("book"), entries=7)
    one = Seal(book, Keys(), ORIGIN)
    kept = signed(one)
    before = book.hash_at(number)
    changed = before[:place] + digit + before[place + 1 :]
    tampered(book, "UPDATE entries SET hash = ? WHERE number = ?", changed, number)
    assert (seal.witness(book, kept).problem is None) == (changed == before)


def test_an_older_copy_of_the_book_is_noticed_beside_the_pages(sealed, tmp_path):
    """The pages hold a checkpoint of entries that the book lacks; an acknowledgement settles exactly that one."""
    public = tmp_path / "public"
    (public / "book").mkdir(parents=True)
    standing.require_current(sealed.book, public)
    (public / standing.PUBLISHED).write_bytes(sealed.sign(actor=ACTOR, now=NOW))
    standing.require_current(sealed.book, public)
    (tmp_path / "old").mkdir()
    old = a_book(tmp_path / "old", entries=2)
    with pytest.raises(Refused) as caught:
        standing.require_current(old, public)
    assert caught.value.code == "book.older"
    found = standing.gap(old, standing.stands(standing.published(public)))
    assert (found.entries, found.present) == (4, 2)
    standing.acknowledge(old, found, reason=REASON, actor=ACTOR, now=LATER)
    standing.require_current(old, public)
    (told,) = standing.acknowledgements(old.entries())
    assert (told.reason, told.gap) == (REASON, found)


def test_a_gap_is_noticed_after_the_book_grew_beyond_it(sealed, tmp_path):
    """As many entries as the checkpoint counts are no excuse if they are other ones."""
    public = tmp_path / "public"
    (public / "reports/area/2026-01-15").mkdir(parents=True)
    note = sealed.sign(actor=ACTOR, now=NOW)
    (public / "reports/area/2026-01-15/checkpoint.txt").write_bytes(note)  # the pages' own one is gone
    (tmp_path / "old").mkdir()
    old = a_book(tmp_path / "old", entries=9)
    with pytest.raises(Refused):
        standing.require_current(old, public)


def test_what_a_restore_met_is_remembered(tmp_path):
    """Even where the pages are gone by then."""
    book = a_book(tmp_path, entries=1)
    behind = {"entries": 7, "head": "ab" * 32}
    book.append(standing.RESTORED, subject="state", actor=ACTOR, now=NOW, details={"behind": behind})
    with pytest.raises(Refused):
        standing.require_current(book, tmp_path / "public")
    found = standing.gap(book, [])
    standing.acknowledge(book, found, reason=REASON, actor=ACTOR, now=NOW)
    standing.require_current(book, tmp_path / "public")


def test_copies_of_what_left_are_kept(sealed, tmp_path):
    """The newest one that left is known by its number of entries."""
    assert standing.sent(tmp_path / "checkpoints") is None
    for _ in range(2):
        sealed.book.append("loaded", subject="a.b", actor=ACTOR, now=NOW)
        standing.keep(tmp_path / "checkpoints", sealed.sign(actor=ACTOR, now=NOW))
    assert standing.sent(tmp_path / "checkpoints").size == 6
