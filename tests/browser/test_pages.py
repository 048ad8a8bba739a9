"""What readers meet: every type of page in a real browser, light, dark and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from stadtbuch import atomic

pytestmark = pytest.mark.browser

TYPES = {
    "home": "index.html",
    "reports": "reports/index.html",
    "report with cells": "reports/who-lives-where/index.html",
    "latest edition of a cell": "reports/who-lives-where/mitte/index.html",
    "latest edition in English": "reports/who-lives-where/mitte/index.en.html",
    "earlier edition": "reports/how-people-cycle/2026-01-14/index.html",
    "datasets": "datasets/index.html",
    "open dataset": "datasets/population.by_age/index.html",
    "withheld dataset": "datasets/population.register/index.html",
    "register of withheld data": "registers/withheld/index.html",
    "figures of the process": "registers/process/index.html",
    "figures of the process in English": "registers/process/index.en.html",
    "rules": "methods/index.html",
    "accessibility statement": "accessibility/index.html",
    "privacy notice in English": "privacy/index.en.html",
    "imprint": "imprint/index.html",
    "search": "search/index.html",
    "no such page": "404.html",
    "not available": "503.en.html",
}
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 360)}


class Visit:
    """An open page that remembers what it asked for and complained about."""

    def __init__(self, page: Any) -> None:
        self.page, self.requests, self.troubles = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        page.on("console", lambda message: self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "response",
            lambda answer: answer.status >= 400 and self.troubles.append(f"{answer.status}: {answer.url}"),
        )

    def open(self, url: str) -> Any:
        """Go to a page and open everything that folds."""
        self.page.goto(url)
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return self.page


@pytest.fixture(params=LOOKS, scope="module")
def visit(browser: Any, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open a window in one of the looks."""
    scheme, width = LOOKS[request.param]
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    yield Visit(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def axe() -> Any:
    """Bring axe-core along; it looks at a page and sends nothing."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.mark.parametrize("kind", TYPES)
def test_page_has_no_violation_and_no_foreign_request(
    visit: Visit, axe: Any, address: str, kind: str
) -> None:
    """Every type of page, in every look, passes axe-core, fits its window, complains of nothing, asks nobody else."""
    visit.requests.clear(), visit.troubles.clear()
    page = visit.open(f"{address}/{TYPES[kind]}")
    found = [
        (one["id"], node["html"][:120])
        for one in axe.run(page).response["violations"]
        for node in one["nodes"]
    ]
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    foreign = [url for url in visit.requests if not url.startswith((address, "data:"))]
    assert (found, sideways, foreign, visit.troubles) == ([], 0, [], [])


def test_plain_web_server_delivers_every_file(address: str, public: Path) -> None:
    """``python -m http.server`` in the folder delivers every file of the inventory, byte by byte."""
    inventory = json.loads((public / "site.json").read_text(encoding="utf-8"))["files"]
    for path, digest in inventory.items():
        with urlopen(f"{address}/{path}") as answer:
            assert atomic.digest(answer.read()) == digest, path


def test_keyboard_reaches_the_content_first_and_then_everything(browser: Any, address: str) -> None:
    """The first tab shows the skip link, it leads to the content, and no link is out of the keyboard's reach."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/reports/who-lives-where/mitte/index.html")
    page.keyboard.press("Tab")
    skip = page.evaluate(
        "[document.activeElement.className, document.activeElement.getBoundingClientRect().left >= 0]"
    )
    page.keyboard.press("Enter")
    target = page.evaluate("document.querySelector(':target').tagName")
    reachable = page.evaluate(
        "[...document.querySelectorAll('a[href], summary')].every(one => one.tabIndex === 0)"
    )
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    focus = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.close()
    assert (skip, target, reachable, focus) == (["skip", True], "MAIN", True, "solid")
    assert len(seen) > 20


def test_page_forbids_inline_style_and_script(browser: Any, address: str) -> None:
    """The page's own policy is in force: an injected script does not run and an inline style does not apply."""
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    page.evaluate(
        """() => {
            const script = document.createElement('script'); script.textContent = 'window.ran = true';
            const box = document.createElement('p'); box.id = 'box'; box.setAttribute('style', 'display: none');
            document.body.append(script, box);
        }"""
    )
    state = page.evaluate("[window.ran === true, getComputedStyle(document.querySelector('#box')).display]")
    page.close()
    assert state == [False, "block"]


def test_search_narrows_the_list_and_says_how_many(browser: Any, address: str) -> None:
    """Typing folds case, and what matches is counted in words; an empty field shows everything again."""
    from playwright.sync_api import expect

    page = browser.new_page()
    page.goto(f"{address}/search/index.html")
    shown, told = page.locator("#search-list > li:visible"), page.locator("#search-told")
    everything = shown.count()
    page.locator("#search-field").press_sequentially("MELDEregister")
    expect(told).to_have_text("Ein Eintrag passt.")
    assert shown.locator("a").all_inner_texts() == ["Melderegister"]
    page.locator("#search-field").fill("xyzzy")
    expect(told).to_have_text("Nichts passt. Versuchen Sie ein kürzeres Wort oder ein anderes.")
    page.locator("#search-field").fill("")
    expect(shown).to_have_count(everything)
    page.close()
    assert everything > 8


def test_search_takes_its_words_from_the_address(browser: Any, address: str) -> None:
    """A search can be linked; the words are shown as text and never as markup."""
    page = browser.new_page()
    page.goto(f"{address}/search/index.en.html?q=%3Cimg%20src%3Dx%3E+register")
    value = page.locator("#search-field").input_value()
    told = page.locator("#search-told").inner_text()
    images = page.locator("main img").count()
    page.goto(f"{address}/search/index.en.html?q=register")
    first = page.locator("#search-list > li:visible a").first.inner_text()
    page.close()
    assert (value, told, images) == (
        "<img src=x> register",
        "Nothing matches. Try a shorter word or another one.",
        0,
    )
    assert "register" in first.casefold()


def test_list_of_the_search_is_complete_without_script(browser: Any, address: str) -> None:
    """Where no script runs, every entry is shown and leads somewhere."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/search/index.html")
    shown, links = (
        page.locator("#search-list > li:visible").count(),
        page.locator("#search-list a[href]").count(),
    )
    context.close()
    assert shown == links > 8


def test_browser_and_library_fold_words_alike(browser: Any, address: str) -> None:
    """What the index holds is what the script looks for."""
    from stadtbuch.site import search

    samples = ["Straße", "BEVÖLKERUNG", "Ü30", "Café", "naïve", "ẞ", "Łódź", "ﬁn", "A\u0308pfel"]
    source = search.script().decode()
    start = source.index("const LETTERS")
    folding = source[start : source.index("const rows")]
    page = browser.new_page()
    page.goto(f"{address}/search/index.html")
    folded = page.evaluate(f"(samples) => {{ {folding} return samples.map(fold); }}", samples)
    page.close()
    assert folded == [search.fold(one) for one in samples]


def test_edition_folder_alone_misses_nothing_from_a_disk(browser: Any, public: Path, tmp_path: Path) -> None:
    """An edition copied out of the site opens from ``file://`` with its style, figures and downloads."""
    import shutil

    copied = tmp_path / "edition"
    shutil.copytree(public / "reports" / "who-lives-where" / "mitte" / "2026-01-15", copied)
    visit = Visit(browser.new_page())
    page = visit.open((copied / "index.html").as_uri())
    styled = page.evaluate("getComputedStyle(document.querySelector('.report-head')).borderBottomStyle")
    drawn = page.evaluate("document.querySelector('figure svg').getBoundingClientRect().width > 300")
    inside = page.evaluate(
        "[...document.querySelectorAll('a[download]')].map(one => one.getAttribute('href'))"
    )
    page.close()
    missing = [href for href in inside if not (copied / href).is_file()]
    assert (styled, drawn, missing, visit.troubles) == ("solid", True, [], [])


def test_print_shows_the_figure_and_hides_the_navigation(browser: Any, address: str) -> None:
    """On paper the navigation is gone, nothing is cut by a scrolling frame, and what is folded is printed."""
    page = browser.new_page()
    page.goto(f"{address}/reports/who-lives-where/mitte/index.html")
    page.emulate_media(media="print")
    state = page.evaluate(
        """[getComputedStyle(document.querySelector('.top nav')).display,
            getComputedStyle(document.querySelector('.sb-table .scroll')).overflowX,
            document.querySelector('figure svg').getBoundingClientRect().height > 50,
            document.querySelector('details:not([open]) table').getBoundingClientRect().height > 50]"""
    )
    page.close()
    assert state == ["none", "visible", True, True]
