"""Indicators count what the catalogue declares, and say when it declares nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.model.dataset import Dataset
from stadtbuch.model.measure import Gap, Grade
from stadtbuch.quality import indicators

BOTH = {"de": "Wort", "en": "word"}


def described(*fields: dict[str, Any], **changes: Any) -> Dataset:
    """Describe a dataset with these columns; changes replace whole fields."""
    schema = {"fields": [{"title": BOTH, "type": "string"} | one for one in fields]}
    entry = {
        "id": "example.data",
        "domain": "example",
        "title": BOTH,
        "description": BOTH,
        "keyword": {"de": ["a"], "en": ["a"]},
        "benefit": BOTH,
        "publisher": "office",
        "owner": "head",
        "steward": "steward",
        "contactPoint": "office@city.example",
        "source": {"reader": "csv", "url": "{DATA}/x.csv"},
        "access": {"class": "open"},
        "misuse": BOTH,
        "schema": schema | changes.pop("keys", {}),
    }
    return Dataset.model_validate(entry | changes)


REQUIRED = {"constraints": {"required": True}}
AGE = {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 120}}
SEX = {"name": "sex", "type": "code", "constraints": {"enum": ["f", "m"]}}


def test_complete_counts_required_cells_and_no_others() -> None:
    """Of four required cells one is empty; the empty cells of another column do not matter."""
    dataset = described({"name": "a", **REQUIRED}, {"name": "b"})
    found = indicators.complete(pd.DataFrame({"a": ["x", None, "y", "z"], "b": [None] * 4}), dataset)
    assert (found.value, found.of, found.failed, found.records) == (0.75, 4, 1, (2,))


def test_columns_of_the_key_are_required() -> None:
    """A key without a value identifies nothing."""
    dataset = described({"name": "a"}, keys={"primaryKey": ["a"]})
    assert indicators.complete(pd.DataFrame({"a": ["x", None]}), dataset).value == 0.5


def test_what_no_rule_asks_for_is_not_measured() -> None:
    """No required column, no bound, no list, no key: four gaps, no number, and not good."""
    dataset = described({"name": "a"})
    found = list(indicators.measured_of_rows(pd.DataFrame({"a": ["x"]}), dataset))
    assert {(one.value, one.verdict, one.gap) for one in found} == {(None, Grade.not_measured, Gap.no_rule)}
    assert len(found) == 4


def test_no_rows_are_not_perfect_rows() -> None:
    """An empty delivery is not complete; there is nothing to measure."""
    dataset = described({"name": "a", **REQUIRED})
    found = indicators.complete(pd.DataFrame({"a": pd.Series([], dtype="str")}), dataset)
    assert (found.value, found.gap) == (None, Gap.no_rows)


def test_unambiguous_names_all_rows_that_share_a_key() -> None:
    """Which of two rows with one key is right, nobody knows: both count."""
    dataset = described({"name": "a"}, {"name": "b"}, keys={"primaryKey": ["a", "b"]})
    frame = pd.DataFrame({"a": ["1", "1", "2", "1"], "b": ["x", "y", "x", "x"]})
    found = indicators.unambiguous(frame, dataset)
    assert (found.value, found.records) == (0.5, (1, 4))


def test_a_unique_column_is_a_key_of_its_own() -> None:
    """Two entries with one name are ambiguous, whatever their ids are."""
    dataset = described(
        {"name": "a"}, {"name": "b", "constraints": {"unique": True}}, keys={"primaryKey": ["a"]}
    )
    assert indicators.unambiguous(pd.DataFrame({"a": ["1", "2"], "b": ["x", "x"]}), dataset).value == 0


@pytest.mark.parametrize(
    ("field", "values", "wrong"),
    [
        (AGE, pd.array([0, 120, 121, -1, None], dtype="Int64"), 2),
        ({"name": "age", "type": "number", "constraints": {"minimum": 0.5}}, [0.4, 0.5, None], 1),
        (
            {"name": "age", "type": "code", "constraints": {"pattern": "[0-9]{2}"}},
            ["01", "1", None, "011"],
            2,
        ),
    ],
)
def test_correct_holds_values_against_bounds_and_patterns(
    field: dict[str, Any], values: Any, wrong: int
) -> None:
    """A bound itself is allowed, a pattern must fit as a whole, an empty cell breaks nothing."""
    assert indicators.correct(pd.DataFrame({"age": values}), described(field)).failed == wrong


def test_a_bound_makes_no_sense_for_text() -> None:
    """A minimum that stands at a text column is no rule for it, and no error."""
    dataset = described({"name": "a", "constraints": {"minimum": 3}})
    assert indicators.correct(pd.DataFrame({"a": ["x"]}), dataset).gap == Gap.no_rule


def test_a_row_with_two_mistakes_is_one_wrong_row() -> None:
    """Rows are counted, not mistakes."""
    dataset = described(AGE, {"name": "b", "constraints": {"pattern": "x"}})
    found = indicators.correct(pd.DataFrame({"age": [200, 5], "b": ["y", "x"]}), dataset)
    assert (found.failed, found.of) == (1, 2)


def test_uniform_knows_lists_and_labels() -> None:
    """A code that neither the list nor the labels hold is not uniform; an empty cell is no code."""
    labelled = {"name": "kind", "type": "code", "labels": {"a": BOTH}}
    frame = pd.DataFrame({"sex": ["f", "W", None, None], "kind": ["a", "a", "b", "a"]})
    assert indicators.uniform(frame, described(SEX, labelled)).failed == 2


def test_understandable_counts_missing_words() -> None:
    """Without benefit and English keywords two of six texts are missing."""
    dataset = described({"name": "a"}, benefit=None, keyword={"de": ["x"]})
    found = indicators.understandable(dataset)
    assert (found.of, found.failed, found.verdict) == (6, 2, Grade.bad)


def test_controlled_counts_columns_under_a_rule() -> None:
    """Key, bound, list, required and unique are rules; a bare column has none."""
    dataset = described({"name": "id"}, AGE, SEX, {"name": "bare"}, keys={"primaryKey": ["id"]})
    assert indicators.controlled(dataset).value == 0.75


def test_unused_data_are_no_bad_data() -> None:
    """Nobody may know of them yet: a warning at most."""
    dataset = described({"name": "a"})
    assert indicators.relevant(dataset, reports=0).verdict == Grade.warning
    assert indicators.relevant(dataset, reports=1).verdict == Grade.good


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.9, "good"), (0.89, "warning"), (0.85, "warning"), (0.84, "bad")]
)
def test_the_target_of_the_catalogue_decides(share: float, verdict: str) -> None:
    """At the target is good, up to five points below a warning, below that bad."""
    dataset = described({"name": "a", **REQUIRED}, quality={"targets": {"complete": 0.9}})
    filled = round(share * 100)
    frame = pd.DataFrame({"a": ["x"] * filled + [None] * (100 - filled)})
    assert indicators.complete(frame, dataset).verdict == verdict


def test_records_are_named_but_only_a_few() -> None:
    """Where to look, counted from 1, five at most; what stands there is not kept."""
    frame = pd.DataFrame({"age": [500] * 9})
    found = indicators.correct(frame, described(AGE))
    assert found.records == (1, 2, 3, 4, 5)
    assert "500" not in found.model_dump_json()


FRAMES = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-5, 130)), st.sampled_from(["f", "m", "x", None]), st.integers(0, 3)
    ),
    min_size=1,
    max_size=30,
)
MIXED = described(AGE | {"constraints": {"required": True}}, SEX, {"name": "id", "type": "integer"})
BOUNDED = described(AGE, SEX, {"name": "id", "type": "integer"}, keys={"primaryKey": ["id"]})


def table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Make a frame with the types that the reader gives."""
    frame = pd.DataFrame(rows, columns=["age", "sex", "id"])
    return frame.astype({"age": "Int64", "sex": "str", "id": "Int64"})


@settings(max_examples=40, deadline=None)
@given(FRAMES, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[tuple[Any, ...]], random: Any) -> None:
    """A share is between 0 and 1, counts fit it, and shuffled rows give the same."""
    shuffled = random.sample(rows, len(rows))
    for measure in indicators.OF_ROWS.values():
        one, other = measure(table(rows), BOUNDED), measure(table(shuffled), BOUNDED)
        assert 0 <= one.value <= 1
        assert one.failed == round((1 - one.value) * one.of)
        assert one.model_dump(exclude={"records"}) == other.model_dump(exclude={"records"})


@settings(max_examples=40, deadline=None)
@given(FRAMES)
def test_emptying_a_required_cell_never_improves_completeness(rows: list[tuple[Any, ...]]) -> None:
    """Less data are never more complete."""
    frame = table(rows)
    worse = frame.assign(age=frame["age"].mask(pd.Series([True] + [False] * (len(frame) - 1))))
    assert indicators.complete(worse, MIXED).value <= indicators.complete(frame, MIXED).value
