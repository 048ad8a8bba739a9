"""Identifiers are told by their form and their check digit. All numbers are published examples or made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy.identifiers import KINDS, found

REAL = [
    ("iban", "DE89370400440532013000"),
    ("iban", "Konto DE89 3704 0044 0532 0130 00."),
    ("iban", "AT61 1904 3002 3457 3201"),
    ("tax-id", "86095742719"),
    ("tax-id", "47 036 892 816"),
    ("pension", "65170839J003"),
    ("health", "A000500015"),
    ("mail", "erika.mustermann+x@post.example"),
    ("phone", "+49 221 1234567"),
    ("phone", "0049 (0) 221 / 12 34 56"),
    ("phone", "0221/1234567"),
    ("phone", "0221-123456"),
]

LOOKALIKES = [
    "DE89370400440532013001",  # check digits wrong
    "DE89 3704 0044",  # too short
    "86095742718",  # check digit wrong
    "11111111111",
    "65170839J002",
    "65179939J003",  # no such month
    "A000500016",
    "12345678901",
    "2026-01-15",
    "05315000",
    "01011101 Stadt",
    "0,12345678901",
    "1.234.567,89",
    "@erika",
    "a@b",
    "0221 Personen",
    "2025/2026",
    "psn_a2b3c4d5e6a2b3c4d5e6",
    "#86095742719a",
]


@pytest.mark.parametrize(("kind", "text"), REAL)
def test_found(kind: str, text: str) -> None:
    """An identifier of the right form and check digit is found, and counted once."""
    assert found(f"Siehe {text} und {text}") == {kind: 1}


@pytest.mark.parametrize("text", LOOKALIKES)
def test_lookalike_is_not_found(text: str) -> None:
    """What only looks like an identifier is none."""
    assert found(f"Siehe {text} dort") == {}


def test_public_addresses_are_allowed() -> None:
    """A mailbox of an office is no finding, in any case."""
    assert found("Amt@Stadt.example, erika@post.example", allowed=frozenset({"amt@stadt.example"})) == {
        "mail": 1
    }


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    """No text breaks the search."""
    assert set(found(text)) <= set(KINDS)
