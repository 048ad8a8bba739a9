"""Putting the site into its folder: only what changed, nothing foreign touched, nothing half there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders import small_city
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch import atomic
from stadtbuch.errors import StateError
from stadtbuch.reports import editions
from stadtbuch.site import assembly, facts, pages
from stadtbuch.state import State

PATHS = st.sampled_from(
    ["index.html", "a/index.html", "a/b/index.html", "a/b/x.csv", "assets/style.css", "c/y.svg"]
)
SITES = st.dictionaries(PATHS, st.binary(max_size=8), max_size=6)


def inside(public: Path) -> dict[str, bytes]:
    """Give what is in the folder, without the inventory."""
    found = (path for path in public.rglob("*") if path.is_file() and path.name != pages.INVENTORY)
    return {path.relative_to(public).as_posix(): path.read_bytes() for path in found}


@settings(deadline=None, max_examples=25)  # a slow disk is no mistake
@given(first=SITES, second=SITES)
def test_folder_holds_exactly_the_site_after_each_build(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    """Whatever was there before, afterwards exactly the new files are there, and no empty folder is left."""
    public = tmp_path_factory.mktemp("public") / "public"
    pages.put(first, public)
    pages.put(second, public)
    assert inside(public) == second
    assert all(any(folder.iterdir()) for folder in public.rglob("*") if folder.is_dir())


def test_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    """A file with the same bytes keeps its time, so that servers and backups see no change."""
    pages.put({"index.html": b"1", "x.csv": b"1"}, tmp_path / "public")
    before = (tmp_path / "public" / "x.csv").stat().st_mtime_ns
    written, removed = pages.put({"index.html": b"2", "x.csv": b"1"}, tmp_path / "public")
    assert (written, removed) == (["index.html"], [])
    assert (tmp_path / "public" / "x.csv").stat().st_mtime_ns == before


def test_what_is_linked_is_there_before_what_links_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and styles come first, then the deepest pages, the first page last."""
    order: list[str] = []
    write = atomic.write

    def noted(path: Path, data: bytes, **options: int) -> None:
        order.append(path.relative_to(tmp_path / "public").as_posix())
        write(path, data, **options)

    monkeypatch.setattr(atomic, "write", noted)
    pages.put(
        {"index.html": b"", "r/index.html": b"", "r/e/index.html": b"", "r/e/x.csv": b""}, tmp_path / "public"
    )
    assert [path for path in order if path != pages.INVENTORY] == [
        "r/e/x.csv",
        "r/e/index.html",
        "r/index.html",
        "index.html",
    ]


def test_interrupted_build_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build cut off half way leaves whole files only, and the next one completes and cleans up."""
    public, write = tmp_path / "public", atomic.write

    def cut(path: Path, data: bytes, **options: int) -> None:
        if path.name == "b.html":
            raise KeyboardInterrupt
        write(path, data, **options)

    monkeypatch.setattr(atomic, "write", cut)
    with pytest.raises(KeyboardInterrupt):
        pages.put({"a.html": b"1", "b.html": b"1"}, public)
    assert inside(public) == {"a.html": b"1"}
    monkeypatch.setattr(atomic, "write", write)
    pages.put({"b.html": b"1"}, public)
    assert inside(public) == {"b.html": b"1"}


def test_half_written_file_of_a_killed_build_is_swept_away(tmp_path: Path) -> None:
    """What a killed build left under a temporary name goes; files of the same look that are not ours stay."""
    public = tmp_path / "public"
    pages.put({"a/index.html": b"1"}, public)
    (public / "a" / ".index.html.x7f_a2b9").write_bytes(b"<htm")
    (public / "a" / ".notiz.html.x7f_a2b9").write_bytes(b"fremd")
    pages.put({"a/index.html": b"1"}, public)
    assert set(inside(public)) == {"a/index.html", "a/.notiz.html.x7f_a2b9"}


def test_first_build_that_was_killed_at_once_is_finished_by_the_next(tmp_path: Path) -> None:
    """Its inventory under a temporary name is no foreign file: it goes."""
    (tmp_path / f".{pages.INVENTORY}.x7f_a2b9").write_bytes(b"{")
    pages.put({"index.html": b"1"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", pages.INVENTORY]


def test_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A wrong path in the settings costs nobody their files."""
    (tmp_path / "brief.txt").write_text("wichtig")
    with pytest.raises(StateError) as refused:
        pages.put({"index.html": b"1"}, tmp_path)
    assert refused.value.code == "public.not-ours"
    assert [path.name for path in tmp_path.iterdir()] == ["brief.txt"]


