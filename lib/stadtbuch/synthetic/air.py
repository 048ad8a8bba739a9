"""
The air: what official stations measure, and what sensors on balconies show beside them.

All stations breathe the same weather as the bicycle counters count: cold still days are bad, rain washes the dust
out, traffic rests on Sundays. Fireworks at New Year are true, however wrong they look.
"""

from __future__ import annotations

from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.counters import Calendar, calendar
from stadtbuch.synthetic.nature import AirStation, AirTraps, Days, Donated, Pollutant, Size, Span
from stadtbuch.synthetic.planted import Defect, Laid, keys

VALUES, STATIONS, DONATED = (
    "environment.air_quality",
    "environment.air_stations",
    "participation.air_sensors_donated",
)
UNIT, MILLI = "µg/m³", "mg/m³"
KEY, SENSOR_KEY = ("station_id", "date", "pollutant"), ("sensor_id", "date", "pollutant")
SENSOR_COLUMNS = ("sensor_id", "district", "calibration", "date", "pollutant", "value")
ENOUGH_HOURS = 18
TOO_FEW_HOURS = 7
INDOORS = 4.0
CORRECTED = 0.35
SHOWS = {
    "missing-rows": ("value",), "stuck": ("value",), "negative": ("value",), "mixed-unit": ("unit", "value"),
    "factor-thousand": ("value",), "too-few-hours": ("valid_hours", "value"),
}  # fmt: skip
"""Kinds of mistakes, and the columns in which they show."""
DUST = ("pm10", "pm2_5")
NONE, BESIDE_STATION, FACTORY = "none", "co-located", "factory"

Factors = NDArray[np.float64]


def stations(config: Config, quarters: gpd.GeoDataFrame, *, size: Size) -> gpd.GeoDataFrame:
    """Describe the official stations: station_id, name, kind, since, geometry (EPSG:4326)."""
    chosen = _stations(config, size)
    return gpd.GeoDataFrame(
        {
            "station_id": [one.id for one in chosen],
            "name": [one.name for one in chosen],
            "kind": [one.kind for one in chosen],
            "since": [one.since.isoformat() for one in chosen],
        },
        geometry=[_place(one, quarters) for one in chosen],
        crs=4326,
    )


def _stations(config: Config, size: Size) -> tuple[AirStation, ...]:
    return config.air.list[: config.air.stations[size]]


def _place(station: AirStation, quarters: gpd.GeoDataFrame) -> object:
    """Put a station into the last quarter of its district."""
    point = quarters[quarters["district_name"] == station.district].iloc[-1].geometry.representative_point()
    return type(point)(round(point.x, 6), round(point.y, 6))


def weather(config: Config, *, size: Size, rng: np.random.Generator) -> Calendar:
    """Give the days of the air's years with the weather that the bicycles have, too."""
    return calendar(config, first=config.air.first_year[size], rng=rng)


def values(config: Config, sky: Calendar, *, size: Size, rng: np.random.Generator) -> Laid:
    """
    Measure the air, and fail at it.

    Returns
    -------
    Laid
        Columns station_id, date, pollutant, value (µg/m³, daily mean), unit, valid_hours; sorted by the key.
    """
    shared = {name: _shared(one, sky, rng) for name, one in config.air.pollutants.items()}
    parts = [
        _series(one.id, name, sky, config.air.pollutants[name].level[one.kind] * shared[name], rng)
        for one, name in product(_stations(config, size), config.air.pollutants)
    ]
    table = pd.concat(parts, ignore_index=True).sort_values(list(KEY), ignore_index=True)
    return _failed(config, table)


def _shared(pollutant: Pollutant, sky: Calendar, rng: np.random.Generator) -> Factors:
    """Give the factor of each day that all stations share."""
    cold = 1 + pollutant.cold * (0.5 - sky.warmth)
    rain = 1 - pollutant.rain * sky.rain
    weekend = np.where((sky.days.day_of_week >= 5) | sky.holiday, 1 - pollutant.weekend, 1.0)
    shock, still = rng.normal(0, 1, len(sky.days)), np.zeros(len(sky.days))
    for day in range(1, len(still)):
        still[day] = 0.7 * still[day - 1] + 0.5 * shock[day]
    new_year = np.where((sky.days.month == 1) & (sky.days.day == 1), pollutant.fireworks, 1.0)
    return cold * rain * weekend * np.exp(0.3 * still) * new_year


