"""Protected places: the laws, the public record, and what is said about them."""

from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure import grid, places, released
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.model.places import PlaceRules, Season
from stadtbuch.texts import Text

EAST, NORTH = 4_130_000, 3_470_000
CITY = gpd.GeoDataFrame(geometry=[shapely.box(EAST, NORTH, EAST + 9_400, NORTH + 8_700)], crs=grid.EPSG)
RULES = PlaceRules(
    unit="id",
    kind="species",
    category="category",
    show=("species",),
    date="day",
    season={"from": "02-01", "until": "08-31"},
    outline="geography.city",
    steps={"rare": {"grid": 5000, "bands": [1, 4]}, "common": {"grid": 1000, "bands": [1, 4]}},
    reason=Text(de="Ruhe", en="Quiet"),
)
BEFORE = date(2026, 2, 1)
POINTS = st.lists(st.tuples(st.integers(0, 9_399), st.integers(0, 8_699), st.sampled_from("ab")), max_size=12)


def a_frame(spots: list[tuple[float, float, str]], **columns: Any) -> gpd.GeoDataFrame:
    """Give rows at places in metres from the corner of the city; species a is rare, b is common."""
    frame = pd.DataFrame(
        {
            "id": [str(at) for at in range(len(spots))],
            "species": [kind for _, _, kind in spots],
            "category": [{"a": "rare", "b": "common"}[kind] for _, _, kind in spots],
            "day": pd.to_datetime(["2025-05-01"] * len(spots)),
            "observer": "Nobody",
        }
        | columns
    )
    points = gpd.points_from_xy([EAST + x for x, _, _ in spots], [NORTH + y for _, y, _ in spots])
    return gpd.GeoDataFrame(frame, geometry=points, crs=grid.EPSG)


def coarsened(frame: pd.DataFrame, **changes: Any) -> places.ProtectedPlaces:
    """Coarsen with the rules of this module."""
    told = {"dataset": "d", "name": "n", "show": ["species"], "before": BEFORE, "outline": CITY} | changes
    return places.coarsen(frame, told.pop("rules", RULES), **told)


