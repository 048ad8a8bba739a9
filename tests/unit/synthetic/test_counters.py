"""The bicycle counters and their gaps."""

import pandas as pd
import pytest
from shapely.geometry import Point

from stadtbuch.synthetic import areas, counters
from stadtbuch.synthetic.seeds import stream


def counted(pattern, size):
    """Give the counts of a size, as they are before they are written."""
    return counters.counts(
        pattern, size=size, weather=stream(2026, "weather"), rng=stream(2026, "bicycle_counts")
    )


@pytest.fixture(scope="module")
def counts(pattern):
    """Give the counts of the demo's city."""
    return counted(pattern, "small")


@pytest.mark.parametrize(("size", "stations", "years"), [("mini", 3, 1), ("small", 8, 2), ("full", 12, 5)])
def test_stations_and_years_follow_the_size(pattern, size, stations, years):
    """3 x 1, 8 x 2, 12 x 5."""
    counts = counted(pattern, size)
    assert counts["station_id"].nunique() == stations
    assert counts["day"].dt.year.nunique() == years
    assert not counts.duplicated(["station_id", "day"]).any()


@pytest.mark.parametrize("size", ["mini", "small"])
def test_exactly_the_planted_days_are_missing(made, size):
    """No other station and day lacks a row, no other count is empty."""
    city = made(size)
    counts, truth = city.read("mobility.bicycle_counts"), city.truth("quality")
    days = pd.date_range(counts["day"].min(), counts["day"].max())
    every = pd.MultiIndex.from_product([sorted(counts["station_id"].unique()), days])
    present = pd.MultiIndex.from_frame(counts[["station_id", "day"]])
    lost = [(station, f"{day:%Y-%m-%d}") for station, day in every.difference(present)]
    assert lost == [(one["station_id"], one["day"]) for one in truth["missing_rows"]]
    empty = counts[counts["count"].isna()]
    signs = [(one["station_id"], one["day"]) for one in truth["missing_signs"]]
    assert [(s, f"{d:%Y-%m-%d}") for s, d in zip(empty["station_id"], empty["day"], strict=True)] == signs
    assert len(counts) == truth["rows"]


def test_gaps_lie_at_the_ends_of_months_and_in_one_week(made):
    """The two kinds of gap are told apart and together make up all missing rows."""
    truth = made("mini").truth("quality")
    ends = pd.to_datetime([one["day"] for one in truth["month_ends"]])
    assert len(ends) == 8
    assert all(day.days_in_month - day.day < 2 for day in ends)
    outage = pd.date_range(truth["outage"]["first"], truth["outage"]["last"])
    assert len(outage) == 7
    assert len(ends) + len(outage) == len(truth["missing_rows"])
    assert len(truth["missing_signs"]) == 2


def test_a_day_without_counting_is_no_zero(counts):
    """Gaps are missing, and real counts are never zero."""
    assert counts["count"].min() > 0


def test_commuters_rest_at_weekends_and_walkers_do_not(pattern, counts):
    """Stations have a character of their own."""
    kinds = {one.id: one.character for one in pattern.counters.list}
    weekend = counts["day"].dt.day_of_week >= 5
    mean = (
        counts.assign(kind=counts["station_id"].map(kinds))
        .groupby(["kind", weekend])["count"]
        .mean()
        .unstack()
    )
    ratio = (mean[True] / mean[False]).to_dict()
    assert ratio["commuter"] < 0.65
    assert ratio["leisure"] > 1.5
    assert ratio["university"] < ratio["mixed"] < 1


def test_people_cycle_in_summer(counts):
    """June to August has far more bicycles than December to February."""
    month = counts["day"].dt.month
    summer = counts.loc[month.isin([6, 7, 8]), "count"].mean()
    winter = counts.loc[month.isin([12, 1, 2]), "count"].mean()
    assert summer > 1.8 * winter


def test_the_festival_is_the_peak_of_the_year(counts, pattern):
    """The busiest day of all stations together is a day of the festival."""
    last = counts[counts["day"].dt.year == 2025]
    busiest = last.groupby("day")["count"].sum().idxmax()
    assert busiest.date() in pattern.counters.festival.days


def test_traffic_grows_over_the_years(pattern):
    """Five years on, the same stations count more."""
    counts = counted(pattern, "full")
    mean = counts.groupby(counts["day"].dt.year)["count"].mean()
    assert mean[2025] > 1.05 * mean[2021]


def test_stations_stand_in_the_borough_that_they_name(pattern):
    """Coordinates and code agree."""
    quarters = areas.draw(pattern, rng=stream(2026, "areas")).quarters
    boroughs = quarters.dissolve("borough").geometry
    stations = counters.stations(pattern, quarters, size="full")
    assert len(stations) == 12
    for one in stations.itertuples():
        assert boroughs[one.borough].covers(Point(one.longitude, one.latitude)), one.name
