"""``stadtbuch catalog``: list, show, search and check, for people and machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stadtbuch.cli import main

CATALOGUE = """\
schema_version: 1
domain: population
defaults:
  publisher: statistics-office
  owner: head-of-statistics
  steward: steward-statistics
  contactPoint: statistik@musterstadt.example
datasets:
  trees:
    title: {de: Straßenbäume, en: Street trees}
    description: {de: Alle Bäume, en: All trees}
    license: dl-de/by-2-0
    source: {reader: csv, url: "{DATA}/open-trees.csv"}
    access: {class: open}
    schema: {fields: [{name: code, type: code, title: {de: Nummer, en: Number}}]}
    misuse: {de: Höhen sind geschätzt., en: Heights are estimates.}
  residents:
    title: {de: Einwohnerregister, en: Population register}
    description: {de: Alle Menschen, en: All people}
    keyword: {de: [Einwohner], en: [residents]}
    source: {reader: csv, url: "{DATA}/secret-place.csv"}
    access:
      class: closed
      reason:
        kind: personal-data
        text: {de: Angaben über Personen, en: Data about persons}
        legal_basis: § 1 Gesetz
        decided_by: data-owner
        decided: 2026-01-15
        review: 2028-01-15
      preparation: {tried: [aggregate], outcome: {de: als Tabelle, en: as a table}}
      grants: [{role: analyst, purposes: [age-structure], until: 2027-12-31}]
    privacy: {unit: person, purposes: {age-structure: [age]}}
    schema:
      fields:
        - {name: age, type: integer, unit: year, privacy: quasi-identifier, title: {de: Alter, en: Age}}
    misuse: {de: a, en: b}
