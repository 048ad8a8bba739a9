"""What a join tells that neither side told."""

from __future__ import annotations

import pandas as pd
from builders.joining import people
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure import joins
from stadtbuch.model.verdict import Severity

TELLING = {"age_group", "job", "place"}


def test_ten_and_ten_make_one() -> None:
    """Each table alone hides everybody among ten; together one person is alone, and the columns are named."""
    everybody = people()
    both = joins.measure(everybody[["nr", "age_group"]], everybody[["nr", "job"]], on=["nr"], telling=TELLING)
    assert (both.left, both.right, both.k) == (10, 10, 1)
    assert both.singles_out(3)
    found = joins.finding(both, subject="a.b + c.d", least=3, severity=Severity.refuse)
    assert found.rule == "privacy.merge"
    assert "fewer than 3 people are alike in age_group, job" in found.text.en


def test_who_was_alone_before_is_no_news() -> None:
    """A register singles people out by itself; that is what its class is for, and the join adds nothing."""
    everybody = people()
    register = everybody.assign(place=everybody["nr"])
    both = joins.measure(register[["nr", "place"]], everybody[["nr", "job"]], on=["nr"], telling=TELLING)
    assert (both.left, both.k, both.singles_out(3)) == (1, 1, False)


def test_tables_without_telling_columns_are_left_alone() -> None:
    """Counting points and trees may be joined as anybody likes."""
    trees = people()[["nr"]].assign(height=1)
    both = joins.measure(trees, trees[["nr"]], on=["nr"], telling=TELLING)
    assert (both.k, both.singles_out(3)) == (None, False)


def test_what_does_not_meet_tells_nothing() -> None:
    """No common record, no join."""
    left, right = people()[["nr", "age_group"]], people()[["nr", "job"]].assign(nr="x")
    assert joins.measure(left, right, on=["nr"], telling=TELLING).k is None


def test_a_join_too_large_to_count_is_not_harmless() -> None:
    """Where nobody can count, it is said to single people out."""
    joined = joins.Joined(10, 10, None, ("job",), ("nr",), too_large=True)
    assert joined.singles_out(3)


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1)


@settings(max_examples=15)
@given(ROWS, ROWS)
def test_k_is_that_of_the_joined_rows(
    left: list[tuple[int, str, str]], right: list[tuple[int, str, str]]
) -> None:
    """Multiplying groups gives what joining row by row and counting would give."""
    one = pd.DataFrame(left, columns=["nr", "age_group", "place"])
    other = pd.DataFrame(right, columns=["nr", "job", "kind"])
    rows = one.merge(other, on="nr")
    counted = rows.groupby(["age_group", "place", "job"]).size().min() if len(rows) else None
    assert joins.measure(one, other, on=["nr"], telling=TELLING).k == counted
