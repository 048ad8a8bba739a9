"""
The trees along streets and in parks.

Girth and height follow from species and age. Nothing here is secret: a species of which there is one tree only is a
curiosity, not a person.
"""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic import spots
from stadtbuch.synthetic.config import Config
from stadtbuch.synthetic.nature import Size, Trees, TreeSpecies
from stadtbuch.synthetic.planted import Defect, Laid, keys

DATASET = "environment.trees"
KEY = ("tree_id",)
NUMBERS = 100_000
AVENUE_M = 9.0
COLUMNS = (
    "tree_id", "species_latin", "species_de", "species_en", "planted", "girth_cm", "height_m", "borough",
    "district", "status", "geometry",
)  # fmt: skip

Whole = NDArray[np.int64]


def register(config: Config, quarters: gpd.GeoDataFrame, *, size: Size, rng: np.random.Generator) -> Laid:
    """
    Plant the trees.

    Returns
    -------
    Laid
        A GeoDataFrame with the columns of `COLUMNS`, EPSG:4326, sorted by number.
    """
    pattern, count = config.trees, config.trees.count[size]
    area = quarters["area_km2"].to_numpy() ** 0.5
    rows = rng.choice(len(area), count, p=area / area.sum())
    table = _grown(pattern, count, rng).assign(
        borough=quarters["borough"].to_numpy(dtype=object)[rows],
        district=quarters["district"].to_numpy(dtype=object)[rows],
        status=_status(pattern, count, rng),
        geometry=spots.geometry(spots.inside(quarters.geometry.to_numpy(), rows, rng=rng)),
    )
    _monument(pattern, quarters, table)
    numbers = [f"T{number}" for number in NUMBERS + rng.permutation(9 * NUMBERS)[: 2 * count]]
    table["tree_id"] = numbers[:count]
    return _laid(config, table, numbers[count:], rng)


