"""The site's own search finds what people type, and its list is complete without a script."""

from __future__ import annotations

from datetime import date

import pytest
from builders import small_city
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.site import assembly, search
from stadtbuch.site.facts import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Gather the facts of the small city."""
    return small_city.make_site(tmp_path_factory.mktemp("city"), today=date(2026, 1, 16))


def test_every_dataset_and_every_report_is_listed(site: Site) -> None:
    """Nothing that has a page of its own is missing from the list."""
    folders = {one.folder for one in search.entries(site)}
    assert {f"datasets/{one}" for one in site.datasets} <= folders
    for report in site.published():
        for cell, _ in site.cells(report):
            assert f"reports/{report}{'/' * bool(cell)}{cell}" in folders


def test_every_entry_leads_to_a_page(site: Site) -> None:
    """Each entry's folder has a page in both languages."""
    files = assembly.build(site)
    for one in search.entries(site):
        assert f"{one.folder}/index.html" in files and f"{one.folder}/index.en.html" in files


def test_pages_for_citizens_are_listed(site: Site) -> None:
    """Whoever wants to send something in finds the page that says how."""
    assert {"showcase", "send-in", "registers/withheld", "methods"} <= {
        one.folder for one in search.entries(site)
    }


def test_dataset_is_found_by_keyword_column_and_class(site: Site) -> None:
    """People look for a dataset by what is in it, not only by its title."""
    entry = next(one for one in search.entries(site) if one.folder == "datasets/population.register")
    for word in ("einwohner", "stadtbezirk", "geschlossen", "register"):
        assert word in entry.index["de"].split()
    assert "closed" in entry.index["en"].split() and "geschlossen" not in entry.index["en"].split()


def test_report_is_found_by_what_its_figures_say(site: Site) -> None:
    """Titles of figures belong to the words of a report."""
    with_figures = [one for one in search.entries(site) if one.kind == search.REPORT and one.words["de"]]
    assert with_figures
    for one in with_figures:
        assert search.fold(one.words["de"][0]).split()[0].strip(":,.") in one.index["de"]


def test_index_repeats_no_word(site: Site) -> None:
    """The list stays small: a word stands once per entry and language."""
    for one in search.entries(site):
        words = one.index["de"].split()
        assert len(words) == len(set(words))


@given(st.text(alphabet="aäöüßéÄÖÜẞAzZ ", max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    """Folded words stay as they are, and case makes no difference."""
    assert search.fold(search.fold(text)) == search.fold(text)
    assert search.fold(text.upper()) == search.fold(text)