"""


@pytest.fixture
def city(tmp_path: Path, root: Path) -> Path:
    """Give a city with an open and a closed dataset."""
    (tmp_path / "stadtbuch.toml").write_bytes((root / "stadtbuch.toml").read_bytes())
    (tmp_path / "catalogs").mkdir()
    (tmp_path / "catalogs" / "population.yaml").write_text(CATALOGUE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def call(city: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run ``stadtbuch catalog`` on the city: exit code, stdout, stderr."""

    def called(*arguments: str) -> tuple[int, str, str]:
        code = main.main(["catalog", *arguments, "--city", str(city)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


def test_list_gives_one_json_document(call: Any) -> None:
    """Id, title, class and what one needs to decide; of withheld data the reason and the next step."""
    code, out, err = call("list", "--json")
    residents, trees = json.loads(out)
    assert (code, err) == (0, "")
    named = ("id", "title", "class", "domain", "licence", "publisher", "reason")
    assert {key: trees[key] for key in named} == {
        "id": "population.trees", "title": "Straßenbäume", "class": "open", "domain": "population",
        "licence": "dl-de/by-2-0", "publisher": "statistics-office", "reason": None,
    }  # fmt: skip
    assert trees["next_step"] == 'city.load("population.trees")'
    assert residents["class"] == "closed"
    assert residents["reason"]["text"] == "Angaben über Personen"
    assert residents["reason"]["review"] == "2028-01-15"
    assert 'purpose="age-structure", columns=["age"]' in residents["next_step"]
    assert "statistik@musterstadt.example" in residents["next_step"]


@pytest.mark.parametrize("arguments", [("list",), ("show", "population.residents"), ("search", "Einwohner")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_place_of_closed_data_is_never_told(
    arguments: tuple[str, ...], form: tuple[str, ...], call: Any
) -> None:
    """Neither to people nor to machines."""
    code, out, _ = call(*arguments, *form)
    assert code == 0
    assert "Einwohnerregister" in out
    assert "secret-place" not in out


def test_list_can_be_narrowed_to_a_class(call: Any) -> None:
    """`--class` takes the three classes and nothing else."""
    assert [one["id"] for one in json.loads(call("list", "--class", "open", "--json")[1])] == [
        "population.trees"
    ]
    assert call("list", "--class", "secret")[0] == 2


def test_list_for_people_names_class_and_number(call: Any) -> None:
    """A table with German words."""
    _, out, _ = call("list")
    assert "geschlossen" in out
    assert "dl-de/by-2-0" in out
    assert out.splitlines()[-1] == "2 Datensätze."


def test_texts_follow_the_language(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """English on request, also in JSON."""
    monkeypatch.setenv("STADTBUCH_LANGUAGE", "en")
    titles = [one["title"] for one in json.loads(call("list", "--json")[1])]
    assert titles == ["Population register", "Street trees"]


def test_show_tells_everything_that_may_be_told(call: Any) -> None:
    """Columns with their roles, grants, licence; of an open dataset also where it lies."""
    document = json.loads(call("show", "population.trees", "--json")[1])
    assert document["source"]["url"] == "{DATA}/open-trees.csv"
    assert document["misuse"] == "Höhen sind geschätzt."
    closed = json.loads(call("show", "population.residents", "--json")[1])
    assert closed["schema"]["fields"][0]["privacy"] == "quasi-identifier"
    assert closed["grants"] == [{"role": "analyst", "purposes": ["age-structure"], "until": "2027-12-31"}]
    _, out, _ = call("show", "population.residents")
    assert "§ 1 Gesetz" in out
    assert "Alter [year]" in out


def test_unknown_dataset_is_a_usage_error_with_a_hint(call: Any) -> None:
    """Exit code 2 and the id that was meant."""
    code, out, err = call("show", "population.tree")
    assert (code, out) == (2, "")
    assert "Meinten Sie population.trees?" in err


def test_search_takes_several_words(call: Any) -> None:
    """Both must occur; umlauts may be written out; nothing found is an empty list."""
    found = json.loads(call("search", "strassenbaeume", "nummer", "--json")[1])
    assert [one["id"] for one in found] == ["population.trees"]
    assert json.loads(call("search", "Fahrrad", "--json")[1]) == []


def test_check_passes_and_keeps_the_generated_file_current(call: Any, city: Path) -> None:
    """Stale: exit code 3 and what to type; renewed: allowed."""
    code, out, _ = call("check", "--json")
    document = json.loads(out)
    assert (code, document["decision"]) == (3, "refuse")
    assert [(one["rule"], one["remedy"]) for one in document["findings"]] == [
        ("catalog.intake-stale", "stadtbuch catalog check --write")
    ]
    assert call("check", "--write")[0] == 0
    assert (city / "catalogs" / "intake.yaml").is_file()
    code, out, _ = call("check", "--json")
    assert (code, json.loads(out)) == (0, {"decision": "allow", "findings": []})


def test_check_names_every_mistake(call: Any, city: Path) -> None:
    """Exit code 3; each with rule, place, text and remedy; nothing is written."""
    path = city / "catalogs" / "population.yaml"
    broken = CATALOGUE.replace("access: {class: open}", "access: {class: opn}").replace(
        "reader: csv", "reader: cvs", 1
    )
    path.write_text(broken.replace("review: 2028", "review: 2020"), encoding="utf-8")
    code, out, err = call("check", "--write", "--json")
    document = json.loads(out)
    assert (code, err, document["decision"]) == (3, "", "refuse")
    assert [one["rule"] for one in document["findings"]] == [
        "catalog.reader-unknown",
        "catalog.value",
        "catalog.review",
    ]
    first = document["findings"][1]
    assert first["subject"] == "catalogs/population.yaml:14 datasets.trees.access.class"
    assert (first["severity"], first["remedy"]) == ("refuse", "meinten Sie open?")
    assert not (city / "catalogs" / "intake.yaml").exists()
    code, out, _ = call("check")
    assert code == 3
    assert "catalogs/population.yaml:14 datasets.trees.access.class" in out


def test_other_commands_refuse_a_broken_catalogue(call: Any, city: Path) -> None:
    """With all its mistakes, on stderr."""
    (city / "catalogs" / "population.yaml").write_text("a: [", encoding="utf-8")
    code, out, err = call("list")
    assert (code, out) == (3, "")
    assert "kein gültiges YAML" in err


@pytest.mark.parametrize("command", ["list", "show", "search", "check"])
def test_help_has_an_example(command: str, call: Any) -> None:
    """Each command shows one."""
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"stadtbuch catalog {command}" in out.split("Beispiel:")[1]


def test_listing_does_without_heavy_libraries(city: Path) -> None:
    """No pandas, no Intake: the list is there at once."""
    program = (
        "import sys; from stadtbuch.cli import main; "
        f"code = main.main(['catalog', 'list', '--city', {str(city)!r}]); "
        "print(sorted({'pandas', 'intake', 'geopandas'} & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
