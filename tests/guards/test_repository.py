"""What the repository may and may not hold."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

# Written in pieces, so that this file does not find itself.
MACHINE = [
    re.compile("/" + r"wor[k]/(main|steering|shared|\.)"),
    re.compile("/" + "tmp/w" + "/"),
    re.compile("/" + "roo[t]/"),
    re.compile("/" + "op[t]/pypi"),
    re.compile("/" + "far[m]/"),
]
REGISTRY = re.compile(r"pypi\.or[g]|pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]|conda\.anaconda\.or[g]")
UNPROMISED = ("SECURITY.md", "methods.html.j2", "benchmarks/microdata.py")
"""Where it is said that we do not promise it, and where another library's functions are called by their names."""
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}
NEVER = re.compile(r"anonym|dsgvo-konform|gdpr[- ]compliant|zensier|censor", re.IGNORECASE)
LARGEST = 1024 * 1024


def _is_source(path: Path) -> bool:
    """Tell what people wrote from what tools left behind."""
    return not any(
        part == "__pycache__" or (part.startswith(".") and part.endswith("_cache")) for part in path.parts
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _found(files: list[Path], root: Path, *patterns: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(root)}:{number}"
        for path in files
        for number, line in enumerate(_text(path).splitlines(), 1)
        if any(pattern.search(line) for pattern in patterns)
    ]


def test_git_does_not_ignore_the_library(root: Path) -> None:
    """The usual Python .gitignore swallows lib/; ours leaves every source file in sight."""
    if not (root / ".git").exists():
        pytest.skip("this copy is no git checkout, so its files cannot be told from what lies around")
    sources = [
        str(path.relative_to(root)) for path in (root / "lib" / "stadtbuch").rglob("*.*") if _is_source(path)
    ]
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=root,
        input="\n".join(sources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert sources
    assert answer.stdout == ""


def test_state_and_pages_are_ignored(root: Path) -> None:
    """Keys, closed data and rendered pages can never be committed by accident."""
    if not (root / ".git").exists():
        pytest.skip("this copy is no git checkout, so its files cannot be told from what lies around")
    made = [
        "var/keys/x",
        "public/index.html",
        "data/population/residents.parquet",
        "truth/privacy.json",
        ".venv/x",
    ]
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", *made], cwd=root, capture_output=True, text=True, check=False
    )
    assert answer.stdout.split() == made


def test_no_path_of_a_machine(project_files: list[Path], root: Path) -> None:
    """Nothing in the project depends on where somebody's checkout lies."""
    assert _found(project_files, root, *MACHINE) == []


def test_no_registry_is_named_by_its_address(project_files: list[Path], root: Path) -> None:
    """Packages are named, not their servers: the user's settings choose those."""
    assert _found(project_files, root, REGISTRY) == []


def test_no_large_files(project_files: list[Path], root: Path) -> None:
    """Data and pictures are generated, not stored."""
    large = [str(path.relative_to(root)) for path in project_files if path.stat().st_size > LARGEST]
    assert large == []


def test_no_nameless_modules(project_files: list[Path], root: Path) -> None:
    """Modules are nouns you could find on a door."""
    modules = [path.relative_to(root) for path in project_files if path.suffix == ".py"]
    assert [
        str(path) for path in modules if NAMELESS & {part.removesuffix(".py") for part in path.parts}
    ] == []


def test_notebooks_hold_no_outputs(project_files: list[Path], root: Path) -> None:
    """What a notebook showed somebody never enters git; each is read as JSON, whatever its folder."""
    stored = []
    for path in project_files:
        if path.suffix == ".ipynb" and "attacks" not in path.parts:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
                stored.append(str(path.relative_to(root)))
    assert stored == []


def test_no_text_promises_too_much(project_files: list[Path], root: Path) -> None:
    """No page, message or notebook promises what software cannot know."""
    public = [
        path
        for path in project_files
        if path.relative_to(root).parts[0] not in {"tests", "LICENSE", "requirements"}
        and not path.as_posix().endswith(UNPROMISED)
    ]
    assert _found(public, root, NEVER) == []


def test_readme_names_the_two_commands(root: Path) -> None:
    """A stranger finds how to see it and how to check it."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", readme))


def test_every_make_target_is_explained(root: Path) -> None:
    """The targets that the design names exist and stand in the help."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^#   make (\w+)", makefile, re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    promised = {"demo", "test", "check", "campaign", "lab", "serve", "bench", "clean"}
    assert promised <= explained
    assert explained <= targets


def test_clean_leaves_the_state_alone(root: Path) -> None:
    """Cleaning removes what is made from the rest, and var/ is not."""
    planned = subprocess.run(
        ["make", "-n", "clean"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    removed = [word for line in planned.splitlines() if line.startswith("rm ") for word in line.split()]
    assert ".venv" in removed
    assert not {"var", "var/", "data", "data/", "."} & set(removed)


def test_one_version_everywhere(root: Path) -> None:
    """Package, citation and changelog speak of the same version."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {version}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in (root / "LICENSE").read_text(encoding="utf-8")
