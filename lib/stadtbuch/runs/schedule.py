"""
When reports are due: a pure function of the schedules, the book, the datasets' versions, and the time.

Nothing runs in the background. Whoever asks, whenever and however often, gets the same answer for the same book; what
was done is an entry there, so a time that passed is built once and only once. Cron expressions follow Debian's cron
where clocks change (`cronsim`): a time in the hour that does not exist comes right after it, a time in the hour that
exists twice comes once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from stadtbuch import atomic
from stadtbuch.model.entry import Entry
from stadtbuch.model.schedule import Occurrence, Schedule
from stadtbuch.runs.parameters import did_you_mean
from stadtbuch.texts import Text, instant

BEGUN, ENDED, OCCURRED, LATE = "schedule-begun", "schedule-ended", "occurrence", "late"
KINDS = (BEGUN, ENDED, OCCURRED, LATE)
"""Kinds of entries that this module reads."""
TRIED = "tried"
"""The outcome of an occurrence that could not be built for a reason that may pass."""
WAITING = "awaiting-approval"
GRACE = timedelta(hours=1)
"""How late a time may be seen and still be built where missed ones are skipped and no deadline is set."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=15), timedelta(hours=6)
"""Between two tries; the pause doubles each time."""
MOST_STEPS = 5_000
"""Times looked at per report and call; after a very long outage the next call goes on."""
LONGEST_MOVE = timedelta(days=14)
"""No run of days off is longer."""
SATURDAY = 5


@dataclass(slots=True)
class Past:
    """
    What the book says about schedules, entry by entry.

    Attributes
    ----------
    begun
        Report -> the fingerprint of its schedule, and since when it holds.
    last
        Report -> the last time that was settled.
    versions
        Report and dataset -> the version that was settled last.
    tries
        Id of an occurrence -> when it was tried in vain.
    outcomes
        Report -> id and outcome of what was settled last, and when it was due.
    late
        Ids that were told to be late.
    """

    begun: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    last: dict[str, datetime] = field(default_factory=dict)
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    tries: dict[str, list[datetime]] = field(default_factory=dict)
    outcomes: dict[str, Entry] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Past:
        """Read all entries of the book, in their order."""
        past = cls()
        for entry in entries:
            past.take(entry)
        return past

    def take(self, entry: Entry) -> None:
        """Learn from one more entry."""
        match entry.kind:
            case "schedule-begun":
                self.begun[entry.subject] = (str(entry.details["schedule"]), entry.at)
            case "schedule-ended":
                self.begun.pop(entry.subject, None)
            case "late":
                self.late.add(str(entry.details["occurrence"]))
            case "occurrence":
                self._occurred(entry)

    def _occurred(self, entry: Entry) -> None:
        told = entry.details
        if told["outcome"] == TRIED:
            self.tries.setdefault(told["occurrence"], []).append(entry.at)
            return
        self.tries.pop(told["occurrence"], None)
        self.outcomes[entry.subject] = entry
        for dataset, version in told["versions"].items():
            self.versions[entry.subject, dataset] = version
        if not told["versions"]:
            self.last[entry.subject] = datetime.fromisoformat(told["nominal"])


def fingerprint(schedule: Schedule, *, zone: tzinfo) -> str:
    """Give what names the times of a schedule; how late ones are treated may change without a new beginning."""
    told = (
        schedule.cron,
        schedule.on,
        schedule.of,
        str(zone_of(schedule, zone)),
        schedule.holidays,
        schedule.region,
    )
    return atomic.digest(repr(told).encode())[:16]


def begins(schedules: Mapping[str, Schedule], past: Past, *, zone: tzinfo) -> dict[str, str]:
    """Give the reports whose schedule is new or changed, with its fingerprint: times count from now on."""
    told = {report: fingerprint(one, zone=zone) for report, one in schedules.items()}
    return {
        report: mark
        for report, mark in told.items()
        if report not in past.begun or past.begun[report][0] != mark
    }


def ends(schedules: Mapping[str, Schedule], past: Past) -> list[str]:
    """Give the reports that no longer have a schedule."""
    return [report for report in past.begun if report not in schedules]


