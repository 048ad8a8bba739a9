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


def sent(capsys, city: Path) -> Path:
    """Write a checkpoint out, as somebody does who sends it elsewhere."""
    code, told = documents(capsys, city, "checkpoint", "--out", str(city / "kept.txt"), "--now", "2026-07-16")
    assert (code, told["file"]) == (0, str(city / "kept.txt"))
    return city / "kept.txt"


def test_a_checkpoint_leaves_the_machine_and_comes_back(capsys, city):
    """Signed, kept, compared with the book that grew since; without --out it is what stdout says."""
    file = sent(capsys, city)
    assert sorted(path.name for path in (city / "var/checkpoints").iterdir()) == ["000000004.txt"]
    state = State.open(city / "var")
    Book(state.root / "book.sqlite", key=state.key).append("ran", subject="a.b", actor=ACTOR, now=NOW)
    code, verdict = documents(capsys, city, "verify", "--checkpoint", str(file))
    assert (code, verdict["ok"], verdict["entries"]) == (0, True, 5)
    assert (verdict["checkpoint"]["entries"], verdict["checkpoint"]["consistent"]) == (4, True)
    _, out, _ = called(capsys, city, "verify", "--checkpoint", str(file))
    assert "noch dieselben" in out
    _, out, _ = called(capsys, city, "checkpoint", "--now", "2026-07-17")
    assert out.startswith("stadtbuch/990010000000/test\n5\n")


def test_verify_names_a_book_that_is_not_the_one_of_the_checkpoint(capsys, city):
    """Shortened, rewritten: code 3, and which of both."""
    file = sent(capsys, city)
    connection = sqlite3.connect(city / "var" / "book.sqlite", isolation_level=None)
    connection.execute("DROP TRIGGER never_removed")
    connection.execute("DELETE FROM entries WHERE number = 4")
    connection.close()
    (city / "keys.json").write_text(json.dumps({"keys": [{"key": public_key(file, city)}]}))
    code, verdict = documents(
        capsys, city, "verify", "--checkpoint", str(file), "--key", str(city / "keys.json")
    )
    assert (code, verdict["problem"]["code"], verdict["problem"]["entry"]) == (3, "book.truncated", 3)
    state = State.open(city / "var")
    Book(state.root / "book.sqlite", key=state.key).append("ran", subject="a.b", actor=ACTOR, now=NOW)
    code, verdict = documents(
        capsys, city, "verify", "--checkpoint", str(file), "--key", str(city / "keys.json")
    )
    assert (code, verdict["problem"]["code"], verdict["problem"]["entry"]) == (3, "book.rewritten", 4)


def public_key(file: Path, city: Path) -> str:
    """Give the key that signed, from the private half."""
    from stadtbuch.book import checkpoint

    origin = checkpoint.read(file.read_bytes()).name
    return checkpoint.public_of((city / "var/keys/book-1.key").read_bytes(), name=origin).written


def test_a_checkpoint_of_somebody_else_is_refused(capsys, city):
    """A changed file, a stranger's key, a file that is none: code 3 or 2, each with its reason."""
    file = sent(capsys, city)
    good = file.read_bytes()
    for content, code in (
        (good.replace(b"\n4\n", b"\n5\n"), "checkpoint.forged"),
        (good[:-1], "checkpoint.unreadable"),
    ):
        file.write_bytes(content)
        ended, document = documents(capsys, city, "verify", "--checkpoint", str(file))
        assert (ended, document["error"]["code"]) == (3, code)
    file.write_bytes(good)
    (city / "key.txt").write_text("# a remark\nstadtbuch/1+00000000+AA\n")
    ended, document = documents(
        capsys, city, "verify", "--checkpoint", str(file), "--key", str(city / "key.txt")
    )
    assert (ended, document["error"]["code"]) == (3, "checkpoint.key-unreadable")
    ended, document = documents(capsys, city, "verify", "--checkpoint", str(city / "gone.txt"))
    assert (ended, document["error"]["code"]) == (2, "usage.no-file")


def test_keys_are_listed_rotated_and_replaced(capsys, city):
    """Never their private half; after a loss only with a reason."""
    sent(capsys, city)
    code, made = documents(capsys, city, "key", "rotate", "--now", "2027-01-01")
    assert (code, made["number"], made["signed_by_the_one_before"], made["test"]) == (0, 2, True, False)
    (city / "var/keys/book-2.key").unlink()
    code, document = documents(capsys, city, "checkpoint")
    assert (code, document["error"]["code"]) == (1, "book.key-lost")
    code, document = documents(capsys, city, "key", "rotate", "--lost")
    assert (code, document["error"]["code"]) == (2, "usage.no-reason")
    code, document = documents(capsys, city, "key", "rotate", "--reason", "Verlust")
    assert (code, document["error"]["code"]) == (2, "usage.reason")
    code, made = documents(
        capsys, city, "key", "rotate", "--lost", "--reason", "Verlust", "--now", "2027-02-01"
    )
    assert (code, made["one_before_lost"]) == (0, {"de": "Verlust", "en": "Verlust"})
    _, listed = documents(capsys, city, "key", "list")
    assert [one["number"] for one in listed["keys"]] == [1, 2, 3]
    assert listed["private_half_present"] is True
    _, out, _ = called(capsys, city, "key", "list")
    assert "Schlüssel zum Testen" in out
    assert "der vorige ging verloren: Verlust" in out
    private = [path.read_bytes().hex() for path in (city / "var/keys").glob("book-*.key")]
    assert not any(one in out for one in private)


