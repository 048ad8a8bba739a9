"""
What names a person by itself: account, tax, pension and health insurance numbers, addresses of mail,
telephones.

Each kind has a fixed form; where it has a check digit, only numbers whose check digit is right count. So an
ordinary number is rarely taken for one. Licence plates are left out: "AB-C 12" is too often something else.
Found are kinds and how many, never the finding itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from stadtbuch.texts import Text


class Kind(NamedTuple):
    """One kind of identifier: its name, and how to find it in a text."""

    title: Text
    find: Callable[[str], Iterator[str]]


def found(text: str, *, allowed: frozenset[str] = frozenset()) -> dict[str, int]:
    """
    Count the different identifiers in a text by kind.

    Parameters
    ----------
    text
        Any text.
    allowed
        Public addresses (mailboxes of offices, their telephone numbers) that are no finding; lower case.

    Examples
    --------
    >>> found("Bitte an erika@mustermann.example oder DE89 3704 0044 0532 0130 00")
    {'iban': 1, 'mail': 1}
    >>> found("Fragen an amt@stadt.example", allowed=frozenset({"amt@stadt.example"}))
    {}
    """
    counted = {
        name: sum(one.lower() not in allowed for one in ones) for name, ones in _identifiers(text).items()
    }
    return {name: number for name, number in counted.items() if number}


@lru_cache(maxsize=512)  # the cells of a report share most of their texts
def _identifiers(text: str) -> Mapping[str, frozenset[str]]:
    """Give the different identifiers by kind."""
    return {name: frozenset(kind.find(text)) for name, kind in KINDS.items()}


# ---- account numbers ----------------------------------------------------------------------------------

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_IBAN_LENGTH = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27,
    "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IT": 27, "LI": 21, "LU": 20, "NL": 18, "NO": 15,
    "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "TR": 26,
}  # fmt: skip


def _ibans(text: str) -> Iterator[str]:
    """Find IBANs by country, length and check digits (ISO 13616, ISO 7064 mod 97-10)."""
    for match in _IBAN.finditer(text):
        plain = re.sub(r"\s", "", match[0])
        plain = plain[: _IBAN_LENGTH.get(plain[:2], 0)]
        if plain and len(plain) == _IBAN_LENGTH[plain[:2]] and _mod97(plain) == 1:
            yield plain


def _mod97(iban: str) -> int:
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97


# ---- numbers of authorities ---------------------------------------------------------------------------

_TAX = re.compile(r"(?<![\w.,-])[1-9]\d(?: ?\d{3}){3}(?![\w-]|[.,]\d)")
_PENSION = re.compile(r"(?<![A-Za-z0-9])\d{2} ?(\d{2})(\d{2})\d{2} ?[A-Z] ?\d{2} ?\d(?![A-Za-z0-9])")
_HEALTH = re.compile(r"(?<![A-Za-z0-9])[A-Z]\d{9}(?![A-Za-z0-9])")


def _taxes(text: str) -> Iterator[str]:
    """
    Find tax ids: 11 digits, one of the first ten repeated, check digit of ISO 7064 mod 11,10 (section
    139b AO).
    """
    for match in _TAX.finditer(text):
        plain = match[0].replace(" ", "")
        often = Counter(plain[:10])
        if (
            max(often.values()) in (2, 3)
            and sum(times > 1 for times in often.values()) == 1
            and _mod11_10(plain)
        ):
            yield plain


def _mod11_10(number: str) -> bool:
    product = 10
    for digit in number[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[-1])


def _pensions(text: str) -> Iterator[str]:
    """
    Find pension insurance numbers: area, birthday, initial, serial number, check digit (section 147 SGB
    VI).
    """
    for match in _PENSION.finditer(text):
        plain = match[0].replace(" ", "")
        day, month = int(match[1]), int(match[2])
        if (
            1 <= month <= 12
            and (1 <= day <= 31 or 51 <= day <= 81)
            and _crossed(plain[:-1], "212571212121") == int(plain[-1])
        ):
            yield plain


def _healths(text: str) -> Iterator[str]:
    """Find health insurance numbers: a letter, eight digits, check digit (section 290 SGB V)."""
    for match in _HEALTH.finditer(text):
        if _crossed(match[0][:-1], "1212121212") == int(match[0][-1]):
            yield match[0]


def _crossed(body: str, weights: str) -> int:
    """
    Add the cross sums of digits times weights, modulo ten; a letter counts as its place in the
    alphabet.
    """
    digits = "".join(one if one.isdigit() else f"{ord(one) - 64:02d}" for one in body)
    return (
        sum(sum(divmod(int(one) * int(weight), 10)) for one, weight in zip(digits, weights, strict=True)) % 10
    )


# ---- addresses ----------------------------------------------------------------------------------------

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w.,/+-])"
    r"(?:(?:\+49|0049)(?: ?\(0\))?[ ()/-]{0,3}[1-9](?:[ ()/-]{0,3}\d){6,12}|0[1-9]\d{1,4} ?[/-] ?\d{4,9}(?:-\d{1,5})?)"
    r"(?![\w]|[.,/-]\d)"
)


def _mails(text: str) -> Iterator[str]:
    """Find addresses of mail."""
    return (match[0].lstrip(".").lower() for match in _MAIL.finditer(text))


def _phones(text: str) -> Iterator[str]:
    """Find German telephone numbers in international form, or with a stroke after the area code."""
    return (re.sub(r"[^\d+]", "", match[0]) for match in _PHONE.finditer(text))


KINDS: dict[str, Kind] = {
    "iban": Kind(Text(de="Kontonummer (IBAN)", en="account number (IBAN)"), _ibans),
    "tax-id": Kind(Text(de="Steuer-Identifikationsnummer", en="tax id"), _taxes),
    "pension": Kind(Text(de="Rentenversicherungsnummer", en="pension insurance number"), _pensions),
    "health": Kind(Text(de="Krankenversichertennummer", en="health insurance number"), _healths),
    "mail": Kind(Text(de="E-Mail-Adresse", en="e-mail address"), _mails),
    "phone": Kind(Text(de="Telefonnummer", en="telephone number"), _phones),
}
