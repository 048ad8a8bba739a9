"""Primary rules: the published answers, the borders of every rule, and units that count once."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from stadtbuch.disclosure.primary import (
    PQ,
    Contributions,
    Dominance,
    MinimumCount,
    extremes,
    few,
    in_one,
    judge,
    means,
    rates,
    room_of_counts,
)

CASES = Path(__file__).parents[4] / "shared" / "cases" / "privacy"
published = pytest.mark.skipif(
    not CASES.is_dir(), reason="the folder shared/cases/privacy is not beside the checkout"
)


def cell(*values: int, weights: list[int] | None = None) -> Contributions:
    """Make one cell from its contributions."""
    weight = None if weights is None else np.array(weights)
    return Contributions.of(np.zeros(len(values)), np.array(values), weight=weight, cells=1)


def expected() -> dict:
    """Read the published answers."""
    return json.loads((CASES / "expected.json").read_text(encoding="utf-8"))


def region_by_gender() -> Contributions:
    """Read sdcTable's microdata into cells 0..14: total, A, B, C, D times total, male, female."""
    with (CASES / "sdctable_microdata1.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    inner = np.array(
        [["A", "B", "C", "D"].index(row["region"]) * 2 + (row["gender"] == "female") for row in rows]
    )
    regions = np.vstack([np.ones(4, dtype=int), np.eye(4, dtype=int)])
    genders = np.vstack([np.ones(2, dtype=int), np.eye(2, dtype=int)])
    values = np.array([int(row["val"]) for row in rows])
    records = Contributions.of(inner, values, cells=8)
    return records.spread(sp.csr_matrix(np.kron(regions, genders)), unit=np.arange(len(rows)))


@pytest.mark.shared
@published
def test_published_primary_cells_of_sdctable() -> None:
    """Frequency, dominance, p% and pq find exactly the cells that sdcTable's authors publish."""
    answers = expected()["sdctable_primary_microdata1"]
    made = region_by_gender()
    for rule, name in [
        (MinimumCount(3), "freq<=2"),
        (Dominance(2, 75), "nk(2,75)"),
        (PQ(70), "p=70"),
        (PQ(60, 80), "pq(60,80)"),
    ]:
        assert (np.flatnonzero(rule.unsafe(made)) + 1).tolist() == answers[name], name


@pytest.mark.shared
@published
def test_published_examples_of_the_handbook() -> None:
    """The handbook's chapter 4: what (1,90) calls safe, p% and (2,90.9) judged side by side, room, weights."""
    answers = expected()
    one, two = answers["handbook_ch4_ex1"], answers["handbook_ch4_ex2"]
    first = cell(one["x1"], one["x2"], one["X"] - one["x1"] - one["x2"])
    assert Dominance(1, 90).unsafe(first)[0] is not one["(1,90)_safe"]
    over = (one["X"] - one["x2"] - one["x1"]) * 100 / one["x1"]
    assert over == one["overestimate_pct"]
    second = cell(two["x1"], two["x2"], two["X"] - two["x1"] - two["x2"])
    assert bool(~PQ(10).unsafe(second)[0]) is two["p10_safe"]
    assert bool(~Dominance(2, 91).unsafe(second)[0]) is two["(2,90.9)_safe"]  # even for a higher k
    four = answers["handbook_ch4_ex4"]
    tenths = cell(*(value * 100 for value in four["x"]))
    upper = tenths.totals()[0] + Dominance(1, 85).room(tenths)[0]
    assert upper / 100 == pytest.approx(four["min_feasible_upper"], abs=0.01)
    weights = answers["handbook_ch4_weights"]
    weighed = cell(
        *(value for value, _ in weights["contrib"]), weights=[many for _, many in weights["contrib"]]
    )
    assert weighed.totals().tolist() == [weights["weighted_total"]]
    assert weighed.largest(2).tolist() == [weights["two_largest"]]


@pytest.mark.parametrize(
    ("rule", "safe", "unsafe"),
    [
        (MinimumCount(3), (1, 1, 1), (100, 90)),
        (Dominance(1, 85), (85, 10, 5), (86, 10, 4)),
        (Dominance(2, 90), (50, 40, 10), (50, 41, 9)),
        (PQ(10), (100, 50, 10), (100, 50, 9)),
        (PQ(10, 50), (100, 50, 20), (100, 50, 19)),
    ],
)
def test_the_border_of_every_rule(rule, safe: tuple[int, ...], unsafe: tuple[int, ...]) -> None:
    """One unit more or less decides, and an unsafe cell needs room while a safe one needs none."""
    assert not rule.unsafe(cell(*safe))[0]
    assert rule.unsafe(cell(*unsafe))[0]
    assert rule.room(cell(*safe)).tolist() == [0]
    assert rule.room(cell(*unsafe))[0] >= 1


