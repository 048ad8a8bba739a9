"""The raw hours of the bicycle counters: another view of the open days, on clocks without summer time."""

import pandas as pd
import pytest

from stadtbuch.synthetic import config, counters, hourly
from stadtbuch.synthetic.seeds import stream

HOURLY, DAILY = "mobility.bicycle_counts_hourly", "mobility.bicycle_counts"


def impulses(city):
    """Give the hours as everybody reads them, without the test record."""
    frame = city.read(HOURLY)
    return frame[frame["station_id"] != city.canaries()[HOURLY]["station_id"]]


def by_day(frame):
    """Give the sums of local days."""
    day = frame["hour"].dt.tz_localize(None).dt.normalize().rename("day")
    return frame.groupby(["station_id", day])["count"].sum()


@pytest.fixture(scope="module")
def hours(made):
    """Give the hours of the demo's city."""
    return impulses(made("small"))


@pytest.mark.parametrize(("size", "seed"), [("mini", 2026), ("small", 2026), ("mini", 7)])
def test_daily_sums_are_the_published_days(made, size, seed):
    """Each local day of the quarter that was counted has its sum; a day with a gap has no hours."""
    city = made(size, seed)
    daily = city.read(DAILY)
    quarter = daily[(daily["day"] >= "2025-10-01") & daily["count"].notna()]
    published = quarter.set_index(["station_id", "day"])["count"].sort_index()
    summed = by_day(impulses(city))
    pd.testing.assert_series_equal(summed, published, check_index_type=False)


def test_gaps_of_the_days_are_gaps_of_the_hours(made):
    """The planted days of the last quarter have no row at all, and there are some."""
    city = made("small")
    truth = city.truth("quality")
    gaps = [one for one in truth["missing_rows"] + truth["missing_signs"] if one["day"] >= "2025-10-01"]
    assert [(one["station_id"], one["day"]) for one in gaps] == [
        ("002", "2025-11-29"),
        ("002", "2025-11-30"),
        ("003", "2025-10-08"),
    ]
    summed = by_day(impulses(city))
    assert not [one for one in gaps if (one["station_id"], pd.Timestamp(one["day"])) in summed.index]
    assert len(summed) == 8 * 92 - len(gaps)


def test_the_night_on_which_the_clocks_go_back_has_its_hour_twice(made, hours):
    """25 hours, each once; on all other days 24."""
    one = hours[(hours["station_id"] == "001") & (hours["direction"] == "in")]
    lengths = one.groupby(one["hour"].dt.date).size()
    assert lengths[lengths != 24].to_dict() == {pd.Timestamp("2025-10-26").date(): 25}
    night = one.loc[one["hour"].dt.strftime("%m-%d %H:%M") == "10-26 02:00", "hour"]
    assert [moment.isoformat() for moment in night] == [
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:00:00+01:00",
    ]


def test_the_file_is_as_the_maker_delivers_it(made):
    """Winter time all year: the first hour of October stands under September, and no line stands twice."""
    path = made("mini").settings.folder("data") / "mobility" / "bicycle_counts_hourly.csv"
    lines = path.read_bytes().decode("utf-8").split("\r\n")
    assert lines[0] == "Stelle;Beginn (MEZ);Richtung;Impulse"
    assert lines[1].startswith("001;30.09.2025 23:00;in;")
    keys = [line.rsplit(";", 1)[0] for line in lines[1:-1]]
    assert len(set(keys)) == len(keys)
    assert sum(";26.10.2025 02:00;in" in key for key in keys) == 3


def test_read_as_local_time_the_hours_of_october_would_be_wrong(made, hours):
    """Whoever overlooks the winter time gets other daily sums: the trap is one."""
    city = made("small")
    careless = hours.assign(hour=hours["hour"].dt.tz_convert(hourly.DEVICE_ZONE))
    october = pd.Timestamp("2025-10-10")
    daily = city.read(DAILY).set_index(["station_id", "day"])["count"]
    assert by_day(hours)["002", october] == daily["002", october]
    assert by_day(careless)["002", october] != daily["002", october]


def test_commuters_come_in_the_morning_and_leave_in_the_evening(hours):
    """Direction and hour tell a story on working days, and none on Sundays."""
    station = hours[hours["station_id"] == "002"]
    clock, weekday = station["hour"].dt.hour, station["hour"].dt.day_of_week

    def inward(hour, days):
        chosen = station[(clock == hour) & weekday.isin(days)]
        return chosen.loc[chosen["direction"] == "in", "count"].sum() / chosen["count"].sum()

    assert inward(7, range(5)) > 0.65
    assert inward(17, range(5)) < 0.4
    assert 0.4 < inward(15, [6]) < 0.6


def test_nights_are_quiet_and_zeros_are_zeros(hours):
    """An hour without bicycles has a row with zero."""
    clock = hours["hour"].dt.hour
    assert (hours.loc[clock == 3, "count"] == 0).any()
    assert hours.loc[clock.between(2, 4), "count"].sum() < 0.05 * hours["count"].sum()


def test_a_holiday_has_the_hours_of_a_sunday(pattern):
    """Unity Day 2025 is a Friday, and nobody commutes."""
    holiday, before = pd.Timestamp("2025-10-03"), pd.Timestamp("2025-10-02")
    assert hourly._peaks(pattern, "002", holiday) == pattern.counters.free_day
    assert hourly._peaks(pattern, "002", before) == pattern.counters.characters["commuter"].day


def test_hours_leave_the_days_as_they_are(pattern):
    """The hours have a stream of their own and draw nothing from that of the days."""
    drawn = {"weather": stream(1, "weather"), "rng": stream(1, "bicycle_counts")}
    days = counters.counts(pattern, size="mini", **drawn)
    before = days.copy()
    hourly.counts(pattern, days, zone="Europe/Berlin", rng=stream(1, "bicycle_counts_hourly"))
    pd.testing.assert_frame_equal(days, before)
    again = counters.counts(
        pattern, size="mini", weather=stream(1, "weather"), rng=stream(1, "bicycle_counts")
    )
    pd.testing.assert_frame_equal(days, again)


def test_a_day_without_hours_is_a_mistake_of_the_pattern(pattern):
    """Every kind of day has at least one bell."""
    content = pattern.counters.model_dump()
    content["free_day"] = []
    with pytest.raises(ValueError, match="free_day"):
        config.Counters(**content)
