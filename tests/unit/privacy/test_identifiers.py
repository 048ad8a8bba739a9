"""Identifiers are told by their form and their check digit. All numbers are published examples or made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy.identifiers import KINDS, found
from stadtbuch.privacy.values import vocabulary

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
    ("phone", "0176 12345678"),
    ("phone", "(0221) 123 45 67"),
    ("phone", "+43 1 5880 10"),
    ("iban", "de89 3704 0044 0532 0130 00"),
    ("card", "4111 1111 1111 1111"),
    ("card", "3782-822463-10005"),
    ("health", "A 000 500 015"),
    ("identity", "L01X00T471"),
    ("identity", "C01X00T478"),
    ("plate", "K-AB 1234"),
    ("plate", "MÜ-X 987E"),
    ("mail", "erika.mustermann (at) post (punkt) example"),
    ("mail", "erika[at]post.example"),
    ("address", "Musterstraße 12 a, 50667 Musterstadt"),
    ("address", "Am Alten Markt 3\n50667 Musterstadt"),
    ("device", "00:1a:2b:3c:4d:5e"),
]

SAID = [
    ("plate", "Kennzeichen B MW 7"),
    ("plate", "das Auto mit HH-X 12"),
    ("phone", "Telefon 0221 123 45 67"),
    ("tax-number", "Steuernummer 93/815/08152"),
    ("identity", "Ausweisnummer T22000129"),
    ("card", "Visa 4111111111111111"),
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
    "4111 1111 1111 1112",  # check digit wrong
    "4111111111111111",  # in one piece it is any number, unless a word says otherwise
    "Bestellung 4500123456",
    "Auftrag LX-2026-00417",
    "L01X00T472",  # check digit wrong
    "T22000129",
    "ISBN 978-3-16-148410-0",
    "ISBN 3-16-148410-0",
    "EAN 4006381333931",
    "DIN-EN 1090",
    "EN-A 1990",
    "QQ-AB 1234",  # no such district
    "A-B 12",
    "S-BA 12",
    "93/815/08152",
    "50667 Musterstadt",
    "Musterstraße 12",
    "Produkt 11.01.05 und 01.111.01",
    "51.234567, 7.123456",
    "2026-01-15T07:20:00+01:00",
    "12:34:56:11:22:33",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000",
    "+12 345 678 Euro",
    "+1 234 567 890",
    "0221 123456 Menschen",
    "§ 34 Abs. 2 SGB X",
    "A 45 und B 236",
    "CO2 2019 2020 2021",
    "01 02 03 04 05 06 07 08",
    "05 315 000 0001",
]


@pytest.mark.parametrize(("kind", "text"), REAL)
def test_found(kind: str, text: str) -> None:
    """An identifier of the right form and check digit is found, and counted once."""
    assert found(f"Siehe {text} und {text}") == {kind: 1}


@pytest.mark.parametrize(("kind", "text"), SAID)
def test_found_behind_a_word_that_says_so(kind: str, text: str) -> None:
    """What has the form of ordinary numbers counts where a word before it says what it is."""
    assert found(f"Hier: {text}.") == {kind: 1}
    assert found(f"Hier: {text.split(maxsplit=1)[1] if kind != 'plate' else text[-3:]}.") == {}


def test_a_house_that_open_data_name_is_public() -> None:
    """The address of a school that stands in an open dataset is no finding."""
    line = "Musterstraße 12, 50667 Musterstadt"
    assert found(line, public=vocabulary(["Grundschule, Musterstraße 12"])) == {}
    assert found(line, public=vocabulary(["Grundschule, Musterstraße 14"])) == {"address": 1}


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
