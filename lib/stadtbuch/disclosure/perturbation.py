"""
Counts with a little noise that cannot be averaged out: rounding, and the cell key method.

The cell key method gives the same cell the same noise wherever it appears, because the noise is looked up by a key that
is the sum of the record keys of those who are counted. Zeros stay zero. Tables need not add up afterwards: each cell is
changed by itself, and so a page says it.

Sources: B. Fraser and J. Wooton, A proposed method for confidentialising tabular output to protect against
differencing (UNECE work session 2005); J. Marley and V. Leaver, A method for confidentialising user-defined tables
(ISI 2011: maximum entropy); S. Giessing, Computational issues in the design of transition probabilities (PSD 2016);
Office for National Statistics, cell-key-perturbation (integer keys, rows of large counts repeat); the ESSnet handbook,
chapter 5 (real keys). Midpoint 6: OpenSAFELY, rounding of counts.

What maximum noise and variance a city uses stays inside the city.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stadtbuch.errors import ProtectionError
from stadtbuch.texts import Text

Whole = np.ndarray
HALVINGS = 64
LARGE, REPEATED = 500, 250
"""ONS: rows up to 750; larger counts use the last 250 of them again and again."""


def rounded(counts: Whole, *, base: int) -> Whole:
    """
    Round counts to a base, halves up.

    Parameters
    ----------
    counts
        Whole, not negative.
    base
        At least 2.

    Raises
    ------
    ProtectionError
        ``perturbation.count`` for a negative count, ``perturbation.base`` for a base below 2.

    Examples
    --------
    >>> rounded(np.array([0, 2, 3, 7, 8]), base=5).tolist()
    [0, 0, 5, 5, 10]
    """
    if base < 2:
        raise _refused("base", "Die Basis muss mindestens 2 sein.", "The base must be at least 2.")
    return (2 * _counts(counts) + base) // (2 * base) * base


def midpoint(counts: Whole, *, width: int = 6) -> Whole:
    """
    Replace counts by the middle of their band: 1 to 6 become 3, 7 to 12 become 9; 0 stays 0.

    Parameters
    ----------
    counts
        Whole, not negative.
    width
        Of the bands, even.

    Raises
    ------
    ProtectionError
        ``perturbation.count``, ``perturbation.base``.

    Examples
    --------
    >>> midpoint(np.array([0, 1, 6, 7, 12, 13])).tolist()
    [0, 3, 3, 9, 9, 15]
    """
    if width < 2 or width % 2:
        raise _refused("base", "Die Breite muss gerade sein.", "The width must be even.")
    known = _counts(counts)
    return np.where(known > 0, (known - 1) // width * width + width // 2, 0)


def record_keys(units: Iterable[str], *, key: bytes, number: int = 256) -> Whole:
    """
    Give protection units their secret keys: the same unit has the same key in every table.

    Parameters
    ----------
    units
        Ids; what is counted.
    key
        Secret of the city; without it nobody can compute a record key.
    number
        How many keys there are: 0 to ``number - 1``; a power of two divides evenly.

    Examples
    --------
    >>> first, again, other = record_keys(["a", "a", "b"], key=b"secret")
    >>> bool(first == again), bool(0 <= other < 256)
    (True, True)
    """
    drawn = (hmac.digest(key, one.encode("utf-8", "replace"), "sha256") for one in units)
    return np.fromiter((int.from_bytes(one[:8], "big") % number for one in drawn), dtype=np.int64)


def cell_keys(cell: Whole, keys: np.ndarray, *, cells: int, number: float = 256) -> np.ndarray:
    """
    Add the record keys of those who stand in each cell.

    Parameters
    ----------
    cell
        Per record the cell's number.
    keys
        Per record its key, whole or real.
    cells
        How many cells there are.
    number
        The sum is taken modulo this: 256 for whole keys of ONS, 1 for real keys between 0 and 1.

    Examples
    --------
    >>> cell_keys(np.array([0, 0, 1]), np.array([200, 100, 7]), cells=2).tolist()
    [44, 7]
    """
    if np.issubdtype(np.asarray(keys).dtype, np.integer):
        total = np.zeros(cells, dtype=np.int64)
        np.add.at(total, cell, keys)
        return total % int(number)
    return np.bincount(cell, weights=keys, minlength=cells) % number


@dataclass(frozen=True)
class NoiseTable:
    """
    A p-table: which noise a count gets for a cell key.

    Parameters
    ----------
    ends
        Per row the upper ends of the keys' intervals, ascending, the last one at least `number`.
    noise
        Per row the noise of each interval.
    number
        Keys lie in ``[0, number)``.
    repeated
        How many of the last rows are used again for larger counts; 1 uses the last row for all of them.
    """

    ends: tuple[np.ndarray, ...]
    noise: tuple[np.ndarray, ...]
    number: float
    repeated: int = 1

    def __post_init__(self) -> None:
        """Refuse a table that leaves keys without noise, or changes zeros."""
        for row, (ends, noise) in enumerate(zip(self.ends, self.noise, strict=True)):
            if len(ends) != len(noise) or not len(ends) or np.any(np.diff(ends) < 0):
                raise _bad_row(row)
            if ends[-1] < self.number - 1e-9 or (row == 0 and np.any(noise != 0)):
                raise _bad_row(row)

    @classmethod
    def of_ons(cls, rows: Iterable[Sequence[int]]) -> NoiseTable:
        """
        Read rows of ``pcv, ckey, pvalue`` as ONS writes them: one row for each count and each whole key.

        Raises
        ------
        ProtectionError
            ``perturbation.table`` with the count whose row is not complete.
        """
        found: dict[int, dict[int, int]] = {0: {}}
        for count, key, noise in rows:
            found.setdefault(int(count), {})[int(key)] = int(noise)
        number = max((key for row in found.values() for key in row), default=0) + 1
        found[0] = found[0] or dict.fromkeys(range(number), 0)
        if sorted(found) != list(range(len(found))):
            raise _bad_row(next(row for row in range(len(found)) if row not in found))
        for row, told in found.items():
            if sorted(told) != list(range(number)):
                raise _bad_row(row)
        shifts = tuple(np.array([found[row][key] for key in range(number)]) for row in range(len(found)))
        ends = (np.arange(1, number + 1, dtype=float),) * len(found)
        repeated = REPEATED if len(found) > LARGE + REPEATED else 1
        return cls(ends=ends, noise=shifts, number=number, repeated=repeated)

    @classmethod
    def of_intervals(cls, rows: Iterable[Sequence[float]]) -> NoiseTable:
        """
        Read rows of ``count, noise, from, to`` with real keys between 0 and 1, as R's ptable writes them.

        Raises
        ------
        ProtectionError
            ``perturbation.table`` if the intervals of a count leave a gap.

        Examples
        --------
        >>> table = NoiseTable.of_intervals([[0, 0, 0, 1], [1, -1, 0, 0.5], [1, 1, 0.5, 1]])
        >>> table.perturbed(np.array([1, 1, 9]), np.array([0.2, 0.7, 0.7])).tolist()
        [0, 2, 10]
        """
        found: dict[int, list[tuple[float, float, int]]] = {}
        for count, noise, low, high in rows:
            found.setdefault(int(count), []).append((float(low), float(high), int(noise)))
        if sorted(found) != list(range(len(found))):
            raise _bad_row(next(row for row in range(len(found) + 1) if row not in found))
        made = [sorted(found[row]) for row in range(len(found))]
        for row, told in enumerate(made):
            gap = any(abs(one[1] - other[0]) > 1e-9 for one, other in pairwise(told))
            if gap or abs(told[0][0]) > 1e-9 or abs(told[-1][1] - 1) > 1e-9:
                raise _bad_row(row)
        return cls(
            ends=tuple(np.array([one[1] for one in told]) for told in made),
            noise=tuple(np.array([one[2] for one in told]) for told in made),
            number=1,
        )

    def perturbed(self, counts: Whole, keys: np.ndarray) -> Whole:
        """
        Add the noise that the table gives to each count for its cell key.

        Parameters
        ----------
        counts
            Whole, not negative.
        keys
            Cell keys, as `cell_keys` gives them.

        Returns
        -------
        numpy.ndarray
            Whole counts, none negative; 0 stays 0.

        Raises
        ------
        ProtectionError
            ``perturbation.count``; ``perturbation.key`` for a key beyond the table's.
        """
        known = _counts(counts)
        if len(keys) and (np.min(keys) < 0 or np.max(keys) >= self.number):
            raise _refused(
                "key", "Ein Zellschlüssel liegt außerhalb der Tabelle.", "A cell key is beyond the table."
            )
        rows = self.rows(known)
        given = np.zeros(len(known), dtype=np.int64)
        for row in np.unique(rows):
            here = rows == row
            place = np.searchsorted(self.ends[row], keys[here], side="right")
            given[here] = self.noise[row][np.minimum(place, len(self.noise[row]) - 1)]
        return np.maximum(known + given, 0)

    def rows(self, counts: Whole) -> Whole:
        """Say which row of the table holds for each count: its own, or one of the last, again and again."""
        last = len(self.ends) - 1
        first = last - self.repeated + 1
        return np.where(counts <= last, counts, first + (counts - first) % self.repeated)


def design(*, most: int, variance: float, absent: int = 0, number: int = 1) -> NoiseTable:
    """
    Design a p-table: the least that anybody can know of the noise, under what is asked of it.

    For each count, the probabilities of the noise have mean 0 (no bias), the variance asked for, no noise beyond
    `most`, no count below 0, no count from 1 to `absent`; among all such probabilities those with the greatest entropy.

    Parameters
    ----------
    most
        Greatest noise, at least 1.
    variance
        Of the noise of counts that are large enough for it; a small count gets the nearest variance that is possible.
    absent
        Small counts that shall not appear; counts up to there become 0 or more than that.
    number
        Upper end of the keys.

    Raises
    ------
    ProtectionError
        ``perturbation.design`` if no noise can do what is asked.

    Examples
    --------
    >>> table = design(most=2, variance=1.0)
    >>> table.noise[-1].tolist(), np.diff(table.ends[-1], prepend=0).round(3).tolist()
    ([-2, -1, 0, 1, 2], [0.064, 0.245, 0.383, 0.245, 0.064])
    """
    if most < 1 or variance <= 0 or absent < 0 or absent >= most:
        raise _impossible()
    rows = {0: (np.array([0]), np.array([1.0]))}
    for count in range(1, most + absent + 2):
        target = np.arange(max(count - most, 0), count + most + 1)
        noise = target[(target == 0) | (target > absent)] - count
        rows[count] = noise, _least_known(noise, variance)
    ends = tuple(np.cumsum(rows[row][1]) * number for row in rows)
    for one in ends:
        one[-1] = number
    return NoiseTable(ends=ends, noise=tuple(rows[row][0] for row in rows), number=number)


def _least_known(noise: Whole, variance: float) -> np.ndarray:
    """
    Give the probabilities of greatest entropy with mean 0 and a variance: ``exp(a v + b v²)``, scaled to 1.

    Mean and variance rise with `a` and `b`; so both are found by halving, the mean within each step of the variance.
    """
    if noise.min() > 0 or noise.max() < 0 or (noise.min() == 0) != (noise.max() == 0):
        raise _impossible()
    low, high = -40.0, 40.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if float((_centred(noise, middle) * noise**2).sum()) < variance:
            low = middle
        else:
            high = middle
    return _centred(noise, (low + high) / 2)


def _centred(noise: Whole, curve: float) -> np.ndarray:
    """Give ``exp(a v + curve v²)``, scaled to 1, with the `a` that makes the mean 0."""
    low, high = -400.0, 400.0
    chances = np.full(len(noise), 1 / len(noise))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        power = middle * noise + curve * noise.astype(float) ** 2
        chances = np.exp(power - power.max())
        chances /= chances.sum()
        if float((chances * noise).sum()) < 0:
            low = middle
        else:
            high = middle
    return chances


def _counts(counts: Whole) -> Whole:
    known = np.asarray(counts)
    if not np.issubdtype(known.dtype, np.integer) or np.any(known < 0):
        raise _refused(
            "count", "Anzahlen müssen ganz und nicht negativ sein.", "Counts must be whole and not negative."
        )
    return known.astype(np.int64)


def _bad_row(row: int) -> ProtectionError:
    return _refused(
        "table",
        f"Die Zeile der p-Tabelle für die Anzahl {row} ist unvollständig, überlappt oder ändert Nullen.",
        f"The p-table's row for the count {row} is incomplete, overlaps or changes zeros.",
    )


def _impossible() -> ProtectionError:
    return _refused(
        "design",
        "Kein Rauschen erfüllt diese Vorgaben: größte Abweichung, Varianz und fehlende Anzahlen passen nicht zusammen.",
        "No noise does what is asked: greatest noise, variance and absent counts do not fit together.",
    )


REMEDIES: Mapping[str, Text] = {
    "count": Text(de="Zählen Sie zuerst, und runden Sie danach.", en="Count first, and round afterwards."),
    "base": Text(de="Wählen Sie eine andere Basis.", en="Choose another base."),
    "key": Text(
        de="Bilden Sie die Schlüssel mit cell_keys(...) und derselben Anzahl.",
        en="Make the keys with cell_keys(...) and the same number.",
    ),
    "table": Text(de="Berichtigen Sie die Datei der p-Tabelle.", en="Correct the file of the p-table."),
    "design": Text(
        de="Erhöhen Sie die größte Abweichung oder senken Sie Varianz oder fehlende Anzahlen.",
        en="Raise the greatest noise, or lower variance or absent counts.",
    ),
}


def _refused(code: str, de: str, en: str) -> ProtectionError:
    return ProtectionError(f"perturbation.{code}", Text(de=de, en=en), remedy=REMEDIES[code])
