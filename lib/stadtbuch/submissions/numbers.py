"""
Receipt numbers and withdrawal secrets (pure; randomness is passed in).

A number reads ``SB-2026-7K3M-Q2TD``: the year, seven random signs and a check sign, from 31 signs that are not
mistaken for each other (no 0, I, L, O, U). 31 is prime, so a check sum with the place as weight finds every wrong
sign and every two signs that changed places. The number holds nothing about the sender; it is public once the
submission is accepted, so it opens nothing. What withdraws is the secret: 130 random bits, shown once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stadtbuch import atomic
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

SIGNS = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY = 7
SECRET = 26
_NUMBER = re.compile(r"SB-(\d{4})-([1-9A-Z]{4})-([1-9A-Z]{4})")

Random = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for, such as `secrets.token_bytes`."""


def number(*, year: int, random: Random) -> str:
    """
    Make a receipt number.

    Examples
    --------
    >>> number(year=2026, random=lambda count: bytes(count))
    'SB-2026-1111-1111'
    >>> number(year=2026, random=lambda count: bytes(range(1, count + 1)))
    'SB-2026-2345-678H'
    """
    body = _signs(BODY, random)
    signs = body + _check(body)
    return f"SB-{year:04d}-{signs[:4]}-{signs[4:]}"


def secret(*, random: Random) -> str:
    """
    Make the secret with which the sender withdraws: signs in groups that can be read aloud.

    Examples
    --------
    >>> secret(random=lambda count: bytes(count))[:14]
    '11111-11111-11'
    """
    signs = _signs(SECRET, random)
    return "-".join(signs[start : start + 5] for start in range(0, SECRET, 5))


def hidden(given: str) -> str:
    """Give the digest under which a secret is kept; case, spaces and strokes do not count."""
    return atomic.digest(re.sub(r"[\s-]", "", given).upper().encode())


def read(given: str) -> str:
    """
    Read a receipt number as people type it: small letters, spaces for strokes.

    Raises
    ------
    UsageError
        ``submission.number`` if it has another form or its check sign is wrong.

    Examples
    --------
    >>> read(" sb 2026 2345 678h ")
    'SB-2026-2345-678H'
    """
    plain = re.sub(r"[\s-]+", "-", given.strip()).upper()
    match = _NUMBER.fullmatch(plain)
    if (
        not match
        or not set(match[2] + match[3]) <= set(SIGNS)
        or _check(match[2] + match[3][:3]) != match[3][3]
    ):
        raise UsageError(
            "submission.number",
            Text(de="Das ist keine gültige Empfangsnummer.", en="This is not a valid receipt number."),
            why=Text(
                de="Eine Nummer sieht aus wie SB-2026-7K3M-Q2TD; das letzte Zeichen prüft die anderen.",
                en="A number looks like SB-2026-7K3M-Q2TD; its last sign checks the others.",
            ),
            remedy=Text(
                de="Vergleichen Sie sie mit der Empfangsbestätigung; „stadtbuch submission list“ zeigt alle.",
                en='Compare it with the receipt; "stadtbuch submission list" shows all.',
            ),
        )
    return plain


def looks_like_number(given: str) -> bool:
    """Tell whether something typed is meant as a receipt number, right or wrong."""
    return re.match(r"\s*sb[\s-]", given, re.IGNORECASE) is not None and not given.lower().endswith(
        (".ipynb", ".eml")
    )


def _signs(count: int, random: Random) -> str:
    """Draw signs, each as likely as the others: bytes from 248 on are drawn again."""
    drawn = ""
    while len(drawn) < count:
        drawn += "".join(SIGNS[byte % 31] for byte in random(count - len(drawn)) if byte < 248)
    return drawn


def _check(body: str) -> str:
    return SIGNS[sum(place * SIGNS.index(sign) for place, sign in enumerate(body, start=1)) % 31]