def _grown(pattern: Trees, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw species and years, and let the trees grow; the last but one is the only one of its species."""
    species = [*pattern.species, pattern.single]
    weight = np.array([one.weight for one in pattern.species] + [0.0])
    drawn = rng.choice(len(species), count, p=weight / weight.sum())
    drawn[-2] = len(species) - 1
    span = pattern.last_year - pattern.first_year
    planted = pattern.last_year - (span * rng.beta(1.0, 2.6, count)).astype(np.int64)
    age = pattern.last_year + 1 - planted
    chance = np.exp(rng.normal(0, 0.16, (2, count)))
    girth, height = _of(species, drawn, "girth"), _of(species, drawn, "height")
    return pd.DataFrame(
        {
            **{
                f"species_{name}": np.array([getattr(one, name) for one in species], dtype=object)[drawn]
                for name in ("latin", "de", "en")
            },
            "planted": pd.array(planted, dtype="Int64"),
            "girth_cm": pd.array((12 + girth * age * chance[0]).round().astype(int), dtype="Int64"),
            "height_m": (2.5 + (height - 2.5) * (1 - np.exp(-age / 38)) * chance[1]).round(1),
        }
    )


def _of(species: list[TreeSpecies], drawn: Whole, name: str) -> NDArray[np.float64]:
    return np.array([getattr(one, name) for one in species])[drawn]


def _status(pattern: Trees, count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    weight = np.array(list(pattern.status.values()))
    return rng.choice(np.array(list(pattern.status), dtype=object), count, p=weight / weight.sum())


def _monument(pattern: Trees, quarters: gpd.GeoDataFrame, table: pd.DataFrame) -> None:
    """Make the last tree the oldest of the city."""
    rule, last = pattern.monument, table.index[-1]
    species = next(one for one in pattern.species if one.latin == rule.species)
    home = quarters[quarters["district_name"] == rule.district].iloc[0]
    place = home.geometry.representative_point()
    told = {
        "species_latin": species.latin, "species_de": species.de, "species_en": species.en,
        "planted": rule.planted, "girth_cm": rule.girth_cm, "height_m": rule.height_m,
        "borough": home["borough"], "district": home["district"], "status": next(iter(pattern.status)),
        "geometry": spots.geometry(np.array([[place.x, place.y]]).round(6))[0],
    }  # fmt: skip
    for name, value in told.items():
        table.at[last, name] = value


def _laid(config: Config, table: pd.DataFrame, numbers: list[str], rng: np.random.Generator) -> Laid:
    """Make the mistakes, each in rows of its own; `numbers` are free for trees that are entered again."""
    traps = config.traps.trees
    single, monument = table.index[-2], table.index[-1]
    free = iter(rng.permutation(len(table) - 2).tolist())
    spelled = [_misspelt(table, one.right, one.wrong, one.count, free) for one in traps.spellings]
    future, tall = _some(free, traps.future_count), _some(free, traps.centimetres)
    thin, strayed = _some(free, traps.zero_girth), _some(free, traps.elsewhere)
    table.loc[future, "planted"] = traps.future
    table.loc[tall, "height_m"] *= 100
    table.loc[thin, "girth_cm"] = 0
    _stray(table, strayed)
    originals = _some(free, traps.duplicates)
    neighbour = _some(free, 1)[0]
    table = _again(table, originals, neighbour, numbers)
    copies = list(range(len(table) - 1 - traps.duplicates, len(table) - 1))
    defects = (
        Defect(DATASET, "duplicate", ("species_latin", "geometry"), keys(table, copies, KEY), "same tree, new number"),
        *(Defect(DATASET, "spelling", ("species_latin",), keys(table, rows, KEY), one.right)
          for one, rows in zip(traps.spellings, spelled, strict=True)),
        Defect(DATASET, "future-year", ("planted",), keys(table, future, KEY)),
        Defect(DATASET, "unit", ("height_m",), keys(table, tall, KEY), "centimetres"),
        Defect(DATASET, "zero", ("girth_cm",), keys(table, thin, KEY)),
        Defect(DATASET, "wrong-district", ("district", "geometry"), keys(table, strayed, KEY)),
    )  # fmt: skip
    looks = (
        Defect(
            DATASET, "rare-species", ("species_latin",), keys(table, [single], KEY), "one tree is no person"
        ),
        Defect(
            DATASET, "old-tree", ("planted", "girth_cm"), keys(table, [monument], KEY), "a natural monument"
        ),
        Defect(
            DATASET,
            "neighbours",
            ("geometry",),
            keys(table, [neighbour, len(table) - 1], KEY),
            "an avenue",
        ),
    )
    shaped = gpd.GeoDataFrame(table[list(COLUMNS)], geometry="geometry", crs=4326)
    return Laid(shaped.sort_values("tree_id", ignore_index=True), defects, looks)


def _some(free: Iterator[int], count: int) -> list[int]:
    """Take rows that no other mistake is in."""
    return [next(free) for _ in range(count)]


def _misspelt(table: pd.DataFrame, right: str, wrong: str, count: int, free: Iterator[int]) -> list[int]:
    """Write the name of some trees wrongly."""
    rows = [
        row
        for row in (next(free) for _ in range(min(40 * count, len(table) // 8)))
        if table.at[row, "species_latin"] == right
    ][:count]
    table.loc[rows, "species_latin"] = wrong
    return rows


def _stray(table: pd.DataFrame, rows: list[int]) -> None:
    """Let trees stand beside a tree of another borough, and keep the district in the books."""
    for place, row in enumerate(rows):
        other = np.flatnonzero(table["borough"] != table.at[row, "borough"])[place]
        table.at[row, "geometry"] = spots.beside(table.at[other, "geometry"], metres=AVENUE_M)


def _again(table: pd.DataFrame, originals: list[int], neighbour: int, numbers: list[str]) -> pd.DataFrame:
    """Enter some trees twice under new numbers, and one true neighbour of the same species and age."""
    twins = table.loc[[*originals, neighbour]].copy()
    twins["tree_id"] = numbers[: len(twins)]
    twins.iloc[-1, twins.columns.get_loc("geometry")] = spots.beside(
        table.at[neighbour, "geometry"], metres=AVENUE_M
    )
    return pd.concat([table, twins], ignore_index=True)
