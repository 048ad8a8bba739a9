"""``stadtbuch submission``: every verb, its answers, its exit codes, and a check at home."""

import json
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.submissions import ADDRESS, CANARY, REASON, ROLES, a_mail, a_submission, code, reran, text

from stadtbuch.cli import main
from stadtbuch.submissions import rerun


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a small city whose people may decide."""
    return a_city(tmp_path / "city", roles=ROLES)


@pytest.fixture
def eml(tmp_path: Path) -> Path:
    """Give a good mail as a file."""
    path = tmp_path / "einsendung.eml"
    path.write_bytes(a_mail())
    return path


def called(capsys, city: Made | None, *arguments: str) -> tuple[int, str, str]:
    """Run ``stadtbuch submission``."""
    place = ["--city", str(city.root)] if city else []
    ended = main.main(["submission", *arguments, *place])
    said = capsys.readouterr()
    return ended, said.out, said.err


def document(capsys, city: Made | None, *arguments: str, expected: int = 0) -> dict:
    """Run with --json."""
    ended, out, _ = called(capsys, city, *arguments, "--json")
    assert ended == expected
    return json.loads(out)


def test_receive_gives_number_and_secret(capsys, city: Made, eml: Path) -> None:
    """The receipt says what happens next; the secret's digest stays inside."""
    got = document(capsys, city, "receive", str(eml), "--now", "2026-01-16")
    assert got["number"].startswith("SB-2026-")
    assert (got["credit"], got["licence"], got["consent"], got["stage"]) == (
        "Radgruppe Nord",
        "cc-by-4.0",
        True,
        "received",
    )
    assert got["secret"] in got["letter"]
    assert got["number"] in got["letter"]
    (line,) = document(capsys, city, "list")
    assert "secret" not in line
    assert line["entry"] == 1


def test_receive_takes_what_the_clerk_says(capsys, city: Made, tmp_path: Path) -> None:
    """A notebook alone has no lines beside it: credit, licence and consent are options, and missing ones are named."""
    (tmp_path / "a.ipynb").write_bytes(a_submission())
    bare = document(capsys, city, "receive", str(tmp_path / "a.ipynb"))
    assert "Es fehlt noch" in bare["letter"]
    full = document(
        capsys, city, "receive", str(tmp_path / "a.ipynb"), "--credit", "Ada", "--licence", "CC0", "--consent"
    )
    assert (full["credit"], full["licence"], full["consent"]) == ("Ada", "cc0-1.0", True)
    assert "Es fehlt noch" not in full["letter"]
    assert full["duplicate_of"] == bare["number"]


