"""
The last good snapshot: what a report may go on with while a delivery is missing (``on_missing_input: last-good``).

It is the one that the newest public edition of the same cell was made from. Whether it may be read is decided anew, by
today's catalogue. What is not missing but wrong is never replaced: somebody must look at it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stadtbuch.errors import SourceError, StadtbuchError, StateError
from stadtbuch.model.report import Edition, Report
from stadtbuch.reports import editions
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import Kept
from stadtbuch.texts import Text

ASKED = "last-good"
MISSING = "source.missing"


def keeper(city: City, report: Report, *, cell: str, step: str) -> Callable[[str], Kept | None]:
    """
    Give the function that finds the last good snapshot of a dataset; it finds nothing if the report wants none.

    Parameters
    ----------
    cell, step
        Whose run asks.
    """

    def kept(dataset: str) -> Kept | None:
        newest = _newest(city, report.name, cell) if report.on_missing_input == ASKED else None
        return None if newest is None else _snapshot(city, newest, dataset, step=step)

    return kept


def choices(city: City, report: Report) -> Callable[[str], list[str]]:
    """Give the function that lists the values of a column: those of the public editions while the source is missing."""

    def values(reference: str) -> list[str]:
        try:
            return city.choices(reference)
        except SourceError as error:
            if error.code != MISSING or report.on_missing_input != ASKED:
                raise
            known = list(_values(city, report, reference))
            if not known:
                raise
        return sorted(dict.fromkeys(known))

    return values


def _values(city: City, report: Report, reference: str) -> Iterator[str]:
    """Give what editions have for the parameters that run through a column; single cells beside it are not of it."""
    names = [name for name, axis in report.cells.items() if axis == reference]
    beside = {str(one[name]) for one in report.also for name in names if name in one}
    for folder in editions.folders(city.state, report.name):
        try:
            found = editions.read(folder)
        except StateError:
            continue
        told = found.edition.parameters if found.public else {}
        yield from (str(told[name]) for name in names if name in told and str(told[name]) not in beside)


def _newest(city: City, report: str, cell: str) -> Edition | None:
    """Give the newest public edition of a cell."""
    folder = editions.place(city.state, report, cell)
    for name in reversed(editions.names(city.state, report, cell)):
        try:
            found = editions.read(folder / name)
        except StateError:
            continue
        if found.public:
            return found.edition
    return None


def _snapshot(city: City, edition: Edition, dataset: str, *, step: str) -> Kept | None:
    """Take the snapshot from the run behind an edition; nothing if run or snapshot are not kept any more."""
    run = city.state.folder("runs") / edition.run_keys.get(step, "-") / "run.json"
    try:
        told: Mapping[str, Any] = json.loads(run.read_bytes())["inputs"][dataset]
        return Kept(_first(edition, dataset), told, city.store.get(told["sha256"]))
    except (OSError, ValueError, KeyError, TypeError, StadtbuchError):
        return None


def _first(edition: Edition, dataset: str) -> str:
    """Name the edition for which a snapshot was made: an edition that was itself made from a kept one names it."""
    told = next((one for one in edition.inputs if one.get("id") == dataset), {})
    return str(told.get("kept_from") or edition.id)


def notice(city: City, dataset: str, edition: str) -> Text:
    """Say that a delivery is missing, and what was used in its place."""
    known = city.catalog.datasets.get(dataset)
    de, en = (known.title.de, known.title.en) if known else (dataset, dataset)
    return Text(
        de=f"{de}: Die Lieferung fehlt. Gerechnet wurde mit dem letzten guten Stand, dem der Ausgabe {edition}.",
        en=f"{en}: the delivery is missing. The last good snapshot was used, that of edition {edition}.",
    )
