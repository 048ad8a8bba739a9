"""
Ratios of protected tables: rates (a part among all) and means (a sum per unit), formed from published numbers only.

What follows from published numbers tells nothing new, so a ratio needs no protection of its own. It is withheld where
either number is withheld, and where it would rest on few cases: the two-threshold rule for rates, and no mean of
fewer than the minimum count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from stadtbuch.disclosure import primary
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.disclosure.tables import ProtectedTable

WITHHELD, ZERO = "·", "–"
NUMERATOR, DENOMINATOR = 3, 100


class Thresholds(NamedTuple):
    """A rate needs so many with the feature, so many without it, and so many in all."""

    numerator: int = NUMERATOR
    denominator: int = DENOMINATOR


USUAL = Thresholds()


def rate(
    part: ProtectedTable,
    whole: ProtectedTable,
    by: str | Sequence[str],
    *,
    per: int = 100,
    numerator: int = NUMERATOR,
    denominator: int = DENOMINATOR,
) -> pd.DataFrame:
    """
    Give the rate of a part among a whole, by variables or levels that both tables have.

    Parameters
    ----------
    part, whole
        Counts, such as recipients and residents.
    by
        A variable or level, or several.
    per
        Of how many: 100 for per cent.
    numerator, denominator
        The two thresholds. They may be stricter than what the tables state, never looser.

    Returns
    -------
    pandas.DataFrame
        One column per name in `by`, ``value`` (Float64) and ``mark``: ``·`` withheld, ``–`` exactly zero.

    Raises
    ------
    UsageError
        ``table.unknown-variable``; ``table.rate`` for sums, and where a part is larger than its whole;
        ``table.rate-threshold`` for looser thresholds.
    """
    if part.is_sum or whole.is_sum:
        raise _no_counts()
    stated = [Thresholds(*one.rates) for one in (part, whole)]
    least = Thresholds(max(one.numerator for one in stated), max(one.denominator for one in stated))
    if numerator < NUMERATOR or denominator < DENOMINATOR:
        raise _looser(least)
    least = Thresholds(max(numerator, least.numerator), max(denominator, least.denominator))
    pairs = _pairs(part, whole, by)
    above, below = (pairs[name].fillna(0).astype("int64").to_numpy() for name in ("above", "below"))
    shown = pairs["above"].notna().to_numpy() & pairs["below"].notna().to_numpy()
    if (above[shown] > below[shown]).any():
        raise _not_a_part()
    few = primary.rates(above, below, numerator=least.numerator, denominator=least.denominator)
    return _told(pairs, above, below, shown & ~few, per)


def mean(sums: ProtectedTable, counts: ProtectedTable, by: str | Sequence[str]) -> pd.DataFrame:
    """
    Give the mean of a sum per counted unit, by variables or levels that both tables have.

    Parameters
    ----------
    sums, counts
        What is divided, and by how many: a published count is at least the minimum count, or zero.
    by
        A variable or level, or several.

    Returns
    -------
    pandas.DataFrame
        As of `rate`; there is no mean of nobody, so that is withheld as well.

    Raises
    ------
    UsageError
        ``table.unknown-variable``; ``table.mean`` unless these are a sum and counts.
    """
    if not sums.is_sum or counts.is_sum:
        raise _no_mean()
    pairs = _pairs(sums, counts, by)
    above, below = (pairs[name].fillna(0).astype("float64").to_numpy() for name in ("above", "below"))
    shown = pairs["above"].notna().to_numpy() & (below >= max(sums.min_count, counts.min_count))
    return _told(pairs, above, below, shown, 1)


def _pairs(above: ProtectedTable, below: ProtectedTable, by: str | Sequence[str]) -> pd.DataFrame:
    """Put the numbers of both tables beside each other; what one of them lacks is withheld."""
    names = [by] if isinstance(by, str) else list(by)
    found = above.by(names).drop(columns="mark").rename(columns={"value": "above"})
    other = below.by(names).drop(columns="mark").rename(columns={"value": "below"})
    return found.merge(other, on=names, how="left")


def _told(
    pairs: pd.DataFrame, above: np.ndarray, below: np.ndarray, shown: np.ndarray, per: int
) -> pd.DataFrame:
    frame = pairs.drop(columns=["above", "below"])
    ratio = per * above / np.where(shown, below, 1)
    frame["value"] = pd.Series(ratio, dtype="Float64").where(pd.Series(shown))
    frame["mark"] = np.where(~shown, WITHHELD, np.where(ratio == 0, ZERO, ""))
    return frame.astype({"mark": "str"})


# ---- what is said when something is wrong -------------------------------------------------------------


def _no_counts() -> UsageError:
    return UsageError(
        "table.rate",
        Text(de="Eine Quote entsteht aus zwei Anzahlen.", en="A rate is formed from two counts."),
        remedy=Text(
            de="Nehmen Sie für Beträge je Einheit mean(...).", en="Use mean(...) for amounts per unit."
        ),
    )


def _not_a_part() -> UsageError:
    return UsageError(
        "table.rate",
        Text(de="Ein Teil ist größer als sein Ganzes.", en="A part is larger than its whole."),
        remedy=Text(
            de="Prüfen Sie, ob beide Tabellen dieselben Menschen am selben Tag zählen.",
            en="Check whether both tables count the same people on the same day.",
        ),
    )


def _looser(least: Thresholds) -> UsageError:
    return UsageError(
        "table.rate-threshold",
        Text(
            de=f"Quoten brauchen mindestens {least.numerator} Fälle unter mindestens {least.denominator}.",
            en=f"Rates need at least {least.numerator} cases among at least {least.denominator}.",
        ),
        remedy=Text(
            de="Geben Sie strengere Schwellen an oder keine.", en="State stricter thresholds, or none."
        ),
    )


def _no_mean() -> UsageError:
    return UsageError(
        "table.mean",
        Text(
            de="Ein Mittelwert entsteht aus einer Summe und einer Anzahl.",
            en="A mean is formed from a sum and a count.",
        ),
        remedy=Text(
            de="Schützen Sie beide zusammen: mit sum= und ohne, und teilen Sie die eine durch die andere.",
            en="Protect both together: with sum= and without, and divide one by the other.",
        ),
    )
