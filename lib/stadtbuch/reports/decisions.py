"""
What people decide about editions: release what waits, or take something out of public. And what follows from
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import standing
from stadtbuch.disclosure import released
from stadtbuch.errors import UsageError
from stadtbuch.model.report import Approval, Edition, Report
from stadtbuch.reports import approvals, crate, definitions, differencing, editions, outputs
from stadtbuch.reports.editions import Archived
from stadtbuch.runs import manifest
from stadtbuch.session.city import City
from stadtbuch.texts import Text


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval, the editions that it set free, and the file it was written to, if any."""

    approval: Approval
    released: tuple[Edition, ...]
    file: Path | None


def notebooks(city: City, report: Report) -> dict[str, manifest.Analysis]:
    """Read the notebooks of a report: ``prepare`` where there is one, and ``report``."""
    paths = {"prepare": report.prepare, "report": report.report}
    root = city.settings.root
    return {step: manifest.read(root / path, root=root) for step, path in paths.items() if path}


def code_of(city: City, report: Report) -> str:
    """Give the fingerprint of a report's code as it stands now."""
    return approvals.code_of(report, {step: one.notebook for step, one in notebooks(city, report).items()})


def approve(city: City, name: str, *, record: bool = False) -> Approved:
    """
    Approve a report's code, and release every edition of it that waits.

    Parameters
    ----------
    city
        The session; its actor must act in the releasing role.
    name
        The report.
    record
        Also write the approval into ``reports/approvals.yaml``, so that it goes along with the reports.

    Raises
    ------
    AccessDenied
        ``report.role``.
    UsageError
        ``report.unknown``; ``report.stale`` if an edition waits that was made by other code, or judged by
        other rules, than there are now.
    """
    (report,) = definitions.choose(definitions.load(city.settings), [name])
    approvals.require_role(report, city.actor)
    with city.state.lock("build", command="stadtbuch report approve"):
        standing.require_current(city.book, city.settings.folder("public"))
        code, rules = code_of(city, report), city.settings.rules.version
        waiting = list(editions.all_waiting(city.state, name))
        if any((one.edition.code, one.edition.rules) != (code, rules) for one in waiting):
            raise _stale(name)
        differencing.require_safe(city, [_files(one) for one in waiting])
        approval = Approval(role=city.actor.role, decided=city.today, code=code, rules=rules)
        _enter_approval(city, report, approval, waiting)
        released = tuple(release_waiting(city, one, approval) for one in waiting)
        point(city, report)
        file = approvals.record(city.settings, report, approval) if record else None
    return Approved(approval=approval, released=released, file=file)


def _enter_approval(city: City, report: Report, approval: Approval, waiting: list[Archived]) -> None:
    details = {
        "code": approval.code,
        "rules": approval.rules,
        "editions": [one.edition.id for one in waiting],
    }
    city.book.append("approved", subject=report.name, actor=city.actor, now=city.now, details=details)


def release_waiting(city: City, waiting: Archived, approval: Approval) -> Edition:
    """Put an edition that waited into the archive; its files stay as they were judged."""
    files = _files(waiting)
    approved = _free_name(city, waiting.edition).model_copy(update={"approval": approval})
    made, files = crate.seal(approved, files)
    release(city, made, files)
    editions.remove(waiting.folder)
    return made


def _files(waiting: Archived) -> dict[str, bytes]:
    """Read the files of an edition that waits, as they were judged."""
    if editions.damaged_files(waiting):
        raise editions.damaged(waiting.folder)
    return {file.path: (waiting.folder / file.path).read_bytes() for file in waiting.edition.files}


def release(city: City, edition: Edition, files: Mapping[str, bytes]) -> None:
    """
    Put an edition into the archive, exactly once.

    The entry in the book is the moment that counts: before it, an interruption takes the edition back; after it, the
    next command gives it its name (`reports.recovery`).
    """
    place = editions.place(city.state, edition.report, edition.cell) / edition.edition
    staged = editions.stage(place, edition, files)
    differencing.remember(city, edition, files)
    enter(city, "released", edition)
    editions.switch(staged, place)


def set_aside(city: City, edition: Edition, files: Mapping[str, bytes]) -> None:
    """Lay an edition where it waits for a decision; the entry is the moment that counts, as in `release`."""
    place = editions.waiting_place(city.state, edition.report, edition.cell)
    staged = editions.stage_waiting(place, edition, files)
    enter(city, "awaiting-approval", edition)
    editions.switch(staged, place)


