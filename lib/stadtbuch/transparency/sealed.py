"""
The preparing step once more, where the city still has what it read: only the city can do that.

It runs from the sealed snapshot, behind the same wall as a build, and hands out protected tables. They are compared
with those that were published. Nothing else leaves: a difference names the table and no value.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from stadtbuch.errors import StateError
from stadtbuch.model.report import Edition
from stadtbuch.reports import differencing
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute, key
from stadtbuch.runs.plan import Request
from stadtbuch.session.city import City
from stadtbuch.texts import Text
from stadtbuch.transparency import rerun
from stadtbuch.transparency.rerun import Stopped
from stadtbuch.transparency.verdict import Difference


def again(city: City, folder: Path, edition: Edition) -> Iterator[Difference]:
    """
    Run the preparing step again and compare its tables with the published ones.

    Raises
    ------
    Stopped
        If it cannot be run: the snapshot is not kept any more, or the notebook fails.
    """
    work = city.state.folder("spool") / "verify" / edition.run_keys["prepare"]
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, parents=True)
    try:
        (done,) = execute.execute([_request(city, edition, work)])
        if not done.ok:
            raise Stopped(done.failure().what)
        tables = Evidence.read(done.folder).tables
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, record in rerun.cleared(folder, edition).items():
        published = {part: value for part, value in record.items() if part != "license"}
        fresh = {**tables.get(name, {})}
        same = key.canonical(published) == key.canonical(fresh)
        if not same and not (fresh and differencing.withholds_more(published, fresh)):
            yield Difference("output", f"data/{name}", OTHER_TABLE)


OTHER_TABLE = Text(
    de="Aus dem versiegelten Abzug entsteht eine andere geschützte Tabelle.",
    en="The sealed snapshot gives another protected table.",
)


def _request(city: City, edition: Edition, work: Path) -> Request:
    """Plan the run from what the first one left in the state: its facts and code, and the snapshots in the store."""
    before = city.state.folder("runs") / edition.run_keys["prepare"]
    try:
        run = json.loads((before / "run.json").read_bytes())
        modules = before / "modules"
        return Request(
            key=run["key"],
            key_parts=run["key_parts"],
            folder=work / "run",
            info={name: value for name, value in run.items() if name not in ("wall", "limits")},
            restricted=bool(run["restricted"]),
            notebook=(before / "source.ipynb").read_text(encoding="utf-8"),
            inputs={one["file"]: city.store.get(one["sha256"]) for one in run["inputs"].values()},
            modules={
                path.relative_to(modules).as_posix(): path.read_bytes()
                for path in sorted(modules.rglob("*"))
                if path.is_file()
            },
        )
    except (OSError, ValueError, KeyError, StateError):
        raise Stopped(NOT_KEPT) from None


NOT_KEPT = Text(
    de="Der versiegelte Abzug der Aufbereitung ist nicht mehr da; verglichen wurde der öffentliche Teil.",
    en="The sealed snapshot of the preparation is not kept any more; the public step was compared.",
)
