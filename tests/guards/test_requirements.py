"""Requirement ids map to tests that exist."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path

import pytest

ROW = re.compile(r"^\| ([A-Z]{2}-[A-Z0-9-]+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.fixture(scope="module")
def table(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Give file and name of the tests of every id."""
    page = (root / "docs" / "requirements.md").read_text(encoding="utf-8")
    return {number: TEST.findall(cells) for number, cells in ROW.findall(page)}


def _tests(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ()
    return {node.name for node in tree if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists(root: Path, table: dict[str, list[tuple[str, str]]]) -> None:
    """A test that is renamed or removed takes its promise with it, so the page must follow."""
    assert len(table) > 20
    missing = [f"{number}: {file}::{name}" for number, some in table.items() for file, name in some
               if name not in _tests(root / file)]  # fmt: skip
    assert missing == []
    assert [number for number, some in table.items() if not some] == []


def test_every_id_is_one_of_the_list(shared: Path, table: dict[str, list[tuple[str, str]]]) -> None:
    """No id is made up."""
    with (shared / "design" / "requirements.csv").open(encoding="utf-8", newline="") as file:
        known = {row["id"] for row in csv.DictReader(file)}
    assert set(table) - known == set()
