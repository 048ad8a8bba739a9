"""The air: official stations, donated sensors, and what went wrong with both."""

import re

import pandas as pd
import pytest

OFFICIAL, STATIONS, DONATED = (
    "environment.air_quality", "environment.air_stations", "participation.air_sensors_donated",
)  # fmt: skip
CITIES = [("mini", 2026), ("small", 7)]


def keyed(frame, *key):
    """Give the keys of rows as the truth writes them."""
    return [
        {name: f"{row[name]:%Y-%m-%d}" if name == "date" else row[name] for name in key}
        for row in frame.to_dict("records")
    ]


def sane(frame):
    """Leave out what nobody would believe."""
    return frame[(frame["unit"] == "µg/m³") & frame["value"].between(0, 500)]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_mistakes_of_the_stations_are_where_the_truth_says(made, size, seed):
    """Negative, in another unit, a thousand times too much, with too few hours."""
    city = made(size, seed)
    frame, told = city.read(OFFICIAL), city.defects(OFFICIAL)
    wrong = {
        "negative": frame["value"] < 0,
        "mixed-unit": frame["unit"] != "µg/m³",
        "factor-thousand": frame["value"] > 1000,
        "too-few-hours": (frame["valid_hours"] < 18) & frame["value"].notna(),
    }
    for kind, rows in wrong.items():
        assert keyed(frame[rows], "station_id", "date", "pollutant") == told[kind], kind


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_dead_station_has_no_rows_and_a_stuck_one_no_change(made, size, seed):
    """Every other day of every station has its row; no other value stays for a week."""
    city = made(size, seed)
    frame, told = city.read(OFFICIAL), city.defects(OFFICIAL)
    days = pd.date_range(frame["date"].min(), frame["date"].max())
    parts = (frame["station_id"].unique(), days, frame["pollutant"].unique())
    every = pd.MultiIndex.from_product(parts, names=["station_id", "date", "pollutant"])
    missing = every.difference(pd.MultiIndex.from_frame(frame[["station_id", "date", "pollutant"]]))
    assert keyed(missing.to_frame(), "station_id", "date", "pollutant") == told["missing-rows"]
    runs = frame.groupby(["station_id", "pollutant"])["value"].transform(
        lambda one: one.groupby((one != one.shift()).cumsum()).transform("size")
    )
    stuck = frame[(runs >= 6) & frame["value"].notna()]
    assert keyed(stuck, "station_id", "date", "pollutant") == told["stuck"]


def test_fireworks_are_true(made):
    """The dust of New Year is the highest of the year, and no mistake."""
    city = made("small")
    frame = sane(city.read(OFFICIAL))
    dust = frame[frame["pollutant"] == "pm10"]
    highest = dust.loc[dust.groupby([dust["station_id"], dust["date"].dt.year])["value"].idxmax()]
    assert (highest["date"].dt.day_of_year == 1).mean() > 0.8
    told = city.look_alikes(OFFICIAL)["fireworks"]
    assert {row["date"] for row in told} == {"2024-01-01", "2025-01-01"}
    wrong = [row for rows in city.defects(OFFICIAL).values() for row in rows]
    assert not [row for row in told if row in wrong]


def test_roads_weekdays_and_winter_are_worse(made):
    """As everywhere."""
    city = made("small")
    frame = sane(city.read(OFFICIAL)).merge(city.read(STATIONS)[["station_id", "kind"]], on="station_id")
    no2 = frame[frame["pollutant"] == "no2"]
    kind = no2.groupby("kind")["value"].mean()
    assert kind["traffic"] > 1.5 * kind["background"]
    weekend = no2["date"].dt.day_of_week >= 5
    assert no2[weekend]["value"].mean() < 0.9 * no2[~weekend]["value"].mean()
    fine = frame[frame["pollutant"] == "pm2_5"]
    winter = fine["date"].dt.month.isin([12, 1, 2])
    assert fine[winter]["value"].mean() > 1.2 * fine[~winter]["value"].mean()


