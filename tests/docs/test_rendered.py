"""The documentation, rendered as readers meet it: nothing is missing, nothing is fetched from elsewhere."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

CHROMIUM = "/usr/bin/chromium"
ADDRESS = re.compile(r'(?:href|src)="?([^"\s>]+)')


@pytest.fixture(scope="module")
def rendered(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render all pages; a warning of the renderer is an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_rendered(root: Path, rendered: Path) -> None:
    """Each Markdown page has its HTML page, also those that lie in the project's root."""
    wanted = {
        path.relative_to(root / "docs").with_suffix(".html").as_posix() for path in root.glob("docs/**/*.md")
    }
    made = {path.relative_to(rendered).as_posix() for path in rendered.rglob("*.html")}
    assert len(wanted) > 10 and wanted <= made
    assert {"project/index.html", "project/GLOSSARY.html"} <= made


def test_no_rendered_link_is_broken(rendered: Path) -> None:
    """Every relative address of a page leads to a file."""
    broken = []
    for page in rendered.rglob("*.html"):
        if page.name == "404.html":
            continue  # its addresses begin at the server's root
        folder = page.parent.relative_to(rendered).as_posix()
        for address in ADDRESS.findall(page.read_text(encoding="utf-8")):
            parts = urlsplit(address)
            if parts.scheme or not parts.path:
                continue
            target = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
            if not (rendered / target).exists():
                broken.append((page.name, address))
    assert broken == []


@pytest.mark.browser
def test_rendered_pages_ask_no_other_server(rendered: Path) -> None:
    """Opened from a disk in Chromium, pages load nothing from anywhere else and complain of nothing missing."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (apt-get install chromium), so pages were not looked at")
    with ThreadPoolExecutor(max_workers=1) as apart:  # other tests keep a browser open in this thread
        asked, headings = apart.submit(_look, rendered).result()
    assert headings == [1, 1, 1]
    assert asked and [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def _look(rendered: Path) -> tuple[list[str], list[int]]:
    """Open three pages; give what they asked for and how many main headings they have."""
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    headings = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page: Any = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index.html", "explanation/gate.html", "reference/commands.html"):
            page.goto((rendered / name).as_uri())
            page.wait_for_load_state("networkidle")
            headings.append(page.locator("h1").count())
        browser.close()
    return asked, headings
