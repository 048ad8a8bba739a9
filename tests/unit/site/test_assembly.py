"""All pages together: every link resolves, every page obeys the policy, nothing depends on clock or chance."""

from __future__ import annotations

import posixpath
import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from builders import small_city

from stadtbuch.reports import accessibility, editions
from stadtbuch.reports.look import CSP
from stadtbuch.site import assembly, facts
from stadtbuch.site.facts import Site
from stadtbuch.texts import Text

ERROR_PAGES = {"404.html", "404.en.html", "503.html", "503.en.html"}
ADDRESS = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Gather the facts of the small city."""
    return small_city.make_site(tmp_path_factory.mktemp("city"), today=date(2026, 1, 16))


@pytest.fixture(scope="module")
def files(site: Site) -> dict[str, bytes]:
    """Build its pages."""
    return assembly.build(site)


def pages(files: dict[str, bytes]) -> dict[str, str]:
    """Give the pages among the files."""
    return {path: data.decode() for path, data in files.items() if path.endswith(".html")}


def test_all_links_resolve(files: dict[str, bytes]) -> None:
    """Every relative address names a file of the site; a place on a page exists on that page."""
    shown, broken = pages(files), []
    for path, html in shown.items():
        for address in ADDRESS.findall(html):
            parts = urlsplit(address.replace("&amp;", "&"))
            if parts.scheme in ("mailto", "data", "https"):
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
                if parts.path
                else path
            )
            if (
                path in ERROR_PAGES
            ):  # they appear at any address, so their links begin at the site's first folder
                assert not parts.path or parts.path.startswith("/"), (path, address)
                target = target.lstrip("/")
            if target not in files or (parts.fragment and f'id="{parts.fragment}"' not in shown[target]):
                broken.append((path, address))
    assert broken == []


def test_every_page_carries_the_policy_and_passes_our_look(files: dict[str, bytes]) -> None:
    """The content security policy is on each page, and each page is accessible by our rules and under 300 kB."""
    policy = CSP.replace("'", "&#39;")
    for path, html in pages(files).items():
        assert f'content="{policy}"' in html, path
        assert accessibility.check(html, subject=path) == []
        assert len(html.encode()) < 300_000


def test_policy_is_the_promised_one() -> None:
    """Nothing but the site's own files; no inline style or script."""
    for part in (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "form-action 'self'",
    ):
        assert part in CSP
    assert "unsafe" not in CSP


def test_every_page_exists_in_both_languages_and_links_the_other(files: dict[str, bytes]) -> None:
    """German and English stand in one folder and know each other."""
    for path, html in pages(files).items():
        german = path.replace(".en.html", ".html")
        twin = german if path.endswith(".en.html") else path.removesuffix(".html") + ".en.html"
        here = "/" if path in ERROR_PAGES else ""
        assert twin in files and f'href="{here}{twin.rpartition("/")[2]}"' in html
        assert f'<html lang="{"en" if path.endswith(".en.html") else "de"}">' in html


def test_pages_have_their_promised_addresses(files: dict[str, bytes]) -> None:
    """Home, datasets, registers, rules, texts, reports, cells, editions stand where others link to them."""
    for folder in (
        "",
        "datasets/",
        "datasets/population.by_age/",
        "datasets/population.register/",
        "registers/withheld/",
        "methods/",
        "search/",
        "accessibility/",
        "privacy/",
        "imprint/",
        "reports/",
        "reports/who-lives-where/",
        "reports/who-lives-where/mitte/",
        "reports/who-lives-where/mitte/2026-01-15/",
        "reports/how-people-cycle/",
        "reports/how-people-cycle/2026-01-14/",
    ):
        assert f"{folder}index.html" in files


def test_edition_folder_holds_all_its_files_and_a_style_of_its_own(
    files: dict[str, bytes], site: Site
) -> None:
    """What ``edition.json`` lists lies beside it, unchanged; the page asks for nothing outside."""
    archived = site.newest("who-lives-where", "mitte")
    assert archived is not None
    for file in archived.edition.files:
        assert files[f"{archived.path}/{file.path}"] == (archived.folder / file.path).read_bytes()
    html = files[f"{archived.path}/index.html"].decode()
    assert '<link rel="stylesheet" href="style.css">' in html and f"{archived.path}/style.css" in files


