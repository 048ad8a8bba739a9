"""Loading the catalogue: all mistakes at once, at their line, each with its own words; finding datasets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stadtbuch.catalog import index
from stadtbuch.errors import CatalogError, Problem, UsageError
from stadtbuch.settings import Settings

ACity = Callable[..., Settings]
AnEntry = Callable[..., dict[str, Any]]


def mistakes(settings: Settings) -> tuple[Problem, ...]:
    """Give the problems of a catalogue that must not load."""
    with pytest.raises(CatalogError) as caught:
        index.load(settings)
    assert caught.value.code == "catalog.invalid"
    assert caught.value.exit_code == 3
    return caught.value.problems


def put(*path: Any) -> Callable[[Any], Any]:
    """Give a change that sets (last argument) or removes (``...``) what stands at a path."""
    *steps, last, value = path

    def change(entry: Any) -> None:
        for step in steps:
            entry = entry.setdefault(step, {}) if isinstance(entry, dict) else entry[step]
        if value is ...:
            del entry[last]
        else:
            entry[last] = value

    return change


def test_valid_catalogue_loads(a_city: ACity, an_entry: AnEntry) -> None:
    """Open and closed entries load under domain.name, in the order of their ids."""
    catalog = index.load(a_city({"trees": an_entry("open"), "residents": an_entry("closed")}))
    assert list(catalog.datasets) == ["population.residents", "population.trees"]
    assert catalog.get("population.trees").is_open
    assert catalog.get("population.residents").privacy.purposes == {"age-structure": ("district", "age")}


A_DONATION = {
    "donor": {"de": "Bürgerlabor", "en": "Citizens' lab"}, "received": "2025-02-03",
    "rights": {"de": "erklärt", "en": "declared"}, "method": {"de": "gemessen", "en": "measured"},
    "checked": {"de": "geprüft", "en": "checked"},
}  # fmt: skip
A_BUDGET = {
    "epsilon": 1, "reason": {"de": "x", "en": "x"}, "decided_by": "data-owner", "decided": "2026-01-10",
}  # fmt: skip

CASES = [
    ("open", put("access", ...), "catalog.access-missing", "access", "class: open"),
    ("open", put("titel", {"de": "x", "en": "x"}), "catalog.key-unknown", "titel", "title"),
    ("open", put("access", "clas", "open"), "catalog.key-unknown", "access.clas", "class"),
    ("open", put("access", "class", "opn"), "catalog.value", "access.class", "open"),
    ("open", put("title", "en", ...), "catalog.key-missing", "title.en", "Englisch|englisch"),
    ("open", put("title", "fr", "arbres"), "catalog.key-unknown", "title.fr", ""),
    ("open", put("title", "de", "  "), "catalog.text-empty", "title.de", ""),
    ("open", put("title", "Bäume"), "catalog.value", "title", ""),
    ("open", put("misuse", ...), "catalog.key-missing", "misuse", "taugen"),
    ("open", put("owner", ["a", "b"]), "catalog.owner", "owner", "custody.holders"),
    ("open", put("owner", "Anna Beispiel"), "catalog.value", "owner", "Kleinbuchstaben"),
    ("open", put("steward", ...), "catalog.key-missing", "steward", ""),
    ("open", put("spatial", 990010000000), "catalog.value", "spatial", "Anführungszeichen"),
    ("open", put("license", "dl-de/by-2.0"), "catalog.licence-unknown", "license", "dl-de/by-2-0"),
    ("open", put("license", "cc-by-nc-4.0"), "catalog.licence-not-open", "license", "cc-by-4.0"),
    ("open", put("license", ...), "catalog.licence-missing", "license", "cc0-1.0"),
    ("open", put("source", "reader", "pickle"), "catalog.reader-unknown", "source.reader", "parquet"),
    ("open", put("source", "reader", "parqet"), "catalog.reader-unknown",
     "source.reader", "meinten Sie parquet"),
    ("open", put("source", "options", "seperator", ";"), "catalog.option-unknown",
     "source.options.seperator", "sep"),
    ("open", put("source", "options", "sep", ";;"), "catalog.option-value", "source.options.sep", ""),
    ("open", put("source", "options", "encoding", "utf8!"), "catalog.option-value",
     "source.options.encoding", ""),
    ("open", put("source", "url", "{env(HOME)}/a.csv"), "catalog.address", "source.url", ""),
    ("open", put("source", "url", "/etc/passwd"), "catalog.address", "source.url", ""),
    ("open", put("source", "url", "{DATA}/../../x.csv"), "catalog.address", "source.url", ""),
    ("open", put("source", "url", "https://evil.example/x.csv"), "catalog.address", "source.url", ""),
    ("open", put("schema", "fields", 0, "privacy", "identifier"), "catalog.identifier-open",
     "schema.fields.0.privacy", "schließen"),
    ("open", put("schema", "fields", 0, "typ", "code"), "catalog.key-unknown", "schema.fields.0.typ", "type"),
    ("open", put("schema", "fields", 0, "type", "strng"), "catalog.value", "schema.fields.0.type", "string"),
    ("open", put("schema", "fields", 1, "name", "code"), "catalog.column-twice", "schema.fields.1.name", ""),
    ("open", put("schema", "fields", 1, "source_name", "code"), "catalog.column-twice",
     "schema.fields.1.name", ""),
    ("open", put("schema", "fields", 0, "name", "Höhe"), "catalog.value",
     "schema.fields.0.name", "Kleinbuchstaben"),
    ("open", put("schema", "fields", 0, "type", "geometry"), "catalog.geometry", "schema.fields.0.type", ""),
    ("open", put("schema", "fields", 1, "thousands", ","), "catalog.format", "schema.fields.1.thousands", ""),
    ("open", put("schema", "fields", 0, "format", "%Y"), "catalog.format", "schema.fields.0.format", ""),
    ("open", put("schema", "fields", 0, "constraints", {"pattern": "[0-9"}), "catalog.pattern",
     "schema.fields.0.constraints.pattern", ""),
    ("open", put("schema", "fields", 0, "timezone", "Berlin"), "catalog.format",
     "schema.fields.0.timezone", ""),
    ("open", put("schema", "fields", []), "catalog.value", "schema.fields", ""),
    ("open", put("schema", "primaryKey", ["cod"]), "catalog.primary-key", "schema.primaryKey.0", "code"),
    ("open", put("custody", {"kind": "third-party"}), "catalog.custody-reason", "custody.reason", ""),
    ("open", put("donation", A_DONATION), "catalog.donation-origin", "origin", "civil-society"),
    ("open", put("lifecycle", {"retention": "10 Jahre"}), "catalog.duration", "lifecycle.retention", "P10Y"),
    ("open", put("lifecycle", {"retention": "P"}), "catalog.duration", "lifecycle.retention", "P10Y"),
    ("closed", put("access", "reason", ...), "catalog.reason-missing", "access.reason", "legal_basis"),
    ("closed", put("access", "preparation", ...), "catalog.preparation-missing",
     "access.preparation", "tried"),
    ("closed", put("access", "reason", "kind", "personal"), "catalog.value",
     "access.reason.kind", "personal-data"),
    ("closed", put("access", "reason", "review", "2026-01-15"), "catalog.review", "access.reason.review", ""),
    ("closed", put("access", "reason", "decided", "gestern"), "catalog.value", "access.reason.decided", ""),
    ("closed", put("access", "grants", 0, "purposes", ["age-structur"]), "catalog.purpose-unknown",
     "access.grants.0.purposes.0", "age-structure"),
    ("closed", put("access", "grants", 0, "until", ...), "catalog.key-missing", "access.grants.0.until", ""),
    ("closed", put("access", "grants", 0, "role", "Frau Amt"), "catalog.value", "access.grants.0.role", ""),
    ("closed", put("privacy", "purposes", "age-structure", ["agee"]), "catalog.purpose-column",
     "privacy.purposes.age-structure.0", "age"),
    ("open", put("privacy", {"unit": "none", "budget": A_BUDGET}), "catalog.budget", "privacy.budget", "beiträgt"),
    ("closed", put("privacy", "budget", A_BUDGET | {"epsilon": 11}), "catalog.value",
     "privacy.budget.epsilon", ""),
    ("closed", put("schema", "fields", 1, "coarse", {"slot": "hour"}), "catalog.coarse",
     "schema.fields.1.coarse", ""),
    ("closed", put("privacy", "purposes", "Age", ["age"]), "catalog.value", "privacy.purposes.Age", ""),
]  # fmt: skip


def _name(one: Any) -> str:
    """Name a case alike in every process: functions carry their address."""
    return "change" if callable(one) else str(one)[:40]


@pytest.mark.parametrize(("kind", "change", "code", "path", "hint"), CASES, ids=_name)
def test_each_mistake_has_its_code_place_and_hint(
    kind: str, change: Any, code: str, path: str, hint: str, a_city: ACity, an_entry: AnEntry
) -> None:
    """One wrong thing gives exactly one problem, at its path, with a line and what to write instead."""
    (problem,) = mistakes(a_city({"thing": an_entry(kind, change)}))
    assert (problem.code, problem.path) == (code, f"datasets.thing.{path}")
    assert problem.line
    assert problem.what.de != problem.what.en
    if hint:
        assert problem.remedy is not None
        assert any(word in problem.remedy.de for word in hint.split("|"))


def test_shared_needs_a_grant(a_city: ACity, an_entry: AnEntry) -> None:
    """What is shared is shared with somebody."""
    entry = an_entry("closed", put("access", "class", "shared"))
    entry["access"]["grants"] = []
    assert [one.code for one in mistakes(a_city({"thing": entry}))] == ["catalog.grants-missing"]


def test_personal_data_without_a_telling_column_does_not_fit(a_city: ACity, an_entry: AnEntry) -> None:
    """A reason that does not fit the columns is found."""
    entry = an_entry("closed")
    for column in entry["schema"]["fields"]:
        column["privacy"] = "harmless"
    assert [one.code for one in mistakes(a_city({"thing": entry}))] == ["catalog.reason-unfit"]


def test_all_mistakes_of_all_files_come_at_once(a_city: ACity, an_entry: AnEntry) -> None:
    """Two files, three entries, four mistakes: four problems, sorted by file and line."""
    a_city({"a": an_entry("open", put("titel", 1)), "b": an_entry("open", put("access", ...))})
    settings = a_city({"c": an_entry("open", put("license", "x"))}, domain="mobility", defaults={"ower": "x"})
    found = mistakes(settings)
    assert [(one.file, one.path) for one in found] == [
        ("catalogs/mobility.yaml", "defaults.ower"),
        ("catalogs/mobility.yaml", "datasets.c.license"),
        ("catalogs/population.yaml", "datasets.a.titel"),
        ("catalogs/population.yaml", "datasets.b.access"),
    ]
    assert found[0].remedy is not None
    assert "owner" in found[0].remedy.de


def test_broken_part_hides_no_mistake_in_another_and_invents_none(a_city: ACity, an_entry: AnEntry) -> None:
    """Rules about well-formed parts still speak; those that need the broken one are silent."""
    entry = an_entry("closed", put("privacy", "unit", "family"))
    entry["source"]["reader"] = "pickle"
    found = {(one.code, one.path) for one in mistakes(a_city({"a": entry}))}
    assert found == {
        ("catalog.value", "datasets.a.privacy.unit"),
        ("catalog.reader-unknown", "datasets.a.source.reader"),
    }


def test_line_is_where_the_mistake_stands(a_city: ACity) -> None:
    """In a file as people write it the line is exact, also inside lists."""
    text = """\
