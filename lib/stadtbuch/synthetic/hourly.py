"""
What the loops in the ground deliver before an office adds it up: bicycles per station, hour and direction.

Each day of the open daily table is shared out over its hours, so that both tables tell the same story; a day
without a daily count has no hours either. The devices know no summer time: they write winter time all year.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Config, Peak

DATASET = "mobility.bicycle_counts_hourly"
DIRECTIONS = ("in", "out")

DEVICE_ZONE = "Etc/GMT-1"
"""Winter time all year, as the devices' clocks run; names of this kind carry the sign the other way round."""

NIGHT = 0.004
"""How many pass at any hour, beside the bells."""


def counts(config: Config, daily: pd.DataFrame, *, zone: str, rng: np.random.Generator) -> pd.DataFrame:
    """
    Share out the days of the last quarter.

    Parameters
    ----------
    config
        The made-up city.
    daily
        Columns station_id, day, count, as `counters.counts` gives them.
    zone
        The city's time zone: its midnights part the days.
    rng
        The stream of this table.

    Returns
    -------
    pandas.DataFrame
        Columns station_id, hour (when it begins, in the city's zone), direction, count; sorted by the first
        three, and the test record with the canaries last.
    """
    counted = _last_quarter(config, daily)
    hours = {day: _hours(day, zone) for day in counted["day"].unique()}
    parts = [
        _of_day(station, hours[day], bicycles, _shares(_peaks(config, station, day), hours[day]), rng)
        for station, day, bicycles in counted.itertuples(index=False, name=None)
    ]
    return pd.concat([*parts, _test_record(config, zone)], ignore_index=True)


def _last_quarter(config: Config, daily: pd.DataFrame) -> pd.DataFrame:
    """Give the days of the last quarter that were counted."""
    first = pd.Timestamp(config.counters.last_year, 10, 1)
    chosen = (daily["day"] >= first) & daily["count"].notna()
    return daily.loc[chosen, ["station_id", "day", "count"]]


def _hours(day: pd.Timestamp, zone: str) -> pd.DatetimeIndex:
    """
    Give the beginnings of a day's hours; days on which the clocks change have 23 or 25.

    Examples
    --------
    >>> len(_hours(pd.Timestamp("2025-10-26"), "Europe/Berlin"))
    25
    """
    start, end = (one.tz_localize(zone) for one in (day, day + pd.Timedelta(days=1)))
    return pd.date_range(start, end, freq="h", inclusive="left", unit="us")


def _peaks(config: Config, station: str, day: pd.Timestamp) -> Sequence[Peak]:
    """Give the bells of a station on a working day, else those that all stations share."""
    if day.day_of_week >= 5 or day.date() in config.counters.holidays:
        return config.counters.free_day
    character = next(one.character for one in config.counters.list if one.id == station)
    return config.counters.characters[character].day


def _shares(peaks: Sequence[Peak], hours: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Give the share of the day's bicycles by hour and direction."""
    middle = hours.hour.to_numpy() + 0.5
    shares = np.full((len(hours), len(DIRECTIONS)), NIGHT)
    for one in peaks:
        bell = one.height * np.exp(-0.5 * ((middle - one.at) / one.width) ** 2)
        shares += np.outer(bell, (one.inward, 1 - one.inward))
    return shares / shares.sum()


def _of_day(
    station: str,
    hours: pd.DatetimeIndex,
    bicycles: int,
    shares: NDArray[np.float64],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Share out one day of one station; the parts add up to the whole."""
    return pd.DataFrame(
        {
            "station_id": station,
            "hour": hours.repeat(len(DIRECTIONS)),
            "direction": np.tile(np.array(DIRECTIONS, dtype=object), len(hours)),
            "count": rng.multinomial(bicycles, shares.ravel()),
        }
    )


def _test_record(config: Config, zone: str) -> pd.DataFrame:
    """Give the record with which the maker once tested the delivery: every value in it is a canary."""
    values = config.traps.canaries[DATASET]
    hour = pd.Timestamp(str(values["hour"])).tz_localize(zone).as_unit("us")
    return pd.DataFrame([values | {"hour": hour}])
