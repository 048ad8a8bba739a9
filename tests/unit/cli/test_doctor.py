"""``stadtbuch doctor`` at the command line: exit codes, one document, no city, no library."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from stadtbuch import founding
from stadtbuch.cli import main
from stadtbuch.founding import Wishes

NOW = ("--now", "2026-01-15T08:00")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Give a new city that was never built."""
    founding.lay(tmp_path / "city", founding.files(Wishes(login="m.muster", today=date(2026, 1, 15))))
    return tmp_path / "city"


def doctor(capsys, *arguments: str) -> tuple[int, dict]:
    """Call the doctor and give exit code and document."""
    code = main.main(["doctor", *arguments, *NOW, "--json"])
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def problems(document: dict) -> set[str]:
    """Give the checks that found a problem."""
    return {one["check"] for one in document["seen"] if one["severity"] == "problem"}


def test_a_new_city_is_told_what_is_still_to_do(capsys, city):
    """Nothing is wrong, much is open: placeholders with their lines, and the first build."""
    code, document = doctor(capsys, "--city", str(city))
    assert (code, document["ok"], problems(document)) == (0, True, set())
    open_places = {one["subject"]: one for one in document["seen"] if one["check"] == "placeholders"}
    assert {"stadtbuch.toml", "site/imprint.de.md", "site/privacy.en.md"} <= set(open_places)
    assert "Zeile 6" in open_places["stadtbuch.toml"]["text"]
    (state,) = [one for one in document["seen"] if one["check"] == "state"]
    assert (state["severity"], state["command"]) == ("hint", "stadtbuch build")
    assert not (city / "var").exists()


def test_a_new_city_may_not_go_public(capsys, city):
    """Exit code 3 and every reason."""
    code, document = doctor(capsys, "--city", str(city), "--public")
    assert (code, document["ok"]) == (3, False)
    assert problems(document) == {
        "placeholders", "contact", "official-key", "imprint", "privacy-notice", "accessibility",
    }  # fmt: skip


def test_example_data_may_not_pass_for_real_ones(capsys, city):
    """Whoever takes away the mark must take away the made-up data, too."""
    toml = (city / "stadtbuch.toml").read_text(encoding="utf-8")
    (city / "stadtbuch.toml").write_text(
        toml.replace("synthetic = true ", "synthetic = false"), encoding="utf-8"
    )
    code, document = doctor(capsys, "--city", str(city))
    assert (code, problems(document)) == (3, {"example-data"})


def test_the_document_counts_what_it_holds(capsys, city):
    """Every observation has its group, its severity and, unless all is well, a remedy."""
    _, document = doctor(capsys, "--city", str(city), "--public")
    severities = [one["severity"] for one in document["seen"]]
    assert document["counts"] == {level: severities.count(level) for level in ("ok", "hint", "problem")}
    assert document["at"] == "2026-01-15T07:00:00Z"
    assert all(one["remedy"] for one in document["seen"] if one["severity"] != "ok")
    assert set(document["seen"][0]) == {
        "check", "group", "severity", "subject", "text", "why", "remedy", "command", "facts",
    }  # fmt: skip


def test_people_read_what_is_wrong_why_and_what_to_do(capsys, city, monkeypatch):
    """Fine things in a paragraph, the rest one by one with its command; in German or English."""
    (city / "catalogs" / "intake.yaml").write_text("{}", encoding="utf-8")
    assert main.main(["doctor", "--city", str(city), *NOW]) == 3
    out = capsys.readouterr().out
    assert "✗ catalogs/intake.yaml: intake.yaml ist nicht auf dem Stand des Katalogs." in out
    assert "    $ stadtbuch catalog check --write\n" in out
    assert out.splitlines()[-1].startswith("Probleme: 1.")
    monkeypatch.setenv("STADTBUCH_LANGUAGE", "en")
    main.main(["doctor", "--city", str(city), *NOW])
    out = capsys.readouterr().out
    assert "✗ catalogs/intake.yaml: intake.yaml does not say what the catalogue says." in out
    assert out.splitlines()[-1].startswith("Problems: 1.")


def test_without_a_city_the_installation_is_examined(capsys, tmp_path, monkeypatch):
    """The first command after installing says what is there, and how to go on."""
    monkeypatch.chdir(tmp_path)
    code, document = doctor(capsys)
    (settings,) = [one for one in document["seen"] if one["check"] == "settings"]
    assert (code, settings["command"]) == (0, "stadtbuch init my-city")
    assert "book" in document["skipped"]
    assert doctor(capsys, "--public")[0] == 3


def test_a_city_that_was_named_must_be_there(capsys, tmp_path):
    """A mistyped path is a usage error, not a healthy installation."""
    code, document = doctor(capsys, "--city", str(tmp_path))
    assert (code, document["error"]["code"]) == (2, "settings.not-found")


def test_a_missing_library_is_named_once_and_the_rest_goes_on(city):
    """Without pandas hardly anything works, except to say so."""
    program = (
        "import sys; sys.modules['pandas'] = None\n"
        "from stadtbuch.cli.main import main\n"
        f"sys.exit(main(['doctor', '--city', {str(city)!r}, '--json']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    document = json.loads(ended.stdout)
    missing = [one["subject"] for one in document["seen"] if one["check"] == "libraries"]
    assert ended.returncode == 3
    assert missing.count("pandas") == 1
    assert "catalogue" in document["skipped"]
    assert "settings" not in document["skipped"]
