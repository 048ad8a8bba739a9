"""Backup and restore: whole, verified, only what is new, and never a worse state than before."""

import json
import os
import shutil
from pathlib import Path

import pytest
from builders.city import NOW, Made
from builders.keeping import LATER, a_keeper, a_kept_city, everything
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtbuch.book import standing
from stadtbuch.book.ledger import Book
from stadtbuch.errors import Busy, Refused, StateError, UsageError
from stadtbuch.state import State, restoring
from stadtbuch.texts import same
from stadtbuch.upkeep import backup, restore
from stadtbuch.upkeep.vault import Vault

FILES_THAT_STAY_OUT = ("cache/stamps",)


@pytest.fixture
def city(tmp_path) -> Made:
    """Give a city with a past."""
    return a_kept_city(tmp_path / "city")


@pytest.fixture
def target(tmp_path) -> Path:
    """Give a place for backups."""
    return tmp_path / "backups"


def kept(city: Made) -> dict[str, bytes]:
    """Give what of a state must come back: all but the book, which grows, and caches."""
    found = everything(city.root / "var")
    return {
        name: data for name, data in found.items() if not name.startswith(("book.", *FILES_THAT_STAY_OUT))
    }


def put_back(city: Made, target: Path, **options):
    """Restore, replacing what is there."""
    return restore.restore(a_keeper(city, now=LATER), target, **{"replace": True, **options})


def test_a_state_comes_back_as_it_was(city, target):
    """Every file, every key, the whole book; on top of it one entry says that it was restored."""
    before, entries = kept(city), list(city.open().book.entries())
    made = backup.make(a_keeper(city), target, with_keys=True)
    shutil.rmtree(city.root / "var")
    done = put_back(city, target, replace=False)
    assert kept(city) == before
    book = city.open().book
    assert book.verify()["ok"]
    assert list(book.entries())[: len(entries)] == entries
    assert [entry.kind for entry in book.entries()][len(entries) :] == ["restored"]
    assert "replaced" not in next(book.entries(kind="restored")).details
    assert (done.lost, done.behind, done.files) == ({}, None, len(made.listing.files))


def test_the_state_is_private_again(city, target):
    """Folders and files of a restored state are open to their owner only, and so is the backup."""
    backup.make(a_keeper(city), target, with_keys=True)
    put_back(city, target)
    for path in [city.root / "var", *(city.root / "var").glob("*"), target, *target.rglob("*")]:
        assert not path.stat().st_mode & 0o077 or path.name == "VERSION", path


def test_a_second_backup_writes_only_what_is_new(city, target):
    """One more content, and the book, which has grown; both backups can be restored."""
    first = backup.make(a_keeper(city), target)
    content = b"one more content" * 100
    city.open().store.put(content)
    second = backup.make(a_keeper(city, now=LATER), target)
    book = second.listing.files["book.sqlite"]["bytes"]
    assert (second.new_files, second.new_bytes) == (2, len(content) + book)
    assert first.new_files > 10
    assert Vault(target).names() == [first.listing.name, second.listing.name]
    last = city.open().book.head()
    done = put_back(city, target, name=first.listing.name)
    assert next(city.open().book.entries(kind="restored")).details["replaced"] == last
    assert done.backup == first.listing.name
    assert not any(content == data for data in everything(city.root / "var").values())


def test_locks_caches_and_interrupted_runs_stay_out(city, target):
    """What is made anew, or belongs to a process that is gone."""
    (city.root / "var/runs" / ("d4" * 32)).mkdir()
    (city.root / "var/runs" / ("d4" * 32) / "run.json").write_text("{}")
    for word in ("new", "old"):
        (city.root / f"var/editions/area/_/.2026-01-16.{word}").mkdir()
        (city.root / f"var/editions/area/_/.2026-01-16.{word}/edition.json").write_text("{}")
    files = backup.make(a_keeper(city), target, with_keys=True).listing.files
    assert not [
        name
        for name in files
        if name.endswith((".lock", "-wal", "-shm")) or name.startswith(("cache", "journal"))
    ]
    assert not [name for name in files if "d4d4" in name or ".old" in name]
    assert "editions/area/_/.2026-01-16.new/edition.json" in files  # the book may know it already
    assert "book.sqlite" in files


def test_keys_stay_out_unless_asked_for(city, target):
    """No byte of a key is anywhere in the backup; it knows which keys there were."""
    keys = [path.read_bytes() for path in (city.root / "var/keys").glob("*.key")]
    listing = backup.make(a_keeper(city), target).listing
    written = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert len(keys) == 3
    assert not any(key in written or key.hex().encode() in written for key in keys)
    assert sorted(listing.told["keys"]) == ["actor-2026", "pseudonyms", "values"]


