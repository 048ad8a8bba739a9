"""
The population register: who lives in which quarter at two reference dates, with the traps laid in it.

The people of the last reference date are drawn first; the earlier stock follows from them: one year younger,
without those who were born or arrived since, some in another quarter, and with those who have died or left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtbuch.synthetic.config import Alone, Borough, Config

DATASET, TOTALS = "population.residents", "population.residents_by_borough"

OLDEST = 100
"""Highest age that is drawn; older people are planted only."""

MALE, FEMALE = "m", "f"
SEXES = np.array([FEMALE, MALE])
GROUPS = ("german", "eu", "other")

WIDTH, TOP = 5, 90
"""Age groups in which the recoverable cell stands: five years each, from 90 on one."""

FEW = 3
"""The smallest count that table may hold beside the planted one."""

HERE, GONE = (10_000_000, 55_000_000), (60_000_000, 99_000_000)
"""Numbers of those who live in the city at the last reference date, and of those who have left before."""


@dataclass(slots=True)
class People:
    """
    Everybody who lives in the city at the last reference date, one array per property.

    `quarter` is the row of the quarter in the table of areas, `district` and `borough` count from 0;
    `planted` marks people whom later steps must not change; `names` and `notes` are those that are not drawn.
    """

    quarter: NDArray[np.int64]
    district: NDArray[np.int64]
    borough: NDArray[np.int64]
    age: NDArray[np.int64]
    male: NDArray[np.bool_]
    planted: NDArray[np.bool_]
    names: dict[int, str]
    notes: dict[int, str]

    @property
    def cell(self) -> NDArray[np.int64]:
        """Give each person's age group and sex as one number, women first."""
        return np.minimum(self.age, TOP) // WIDTH * 2 + self.male


def register(
    config: Config, quarters: pd.DataFrame, *, persons: int, rng: np.random.Generator
) -> pd.DataFrame:
    """
    Make the register.

    Parameters
    ----------
    config
        The made-up city.
    quarters
        Columns quarter, district, district_name, borough; one row per quarter, sorted by quarter.
    persons
        People at the last reference date.
    rng
        The stream of this table.

    Returns
    -------
    pandas.DataFrame
        The stocks of both reference dates and the test record with the canaries, sorted by reference date and
        person.
    """
    people = _people(config, quarters, persons, rng)
    _plant(config, quarters, people, few=FEW if persons >= 10_000 else 0)
    lived = _days_in_city(people, rng)
    now = _described(config, quarters, people, lived, rng)
    stocks = [_a_year_before(config, quarters, people, now, rng), now, _test_record(config)]
    order = ["reference_date", "person_id"]
    return pd.concat(stocks, ignore_index=True)[list(now.columns)].sort_values(order, ignore_index=True)


def _people(config: Config, quarters: pd.DataFrame, persons: int, rng: np.random.Generator) -> People:
    borough = quarters["borough"].astype(int).to_numpy() - 1
    district = pd.factorize(quarters["district"])[0]
    counts = _shared_out(persons, _weights(config, borough, district, rng))
    quarter = np.repeat(np.arange(len(quarters)), counts)
    age = _ages(config, district[quarter], borough, district, rng)
    share = np.interp(np.arange(OLDEST + 1), *_line(config.ages.male))
    return People(
        quarter=quarter,
        district=district[quarter],
        borough=borough[quarter],
        age=age,
        male=rng.random(persons) < share[age],
        planted=np.zeros(persons, dtype=bool),
        names={},
        notes={},
    )


def _weights(
    config: Config, borough: NDArray[np.int64], district: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give each quarter's share of the people: uneven, but no district below its least share."""
    weight = np.exp(rng.normal(0, 0.5, district.max() + 1))[district] * np.exp(
        rng.normal(0, 0.3, len(district))
    )
    people = np.array([one.people for one in config.boroughs])
    weight *= (people / people.sum())[borough] / np.bincount(borough, weight)[borough]
    least = config.register_.smallest_district * 1.1
    total = np.bincount(district, weight)
    weight *= (np.maximum(total, least) / total)[district]
    return weight / weight.sum()


def _shared_out(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """
    Share a whole number out by weights, so that the parts add up (method of the largest remainder).

    Examples
    --------
    >>> _shared_out(10, np.array([0.55, 0.25, 0.2])).tolist()
    [6, 2, 2]
    """
    exact = total * weights
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - parts.sum()]] += 1
    return parts


def _line(points: dict[int, float]) -> tuple[list[int], list[float]]:
    return sorted(points), [points[at] for at in sorted(points)]


