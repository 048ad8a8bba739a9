"""The store: one copy per content, verified when read, the same bytes for the same table."""

import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from stadtbuch import store as module
from stadtbuch.errors import StateError
from stadtbuch.store import Store, frame_bytes, read_frame


def a_frame() -> pd.DataFrame:
    """Make a small table with every type that the catalogue knows, and missing values."""
    return pd.DataFrame(
        {
            "code": pd.Series(["01011101", None, "ä"], dtype="str"),
            "count": pd.array([1, None, 2**53 + 1], dtype="Int64"),
            "share": [0.1, np.nan, -0.0],
            "known": pd.array([True, None, False], dtype="boolean"),
            "day": pd.to_datetime(["2025-12-31", None, "1900-01-01"]).astype("datetime64[us]"),
            "at": pd.to_datetime(["2025-10-26T00:30", "2025-10-26T01:30", None], utc=True)
            .tz_convert("Europe/Berlin")
            .astype("datetime64[us, Europe/Berlin]"),
            "group": pd.Categorical(["b", "a", None], categories=["b", "a", "c"], ordered=True),
        }
    )


def a_map() -> gpd.GeoDataFrame:
    """Make two named points in a projected system."""
    return gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[Point(1, 2), Point(3.5, 4)], crs=25832)


def test_what_was_put_comes_back(tmp_path):
    """The name of bytes is their SHA-256."""
    store = Store(tmp_path / "store")
    digest = store.put(b"content")
    assert digest == sha256(b"content").hexdigest()
    assert store.get(digest) == b"content"
    assert store.has(digest)


def test_there_is_one_private_copy_per_content(tmp_path):
    """The same bytes again change nothing; only the owner may read them."""
    store = Store(tmp_path / "store")
    digest = store.put(b"content")
    before = store.path(digest).stat().st_ino
    assert store.put(b"content") == digest
    assert store.path(digest).stat().st_ino == before
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert files == [tmp_path / "store" / digest[:2] / digest[2:]]
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


def test_a_damaged_piece_is_an_error_not_a_wrong_number(tmp_path):
    """One changed byte is noticed at the next reading."""
    store = Store(tmp_path / "store")
    digest = store.put(b"content")
    store.path(digest).write_bytes(b"Content")
    with pytest.raises(StateError) as caught:
        store.get(digest)
    assert caught.value.code == "store.damaged"


def test_putting_the_same_again_repairs_a_damaged_piece(tmp_path):
    """Building again is what the message advises; it has to help."""
    store = Store(tmp_path / "store")
    store.path(store.put(b"content")).write_bytes(b"")
    assert store.get(store.put(b"content")) == b"content"


def test_a_missing_piece_is_named(tmp_path):
    """The message gives the beginning of the digest and what to do."""
    with pytest.raises(StateError) as caught:
        Store(tmp_path / "store").get("0" * 64)
    assert caught.value.code == "store.missing"
    assert "000000000000" in caught.value.render("en")


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_digests_lead_to_files(tmp_path, digest):
    """No name leads out of the store."""
    with pytest.raises(ValueError, match="64 hexadecimal"):
        Store(tmp_path / "store").path(digest)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    """A full disk is a sentence, and there is no half piece."""
    store = Store(tmp_path / "store")
    monkeypatch.setattr(module.atomic.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(StateError) as caught:
        store.put(b"content")
    monkeypatch.undo()
    assert caught.value.code == "state.full"
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_table_comes_back_with_its_types():
    """Every type of the catalogue survives, missing values and zones included."""
    pd.testing.assert_frame_equal(read_frame(frame_bytes(a_frame())), a_frame())


def test_an_empty_table_keeps_its_types():
    """No rows is an answer as well."""
    empty = a_frame().iloc[:0].drop(columns="group")
    pd.testing.assert_frame_equal(read_frame(frame_bytes(empty)), empty)


def test_the_same_table_gives_the_same_bytes():
    """Index, attrs and the pieces that were joined are not part of a table."""
    plain = frame_bytes(a_frame())
    halves = pd.concat([a_frame().iloc[:1], a_frame().iloc[1:]])
    halves.index = [7, 8, 9]
    halves.attrs["hint"] = "closed"
    assert frame_bytes(halves) == plain
    assert frame_bytes(read_frame(plain)) == plain
    assert frame_bytes(a_frame().iloc[::-1].iloc[::-1]) == plain


MAKE = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from test_store import a_frame, a_map
from stadtbuch.store import frame_bytes
for frame in (a_frame(), a_map()):
    print(hashlib.sha256(frame_bytes(frame)).hexdigest())
"""


def test_another_process_writes_the_same_bytes(monkeypatch):
    """The digest of a snapshot does not depend on who makes it, or on the seed of hashes."""
    paths = f"{Path(module.__file__).parent.parent}"
    made = subprocess.run(
        [sys.executable, "-c", MAKE, str(Path(__file__).parent)],
        env={"PYTHONPATH": paths, "PYTHONHASHSEED": "7", "PATH": ""},
        capture_output=True,
        check=True,
        text=True,
    )
    expected = [sha256(frame_bytes(frame)).hexdigest() for frame in (a_frame(), a_map())]
    assert made.stdout.split() == expected


def test_the_bytes_name_no_library_that_made_the_table():
    """What pandas and geopandas note about themselves is taken out."""
    for frame in (a_frame(), a_map()):
        metadata = parquet.read_schema(BytesIO(frame_bytes(frame))).metadata
        assert all(
            word not in value for word in (b"creator", b"pandas_version") for value in metadata.values()
        )


def test_a_map_comes_back_as_a_map():
    """A GeoDataFrame is GeoParquet: geometry and reference system survive, and so do the bytes."""
    back = read_frame(frame_bytes(a_map()))
    assert isinstance(back, gpd.GeoDataFrame)
    assert back.crs == a_map().crs
    assert back.geometry.equals(a_map().geometry)
    assert frame_bytes(back) == frame_bytes(a_map())


def test_bytes_that_are_no_table_are_a_sentence():
    """A program that mixes up two digests does not end in a traceback of a library."""
    with pytest.raises(StateError) as caught:
        read_frame(b"PAR1 no table")
    assert caught.value.code == "store.not-a-table"


values = st.fixed_dictionaries(
    {"text": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
     "count": st.none() | st.integers(-(2**63), 2**63 - 1),
     "share": st.none() | st.floats(allow_nan=False)}
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(values, max_size=6))
def test_any_table_survives(rows):
    """Reading gives what was written, and writing that again gives the same bytes."""
    frame = pd.DataFrame(
        {
            "text": pd.Series([row["text"] for row in rows], dtype="str"),
            "count": pd.array([row["count"] for row in rows], dtype="Int64"),
            "share": pd.Series([row["share"] for row in rows], dtype="float64"),
        }
    )
    data = frame_bytes(frame)
    pd.testing.assert_frame_equal(read_frame(data), frame)
    assert frame_bytes(read_frame(data)) == data
