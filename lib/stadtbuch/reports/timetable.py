"""
The timetable of a city: what is due now, what was built when, and one tick that does what is due.

A tick keeps nothing in its head: it asks the book, does what is due, and writes there what became of it. Two at once
are one: the second finds nothing to do. What a tick could not do for a reason that passes, the next one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from stadtbuch.book import views
from stadtbuch.errors import Busy, Problem, SourceError, StadtbuchError, StateError
from stadtbuch.model.entry import Entry
from stadtbuch.model.report import Report
from stadtbuch.model.schedule import Occurrence, Schedule
from stadtbuch.notification.channels import Sent
from stadtbuch.notification.notices import Notice
from stadtbuch.reports import alarms, definitions
from stadtbuch.runs import schedule
from stadtbuch.runs.schedule import Past
from stadtbuch.session.city import City
from stadtbuch.texts import Text

TICK = "tick"
"""Name of the lock; the time of its file tells when the last tick began."""
PASSING = (SourceError, StateError, Busy)
"""What may be over at the next tick: a delivery that is missing, a full disk, another command."""
Build = Callable[[Sequence[str], Mapping[str, date]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """
    What the timetable says at one moment.

    Attributes
    ----------
    schedules
        Report -> schedule.
    past
        What the book says.
    due
        What is to be done now.
    unreadable
        Dataset -> why its version is not known.
    problems
        Mistakes in definitions; the other reports go on.
    ahead
        Reports whose last time lies in the future: a clock was wrong.
    """

    schedules: Mapping[str, Schedule]
    past: Past
    due: tuple[Occurrence, ...] = ()
    unreadable: Mapping[str, StadtbuchError] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    ahead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one occurrence: ``done``, ``awaiting-approval``, ``refused``, ``failed``, ``skipped``, ``tried``
    or ``busy``.
    """

    occurrence: Occurrence
    outcome: str
    late: bool
    codes: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticked:
    """
    What one tick did.

    `late` are those that were found to be late before anything was built; `builds` are the summaries of its builds;
    `sent` tells who was told what.
    """

    outlook: Outlook
    settled: tuple[Settled, ...] = ()
    late: tuple[Occurrence, ...] = ()
    builds: tuple[Mapping[str, Any], ...] = ()
    error: StadtbuchError | None = None
    sent: tuple[Sent, ...] = ()

    @property
    def exit_code(self) -> int:
        """Give the exit code: the first of 1, 4, 3 that occurred, else 0."""
        codes = [one["exit_code"] for one in self.builds]
        if self.error is not None and not isinstance(self.error, Busy):
            codes.append(self.error.exit_code)
        codes += [1] if self.outlook.unreadable or self.outlook.problems or self.outlook.ahead else []
        return next((one for one in (1, 4, 3, 2) if one in codes), 0)


def outlook(city: City, names: Sequence[str] = (), *, begin: bool = False) -> Outlook:
    """
    Say what is due now.

    Parameters
    ----------
    city
        The session; its moment counts.
    names
        Which reports; without any, all.
    begin
        Also write into the book which schedules begin, changed or ended: times count from then on.

    Raises
    ------
    UsageError
        ``report.unknown``.
    """
    reports, problems = _reports(city, names)
    zone, now = city.settings.city.zone, city.now
    schedules = {name: one.schedule for name, one in reports.items() if one.schedule is not None}
    past = Past.of(entries(city))
    if begin:
        # A definition that cannot be read at the moment has not ended.
        _begin(city, schedules, past, complete=not names and not problems)
    versions, unreadable = _versions(city, schedules)
    due = schedule.due(schedules, past, versions=versions, now=now, zone=zone)
    ahead = schedule.ahead(schedules, past, now=now)
    return Outlook(schedules, past, tuple(due), unreadable, tuple(problems), tuple(ahead))


