"""
Approval: that the releasing role agreed to this code, this manifest and this version of the rules.

An approval holds for all later editions with the same code, manifest, definition and rules, whatever the
data. It stands in the book; a city that hands its reports on may ship first approvals in
``reports/approvals.yaml``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from stadtbuch import atomic
from stadtbuch.book.ledger import Book
from stadtbuch.catalog import files
from stadtbuch.errors import AccessDenied, Problem, ReportError
from stadtbuch.model.actor import Actor
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.report import Approval, Report
from stadtbuch.reports.definitions import APPROVALS
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

HEADER = (
    "# Erste Freigaben, die mit den Berichten ausgeliefert werden. Geschrieben von: stadtbuch report "
    "approve --record\n"
    "# First approvals that come with the reports. Written by: stadtbuch report approve --record\n"
)


class Recorded(Approval):
    """An approval of a report that stands in a file of the city."""

    report: str


class _Ledger(Frozen):
    approvals: tuple[Recorded, ...] = ()


BESIDE = {"dashboard", "schedule", "on_failure", "notify"}
"""What a definition says that changes no word and no number of the report."""


def code_of(report: Report, notebooks: Mapping[str, Any]) -> str:
    """
    Give the fingerprint of everything that decides what a report says, except data.

    Parameters
    ----------
    report
        The definition.
    notebooks
        ``"prepare"`` and ``"report"`` -> notebook; their sources and tags count, outputs and other metadata
        do not.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    cells = {
        step: [
            [cell["cell_type"], cell["source"], sorted(cell.get("metadata", {}).get("tags", []))]
            for cell in one["cells"]
        ]
        for step, one in sorted(notebooks.items())
    }
    # A dashboard reads nothing but what was released already, and says nothing on the report's page.
    # A schedule decides when a report is built, not what it says; neither does it matter who is told of failures.
    told = report.model_dump(mode="json", exclude_defaults=True, exclude=BESIDE)
    content = {"report": told, "cells": cells}
    return atomic.digest(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())


def find(report: Report, *, code: str, rules: str, book: Book, settings: Settings) -> Approval | None:
    """
    Give the approval that holds for a report's code and rules, or ``None``.

    The role that approved must be the one that the definition names.
    """
    candidates = [*_recorded(report, settings), *_entered(report, book, zone=settings.city.zone)]
    return next(
        (one for one in candidates if (one.code, one.rules, one.role) == (code, rules, report.roles.release)),
        None,
    )


def _recorded(report: Report, settings: Settings) -> Iterator[Approval]:
    for one in recorded(settings):
        if one.report == report.name:
            yield Approval(role=one.role, decided=one.decided, code=one.code, rules=one.rules)


def _entered(report: Report, book: Book, *, zone: tzinfo) -> Iterator[Approval]:
    for entry in book.entries(kind="approved", subject=report.name):
        code, rules = entry.details.get("code"), entry.details.get("rules")
        if code and rules:
            yield Approval(role=entry.role, decided=entry.at.astimezone(zone).date(), code=code, rules=rules)


def recorded(settings: Settings) -> tuple[Recorded, ...]:
    """
    Read ``reports/approvals.yaml``; nothing if there is none.

    Raises
    ------
    ReportError
        ``report.approvals`` if it cannot be understood.
    """
    path = settings.folder("reports") / APPROVALS
    if not path.exists():
        return ()
    located, problems = files.read(path, name=f"{settings.paths.reports}/{APPROVALS}")
    if located is None or problems:
        raise _unreadable(problems)
    try:
        return _Ledger(**located.data).approvals
    except (ValidationError, TypeError):
        what = Text(de="hat nicht die erwartete Form", en="does not have the expected form")
        raise _unreadable([located.problem(("approvals",), "report.approvals", what)]) from None


def record(settings: Settings, report: Report, approval: Approval) -> Path:
    """Write an approval into ``reports/approvals.yaml``, in the place of an earlier one of the report."""
    kept = [one for one in recorded(settings) if one.report != report.name]
    new = Recorded(report=report.name, **approval.model_dump())
    path = settings.folder("reports") / APPROVALS
    listed = [one.model_dump(mode="json") for one in sorted([*kept, new], key=lambda one: one.report)]
    ordered = [{key: one[key] for key in ("report", "role", "decided", "code", "rules")} for one in listed]
    for one in ordered:
        one["decided"] = date.fromisoformat(one["decided"])
    content = yaml.safe_dump({"approvals": ordered}, sort_keys=False, allow_unicode=True)
    atomic.write(path, (HEADER + content).encode())
    return path


def require_role(report: Report, actor: Actor) -> None:
    """
    Refuse an approval by another role than the releasing one.

    Raises
    ------
    AccessDenied
        ``report.role``.
    """
    if actor.role == report.roles.release:
        return
    raise AccessDenied(
        "report.role",
        Text(
            de=f"{report.name} gibt die Rolle {report.roles.release} frei, nicht {actor.role}.",
            en=f"{report.name} is approved by the role {report.roles.release}, not by {actor.role}.",
        ),
        remedy=Text(
            de=f"Wiederholen Sie den Befehl mit --as {report.roles.release}, wenn das eine Ihrer Rollen ist.",
            en=f"Repeat the command with --as {report.roles.release} if that is one of your roles.",
        ),
    )


def _unreadable(problems: Sequence[Problem]) -> ReportError:
    return ReportError(
        "report.approvals",
        Text(de="Die Datei der Freigaben ist nicht gültig.", en="The file of approvals is not valid."),
        problems=problems,
        remedy=Text(
            de="Berichtigen Sie sie oder schreiben Sie sie neu: stadtbuch report approve --record.",
            en="Correct it, or write it anew: stadtbuch report approve --record.",
        ),
    )
