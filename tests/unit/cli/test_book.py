"""``stadtbuch book``: show, verify and export, for people and machines."""

import json
import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from stadtbuch.book.ledger import Book, canonical
from stadtbuch.cli import main
from stadtbuch.model.actor import Actor
from stadtbuch.state import State

ACTOR = Actor(login="m.muster", role="analyst", roles=("analyst",))
NOW = datetime(2026, 7, 15, 8, 30, tzinfo=UTC)


@pytest.fixture
def city(tmp_path, root) -> Path:
    """Give a city whose book has three entries."""
    (tmp_path / "stadtbuch.toml").write_bytes((root / "stadtbuch.toml").read_bytes())
    state = State.open(tmp_path / "var")
    book = Book(state.root / "book.sqlite", key=state.key)
    book.append("loaded", subject="population.residents", actor=ACTOR, now=NOW, details={"columns": 3})
    book.append("ran", subject="notebooks/a.ipynb", actor=ACTOR, now=NOW, details={"wording": "für"})
    book.append("loaded", subject="mobility.counts", actor=ACTOR, now=NOW)
    return tmp_path


def called(capsys, city: Path, *arguments: str) -> tuple[int, str, str]:
    """Run ``stadtbuch book`` on the city: exit code, stdout, stderr."""
    code = main.main(["book", *arguments, "--city", str(city)])
    said = capsys.readouterr()
    return code, said.out, said.err


def documents(capsys, city: Path, *arguments: str):
    """Run with --json and give exit code and the one document."""
    code, out, err = called(capsys, city, *arguments, "--json")
    assert err == ""
    return code, json.loads(out)


def tamper(city: Path) -> None:
    """Change the second entry behind the book's back."""
    connection = sqlite3.connect(city / "var" / "book.sqlite", isolation_level=None)
    connection.execute("DROP TRIGGER never_changed")
    connection.execute("UPDATE entries SET role = 'operator' WHERE number = 2")
    connection.close()


def test_show_lists_entries_in_the_time_of_the_city(capsys, city):
    """One line per entry, the newest last."""
    code, out, err = called(capsys, city, "show")
    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0] == ["1", "2026-07-15", "10:30", "loaded", "analyst", "population.residents"]
    assert [line[0] for line in lines] == ["1", "2", "3"]


def test_show_chooses_by_kind_subject_and_number(capsys, city):
    """--last counts after choosing."""
    assert [entry["number"] for entry in documents(capsys, city, "show", "--kind", "loaded")[1]] == [1, 3]
    assert [entry["number"] for entry in documents(capsys, city, "show", "--last", "2")[1]] == [2, 3]
    chosen = documents(
        capsys, city, "show", "--kind", "loaded", "--last", "1", "--subject", "population.residents"
    )
    assert [entry["number"] for entry in chosen[1]] == [1]


def test_an_empty_choice_says_so(capsys, city):
    """No output at all would look like a mistake."""
    assert called(capsys, city, "show", "--kind", "withdrawn") == (0, "Kein Eintrag.\n", "")
    assert documents(capsys, city, "show", "--kind", "withdrawn") == (0, [])


def test_entries_name_nobody(capsys, city):
    """The login is not in any output."""
    for arguments in (("show",), ("show", "--json"), ("export",), ("verify",)):
        assert "muster" not in called(capsys, city, *arguments)[1]


def test_verify_gives_the_document_of_the_contract(capsys, city):
    """CONTRACTS: ok, entries, head."""
    code, document = documents(capsys, city, "verify")
    assert (code, document["ok"], document["entries"]) == (0, True, 3)
    assert len(document["head"]) == 64
    assert set(document) == {"ok", "entries", "head"}
    assert document["head"] in called(capsys, city, "verify")[1]


def test_verify_refuses_a_changed_book(capsys, city):
    """Exit code 3, the entry and a sentence."""
    tamper(city)
    code, document = documents(capsys, city, "verify")
    assert (code, document["ok"], document["entries"]) == (3, False, 1)
    assert document["problem"] == {"code": "book.changed", "entry": 2, "text": "Der Eintrag wurde verändert."}
    assert called(capsys, city, "verify") == (3, "Eintrag 2: Der Eintrag wurde verändert.\n", "")