def due(
    schedules: Mapping[str, Schedule],
    past: Past,
    *,
    versions: Mapping[str, str],
    now: datetime,
    zone: tzinfo,
) -> list[Occurrence]:
    """
    Give what is due, oldest first.

    Parameters
    ----------
    schedules
        Report -> schedule; those that never began are left out.
    past
        From the book.
    versions
        Dataset -> its version now; one that cannot be read is left out.
    now
        The moment; a time that is exactly now is due.
    zone
        The city's, for schedules that name none.

    Returns
    -------
    list
        What is to be built, skipped, or tried again later; per report in the order of their times.
    """
    found: list[Occurrence] = []
    for report, schedule in schedules.items():
        if report not in past.begun or past.begun[report][0] != fingerprint(schedule, zone=zone):
            continue
        missed = (
            _passed(report, schedule, past, now=now, zone=zone)
            if schedule.cron is not None
            else _renewed(report, schedule, past, versions=versions, now=now)
        )
        found += _caught_up(missed, schedule, past, now=now)
    return sorted(found, key=lambda one: (one.due, one.report))


@lru_cache(maxsize=256)
def _soonest(schedule: Schedule, after: datetime, zone: tzinfo) -> datetime:
    """Give the first time after the last one that was settled: kept, as the answer stays until that is over."""
    return next(times(schedule, after=after, zone=zone))[1]


def ahead(schedules: Mapping[str, Schedule], past: Past, *, now: datetime) -> list[str]:
    """Give the reports whose last settled time lies in the future: a clock was wrong, then or now."""
    return [report for report in schedules if report in past.last and past.last[report] > now + LONGEST_MOVE]


def _passed(report: str, schedule: Schedule, past: Past, *, now: datetime, zone: tzinfo) -> list[Occurrence]:
    """Give the times of a cron expression that are over and not settled."""
    since = past.begun[report][1].replace(second=0, microsecond=0)
    after = max(past.last.get(report, since - LONGEST_MOVE), since - LONGEST_MOVE)
    found: list[Occurrence] = []
    if _soonest(schedule, after, zone) > now:
        return found
    for nominal, when in times(schedule, after=after, zone=zone):
        if when > now or len(found) >= MOST_STEPS:
            break
        if when >= since:
            found.append(Occurrence(report=report, nominal=nominal, due=when))
    return found


def _renewed(
    report: str, schedule: Schedule, past: Past, *, versions: Mapping[str, str], now: datetime
) -> list[Occurrence]:
    """Give one occurrence for the datasets that are not as they were when the report was last due."""
    fresh = {
        dataset: versions[dataset]
        for dataset in schedule.of
        if dataset in versions and past.versions.get((report, dataset)) != versions[dataset]
    }
    if not fresh:
        return []
    seen = Occurrence(report=report, nominal=now, due=now, versions=fresh)
    first = past.tries.get(seen.id, [now])[0]
    return [seen.model_copy(update={"nominal": first, "due": first})]


def _caught_up(
    missed: list[Occurrence], schedule: Schedule, past: Past, *, now: datetime
) -> Iterator[Occurrence]:
    """Choose among the times that passed, as the schedule says."""
    if schedule.catch_up == "latest" and missed:
        missed = [missed[-1].model_copy(update={"skipped": len(missed) - 1})]
    if schedule.catch_up == "skip" and not schedule.of:
        grace = schedule.allowance or GRACE
        stale = [one for one in missed if now - one.due > grace]
        if stale:
            yield stale[-1].model_copy(update={"skipped": len(stale) - 1, "action": "skip"})
        missed = missed[len(stale) :]
    for one in missed:
        if now < next_try(past.tries.get(one.id, [])):
            yield one.model_copy(update={"action": "wait"})
            return  # what comes later would meet the same obstacle
        yield one


def next_try(tries: list[datetime]) -> datetime:
    """
    Give the time before which nothing is tried again.

    Examples
    --------
    >>> at = datetime(2026, 1, 15, 6, tzinfo=UTC)
    >>> next_try([at]).isoformat(), next_try([at, at]).isoformat()
    ('2026-01-15T06:15:00+00:00', '2026-01-15T06:30:00+00:00')
    """
    if not tries:
        return datetime.min.replace(tzinfo=UTC)
    return tries[-1] + min(FIRST_PAUSE * 2 ** min(len(tries) - 1, 10), LONGEST_PAUSE)


def overdue(
    schedules: Mapping[str, Schedule],
    past: Past,
    pending: Iterable[Occurrence],
    *,
    waiting: Iterable[str],
    now: datetime,
) -> list[Occurrence]:
    """
    Give what is late and was not told to be: its deadline is over, and the report is not there.

    Parameters
    ----------
    pending
        From `due`.
    waiting
        Reports of which an edition awaits approval: built, and still not there.
    """
    still = set(waiting)
    built = (_again(entry) for report, entry in past.outcomes.items() if report in still and _waits(entry))
    return [
        one
        for one in (*pending, *built)
        if one.id not in past.late and is_late(schedules.get(one.report), one, now=now)
    ]


