"""Dashboards in a real browser: live and static, light, dark and on a phone, with the keyboard and without script."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from builders import serving
from builders.serving import Served
from stories.conftest import lindenstadt  # noqa: F401 - the built city, shared with the stories

pytestmark = pytest.mark.browser

LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 360)}
LIVE = {"who-lives-where": "?borough=mitte", "how-does-the-city-cycle": "en/?days=weekends"}
STATIC = ("dashboards/index.html", "dashboards/who-lives-where/index.html")
PATIENCE = 60_000
FULL = 503


@pytest.fixture(scope="module")
def served(lindenstadt: Any) -> Iterator[Served]:  # noqa: F811 - the fixture imported above
    """Serve the made-up city with two seats."""
    with serving.served(lindenstadt.root, "--seats", "2") as running:
        yield running


@pytest.fixture(scope="module")
def axe() -> Any:
    """Bring axe-core along."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def opened(page: Any, address: str) -> None:
    """Open a live page and wait for its numbers; visitors of earlier tests may still have their seats."""
    for _ in range(60):
        answer = page.goto(address, wait_until="commit", timeout=PATIENCE)
        if answer.status != FULL:
            break
        page.wait_for_timeout(1000)
    page.wait_for_selector(".dashboard-shown .dashboard-view", timeout=PATIENCE)


def judged(page: Any, axe: Any) -> list[str]:
    """Name what axe-core finds, and whether the page is wider than its window."""
    found = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in axe.run(page).response["violations"]]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["sideways"] if wide else [])]


@pytest.mark.parametrize("name", LIVE)
def test_a_live_dashboard_is_accessible_and_equals_its_static_page(
    browser: Any, axe: Any, served: Served, name: str
) -> None:
    """In every look axe-core finds nothing, no request leaves, no cookie is set; the numbers are the static page's."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, f"{served.live}/{name}/{LIVE[name]}")
    found = {}
    for look, (scheme, width) in LOOKS.items():
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found[look] = judged(page, axe)
    live = page.locator(".dashboard-view").all_inner_texts()
    page.goto(page.locator("#static-page").get_attribute("href"))
    static = page.locator(".dashboard-view").all_inner_texts()
    foreign = [url for url in asked if not url.startswith((served.live, served.site, "data:", "blob:"))]
    cookies = context.cookies()
    context.close()
    assert (found, foreign, cookies) == ({look: [] for look in LOOKS}, [], [])
    assert live == static
    assert re.search(r"\d", live[0])


def test_the_keyboard_chooses_and_everything_follows(browser: Any, served: Served) -> None:
    """The first tab is the skip link; the field has a name, a border and a visible focus; choosing with the keys
    changes the numbers, the status and the way to the static page.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    opened(page, f"{served.live}/who-lives-where/?borough=hafen")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SELECT":
            break
    style = page.evaluate(
        "(() => { const one = getComputedStyle(document.activeElement);"
        " return [one.outlineStyle, one.borderTopStyle, parseFloat(one.borderTopWidth) >= 1]; })()"
    )
    field = page.get_by_label("Stadtbezirk")
    before = page.locator(".headline-value").inner_text()
    page.keyboard.press("Home")
    page.wait_for_selector(".dashboard-view[data-choice=all]", timeout=PATIENCE)
    after = page.locator(".headline-value").inner_text()
    told = page.locator("#live-status").inner_text()
    href = page.locator("#static-page").get_attribute("href")
    count = field.count()
    named = [
        page.locator("h1").inner_text(),
        page.title(),
        page.locator(".crumbs li").last.inner_text(),
        page.url.partition("?")[2],
        page.get_by_role("link", name="English").get_attribute("href"),
    ]
    page.close()
    assert all("Hafen" not in one for one in named)
    assert named[0] == "Wer wohnt wo? Ganze Stadt"
    assert named[1].startswith("Wer wohnt wo?: Ganze Stadt – ")
    assert named[2:] == ["Ganze Stadt", "borough=all", "/who-lives-where/en/?borough=all"]
    assert (style, count, before != after) == (["solid", "solid", True], 1, True)
    assert told == "Gezeigt: Ganze Stadt"
    assert href == f"{served.site}/dashboards/who-lives-where/all/index.html"


def test_a_visitor_whose_kernel_is_gone_is_told(browser: Any, served: Served) -> None:
    """After a long rest nothing answers a choice any more: the page says so and leads on with that choice."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    others = serving.kernels(served.copy())  # of visitors who have just left
    opened(page, f"{served.live}/who-lives-where/?borough=hafen")
    (kernel,) = [one for one in serving.kernels(served.copy()) if one not in others]
    os.kill(kernel, signal.SIGKILL)
    page.get_by_label("Stadtbezirk").select_option(label="Mitte")
    page.wait_for_selector("#live-gone a", timeout=PATIENCE)
    told = page.locator("#live-gone").inner_text()
    links = [one.get_attribute("href") for one in page.locator("#live-gone a").all()]
    page.close()
    assert told.startswith("Die interaktive Fassung antwortet nicht mehr")
    assert links == ["?borough=mitte", f"{served.site}/dashboards/who-lives-where/mitte/index.html"]


def test_without_script_the_numbers_and_all_choices_are_there(browser: Any, axe: Any, served: Served) -> None:
    """Static pages need no script and pass axe-core; a link leads from one choice to the next."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{served.site}/dashboards/how-does-the-city-cycle/index.html")
    page.get_by_role("link", name="Samstag und Sonntag").click()
    page.wait_for_url("**/all.weekends/index.html")
    weight = len(page.content().encode())
    page.goto(f"{served.live}/who-lives-where/?borough=mitte", wait_until="commit", timeout=PATIENCE)
    number = page.locator(".headline-value").first.inner_text(timeout=PATIENCE)
    context.close()
    assert number
    assert weight < 300_000
    for look, (scheme, width) in LOOKS.items():
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        found = {}
        for path in STATIC:
            page.goto(f"{served.site}/{path}")
            found[path] = judged(page, axe)
        page.close()
        assert found == {path: [] for path in STATIC}, look


@pytest.mark.long  # the page itself is checked without a browser
def test_the_page_for_full_seats_is_accessible(browser: Any, axe: Any, served: Served) -> None:
    """With both seats taken the third visitor gets the static numbers, a word about it, and a way to try again."""
    first, second, third = (browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(3))
    opened(first, f"{served.live}/who-lives-where/")
    opened(second, f"{served.live}/who-lives-where/")
    answer = third.goto(f"{served.live}/who-lives-where/en/?borough=neustadt")
    found = judged(third, axe)
    told = third.locator("main [role=status]").inner_text()
    number = third.locator(".headline-value").inner_text()
    third.goto(f"{served.site}/dashboards/who-lives-where/neustadt/index.en.html")
    static = third.locator(".headline-value").inner_text()
    for page in (first, second, third):
        page.close()
    assert (answer.status, found, number) == (FULL, [], static)
    assert told.startswith("All seats of the interactive version are taken at the moment.")
