"""An analyst begins from a template, fills in what begins with TODO, and asks what the gate would say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

OPEN = {
    "domain.dataset": "geography.boroughs",
    "name_column": "borough_name",
    "value_column": "area_km2",
    "TODO: Einheit": "Quadratkilometer",
    "TODO: unit": "square kilometres",
    "TODO: ": "",
}
CLOSED = {
    "domain.dataset": "population.residents",
    "the-purpose": "age-structure",
    "{columns: [row_column, column_column]}": "{columns: [borough, sex], rows: {reference_date: 2025-12-31}}",
    '"row_column"': '"borough"',
    '"column_column"': '"sex"',
    "TODO: ": "",
}
REPORT = """
title: {de: Wie verteilt sich die Stadt?, en: How is the city spread?}
summary: {de: Menschen nach Stadtbezirk., en: People by borough.}
prepare: notebooks/analyses/how-spread.prepare.ipynb
report: notebooks/analyses/how-spread.ipynb
release: approval
roles: {author: analyst, release: head-of-statistics}
"""


@pytest.fixture(scope="module")
def city(lindenstadt: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a copy of the built city to work in."""
    return lindenstadt.copy(tmp_path_factory.mktemp("analyst") / "city")


def filled(path: Path, words: dict[str, str]) -> None:
    """Fill in a template as a person does."""
    text = path.read_text(encoding="utf-8")
    for blank, word in words.items():
        text = text.replace(json.dumps(blank)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1])
    path.write_text(text, encoding="utf-8")


def test_an_analysis_of_open_data_becomes_a_page(city: Any) -> None:
    """From the template to "would be allowed" without a line of own code."""
    made = city.call("lab", "--new", "how-large", "--json")
    (notebook,) = json.loads(made.out)["notebooks"]
    filled(city.root / notebook, OPEN)
    checked = city.call("check", notebook, "--json")
    assert (checked.code, json.loads(checked.out)["findings"]) == (0, [])


@pytest.mark.long  # the template of open data stands for it; repair has tests of its own
def test_an_analysis_of_closed_data_becomes_a_table_and_a_page(city: Any) -> None:
    """
    Both notebooks of the template pass the gate: only the protected table goes from one to the other.

    Beside the city's own tables of the same people more of it is withheld, and that is said.
    """
    made = city.call("lab", "--new", "how-spread", "--template", "closed-data", "--json")
    for notebook in json.loads(made.out)["notebooks"]:
        filled(city.root / notebook, CLOSED)
    (city.root / "reports" / "how-spread.yaml").write_text(REPORT, encoding="utf-8")
    checked = city.call("check", "how-spread", "--json")
    found = json.loads(checked.out)["findings"]
    assert (checked.code, {one["severity"] for one in found}) == (0, {"note"})
    assert [one["subject"] for one in found if one["rule"] == "privacy.differencing"] == ["counts"]


def test_an_unfilled_template_says_what_is_missing(city: Any) -> None:
    """Nobody gets a traceback for having only begun."""
    made = city.call("lab", "--new", "just-begun", "--json")
    (notebook,) = json.loads(made.out)["notebooks"]
    checked = city.call("check", notebook, "--json")
    assert checked.code in (1, 2, 3, 4)
    assert json.loads(checked.out)["error"]["remedy"]
    assert b"Traceback" not in checked.err
