"""Where somebody was, and when, arrives by cell and slot only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

from stadtbuch.access.coarsening import coarsened
from stadtbuch.access.minimise import minimise, pseudonym, require_fair_filter
from stadtbuch.disclosure import clearance, grid, tables, tabulation
from stadtbuch.disclosure.levels import Levels
from stadtbuch.errors import AccessDenied
from stadtbuch.model.dataset import Coarseness, Dataset
from stadtbuch.store import frame_bytes, read_frame

ADataset = Callable[..., Dataset]
TITLE = {"de": "x", "en": "x"}
HOME = (4_131_777.7, 3_471_333.3)
STATION = (4_135_100.0, 3_472_100.0)
COLUMNS = ["person_id", "from_x", "from_y", "to_x", "to_y", "started"]
NAMED = pseudonym(b"key", dataset="mobility.rides", version="v1", purpose="cycling")


@pytest.fixture
def rides(a_dataset: ADataset) -> Callable[..., Dataset]:
    """Give the description of rides: ends by cells of a kilometre, moments by the hour."""
    metres = {"step": 1000}

    def described(access: str = "closed") -> Dataset:
        fields = [
            {"name": "person_id", "type": "string", "title": TITLE, "privacy": "identifier"},
            *(
                {"name": name, "type": "number", "title": TITLE, "privacy": "quasi-identifier", "coarse": metres}
                for name in ("from_x", "from_y", "to_x", "to_y")
            ),
            {
                "name": "started", "type": "datetime", "title": TITLE, "privacy": "quasi-identifier",
                "coarse": {"slot": "hour"},
            },
        ]  # fmt: skip
        privacy = {"unit": "person", "purposes": {"age-structure": COLUMNS}}
        return a_dataset(access, schema={"fields": fields}, privacy=privacy)

    return described


@pytest.fixture
def traces() -> pd.DataFrame:
    """Give five rides from the station, and one that begins at somebody's door at 7:41."""
    starts = [STATION] * 5 + [HOME]
    return pd.DataFrame(
        {
            "person_id": [f"P{number}" for number in range(6)],
            "from_x": [x for x, _ in starts],
            "from_y": [y for _, y in starts],
            "to_x": 4_140_500.0,
            "to_y": 3_470_500.0,
            "started": pd.to_datetime(
                [f"2026-03-02T08:{minute:02}" for minute in range(5)] + ["2026-03-02T07:41"]
            ),
        }
    )


