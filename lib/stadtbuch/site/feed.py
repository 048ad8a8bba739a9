"""
The Atom feed (RFC 4287): what was published and what was taken out of public, the newest first.

One feed per language. Identifiers are tag URIs (RFC 4151) made from the contact's domain, so that they stay the same
when the site moves. Links are whole addresses where the settings name the site's public one, else relative.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from stadtbuch.reports.editions import Archived
from stadtbuch.reports.look import FILES
from stadtbuch.texts import LANGUAGES, Text, instant, text

if TYPE_CHECKING:
    from stadtbuch.settings import Settings
    from stadtbuch.site.facts import Site

FEEDS = {"de": "feed.xml", "en": "feed.en.xml"}
LONGEST = 100
"""Entries of a feed; older ones are found on the pages of their reports."""

ATOM = "http://www.w3.org/2005/Atom"
_TITLE = Text(de="Neue Berichte", en="New reports")
_GONE = Text(de="Zurückgezogen: ", en="Withdrawn: ")


@dataclass(frozen=True, slots=True)
class Item:
    """
    One thing that happened in public.

    Attributes
    ----------
    id
        What it is called for ever: an edition's id, with ``#withdrawn`` for the news that it is gone.
    folder
        Where its page lies below the site's root.
    """

    id: str
    at: datetime
    title: Text
    summary: Text
    folder: str


def items(site: Site) -> list[Item]:
    """
    Give everything the feed tells, the newest first.

    An edition that was taken out of public stays in the feed as the news that it is gone, never with its content.
    """
    found = [
        _of(site, archived)
        for cells in site.shelves.values()
        for shelf in cells.values()
        for archived in shelf
    ]
    return sorted(found, key=lambda one: (-one.at.timestamp(), one.id))[:LONGEST]


def _of(site: Site, archived: Archived) -> Item:
    """Tell what happened to one edition."""
    edition, status = archived.edition, archived.status
    label = site.cell_title(edition.report, edition.cell)
    if status is None:
        report = site.reports.get(edition.report)
        summary = report.summary if report else edition.title
        return Item(edition.id, edition.made_at, label, summary, archived.path)
    title = Text(de=_GONE.de + label.de, en=_GONE.en + label.en)
    at = datetime.fromisoformat(status["at"])
    return Item(f"{edition.id}#withdrawn", at, title, text(status["reason"]), archived.path)


def build(settings: Settings, found: list[Item]) -> dict[str, bytes]:
    """
    Write the feed in every language.

    Returns
    -------
    dict
        File name -> the feed.
    """
    return {FEEDS[language]: _feed(settings, found, language) for language in LANGUAGES}


def _feed(settings: Settings, found: list[Item], language: str) -> bytes:
    """
    Write one feed.

    Its moment is that of the newest entry, so the same archive gives the same bytes.
    """
    city = settings.city
    home = _address(settings, "")
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _leaf(feed, "id", _tag(settings, f"feed.{language}"))
    _leaf(feed, "title", f"{city.name}: {_TITLE.pick(language)}")
    _leaf(feed, "subtitle", city.claim.pick(language))
    _leaf(feed, "updated", _moment(max((one.at for one in found), default=None)))
    author = ElementTree.SubElement(feed, "author")
    _leaf(author, "name", city.publisher.pick(language))
    _leaf(author, "email", city.contact)
    ElementTree.SubElement(feed, "link", {"rel": "self", "href": home + FEEDS[language]})
    ElementTree.SubElement(
        feed, "link", {"rel": "alternate", "type": "text/html", "href": home + FILES[language]}
    )
    for one in found:
        _entry(feed, settings, one, language)
    ElementTree.indent(feed)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"


def _entry(feed: ElementTree.Element, settings: Settings, one: Item, language: str) -> None:
    entry = ElementTree.SubElement(feed, "entry")
    _leaf(entry, "id", _tag(settings, one.id))
    _leaf(entry, "title", one.title.pick(language))
    _leaf(entry, "updated", _moment(one.at))
    _leaf(entry, "summary", one.summary.pick(language))
    address = f"{_address(settings, one.folder)}{FILES[language]}"
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})


def _leaf(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _moment(at: datetime | None) -> str:
    """Write a moment as RFC 3339 asks for; a feed without entries was never updated."""
    return instant(at.replace(microsecond=0)) if at else "1970-01-01T00:00:00Z"


def _tag(settings: Settings, name: str) -> str:
    """
    Make an identifier that outlives addresses: ``tag:<authority>,<year>:<name>``.

    RFC 4151 wants a domain that was ours on a day: the contact's, in the year in which the rules were reviewed.
    """
    authority = settings.city.contact.rpartition("@")[2]
    return f"tag:{authority},{settings.rules.reviewed.year}:stadtbuch/{name}"


def _address(settings: Settings, folder: str) -> str:
    """Give the address of a folder of the site, whole where the settings know it."""
    address = settings.site.address.rstrip("/")
    below = f"{folder.strip('/')}/" if folder.strip("/") else ""
    return f"{address}/{below}" if address else below
