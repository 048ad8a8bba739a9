"""The index of closed values: what is in it, what a text must hold to be a hit."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.model.dataset import FieldType, PrivacyRole
from stadtbuch.privacy import values
from stadtbuch.privacy.values import digests, hits, index, phrase, vocabulary, words

KEY = b"a key of the tests"


class Column:
    """What the index asks about a column."""

    def __init__(self, name: str, privacy: str, kind: str = "string") -> None:
        self.name, self.privacy, self.type = name, PrivacyRole(privacy), FieldType(kind)


class Dataset:
    """What the index asks about a dataset."""

    def __init__(self, *fields: Column) -> None:
        self.table = type("Schema", (), {"fields": fields})


def indexed(
    name: str, column: list, *, role: str, kind: str = "string", min_count: int = 3
) -> frozenset[bytes]:
    """Index a frame of one column."""
    return index(
        pd.DataFrame({name: column}), Dataset(Column(name, role, kind)), min_count=min_count, key=KEY
    )


def test_identifiers_are_found_whole_and_by_word() -> None:
    """A value of an identifier column is found as a whole, and by each of its longer words."""
    known = indexed("name", ["Erika Müller-Ambach"] * 50, role="identifier")
    assert hits("ERIKA MÜLLER AMBACH", known, KEY) >= 1
    assert hits("Frau Ambach kam.", known, KEY) == 1
    assert hits("Erikas Ambachweg", known, KEY) == 0


def test_frequent_values_of_other_columns_are_not_indexed() -> None:
    """A value of a harmless column counts only while it is rarer than the minimum count."""
    known = indexed("job", ["Glockengießerin", *["Lehrkraft"] * 3], role="harmless")
    assert hits("Glockengießerin", known, KEY) == 1
    assert hits("Lehrkraft", known, KEY) == 0


def test_common_words_of_free_text_are_vocabulary() -> None:
    """A word that many free texts share is no finding; a rare one is, and so is each whole text."""
    notes = [f"Umzug innerhalb der Stadt {number}" for number in range(20)] + [
        "Nachbarin Zwetschgenbaum klagt"
    ]
    known = indexed("note", notes, role="free-text")
    assert hits("Umzug innerhalb", known, KEY) == 0
    assert hits("Zwetschgenbaum", known, KEY) == 1
    assert hits("umzug innerhalb der stadt 7", known, KEY) == 1


@pytest.mark.parametrize(("value", "found"), [("Ana", 0), ("1234567", 0), ("12345678", 1), ("P-000123", 1)])
def test_short_values_cannot_be_told_from_chance(value: str, found: int) -> None:
    """Names below five characters and numbers below eight digits are not searched for."""
    assert hits(value, indexed("id", [value], role="identifier"), KEY) == found


def test_domain_of_a_mail_address_is_no_name() -> None:
    """Of a mail address the whole and the part before the @ are searched for, not the provider."""
    known = indexed("mail", ["erika.ambach@anbieter.example"], role="identifier")
    assert hits("erika.ambach@anbieter.example", known, KEY) >= 1
    assert hits("Ambach", known, KEY) == 1
    assert hits("info@anbieter.example", known, KEY) == 0


def test_undescribed_columns_count_as_identifiers() -> None:
    """A column that the schema does not know is searched for like a name."""
    frame = pd.DataFrame({"surprise": ["Zaunkönig"] * 30})
    assert hits("Zaunkönig", index(frame, Dataset(), min_count=3, key=KEY), KEY) == 1


def test_numbers_of_other_columns_are_left_to_the_tables() -> None:
    """Columns that hold no text are not indexed, unless they identify."""
    assert indexed("income", [12345678.0], role="sensitive", kind="number") == frozenset()
    assert hits("12345678", indexed("id", [12345678], role="identifier", kind="integer"), KEY) == 1


def test_missing_values_are_nothing() -> None:
    """A missing value is not the word for missing."""
    assert indexed("name", [None, float("nan")], role="identifier") == frozenset()


def test_index_needs_its_key() -> None:
    """With another key nothing is found, and the index holds no text."""
    known = indexed("name", ["Zaunkönig"], role="identifier")
    assert hits("Zaunkönig", known, b"another key") == 0
    assert all(len(one) == values.SIZE and b"zaun" not in one for one in known)


def test_open_words_are_exempt() -> None:
    """A word that is known to be open is no finding; a longer phrase with it is."""
    known = indexed("name", ["Erika Sommer"], role="identifier")
    exempt = vocabulary(["Sommer in der Stadt"])
    assert hits("Im Sommer fahren viele.", known, KEY, exempt=exempt) == 0
    assert hits("Erika Sommer fährt.", known, KEY, exempt=exempt) == 2


def test_spelling_does_not_hide() -> None:
    """Case, composed letters, soft hyphens and zero-width characters make no difference."""
    known = digests([phrase("Müßiggang")], key=KEY)
    for spelled in ("MÜSSIGGANG", "Mu\u0308ßiggang", "Mü\u00adßig\u200bgang"):
        assert hits(spelled, known, KEY) == 1


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    """No text breaks the search, and words are found in the text they come from."""
    assert hits(text, digests(values.runs(text), key=KEY), KEY) == len(values.runs(text))
    assert all(word == word.casefold() for word in words(text) if word.isascii())


def test_a_place_that_bears_a_full_name_makes_the_name_public() -> None:
    """The look-alike of every city: a bridge named after somebody whose name also stands in the register."""
    known = digests([phrase("Ottilie Wendhoff"), phrase("Erika Mustermann")], key=b"k")
    exempt = vocabulary(["Ottilie-Wendhoff-Brücke"])
    assert hits("Ottilie-Wendhoff-Brücke, Ottilie Wendhoff", known, b"k", exempt=exempt) == 0
    assert hits("Ottilie-Wendhoff-Brücke, Erika Mustermann", known, b"k", exempt=exempt) == 1