def _waits(entry: Entry) -> bool:
    return bool(entry.details["outcome"] == WAITING)


def _again(entry: Entry) -> Occurrence:
    """Read an occurrence from its entry."""
    told = entry.details
    return Occurrence(
        report=entry.subject,
        nominal=datetime.fromisoformat(told["nominal"]),
        due=datetime.fromisoformat(told["due"]),
        versions=told["versions"],
    )


def is_late(schedule: Schedule | None, occurrence: Occurrence, *, now: datetime) -> bool:
    """Tell whether the deadline of an occurrence is over."""
    allowance = schedule.allowance if schedule else None
    return allowance is not None and now > occurrence.due + allowance


def details(occurrence: Occurrence, *, outcome: str, **more: object) -> dict[str, object]:
    """Write an occurrence as the book keeps it."""
    return {
        "occurrence": occurrence.id,
        "nominal": instant(occurrence.nominal),
        "due": instant(occurrence.due),
        "versions": dict(occurrence.versions),
        "skipped": occurrence.skipped,
        "outcome": outcome,
        **more,
    }


# ---- what can be wrong with a schedule ------------------------------------------------------------------

Mistake = tuple[str, str, Text, Text | None]
"""Key of the schedule, code, what is wrong, what to write."""


def mistakes(schedule: Schedule) -> list[Mistake]:
    """
    Find what is well-formed and still wrong, with the key where it stands.

    Examples
    --------
    >>> [(key, code, what.en) for key, code, what, _ in mistakes(Schedule(cron="0 6 31 2 *"))]
    [('cron', 'schedule-cron', 'has a wrong day of the month')]
    """
    found = [*_kind(schedule), *_deadline(schedule), *_zone(schedule), *_days_off(schedule)]
    found += _cron(schedule) if not found and schedule.cron is not None else []
    return found


def _kind(schedule: Schedule) -> Iterator[Mistake]:
    if (schedule.cron is None) == (schedule.on is None):
        what = Text(de="braucht entweder cron oder on", en="needs either cron or on")
        yield "", "schedule-kind", what, _KINDS
    elif schedule.on and not schedule.of:
        yield "of", "schedule-of", Text(de="fehlt", en="is missing"), _KINDS
    elif schedule.cron is not None and schedule.of:
        yield (
            "of",
            "schedule-of",
            Text(de="gehört zu on: new-version", en="belongs to on: new-version"),
            _KINDS,
        )
    if schedule.on and schedule.catch_up != "latest":
        what = Text(de="gibt es nur bei cron", en="is for cron only")
        yield "catch_up", "schedule-catch-up", what, _ONE_VERSION
    for name in ("time_zone", "holidays", "region"):
        if schedule.on and getattr(schedule, name):
            yield name, "schedule-misplaced", Text(de="gibt es nur bei cron", en="is for cron only"), None
    for dataset in schedule.of:
        if not _DATASET.fullmatch(dataset):
            what = Text(de="ist keine Kennung eines Datensatzes", en="is no id of a dataset")
            yield "of", "schedule-of", what, _IDS


def _deadline(schedule: Schedule) -> Iterator[Mistake]:
    if schedule.deadline is not None and not SPAN.fullmatch(schedule.deadline):
        yield "deadline", "schedule-deadline", Text(de="ist keine Frist", en="is no span of time"), _SPANS


def _zone(schedule: Schedule) -> Iterator[Mistake]:
    if schedule.time_zone is None:
        return
    known = available_timezones()
    if schedule.time_zone not in known:
        near = get_close_matches(schedule.time_zone, known, n=1)
        hint = did_you_mean(near[0]) if near else Text(de="etwa Europe/Berlin", en="such as Europe/Berlin")
        yield "time_zone", "schedule-zone", Text(de="ist keine Zeitzone", en="is no time zone"), hint


def _days_off(schedule: Schedule) -> Iterator[Mistake]:
    if schedule.region is not None and schedule.holidays is None:
        what = Text(de="wirkt nur mit holidays", en="has a meaning with holidays only")
        yield "region", "schedule-region", what, _DAYS_OFF
    if schedule.holidays is not None and schedule.region is None:
        what = Text(de="braucht region", en="needs region")
        yield "holidays", "schedule-region", what, _REGIONS
    if schedule.region is not None and not _is_region(schedule.region):
        yield "region", "schedule-region", Text(de="ist unbekannt", en="is unknown"), _REGIONS


