"""History: what releases tell together that none of them tells alone."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure import history
from stadtbuch.disclosure.history import Exposure, Release, exposure


def band(low: int, high: int | None) -> dict[str, Any]:
    """Give a condition over ages."""
    return {"column": "age", "from": low, "to": high}


def code(column: str, *values: str) -> dict[str, Any]:
    """Give a condition over codes."""
    return (
        {"column": column, "equals": values[0]} if len(values) == 1 else {"column": column, "in": [*values]}
    )


def release(id: str, *cells: tuple[list[dict[str, Any]], int | None], least: int = 1) -> Release:
    """Give a release of a city whose minimum count is 3."""
    return Release.stating(
        id, [told for told, _ in cells], [value for _, value in cells], min_count=3, least=least
    )


def named(found: Exposure) -> tuple[int, int, tuple[str, ...]]:
    """Give how many sets are exposed, how many exactly, and with which releases."""
    return found.atoms, found.exact, found.with_


def test_one_year_more_shows_who_is_in_it() -> None:
    """Two bands that differ by one age; the finding names the earlier release."""
    old = release("old", ([band(0, 17)], 20))
    assert named(exposure(release("new", ([band(0, 18)], 22)), [old])) == (1, 1, ("old",))
    assert named(exposure(release("new", ([band(0, 18)], 20)), [old])) == (0, 0, ())  # nobody
    assert named(exposure(release("new", ([band(0, 18)], 23)), [old])) == (0, 0, ())  # enough


def test_with_and_without_a_part() -> None:
    """All boroughs here, all but one there."""
    all_, most = ["01", "02", "03"], ["01", "02"]
    old = release("old", ([code("borough", *all_)], 40))
    assert named(exposure(release("new", ([code("borough", *most)], 38)), [old])) == (1, 1, ("old",))


def test_the_difference_of_several_releases_is_found() -> None:
    """No pair tells, all three do; each of them is named, and one that has nothing to do with it is not."""
    earlier = [
        release("young", ([band(0, 15)], 20)),
        release("elsewhere", ([code("year", "1999"), band(0, 40)], 70)),
        release("teens", ([band(16, 17)], 5)),
    ]
    found = exposure(release("new", ([band(0, 18)], 26)), earlier)
    assert named(found) == (1, 1, ("young", "teens"))


def test_a_withheld_cell_is_not_computed_by_another_grouping() -> None:
    """The first table withholds two cells of a line; the second one publishes one of them under another name."""
    first = release(
        "first",
        ([code("borough", "01")], None),
        ([code("borough", "02")], None),
        ([code("borough", "03")], 30),
        ([], 39),
    )
    second = release("second", ([code("borough", "02", "03")], 37))
    assert named(exposure(second, [first])) == (1, 1, ("first",))


def test_a_range_that_is_too_narrow_is_exposed_too() -> None:
    """Not exact, but surely somebody and surely fewer than three."""
    first = release("first", ([code("sex", "f")], None), ([code("sex", "m")], 10), ([], 15))
    second = release(
        "second", ([code("sex", "f"), band(0, 17)], None), ([code("sex", "f"), band(18, None)], None)
    )
    narrow = release("narrow", ([code("sex", "f"), band(0, 60)], 4))
    assert named(exposure(narrow, [first])) == (1, 1, ("first",))  # one woman above 60
    assert named(exposure(second, [first])) == (0, 0, ())  # one to four of each
    three = release(
        "three",
        *(([code("sex", "f"), band(low, low + 9)], None) for low in (0, 10, 20)),
        ([code("sex", "f")], 4),
    )
    assert exposure(three, []).atoms == 3  # each one or two


def test_other_reference_dates_are_other_rows() -> None:
    """The same table of another day says nothing about this one; the same day in a longer list does."""
    day = {"column": "reference_date", "equals": "2025-12-31"}
    old = release("old", ([day, band(0, 17)], 20))
    other = release("new", ([{"column": "reference_date", "equals": "2026-03-31"}, band(0, 18)], 21))
    assert history.related(other, [old]) == []
    both = release("new", ([{"column": "reference_date", "in": ["2025-12-31"]}, band(0, 18)], 21))
    assert named(exposure(both, [old])) == (1, 1, ("old",))


def test_a_cumulative_count_shows_its_last_quarter() -> None:
    """January to June minus January to March."""

    def until(end: str) -> list[dict[str, Any]]:
        return [{"column": "born", "from": "2025-01-01", "to": end}]

    old = release("q1", (until("2025-03-31"), 30))
    assert named(exposure(release("q2", (until("2025-06-30"), 32)), [old])) == (1, 1, ("q1",))


def test_changed_borders_are_subtracted() -> None:
    """A part of one borough went to another; that nothing else moved is known from the map."""
    old = release("old", ([code("borough_2020", "1")], 20), ([code("borough_2020", "2")], 50))
    new = release("new", ([code("borough_2025", "1")], 22), ([code("borough_2025", "2")], 48))
    assert exposure(new, [old]).atoms == 0
    together = {("borough_2020", "borough_2025"): {("1", "1"), ("2", "1"), ("2", "2")}}
    assert named(exposure(new, [old], together=together)) == (1, 1, ("old",))


def test_a_borough_minus_its_districts() -> None:
    """Different columns of the catalogue, one of which follows from the other."""
    borough = release("boroughs", ([code("borough", "1")], 50), ([code("borough", "2")], 60))
    districts = release("districts", ([code("district", "11")], 30), ([code("district", "12")], 18))
    together = {("district", "borough"): {("11", "1"), ("12", "1"), ("13", "1"), ("21", "2")}}
    assert exposure(districts, [borough]).atoms == 0
    assert named(exposure(districts, [borough], together=together)) == (1, 1, ("boroughs",))


def test_the_published_case_of_geographical_differencing(shared: Any) -> None:
    """The handbook's two sets of borders (ESSnet, chapter 5) differ by few; every one of them is named."""
    case = json.loads((shared / "cases/privacy/expected.json").read_text())["handbook_ch5_geo_differencing"]
    small = sum(0 < one < 3 for row in case["diff"] for one in row)

    def cells(table: list[list[int]], *zones: str) -> list[tuple[list[dict[str, Any]], int]]:
        return [
            ([code("zone", *zones), band(10 * row, 10 * row + 9), code("sex", "fm"[sex])], value)
            for row, line in enumerate(table)
            for sex, value in enumerate(line)
        ]

    old = release("output areas", *cells(case["OA"], "core"))
    found = exposure(release("districts", *cells(case["ED"], "core", "rim")), [old])
    assert (found.exact, found.with_) == (small, ("output areas",))


