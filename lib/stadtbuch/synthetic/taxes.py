"""
Trade tax: what each company of the city paid, and one that pays more than all others of its branch together.

A sum over few companies tells what each of them paid; a sum over many tells it too, if one of them makes up nearly
all of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.planted import Laid

DATASET = "finance.trade_tax"
ADVANCE, SETTLEMENT = "advance", "settlement"
COLUMNS = ("year", "notice", "company_id", "company_name", "branch", "borough", "kind", "tax_eur")
IDS, NOTICES = 40_000, 700_000
SMALLEST = 60
"""Smaller amounts are not worth a notice."""


def notices(config: Config, *, persons: int, rng: np.random.Generator) -> Laid:
    """
    Assess all companies, year by year.

    Parameters
    ----------
    config
        The made-up city.
    persons
        Its residents: there are as many companies, and as much tax, as go with them.
    rng
        The stream of this table.

    Returns
    -------
    Laid
        The columns of `COLUMNS`, a row per notice: the advance payment, and for some companies what the settlement
        adds; whole euros. Sorted by year and number, the test record with the canaries last.
    """
    companies = _companies(config, round(config.taxes.companies * persons), rng)
    paid = [_year(config, companies, year, persons, rng) for year in config.taxes.years]
    table = pd.concat(paid, ignore_index=True)
    table["notice"] = [f"B{one}" for one in NOTICES + rng.permutation(len(table))]
    table = table.sort_values(["year", "notice"], ignore_index=True)
    record = pd.DataFrame([config.traps.canaries[DATASET]])
    return Laid(pd.concat([table, record], ignore_index=True)[list(COLUMNS)])


def _companies(config: Config, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Found the companies: name, branch, seat, size beside the others; the dominant one is the first."""
    pattern, trap = config.taxes, config.traps.dominant
    weight = np.array([one.weight for one in pattern.branches], dtype=float)
    branch = rng.choice(len(weight), count, p=weight / weight.sum())
    people = np.array([one.people for one in config.boroughs], dtype=float)
    borough = rng.choice(len(people), count, p=people / people.sum())
    branch[0] = [one.code for one in pattern.branches].index(trap.branch)
    borough[0] = [one.name for one in config.boroughs].index(trap.borough)
    size = np.array([one.size for one in pattern.branches])[branch] * rng.lognormal(0, pattern.spread, count)
    return pd.DataFrame(
        {
            "company_id": [f"U{one}" for one in IDS + rng.permutation(count)],
            "company_name": [trap.name, *_names(config, branch[1:], rng)],
            "branch": [pattern.branches[one].code for one in branch],
            "borough": [f"{one + 1:02d}" for one in borough],
            "size": size,
        }
    )


def _names(config: Config, branch: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """Call each company by a surname, a word of its branch and a form."""
    surnames, pattern = config.register_.surnames, config.taxes
    return [
        f"{rng.choice(surnames.beginnings)}{rng.choice(surnames.endings)} "
        f"{rng.choice(pattern.branches[one].words)} {rng.choice(pattern.forms)}"
        for one in branch
    ]


def _year(
    config: Config, companies: pd.DataFrame, year: int, persons: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Write the notices of one year."""
    pattern = config.taxes
    growth = (1 + pattern.growth) ** (year - pattern.years[-1])
    yearly = companies["size"] * np.exp(rng.normal(0, pattern.change, len(companies)))
    yearly[rng.random(len(companies)) < pattern.pausing] = 0.0
    yearly.iloc[0] = _dominant(config, companies, yearly)
    tax = (yearly / yearly.sum() * pattern.per_head * persons * growth).round().astype(int)
    later = np.where(rng.random(len(tax)) < pattern.settled, rng.uniform(0.02, 0.3, len(tax)), 0.0)
    settled = (tax * later).round().astype(int)
    settled = settled.where(settled >= SMALLEST, 0)
    both = [_notices(companies, year, ADVANCE, tax - settled), _notices(companies, year, SETTLEMENT, settled)]
    return pd.concat(both, ignore_index=True)


def _dominant(config: Config, companies: pd.DataFrame, tax: pd.Series) -> float:
    """Give the dominant company as much as makes it the wanted share of its branch."""
    trap = config.traps.dominant
    others = float(tax.iloc[1:][companies["branch"].iloc[1:] == trap.branch].sum())
    return others * trap.share / (1 - trap.share)


def _notices(companies: pd.DataFrame, year: int, kind: str, tax: pd.Series) -> pd.DataFrame:
    known = companies[["company_id", "company_name", "branch", "borough"]]
    table = known.assign(year=year, kind=kind, tax_eur=tax)
    return table[table["tax_eur"] >= SMALLEST]
