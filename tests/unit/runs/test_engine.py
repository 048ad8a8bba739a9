"""The one place that knows papermill."""

from __future__ import annotations

import ast
from pathlib import Path

import stadtbuch

LIBRARY = Path(stadtbuch.__file__).parent


def imported(path: Path) -> set[str]:
    """Give the top-level packages that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def test_one_module_imports_papermill() -> None:
    """A slow upstream stays in one place."""
    users = [path.name for path in LIBRARY.rglob("*.py") if "papermill" in imported(path)]

    assert users == ["engine.py"]
