"""Finding and Decision: what checks saw, and what follows from it, always with reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from stadtbuch.model.frozen import Frozen
from stadtbuch.texts import Text


class Severity(StrEnum):
    """How much a finding weighs: only ``refuse`` stops a publication."""

    refuse = "refuse"
    warn = "warn"
    note = "note"


class Outcome(StrEnum):
    """The two answers a gate can give."""

    allow = "allow"
    refuse = "refuse"


class Finding(Frozen):
    """
    What a check saw. It names the group and the rule, never a data value.

    Examples
    --------
    >>> seen = Finding(rule="privacy.mime", severity="refuse", subject="cell 3, output 1",
    ...                text=Text(de="unbekannt", en="unknown"), remedy=Text(de="sb.figure", en="sb.figure"))
    >>> seen.as_dict("en")["rule"]
    'privacy.mime'
    """

    rule: str
    severity: Severity
    subject: str
    text: Text
    remedy: Text

    def as_dict(self, language: str) -> dict[str, str]:
        """Give the finding as JSON, in the shape that `stadtbuch check --json` promises."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "subject": self.subject,
            "text": self.text.pick(language),
            "remedy": self.remedy.pick(language),
        }


class Decision(Frozen):
    """
    Allowed or not, never without a reason (XACML: permit or deny, with obligations).

    Examples
    --------
    >>> Decision(outcome="allow", reasons=())  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError
    """

    outcome: Outcome
    reasons: tuple[Text, ...] = Field(min_length=1)
    findings: tuple[Finding, ...] = ()
    obligations: dict[str, Any] = {}

    @property
    def allowed(self) -> bool:
        """Whether the answer is yes."""
        return self.outcome is Outcome.allow


def decide(findings: tuple[Finding, ...] | list[Finding], *, passed: Text) -> Decision:
    """
    Join findings into a decision: one refusing finding refuses the whole.

    Parameters
    ----------
    findings
        What the checks saw.
    passed
        The reason to give if nothing refuses: what was checked, by which rules.
    """
    refusing = tuple(finding for finding in findings if finding.severity is Severity.refuse)
    if refusing:
        return Decision(
            outcome=Outcome.refuse, reasons=tuple(f.text for f in refusing), findings=tuple(findings)
        )
    return Decision(outcome=Outcome.allow, reasons=(passed,), findings=tuple(findings))