def _ages(
    config: Config,
    of_person: NDArray[np.int64],
    borough: NDArray[np.int64],
    district: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw each person's age from the distribution of the district."""
    years = np.arange(OLDEST + 1)
    base = np.interp(years, *_line(config.ages.base)) * np.exp(rng.normal(0, 0.025, len(years)))
    home = borough[np.unique(district, return_index=True)[1]]
    density = np.stack([base * (1 + _bulge(config, config.boroughs[one], years, rng)) for one in home])
    steps = np.cumsum(density / density.sum(axis=1, keepdims=True), axis=1)
    steps[:, -1] = 1.0
    flat = (steps + np.arange(len(steps))[:, None]).ravel()
    drawn = np.searchsorted(flat, of_person + rng.random(len(of_person)), side="right")
    return drawn - of_person * len(years)


def _bulge(
    config: Config, borough: Borough, years: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give what a district has more than the base at each age; districts of one borough differ."""
    more = np.zeros(len(years))
    for kind, bulges in config.ages.bulges.items():
        strength = (borough.character.get(kind, 0.0) + 0.08) * np.exp(rng.normal(0, 0.4))
        for one in bulges:
            more += strength * one.height * np.exp(-0.5 * ((years - one.at) / one.width) ** 2)
    return more


def _plant(config: Config, quarters: pd.DataFrame, people: People, *, few: int) -> None:
    """Lay the traps: the person in the note, unique persons, and the one small cell."""
    names = {name: place for place, name in enumerate(config.districts)}
    hover = config.traps.hover
    person = _one(people, names[hover.district], hover)
    people.names[person], people.notes[person] = hover.full_name, hover.note
    for alone in config.traps.unique:
        _one(people, names[alone.district], alone)
        _only(people, names[alone.district], alone)
    if few:
        _small_cell(config, people, few)


def _one(people: People, district: int, wanted: Alone) -> int:
    """Make the nearest person of a district and sex exactly that old."""
    fits = (people.district == district) & (people.male == (wanted.sex == MALE)) & ~people.planted
    candidates = np.flatnonzero(fits)
    person = int(candidates[np.argmin(np.abs(people.age[candidates] - wanted.age))])
    people.age[person], people.planted[person] = wanted.age, True
    return person


def _only(people: People, district: int, alone: Alone) -> None:
    """Make everybody else of that district, age and sex a year younger."""
    same = (people.district == district) & (people.age == alone.age) & (people.male == (alone.sex == MALE))
    people.age[same & ~people.planted] -= 1


def _small_cell(config: Config, people: People, few: int) -> None:
    """
    Leave one cell of borough by age group and sex below `few`, and no other.

    The people too many move into the age group below, those too few come from there.
    """
    trap = config.traps.recoverable
    borough = [one.name for one in config.boroughs].index(trap.borough)
    planted = (borough, min(trap.lowest_age, TOP) // WIDTH * 2 + (trap.sex == MALE))
    cells = TOP // WIDTH * 2 + 2
    for cell in range(cells - 1, 1, -1):
        for place in range(len(config.boroughs)):
            there = (people.borough == place) & (people.cell == cell)
            if (place, cell) == planted:
                _thin(people, there, keep=trap.count)
            elif there.sum() < few:
                _fill(people, place, cell, few - int(there.sum()))


def _thin(people: People, there: NDArray[np.bool_], *, keep: int) -> None:
    """Make all but `keep` people of a cell younger, into the age group below; planted ones stay."""
    members = np.flatnonzero(there)
    members = members[np.argsort(~people.planted[members], kind="stable")]
    moved = members[keep:]
    people.age[moved] = people.age[moved].clip(max=TOP) // WIDTH * WIDTH - 1 - np.arange(len(moved)) % WIDTH


def _fill(people: People, borough: int, cell: int, missing: int) -> None:
    """Bring people of the age group below into a cell."""
    below = np.flatnonzero((people.borough == borough) & (people.cell == cell - 2) & ~people.planted)
    people.age[below[:missing]] = cell // 2 * WIDTH


def _days_in_city(people: People, rng: np.random.Generator) -> NDArray[np.int64]:
    """Say how many days before the last reference date each person was born here or arrived."""
    count = len(people.age)
    alive = ((people.age + rng.uniform(0.01, 0.99, count)) * 365.25).astype(np.int64)
    moving = (people.age >= 18) & (people.age <= 30)
    since = (rng.exponential(np.where(moving, 4.5, 12.0)) * 365.25).astype(np.int64)
    return np.where(rng.random(count) < 0.4, alive, np.minimum(since, alive))


def _described(
    config: Config,
    quarters: pd.DataFrame,
    people: People,
    lived: NDArray[np.int64],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Give the stock of the last reference date with all columns."""
    last = config.register_.reference_dates[1]
    names = _names(config, people.male, rng)
    for person, name in people.names.items():
        names[person] = name
    notes = _notes(config, names, rng)
    for person, note in people.notes.items():
        notes[person] = note
    return pd.DataFrame(
        {
            "person_id": _ids(len(lived), HERE, rng),
            "full_name": names,
            "register_note": notes,
            "reference_date": np.datetime64(last),
            **_places(quarters, people.quarter),
            "age": people.age,
            "sex": SEXES[people.male.astype(int)],
            "nationality_group": _nationalities(config, people, rng),
            "arrived": np.datetime64(last) - lived.astype("timedelta64[D]"),
        }
    ).astype({"reference_date": "datetime64[us]", "arrived": "datetime64[us]"})


def _places(quarters: pd.DataFrame, rows: NDArray[np.int64]) -> dict[str, NDArray[np.object_]]:
    return {name: quarters[name].to_numpy(dtype=object)[rows] for name in ("borough", "district", "quarter")}


def _ids(count: int, numbers: tuple[int, int], rng: np.random.Generator) -> NDArray[np.str_]:
    """Give each person a number of its own between two bounds that tells nothing about the order."""
    step = (numbers[1] - numbers[0]) // max(count, 1)
    drawn = numbers[0] + np.arange(count) * step + rng.integers(0, step, count)
    return np.char.mod("P%08d", rng.permutation(drawn))


def _names(config: Config, male: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.object_]:
    """Draw first and last names."""
    first = {sex: np.array(names, dtype=object) for sex, names in config.register_.first_names.items()}
    parts = config.register_.surnames
    surnames = np.array([a + b for a in parts.beginnings for b in parts.endings], dtype=object)
    draw = rng.integers(0, 2**31, (3, len(male)))
    given = np.where(male, first["m"][draw[0] % len(first["m"])], first["f"][draw[1] % len(first["f"])])
    return given + " " + surnames[draw[2] % len(surnames)]


def _notes(config: Config, names: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    """Fill the free text of a few, sometimes with the name of somebody else."""
    rules, notes = config.register_.notes, np.full(len(names), None, dtype=object)
    lot = rng.random(len(names))
    plain = np.flatnonzero(lot < rules.share)
    notes[plain] = np.array(rules.wordings, dtype=object)[rng.integers(0, len(rules.wordings), len(plain))]
    named = np.flatnonzero(lot > 1 - rules.named_share)
    others = names[rng.integers(0, len(names), len(named))]
    for person, wording, name in zip(
        named, rng.integers(0, len(rules.named), len(named)), others, strict=True
    ):
        notes[person] = rules.named[wording].format(name=name)
    return notes


def _nationalities(config: Config, people: People, rng: np.random.Generator) -> NDArray[np.object_]:
    share = np.array([one.foreign for one in config.boroughs])[people.borough] / 100
    by_age = np.interp(people.age, [0, 18, 25, 40, 60, 75, 100], [0.9, 1.0, 1.4, 1.35, 0.8, 0.45, 0.3])
    foreign = rng.random(len(share)) < share * by_age
    eu = rng.random(len(share)) < 0.41
    return np.array(GROUPS, dtype=object)[np.where(foreign, np.where(eu, 1, 2), 0)]


def _a_year_before(
    config: Config, quarters: pd.DataFrame, people: People, now: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Give the earlier stock: those who stayed, a year younger, and those who have died or left since."""
    before = np.datetime64(config.register_.reference_dates[0])
    stayed = now[(now["arrived"].to_numpy() <= before) & (people.age > 0)]
    moved = rng.random(len(stayed)) < 0.06
    elsewhere = rng.permutation(people.quarter)[: len(stayed)]
    rows = np.where(moved, elsewhere, people.quarter[stayed.index])
    stayed = stayed.assign(age=stayed["age"] - 1, **_places(quarters, rows))
    gone = _gone(config, people, now, rng)
    return pd.concat([stayed, gone]).assign(reference_date=before.astype("datetime64[us]"))


def _gone(config: Config, people: People, now: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Make up those who have died or left: like somebody still there, with an id and a name of their own."""
    leaving = np.interp(
        people.age,
        [0, 17, 19, 31, 45, 70, 80, 90, 104],
        [0.03, 0.02, 0.13, 0.12, 0.04, 0.03, 0.07, 0.18, 0.3],
    )
    models = np.flatnonzero((rng.random(len(leaving)) < leaving) & ~people.planted)
    count, days = len(models), rng.exponential(4000.0, len(models)).astype(np.int64)
    alive = ((people.age[models] + 0.5) * 365.25).astype(np.int64)
    arrived = np.datetime64(config.register_.reference_dates[0]) - np.minimum(days, alive).astype(
        "timedelta64[D]"
    )
    return now.iloc[models].assign(
        person_id=_ids(count, GONE, rng),
        full_name=_names(config, people.male[models], rng),
        register_note=None,
        arrived=arrived.astype("datetime64[us]"),
    )


def _test_record(config: Config) -> pd.DataFrame:
    """Give the record that somebody once typed to test the register: every value in it is a canary."""
    values = config.traps.canaries["population.residents"]
    row = {
        name: pd.Timestamp(value).as_unit("us") if isinstance(value, date) else value
        for name, value in values.items()
    }
    return pd.DataFrame([row])


def totals(config: Config, register: pd.DataFrame) -> pd.DataFrame:
    """
    Count the residents of each borough, as statistics offices have always published them.

    Returns
    -------
    DataFrame
        Columns reference_date, borough, persons; the test record is not counted.
    """
    days = pd.to_datetime(list(config.register_.reference_dates))
    people = register[register["reference_date"].isin(days)]
    return people.groupby(["reference_date", "borough"]).size().rename("persons").reset_index()
