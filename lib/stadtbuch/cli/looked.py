"""
What a build looks at, as scopes of stamps: everything that could make the next one say something else.

What is read is looked at before the build and must still be the same after it: whoever saves a notebook meanwhile
gets no quick answer. What is written is looked at afterwards.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stadtbuch
from stadtbuch import settings as city_settings
from stadtbuch import stamps
from stadtbuch.actors import FILE as ROLES
from stadtbuch.catalog import allowed
from stadtbuch.cli import unchanged
from stadtbuch.errors import Busy
from stadtbuch.reports import definitions, editions
from stadtbuch.runs import key
from stadtbuch.stamps import DoubtError, Look, Scope

if TYPE_CHECKING:
    from stadtbuch.session import City

FOLDERS = ("catalogs", "notebooks", "reports")
UNASKED = ("cache", "log", "runs", "store")
"""
Folders of the state that the answer does not depend on: what may be deleted, what is only written, and pieces by
content. Of the runs, those of this build are looked at.
"""


def inputs(city: City) -> Scope:
    """
    Give what a build reads: settings, roles, catalogue, definitions, notebooks and modules, data, lock, library.

    Whatever stands in the folders counts, whether it is read or not.
    """
    settings = city.settings
    root = settings.root
    folders = [settings.folder(name) for name in FOLDERS]  # type: ignore[arg-type]
    folders += [root / "site", Path(stadtbuch.__file__).parent, *_beside(city, folders)]
    secret = [root / settings.tables.concentration] if settings.tables.concentration else []
    files = [root / city_settings.FILE, root / ROLES, root / key.LOCK, *secret, *_data(city)]
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return Scope(
        folders=tuple(map(str, folders)), files=(*map(str, files), *sorted(installed)), without=_own(city)
    )


def outputs(city: City, runs: Sequence[str]) -> Scope:
    """
    Give what a build writes: the state and the public pages.

    Parameters
    ----------
    runs
        Keys of the runs that the build used.
    """
    state = city.state
    left_out = [*(state.root / name for name in UNASKED), *state.root.glob("*.lock")]
    used = [state.folder("runs") / one for one in runs]
    return Scope(
        folders=tuple(map(str, (state.root, city.settings.folder("public"), *used))),
        without=tuple(map(str, left_out)),
    )


def _own(city: City) -> tuple[str, ...]:
    """Leave out what the build itself writes, should a folder of the inputs hold it."""
    return (str(city.state.root), str(city.settings.folder("public")))


def _data(city: City) -> list[Path]:
    """Give the files of all sources but the registers, which the build writes."""
    found = (one for one in city.catalog.datasets.values() if not allowed.is_register(one.source))
    return [path for one in found for path in allowed.parts(one.source, city.settings)]


def _beside(city: City, folders: Sequence[Path]) -> list[Path]:
    """Give the folders of notebooks that lie elsewhere: modules may stand beside them."""
    root = city.settings.root
    named = [
        path
        for report in definitions.readable(city.settings).values()
        for path in (report.prepare, report.report, (report.dashboard or {}).get("notebook"))
        if path
    ]
    places = {(root / path).parent for path in named}
    return sorted(one for one in places if not any(one.is_relative_to(folder) for folder in folders))


def before(city: City) -> tuple[Scope, Look] | None:
    """Look at what a build will read; nothing if stamps cannot vouch for it."""
    cache = city.state.folder("cache")
    unchanged.forget(cache)
    try:
        scope = inputs(city)
        return scope, stamps.look(scope, at=stamps.clock(cache))
    except (OSError, DoubtError):
        return None


def after(
    city: City,
    seen: tuple[Scope, Look] | None,
    *,
    document: Mapping[str, Any],
    runs: Sequence[str],
    language: str,
    lines: Callable[[Mapping[str, Any]], Sequence[tuple[str | None, str]]],
) -> None:
    """
    Keep the record of a build, if the next one would say that nothing changed.

    Parameters
    ----------
    seen
        From `before`.
    document
        What the build answers as JSON.
    runs
        Keys of the runs that it used.
    lines
        Writes such a document for people.
    """
    told = unchanged.unchanged(document)
    if seen is None or told is None or not _is_today(city):
        return
    shown = lines(told)
    try:
        with city.state.lock("build", command="stadtbuch build"), city.state.lock("site"):
            if not (_stands(city, told) and stamps.holds(*seen)):
                return
            written = outputs(city, runs)
            made = stamps.look(written, at=stamps.clock(city.state.folder("cache")))
            unchanged.keep(
                city.state.folder("cache"),
                document=told,
                lines=shown,
                beside=any(name is None for name, _ in shown[:-1]),
                language=language,
                day=_day(city),
                looks=[seen, (written, made)],
            )
    except (Busy, OSError, DoubtError):
        return


def _is_today(city: City) -> bool:
    """Tell whether the session's day is the clock's; what holds on another day is not remembered."""
    zone = city.settings.city.zone
    return city.clock is not None and city.clock.astimezone(zone).date() == city.today


def _day(city: City) -> tuple[float, float]:
    """Give the first and the last moment of the city's day, in seconds since 1970."""
    zone, today = city.settings.city.zone, city.today
    start = datetime.combine(today, time.min, tzinfo=zone)
    end = datetime.combine(today + timedelta(days=1), time.min, tzinfo=zone)
    return start.timestamp(), end.timestamp()


def _stands(city: City, document: Mapping[str, Any]) -> bool:
    """Tell whether the archive still is what was said: somebody may have decided something meanwhile."""
    return all(_is_so(city, run) for run in document["runs"])


def _is_so(city: City, run: Mapping[str, Any]) -> bool:
    report, cell, name = run["report"], run["cell"], str(run["edition"]).rpartition("@")[2]
    if run["publication"] == "awaiting-approval":
        return (editions.waiting_place(city.state, report, cell) / editions.EDITION).exists()
    folder = editions.place(city.state, report, cell) / name
    withheld = (folder / editions.STATUS).exists()
    return (folder / editions.EDITION).exists() and withheld == (run["publication"] == "withheld")
