"""The grid: fixed, nested, and never narrower than half a cell of city."""

from itertools import pairwise

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure import grid
from stadtbuch.model.places import GRIDS

EAST, NORTH = 4_130_000, 3_470_000
SMALL = (1000, 5000, 10000)


@st.composite
def cities(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a city of one to three parts, a few kilometres wide, anywhere on the grid."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        x, y = draw(st.integers(0, 9_000)), draw(st.integers(0, 9_000))
        wide, high = draw(st.integers(300, 9_000)), draw(st.integers(300, 9_000))
        parts.append(shapely.box(EAST + x, NORTH + y, EAST + x + wide, NORTH + y + high))
    return shapely.union_all(parts)


def drawn(cells: tuple[str, ...]) -> shapely.Geometry:
    """Draw an area in metres."""
    boxes = []
    for name in cells:
        (east, north), size = grid.corner(name)
        boxes.append(shapely.box(east, north, east + size, north + size))
    return shapely.union_all(boxes)


@settings(max_examples=40, deadline=None)
@given(cities(), st.sampled_from(SMALL))
def test_every_area_holds_half_a_cell_of_city_or_all_of_it(city: shapely.Geometry, size: int) -> None:
    """Whoever knows the area still has to search at least so much of the city."""
    found = grid.areas(city, size=size)
    inside = [shapely.area(shapely.intersection(drawn(cells), city)) for cells in found.members.values()]
    assert len(inside) == 1 or min(inside) >= grid.INSIDE * size * size * 0.999


@settings(max_examples=40, deadline=None)
@given(cities())
def test_areas_of_all_sizes_are_nested(city: shapely.Geometry) -> None:
    """Two publications with cells of two sizes cut out nothing smaller than the smaller one says."""
    for fine, coarse in ((1000, 5000), (5000, 10000), (10000, 50000)):
        wholes = grid.areas(city, size=coarse).by_cell
        for cells in grid.areas(city, size=fine).members.values():
            corners = [grid.corner(name)[0] for name in cells]
            parents = {grid.code(grid.parent(cell, size=coarse), size=coarse) for cell in corners}
            assert len({wholes[name] for name in parents}) == 1


@settings(max_examples=40, deadline=None)
@given(cities(), st.sampled_from(SMALL), st.floats(0, 1), st.floats(0, 1))
def test_the_area_of_a_point_holds_it(city: shapely.Geometry, size: int, across: float, up: float) -> None:
    """A point of the city lies in a cell of the area that is told for it."""
    west, south, east, north = city.bounds
    point = shapely.Point(west + across * (east - west), south + up * (north - south))
    found = grid.areas(city, size=size)
    (name,) = found.of([point.x], [point.y])
    if city.contains(point):
        assert name is not None
        assert drawn(found.members[name]).covers(point)


@settings(max_examples=20, deadline=None)
@given(cities(), st.sampled_from(SMALL))
def test_every_cell_belongs_to_one_area(city: shapely.Geometry, size: int) -> None:
    """Areas of one size do not overlap, and together they cover the city."""
    members = grid.areas(city, size=size).members
    cells = [one for cells in members.values() for one in cells]
    assert len(cells) == len(set(cells))
    assert shapely.area(shapely.difference(city, drawn(tuple(cells)))) < len(cells) * grid.SLIVER + 1


def test_a_coarse_cell_is_a_union_of_fine_ones() -> None:
    """Each side of the grid divides the next, and all cells begin at the same far corner."""
    assert all(coarse % fine == 0 for fine, coarse in pairwise(GRIDS))
    fine = {grid.parent((EAST + x, NORTH + y), size=10000) for x in (0, 5000) for y in (0, 5000)}
    assert fine == {(EAST, NORTH)}


def test_where_nothing_is_known_there_is_no_area() -> None:
    """A row without a point lies nowhere."""
    city = shapely.box(EAST, NORTH, EAST + 10_000, NORTH + 10_000)
    assert grid.areas(city, size=5000).of([float("-inf"), float("nan")], [NORTH, NORTH]) == [None, None]


def test_only_the_fixed_sizes_exist() -> None:
    """A grid of another size, which could be shifted against the others, is refused; so is an empty city."""
    with pytest.raises(ValueError, match="no grid"):
        grid.areas(shapely.box(EAST, NORTH, EAST + 1, NORTH + 1), size=4000)
    with pytest.raises(ValueError, match="no grid"):
        grid.areas(shapely.Polygon(), size=5000)


@pytest.mark.parametrize(
    "name", ["", "CRS3035RES4000mN3472000E4132000", "CRS3035RES5000mN3472000E4130000", "4132"]
)
def test_names_of_other_cells_are_refused(name: str) -> None:
    """A cell of another size or with another corner is no cell of this grid."""
    with pytest.raises(ValueError, match="no cell"):
        grid.corner(name)


def test_areas_are_drawn_whole() -> None:
    """An area is drawn as its whole cells in degrees, not cut to the city."""
    made = grid.shapes({"a": ("CRS3035RES5000mN3470000E4130000", "CRS3035RES5000mN3470000E4135000")})
    assert made.crs.to_epsg() == 4326
    assert made.to_crs(grid.EPSG).area.iloc[0] == pytest.approx(50e6, rel=1e-4)
    assert len(grid.shapes({})) == 0
