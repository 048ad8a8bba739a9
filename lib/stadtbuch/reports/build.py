"""
Bring reports up to date: run only what changed, judge it, keep an edition of what is new, publish what may
be.

One report never stops another, and one cell never stops another: each has its own outcome, and a cell that
fails or is refused leaves its last edition where it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from stadtbuch import journal, spared
from stadtbuch.book import checkpoint, standing
from stadtbuch.errors import ReportError, StadtbuchError, StateError
from stadtbuch.model.report import Edition, Report
from stadtbuch.model.verdict import Decision
from stadtbuch.reports import (
    approvals,
    crate,
    decisions,
    definitions,
    differencing,
    editions,
    failures,
    gate,
    last_good,
    packages,
    recovery,
    registers,
    release,
    remembered,
    removal,
    render,
)
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.editions import Archived
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute, key, parameters, plan
from stadtbuch.runs.manifest import Analysis
from stadtbuch.runs.reasons import Reason
from stadtbuch.session import asking
from stadtbuch.session.city import City
from stadtbuch.texts import Text

EXIT_ORDER = (1, 4, 3)
Tell = Callable[[Any], None]


@dataclass
class Work:
    """
    One cell of a report on its way through the build; filled in step by step.

    `error` ends the way; `decision` is the gate's over both steps.
    """

    report: Report
    cell: Cell
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    requests: dict[str, plan.Request] = field(default_factory=dict)
    results: dict[str, execute.Result] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    decision: Decision | None = None
    edition: Edition | None = None
    publication: str = "none"
    notices: list[Text] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    error: StadtbuchError | None = None

    @property
    def id(self) -> str:
        """Give report and cell as one name."""
        return f"{self.report.name}/{self.cell.slug}" if self.cell.slug else self.report.name

    @property
    def open(self) -> bool:
        """Whether there is anything left to do."""
        return self.error is None and (self.decision is None or self.decision.allowed)

    @property
    def status(self) -> str:
        """Say what became of the runs: ``ran``, ``unchanged``, ``refused`` or ``failed``."""
        if self.error is not None:
            return "refused" if self.error.exit_code in (3, 4) else "failed"
        if self.decision is not None and not self.decision.allowed:
            return "refused"
        return "ran" if any(one.status == "ran" for one in self.results.values()) else "unchanged"

    @property
    def exit_code(self) -> int:
        """Give the exit code this cell alone would end the command with."""
        if self.error is not None:
            return self.error.exit_code if self.error.exit_code in EXIT_ORDER else 1
        return 3 if self.decision is not None and not self.decision.allowed else 0


def build(
    city: City,
    names: Sequence[str] = (),
    *,
    jobs: int = 1,
    progress: Tell | None = None,
    dry_run: bool = False,
    crew: execute.Crew | None = None,
    days: Mapping[str, date] | None = None,
) -> dict[str, Any]:
    """
    Build the named reports, or all.

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
    dry_run
        Plan and say what would run; write nothing public.
    crew
        Who does the runs; without it, this machine.
    days
        Report -> the nominal day for which it is built; else the last one of its schedule.

    Returns
    -------
    dict
        ``runs`` and ``counts`` as CONTRACTS says for ``build``, texts as `Text`; ``exit_code`` and the ``keys`` of
        all runs that were used beside them.

    Raises
    ------
    Busy
        If another command is building.
    UsageError, ReportError
        If a report does not exist or a definition is wrong.
    """
    with city.state.lock("build", command="stadtbuch build"):
        standing.require_current(city.book, city.settings.folder("public"))
        if not dry_run and journal.interrupted(city.state.folder("journal")):
            recovery.mend(city)
        if dry_run:
            return _summary(_foreseen(city, names, days), executed=0, dry=True)
        if crew is None:
            execute.get_ready(city)
        finished: list[Work] = []

        def finish(work: Work) -> None:
            finished.append(work)
            _note_refusal(city, work)
            _attempt(work, _publish, city)
            _note_failure(city, work)

        works = judged(city, names, jobs=jobs, progress=progress, crew=crew, days=days, done=finish)
        for work in works:
            if not any(work is one for one in finished):  # it did not get as far as its last step
                finish(work)
        for report in {work.report.name: work.report for work in works}.values():
            decisions.point(city, report)
            _remember(city, own := [work for work in works if work.report.name == report.name])
            if any(work.analyses for work in own):  # the report's cells could be found
                failures.forget(city.state, report.name, cells={work.cell.slug for work in own})
        execute.forget_interruptions(city.state)
        summary = _summary(works, executed=_executed(works))
        spared.note(city.state.folder("log"), spared.number(summary["runs"]), at=city.now.timestamp())
        return summary


def judged(
    city: City,
    names: Sequence[str],
    *,
    jobs: int = 1,
    progress: Tell | None = None,
    crew: execute.Crew | None = None,
    days: Mapping[str, date] | None = None,
    done: Callable[[Work], None] = lambda work: None,
) -> list[Work]:
    """
    Plan, run and judge all cells of the named reports.

    Parameters
    ----------
    done
        Gets each cell whose last step was judged, in their order, while others still run. Cells that do not get so
        far are not given. Nothing is published but by this.
    """
    works = _all_cells(city, names, days)
    _plan_step(city, works, "prepare")
    _run_step(city, works, "prepare", jobs=jobs, progress=progress, crew=crew)
    _refuse_together(city, works)
    _plan_step(city, works, "report")
    _run_step(city, works, "report", jobs=jobs, progress=progress, crew=crew, done=done)
    return works


def _foreseen(city: City, names: Sequence[str], days: Mapping[str, date] | None) -> list[Work]:
    """Plan the public step as far as that is possible before the preparing step has run."""
    works = _all_cells(city, names, days)
    _plan_step(city, works, "prepare", ask=asking.foreseen)
    for work in works:
        before = work.requests.get("prepare")
        _explain(work, city, "prepare")
        if before is not None and execute.finished(before) is None:
            work.reasons.append(Reason("prepare"))
            continue
        if before is not None:
            work.evidence["prepare"] = Evidence.read(before.folder)
        _attempt(work, _plan, city, "report", asking.foreseen)
        _explain(work, city, "report")
    return works


def _all_cells(city: City, names: Sequence[str], days: Mapping[str, date] | None) -> list[Work]:
    reports = definitions.named(city.settings, names)
    registers.refresh(city)
    return [
        work
        for report in reports
        for work in _cells(city, report, (days or {}).get(report.name) or definitions.day_of(report, city))
    ]


def _cells(city: City, report: Report, day: date) -> list[Work]:
    """Read a report's notebooks and find its cells; one that cannot be read is one failed piece of work."""
    whole = Work(report=report, cell=Cell("", {}))
    try:
        analyses = decisions.notebooks(city, report)
        values = last_good.choices(city, report)
        found = definitions.cells(
            report, values=lambda dataset, column: values(f"catalogue:{dataset}.{column}"), day=day
        )
        _require_known(report, analyses)
    except StadtbuchError as error:
        _fail(whole, error)
        return [whole]
    return [Work(report=report, cell=cell, analyses=analyses) for cell in found]


