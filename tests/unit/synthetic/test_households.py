"""Households: the people of the register, put together."""

import pandas as pd
import pytest

DATASET = "population.households"
CITIES = [("mini", 2026), ("small", 2026), ("small", 7)]


def by_quarter(frame, value=None):
    """Add up by reference date and quarter."""
    grouped = frame.groupby([frame["reference_date"], frame["quarter"].astype(str)])
    return (grouped.size() if value is None else grouped[value].sum()).astype(int)


def homes(city):
    """Give the households without the test record, and without those that were entered wrongly."""
    frame = city.without_test_record(DATASET)
    wrong = [row["household_id"] for rows in city.defects(DATASET).values() for row in rows]
    return frame[~frame["household_id"].isin(wrong)]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_persons_of_households_are_the_residents_of_the_quarter(made, size, seed):
    """At both reference dates, in every quarter, to the last person."""
    city = made(size, seed)
    people = by_quarter(city.without_test_record("population.residents"))
    pd.testing.assert_series_equal(
        by_quarter(city.without_test_record(DATASET), "size"), people, check_names=False
    )


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_children_of_households_are_the_minors_of_the_quarter(made, size, seed):
    """Wherever an adult lives; in a household of children one child was entered too many."""
    city = made(size, seed)
    residents = city.without_test_record("population.residents")
    minors = by_quarter(residents.assign(minor=residents["age"] < 18), "minor")
    adults = by_quarter(residents.assign(adult=residents["age"] >= 18), "adult")
    children = by_quarter(city.without_test_record(DATASET), "children")
    away = (children - minors)[adults > 0]
    assert sorted(away[away != 0]) in ([1], [2], [3])


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_the_large_household_is_the_only_one_of_its_size(made, pattern, size, seed):
    """In its quarter and in the whole city: no other has more than seven members."""
    city = made(size, seed)
    frame, told = city.without_test_record(DATASET), city.truth("privacy")["household"]
    large = frame[frame["size"] > 7]
    assert large["household_id"].tolist() == [one["household_id"] for one in told["rows"]]
    assert large[["quarter", "size", "children"]].to_dict("records") == [
        {key: one[key] for key in ("quarter", "size", "children")} for one in told["rows"]
    ]
    assert large["size"].tolist() == [pattern.traps.household.size]


def test_kind_size_and_children_fit_together(made):
    """Somebody alone is one, a couple two without children, a family has children and a grown-up."""
    frame = homes(made("small"))
    size, children = frame["size"], frame["children"]
    fits = {
        "single": (size == 1) & (children == 0),
        "couple": (size == 2) & (children == 0),
        "shared": (size >= 2) & (children == 0),
        "family": (children >= 1) & (size >= children + 2),
        "single-parent": (children >= 1) & (size == children + 1),
    }
    for kind, right in fits.items():
        assert right[frame["kind"] == kind].all(), kind
    assert set(frame["kind"]) == set(fits)


def test_households_are_as_large_as_in_a_german_city(made):
    """Half of them are one person, fewer than a quarter have children."""
    frame = homes(made("small"))
    assert 1.7 < frame["size"].mean() < 2.1
    assert 0.42 < (frame["size"] == 1).mean() < 0.58
    assert 0.12 < (frame["children"] > 0).mean() < 0.25


def test_young_quarters_share_homes(made, pattern):
    """Where the university is more people share a home than in the marshes."""
    frame = homes(made("small"))
    names = {f"{number:02d}": one.name for number, one in enumerate(pattern.boroughs, start=1)}
    share = (frame["kind"] == "shared").groupby(frame["borough"].map(names)).mean()
    assert share["Sternhügel"] > 2 * share["Marschwiesen"]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_what_was_entered_wrongly_is_where_the_truth_says(made, size, seed):
    """One household without an adult, one without a kind, and no other."""
    city = made(size, seed)
    frame, told = city.without_test_record(DATASET), city.defects(DATASET)
    assert frame.loc[frame["children"] >= frame["size"], "household_id"].tolist() == [
        row["household_id"] for row in told["children-alone"]
    ]
    assert frame.loc[frame["kind"].isna(), "household_id"].tolist() == [
        row["household_id"] for row in told["missing-value"]
    ]
