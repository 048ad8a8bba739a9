"""
What ``synthetic.yaml`` says about trees, air, wells and birds.

The words of these tables stand there; what is drawn from them stands in the module of each table.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from stadtbuch.model.frozen import Frozen

Size = Literal["mini", "small", "full"]
Range = tuple[float, float]


class WellKind(Frozen):
    """One kind of well: the word that begins its names, how many, how deep (m), how much water (m³ per day)."""

    word: str
    count: dict[Size, int]
    depth_m: Range
    capacity: Range
    protection: Literal["critical", "restricted", "none"]


class Pump(Frozen):
    """A well that everybody knows: its place is no secret."""

    name: str
    district: str


class Wells(Frozen):
    """
    The wells of the city.

    `field`: the district in whose first quarter the drinking water is drawn; `names`: the invented names of
    fields that wells are called by; `pump`: the well that is no secret.
    """

    field: str
    spread_m: float = Field(gt=0)
    kinds: dict[Literal["drinking-water", "emergency", "garden"], WellKind]
    names: tuple[str, ...]
    pump: Pump


class Species(Frozen):
    """
    One species of birds.

    A common one has `weight`, its part of the records of common species; every other one breeds at as many
    `sites` as it has, year after year. `district` is where all of it breeds, `habitat` whether it keeps to the
    river. `note` says what observers write about a site, with the name of a field at ``{field}``.
    """

    latin: str
    de: str
    en: str
    category: Literal["very-sensitive", "sensitive", "common"]
    months: tuple[int, ...]
    weight: float = 0
    pairs: int = 1
    sites: dict[Size, int] = Field(default_factory=dict)
    habitat: Literal["anywhere", "river"] = "anywhere"
    district: str | None = None
    note: str = ""


class Birds(Frozen):
    """The breeding birds; `records`: how many of common species in a year; `wordings`: notes about those."""

    first_year: dict[Size, int]
    last_year: int
    records: dict[Size, int]
    observers: dict[Size, int]
    society: str
    society_share: float
    noted_share: float
    wordings: tuple[str, ...]
    companion: str
    companion_share: float
    fields: tuple[str, ...]
    species: tuple[Species, ...]


class Nest(Frozen):
    """The only pair of a species, and the note about a common bird that gives its place away."""

    species: str
    field: str
    careless_species: str
    careless_note: str


class TreeSpecies(Frozen):
    """One species of trees: weight, girth per year (cm), and the height (m) of old ones."""

    latin: str
    de: str
    en: str
    weight: float
    girth: float
    height: float


class Monument(Frozen):
    """A tree so old that its numbers look wrong."""

    species: str
    district: str
    planted: int
    girth_cm: int
    height_m: float


class Trees(Frozen):
    """The trees along streets and in parks; `status`: their condition by weight; `single`: a species of one tree."""

    count: dict[Size, int]
    first_year: int
    last_year: int
    status: dict[str, float]
    species: tuple[TreeSpecies, ...]
    single: TreeSpecies
    monument: Monument


class Spelling(Frozen):
    """A name written wrongly in some rows."""

    right: str
    wrong: str
    count: int = Field(gt=0)


class TreeTraps(Frozen):
    """
    What is wrong in the register of trees, in rows each.

    `future`: the year in which some were planted lies ahead; `centimetres`: height in centimetres; `elsewhere`:
    stands in another district than the register says.
    """

    duplicates: int
    spellings: tuple[Spelling, ...]
    future: int
    future_count: int
    centimetres: int
    zero_girth: int
    elsewhere: int


class Pollutant(Frozen):
    """How much of a pollutant is in the air (µg/m³) by kind of station, and what moves it."""

    level: dict[str, float]
    cold: float
    rain: float
    weekend: float
    fireworks: float = 1.0


class AirStation(Frozen):
    """One official station."""

    id: str
    name: str
    kind: Literal["traffic", "background", "industrial"]
    district: str
    since: date


class Donated(Frozen):
    """
    Sensors on balconies: how many, how much they show too much (share), how they stray, and how damp disturbs.

    `calibrated`: the share that once stood beside an official station.
    """

    count: dict[Size, int]
    bias: float
    spread: float
    noise: float
    damp: float
    calibrated: float
    offline: float


class Air(Frozen):
    """The air: stations, pollutants, first years, and the sensors that citizens share."""

    first_year: dict[Size, int]
    last_year: int
    stations: dict[Size, int]
    list: tuple[AirStation, ...]
    pollutants: dict[str, Pollutant]
    donated: Donated


class Span(Frozen):
    """Days from the first to the last, at one station, of one pollutant or of all."""

    station: str
    pollutant: str | None = None
    first: date
    last: date


class Stuck(Span):
    """Days on which a station shows one value, which is not that of the days around."""

    value: float


class Days(Frozen):
    """Single days at one station, of one pollutant."""

    station: str
    pollutant: str
    days: tuple[date, ...]


class AirTraps(Frozen):
    """
    What is wrong with the official values.

    `dead`: no rows; `stuck`: the same value day after day; `negative`: below zero; `milligrams`: right values
    in another unit, which the row says; `unsaid`: the same, but the row does not say so; `few_hours`: a value
    although too few hours were valid.
    """

    dead: Span
    stuck: Stuck
    negative: Days
    milligrams: Span
    unsaid: Days
    few_hours: Days


class DonatedTraps(Frozen):
    """What is wrong with the shared sensors; sensors by their place in the list."""

    copy_of: str
    copied_by: int
    indoors: int
    saturated: int
    saturated_days: tuple[date, ...]
    overflow: float