def entries(city: City) -> Iterator[Entry]:
    """Give the entries of the book that are about schedules, in their order."""
    found = [entry for kind in schedule.KINDS for entry in city.book.entries(kind=kind)]
    yield from sorted(found, key=lambda entry: entry.number)


def _reports(city: City, names: Sequence[str]) -> tuple[dict[str, Report], list[Problem]]:
    """Read what can be read: a mistake in one definition stops no other report."""
    known = definitions.all_names(city.settings)
    folder = city.settings.folder("reports")
    found: dict[str, Report] = {}
    problems: list[Problem] = []
    for name in names or known:
        if name not in known:
            raise definitions.unknown(name, known=known)
        report, told = definitions.read(folder / f"{name}.yaml", settings=city.settings)
        problems += told
        if report is not None and not told:
            found[name] = report
    return found, problems


def _begin(city: City, schedules: Mapping[str, Schedule], past: Past, *, complete: bool) -> None:
    """Note which schedules count from now on."""
    for report, mark in schedule.begins(schedules, past, zone=city.settings.city.zone).items():
        past.take(_append(city, schedule.BEGUN, report, {"schedule": mark}))
    for report in schedule.ends(schedules, past) if complete else ():
        past.take(_append(city, schedule.ENDED, report, {}))


def _append(city: City, kind: str, subject: str, details: Mapping[str, Any]) -> Entry:
    return city.book.append(kind, subject=subject, actor=city.actor, now=city.now, details=details)


def _versions(
    city: City, schedules: Mapping[str, Schedule]
) -> tuple[dict[str, str], dict[str, StadtbuchError]]:
    """Give the versions of all datasets that schedules watch, and why some are not known."""
    versions: dict[str, str] = {}
    unreadable: dict[str, StadtbuchError] = {}
    for dataset in sorted({one for told in schedules.values() for one in told.of}):
        try:
            versions[dataset] = city.version(dataset)
        except StadtbuchError as error:
            unreadable[dataset] = error
    return versions, unreadable


# ---- one tick -------------------------------------------------------------------------------------------


def tick(city: City, names: Sequence[str] = (), *, build: Build) -> Ticked:
    """
    Do what is due now.

    Parameters
    ----------
    city
        The session; its actor stands in the book.
    names
        Which reports; without any, all.
    build
        Builds reports for their nominal days and gives the summary, as `reports.build` does.

    Returns
    -------
    Ticked
        What was due and what became of it; ``error`` is `Busy` where another tick is at work.
    """
    try:
        with city.state.lock(TICK, command="stadtbuch tick"):
            return _tick(city, names, build=build)
    except Busy as error:
        return Ticked(Outlook({}, Past()), error=error)


def _tick(city: City, names: Sequence[str], *, build: Build) -> Ticked:
    seen = outlook(city, names, begin=True)
    late = _note_late(city, seen)
    # The alarm comes before the attempt: a build may take its time, or not end at all.
    sent = alarms.tell(city, [*alarms.of_late(late), *_obstacles(city, seen)])
    ticked = Ticked(seen, late=tuple(late))
    for batch in _batches([one for one in seen.due if one.action == "build"]):
        done, ticked = _built(city, ticked, batch, build=build)
        if not done:
            break
    skipped = [_settle(city, seen, one, "skipped") for one in seen.due if one.action == "skip"]
    sent += alarms.tell(city, [notice for one in ticked.settled for notice in _notices(one)])
    return replace(ticked, settled=(*skipped, *ticked.settled), sent=tuple(sent))


def _notices(one: Settled) -> Iterator[Notice]:
    return alarms.of_outcome(one.occurrence, one.outcome, codes=one.codes, cells=len(one.cells))


def _obstacles(city: City, seen: Outlook) -> Iterator[Notice]:
    """Tell what keeps reports from being judged at all."""
    for report, one in seen.schedules.items():
        for dataset in one.of:
            if dataset in seen.unreadable:
                yield alarms.of_obstacle(report, dataset, seen.unreadable[dataset].code, now=city.now)
    for file, code in {problem.file: problem.code for problem in seen.problems}.items():
        yield alarms.of_obstacle(Path(file).stem, "definition", code or "report.invalid", now=city.now)


