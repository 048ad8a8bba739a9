"""Old editions once more: what was published is computed again, and the book and the pages say what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stadtbuch.book import views
from stadtbuch.reports import editions, packages
from stadtbuch.reports.editions import Archived
from stadtbuch.runs import key
from stadtbuch.session.city import City
from stadtbuch.transparency.environments import Environments
from stadtbuch.transparency.verdict import Verdict
from stadtbuch.transparency.verification import Verifier


def again(
    city: City,
    names: Sequence[str],
    *,
    work: Path,
    oldest: int | None = None,
    told: Callable[[str], None] = lambda edition: None,
) -> Iterator[Verdict]:
    """
    Verify every public edition of the named reports, or of all, and enter each verdict into the book.

    An edition whose lock and library are those that are running is computed in the running environment; for the
    others an environment is built, once for all that share it.

    Parameters
    ----------
    work
        An empty folder of our own.
    oldest
        Only so many, those without a verdict first, then those whose verdict is oldest: in some nights, all.
    told
        Called with the id of each edition before it is computed.
    """
    fresh = Environments(work / "environments")
    place = work / "editions"
    place.mkdir(parents=True)
    for archived, index in due(city, names)[:oldest]:
        told(archived.edition.id)
        running = index["library"]["sha256"] == key.library()["sha256"] and _locked(
            city, index["environment"]
        )
        verifier = Verifier(place, city=city, fresh=None if running else fresh)
        found = verifier.verify(archived.edition.id)
        _enter(city, found, environment="running" if running else "fresh")
        yield found


def due(city: City, names: Sequence[str]) -> list[tuple[Archived, Mapping[str, Any]]]:
    """Give every public edition that can be computed again with its package, those first that waited longest."""
    last = {
        name: entry.number for name, entry in views.verified(city.book.entries(kind=views.VERIFIED)).items()
    }
    found = []
    for archived in editions.history(city.state):
        index = packages.index(archived.folder)
        wanted = archived.public and (not names or archived.edition.report in names)
        if wanted and index is not None:
            found.append((archived, index))
    return sorted(found, key=lambda pair: last.get(pair[0].edition.id, 0))


def _locked(city: City, environment: Mapping[str, str]) -> bool:
    """Tell whether the city's libraries and Python are those of an edition."""
    now = key.environment(city.settings.root)
    return all(environment.get(name) == value for name, value in now.items())


def _enter(city: City, found: Verdict, *, environment: str) -> None:
    """Write into the book what came out: the verdict, and of differences only what they are differences of."""
    parts = sorted({one.part for one in found.differences})
    details = {"verdict": found.outcome, "environment": environment, "parts": parts}
    city.book.append(views.VERIFIED, subject=found.edition, actor=city.actor, now=city.now, details=details)
