"""
The breeding birds: what volunteers see, and where.

Common birds are drawn anew each year. Rare ones come back to their sites, and the notes about them say how to get
there: whoever publishes the position, the note or the date of a visit leads people to the nest.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from stadtbuch.synthetic import spots
from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.nature import Birds, Size, Species
from stadtbuch.synthetic.planted import Defect, Laid, keys

DATASET = "environment.breeding_birds"
KEY = ("record_id",)
STATUS = ("possible", "probable", "confirmed")
NUMBERS = 10_000_000
BESIDE_RIVER_M, ACCURACY_M = 40.0, 12.0
COLUMNS = (
    "record_id", "species_latin", "species_de", "species_en", "category", "year", "date", "status", "pairs",
    "observer", "notes", "geometry",
)  # fmt: skip


def register(
    config: Config,
    quarters: gpd.GeoDataFrame,
    river: LineString,
    *,
    size: Size,
    rng: np.random.Generator,
) -> Laid:
    """
    Make the records of breeding birds.

    Returns
    -------
    Laid
        A GeoDataFrame with the columns of `COLUMNS`, EPSG:4326, sorted by date and number; the test record
        with the canaries last.
    """
    pattern = config.birds
    observers = _observers(config, pattern.observers[size], rng)
    years = range(pattern.first_year[size], pattern.last_year + 1)
    parts = [_common(pattern, quarters, years, pattern.records[size], rng)]
    for species in pattern.species:
        if species.sites.get(size):
            parts.append(_rare(pattern, species, quarters, river, years, species.sites[size], rng))
    table = pd.concat(parts, ignore_index=True)
    table["observer"] = _drawn_observers(pattern, table, observers, rng)
    table["notes"] = _notes(config, table, observers, rng)
    table["record_id"] = _ids(len(table), rng)
    wrong = [_last_year(table, rng)]
    return Laid(
        _described(table.sort_values(["date", "record_id"]), config),
        (Defect(DATASET, "contradiction", ("year", "date"), keys(table, wrong, KEY)),),
    )


def _last_year(table: pd.DataFrame, rng: np.random.Generator) -> int:
    """Date a record of a common bird to the year before the one that it is counted in."""
    row = int(rng.choice(np.flatnonzero(table["category"] == "common")))
    table.loc[row, "date"] -= pd.Timedelta(days=365)
    return row


def _described(table: pd.DataFrame, config: Config) -> gpd.GeoDataFrame:
    """Put the columns in order, and the test record below."""
    values = config.traps.canaries[DATASET]
    record = values | {
        "geometry": spots.test_point(str(values["geometry"])),
        "date": pd.Timestamp(str(values["date"])).as_unit("us"),
    }
    every = pd.concat([table, pd.DataFrame([record])], ignore_index=True)[list(COLUMNS)]
    return gpd.GeoDataFrame(every, geometry="geometry", crs=4326)


def _common(
    pattern: Birds, quarters: gpd.GeoDataFrame, years: range, count: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the records of common species, anywhere in the city."""
    species = [one for one in pattern.species if one.weight]
    weight = np.array([one.weight for one in species])
    total = count * len(years)
    drawn = rng.choice(len(species), total, p=weight / weight.sum())
    area = quarters["area_km2"].to_numpy()
    rows = rng.choice(len(area), total, p=area / area.sum())
    pairs = np.array([one.pairs for one in species])[drawn]
    table = _named(species, drawn)
    return table.assign(
        year=np.repeat(np.array(years), count),
        date=_days(species, drawn, np.repeat(np.array(years), count), rng),
        status=rng.choice(np.array(STATUS, dtype=object), total, p=[0.3, 0.4, 0.3]),
        pairs=1 + rng.poisson(pairs - 1),
        notes=None,
        geometry=spots.geometry(spots.inside(quarters.geometry.to_numpy(), rows, rng=rng)),
    )


