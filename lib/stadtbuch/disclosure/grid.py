"""
The grid in which protected places are told: fixed, nested, and never finer than the city allows to search.

Cells are those of the European grid (INSPIRE, EPSG:3035: equal areas, origin far away), so no cell is laid
around data, and cells of one size are unions of smaller ones. A cell of which only a sliver lies inside the
city would tell a place more exactly than its size says. So cells are joined, by the shape of the city alone,
until at least half a cell of city is inside (`INSIDE`), each time within one area of the next coarser size:
areas of all sizes are nested, and no two publications cut out anything smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from stadtbuch.model.places import GRIDS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

EPSG = 3035
INSIDE = 0.5
"""Share of a cell's area that must lie inside the city, alone or together with its neighbours."""

SLIVER = 1.0
"""Square metres of city below which a cell counts as outside: two borders that touch."""

FAR = -1e12
"""Where points without a place are put: metres away from everything."""

CODE = re.compile(r"CRS3035RES(\d+)mN(-?\d+)E(-?\d+)")

Cell = tuple[int, int]
"""Lower left corner in metres: east, north."""


def code(cell: Cell, *, size: int) -> str:
    """
    Name a cell as INSPIRE does.

    Examples
    --------
    >>> code((4130000, 3470000), size=10000)
    'CRS3035RES10000mN3470000E4130000'
    """
    east, north = cell
    return f"CRS{EPSG}RES{size}mN{north}E{east}"


def corner(name: str) -> tuple[Cell, int]:
    """
    Read a cell's name: its lower left corner and its size.

    Raises
    ------
    ValueError
        If it is no name of a cell of the fixed grid.

    Examples
    --------
    >>> corner("CRS3035RES5000mN3470000E4130000")
    ((4130000, 3470000), 5000)
    >>> corner("CRS3035RES5000mN3470001E4130000")
    Traceback (most recent call last):
    ValueError: no cell of the fixed grid
    """
    found = CODE.fullmatch(name)
    size, north, east = (int(one) for one in found.groups()) if found else (0, 0, 0)
    if size not in GRIDS or north % size or east % size:
        raise ValueError("no cell of the fixed grid")
    return (east, north), size


def corners(east: Any, north: Any, *, size: int) -> NDArray[np.int64]:
    """
    Give the lower left corners of the cells that hold points; a point on a border belongs to the upper right.

    Examples
    --------
    >>> corners([4134999.9, 4135000.0], [3471000.0, 3471000.0], size=5000).tolist()
    [[4130000, 3470000], [4135000, 3470000]]
    """
    places = np.column_stack([np.asarray(east, dtype=float), np.asarray(north, dtype=float)])
    floors = np.floor(np.where(np.isfinite(places), places, FAR) / size) * size
    return floors.astype(np.int64)


def parent(cell: Cell, *, size: int) -> Cell:
    """Give the cell of a coarser size that a cell lies in."""
    east, north = cell
    return east // size * size, north // size * size


def cell_levels(cells: Iterable[str], *, sizes: Sequence[int], name: str = "cell") -> pd.DataFrame:
    """
    Lay coarser cells over cells: the hierarchy by which counts are told as finely as their number allows.

    Where a cell must be withheld, the coarser one that holds it is told, as long as nobody can subtract.

    Parameters
    ----------
    cells
        Names of cells of one size; missing ones are left out.
    sizes
        Sides of the coarser cells in metres, rising; each must be a multiple of the one before.
    name
        The column that the cells come from.

    Returns
    -------
    pandas.DataFrame
        One row per different cell: its name and those of the cells over it, for `sb.protect(hierarchies=...)`.

    Raises
    ------
    ValueError
        If a name is none of a cell, or the sizes do not fit.

    Examples
    --------
    >>> told = cell_levels(["CRS3035RES100mN3470000E4130100", "CRS3035RES100mN3470900E4131000"], sizes=[1000])
    >>> told["cell_1000"].tolist()
    ['CRS3035RES1000mN3470000E4130000', 'CRS3035RES1000mN3470000E4131000']
    """
    import pandas  # noqa: PLC0415 - only where cells are counted

    known = sorted({str(one) for one in cells if isinstance(one, str)})
    found = [CODE.fullmatch(one) for one in known]
    if not all(found):
        raise ValueError("no cell of the European grid")
    parts = [(int(one[3]), int(one[2]), int(one[1])) for one in found if one]
    steps = [*sorted({size for *_, size in parts}), *sizes]
    if any(low >= high or high % low for low, high in pairwise(steps)) or len(steps) != len(sizes) + 1:
        raise ValueError("cells of one size, and sides that divide each other, are needed")
    above = {
        f"{name}_{size}": [code(parent((east, north), size=size), size=size) for east, north, _ in parts]
        for size in sizes
    }
    return pandas.DataFrame({name: known, **above})


@dataclass(frozen=True)
class Areas:
    """
    The areas of one size in which a city's places are told.

    Parameters
    ----------
    size
        Side of the cells in metres.
    members
        Name of an area -> the names of its cells. An area of one cell is called like it; one of several like
        the first of them with ``+`` and the number of the others.
    """

    size: int
    members: Mapping[str, tuple[str, ...]]

    @cached_property
    def by_cell(self) -> dict[str, str]:
        """Give the area of each cell."""
        return {cell: name for name, cells in self.members.items() for cell in cells}

    def of(self, east: Any, north: Any) -> list[str | None]:
        """Give the area of each point in EPSG:3035; None outside of the city's cells."""
        cells = corners(east, north, size=self.size)
        return [self.by_cell.get(code((int(x), int(y)), size=self.size)) for x, y in cells]


