"""
A city that runs: settings, roles, a catalogue over small CSV files, notebooks. Valid by default; change one
thing.

>>> from tempfile import mkdtemp
>>> a_city(Path(mkdtemp())).settings.city.name
'Kleinstadt'
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import yaml
from builders.decisions import DECISIONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from stadtbuch import settings as city_settings
from stadtbuch.session import City
from stadtbuch.settings import Settings

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

TOML = f"""
schema_version = 1
[city]
name = "Kleinstadt"
key = "990030000000"
timezone = "Europe/Berlin"
language = "de"
publisher = {{de = "Statistikstelle Kleinstadt", en = "Statistics Office of Kleinstadt"}}
contact = "statistik@kleinstadt.example"
claim = {{de = "Klein, aber nachgerechnet", en = "Small, but checked"}}
synthetic = true
{DECISIONS}[catalog]
domains = ["geography", "population"]
"""

CANARY = "KANARI-7731-Quendel"
"""Stands in the closed register's free-text column: it may appear nowhere outside of it."""


@dataclass(frozen=True)
class Made:
    """A city's folder with its settings."""

    root: Path
    settings: Settings

    def open(self, **changes: Any) -> City:
        """Open a session at a fixed moment."""
        return City.open(self.settings, **{"now": NOW, "login": "tester", **changes})


def a_city(
    root: Path,
    *,
    datasets: Mapping[str, Mapping[str, Any]] | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
    toml: str = TOML,
) -> Made:
    """
    Write a city and give it.

    Parameters
    ----------
    root
        An empty folder.
    datasets
        Id -> entry (`a_dataset`); without it the open ``geography.boroughs`` and the closed
        ``population.residents``.
    roles
        Login -> roles; without it everybody is analyst.
    toml
        The settings.
    """
    (root / "data").mkdir(parents=True)
    (root / "catalogs").mkdir()
    (root / "notebooks").mkdir()
    (root / city_settings.FILE).write_text(toml, encoding="utf-8")
    (root / "roles.yaml").write_text(yaml.safe_dump(dict(roles or {"*": ["analyst"]})), encoding="utf-8")
    write_catalogue(root, datasets if datasets is not None else default_datasets())
    write_data(root)
    return Made(root, city_settings.read(root))


def default_datasets() -> dict[str, dict[str, Any]]:
    """Give the entries of the open and the closed dataset."""
    return {"geography.boroughs": a_dataset(), "population.residents": a_dataset(access="closed")}


def a_dataset(*, access: str = "open", **changes: Any) -> dict[str, Any]:
    """
    Give one entry of a catalogue file: boroughs if it is open, a register of persons if it is not.

    Parameters
    ----------
    access
        open, shared or closed.
    changes
        Replace whole keys; None removes one.
    """
    entry = _boroughs() if access == "open" else _register(access)
    entry |= changes
    return {key: value for key, value in entry.items() if value is not None}


def _common(title: str, file: str) -> dict[str, Any]:
    return {
        "title": {"de": title, "en": title},
        "description": {"de": f"{title}, erfunden.", "en": f"{title}, invented."},
        "keyword": {"de": ["Stadt"], "en": ["city"]},
        "theme": ["SOCI"],
        "publisher": "statistics-office",
        "owner": "head-of-statistics",
        "steward": "steward-statistics",
        "contactPoint": "statistik@kleinstadt.example",
        "source": {"reader": "csv", "url": f"{{DATA}}/{file}", "options": {"sep": ";"}},
        "misuse": {"de": "Nicht für Aussagen über Einzelne.", "en": "Not for statements about individuals."},
    }


def _boroughs() -> dict[str, Any]:
    return _common("Stadtbezirke", "boroughs.csv") | {
        "license": "dl-de/by-2-0",
        "attribution": {"de": "Statistikstelle Kleinstadt", "en": "Statistics Office of Kleinstadt"},
        "access": {"class": "open"},
        "privacy": {"unit": "none"},
        "schema": {
            "primaryKey": ["borough"],
            "fields": [
                _field("borough", "code", "Stadtbezirk"),
                _field("area", "number", "Fläche", unit="km²"),
            ],
        },
    }


