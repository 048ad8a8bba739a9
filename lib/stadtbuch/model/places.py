"""PlaceRules: how exactly the places of a dataset may be shown, by what is protected there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from stadtbuch.model.frozen import Frozen
from stadtbuch.texts import Text

GRIDS = (1000, 5000, 10000, 50000, 100000)
"""Sides of the cells in metres; each divides the next, so cells of one size are unions of smaller ones."""

Grid = Literal[1000, 5000, 10000, 50000, 100000]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class PlaceStep(Frozen):
    """
    How one category may be shown: by `grid` cell, by an area `column` of the dataset, or not at all.

    `bands` are the lower ends of the classes in which numbers are told: ``[1, 4, 11]`` gives 1–3, 4–10, 11+;
    ``[1]`` tells only that there is something; ``[0, 3]`` hides whether there is anything below three.
    """

    grid: Grid | None = None
    column: ColumnName | None = None
    withhold: bool = False
    bands: tuple[int, ...] = Field(default=(1,), min_length=1)


class Season(Frozen):
    """A time of the year, both days included; it may run over New Year."""

    start: DayOfYear = Field(alias="from")
    until: DayOfYear


class PlaceRules(Frozen):
    """
    What may be told of the places of a dataset; everything that is not named here stays inside.

    Attributes
    ----------
    unit
        The column that tells one protected thing from another; counted are different ones.
    kind
        The column that says what it is: a species, a kind of well. One kind is always shown by one step.
    category
        The column whose values choose the step.
    steps
        Category -> how it may be shown. A category that is missing here is withheld.
    show
        Columns that may be told beside the place.
    date
        The column with the day; of it only the year is told.
    season
        What happened from its last beginning on stays inside until it is over.
    outline
        Open dataset whose areas are where the things can be at all: the city.
    reason
        Why the places are not told exactly, for readers.
    """

    unit: ColumnName
    kind: ColumnName
    category: ColumnName
    steps: dict[str, PlaceStep] = Field(min_length=1)
    show: tuple[ColumnName, ...] = ()
    date: ColumnName | None = None
    season: Season | None = None
    outline: str | None = None
    reason: Text
