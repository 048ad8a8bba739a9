"""
Bicycle counters: how many bicycles pass each station on each day, and where the counting failed.

A count is the product of the station's level and growth, the season's warmth, the day's rain, weekday,
holidays and the festival, with chance on top. Weather is the same for all stations: that is what makes them
rise and fall together, as real ones do.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Character, Config, Gaps, Size, Station

Factors = NDArray[np.float64]

DATASET = "mobility.bicycle_counts"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and what all stations share on them: warmth and rain (0 to 1), holidays, term, festival."""

    days: pd.DatetimeIndex
    warmth: Factors
    rain: Factors
    holiday: NDArray[np.bool_]
    break_: NDArray[np.bool_]
    festival: Factors


def stations(config: Config, quarters: gpd.GeoDataFrame, *, size: Size) -> pd.DataFrame:
    """
    Describe the counting stations.

    Returns
    -------
    pandas.DataFrame
        Columns station_id, name, kind, borough, longitude, latitude (degrees), since, serial.
    """
    chosen = config.counters.list[: config.counters.stations[size]]
    rows = [_where(station, quarters) for station in chosen]
    described = pd.DataFrame(
        {
            "station_id": [one.id for one in chosen],
            "name": [one.name for one in chosen],
            "kind": [one.character for one in chosen],
        }
    )
    return described.join(pd.DataFrame(rows)).assign(
        since=[one.since for one in chosen], serial=[one.serial for one in chosen]
    )


def _where(station: Station, quarters: gpd.GeoDataFrame) -> dict[str, object]:
    """Put a station into the first quarter of its district."""
    first = quarters[quarters["district_name"] == station.district].iloc[0]
    point = first.geometry.representative_point()
    return {"borough": first["borough"], "longitude": round(point.x, 6), "latitude": round(point.y, 6)}


def counts(
    config: Config, *, size: Size, weather: np.random.Generator, rng: np.random.Generator
) -> pd.DataFrame:
    """
    Count bicycles.

    Returns
    -------
    pandas.DataFrame
        Columns station_id, day, count (Int64); a day without counting has no row or a missing count.
    """
    sky = calendar(config, first=config.counters.first_year[size], rng=weather)
    chosen = config.counters.list[: config.counters.stations[size]]
    table = pd.concat([_of_station(config, one, sky, rng) for one in chosen], ignore_index=True)
    return _failed(table, config.traps.gaps)


def missing_days(gaps: Gaps) -> list[tuple[str, date]]:
    """Give station and day of every planted day without a row, in order."""
    ends = gaps.month_ends
    days = [(ends.station, day) for month in ends.months for day in _last_days(month, ends.days)]
    outage = gaps.outage
    length = (outage.last - outage.first).days + 1
    return sorted(days + [(outage.station, outage.first + timedelta(days=n)) for n in range(length)])


def _last_days(month: date, count: int) -> list[date]:
    last = monthrange(month.year, month.month)[1]
    return [month.replace(day=day) for day in range(last - count + 1, last + 1)]


def _failed(table: pd.DataFrame, gaps: Gaps) -> pd.DataFrame:
    """Take out the days that were not counted, and blank those that only have a sign."""
    keys = pd.MultiIndex.from_frame(table[["station_id", "day"]])
    lost = keys.isin([(station, pd.Timestamp(day)) for station, day in missing_days(gaps)])
    signs = keys.isin([(gaps.signs.station, pd.Timestamp(day)) for day in gaps.signs.days])
    return table.assign(count=table["count"].mask(signs))[~lost].reset_index(drop=True)


def calendar(config: Config, *, first: int, rng: np.random.Generator) -> Calendar:
    """
    Make the days from a year on.

    The weather is drawn for all years that any size has, so that a day is the same in all of them.
    """
    earliest = min(config.counters.first_year.values())
    every = pd.date_range(f"{earliest}-01-01", f"{config.counters.last_year}-12-31", unit="us")
    warmth, rain = _weather(every, rng)
    wanted = every.year >= first
    days = every[wanted]
    festival = np.where(
        days.isin(pd.to_datetime(list(config.counters.festival.days))), config.counters.festival.factor, 1.0
    )
    return Calendar(
        days=days,
        warmth=warmth[wanted],
        rain=rain[wanted],
        holiday=np.asarray(days.isin(pd.to_datetime(list(config.counters.holidays)))),
        break_=np.asarray(days.month.isin([2, 3, 8, 9])),
        festival=festival,
    )


def _weather(days: pd.DatetimeIndex, rng: np.random.Generator) -> tuple[Factors, Factors]:
    """Give warmth (0: cold winter day, 1: hot summer day) and rain (0: dry, 1: wet all day)."""
    season = 0.5 - 0.42 * np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 18) / 365.25)
    shock, swing = rng.normal(0, 1, len(days)), np.zeros(len(days))
    for day in range(1, len(days)):
        swing[day] = 0.78 * swing[day - 1] + 0.62 * shock[day]
    wet = rng.random(len(days)) < 0.42 - 0.06 * swing.clip(-2, 2)
    return (season + 0.085 * swing).clip(0, 1), np.where(wet, rng.beta(1.3, 2.2, len(days)), 0.0)


def _of_station(
    config: Config, station: Station, calendar: Calendar, rng: np.random.Generator
) -> pd.DataFrame:
    character = config.counters.characters[station.character]
    years = (
        calendar.days.year + calendar.days.day_of_year / 366 - config.counters.last_year - 0.5
    ).to_numpy()
    level = station.daily * (1 + station.growth) ** years
    expected = level * _rhythm(character, calendar)
    drawn = rng.poisson(expected * rng.gamma(180, 1 / 180, len(expected)))
    return pd.DataFrame(
        {"station_id": station.id, "day": calendar.days, "count": pd.array(drawn, dtype="Int64")}
    )


def _rhythm(character: Character, calendar: Calendar) -> Factors:
    """Give the factor of each day: season, weather, weekday, holiday, term and festival."""
    weekday = np.array(character.weekdays)[calendar.days.day_of_week]
    weekday[calendar.holiday] = character.weekdays[6]
    warm = 1 + character.warm * (calendar.warmth - 0.5) * 1.5
    dry = 1 - character.wet * calendar.rain * 1.6
    quiet = np.where(_turn_of_year(calendar.days), 0.55, 1.0)
    term = np.where(calendar.break_, 1 - character.term, 1.0)
    return np.maximum(weekday * warm * dry.clip(0.15) * quiet * term * calendar.festival, 0.02)


def _turn_of_year(days: pd.DatetimeIndex) -> NDArray[np.bool_]:
    return np.asarray(((days.month == 12) & (days.day >= 23)) | ((days.month == 1) & (days.day <= 2)))
