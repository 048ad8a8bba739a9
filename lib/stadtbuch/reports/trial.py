"""What the gate would say, without publishing anything: of a single notebook, or of all cells of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch.errors import StadtbuchError
from stadtbuch.model.report import Report
from stadtbuch.model.verdict import Decision, Outcome, Severity
from stadtbuch.reports import build, definitions, differencing, gate, registers
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute, manifest, parameters, plan
from stadtbuch.runs.manifest import Analysis
from stadtbuch.session.city import City

Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """
    One notebook that was run and judged, and nothing more.

    `report` names it, if one does; `step` is what it was judged as; `evidence` is missing where a run could not
    be judged.
    """

    analysis: Analysis
    report: Report | None
    step: str
    evidence: Evidence | None
    decision: Decision


def of_notebook(city: City, path: Path, given: Sequence[str], *, progress: Tell | None = None) -> Decision:
    """
    Run one notebook hermetically (or take its last run) and say what the gate would say.

    Parameters and errors are those of `tried`.
    """
    return tried(city, path, given, progress=progress).decision


def tried(city: City, path: Path, given: Sequence[str], *, progress: Tell | None = None) -> Trial:
    """
    Run one notebook hermetically (or take its last run) and judge it.

    A notebook that a report names as ``prepare:``, or that gives tables, is judged as a preparing step; any
    other as a page.

    Parameters
    ----------
    given
        ``NAME=VALUE``; what is missing comes from the report that names the notebook, where there is one.

    Raises
    ------
    StadtbuchError
        If it cannot be planned or run.
    """
    analysis = manifest.read(path, root=city.settings.root)
    report = report_of(city, analysis)
    bound = parameters.bind(
        analysis.manifest,
        {**_common(city, report, analysis), **parameters.split(given)},
        choices=city.choices,
        defaults=analysis.defaults,
    )
    role = report.roles.author if report else None
    registers.refresh(city)
    request = plan.plan(city, analysis, bound, role=role)
    (result,) = execute.execute([request], progress=progress, city=city)
    if not result.ok:
        raise result.failure()
    prepares = bool(analysis.manifest.gives) or (report is not None and report.prepare == analysis.name)
    step = "prepare" if prepares else "report"
    evidence, decision = gate.judge(
        city, result.folder, manifest=analysis.manifest, step=step, source=analysis.notebook, report=report
    )
    if step == "prepare" and evidence is not None:
        name, passed = report.name if report else "", decision.reasons[0]
        evidence, together = gate.judge_together(
            city, evidence, differencing.Beside(), report=name, passed=passed
        )
        decision = joined([decision, together])
    return Trial(analysis, report, step, evidence, decision)


def report_of(city: City, analysis: Analysis) -> Report | None:
    """Give the report that names a notebook; definitions that are wrong elsewhere do not stop a check."""
    try:
        reports = definitions.load(city.settings)
    except StadtbuchError:
        return None
    return next((one for one in reports.values() if analysis.name in (one.prepare, one.report)), None)


def _common(city: City, report: Report | None, analysis: Analysis) -> dict[str, Any]:
    """Give the parameters that a report fixes for all its cells, as far as the notebook knows them."""
    if report is None:
        return {}
    fixed = definitions.fixed(report, day=definitions.day_of(report, city)) | (
        report.also[0] if report.also else {}
    )
    return {name: value for name, value in fixed.items() if name in analysis.manifest.parameters}


def of_report(city: City, name: str, *, jobs: int = 1, progress: Tell | None = None) -> Decision:
    """
    Run both steps of all cells of a report (or take their last runs) and join what the gate says.

    Raises
    ------
    StadtbuchError
        The first error of a cell that could not be planned or run.
    """
    with city.state.lock("build", command="stadtbuch check"):
        works = build.judged(city, [name], jobs=jobs, progress=progress)
    for work in works:
        if work.error is not None:
            raise work.error
    return joined([work.decision for work in works if work.decision is not None])


def joined(decisions: Sequence[Decision]) -> Decision:
    """Join decisions: one refusal refuses the whole; a finding that several cells share is told once."""
    findings = tuple(
        {
            (one.rule, one.subject, one.text.en): one for decision in decisions for one in decision.findings
        }.values()
    )
    refused = any(not decision.allowed for decision in decisions)
    reasons = [reason for decision in decisions if decision.allowed != refused for reason in decision.reasons]
    return Decision(
        outcome=Outcome.refuse if refused else Outcome.allow,
        reasons=tuple(dict.fromkeys(reasons)),
        findings=tuple(sorted(findings, key=lambda one: one.severity is not Severity.refuse)),
    )