schema_version: 1
domain: population
defaults: {publisher: office, owner: head, steward: steward, contactPoint: a@b.example, license: cc0-1.0}
datasets:
  trees:
    title: {de: Bäume, en: Trees}
    description: {de: a, en: b}
    source: {reader: csv, url: "{DATA}/x.csv"}
    access:
      class: opne
    schema:
      fields:
        - {name: a, type: string, title: {de: a, en: a}}
        - name: b
          type: strin
          title: {de: b, en: b}
    misuse: {de: a, en: b}
"""
    found = mistakes(a_city(text))
    assert [(one.line, one.path) for one in found] == [
        (10, "datasets.trees.access.class"),
        (15, "datasets.trees.schema.fields.1.type"),
    ]
    assert "catalogs/population.yaml:10 datasets.trees.access.class" in found[0].render("de")


def test_defaults_fill_in_and_entries_win(a_city: ACity, an_entry: AnEntry) -> None:
    """What a file's datasets have in common is written once."""
    entry = an_entry("open", put("publisher", ...))
    settings = a_city({"a": entry, "b": an_entry("open")}, defaults={"publisher": "green-office"})
    catalog = index.load(settings)
    assert catalog.get("population.a").publisher == "green-office"
    assert catalog.get("population.b").publisher == "statistics-office"


