"""Texts: always both languages, numbers as readers write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.texts import LANGUAGES, Text, count, decimal, instant, same, text


def test_a_text_gives_the_language_that_was_asked_for():
    """German is what everybody gets who asks for something else."""
    both = Text(de="Alter", en="Age")
    assert [both.pick(language) for language in (*LANGUAGES, "fr")] == ["Alter", "Age", "Alter"]
    assert (str(both), both.as_dict()) == ("Alter", {"de": "Alter", "en": "Age"})


def test_a_text_cannot_be_built_in_one_language():
    """The type itself forbids what is untranslated."""
    with pytest.raises(TypeError, match="en"):
        Text(de="Alter")


@pytest.mark.parametrize(
    ("value", "missing"),
    [({"de": "Alter"}, "en"), ({"en": "Age"}, "de"), ({"de": "Alter", "en": " "}, "en"),
     ({"de": None, "en": "Age"}, "de"), ({}, "de"), ("Alter", "de")],
)  # fmt: skip
def test_a_missing_language_is_named(value, missing):
    """Whoever forgot a translation learns which."""
    with pytest.raises(KeyError) as caught:
        text(value)
    assert caught.value.args == (missing,)


def test_a_text_stays_a_text():
    """Reading what was read already changes nothing."""
    both = Text(de="Alter", en="Age")
    assert text(both) is both
    assert text(both.as_dict()) == both
    assert same("Mitte") == Text(de="Mitte", en="Mitte")


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [(0, "0", "0"), (999, "999", "999"), (1000, "1.000", "1,000"), (-1234567, "-1.234.567", "-1,234,567")],
)
def test_whole_numbers_are_grouped_as_readers_expect(number, german, english):
    """A point groups in German, a comma in English."""
    assert (count(number, "de"), count(number, "en")) == (german, english)


@given(st.integers())
def test_grouping_never_changes_a_number(number):
    """Without its separators it is the number again."""
    assert int(count(number, "de").replace(".", "")) == number
    assert int(count(number, "en").replace(",", "")) == number


def test_decimals_are_written_as_readers_expect():
    """Places are fixed, so that numbers below each other line up."""
    assert (decimal(1234.56, "de"), decimal(1234.56, "en")) == ("1.234,6", "1,234.6")
    assert (decimal(0.5, "de", places=3), decimal(12, "de", places=0)) == ("0,500", "12")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-23, 23))
def test_an_instant_is_the_same_point_in_time(local, offset):
    """Whatever zone it came from, the stored text is UTC and reads back as the same point."""
    moment = local.replace(tzinfo=timezone(timedelta(hours=offset)))
    stored = instant(moment)
    assert stored.endswith("Z")
    assert datetime.fromisoformat(stored) == moment
    assert datetime.fromisoformat(stored).tzinfo == UTC


def test_a_time_without_zone_is_no_instant():
    """It would mean something else on another machine."""
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 1, 1))