def test_latest_page_shows_the_newest_edition_and_the_earlier_one_says_so(files: dict[str, bytes]) -> None:
    """A cell's address shows its newest edition; an earlier one stays and points to it."""
    latest = files["reports/how-people-cycle/index.html"].decode()
    earlier = files["reports/how-people-cycle/2026-01-14/index.html"].decode()
    assert 'href="2026-01-15/figures/ages.csv"' in latest
    assert (
        "Dies ist eine frühere Ausgabe." in earlier
        and 'href="../../../reports/how-people-cycle/index.html"' in earlier
    )
    assert "frühere Ausgabe" not in files["reports/how-people-cycle/2026-01-15/index.html"].decode()


def test_same_facts_give_the_same_bytes(files: dict[str, bytes], site: Site) -> None:
    """Building twice gives byte-identical sites."""
    assert assembly.build(site) == files


def test_withheld_register_gives_reason_law_role_and_review(files: dict[str, bytes]) -> None:
    """Every dataset that is not open stands there with what the public may ask about it; open ones do not."""
    html = files["registers/withheld/index.html"].decode()
    for words in (
        "Melderegister",
        "Wege aus der Befragung",
        "Jede Zeile beschreibt einen Menschen.",
        "BMG § 3, DSGVO Art. 5",
        "Daten-Verantwortliche",
        "10. Januar 2026",
        "10. Januar 2028",
        "Als Tabelle nach Alter veröffentlicht.",
        "Personenbezogene Daten",
    ):
        assert words in html
    assert "Radzählungen" not in html and "überfällig" not in html


def test_expired_grant_is_no_access(site: Site) -> None:
    """The register names who has access today, not who once had."""
    today = assembly.build(site)["registers/withheld/index.html"].decode()
    later = assembly.build(_with(site, today=date(2028, 1, 1)))["registers/withheld/index.html"].decode()
    assert ("„age structure“" in today, "„age structure“" in later) == (True, False)


def test_purposes_are_shown_in_words(site: Site) -> None:
    """The register says what a purpose is in the reader's language where the city gave it a title."""
    titled = {"age-structure": Text(de="Altersaufbau", en="Age structure")}
    allowed = site.settings.catalog.model_copy(update={"purposes": titled})
    files = assembly.build(_with(site, settings=site.settings.model_copy(update={"catalog": allowed})))
    assert "„Altersaufbau“" in files["registers/withheld/index.html"].decode()
    assert "“Age structure”" in files["registers/withheld/index.en.html"].decode()


def test_open_dataset_shows_its_first_rows_and_a_withheld_one_none(files: dict[str, bytes]) -> None:
    """Readers see what they would download; of what is withheld no row is shown."""
    html = files["datasets/population.by_age/index.html"].decode()
    assert "Die ersten Zeilen" in html and "<td>1200</td>" in html
    assert "Die ersten Zeilen" not in files["datasets/population.register/index.html"].decode()


def test_withheld_dataset_offers_no_download(files: dict[str, bytes]) -> None:
    """The page of a closed dataset shows the reason in place of files, and no file of it is in the site."""
    html = files["datasets/population.register/index.html"].decode()
    assert "Keine Lizenz: nicht veröffentlicht." in html
    assert (
        "Warum diese Daten nicht veröffentlicht werden" in html
        and "Herunterladen" not in html
        and "city.load" not in html
    )
    assert [path for path in files if path.startswith("datasets/population.register/")] == [
        "datasets/population.register/index.en.html",
        "datasets/population.register/index.html",
    ]


def test_dataset_shows_what_a_year_of_noisy_answers_may_tell(files: dict[str, bytes]) -> None:
    """Number, reason and deciding role of the budget stand on the page of its dataset, and on no other."""
    german, english = (
        files[f"datasets/population.register/{name}"].decode() for name in ("index.html", "index.en.html")
    )
    assert "je Jahr ε = 1,50. Wenige grobe Antworten." in german
    assert "per year ε = 1.50. A few coarse answers." in english
    assert "ε" not in files["datasets/population.by_age/index.html"].decode()


