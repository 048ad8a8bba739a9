"""
Closed values, known by keyed hashes only, and whether a text repeats one of them.

The index of a snapshot holds no value, only 16 bytes of HMAC-SHA256 for each. Whoever finds the index without
its key cannot try names against it. What is indexed (docs: explanation/gate):

- every value, and every word, of identifier columns;
- every value of free-text columns, and those of its words that stand in few rows: a word that many rows share
  is vocabulary;
- values of other text columns that are rarer than the minimum count.

Each with at least five characters; without a letter, from eight digits on, because shorter numbers cannot be
told from counts. Compared are whole words and runs of up to six words, in any case (NFC, casefolded). So
the scan finds what is repeated as it stands. It does not find what was spelled backwards, encoded, or cut
in pieces, and a surname that is also an ordinary word looks like both: vocabulary that is known to be open
can be exempted.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from stadtbuch.model.dataset import Dataset, FieldType, PrivacyRole
from stadtbuch.privacy import spelling

SHORTEST = 5
SHORTEST_NUMBER = 8
LONGEST_RUN = 6
VOCABULARY = 10
SIZE = 16

_WORD = re.compile(r"[^\W_]+")
_BEGUN = " …"
"""Marks the beginning of a phrase; no phrase ends like this. Alone it says that an index holds beginnings."""
_TEXT = (FieldType.string, FieldType.code)


def index(frame: pd.DataFrame, dataset: Dataset, *, min_count: int, key: bytes) -> frozenset[bytes]:
    """
    Hash what a text may not repeat from a frame.

    Parameters
    ----------
    frame
        Rows of the dataset; columns that the schema does not describe are taken for identifiers.
    dataset
        Says which role every column has.
    min_count
        Values of harmless and sensitive text columns are indexed if they stand in fewer rows than this.
    key
        Secret of the city.

    Returns
    -------
    frozenset of bytes
        16 bytes each. Nothing can be read from them without the key.
    """
    roles = {column.name: column for column in dataset.table.fields}
    phrases: set[str] = set()
    for name in frame.columns:
        column = roles.get(str(name))
        role = column.privacy if column else PrivacyRole.identifier
        if column is not None and column.type not in _TEXT and role is not PrivacyRole.identifier:
            continue
        rows_of = frame[name].dropna().astype("str").value_counts()
        phrases |= _phrases(dict(zip(rows_of.index, rows_of.tolist(), strict=True)), role, min_count)
    return digests(phrases, key=key)


def _phrases(values: Mapping[str, int], role: PrivacyRole, min_count: int) -> set[str]:
    """Choose what to index of one column; `values` counts the rows of each value."""
    if role not in (PrivacyRole.identifier, PrivacyRole.free_text):
        return {one for value, rows in values.items() if rows < min_count for one in _whole(words(value))}
    if role is PrivacyRole.identifier:
        return _named(values)
    found: set[str] = set()
    rows_of: Counter[str] = Counter()
    for value, rows in values.items():
        found.update(_whole(words(value)))
        for word in _own_words(value):
            rows_of[word] += rows
    often = max(VOCABULARY, min_count)
    return found | {word for word, rows in rows_of.items() if rows < often and _tells(word)}


def _named(values: Iterable[str]) -> set[str]:
    """Give identifiers as wholes, and their words; most are one plain word, and there are as many as people."""
    plain: set[str] = set()
    found: set[str] = set()
    for value in values:
        if value.isalnum() and value.isascii():
            plain.add(value.lower())
        else:
            found.update(_whole(words(value)))
            plain.update(_own_words(value))
    return found | {one for one in plain if _tells(one)}


def _own_words(value: str) -> list[str]:
    """Split a value; the domain of a mail address belongs to many people, the part before the @ names one."""
    return words(value.partition("@")[0])


def words(text: str) -> list[str]:
    """
    Split a text into comparable words.

    Examples
    --------
    >>> words("Erika Müller-Ambach, Straße 5")
    ['erika', 'müller', 'ambach', 'strasse', '5']
    """
    return _WORD.findall(spelling.comparable(text))


def _whole(split: list[str]) -> Iterator[str]:
    """Give a whole value as one phrase, cut after the longest run that is compared."""
    phrase = " ".join(split[:LONGEST_RUN])
    if _tells(phrase):
        yield phrase


def _tells(phrase: str) -> bool:
    """Whether a phrase is long enough to be told from chance."""
    plain = phrase.replace(" ", "")
    return len(plain) >= (SHORTEST_NUMBER if plain.isdigit() else SHORTEST)


def digests(phrases: Iterable[str], *, key: bytes) -> frozenset[bytes]:
    """
    Hash phrases of `words`, as `phrase` joins them, with the city's key.

    Beside each phrase its beginnings are hashed, marked as such: a text that does not begin like any phrase need
    not be compared run by run.
    """
    known = set(phrases)
    if not known:
        return frozenset()
    begun = {
        " ".join(split[:length])
        for one in known
        for split in [one.split()]
        for length in range(1, len(split))
    }
    return frozenset(
        hmac.digest(key, one.encode("utf-8", "replace"), "sha256")[:SIZE]
        for one in (*known, *(one + _BEGUN for one in begun), _BEGUN)
    )


@lru_cache(maxsize=1 << 16)  # picture, table and file of a figure say the same words
def digest(phrase: str, key: bytes) -> bytes:
    """Hash one phrase as `digests` does: 16 bytes."""
    return _hash(phrase, key)


def _hash(phrase: str, key: bytes) -> bytes:
    return hmac.digest(key, phrase.encode("utf-8", "replace"), "sha256")[:SIZE]


def phrase(text: str) -> str:
    """
    Join the words of a text as they are hashed.

    Examples
    --------
    >>> phrase("KANARIE-Zaunkönig 7")
    'kanarie zaunkönig 7'
    """
    return " ".join(words(text)[:LONGEST_RUN])


def vocabulary(texts: Iterable[Any]) -> frozenset[str]:
    """
    Collect words and runs of words of open texts, to be exempted from the scan.

    A bridge that bears a person's full name makes that name a public phrase.

    Examples
    --------
    >>> sorted(vocabulary(["Sommer-Brücke"]))
    ['brücke', 'sommer', 'sommer brücke']
    """
    found: set[str] = set()
    for text in texts:
        found.update(words(str(text)))
        found.update(runs(str(text)))
    return frozenset(found)


def hits(text: str, index: frozenset[bytes], key: bytes, *, exempt: frozenset[str] = frozenset()) -> int:
    """
    Count the different phrases of a text that stand in an index.

    Parameters
    ----------
    text
        Any text.
    index, key
        As `index` made them.
    exempt
        Words and phrases of `vocabulary` that are known to be open.

    Examples
    --------
    >>> known = digests(["erika mustermann"], key=b"k")
    >>> hits("Termin mit Erika  Mustermann.", known, b"k"), hits("Erika ist da.", known, b"k")
    (1, 0)
    """
    if not index:
        return 0
    found = _found(text, index, key) if digest(_BEGUN, key) in index else _compared(text, index, key)
    return sum(one not in exempt for one in found)


def _found(text: str, index: frozenset[bytes], key: bytes) -> set[str]:
    """Find the phrases of a text: single words first, longer runs only where one begins like a phrase."""
    read = _read(text, key)
    found = {read.own[one] for one in index.intersection(read.own)}
    begun = {read.starts[one] for one in index.intersection(read.starts)}
    for at, word in enumerate(read.words) if begun else ():
        if word in begun:
            found.update(_going_on(read.words[at : at + LONGEST_RUN], index, key))
    return found


def _going_on(run: Sequence[str], index: frozenset[bytes], key: bytes) -> Iterator[str]:
    """Follow a run as long as some phrase goes on like it."""
    phrase = run[0]
    for word in run[1:]:
        phrase = f"{phrase} {word}"
        if digest(phrase, key) in index:
            yield phrase
        if digest(phrase + _BEGUN, key) not in index:
            return


def _compared(text: str, index: frozenset[bytes], key: bytes) -> set[str]:
    """Compare every run: for an index that an earlier version wrote, without the beginnings of phrases."""
    return {one for one in runs(text) if digest(one, key) in index}


class _Reading(NamedTuple):
    """A text in words; by their digests, those long enough to tell something, and all as beginnings."""

    words: tuple[str, ...]
    own: Mapping[bytes, str]
    starts: Mapping[bytes, str]


@lru_cache(
    maxsize=512
)  # several rules compare a text, and the cells of a report share most; hashing is the work
def _read(text: str, key: bytes) -> _Reading:
    split = tuple(words(text))
    hashed = [(one, *_hashed(one, key)) for one in set(split)]
    return _Reading(
        split,
        {own: word for word, own, _ in hashed if own is not None},
        {start: word for word, _, start in hashed},
    )


@lru_cache(maxsize=1 << 16)  # texts share most of their words
def _hashed(word: str, key: bytes) -> tuple[bytes | None, bytes]:
    """Hash a word as a phrase, if it is long enough for one, and as the beginning of one."""
    return _hash(word, key) if _tells(word) else None, _hash(word + _BEGUN, key)


def runs(text: str) -> set[str]:
    """Give all runs of one to six words of a text that are long enough to tell something."""
    split = words(text)
    found: set[str] = set()
    for length in range(1, LONGEST_RUN + 1):
        found.update(" ".join(split[at : at + length]) for at in range(len(split) - length + 1))
    return {one for one in found if _tells(one)}