def _series(
    station: str, pollutant: str, sky: Calendar, expected: Factors, rng: np.random.Generator
) -> pd.DataFrame:
    """Give one pollutant at one station; too few valid hours make no daily mean."""
    count = len(expected)
    hours = 24 - np.where(rng.random(count) < 0.06, rng.integers(1, 16, count), 0)
    value = (expected * np.exp(rng.normal(0, 0.09, count))).round(1)
    return pd.DataFrame(
        {
            "station_id": station,
            "date": sky.days,
            "pollutant": pollutant,
            "value": np.where(hours >= ENOUGH_HOURS, value, np.nan),
            "unit": UNIT,
            "valid_hours": hours,
        }
    )


def _failed(config: Config, table: pd.DataFrame) -> Laid:
    """Make the mistakes, and name the days that are true although they look wrong."""
    rows = _chosen(config.traps.air, table)
    _spoil(table, rows, stuck=config.traps.air.stuck.value)
    defects = tuple(
        Defect(VALUES, kind, SHOWS[kind], keys(table, table.index[chosen].tolist(), KEY))
        for kind, chosen in rows.items()
    )
    gone = rows["missing-rows"]
    new_year = (table["date"].dt.day_of_year == 1) & table["pollutant"].isin(DUST)
    true = table.index[new_year & ~gone & table["value"].notna()].tolist()
    looks = Defect(VALUES, "fireworks", ("value",), keys(table, true, KEY), "New Year")
    return Laid(table[~gone].reset_index(drop=True), defects, (looks,))


def _chosen(traps: AirTraps, table: pd.DataFrame) -> dict[str, pd.Series]:
    """Mark the rows of each kind of mistake."""
    return {
        "missing-rows": _in(table, traps.dead),
        "stuck": _in(table, traps.stuck),
        "negative": _on(table, traps.negative),
        "mixed-unit": _in(table, traps.milligrams),
        "factor-thousand": _on(table, traps.unsaid),
        "too-few-hours": _on(table, traps.few_hours),
    }


def _spoil(table: pd.DataFrame, rows: dict[str, pd.Series], *, stuck: float) -> None:
    """Change the values of the rows that were marked; those without a value get an ordinary one before."""
    usual = table.groupby(["station_id", "pollutant"])["value"].transform("median")
    for kind, chosen in rows.items():
        table.loc[chosen, "value"] = table.loc[chosen, "value"].fillna(usual)
        if kind != "missing-rows":
            table.loc[chosen, "valid_hours"] = TOO_FEW_HOURS if kind == "too-few-hours" else 24
    milli = rows["mixed-unit"]
    table.loc[rows["stuck"], "value"] = stuck
    table.loc[rows["negative"], "value"] = -(table.loc[rows["negative"], "value"] / 8).round(1) - 0.1
    table.loc[milli, "value"] = (table.loc[milli, "value"] / 1000).round(4)
    table.loc[milli, "unit"] = MILLI
    table.loc[rows["factor-thousand"], "value"] *= 1000


def _in(table: pd.DataFrame, span: Span) -> pd.Series:
    there = (table["station_id"] == span.station) & table["date"].between(
        pd.Timestamp(span.first), pd.Timestamp(span.last)
    )
    return there & (table["pollutant"] == span.pollutant) if span.pollutant else there


def _on(table: pd.DataFrame, days: Days) -> pd.Series:
    there = (table["station_id"] == days.station) & (table["pollutant"] == days.pollutant)
    return there & table["date"].isin(pd.to_datetime(list(days.days)))


