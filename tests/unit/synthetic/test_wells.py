"""The wells, and which of them are a secret."""

import pytest

DATASET = "environment.wells"
CITIES = [("mini", 2026), ("small", 2026), ("small", 7)]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_drinking_water_comes_from_one_place(made, pattern, size, seed):
    """All of its wells stand in the protection zone, within a kilometre: one coordinate gives all away."""
    city = made(size, seed)
    frame = city.without_test_record(DATASET)
    supply = frame[frame["kind"] == "drinking-water"]
    district = city.read("geography.districts").set_index("district")["district_name"]
    assert set(supply["district"].map(district)) == {pattern.wells.field}
    assert set(supply["zone"]) == {"I"}
    left, low, right, high = supply.total_bounds
    assert max(right - left, high - low) < 0.02
    assert len(supply) == pattern.wells.kinds["drinking-water"].count[size]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_positions_to_be_kept_are_in_the_truth(made, size, seed):
    """Those of all wells of public supply, with name and coordinates as they are written."""
    city = made(size, seed)
    frame = city.without_test_record(DATASET)
    supply = frame[frame["kind"] != "garden"].set_index("well_id")
    told = {one["well_id"]: one for one in city.truth("privacy")["places"] if one["dataset"] == DATASET}
    assert set(told) == set(supply.index)
    for well, one in told.items():
        assert (one["longitude"], one["latitude"]) == (supply.geometry[well].x, supply.geometry[well].y)
        assert one["name"] == supply["name"][well]


def test_need_for_protection_follows_the_kind(made):
    """Drinking water is critical, emergency wells are civil protection, gardens are gardens."""
    frame = made("small").without_test_record(DATASET)
    assert frame.groupby("kind")["protection"].unique().map(list).to_dict() == {
        "drinking-water": ["critical"],
        "emergency": ["restricted"],
        "garden": ["none"],
    }


def test_the_pump_on_the_square_is_no_secret(made, pattern):
    """The catalogue itself names it; the truth counts it as harmless."""
    from stadtbuch.catalog import index

    city = made("mini")
    frame = city.read(DATASET)
    pump = frame[frame["name"] == pattern.wells.pump.name]
    harmless = [one["rows"] for one in city.truth("privacy")["harmless"] if one["dataset"] == DATASET]
    assert harmless == [[{"well_id": pump["well_id"].item()}]]
    assert pattern.wells.pump.name in index.load(city.settings).get(DATASET).description.de


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_negative_depth_and_a_missing_capacity_are_known(made, size, seed):
    """And all others are there and above zero."""
    city = made(size, seed)
    frame, told = city.without_test_record(DATASET), city.defects(DATASET)
    assert frame.loc[frame["depth_m"] < 0, "well_id"].tolist() == [one["well_id"] for one in told["negative"]]
    assert frame.loc[frame["capacity_m3_per_day"].isna(), "well_id"].tolist() == [
        one["well_id"] for one in told["missing-value"]
    ]
