"""Everything the public pages say, gathered once: settings, catalogue, reports, archive, downloads, a city's texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch.book import standing, views
from stadtbuch.dashboards import shelf
from stadtbuch.dashboards.shelf import Kept
from stadtbuch.errors import Problem, StateError
from stadtbuch.model.dataset import AccessClass, Dataset
from stadtbuch.model.report import Report
from stadtbuch.reports import definitions, delays, editions, failures, packages
from stadtbuch.reports.delays import Delay
from stadtbuch.reports.editions import Archived
from stadtbuch.reports.render import OVERALL, Verified, cell_label
from stadtbuch.runs import key
from stadtbuch.settings import Settings
from stadtbuch.site import downloads, earlier, quality, seal, showcase
from stadtbuch.site.downloads import Handout
from stadtbuch.site.earlier import Earlier
from stadtbuch.site.seal import PublicSeal
from stadtbuch.site.showcase import Exhibit, Gone
from stadtbuch.stamps import Memory
from stadtbuch.state import State
from stadtbuch.store import Store
from stadtbuch.texts import LANGUAGES, Text
from stadtbuch.transparency import gathering

if TYPE_CHECKING:
    from stadtbuch.session.city import City
    from stadtbuch.session.measuring import Card

WORDS = ("accessibility", "privacy", "imprint")
"""Pages whose text the city writes: ``site/<name>.de.md`` and ``site/<name>.en.md`` in its folder."""


@dataclass(frozen=True, slots=True)
class Site:
    """
    What the pages are made from; the same facts give the same bytes.

    Attributes
    ----------
    shelves
        Report -> cell -> its editions, newest first; withdrawn ones included.
    words
        Page -> language -> Markdown that the city wrote itself.
    tokens
        The city's own style tokens; empty if it has none.
    today
        The day in the city's zone, for reviews that are overdue.
    damaged
        Files of public editions in the archive that are not what their edition says.
    exhibits, gone
        What citizens sent in and the city accepted, the newest first; what of it was withdrawn.
    dashboards
        Dashboards that visitors may see.
    cards
        Dataset -> what everybody may know of its quality.
    earlier
        Pages of earlier builds, which need not be made again if they were made from the same.
    contents
        Checksum -> what the packages of editions share: the library, large inputs.
    verified
        Edition -> what computing it again gave last.
    seal
        Checkpoint and keys of the book; None before the first edition.
    process
        How reliably reports are made, from `transparency.gathering`; None where nobody asked.
    delays
        Report and cell -> what readers are told while something does not work.
    """

    settings: Settings
    datasets: Mapping[str, Dataset]
    reports: Mapping[str, Report]
    shelves: Mapping[str, Mapping[str, tuple[Archived, ...]]]
    handouts: Mapping[str, Handout]
    words: Mapping[str, Mapping[str, str]]
    tokens: str
    today: date
    damaged: tuple[Problem, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    gone: tuple[Gone, ...] = ()
    dashboards: tuple[Kept, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)
    earlier: Earlier | None = None
    contents: Mapping[str, bytes] = field(default_factory=dict)
    verified: Mapping[str, Verified] = field(default_factory=dict)
    seal: PublicSeal | None = None
    process: Mapping[str, Any] | None = None
    delays: Mapping[tuple[str, str], Delay] = field(default_factory=dict)

    @property
    def overdue(self) -> bool:
        """Whether the rules should have been reviewed by now."""
        return self.settings.rules.review < self.today

    @property
    def withheld(self) -> tuple[Dataset, ...]:
        """Give everything that is not open, by title."""
        closed = (one for one in self.datasets.values() if one.access_class is not AccessClass.open)
        return tuple(sorted(closed, key=lambda one: one.title.de.casefold()))

    def report_title(self, name: str) -> Text:
        """Give a report's title: as it is defined today, else as its newest edition has it."""
        if name in self.reports:
            return self.reports[name].title
        return next(iter(self.shelves[name].values()))[0].edition.title

    def delay(self, archived: Archived) -> Delay | None:
        """Give what is told on the pages of an edition: nothing where it is not the newest one."""
        report, cell = archived.edition.report, archived.edition.cell
        newest = self.newest(report, cell)
        if newest is None or newest.path != archived.path:
            return None
        return self.delays.get((report, cell)) or self.delays.get((report, ""))

    def newest(self, report: str, cell: str) -> Archived | None:
        """Give the newest public edition of a cell."""
        return next((one for one in self.shelves[report][cell] if one.public), None)

    def cells(self, report: str) -> list[tuple[str, Text]]:
        """Give the cells of a report that have a public edition: the sum over all first, then by name."""
        found = [
            (cell, self._cell_label(report, cell))
            for cell in self.shelves[report]
            if self.newest(report, cell)
        ]
        return sorted(found, key=lambda pair: (pair[1] != OVERALL, pair[1].de.casefold()))

    def cell_title(self, report: str, cell: str) -> Text:
        """Give a page's title with the cell it is about: "Who lives where? – Mitte"."""
        title = self.report_title(report)
        label = cell_label(self.shelves[report][cell][0].edition, self.reports.get(report))
        return Text(de=f"{title.de} – {label.de}", en=f"{title.en} – {label.en}") if label else title

    def _cell_label(self, report: str, cell: str) -> Text:
        edition = self.shelves[report][cell][0].edition
        return cell_label(edition, self.reports.get(report)) or self.report_title(report)

    def published(self) -> list[str]:
        """Give the reports with a public edition, the newest first."""
        dates = {name: [one.edition.edition for one in self._public(name)] for name in self.shelves}
        names = [name for name, found in dates.items() if found]
        return sorted(sorted(names), key=lambda name: max(map(editions.order, dates[name])), reverse=True)

    def _public(self, report: str) -> Iterator[Archived]:
        return (one for shelf in self.shelves[report].values() for one in shelf if one.public)

    def derived(self) -> list[tuple[str, Archived]]:
        """Give the protected tables that reports published: ``<report>.<table>`` and the newest edition with it."""
        found: dict[str, Archived] = {}
        for report in self.published():
            for cell, _ in self.cells(report):
                newest = self.newest(report, cell)
                for table in _tables(newest) if newest else ():
                    found.setdefault(f"{report}.{table}", newest)  # type: ignore[arg-type]
        return sorted(found.items())

    def uses(self, dataset: str) -> list[tuple[str, str, Archived]]:
        """Give report, version and newest edition for every report whose newest editions read a dataset."""
        found: dict[tuple[str, str], Archived] = {}
        for report in self.published():
            for cell, _ in self.cells(report):
                newest = self.newest(report, cell)
                for one in newest.edition.inputs if newest else ():
                    if dataset in (one.get("id"), one.get("derived_from")) and newest:
                        found.setdefault((report, str(one.get("version") or "")), newest)
        return [(report, version, archived) for (report, version), archived in found.items()]