def _is_region(region: str) -> bool:
    try:
        _holidays(region, 2026)
    except (NotImplementedError, KeyError, ValueError, AttributeError):
        return False
    return True


def _cron(schedule: Schedule) -> Iterator[Mistake]:
    assert schedule.cron is not None  # asked for schedules with a cron expression only
    if len(schedule.cron.split()) != len(_FIELDS):
        what = Text(de="hat nicht fünf Felder", en="does not have five fields")
        yield "cron", "schedule-cron", what, _CRON
        return
    try:
        found = next(_reachable(schedule), None)
    except CronSimError as error:
        field_ = _FIELDS.get(str(error).removeprefix("Bad "), Text(de="ein Feld", en="a field"))
        what = Text(de=f"hat ein falsches Feld: {field_.de}", en=f"has a wrong {field_.en}")
        yield "cron", "schedule-cron", what, _CRON
        return
    if found is None:
        what = Text(de="trifft nie auf einen Arbeitstag", en="never meets a working day")
        yield "cron", "schedule-never", what, _DAYS_OFF


def _reachable(schedule: Schedule) -> Iterator[datetime]:
    """Give those of the next times that are not left out: none of them means never."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for nominal in islice(nominals(schedule, after=start, zone=UTC), 400):
        if moved_from(nominal, schedule, zone=UTC) is not None:
            yield nominal


SPAN = re.compile(r"[1-9][0-9]{0,3}[mhd]")
_DATASET = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*")
_FIELDS = {
    "minute": Text(de="Minute", en="minute"),
    "hour": Text(de="Stunde", en="hour"),
    "day-of-month": Text(de="Tag des Monats", en="day of the month"),
    "month": Text(de="Monat", en="month"),
    "day-of-week": Text(de="Wochentag", en="day of the week"),
}
_KINDS = Text(
    de='schreiben Sie {cron: "0 6 1 * *"} oder {on: new-version, of: domäne.datensatz}',
    en='write {cron: "0 6 1 * *"} or {on: new-version, of: domain.dataset}',
)
_ONE_VERSION = Text(
    de="von einem Datensatz ist immer nur die jetzige Fassung da; schreiben Sie latest",
    en="of a dataset only the present version is there; write latest",
)
_IDS = Text(de="etwa population.residents", en="such as population.residents")
_SPANS = Text(de="etwa 90m, 6h oder 2d", en="such as 90m, 6h or 2d")
_DAYS_OFF = Text(
    de="holidays: skip lässt Wochenenden und Feiertage aus, before und after verschieben auf einen Arbeitstag",
    en="holidays: skip leaves out weekends and public holidays, before and after move to a working day",
)
_REGIONS = Text(de="etwa DE-NW, DE-BY oder DE", en="such as DE-NW, DE-BY or DE")
_CRON = Text(
    de='Minute, Stunde, Tag, Monat, Wochentag: "0 6 1 * *" ist sechs Uhr am Ersten des Monats',
    en='minute, hour, day, month, weekday: "0 6 1 * *" is six o\'clock on the first of the month',
)


# ---- the times of a cron expression ---------------------------------------------------------------------


def zone_of(schedule: Schedule, zone: tzinfo) -> tzinfo:
    """Give the zone in which a schedule is meant."""
    return ZoneInfo(schedule.time_zone) if schedule.time_zone else zone


def times(schedule: Schedule, *, after: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """
    Give the times of a cron expression without end: the one it names, and the one at which the report is built.

    Of several that a day off moves to one moment the last one counts.

    Parameters
    ----------
    after
        Times later than this.
    zone
        The city's.

    Examples
    --------
    >>> from itertools import islice
    >>> monthly = Schedule(cron="0 6 1 * *", holidays="after", region="DE-NW")
    >>> found = times(monthly, after=datetime(2026, 4, 20, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))
    >>> [f"{nominal:%d %b} built {due:%a %d %b %H:%M}" for nominal, due in islice(found, 2)]
    ['01 May built Mon 04 May 04:00', '01 Jun built Mon 01 Jun 04:00']
    """
    held: tuple[datetime, datetime] | None = None
    for nominal in nominals(schedule, after=after, zone=zone):
        moved = moved_from(nominal, schedule, zone=zone)
        if moved is None:
            continue
        if held is not None and held[1] != moved:
            yield held
        held = (nominal, moved)
        if schedule.holidays is None:
            yield held
            held = None


def nominals(schedule: Schedule, *, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Give the times that a cron expression names, in UTC."""
    assert schedule.cron is not None  # asked for schedules with a cron expression only
    for local in CronSim(schedule.cron, after.astimezone(zone_of(schedule, zone))):
        yield local.astimezone(UTC)


