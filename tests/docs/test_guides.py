"""The how-to and explanation pages do what they say, and every page that the library names is there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from stadtbuch import settings, synthetic
from stadtbuch.cli import main
from stadtbuch.model.analysis import Input, Manifest, Parameter, Question

BLOCK = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"docs/[\w./-]*[\w-]|docs: [\w-]+/[\w-]+")
NAME = "how-large-are-the-boroughs"


def _blocks(root: Path) -> list[tuple[str, str, str]]:
    """Give the fenced blocks of the first report's page: line before, language, content."""
    page = root / "docs" / "how-to" / "first-report.md"
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def _notebook(root: Path) -> nbformat.NotebookNode:
    """Put the notebook together as a reader of the page does."""
    cells = []
    for before, language, content in _blocks(root):
        tags = {"tags": re.findall(r"`([\w-]+)`", before)} if "tag" in before else {}
        if language == "yaml" and content.startswith("stadtbuch:"):
            cells.append(new_markdown_cell(f"```yaml\n{content}```"))
        elif language in ("python", "markdown"):
            make = new_code_cell if language == "python" else new_markdown_cell
            cells.append(make(content.strip(), metadata=tags))
    return new_notebook(cells=cells)


def _definition(root: Path) -> str:
    (one,) = [
        content
        for _, language, content in _blocks(root)
        if language == "yaml" and not content.startswith("stadtbuch:")
    ]
    return one


@pytest.fixture
def city(root: Path, tmp_path: Path) -> Path:
    """Give the synthetic city with its data, the notebook and the definition of the page."""
    place = tmp_path / "city"
    place.mkdir()
    for name in ("stadtbuch.toml", "synthetic.yaml", "roles.yaml", "concentration.toml"):
        shutil.copy(root / name, place)
    shutil.copytree(root / "catalogs", place / "catalogs")
    synthetic.make(settings.read(place), size="mini")
    for folder in ("notebooks", "reports"):
        (place / folder).mkdir()
    nbformat.write(_notebook(root), place / "notebooks" / f"{NAME}.ipynb")
    (place / "reports" / f"{NAME}.yaml").write_text(_definition(root), encoding="utf-8")
    return place


@pytest.mark.slow
def test_the_first_report_becomes_public(
    root: Path, city: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All commands of the page work in their order; what the page says of their answers is so."""
    monkeypatch.chdir(city)
    said: dict[str, str] = {}
    for _, language, content in _blocks(root):
        for line in content.splitlines() if language == "sh" else []:
            code = main.main(shlex.split(line)[1:])
            answer = capsys.readouterr()
            said[line] = answer.out
            assert code == 0, f"{line}\n{answer.out}{answer.err}"
    assert "wartet auf Freigabe" in said[f"stadtbuch build {NAME}"]
    for page in ("index.html", "index.en.html"):
        assert (city / "public" / "reports" / NAME / page).is_file()
    assert "Freigegeben" in said[f"stadtbuch report approve {NAME} --as head-of-statistics"]


def _rows(text: str, title: str) -> set[str]:
    """Give the keys of the table below a heading."""
    part = text.split(f"## {title}\n")[1].split("\n## ")[0]
    firsts = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for one in firsts for name in re.findall(r"`(\w+)`", one)}


def _keys(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("Keys of the block", Manifest),
        ("Keys of an input", Input),
        ("Keys of a question", Question),
        ("Keys of a parameter", Parameter),
    ],
)
def test_manifest_page_and_model_agree(root: Path, title: str, model: Any) -> None:
    """Every key is explained, and no key is explained that does not exist."""
    page = (root / "docs" / "reference" / "manifest.md").read_text(encoding="utf-8")
    assert _rows(page, title) == _keys(model)


@pytest.mark.parametrize("folder", ["explanation", "erklaerung"])
def test_every_rule_of_the_gate_is_explained(root: Path, folder: str) -> None:
    """The page about the gate names its rules, and none that is gone."""
    from stadtbuch.privacy import outputs
    from stadtbuch.reports import differencing, reviews

    page = (root / "docs" / folder / "gate.md").read_text(encoding="utf-8")
    source = Path(outputs.__file__).read_text(encoding="utf-8")
    rules = set(re.findall(r'@checks\.check\("(privacy\.[\w-]+)"\)', source))
    known = rules | {differencing.RULE} | set(reviews.OF_DATASETS)
    assert set(re.findall(r"`(privacy\.[\w-]+)`", page)) == known


def test_every_page_that_the_library_names_is_there(root: Path) -> None:
    """A message or docstring that sends somebody to a page sends nobody into the void."""
    missing = [
        f"{path.relative_to(root)}: {name}"
        for path in sorted((root / "lib").rglob("*"))
        if path.suffix in {".py", ".j2", ".md", ".json"}
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
        if not _page(root, name).exists()
    ]
    assert missing == []


def _page(root: Path, name: str) -> Path:
    """Give the page: ``docs/how-to/x.md`` as it stands, ``docs: how-to/x`` for the same page."""
    if name.startswith("docs: "):
        return root / "docs" / f"{name.removeprefix('docs: ')}.md"
    return root / name


def test_every_page_is_found_from_the_first_one(root: Path) -> None:
    """The index links each page of the documentation; of the decisions the first, whose folder and menu list all."""
    index = root / "docs" / "index.md"
    linked = {
        (index.parent / target).resolve()
        for target in re.findall(r"\]\(([^)#\s]+)", index.read_text(encoding="utf-8"))
        if "://" not in target
    }
    later = set((root / "docs" / "decisions").glob("*.md")) - {root / "docs" / "decisions" / "0001-house.md"}
    pages = {path.resolve() for path in {*(root / "docs").rglob("*.md")} - later} - {index.resolve()}
    assert sorted(path.name for path in pages - linked) == []


TWINS = {"anleitungen": "how-to", "erklaerung": "explanation"}
TRIED = re.compile(r"^>>> .*?(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("german", "english"), TWINS.items())
def test_every_guide_exists_in_both_languages(root: Path, german: str, english: str) -> None:
    """A page and its twin have one file name, and try out the same code."""
    folders = [root / "docs" / folder for folder in (german, english)]
    shown = [
        {path.name: TRIED.findall(path.read_text(encoding="utf-8")) for path in folder.glob("*.md")}
        for folder in folders
    ]
    assert shown[0] == shown[1]
    assert shown[0]