def _note_late(city: City, told: Outlook) -> list[Occurrence]:
    """Find what is late, and note it once: the alarm comes before the attempt to build."""
    waiting = {
        edition.partition("@")[0].partition("/")[0] for edition in views.waiting(_about_editions(city))
    }
    late = schedule.overdue(told.schedules, told.past, told.due, waiting=waiting, now=city.now)
    for one in late:
        details = {"occurrence": one.id, "deadline": told.schedules[one.report].deadline}
        told.past.take(_append(city, schedule.LATE, one.report, details))
    return late


def _about_editions(city: City) -> list[Entry]:
    kinds = ("awaiting-approval", "approved", "released", "refused")
    found = [entry for kind in kinds for entry in city.book.entries(kind=kind)]
    return sorted(found, key=lambda entry: entry.number)


def _batches(due: Iterable[Occurrence]) -> Iterator[list[Occurrence]]:
    """Group what can be built together: of each report one at a time, in the order of their times."""
    left = list(due)
    while left:
        batch: dict[str, Occurrence] = {}
        for one in left:
            batch.setdefault(one.report, one)
        yield list(batch.values())
        left = [one for one in left if one not in batch.values()]


def _built(city: City, ticked: Ticked, batch: Sequence[Occurrence], *, build: Build) -> tuple[bool, Ticked]:
    """Build a batch and note what became of it; tell whether the next one may be tried."""
    told = ticked.outlook
    zone = city.settings.city.zone
    days = {
        one.report: schedule.nominal_day(one.nominal, told.schedules[one.report], zone=zone) for one in batch
    }
    try:
        summary = build([one.report for one in batch], days)
    except StadtbuchError as error:
        return False, _stopped(city, ticked, batch, error)
    if "site" in summary:  # what was built is on no page yet
        return False, _stopped(
            city, replace(ticked, builds=(*ticked.builds, summary)), batch, summary["site"]["error"]
        )
    settled = [_judge(city, told, one, summary) for one in batch]
    more = replace(ticked, settled=(*ticked.settled, *settled), builds=(*ticked.builds, summary))
    return all(one.outcome != schedule.TRIED for one in settled), more


def _stopped(city: City, ticked: Ticked, batch: Sequence[Occurrence], error: StadtbuchError) -> Ticked:
    """Note that a whole build came to nothing; while another command builds, nothing was even tried."""
    outcome = "busy" if isinstance(error, Busy) else schedule.TRIED
    settled = [_settle(city, ticked.outlook, one, outcome, codes=(error.code,)) for one in batch]
    return replace(ticked, settled=(*ticked.settled, *settled), error=error)


def _judge(city: City, told: Outlook, occurrence: Occurrence, summary: Mapping[str, Any]) -> Settled:
    """Say what became of an occurrence: the worst of its cells."""
    runs = [one for one in summary["runs"] if one["report"] == occurrence.report]
    outcome = _outcome(runs)
    concerned = [one for one in runs if outcome == "done" or _cell_outcome(one) == outcome]
    codes = (
        dict.fromkeys(code for one in concerned for code in alarms.codes(one)) if outcome != "done" else {}
    )
    cells = tuple(str(one["cell"]) for one in concerned if one["cell"])
    return _settle(city, told, occurrence, outcome, codes=tuple(codes), cells=cells)


ORDER = (schedule.TRIED, "failed", "refused", schedule.WAITING, "done")


def _outcome(runs: Sequence[Mapping[str, Any]]) -> str:
    return min((_cell_outcome(one) for one in runs), key=ORDER.index, default="done")


def _cell_outcome(run: Mapping[str, Any]) -> str:
    if isinstance(run["error"], PASSING):
        return schedule.TRIED
    if run["status"] in ("failed", "refused"):
        return str(run["status"])
    return schedule.WAITING if run["publication"] == schedule.WAITING else "done"


