"""Points on the map."""

import numpy as np
import shapely
from shapely.geometry import LineString

from stadtbuch.synthetic import spots


def test_points_fall_into_their_own_area_even_a_crooked_one():
    """Also after rounding, and as many as were asked for."""
    crooked = shapely.Polygon([(7, 54), (8, 54), (8, 55), (7.98, 55), (7.98, 54.02), (7, 54.02)])
    shapes = np.array([crooked, shapely.box(9, 54, 9.001, 54.001)])
    rows = np.repeat([0, 1], [40, 10])
    points = spots.inside(shapes, rows, rng=np.random.default_rng(4))
    assert shapely.contains_xy(shapes[rows], points[:, 0], points[:, 1]).all()
    assert (points == points.round(6)).all()


def test_points_along_a_line_stay_near_it_and_inside():
    """The distance is in metres, in both directions alike."""
    line, area = LineString([(6, 54.5), (9, 54.5)]), shapely.box(7, 54, 8, 55)
    points = spots.along(line, area, 300, metres=50, rng=np.random.default_rng(4))
    north = np.abs(points[:, 1] - 54.5) * spots.DEGREE_M
    assert 20 < np.median(north) < 50
    assert north.max() < 250
    assert points[:, 0].min() >= 7 and points[:, 0].max() <= 8
    assert np.ptp(points[:, 0]) > 0.9


def test_points_near_a_place_are_close_together():
    """A well field, not a district."""
    area = shapely.box(7, 54, 7.2, 54.2)
    points = spots.near(area, 100, metres=150, rng=np.random.default_rng(4))
    east = (points[:, 0] - 7.1) * spots.DEGREE_M * np.cos(np.radians(54.1))
    assert 80 < np.std(east) < 220