def donated(
    config: Config,
    quarters: gpd.GeoDataFrame,
    sky: Calendar,
    official: pd.DataFrame,
    *,
    size: Size,
    rng: np.random.Generator,
) -> Laid:
    """
    Let citizens' sensors measure the dust of the official background, in their own way.

    Where a sensor stands is known by district only.

    Returns
    -------
    Laid
        Columns sensor_id, district, calibration, date, pollutant, value (µg/m³); sorted by the key.
    """
    rules, count = config.air.donated, config.air.donated.count[size]
    background = _background(config, official, sky)
    districts = rng.choice(quarters["district"].to_numpy(dtype=object), count)
    checked = _checked(rules.calibrated, count, rng)
    parts = [
        _sensor(number, name, sky, background[name] * _strays(rules, str(checked[number]), sky, rng))
        for number, name in product(range(count), DUST)
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[rng.random(len(table)) >= rules.offline].reset_index(drop=True)
    table["district"], table["calibration"] = districts[table["number"]], checked[table["number"]]
    return _strayed(config, table, official)


def _checked(share: float, count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Say how each sensor was calibrated."""
    rest = np.where(rng.random(count) < 0.5, FACTORY, NONE)
    return np.where(rng.random(count) < share, BESIDE_STATION, rest).astype(object)


def _strays(rules: Donated, calibration: str, sky: Calendar, rng: np.random.Generator) -> Factors:
    """Give the factor by which a sensor is wrong on each day: its own, the damp's, and chance."""
    left = CORRECTED if calibration == BESIDE_STATION else 1.0
    own = 1 + left * (rules.bias + rng.normal(0, rules.spread))
    return own * (1 + rules.damp * left * sky.rain) * np.exp(rng.normal(0, rules.noise, len(sky.days)))


def _background(config: Config, official: pd.DataFrame, sky: Calendar) -> dict[str, Factors]:
    """Give the dust of each day away from roads: the median of plausible values, gaps filled in."""
    quiet = [one.id for one in config.air.list if one.kind != "traffic"]
    plausible = official[official["station_id"].isin(quiet) & official["value"].between(0.5, 500)]
    daily = plausible.groupby(["pollutant", "date"])["value"].median()
    return {
        name: daily[name].reindex(sky.days).interpolate(limit_direction="both").to_numpy() for name in DUST
    }


def _sensor(number: int, pollutant: str, sky: Calendar, value: Factors) -> pd.DataFrame:
    return pd.DataFrame({"number": number, "date": sky.days, "pollutant": pollutant, "value": value.round(2)})


def _strayed(config: Config, table: pd.DataFrame, official: pd.DataFrame) -> Laid:
    """Make the mistakes of a few sensors: one copies a station, one stands indoors, one is drowned in fog."""
    traps = config.traps.donated
    table["sensor_id"] = [f"S{number + 1:03d}" for number in table["number"]]
    copied = official[official["station_id"] == traps.copy_of].set_index(["date", "pollutant"])["value"]
    mine = table["number"] == traps.copied_by
    found = copied.reindex(pd.MultiIndex.from_frame(table.loc[mine, ["date", "pollutant"]]))
    table.loc[mine, "value"] = found.to_numpy()
    table = table[table["value"].notna()]
    inside = table["number"] == traps.indoors
    table.loc[inside, "value"] = INDOORS + (table.loc[inside, "value"] % 1 / 10).round(2)
    foggy = (table["number"] == traps.saturated) & table["date"].isin(
        pd.to_datetime(list(traps.saturated_days))
    )
    table.loc[foggy, "value"] = traps.overflow
    table = table[list(SENSOR_COLUMNS)].sort_values(list(SENSOR_KEY), ignore_index=True)
    foggy = table["value"] == traps.overflow
    copy, indoors = ({"sensor_id": f"S{number + 1:03d}"} for number in (traps.copied_by, traps.indoors))
    return Laid(
        table,
        (
            Defect(DONATED, "copy", ("value",), (copy,), f"copies {VALUES} of station {traps.copy_of}"),
            Defect(DONATED, "indoors", ("value",), (indoors,), "hardly any variation"),
            Defect(DONATED, "overflow", ("value",), keys(table, table.index[foggy].tolist(), SENSOR_KEY)),
        ),
    )
