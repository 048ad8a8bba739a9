"""The static twins of the dashboards: a page for every choice, plain links between them, and the list of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stadtbuch.dashboards import controls, parts
from stadtbuch.dashboards.controls import Choice
from stadtbuch.dashboards.pages import FOLDER, Mode, Pages
from stadtbuch.dashboards.shelf import Kept
from stadtbuch.reports import look
from stadtbuch.reports.look import FILES, Shell
from stadtbuch.texts import LANGUAGES

if TYPE_CHECKING:
    from stadtbuch.site.facts import Site

DOOR = "live"
"""The folder behind "interactive version": the server of the site leads on from there to the dashboards' origin."""


def files(site: Site) -> dict[str, bytes]:
    """
    Make every file of the dashboards.

    Returns
    -------
    dict
        Path below the site's root -> content: two pages for each choice with their downloads, the first page of each
        dashboard, and ``dashboards/index.html``.
    """
    made = _index(site)
    for kept in site.dashboards:
        made |= _dashboard(site, kept)
    return made


def shell(site: Site, folder: str) -> Shell:
    """Say what surrounds a page in a folder of the site."""
    root = "../" * len(folder.split("/"))
    return Shell(
        city=site.settings.city,
        root=root,
        style=f"{root}assets/style.css",
        section="dashboards",
        exact=folder == FOLDER,
        overdue=site.overdue,
    )


def _dashboard(site: Site, kept: Kept) -> dict[str, bytes]:
    pages = Pages(kept, datasets=frozenset(site.datasets))
    made = _written(site, pages, controls.start(kept.controls), f"{FOLDER}/{kept.name}", "first")
    made |= _door(site, kept)
    for choice in controls.grid(kept.controls):
        folder = pages.folder(choice)
        made |= _written(site, pages, choice, folder, "choice")
        given = parts.downloads(kept.marks(choice), kept.outputs)
        made |= {f"{folder}/{parts.plain(path)}": data for path, data in given.items()}
    return made


def _written(site: Site, pages: Pages, choice: Choice, folder: str, mode: Mode) -> dict[str, bytes]:
    """Render one page in both languages."""
    around = shell(site, folder)
    return {
        f"{folder}/{FILES[language]}": pages.page(
            choice,
            language=language,
            shell=around,
            mode=mode,
            live=live(site, pages.kept, choice, language, around.root),
        ).encode()
        for language in LANGUAGES
    }


def live(site: Site, kept: Kept, choice: Choice, language: str, root: str) -> str:
    """Give the address of the live page: on its own origin if the settings name it, else through the door."""
    asked = controls.query(choice)
    origin = site.settings.dashboards.address.rstrip("/")
    if origin:
        return f"{origin}/{kept.name}/{'' if language == 'de' else 'en/'}?{asked}"
    return f"{root}{FOLDER}/{kept.name}/{DOOR}/{FILES[language]}?{asked}"


def _door(site: Site, kept: Kept) -> dict[str, bytes]:
    """Write the page behind "interactive version", for web servers that only have the files."""
    folder = f"{FOLDER}/{kept.name}/{DOOR}"
    origin = site.settings.dashboards.address.rstrip("/")
    about: dict[str, Any] = {
        "name": kept.name,
        "title": kept.title,
        "summary": kept.summary,
    }
    return {
        f"{folder}/{FILES[language]}": look.page(
            "dashboard-door.html.j2",
            language=language,
            shell=shell(site, folder),
            it={**about, "address": origin and f"{origin}/{kept.name}/{'' if language == 'de' else 'en/'}"},
        ).encode()
        for language in LANGUAGES
    }


def _index(site: Site) -> dict[str, bytes]:
    """List the dashboards, each with the picture of its first choice."""
    return {
        f"{FOLDER}/{FILES[language]}": look.page(
            "dashboards.html.j2",
            language=language,
            shell=shell(site, FOLDER),
            dashboards=[_card(kept, language) for kept in site.dashboards],
        ).encode()
        for language in LANGUAGES
    }


def _card(kept: Kept, language: str) -> dict[str, Any]:
    first = controls.start(kept.controls)
    pictures = [name for kind, name in kept.marks(first) if kind == "figure"]
    folder = f"{FOLDER}/{kept.name}"
    picture = parts.plain(f"figures/{pictures[0]}.{language}.svg") if pictures else ""
    return {
        "title": kept.title,
        "summary": kept.summary,
        "path": folder,
        "picture": f"{folder}/{controls.address(first)}/{picture}" if picture else "",
        "pages": len(list(controls.grid(kept.controls))),
    }


def addresses(site: Site) -> Iterator[tuple[str, str]]:
    """Give report and folder of every dashboard, for links from the reports."""
    yield from ((kept.name, f"{FOLDER}/{kept.name}") for kept in site.dashboards)
