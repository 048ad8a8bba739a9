"""What computing an edition again came to: a verdict, and every difference by what it is a difference of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stadtbuch.texts import Text, same

Outcome = Literal["identical", "equal", "differs", "cannot-run"]
Part = Literal["data", "code", "lock", "library", "parameters", "output", "description", "checkpoint"]

PARTS: Mapping[Part, Text] = {
    "data": Text(de="Daten", en="data"),
    "code": Text(de="Code", en="code"),
    "lock": Text(de="Umgebung", en="environment"),
    "library": Text(de="Bibliothek", en="library"),
    "parameters": Text(de="Einstellungen", en="parameters"),
    "output": Text(de="Ergebnis", en="output"),
    "description": Text(de="Beschreibung", en="description"),
    "checkpoint": Text(de="Buch", en="book"),
}
OUTCOMES: Mapping[Outcome, Text] = {
    "identical": Text(de="identisch", en="identical"),
    "equal": Text(de="gleich im Rahmen der Toleranz", en="equal within tolerance"),
    "differs": Text(de="verschieden", en="differs"),
    "cannot-run": Text(de="nicht ausführbar", en="cannot run"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One thing that is not what the edition says.

    Attributes
    ----------
    part
        What it is a difference of.
    subject
        A path in the edition, the name of a result, or a cell of a table.
    text
        What is different; the values of an edition are public and may stand here.
    weighs
        Whether the verdict is ``differs`` for it; a file that is only written differently does not weigh.
    """

    part: Part
    subject: str
    text: Text
    weighs: bool = True

    def as_dict(self, language: str) -> dict[str, Any]:
        """Give the difference as JSON."""
        return {
            "part": self.part,
            "subject": self.subject,
            "text": self.text.pick(language),
            "weighs": self.weighs,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What came out.

    Attributes
    ----------
    edition
        Its id; empty if not even that could be read.
    environment
        In which environment it was computed again; nothing if it did not come to that.
    why
        Why it could not run.
    notes
        What was not checked, and why.
    compared
        How many files were compared with what was computed again.
    """

    outcome: Outcome
    edition: str
    differences: tuple[Difference, ...] = ()
    environment: Text | None = None
    why: Text | None = None
    notes: tuple[Text, ...] = ()
    compared: int = 0

    @property
    def ok(self) -> bool:
        """Whether every published number came out as it was published."""
        return self.outcome in ("identical", "equal")

    @property
    def exit_code(self) -> int:
        """Give the exit code of a command: 0 if it holds, 3 if it differs, 1 if it could not be computed."""
        return {"differs": 3, "cannot-run": 1}.get(self.outcome, 0)

    def as_dict(self, language: str) -> dict[str, Any]:
        """Give the verdict as JSON, in the shape of CONTRACTS."""
        return {
            "verdict": self.outcome,
            "differences": [one.as_dict(language) for one in self.differences],
            "edition": self.edition,
            "environment": self.environment.pick(language) if self.environment else None,
            "reason": self.why.pick(language) if self.why else None,
            "notes": [one.pick(language) for one in self.notes],
            "compared": self.compared,
        }


def read(document: Mapping[str, Any]) -> Verdict:
    """
    Read a verdict from the JSON of another process; what it says in one language stands for both.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is none.
    """
    outcome = document["verdict"]
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    differences = tuple(
        Difference(one["part"], str(one["subject"]), same(str(one["text"])), bool(one["weighs"]))
        for one in document["differences"]
    )
    if any(one.part not in PARTS for one in differences):
        raise ValueError("part")
    return Verdict(
        outcome=outcome,
        edition=str(document["edition"]),
        differences=differences,
        environment=same(str(document["environment"])) if document.get("environment") else None,
        why=same(str(document["reason"])) if document.get("reason") else None,
        notes=tuple(same(str(one)) for one in document.get("notes", ())),
        compared=int(document.get("compared", 0)),
    )


def of(edition: str, differences: Iterable[Difference], **told: Any) -> Verdict:
    """
    Judge by the differences: none, none that weighs, or some that do.

    Examples
    --------
    >>> of("area@2026-01-15", []).outcome
    'identical'
    """
    found = tuple(differences)
    outcome: Outcome = (
        "identical" if not found else "differs" if any(one.weighs for one in found) else "equal"
    )
    return Verdict(outcome, edition, found, **told)


def cannot(edition: str, why: Text, **told: Any) -> Verdict:
    """Say that an edition could not be computed again, and why."""
    return Verdict("cannot-run", edition, why=why, **told)
