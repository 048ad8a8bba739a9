"""
The Check protocol, and how checks are run so that a broken check refuses instead of passing.

A check is a function with a `rule` name that looks at a subject and yields findings.
Third parties add their own through the entry point group ``stadtbuch.checks``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol

from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text

GROUP = "stadtbuch.checks"


class Check(Protocol):
    """Looks at a subject (an output, a dataset, a page) and says what it saw."""

    rule: str

    def __call__(self, subject: Any, facts: Any) -> Iterable[Finding]:
        """Yield one finding per thing seen; nothing where all is well."""
        ...


def check(rule: str) -> Callable[[Callable[[Any, Any], Iterable[Finding]]], Check]:
    """
    Name a function as the check of a rule.

    Examples
    --------
    >>> @check("demo.never")
    ... def never(subject, facts):
    ...     return []
    >>> never.rule
    'demo.never'
    """

    def named(function: Callable[[Any, Any], Iterable[Finding]]) -> Check:
        function.rule = rule  # type: ignore[attr-defined]
        return function  # type: ignore[return-value]

    return named


def installed() -> list[Check]:
    """Give the checks that other packages bring along, by name of their entry point."""
    return [point.load() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]


def run(checks: Sequence[Check], subject: Any, facts: Any, *, name: str) -> list[Finding]:
    """
    Run every check on one subject; a check that breaks becomes a refusing finding.

    Parameters
    ----------
    checks
        In the order in which their findings shall stand.
    subject, facts
        What to look at, and what is known about it.
    name
        How people call the subject: "cell 3, output 1".
    """
    findings: list[Finding] = []
    for one in checks:
        try:
            findings.extend(one(subject, facts))
        except Exception as error:  # noqa: BLE001 - fail closed: whatever breaks in a check must refuse, not pass
            findings.append(_broken(one.rule, name, error))
    return findings


def _broken(rule: str, name: str, error: Exception) -> Finding:
    """Tell that a check itself failed; its message could hold data, so only the type is named."""
    kind = type(error).__name__
    return Finding(
        rule="check.broken",
        severity=Severity.refuse,
        subject=name,
        text=Text(
            de=f"Die Prüfung {rule} ist selbst gescheitert ({kind}). Was nicht geprüft ist, wird nicht veröffentlicht.",
            en=f"The check {rule} itself failed ({kind}). What is not checked is not published.",
        ),
        remedy=Text(
            de="Melden Sie die Ausgabe dem Team, das Stadtbuch betreibt.",
            en="Report the output to the team that runs Stadtbuch.",
        ),
    )