def _tables(archived: Archived) -> list[str]:
    """Name the tables of an edition that come with their record: those made from closed data."""
    paths = (file.path for file in archived.edition.files)
    names = (
        path.removeprefix("data/").removesuffix(".json")
        for path in paths
        if path.startswith("data/") and path.endswith(".json")
    )
    return [name for name in names if name != "datapackage"]


def gather(city: City, *, now: datetime) -> Site:
    """
    Gather the facts of a city's site.

    Parameters
    ----------
    city
        An opened city; its data are read only for the downloads of open datasets.
    now
        The moment of the build.

    Raises
    ------
    Refused
        ``book.older`` if the pages know more of the book than the book itself.
    """
    settings = city.settings
    public = settings.folder("public")
    standing.require_current(city.book, public)
    datasets = dict(sorted(city.catalog.datasets.items()))
    sound, damaged = intact(city.state, public, memory=city.memory)
    reports = definitions.readable(settings)
    exhibits, gone = showcase.gather(city.state, open_data=_is_open(city))
    return Site(
        settings=settings,
        datasets=datasets,
        reports=reports,
        shelves=shelves(sound),
        handouts={
            one.id: downloads.hand_out(
                one,
                settings,
                before=public / "datasets" / one.id,
                memory=city.memory,
                read=partial(city.source, one.id),
            )
            for one in datasets.values()
            if one.is_open
        },
        words=own_words(settings.root / "site"),
        tokens=_text(settings.root / "site" / "tokens.css"),
        today=now.astimezone(settings.city.zone).date(),
        damaged=tuple(damaged),
        exhibits=exhibits,
        gone=gone,
        dashboards=tuple(shelf.listed(city.state)),
        cards=quality.cards(city),
        earlier=_earlier(city, datasets),
        contents=contents(city.store, sound),
        verified=verified(city),
        seal=seal.gather(city, public, now=now),
        process=gathering.report(city),
        delays=delayed(city, reports),
    )


