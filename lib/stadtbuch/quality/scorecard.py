"""
The scorecard of a dataset: all fourteen criteria, measured or not, and the form in which it may be public.

Figures about data that are not open are figures about people, nests or wells, too. So what leaves is coarser than
what is known: see `public`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pandas as pd

from stadtbuch.model.dataset import Dataset
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement
from stadtbuch.quality import indicators, timeliness

STEPS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Shares of data that are not open are told as the step at or below them."""

FEWEST = 100
"""With fewer records than this, a share of data that are not open is not told at all."""


class Content(Frozen):
    """
    What looking at the data themselves gave, apart from the day: it stays true as long as the data stay.

    `ahead` says that the data hold days in the future, seen from the day of looking: then it does not.
    """

    rows: int
    newest: date | None
    ahead: bool
    measurements: tuple[Measurement, ...]


def look(frame: pd.DataFrame, dataset: Dataset, *, at: date) -> Content:
    """
    Measure what needs the data themselves.

    Parameters
    ----------
    frame
        The whole source, typed by the schema.
    dataset
        Its description.
    at
        The day on which is looked; days after it do not make data timely.
    """
    return Content(
        rows=len(frame),
        newest=timeliness.newest(frame, dataset, at=at),
        ahead=timeliness.ahead(frame, dataset, at=at),
        measurements=tuple(indicators.measured_of_rows(frame, dataset)),
    )


def scorecard(
    dataset: Dataset, content: Content | None, *, at: date, reports: int, gap: Gap = Gap.unreadable
) -> tuple[Measurement, ...]:
    """
    Give all fourteen criteria of a dataset in their order.

    Parameters
    ----------
    dataset
        The catalogue's entry.
    content
        From `look`; ``None`` if the data could not be looked at.
    at
        The day that timeliness is measured on.
    reports
        How many reports read it.
    gap
        Why there is no content.
    """
    known = {one.criterion: one for one in _described(dataset, reports=reports)}
    if content is not None:
        known |= {one.criterion: one for one in content.measurements}
        known[Criterion.timely] = timeliness.timely(dataset, newest=content.newest, at=at)
    missing = dict.fromkeys((*indicators.OF_ROWS, Criterion.timely), gap)
    return tuple(
        known.get(one) or indicators.not_measured(dataset, one, missing.get(one, Gap.not_built))
        for one in Criterion
    )


def _described(dataset: Dataset, *, reports: int) -> Iterable[Measurement]:
    """Measure what the description alone tells."""
    yield indicators.understandable(dataset)
    yield indicators.controlled(dataset)
    yield indicators.relevant(dataset, reports=reports)


def public(card: Sequence[Measurement], dataset: Dataset, *, rows: int | None) -> tuple[Measurement, ...]:
    """
    Give a scorecard as everybody may see it.

    Of open data everything but the sample of records is told. Of other data no count, no day and no exact share
    leaves: a share of 2 in 3 owls would tell how many there are. Shares become steps, and with few records none.

    Parameters
    ----------
    rows
        How many records the source has, if it could be read.
    """
    return tuple(_public(one, dataset, rows=rows) for one in card)


def _public(one: Measurement, dataset: Dataset, *, rows: int | None) -> Measurement:
    bare = one.model_copy(update={"records": ()})
    if dataset.is_open or one.value is None or one.criterion in OF_DESCRIPTION:
        return bare
    if (rows or 0) < FEWEST:
        return indicators.not_measured(dataset, one.criterion, Gap.too_few)
    hidden = {"of": None, "failed": None, "newest": None, "due": None}
    if one.unit == "share":
        return bare.model_copy(update=hidden | {"value": step(one.value)})
    return bare.model_copy(update=hidden | {"value": None})


OF_DESCRIPTION = (Criterion.understandable, Criterion.controlled, Criterion.relevant)
"""What is measured on the public description, and so is public itself."""


def step(share: float) -> float:
    """
    Round a share down to a step.

    Examples
    --------
    >>> step(0.9973), step(1.0), step(2 / 3)
    (0.99, 1.0, 0.5)
    """
    return max(one for one in STEPS if one <= share)


def worst(card: Iterable[Measurement]) -> Grade:
    """
    Give the verdict on a whole scorecard: the worst of what was measured.

    Examples
    --------
    >>> worst([])
    <Grade.not_measured: 'not-measured'>
    """
    found = {one.verdict for one in card}
    order = (Grade.bad, Grade.warning, Grade.good)
    return next((one for one in order if one in found), Grade.not_measured)