def areas(outline: Any, *, size: int) -> Areas:
    """
    Divide a city into the areas of one size; a function of its outline and nothing else.

    Parameters
    ----------
    outline
        Polygon or multipolygon in EPSG:3035: where the protected things can be at all.
    size
        One of `GRIDS`.

    Raises
    ------
    ValueError
        If the size is none of the grid's, or the outline is empty.
    """
    if size not in GRIDS or outline.is_empty:
        raise ValueError("no grid of this size for this outline")
    inside = _inside(outline, GRIDS[0])
    groups: list[frozenset[Cell]] = [frozenset({(0, 0)})]
    for step in sorted((one for one in GRIDS if one >= size), reverse=True):
        share = _summed(inside, step)
        whole = _within(groups, share, step, first=step == GRIDS[-1])
        groups = [group for cells in whole for group in _joined(cells, share, step)]
    named = {_name(group, size): _codes(group, size) for group in groups}
    return Areas(size=size, members=dict(sorted(named.items())))


def _inside(outline: Any, size: int) -> dict[Cell, float]:
    """Give the cells of a size that hold some of the city, with how many square metres of it."""
    import shapely  # noqa: PLC0415 - only where places are protected

    west, south, east, north = outline.bounds
    xs = np.arange(west // size * size, east + 1, size)
    ys = np.arange(south // size * size, north + 1, size)
    x, y = (grid.ravel() for grid in np.meshgrid(xs, ys))
    shapely.prepare(outline)
    within = shapely.area(shapely.intersection(outline, shapely.box(x, y, x + size, y + size)))
    return {(int(a), int(b)): float(area) for a, b, area in zip(x, y, within, strict=True) if area >= SLIVER}


def _summed(inside: Mapping[Cell, float], size: int) -> dict[Cell, float]:
    """Add up the smallest cells to cells of a size."""
    found: dict[Cell, float] = {}
    for cell, area in inside.items():
        whole = parent(cell, size=size)
        found[whole] = found.get(whole, 0.0) + area
    return found


def _within(
    groups: Sequence[frozenset[Cell]], share: Mapping[Cell, float], size: int, *, first: bool
) -> Iterator[list[Cell]]:
    """Give for every coarser area the cells of this size that it consists of."""
    if first:
        yield sorted(share)
        return
    coarser = GRIDS[GRIDS.index(size) + 1]
    for group in groups:
        yield sorted(cell for cell in share if parent(cell, size=coarser) in group)


def _joined(cells: Iterable[Cell], share: Mapping[Cell, float], size: int) -> list[frozenset[Cell]]:
    """Join cells, the smallest to its smallest neighbour, until each group holds enough of the city."""
    groups = [frozenset({cell}) for cell in cells]

    def weight(group: frozenset[Cell]) -> tuple[int, list[Cell]]:
        return round(sum(share[cell] for cell in group)), sorted(group)

    while len(groups) > 1:
        least = min(groups, key=weight)
        if weight(least)[0] >= INSIDE * size * size:
            break
        others = [group for group in groups if group is not least]
        beside = [group for group in others if _touch(least, group, size)]
        chosen = min(beside, key=weight) if beside else min(others, key=lambda one: _apart(least, one))
        groups = [group for group in others if group is not chosen] + [least | chosen]
    return groups


def _touch(one: frozenset[Cell], other: frozenset[Cell], size: int) -> bool:
    """Whether two groups of cells share an edge."""
    steps = ((size, 0), (-size, 0), (0, size), (0, -size))
    return any((x + dx, y + dy) in other for x, y in one for dx, dy in steps)


def _apart(one: frozenset[Cell], other: frozenset[Cell]) -> tuple[int, list[Cell]]:
    """Order groups by how far they are away, then by name."""
    return min((a - c) ** 2 + (b - d) ** 2 for a, b in one for c, d in other), sorted(other)


def _codes(group: Iterable[Cell], size: int) -> tuple[str, ...]:
    return tuple(sorted(code(cell, size=size) for cell in group))


def _name(group: frozenset[Cell], size: int) -> str:
    first, *more = _codes(group, size)
    return f"{first}+{len(more)}" if more else first


def shapes(members: Mapping[str, Sequence[str]]) -> gpd.GeoDataFrame:
    """
    Draw areas from the names of their cells: whole cells, never cut to the city.

    Returns
    -------
    geopandas.GeoDataFrame
        ``place`` and ``geometry`` in EPSG:4326.
    """
    import geopandas  # noqa: PLC0415 - only where places are drawn
    import shapely  # noqa: PLC0415 - as above

    drawn = [shapely.union_all([_box(shapely, name) for name in cells]) for cells in members.values()]
    plain = geopandas.GeoSeries(drawn, crs=EPSG)
    rounded = plain.to_crs(4326).set_precision(1e-6, mode="pointwise") if len(plain) else plain.to_crs(4326)
    return geopandas.GeoDataFrame({"place": list(members)}, geometry=rounded)


def _box(shapely: Any, name: str) -> Any:
    """Draw one cell; a corner every kilometre, because its edges are bent on other maps."""
    (east, north), size = corner(name)
    return shapely.segmentize(shapely.box(east, north, east + size, north + size), GRIDS[0])
