"""The feed tells what was published and what is gone, in a form that feed readers understand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from builders import small_city

from stadtbuch.reports import editions
from stadtbuch.site import feed
from stadtbuch.site.facts import Site
from stadtbuch.texts import Text

NAMES = {"a": feed.ATOM}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Gather the facts of the small city."""
    return small_city.make_site(tmp_path, today=date(2026, 1, 16))


def _read(data: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(data)


def test_feed_has_what_the_standard_demands(site: Site) -> None:
    """RFC 4287: feed and each entry have id, title and updated; the feed names an author; ids are unique."""
    for data in feed.build(site.settings, feed.items(site)).values():
        root = _read(data)
        entries = root.findall("a:entry", NAMES)
        assert root.tag == f"{{{feed.ATOM}}}feed" and root.find("a:author/a:name", NAMES) is not None
        for element in (root, *entries):
            assert all(element.findtext(f"a:{name}", namespaces=NAMES) for name in ("id", "title", "updated"))
        ids = [one.findtext("a:id", namespaces=NAMES) for one in entries]
        assert len(entries) == len(set(ids)) > 2


def test_newest_comes_first_and_gives_the_feed_its_moment(site: Site) -> None:
    """Entries fall in time; the feed was updated when its newest entry was."""
    root = _read(feed.build(site.settings, feed.items(site))["feed.xml"])
    moments = [one.text for one in root.findall("a:entry/a:updated", NAMES)]
    assert moments == sorted(moments, reverse=True)
    assert root.findtext("a:updated", namespaces=NAMES) == moments[0]


def test_feed_speaks_the_language_of_its_file(site: Site) -> None:
    """German and English feeds have titles and links of their language."""
    german, english = map(_read, feed.build(site.settings, feed.items(site)).values())
    link = "a:entry/a:link"
    assert german.findtext("a:title", namespaces=NAMES) == "Musterstadt: Neue Berichte"
    assert english.findtext("a:title", namespaces=NAMES) == "Musterstadt: New reports"
    assert all(one.get("href", "").endswith("/index.html") for one in german.findall(link, NAMES))
    assert all(one.get("href", "").endswith("/index.en.html") for one in english.findall(link, NAMES))


def test_links_are_whole_addresses_where_the_settings_know_them(site: Site) -> None:
    """A feed reader gets an address that it can open; without a setting the link stays relative."""
    moved = site.settings.model_copy(
        update={"site": type(site.settings.site)(address="https://zahlen.example/stadt/")}
    )
    found = feed.items(site)
    first = _read(feed.build(moved, found)["feed.xml"]).find("a:entry/a:link", NAMES)
    plain = _read(feed.build(site.settings, found)["feed.xml"]).find("a:entry/a:link", NAMES)
    assert first is not None and plain is not None
    assert first.get("href") == f"https://zahlen.example/stadt/{plain.get('href')}"


def test_withdrawn_edition_becomes_news_without_its_content(site: Site) -> None:
    """What was taken out of public is told once more, with the reason, under an id of its own."""
    archived = site.newest("how-people-cycle", "")
    assert archived is not None
    before = {one.id for one in feed.items(site)}
    gone = {"status": "withheld", "reason": {"de": "Zählfehler.", "en": "Miscount."}, "role": "analyst",
            "at": "2026-01-16T08:00:00+00:00"}  # fmt: skip
    shelves = {
        report: {
            cell: tuple(
                editions.Archived(one.edition, one.folder, gone)
                if one.edition.id == archived.edition.id
                else one
                for one in shelf
            )
            for cell, shelf in cells.items()
        }
        for report, cells in site.shelves.items()
    }
    changed = replace(site, shelves=shelves)
    first = feed.items(changed)[0]
    assert first.id == f"{archived.edition.id}#withdrawn" and first.id not in before
    assert first.summary == Text(de="Zählfehler.", en="Miscount.")
    assert first.title.de.startswith("Zurückgezogen: ")
    assert archived.edition.id not in {one.id for one in feed.items(changed)}


def test_same_archive_gives_the_same_bytes(site: Site) -> None:
    """Nothing in a feed depends on the clock."""
    assert feed.build(site.settings, feed.items(site)) == feed.build(site.settings, feed.items(site))


def test_empty_city_has_a_valid_feed(site: Site) -> None:
    """Before the first edition the feed is there, without entries."""
    root = _read(feed.build(site.settings, [])["feed.xml"])
    assert root.findall("a:entry", NAMES) == [] and root.findtext("a:updated", namespaces=NAMES)
