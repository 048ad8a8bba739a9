"""
Registers: what the city knows about its own data, as open datasets that notebooks read like any other.

A build writes them before it plans, from the catalogue, the definitions of the reports and the measured sources;
a catalogue entry with ``url: "{REGISTERS}/datasets.parquet"`` describes each. So run keys, provenance and downloads
need nothing of their own, and a city that wants no register leaves the entry out.

They hold no value of any dataset, and of datasets that are not open no count
(`stadtbuch.quality.scorecard.public`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from stadtbuch import atomic
from stadtbuch.catalog import allowed
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.report import Report
from stadtbuch.reports import definitions
from stadtbuch.runs import manifest
from stadtbuch.session import measuring
from stadtbuch.session.city import City
from stadtbuch.session.measuring import Card
from stadtbuch.store import frame_bytes

OPEN, PROTECTED = "open", "protected"
"""How a report uses a dataset: it reads it as it is, or only protected tables made from it."""


@dataclass(frozen=True, slots=True)
class Use:
    """That a report reads a dataset."""

    dataset: str
    report: Report
    how: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the registers are written from."""

    today: date
    datasets: Mapping[str, Dataset]
    uses: Sequence[Use]
    cards: Mapping[str, Card]


def refresh(city: City) -> list[str]:
    """
    Write the registers that the catalogue describes; nothing else is measured or read.

    Parameters
    ----------
    city
        The session. Sources whose version was not measured yet are read in it.

    Returns
    -------
    list of str
        The names of those that changed, ``["datasets", "uses"]``.
    """
    wanted = [one for one in _described(city) if one in FRAMES]
    if not wanted:
        return []
    known = gather(city)
    folder = city.state.folder("registers")
    changed = []
    for name in wanted:
        data, path = frame_bytes(FRAMES[name](known)), folder / f"{name}.parquet"
        if not path.is_file() or path.read_bytes() != data:
            atomic.write(path, data, mode=0o600)
            changed.append(name)
    return changed


def _described(city: City) -> list[str]:
    """Name the registers that have an entry in the catalogue."""
    sources = (one.source for one in city.catalog.datasets.values())
    return sorted({PurePosixPath(one.url).stem for one in sources if allowed.is_register(one)})


def gather(city: City) -> Known:
    """Find out who uses what, and measure every dataset."""
    uses = list(find_uses(city))
    number = readers(uses)
    datasets = dict(sorted(city.catalog.datasets.items()))
    cards = {name: measuring.public(city, name, reports=number.get(name, 0)) for name in datasets}
    return Known(today=city.today, datasets=datasets, uses=uses, cards=cards)


def readers(uses: Sequence[Use]) -> dict[str, int]:
    """Count the reports that read each dataset."""
    return Counter(dataset for dataset, _ in {(use.dataset, use.report.name) for use in uses})


def find_uses(city: City) -> Iterator[Use]:
    """
    Say which report reads which dataset, from the definitions and the manifests of their notebooks.

    A report that reads protected tables of another one uses the datasets that those are made from.
    """
    reports = definitions.readable(city.settings)
    inputs = {name: _inputs(city, report) for name, report in sorted(reports.items())}
    seen: set[tuple[str, str]] = set()
    for name, report in sorted(reports.items()):
        for dataset in sorted(_through(name, inputs, city)):
            if (dataset, name) not in seen:
                seen.add((dataset, name))
                how = OPEN if city.catalog.datasets[dataset].is_open else PROTECTED
                yield Use(dataset=dataset, report=report, how=how)


def _inputs(city: City, report: Report) -> list[str]:
    """Give what a report's notebooks read or ask; a notebook that cannot be read declares nothing."""
    root, found = city.settings.root, []
    for path in filter(None, (report.prepare, report.report)):
        try:
            declared = manifest.read(root / path, root=root).manifest
            found += [*declared.inputs, *(one.dataset for one in declared.private.values())]
        except StadtbuchError:
            continue
    return found


def _through(report: str, inputs: Mapping[str, Sequence[str]], city: City) -> set[str]:
    """Give the datasets behind a report's inputs: its own, and those behind other reports' tables."""
    found = {one for one in inputs[report] if one in city.catalog.datasets}
    others = {one.partition(".")[0] for one in inputs[report]} & inputs.keys() - {report}
    for other in others:
        found |= {
            one
            for one in inputs[other]
            if one in city.catalog.datasets and not city.catalog.datasets[one].is_open
        }
    return found


# ---- the frames ---------------------------------------------------------------------------------------


def datasets(known: Known) -> pd.DataFrame:
    """Give one row per entry of the catalogue."""
    return _frame(DATASETS, (_dataset(known, one) for one in known.datasets.values()))


