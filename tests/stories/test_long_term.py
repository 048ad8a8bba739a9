"""
Whoever keeps an edition's folder can read it in twenty years: from a disk, without a server, without anybody else.

Every edition of the made-up city is looked at, not an example.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from stories.conftest import Lindenstadt

pytestmark = pytest.mark.slow
LOADED = {("img", "src"), ("script", "src"), ("source", "src"), ("iframe", "src"), ("object", "data"), ("embed", "src"),
          ("video", "src"), ("audio", "src"), ("link", "href"), ("image", "href"), ("use", "href")}  # fmt: skip
BESIDE = {"canonical", "alternate", "license", "help", "author"}
"""Kinds of ``link`` that a browser does not load."""
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    """Collects what a page loads, and its styles."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        told = dict(attrs)
        if tag == "link" and set((told.get("rel") or "").split()) & BESIDE:
            return
        self.loaded += [told[name] or "" for element, name in LOADED if element == tag and told.get(name)]
        self.loaded += [
            found for pair in IN_STYLE.findall(told.get("style") or "") for found in pair if found
        ]


def _editions(city: Path) -> list[Path]:
    """Give the folders of all public editions."""
    return sorted(path.parent for path in (city / "public" / "reports").rglob("edition.json"))


def _missing(folder: Path, file: Path) -> list[str]:
    """Say what a page or style sheet loads that does not lie in the edition's folder."""
    text = file.read_text(encoding="utf-8")
    found = Page(text).loaded if file.suffix == ".html" else []
    found += [one for pair in IN_STYLE.findall(text if file.suffix == ".css" else "") for one in pair if one]
    return [one for one in found if not one.startswith(("data:", "#")) and not _is_there(folder, file, one)]


def _is_there(folder: Path, file: Path, address: str) -> bool:
    parts = urlsplit(address)
    target = (file.parent / unquote(parts.path)).resolve()
    return not parts.scheme and not parts.netloc and target.is_relative_to(folder) and target.is_file()


def test_no_edition_loads_anything_from_elsewhere(lindenstadt: Lindenstadt) -> None:
    """Pictures, styles and scripts of every edition lie in its own folder."""
    folders = [folder.resolve() for folder in _editions(lindenstadt.root)]
    missing = {
        f"{folder.name}/{file.name}": found
        for folder in folders
        for file in (*folder.glob("*.html"), *folder.glob("*.css"), *folder.rglob("*.svg"))
        if (found := _missing(folder, file))
    }

    assert len(folders) > 5
    assert all((folder / name).is_file() for folder in folders for name in ("index.html", "index.en.html"))
    assert missing == {}


def test_every_file_is_what_the_edition_says(lindenstadt: Lindenstadt) -> None:
    """The list of checksums in ``edition.json`` holds for the folder, without any program of ours."""
    for folder in _editions(lindenstadt.root):
        told = json.loads((folder / "edition.json").read_text(encoding="utf-8"))
        assert told["files"]
        wrong = [
            one["path"]
            for one in told["files"]
            if sha256((folder / one["path"]).read_bytes()).hexdigest() != one["sha256"]
        ]
        assert wrong == []


def test_a_page_that_asks_somebody_else_is_noticed(tmp_path: Path) -> None:
    """The counterpart: a foreign script, a font in a style, a picture above the folder."""
    page = tmp_path / "index.html"
    page.write_text(
        '<script src="https://cdn.example/x.js"></script><img src="../x.svg"><a href="https://x.example">'
    )
    style = tmp_path / "style.css"
    style.write_text("body {background: url(//x.example/a.png)} @import 'gone.css'; a {b: url(data:,)}")

    assert _missing(tmp_path, page) == ["https://cdn.example/x.js", "../x.svg"]
    assert _missing(tmp_path, style) == ["//x.example/a.png", "gone.css"]
