"""
What changed between two editions of a report, and why.

The causes come from what both editions were made of: the versions of their inputs, code and words, environment,
parameters and rules. The effects are the published numbers and tables that are other ones now.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from stadtbuch.errors import UsageError
from stadtbuch.model.report import Edition
from stadtbuch.reports import editions, packages
from stadtbuch.texts import Text
from stadtbuch.transparency import comparing

Reason = Literal["data", "code", "environment", "parameters", "rules"]
REASONS: Mapping[Reason, Text] = {
    "data": Text(de="Daten", en="data"),
    "code": Text(de="Code", en="code"),
    "environment": Text(de="Umgebung", en="environment"),
    "parameters": Text(de="Einstellungen", en="parameters"),
    "rules": Text(de="Regeln", en="rules"),
}
SHORT = 12


@dataclass(frozen=True, slots=True)
class Cause:
    """
    One thing that the two editions were made of differently.

    `before` and `after` are versions, checksums or values; None where only one of them has it.
    """

    reason: Reason
    subject: str
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """Give the cause as JSON."""
        return {"reason": self.reason, "subject": self.subject, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Moved:
    """A published value that is another one now; None where only one edition has it."""

    name: str
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """Give the value as JSON."""
        return {"name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Rows:
    """A published table of which rows are other ones now."""

    path: str
    gone: int
    new: int

    def as_dict(self) -> dict[str, Any]:
        """Give the table as JSON."""
        return {"path": self.path, "gone": self.gone, "new": self.new}


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What is different, and what that led to.

    Attributes
    ----------
    before, after
        Ids of the editions.
    others
        Paths of other files that differ: pictures, notebooks, descriptions.
    complete
        Whether both editions have a package: without one, code and environment are known by one hash each.
    """

    before: str
    after: str
    causes: tuple[Cause, ...]
    values: tuple[Moved, ...]
    tables: tuple[Rows, ...]
    others: tuple[str, ...]
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as JSON."""
        return {
            "before": self.before,
            "after": self.after,
            "causes": [one.as_dict() for one in self.causes],
            "values": [one.as_dict() for one in self.values],
            "tables": [one.as_dict() for one in self.tables],
            "others": list(self.others),
            "complete": self.complete,
        }


def between(before: Path, after: Path) -> Changes:
    """
    Compare two editions in their folders.

    Raises
    ------
    UsageError
        ``diff.other-report`` if they belong to different reports.
    StateError
        ``edition.damaged`` if one cannot be read.
    """
    one, other = editions.read(before).edition, editions.read(after).edition
    if one.report != other.report:
        raise _other_report(one, other)
    runs = [_run(before), _run(after)]
    return Changes(
        before=one.id,
        after=other.id,
        causes=tuple(dict.fromkeys(_causes(one, other, *runs))),
        values=tuple(_values(one, other)),
        tables=tuple(_tables(before, after, one, other)),
        others=tuple(_others(one, other)),
        complete=all(run is not None for run in runs),
    )


def _run(folder: Path) -> Mapping[str, Any] | None:
    """Read what the public step was made of; nothing for editions without a package."""
    path = folder / packages.RUN
    return dict(json.loads(path.read_bytes())) if path.is_file() else None


def _causes(
    one: Edition, other: Edition, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[Cause]:
    yield from _data(one, other, before, after)
    yield from _pairs("parameters", one.parameters, other.parameters)
    yield from _code(one, other)
    if before is None or after is None:
        yield from _pairs("code", {"all": one.code}, {"all": other.code})
        yield from _pairs("environment", {"library": one.library}, {"library": other.library})
        yield from _pairs("rules", {"version": one.rules}, {"version": other.rules})
        return
    parts = before["key_parts"], after["key_parts"]
    yield from _pairs("code", *({"notebook": part["code"], **part.get("modules", {})} for part in parts))
    yield from _pairs("environment", *(_surroundings(part) for part in parts))
    yield from _pairs("rules", *(_rules(part) for part in parts))


def _data(
    one: Edition, other: Edition, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[Cause]:
    """Compare the inputs: other versions of a dataset, other rows of it, other inputs."""
    yield from _pairs("data", _versions(one), _versions(other))
    if before is not None and after is not None:
        seen = [run["key_parts"]["inputs"] for run in (before, after)]
        told = {found.subject for found in _pairs("data", _versions(one), _versions(other))}
        yield from (found for found in _pairs("data", *seen) if found.subject not in told)


def _versions(edition: Edition) -> dict[str, Any]:
    return {one["id"]: one.get("version") for one in edition.inputs if one.get("version")}


def _code(one: Edition, other: Edition) -> Iterator[Cause]:
    """Compare the source of the preparing step; that of the public step has its own hash in the run key."""
    yield from _pairs("code", _preparing(one), _preparing(other))


def _preparing(edition: Edition) -> dict[str, str]:
    own = f"notebooks/{edition.report}.ipynb"
    return {
        file.path: file.sha256
        for file in edition.files
        if file.path.startswith("notebooks/") and file.path != own
    }


def _surroundings(part: Mapping[str, Any]) -> dict[str, Any]:
    environment, library = part["environment"], part["library"]
    return {
        "python": environment["python"],
        "libraries": environment["sha256"],
        "stadtbuch": f"{library['version']} ({library['sha256'][:SHORT]})",
    }


def _rules(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": part["rules"]["version"], **part["rules"].get("thresholds", {})}


def _pairs(reason: Reason, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Cause]:
    """Give what two mappings hold differently, by name."""
    for name in [*one, *(name for name in other if name not in one)]:
        if one.get(name) != other.get(name):
            yield Cause(reason, name, one.get(name), other.get(name))


def _values(one: Edition, other: Edition) -> Iterator[Moved]:
    """Compare headlines, named results and main points by their names."""
    before, after = _told(one), _told(other)
    for name in [*before, *(name for name in after if name not in before)]:
        first, second = before.get(name), after.get(name)
        if not comparing.close(first, second) and first != second:
            yield Moved(name, first, second)


def _told(edition: Edition) -> dict[str, Any]:
    return {
        str(one["name"]): one["value"] if "value" in one else one.get("points") for one in edition.results
    }


def _tables(before: Path, after: Path, one: Edition, other: Edition) -> Iterator[Rows]:
    """Count the rows of every published CSV that only one of the editions has."""
    first, second = _sums(one), _sums(other)
    for path in sorted(path for path in first | second if path.endswith(".csv")):
        if first.get(path) != second.get(path):
            rows = [_rows(folder / path) for folder in (before, after)]
            yield Rows(path, gone=(rows[0] - rows[1]).total(), new=(rows[1] - rows[0]).total())


def _rows(path: Path) -> Counter[tuple[str, ...]]:
    if not path.is_file():
        return Counter()
    _, *rows = [*csv.reader(StringIO(path.read_text(encoding="utf-8")))] or [()]
    return Counter(map(tuple, rows))


def _others(one: Edition, other: Edition) -> Iterator[str]:
    """Name the other files that differ; what says how the editions were made always does."""
    first, second = _sums(one), _sums(other)
    for path in sorted(first | second):
        said = not path.startswith(editions.WITNESSES) and not path.endswith(".csv")
        if said and first.get(path) != second.get(path):
            yield path


def _sums(edition: Edition) -> dict[str, str]:
    return {file.path: file.sha256 for file in edition.files}


def _other_report(one: Edition, other: Edition) -> UsageError:
    return UsageError(
        "diff.other-report",
        Text(
            de=f"{one.id} und {other.id} gehören zu verschiedenen Berichten.",
            en=f"{one.id} and {other.id} belong to different reports.",
        ),
        remedy=Text(
            de="Nennen Sie zwei Ausgaben desselben Berichts; „stadtbuch report history“ zeigt sie.",
            en='Name two editions of one report; "stadtbuch report history" shows them.',
        ),
    )