def test_earlier_numbers_that_changed_are_left_out() -> None:
    """A corrected register: nothing can be subtracted where the numbers do not fit, and elsewhere it still can."""
    old = release(
        "old",
        ([code("sex", "f"), band(0, 17)], 20),
        ([code("sex", "m"), band(0, 17)], 20),
        ([band(0, 17)], 40),
    )
    new = release("new", ([code("sex", "f"), band(0, 18)], 15), ([code("sex", "m"), band(0, 18)], 21))
    assert named(exposure(new, [old])) == (1, 1, ("old",))
    zero = release("zero", ([code("sex", "f"), band(0, 18)], 0), ([code("sex", "m"), band(0, 18)], 21))
    assert named(exposure(new, [zero])) == (0, 0, ())


def test_what_was_known_before_is_not_the_new_release_to_blame() -> None:
    """Two earlier releases expose somebody; a third one that tells nothing about them passes."""
    earlier = [release("a", ([band(0, 17)], 20)), release("b", ([band(0, 18)], 21))]
    assert named(exposure(release("c", ([band(0, 40)], 80)), earlier)) == (0, 0, ())


def test_too_fine_is_told() -> None:
    """More atoms than a test takes on are refused, not skipped."""
    columns = [f"c{number}" for number in range(7)]
    fine = [release(one, *(([code(one, str(value))], 5) for value in range(9))) for one in columns]
    with pytest.raises(history.TooFineError):
        exposure(fine[0], [release("all", ([], 100)), *fine[1:]])


