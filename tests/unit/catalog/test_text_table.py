"""Delimited text: every cell text, every row its line, every defect an error that quotes nothing."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.catalog import text_table
from stadtbuch.errors import SourceError


def refused(raw: bytes, **options: object) -> SourceError:
    """Give the error of a file that must not be read."""
    with pytest.raises(SourceError) as caught:
        text_table.parse(raw, name="a.csv", columns=["a", "b"], **options)  # type: ignore[arg-type]
    return caught.value


def test_cells_stay_text() -> None:
    """Zeros, signs, spaces and what other readers take for missing are kept."""
    frame = text_table.parse(b"a;b\n01; NA\n-;nan\n;\n", name="a.csv", columns=["a", "b"], sep=";")
    assert frame.to_dict("list") == {"a": ["01", "-", ""], "b": [" NA", "nan", ""]}
    assert [str(kind) for kind in frame.dtypes] == ["str", "str"]


def test_rows_know_their_line() -> None:
    """Blank lines and line breaks inside quotation marks are counted."""
    raw = b'# note\n\na,b\n1,"x\ny"\n\n2,z\r\n3,w\n'
    frame = text_table.parse(raw, name="a.csv", columns=["a", "b"], skip_rows=1)
    assert list(frame.index) == [4, 7, 8]
    assert list(frame["b"]) == ["x\ny", "z", "w"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "iso-8859-15", "utf-16"])
def test_encodings_are_read_as_declared(encoding: str) -> None:
    """The same words in each encoding."""
    raw = "a,b\nGroß,Öl\n".encode(encoding)
    frame = text_table.parse(raw, name="a.csv", columns=["a", "b"], encoding=encoding)
    assert frame.iloc[0].tolist() == ["Groß", "Öl"]


def test_byte_order_mark_is_no_part_of_the_first_heading() -> None:
    """UTF-8 with BOM is UTF-8."""
    frame = text_table.parse("\ufeffa,b\n1,2\n".encode(), name="a.csv", columns=["a", "b"])
    assert list(frame.columns) == ["a", "b"]


def test_wrong_encoding_says_what_to_write() -> None:
    """cp1252 read as UTF-8 names file, line and the encoding to write."""
    error = refused("a,b\n1,2\nKöln,3\n".encode("cp1252"))
    assert error.code == "source.encoding"
    assert "a.csv" in error.what.de
    assert "Zeile 3" in error.what.de
    assert error.remedy is not None
    assert "encoding: cp1252" in error.remedy.de


def test_utf8_declared_as_something_older_is_noticed() -> None:
    """Otherwise every umlaut would silently become two letters."""
    error = refused("a,b\nKöln,3\n".encode(), encoding="cp1252")
    assert error.code == "source.encoding"
    assert error.remedy is not None
    assert "encoding: utf-8" in error.remedy.de


@pytest.mark.parametrize("row", ["1,2,3", "1"])
def test_ragged_row_is_named_by_line(row: str) -> None:
    """Too many and too few cells alike; nothing is filled up or cut off."""
    error = refused(f"a,b\n1,2\n{row}\n4,5\n".encode())
    assert error.code == "source.format"
    assert "(Zeile 3)" in error.what.de


def test_source_note_is_left_out_when_the_catalogue_says_so() -> None:
    """A last line in prose, with or without commas in it."""
    raw = b"a,b\n1,2\nQuelle: Amt, Stand 2024, vorl.\n\n"
    assert "Zeile 3" in refused(raw).what.de
    frame = text_table.parse(raw, name="a.csv", columns=["a", "b"], skip_footer=1)
    assert frame.to_dict("list") == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("raw", [b'a,b\n1,"2\n3,4\n', b'a,b\n1,"2"x\n'])
def test_quotation_marks_that_do_not_match_are_an_error(raw: bytes) -> None:
    """An open one would swallow the rest of the file."""
    error = refused(raw)
    assert error.code == "source.format"
    assert "Zeile 2" in error.what.de


def test_headings_that_stand_twice_are_an_error() -> None:
    """They are not renamed behind anybody's back."""
    error = refused(b"a,b,a,,\n1,2,3,4,5\n")
    assert error.code == "source.columns"
    assert "'a'" in error.what.de


def test_file_without_headings_takes_the_schema() -> None:
    """`header: false` uses the columns in their order, and their number must fit."""
    frame = text_table.parse(b"1,2\n", name="a.csv", columns=["a", "b"], header=False)
    assert frame.to_dict("list") == {"a": ["1"], "b": ["2"]}
    assert refused(b"1,2,3\n", header=False).code == "source.format"


def test_empty_file_is_an_error_and_no_rows_are_none() -> None:
    """Nothing at all is a mistake; headings without rows are an empty table."""
    assert refused(b"").code == "source.format"
    assert text_table.parse(b"a,b\n", name="a.csv", columns=["a", "b"]).shape == (0, 2)


CELLS = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from([",", ";", "\t"]))
def test_what_is_written_is_read(rows: list[tuple[str, str]], sep: str) -> None:
    """Any cells survive writing and reading: separators, quotation marks, line breaks."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=sep, lineterminator="\n").writerows([("a", "b"), *rows])
    frame = text_table.parse(buffer.getvalue().encode(), name="a.csv", columns=["a", "b"], sep=sep)
    assert list(zip(frame["a"], frame["b"], strict=True)) == rows


@given(st.binary(max_size=80), st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_any_bytes_give_a_table_or_a_refusal(raw: bytes, encoding: str) -> None:
    """No other error comes out, and no cell is quoted in it."""
    try:
        frame = text_table.parse(raw, name="a.csv", columns=["a", "b"], encoding=encoding)
    except SourceError as error:
        assert error.code in {"source.encoding", "source.format", "source.columns"}
    else:
        assert frame.index.is_monotonic_increasing