@pytest.mark.parametrize("rule", [Dominance(1, 85), Dominance(2, 70), PQ(10), PQ(30, 60)])
def test_with_the_room_added_a_cell_would_be_safe(rule) -> None:
    """The room is the least that makes the cell safe if it came from many small units."""
    values = (900, 60, 30, 4)
    room = int(rule.room(cell(*values))[0])
    assert not rule.unsafe(cell(*values, *[1] * room))[0]
    assert rule.unsafe(cell(*values, *[1] * (room - 1)))[0]


def test_nobody_is_safe_by_every_rule() -> None:
    """An empty cell tells nothing: no rule calls it unsafe."""
    empty = Contributions.of(np.array([], dtype=int), np.array([], dtype=int), cells=2)
    for rule in (MinimumCount(3), Dominance(1, 80), PQ(20)):
        assert not rule.unsafe(empty).any()
    assert empty.largest(2).tolist() == [[0, 0], [0, 0]]


def test_records_of_one_unit_are_one_contribution() -> None:
    """Four records of two holdings are two contributions: by holding the cell is dominated, by record it is not."""
    where, values, holding = np.zeros(4), np.array([30, 30, 30, 10]), np.array([7, 7, 7, 8])
    by_record = Contributions.of(where, values, cells=1)
    by_holding = Contributions.of(where, values, unit=holding, cells=1)
    assert not Dominance(1, 85).unsafe(by_record)[0]
    assert Dominance(1, 85).unsafe(by_holding)[0]
    assert (by_record.counts()[0], by_holding.counts()[0]) == (4, 2)


def test_a_unit_counts_once_in_a_margin() -> None:
    """A holding with plants in two districts is one unit of the city."""
    records = Contributions.of(np.array([0, 1, 1]), np.array([5, 6, 1]), cells=2)
    assert records.value.tolist() == [5, 6, 1]
    whole = records.spread(sp.csr_matrix([[1, 0], [0, 1], [1, 1]]), unit=np.array([4, 4, 9]))
    assert whole.counts().tolist() == [1, 2, 2]
    assert whole.totals().tolist() == [5, 7, 12]
    assert whole.largest(1).ravel().tolist() == [5, 6, 11]


def test_all_rules_together_take_the_strictest() -> None:
    """A cell is unsafe if one rule says so, and gets the most room that one asks for."""
    made = Contributions.of(np.array([0, 0, 1, 1, 1]), np.array([95, 5, 9, 9, 9]), cells=2)
    unsafe, room = judge(made, [MinimumCount(3), PQ(40)])
    assert unsafe.tolist() == [True, False]
    assert room.tolist() == [max(10, 38), 0]


def test_small_counts_and_their_room() -> None:
    """Counts from one to below the minimum are small; readers must reckon with the minimum and with one more."""
    assert few(np.array([0, 1, 4, 5]), minimum=5).tolist() == [False, True, True, False]
    assert room_of_counts(np.array([1, 2, 4]), minimum=5).tolist() == [4, 3, 1]


@pytest.mark.parametrize(
    ("has", "of", "hidden"),
    [(3, 100, False), (2, 100, True), (0, 100, False), (3, 99, True), (97, 100, False), (98, 100, True)],
)
def test_rates_need_two_thresholds(has: int, of: int, hidden: bool) -> None:
    """A rate needs a hundred in all, and three with or without the feature."""
    assert rates(np.array([has]), np.array([of])).tolist() == [hidden]


def test_all_of_a_row_in_one_column_is_found() -> None:
    """A part that holds all of its whole is found; a whole with a single part is none."""
    relations = sp.csr_matrix([[1, 1, 1, -1, 0], [0, 0, 0, 1, -1]])
    assert in_one(np.array([0, 9, 0, 9, 9]), relations).tolist() == [False, True, False, False, False]
    assert not in_one(np.array([1, 9, 0, 10, 10]), relations).any()
    assert not in_one(np.zeros(5, dtype=int), relations).any()


def test_no_mean_and_no_extreme_on_few_cases() -> None:
    """A mean needs enough units; a largest value needs enough who have it."""
    made = Contributions.of(np.array([0, 0, 1, 1, 1, 2, 2, 2]), np.array([4, 9, 1, 1, 1, 5, 5, 8]), cells=4)
    assert means(made, minimum=3).tolist() == [True, False, False, True]
    least, most = extremes(made, minimum=3)
    assert least.tolist() == [True, False, True, True]
    assert most.tolist() == [True, False, True, True]
