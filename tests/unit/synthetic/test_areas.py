"""The map of the made-up city."""

import numpy as np
import pytest
import shapely

from stadtbuch.errors import SettingsError
from stadtbuch.synthetic import areas
from stadtbuch.synthetic.seeds import stream

SEEDS = (2026, 7, 24)  # 24: the first map has a fold and is drawn anew


@pytest.fixture(scope="module", params=SEEDS)
def drawn(request, pattern):
    """Give the map of a seed."""
    return areas.draw(pattern, rng=stream(request.param, "areas"))


def test_the_city_has_its_boroughs_districts_and_quarters(drawn):
    """Ten, seventy-two and a hundred and seventy, whatever the seed."""
    assert (len(drawn.boroughs), len(drawn.districts), len(drawn.quarters)) == (10, 72, 170)
    assert drawn.quarters["quarter"].is_unique
    assert drawn.quarters["quarter_name"].is_unique


def test_codes_of_the_parts_begin_with_the_code_of_the_whole(drawn):
    """The hierarchy can be read from the codes, zeros included."""
    quarters = drawn.quarters
    assert quarters["quarter"].str.fullmatch("[0-9]{6}").all()
    assert (quarters["quarter"].str[:4] == quarters["district"]).all()
    assert (quarters["district"].str[:2] == quarters["borough"]).all()


@pytest.mark.parametrize("level", ["quarters", "districts", "boroughs"])
def test_neighbours_share_their_border_to_the_last_digit(drawn, level):
    """Valid polygons, no overlap, no gap, also after simplifying and rounding."""
    shapes = getattr(drawn, level).geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.union_all(shapes)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert whole.area == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)


def test_each_area_is_one_piece(drawn):
    """No quarter, district or borough falls apart."""
    for level in (drawn.quarters, drawn.districts, drawn.boroughs):
        assert set(level.geom_type) == {"Polygon"}


def test_areas_add_up_from_level_to_level(drawn):
    """The stated area of a borough is that of its quarters."""
    for level, code in ((drawn.districts, "district"), (drawn.boroughs, "borough")):
        parts = drawn.quarters.groupby(code)["area_km2"].sum()
        assert np.allclose(parts, level.set_index(code)["area_km2"], atol=0.01)


def test_stated_area_is_the_area_of_the_drawing(drawn, pattern):
    """Whoever measures the polygons finds the number in the table."""
    measured = drawn.quarters.to_crs(pattern.map.epsg).area / 1e6
    assert np.allclose(measured, drawn.quarters["area_km2"], atol=0.002)


def test_the_city_lies_in_the_german_bight(drawn):
    """Nobody can take it for a place on land."""
    west, south, east, north = drawn.quarters.total_bounds
    assert 6.5 < west < east < 7.6
    assert 54.1 < south < north < 54.6


def test_quarters_of_the_centre_are_small(drawn):
    """The first borough is the dense middle, the last ones are outskirts."""
    size = drawn.quarters.groupby("borough")["area_km2"].median()
    assert size["01"] == size.min()
    assert size["09"] > 3 * size["01"]


def test_no_quarter_is_a_rectangle(drawn):
    """Shapes look grown, not drawn with a ruler."""
    shapes = drawn.quarters.geometry.to_numpy()
    assert (shapely.area(shapes) / shapely.area(shapely.minimum_rotated_rectangle(shapes))).max() < 0.95


def test_the_river_runs_through_the_city_along_borders(drawn):
    """It crosses the outline twice and cuts no borough in two."""
    river = drawn.river.geometry.iloc[0]
    city = shapely.union_all(drawn.quarters.geometry.to_numpy())
    inside = shapely.intersection(river, city)
    assert inside.length > 0.8 * river.length
    for borough, shape in zip(drawn.boroughs["borough"], drawn.boroughs.geometry, strict=True):
        deep = shapely.intersection(river, shape.buffer(-0.003))
        assert deep.is_empty, f"the river runs through borough {borough}"


def test_parts_are_named_by_where_they_lie(drawn, pattern):
    """A quarter called north is the northernmost of its district."""
    words = pattern.map.compass
    centres = drawn.quarters.assign(y=drawn.quarters.geometry.to_crs(pattern.map.epsg).centroid.y)
    northern = centres[centres["quarter_name"].str.endswith(f"-{words.north}")]
    southern = centres[centres["quarter_name"].str.endswith(f"-{words.south}")]
    pairs = northern.merge(southern, on="district", suffixes=("_north", "_south"))
    assert len(pairs) > 20
    assert (pairs["y_north"] > pairs["y_south"]).all()


def test_a_map_that_cannot_be_drawn_is_an_error(pattern, monkeypatch):
    """Nothing folded is ever handed out."""
    monkeypatch.setattr(areas, "_sound", lambda level: False)
    monkeypatch.setattr(areas, "TRIES", 1)
    with pytest.raises(SettingsError) as error:
        areas.draw(pattern, rng=stream(1, "areas"))
    assert error.value.code == "synthetic.map"