@settings(max_examples=15, deadline=None)
@given(POINTS, st.data())
def test_moving_a_place_within_its_cell_changes_nothing(spots: list[Any], data: st.DataObject) -> None:
    """What is published is a function of the cells, not of the places: nobody can get back from it."""
    moved = []
    for x, y, kind in spots:
        size = 5000 if kind == "a" else 1000
        east = data.draw(st.integers(x // size * size, min(x // size * size + size, 9_400) - 1))
        north = data.draw(st.integers(y // size * size, min(y // size * size + size, 8_700) - 1))
        moved.append((east, north, kind))
    assert coarsened(a_frame(moved)).to_record() == coarsened(a_frame(spots)).to_record()


@settings(max_examples=10, deadline=None)
@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(spots: list[Any], random: Any) -> None:
    """The same rows in another order give the same record, to the last byte."""
    frame = a_frame(spots)
    order = list(range(len(frame)))
    random.shuffle(order)
    assert coarsened(frame.iloc[order]).to_record() == coarsened(frame).to_record()


@settings(max_examples=10, deadline=None)
@given(POINTS)
def test_the_record_gives_the_same_places_back(spots: list[Any]) -> None:
    """What is public can be read, and says all that the page needs."""
    made = coarsened(a_frame(spots))
    assert released.from_record(made.to_record()) == made


def test_nothing_that_the_rules_do_not_name_is_told() -> None:
    """No observer, no day, no position, no id; and the record says that they are left out."""
    made = coarsened(
        a_frame([(2_345.6, 7_654.3, "a")]), titles={"observer": Text(de="Beobachtet von", en="Observer")}
    )
    assert sorted(made.frame.columns) == ["found", "place", "species", "year"]
    assert "Nobody" not in str(made.to_record())
    assert "2025-05-01" not in str(made.to_record())
    assert "Observer" in made.withheld.en
    assert "1 February" in made.withheld.en
    assert "5 or 1 km" in made.generalised.en
    assert made.reason.en in made.legend.en


def test_a_place_on_another_map_lands_in_the_same_area() -> None:
    """Degrees or metres: the coordinate system of the source does not matter."""
    frame = a_frame([(2_345, 7_654, "a"), (6_789, 1_234, "b")])
    assert coarsened(frame.to_crs(4326)).to_record() == coarsened(frame).to_record()


def test_geojson_holds_whole_areas_and_the_words_of_darwin_core() -> None:
    """Each feature is a find in an area of whole cells, not a point."""
    made = coarsened(a_frame([(2_345, 7_654, "a")])).geojson()
    (feature,) = made["features"]
    assert feature["properties"] == {
        "species": "a",
        "year": 2025,
        "place": "CRS3035RES5000mN3475000E4130000",
        "found": "1–3",
    }
    assert feature["geometry"]["type"] == "Polygon"
    assert shapely.area(shapely.geometry.shape(feature["geometry"])) > 0
    assert set(made) == {"type", "informationWithheld", "dataGeneralizations", "features"}


def test_an_empty_frame_gives_the_areas_and_no_find() -> None:
    """Where nothing was seen the record says nothing, and the areas of the city are there all the same."""
    made = coarsened(a_frame([]))
    assert made.found == ()
    assert {made.size(name) for name in made.areas} == {1000, 5000}


def test_a_row_without_a_place_or_kind_stays_inside() -> None:
    """What cannot be judged is not told; how much that was is told inside only."""
    frame = a_frame([(2_345, 7_654, "a"), (2_345, 7_654, "a")])
    frame.loc[0, "geometry"] = None
    frame.loc[1, "species"] = None
    made = coarsened(frame)
    assert made.found == ()
    assert "2 weitere" in made.findings[0].text.de
    assert "findings" not in made.to_record()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("places.not-shown", {"show": ["species", "observer"]}),
        ("places.columns", {"frame": ["id", "day"]}),
        ("places.geometry", {"frame": ["geometry"]}),
        ("places.geometry", {"geometry": shapely.box(0, 0, 1, 1)}),
        ("places.outline", {"outline": None}),
        ("places.season", {"before": None}),
    ],
    ids=["observer shown", "columns missing", "no geometry", "areas, not points", "no outline", "no day"],
)
def test_what_cannot_be_protected_is_refused(code: str, changes: dict[str, Any]) -> None:
    """Each with its own code, and never a value in the text."""
    frame = a_frame([(2_345, 7_654, "a")])
    if "geometry" in changes:
        frame = frame.set_geometry([changes.pop("geometry")], crs=grid.EPSG)
    frame = pd.DataFrame(frame).drop(columns=changes["frame"]) if "frame" in changes else frame
    changes.pop("frame", None)
    with pytest.raises(ProtectionError) as refused:
        coarsened(frame, **changes)
    assert refused.value.code == code
    assert "Nobody" not in refused.value.render("en")


@pytest.mark.parametrize("column", ["district", "day", "category"])
def test_rows_chosen_by_place_day_or_category_are_refused(column: str) -> None:
    """The choice stands in the public record: "only in district 0805" would tell what the grid hides."""
    with pytest.raises(ProtectionError) as caught:
        coarsened(a_frame([(2_345, 7_654, "a")]), where=[{"column": column, "equals": "0805"}])
    assert caught.value.code == "places.rows"
    assert "0805" not in f"{caught.value.what.en} {caught.value.remedy.en}"


def test_rows_chosen_by_kind_are_the_same_places() -> None:
    """Whoever wants one species only gets what the whole says of it."""
    chosen = coarsened(a_frame([(2_345, 7_654, "a")]), where=[{"column": RULES.kind, "equals": "a"}])
    assert chosen.found == coarsened(a_frame([(2_345, 7_654, "a")])).found


def test_steps_that_do_not_go_together_withhold() -> None:
    """A kind that is told by borough in one row and by grid in another is told not at all."""
    steps = {"rare": {"grid": 5000}, "common": {"column": "borough"}}
    rules = RULES.model_copy(
        update={"steps": PlaceRules.model_validate({**RULES.model_dump(), "steps": steps}).steps}
    )
    frame = a_frame([(2_345, 7_654, "a"), (2_345, 7_654, "a")], category=["rare", "common"], borough="01")
    assert coarsened(frame, rules=rules).found == ()


@pytest.mark.parametrize(
    ("today", "expected"),
    [("2025-12-31", "2026-02-01"), ("2026-01-31", "2026-02-01"), ("2026-02-01", "2026-02-01"),
     ("2026-08-31", "2026-02-01"), ("2026-09-01", "2027-02-01")],
)  # fmt: skip
def test_the_season_opens_the_day_after_its_end(today: str, expected: str) -> None:
    """On its last day the season still holds; the day after, everything before the next one may be told."""
    season = Season(**{"from": "02-01", "until": "08-31"})
    assert places.opens(season, date.fromisoformat(today)) == date.fromisoformat(expected)


def test_a_season_may_run_over_new_year_and_end_on_a_leap_day() -> None:
    """The winter's roosts are told when the winter is over, also in years without a 29 February."""
    winter = Season(**{"from": "11-01", "until": "02-29"})
    assert places.opens(winter, date(2026, 2, 28)) == date(2025, 11, 1)
    assert places.opens(winter, date(2026, 3, 1)) == date(2026, 11, 1)


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"kind": "protected-table"}, {"areas": {"x": ["CRS3035RES5000mN1E2"]}}, {"found": [{}]}],
    ids=["format", "kind", "finer cell", "find"],
)
def test_records_of_another_form_are_refused(change: dict[str, Any]) -> None:
    """A record with a cell that is not of the grid cannot be read, and so not be published."""
    record = coarsened(a_frame([(2_345, 7_654, "a")])).to_record()
    with pytest.raises(UsageError) as refused:
        places.ProtectedPlaces.from_record(record | change)
    assert refused.value.code == "places.record"