@pytest.mark.parametrize(
    ("name", "content", "options", "code_", "expected"),
    [
        ("fehlt.ipynb", None, (), "submission.no-file", 2),
        ("a.zip", b"PK", (), "submission.unknown-format", 2),
        ("a.ipynb", b"", (), "submission.empty", 3),
        ("a.eml", b"{}", (), "submission.mail-not-a-mail", 3),
        ("a.ipynb", a_submission(), ("--licence", "meine"), "submission.licence", 2),
    ],
)
def test_receive_refuses_with_a_code_of_its_own(
    capsys, city, tmp_path, name, content, options, code_, expected
) -> None:
    """A mistake at the counter says what to do, and nothing is kept."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    error = document(capsys, city, "receive", str(tmp_path / name), *options, expected=expected)["error"]
    assert error["code"] == code_
    assert error["remedy"]
    assert document(capsys, city, "list") == []


def test_inspect_at_home_needs_no_city(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Citizens check before they send, in their own words, with exit code 0 or 3."""
    monkeypatch.chdir(tmp_path)
    Path("gut.ipynb").write_bytes(a_submission())
    Path("schlecht.ipynb").write_bytes(a_submission(code("!rm -rf /\ncity.load('a.b')")))
    ended, out, _ = called(capsys, None, "inspect", "gut.ipynb")
    assert (ended, "Nichts steht dagegen" in out) == (0, True)
    ended, out, _ = called(capsys, None, "inspect", "schlecht.ipynb")
    assert (ended, "Zelle 1: Hier steht eine Zeile für die Kommandozeile" in out) == (3, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gut.ipynb", "schlecht.ipynb"]


def test_inspect_at_home_reads_a_mail_too(capsys, eml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail may be checked before it is sent."""
    monkeypatch.chdir(eml.parent)
    assert document(capsys, None, "inspect", str(eml))["inspection"]["decision"] == "allow"


def test_inspect_of_a_file_knows_the_city_around_it(capsys, city: Made, tmp_path: Path) -> None:
    """In a city's folder the catalogue says what is open."""
    (tmp_path / "a.ipynb").write_bytes(a_submission(code('city.load("population.residents")')))
    said = document(capsys, city, "inspect", str(tmp_path / "a.ipynb"), expected=3)["inspection"]
    assert said["decision"] == "refuse"
    assert said["datasets"] == [
        {"dataset": "population.residents", "cells": [1], "known": True, "open": False}
    ]
    assert [one["rule"] for one in said["findings"]] == ["submission.closed-dataset"]


def test_a_wrong_number_is_called_a_wrong_number(capsys, city: Made) -> None:
    """Not a missing file."""
    assert (
        document(capsys, city, "inspect", "SB-2026-XXXX", expected=2)["error"]["code"] == "submission.number"
    )


def from_receipt_to_rerun(capsys, city: Made, eml: Path) -> dict:
    """Receive, inspect and record a re-run."""
    got = document(capsys, city, "receive", str(eml), "--now", "2026-01-16")
    document(capsys, city, "inspect", got["number"])
    reran(city.open(), got["number"])
    return got


def test_the_whole_way_from_mail_to_withdrawal(capsys, city: Made, eml: Path) -> None:
    """Each verb gives the stage, the letter to the sender and their address while it is kept."""
    got = from_receipt_to_rerun(capsys, city, eml)
    number = got["number"]
    shown = document(capsys, city, "show", number)
    assert (shown["stage"], shown["rerun"]["verdict"], shown["inspection"]["decision"]) == (
        "rerun",
        "reproduced",
        "allow",
    )
    done = document(
        capsys, city, "accept", number, "--reason", REASON.de, "--reason-en", REASON.en, "--as", "editor"
    )
    assert (done["stage"], done["to"], REASON.de in done["letter"]) == ("accepted", ADDRESS, True)
    gone = document(capsys, city, "withdraw", number, "--secret", got["secret"])
    assert (gone["stage"], gone["to"], "gelöscht" in gone["letter"]) == ("withdrawn", "", True)
    assert document(capsys, city, "show", number)["inspection"] is None


def test_reject_gives_the_reason_and_the_way_to_object(capsys, city: Made, eml: Path) -> None:
    """The letter can be sent as it is."""
    number = document(capsys, city, "receive", str(eml))["number"]
    ended, out, _ = called(capsys, city, "reject", number, "--reason", "Ohne Erklärung, worum es geht.")
    assert ended == 0
    assert f"An: {ADDRESS}" in out
    assert "Ohne Erklärung, worum es geht." in out
    assert "Sind Sie anderer Ansicht?" in out


def test_a_role_that_does_not_decide_is_denied(capsys, city: Made, eml: Path) -> None:
    """Exit code 4, with the roles that do."""
    number = from_receipt_to_rerun(capsys, city, eml)["number"]
    error = document(capsys, city, "accept", number, "--reason", REASON.de, "--as", "analyst", expected=4)[
        "error"
    ]
    assert error["code"] == "submission.role"
    assert "editor" in error["why"]


def test_rerun_is_the_sandbox_and_nothing_else(
    capsys, city: Made, eml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verb orders the sandbox; a notebook that does not run to its end gives exit code 3."""
    from stadtbuch.model.submission import Verdict
    from stadtbuch.submissions import inbox

    number = document(capsys, city, "receive", str(eml))["number"]
    document(capsys, city, "inspect", number)

    def fails(opened, given, **_):
        return inbox.rerun(reran(opened, given, verdict=Verdict.fails))[0]

    monkeypatch.setattr(rerun, "rerun", fails)
    assert document(capsys, city, "rerun", number, expected=3)["verdict"] == "fails"


def test_nothing_runs_at_receipt_or_inspection(capsys, city: Made, tmp_path: Path) -> None:
    """A notebook that would leave a trace leaves none."""
    trace = tmp_path / "trace"
    evil = f"open({str(trace)!r}, 'w').write('x')\n__import__('os').system('touch {trace}')"
    (tmp_path / "a.ipynb").write_bytes(
        a_submission(text(f"# {CANARY}"), code(evil), code("city.load('geography.boroughs')"))
    )
    number = document(capsys, city, "receive", str(tmp_path / "a.ipynb"))["number"]
    document(capsys, city, "inspect", number)
    called(capsys, city, "show", number)
    assert not trace.exists()


def test_people_get_sentences(capsys, city: Made, eml: Path) -> None:
    """List and show say what comes next."""
    assert "Noch keine Einsendung" in called(capsys, city, "list")[1]
    number = document(capsys, city, "receive", str(eml))["number"]
    assert "als Nächstes: submission inspect" in called(capsys, city, "list")[1]
    assert "Einwilligung: ja" in called(capsys, city, "show", number)[1]
    assert "geography.boroughs: offen" in called(capsys, city, "inspect", number)[1]