def _dataset(known: Known, one: Dataset) -> dict[str, Any]:
    reason = one.access.reason if not one.is_open else None
    return {
        "id": one.id,
        "title_de": one.title.de,
        "title_en": one.title.en,
        "domain": one.domain,
        "access_class": one.access_class.value,
        "reason_kind": reason.kind.value if reason else None,
        "licence": one.license,
        "origin": one.origin,
        "custody": one.custody.kind,
        "rhythm": one.accrual_periodicity,
        "protects": one.privacy.unit,
        "columns": len(one.table.fields),
        "rows": known.cards[one.id].rows,
        "reports": readers(known.uses).get(one.id, 0),
        "register": allowed.is_register(one.source),
    }


def withheld(known: Known) -> pd.DataFrame:
    """Give one row per dataset that is not open: why, by whose decision, until when."""
    closed = (one for one in known.datasets.values() if not one.is_open and one.access.reason)
    return _frame(WITHHELD, (_withheld(known, one) for one in closed))


def _withheld(known: Known, one: Dataset) -> dict[str, Any]:
    reason, prepared = one.access.reason, one.access.preparation
    if reason is None:
        raise LookupError(one.id)  # `withheld` leaves such entries out
    return {
        "id": one.id,
        "title_de": one.title.de,
        "title_en": one.title.en,
        "domain": one.domain,
        "access_class": one.access_class.value,
        "reason_kind": reason.kind.value,
        "reason_de": reason.text.de,
        "reason_en": reason.text.en,
        "legal_basis": reason.legal_basis,
        "decided_by": reason.decided_by,
        "decided": reason.decided,
        "review": reason.review,
        "overdue": reason.review < known.today,
        "tried": ", ".join(prepared.tried) if prepared else None,
        "outcome_de": prepared.outcome.de if prepared else None,
        "outcome_en": prepared.outcome.en if prepared else None,
    }


def uses(known: Known) -> pd.DataFrame:
    """Give one row per dataset and report that reads it."""
    return _frame(USES, map(_use, sorted(known.uses, key=lambda use: (use.dataset, use.report.name))))


def _use(use: Use) -> dict[str, Any]:
    return {
        "dataset": use.dataset,
        "report": use.report.name,
        "title_de": use.report.title.de,
        "title_en": use.report.title.en,
        "how": use.how,
        "dashboard": use.report.dashboard is not None,
    }


def measurements(known: Known) -> pd.DataFrame:
    """
    Give one row per dataset and criterion.

    An age in days changes every day and would renew every page each night; here stand the newest day and the day it
    is due instead, and the verdict.
    """
    return _frame(
        MEASUREMENTS, (_measurement(one) for card in known.cards.values() for one in card.measurements)
    )


def _measurement(one: Any) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "criterion": one.criterion.value,
        "value": None if one.unit == "days" else one.value,
        "unit": one.unit,
        "target": one.target,
        "verdict": one.verdict.value,
        "looked_at": one.of,
        "failed": one.failed,
        "newest": one.newest,
        "due": one.due,
        "gap": one.gap.value if one.gap else None,
    }


FRAMES: dict[str, Callable[[Known], pd.DataFrame]] = {
    "datasets": datasets,
    "withheld": withheld,
    "uses": uses,
    "measurements": measurements,
}
"""The registers: name of the file -> its frame."""

TEXT, WHOLE, NUMBER, TRUTH, DAY = "str", "Int64", "float64", "boolean", "datetime64[us]"
DATASETS = (
    dict.fromkeys(("id", "title_de", "title_en", "domain", "access_class", "reason_kind", "licence"), TEXT)
    | dict.fromkeys(("origin", "custody", "rhythm", "protects"), TEXT)
    | dict.fromkeys(("columns", "rows", "reports"), WHOLE)
    | {"register": TRUTH}
)
WITHHELD = (
    dict.fromkeys(("id", "title_de", "title_en", "domain", "access_class", "reason_kind"), TEXT)
    | dict.fromkeys(("reason_de", "reason_en", "legal_basis", "decided_by"), TEXT)
    | {"decided": DAY, "review": DAY, "overdue": TRUTH}
    | dict.fromkeys(("tried", "outcome_de", "outcome_en"), TEXT)
)
USES = dict.fromkeys(("dataset", "report", "title_de", "title_en", "how"), TEXT) | {"dashboard": TRUTH}
MEASUREMENTS = {
    "dataset": TEXT,
    "criterion": TEXT,
    "value": NUMBER,
    "unit": TEXT,
    "target": NUMBER,
    "verdict": TEXT,
} | {"looked_at": WHOLE, "failed": WHOLE, "newest": DAY, "due": DAY, "gap": TEXT}


def _frame(columns: Mapping[str, str], rows: Iterator[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a frame whose columns have their types even where there is no row."""
    found = list(rows)
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in found], dtype=kind) for name, kind in columns.items()}
    )