def _require_known(report: Report, analyses: Mapping[str, Analysis]) -> None:
    """Refuse parameters that no notebook of the report declares."""
    declared = {name for analysis in analyses.values() for name in analysis.manifest.parameters}
    stray = [name for name in (*report.cells, *report.fixed) if name not in declared]
    if stray:
        listed = ", ".join(stray)
        raise ReportError(
            "report.parameter",
            Text(
                de=f"{report.name}: Kein Notebook kennt den Parameter {listed}.",
                en=f"{report.name}: no notebook knows the parameter {listed}.",
            ),
            remedy=Text(
                de="Erklären Sie ihn unter parameters: im Manifest oder streichen Sie ihn im Bericht.",
                en="Declare it under parameters: in the manifest, or remove it from the report.",
            ),
        )


def _plan_step(city: City, works: Sequence[Work], step: str, *, ask: asking.Ask = asking.answer) -> None:
    """Plan one step of all cells that have it."""
    for work in works:
        if step in work.analyses:
            _attempt(work, _plan, city, step, ask)


def _plan(work: Work, city: City, step: str, ask: asking.Ask) -> None:
    """Plan one run; the report step gets the tables that the preparing step cleared."""
    analysis = work.analyses[step]
    given = {
        name: value for name, value in work.cell.parameters.items() if name in analysis.manifest.parameters
    }
    report = work.report
    bound = parameters.bind(analysis.manifest, given, choices=last_good.choices(city, report))
    extra = {f"{report.name}.{name}": record for name, record in cleared(work).items()}
    kept = last_good.keeper(city, report, cell=work.cell.slug, step=step)
    made = plan.plan(city, analysis, bound, role=report.roles.author, extra_inputs=extra, kept=kept, ask=ask)
    work.requests[step] = made
    work.notices += [last_good.notice(city, name, edition) for name, edition in made.kept_from.items()]


