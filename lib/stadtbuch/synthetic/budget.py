"""
The budget: what each product plans to spend and to take in, what it did, and the sums of product areas.

Product areas are those of the German statistics of municipal finance. The last closed year is the last with
results.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.planted import Defect, Laid, keys
from stadtbuch.synthetic.society import Area, Budget, BudgetLine, Product

DATASET, AREAS = "finance.budget", "finance.budget_areas"
INCOME, EXPENSE = "income", "expense"
LINE, SUM = ("year", "product", "kind"), ("year", "area", "kind")
MONEY = ("planned_eur", "actual_eur")
HUNDRED = 100


def lines(config: Config, *, persons: int, rng: np.random.Generator) -> Laid:
    """
    Draw up the budget.

    Returns
    -------
    Laid
        Columns year, area, area_title_de, area_title_en, product, product_title, kind, planned_eur, actual_eur
        (missing for years that are not closed), sorted by the key.
    """
    pattern = config.budget
    table = pd.DataFrame(_lines(pattern))
    growth = (1 + pattern.growth) ** (table["year"] - pattern.base)
    own = table.groupby(["product", "kind"]).ngroup().to_numpy()
    level = np.exp(rng.normal(0, 0.08, own.max() + 1))[own]
    planned = table.pop("per_head") * persons * growth * level
    actual = planned * (1 + rng.normal(0, pattern.deviation, len(table)))
    actual = actual.where(table["year"] <= pattern.closed_year)
    table["planned_eur"] = (planned / HUNDRED).round() * HUNDRED
    table["actual_eur"] = actual.round(2)
    return _laid(config, table)


def _lines(pattern: Budget) -> Iterator[dict[str, object]]:
    """Give every line with the euros per head."""
    for year in range(pattern.first_year, pattern.last_year + 1):
        for area in pattern.areas:
            for product in area.products:
                for kind in (EXPENSE, INCOME):
                    yield from _line(year, area, product, kind)


def _line(year: int, area: Area, product: Product, kind: str) -> Iterator[dict[str, object]]:
    per_head = product.income if kind == INCOME else product.expense
    if per_head:
        yield {
            "year": year,
            "area": area.code,
            "area_title_de": area.title.de,
            "area_title_en": area.title.en,
            "product": product.code,
            "product_title": product.title,
            "kind": kind,
            "per_head": per_head,
        }


def _laid(config: Config, table: pd.DataFrame) -> Laid:
    """Book some lines wrongly, and two that only look wrong."""
    traps, before = config.traps.budget, table.copy()
    wrong = [_row(table, one) for one in traps.sign]
    table.loc[wrong, "actual_eur"] *= -1
    shifted = [_row(table, traps.shifted)]
    table.loc[shifted, "planned_eur"] *= 10
    zero, reversal = [_row(table, traps.zero)], [_row(table, traps.reversal)]
    table.loc[zero, list(MONEY)] = 0.0
    table.loc[reversal, "actual_eur"] = (-0.04 * before.loc[reversal, "planned_eur"]).round(2)
    return Laid(
        table,
        (
            Defect(DATASET, "wrong-sign", ("actual_eur",), keys(table, wrong, LINE)),
            Defect(DATASET, "factor-ten", ("planned_eur",), keys(table, shifted, LINE)),
        ),
        (
            Defect(
                DATASET, "zero-line", MONEY, keys(table, zero, LINE), "a product that was paused for a year"
            ),
            Defect(
                DATASET,
                "reversal",
                ("actual_eur",),
                keys(table, reversal, LINE),
                "a repayment: income below zero",
            ),
        ),
    )


def _row(table: pd.DataFrame, line: BudgetLine) -> int:
    """Find a line."""
    there = (table["year"] == line.year) & (table["product"] == line.product) & (table["kind"] == line.kind)
    return int(np.flatnonzero(there)[0])


def areas(config: Config, budget: pd.DataFrame) -> Laid:
    """
    Add the lines up by product area, as the printed budget does, one of them wrongly.

    Returns
    -------
    Laid
        Columns year, area, area_title_de, area_title_en, kind, planned_eur, actual_eur.
    """
    titles = ["area_title_de", "area_title_en"]
    grouped = budget.groupby([*SUM[:2], *titles, "kind"], as_index=False)
    table = grouped[list(MONEY)].sum(min_count=1).round(2)
    trap = config.traps.budget
    area = budget.loc[_row(budget, trap.wrong_sum), "area"]
    there = (
        (table["year"] == trap.wrong_sum.year)
        & (table["area"] == area)
        & (table["kind"] == trap.wrong_sum.kind)
    )
    row = int(np.flatnonzero(there)[0])
    table.loc[row, "planned_eur"] += trap.wrong_by
    wrong = Defect(
        AREAS, "sum-differs", ("planned_eur",), keys(table, [row], SUM), f"{trap.wrong_by} euros too much"
    )
    return Laid(table, (wrong,))
