"""
How places are protected, as small tables: what was seen where, and what may be told.

The city of these tables is a square of ten kilometres. Places inside it are given in kilometres east and north of
its lower left corner; an area is named by the size of its cells and the lower left corner of the first one. Today
is 15 June 2026, the breeding season lasts from February to August. The tables can stand in the documentation as
they stand here.
"""

from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from stadtbuch.disclosure import grid, places
from stadtbuch.model.places import PlaceRules
from stadtbuch.texts import Text

EAST, NORTH = 4_130_000, 3_470_000
TODAY = date(2026, 6, 15)
CITY = gpd.GeoDataFrame(geometry=[shapely.box(EAST, NORTH, EAST + 10_000, NORTH + 10_000)], crs=grid.EPSG)

NATURE = PlaceRules(
    unit="id",
    kind="species",
    category="category",
    show=("species",),
    date="day",
    season={"from": "02-01", "until": "08-31"},
    outline="geography.city",
    steps={
        "very-sensitive": {"grid": 10000},
        "sensitive": {"grid": 5000, "bands": [1, 4]},
        "common": {"grid": 1000, "bands": [1, 4]},
        "secret": {"withhold": True},
    },
    reason=Text(de="Ruhe", en="Quiet"),
)
WATER = PlaceRules(
    unit="id",
    kind="species",
    category="category",
    show=("species",),
    steps={
        "critical": {"column": "borough", "bands": [1, 4]},
        "hidden": {"column": "borough", "bands": [0, 3]},
    },
    reason=Text(de="Wasser", en="Water"),
)

RULES = [
    (
        "A place becomes a cell of the fixed grid; how large, depends on how sensitive the species is.",
        """
        id | species    | category       | day        | east | north
        1  | owl        | very-sensitive | 2025-03-02 | 2.2  | 7.1
        2  | kingfisher | sensitive      | 2025-05-09 | 2.2  | 7.1
        3  | robin      | common         | 2025-04-30 | 2.2  | 7.1
        """,
        """
        species    | year | place      | found
        kingfisher | 2025 | 5 km 0/5   | 1–3
        owl        | 2025 | 10 km 0/0  | 1+
        robin      | 2025 | 1 km 2/7   | 1–3
        """,
    ),
    (
        "Numbers are told in classes, and of very sensitive species only that there is one.",
        """
        id | species    | category       | day        | east | north
        1  | owl        | very-sensitive | 2025-03-02 | 2.2  | 7.1
        2  | owl        | very-sensitive | 2025-03-02 | 8.2  | 1.1
        3  | kingfisher | sensitive      | 2025-05-09 | 2.2  | 7.1
        4  | kingfisher | sensitive      | 2025-05-09 | 1.2  | 6.1
        5  | kingfisher | sensitive      | 2025-05-10 | 1.3  | 6.1
        6  | kingfisher | sensitive      | 2025-05-11 | 4.9  | 9.9
        """,
        """
        species    | year | place      | found
        kingfisher | 2025 | 5 km 0/5   | 4+
        owl        | 2025 | 10 km 0/0  | 1+
        """,
    ),
    (
        "What was seen in the season that is running stays inside, whatever its place.",
        """
        id | species    | category       | day        | east | north
        1  | owl        | very-sensitive | 2025-03-02 | 2.2  | 7.1
        2  | owl        | very-sensitive | 2026-02-01 | 2.2  | 7.1
        3  | robin      | common         | 2026-05-30 | 2.2  | 7.1
        4  | robin      | common         | 2026-01-31 | 2.2  | 7.1
        """,
        """
        species    | year | place      | found
        owl        | 2025 | 10 km 0/0  | 1+
        robin      | 2026 | 1 km 2/7   | 1–3
        """,
    ),
    (
        "An observation without a day could be of this season: it stays inside.",
        """
        id | species    | category       | day        | east | north
        1  | owl        | very-sensitive |            | 2.2  | 7.1
        """,
        """
        species    | year | place      | found
        """,
    ),
    (
        "A category that the rules do not know, or that they withhold, stays inside.",
        """
        id | species    | category       | day        | east | north
        1  | phoenix    | mythical       | 2025-03-02 | 2.2  | 7.1
        2  | eagle      | secret         | 2025-03-02 | 2.2  | 7.1
        3  | robin      | common         | 2025-03-02 | 2.2  | 7.1
        """,
        """
        species    | year | place      | found
        robin      | 2025 | 1 km 2/7   | 1–3
        """,
    ),
    (
        "A species that one report calls common and another one sensitive is told as the sensitive one it may be.",
        """
        id | species    | category       | day        | east | north
        1  | kite       | common         | 2024-03-02 | 2.2  | 7.1
        2  | kite       | sensitive      | 2025-03-02 | 2.3  | 7.1
        """,
        """
        species    | year | place      | found
        kite       | 2024 | 5 km 0/5   | 1–3
        kite       | 2025 | 5 km 0/5   | 1–3
        """,
    ),
    (
        "What lies outside of the city's cells stays inside: nobody asked for it, and it stands alone there.",
        """
        id | species    | category       | day        | east | north
        1  | robin      | common         | 2025-03-02 | 12.2 | 7.1
        """,
        """
        species    | year | place      | found
        """,
    ),
    (
        "The same thing reported twice in a year counts once.",
        """
        id | species    | category       | day        | east | north
        1  | robin      | common         | 2025-03-02 | 2.2  | 7.1
        1  | robin      | common         | 2025-03-09 | 2.2  | 7.1
        2  | robin      | common         | 2025-03-09 | 2.3  | 7.1
        3  | robin      | common         | 2025-03-09 | 2.4  | 7.1
        """,
        """
        species    | year | place      | found
        robin      | 2025 | 1 km 2/7   | 1–3
        """,
    ),
]