def test_verify_compares_with_an_earlier_checkpoint(capsys, city):
    """An edition's book_head can be handed in."""
    _, head = documents(capsys, city, "verify")
    checkpoint = ("--head", head["head"], "--entries", "3")
    assert documents(capsys, city, "verify", *checkpoint)[0] == 0
    code, document = documents(capsys, city, "verify", "--head", "0" * 64, "--entries", "4")
    assert (code, document["problem"]["code"]) == (3, "book.truncated")
    code, document = documents(capsys, city, "verify", "--head", "0" * 64, "--entries", "2")
    assert (code, document["problem"]["code"]) == (3, "book.rewritten")


@pytest.mark.parametrize("arguments", [("--head", "0" * 64), ("--entries", "1")])
def test_half_a_checkpoint_is_a_usage_error(capsys, city, arguments):
    """The number and the hash belong together."""
    code, document = documents(capsys, city, "verify", *arguments)
    assert (code, document["error"]["code"]) == (2, "usage.checkpoint")


def test_the_export_can_be_verified_by_anybody(capsys, city):
    """Every line holds what its hash covers: no key and no library is needed to recompute the chain."""
    code, out, err = called(capsys, city, "export")
    assert (code, err) == (0, "")
    previous = "0" * 64
    for line in out.splitlines():
        entry = json.loads(line)
        digest = entry.pop("hash")
        assert entry["previous"] == previous
        assert digest == sha256((previous + canonical(entry)).encode()).hexdigest()
        previous = digest
    assert len(out.splitlines()) == 3


def test_the_export_goes_into_a_private_file(capsys, city, tmp_path):
    """The same lines as on stdout, readable by the owner only."""
    _, lines, _ = called(capsys, city, "export")
    code, document = documents(capsys, city, "export", "--to", str(tmp_path / "book.jsonl"))
    assert (code, document) == (0, {"entries": 3, "file": str(tmp_path / "book.jsonl")})
    assert (tmp_path / "book.jsonl").read_text() == lines
    assert (tmp_path / "book.jsonl").stat().st_mode & 0o777 == 0o600
    assert called(capsys, city, "export", "--to", str(tmp_path / "b")) == (0, "3 Einträge geschrieben.\n", "")


def test_the_export_as_json_is_one_document(capsys, city):
    """--json always gives one document, here a list."""
    code, document = documents(capsys, city, "export")
    assert (code, [entry["number"] for entry in document]) == (0, [1, 2, 3])


def test_an_export_to_nowhere_is_a_sentence(capsys, city, tmp_path):
    """A folder that does not exist is a usage error."""
    code, document = documents(capsys, city, "export", "--to", str(tmp_path / "no" / "book.jsonl"))
    assert (code, document["error"]["code"]) == (2, "usage.file")


def test_a_damaged_book_is_refused_by_verify_and_an_error_for_show(capsys, city):
    """Whoever only reads learns it as well."""
    (city / "var" / "book.sqlite").write_bytes(b"no database" * 1000)
    assert documents(capsys, city, "verify")[1]["problem"]["code"] == "book.damaged"
    code, document = documents(capsys, city, "show")
    assert (code, document["error"]["code"]) == (1, "book.damaged")


def test_a_write_protected_state_is_a_sentence(capsys, city):
    """Exit code 1 and what to do; nothing was changed."""
    (city / "var").chmod(0o500)
    code, document = documents(capsys, city, "show")
    (city / "var").chmod(0o700)
    assert (code, document["error"]["code"]) == (1, "state.read-only")
    assert document["error"]["remedy"]


def test_outside_a_city_the_command_says_where_to_go(capsys, tmp_path):
    """Exit code 2 and the name of the file that is missing."""
    code, document = documents(capsys, tmp_path, "verify")
    assert (code, document["error"]["code"]) == (2, "settings.not-found")


def test_a_new_city_has_a_sound_empty_book(capsys, tmp_path, root):
    """Before the first entry there is nothing to verify, and no file is made for it."""
    (tmp_path / "stadtbuch.toml").write_bytes((root / "stadtbuch.toml").read_bytes())
    assert documents(capsys, tmp_path, "verify") == (0, {"ok": True, "entries": 0, "head": "0" * 64})
    assert not (tmp_path / "var" / "book.sqlite").exists()
