"""
Positions in a text: whether a pair of numbers is a place that must not be told.

Closed places are known by keyed hashes only (as `values` knows names). A pair is found in either order, in
degrees with three to five decimals (five are a metre, three a hundred), rounded or cut off, in degrees, minutes
and seconds, and in metres of the grids that maps here use (EPSG:3035, UTM, Web Mercator) to one, ten or a
hundred metres. What is not found: a place in another grid, in words, or moved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stadtbuch.privacy import values

if TYPE_CHECKING:
    import geopandas as gpd

DECIMALS = (3, 4, 5)
METRES = (1, 10, 100)
REACH = 3
"""How many numbers after the first one the second may stand: other columns can be in between."""

_DEGREES = (
    re.compile(r"(?<![\w.])[+-]?\d{1,3}\.\d{3,}(?!\w|\.\d)"),
    re.compile(r"(?<![\w.,])[+-]?\d{1,3},\d{3,}(?!\w|[.,]\d)"),
)
"""With a point or a comma, each by itself: in ``7.123,54.321`` the comma stands between two numbers."""

_METRES = (
    re.compile(r"(?<![\w.])\d{6,8}(?:\.\d+)?(?!\w|\.\d)"),
    re.compile(r"(?<![\w.,])\d{6,8},\d{1,3}(?!\w|[.,]\d)"),
)
_SEXAGESIMAL = re.compile(r"(\d{1,3})\s?°\s?(\d{1,2})\s?[′'’]\s?(\d{1,2}(?:[.,]\d+)?)\s?(?:[″\"”]|''|′′)")


def index(places: gpd.GeoDataFrame, *, key: bytes) -> frozenset[bytes]:
    """
    Hash the places of a frame as texts could write them.

    Parameters
    ----------
    places
        With a coordinate system; every corner counts where a place is no point.
    key
        Secret of the city.
    """
    return values.digests({one for pair in _spots(places) for one in pair}, key=key)


def words(places: gpd.GeoDataFrame) -> frozenset[str]:
    """Give the places of open data, unhashed, in the same form: what is public anyhow is no finding."""
    return frozenset(one for pair in _spots(places) for one in pair)


def hits(text: str, known: frozenset[bytes], key: bytes, *, exempt: Iterable[str] = ()) -> int:
    """
    Count the different closed places that a text tells.

    Parameters
    ----------
    text
        Any text.
    known, key
        As `index` made them.
    exempt
        Places of `words` that are open.

    Examples
    --------
    >>> import geopandas
    >>> nest = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy([7.123456], [54.321987]), crs=4326)
    >>> known = index(nest, key=b"k")
    >>> [hits(text, known, b"k") for text in ("54.32199, 7.12346", "lon: 7,123; lat: 54,322", "7.12 54.32")]
    [1, 1, 0]
    """
    if not known:
        return 0
    found = {(spot, pair) for spot, pair, hashed in _hashed(text, key) if hashed in known}
    public = frozenset(exempt) if found else frozenset()
    return len({pair for spot, pair in found if spot not in public})


@lru_cache(
    maxsize=512
)  # each dataset with places is looked for in every text, and the cells of a report share most
def _hashed(text: str, key: bytes) -> tuple[tuple[str, tuple[float, float], bytes], ...]:
    """Give what `pairs` finds in a text, with the digests of the places."""
    return tuple((spot, pair, values.digest(spot, key)) for spot, pair in set(pairs(text)))


def pairs(text: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """Give every pair of numbers that could be a place, as it is hashed, with the pair itself."""
    plain = _SEXAGESIMAL.sub(_decimal, text)
    for patterns, spots in ((_DEGREES, _degree_spots), (_METRES, _metre_spots)):
        for pattern in patterns:
            yield from _near(plain, pattern, spots)


def _near(text: str, pattern: re.Pattern[str], spots: Any) -> Iterator[tuple[str, tuple[float, float]]]:
    """Pair each number with the next few, in both orders."""
    written = [match[0].replace(",", ".") for match in pattern.finditer(text)]
    for at, first in enumerate(written):
        for second in written[at + 1 : at + 1 + REACH]:
            pair = (float(first), float(second))
            for one, other in ((first, second), (second, first)):
                for spot in spots(one, other):
                    yield spot, (min(pair), max(pair))


def _decimal(match: re.Match[str]) -> str:
    degrees, minutes, seconds = (float(part.replace(",", ".")) for part in match.groups())
    return f"{degrees + minutes / 60 + seconds / 3600:.5f} "


def _degree_spots(east: str, north: str) -> Iterator[str]:
    """Write a pair of degrees with every number of decimals that both have."""
    exact = min(len(one.partition(".")[2]) for one in (east, north))
    for decimals in DECIMALS:
        if decimals <= exact:
            yield _degrees(float(east), float(north), decimals)


def _metre_spots(east: str, north: str) -> Iterator[str]:
    for step in METRES:
        yield _metres(float(east), float(north), step)


def _degrees(east: float, north: float, decimals: int) -> str:
    return f"{decimals} {round(east * 10**decimals)} {round(north * 10**decimals)}"


def _metres(east: float, north: float, step: int) -> str:
    return f"m{step} {round(east / step)} {round(north / step)}"


def _spots(places: gpd.GeoDataFrame) -> Iterator[Iterator[str]]:
    """Give every place in every form in which it is looked for."""
    import shapely  # noqa: PLC0415 - only where there are places

    known = places.geometry.dropna()
    if not len(known):
        return
    degrees = known.to_crs(4326)
    for east, north in shapely.get_coordinates(degrees.to_numpy()):
        yield _written_degrees(float(east), float(north))
    for epsg in _grids(degrees):
        for east, north in shapely.get_coordinates(known.to_crs(epsg).to_numpy()):
            yield _written_metres(float(east), float(north))


def _grids(degrees: Any) -> list[int]:
    """Name the grids in metres in which a map could be drawn here."""
    west, south, east, north = degrees.total_bounds
    zones = range(int(west // 6) + 31, int(east // 6) + 32)
    return [
        3035,
        3857,
        *(25800 + zone for zone in zones if 28 <= zone <= 38 and 0 < (south + north) / 2 < 84),
    ]


def _written_degrees(east: float, north: float) -> Iterator[str]:
    """Round and cut off."""
    for decimals in DECIMALS:
        step = 10**decimals
        yield _degrees(east, north, decimals)
        yield f"{decimals} {math.trunc(east * step)} {math.trunc(north * step)}"


def _written_metres(east: float, north: float) -> Iterator[str]:
    if math.isfinite(east) and math.isfinite(north):
        for step in METRES:
            yield _metres(east, north, step)
            yield f"m{step} {math.trunc(east / step)} {math.trunc(north / step)}"
