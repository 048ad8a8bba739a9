"""Raw rows are told by their form, as pandas of today prints it."""

import pandas as pd
import pytest

from stadtbuch.privacy.rows import Sight, seen, seen_html

CLOSED = [("demo.people", ("district", "age", "sex")), ("demo.pupils", ("school", "class"))]
PEOPLE = pd.DataFrame({"district": ["Nord", "Süd", "Nord"], "age": [34, 41, 7], "sex": ["w", "m", "w"]})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (repr(PEOPLE), 3),
        (repr(PEOPLE.head(1)), 1),
        (PEOPLE.to_string(index=False), 3),
        (PEOPLE.to_csv(index=False), 3),
        (PEOPLE.set_index("district").to_string(), None),
        (str(PEOPLE["age"]), 3),
        (repr(pd.concat([PEOPLE] * 100)), 300),
        (str(pd.concat([PEOPLE["age"]] * 100)), 300),
        (str(PEOPLE.to_dict("records")), 3),
        (PEOPLE.to_json(orient="records"), 3),
        (str(PEOPLE.groupby(["district", "sex"]).size()), 2),
        ("| district | age |\n|---|---|\n| Nord | 34 |", 1),
    ],
)
def test_rows_are_seen(text: str, number: int | None) -> None:
    """Frames, series, CSV, Markdown and dictionaries are told, and rows counted where that is possible."""
    sight = seen(text, columns=CLOSED)
    assert sight is not None
    assert sight.dataset == "demo.people"
    if number is not None and "rows x" not in text:
        assert sight.number == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fertig.",
        "Spalten: district, age, sex",
        "district age sex",
        "Gruppiert nach district und age.\n\nDann weiter.",
        str(PEOPLE.dtypes),
        "   district  age  value mark\n0  Nord  00–04  12",
        '{"rows": ["district"], "labels": {"district": ["Nord"], "age": ["1"]}}',
        "3 rows and 4 columns",
    ],
)
def test_other_texts_are_no_rows(text: str) -> None:
    """Sentences, lists of columns, types, and tables that were protected are no rows."""
    assert seen(text, columns=CLOSED) is None


def test_rows_of_no_known_dataset() -> None:
    """A large frame without a known column is rows all the same."""
    assert seen("a\n1\n\n[900 rows x 1 columns]", columns=CLOSED) == Sight(None, 900)


def test_frames_as_html() -> None:
    """The table that pandas makes in Jupyter is told by its class."""
    assert seen_html(PEOPLE.to_html(), columns=CLOSED) == Sight("demo.people", 3)
    assert seen_html("<table><tr><td>1</td></tr></table>", columns=CLOSED) is None


def test_without_closed_inputs_forms_still_count() -> None:
    """Where no column names are known, the forms of pandas are told."""
    assert seen(str(PEOPLE["age"]), columns=[]) == Sight(None, 3)
