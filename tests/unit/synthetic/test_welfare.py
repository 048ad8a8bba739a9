"""Minimum income benefits by quarter."""

import pandas as pd
import pytest

DATASET = "social.welfare_quarters"
CITIES = [("mini", 2026), ("small", 2026), ("small", 7)]


def counted(city):
    """Give the counts of the last reference date by quarter."""
    frame = city.read(DATASET)
    return frame[frame["reference_date"] == city.truth("privacy")["reference_date"]].set_index("quarter")


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_the_population_is_that_of_the_register(made, size, seed):
    """Quarter by quarter."""
    city = made(size, seed)
    people = city.stock().groupby("quarter").size()
    persons = counted(city)["persons"].astype(int)
    assert persons[persons > 0].to_dict() == people.to_dict()


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_impossible_counts_are_where_the_truth_says(made, size, seed):
    """More recipients than residents, and parts that exceed their sum: one each."""
    city = made(size, seed)
    frame, told = city.without_test_record(DATASET), city.defects(DATASET)
    keys = frame["quarter"] + " " + frame["reference_date"].dt.strftime("%Y-%m-%d")
    parts = frame["recipients_under_15"] + frame["recipients_65_plus"]
    found = {
        "more-than-all": keys[frame["recipients"] > frame["persons"]].tolist(),
        "parts-exceed-sum": keys[parts > frame["recipients"]].tolist(),
    }
    assert found == {
        kind: [f"{row['quarter']} {row['reference_date']}" for row in rows] for kind, rows in told.items()
    }


@pytest.mark.parametrize("seed", [2026, 7])
def test_one_count_is_given_away_by_the_sum_of_its_district(made, seed):
    """It alone is below the minimum: whoever knows the sum takes the others away."""
    city = made("small", seed)
    told, counts = city.truth("privacy")["margin"], counted(city)
    assert told["holds"] is True
    there = counts[counts["district"] == told["district"]]["recipients"]
    others = there.drop(told["cell"]["quarter"])
    assert (others >= told["min_count"]).all()
    assert there.sum() - others.sum() == told["count"] < told["min_count"]


def test_many_counts_are_small(made):
    """That is why the table is closed."""
    counts = counted(made("small"))["recipients_65_plus"]
    assert (counts.between(1, 4)).mean() > 0.3


def test_boroughs_and_quarters_differ(made, pattern):
    """The order of the boroughs is that of the pattern; quarters of one borough are not all alike."""
    counts = counted(made("small"))
    share = counts.groupby("borough")["recipients"].sum() / counts.groupby("borough")["persons"].sum()
    wanted = pd.Series({f"{n:02d}": one.welfare for n, one in enumerate(pattern.boroughs, start=1)})
    assert share.astype(float).corr(wanted.astype(float), method="spearman") > 0.8
    hafen = counts[counts["borough"] == "02"]
    assert (hafen["recipients"] / hafen["persons"]).astype(float).std() > 0.02


def test_children_receive_benefits_more_often_than_the_old(made):
    """As in the official statistics."""
    city = made("small")
    counts, stock = counted(city), city.stock()
    young = counts["recipients_under_15"].sum() / (stock["age"] < 15).sum()
    old = counts["recipients_65_plus"].sum() / (stock["age"] >= 65).sum()
    assert young > 2 * old