def delayed(city: City, reports: Mapping[str, Report]) -> dict[tuple[str, str], Delay]:
    """Give what readers are told of failures that last."""
    records = list(failures.everything(city.state))
    released = {}
    for entry in city.book.entries(kind="released") if records else ():
        name = editions.ID.fullmatch(entry.subject)
        if name is not None:
            released[name["report"], name["cell"] or ""] = entry.at
    return delays.told(records, reports, released=released, zone=city.settings.city.zone)


def contents(store: Store, archive: Iterable[Archived]) -> dict[str, bytes]:
    """Give what the packages of public editions share, each once; what is not kept any more is left out."""
    indexes = (packages.index(one.folder) for one in archive if one.public)
    wanted = dict.fromkeys(one.sha256 for told in indexes for one in packages.shared(told))
    return {digest: store.get(digest) for digest in wanted if store.has(digest)}


def verified(city: City) -> dict[str, Verified]:
    """Give the last verdict about each edition that was computed again, with its day in the city."""
    zone = city.settings.city.zone
    return {
        edition: Verified(one.at.astimezone(zone).date(), str(one.details["verdict"]))
        for edition, one in views.verified(city.book.entries(kind=views.VERIFIED)).items()
    }


def _earlier(city: City, datasets: Mapping[str, Dataset]) -> Earlier:
    """Give the pages of earlier builds; what makes pages is the library, what is installed, and the catalogue."""
    library, installed = key.library()["sha256"], key.environment(city.settings.root)["sha256"]
    made = earlier.maker(library, installed, repr(sorted(datasets.items())))
    return Earlier(public=city.settings.folder("public"), memory=city.memory, maker=made)


def _is_open(city: City) -> Callable[[str], bool]:
    """Say of a dataset or a released table whether everybody may have it today."""

    def asked(name: str) -> bool:
        dataset = city.catalog.datasets.get(name)
        return dataset.is_open if dataset else city.derived(name) is not None

    return asked


def intact(
    state: State, public: Path, *, memory: Memory | None = None
) -> tuple[list[Archived], list[Problem]]:
    """
    Give the editions that may be shown, and what is wrong with the others.

    An edition whose files were damaged in the archive is taken from the public folder, if what was published
    earlier still is what the edition says; else it is left out. Nothing else gets under its hashes.
    """
    sound: list[Archived] = []
    problems: list[Problem] = []
    for folder in editions.folders(state):
        try:
            archived = editions.read(folder)
        except StateError:
            problems.append(_damage(folder, editions.EDITION))
            continue
        broken = editions.damaged_files(archived, memory=memory) if archived.public else []
        problems += [_damage(folder, name) for name in broken]
        published = replace(archived, folder=public / archived.path)
        if not broken:
            sound.append(archived)
        elif _is_published(published):
            sound.append(published)
    return sound, problems


def _is_published(published: Archived) -> bool:
    """Tell whether the public folder holds exactly this edition."""
    try:
        same = editions.read(published.folder).edition == published.edition
    except StateError:
        return False
    return same and not editions.damaged_files(published)


def _damage(folder: Path, name: str) -> Problem:
    """Say which file of which edition is not what it was."""
    return Problem(
        file="/".join((*folder.parts[-3:], name)),
        line=None,
        path="",
        what=Text(
            de="Die Datei fehlt oder ist nicht mehr die veröffentlichte.",
            en="The file is missing or no longer the one that was published.",
        ),
        code="editions.damaged",
    )


def shelves(archive: list[Archived]) -> dict[str, dict[str, tuple[Archived, ...]]]:
    """Sort the archive by report and cell, the newest edition first."""
    sorted_in: dict[str, dict[str, list[Archived]]] = {}
    for one in archive:
        sorted_in.setdefault(one.edition.report, {}).setdefault(one.edition.cell, []).append(one)
    return {
        report: {
            cell: tuple(sorted(found, key=lambda one: editions.order(one.edition.edition), reverse=True))
            for cell, found in sorted(cells.items())
        }
        for report, cells in sorted(sorted_in.items())
    }


def own_words(folder: Path) -> dict[str, dict[str, str]]:
    """Read the texts that a city wrote itself; a page needs both languages to replace the template."""
    found: dict[str, dict[str, str]] = {
        name: {code: _text(folder / f"{name}.{code}.md") for code in LANGUAGES} for name in WORDS
    }
    return {name: texts for name, texts in found.items() if all(texts.values())}


def _text(path: Path) -> str:
    """Read a file of the city's site folder; nothing if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
