"""
Bring dashboards up to date: one hermetic run writes every choice, the gate judges it like a report, the shelf keeps
it.

A dashboard whose report has no public edition is not built: there are no drafts. What goes wrong stays with the
dashboard; its last sound version stays on the shelf, with the day it was computed, for as long as its inputs are
released, and an internal page (`reports.failures`) says why there is no newer one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from stadtbuch.dashboards import controls, definitions, shelf
from stadtbuch.dashboards.definitions import Dashboard
from stadtbuch.dashboards.shelf import Kept
from stadtbuch.errors import StadtbuchError, StateError
from stadtbuch.model.report import Report
from stadtbuch.model.verdict import Decision
from stadtbuch.reports import body, editions, failures, gate, outputs
from stadtbuch.reports import definitions as reports
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute, key, plan, reasons
from stadtbuch.runs.plan import Request
from stadtbuch.session.city import City

STEP = "dashboard"
Tell = Callable[[Any], None]


@dataclass
class Work:
    """One dashboard on its way; `publication` is ``published``, ``unchanged``, ``refused`` or ``none``."""

    report: Report
    dashboard: Dashboard | None = None
    request: Request | None = None
    decision: Decision | None = None
    error: StadtbuchError | None = None
    publication: str = "none"
    result: execute.Result | None = None

    @property
    def ran(self) -> bool:
        """Whether its notebook was executed."""
        return self.result is not None and self.result.status == "ran"

    @property
    def exit_code(self) -> int:
        """Give the exit code this dashboard alone would end a command with."""
        if self.error is not None:
            return self.error.exit_code
        return 3 if self.decision is not None and not self.decision.allowed else 0


def build(
    city: City,
    names: Sequence[str] = (),
    *,
    jobs: int = 1,
    progress: Tell | None = None,
    crew: execute.Crew | None = None,
) -> dict[str, Any]:
    """
    Bring the dashboards of the named reports, or all, up to date.

    Parameters
    ----------
    city
        The session; its actor stands in the book.
    names
        Names of reports.
    jobs
        How many notebooks run at once.
    progress
        Gets the events of `runs.execute`.
    crew
        Who does the runs; without it, this machine.

    Returns
    -------
    dict
        ``dashboards``: for each its name, ``publication`` (``published``, ``unchanged``, ``refused``, ``none``),
        ``pages``, ``findings`` and ``error``; ``executed``; ``exit_code``.
    """
    with city.state.lock("build", command="stadtbuch build"):
        works = [Work(report) for report in _offering(city, names)]
        for work in works:
            _attempt(work, _plan, city)
        _run(city, works, jobs=jobs, progress=progress, crew=crew)
        for work in works:
            _attempt(work, _keep, city)
            _note_failure(city, work)
        if not names:
            _clear(city, {work.report.name for work in works})
    return _summary(works)


def request(city: City, dashboard: Dashboard) -> Request:
    """Plan the run that writes every choice; its key covers the choices as well."""
    planned = plan.plan(city, dashboard.analysis, dashboard.parameters)  # open data: whoever asks
    told = {
        "name": dashboard.name,
        "controls": [one.to_record() for one in dashboard.controls],
        "live": False,
    }
    parts = {**planned.key_parts, "dashboard": key.digest(told)}
    run_key = key.of(parts)
    info = {**planned.info, "key": run_key, "key_parts": parts, "dashboard": told}
    return replace(planned, key=run_key, key_parts=parts, folder=planned.folder.parent / run_key, info=info)


def _offering(city: City, names: Sequence[str]) -> list[Report]:
    """Give the reports that declare a dashboard and have a public edition."""
    found = reports.readable(city.settings).values()
    public = {one.edition.report for one in editions.history(city.state) if one.public}
    return [
        one
        for one in found
        if one.dashboard is not None and one.name in public and (not names or one.name in names)
    ]


def _plan(work: Work, city: City) -> None:
    work.dashboard = definitions.read(city, work.report)
    work.request = request(city, work.dashboard)


def _run(
    city: City, works: Sequence[Work], *, jobs: int, progress: Tell | None, crew: execute.Crew | None
) -> None:
    """Execute what changed; a run that is on the shelf already is not looked at again."""
    waiting = [work for work in works if work.request is not None and not _is_kept(city, work)]
    found = [work.request for work in waiting if work.request is not None]
    results = execute.execute(found, jobs=jobs, progress=progress, city=city, crew=crew)
    for work, result in zip(waiting, results, strict=True):
        work.result = result
        if not result.ok:
            work.error = result.failure()


def _is_kept(city: City, work: Work) -> bool:
    """Tell whether exactly this run is on the shelf, judged by the rules that hold."""
    kept = shelf.read(city.state.folder("dashboards") / work.report.name)
    same = (
        kept is not None
        and work.request is not None
        and kept.told["key"] == work.request.key
        and kept.told.get("texts") == _texts(work)
        and kept.told["title"] == work.report.title.as_dict()
        and kept.told["summary"] == work.report.summary.as_dict()
    )
    work.publication = "unchanged" if same else work.publication
    return same


def _keep(work: Work, city: City) -> None:
    """Judge what came out, and put it on the shelf if it may be shown."""
    if work.publication == "unchanged" or work.request is None or work.dashboard is None:
        return
    analysis = work.dashboard.analysis
    evidence, work.decision = gate.judge(
        city,
        work.request.folder,
        manifest=analysis.manifest,
        step=STEP,
        source=analysis.notebook,
        report=work.report,
    )
    if evidence is None or not work.decision.allowed:
        work.publication = "refused"
        _enter(city, work, "dashboard-refused")
        return
    shelf.stage(city.state, _described(city, work, evidence), _files(work.request, evidence))
    _enter(city, work, "dashboard-released")  # from here on an interruption is finished, before it taken back
    shelf.show(city.state, work.report.name)
    work.publication = "published"


def _described(city: City, work: Work, evidence: Evidence) -> dict[str, Any]:
    assert work.request is not None
    assert work.decision is not None
    return {
        "schema_version": 1,
        "name": work.report.name,
        "title": work.report.title.as_dict(),
        "summary": work.report.summary.as_dict(),
        "key": work.request.key,
        "texts": _texts(work),
        "made_at": city.now.isoformat(),
        "rules": city.settings.rules.version,
        "controls": work.request.info["dashboard"]["controls"],
        "inputs": work.request.info["inputs"],
        "marks": _marks(evidence),
        "decision": work.decision.model_dump(mode="json"),
    }


def _texts(work: Work) -> str:
    """Give the fingerprint of the notebook's words, which a run does not depend on."""
    assert work.dashboard is not None
    return key.texts(work.dashboard.analysis.notebook)


