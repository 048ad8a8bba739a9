"""A citizen's submission: what is kept about it, and the stages between receipt and showcase."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from stadtbuch.model.frozen import Frozen
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text


class Stage(StrEnum):
    """Where a submission stands."""

    received = "received"
    inspected = "inspected"
    rerun = "rerun"
    accepted = "accepted"
    rejected = "rejected"
    withdrawn = "withdrawn"


class Verdict(StrEnum):
    """What the re-run in the sandbox gave: the same, something else, or an error."""

    reproduced = "reproduced"
    differs = "differs"
    fails = "fails"


class Submission(Frozen):
    """
    What is kept about a submission: as little about the person as the purpose allows.

    Attributes
    ----------
    number
        The receipt number.
    digest, size
        SHA-256 and bytes of the content.
    credit
        The name or alias that the sender wants to read beside it; may be empty.
    licence
        Licence id under which the sender allows it to be shown.
    consent
        Whether the sender agreed to publication.
    secret
        SHA-256 of the secret with which the sender withdraws it; the secret itself is not kept.
    duplicate_of
        Number of an earlier submission with the same content.
    """

    format: Literal[1] = 1
    number: str
    kind: Literal["notebook"] = "notebook"
    channel: Literal["file", "mail"]
    received_at: datetime
    digest: str
    size: int
    title: str = ""
    credit: str = ""
    licence: str = ""
    consent: bool = False
    secret: str
    duplicate_of: str | None = None


class Contact(Frozen):
    """Where the answer goes, and the day after which the address is deleted (known once it is decided)."""

    format: Literal[1] = 1
    address: str
    delete_after: date | None = None


class Use(Frozen):
    """One dataset that a notebook asks for: where, and whether everybody may have it."""

    dataset: str
    cells: tuple[int, ...] = ()
    known: bool | None = None
    open: bool | None = None


class Inspection(Frozen):
    """
    What can be said about a submission without running it.

    `uses` are the datasets of the city; `known` and `open` are None where no catalogue was at hand.
    """

    format: Literal[1] = 1
    digest: str
    at: datetime | None = None
    cells: int = 0
    code_cells: int = 0
    uses: tuple[Use, ...] = ()
    imports: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Give the findings that stand against it."""
        return tuple(one for one in self.findings if one.severity is Severity.refuse)


class Rerun(Frozen):
    """
    What the re-run in the sandbox gave.

    Attributes
    ----------
    digest
        SHA-256 of the content that was run.
    notebook
        SHA-256 of ``rerun.ipynb``.
    cells
        Numbers (from 1, as the sender counts them) of the cells that differ or fail.
    text
        What happened, in the sender's words.
    inputs
        Dataset id to the version of the snapshot that was granted.
    confined
        Which layers of the sandbox were in force.
    """

    format: Literal[1] = 1
    digest: str
    notebook: str
    at: datetime
    verdict: Verdict
    cells: tuple[int, ...] = ()
    text: Text
    inputs: dict[str, str] = Field(default_factory=dict)
    confined: tuple[str, ...] = ()
    seconds: float = 0.0


class Status(Frozen):
    """
    Where a submission stands, since when, and for a decision who decided it and why.

    `was_public`: it was withdrawn after it had been accepted, so a page may have been linked; `entry` is the number
    of the book's entry, missing only while a command was cut off; until then `details` hold what the entry shall say.
    """

    format: Literal[1] = 1
    stage: Stage
    at: datetime
    role: str = ""
    reason: Text | None = None
    was_public: bool = False
    entry: int | None = None
    details: dict[str, Any] | None = None