def cleared(work: Work) -> Mapping[str, Mapping[str, Any]]:
    """Give the protected tables that passed the gate, each with the licence under which the report releases it."""
    return work.evidence["prepare"].released(work.report.license) if "prepare" in work.evidence else {}


def _run_step(
    city: City,
    works: Sequence[Work],
    step: str,
    *,
    jobs: int,
    progress: Tell | None,
    crew: execute.Crew | None,
    done: Callable[[Work], None] = lambda work: None,
) -> None:
    """Execute one step of all cells, each run once, and judge what came out while others still run."""
    waiting = [work for work in works if work.open and step in work.requests]
    for work in waiting:
        _explain(work, city, step)
    said: dict[tuple[str, str], tuple[Evidence | None, Decision]] = {}

    def judge(work: Work, result: execute.Result) -> None:
        work.results[step] = replace(result, request=work.requests[step])
        if not result.ok:
            _fail(work, result.failure())
            return
        judged_as = (result.key, key.texts(work.analyses[step].notebook))
        if judged_as not in said:
            said[judged_as] = _judge(city, work, step, result)
        _take(work, step, *said[judged_as])

    def judge_all(result: execute.Result) -> None:
        for work in waiting:
            if work.requests[step].key == result.key:
                judge(work, result)
                done(work)

    execute.execute(
        [work.requests[step] for work in waiting],
        jobs=jobs,
        progress=progress,
        city=city,
        crew=crew,
        on_result=judge_all,
        meanwhile=lambda: gate.get_ready(city),
    )


def _judge(city: City, work: Work, step: str, result: execute.Result) -> tuple[Evidence | None, Decision]:
    """Judge what came out, with the notebook's words of today."""
    told = work.analyses[step]
    return gate.judge(
        city, result.folder, manifest=told.manifest, step=step, source=told.notebook, report=work.report
    )


def _explain(work: Work, city: City, step: str) -> None:
    """Note why a step runs, as long as the latest run before it is known."""
    request = work.requests.get(step)
    if request is not None:
        work.reasons += remembered.why(
            city.state, request, report=work.report.name, cell=work.cell.slug, step=step
        )


def _remember(city: City, works: Sequence[Work]) -> None:
    """Keep what the cells of one report depended on, for the reasons of the next build."""
    found = {work.cell.slug: {step: work.requests[step].key_parts for step in work.results} for work in works}
    remembered.keep(city.state, works[0].report.name, found)


def _refuse_together(city: City, works: Sequence[Work]) -> None:
    """Repair or refuse tables that tell too much beside what was released, or beside those before them here."""
    beside = differencing.Beside()
    said: dict[str, tuple[Evidence, Decision]] = {}
    for work in works:
        if work.open and "prepare" in work.evidence:
            run, report = work.requests["prepare"].key, work.report
            if run not in said:
                said[run] = gate.judge_together(
                    city, work.evidence["prepare"], beside, report=report.name, passed=report.title
                )
            evidence, decision = said[run]
            if decision.findings:
                _take(work, "prepare", evidence, decision)