def test_the_keys_of_the_state_before_are_taken_along(city, target):
    """Or those that were put aside in a folder; both only if they are the ones that were meant."""
    keys = kept(city)
    backup.make(a_keeper(city), target)
    assert put_back(city, target).lost == {}
    assert {name: keys[name] for name in keys if name.startswith("keys/")}.items() <= kept(city).items()
    aside = city.root / "aside"
    shutil.copytree(city.root / "var/keys", aside)
    shutil.rmtree(city.root / "var")
    (aside / "values.key").write_bytes(os.urandom(32))
    assert list(put_back(city, target, keys=aside).lost) == ["values"]


def test_without_keys_the_state_can_still_be_used_and_says_what_is_lost(city, target):
    """What was made with the lost key and would be wrong beside a new one is gone."""
    session = city.open()
    session.seal.sign(actor=session.actor, now=NOW)
    (session.state.folder("store") / "values").mkdir()
    (session.state.folder("store") / "values" / "index").write_text("ab" * 32)
    backup.make(a_keeper(city), target)
    shutil.rmtree(city.root / "var")
    done = put_back(city, target)
    assert sorted(done.lost) == ["actor-2026", "book-1", "pseudonyms", "values"]
    assert "book key rotate --lost" in done.lost["book-1"].de
    session = city.open()
    assert not (session.state.folder("store") / "values").exists()
    with pytest.raises(StateError):
        session.seal.sign(actor=session.actor, now=NOW)
    session.seal.replace_lost(same("Sicherung ohne Schlüssel"), actor=session.actor, now=NOW)
    assert session.seal.sign(actor=session.actor, now=NOW)
    assert session.load("population.residents", purpose="age-structure", columns=["age"]).shape[0] > 0


def test_a_key_whose_time_is_over_does_not_come_back(city, target):
    """A backup with keys must not restore the link from entries to people that was cut on purpose."""
    city.open().state.key("actor-2020")
    backup.make(a_keeper(city), target, with_keys=True)
    city.open().state.forget_key("actor-2020")
    done = put_back(city, target)
    assert not (city.root / "var/keys/actor-2020.key").exists()
    assert "actor-2020" not in done.lost


def test_a_running_build_excludes_a_backup_and_readers_do_not(city, target):
    """The message names the other command."""
    session = city.open()
    with session.state.lock("build", command="stadtbuch build"), pytest.raises(Busy):
        backup.make(a_keeper(city), target)
    entries = session.book.entries()
    next(entries)
    assert backup.make(a_keeper(city), target).listing.files


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damaged_byte_of_a_backup_is_named_and_changes_nothing(city, target, data):
    """Whichever file of the backup, whichever bit; the state stays what it was."""
    if not target.exists():
        backup.make(a_keeper(city), target, with_keys=True)
    listing = Vault(target).read()
    chosen = data.draw(st.sampled_from([*sorted(listing.files), None]))
    path = (
        Vault(target).path(listing.files[chosen]["sha256"])
        if chosen
        else target / f"backups/{listing.name}.json"
    )
    good = path.read_bytes()
    place = data.draw(st.integers(0, max(0, len(good) - 2)))
    path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] if good else b"x")
    before = everything(city.root / "var")
    try:
        with pytest.raises(StateError) as caught:
            put_back(city, target)
    finally:
        path.write_bytes(good)
    assert caught.value.code == "backup.damaged"
    same_content = {name for name in listing.files if chosen and listing.files[name] == listing.files[chosen]}
    assert {one.file for one in caught.value.problems} >= (same_content or {f"backups/{listing.name}.json"})
    assert everything(city.root / "var") == before
    assert not restoring(city.root / "var").exists()


def test_every_missing_content_is_named_at_once(city, target):
    """Not one by one."""
    listing = backup.make(a_keeper(city), target).listing
    for name in ("VERSION", "editions/area/_/2026-01-15/edition.json"):
        Vault(target).path(listing.files[name]["sha256"]).unlink()
    with pytest.raises(StateError) as caught:
        put_back(city, target)
    assert {one.file for one in caught.value.problems} == {
        "VERSION",
        "editions/area/_/2026-01-15/edition.json",
    }


def test_a_content_that_the_disk_has_spoilt_is_written_anew(city, target):
    """The next backup repairs what it finds damaged."""
    listing = backup.make(a_keeper(city), target).listing
    Vault(target).path(listing.files["VERSION"]["sha256"]).write_bytes(b"7\n")
    backup.make(a_keeper(city, now=LATER), target)
    assert put_back(city, target).files


def test_a_broken_book_is_not_saved_as_if_it_were_whole(city, target):
    """The command fails, and the last sound backup stays the newest."""
    backup.make(a_keeper(city), target)
    import sqlite3

    with sqlite3.connect(city.root / "var/book.sqlite") as connection:
        connection.execute("DROP TRIGGER never_changed")
        connection.execute("UPDATE entries SET role = 'x' WHERE number = 1")
    connection.close()
    with pytest.raises(StateError) as caught:
        backup.make(a_keeper(city), target)
    assert caught.value.code == "backup.book"
    assert len(Vault(target).names()) == 1