def _marks(evidence: Evidence) -> dict[str, list[list[str]]]:
    """Sort what the run showed by the choice that it belongs to."""
    found: dict[str, list[list[str]]] = {}
    for kind, name in body.shown(evidence.notebook):
        found.setdefault(name.partition("--")[0], []).append([kind, name])
    return found


def _files(planned: Request, evidence: Evidence) -> dict[str, bytes]:
    """Gather what the shelf keeps: the outputs, and what a live kernel reads."""
    info = {**planned.info, "dashboard": {**planned.info["dashboard"], "live": True}}
    live = {**planned.inputs, **{f"modules/{path}": data for path, data in planned.modules.items()}}
    return {
        **{f"outputs/{path}": data for path, data in evidence.files.items()},
        **{f"live/{path}": data for path, data in live.items()},
        shelf.NOTEBOOK: planned.notebook.encode(),
        shelf.RUN: outputs.encode(info),
    }


def _enter(city: City, work: Work, kind: str) -> None:
    """Write into the book what became of a dashboard; rules and keys, no texts, and not the same every night."""
    assert work.request is not None
    assert work.decision is not None
    rules = sorted({finding.rule for finding in work.decision.findings})
    details = {"key": work.request.key, "rules": rules if kind == "dashboard-refused" else []}
    subject = f"dashboards/{work.report.name}"
    earlier = list(city.book.entries(kind=kind, subject=subject))[-1:]
    if not earlier or earlier[0].details != details:
        city.book.append(kind, subject=subject, actor=city.actor, now=city.now, details=details)


def _note_failure(city: City, work: Work) -> None:
    """Say on an internal page why a dashboard was not renewed; the page goes when it works again."""
    with suppress(StateError):  # a full disk is told by the command itself; the other dashboards go on
        if work.exit_code == 0:
            failures.clear(city.state, work.report.name, failures.DASHBOARD)
            return
        kept = shelf.read(city.state.folder("dashboards") / work.report.name)
        inputs = work.dashboard.analysis.manifest.inputs if work.dashboard else ()
        failure = failures.Failure(
            report=work.report.name,
            cell=failures.DASHBOARD,
            error=work.error,
            decision=work.decision,
            results=[work.result] if work.result is not None else [],
            inputs=sorted(inputs),
            reasons=_reasons(kept, work.request),
            online=f"dashboards/{kept.name}, {kept.told['made_at'][:10]}" if kept else "",
        )
        failures.note(city, failure)


def _reasons(kept: Kept | None, planned: Request | None) -> list[reasons.Reason]:
    """Say in what a run differs from the one that is on the shelf."""
    if kept is None or planned is None:
        return []
    before = json.loads(kept.bytes(shelf.RUN))["key_parts"]
    return reasons.between(before, planned.key_parts, step=STEP)


def _attempt(work: Work, action: Callable[..., None], *arguments: Any) -> None:
    """Do one step for one dashboard; what goes wrong stays with it."""
    if work.error is not None:
        return
    try:
        action(work, *arguments)
    except StadtbuchError as error:
        work.error = error


def _clear(city: City, wanted: set[str]) -> None:
    """Take down what no report offers any more, and what was said of its failures."""
    for kept in shelf.everything(city.state):
        if kept.name not in wanted:
            shelf.take_down(city.state, kept.name)
    for one in list(failures.everything(city.state)):
        if one["cell"] == failures.DASHBOARD and one["report"] not in wanted:
            failures.clear(city.state, one["report"], failures.DASHBOARD)


def _summary(works: Sequence[Work]) -> dict[str, Any]:
    codes = [work.exit_code for work in works]
    return {
        "dashboards": [_line(work) for work in works],
        "executed": sum(work.ran for work in works),
        "exit_code": next((one for one in (1, 4, 3) if one in codes), 0),
    }


def _line(work: Work) -> dict[str, Any]:
    pages = len(list(controls.grid(work.dashboard.controls))) if work.dashboard else 0
    return {
        "dashboard": work.report.name,
        "publication": work.publication,
        "pages": pages,
        "findings": [] if work.decision is None else list(work.decision.findings),
        "error": work.error,
    }


def spoken(summary: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """Write what became of the dashboards as JSON in one language."""
    lines = []
    for one in summary["dashboards"]:
        line = {**one, "findings": [finding.as_dict(language) for finding in one["findings"]]}
        line["error"] = None if one["error"] is None else one["error"].as_dict(language)
        lines.append(json.loads(json.dumps(line, default=str)))
    return lines