def test_access_has_no_default(a_city: ACity, an_entry: AnEntry) -> None:
    """An access block under defaults is unknown, and the entry still lacks its own."""
    settings = a_city({"a": an_entry("open", put("access", ...))}, defaults={"access": {"class": "open"}})
    assert [one.code for one in mistakes(settings)] == ["catalog.key-unknown", "catalog.access-missing"]


def test_mistake_in_a_default_is_told_once_and_there(a_city: ACity, an_entry: AnEntry) -> None:
    """Not once per dataset that inherits it."""
    entries = {name: an_entry("open", put("license", ...)) for name in ("a", "b")}
    (problem,) = mistakes(a_city(entries, defaults={"license": "dl-by"}))
    assert (problem.path, problem.line) == ("defaults.license", 4)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "catalog.empty"),
        ("- a\n", "catalog.not-mapping"),
        ("a: [", "catalog.not-yaml"),
        (b"a: \xff\n", "catalog.encoding"),
    ],
)
def test_file_that_is_no_catalogue_is_one_clear_mistake(text: str | bytes, code: str, a_city: ACity) -> None:
    """Empty, not a mapping, not YAML, wrong encoding."""
    assert [one.code for one in mistakes(a_city(text))] == [code]


def test_domain_must_be_one_of_the_city(a_city: ACity, an_entry: AnEntry) -> None:
    """An unknown domain is refused with the nearest known one."""
    (problem,) = mistakes(a_city({"a": an_entry("open")}, domain="mobilty"))
    assert problem.code == "catalog.domain-unknown"
    assert problem.remedy is not None
    assert "mobility" in problem.remedy.de


