"""Pages with what strangers wrote, in a real browser: nothing runs, nothing is fetched, nobody is moved elsewhere."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import small_city
from builders.city import a_city
from builders.payloads import HTML, MARKDOWN, SVG, svg
from builders.submissions import ROLES, a_submission, accepted, code, received, shown, text

from stadtbuch.site import assembly, pages, showcase
from stadtbuch.submissions import review

pytestmark = pytest.mark.browser

LOAD = 'city.load("geography.boroughs")'
ACTIVE = """
    () => [...document.querySelectorAll(`script, iframe, object, embed, form, base, style, math, template, input,
        button, video, audio, main svg, [style], meta[http-equiv=refresh],
        link[rel=stylesheet]:not([href$="assets/style.css"])`)].map(one => one.outerHTML.slice(0, 80))
"""
HANDLERS = r"""
    () => [...document.querySelectorAll('*')].flatMap(one => [...one.attributes])
        .filter(one => one.name.startsWith('on') || /^\s*(javascript|vbscript|data:text)/i.test(one.value))
        .map(one => one.name + '=' + one.value)
"""


def hostile() -> tuple[bytes, dict[int, list[dict[str, Any]]]]:
    """Give one notebook with every payload in every place, and what a broken sandbox could give back."""
    payloads = {**MARKDOWN, **HTML}.values()
    texts = [text("Text\n\n" + payload.replace("\0", "")) for payload in payloads]  # the gate refuses NUL
    told = {"output_type": "stream", "name": "stdout", "text": "<script>alert(1)</script>"}
    failed = {
        "output_type": "error",
        "ename": "<img src=x onerror=alert(1)>",
        "evalue": "</pre><script>alert(1)</script>",
    }
    outputs = [
        [told, failed],
        [shown(html=payload) for payload in HTML.values()],
        [shown(md=payload) for payload in MARKDOWN.values()],
        [shown(svg=svg(payload)) for payload in SVG.values()],
    ]
    cells = [
        text("# <img src=x onerror=alert(1)> Feindlich"),
        code(f"# </code></pre><script>alert(1)</script>\n{LOAD}"),
    ]
    data = a_submission(*cells, *[code(f"{LOAD}  # {number}") for number in range(len(outputs))], *texts)
    return data, dict(enumerate(outputs, start=3))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build pages with a hostile, an honest and a withdrawn submission."""
    root = tmp_path_factory.mktemp("citizens")
    city = a_city(root / "city", roles=ROLES).open()
    data, outputs = hostile()
    accepted(city, data, outputs, credit='<script>alert(1)</script>"onmouseover="alert(1)')
    table = '<table class="dataframe"><thead><tr><th></th><th>area</th></tr></thead>'
    table += "<tbody><tr><th>0</th><td>12.5</td></tr></tbody></table>"
    honest = [shown(html=table, plain="x"), shown(svg=svg(""), plain="x"), shown(plain="12.5")]
    accepted(city, None, {2: honest})
    gone = accepted(city, credit="Weg")
    review.withdraw_by_sender(city, gone.submission.number, secret=gone.secret)
    received(city)
    exhibits, tombstones = showcase.gather(city.state, open_data=lambda _: True)
    made = small_city.make_site(root / "small", today=date(2026, 1, 16))
    pages.put(assembly.build(replace(made, exhibits=exhibits, gone=tombstones)), root / "public")
    raw = "".join([*HTML.values(), *(svg(one) for one in SVG.values())])
    (root / "public" / "unlocked.html").write_text(f"<!doctype html><body>{raw}", encoding="utf-8")
    (root / "public" / "second-lock.html").write_text(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{showcase.CSP}"><body>{raw}',
        encoding="utf-8",
    )
    return root / "public"


@pytest.fixture(scope="module")
def where(site: Path) -> Iterator[str]:
    """Serve the pages as any web server would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, cwd=site, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


class Watch:
    """A window that remembers every sign of harm: dialogs, requests to others, complaints, other addresses."""

    def __init__(self, context: Any, home: str) -> None:
        self.page, self.home = context.new_page(), home
        self.dialogs, self.foreign, self.console, self.moves = [], [], [], []
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("framenavigated", lambda frame: self.moves.append(frame.url))
        context.on("page", lambda page: self.moves.append(f"new window {page.url}"))
        context.route("**/*", self._route)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _route(self, route: Any) -> None:
        if route.request.url.startswith((self.home, "data:")):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def endure(self, path: str) -> None:
        """Open a page that may run and move as it likes, and wait for what it does."""
        from playwright.sync_api import Error

        with contextlib.suppress(Error):
            self.page.goto(f"{self.home}/{path}", wait_until="commit")
        self.page.wait_for_timeout(1_500)

    def visit(self, path: str) -> Any:
        """Open a page, unfold everything, and touch all of its content as a curious reader does."""
        self.page.goto(f"{self.home}/{path}", wait_until="load")
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for kind in ("mouseover", "focus", "toggle"):
            self.page.evaluate(
                "kind => document.querySelectorAll('main *').forEach(one => one.dispatchEvent(new Event(kind)))",
                kind,
            )
        self.page.wait_for_timeout(300)
        return self.page


@pytest.fixture
def watch(browser: Any, where: str) -> Iterator[Watch]:
    """Open a window that sees harm."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Watch(context, where)
    context.close()


