"""
All public pages, put together from facts: a mapping from path to bytes, without a clock and without a disk.

Every page exists twice in its folder, ``index.html`` in German and ``index.en.html`` in English. Links are
relative and name the file, so that the site works under any prefix, from any web server, and from a disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stadtbuch.catalog import allowed
from stadtbuch.catalog.licences import LICENCES, NO_LICENCE
from stadtbuch.model.dataset import AccessClass, Dataset
from stadtbuch.reports import body, look, packages, render
from stadtbuch.reports.editions import EDITION, Archived
from stadtbuch.reports.look import FILES, SHARE, Shell
from stadtbuch.reports.render import Context, Link
from stadtbuch.site import (
    coarsening,
    dashboards,
    downloads,
    feed,
    process,
    quality,
    seal,
    search,
    showcase,
    wording,
)
from stadtbuch.site.facts import WORDS, Site
from stadtbuch.texts import LANGUAGES, Text, same
from stadtbuch.transparency import weight

STYLE = "assets/style.css"
ERRORS = {"404": "missing.html.j2", "503": "unavailable.html.j2"}
"""Pages that a web server shows instead of the one that was asked for."""
SIZE = re.compile(r'<svg[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"')

Facts = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page in both languages: its folder in the site, its template, and what it shows in a language."""

    folder: str
    template: str
    facts: Facts
    section: str = ""
    exact: bool = False


def build(site: Site) -> dict[str, bytes]:
    """
    Make every file of the site.

    Returns
    -------
    dict
        Path below the site's root -> content, sorted by path.
    """
    files = {STYLE: look.style(site.tokens).encode(), search.SCRIPT: search.script()}
    files |= feed.build(site.settings, feed.items(site))
    for name, template in ERRORS.items():
        files |= _error_page(site, name, template)
    for page in _pages(site):
        files |= _write(page, site)
    for dataset, handout in site.handouts.items():
        files |= {f"datasets/{dataset}/{name}": data for name, data in handout.files.items()}
    files |= showcase.files(site)
    files |= seal.files(site.seal)
    for report in site.shelves:
        for cell in site.shelves[report]:
            files |= _cell(site, report, cell)
    files |= dashboards.files(site)
    if site.process is not None:
        told = {**site.process, "pages": weight.measure(_newest_pages(site), files.get)}
        files |= _write(
            Page(process.FOLDER, "process.html.j2", lambda _: process.page(told), "methods"), site
        )
        files[process.JSON] = process.document(told)
    return dict(sorted(files.items()))


def _newest_pages(site: Site) -> list[str]:
    """Give the pages of the newest editions."""
    return weight.newest(one for cells in site.shelves.values() for shelf in cells.values() for one in shelf)


def root_of(folder: str) -> str:
    """
    Say how a page in a folder gets to the site's root.

    Examples
    --------
    >>> root_of(""), root_of("datasets"), root_of("reports/a/b")
    ('', '../', '../../../')
    """
    return "../" * len([part for part in folder.split("/") if part])


def _shell(
    site: Site, folder: str, *, section: str = "", exact: bool = False, style: str | None = None
) -> Shell:
    root = root_of(folder)
    return Shell(
        city=site.settings.city,
        root=root,
        style=style or root + STYLE,
        section=section,
        exact=exact,
        overdue=site.overdue,
    )


def _write(page: Page, site: Site) -> dict[str, bytes]:
    """Fill a page's template in both languages."""
    shell = _shell(site, page.folder, section=page.section, exact=page.exact)
    return {
        _path(page.folder, language): look.page(
            page.template, language=language, shell=shell, **page.facts(language)
        ).encode()
        for language in LANGUAGES
    }


def _path(folder: str, language: str) -> str:
    return f"{folder}/{FILES[language]}".lstrip("/")


def _pages(site: Site) -> Iterator[Page]:
    """Give every page that is no edition."""
    yield Page("", "home.html.j2", lambda language: _home(site, language))
    yield Page(
        "reports",
        "reports.html.j2",
        lambda language: {"reports": _cards(site, language)},
        "reports",
        exact=True,
    )
    yield Page("datasets", "datasets.html.j2", lambda _: _datasets(site), "datasets", exact=True)
    yield from (_dataset_page(site, dataset) for dataset in site.datasets.values())
    yield Page("registers/withheld", "withheld.html.j2", lambda _: _withheld(site), "withheld", exact=True)
    yield Page("methods", "methods.html.j2", lambda _: _methods(site), "methods", exact=True)
    if site.seal is not None:
        told = seal.page(site.seal)
        yield Page(seal.FOLDER, "book.html.j2", lambda _: told, "methods")
    yield from (_words_page(site, name) for name in WORDS)
    yield from (Page(*one) for one in showcase.pages(site))
    found = {"entries": search.entries(site), "script": search.SCRIPT}
    yield Page("search", "search.html.j2", lambda _: found, "search", exact=True)
    for report in site.published():
        if any(cell for cell, _ in site.cells(report)):
            yield _overview_page(site, report)