def test_file_carries_the_name_of_its_domain(a_city: ACity, an_entry: AnEntry) -> None:
    """So that a domain cannot be described in two files."""
    settings = a_city({"a": an_entry("open")})
    folder = settings.folder("catalogs")
    (folder / "population.yaml").rename(folder / "people.yaml")
    assert [one.code for one in mistakes(settings)] == ["catalog.file-name"]


def test_other_schema_version_is_refused(a_city: ACity, an_entry: AnEntry) -> None:
    """A file of a later version is not read by guessing."""
    settings = a_city({"a": an_entry("open")})
    path = settings.folder("catalogs") / "population.yaml"
    path.write_text(path.read_text().replace("schema_version: 1", "schema_version: 2"))
    assert [(one.code, one.path) for one in mistakes(settings)] == [("catalog.value", "schema_version")]


def test_city_without_catalogue_is_told_so(a_city: ACity, an_entry: AnEntry) -> None:
    """No file at all is a mistake of its own."""
    settings = a_city({"a": an_entry("open")})
    (settings.folder("catalogs") / "population.yaml").unlink()
    assert [one.code for one in mistakes(settings)] == ["catalog.no-files"]


def test_second_spelling_of_a_key_is_unknown(a_city: ACity, an_entry: AnEntry) -> None:
    """The names that Python uses are not the names of YAML."""
    entry = an_entry("open", put("contactPoint", ...)) | {"contact_point": "a@b.example"}
    found = {(one.code, one.path) for one in mistakes(a_city({"a": entry}))}
    assert found == {
        ("catalog.key-missing", "datasets.a.contactPoint"),
        ("catalog.key-unknown", "datasets.a.contact_point"),
    }


def test_unknown_dataset_names_the_nearest(a_city: ACity, an_entry: AnEntry) -> None:
    """A typing error in an id is answered with the id that was meant."""
    catalog = index.load(a_city({"trees": an_entry("open")}))
    with pytest.raises(UsageError) as caught:
        catalog.get("population.tree")
    assert caught.value.code == "catalog.unknown-dataset"
    assert "population.trees" in caught.value.render("de")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Bäume", ["trees"]),
        ("baeume", ["trees"]),
        ("STRASSENBÄUME", ["trees"]),
        ("kataster", ["trees"]),
        ("wohner", ["residents"]),
        ("residents", ["residents"]),
        ("höhe green", ["trees"]),
        ("Register Höhe", []),
        ("population", ["trees", "residents"]),
        ("", []),
        ("Fahrrad", []),
    ],
)
def test_search_finds_german_words(words: str, found: list[str], a_city: ACity, an_entry: AnEntry) -> None:
    """Umlauts, parts of compounds, capital letters, both languages; every word must occur."""
    catalog = index.load(a_city({"trees": an_entry("open"), "residents": an_entry("closed")}))
    assert [one.name for one in catalog.search(words, "de")] == found
