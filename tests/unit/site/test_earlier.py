"""Pages that were made from the same before are not made again, and never taken from a page that somebody changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from builders import small_city

from stadtbuch.model.verdict import Finding
from stadtbuch.reports import accessibility, render
from stadtbuch.site import assembly, pages
from stadtbuch.site.earlier import Earlier
from stadtbuch.site.facts import Site
from stadtbuch.stamps import Memory

DAY = date(2026, 1, 16)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give the facts of the small city, whose pages were written once."""
    made = small_city.make_site(tmp_path / "city", today=DAY)
    earlier = Earlier(tmp_path / "public", Memory(tmp_path / "cache/stamps.json"), "maker")
    known = replace(made, earlier=earlier)
    pages.put(assembly.build(known), tmp_path / "public")
    return known


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every page of an edition that is rendered."""
    seen: list[str] = []
    real = render.render

    def noting(folder: Path, **more: object) -> str:
        seen.append(folder.name)
        return real(folder, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "render", noting)
    return seen


def test_unchanged_editions_are_not_rendered_again(site: Site, rendered: list[str]) -> None:
    """The second build takes all pages as they are, and gives the same site as one that makes all anew."""
    again = assembly.build(site)
    assert rendered == []
    assert again == assembly.build(replace(site, earlier=None))
    assert rendered != []


def test_what_surrounds_a_page_counts(site: Site, rendered: list[str]) -> None:
    """An overdue review stands on every page; another maker makes all anew."""
    later = replace(site, today=date(2028, 6, 1))
    assert later.overdue != site.overdue
    assert assembly.build(later) == assembly.build(replace(later, earlier=None))
    rendered.clear()
    assembly.build(replace(site, earlier=replace(site.earlier, maker="another")))
    assert rendered != []


def test_a_page_that_somebody_changed_is_made_again(site: Site, rendered: list[str], tmp_path: Path) -> None:
    """One letter in the folder, and it is not taken."""
    page = next(iter(sorted((tmp_path / "public/reports").rglob("index.html"), reverse=True)))
    path = page.relative_to(tmp_path / "public").as_posix()
    right = page.read_bytes()
    page.write_bytes(right.replace(b"<h1", b"<h2"))
    made = assembly.build(site)[path]
    assert (made, len(rendered)) == (right, 1)


def test_an_edition_that_is_another_is_rendered(site: Site, rendered: list[str]) -> None:
    """The description of an edition lists all its files with their digests."""
    archived = next(
        one for cells in site.shelves.values() for shelf in cells.values() for one in shelf if one.public
    )
    told = archived.folder / "edition.json"
    told.write_bytes(told.read_bytes() + b"\n")
    assembly.build(site)
    assert set(rendered) == {archived.folder.name}


def test_a_page_is_checked_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same page has the same findings; another one is looked at."""
    found = accessibility.check("<html></html>", subject="a.html")
    assert found
    assert site.earlier.findings("a.html", b"<html></html>") == found
    seen: list[str] = []

    def noting(html: str, *, subject: str) -> list[Finding]:
        seen.append(subject)
        return []

    monkeypatch.setattr(accessibility, "check", noting)
    assert (site.earlier.findings("a.html", b"<html></html>"), seen) == (found, [])
    assert (site.earlier.findings("a.html", b"<html> </html>"), seen) == ([], ["a.html"])
