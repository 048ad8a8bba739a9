"""
Failures: for every page that could not be renewed, an internal page that says why, and what to do.

``var/failures/<report>/<cell or _>/`` holds ``failure.json`` and one static page per language, for owners, stewards
and operators; nothing of it is ever public. It appears with the first build that fails, keeps the day since when, and
goes with the first build that works again. It holds names, numbers of cells and our own words, never a data value.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import StadtbuchError, StateError
from stadtbuch.model.verdict import Decision
from stadtbuch.reports import editions, last_good, look
from stadtbuch.reports.definitions import NO_CELL
from stadtbuch.reports.outputs import encode
from stadtbuch.runs.execute import Result
from stadtbuch.runs.reasons import Reason
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.texts import LANGUAGES, Text, same

DASHBOARD = "_dashboard"
"""What stands in place of a cell for the dashboard of a report; no cell is called that."""
RECORD, STYLE = "failure.json", "style.css"
PAGES = {"de": "index.html", "en": "index.en.html"}


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Why one cell of a report could not be renewed.

    Attributes
    ----------
    report, cell
        Whose page it is.
    error
        What stopped it; None where the gate refused.
    decision
        What the gate said, where it was asked.
    results
        How its runs ended; the one that failed knows the number of the notebook's cell.
    inputs
        The datasets that its notebooks declare.
    reasons
        What was another than at the latest run.
    missing
        Datasets whose delivery is missing and whose last good snapshot was used: then nothing else went wrong.
    online
        What visitors see meanwhile, where that is no edition; empty where it is one.
    """

    report: str
    cell: str
    error: StadtbuchError | None
    decision: Decision | None
    results: Sequence[Result]
    inputs: Sequence[str]
    reasons: Sequence[Reason]
    missing: Sequence[str] = ()
    online: str = ""

    @property
    def status(self) -> str:
        """Say how it ended: ``failed``, ``refused``, or ``last-good`` where it went on without a delivery."""
        if self.error is not None:
            return "failed" if self.error.exit_code not in (3, 4) else "refused"
        refused = self.decision is not None and not self.decision.allowed
        return "refused" if refused or not self.missing else last_good.ASKED

    @property
    def code(self) -> str:
        """Give the code of the error, or of what the gate or the planner did."""
        if self.error is not None:
            return self.error.code
        return last_good.MISSING if self.status == last_good.ASKED else "gate.refused"


def note(city: City, failure: Failure) -> Path:
    """Write the page of a failure; the first day and what had changed by then are kept. Gives its folder."""
    folder = place(city.state, failure.report, failure.cell)
    record = _record(city, failure, before=_read(folder))
    with atomic.telling("var/failures"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for language, name in PAGES.items():
            page = look.part("failure.html.j2", language=language, it=record, other=PAGES)
            atomic.write(folder / name, page.encode(), mode=0o600)
        atomic.write(folder / STYLE, look.style().encode(), mode=0o600)
        atomic.write(folder / RECORD, encode(record), mode=0o600)
    return folder


def clear(state: State, report: str, cell: str) -> None:
    """Take a page away: the cell works again."""
    folder = place(state, report, cell)
    if folder.is_dir():
        with atomic.telling("var/failures"):
            (folder / RECORD).unlink(missing_ok=True)  # first what counts, then the rest
            shutil.rmtree(folder)


def forget(state: State, report: str, *, cells: Collection[str]) -> None:
    """Take away the pages of cells that the report does not have any more."""
    root = state.folder("failures") / report
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        cell = "" if path.name == NO_CELL else path.name
        if cell not in cells:
            clear(state, report, cell)


def place(state: State, report: str, cell: str) -> Path:
    """Give the folder of a cell's failure."""
    return state.folder("failures") / report / (cell or NO_CELL)


def everything(state: State) -> Iterator[dict[str, Any]]:
    """Give the records of all failures that last, by report and cell."""
    for path in sorted(state.folder("failures").glob(f"*/*/{RECORD}")):
        found = _read(path.parent)
        if found is not None:
            yield found


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _record(city: City, failure: Failure, *, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write down what is known."""
    ended = next((one.error for one in failure.results if one.error), None) or {}
    changed = [one.text.as_dict() for one in failure.reasons if one.part not in ("failed", "interrupted")]
    since = before["since"] if before else city.now.isoformat()
    return {
        "report": failure.report,
        "cell": failure.cell,
        "since": since,
        "at": city.now.isoformat(),
        "status": failure.status,
        "code": failure.code,
        "missing": list(failure.missing),
        "type": ended.get("type") or type(failure.error).__name__ if failure.error is not None else None,
        "notebook_cell": ended.get("cell"),
        "told": list(_told(failure)) if failure.status != last_good.ASKED else [_went_on()],
        "datasets": [_dataset(city, name, failure) for name in failure.inputs],
        "changed": changed or (before or {}).get("changed", []),
        "runs": [one.key for one in failure.results if one.error],
        "last_good": failure.online or _last_good(city.state, failure),
    }


def _told(failure: Failure) -> Iterator[dict[str, Any]]:
    """Give what is wrong and what to do, in our own words."""
    error = failure.error
    if error is not None:
        nothing = same("")
        yield {
            "text": error.what.as_dict(),
            "why": (error.why or nothing).as_dict(),
            "remedy": (error.remedy or nothing).as_dict(),
        }
        for one in error.problems:
            place = f"{one.file}:{one.line}" if one.line else one.file
            text = {language: f"{place} {one.path}: {one.what.pick(language)}" for language in LANGUAGES}
            yield {"text": text, "why": nothing.as_dict(), "remedy": (one.remedy or nothing).as_dict()}
    elif failure.decision is not None:
        for finding in failure.decision.findings:
            text = {language: f"{finding.rule}: {finding.text.pick(language)}" for language in LANGUAGES}
            yield {"text": text, "why": same(finding.subject).as_dict(), "remedy": finding.remedy.as_dict()}


def _went_on() -> dict[str, Any]:
    """Say that a delivery is missing and what the report did about it."""
    return {
        "text": Text(de="Eine Lieferung fehlt.", en="A delivery is missing.").as_dict(),
        "why": Text(
            de="Der Bericht rechnet mit dem letzten guten Stand weiter und sagt das auf seiner Seite.",
            en="The report goes on with the last good snapshot, and says so on its page.",
        ).as_dict(),
        "remedy": Text(
            de="Legen Sie die Datei an ihren Platz und bauen Sie noch einmal.",
            en="Put the file in its place and build once more.",
        ).as_dict(),
    }


def _dataset(city: City, name: str, failure: Failure) -> dict[str, Any]:
    """Say who is responsible for an input, and whether the error is about it."""
    known = city.catalog.datasets.get(name)
    named = name in failure.missing or (failure.error is not None and name in failure.error.what.de)
    return {
        "id": name,
        "title": known.title.as_dict() if known else same(name).as_dict(),
        "owner": known.owner if known else None,
        "steward": known.steward if known else None,
        "named": named,
    }


def _last_good(state: State, failure: Failure) -> str | None:
    """Give the id of the newest public edition."""
    for name in reversed(editions.names(state, failure.report, failure.cell)):
        try:
            found = editions.read(editions.place(state, failure.report, failure.cell) / name)
        except StateError:
            continue
        if found.public:
            return found.edition.id
    return None
