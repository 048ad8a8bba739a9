"""The analyst's first hour in a real browser: open the start notebook, load, be warned, protect, preview the page."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from builders.lab import server_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATIENCE = 240_000  # milliseconds: other tests share the machine
PLACE = re.compile(r"^Cell \d+/\d+$")
IDLE = "Python 3 (ipykernel) | Idle"
NOTEBOOK = "notebooks/tutorials/start.ipynb"


def _stories() -> ModuleType:
    """Load the stories' fixtures: the built city is theirs, and it is built once for all."""
    path = Path(__file__).parents[1] / "stories" / "conftest.py"
    spec = importlib.util.spec_from_file_location("conftest_of_the_stories", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lindenstadt = _stories().lindenstadt


def _outputs(path: Path) -> list[Any]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        cell.get("outputs") or cell.get("execution_count") for cell in cells if cell["cell_type"] == "code"
    ]


def test_the_first_hour(lindenstadt: Any, browser: Any, tmp_path: Path) -> None:
    """By keyboard from the first cell to the page; nothing asked elsewhere, nothing shown is on the disk."""
    city = lindenstadt.copy(tmp_path / "city").root
    with server_in(city) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(PATIENCE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.start)
        _run_all(page)
        _see(page)
        _save(page, city)
        page.close()
    assert {url for url in asked if not url.startswith((server.url, "data:", "blob:"))} == set()
    assert not any(_outputs(city / NOTEBOOK))
    copies = list(city.rglob(".ipynb_checkpoints/*.ipynb"))
    assert copies
    assert not any(any(_outputs(path)) for path in copies)


def _run_all(page: Any) -> None:
    """Run cell after cell with the keyboard, until the last one has its answer."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.get_by_text(IDLE).wait_for()
    page.locator(".jp-Notebook .jp-Cell").first.focus()
    at, number = _place(page)
    while at < number:
        page.keyboard.press("Shift+Enter")
        at = _moved(page, at)
    page.keyboard.press("Shift+Enter")
    page.locator("iframe[title='Vorschau der öffentlichen Seite']").wait_for(state="attached")


def _place(page: Any) -> tuple[int, int]:
    """Give the number of the selected cell and of all cells, as the status bar says them."""
    at, _, number = page.get_by_text(PLACE).first.inner_text().removeprefix("Cell ").partition("/")
    return int(at), int(number)


def _moved(page: Any, before: int) -> int:
    """Wait until the next cell is selected; a busy page may lose a key, then it is pressed again."""
    for _ in range(80):
        if _place(page)[0] > before:
            break
        page.wait_for_timeout(50)
    return _place(page)[0]


def _see(page: Any) -> None:
    """Read what the lab says: what was loaded, the warning, the note of protecting, the verdict, the page."""
    notes = page.locator("section[aria-label^='Geladen']").all_text_contents()
    assert any("geography.boroughs" in note and "offen" in note for note in notes)
    (closed,) = [note for note in notes if "population.residents" in note]
    assert "geschlossen" in closed
    assert "age-structure" in closed
    said = page.locator("section[aria-label='Ein Befund']").all_text_contents()
    assert any("zeigt 5 Zeilen aus population.residents" in one and "sb.protect" in one for one in said)
    assert any("privacy.suppressed" in one for one in said)
    assert page.locator("section[aria-label^='Nur zum Ansehen']").count() == 1
    assert page.locator("section[aria-label='Würde zugelassen']").count() == 2
    shown = page.frame_locator("iframe[title='Vorschau der öffentlichen Seite']")
    assert "Die erste Stunde" in shown.locator("h1").text_content()
    assert shown.locator("figure svg").count() == 1
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def _save(page: Any, city: Path) -> None:
    """Save with the keyboard and wait until the file is written; nothing objects."""
    path = city / NOTEBOOK
    before = path.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    for _ in range(PATIENCE // 250):
        page.wait_for_timeout(250)
        if path.stat().st_mtime_ns != before:
            break
    page.get_by_text(IDLE).wait_for()
    assert page.locator(".jp-Dialog").count() == 0
