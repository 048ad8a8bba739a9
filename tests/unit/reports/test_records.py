"""Records: what a frame becomes before it is shown."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import UsageError
from stadtbuch.reports import records


@given(st.one_of(st.none(), st.booleans(), st.text(), st.integers(), st.floats(), st.dates(), st.datetimes()))
def test_every_cell_becomes_something_json_can_hold(value):
    """No type of cell can break a record, and not-a-number never gets in."""
    plain = records.plain(value)
    assert plain is None or isinstance(plain, (bool, str, int, float))
    assert plain == plain


def test_days_numbers_and_gaps_are_plain():
    """A day is its ISO date, numpy's numbers are Python's, every kind of missing is None."""
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2025-12-31", None]),
            "count": pd.array([3, None], dtype="Int64"),
            "share": [0.5, float("nan")],
            "group": pd.Categorical(["05–09", None]),
        }
    )
    assert records.rows(frame) == [["2025-12-31", 3, 0.5, "05–09"], [None, None, None, None]]


def test_a_pair_of_wordings_stays_a_pair():
    """A cell may speak both languages."""
    assert records.plain({"de": "alt", "en": "old"}) == {"de": "alt", "en": "old"}


def test_columns_take_titles_and_labels_from_the_catalogue():
    """What the author states wins, the catalogue follows, the house's words come last."""
    frame = pd.DataFrame({"sex": ["f"], "value": [3], "own": [0.25]})
    known = {"sex": {"title": {"de": "Geschlecht", "en": "Sex"}, "labels": {"f": {"de": "w", "en": "f"}}}}
    columns = records.columns(frame, given={"own": {"de": "Eigenes", "en": "Own"}}, known=known)
    assert [column["title"]["de"] for column in columns] == ["Geschlecht", "Anzahl", "Eigenes"]
    assert columns[0]["labels"] == {"f": {"de": "w", "en": "f"}}
    assert [column.get("places") for column in columns] == [None, 0, 2]


def test_a_column_without_title_is_refused_and_named():
    """All columns without a title are named at once, with what to write."""
    frame = pd.DataFrame({"a": [1], "b": [2], "value": [3]})
    with pytest.raises(UsageError) as caught:
        records.columns(frame, given=None, known={})
    assert caught.value.code == "output.column-title"
    assert "a, b" in caught.value.what.en


@pytest.mark.parametrize(("values", "places"), [([2024, 2025], None), ([202400, 3], 0)])
def test_a_year_is_a_name_and_a_sum_of_a_year_is_a_number(values, places):
    """2025 stays 2025; a count in a column called year gets its thousands."""
    (column,) = records.columns(pd.DataFrame({"year": values}), given=None, known={})
    assert column["places"] == places


def test_geometry_is_left_out():
    """Shapes belong into pictures, not into tables."""
    import geopandas as gpd
    from shapely.geometry import Point

    frame = gpd.GeoDataFrame({"value": [1]}, geometry=[Point(0, 0)])
    assert records.names(frame) == ["value"]
    assert records.rows(frame) == [[1]]