def _take(work: Work, step: str, evidence: Evidence | None, decision: Decision) -> None:
    """Keep the evidence and join the decisions of both steps."""
    if evidence is not None:
        work.evidence[step] = evidence
    if work.decision is None:
        work.decision = decision
        return
    joined = (*work.decision.findings, *decision.findings)
    reasons = tuple(dict.fromkeys((*work.decision.reasons, *decision.reasons)))
    outcome = decision.outcome if work.decision.allowed else work.decision.outcome
    work.decision = Decision(outcome=outcome, reasons=reasons, findings=joined)


def _attempt(work: Work, action: Callable[..., None], *arguments: Any) -> None:
    """Do one step for one cell; what goes wrong stays with this cell."""
    if not work.open:
        return
    try:
        action(work, *arguments)
    except StadtbuchError as error:
        _fail(work, error)


def _fail(work: Work, error: StadtbuchError) -> None:
    work.error = error
    work.publication = "refused" if error.exit_code == 3 else "none"


def _publish(work: Work, city: City) -> None:
    """Make an edition if there is something new, and put it where it belongs."""
    made, files = _edition(work, city)
    before = editions.latest(city.state, work.report.name, work.cell.slug)
    if before is not None and not before.content_removed and editions.same(before.edition, made):
        work.edition = before.edition
        work.publication = "unchanged" if before.public else "withheld"
        _drop_waiting(city, work)
        return
    removal.require_clean(city, made)
    gone = editions.withheld_like(city.state, made)
    if gone is not None:
        work.edition, work.publication = gone.edition, "withheld"
        _drop_waiting(city, work)
        return
    _require_later(city, before)
    made, files = packages.add(made, files, _parts(work, city), store=city.store)
    approval = approval_of(work, city, made.code)
    if needs_approval(work) and approval is None:
        _wait(work, city, made, files)
        return
    made, files = _sealed(city, made, files)
    work.edition, files = crate.seal(made.model_copy(update={"approval": approval}), files)
    decisions.release(city, work.edition, files)
    render.get_ready(editions.place(city.state, work.report.name, work.cell.slug) / work.edition.edition)
    work.publication = "published"
    _drop_waiting(city, work)


def _parts(work: Work, city: City) -> packages.Parts:
    """Gather what a package is made from."""
    return packages.Parts(
        report=work.report,
        cell=work.cell,
        publisher=city.settings.city.publisher,
        request=work.requests["report"],
        facts=work.evidence["report"].facts,
        root=city.settings.root,
    )


def _require_later(city: City, before: Archived | None) -> None:
    """Refuse an edition that would sort behind an older one, where nobody sees it."""
    if before is None or city.today >= (day := editions.order(before.edition.edition)[0]):
        return
    raise StateError(
        "state.clock",
        Text(
            de=f"Die Uhr steht vor der neuesten Ausgabe vom {day.isoformat()}.",
            en=f"The clock is before the newest edition of {day.isoformat()}.",
        ),
        why=Text(
            de="Eine neue Ausgabe läge hinter der alten, und niemand sähe sie.",
            en="A new edition would lie behind the old one, and nobody would see it.",
        ),
        remedy=Text(
            de="Prüfen Sie die Uhr des Rechners oder --now und bauen Sie noch einmal.",
            en="Check the computer's clock or --now, and build once more.",
        ),
    )


def needs_approval(work: Work) -> bool:
    """
    Tell whether somebody must have approved this report before it is published.

    ``release: automatic`` holds without an approval only if everything that any step reads is open
    (CONTRACTS: release), and none of it was paid for from a budget.
    """
    inputs = [one for request in work.requests.values() for one in request.info["inputs"].values()]
    return work.report.release == "approval" or any(
        one["class"] != "open" or "epsilon" in one for one in inputs
    )


