"""
The wells: a field of them for drinking water, some for emergencies, many in gardens.

Where the first stand is a secret that protects everybody's water; where the last stand matters to their owners
only.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic import spots
from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.nature import Size, WellKind, Wells
from stadtbuch.synthetic.planted import Defect, Laid, keys

DATASET = "environment.wells"
DRINKING, EMERGENCY, GARDEN = "drinking-water", "emergency", "garden"
KEY = ("well_id",)
STATUS, SHARES = ("active", "reserve", "closed"), (0.86, 0.09, 0.05)
NUMBERS = 10_000_000
PUMP_DEPTH, PUMP_CAPACITY = 9.5, 4.0
COLUMNS = (
    "well_id", "name", "kind", "depth_m", "capacity_m3_per_day", "borough", "district", "zone", "protection",
    "status", "geometry",
)  # fmt: skip


def register(config: Config, quarters: gpd.GeoDataFrame, *, size: Size, rng: np.random.Generator) -> Laid:
    """
    Make the register of wells.

    Returns
    -------
    Laid
        A GeoDataFrame with the columns of `COLUMNS`, EPSG:4326; the pump that everybody knows after the others,
        the test record with the canaries last.
    """
    parts = [_of_kind(config.wells, kind, quarters, size, rng) for kind in (DRINKING, EMERGENCY, GARDEN)]
    table = pd.concat([*parts, _pump(config.wells, quarters)], ignore_index=True)
    table["well_id"] = _ids(len(table), rng)
    deep, unknown = rng.choice(
        np.flatnonzero(table["name"] != config.wells.pump.name), 2, replace=False
    ).tolist()
    table.loc[deep, "depth_m"] *= -1
    table.loc[unknown, "capacity_m3_per_day"] = None
    return Laid(
        _described(table, config),
        (
            Defect(DATASET, "negative", ("depth_m",), keys(table, [deep], KEY)),
            Defect(DATASET, "missing-value", ("capacity_m3_per_day",), keys(table, [unknown], KEY)),
        ),
    )


def _described(table: pd.DataFrame, config: Config) -> gpd.GeoDataFrame:
    """Put the columns in order, and the test record below."""
    values = config.traps.canaries[DATASET]
    record = pd.DataFrame([values | {"geometry": spots.test_point(str(values["geometry"]))}])
    return gpd.GeoDataFrame(
        pd.concat([table, record], ignore_index=True)[list(COLUMNS)], geometry="geometry", crs=4326
    )


def _of_kind(
    pattern: Wells, kind: str, quarters: gpd.GeoDataFrame, size: Size, rng: np.random.Generator
) -> pd.DataFrame:
    """Make all wells of a kind."""
    rule: WellKind = pattern.kinds[kind]  # type: ignore[index]
    count = rule.count[size]
    rows, points = _places(pattern, kind, count, quarters, rng)
    return pd.DataFrame(
        {
            "name": _names(rule.word, pattern.names, count, rng),
            "kind": kind,
            "depth_m": rng.uniform(*rule.depth_m, count).round(1),
            "capacity_m3_per_day": rng.uniform(*rule.capacity, count).round(rule.capacity[1] < 100),
            "borough": quarters["borough"].to_numpy()[rows],
            "district": quarters["district"].to_numpy()[rows],
            "zone": _zones(pattern, kind, quarters, rows),
            "protection": rule.protection,
            "status": rng.choice(np.array(STATUS, dtype=object), count, p=SHARES),
            "geometry": spots.geometry(points),
        }
    )


def _places(
    pattern: Wells, kind: str, count: int, quarters: gpd.GeoDataFrame, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Say in which quarter each well stands, and where: those for drinking water close together."""
    shapes = quarters.geometry.to_numpy()
    if kind == DRINKING:
        field = _field(pattern, quarters)
        points = spots.near(shapes[field], count, metres=pattern.spread_m, rng=rng)
        return np.full(count, field), points
    area = quarters["area_km2"].to_numpy()
    weight = area if kind == GARDEN else np.ones(len(area))
    rows = rng.choice(len(area), count, p=weight / weight.sum())
    return rows, spots.inside(shapes, rows, rng=rng)


def _field(pattern: Wells, quarters: gpd.GeoDataFrame) -> int:
    """Give the quarter in which the drinking water is drawn."""
    return int(np.flatnonzero(quarters["district_name"] == pattern.field)[0])


def _zones(
    pattern: Wells, kind: str, quarters: gpd.GeoDataFrame, rows: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Give the protection zone: I at the wells, II in their quarter, III in their district."""
    field = _field(pattern, quarters)
    district = quarters["district"].to_numpy()
    outer = np.where(district[rows] == district[field], "III", "none")
    inner = "I" if kind == DRINKING else "II"
    return np.where(rows == field, inner, outer).astype(object)


def _names(word: str, fields: tuple[str, ...], count: int, rng: np.random.Generator) -> list[str]:
    """Call wells by fields, and number those of one field."""
    drawn = np.array(fields, dtype=object)[rng.integers(0, len(fields), count)]
    number = pd.Series(drawn).groupby(drawn).cumcount() + 1
    return [f"{word} {field} {nth}" for field, nth in zip(drawn, number, strict=True)]


def _pump(pattern: Wells, quarters: gpd.GeoDataFrame) -> pd.DataFrame:
    """Give the pump on the square: a garden well that stands in every city guide."""
    first = quarters[quarters["district_name"] == pattern.pump.district].iloc[0]
    place = first.geometry.representative_point()
    return pd.DataFrame(
        {
            "name": [pattern.pump.name],
            "kind": GARDEN,
            "depth_m": PUMP_DEPTH,
            "capacity_m3_per_day": PUMP_CAPACITY,
            "borough": first["borough"],
            "district": first["district"],
            "zone": "none",
            "protection": "none",
            "status": "active",
            "geometry": spots.geometry(np.array([[place.x, place.y]]).round(6)),
        }
    )


def _ids(count: int, rng: np.random.Generator) -> list[str]:
    """Give each well a number that tells nothing about the order."""
    step = NUMBERS // count
    drawn = NUMBERS + np.arange(count) * step + rng.integers(0, step, count)
    return [f"W{number}" for number in rng.permutation(drawn)]
