"""
What names a person by itself: account, card, tax, pension and health insurance numbers, identity cards, licence
plates, addresses of mail and of houses, telephones, devices.

Each kind has a fixed form; where it has a check digit, only numbers whose check digit is right count. A form that
ordinary numbers have too counts only behind a word that says what it is ("Kennzeichen", "Tel."). So an ordinary
number is rarely taken for one. Found are kinds and how many, never the finding itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from stadtbuch.privacy import plates, values
from stadtbuch.texts import Text

Found = Iterator[tuple[re.Match[str], str]]


class Kind(NamedTuple):
    """One kind of identifier: its name, and how to find it in a text: where it stands, and its plain form."""

    title: Text
    matches: Callable[[str], Found]


def found(
    text: str, *, allowed: frozenset[str] = frozenset(), public: Collection[str] = frozenset()
) -> dict[str, int]:
    """
    Count the different identifiers in a text by kind.

    Parameters
    ----------
    text
        Any text.
    allowed
        Public addresses (mailboxes of offices, their telephone numbers) that are no finding; lower case.
    public
        Phrases that are known to be public (`values.vocabulary`): a house that open data name is no finding.

    Examples
    --------
    >>> found("Bitte an erika@mustermann.example oder DE89 3704 0044 0532 0130 00")
    {'iban': 1, 'mail': 1}
    >>> found("Fragen an amt@stadt.example", allowed=frozenset({"amt@stadt.example"}))
    {}
    """
    counted = {
        name: sum(one.lower() not in allowed and one.lower() not in public for one in ones)
        for name, ones in _identifiers(text).items()
    }
    return {name: number for name, number in counted.items() if number}


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """
    Give where identifiers stand in a text: begin, end, kind; some may overlap.

    Examples
    --------
    >>> list(spans("Tel. 0221/1234567"))
    [(5, 17, 'phone')]
    """
    for name, kind in KINDS.items():
        for match, _ in kind.matches(text):
            yield match.start(), match.end(), name


def _behind(match: re.Match[str], words: re.Pattern[str]) -> bool:
    """Tell whether one of some words stands shortly before a find."""
    return words.search(match.string, max(0, match.start() - 40), match.start()) is not None


@lru_cache(maxsize=512)  # the cells of a report share most of their texts
def _identifiers(text: str) -> Mapping[str, frozenset[str]]:
    """Give the different identifiers by kind."""
    return {name: frozenset(plain for _, plain in kind.matches(text)) for name, kind in KINDS.items()}


# ---- account numbers ----------------------------------------------------------------------------------

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \u00a0.-]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "BA": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27, "KZ": 20, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "XK": 20,
}  # fmt: skip


def _ibans(text: str) -> Found:
    """Find IBANs by country, length and check digits (ISO 13616, ISO 7064 mod 97-10)."""
    for match in _IBAN.finditer(text):
        plain = re.sub(r"[\s.-]", "", match[0]).upper()
        plain = plain[: _IBAN_LENGTH.get(plain[:2], 0)]
        if plain and len(plain) == _IBAN_LENGTH[plain[:2]] and _mod97(plain) == 1:
            yield match, plain


def _mod97(iban: str) -> int:
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97


_CARD = re.compile(
    r"(?<![\w.,-])(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6[05]\d\d)(?:[ -]?\d{4}){3}"
    r"|3[47]\d\d[ -]?\d{6}[ -]?\d{5})(?![\w-]|[.,]\d)"
)
_CARD_WORDS = re.compile(r"karte|card|visa|master|amex", re.IGNORECASE)


def _cards(text: str) -> Found:
    """Find payment cards: written in groups or behind such a word, check digit right (ISO/IEC 7812, Luhn)."""
    for match in _CARD.finditer(text):
        plain = re.sub(r"[ -]", "", match[0])
        if _luhn(plain) and (plain != match[0] or _behind(match, _CARD_WORDS)):
            yield match, plain


def _luhn(number: str) -> bool:
    doubled = [sum(divmod(2 * int(one), 10)) for one in number[-2::-2]]
    return (sum(doubled) + sum(int(one) for one in number[-1::-2])) % 10 == 0


# ---- numbers of authorities ---------------------------------------------------------------------------

_TAX = re.compile(r"(?<![\w.,-])[1-9]\d(?: ?\d{3}){3}(?![\w-]|[.,]\d)")
_PENSION = re.compile(r"(?<![A-Za-z0-9])\d{2} ?(\d{2})(\d{2})\d{2} ?[A-Z] ?\d{2} ?\d(?![A-Za-z0-9])")
_HEALTH = re.compile(r"(?<![A-Za-z0-9])[A-Z] ?\d{3} ?\d{3} ?\d{3}(?![A-Za-z0-9])")


def _taxes(text: str) -> Found:
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
            yield match, plain


def _mod11_10(number: str) -> bool:
    product = 10
    for digit in number[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[-1])


def _pensions(text: str) -> Found:
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
            yield match, plain


def _healths(text: str) -> Found:
    """Find health insurance numbers: a letter, eight digits, check digit (section 290 SGB V)."""
    for match in _HEALTH.finditer(text):
        plain = match[0].replace(" ", "")
        if _crossed(plain[:-1], "1212121212") == int(plain[-1]):
            yield match, plain


def _crossed(body: str, weights: str) -> int:
    """
    Add the cross sums of digits times weights, modulo ten; a letter counts as its place in the
    alphabet.
    """
    digits = "".join(one if one.isdigit() else f"{ord(one) - 64:02d}" for one in body)
    return (
        sum(sum(divmod(int(one) * int(weight), 10)) for one, weight in zip(digits, weights, strict=True)) % 10
    )


_TAX_NUMBER = re.compile(r"(?<![\w/])\d{2,3}[/ ]\d{3,4}[/ ]\d{4,5}(?![\w/])")
_TAX_WORDS = re.compile(r"Steuernummer|Steuer-Nr|St\.? ?-?Nr|tax (?:number|no)", re.IGNORECASE)


def _tax_numbers(text: str) -> Found:
    """Find tax numbers of the older kind, which have no common check digit, behind a word that says so."""
    for match in _TAX_NUMBER.finditer(text):
        if _behind(match, _TAX_WORDS):
            yield match, re.sub(r"\D", "", match[0])


_CARD_OF_IDENTITY = re.compile(
    r"(?<![A-Za-z0-9])[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}\d?(?![A-Za-z0-9])"
)
_IDENTITY_WORDS = re.compile(
    r"ausweis|reisepass|passport|identity|\bID\b|\bPass\b|Dokumenten?n", re.IGNORECASE
)


def _identities(text: str) -> Found:
    """
    Find numbers of identity cards and passports: nine signs without vowels, and a check digit (ICAO 9303).

    Without several letters, or without the check digit, only behind a word that says so: orders look alike.
    """
    for match in _CARD_OF_IDENTITY.finditer(text):
        plain = match[0]
        checked = len(plain) == 10 and _icao(plain[:9]) == int(plain[9])
        letters, digits = (sum(map(test, plain[:9])) for test in (str.isalpha, str.isdigit))
        sure = checked and letters >= 2 and digits >= 3 and not plain[:3].isalpha()
        if sure or (digits >= 3 and (checked or len(plain) == 9) and _behind(match, _IDENTITY_WORDS)):
            yield match, plain[:9]


def _icao(body: str) -> int:
    return sum(int(one, 36) * (7, 3, 1)[at % 3] for at, one in enumerate(body)) % 10


_PLATE = re.compile(
    r"(?<![\w.-])([A-ZÄÖÜ]{1,3})(?P<between> ?[-–:] ?| )([A-Z]{1,2})(?P<gap> ?-?)([1-9]\d{0,3})[EH]?(?![\w-]|[.,]\d)"
)
_PLATE_WORDS = re.compile(
    r"kennzeichen|kfz|\bpkw|\blkw|\bauto\b|\bwagen\b|fahrzeug|falschpark|parkt|\bcar\b|vehicle|plate|\bvan\b",
    re.IGNORECASE,
)
_STANDARDS = re.compile(r"DIN|EN|ISO|SG|BA|EU|A|U|S|RE|RB|IC")
"""Districts whose letters begin standards, laws, pay grades, roads and trains; they need a word as well."""


def _plates(text: str) -> Found:
    """Find licence plates of German districts: with a hyphen and three digits, or behind a word that says so."""
    for match in _PLATE.finditer(text):
        if match[1] in plates.DISTRICTS and (_surely(match) or _behind(match, _PLATE_WORDS)):
            yield match, re.sub(r"[^A-ZÄÖÜ0-9]", "", match[0])


def _surely(match: re.Match[str]) -> bool:
    return (
        match["between"] == "-"
        and match["gap"] in (" ", "")
        and len(match[5]) >= 3
        and not _STANDARDS.fullmatch(match[1])
    )


# ---- addresses ----------------------------------------------------------------------------------------

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_SPELLED_MAIL = re.compile(
    r"(?<![\w.+-])([\w.+-]{1,64}) ?[\[({] ?(?:at|ät|@) ?[\])}] ?"
    r"([\w-]{1,63}(?: ?(?:\.|[\[({] ?(?:dot|punkt|\.) ?[\])}]) ?[\w-]{1,63}){1,4})",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[\[({] ?(?:at|ät|@) ?[\])}]", re.IGNORECASE)
_GAP = r"[ ()/.\u00a0-]{0,3}"
_PHONE = re.compile(
    r"(?=[+0(])(?<![\w.,/+-])"
    rf"(?:(?:\+49|0049)(?: ?\(0\))?{_GAP}[1-9](?:{_GAP}\d){{6,12}}"
    r"|0[1-9]\d{1,4} ?[/-] ?\d{4,9}(?:-\d{1,5})?"
    r"|\(0[1-9]\d{1,4}\) ?\d{3,9}(?: \d{2,5})*"
    r"|01[567]\d[ /-]?\d{3,4}[ -]?\d{4,5}"
    r")"
    r"(?![\w]|[.,/-]\d)"
)
_FOREIGN_PHONE = re.compile(
    r"(?<![\w.,/+-])\+(?!49)[1-9]\d{0,2}(?:[ ()/-]{1,2}\d{1,8}){2,5}(?![\w]|[.,/-]\d)"
)
_SAID_PHONE = re.compile(r"(?=0)(?<![\w.,/+-])0[1-9]\d{1,4}(?: ?\d{2,8}){1,5}(?![\w]|[.,/-]\d)")
_PHONE_WORDS = re.compile(
    r"\btel\b|telefon|telephone|phone|\bfon\b|mobil|handy|\bfax|rufnummer|anruf|rufen sie|call|whatsapp"
    r"|erreichbar unter",
    re.IGNORECASE,
)


SHORTEST_PHONE = 9
"""Digits of a number with its area code; shorter ones are cost centres and file references, unless a word says so."""


def _mails(text: str) -> Found:
    """Find addresses of mail, also with the sign spelled out in brackets."""
    if "@" in text:
        for match in _MAIL.finditer(text):
            yield match, match[0].lstrip(".").lower()
    if _BRACKETED.search(text):
        for match in _SPELLED_MAIL.finditer(text):
            host = re.sub(r" ?[\[({] ?(?:dot|punkt|\.) ?[\])}] ?", ".", match[2], flags=re.IGNORECASE)
            yield match, f"{match[1]}@{host}".replace(" ", "").lower()


def _phones(text: str) -> Found:
    """
    Find telephone numbers: German ones in international form, with a stroke, as a mobile; foreign ones.

    Groups of three digits alone are a large number; a number with nothing but spaces counts behind "Tel.".
    """
    for match in _PHONE.finditer(text):
        plain = re.sub(r"[^\d+]", "", match[0])
        if len(plain) >= SHORTEST_PHONE or _behind(match, _PHONE_WORDS):
            yield match, plain
    for match in _FOREIGN_PHONE.finditer(text) if "+" in text else ():
        groups = re.findall(r"\d+", match[0])
        if 8 <= sum(map(len, groups)) <= 15 and any(len(one) != 3 for one in groups[1:]):
            yield match, re.sub(r"[^\d+]", "", match[0])
    for match in _SAID_PHONE.finditer(text):
        if _behind(match, _PHONE_WORDS):
            yield match, re.sub(r"\D", "", match[0])


STREET = (
    r"(?:(?:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Zum|Zur|Unter den|Hinter der|Alte[rn]?|Große|Kleine"
    r"|Neue[rn]?|Obere|Untere|Sankt|St\.) )?"
    r"[A-ZÄÖÜ][\wäöüß-]{0,40}(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|ufer|damm|steig|stieg|pfad|chaussee|graben)"
    r"|(?:[A-ZÄÖÜ][\wäöüß-]{1,30}[ -]){1,3}(?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Ring|Ufer|Damm|Steig|Pfad)"
    r"|(?:Am|An der|Auf der|Im|In der|Zum|Zur|Unter den)(?: [A-ZÄÖÜ][\wäöüß-]{2,40}){1,2}"
)
"""Names of streets as German writes them; the last form is any place behind a preposition."""
HOUSE = r"[1-9]\d{0,3} ?[a-z]?(?: ?[-–/] ?\d{1,4} ?[a-z]?)?(?![\w.,]?\d|\w)"

_ADDRESS = re.compile(
    rf"(?<![\w-])({STREET}),? ({HOUSE})\s{{0,2}},?\s{{0,3}}(?:D-)?(\d{{5}})\s{{1,2}}([A-ZÄÖÜ][\wäöüß-]{{2,40}})"
)


def _addresses(text: str) -> Found:
    """Find lines of address: street, house, postal code and town."""
    for match in _ADDRESS.finditer(text) if _POSTCODE.search(text) else ():
        yield match, " ".join(values.words(f"{match[1]} {match[2]}"))


_POSTCODE = re.compile(r"(?<!\d)\d{5}\s{1,2}[A-ZÄÖÜ]")
_DEVICE = re.compile(r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")


def _devices(text: str) -> Found:
    """Find addresses of network cards (IEEE 802): a telephone or a car carries one through the city."""
    for match in _DEVICE.finditer(text) if ":" in text else ():
        if not match[0].replace(":", "").isdigit():
            yield match, match[0].lower()


KINDS: dict[str, Kind] = {
    "iban": Kind(Text(de="Kontonummer (IBAN)", en="account number (IBAN)"), _ibans),
    "card": Kind(Text(de="Kartennummer", en="payment card number"), _cards),
    "tax-id": Kind(Text(de="Steuer-Identifikationsnummer", en="tax id"), _taxes),
    "tax-number": Kind(Text(de="Steuernummer", en="tax number"), _tax_numbers),
    "pension": Kind(Text(de="Rentenversicherungsnummer", en="pension insurance number"), _pensions),
    "health": Kind(Text(de="Krankenversichertennummer", en="health insurance number"), _healths),
    "identity": Kind(Text(de="Ausweisnummer", en="number of an identity card or passport"), _identities),
    "plate": Kind(Text(de="Kfz-Kennzeichen", en="licence plate"), _plates),
    "mail": Kind(Text(de="E-Mail-Adresse", en="e-mail address"), _mails),
    "phone": Kind(Text(de="Telefonnummer", en="telephone number"), _phones),
    "address": Kind(Text(de="Anschrift", en="postal address"), _addresses),
    "device": Kind(Text(de="Geräteadresse (MAC)", en="device address (MAC)"), _devices),
}
