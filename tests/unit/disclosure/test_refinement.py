"""Refinement: what two ways of cutting a column share, and who cannot be anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure.refinement import Axis, Refinement


def test_bands_and_single_ages_share_their_pieces() -> None:
    """An age that stands alone is cut out of the band that holds it."""
    axis = Axis.of("age", [{"from": 0, "to": 17}, {"equals": 9}, {"from": 65, "to": None}])
    assert axis.edges == (float("-inf"), 0, 9, 10, 18, 65, float("inf"))
    assert axis.mask({"from": 0, "to": 17}).tolist() == [False, True, True, True, False, False]
    assert axis.mask({"from": 65, "to": None}).tolist() == [False] * 5 + [True]


def test_days_are_cut_like_numbers() -> None:
    """A half year is a quarter and another one."""
    half, quarter = ({"from": "2025-01-01", "to": f"2025-{end}"} for end in ("06-30", "03-31"))
    axis = Axis.of("born", [half, quarter])
    assert [int(axis.mask(one).sum()) for one in (half, quarter)] == [2, 1]


def test_a_code_stays_a_code() -> None:
    """Lists and single values name the same pieces, whatever type they came in; what nobody names is the rest."""
    axis = Axis.of("borough", [{"in": ["01", "02"]}, {"equals": 3}])
    assert axis.values == ("01", "02", "3", None)
    assert axis.all([{"in": ["01", "02"]}, {"in": ["02", "03"]}]).tolist() == [False, True, False, False]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), min_size=1, max_size=5))
def test_pieces_put_every_band_together_exactly(bands: list[list[int]]) -> None:
    """Of every age it is known in which piece it is, and each band holds its own ages and no others."""
    told = [{"column": "age", "from": low, "to": high} for low, high in bands]
    axis = Axis.of("age", told)
    for one in told:
        inside = [
            age
            for age in range(-1, 33)
            for piece in range(axis.size)
            if axis.mask(one)[piece] and axis.edges[piece] <= age < axis.edges[piece + 1]
        ]
        assert inside == list(range(one["from"], one["to"] + 1))


@pytest.mark.parametrize("swapped", [False, True])
def test_nobody_lives_in_a_district_of_another_borough(swapped: bool) -> None:
    """Which values occur together is known, in whatever order the axes stand; unknown districts may be anywhere."""
    fine, coarse = ("a", "b") if swapped else ("b", "a")
    told = [[{"column": fine, "in": ["11", "12", "9"]}], [{"column": coarse, "in": ["1", "2"]}]]
    never = Refinement.of(told).impossible({(fine, coarse): {("11", "1"), ("12", "3")}})
    table = never if swapped else never.T
    assert table.tolist() == [
        [False, True, True],
        [True, True, False],
        [True, False, False],
        [True, False, False],
    ]