def _rare(
    pattern: Birds,
    species: Species,
    quarters: gpd.GeoDataFrame,
    river: LineString,
    years: range,
    sites: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Let a rare species come back to its sites: the same place, measured a little differently each year."""
    place = _sites(species, quarters, river, sites, rng)
    names = [pattern.fields[nth % len(pattern.fields)] for nth in rng.permutation(len(pattern.fields))]
    notes = np.array(
        [species.note.format(field=names[nth % len(names)]) or None for nth in range(sites)], dtype=object
    )
    site, year = np.tile(np.arange(sites), len(years)), np.repeat(np.array(years), sites)
    drawn = np.zeros(len(site), dtype=np.int64)
    return _named([species], drawn).assign(
        year=year,
        date=_days([species], drawn, year, rng),
        status=rng.choice(np.array(STATUS, dtype=object), len(site), p=[0.1, 0.3, 0.6]),
        pairs=species.pairs,
        notes=notes[site],
        geometry=spots.geometry(spots.shifted(place[site], metres=ACCURACY_M, rng=rng)),
    )


def _sites(
    species: Species, quarters: gpd.GeoDataFrame, river: LineString, sites: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Find places for a rare species: by the river, in its district, or anywhere."""
    if species.habitat == "river":
        city: BaseGeometry = spots.city(quarters.geometry.to_numpy())
        return spots.along(river, city, sites, metres=BESIDE_RIVER_M, rng=rng)
    there = quarters if species.district is None else quarters[quarters["district_name"] == species.district]
    rows = rng.integers(0, len(there), sites)
    return spots.inside(there.geometry.to_numpy(), rows, rng=rng)


def _named(species: list[Species], drawn: NDArray[np.int64]) -> pd.DataFrame:
    """Give the names and the category of each record's species."""
    names = {
        "species_latin": [one.latin for one in species],
        "species_de": [one.de for one in species],
        "species_en": [one.en for one in species],
        "category": [one.category for one in species],
    }
    return pd.DataFrame({name: np.array(values, dtype=object)[drawn] for name, values in names.items()})


def _days(
    species: list[Species], drawn: NDArray[np.int64], year: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.datetime64]:
    """Give a day in one of the months in which a species breeds."""
    first = np.array([min(one.months) for one in species])[drawn]
    last = np.array([max(one.months) for one in species])[drawn]
    start = ((year - 1970) * 12 + first - 1).astype("datetime64[M]").astype("datetime64[D]")
    length = (last - first + 1) * 30
    return (start + (rng.random(len(drawn)) * length).astype(np.int64)).astype("datetime64[us]")


def _observers(config: Config, count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Invent the people who watch."""
    first = [name for names in config.register_.first_names.values() for name in names]
    parts = config.register_.surnames
    last = [a + b for a in parts.beginnings for b in parts.endings]
    draw = rng.integers(0, 2**31, (2, count))
    names = [f"{first[a % len(first)]} {last[b % len(last)]}" for a, b in draw.T]
    return np.array(names, dtype=object)


def _drawn_observers(
    pattern: Birds, table: pd.DataFrame, observers: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.object_]:
    """Say who saw each bird; a society reports under its own name, and only common birds."""
    drawn = observers[(rng.beta(1.0, 2.2, len(table)) * len(observers)).astype(np.int64)]
    society = (rng.random(len(table)) < pattern.society_share) & (table["category"] == "common").to_numpy()
    return np.where(society, pattern.society, drawn)


def _notes(
    config: Config, table: pd.DataFrame, observers: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.object_]:
    """
    Write the notes about common birds: harmless ones in turn, some with a companion's name, and a careless one.

    The wordings come in turn, so that each of their words stands in many rows.
    """
    pattern, notes = config.birds, table["notes"].to_numpy(dtype=object).copy()
    common = rng.permutation(np.flatnonzero((table["category"] == "common") & table["notes"].isna()))
    noted = common[: int(len(common) * pattern.noted_share)]
    notes[noted] = np.array(pattern.wordings, dtype=object)[np.arange(len(noted)) % len(pattern.wordings)]
    named = common[len(noted) : len(noted) + max(1, int(len(common) * pattern.companion_share))]
    companions = observers[rng.integers(0, len(observers), len(named))]
    notes[named] = [pattern.companion.format(name=name) for name in companions]
    trap = config.traps.nest
    careless = next(row for row in common[::-1] if table["species_de"].iat[row] == trap.careless_species)
    notes[careless] = trap.careless_note
    return notes


def _ids(count: int, rng: np.random.Generator) -> list[str]:
    """Give each record a number that tells nothing about the order."""
    step = NUMBERS // count
    return [
        f"B{one}" for one in rng.permutation(NUMBERS + np.arange(count) * step + rng.integers(0, step, count))
    ]