def _error_page(site: Site, name: str, template: str) -> dict[str, bytes]:
    """Write a page that may appear at any address, so its links begin at the site's first folder."""
    root = site.settings.site.path
    names = {
        language: f"{name}.html" if language == LANGUAGES[0] else f"{name}.{language}.html"
        for language in LANGUAGES
    }
    shell = replace(
        _shell(site, "", style=root + STYLE),
        root=root,
        files={code: root + file for code, file in names.items()},
    )
    return {
        names[language]: look.page(template, language=language, shell=shell).encode()
        for language in LANGUAGES
    }


def _home(site: Site, language: str) -> dict[str, Any]:
    """Show the newest reports, and how much data there is of each class."""
    classes = [one.access_class for one in site.datasets.values()]
    numbers: dict[str, int] = {name.value: classes.count(name) for name in AccessClass}
    numbers["editions"] = sum(
        one.public for cells in site.shelves.values() for shelf in cells.values() for one in shelf
    )
    live = [(kept.title, f"dashboards/{kept.name}") for kept in site.dashboards]
    return {"reports": _cards(site, language)[:6], "numbers": numbers, "dashboards": live}


def _cards(site: Site, language: str) -> list[dict[str, Any]]:
    """Describe every published report for a list, with the first picture of its first cell."""
    cards = []
    for report in site.published():
        cells = site.cells(report)
        newest = _newest(site, report, cells[0][0])
        picture = render.first_figure(newest.folder)
        cards.append(
            {
                "title": site.report_title(report),
                "summary": site.reports[report].summary if report in site.reports else "",
                "path": f"reports/{report}",
                "edition": newest.edition.edition,
                "cells": len(cells),
                "picture": f"{newest.path}/figures/{picture['files'][language]}" if picture else "",
            }
        )
    return cards


def _newest(site: Site, report: str, cell: str) -> Archived:
    newest = site.newest(report, cell)
    if newest is None:
        raise LookupError(f"{report}/{cell}")  # cells() lists only cells with a public edition
    return newest


def _datasets(site: Site) -> dict[str, Any]:
    """List all datasets, and the protected tables that reports made from closed ones."""
    derived = [
        {
            "id": name,
            "report": site.report_title(archived.edition.report),
            "path": archived.path.rpartition("/")[0],
        }
        for name, archived in site.derived()
    ]
    return {"groups": _groups(site), "derived": derived}


def _groups(site: Site) -> list[dict[str, Any]]:
    """Group the datasets by class, then by domain."""
    groups = []
    for name in AccessClass:
        found = [one for one in site.datasets.values() if one.access_class is name]
        domains = sorted({one.domain for one in found}, key=lambda one: wording.domain(one).de.casefold())
        by_domain = [(wording.domain(one), _by_title(d for d in found if d.domain == one)) for one in domains]
        label, meaning = wording.CLASSES[name.value]
        if found:
            groups.append(
                {
                    "name": name.value,
                    "label": label,
                    "meaning": meaning,
                    "datasets": found,
                    "domains": by_domain,
                }
            )
    return groups


def _by_title(datasets: Iterator[Dataset]) -> list[Dataset]:
    return sorted(datasets, key=lambda one: one.title.de.casefold())


def _dataset_page(site: Site, dataset: Dataset) -> Page:
    """Describe one dataset, with its files or the reason why there are none."""
    uses = site.uses(dataset.id)
    handout = site.handouts.get(dataset.id)
    facts = {
        "it": dataset,
        "domain": wording.domain(dataset.domain),
        "licence": LICENCES.get(dataset.license or ""),
        "no_licence": None if dataset.is_open or dataset.license else NO_LICENCE,
        "downloads": _listed(handout),
        "rows": downloads.first_rows(handout) if handout else [],
        "types": wording.TYPES,
        "units": wording.UNITS,
        "privacy": wording.privacy(dataset.privacy.unit),
        "budget": wording.budget(dataset.privacy.budget),
        "quality": quality.told(site.cards.get(dataset.id)),
        "all_quality": _about_data(site),
        "coarsened": coarsening.told(dataset),
        "rhythms": wording.RHYTHMS,
        "retention": wording.duration(dataset.lifecycle.retention or ""),
        "uses": [
            (site.report_title(report), f"reports/{report}")
            for report in dict.fromkeys(use[0] for use in uses)
        ],
        "citizens": showcase.used_by(site, dataset.id),
        "versions": [
            (version, same(archived.edition.id), archived.path) for _, version, archived in uses if version
        ],
    }
    return Page(f"datasets/{dataset.id}", "dataset.html.j2", lambda _: facts, "datasets")