def read(traces: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Read as a session or a run does."""
    return minimise(traces, dataset, columns=COLUMNS, rows={}, pseudonym=NAMED)


def test_nobody_gets_the_exact_place_or_minute(traces: pd.DataFrame, rides: Any) -> None:
    """All that arrives of the door is its square kilometre, and of the minute its hour."""
    door = read(traces, rides()).iloc[-1]
    assert (door["from_x"], door["from_y"]) == (4_131_000.0, 3_471_000.0)
    assert str(door["started"]) == "2026-03-02 07:00:00"


def test_moving_a_door_within_its_cell_changes_nothing(traces: pd.DataFrame, rides: Any) -> None:
    """What is read is a function of the cell."""
    moved = traces.assign(from_x=traces["from_x"].where(traces["person_id"] != "P5", 4_131_001.0))
    assert read(moved, rides()).equals(read(traces, rides()))


def test_one_ride_is_withheld_in_the_table_of_ends(traces: pd.DataFrame, rides: Any) -> None:
    """Counts per start, end and hour: five rides are told, the one from the door is not."""
    counts = read(traces, rides()).astype("str").groupby(["from_x", "started"]).size()
    made = tables.protect(
        counts, rows="from_x", columns="started", min_count=3, node_limit=100, dataset="mobility.rides",
        name="rides", unit="person", column_names=COLUMNS,
    )  # fmt: skip
    told = {cell.labels: cell.value for cell in made.cells if None not in cell.labels}
    assert told["4131000.0", "2026-03-02 07:00:00"] is None
    assert 1 not in [cell.value for cell in made.cells]


def test_a_filter_by_exact_places_is_refused(rides: Any) -> None:
    """Which rows come would tell what the coarse column hides."""
    with pytest.raises(AccessDenied) as refused:
        require_fair_filter(rides(), purpose="age-structure", columns=COLUMNS, rows={"from_x": HOME[0]})
    assert (refused.value.code, refused.value.exit_code) == ("access.filter-coarse", 4)


def test_open_data_arrive_as_they_are(traces: pd.DataFrame, rides: Any) -> None:
    """What everybody may download is not made worse."""
    assert read(traces, rides("open"))["from_x"].iloc[-1] == HOME[0]


def test_points_arrive_as_names_of_cells(a_dataset: ADataset) -> None:
    """The point, its neighbour in the cell and a trace: one name twice, and no shape at all."""
    fields = [
        {"name": "person_id", "type": "string", "title": TITLE, "privacy": "identifier"},
        {"name": "place", "type": "geometry", "title": TITLE, "coarse": {"grid": 1000}},
    ]
    privacy = {"unit": "person", "purposes": {"age-structure": ["person_id", "place"]}}
    dataset = a_dataset("closed", schema={"fields": fields}, privacy=privacy)
    shapes = [Point(HOME), Point(4_131_000.5, 3_471_999.5), LineString([HOME, STATION]), None]
    frame = gpd.GeoDataFrame(
        {"person_id": ["a", "b", "c", "d"]}, geometry=gpd.GeoSeries(shapes, crs=3035).to_crs(4326)
    ).rename_geometry("place")
    slim = minimise(frame, dataset, columns=["place"], rows={}, pseudonym=NAMED)
    assert type(slim) is pd.DataFrame
    assert slim["place"].dropna().tolist() == [grid.code((4_131_000, 3_471_000), size=1000)] * 2
    assert read_frame(frame_bytes(slim)).equals(slim)


def test_cells_are_told_as_finely_as_their_number_allows() -> None:
    """A cell of a hundred metres with one person is withheld, and so is what would give it away."""
    homes = [(4_131_000 + 100 * (number % 3), 3_471_000) for number in range(12)] + [(4_131_900, 3_471_900)]
    cells = pd.Series([grid.code(one, size=100) for one in homes], name="place")
    over = grid.cell_levels(cells, sizes=[1000], name="place")
    assert over["place_1000"].unique().tolist() == [grid.code((4_131_000, 3_471_000), size=1000)]
    counted = tabulation.of_rows(
        pd.DataFrame({"place": cells}), name="homes", by=["place"], measure=tabulation.Measure(),
        hierarchies={"place": Levels.of("place", over)},
    )  # fmt: skip
    origin = clearance.Origin(dataset="population.homes", unit="person", column_names=("place",))
    told = clearance.clear([counted], rules=clearance.Rules(3, 2000), origin=origin)["homes"].frame
    values = dict(zip(told["place"], told["value"].fillna(-1), strict=True))
    assert values[over["place_1000"][0]] == 13
    assert values[grid.code((4_131_900, 3_471_900), size=100)] == -1
    assert sorted(values.values()) == [-1, -1, 4, 4, 13, 13]


@pytest.mark.parametrize("cells", [["x"], ["CRS3035RES100mN0E0", "CRS3035RES1000mN0E0"]])
def test_other_names_are_no_cells(cells: list[str]) -> None:
    """Cells of two sizes, or words, have no common level."""
    with pytest.raises(ValueError, match="cell"):
        grid.cell_levels(cells, sizes=[10000])


@pytest.mark.parametrize("step", [0.001, 0.01, 0.1])
def test_degrees_have_steps_too(step: float) -> None:
    """Every value is at most a step above its cell's lower end, and the ends have no crumbs of binary numbers."""
    values = pd.Series([-7.4567, 0.0, 0.07, 7.4567, 54.3219])
    cells = coarsened(values, Coarseness(step=step))
    assert ((values - cells >= -1e-9) & (values - cells < step)).all()
    assert all(len(repr(one).partition(".")[2]) <= 3 for one in cells)
    assert coarsened(cells, Coarseness(step=step)).equals(cells)


def test_whole_numbers_stay_whole_and_gaps_stay_gaps() -> None:
    """A missing place is no place, not the zero point."""
    cells = coarsened(pd.Series([1999, None], dtype="Int64"), Coarseness(step=500))
    assert cells.tolist() == [1500, pd.NA]
    assert coarsened(pd.Series([None, 1.5]), Coarseness(step=1)).isna().tolist() == [True, False]


def test_a_day_begins_by_the_clock_on_the_wall() -> None:
    """Moments with a zone are cut in it, also on the day on which the clocks change."""
    moments = pd.Series(
        pd.to_datetime(["2026-03-29T00:30", "2026-10-25T02:30+02:00"], format="ISO8601", utc=True)
    )
    days = coarsened(moments.dt.tz_convert("Europe/Berlin"), Coarseness(slot="day"))
    assert [one.isoformat()[:16] for one in days] == ["2026-03-29T00:00", "2026-10-25T00:00"]
