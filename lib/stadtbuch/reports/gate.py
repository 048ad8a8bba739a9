"""
The gate decides whether what a run made may leave its folder.

It refuses by default. Everything in the notebook is either plain text that was scanned, or exactly what one
of our own helpers recorded; every file is named by a record; every text of every record is scanned as well. A
check that breaks, a file that cannot be read, a record of a wrong shape: each is a refusal, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from stadtbuch.disclosure import released
from stadtbuch.disclosure.primary import Rule
from stadtbuch.model.analysis import Manifest
from stadtbuch.model.report import Report
from stadtbuch.model.verdict import Decision, Finding, Outcome, Severity, decide
from stadtbuch.reports import content, differencing, meeting, recount, regrid, reviews, screening
from stadtbuch.reports import evidence as evidences
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session.city import City, confidential
from stadtbuch.session.snapshots import min_count
from stadtbuch.texts import Text


def get_ready(city: City) -> None:
    """Make what judging any run needs before the first one ends; what is odd is told when something is judged."""
    with suppress(Exception):
        screening.get_ready(city)


def judge(
    city: City,
    folder: Path,
    *,
    manifest: Manifest,
    step: str,
    source: Any | None = None,
    report: Report | None = None,
) -> tuple[Evidence | None, Decision]:
    """
    Judge a finished run.

    Parameters
    ----------
    city
        The session: thresholds, catalogue, and the value indices of closed datasets.
    folder
        The run's folder.
    manifest
        What its notebook declares.
    step
        ``"prepare"``: only its source and its protected tables leave. ``"report"``: all of it does.
        ``"dashboard"``: all of it does, for every choice; the main points are the view's.
    source
        The notebook as it is now, see `Evidence.read`.
    report
        The report of the run, for which people may have decided something (`reviews`).

    Returns
    -------
    tuple
        What was judged (``None`` if it could not even be read), and the decision.
    """
    try:
        evidence = Evidence.read(folder, source=source)
        seen = _findings(city, evidence, manifest=manifest, step=step)
        found = reviews.settle(city, seen, report=report, inputs=evidence.facts["inputs"])
        return evidence, decide(found, passed=_passed(city, step))
    except Exception as error:  # noqa: BLE001 - fail closed: what cannot be judged is not published
        return None, _broken(type(error).__name__)


def judge_together(
    city: City, evidence: Evidence, beside: differencing.Beside, *, report: str, passed: Text
) -> tuple[Evidence, Decision]:
    """
    Judge the tables of a preparing run with everything that was released before, and with each other.

    Parameters
    ----------
    beside
        What the same build would release besides; tables that pass are added.
    report
        The report that would release them.
    passed
        What is said if nothing speaks against them.

    Returns
    -------
    tuple
        The evidence with the tables as they may be released, and the decision.
    """
    try:
        found, kept = differencing.judged(city, evidence.tables, beside, report=report)
        repaired = evidence if kept == dict(evidence.tables) else replace(evidence, tables=kept)
        return repaired, decide(found, passed=passed)
    except Exception as error:  # noqa: BLE001 - fail closed, as in `judge`
        return evidence, _broken(type(error).__name__)


def _findings(city: City, evidence: Evidence, *, manifest: Manifest, step: str) -> Iterator[Finding]:
    own = [name for name, one in evidence.facts["inputs"].items() if one["class"] != "open"]
    screen = screening.Screen.of(city, evidence)
    yield from content.uncompared(screen.uncompared)
    yield from evidences.findings(evidence)
    yield from meeting.findings(evidence, step=step)
    if step == "prepare":
        least = {name: _least(city, evidence) for name in own}
        yield from content.given(manifest.gives, evidence.tables)
        counted = {name: one for name, one in evidence.tables.items() if one.get("kind") == released.TABLE}
        yield from content.kept_counts(counted, least=least)
        yield from recount.findings(evidence, concentration=_concentration(city))
        yield from regrid.findings(city, evidence)
        yield from reviews.needed(city, evidence)
        yield from screen.source_and_tables()
        return
    yield from content.closed_inputs(evidence.facts["inputs"])
    yield from content.sections(evidence.notebook, without=("main-points",) if step == "dashboard" else ())
    yield from content.benefit(manifest)
    yield from content.given(manifest.gives, evidence.tables)
    yield from regrid.beside(evidence)
    yield from screen.everything()


def _concentration(city: City) -> tuple[Rule, ...]:
    """Give the city's rules for sums."""
    if not city.settings.tables.concentration:
        return ()
    from stadtbuch.reports import tabulations  # noqa: PLC0415 - the solver, for few cities' runs

    return tabulations.concentration(confidential(city))


def _least(city: City, evidence: Evidence) -> int:
    """Give the minimum count that holds for a run: the strictest of its inputs that are not open."""
    names = [name for name, one in evidence.facts["inputs"].items() if one["class"] != "open"]
    return max(min_count(city.dataset(name), city.settings) for name in names)


def _passed(city: City, step: str) -> Text:
    rules = city.settings.rules.version
    if step == "prepare":
        return Text(
            de=f"Vorbereitung geprüft nach Regelwerk {rules}: Nur geschützte Tabellen und der "
            f"Quelltext verlassen den Lauf.",
            en=f"Preparation checked by rules {rules}: only protected tables and the source leave the run.",
        )
    if step == "dashboard":
        return Text(
            de=f"Dashboard mit allen Auswahlen geprüft nach Regelwerk {rules}: Eingaben, Abbildungen, "
            f"Tabellen, Texte und Dateien.",
            en=f"Dashboard checked for all its choices by rules {rules}: inputs, figures, tables, texts and "
            f"files.",
        )
    return Text(
        de=f"Bericht geprüft nach Regelwerk {rules}: Eingaben, Abschnitte, Abbildungen, Tabellen, "
        f"Texte und Dateien.",
        en=f"Report checked by rules {rules}: inputs, sections, figures, tables, texts and files.",
    )


def _broken(kind: str) -> Decision:
    """Refuse because the judging itself failed; its message could hold data, so only the type is named."""
    said = Text(
        de=f"Der Lauf ließ sich nicht prüfen ({kind}). Was nicht geprüft ist, wird nicht veröffentlicht.",
        en=f"The run could not be judged ({kind}). What is not checked is not published.",
    )
    finding = Finding(
        rule="reports.unjudged",
        severity=Severity.refuse,
        subject="run",
        text=said,
        remedy=Text(
            de="Melden Sie es dem Team, das Stadtbuch betreibt.",
            en="Report it to the team that runs Stadtbuch.",
        ),
    )
    return Decision(outcome=Outcome.refuse, reasons=(said,), findings=(finding,))