def test_foreign_file_beside_ours_survives(tmp_path: Path) -> None:
    """What somebody puts beside the site (a logo, a redirect) is not removed."""
    pages.put({"index.html": b"1"}, tmp_path / "public")
    (tmp_path / "public" / "robots.txt").write_text("x")
    pages.put({"a.html": b"1"}, tmp_path / "public")
    assert set(inside(tmp_path / "public")) == {"a.html", "robots.txt"}


def test_changed_inventory_leads_nowhere_else(tmp_path: Path) -> None:
    """A path that climbs out of the folder is never removed."""
    outside = tmp_path / "brief.txt"
    outside.write_text("wichtig")
    pages.put({"index.html": b"1"}, tmp_path / "public")
    (tmp_path / "public" / pages.INVENTORY).write_text(
        json.dumps({"files": {"../brief.txt": "", "index.html": ""}})
    )
    pages.put({"a.html": b"1"}, tmp_path / "public")
    assert outside.exists()


def test_unwritable_folder_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or missing right is said in a sentence, with the old pages in place."""

    def full(path: Path, data: bytes, **options: int) -> None:
        raise OSError(28, "no space")

    pages.put({"index.html": b"1"}, tmp_path / "public")
    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(StateError) as refused:
        pages.put({"index.html": b"2"}, tmp_path / "public")
    assert refused.value.code == "state.full"
    assert inside(tmp_path / "public") == {"index.html": b"1"}


@pytest.fixture
def site_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """Write the pages of the small city from its archive as it is now."""
    made = small_city.make_site(tmp_path / "city", today=date(2026, 1, 16))
    state = State.open(tmp_path / "city" / "var")

    def gather(city: Any, *, now: Any) -> facts.Site:
        sound, damaged = facts.intact(state, tmp_path / "city" / "public")
        return replace(made, shelves=facts.shelves(sound), damaged=tuple(damaged))

    monkeypatch.setattr(facts, "gather", gather)
    city: Any = SimpleNamespace(settings=made.settings)
    return lambda: pages.write(city, now=small_city.NOW)


EDITION = "who-lives-where/mitte/2026-01-15"
CSV = f"{EDITION}/data/residents_by_age.csv"


def test_damaged_file_is_never_published_under_the_old_hashes(site_of: Any, tmp_path: Path) -> None:
    """The edition is left out, all else is written, and the error names edition and file."""
    (tmp_path / "city/var/editions" / CSV).write_bytes(b"borough,age,value\nMitte,30,9999\n")

    damaged = site_of()["damaged"]

    public = tmp_path / "city/public"
    assert not (public / "reports" / EDITION).exists()
    assert (public / "reports/who-lives-where/sued/2026-01-15/index.html").is_file()
    assert (damaged.code, damaged.exit_code, damaged.problems[0].file) == ("editions.damaged", 1, CSV)
    assert CSV in damaged.render("de")


@pytest.mark.parametrize("lost", ["data/residents_by_age.csv", "figures/ages.de.svg"])
def test_what_was_published_before_the_archive_was_damaged_stays(
    site_of: Any, tmp_path: Path, lost: str
) -> None:
    """Addresses that people cite keep their bytes, and the build says each time what is missing."""
    assert site_of()["damaged"] is None
    before = inside(tmp_path / "city/public")
    (tmp_path / "city/var/editions" / EDITION / lost).unlink()

    told = site_of()

    assert inside(tmp_path / "city/public") == before
    assert [one.file for one in told["damaged"].problems] == [f"{EDITION}/{lost}"]


def test_damage_in_archive_and_public_folder_leaves_the_edition_out(site_of: Any, tmp_path: Path) -> None:
    """Neither copy is what the edition promises."""
    site_of()
    for path in (tmp_path / "city/var/editions" / CSV, tmp_path / "city/public/reports" / CSV):
        path.write_bytes(b"x")
    site_of()
    assert not (tmp_path / "city/public/reports" / EDITION).exists()


def test_edition_that_cannot_be_read_stops_no_other(site_of: Any, tmp_path: Path) -> None:
    """It is left out: nobody knows whether it may be shown."""
    (tmp_path / "city/var/editions" / EDITION / editions.EDITION).write_bytes(b"{")
    assert [one.file for one in site_of()["damaged"].problems] == [f"{EDITION}/{editions.EDITION}"]
    assert not (tmp_path / "city/public/reports" / EDITION).exists()


def test_page_of_a_report_that_not_everybody_can_read_is_told_by_every_build(
    site_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if no byte of it changed; other pages are told when they change."""
    page = b'<html lang="de"><body><main><h1>A</h1><img src="a.png"></main></body></html>'
    monkeypatch.setattr(assembly, "build", lambda _: {"reports/a/b/index.html": page, "x.html": page})
    told = [{one.subject for one in site_of()["findings"]} for _ in range(2)]
    assert told == [{"reports/a/b/index.html: img", "x.html: img"}, {"reports/a/b/index.html: img"}]
