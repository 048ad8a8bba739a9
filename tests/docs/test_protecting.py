"""What the page about protecting tables shows works, from top to bottom, in a city that is made in a moment."""

from __future__ import annotations

import re
import sys
import tomllib
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders.city import TOML, a_city, a_dataset

import stadtbuch
from stadtbuch import settings
from stadtbuch.settings import Concentration

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(root: Path, language: str) -> list[str]:
    """Give the blocks of the page in one language."""
    page = (root / "docs" / "how-to" / "protect.md").read_text(encoding="utf-8")
    return [content for name, content in BLOCK.findall(page) if name == language]


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Describe a column."""
    return {"name": name, "type": kind, "title": {"de": name.title(), "en": name.capitalize()}, **more}


def dataset(
    file: str, *columns: dict[str, Any], access: str = "closed", unit: str = "person"
) -> dict[str, Any]:
    """Describe a dataset of these columns, all of which may be read."""
    entry = a_dataset(access=access)
    entry["source"] = {**entry["source"], "url": f"{{DATA}}/{file}"}
    entry["schema"] = {"primaryKey": [columns[0]["name"]], "fields": list(columns)}
    if access == "closed":
        names = [one["name"] for one in columns]
        entry["privacy"] = {"unit": unit, "min_count": 3, "purposes": {"age-structure": names}}
    return entry


GROUP = {"privacy": "quasi-identifier"}
QUARTERS = ["010101", "010102", "010201", "020101", "020102"]
DATASETS = {
    "geography.areas": dataset(
        "areas.csv", *(column(name, "code") for name in ("quarter", "district", "borough")), access="open"
    ),
    "population.residents": dataset(
        "people.csv", column("person_id", "string", privacy="identifier"), column("quarter", "code", **GROUP),
        column("borough", "code", **GROUP), column("sex", "code", **GROUP), column("age", "integer", **GROUP),
    ),
    "finance.trade_tax": dataset(
        "tax.csv", column("notice", "string", privacy="identifier"),
        column("company_id", "string", privacy="identifier"), column("branch", "code", **GROUP),
        column("tax_eur", "number", privacy="sensitive"), unit="company",
    ),
}  # fmt: skip


def lines(head: str, rows: list[list[Any]]) -> str:
    """Write CSV."""
    return "\n".join([head, *(";".join(map(str, row)) for row in rows)]) + "\n"


def write(root: Path) -> None:
    """Write made-up data: 260 people, 24 companies with two notices each, five quarters."""
    areas = [[one, one[:4], one[:2]] for one in QUARTERS]
    people = [
        [f"P{n}", QUARTERS[n * n % 5], QUARTERS[n * n % 5][:2], "fm"[n % 13 % 2], n * 7 % 90]
        for n in range(260)
    ]
    taxes = [[f"N{n}", f"C{n // 2}", "xyz"[n // 2 % 3], f"{1000 + 37 * n}.50"] for n in range(48)]
    (root / "data/areas.csv").write_text(lines("quarter;district;borough", areas), encoding="utf-8")
    (root / "data/people.csv").write_text(
        lines("person_id;quarter;borough;sex;age", people), encoding="utf-8"
    )
    (root / "data/tax.csv").write_text(lines("notice;company_id;branch;tax_eur", taxes), encoding="utf-8")


@pytest.fixture
def lab(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the door of a notebook in the lab, which reads for one purpose whatever the page asks for."""
    table, rules = blocks(root, "toml")
    toml = TOML.replace('"population"]', '"population", "finance"]') + table
    made = a_city(tmp_path / "city", datasets=DATASETS, toml=toml)
    (made.root / "concentration.toml").write_text(rules, encoding="utf-8")
    write(made.root)
    city = made.open()
    read = {name: [one["name"] for one in entry["schema"]["fields"]] for name, entry in DATASETS.items()}
    door = SimpleNamespace(
        settings=city.settings,
        load=lambda name: city.load(
            name, purpose="age-structure" if name != "geography.areas" else None, columns=read[name]
        ),
    )
    monkeypatch.setitem(stadtbuch.__dict__, "city", lambda: door)
    shell = SimpleNamespace(user_ns={"city": city})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return door


def test_the_page_works_from_top_to_bottom(root: Path, lab: Any) -> None:
    """Counts, rows with hierarchies, sums, several tables, rates and means; both policies for zeros are told."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for block in blocks(root, "python"):
            exec(block, names)
    assert any("(privacy.zeros)" in str(one.message) for one in told)
    assert names["residents"].total() == 260
    assert names["residents"].by("borough")["value"].sum() == 260
    assert names["both"]["by_quarter"].together == ("by_sex", "by_quarter")
    assert names["paid"].total() == sum(1000.5 + 37 * n for n in range(48))
    assert names["women"].rate(names["both"]["by_sex"], "borough")["value"].between(0, 100).all()
    assert names["paid"].mean(names["payers"], "branch")["value"].notna().all()


def test_the_rules_of_the_page_are_rules(root: Path, lab: Any) -> None:
    """The file of the page is one that the settings take, with every rule that there is."""
    rules = settings.concentration(lab.settings)
    assert rules is not None
    stated = {name for name in Concentration.model_fields if name not in ("reason", "decided_by", "decided")}
    assert (
        set(rules.rules)
        == stated
        == set(tomllib.loads(blocks(root, "toml")[1])) - {"reason", "decided_by", "decided"}
    )
