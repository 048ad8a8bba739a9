"""
``synthetic.yaml``: names, shape, people and traps of a city that does not exist.

The generator reads everything particular from here: another city can be made up without touching code.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from stadtbuch.catalog import files
from stadtbuch.errors import Problem, SettingsError
from stadtbuch.model.frozen import Frozen
from stadtbuch.synthetic.nature import (
    Air,
    AirTraps,
    Birds,
    DonatedTraps,
    Nest,
    Size,
    Trees,
    TreeTraps,
    Wells,
)
from stadtbuch.synthetic.society import (
    Budget,
    BudgetTraps,
    Dominant,
    Households,
    LargeHousehold,
    SmallCount,
    Taxes,
    Welfare,
)
from stadtbuch.texts import Text

FILE = "synthetic.yaml"

Sex = Literal["f", "m"]
PERSONS: dict[Size, int] = {"mini": 3_500, "small": 35_000, "full": 350_000}


class River(Frozen):
    """A straight line through the unit disc: direction in degrees from north, distance from the centre."""

    name: str
    bearing: float
    offset: float


class Compass(Frozen):
    """How the parts of a district are told apart."""

    north: str
    east: str
    south: str
    west: str
    centre: str


class Map(Frozen):
    """Where the made-up city lies and how large it is."""

    epsg: int
    centre: tuple[float, float]
    radius_km: float = Field(gt=0)
    river: River
    compass: Compass


class Borough(Frozen):
    """
    One borough: place in the unit disc, share of the people, districts with their count of quarters.

    `foreign` and `welfare`: percent without a German passport, and with minimum income benefits.
    """

    name: str
    at: tuple[float, float]
    people: float = Field(gt=0)
    character: dict[str, float] = Field(default_factory=dict)
    foreign: float = Field(ge=0, le=100)
    welfare: float = Field(ge=0, le=100)
    districts: dict[str, int]


class Bulge(Frozen):
    """More people around one age than elsewhere, as a bell curve; years and share of the base."""

    at: float
    width: float = Field(gt=0)
    height: float


class Ages(Frozen):
    """How many people of an age there are, compared with other ages, and the share of men among them."""

    base: dict[int, float]
    bulges: dict[str, tuple[Bulge, ...]]
    male: dict[int, float]


class Notes(Frozen):
    """The free text of the register: how often it is filled, and with what."""

    share: float
    wordings: tuple[str, ...]
    named_share: float
    named: tuple[str, ...]


class Surnames(Frozen):
    """Surnames are every beginning with every ending."""

    beginnings: tuple[str, ...]
    endings: tuple[str, ...]


class Register(Frozen):
    """The population register."""

    reference_dates: tuple[date, date]
    smallest_district: float
    notes: Notes
    first_names: dict[Sex, tuple[str, ...]]
    surnames: Surnames


class Peak(Frozen):
    """Hours of the day at which more pass than at others, as a bell curve; `inward` is the share inwards."""

    at: float = Field(ge=0, le=24)
    width: float = Field(gt=0)
    height: float = Field(gt=0)
    inward: float = Field(ge=0, le=1)


class Character(Frozen):
    """
    When people pass a station.

    `weekdays`: factors from Monday to Sunday; `warm` and `wet`: how strongly warmth helps and rain hinders;
    `term`: how much fewer pass outside the terms of the university; `day`: the hours of a working day.
    """

    weekdays: tuple[float, float, float, float, float, float, float]
    warm: float
    wet: float
    term: float
    day: tuple[Peak, ...] = Field(min_length=1)


class Station(Frozen):
    """One counting station; `daily` is the mean count of a day in the last year, `growth` per year."""

    id: str
    name: str
    district: str
    character: str
    daily: float
    growth: float
    since: date
    serial: str


class Festival(Frozen):
    """Days on which everybody cycles."""

    factor: float
    days: tuple[date, ...]


class Counters(Frozen):
    """The counting stations and their calendar; `free_day`: the hours of weekends and holidays."""

    first_year: dict[Size, int]
    last_year: int
    stations: dict[Size, int]
    characters: dict[str, Character]
    free_day: tuple[Peak, ...] = Field(min_length=1)
    list: tuple[Station, ...]
    holidays: tuple[date, ...]
    festival: Festival


class Alone(Frozen):
    """A person who is the only one of this age and sex in a district."""

    district: str
    age: int
    sex: Sex


class Recoverable(Frozen):
    """The one small cell of its row and its column in borough by age group and sex."""

    borough: str
    lowest_age: int
    sex: Sex
    count: int


class Hover(Alone):
    """A person whose note holds the own name."""

    full_name: str
    note: str


class MonthEnds(Frozen):
    """The last days of some months are missing; a month is given by its first day."""

    station: str
    days: int
    months: tuple[date, ...]


class Outage(Frozen):
    """A station counts nothing from the first to the last day."""

    station: str
    first: date
    last: date


class Signs(Frozen):
    """Days that stand in the file, but with a sign for "no value"."""

    station: str
    sign: str
    days: tuple[date, ...]


class Gaps(Frozen):
    """What is missing in the counts."""

    month_ends: MonthEnds
    outage: Outage
    signs: Signs


class LookAlike(Frozen):
    """Something open that resembles a secret and must not raise an alarm."""

    dataset: str
    column: str
    value: str
    why: str


class Traps(Frozen):
    """What is planted, so that checks can be measured against it."""

    canaries: dict[str, dict[str, str | int | float | date]]
    unique: tuple[Alone, ...]
    recoverable: Recoverable
    hover: Hover
    gaps: Gaps
    nest: Nest
    household: LargeHousehold
    margin: SmallCount
    budget: BudgetTraps
    dominant: Dominant
    trees: TreeTraps
    air: AirTraps
    donated: DonatedTraps
    look_alikes: tuple[LookAlike, ...]


class Config(Frozen):
    """The whole made-up city."""

    schema_version: Literal[1]
    map: Map
    boroughs: tuple[Borough, ...]
    ages: Ages
    register_: Register = Field(alias="register")
    counters: Counters
    households: Households
    welfare: Welfare
    budget: Budget
    taxes: Taxes
    trees: Trees
    air: Air
    wells: Wells
    birds: Birds
    traps: Traps

    @property
    def districts(self) -> tuple[str, ...]:
        """Give the names of all districts, borough by borough."""
        return tuple(name for borough in self.boroughs for name in borough.districts)


def read(root: Path) -> Config:
    """
    Read and check ``synthetic.yaml`` of a city.

    Raises
    ------
    SettingsError
        If the file is missing or holds mistakes; all of them are named at once.
    """
    content, problems = files.read(root / FILE, name=FILE)
    if content is None or problems:
        raise _wrong(problems)
    try:
        return Config(**content.data)
    except ValidationError as error:
        raise _wrong([_problem(one, content) for one in error.errors()]) from None


def _problem(error: Any, content: files.Located) -> Problem:
    """Say one mistake that pydantic found, with the line on which it stands."""
    place = tuple(error["loc"])
    what = Text(de=f"ist nicht gültig: {error['msg']}", en=f"is not valid: {error['msg']}")
    return Problem(FILE, content.line(place), files.dotted(place), what)


def _wrong(problems: list[Problem]) -> SettingsError:
    return SettingsError(
        "synthetic.invalid",
        Text(
            de="Die Vorlage der erfundenen Stadt ist nicht gültig.",
            en="The pattern of the made-up city is not valid.",
        ),
        problems=problems,
        remedy=Text(
            de=f"Berichtigen Sie {FILE} im Ordner der Stadt.", en=f"Correct {FILE} in the city's folder."
        ),
    )