def approval_of(work: Work, city: City, code: str) -> Any:
    """Give the approval that holds, where the report needs one."""
    if not needs_approval(work):
        return None
    return approvals.find(
        work.report, code=code, rules=city.settings.rules.version, book=city.book, settings=city.settings
    )


def _edition(work: Work, city: City) -> tuple[Edition, dict[str, bytes]]:
    """Gather the files of a cell and describe them as an edition of today."""
    publisher = city.settings.city.publisher
    inputs = [
        one | ({"kept_from": kept} if (kept := work.requests[step].kept_from.get(one["id"])) else {})
        for step, evidence in work.evidence.items()
        for one in release.described(evidence, step=step)
    ]
    prepare = work.analyses.get("prepare")
    files = release.files(
        release.Material(
            report=work.report,
            cell=work.cell,
            evidence=work.evidence["report"],
            source=prepare.notebook if prepare else None,
            cleared=cleared(work),
            inputs=inputs,
            publisher=publisher,
        )
    )
    name = editions.next_name(city.today, editions.names(city.state, work.report.name, work.cell.slug))
    return _described(work, city, name=name, inputs=inputs, files=files), files


def _described(
    work: Work, city: City, *, name: str, inputs: Sequence[dict[str, Any]], files: Mapping[str, bytes]
) -> Edition:
    library = work.evidence["report"].facts["key_parts"]["library"]
    assert work.decision is not None  # only cells that were judged come here
    return Edition(
        id=editions.identify(work.report.name, work.cell.slug, name),
        report=work.report.name,
        cell=work.cell.slug,
        edition=name,
        title=work.report.title,
        parameters=json.loads(json.dumps(dict(work.cell.parameters), default=str)),
        made_at=city.now,
        run_keys={step: request.key for step, request in work.requests.items()},
        code=approvals.code_of(work.report, {step: one.notebook for step, one in work.analyses.items()}),
        rules=city.settings.rules.version,
        library=f"{library['version']} ({library['sha256'][:12]})",
        inputs=tuple(inputs),
        files=editions.describe(files),
        results=tuple(dict(one) for one in work.evidence["report"].results),
        decision=work.decision,
        book_head=city.book.head(),
    )


def _wait(work: Work, city: City, made: Edition, files: Mapping[str, bytes]) -> None:
    """Lay an edition aside until somebody decides."""
    work.edition, work.publication = made, "awaiting-approval"
    there = editions.waiting(city.state, work.report.name, work.cell.slug)
    if there is not None and editions.same(there.edition, made) and _judged_alike(there.edition, made):
        work.edition = there.edition
        return
    work.edition, files = _sealed(city, made, files)
    decisions.set_aside(city, work.edition, files)


def _sealed(city: City, made: Edition, files: Mapping[str, bytes]) -> tuple[Edition, dict[str, bytes]]:
    """Add a signed checkpoint of the book to a new edition: with it, everybody holds the book to its word."""
    signed = city.seal.sign(actor=city.actor, now=city.now)
    whole = {**files, editions.CHECKPOINT: signed}
    told = checkpoint.read(signed).checkpoint
    head = {"entries": told.size, "head": told.head}
    return made.model_copy(update={"files": editions.describe(whole), "book_head": head}), whole


def _judged_alike(one: Edition, other: Edition) -> bool:
    """Tell whether the same code made two editions and the same rules judged them."""
    return (one.code, one.rules) == (other.code, other.rules)


def _drop_waiting(city: City, work: Work) -> None:
    """Take away what waited and is no longer needed."""
    folder = editions.waiting_place(city.state, work.report.name, work.cell.slug)
    if folder.exists():
        editions.remove(folder)


