"""Microdata: k, l and t are those of their papers, found by a slow way of counting as well."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stadtbuch.disclosure import microdata
from stadtbuch.disclosure.microdata import Groups
from stadtbuch.errors import ProtectionError

# The hospital records of Machanavajjhala et al., figure 2 (4-anonymous) and figure 3 (3-diverse): zip code, age and
# nationality made coarse, and the condition.
ANONYMOUS = [("130**", "<30", c) for c in ("heart", "heart", "viral", "viral")] + [
    ("1485*", ">=40", c) for c in ("cancer", "heart", "viral", "viral")
]
ANONYMOUS += [("130**", "3*", "cancer")] * 4
DIVERSE = [("1305*", "<=40", c) for c in ("heart", "viral", "cancer", "cancer")]
DIVERSE += [("1485*", ">40", c) for c in ("cancer", "heart", "viral", "viral")]
DIVERSE += [("1306*", "<=40", c) for c in ("heart", "viral", "cancer", "cancer")]
# Salaries of Li et al., table 3: 3 to 11 thousand; each class has three of them.
SALARIES = [3, 4, 5, 6, 11, 8, 7, 9, 10]


def hospital(rows: list[tuple[str, str, str]]) -> tuple[Groups, np.ndarray]:
    """Code some records: groups by the first two columns, and the condition."""
    frame = pd.DataFrame(rows)
    return microdata.grouped([microdata.coded(frame[0]), microdata.coded(frame[1])]), microdata.coded(
        frame[2]
    )


def test_the_records_of_the_paper_on_diversity() -> None:
    """Four hide among four in both; only the second table has three conditions in each group."""
    groups, condition = hospital(ANONYMOUS)
    assert microdata.smallest(groups) == 4
    assert microdata.diversity(groups, condition) == 1
    groups, condition = hospital(DIVERSE)
    assert microdata.smallest(groups) == 4
    assert microdata.diversity(groups, condition) == 3
    assert microdata.diversity(groups, condition, kind="entropy") == pytest.approx(math.exp(1.0397), rel=1e-3)


def test_the_salaries_of_the_paper_on_closeness() -> None:
    """The lowest three salaries of nine are 0.375 from all of them; classes of low and high ones are much nearer."""
    salary = np.array(SALARIES) - 3
    classes = Groups(np.repeat(np.arange(3), 3), 3)
    assert microdata.closeness(classes, salary, kind="ordered") == pytest.approx(0.375)
    spread = Groups(np.array([0, 1, 2, 1, 0, 1, 2, 0, 2]), 3)  # 3, 11 and 9; 4, 6 and 8; 5, 7 and 10
    assert microdata.closeness(spread, salary, kind="ordered") < 0.2


RECORDS = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(-1, 2), st.integers(0, 3)), min_size=1, max_size=40
)


@given(records=RECORDS)
def test_all_measures_agree_with_counting_by_hand(records: list[tuple[int, int, int]]) -> None:
    """k, the three kinds of l and the two of t, counted record by record from their definitions."""
    groups = microdata.grouped([np.array([one[place] for one in records]) for place in (0, 1)])
    sensitive = np.array([one[2] for one in records])
    members: dict[Any, list[int]] = {}
    for first, second, value in records:
        members.setdefault((first, second), []).append(value)
    counted = [Counter(one) for one in members.values()]

    assert microdata.smallest(groups) == min(map(len, members.values()))
    assert microdata.diversity(groups, sensitive) == min(map(len, counted))
    entropies = [-sum(n / one.total() * math.log(n / one.total()) for n in one.values()) for one in counted]
    assert microdata.diversity(groups, sensitive, kind="entropy") == pytest.approx(
        min(map(math.exp, entropies))
    )
    assert microdata.diversity(groups, sensitive, kind="recursive", weight=2) == min(
        max((at for at in range(1, len(one) + 1) if _is_recursive(one, at, 2)), default=0) for one in counted
    )
    everyone, number = Counter(sensitive.tolist()), int(sensitive.max()) + 1
    for kind, far in (("equal", _equal), ("ordered", _ordered)):
        assert microdata.closeness(groups, sensitive, kind=kind) == pytest.approx(  # type: ignore[arg-type]
            max(far(one, everyone, number) for one in counted)
        )


def _is_recursive(one: Counter[int], least: int, weight: float) -> bool:
    ranked = sorted(one.values(), reverse=True)
    return ranked[0] < weight * sum(ranked[least - 1 :])


def _shares(one: Counter[int], number: int) -> list[float]:
    return [one[value] / one.total() for value in range(number)]


def _equal(one: Counter[int], everyone: Counter[int], number: int) -> float:
    pairs = zip(_shares(one, number), _shares(everyone, number), strict=True)
    return sum(abs(p - q) for p, q in pairs) / 2


def _ordered(one: Counter[int], everyone: Counter[int], number: int) -> float:
    moved = carried = 0.0
    for p, q in zip(_shares(one, number), _shares(everyone, number), strict=True):
        carried += p - q
        moved += abs(carried)
    return moved / (number - 1) if number > 1 else 0.0


@given(records=RECORDS)
def test_many_possible_groups_are_numbered_anew(records: list[tuple[int, int, int]]) -> None:
    """Columns with far more values than records give the same groups."""
    few = [np.array([one[place] for one in records]) for place in range(3)]
    many = [np.where(one >= 0, one * 100_003, -1) for one in few]
    assert sorted(microdata.grouped(many).sizes) == sorted(microdata.grouped(few).sizes)


def test_a_missing_value_hides_nobody_among_others() -> None:
    """Whoever lacks a value stands among those who lack it too."""
    assert microdata.smallest(microdata.grouped([np.array([0, 0, -1])])) == 1


def test_the_risk_is_that_of_the_groups() -> None:
    """Who is alone is found for sure; the mean is the share of groups in records."""
    found = microdata.risk(Groups(np.array([0, 0, 0, 1, 1, 2]), 3), k=3)
    assert (found.alone, found.below, found.highest, found.mean) == (1, 3, 1.0, 0.5)


AGES, PLACES = 8, 6
LEVELS = {
    "age": [np.arange(AGES) // 2, np.arange(AGES) // 4, np.zeros(AGES, int)],
    "place": [np.arange(PLACES) // 3, np.zeros(PLACES, int)],
}
PEOPLE = st.lists(st.tuples(st.integers(-1, AGES - 1), st.integers(0, PLACES - 1)), min_size=4, max_size=40)


@given(people=PEOPLE, k=st.integers(2, 4), most=st.integers(0, 3))
def test_the_cheapest_generalisation_is_found(people: list[tuple[int, int]], k: int, most: int) -> None:
    """No other generalisation that does costs less: all of them are tried here."""
    columns = {"age": np.array([one[0] for one in people]), "place": np.array([one[1] for one in people])}

    def told(name: str, level: int) -> np.ndarray:
        own = columns[name]
        return own if not level else np.where(own >= 0, LEVELS[name][level - 1][own], -1)

    def below(node: tuple[int, int]) -> int:
        sizes = microdata.grouped([told("age", node[0]), told("place", node[1])]).sizes
        return int(sizes[sizes < k].sum())

    costs = [a / 3 + p / 2 for a, p in itertools.product(range(4), range(3)) if below((a, p)) <= most]
    if not costs:
        with pytest.raises(ProtectionError) as refused:
            microdata.generalised(columns, LEVELS, k=k, most_below=most)
        assert refused.value.code == "microdata.impossible"
        return
    found = microdata.generalised(columns, LEVELS, k=k, most_below=most)
    assert found.levels["age"] / 3 + found.levels["place"] / 2 == pytest.approx(min(costs))
    assert found.below == below((found.levels["age"], found.levels["place"])) <= most
    for name, level in found.levels.items():
        assert (found.columns[name] == told(name, level)).all()


@example(people=[(0, 0), (-1, 0), (-1, 0), (-1, 1)], k=3)
@given(people=PEOPLE, k=st.integers(2, 4))
def test_suppression_takes_out_and_changes_nothing_else(people: list[tuple[int, int]], k: int) -> None:
    """Afterwards every group has k records; what was not taken out is as it was; large groups are not touched."""
    columns = {"age": np.array([one[0] for one in people]), "place": np.array([one[1] for one in people])}
    made = microdata.suppressed(columns, k=k)
    assert microdata.smallest(microdata.grouped(list(made.values()))) >= k
    for name, own in columns.items():
        assert ((made[name] == own) | (made[name] == -1)).all()
    if microdata.smallest(microdata.grouped(list(columns.values()))) >= k:
        assert all((made[name] == columns[name]).all() for name in columns)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (lambda: microdata.grouped([]), "microdata.columns"),
        (lambda: microdata.grouped([np.zeros(2, int), np.zeros(3, int)]), "microdata.columns"),
        (
            lambda: microdata.closeness(Groups(np.zeros(2, int), 1), np.array([-1, 0]), kind="ordered"),
            "microdata.missing",
        ),
        (
            lambda: microdata.generalised({"a": np.array([0, 1])}, {"a": [np.array([0])]}, k=1),
            "microdata.hierarchy",
        ),
        (
            lambda: microdata.generalised(
                {"a": np.array([0, 1])}, {"a": [np.array([0, 0]), np.array([0, 1])]}, k=1
            ),
            "microdata.hierarchy",
        ),
        (
            lambda: microdata.generalised({"a": np.array([0, 1])}, {"a": [np.array([0, 0])]}, k=2, limit=1),
            "microdata.limit",
        ),
        (lambda: microdata.suppressed({"a": np.array([0])}, k=2), "microdata.impossible"),
    ],
)
def test_what_cannot_be_is_refused_by_name(action: Any, code: str) -> None:
    """Each has an error of its own that names column and level, never a value."""
    with pytest.raises(ProtectionError) as refused:
        action()
    assert refused.value.code == code
    assert refused.value.remedy is not None
