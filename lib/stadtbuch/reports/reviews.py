"""
Reviews: what the gate lets pass only after somebody in the right role looked at it, with a reason that readers see.

Two findings always ask for one: a run that reads data about a sensitive group, and a run that reads free text; the
owner of the dataset decides. Three others can be wrong about public things, and the releasing role may say so:
something that looks like an identifier, a folder, a warning. Nothing else has exceptions: what stands in closed data
does not leave by a signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from stadtbuch import atomic
from stadtbuch.catalog import files
from stadtbuch.errors import AccessDenied, ReportError, UsageError
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.report import Report, Review
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.privacy import identifiers
from stadtbuch.reports import decisions, definitions
from stadtbuch.reports.definitions import REVIEWS
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session.city import City
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

SENSITIVE, FREE_TEXT = "privacy.sensitive-review", "privacy.free-text-review"
OF_DATASETS = (SENSITIVE, FREE_TEXT)
OF_PLACES = ("privacy.identifier", "privacy.path", "privacy.stderr")
SHORTEST = 20
HEADER = (
    "# Überprüfungen, die mit den Berichten ausgeliefert werden. Geschrieben von: stadtbuch report review --record\n"
    "# Reviews that come with the reports. Written by: stadtbuch report review --record\n"
)


class _Ledger(Frozen):
    reviews: tuple[Review, ...] = ()


# ---- what needs a review ------------------------------------------------------------------------------


def needed(city: City, evidence: Evidence) -> Iterator[Finding]:
    """
    Say which datasets of a run somebody must have looked at; nothing for open data and for released tables.

    Rules: ``privacy.sensitive-review``, ``privacy.free-text-review``.
    """
    for name, one in evidence.facts["inputs"].items():
        if one["class"] == "open" or one["kind"] != "frame":
            continue
        dataset = city.dataset(name)
        weight = Severity.refuse if dataset.binding else Severity.warn
        free = [column["title"] for column in one["columns"] if column["privacy"] == "free-text"]
        if dataset.privacy.sensitive_group:
            yield _finding(SENSITIVE, name, _sensitive(name), owner=dataset.owner, weight=weight)
        if free:
            yield _finding(FREE_TEXT, name, _free_text(name, free), owner=dataset.owner, weight=weight)


def _sensitive(name: str) -> Text:
    return Text(
        de=f"{name} handelt von einer schutzbedürftigen Gruppe. Was daraus entsteht, sieht vorher jemand an.",
        en=f"{name} is about a sensitive group. Somebody looks at what is made from it first.",
    )


def _free_text(name: str, columns: Sequence[Mapping[str, str]]) -> Text:
    listed = {language: ", ".join(one[language] for one in columns) for language in ("de", "en")}
    return Text(
        de=f"Der Lauf liest freien Text aus {name} ({listed['de']}). Kein Programm findet alles, was darin über "
        "Menschen steht.",
        en=f"The run reads free text of {name} ({listed['en']}). No program finds all that it says about people.",
    )


def _finding(rule: str, subject: str, what: Text, *, owner: str, weight: Severity) -> Finding:
    command = f"stadtbuch report review REPORT --rule {rule} --about {subject} --as {owner}"
    remedy = Text(
        de=f"Die Rolle {owner} sieht es an und entscheidet: {command}",
        en=f"The role {owner} looks at it and decides: {command}",
    )
    return Finding(rule=rule, severity=weight, subject=subject, text=what, remedy=remedy)


# ---- what was decided ---------------------------------------------------------------------------------


def settle(
    city: City, findings: Iterable[Finding], *, report: Report | None, inputs: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    """
    Turn findings that the right role let pass into notes, which the report shows.

    Parameters
    ----------
    city
        Knows the rules, the book and the file of reviews.
    findings
        What the gate saw.
    report
        The report of the run; without one, nothing was decided.
    inputs
        What the run read, as ``run.json`` says it.
    """
    found = list(findings)
    if report is None or not any(_can_be_reviewed(one) for one in found):
        return found
    known = [one for one in everything(city, report.name) if one.rules == city.settings.rules.version]
    code = _once(lambda: decisions.code_of(city, report))
    return [_settled(city, one, known, report=report, inputs=inputs, code=code) for one in found]


def _once(make: Callable[[], str]) -> Callable[[], str]:
    kept: list[str] = []

    def give() -> str:
        if not kept:
            kept.append(make())
        return kept[0]

    return give


def _can_be_reviewed(finding: Finding) -> bool:
    return finding.severity is Severity.refuse and finding.rule in (*OF_DATASETS, *OF_PLACES)


def _settled(
    city: City,
    finding: Finding,
    known: Sequence[Review],
    *,
    report: Report,
    inputs: Mapping[str, Mapping[str, Any]],
    code: Callable[[], str],
) -> Finding:
    if not _can_be_reviewed(finding):
        return finding
    role = role_for(city, report, finding.rule, finding.subject)
    for one in reversed(known):
        if (one.rule, one.subject, one.role) == (finding.rule, finding.subject, role) and _holds(
            one, inputs.get(finding.subject, {}), code
        ):
            return _noted(finding, one)
    return finding


def _holds(review: Review, read: Mapping[str, Any], code: Callable[[], str]) -> bool:
    """Tell whether a review covers what was done: no other code, no other purpose, no further column."""
    if review.rule != SENSITIVE and review.code != code():
        return False
    if review.rule not in OF_DATASETS:
        return True
    columns = {one["name"] for one in read.get("columns", ())}
    return review.purpose == read.get("purpose") and columns <= set(review.columns)


def _noted(finding: Finding, review: Review) -> Finding:
    day = review.decided.isoformat()
    return Finding(
        rule=finding.rule,
        severity=Severity.note,
        subject=finding.subject,
        text=Text(
            de=f"{finding.text.de} Angesehen und zugelassen von der Rolle {review.role} am {day}: {review.reason.de}",
            en=f"{finding.text.en} Looked at and allowed by the role {review.role} on {day}: {review.reason.en}",
        ),
        remedy=Text(
            de="Ändern sich Spalten, Zweck oder Code, ist die Überprüfung neu nötig.",
            en="If columns, purpose or code change, the review is needed again.",
        ),
    )


def role_for(city: City, report: Report, rule: str, subject: str) -> str:
    """
    Name the role that may let a finding pass: the owner of the dataset, or else the releasing role.

    Raises
    ------
    UsageError
        ``dataset.unknown`` if there is no such dataset.
    """
    return city.dataset(subject).owner if rule in OF_DATASETS else report.roles.release


def everything(city: City, report: str) -> list[Review]:
    """Give the reviews of a report: those that come with it, then those of the book, the newest last."""
    entered = [
        Review(**entry.details["review"])
        for entry in city.book.entries(kind="reviewed", subject=report)
        if entry.details["review"]["role"] == entry.role
    ]
    return [*(one for one in recorded(city.settings) if one.report == report), *entered]


def recorded(settings: Settings) -> tuple[Review, ...]:
    """
    Read ``reports/reviews.yaml``; nothing if there is none.

    Raises
    ------
    ReportError
        ``report.reviews`` if it cannot be understood.
    """
    path = settings.folder("reports") / REVIEWS
    if not path.exists():
        return ()
    located, problems = files.read(path, name=f"{settings.paths.reports}/{REVIEWS}")
    if located is None or problems:
        raise _unreadable()
    try:
        return _Ledger(**located.data).reviews
    except (ValidationError, TypeError):
        raise _unreadable() from None


# ---- deciding -----------------------------------------------------------------------------------------


def decide(city: City, name: str, *, rule: str, about: str, reason: Text, record: bool = False) -> Review:
    """
    Let a finding of a report pass, and write that into the book.

    Parameters
    ----------
    city
        The session; its actor must act in the role of `role_for`.
    name
        The report.
    rule, about
        Rule and subject of the finding, as ``stadtbuch check`` names them.
    reason
        Why; the report shows it.
    record
        Also write it into ``reports/reviews.yaml``, so that it goes along with the reports.

    Raises
    ------
    AccessDenied
        ``report.review-role``.
    UsageError
        ``report.no-exception`` for another rule; ``report.review-reason`` if the reason is short or names somebody;
        ``report.review-subject`` if the report does not read the dataset.
    """
    (report,) = definitions.choose(definitions.load(city.settings), [name])
    if rule not in (*OF_DATASETS, *OF_PLACES):
        raise _no_exception(rule)
    _require_role(city, role_for(city, report, rule, about))
    _require_reason(reason)
    made = Review(
        report=name,
        rule=rule,
        subject=about,
        role=city.actor.role,
        decided=city.today,
        rules=city.settings.rules.version,
        reason=reason,
        **_scope(city, report, rule, about),
    )
    details = {"review": made.model_dump(mode="json")}
    city.book.append("reviewed", subject=name, actor=city.actor, now=city.now, details=details)
    if record:
        write(city.settings, made)
    return made


def _scope(city: City, report: Report, rule: str, about: str) -> dict[str, Any]:
    """Say for what a review holds: the columns and the purpose of a dataset, the code of everything else."""
    scope: dict[str, Any] = {} if rule == SENSITIVE else {"code": decisions.code_of(city, report)}
    if rule not in OF_DATASETS:
        return scope
    for analysis in decisions.notebooks(city, report).values():
        if about in analysis.manifest.inputs:
            columns = analysis.manifest.inputs[about].columns or city.dataset(about).table.names
            return scope | {"purpose": analysis.manifest.purpose, "columns": tuple(columns)}
    raise UsageError(
        "report.review-subject",
        Text(de=f"{report.name} liest {about} nicht.", en=f"{report.name} does not read {about}."),
        remedy=Text(
            de="Nennen Sie mit --about den Datensatz, den der Befund nennt: stadtbuch check.",
            en="Give --about the dataset that the finding names: stadtbuch check.",
        ),
    )


def write(settings: Settings, review: Review) -> Path:
    """Write a review into ``reports/reviews.yaml``, in the place of an earlier one of the same finding."""
    same = (review.report, review.rule, review.subject)
    kept = [one for one in recorded(settings) if (one.report, one.rule, one.subject) != same]
    listed = sorted([*kept, review], key=lambda one: (one.report, one.rule, one.subject))
    path = settings.folder("reports") / REVIEWS
    content = yaml.safe_dump(
        {"reviews": [_plain(one) for one in listed]}, sort_keys=False, allow_unicode=True
    )
    atomic.write(path, (HEADER + content).encode())
    return path


def _plain(review: Review) -> dict[str, Any]:
    told = review.model_dump(mode="json", exclude_defaults=True)
    return told | {"decided": date.fromisoformat(told["decided"])}


def _require_role(city: City, role: str) -> None:
    if city.actor.role == role:
        return
    raise AccessDenied(
        "report.review-role",
        Text(
            de=f"Das entscheidet die Rolle {role}, nicht {city.actor.role}.",
            en=f"The role {role} decides that, not {city.actor.role}.",
        ),
        remedy=Text(
            de=f"Wiederholen Sie den Befehl mit --as {role}, wenn das eine Ihrer Rollen ist.",
            en=f"Repeat the command with --as {role} if that is one of your roles.",
        ),
    )


def _require_reason(reason: Text) -> None:
    wordings = (reason.de.strip(), reason.en.strip())
    if min(map(len, wordings)) >= SHORTEST and not any(identifiers.found(one) for one in wordings):
        return
    raise UsageError(
        "report.review-reason",
        Text(
            de="Der Grund ist zu kurz oder nennt jemanden.",
            en="The reason is too short, or it names somebody.",
        ),
        why=Text(de="Er steht im Bericht und im Buch.", en="It stands in the report and in the book."),
        remedy=Text(
            de=f"Schreiben Sie mindestens {SHORTEST} Zeichen, ohne Namen, Nummern und Adressen.",
            en=f"Write at least {SHORTEST} letters, without names, numbers and addresses.",
        ),
    )


def _no_exception(rule: str) -> UsageError:
    listed = ", ".join((*OF_DATASETS, *OF_PLACES))
    known = rule if rule.replace(".", "").replace("-", "").isalnum() else "?"
    return UsageError(
        "report.no-exception",
        Text(de=f"Von {known} gibt es keine Ausnahme.", en=f"There is no exception from {known}."),
        why=Text(de=f"Überprüft werden können nur: {listed}.", en=f"Only these can be reviewed: {listed}."),
        remedy=Text(
            de="Ändern Sie das Notebook, wie der Befund es sagt.",
            en="Change the notebook as the finding says.",
        ),
    )


def _unreadable() -> ReportError:
    return ReportError(
        "report.reviews",
        Text(de="Die Datei der Überprüfungen ist nicht gültig.", en="The file of reviews is not valid."),
        remedy=Text(
            de="Berichtigen Sie sie oder schreiben Sie sie neu: stadtbuch report review --record.",
            en="Correct it, or write it anew: stadtbuch report review --record.",
        ),
    )
