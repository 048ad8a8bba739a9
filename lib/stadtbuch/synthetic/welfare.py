"""
Minimum income benefits by quarter: counts, not people, and yet many of them are about one or two.

A sum of a district minus the quarters that are large enough to be shown gives the one that is not.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.planted import Defect, Laid, keys

DATASET = "social.welfare_quarters"
YOUNG, OLD = 15, 65
KEY = ("reference_date", "quarter")
COUNTS = ("persons", "recipients", "recipients_under_15", "recipients_65_plus")
COLUMNS = ("reference_date", "borough", "district", "quarter", *COUNTS)

Whole = NDArray[np.int64]


def counts(
    config: Config, quarters: pd.DataFrame, residents: pd.DataFrame, *, rng: np.random.Generator
) -> Laid:
    """
    Count who receives benefits.

    Returns
    -------
    Laid
        One row per reference date and quarter, sorted by them, with the columns of `COLUMNS`; the test record
        with the canaries first, as its date is the earliest.
    """
    share = _shares(config, quarters, rng)
    days = config.register_.reference_dates
    stocks = [_stock(config, quarters, residents, day, share, rng) for day in days]
    _plant(config, quarters, stocks[-1])
    values = config.traps.canaries[DATASET]
    record = pd.DataFrame(
        [values | {"reference_date": pd.Timestamp(str(values["reference_date"])).as_unit("us")}]
    )
    table = pd.concat([record, *stocks], ignore_index=True)[list(COLUMNS)]
    return Laid(table, _impossible(table, len(record), rng))


def _shares(config: Config, quarters: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Give the share of each quarter: that of its borough, and quarters differ."""
    borough = np.array([one.welfare for one in config.boroughs]) / 100
    number = quarters["borough"].astype(int).to_numpy() - 1
    return borough[number] * np.exp(rng.normal(0, config.welfare.spread, len(quarters)))


def _stock(
    config: Config,
    quarters: pd.DataFrame,
    residents: pd.DataFrame,
    day: date,
    share: NDArray[np.float64],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the counts of one reference date."""
    people = residents[residents["reference_date"] == pd.Timestamp(day)]
    place = pd.Categorical(people["quarter"], categories=quarters["quarter"]).codes
    age = people["age"].astype(int).to_numpy()
    drift = share * np.exp(rng.normal(0, 0.03, len(share)))
    young = _drawn(place[age < YOUNG], drift * config.welfare.young, rng)
    old = _drawn(place[age >= OLD], drift * config.welfare.old, rng)
    between = _drawn(place[(age >= YOUNG) & (age < OLD)], drift, rng)
    return pd.DataFrame(
        {
            "reference_date": pd.Timestamp(day).as_unit("us"),
            **{name: quarters[name].to_numpy(dtype=object) for name in ("borough", "district", "quarter")},
            "persons": np.bincount(place, minlength=len(share)),
            "recipients": young + between + old,
            "recipients_under_15": young,
            "recipients_65_plus": old,
        }
    )


def _drawn(place: Whole, share: NDArray[np.float64], rng: np.random.Generator) -> Whole:
    return rng.binomial(np.bincount(place, minlength=len(share)), share.clip(0, 0.9))


def _plant(config: Config, quarters: pd.DataFrame, stock: pd.DataFrame) -> None:
    """Leave one small count in a district: the others reach the minimum, as far as so many live there."""
    trap = config.traps.margin
    there = np.flatnonzero(quarters["district_name"] == trap.district)
    enough = np.minimum(stock.loc[there, "persons"], trap.minimum)
    stock.loc[there, "recipients"] = np.maximum(stock.loc[there, "recipients"], enough)
    first = there[0]
    stock.loc[first, "recipients"] = np.minimum(trap.recipients, stock.loc[first, "persons"])
    stock.loc[first, ["recipients_under_15", "recipients_65_plus"]] = 0


def _impossible(table: pd.DataFrame, first: int, rng: np.random.Generator) -> tuple[Defect, ...]:
    """Write two counts that cannot be: more recipients than residents, and parts that exceed their sum."""
    size = (len(table) - first) // 2
    more, parts = (first + rng.choice(size, 2, replace=False)).tolist()
    table.loc[more, "recipients"] = table.loc[more, "persons"] + 4
    table.loc[parts, "recipients_under_15"] = table.loc[parts, "recipients"] + 3
    return (
        Defect(DATASET, "more-than-all", ("recipients", "persons"), keys(table, [more], KEY)),
        Defect(DATASET, "parts-exceed-sum", ("recipients_under_15", "recipients"), keys(table, [parts], KEY)),
    )
