"""Measurement: one indicator of one dataset at one time; counts and shares, never a value of the data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from stadtbuch.model.frozen import Frozen


class Criterion(StrEnum):
    """What good data are, in fourteen words; each is listed for every dataset, measured or not."""

    complete = "complete"
    unambiguous = "unambiguous"
    correct = "correct"
    uniform = "uniform"
    timely = "timely"
    understandable = "understandable"
    relevant = "relevant"
    controlled = "controlled"
    consistent = "consistent"
    reliable = "reliable"
    precise = "precise"
    free_of_redundancy = "free-of-redundancy"
    current = "current"
    punctual = "punctual"


class Grade(StrEnum):
    """What a measurement means, measured against its target."""

    good = "good"
    warning = "warning"
    bad = "bad"
    not_measured = "not-measured"


class Gap(StrEnum):
    """Why there is no number where one could stand."""

    not_built = "not-built"
    no_rule = "no-rule"
    no_rows = "no-rows"
    unreadable = "unreadable"
    too_few = "too-few"
    self_made = "self-made"


class Measurement(Frozen):
    """
    One criterion of one dataset.

    Attributes
    ----------
    value
        A share from 0 to 1, a number of days, or a number of reports; see `unit`.
    target
        What it is held against, in the same unit.
    of, failed
        How many cells, rows, columns or texts were looked at, and how many did not pass.
    records
        The first records that did not pass, counted from 1: where to look, not what stands there.
    newest, due
        The newest day in the data, and the last day on which that still is timely.
    gap
        Why nothing was measured.
    """

    dataset: str
    criterion: Criterion
    value: float | None = Field(default=None, ge=0)
    unit: Literal["share", "days", "reports"] | None = None
    target: float | None = None
    verdict: Grade = Grade.not_measured
    of: int | None = None
    failed: int | None = None
    records: tuple[int, ...] = ()
    newest: date | None = None
    due: date | None = None
    gap: Gap | None = None