def page_of(site: Path, words: str) -> str:
    """Find the folder of the exhibit whose page says something."""
    found = [
        path for path in site.glob("showcase/sb-*/index.html") if words in path.read_text(encoding="utf-8")
    ]
    assert len(found) == 1
    return found[0].parent.relative_to(site).as_posix()


def test_the_test_would_see_harm(watch: Watch) -> None:
    """The same payloads on a page without any lock do run, fetch and move: so silence means something."""
    watch.endure("unlocked.html")
    assert len(watch.dialogs) >= 5
    assert len({url for url in watch.foreign if "evil.example" in url}) >= 8


def test_the_second_lock_holds_scripts_alone(watch: Watch) -> None:
    """With the policy of the page and no sanitiser at all, nothing runs and only a move by ``<meta>`` is tried."""
    watch.endure("second-lock.html")
    assert watch.dialogs == []
    assert {url for url in watch.foreign if "/meta" not in url} == set()


@pytest.mark.parametrize("language", ["index.html", "index.en.html"])
def test_a_page_of_payloads_does_nothing(watch: Watch, site: Path, where: str, language: str) -> None:
    """No dialog, no request to others, no script in the document, no move, and the policy had nothing to forbid."""
    path = f"{page_of(site, 'Feindlich')}/{language}"
    page = watch.visit(path)
    active = page.evaluate(ACTIVE)
    handlers = page.evaluate(HANDLERS)
    assert (watch.dialogs, watch.foreign, watch.console, active, handlers) == ([], [], [], [], [])
    assert watch.moves == [f"{where}/{path}"]
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.getElementById('inhalt').tagName") == "MAIN"


def test_links_of_strangers_are_marked_and_lead_only_to_the_web(watch: Watch, site: Path) -> None:
    """Every link in what a citizen wrote is whole, on the web, and says that it is theirs."""
    page = watch.visit(f"{page_of(site, 'Feindlich')}/index.html")
    links = page.evaluate(
        "[...document.querySelectorAll('.citizens a[href]')].map(one => [one.href, one.rel, one.target])"
    )
    assert links
    assert {(rel, target) for _, rel, target in links} == {("nofollow ugc noopener noreferrer", "")}
    assert all(href.startswith(("https://", "http://")) for href, _, _ in links)


def test_pictures_do_nothing_even_when_opened_alone(watch: Watch, site: Path) -> None:
    """As an image and as a page of its own, each picture only draws."""
    folder = page_of(site, "Feindlich")
    pictures = sorted((site / folder).glob("picture-*.svg"))
    assert len(pictures) == len(SVG)
    for picture in pictures:
        watch.page.goto(f"{watch.home}/{folder}/{picture.name}")
        watch.page.evaluate(
            "document.querySelectorAll('*').forEach(one => one.dispatchEvent(new Event('click')))"
        )
    page = watch.visit(f"{folder}/index.html")
    drawn = page.evaluate(
        "[...document.querySelectorAll('.citizens img')].every(one => one.complete && one.naturalWidth > 0)"
    )
    assert (watch.dialogs, watch.foreign, drawn) == ([], [], True)


@pytest.fixture(scope="module")
def axe() -> Any:
    """Bring axe-core along."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_pages_of_citizens_are_for_everybody(
    browser: Any, where: str, site: Path, axe: Any, look: str
) -> None:
    """Index, honest and hostile page, tombstone, invitation: axe-core finds nothing, nothing overflows."""
    width, scheme = (360, "light") if look == "phone" else (1280, look)
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    gone = page_of(site, "Ihr Inhalt ist gelöscht")
    hostile = (
        [page_of(site, "Feindlich")] if look == "light" else []
    )  # the same markup many times: once is enough
    for path in ("showcase", "send-in", _honest(site), gone, *hostile):
        page.goto(f"{where}/{path}/index.html")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = [
            (one["id"], node["html"][:120])
            for one in axe.run(page).response["violations"]
            for node in one["nodes"]
        ]
        sideways = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert (path, found, sideways) == (path, [], 0)
    context.close()


def _honest(site: Path) -> str:
    return page_of(site, "Wie groß sind die Bezirke?")


def test_what_readers_see(watch: Watch, site: Path) -> None:
    """The label that it is not from the city, the credit, the reason, the data, and the sources as text."""
    page = watch.visit(f"{_honest(site)}/index.html")
    words = page.inner_text("main")
    for expected in (
        "Von Bürgerinnen und Bürgern, nicht von der Stadt",
        "Radgruppe Nord",
        "Gut erklärt und leicht nachzurechnen.",
        "geography.boroughs",
        'boroughs = city.load("geography.boroughs")',
        "Ob die Schlüsse stimmen, hat die Stadt nicht geprüft.",
        "Creative Commons",
        "12.5",
    ):
        assert expected in words
    assert "From citizens, not from the city" in watch.visit(f"{_honest(site)}/index.en.html").inner_text(
        "main"
    )
