"""
The public's story: what a citizen finds of a city, from the first page to the last number, and what nobody finds.

Real runs, real gate, real pages of a small city: a report from open data and one from a closed register.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.city import CANARY, NOW, Made, a_city
from builders.reports import ROLES, a_publishing_city, write_open_report

from stadtbuch import settings
from stadtbuch.reports import build, decisions
from stadtbuch.site import pages

TIMED = {
    "public/site.json",
    *(f"public/registers/process/{name}" for name in ("index.html", "index.en.html", "process.json")),
}
"""What tells how long runs took, and the inventory that lists its checksum."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Build both reports; the one from closed data waits for somebody in the releasing role."""
    made = a_publishing_city(tmp_path_factory.mktemp("city") / "city")
    summary = build.build(made.open(), jobs=2)
    assert {run["report"]: run["publication"] for run in summary["runs"]} == {
        "area": "published",
        "people": "awaiting-approval",
    }
    yield made


@pytest.fixture(scope="module")
def before(city: Made) -> dict[str, Any]:
    """Write the site while one report still waits."""
    counts = pages.write(city.open(), now=NOW)
    shown = (public(city) / "reports" / "index.html").read_text(encoding="utf-8")
    there = (public(city) / "reports" / "people").exists()
    return counts | {"shown": shown, "there": there}


@pytest.fixture(scope="module")
def after(city: Made, before: dict[str, Any]) -> dict[str, Any]:
    """Approve, and write the site again."""
    decisions.approve(city.open(as_role="head-of-statistics"), "people")
    return pages.write(city.open(), now=NOW)


def public(city: Made) -> Path:
    """Give the folder that readers see."""
    return city.settings.folder("public")


def test_what_waits_for_approval_is_not_public(before: dict[str, Any]) -> None:
    """A report that nobody released yet has no page and no mention."""
    assert (before["reports"], before["there"], "people" in before["shown"]) == (1, False, False)


def test_released_report_appears_and_nothing_else_changes(
    before: dict[str, Any], after: dict[str, Any], city: Made
) -> None:
    """After the release the report is there, found from the first page and from the page of its dataset."""
    assert (after["reports"], after["editions"]) == (2, 2)
    for page in ("index.html", "reports/index.html", "datasets/population.residents/index.html"):
        assert "reports/people/index.html" in (public(city) / page).read_text(encoding="utf-8")


def test_numbers_on_the_page_are_the_numbers_in_the_file(city: Made, after: dict[str, Any]) -> None:
    """What is read on the page, downloaded beside it and stored in the edition is one number."""
    folder = next((public(city) / "reports" / "area").glob("2026-*"))
    table = pd.read_csv(io.BytesIO((folder / "figures" / "areas.csv").read_bytes()))  # noqa: TID251 - a reader's own tool
    result = {
        one["name"]: one["value"] for one in json.loads((folder / "results.json").read_text(encoding="utf-8"))
    }
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert table["area"].sum() == result["area_total"] == 19.75
    assert re.search(r'class="headline-value">19,75<', page)


def test_open_data_are_handed_out_and_closed_ones_explained(city: Made, after: dict[str, Any]) -> None:
    """A citizen gets the open files, and for the closed register the reason with law, role and review date."""
    assert (
        public(city) / "datasets/geography.boroughs/boroughs.csv"
    ).read_bytes() == b"borough,area\n01,12.5\n02,7.25\n"
    register = (public(city) / "registers/withheld/index.html").read_text(encoding="utf-8")
    assert 'id="population.residents"' in register and "Nächste Überprüfung" in register
    assert not list((public(city) / "datasets/population.residents").glob("*.csv"))


def test_nothing_of_the_closed_register_is_in_any_public_file(city: Made, after: dict[str, Any]) -> None:
    """The mark planted in the closed register, and every pseudonym, is in no public byte."""
    for path in public(city).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY.encode() not in data, path.name
            assert not re.search(rb"psn_[a-z2-7]{20}", data), path.name


def test_second_build_of_the_site_writes_nothing(city: Made, after: dict[str, Any]) -> None:
    """Same archive, same catalogue, same moment: no file is touched."""
    again = pages.write(city.open(), now=NOW)
    assert (again["written"], again["removed"]) == (0, 0)


def test_public_folder_can_be_deleted_and_comes_back_the_same(city: Made, after: dict[str, Any]) -> None:
    """The site is a rendering of the archive: lost pages are made again, byte by byte."""
    import shutil

    def content() -> dict[str, bytes]:
        return {
            p.relative_to(public(city)).as_posix(): p.read_bytes()
            for p in public(city).rglob("*")
            if p.is_file()
        }

    was = content()
    shutil.rmtree(public(city))
    pages.write(city.open(), now=NOW)
    assert content() == was


def test_two_fresh_builds_with_the_same_keys_and_moment_give_the_same_bytes(tmp_path: Path) -> None:
    """Archive and pages do not depend on how long a run took: whoever builds again can compare all files."""
    import shutil

    first = a_city(tmp_path / "first", roles=ROLES)
    write_open_report(first.root)
    opened = first.open()
    opened.seal.sign(
        actor=opened.actor, now=NOW
    )  # the keys are there before the two part: of actors, and of the seal
    shutil.copytree(first.root, tmp_path / "second")
    second = Made(tmp_path / "second", settings.read(tmp_path / "second"))

    def made(city: Made) -> dict[str, bytes]:
        summary = build.build(city.open())
        assert summary["counts"]["published"] == 1
        pages.write(city.open(), now=NOW)
        folders = (city.root / "var" / "editions", public(city))
        paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(city.root).as_posix(): path.read_bytes() for path in paths}

    one, other = made(first), made(second)
    assert sorted(one) == sorted(other)
    assert [path for path in one if one[path] != other[path] and path not in TIMED] == []
    assert any("/editions/" in path for path in one) and "public/index.html" in one
