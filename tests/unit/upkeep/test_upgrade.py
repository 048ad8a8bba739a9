"""Upgrade: a state of an earlier version opens after it, with everything it held; interrupted it goes on."""

import json

import pytest
from builders.city import NOW, Made
from builders.keeping import LATER, VERSION_1, a_keeper, a_kept_city, as_version_1, everything

from stadtbuch.book import checkpoint
from stadtbuch.cli import main
from stadtbuch.errors import StateError
from stadtbuch.reports import editions
from stadtbuch.state import State
from stadtbuch.upkeep import restore, upgrade
from stadtbuch.upkeep.vault import Vault


@pytest.fixture
def old(tmp_path) -> Made:
    """Give a city whose state was made by the library before version 2."""
    made = a_kept_city(tmp_path / "city")
    as_version_1(made)
    return made


def test_the_old_state_is_one_of_its_time(old):
    """No folder and no file that only came with version 2."""
    assert {path.name for path in (old.root / "var").iterdir() if path.is_dir()} == set(VERSION_1)
    assert not list((old.root / "var").rglob("checkpoint*"))


def test_before_the_upgrade_every_command_says_what_to_do(old, capsys):
    """Nothing is changed, and the remedy is the command."""
    before = everything(old.root / "var")
    for command in (
        ["book", "verify"],
        ["report", "list"],
        ["build", "--now", "2026-01-16"],
        ["tidy", "--dry-run"],
    ):
        code = main.main([*command, "--city", str(old.root), "--json"])
        error = json.loads(capsys.readouterr().out)["error"]
        assert (code, error["code"]) == (1, "state.too-old")
        assert "stadtbuch upgrade" in error["remedy"]
    assert everything(old.root / "var") == before


def test_after_the_upgrade_it_opens_with_everything_it_held(old):
    """Editions, book, keys, waiting editions; entries are not rewritten, and the whole old book is signed."""
    before = everything(old.root / "var")
    entries = list(a_keeper(old).book.entries())
    done = upgrade.upgrade(a_keeper(old, now=LATER))
    assert (done.found, done.steps) == (1, (2,))
    after = everything(old.root / "var")
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {"VERSION", "book.sqlite"}
    session = old.open()
    assert list(session.book.entries())[: len(entries)] == entries
    assert session.book.verify()["ok"]
    assert [one.edition.id for one in editions.history(session.state)] == [
        "area@2026-01-14",
        "area@2026-01-15",
    ]
    (note,) = (old.root / "var/checkpoints").iterdir()
    told = checkpoint.read(note.read_bytes())
    told.signed_by(session.seal.keys())
    assert told.checkpoint.size > len(entries)


def test_an_edition_without_a_checkpoint_stays_the_same_edition(old):
    """What version 2 adds to editions is no reason to publish old content anew."""
    upgrade.upgrade(a_keeper(old))
    (first, *_) = editions.history(old.open().state)
    more = editions.describe({"checkpoint.txt": b"x"})
    assert editions.same(
        first.edition, first.edition.model_copy(update={"files": (*first.edition.files, *more)})
    )


def test_a_second_upgrade_has_nothing_to_do(old):
    """No entry, no backup, no change."""
    upgrade.upgrade(a_keeper(old))
    before = everything(old.root)
    done = upgrade.upgrade(a_keeper(old, now=LATER))
    assert (done.steps, done.backup) == ((), None)
    assert everything(old.root) == before


def test_the_backup_comes_first_and_brings_the_old_state_back(old):
    """It holds the keys, too, lies beside the state, and is as private."""
    before = {name: data for name, data in everything(old.root / "var").items() if name != "book.sqlite"}
    done = upgrade.upgrade(a_keeper(old))
    assert done.backup == old.root / ".var.before-upgrade"
    assert done.backup.stat().st_mode & 0o077 == 0
    assert Vault(done.backup).read().told["state_version"] == 1
    back = restore.restore(a_keeper(old, now=LATER), done.backup, replace=True)
    assert back.version == 1
    after = everything(old.root / "var")
    assert {name: after[name] for name in before} == before
    assert upgrade.upgrade(a_keeper(old, now=LATER)).steps == (2,)
    assert State.open(old.root / "var")


@pytest.mark.parametrize("place", ["backup", "step", "version"])
def test_an_interrupted_upgrade_goes_on(old, place, monkeypatch):
    """Before it is done the state still is an old one; afterwards each thing is there once."""

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        target = {
            "backup": ("stadtbuch.upkeep.vault.Vault.write", fail),
            "step": ("stadtbuch.book.standing.keep", fail),
            "version": ("stadtbuch.upkeep.upgrade.atomic.write", fail),
        }[place]
        patched.setattr(*target)
        with pytest.raises(KeyboardInterrupt):
            upgrade.upgrade(a_keeper(old))
    with pytest.raises(StateError):
        State.open(old.root / "var")
    assert upgrade.upgrade(a_keeper(old, now=LATER)).steps == (2,)
    kinds = [entry.kind for entry in old.open().book.entries()]
    assert (kinds.count("upgraded"), kinds.count("signing-key")) == (1, 1)


@pytest.mark.parametrize(("content", "code"), [("99\n", "state.too-new"), ("x\n", "state.none")])
def test_what_cannot_be_converted_is_left_alone(old, content, code):
    """A newer state, or a folder that is none."""
    (old.root / "var/VERSION").write_text(content)
    before = everything(old.root)
    with pytest.raises(StateError) as caught:
        upgrade.upgrade(a_keeper(old))
    assert caught.value.code == code
    assert everything(old.root) == before


def test_the_commands_do_all_of_it(old, capsys, tmp_path):
    """Upgrade, back up, restore, tidy: JSON and words for people."""

    def called(*arguments: str) -> dict:
        assert main.main([*arguments, "--city", str(old.root), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert called("upgrade", "--now", "2026-01-15") == {
        "from": 1, "to": 2, "steps": [2], "backup": str(old.root / ".var.before-upgrade"),
    }  # fmt: skip
    made = called("backup", str(tmp_path / "kept"), "--with-keys", "--now", "2026-01-16")
    assert (made["backup"], made["with_keys"]) == ("2026-01-15T230000Z", True)
    done = called("restore", str(tmp_path / "kept"), "--replace", "--now", "2026-01-17")
    assert (done["entries"], done["keys_lost"], done["upgrade_needed"]) == (made["entries"], {}, False)
    assert done["behind"] is None
    assert called("tidy", "--dry-run", "--now", "2026-01-18")["number"] == 0
    for command in (["upgrade"], ["backup", str(tmp_path / "kept")], ["tidy"]):
        assert main.main([*command, "--city", str(old.root)]) == 0
    said = capsys.readouterr().out
    assert "nichts umzustellen" in said
    assert "Ohne Schlüssel" in said
    assert NOW.year == 2026