def moved_from(nominal: datetime, schedule: Schedule, *, zone: tzinfo) -> datetime | None:
    """Give the time at which what is due at a nominal time is built; None if it is left out."""
    if schedule.holidays is None:
        return nominal
    local = nominal.astimezone(zone_of(schedule, zone))
    day = local.date()
    if not is_off(day, schedule.region):
        return nominal
    if schedule.holidays == "skip":
        return None
    step = timedelta(days=-1 if schedule.holidays == "before" else 1)
    while is_off(day, schedule.region):
        day += step
    return datetime.combine(day, local.time(), tzinfo=local.tzinfo).astimezone(UTC)


def is_off(day: date, region: str | None) -> bool:
    """
    Tell whether a day is no working day: Saturday, Sunday or a public holiday (as in section 193 BGB).

    Examples
    --------
    >>> is_off(date(2026, 5, 1), "DE-NW"), is_off(date(2026, 6, 4), "DE-NW"), is_off(date(2026, 6, 4), "DE-BE")
    (True, True, False)
    """
    return day.weekday() >= SATURDAY or (region is not None and day in _holidays(region, day.year))


@lru_cache(maxsize=256)
def _holidays(region: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - start-up time: most schedules name no region

    country, _, part = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def last_nominal(schedule: Schedule, *, now: datetime, zone: tzinfo) -> datetime | None:
    """Give the last time that a cron expression named before or at a moment; None if it names none."""
    if schedule.cron is None:
        return None
    ahead = LONGEST_MOVE if schedule.holidays == "before" else timedelta(minutes=1)
    local = (now + ahead).astimezone(zone_of(schedule, zone)).replace(second=0, microsecond=0)
    for found in CronSim(schedule.cron, local, reverse=True):
        nominal = found.astimezone(UTC)
        moved = moved_from(nominal, schedule, zone=zone)
        if moved is not None and moved <= now:
            return nominal
    return None


# ---- the time of an occurrence as a parameter -------------------------------------------------------------

TEMPLATE = re.compile(r"\{occurrence:([a-z-]+)\}")
PERIODS: Mapping[str, Callable[[date], str | int]] = {
    "date": date.isoformat,
    "previous-day": lambda day: (day - timedelta(days=1)).isoformat(),
    "year": lambda day: day.year,
    "previous-year": lambda day: day.year - 1,
    "previous-year-end": lambda day: date(day.year - 1, 12, 31).isoformat(),
    "month": lambda day: f"{day:%Y-%m}",
    "previous-month": lambda day: f"{_month_before(day):%Y-%m}",
    "previous-month-end": lambda day: _month_before(day).isoformat(),
    "quarter": lambda day: _quarter(day),
    "previous-quarter": lambda day: _quarter(
        day.replace(day=1, month=_first_of_quarter(day)) - timedelta(days=1)
    ),
}
"""What ``"{occurrence:...}"`` stands for, from the nominal day: later moves and delays do not change a period."""


def day_of(schedule: Schedule | None, *, now: datetime, zone: tzinfo) -> date:
    """Give the nominal day for which a report is built at a moment: the last one of its schedule, else today."""
    nominal = last_nominal(schedule, now=now, zone=zone) if schedule else None
    return nominal_day(nominal, schedule, zone=zone) if schedule and nominal else now.astimezone(zone).date()


def nominal_day(nominal: datetime, schedule: Schedule, *, zone: tzinfo) -> date:
    """Give the day of a nominal time where the schedule is meant."""
    return nominal.astimezone(zone_of(schedule, zone)).date()


def filled(value: object, *, day: date) -> object:
    """
    Put the nominal day of an occurrence, or a period counted from it, in place of a template.

    Examples
    --------
    >>> filled("{occurrence:previous-month-end}", day=date(2028, 3, 1)), filled(2025, day=date(2028, 3, 1))
    ('2028-02-29', 2025)
    """
    match = TEMPLATE.fullmatch(value) if isinstance(value, str) else None
    return PERIODS[match[1]](day) if match else value


def _month_before(day: date) -> date:
    """Give the last day of the month before."""
    return day.replace(day=1) - timedelta(days=1)


def _first_of_quarter(day: date) -> int:
    return 3 * ((day.month - 1) // 3) + 1


def _quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"
