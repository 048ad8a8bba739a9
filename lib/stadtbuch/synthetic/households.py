"""
Households: the people of the register put together, quarter by quarter.

The register knows no households. This table is made from it, so that the persons of a quarter's households are the
residents of that quarter, and its children their children.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.planted import Defect, Laid, keys
from stadtbuch.synthetic.society import Households, LargeHousehold

DATASET = "population.households"
SINGLE, COUPLE, FAMILY, PARENT, SHARED = "single", "couple", "family", "single-parent", "shared"
OF_AGE, YOUNG = 18, 30
KEY = ("reference_date", "household_id")
NUMBERS = 10_000_000
COLUMNS = (
    "household_id", "reference_date", "borough", "district", "quarter", "size", "children", "kind",
)  # fmt: skip

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quarter:
    """Who lives in a quarter: minors, adults, and the share of the adults who are younger than thirty."""

    code: str
    children: int
    adults: int
    young: float


@dataclass(frozen=True, slots=True)
class Homes:
    """Households of a quarter: members, minors among them, and kind, one entry each."""

    size: Whole
    children: Whole
    kind: NDArray[np.object_]


def register(config: Config, residents: pd.DataFrame, *, rng: np.random.Generator) -> Laid:
    """
    Put the residents of both reference dates together.

    Parameters
    ----------
    config
        The made-up city.
    residents
        As `residents.register` gives them.
    rng
        The stream of this table.

    Returns
    -------
    Laid
        The columns of `COLUMNS`, sorted by reference date and number; the test record with the canaries first,
        as its date is the earliest.
    """
    stocks = [_stock(config, residents, day, rng) for day in config.register_.reference_dates]
    values = config.traps.canaries[DATASET]
    record = pd.DataFrame(
        [values | {"reference_date": pd.Timestamp(str(values["reference_date"])).as_unit("us")}]
    )
    table = pd.concat([record, *stocks], ignore_index=True)[list(COLUMNS)]
    return _odd(table.sort_values(["reference_date", "household_id"], ignore_index=True), rng)


def _odd(table: pd.DataFrame, rng: np.random.Generator) -> Laid:
    """Enter one household without an adult, and one without its kind."""
    families = table.index[(table["kind"] == FAMILY) & (table["children"] == 1)]
    alone, unnamed = rng.choice(families, 2, replace=False).tolist()
    table.loc[alone, "children"] = table.loc[alone, "size"]
    table.loc[unnamed, "kind"] = None
    return Laid(
        table,
        (
            Defect(DATASET, "children-alone", ("size", "children"), keys(table, [alone], KEY)),
            Defect(DATASET, "missing-value", ("kind",), keys(table, [unnamed], KEY)),
        ),
    )


def _stock(config: Config, residents: pd.DataFrame, day: date, rng: np.random.Generator) -> pd.DataFrame:
    """Give the households of one reference date."""
    people = residents[residents["reference_date"] == pd.Timestamp(day)]
    quarters = list(_quarters(people))
    large = _largest(config, quarters) if day == config.register_.reference_dates[-1] else None
    homes = [
        _homes(config.households, one, config.traps.household if one.code == large else None, rng)
        for one in quarters
    ]
    code = np.repeat([one.code for one in quarters], [len(one.size) for one in homes])
    return pd.DataFrame(
        {
            "household_id": _ids(len(code), rng),
            "reference_date": pd.Timestamp(day).as_unit("us"),
            "borough": [one[:2] for one in code],
            "district": [one[:4] for one in code],
            "quarter": code.astype(object),
            "size": np.concatenate([one.size for one in homes]),
            "children": np.concatenate([one.children for one in homes]),
            "kind": np.concatenate([one.kind for one in homes]),
        }
    )


def _quarters(people: pd.DataFrame) -> Iterator[Quarter]:
    """Count who lives in each quarter; where no adult lives, minors are on their own."""
    age = people["age"].astype(int)
    counted = (
        pd.DataFrame(
            {
                "quarter": people["quarter"].astype(str),
                "children": age < OF_AGE,
                "adults": age >= OF_AGE,
                "young": (age >= OF_AGE) & (age < YOUNG),
            }
        )
        .groupby("quarter")
        .sum()
    )
    for one in counted.itertuples():
        children, adults = (one.children, one.adults) if one.adults else (0, one.children)
        yield Quarter(str(one.Index), int(children), int(adults), one.young / max(adults, 1))


def _largest(config: Config, quarters: list[Quarter]) -> str:
    """Choose the quarter for the large household: the one with most children in its borough."""
    trap = config.traps.household
    number = [one.name for one in config.boroughs].index(trap.borough) + 1
    there = [one for one in quarters if one.code.startswith(f"{number:02d}") and one.adults >= trap.size]
    return max(there, key=lambda one: one.children).code


def _homes(
    pattern: Households, quarter: Quarter, large: LargeHousehold | None, rng: np.random.Generator
) -> Homes:
    """Put one quarter together."""
    planted = min(large.children, quarter.children) if large else 0
    grown = large.size - planted if large else 0
    families, adults = _families(pattern, quarter.children - planted, quarter.adults - grown, rng)
    left = quarter.adults - grown - int(adults.sum())
    shared = _cut(int(left * _share_shared(quarter.young)), (0, *pattern.shared), rng)
    shared = shared[shared > 1]
    left -= int(shared.sum())
    pairs = int(rng.binomial(left // 2, pattern.couples))
    others = [(SHARED, shared), (COUPLE, np.full(pairs, 2)), (SINGLE, np.ones(left - 2 * pairs, dtype=int))]
    return Homes(
        np.concatenate(
            [families + adults, *(size for _, size in others), [planted + grown] * bool(large)]
        ).astype(int),
        np.concatenate([families, *(0 * size for _, size in others), [planted] * bool(large)]).astype(int),
        np.concatenate(
            [
                np.where(adults == 1, PARENT, FAMILY).astype(object),
                *(np.repeat(np.array([kind], dtype=object), len(size)) for kind, size in others),
                np.array([FAMILY] * bool(large), dtype=object),
            ]
        ),
    )


def _families(
    pattern: Households, children: int, adults: int, rng: np.random.Generator
) -> tuple[Whole, Whole]:
    """Give children and adults of each family; where adults are few, more families have one only."""
    families = _cut(children, pattern.children, rng)
    if len(families) > adults:
        families = np.array([len(part) for part in np.array_split(np.arange(children), adults)])
    grown = np.where(rng.random(len(families)) < pattern.single_parents, 1, 2)
    grown += (grown == 2) & (rng.random(len(families)) < pattern.relatives)
    over = np.cumsum(grown - 1) > adults - len(families)
    return families, np.where(over, 1, grown)


def _cut(total: int, weights: tuple[float, ...], rng: np.random.Generator) -> Whole:
    """
    Cut a whole number into parts of one, two, three ... drawn by weight; the last part is what is left.

    Examples
    --------
    >>> _cut(9, (0, 0, 1), np.random.default_rng(1)).tolist()
    [3, 3, 3]
    """
    if total <= 0:
        return np.zeros(0, dtype=np.int64)
    chance = np.array(weights) / sum(weights)
    parts = rng.choice(len(weights), total, p=chance) + 1
    sums = np.cumsum(parts)
    last = int(np.searchsorted(sums, total))
    parts[last] -= sums[last] - total
    return parts[: last + 1]


def _share_shared(young: float) -> float:
    """Say which share of the adults without children shares a home: more where many are young."""
    return float(np.clip(0.04 + 0.55 * (young - 0.18), 0.02, 0.4))


def _ids(count: int, rng: np.random.Generator) -> list[str]:
    """Give each household a number of its own that tells nothing about the order."""
    step = NUMBERS * 8 // count
    return [
        f"H{one}" for one in rng.permutation(NUMBERS + np.arange(count) * step + rng.integers(0, step, count))
    ]
