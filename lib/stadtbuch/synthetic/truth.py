"""
What was planted, said by the generator: the answers against which checks are measured.

The folder ``truth/`` stands beside the data and is read by tests only, never by a check.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from stadtbuch.synthetic.config import Alone, Config
from stadtbuch.synthetic.counters import missing_days
from stadtbuch.synthetic.residents import FEW, TOP, WIDTH

REGISTER, COUNTS = "population.residents", "mobility.bicycle_counts"
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


def quality(config: Config, counts: pd.DataFrame) -> dict[str, Any]:
    """Say which days are missing in the counts, and how."""
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
    }


def _listed(days: list[tuple[str, Any]]) -> list[dict[str, str]]:
    return [{"station_id": station, "day": day.isoformat()} for station, day in days]
