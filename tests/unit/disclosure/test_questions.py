"""What may be asked, and the exact numbers behind an answer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from builders.asking import a_register, the_question

from stadtbuch.disclosure import questions
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.dataset import Dataset

BOROUGHS = {"borough": ["01", "02", "03"]}


def a_dataset(**changes: Any) -> Dataset:
    """Give the register as the catalogue reads it."""
    entry = a_register() | changes
    return Dataset.model_validate({"id": "population.residents", "domain": "population", **entry})


def asked(**changes: Any) -> questions.Asked:
    """Give a question that may be asked."""
    return questions.read("q", the_question(**changes), a_dataset(), categories=BOROUGHS)[0]


def rows(*told: tuple[str | None, str | None, int | None]) -> pd.DataFrame:
    """Give rows of (person, borough, age)."""
    frame = pd.DataFrame(told, columns=["person_id", "borough", "age"])
    return frame.astype({"person_id": "str", "borough": "str", "age": "Int64"})


def test_one_person_counts_with_so_many_rows() -> None:
    """Whoever stands in ten rows moves all cells together by one, or by as many as the question says."""
    ten = rows(*[("P1", "01", 30)] * 6, *[("P1", "02", 30)] * 4, ("P2", "02", 40))
    assert questions.tallies(questions.counted(ten, asked()), asked()) == [1, 1, 0]
    three = asked(most_rows=3)
    assert questions.tallies(questions.counted(ten, three), three) == [3, 1, 0]


def test_what_is_kept_of_a_person_does_not_depend_on_others() -> None:
    """Removing a person from the data changes cells by that person's rows only."""
    both = rows(("P1", "01", 1), ("P2", "02", 2), ("P1", "02", 3), ("P2", "01", 4))
    without = both.loc[both["person_id"] != "P1"]
    kept = questions.counted(both, asked())
    assert kept.loc[kept["person_id"] == "P2"].equals(questions.counted(without, asked()))


def test_groups_come_from_the_question() -> None:
    """A borough nobody lives in is a cell; one that was not asked for is none, and nothing missing counts."""
    there = rows(("P1", "01", 1), ("P2", "99", 1), ("P3", None, 1), (None, "02", 1))
    assert questions.tallies(questions.counted(there, asked()), asked()) == [1, 0, 0]


def test_sums_are_drawn_into_their_bounds() -> None:
    """Somebody of 900 years adds no more than the bound; the reach is what one row can move."""
    total = asked(ask="sum", of="age", bounds=[0, 100])
    there = questions.counted(rows(("P1", "01", 900), ("P2", "01", -5), ("P3", "02", 40)), total)
    assert questions.sums(there, total) == [100, 40, 0]
    assert (total.reach, total.step) == (100, 1.0)


def test_means_are_counted_from_the_middle() -> None:
    """Distances from the middle need half the noise: one row moves them by half the width."""
    mean = asked(ask="mean", of="age", bounds=[20, 60])
    there = questions.counted(rows(("P1", "01", 25), ("P2", "01", 70)), mean)
    assert (mean.middle, mean.reach) == (40.0, 20)
    assert questions.sums(there, mean) == [-15 + 20, 0, 0]


def test_a_histogram_counts_from_one_edge_to_below_the_next() -> None:
    """What lies outside of all bins does not count."""
    ages = asked(ask="histogram", of="age", edges=[0, 18, 65], by=[], categories={})
    people = [rows((f"P{age}", "01", age)) for age in (0, 17, 18, 64, 65, 80)]
    assert ages.cells == [("0–17",), ("18–64",)]
    assert questions.tallies(questions.counted(pd.concat(people), ages), ages) == [2, 2]


def test_a_question_without_groups_is_one_number() -> None:
    """The whole is a cell without labels."""
    everybody = asked(by=[], categories={})
    there = questions.counted(rows(("P1", "01", 1), ("P2", "02", 1)), everybody)
    assert (everybody.cells, questions.tallies(there, everybody)) == ([()], [2])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by": ["person_id"]}, "private.column"),
        ({"by": ["note"]}, "private.column"),
        ({"rows": {"note": "x"}}, "private.column"),
        ({"by": ["street"]}, "private.form"),
        ({"by": ["valid_on"]}, "private.form"),
        ({"by": ["denomination"]}, "private.categories"),
        ({"of": "age"}, "private.form"),
        ({"ask": "sum"}, "private.form"),
        ({"ask": "sum", "of": "age"}, "private.form"),
        ({"ask": "mean", "of": "age", "bounds": [5, 5]}, "private.form"),
        ({"ask": "mean", "of": "borough", "bounds": [0, 5]}, "private.form"),
        ({"ask": "histogram", "of": "age", "by": [], "edges": [3]}, "private.form"),
        ({"ask": "histogram", "of": "age", "by": [], "edges": [3, 3.5]}, "private.form"),
        ({"ask": "histogram", "of": "age", "edges": [0, 5]}, "private.form"),
        ({"bounds": [0, 5]}, "private.form"),
        ({"rows": {"borough": "{borough}"}}, "private.form"),
    ],
)
def test_refused(changes: dict[str, Any], code: str) -> None:
    """What does not fit, or would name somebody, is refused by its name."""
    with pytest.raises(StadtbuchError) as refused:
        asked(**changes)
    assert refused.value.code == code


@pytest.mark.parametrize("privacy", [{"unit": "person"}, {"unit": "none"}])
def test_without_a_decision_there_is_no_answer(privacy: dict[str, Any]) -> None:
    """Nobody asks data for which no budget was decided."""
    with pytest.raises(StadtbuchError) as refused:
        questions.read("q", the_question(), a_dataset(privacy=privacy), categories=BOROUGHS)
    assert (refused.value.code, refused.value.exit_code) == ("budget.none", 3)
