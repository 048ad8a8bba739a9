"""Places in texts: found however a map writes them, and nothing else."""

import geopandas as gpd
import pytest

from stadtbuch.privacy import positions

KEY = b"a key of the tests"
LON, LAT = 7.123456, 54.321987
NEST = gpd.GeoDataFrame(geometry=gpd.points_from_xy([LON], [LAT]), crs=4326)
KNOWN = positions.index(NEST, key=KEY)


def metres(epsg: int) -> tuple[float, float]:
    """Give the nest in metres of a grid."""
    point = NEST.to_crs(epsg).geometry.iloc[0]
    return point.x, point.y


FOUND = [
    f"{LON} {LAT}",
    "7.12346, 54.32199",
    "7.1235;54.3220",
    "54,322 7,123",
    "lat=54.321 lon=7.123",
    "[54.32198, 7.12345]",
    '{"lon": 7.12346, "species": "x", "lat": 54.32199}',
    "Uhu,7.12346,1.2345,54.32199",
    "7.12346,54.32199",
    "{:.0f},{:.0f},owl".format(*metres(3035)),
    "{:.1f} / {:.1f}".format(*metres(25832)).replace(".", ","),
    "54°19′19.15″N 7°07'24.44\"E",
    "{:.0f} {:.0f}".format(*metres(3035)),
    "{:.2f};{:.2f}".format(*metres(25832)),
    "N {1:.0f} E {0:.0f}".format(*metres(25832)),
    "{} {}".format(*(round(one / 100) * 100 for one in metres(3857))),
]

SILENT = [
    "",
    "7.12 54.32",
    "7.12346",
    "7.12346, 7.12346",
    "54.32199 alone, 8.12346 elsewhere",
    "CRS3035RES5000mN{1:.0f}E{0:.0f}".format(*metres(3035)),
    "1.234.567 54.321.987",
    "v7.12346-54.32199x",
    "12345678901 · 05 315 000 · 0,1234567",
    "3.141 2.718 1.618",
]


@pytest.mark.parametrize("text", FOUND)
def test_a_place_is_found_as_maps_write_it(text: str) -> None:
    """In degrees and metres, rounded or cut off, in either order."""
    assert positions.hits(text, KNOWN, KEY) >= 1


@pytest.mark.parametrize("text", SILENT)
def test_other_numbers_are_no_place(text: str) -> None:
    """Single coordinates, coarse ones, names of cells and ordinary numbers do not fire."""
    assert positions.hits(text, KNOWN, KEY) == 0


def test_a_place_that_is_open_is_no_finding() -> None:
    """A tree that everybody may know of stands where it stands, also beside a nest."""
    tree = gpd.GeoDataFrame(geometry=gpd.points_from_xy([7.12341], [54.32204]), crs=4326)
    assert positions.hits("7.123 54.322", KNOWN, KEY) == 1
    assert positions.hits("7.123 54.322", KNOWN, KEY, exempt=positions.words(tree)) == 0
    assert positions.hits("7.12341 54.32204", KNOWN, KEY, exempt=positions.words(tree)) == 0
    assert positions.hits("7.12346 54.32199", KNOWN, KEY, exempt=positions.words(tree)) == 1


def test_the_index_tells_nothing_without_its_key() -> None:
    """Sixteen bytes of HMAC for each form, and another key knows none of them."""
    assert {len(one) for one in KNOWN} == {16}
    assert positions.hits(f"{LON} {LAT}", KNOWN, b"another") == 0
    assert positions.index(gpd.GeoDataFrame(geometry=[None], crs=4326), key=KEY) == frozenset()
    assert positions.hits(f"{LON} {LAT}", frozenset(), KEY) == 0