def test_open_dataset_shows_files_dictionary_code_and_use(files: dict[str, bytes]) -> None:
    """Download with size, licence, columns, starter code with and without the library, and who uses it."""
    html = unescape(files["datasets/population.by_age/index.html"].decode())
    for words in (
        'href="by_age.csv"',
        "32 Bytes",
        "Datenlizenz Deutschland",
        "Stadtbezirk",
        "ganze Zahl",
        'city.load("population.by_age")',
        "intake.open_catalog",
        "Wer wohnt wo?",
        "Nicht für Aussagen über Einzelne.",
    ):
        assert words in html


def test_missing_file_is_said_and_does_not_stop_the_site(site: Site) -> None:
    """A dataset whose file was not delivered has a page that says so."""
    from stadtbuch.site import downloads

    gone = downloads.Handout(version="", files={}, problem=downloads.MISSING)
    html = assembly.build(_with(site, handouts={"population.by_age": gone}))[
        "datasets/population.by_age/index.html"
    ].decode()
    assert "Die Datei liegt zurzeit nicht vor" in html and "intake" not in html


def test_rules_page_shows_thresholds_with_reason_and_body(files: dict[str, bytes]) -> None:
    """Numbers that a body decided are public, with the reason; the made-up example is explained."""
    html = files["methods/index.html"].decode()
    for words in (
        "Mindestfallzahl",
        "Niemand soll eine zweite Person erkennen.",
        "Lenkungsgruppe Daten",
        "2026.1",
        "37 − 14 − 21 = 2",
    ):
        assert words in html


def test_overdue_review_shows_on_every_page(site: Site) -> None:
    """Rules that should have been reviewed are no secret: a ribbon on each page says so."""
    late = assembly.build(_with(site, today=date(2028, 1, 11)))
    assert all(
        "Überprüfung überfällig." in html
        for path, html in pages(late).items()
        if not path.endswith(".en.html")
    )
    assert "überfällig)" in late["registers/withheld/index.html"].decode()


def test_text_of_the_city_replaces_the_template(site: Site) -> None:
    """Without a text of its own the page says that it is a template; with one it does not."""
    own = {"imprint": {"de": "## Anschrift\n\nRathausplatz 1", "en": "## Address\n\nRathausplatz 1"}}
    html = assembly.build(_with(site, words=own))["imprint/index.html"].decode()
    assert "Rathausplatz 1" in html and "Vorlage" not in html
    assert "Dieser Text ist eine Vorlage" in assembly.build(site)["imprint/index.html"].decode()


def test_withdrawn_edition_leaves_a_tombstone_with_its_reason(tmp_path: Path) -> None:
    """Nothing disappears silently: the address stays, says why and when, and holds no figures any more."""
    site = small_city.make_site(tmp_path, today=date(2026, 1, 16))
    shelf = site.shelves["how-people-cycle"][""]
    editions.withhold(
        shelf[0],
        reason=Text(de="Eine Zählstelle war falsch geeicht.", en="A station was wrong."),
        role="head-of-statistics",
        now=small_city.NOW,
    )
    again = _with(
        site,
        shelves=facts.shelves(
            [
                editions.read(one.folder)
                for cells in site.shelves.values()
                for found in cells.values()
                for one in found
            ]
        ),
    )
    files = assembly.build(again)
    html = files["reports/how-people-cycle/2026-01-15/index.html"].decode()
    assert "Eine Zählstelle war falsch geeicht." in html and "15. Januar 2026" in html
    assert not [path for path in files if path.startswith("reports/how-people-cycle/2026-01-15/figures")]
    assert 'href="2026-01-14/figures/ages.csv"' in files["reports/how-people-cycle/index.html"].decode()
    assert "zurückgezogen" in files["reports/how-people-cycle/index.html"].decode()


def test_city_without_reports_and_data_still_has_a_site(site: Site) -> None:
    """A city on its first day shows empty lists with words, not errors."""
    files = assembly.build(_with(site, shelves={}, datasets={}, handouts={}, reports={}))
    assert "Es ist noch kein Bericht veröffentlicht." in files["index.html"].decode()
    assert (
        "Die Stadt hält zurzeit keinen Datensatz zurück." in files["registers/withheld/index.html"].decode()
    )
    assert all(accessibility.check(html, subject=path) == [] for path, html in pages(files).items())


def _with(site: Site, **changes: Any) -> Site:
    from dataclasses import replace

    return replace(site, **changes)