COASTS = [
    (
        "A city that fills its cells: each cell is an area of its own.",
        shapely.box(EAST, NORTH, EAST + 10_000, NORTH + 10_000),
        [("5 km 0/0", 1), ("5 km 5/0", 1), ("5 km 0/5", 1), ("5 km 5/5", 1)],
    ),
    (
        "A cell of which a strip lies in the city would tell a place too exactly: it is joined to its neighbour.",
        shapely.box(EAST, NORTH, EAST + 6_000, NORTH + 5_000),
        [("5 km 0/0", 2)],
    ),
    (
        "Half a cell of city is enough to stand alone.",
        shapely.box(EAST, NORTH, EAST + 7_500, NORTH + 5_000),
        [("5 km 0/0", 1), ("5 km 5/0", 1)],
    ),
    (
        "An island far out is joined to the nearest area.",
        shapely.union(
            shapely.box(EAST, NORTH, EAST + 5_000, NORTH + 5_000),
            shapely.box(EAST + 15_500, NORTH, EAST + 16_000, NORTH + 500),
        ),
        [("5 km 0/0", 2)],
    ),
]


def seen(text: str) -> gpd.GeoDataFrame:
    """Read a table of this page as points."""
    lines = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0])
    points = gpd.points_from_xy(
        EAST + frame["east"].astype(float) * 1000, NORTH + frame["north"].astype(float) * 1000
    )
    rows = frame.drop(columns=["east", "north"]).assign(day=pd.to_datetime(frame["day"].replace("", None)))
    return gpd.GeoDataFrame(rows, geometry=points, crs=grid.EPSG)


def short(place: str) -> str:
    """Name an area as this page does."""
    (east, north), size = grid.corner(place.partition("+")[0])
    return f"{size // 1000} km {(east - EAST) // 1000}/{(north - NORTH) // 1000}"


def told(made: places.ProtectedPlaces) -> list[list[str]]:
    """Give what may be told as the rows of a table."""
    return [[*one.labels, str(one.year), short(one.place), one.number] for one in made.found]


@pytest.mark.parametrize(
    ("sentence", "given", "published"), RULES, ids=[sentence for sentence, _, _ in RULES]
)
def test_what_may_be_told(sentence: str, given: str, published: str) -> None:
    """What the table below the sentence says is told, and nothing else."""
    before = places.opens(NATURE.season, TODAY)
    made = places.coarsen(
        seen(given), NATURE, dataset="d", name="n", show=["species"], before=before, outline=CITY
    )
    expected = [[part.strip() for part in line.split("|")] for line in published.strip().splitlines()[1:]]
    assert told(made) == expected


@pytest.mark.parametrize(("sentence", "city", "areas"), COASTS, ids=[sentence for sentence, _, _ in COASTS])
def test_at_the_edge_of_the_city(sentence: str, city: shapely.Geometry, areas: list[tuple[str, int]]) -> None:
    """These are the areas of five kilometres, and of how many cells each consists."""
    made = grid.areas(city, size=5000)
    assert [(short(name), len(cells)) for name, cells in made.members.items()] == areas


def test_by_borough() -> None:
    """Wells are told by borough; a class that begins with none does not tell whether there are any."""
    rows = [
        ("1", "well", "critical"),
        ("2", "spring", "hidden"),
        *((f"p{n}", "pump", "hidden") for n in range(3)),
    ]
    frame = pd.DataFrame(rows, columns=["id", "species", "category"]).assign(borough="04")
    made = places.coarsen(frame, WATER, dataset="d", name="n", show=["species"], before=None)
    assert made.frame.to_numpy().tolist() == [["pump", "04", "3+"], ["well", "04", "1–3"]]