def test_a_daily_mean_needs_eighteen_hours(made):
    """Otherwise the file holds a dash, which is no zero."""
    city = made("mini")
    frame = city.read(OFFICIAL)
    assert frame["value"].isna().any()
    assert (frame.loc[frame["value"].isna(), "valid_hours"] < 18).all()
    raw = (city.settings.folder("data") / "environment" / "air_quality.csv").read_bytes().decode("cp1252")
    assert re.search(r";no2;\d+,\d;µg/m³;24\r\n", raw)
    assert re.search(r";no2;-;µg/m³;\d\d?\r\n", raw)


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_donated_sensors_go_wrong_in_their_own_ways(made, size, seed):
    """One copies a station, one hangs indoors, one overflows in fog; the truth names all three."""
    city = made(size, seed)
    frame, official, told = city.read(DONATED), city.read(OFFICIAL), city.defects(DONATED)
    both = frame.merge(official, on=["date", "pollutant"], suffixes=("", "_official"))
    both = both[both["station_id"] == "LU01"]
    same = (both["value"] == both["value_official"]).groupby(both["sensor_id"]).mean()
    assert same[same > 0.5].index.tolist() == [one["sensor_id"] for one in told["copy"]]
    spread = frame.groupby("sensor_id")["value"].agg(lambda one: one.std() / one.mean())
    assert spread[spread < 0.1].index.tolist() == [one["sensor_id"] for one in told["indoors"]]
    foggy = frame[frame["value"] == 999.9]
    assert keyed(foggy, "sensor_id", "date", "pollutant") == told["overflow"]
    assert len(foggy) >= 1


def test_donated_sensors_show_too_much_and_the_calibrated_less(made):
    """Bias and damp, as cheap sensors have them."""
    city = made("small")
    frame = city.read(DONATED)
    wrong = {one["sensor_id"] for rows in city.defects(DONATED).values() for one in rows}
    fair = sane(city.read(OFFICIAL))
    quiet = fair[fair["station_id"] == "LU04"].groupby(["date", "pollutant"])["value"].mean()
    joined = frame[~frame["sensor_id"].isin(wrong)].join(quiet.rename("official"), on=["date", "pollutant"])
    ratio = (joined["value"] / joined["official"]).groupby(joined["calibration"]).median()
    assert ratio["co-located"] < ratio["factory"]
    assert 1.15 < ratio["factory"] < 1.7


def test_where_a_donated_sensor_hangs_is_known_by_district_only(made):
    """No coordinates, no street: a district that exists, and one per sensor."""
    city = made("small")
    frame = city.read(DONATED)
    assert frame["district"].isin(city.read("geography.districts")["district"]).all()
    assert (frame.groupby("sensor_id")["district"].nunique() == 1).all()
    assert set(frame.columns) == {"sensor_id", "district", "calibration", "date", "pollutant", "value"}


def test_the_donation_says_who_gave_it_and_what_was_checked(made):
    """Donor, day, rights, method; and it comes from civil society."""
    from stadtbuch.catalog import index

    dataset = index.load(made("mini").settings).get(DONATED)
    assert dataset.origin == "civil-society"
    assert "CC BY 4.0" in dataset.donation.rights.de and dataset.license == "cc-by-4.0"
    assert dataset.donation.position.en.startswith("Made coarse to the district")


def test_the_air_has_the_weather_of_the_bicycles(made):
    """On days on which few cycle the sensors are damp: both read the same rain."""
    city = made("small")
    counts = city.read("mobility.bicycle_counts")
    daily = counts[counts["station_id"] == "001"].set_index("day")["count"].astype(float)
    frame = city.read(DONATED)
    ratio = (
        frame[frame["pollutant"] == "pm10"].groupby("date")["value"].median()
        / sane(city.read(OFFICIAL).query("pollutant == 'pm10'")).groupby("date")["value"].median()
    )
    season = daily / daily.rolling(29, center=True, min_periods=8).mean()
    assert season.corr(ratio) < -0.15
