"""
Measuring the sources of a city: once per version, kept in the state.

What is kept are counts and shares, no value; and it is not public: what may leave of it says
`stadtbuch.quality.scorecard.public`.
"""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from stadtbuch import atomic
from stadtbuch.catalog import allowed
from stadtbuch.errors import StateError
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.measure import Gap, Measurement
from stadtbuch.quality import scorecard
from stadtbuch.quality.scorecard import Content

if TYPE_CHECKING:
    from stadtbuch.session.city import City

FORMAT = 1
"""Raised when the same data are to be measured differently: what was kept before is measured again."""


class Kept(Frozen):
    """What was measured of one version of a dataset, and on which day it was looked at."""

    key: str
    looked: date
    content: Content


class Card(Frozen):
    """
    A dataset's scorecard.

    Attributes
    ----------
    rows
        How many records its source has; ``None`` if that is not known.
    """

    dataset: str
    rows: int | None = None
    measurements: tuple[Measurement, ...] = Field(min_length=1)


def card(city: City, dataset: str, *, reports: int) -> Card:
    """
    Measure a dataset on all fourteen criteria.

    The source is read only if this version was not measured yet, and then at most once in the session. A source
    that is missing or cannot be read is no error here: its criteria are not measured.

    Parameters
    ----------
    dataset
        Id.
    reports
        How many reports read it.
    """
    described = city.dataset(dataset)
    content, gap = _content(city, described)
    measured = scorecard.scorecard(described, content, at=city.today, reports=reports, gap=gap)
    return Card(dataset=dataset, rows=content.rows if content else None, measurements=measured)


def public(city: City, dataset: str, *, reports: int) -> Card:
    """Measure a dataset, and give what everybody may know of it: no record, no count of what is not open."""
    described, whole = city.dataset(dataset), card(city, dataset, reports=reports)
    shown = scorecard.public(whole.measurements, described, rows=whole.rows)
    rows = whole.rows if described.is_open else None
    return Card(dataset=dataset, rows=rows, measurements=shown)


def _content(city: City, dataset: Dataset) -> tuple[Content | None, Gap]:
    """Give what the data themselves tell, or why they could not be asked."""
    if allowed.is_register(dataset.source):
        return None, Gap.self_made
    try:
        return _looked(city, dataset), Gap.unreadable
    except StateError:
        raise
    except Exception:  # noqa: BLE001 - whatever is odd about one dataset stops no report; the gap is visible
        return None, Gap.unreadable


def _looked(city: City, dataset: Dataset) -> Content:
    """Take what was measured of this version, or measure it."""
    path = city.state.folder("store") / "measured" / f"{dataset.id}.json"
    kept = _kept(path)
    key = _key(dataset, city.version(dataset.id))
    if kept is not None and kept.key == key and (not kept.content.ahead or kept.looked == city.today):
        return kept.content
    source = city.source(dataset.id)
    content = scorecard.look(source.frame, dataset, at=city.today)
    made = Kept(key=_key(dataset, source.version), looked=city.today, content=content)
    _record(city, dataset, source.version)  # first: an interruption may tell it twice, never not at all
    path.parent.mkdir(mode=0o700, exist_ok=True)
    atomic.write(path, made.model_dump_json().encode(), mode=0o600)
    return content


def _key(dataset: Dataset, version: str) -> str:
    """Name what a measurement depends on: the data, their description, the way of measuring."""
    parts = [FORMAT, version, dataset.model_dump(mode="json")]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _kept(path: Path) -> Kept | None:
    """Read what was kept; whatever cannot be read is measured again."""
    try:
        return Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _record(city: City, dataset: Dataset, version: str) -> None:
    """Note that data that are not open were looked at as a whole, to count what is missing and wrong."""
    if not dataset.is_open:
        city.book.append(
            "measured", subject=dataset.id, actor=city.actor, now=city.now, details={"version": version}
        )