def _note_refusal(city: City, work: Work) -> None:
    """Write into the book that the gate refused: the rules, no texts, and not the same again every night."""
    if work.decision is None or work.decision.allowed:
        return
    work.publication = "refused"
    rules = sorted({finding.rule for finding in work.decision.findings})
    keys = {step: request.key for step, request in work.requests.items()}
    details = {"rules": rules, "runs": keys}
    earlier = list(city.book.entries(kind="refused", subject=work.id))[-1:]
    if not earlier or earlier[0].details != details:
        city.book.append("refused", subject=work.id, actor=city.actor, now=city.now, details=details)


def _note_failure(city: City, work: Work) -> None:
    """Say on an internal page why a cell was not renewed; the page goes when it works again."""
    failure = failures.Failure(
        report=work.report.name,
        cell=work.cell.slug,
        error=work.error,
        decision=work.decision,
        results=list(work.results.values()),
        inputs=sorted({name for one in work.analyses.values() for name in one.manifest.inputs}),
        reasons=work.reasons,
        missing=tuple(dict.fromkeys(name for one in work.requests.values() for name in one.kept_from)),
    )
    with suppress(StateError):  # a full disk is told by the command itself; the other cells go on
        if work.exit_code == 0 and not failure.missing:
            failures.clear(city.state, failure.report, failure.cell)
        else:
            failures.note(city, failure)


def _executed(works: Sequence[Work]) -> int:
    """Count the notebooks that were executed, each run once."""
    return len({one.key for work in works for one in work.results.values() if one.status != "unchanged"})


def _summary(works: Sequence[Work], *, executed: int, dry: bool = False) -> dict[str, Any]:
    codes = [work.exit_code for work in works]
    runs = [_line(work, dry=dry) for work in works]
    counts = {
        "executed": executed,
        "runs": len(runs),
        **_tally(runs, "status", ("ran", "unchanged", "refused", "failed")),
        **_tally(runs, "publication", ("published", "awaiting-approval", "withheld")),
    }
    return {
        "runs": runs,
        "counts": counts,
        "keys": sorted({one.key for work in works for one in work.results.values()}),
        "exit_code": next((one for one in EXIT_ORDER if one in codes), 0),
    }


def _tally(runs: Sequence[Mapping[str, Any]], name: str, values: Sequence[str]) -> dict[str, int]:
    return {value: sum(one[name] == value for one in runs) for value in values}


def _line(work: Work, *, dry: bool) -> dict[str, Any]:
    """Describe what became of one cell, in the shape of CONTRACTS; texts stay in both languages."""
    findings = [] if work.decision is None else list(work.decision.findings)
    last = list(work.requests.values())[-1:]
    return {
        "report": work.report.name,
        "cell": work.cell.slug,
        "parameters": json.loads(json.dumps(dict(work.cell.parameters), default=str)),
        "key": last[0].key if last else None,
        "status": _planned(work) if dry else work.status,
        "publication": work.publication,
        "reason": list(work.reasons),
        "notices": list(work.notices),
        "seconds": round(sum(one.seconds for one in work.results.values() if one.status != "unchanged"), 1),
        "edition": work.edition.id if work.edition else None,
        "findings": findings,
        "error": work.error,
    }


def _planned(work: Work) -> str:
    """Say what a build would do with the first step of a cell: run it, or find it unchanged."""
    if work.error is not None:
        return work.status
    return "ran" if any(execute.finished(one) is None for one in work.requests.values()) else "unchanged"


def spoken(summary: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Write the summary of a build as JSON in one language; the exit code is left to the command."""
    runs = []
    for one in summary["runs"]:
        line = {name: value for name, value in one.items() if name != "error"}
        line["notices"] = [notice.pick(language) for notice in one["notices"]]
        line["findings"] = [finding.as_dict(language) for finding in one["findings"]]
        line["reason"] = [reason.as_dict(language) for reason in one["reason"]]
        if one["error"] is not None:
            line["error"] = one["error"].as_dict(language)
        runs.append(line)
    return {"runs": runs, "counts": summary["counts"]}
