"""Other writings of a text are undone, ordinary text has none."""

import pytest
from builders.traps import disguised
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy import values
from stadtbuch.privacy.disguises import Layer, literals, undone


def readings(text: str) -> set[str]:
    """Give the words of a text and of all its other writings, as the gate compares them."""
    layers = [layer.text for layer in undone(text) if layer.text]
    return {
        values.phrase(one) for one in (text, *layers, *(line for one in layers for line in one.splitlines()))
    }


@pytest.mark.parametrize("name", ["Zwetschgenmüller", "Öttinghaus", "Yılmazer", "Große-Kleinschmidt"])
def test_each_writing_is_undone(name: str) -> None:
    """Base64, escapes, percent signs and the others lead back to the name."""
    lost = {what for what, text in disguised(name).items() if values.phrase(name) not in readings(text)}
    assert lost <= {"Base64 in lines", "colours of a terminal", "JSON in JSON"}  # longer than the name


def test_long_unreadable_data_are_named() -> None:
    """A long run of Base64 that decodes to nothing readable is a layer without a text."""
    noise = "kX9v" * 60
    assert Layer("Base64", None) in undone(noise)
    assert undone(noise[:150]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Im Jahr 2025 zogen 1.204 Menschen in die Südstadt, 12 % mehr als 2024.",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
        "https://stadt.example/daten/bevoelkerung/2025/tabelle-12.html?page=2&size=10",
        "docs/explanation/disclosure-control-of-municipal-registers",
    ],
)
def test_ordinary_text_has_no_other_writing(text: str) -> None:
    """Words, hashes and addresses are not taken for packed text."""
    assert undone(text) == ()


@given(st.text())
def test_any_text_can_be_undone(text: str) -> None:
    """No text breaks it, as writing or as code."""
    undone(text)
    literals(text)


def test_broken_code_has_no_literals() -> None:
    """Magics and half a line give nothing; the text itself is searched anyway."""
    assert literals("%matplotlib inline\nx = ") == ""
