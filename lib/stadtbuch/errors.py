"""
Everything that can go wrong, as one tree. Each error says what happened, why, and what to do.

::

    StadtbuchError                  exit code 1
    ├── Failed                  1   the work was begun and could not be finished
    │   ├── SourceError         1   a file or service of a dataset is missing or cannot be read
    │   ├── StateError          1   var/ cannot be used: read-only, too new, damaged
    │   ├── Busy                1   another command is changing the same state
    │   └── RunFailed           1   a notebook stopped with an error
    ├── UsageError              2   what was asked for does not exist or has the wrong form
    │   ├── SettingsError       2   stadtbuch.toml or roles.yaml
    │   ├── ManifestError       2   the first cell of a notebook
    │   ├── ReportError         2   reports/<name>.yaml
    │   └── ParameterError      2   a parameter of a run
    ├── Refused                 3   a check or the gate says no
    │   ├── CatalogError        3   a catalogue file: all its mistakes at once
    │   └── ProtectionError     3   a table that cannot be protected
    └── AccessDenied            4   this role, purpose or column is not allowed

The texts never hold a data value: they name the dataset, the column, the group and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stadtbuch.texts import Text

LABELS = {"why": Text(de="Warum", en="Why"), "remedy": Text(de="Was tun?", en="What to do?")}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that people write: where it is, what it is, what to write instead."""

    file: str
    line: int | None
    path: str
    what: Text
    remedy: Text | None = None
    code: str = ""

    def as_dict(self, language: str) -> dict[str, object]:
        """Give the mistake as JSON."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "path": self.path,
            "text": self.what.pick(language),
            "remedy": self.remedy.pick(language) if self.remedy else "",
        }

    def render(self, language: str) -> str:
        """Give the mistake as one line for people: ``file:line path: what (remedy)``."""
        place = (self.file + (f":{self.line}" if self.line else "") + f" {self.path}").strip()
        remedy = f" ({self.remedy.pick(language)})" if self.remedy else ""
        return f"{place}: {self.what.pick(language)}{remedy}"


class StadtbuchError(Exception):
    """
    The root of the tree.

    Parameters
    ----------
    code
        Stable dotted name of the kind of mistake, for tests and machines: ``"access.no-purpose"``.
    what
        What happened, in one sentence.
    why
        Why that is so; left out where `what` says it already.
    remedy
        What the receiver can do now.
    problems
        The single mistakes, where a file holds several.

    Examples
    --------
    >>> error = UsageError("report.unknown", Text(de="Es gibt keinen Bericht x.", en="There is no report x."),
    ...                    remedy=Text(de="stadtbuch report list zeigt alle.", en="stadtbuch report list shows all."))
    >>> print(error.render("en"))
    There is no report x.
    What to do? stadtbuch report list shows all.
    >>> error.exit_code
    2
    """

    exit_code = 1

    def __init__(
        self,
        code: str,
        what: Text,
        *,
        why: Text | None = None,
        remedy: Text | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(what.de)
        self.code, self.what, self.why, self.remedy = code, what, why, remedy
        self.problems = tuple(problems)

    def render(self, language: str) -> str:
        """Write the error for a person; no traceback, no data values."""
        lines = [self.what.pick(language)]
        lines += [f"  {problem.render(language)}" for problem in self.problems]
        for label, part in (("why", self.why), ("remedy", self.remedy)):
            if part:
                lines.append(
                    f"{LABELS[label].pick(language)}{':' if label == 'why' else ''} {part.pick(language)}"
                )
        return "\n".join(lines)

    def as_dict(self, language: str) -> dict[str, object]:
        """Give the error as JSON."""
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "text": self.what.pick(language),
            "why": self.why.pick(language) if self.why else "",
            "remedy": self.remedy.pick(language) if self.remedy else "",
            "problems": [problem.as_dict(language) for problem in self.problems],
        }

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the sentences instead of a traceback."""
        return [self.render("de")]

    def __str__(self) -> str:
        return self.render("de")


class Failed(StadtbuchError):
    """The work was begun and could not be finished; the old state stays."""


class SourceError(Failed):
    """A file or service of a dataset is missing or cannot be read."""


class StateError(Failed):
    """The state folder cannot be used."""


class Busy(Failed):
    """Another command is changing the same state."""


class RunFailed(Failed):
    """A notebook stopped with an error."""


class UsageError(StadtbuchError):
    """What was asked for does not exist or has the wrong form."""

    exit_code = 2


class SettingsError(UsageError):
    """The settings of the city are incomplete or wrong."""


class ManifestError(UsageError):
    """The manifest in a notebook's first cell is missing or wrong."""


class ReportError(UsageError):
    """A report's definition is missing or wrong."""


class ParameterError(UsageError):
    """A parameter of a run is unknown, missing or has the wrong type."""


class Refused(StadtbuchError):
    """A check or the gate says no."""

    exit_code = 3


class CatalogError(Refused):
    """A catalogue file does not pass its check; `problems` holds every mistake found."""


class ProtectionError(Refused):
    """A table cannot be protected as it is."""


class AccessDenied(StadtbuchError):
    """The role, purpose or column is not allowed."""

    exit_code = 4