def test_a_release_is_read_back_as_it_was() -> None:
    """What is remembered gives the same tests."""
    old = release("old", ([band(0, 17), code("sex", "f")], 20), ([band(0, 17)], None), ([], 50))
    again = Release.read("old", json.loads(json.dumps(old.content)))
    assert again.content == old.content
    assert (again.hidden, again.values, again.least) == (1, (20, None, 50), 1)


# ---- laws ---------------------------------------------------------------------------------------------

BOXES = st.tuples(
    st.tuples(st.integers(0, 2), st.integers(0, 2)).map(sorted), st.sampled_from(["f", "m", "fm"])
)
CITIES = np.array(list(product(range(5), repeat=6))).reshape(-1, 3, 2)
"""Every city of three ages and two sexes with at most four people in each."""


def _counts(low: int, high: int, sexes: str) -> np.ndarray:
    """Count a box in every city."""
    return CITIES[:, low : high + 1, ["fm".index(one) for one in sexes]].sum(axis=(1, 2))


@st.composite
def universes(draw: st.DrawFn) -> tuple[list[Release], np.ndarray]:
    """Give some releases of one city, each a few boxes of it, and which cities look like that from outside."""
    truth = draw(st.integers(0, len(CITIES) - 1))
    releases, fits = [], np.ones(len(CITIES), dtype=bool)
    for number in range(draw(st.integers(2, 4))):
        cells = []
        for (low, high), sexes in draw(st.lists(BOXES, min_size=1, max_size=3)):
            counts = _counts(low, high, sexes)
            value = int(counts[truth])
            small = 0 < value < 3
            cells.append(([band(low, high), code("sex", *sexes)], None if small else value))
            fits &= counts >= 1 if small else counts == value
        releases.append(release(f"r{number}", *cells))
    return releases, fits


def _joint(releases: list[Release]) -> tuple[history.Refinement, Any]:
    made = history.refined(releases)
    never = np.zeros(made.shape, dtype=bool)
    return made, history._Joint(made, [history._own(made, one) for one in releases], never)


@settings(max_examples=40, deadline=None)
@given(universes())
def test_what_is_exposed_is_so_in_every_city_that_fits(universe: tuple[list[Release], np.ndarray]) -> None:
    """No false alarm: whatever is called exposed is small in all of them, counted through one by one."""
    (new, *earlier), fits = universe
    made = history.refined([new, *earlier])
    columns = [axis.column for axis in made.axes]
    assert columns == ["age", "sex"]
    found, _ = history._suspects(new, earlier, {})
    for box, low, high in found:
        age = [one for one in range(3) if box[0][np.searchsorted(made.axes[0].edges, one, side="right") - 1]]
        sex = [
            at
            for at, one in enumerate("fm")
            if one in made.axes[1].values and box[1][made.axes[1].values.index(one)]
        ]
        counts = CITIES[fits][:, age][:, :, sex].sum(axis=(1, 2))
        assert low - 1e-6 <= counts.min() <= counts.max() <= high + 1e-6
        assert 1 <= counts.min() <= counts.max() < 3


@settings(max_examples=40, deadline=None)
@given(universes(), st.data())
def test_a_further_release_never_widens_an_interval(
    universe: tuple[list[Release], np.ndarray], data: st.DataObject
) -> None:
    """Whoever knows more can compute more: the ends of every set only come closer."""
    releases, _ = universe
    made, whole = _joint(releases)
    box = [np.array(data.draw(st.sampled_from(list(np.eye(size, dtype=bool))))) for size in made.shape]
    weights = np.multiply.outer(*box).astype(float)
    fewer = history._Joint(
        made, [history._own(made, one) for one in releases[:-1]], np.zeros(made.shape, dtype=bool)
    )
    if not (weights * fewer.unknown).any():
        assert whole.search(weights, 1.0) >= fewer.search(weights, 1.0) - 1e-6
        assert whole.search(weights, -1.0) <= fewer.search(weights, -1.0) + 1e-6
