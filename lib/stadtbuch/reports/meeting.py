"""
Whether inputs about people, brought together in one run, single somebody out: measured again from the run's inputs.

Who joined them, how, and whether with `city.merge` does not matter: what could be joined by the columns that both have
is measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from stadtbuch.disclosure import joins
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports import recount
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session import merging


def findings(evidence: Evidence, *, step: str) -> Iterator[Finding]:
    """
    Measure every pair of inputs about people: ``privacy.merge``.

    In a preparing step rows do not leave, and its tables are protected by themselves: there it is a warning.

    Raises
    ------
    ValueError
        If a snapshot is not the one that was planned; the gate refuses what it cannot judge.
    """
    inputs = evidence.facts["inputs"]
    severity = Severity.warn if step == "prepare" else Severity.refuse
    for one, other in merging.pairs(inputs):
        left, right = (recount.snapshot(evidence, inputs[name]) for name in (one, other))
        keys = merging.common(left, right)
        if not keys:
            continue
        both = {name: inputs[name] for name in (one, other)}
        joined = merging.measured(left, right, keys, both)
        least = merging.smallest_allowed(both.values())
        if joined.singles_out(least):
            yield joins.finding(joined, subject=f"{one} + {other}", least=least, severity=severity)
