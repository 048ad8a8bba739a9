"""
Spelling: one form for texts that look the same to readers but are written with other signs.

Nobody sees a soft hyphen, a zero-width space or a Cyrillic ``а`` in a Latin word, and each of them would hide a
name from a search.
"""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = (
    "\x00\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
"""Signs without a shape: joiners, marks of direction and of variation, fillers, tags, the zero byte of UTF-16."""

_HIDING = re.compile(f"[{_UNSEEN}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ALIKE = str.maketrans(
    "аеорсухіјѕкмтнвԁԛԝӏ" + "αεικνορτυχ" + "ı",
    "aeopcyxijskmthbdqwl" + "aeikvoptux" + "i",
)
"""Cyrillic and Greek small letters that look like Latin ones (a part of Unicode TR 39), and the i without a dot."""


def plain(text: str) -> str:
    r"""
    Write a text with the signs that readers see: nothing invisible, wide and joined letters as ordinary ones.

    Examples
    --------
    >>> plain("Mu\u0308\u00adl\u200bler \uff11\uff12 \ufb01t")
    'Müller 12 fit'
    """
    if text.isascii():
        return text.replace("\x00", "")
    seen = _HIDING.sub("", text)
    composed = seen if unicodedata.is_normalized("NFKC", seen) else unicodedata.normalize("NFKC", seen)
    return _ACCENTS.sub("", composed)


def comparable(text: str) -> str:
    """
    Write a text so that two spellings of one word are equal: `plain`, without case, look-alike letters as Latin.

    Examples
    --------
    >>> comparable("STRASSE") == comparable("Stra\u00dfe")
    True
    >>> comparable("Аnna")  # begins with a Cyrillic letter
    'anna'
    """
    if text.isascii():
        return text.replace("\x00", "").lower()
    folded = unicodedata.normalize("NFKC", plain(text).casefold())
    return _ACCENTS.sub("", folded).translate(_ALIKE)