@pytest.mark.parametrize("place", ["var/backups", "public", "public/x"])
def test_a_backup_does_not_go_where_it_would_be_public_or_inside_itself(city, place):
    """Neither into the state nor onto the pages."""
    with pytest.raises(UsageError) as caught:
        backup.make(a_keeper(city), city.root / place)
    assert caught.value.code == "backup.place"


def test_a_folder_of_somebody_else_is_not_touched(city, target):
    """A typing mistake must not lay objects between holiday pictures."""
    target.mkdir()
    (target / "holiday.jpg").write_bytes(b"sun")
    with pytest.raises(UsageError) as caught:
        backup.make(a_keeper(city), target)
    assert caught.value.code == "backup.not-ours"
    assert [path.name for path in target.iterdir()] == ["holiday.jpg"]


def test_a_state_that_is_there_goes_only_on_demand(city, target):
    """And a backup of another city never takes its place."""
    backup.make(a_keeper(city), target)
    before = kept(city)
    with pytest.raises(Refused) as caught:
        put_back(city, target, replace=False)
    assert caught.value.code == "restore.not-empty"
    other = city.settings.city.model_copy(update={"key": "990020000000"})
    with pytest.raises(Refused) as caught:
        put_back(Made(city.root, city.settings.model_copy(update={"city": other})), target)
    assert caught.value.code == "restore.other-city"
    with pytest.raises(UsageError) as caught:
        put_back(city, target, name="2020-01-01T000000Z")
    assert caught.value.code == "backup.none"
    assert kept(city) == before


def test_a_book_that_is_older_than_what_others_know_stops_releases(city, target):
    """The entries since the backup are missing; the book remembers it although the pages are deleted."""
    backup.make(a_keeper(city), target)
    session = city.open()
    note = session.seal.sign(actor=session.actor, now=NOW)
    (city.root / "public/book").mkdir(parents=True)
    (city.root / "public" / standing.PUBLISHED).write_bytes(note)
    shutil.rmtree(city.root / "var")
    done = put_back(city, target)
    assert done.behind.entries > done.behind.present
    shutil.rmtree(city.root / "public")
    book = city.open().book
    with pytest.raises(Refused) as caught:
        standing.require_current(book, city.root / "public")
    assert caught.value.code == "book.older"
    found = standing.gap(book, [])
    standing.acknowledge(book, found, reason=same("Plattenschaden"), actor=session.actor, now=LATER)
    standing.require_current(book, city.root / "public")


@pytest.mark.parametrize("stop", ["rename-1", "rename-2", "entry", "clean"])
def test_an_interrupted_restore_goes_on_where_it_was_cut_off(city, target, stop, monkeypatch):
    """Meanwhile no command lays out a new state; at the end there is one entry and nothing beside."""
    backup.make(a_keeper(city), target, with_keys=True)
    entries = len(list(city.open().book.entries()))
    with monkeypatch.context() as patched:
        cut_off(patched, stop)
        with pytest.raises(KeyboardInterrupt):
            put_back(city, target)
    with pytest.raises(StateError) as caught:
        State.open(city.root / "var")
    assert caught.value.code == "state.restoring"
    done = put_back(city, target)
    assert done.files > 10
    kinds = [entry.kind for entry in city.open().book.entries()]
    assert kinds.count("restored") == 1
    assert len(kinds) == entries  # the entry of the backup itself is not in it, that of the restore is
    assert [path.name for path in city.root.glob(".var*")] == []


def cut_off(patched: pytest.MonkeyPatch, stop: str) -> None:
    """Let the power fail before a step of the exchange."""

    def fail(*_, **__):
        raise KeyboardInterrupt

    rename, append = Path.rename, Book.append

    def renamed(self, to):
        return (
            fail()
            if self.name == {"rename-1": "var", "rename-2": ".var.restore-new"}.get(stop)
            else rename(self, to)
        )

    def appended(self, kind, **rest):
        return fail() if stop == "entry" and kind == "restored" else append(self, kind, **rest)

    patched.setattr(Path, "rename", renamed)
    patched.setattr(Book, "append", appended)
    if stop == "clean":
        patched.setattr(Path, "unlink", fail)


def test_the_book_remembers_its_backups(city, target):
    """When, how much, with keys or without; no path of the machine."""
    made = backup.make(a_keeper(city), target)
    (entry,) = city.open().book.entries(kind="backed-up")
    assert entry.details["sha256"] == made.listing.digest
    assert str(target) not in json.dumps(entry.details)


def test_old_backups_go_with_what_only_they_named(city, target):
    """After an emergency removal: the newest stays whole, contents of the others are no more."""
    secret = city.open().store.put(b"what must not be anywhere any more")
    backup.make(a_keeper(city), target)
    city.open().store.path(secret).unlink()
    newest = backup.make(a_keeper(city, now=LATER), target)
    assert len(Vault(target).keep(1)) == 1
    assert Vault(target).names() == [newest.listing.name]
    assert not any(b"must not be" in path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert put_back(city, target).backup == newest.listing.name