def _about_data(site: Site) -> list[tuple[Text, str]]:
    """Give the published reports about the quality of all data: those that read the register of measurements."""
    measured = [one.id for one in site.datasets.values() if allowed.names(one.source) == "measurements"]
    found = dict.fromkeys(report for one in measured for report, _, _ in site.uses(one))
    return [(site.report_title(report), f"reports/{report}") for report in found]


def _listed(handout: Any) -> dict[str, Any]:
    """List the files of a dataset."""
    if handout is None:
        return {"problem": None, "listed": [], "version": ""}
    listed = [
        {"name": name, "format": wording.file_format(name), "bytes": len(data)}
        for name, data in handout.files.items()
    ]
    return {"problem": handout.problem, "listed": listed, "version": handout.version}


def _withheld(site: Site) -> dict[str, Any]:
    return {
        "entries": site.withheld,
        "today": site.today,
        "purpose": site.settings.catalog.purpose,
        "coarsened": {one.id: coarsening.told(one) for one in site.withheld},
    }


def _methods(site: Site) -> dict[str, Any]:
    thresholds = site.settings.thresholds
    return {
        "rules": site.settings.rules,
        "book": seal.FOLDER if site.seal is not None else None,
        "process": process.FOLDER if site.process is not None else None,
        "thresholds": [
            (label, getattr(thresholds, name))
            for name, label in wording.THRESHOLDS.items()
            if name in thresholds.values
        ],
    }


def _words_page(site: Site, name: str) -> Page:
    """Show a text that the city writes, or the template for it."""
    own = site.words.get(name)
    city = site.settings.city

    def facts(language: str) -> dict[str, Any]:
        template = (SHARE / "words" / f"{name}.{language}.md").read_text(encoding="utf-8")
        filled = template.format(
            city=city.name, publisher=city.publisher.pick(language), contact=city.contact
        )
        html = body.markdown(own[language] if own else filled, language=language)
        return {"title": wording.PAGES[name], "default": not own, "html": html}

    return Page(name, "words.html.j2", facts)


def _overview_page(site: Site, report: str) -> Page:
    """Lead to the cells of a report, with all their editions."""
    cells = [
        {
            "label": label,
            "path": f"reports/{report}/{cell}",
            "editions": [(one.edition.edition, one.path) for one in site.shelves[report][cell]],
        }
        for cell, label in site.cells(report)
    ]
    summary = site.reports[report].summary if report in site.reports else same("")

    def facts(language: str) -> dict[str, Any]:
        picture = _picture(_newest(site, report, site.cells(report)[0][0]), language)
        if picture:
            picture |= {"page": cells[0]["path"], "label": cells[0]["label"]}
        return {"title": site.report_title(report), "summary": summary, "cells": cells, "picture": picture}

    return Page(f"reports/{report}", "overview.html.j2", facts, "reports")


def _picture(archived: Archived, language: str) -> dict[str, Any] | None:
    """Describe the first picture of an edition as an image."""
    record = render.first_figure(archived.folder)
    if record is None:
        return None
    file = f"figures/{record['files'][language]}"
    size = SIZE.search((archived.folder / file).read_text(encoding="utf-8"))
    width, height = (round(float(one)) for one in size.groups()) if size else (640, 400)
    words = {name: record[name] for name in ("title", "subtitle", "alt")}
    return {**words, "href": f"{archived.path}/{file}", "width": width, "height": height}


def _cell(site: Site, report: str, cell: str) -> dict[str, bytes]:
    """Make the pages of one cell: every edition at its permanent address, the newest also one folder above."""
    files: dict[str, bytes] = {}
    for archived in site.shelves[report][cell]:
        files |= _edition(site, archived) if archived.public else _tombstone(site, archived)
    newest = site.newest(report, cell)
    if newest is not None:
        files |= _latest(site, newest, package=len(files.get(f"{newest.path}/{packages.ZIP}", b"")))
    return files