def _register(access: str) -> dict[str, Any]:
    reason = {
        "kind": "personal-data",
        "text": {"de": "Jede Zeile beschreibt einen Menschen.", "en": "Every row describes a person."},
        "legal_basis": "BMG § 3",
        "decided_by": "data-owner",
        "decided": "2026-01-10",
        "review": "2028-01-10",
    }
    fields = [
        _field("person_id", "string", "Kennzeichen", privacy="identifier"),
        _field("borough", "code", "Stadtbezirk", privacy="quasi-identifier"),
        _field("age", "integer", "Alter", unit="year", privacy="quasi-identifier"),
        _field("valid_on", "date", "Stichtag"),
        _field("denomination", "code", "Bekenntnis", privacy="sensitive"),
        _field("note", "string", "Vermerk", privacy="free-text"),
    ]
    return _common("Melderegister", "residents.csv") | {
        "access": {
            "class": access,
            "reason": reason,
            "preparation": {
                "tried": ["aggregate"],
                "outcome": {"de": "Als Tabelle veröffentlicht.", "en": "Published as a table."},
            },
            "grants": [{"role": "analyst", "purposes": ["age-structure"], "until": "2027-12-31"}],
        },
        "privacy": {
            "unit": "person",
            "min_count": 3,
            "purposes": {"age-structure": ["person_id", "borough", "age", "valid_on"]},
        },
        "schema": {"primaryKey": ["person_id"], "fields": fields},
    }


def _field(name: str, kind: str, title: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "title": {"de": title, "en": name.capitalize()}, **more}


def write_catalogue(root: Path, datasets: Mapping[str, Mapping[str, Any]]) -> None:
    """Write one catalogue file per domain."""
    domains: dict[str, dict[str, Any]] = {}
    for name, entry in datasets.items():
        domain, _, short = name.partition(".")
        domains.setdefault(domain, {})[short] = dict(entry)
    for domain, entries in domains.items():
        content = {"schema_version": 1, "domain": domain, "datasets": entries}
        text = yaml.dump(content, Dumper=_Plain, allow_unicode=True, sort_keys=False)
        (root / "catalogs" / f"{domain}.yaml").write_text(text, encoding="utf-8")


class _Plain(yaml.SafeDumper):
    """Writes a repeated part twice: references are not allowed in a catalogue."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer."""
        return True


def write_data(root: Path, *, seventh: int = 64) -> None:
    """Write the two CSV files; `seventh` is the age of the seventh person, who lives in 02."""
    (root / "data" / "boroughs.csv").write_text("borough;area\n01;12.5\n02;7.25\n", encoding="utf-8")
    ages = [3, 21, 21, 34, 40, 58, seventh, 71]
    rows = [
        f"P{number:03};{'01' if number < 6 else '02'};{age};2025-12-31;x;{CANARY if number == 4 else 'ohne'}"
        for number, age in enumerate(ages, 1)
    ]
    head = "person_id;borough;age;valid_on;denomination;note"
    (root / "data" / "residents.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def a_manifest(**changes: Any) -> dict[str, Any]:
    """
    Give the manifest of a notebook that reads the open boroughs, without parameters.

    Parameters
    ----------
    changes
        Replace whole keys; None removes one.
    """
    manifest: dict[str, Any] = {
        "benefit": {"de": "Zeigt die Stadt.", "en": "Shows the city."},
        "risk": "none",
        "inputs": {"geography.boroughs": {}},
    }
    manifest |= changes
    return {key: value for key, value in manifest.items() if value is not None}


def a_closed_manifest(**changes: Any) -> dict[str, Any]:
    """Give the manifest of a notebook that reads the closed register of one borough."""
    told: dict[str, Any] = {
        "purpose": "age-structure",
        "risk": "low",
        "parameters": {
            "borough": {
                "type": "choice",
                "choices": "catalogue:geography.boroughs.borough",
                "or": ["all"],
                "label": {"de": "Stadtbezirk", "en": "Borough"},
            }
        },
        "inputs": {"population.residents": {"columns": ["borough", "age"], "rows": {"borough": "{borough}"}}},
    }
    return a_manifest(**{**told, **changes})


def a_notebook(
    root: Path,
    *code: str,
    manifest: Mapping[str, Any] | str | None = None,
    parameters: str | None = None,
    name: str = "example",
) -> Path:
    """
    Write a notebook and give its path.

    Parameters
    ----------
    root
        The city's folder; the notebook goes into ``notebooks/``.
    code
        Its code cells; without any, one that loads and counts the boroughs.
    manifest
        As data, or the whole source of the first cell.
    parameters
        Source of the cell tagged ``parameters``.
    """
    first = manifest if isinstance(manifest, str) else fenced(manifest or a_manifest())
    cells = [new_markdown_cell(first, id="manifest")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}))
    told = code or (
        "import stadtbuch as sb\ncity = sb.city()",
        "len(city.load('geography.boroughs'))",
    )
    cells += [new_code_cell(source, id=f"code-{number}") for number, source in enumerate(told)]
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def fenced(manifest: Mapping[str, Any]) -> str:
    """Write a manifest as the first cell holds it."""
    block = yaml.dump({"stadtbuch": json.loads(json.dumps(manifest, default=str))}, Dumper=_Plain,
                      allow_unicode=True, sort_keys=False)  # fmt: skip
    return f"```yaml\n{block}```"