def _free_name(city: City, edition: Edition) -> Edition:
    """Give an edition that waited the next free name of its day, should its own be taken by now."""
    taken = editions.names(city.state, edition.report, edition.cell)
    if edition.edition not in taken:
        return edition
    name = editions.next_name(editions.order(edition.edition)[0], taken)
    return edition.model_copy(
        update={"edition": name, "id": editions.identify(edition.report, edition.cell, name)}
    )


def enter(city: City, kind: str, edition: Edition) -> None:
    """Write into the book that something happened to an edition."""
    digest = atomic.digest(editions.edition_bytes(edition))
    details = {"edition": digest, "code": edition.code, "rules": edition.rules, "files": len(edition.files)}
    city.book.append(kind, subject=edition.id, actor=city.actor, now=city.now, details=details)


def withhold(city: City, id: str, *, reason: Text) -> Archived:
    """
    Take an edition out of public; its files stay in the archive, its page says why it is gone.

    Raises
    ------
    AccessDenied
        ``report.role`` if the actor does not act in the releasing role.
    UsageError
        ``edition.unknown``; ``edition.withheld`` if it is out of public already; what an interruption left
        undone is done by then.
    ReportError
        ``report.invalid`` if nothing can be made of this report's own definition.
    """
    report = definitions.alone(editions.find(city.state, id).edition.report, city.settings)
    if report is not None:
        approvals.require_role(report, city.actor)
    with city.state.lock("build", command="stadtbuch report withhold"):
        found = editions.find(city.state, id)
        if found.public:
            _enter_withheld(city, id, reason.as_dict())
            editions.withhold(found, reason=reason, role=city.actor.role, now=city.now)
        done = editions.read(found.folder)
        _follow(city, done, report)
    if not found.public:
        raise _twice(id)
    return done


def _follow(city: City, withheld: Archived, report: Report | None) -> None:
    """Do what follows from the note beside an edition, each thing once: entry in the book, tables to find."""
    if withheld.status is not None:
        _enter_withheld(city, withheld.edition.id, withheld.status["reason"])
    if report is not None:
        point(city, report)


def _enter_withheld(city: City, id: str, reason: Mapping[str, str]) -> None:
    """Write into the book that an edition goes out of public, before it does."""
    if not any(city.book.entries(kind="withheld", subject=id)):
        details = {"reason": dict(reason)}
        city.book.append("withheld", subject=id, actor=city.actor, now=city.now, details=details)


def point(city: City, report: Report) -> None:
    """
    Let the catalogue find the tables that a report released: ``var/derived/<report>.<table>.json``.

    They come from the newest public edition of the first cell that has one; a table that is public nowhere
    any more is found no more.
    """
    folder = city.state.folder("derived")
    wanted = {f"{report.name}.{name}.json": data for name, data in _released(city, report)}
    for path in folder.glob(f"{report.name}.*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, data in wanted.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != data:
            atomic.write(folder / name, data, mode=0o600)


def _released(city: City, report: Report) -> Iterator[tuple[str, bytes]]:
    """Give name and record of each released table."""
    newest: dict[str, Archived] = {
        one.edition.cell: one for one in editions.history(city.state, report.name) if one.public
    }
    first = [definitions.slug_of(one[name] for name in report.cells) for one in report.also]
    ordered = sorted(newest, key=lambda cell: (cell not in first, cell))
    for file in newest[ordered[0]].edition.files if ordered else ():
        if file.path.startswith("data/") and file.path.endswith(".json"):
            record = json.loads((newest[ordered[0]].folder / file.path).read_bytes())
            if _is_table(record):
                yield record["name"], outputs.encode(record)


def _is_table(record: Mapping[str, Any]) -> bool:
    return record.get("kind") in released.KINDS


def _stale(name: str) -> UsageError:
    return UsageError(
        "report.stale",
        Text(
            de=f"Was von {name} auf Freigabe wartet, entstand mit anderem Code oder Regelwerk als jetzt.",
            en=f"What waits for approval of {name} was made by other code or rules than there are now.",
        ),
        why=Text(
            de="Freigegeben wird, was angesehen werden kann: Ausgabe, Code und Regelwerk gehören zusammen.",
            en="What is approved must be what can be looked at: edition, code and rules belong together.",
        ),
        remedy=Text(
            de=f"Bauen Sie zuerst: stadtbuch build {name}", en=f"Build first: stadtbuch build {name}"
        ),
    )


def _twice(id: str) -> UsageError:
    return UsageError(
        "edition.withheld",
        Text(de=f"{id} ist schon zurückgezogen.", en=f"{id} is out of public already."),
        remedy=Text(de="Es ist nichts zu tun.", en="There is nothing to do."),
    )
