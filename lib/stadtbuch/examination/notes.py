"""What a check of the doctor gives: a level, a sentence, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from stadtbuch.texts import Text

Need = Literal["nothing", "city", "public"]


class Level(StrEnum):
    """How much a note weighs: only ``problem`` makes the command end as refused."""

    ok = "ok"
    hint = "hint"
    problem = "problem"


@dataclass(frozen=True, slots=True)
class Note:
    """
    One thing that a check saw.

    Attributes
    ----------
    subject
        What it is about: a file, a dataset, a role, a key's name. Never a value, a login or a key itself.
    why
        Why that matters, where the sentence does not say it.
    remedy
        What to do; only what is fine has none.
    command
        The command that does it, ready to be copied; empty where it takes a person's thought.
    facts
        Numbers for machines: bytes, entries, days.

    Raises
    ------
    ValueError
        If something is not fine and says no remedy.
    """

    level: Level
    text: Text
    subject: str = ""
    why: Text | None = None
    remedy: Text | None = None
    command: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.level is not Level.ok and self.remedy is None:
            raise ValueError("what is not fine needs a remedy")


@dataclass(frozen=True, slots=True)
class Group:
    """A heading under which checks stand together."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class Check:
    """
    One look at one thing.

    Attributes
    ----------
    id
        Stable name, for machines and the documentation.
    title
        What is looked at, as the documentation says it.
    look
        ``module:function`` of this room, which takes a `Scene` and gives notes; it reads and never writes. It is
        imported when it is asked: where a library is missing, the other checks go on.
    needs
        ``city``: left out where there are no readable settings; ``public``: also left out without ``--public``.
    """

    id: str
    title: Text
    look: str
    needs: Need = "city"


@dataclass(frozen=True, slots=True)
class Seen:
    """A note together with the check and the group it comes from."""

    check: str
    group: Group
    note: Note

    def as_dict(self, language: str) -> dict[str, Any]:
        """Give the observation as JSON."""
        note = self.note
        return {
            "check": self.check,
            "group": self.group.id,
            "severity": str(note.level),
            "subject": note.subject,
            "text": note.text.pick(language),
            "why": note.why.pick(language) if note.why else "",
            "remedy": note.remedy.pick(language) if note.remedy else "",
            "command": note.command,
            "facts": dict(note.facts),
        }


def fine(de: str, en: str, *, subject: str = "", **facts: Any) -> Note:
    """Say that something is as it should be."""
    return Note(Level.ok, Text(de=de, en=en), subject=subject, facts=facts)


def hint(
    text: Text,
    remedy: Text,
    *,
    subject: str = "",
    why: Text | None = None,
    command: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Note:
    """Say what could be better."""
    return Note(Level.hint, text, subject, why, remedy, command, facts or {})


def problem(
    text: Text,
    remedy: Text,
    *,
    subject: str = "",
    why: Text | None = None,
    command: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Note:
    """Say what is wrong."""
    return Note(Level.problem, text, subject, why, remedy, command, facts or {})