def test_an_entry_is_proved_to_whoever_has_a_checkpoint(capsys, city):
    """The proof leads from the entry's own hash to the root that the checkpoint names."""
    from stadtbuch.book import checkpoint, merkle
    from stadtbuch.book.ledger import leaf_of

    file = sent(capsys, city)
    _, told = documents(capsys, city, "prove", "2")
    assert told["entry"]["subject"] == "notebooks/a.ipynb"
    root = checkpoint.read(file.read_bytes()).checkpoint.root
    proof = [bytes.fromhex(one) for one in told["proof"]]
    assert merkle.includes(root, size=4, index=1, hashed=leaf_of(told["entry"]["hash"]), proof=proof)
    code, document = documents(capsys, city, "prove", "9")
    assert (code, document["error"]["code"]) == (2, "book.no-entry")


def test_a_gap_is_acknowledged_with_a_reason(capsys, city):
    """First there is none; then the pages know more than the book, and somebody says why."""
    code, document = documents(capsys, city, "acknowledge", "--reason", "Plattenschaden")
    assert (code, document["error"]["code"]) == (2, "book.no-gap")
    file = sent(capsys, city)
    (city / "public/book").mkdir(parents=True)
    (city / "public/book/checkpoint.txt").write_bytes(file.read_bytes())
    for path in (city / "var").glob("book.sqlite*"):
        path.unlink()
    code, document = documents(capsys, city, "checkpoint")
    assert (code, document["error"]["code"]) == (3, "book.older")
    code, entry = documents(capsys, city, "acknowledge", "--reason", "Plattenschaden", "--now", "2026-07-20")
    assert (code, entry["kind"], entry["details"]["entries"]) == (0, "acknowledged", 4)
    assert documents(capsys, city, "checkpoint")[0] == 0


def grown(capsys, city: Path) -> tuple[Path, Path]:
    """Write two checkpoints out, with entries and a new key between them."""
    earlier = sent(capsys, city).rename(city / "earlier.txt")
    documents(capsys, city, "key", "rotate", "--now", "2026-07-16")
    state = State.open(city / "var")
    Book(state.root / "book.sqlite", key=state.key).append("ran", subject="a.b", actor=ACTOR, now=NOW)
    return earlier, sent(capsys, city).rename(city / "later.txt")


def test_a_later_checkpoint_is_proved_to_continue_an_earlier_one(capsys, city):
    """Also across a new key, and for somebody who has two checkpoints, the keys and the proof, but no book."""
    earlier, later = map(str, grown(capsys, city))
    code, told = documents(capsys, city, "consistency", earlier, later)
    assert (code, told["consistent"], told["origin"]) == (0, True, "stadtbuch/990010000000")
    assert (told["earlier"]["entries"], told["later"]["entries"]) == (4, 6)
    assert "unverändert" in called(capsys, city, "consistency", earlier, later)[1]

    keys, proof = city / "keys.json", city / "proof.json"
    keys.write_text(json.dumps(documents(capsys, city, "key", "list")[1]))
    proof.write_text(json.dumps(told))
    arguments = ["consistency", earlier, later, "--key", str(keys), "--proof", str(proof)]
    code = main.main(["book", *arguments, "--city", str(city / "nowhere"), "--json"])
    assert (code, json.loads(capsys.readouterr().out)["consistent"]) == (0, True)
    proof.write_text(json.dumps(told | {"proof": told["proof"][:-1]}))
    assert documents(capsys, city, *arguments)[0] == 3
    proof.write_text("{}")
    assert documents(capsys, city, *arguments)[1]["error"]["code"] == "usage.proof"


def test_checkpoints_in_the_wrong_order_or_of_a_lost_book_are_not_proved(capsys, city):
    """A later one is not the beginning of an earlier one; a book that is shorter than both proves nothing."""
    earlier, later = map(str, grown(capsys, city))
    code, told = documents(capsys, city, "consistency", later, earlier)
    assert (code, told["consistent"]) == (3, False)
    keys = city / "keys.json"
    keys.write_text(json.dumps(documents(capsys, city, "key", "list")[1]))
    (city / "var/book.sqlite").unlink()
    code, told = documents(capsys, city, "consistency", earlier, later, "--key", str(keys))
    assert (code, told["consistent"], told["proof"]) == (3, False, [])
    assert "nicht bewiesen" in called(capsys, city, "consistency", later, earlier, "--key", str(keys))[1]


def test_verify_names_a_key_that_slipped_in_unsigned(capsys, city):
    """Every entry and the chain are right; the new key is not, and that is said with its entry and code 3."""
    from stadtbuch.book import checkpoint, seal

    sent(capsys, city)
    documents(capsys, city, "key", "rotate", "--now", "2026-07-16")
    assert documents(capsys, city, "verify")[0] == 0
    stranger = checkpoint.public_of(sha256(b"stranger").digest(), name="stadtbuch/990010000000")
    state = State.open(city / "var")
    Book(state.root / "book.sqlite", key=state.key).append(
        seal.KIND, subject="book", actor=ACTOR, now=NOW, details={"key": stranger.written, "signature": ""}
    )
    code, verdict = documents(capsys, city, "verify")
    assert (code, verdict["ok"], verdict["problem"]["code"]) == (3, False, "book.key-unsigned")
    assert verdict["problem"]["entry"] == 6
    assert "nicht vom vorigen unterschrieben" in called(capsys, city, "verify")[1]
