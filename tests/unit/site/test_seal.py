"""What the public gets of the book: the newest checkpoint, all keys, acknowledged gaps, and nothing else."""

import json
from datetime import timedelta

import pytest
from builders.city import NOW, Made, a_city

from stadtbuch.book import checkpoint, standing
from stadtbuch.book.checkpoint import PublicKey
from stadtbuch.errors import Refused
from stadtbuch.site import pages
from stadtbuch.texts import Text

REASON = Text(de="Der Datenträger ging kaputt.", en="The disk broke.")


@pytest.fixture
def city(tmp_path) -> Made:
    """Give a city whose book was sealed once."""
    made = a_city(tmp_path / "city")
    session = made.open()
    session.seal.sign(actor=session.actor, now=NOW)
    pages.write(session, now=NOW)
    return made


def test_before_the_first_seal_the_pages_say_nothing_of_it(tmp_path):
    """No key is made for an empty book."""
    made = a_city(tmp_path / "city")
    pages.write(made.open(), now=NOW)
    assert not (made.root / "public/book").exists()
    assert [one.kind for one in made.open().book.entries()] == ["measured"]


def test_keys_and_checkpoint_are_public_and_fit_the_book(city):
    """Whoever takes both can check the book; the page shows the key."""
    public = city.root / "public/book"
    (told,) = json.loads((public / "keys.json").read_bytes())["keys"]
    note = checkpoint.read((public / "checkpoint.txt").read_bytes())
    assert note.signed_by([PublicKey.parse(told["key"])])
    assert note.checkpoint.head == city.open().book.head()["head"]
    for page in ("index.html", "index.en.html"):
        assert told["key"].replace("+", "&#43;") in (public / page).read_text() or told["key"] in (
            public / page
        ).read_text(encoding="utf-8")
    assert 'href="../book/index.html"' in (city.root / "public/methods/index.html").read_text(
        encoding="utf-8"
    )


def test_an_unchanged_book_keeps_its_checkpoint(city):
    """Another day alone is no reason to sign anew; a new entry is."""
    session = city.open()
    assert pages.write(session, now=NOW + timedelta(days=1))["written"] == 0
    session.book.append("loaded", subject="a.b", actor=session.actor, now=NOW)
    pages.write(session, now=NOW + timedelta(days=2))
    note = checkpoint.read((city.root / "public/book/checkpoint.txt").read_bytes())
    assert note.checkpoint.at == NOW + timedelta(days=2)


def test_the_page_says_since_when_a_key_is_gone_and_why(city):
    """In both languages, with the day."""
    session = city.open()
    session.seal.replace_lost(REASON, actor=session.actor, now=NOW)
    pages.write(session, now=NOW)
    shown = (city.root / "public/book/index.html").read_text(encoding="utf-8")
    assert REASON.de in shown
    assert "15. Januar 2026" in shown
    assert REASON.en in (city.root / "public/book/index.en.html").read_text(encoding="utf-8")


def test_pages_of_a_newer_book_are_not_overwritten(city):
    """They are what shows that the book is an old one; after the acknowledgement they tell of the gap."""
    before = {path: path.read_bytes() for path in (city.root / "public").rglob("*") if path.is_file()}
    for path in (city.root / "var").glob("book.sqlite*"):
        path.unlink()
    session = city.open()
    with pytest.raises(Refused) as caught:
        pages.write(session, now=NOW)
    assert caught.value.code == "book.older"
    assert {path: path.read_bytes() for path in (city.root / "public").rglob("*") if path.is_file()} == before
    found = standing.gap(session.book, standing.stands(standing.published(city.root / "public")))
    standing.acknowledge(session.book, found, reason=REASON, actor=session.actor, now=NOW)
    session.seal.sign(actor=session.actor, now=NOW)
    pages.write(session, now=NOW)
    assert REASON.de in (city.root / "public/book/index.html").read_text(encoding="utf-8")
