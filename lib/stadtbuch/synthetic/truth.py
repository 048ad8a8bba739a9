"""
What was planted, said by the generator: the answers against which checks are measured.

The folder ``truth/`` stands beside the data and is read by tests only, never by a check.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from stadtbuch.synthetic.config import Alone, Config
from stadtbuch.synthetic.counters import missing_days
from stadtbuch.synthetic.planted import Laid
from stadtbuch.synthetic.residents import FEW, TOP, WIDTH

REGISTER, COUNTS = "population.residents", "mobility.bicycle_counts"
WELLS, BIRDS = "environment.wells", "environment.breeding_birds"
HOUSEHOLDS, WELFARE = "population.households", "social.welfare_quarters"
TAXES = "finance.trade_tax"
KEY = ("district", "age", "sex")


def privacy(config: Config, residents: pd.DataFrame, quarters: pd.DataFrame) -> dict[str, Any]:
    """Say what a gate must find, and what it must leave alone."""
    last = config.register_.reference_dates[1]
    stock = residents[residents["reference_date"] == pd.Timestamp(last)]
    codes = dict(zip(quarters["district_name"], quarters["district"], strict=True))
    return {
        "reference_date": last.isoformat(),
        "persons": len(stock),
        "canaries": config.traps.canaries,
        "unique": {
            "dataset": REGISTER,
            "key": KEY,
            "planted": [_key(alone, codes) for alone in config.traps.unique],
            "all": int((stock.groupby(list(KEY)).size() == 1).sum()),
        },
        "recoverable": _recoverable(config, stock),
        "hover": _key(config.traps.hover, codes)
        | {
            "dataset": REGISTER,
            "column": "register_note",
            "full_name": config.traps.hover.full_name,
            "note": config.traps.hover.note,
        },
        "notes_with_names": int(stock["register_note"].str.contains(" ").fillna(False).sum()),
        "look_alikes": [one.model_dump(mode="json") for one in config.traps.look_alikes],
    }


def _key(alone: Alone, codes: dict[str, str]) -> dict[str, Any]:
    return {
        "district": codes[alone.district],
        "district_name": alone.district,
        "age": alone.age,
        "sex": alone.sex,
    }


def _recoverable(config: Config, stock: pd.DataFrame) -> dict[str, Any]:
    """
    Name the table and its one small cell.

    `holds` tells whether the city is large enough for it: in the smallest size many cells are small.
    """
    trap = config.traps.recoverable
    borough = [one.name for one in config.boroughs].index(trap.borough)
    lowest = trap.lowest_age // WIDTH * WIDTH
    group = f"{lowest}+" if lowest >= TOP else f"{lowest:02d}–{lowest + WIDTH - 1:02d}"
    table = stock.groupby(["borough", stock["age"].clip(upper=TOP) // WIDTH, "sex"]).size()
    return {
        "dataset": REGISTER,
        "rows": "borough",
        "columns": ["age_group", "sex"],
        "age_group": {"width": WIDTH, "top": TOP},
        "min_count": FEW,
        "cell": {"borough": f"{borough + 1:02d}", "age_group": group, "sex": trap.sex},
        "count": trap.count,
        "holds": int((table < FEW).sum()) == 1,
    }


def places(config: Config, wells: pd.DataFrame, birds: pd.DataFrame) -> dict[str, Any]:
    """
    Say which places, names and notes must stay inside, and which rows of closed data are harmless.

    Columns are named as in the data; positions are longitude and latitude as they are written.
    """
    trap = config.traps.nest
    supply = wells[wells["protection"].isin(["critical", "restricted"])]
    nests = birds[birds["species_latin"] == trap.species]
    rare = birds[birds["category"].isin(["very-sensitive", "sensitive"])]
    careless = birds[birds["notes"] == trap.careless_note]
    society = birds[birds["observer"] == config.birds.society]
    return {
        "places": [
            *_positions(WELLS, "well_id", supply, ["kind", "name"]),
            *_positions(BIRDS, "record_id", rare, ["species_latin", "category"]),
        ],
        "nest": {
            "dataset": BIRDS,
            "species": trap.species,
            "field": trap.field,
            "records": nests["record_id"].tolist(),
            "careless_records": careless["record_id"].tolist(),
            "careless_note": trap.careless_note,
        },
        "observers": {
            "dataset": BIRDS,
            "column": "observer",
            "names": sorted(set(birds["observer"][:-1]) - {config.birds.society}),
            "notes_with_names": int(birds["notes"].str.startswith(_before_name(config), na=False).sum()),
        },
        "harmless": [
            _harmless(WELLS, "well_id", wells[wells["name"] == config.wells.pump.name], "everybody knows the pump"),
            _harmless(BIRDS, "record_id", society, "an organisation is no person"),
            _harmless(BIRDS, "record_id", birds[(birds["category"] == "common") & (birds["pairs"] == 1)][:1],
                      "a common bird counted in ones is no secret"),
        ],
    }  # fmt: skip


def _positions(dataset: str, key: str, rows: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [
        {"dataset": dataset, key: one[key], **{name: one[name] for name in columns}}
        | {"longitude": one["geometry"].x, "latitude": one["geometry"].y}
        for _, one in rows.iterrows()
    ]


def _before_name(config: Config) -> str:
    return config.birds.companion.partition("{")[0]


def _harmless(dataset: str, key: str, rows: pd.DataFrame, why: str) -> dict[str, Any]:
    return {"dataset": dataset, "rows": [{key: one} for one in rows[key]], "why": why}


def small(
    config: Config, quarters: pd.DataFrame, households: pd.DataFrame, welfare: pd.DataFrame
) -> dict[str, Any]:
    """
    Name the household that is alone with its size, and the count that a sum of its district gives away.

    `holds` tells whether the city is large enough for it: in the smallest size many counts are small.
    """
    last = pd.Timestamp(config.register_.reference_dates[-1])
    large = households[
        (households["size"] == config.traps.household.size) & (households["reference_date"] == last)
    ]
    trap = config.traps.margin
    codes = quarters.loc[quarters["district_name"] == trap.district, "quarter"].tolist()
    stock = welfare[(welfare["reference_date"] == last) & welfare["quarter"].isin(codes)]
    count = stock.set_index("quarter")["recipients"]
    return {
        "household": {
            "dataset": HOUSEHOLDS,
            "key": ["quarter", "size"],
            "rows": large[["household_id", "quarter", "size", "children"]].to_dict("records"),
        },
        "margin": {
            "dataset": WELFARE,
            "rows": "quarter",
            "district": codes[0][:4],
            "column": "recipients",
            "cell": {"quarter": codes[0]},
            "count": int(count[codes[0]]),
            "min_count": trap.minimum,
            "holds": bool(0 < count[codes[0]] < trap.minimum and (count[codes[1:]] >= trap.minimum).all()),
        },
    }


def dominance(config: Config, notices: pd.DataFrame) -> dict[str, Any]:
    """Name the company that makes up most of a branch and of a borough, and its share of each in the last year."""
    trap, last = config.traps.dominant, config.taxes.years[-1]
    paid = notices[notices["year"] == last]
    own = paid[paid["company_name"] == trap.name]
    borough = own["borough"].iloc[0]
    return {
        "dominance": {
            "dataset": TAXES,
            "year": last,
            "company_id": own["company_id"].iloc[0],
            "company_name": trap.name,
            "column": "tax_eur",
            "paid": int(own["tax_eur"].sum()),
            "cells": {"branch": trap.branch, "borough": borough},
            "share_of_branch": _share(own, paid[paid["branch"] == trap.branch]),
            "share_of_borough": _share(own, paid[paid["borough"] == borough]),
        }
    }


def _share(own: pd.DataFrame, group: pd.DataFrame) -> float:
    return round(float(own["tax_eur"].sum() / group["tax_eur"].sum()), 4)


def quality(config: Config, counts: pd.DataFrame, laid: Iterable[Laid]) -> dict[str, Any]:
    """Say which days are missing in the counts, and how; and what is wrong, or looks so, elsewhere."""
    tables = list(laid)
    gaps = config.traps.gaps
    outage = gaps.outage
    inside = [
        (station, day)
        for station, day in missing_days(gaps)
        if station == outage.station and outage.first <= day <= outage.last
    ]
    ends = [one for one in missing_days(gaps) if one not in inside]
    return {
        "dataset": COUNTS,
        "rows": len(counts),
        "month_ends": _listed(ends),
        "outage": outage.model_dump(mode="json"),
        "missing_rows": _listed(missing_days(gaps)),
        "missing_signs": _listed([(gaps.signs.station, day) for day in gaps.signs.days]),
        "sign": gaps.signs.sign,
        "defects": [one.told() for table in tables for one in table.defects],
        "look_alikes": [one.told() for table in tables for one in table.look_alikes],
    }


def _listed(days: list[tuple[str, Any]]) -> list[dict[str, str]]:
    return [{"station_id": station, "day": day.isoformat()} for station, day in days]
