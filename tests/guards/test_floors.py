"""Imports point down only, judging does no IO, and slow upstreams have one door each."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LINT = Path(sys.executable).with_name("lint-imports")


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the library below a folder, with that folder's contracts."""
    return subprocess.run(
        [str(LINT), "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """Give a copy of library and contracts that a test may spoil."""
    shutil.copytree(root / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def _imports(path: Path) -> Iterator[str]:
    """Give the modules that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant))


def _sources(root: Path) -> list[Path]:
    return sorted((root / "lib").rglob("*.py"))


def test_floors_hold(root: Path) -> None:
    """Both contracts hold on the library as it is."""
    answer = _lint(root)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("model/dataset.py", "import stadtbuch.catalog"),
        ("texts.py", "from stadtbuch import errors"),
        ("privacy/planted.py", "import stadtbuch.access"),
        ("catalog/planted.py", "def late():\n    from stadtbuch.book import ledger"),
        ("access/planted.py", "import sqlite3"),
    ],
)
def test_a_planted_import_breaks_the_contract(copy: Path, module: str, line: str) -> None:
    """An import upwards, sideways, inside a function, or of IO into a judging room is seen."""
    path = copy / "lib" / "stadtbuch" / module
    before = path.read_text(encoding="utf-8") if path.exists() else '"""Planted."""\n'
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    (copy / "lib" / "stadtbuch" / "book" / "ledger.py").touch()
    answer = _lint(copy)
    assert answer.returncode == 1
    assert "BROKEN" in answer.stdout


def test_a_new_package_must_choose_its_floor(copy: Path) -> None:
    """The list of floors is exhaustive."""
    (copy / "lib" / "stadtbuch" / "attic.py").write_text('"""No floor."""\n', encoding="utf-8")
    assert _lint(copy).returncode == 1


@pytest.mark.parametrize("upstream", ["intake", "opendp", "papermill"])
def test_slow_upstreams_have_one_door(root: Path, upstream: str) -> None:
    """One module each imports them, so that a change upstream has one place to be met."""
    doors = {
        str(path.relative_to(root))
        for path in _sources(root)
        if any(name.split(".")[0] == upstream for name in _imports(path))
    }
    assert len(doors) == 1, doors


def test_only_one_module_reads_the_environment(root: Path) -> None:
    """What a process is told from outside has one place; a kernel's program reads what its maker wrote."""
    asking = {
        str(path.relative_to(root / "lib" / "stadtbuch"))
        for path in _sources(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    assert asking == {"outside.py", "runs/inside.py"}


def test_only_the_doors_read_the_clock(root: Path) -> None:
    """Time enters at the command line and at `sb.city()` and is handed down, so that reruns are exact."""
    asking = {
        str(path.relative_to(root / "lib" / "stadtbuch"))
        for path in _sources(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr)
        in {
            ("datetime", "now"),
            ("datetime", "utcnow"),
            ("date", "today"),
            ("time", "time"),
            ("datetime", "today"),
        }
    }
    assert asking == {"cli/context.py", "cli/start.py", "runs/here.py"}
