"""Markup: HTML and CSV from records, the same in kernel, gate and site."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stadtbuch.reports import markup

TITLE = {"de": "Bezirk", "en": "Borough"}
RECORD = {
    "caption": {"de": "Menschen & Tiere", "en": "People & animals"},
    "columns": [
        {"name": "borough", "title": TITLE, "align": "text"},
        {"name": "value", "title": {"de": "Anzahl", "en": "Count"}, "align": "number", "places": 0},
    ],
    "rows": [["<b>Mitte</b>", 12345], [{"total": True}, {"mark": "·"}]],
    "legend": {"de": "· geheim", "en": "· withheld"},
}


def test_a_table_speaks_the_language_of_its_reader():
    """Headings, numbers, totals and legend change together."""
    german, english = markup.table_html(RECORD, "de"), markup.table_html(RECORD, "en")
    assert '<td class="num">12.345</td>' in german
    assert '<th scope="row">Insgesamt</th>' in german
    assert '<td class="num">12,345</td>' in english
    assert '<p class="legend">· withheld</p>' in english


def test_a_table_can_be_read_without_seeing_it():
    """Caption, headings with scope, and a region that the keyboard reaches."""
    html = markup.table_html(RECORD, "de")
    assert "<caption>Menschen &amp; Tiere</caption>" in html
    assert 'role="region" tabindex="0" aria-label="Tabelle: Menschen &amp; Tiere"' in html
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 2


@given(st.text())
def test_no_value_becomes_markup(value):
    """Whatever a cell holds, it adds no element and no attribute to the table."""
    plain = markup.table_html(RECORD | {"rows": [["x", 1]]}, "de")
    hostile = markup.table_html(RECORD | {"rows": [[value, 1]]}, "de")
    assert hostile.count("<") == plain.count("<")
    assert hostile.count('"') == plain.count('"')


@pytest.mark.parametrize(
    ("value", "column", "german", "english"),
    [
        (None, {}, "k. A.", "n/a"),
        (True, {}, "ja", "yes"),
        (1234.5, {"places": 1}, "1.234,5", "1,234.5"),
        (2025, {"places": None}, "2025", "2025"),
        ("2025-12-31", {}, "31.12.2025", "31 Dec 2025"),
        ("f", {"labels": {"f": {"de": "weiblich", "en": "female"}}}, "weiblich", "female"),
        ({"de": "alt", "en": "old"}, {}, "alt", "old"),
        ({"mark": "–"}, {}, "–", "–"),
    ],
)
def test_each_kind_of_cell_has_its_form(value, column, german, english):
    """Numbers, days, codes, signs and gaps are written as readers know them."""
    assert (markup.cell(value, column, "de"), markup.cell(value, column, "en")) == (german, english)


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(), st.text()), min_size=2, max_size=2)))
@example([[None, "\r"]])
def test_csv_can_be_read_back(rows):
    """Commas, quotation marks and line breaks in values do not move a column."""
    text = markup.csv_text({"columns": [{"name": "a"}, {"name": "b"}], "rows": rows})
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["a", "b"]
    assert read[1:] == [["" if value is None else str(value) for value in row] for row in rows]


def test_a_sign_takes_the_place_of_its_number():
    """The column of signs goes, margins become words."""
    columns, rows = markup.fold(
        [{"name": "borough"}, {"name": "value"}, {"name": "mark"}], [["01", None, "·"], ["total", 8, ""]]
    )
    assert columns == [{"name": "borough"}, {"name": "value"}]
    assert rows == [["01", {"mark": "·"}], [{"total": True}, 8]]


def test_a_headline_has_number_unit_and_day():
    """The number first, then what it counts and when."""
    record = {"value": 12345, "unit": {"de": "Menschen", "en": "people"}, "at": "2025-12-31", "label": None}
    assert markup.headline_text(record) == "12.345 Menschen"
    assert ">12,345<" in markup.headline_html(record, "en")
    assert "as of: 31 Dec 2025" in markup.headline_html(record, "en")
