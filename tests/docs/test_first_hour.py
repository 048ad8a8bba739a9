"""The first hour of each user group: the same in both languages, short sentences, nothing promised that is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.test_commands import CODE, PAGES, SHOWN_NUMBER, blocks

from stadtbuch.cli import main

PAIRS = {
    "auswertung": "analyst",
    "betrieb": "operator",
    "datenpflege": "steward",
    "einsenden": "citizen",
}
LATER = ("correct",)
CALLED = re.compile(r"stadtbuch (?:report )?([a-z]+)")


def _page(root: Path, folder: str, name: str) -> Path:
    return root / "docs" / folder / f"{name}.md"


def _typed(page: Path) -> list[tuple[str, list[str]]]:
    """Give commands and cells without what is said about them: language, lines."""
    found = []
    for block in blocks(page):
        if block.language not in ("text", "markdown"):
            lines = [f"{line.split('#')[0].strip()} {''.join(CODE.findall(line))}".strip()
                     for line in block.content.splitlines()]  # fmt: skip
            found.append((block.language, lines))
    return found


@pytest.mark.parametrize(("german", "english"), PAIRS.items())
def test_both_languages_do_the_same(root: Path, german: str, english: str) -> None:
    """The same commands, cells and files in the same order; only what is said is in another language."""
    one, other = _page(root, "erste-stunde", german), _page(root, "first-hour", english)
    assert [what for what in _typed(one) if what[0] != "csv"] == [
        what for what in _typed(other) if what[0] != "csv"
    ]
    shape = r"^(#+) "
    assert re.findall(shape, one.read_text("utf-8"), re.MULTILINE) == re.findall(
        shape, other.read_text("utf-8"), re.MULTILINE
    )


def test_every_group_has_its_hour(root: Path) -> None:
    """Four groups, two languages, and the table of commands knows them all."""
    pages = {page.relative_to(root).as_posix() for folder in ("erste-stunde", "first-hour")
             for page in (root / "docs" / folder).glob("*.md")}  # fmt: skip
    assert len(pages) == 2 * len(PAIRS)
    assert pages <= set(PAGES)


def test_german_comes_first(root: Path) -> None:
    """In the index and in the menu, each German page stands before its English one."""
    for place in ("docs/index.md", "mkdocs.yml", "README.md"):
        text = (root / place).read_text(encoding="utf-8")
        for german, english in PAIRS.items():
            assert 0 <= text.find(f"erste-stunde/{german}.md") < text.find(f"first-hour/{english}.md"), place


def test_nothing_is_promised_that_is_missing(root: Path) -> None:
    """No page calls a command that comes later."""
    for name in PAGES:
        for block in blocks(root / name):
            if block.language == "sh":
                assert not set(CALLED.findall(block.content)) & set(LATER), name
    assert not set(LATER) & set(main.DOORS)


def test_a_number_in_an_example_is_nobodys(root: Path) -> None:
    """All pages show the same receipt number, which no submission has."""
    shown = {
        number
        for page in (root / "docs").rglob("*.md")
        for number in re.findall(r"SB-\d{4}-\w{4}-\w{4}", page.read_text(encoding="utf-8"))
    }
    assert shown == {SHOWN_NUMBER}
