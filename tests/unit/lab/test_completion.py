"""Completion inside the quotes of `city.load`."""

from __future__ import annotations

import pytest
from builders.city import a_city

from stadtbuch.catalog import index
from stadtbuch.lab.completion import asked, offers


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """Give the catalogue of the small city."""
    return index.load(a_city(tmp_path_factory.mktemp("city") / "city").settings)


def offered(catalog, text: str) -> list[str]:
    """Give what is offered at the end of a text."""
    one = asked(text)
    return offers(one, catalog=catalog, tables=["people.counts"]) if one else []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('city.load("', ["geography.boroughs", "population.residents", "people.counts"]),
        ('city.load("pop', ["population.residents"]),
        ("x = city.load('geo", ["geography.boroughs"]),
        ('city.load(dataset="peo', ["people.counts"]),
        ('city.load("residents', ["population.residents"]),
        ('city.load("population.residents", purpose="', ["age-structure"]),
        ('city.load("geography.boroughs", columns=["', ["borough", "area"]),
        ('city.load("geography.boroughs", columns=["borough", "a', ["area"]),
        (
            'city.load("population.residents", purpose="age-structure", columns=["',
            ["person_id", "borough", "age", "valid_on"],
        ),
        (
            'city.load(\n    "population.residents",  # the "register"\n    columns=[\n        "den',
            ["denomination"],
        ),
        ('city.load("population.residents", rows={"val', ["valid_on"]),
        ('sb.protect(counts, name="x", dataset="pop', ["population.residents"]),
        ('sb.protect(counts, name="', []),
        ('city.catalog.get("geo', ["geography.boroughs"]),
        ('print("pop', []),
        ('city.load("population.residents")["', []),
        ("city.load(pop", []),
        ('"""city.load("', []),
        ("", []),
    ],
)
def test_what_is_offered(catalog, text, expected):
    """Ids, purposes and columns of the named dataset, and nothing where no such thing is asked."""
    assert offered(catalog, text) == expected


def test_columns_of_an_unknown_dataset_are_not_guessed(catalog):
    """Nothing is offered for a dataset that does not exist."""
    assert offered(catalog, 'city.load("geography.moon", columns=["') == []
