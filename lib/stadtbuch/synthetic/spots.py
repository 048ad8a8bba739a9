"""Points on the map: inside areas, near a place, along a river; always in degrees, as the files hold them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from stadtbuch.synthetic.areas import PLACES

Points = NDArray[np.float64]
Rows = NDArray[np.int64]

DEGREE_M = 111_320.0
"""Metres of a degree of latitude; one of longitude is shorter by the cosine of the latitude."""


def inside(shapes: NDArray[np.object_], rows: Rows, *, rng: np.random.Generator) -> Points:
    """
    Throw one point into an area for each of `rows`, evenly over the area.

    Parameters
    ----------
    shapes
        Areas in degrees.
    rows
        For each point the place of its area in `shapes`.
    rng
        The stream of the table.

    Returns
    -------
    numpy.ndarray
        Longitude and latitude, one row per point; rounded as they are written, and inside all the same.

    Examples
    --------
    >>> square = np.array([shapely.box(0, 0, 1, 1), shapely.box(5, 5, 6, 6)])
    >>> inside(square, np.array([0, 1, 1]), rng=np.random.default_rng(1)).astype(int).tolist()
    [[0, 0], [5, 5], [5, 5]]
    """
    shapely.prepare(shapes)
    bounds, found = shapely.bounds(shapes), np.zeros((len(rows), 2))
    open_ = np.arange(len(rows))
    while len(open_):
        of = rows[open_]
        thrown = rng.uniform(bounds[of, :2], bounds[of, 2:]).round(PLACES)
        hit = shapely.contains_xy(shapes[of], thrown[:, 0], thrown[:, 1])
        found[open_[hit]] = thrown[hit]
        open_ = open_[~hit]
    return found


def near(area: BaseGeometry, count: int, *, metres: float, rng: np.random.Generator) -> Points:
    """Throw points around the middle of an area, most of them not further off than `metres`."""
    middle = area.representative_point()
    return _thrown_around(np.tile([middle.x, middle.y], (count, 1)), area, metres=metres, rng=rng)


def along(
    line: LineString, area: BaseGeometry, count: int, *, metres: float, rng: np.random.Generator
) -> Points:
    """Throw points beside a line, as far as it runs inside an area."""
    course = shapely.intersection(line, area)
    foot = shapely.line_interpolate_point(course, rng.random(count), normalized=True)
    return _thrown_around(shapely.get_coordinates(foot), area, metres=metres, rng=rng)


def _thrown_around(middle: Points, area: BaseGeometry, *, metres: float, rng: np.random.Generator) -> Points:
    found, open_ = middle.copy(), np.arange(len(middle))
    while len(open_):
        thrown = shifted(middle[open_], metres=metres, rng=rng)
        hit = shapely.contains_xy(area, thrown[:, 0], thrown[:, 1])
        found[open_[hit]] = thrown[hit]
        open_ = open_[~hit]
    return found


def shifted(points: Points, *, metres: float, rng: np.random.Generator) -> Points:
    """Move points by chance, in each direction by about `metres`, and round them as they are written."""
    offset = rng.normal(0, metres / DEGREE_M, points.shape)
    offset[:, 0] /= np.cos(np.radians(points[:, 1]))
    return (points + offset).round(PLACES)


def beside(place: Point, *, metres: float) -> Point:
    """
    Give the place so many metres to the north.

    Examples
    --------
    >>> beside(Point(7, 54), metres=9.0).wkt
    'POINT (7 54.000081)'
    """
    return Point(place.x, round(place.y + metres / DEGREE_M, PLACES))


def geometry(points: Points) -> NDArray[np.object_]:
    """Make shapes of longitudes and latitudes."""
    return np.asarray(shapely.points(points), dtype=object)


def city(shapes: NDArray[np.object_]) -> BaseGeometry:
    """Join all areas to one."""
    return shapely.union_all(shapes)


def test_point(text: str) -> Point:
    """Read the place of a test record."""
    return shapely.from_wkt(text)
