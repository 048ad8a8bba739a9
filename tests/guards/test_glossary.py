"""One word per thing: GLOSSARY.md and the code name the same nouns."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LATER = "later"


def _rows(text: str, heading: str) -> list[list[str]]:
    """Give the cells of the table below a heading."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def glossary(root: Path) -> str:
    """Give the page."""
    return (root / "GLOSSARY.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model(root: Path) -> dict[str, str]:
    """Give the public classes of the model and their modules."""
    return {
        node.name: f"model.{path.stem}"
        for path in (root / "lib" / "stadtbuch" / "model").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def test_a_name_means_one_thing(root: Path) -> None:
    """No two classes of the model share a name."""
    names = [
        node.name
        for path in (root / "lib" / "stadtbuch" / "model").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert sorted(names) == sorted(set(names))


def test_every_class_of_the_model_is_explained(glossary: str, model: dict[str, str]) -> None:
    """No noun without a German word and a sentence, and no explained part that does not exist."""
    nouns = {row[0] for row in _rows(glossary, "Nouns")}
    parts = {name for row in _rows(glossary, "Parts of the nouns") for name in row[0].split(", ")}
    assert set(model) - nouns - parts == set()
    assert parts - set(model) == set()


def test_nouns_stand_where_the_glossary_says(root: Path, glossary: str, model: dict[str, str]) -> None:
    """A place in the model holds the class, any other is a room; what comes later is not there."""
    for name, *_, place in _rows(glossary, "Nouns"):
        room = place.strip("`")
        if room.startswith("model."):
            assert model.get(name) == room, name
        elif room in {LATER, "–"}:
            assert name not in model, name
        else:
            folder = root / "lib" / "stadtbuch" / room
            assert folder.is_dir() or folder.with_suffix(".py").is_file(), name


def test_every_explanation_is_complete(glossary: str) -> None:
    """Each row has its German word and its sentence."""
    for heading in ("Nouns", "Parts of the nouns", "Fields, not types"):
        for row in _rows(glossary, heading):
            assert row[0], row
            assert row[1], row
            assert len(row[3 if heading == "Nouns" else 2]) > 10, row
