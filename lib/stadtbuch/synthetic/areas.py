"""
The map: a city outline with a river, cut into boroughs, districts and quarters.

Everything is first drawn in the unit disc, where all parts are convex and therefore in one piece: the river
cuts it in two, each bank falls into the Voronoi cells of its boroughs, each borough into districts, each
district into quarters. Then the disc is bent: pulled together in the middle, where quarters are small,
stretched to the city's outline, and rippled, because borders follow streets and brooks. Bending is the same
for both sides of a border, so neighbours share it to the last digit and no gap can open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPoint, Point, Polygon
from shapely.ops import split

from stadtbuch.errors import SettingsError
from stadtbuch.synthetic.config import FILE, Compass, Config, River
from stadtbuch.texts import Text

Points = NDArray[np.float64]

STEP = 0.012
"""Longest piece of a border before bending, in radii of the city: some sixty metres."""

SAME = 1e-5
"""A corner closer than this to an edge lies on it: five centimetres."""

TRIES = 20

PLACES = 6
"""Decimals of a degree in the files: about ten centimetres."""

ROUNDS = 4
"""How often the parts of a cut are evened out at least (Lloyd 1982)."""


@dataclass(frozen=True, slots=True)
class Areas:
    """
    The three levels of areas and the river, in EPSG:4326.

    `quarters` has the columns quarter, quarter_name, district, district_name, borough, borough_name,
    area_km2, geometry; `districts` and `boroughs` the same without what lies below them, with borders drawn
    more simply; `river` name and geometry.
    """

    quarters: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame
    boroughs: gpd.GeoDataFrame
    river: gpd.GeoDataFrame


def draw(config: Config, *, rng: np.random.Generator) -> Areas:
    """
    Draw the map; the number of people does not matter for it.

    Bending folds a corner that is too sharp, about once in thirty maps; then the map is drawn anew.

    Raises
    ------
    SettingsError
        ``synthetic.map`` if none of several maps is sound: the boroughs are too close to each other.
    """
    for _ in range(TRIES):
        drawn = _drawn(config, rng)
        if all(_sound(level) for level in (drawn.quarters, drawn.districts, drawn.boroughs)):
            return drawn
    raise SettingsError(
        "synthetic.map",
        Text(
            de="Aus diesen Angaben entsteht keine Karte ohne Falten.",
            en="These parts make no map without folds.",
        ),
        remedy=Text(
            de=f"Rücken Sie in {FILE} die Stadtbezirke (at:) weiter auseinander.",
            en=f"Move the boroughs (at:) further apart in {FILE}.",
        ),
    )


def _sound(level: gpd.GeoDataFrame) -> bool:
    """Tell whether all areas are valid and neighbours share their borders exactly."""
    shapes = level.geometry.to_numpy()
    return bool(shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes))


def _drawn(config: Config, rng: np.random.Generator) -> Areas:
    """Draw one map."""
    bend, radius = _bending(config, rng), config.map.radius_km * 1000
    rows = _quarters(config, rng)
    flat = gpd.GeoSeries(_bent([row["geometry"] for row in rows], bend), crs=config.map.epsg)
    quarters = gpd.GeoDataFrame(
        [{k: v for k, v in row.items() if k != "geometry"} for row in rows], geometry=flat
    )
    river = gpd.GeoDataFrame(
        {"name": [config.map.river.name]},
        geometry=[_bent_line(_chord(config.map.river), bend)],
        crs=config.map.epsg,
    )
    levels = ["borough", "borough_name", "district", "district_name"]
    return Areas(
        quarters=_published(quarters[[*levels[::-1], "quarter", "quarter_name", "geometry"]]),
        districts=_published(_dissolved(quarters, levels, tolerance=0.005 * radius)),
        boroughs=_published(_dissolved(quarters, levels[:2], tolerance=0.008 * radius)),
        river=river.set_geometry(_degrees(river)),
    )


def _quarters(config: Config, rng: np.random.Generator) -> list[dict[str, object]]:
    """Cut the disc three times; one row per quarter with codes, names and its shape before bending."""
    rows: list[dict[str, object]] = []
    for number, (borough, shape) in enumerate(zip(config.boroughs, _boroughs(config), strict=True), start=1):
        cut = _cut(shape, len(borough.districts), rng)
        for place, (name, part) in enumerate(zip(borough.districts, cut, strict=True), start=1):
            parts = _cut(part, borough.districts[name], rng)
            for last, (suffix, quarter) in enumerate(_compass(parts, config.map.compass), start=1):
                rows.append(
                    {
                        "borough": f"{number:02d}",
                        "borough_name": borough.name,
                        "district": f"{number:02d}{place:02d}",
                        "district_name": name,
                        "quarter": f"{number:02d}{place:02d}{last:02d}",
                        "quarter_name": f"{name}-{suffix}" if suffix else name,
                        "geometry": quarter,
                    }
                )
    return rows


def _chord(river: River) -> LineString:
    """Give the river as a straight line that is longer than the disc."""
    angle = np.radians(90 - river.bearing)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]]) * river.offset
    return LineString([across - 1.3 * along, across + 1.3 * along])


def _boroughs(config: Config) -> list[Polygon]:
    """Cut the disc along the river and each bank into the cells of its boroughs."""
    disc = Point(0, 0).buffer(1.0, quad_segs=64)
    banks = shapely.get_parts(split(disc, _chord(config.map.river)))
    seeds = [Point(borough.at) for borough in config.boroughs]
    found: dict[int, Polygon] = {}
    for bank in banks:
        mine = [place for place, seed in enumerate(seeds) if bank.covers(seed)]
        cells = _cells(bank, np.array([config.boroughs[place].at for place in mine]))
        found.update(zip(mine, cells, strict=True))
    return [found[place] for place in range(len(seeds))]


def _cells(shape: Polygon, seeds: Points) -> list[Polygon]:
    """Give the Voronoi cell of each seed within a convex shape, in the order of the seeds."""
    if len(seeds) == 1:
        return [shape]
    cells = shapely.voronoi_polygons(MultiPoint(seeds), extend_to=shape.buffer(4.0), ordered=True)
    return [shapely.intersection(cell, shape) for cell in cells.geoms]


def _cut(shape: Polygon, count: int, rng: np.random.Generator) -> list[Polygon]:
    """
    Cut a convex shape into parts of similar size.

    Each seed moves to the middle of its cell a few times, and stops before the cells become a honeycomb.
    Parts are sorted from the middle of the city outwards.
    """
    seeds = _scattered(shape, count, rng)
    for _ in range(ROUNDS + count):
        seeds = np.array([cell.centroid.coords[0] for cell in _cells(shape, seeds)])
    cells = _cells(shape, seeds)
    return sorted(cells, key=lambda cell: (round(np.hypot(*cell.centroid.coords[0]), 9), cell.centroid.x))


def _scattered(shape: Polygon, count: int, rng: np.random.Generator) -> Points:
    """Throw points into a shape until enough have fallen inside."""
    left, low, right, high = shape.bounds
    thrown = rng.uniform([left, low], [right, high], size=(80 * count + 200, 2))
    return thrown[shapely.contains_xy(shape, thrown)][:count]


def _compass(parts: list[Polygon], words: Compass) -> list[tuple[str, Polygon]]:
    """Name the parts of a district by where they lie in it."""
    if len(parts) == 1:
        return [("", parts[0])]
    middle = np.array([part.centroid.coords[0] for part in parts])
    spread = np.ptp(middle, axis=0)
    axis = int(spread[1] >= spread[0])
    if len(parts) <= 3:
        first, last = ((words.west, words.east), (words.south, words.north))[axis]
        names = [first, last] if len(parts) == 2 else [first, words.centre, last]
        ranks = np.argsort(np.argsort(middle[:, axis], kind="stable"), kind="stable")
        return [(names[rank], part) for rank, part in zip(ranks, parts, strict=True)]
    return _corners(parts, middle, words)


def _corners(parts: list[Polygon], middle: Points, words: Compass) -> list[tuple[str, Polygon]]:
    """Name four parts: the northernmost, the southernmost, and of the other two the western and eastern."""
    order = np.argsort(middle[:, 1], kind="stable")
    inner = order[1:-1][np.argsort(middle[order[1:-1], 0], kind="stable")]
    names = {
        int(order[-1]): words.north,
        int(order[0]): words.south,
        int(inner[0]): words.west,
        int(inner[-1]): words.east,
    }
    return [(names[place], part) for place, part in enumerate(parts)]


def _bending(config: Config, rng: np.random.Generator) -> Callable[[Points], Points]:
    """
    Make the map from the disc to metres.

    The radius r becomes ``(r + r²) / 2``, times an outline of a few slow waves around the city, plus
    ripples of three wave lengths. All amplitudes are small against their wave length: nothing folds.
    """
    waves = rng.normal(0, 1, (4, 2)) * np.array([0.055, 0.045, 0.03, 0.02])[:, None]
    ripples = [
        (rng.uniform(0, 2 * np.pi, (5, 2)), rng.uniform(0, 2 * np.pi, (5, 2)), length)
        for length in (0.75, 0.3, 0.11)
    ]
    radius, centre = config.map.radius_km * 1000, np.array(config.map.centre)

    def bend(points: Points) -> Points:
        distance, angle = np.hypot(points[:, 0], points[:, 1]), np.arctan2(points[:, 1], points[:, 0])
        outline = 1 + sum(
            a * np.cos(k * angle) + b * np.sin(k * angle) for k, (a, b) in enumerate(waves, start=2)
        )
        pulled = (0.5 + 0.5 * distance) * (1 + (outline - 1) * distance)
        return centre + radius * (points * pulled[:, None] + _rippled(points * pulled[:, None], ripples))

    return bend


def _rippled(points: Points, ripples: list[tuple[Points, Points, float]]) -> Points:
    """Give the displacement by plane waves from several directions; amplitudes are parts of the length."""
    moved = np.zeros_like(points)
    for directions, phases, length in ripples:
        for (angle, turn), phase in zip(directions, phases, strict=True):
            wave = 2 * np.pi / length * (points @ np.array([np.cos(angle), np.sin(angle)]))
            moved += (
                0.027 * length * np.sin(wave + phase[0])[:, None] * np.array([np.cos(turn), np.sin(turn)])
            )
    return moved


def _bent(shapes: list[Polygon], bend: Callable[[Points], Points]) -> list[Polygon]:
    """
    Bend polygons so that neighbours keep every point in common.

    The borders are cut where they meet (a corner of one part lies on the edge of another), split into short
    pieces once for both sides, bent, and put together again.
    """
    pieces = shapely.segmentize(shapely.multilinestrings(_borders(shapes)), STEP)
    faces = shapely.get_parts(shapely.polygonize([pieces]))
    order = shapely.STRtree(faces).query(shapely.point_on_surface(shapes), predicate="within")[1]
    return list(shapely.transform(faces[order], lambda points: _once(points, bend)))


def _borders(shapes: list[Polygon]) -> list[LineString]:
    """Give each piece of border between two corners once, whichever of the two neighbours it comes from."""
    corners = np.unique(shapely.get_coordinates(shapes).round(9), axis=0)
    tree = shapely.STRtree(shapely.points(corners))
    found: set[tuple[int, int]] = set()
    for shape in shapes:
        ring = shapely.get_coordinates(shape.exterior)
        for start, end in pairwise(ring):
            near = tree.query(LineString([start, end]), predicate="dwithin", distance=SAME)
            passed = near[np.argsort((corners[near] - start) @ (end - start), kind="stable")]
            found.update(
                (min(pair), max(pair)) for pair in zip(passed[:-1].tolist(), passed[1:].tolist(), strict=True)
            )
    return [LineString(corners[list(pair)]) for pair in sorted(found)]


def _once(points: Points, bend: Callable[[Points], Points]) -> Points:
    """Bend each distinct point once: vectorised arithmetic may differ in the last digit by position."""
    distinct, places = np.unique(points, axis=0, return_inverse=True)
    return bend(distinct)[places.reshape(-1)]


def _bent_line(line: LineString, bend: Callable[[Points], Points]) -> LineString:
    return shapely.transform(
        shapely.segmentize(shapely.intersection(line, Point(0, 0).buffer(1.08)), STEP), bend
    )


def _dissolved(quarters: gpd.GeoDataFrame, columns: list[str], *, tolerance: float) -> gpd.GeoDataFrame:
    """Join quarters to larger areas and draw their common borders more simply; `tolerance` in metres."""
    joined = quarters[[*columns, "geometry"]].dissolve(by=columns, as_index=False, method="coverage")
    joined = joined.sort_values(columns[-2], ignore_index=True)
    simple = shapely.coverage_simplify(joined.geometry.to_numpy(), tolerance)
    order = [name for place in range(len(columns) - 2, -1, -2) for name in columns[place : place + 2]]
    return joined.set_geometry(gpd.GeoSeries(simple, crs=quarters.crs))[[*order, "geometry"]]


def _published(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the area and give degrees as they are written to the file."""
    result = areas.assign(area_km2=(areas.area / 1e6).round(3)).set_geometry(_degrees(areas))
    return result[[*(name for name in result.columns if name != "geometry"), "geometry"]]


def _degrees(shapes: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Give shapes in degrees, rounded as they are written."""
    exact = shapes.geometry.to_crs(4326).to_numpy()
    return gpd.GeoSeries(shapely.transform(exact, lambda points: points.round(PLACES)), crs=4326)