def _edition(site: Site, archived: Archived) -> dict[str, bytes]:
    """Copy an edition's files and render its page beside them, with a style sheet of its own."""
    folder = archived.path
    names = [EDITION, *(file.path for file in archived.edition.files)]
    files = {f"{folder}/{name}": (archived.folder / name).read_bytes() for name in names}
    files |= _package(site, archived, {name: files[f"{folder}/{name}"] for name in names})
    files[f"{folder}/style.css"] = look.style(site.tokens).encode()
    newest = site.newest(archived.edition.report, archived.edition.cell)
    is_newest = newest is None or newest.path == folder
    context = _context(site, archived, _shell(site, folder, section="reports", style="style.css"))
    context = replace(context, package=len(files.get(f"{folder}/{packages.ZIP}", b"")))
    latest = None if is_newest else folder.rpartition("/")[0]
    return files | _rendered(site, archived, folder, _with(context, folder="", latest=latest))


def _rendered(site: Site, archived: Archived, folder: str, context: Context) -> dict[str, bytes]:
    """Render an edition in both languages, or take the pages of an earlier build that were made from the same."""
    return {path: _one(site, archived, path, context, language) for path, language in _paths(folder)}


def _one(site: Site, archived: Archived, path: str, context: Context, language: str) -> bytes:
    def make() -> bytes:
        return render.render(archived.folder, language=language, context=context).encode()

    if site.earlier is None:
        return make()
    return site.earlier.page(path, archived, context, language=language, make=make)


def _paths(folder: str) -> list[tuple[str, str]]:
    return [(_path(folder, language), language) for language in LANGUAGES]


def _package(site: Site, archived: Archived, own: Mapping[str, bytes]) -> dict[str, bytes]:
    """Offer an edition with its package as one zip; what packages share lies once for all of them."""
    there = [one for one in packages.shared(packages.index(archived.folder)) if one.sha256 in site.contents]
    if not there:
        return {}
    shared = {one.path: site.contents[one.sha256] for one in there}
    files = {one.public: site.contents[one.sha256] for one in there}
    return files | {f"{archived.path}/{packages.ZIP}": packages.packed(archived.edition, own, shared)}


def _latest(site: Site, archived: Archived, *, package: int) -> dict[str, bytes]:
    """Render the newest edition at the address of its cell; `package` is the size of its zip."""
    folder = archived.path.rpartition("/")[0]
    context = replace(_context(site, archived, _shell(site, folder, section="reports")), package=package)
    asked = _with(context, folder=f"{archived.edition.edition}/", latest=None)
    return _rendered(site, archived, folder, asked)


def _context(site: Site, archived: Archived, shell: Shell) -> Context:
    """Say what surrounds a page of an edition."""
    report, cell = archived.edition.report, archived.edition.cell
    definition = site.reports.get(report)
    related = [name for name in (definition.related if definition else ()) if name in site.published()]
    cells = [(name, label) for name, label in site.cells(report) if name]
    return Context(
        shell=shell,
        permanent=archived.path,
        report=definition,
        cells=tuple(
            Link(label, None if name == cell else f"reports/{report}/{name}") for name, label in cells
        ),
        editions=tuple(
            Link(wording.edition(one), None if one.path == archived.path else one.path)
            for one in site.shelves[report][cell]
        ),
        related=tuple(Link(site.report_title(name), f"reports/{name}") for name in related),
        dashboard=next((folder for name, folder in dashboards.addresses(site) if name == report), None),
        datasets=site.datasets,
        verified=site.verified.get(archived.edition.id),
        delay=site.delay(archived),
    )


def _with(context: Context, *, folder: str, latest: str | None) -> Context:
    """Say where the page stands relative to the edition's files."""
    return replace(context, folder=folder, latest=latest)


def _tombstone(site: Site, archived: Archived) -> dict[str, bytes]:
    """Say at an edition's address that it was taken out of public, and why; its files are gone."""
    status = archived.status or {}
    edition = archived.edition
    newest = site.newest(edition.report, edition.cell)
    facts = {
        "title": edition.title,
        "id": edition.id,
        "reason": status["reason"],
        "role": status["role"],
        "at": status["at"],
        "removed": status.get("content") is not None,
        "latest": newest.path.rpartition("/")[0] if newest else None,
    }
    return _write(Page(archived.path, "tombstone.html.j2", lambda _: facts, "reports"), site)