def _settle(
    city: City,
    told: Outlook,
    occurrence: Occurrence,
    outcome: str,
    *,
    codes: tuple[str, ...] = (),
    cells: tuple[str, ...] = (),
) -> Settled:
    """Write into the book what became of an occurrence."""
    late = schedule.is_late(told.schedules[occurrence.report], occurrence, now=city.now)
    if outcome != "busy":
        details = schedule.details(
            occurrence, outcome=outcome, late=late, codes=list(codes), cells=len(cells)
        )
        told.past.take(_append(city, schedule.OCCURRED, occurrence.report, details))
    return Settled(occurrence, outcome, late, codes, cells)


# ---- for people -----------------------------------------------------------------------------------------

CATCH_UP = {
    "all": Text(de="Verpasstes wird nachgeholt", en="what was missed is made up for"),
    "latest": Text(
        de="von Verpasstem wird das letzte nachgeholt", en="of what was missed the last is made up for"
    ),
    "skip": Text(de="Verpasstes fällt aus", en="what was missed is left out"),
}


def upcoming(one: Schedule, *, after: datetime, zone: tzinfo, number: int) -> list[tuple[datetime, datetime]]:
    """Give the next times of a schedule: nominal, and when the report is built."""
    if one.cron is None:
        return []
    found = schedule.times(one, after=after - schedule.LONGEST_MOVE, zone=zone)
    return list(islice((pair for pair in found if pair[1] > after), number))


def told(one: Schedule) -> Text:
    """
    Say a schedule in one line.

    Examples
    --------
    >>> told(Schedule(cron="0 6 1 * *", deadline="6h")).en
    'cron 0 6 1 * *, of what was missed the last is made up for, within 6h'
    """
    if one.cron is None:
        listed = ", ".join(one.of)
        return Text(de=f"neue Fassung von {listed}", en=f"new version of {listed}")
    zone = f" ({one.time_zone})" if one.time_zone else ""
    missed = CATCH_UP[one.catch_up]
    days = f", holidays: {one.holidays} ({one.region})" if one.holidays else ""
    parts = Text(
        de=f", {missed.de}" + (f", Frist {one.deadline}" if one.deadline else ""),
        en=f", {missed.en}" + (f", within {one.deadline}" if one.deadline else ""),
    )
    return Text(de=f"cron {one.cron}{zone}{days}{parts.de}", en=f"cron {one.cron}{zone}{days}{parts.en}")


def reason(occurrence: Occurrence, *, zone: tzinfo) -> Text:
    """
    Say why something is due.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    >>> reason(Occurrence(report="r", nominal=at, due=at, skipped=2), zone=UTC).en
    'due since 2026-03-01 05:00, stands for 2 earlier times as well'
    """
    if occurrence.versions:
        listed = ", ".join(occurrence.versions)
        return Text(de=f"neue Fassung von {listed}", en=f"new version of {listed}")
    nominal, due = (shown(one, zone=zone) for one in (occurrence.nominal, occurrence.due))
    moved = nominal != due
    also = occurrence.skipped
    return Text(
        de=f"fällig seit {due.de}"
        + (f", verschoben von {nominal.de}" if moved else "")
        + (f", steht auch für {also} frühere" if also else ""),
        en=f"due since {due.en}"
        + (f", moved from {nominal.en}" if moved else "")
        + (f", stands for {also} earlier times as well" if also else ""),
    )


def shown(moment: datetime, *, zone: tzinfo) -> Text:
    """
    Write a moment as readers do, in the city's zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> shown(datetime(2026, 3, 1, 5, tzinfo=UTC), zone=UTC)
    Text(de='01.03.2026 05:00', en='2026-03-01 05:00')
    """
    local = moment.astimezone(zone)
    return Text(de=f"{local:%d.%m.%Y %H:%M}", en=f"{local:%Y-%m-%d %H:%M}")
