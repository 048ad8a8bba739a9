"""
The run key: everything a result depends on, hashed part by part.

Same key, same result: nothing runs again. The parts stay readable in ``run.json``, so that a later difference
can be explained: data, code, environment, parameters or rules.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import stadtbuch
from stadtbuch.privacy import notebooks

FORMAT = 2
LOCK = "requirements/runtime.lock"
ABOVE = ("cli", "site", "synthetic", "transparency", "__main__.py")


def canonical(value: Any) -> bytes:
    """
    Write JSON in one form: sorted keys, no spaces, UTF-8.

    Examples
    --------
    >>> canonical({"b": 1, "a": "ä"}).decode()
    '{"a":"ä","b":1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """Give the SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value)).hexdigest()


def of(parts: Mapping[str, Any]) -> str:
    """Give the key of a run from its parts."""
    return digest(dict(parts))


def code(notebook: Any) -> str:
    """
    Hash the code cells in their order: sources, tags and what else goes out with them; outputs are noise.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> plain, run = v4.new_code_cell("1 + 1"), v4.new_code_cell("1 + 1", execution_count=3)
    >>> code(v4.new_notebook(cells=[plain])) == code(v4.new_notebook(cells=[run]))
    True
    """
    return digest([_cell(cell) for cell in notebook.cells if cell.cell_type == "code"])


def texts(notebook: Any) -> str:
    """
    Hash the other cells and where they stand: they are the page's words, and the manifest.

    They are no part of the run key, because no code sees them; whoever judges or publishes takes them from the
    notebook as it is now (`executed.with_texts`).
    """
    return digest(
        [(place, _cell(cell)) for place, cell in enumerate(notebook.cells) if cell.cell_type != "code"]
    )


def _cell(cell: Any) -> list[Any]:
    """
    Tell what of a cell stands in the executed notebook.

    The gate refuses attachments and metadata other than tags; whoever removes them needs a new run, not the old
    verdict. Marks that Jupyter leaves about how a cell was shown or run are noise.
    """
    noise = ("tags", *notebooks.STRIPPED_FROM_CELLS)
    more = {name: value for name, value in cell.metadata.items() if name not in noise}
    if cell.get("attachments"):
        more["attachments"] = cell.attachments
    told = [cell.cell_type, cell.source, sorted(cell.metadata.get("tags", ()))]
    return [*told, more] if more else told


def modules(notebook: Any, *, beside: Path) -> dict[str, bytes]:
    """
    Find the local modules that a notebook imports, and those that they import.

    Parameters
    ----------
    notebook
        Its code is parsed, not run; a cell that is no plain Python (a magic) is skipped.
    beside
        The notebook's folder: ``name.py`` and packages ``name/`` in it are local.

    Returns
    -------
    dict
        Relative path -> content, sorted by path.
    """
    found: dict[str, bytes] = {}
    waiting = [name for cell in notebook.cells if cell.cell_type == "code" for name in _imported(cell.source)]
    while waiting:
        for path in _files(beside, waiting.pop()):
            relative = path.relative_to(beside).as_posix()
            if relative not in found:
                found[relative] = path.read_bytes()
                waiting += _imported(found[relative].decode("utf-8", errors="replace"))
    return dict(sorted(found.items()))


def _imported(source: str) -> list[str]:
    """Give the top-level names that code imports; magics are left out line by line."""
    lines = ["pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return []
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [name.partition(".")[0] for name in names if name]


def _files(beside: Path, name: str) -> list[Path]:
    """Give the files of one local module: all Python files of a package, or one file; a folder needs no __init__."""
    single, package = beside / f"{name}.py", beside / name
    if single.is_file() and not (package / "__init__.py").is_file():
        return [single]
    return sorted(package.rglob("*.py")) if package.is_dir() else []


def environment(root: Path) -> dict[str, str]:
    """
    Tell which packages a run uses: the city's lock file, or else what is installed.

    Parameters
    ----------
    root
        The city's folder.

    Returns
    -------
    dict
        ``source`` says which of the two, ``sha256`` is its hash, ``python`` the interpreter's version.
    """
    lock = root / LOCK
    told = (
        {"source": LOCK, "sha256": sha256(lock.read_bytes()).hexdigest()}
        if lock.is_file()
        else {"source": "installed distributions", "sha256": _installed()}
    )
    return told | {"python": ".".join(map(str, sys.version_info[:3]))}


@cache
def _installed() -> str:
    """Hash names and versions of everything installed; read once per process."""
    return digest(sorted({(str(one.name).lower(), str(one.version)) for one in distributions()}))


@cache
def library() -> dict[str, str]:
    """
    Tell the library's version and the hash of the files that can influence a run.

    A checkout changes without a new version. What stands on a floor above (`ABOVE`) is left out: nothing that a
    run uses may import it.
    """
    home = Path(stadtbuch.__file__).parent
    files = (path.relative_to(home) for path in home.rglob("*") if path.is_file())
    names = sorted(one for one in files if one.parts[0] not in ABOVE and "__pycache__" not in one.parts)
    told = [(one.as_posix(), sha256((home / one).read_bytes()).hexdigest()) for one in names]
    return {"version": _version(), "sha256": digest(told)}


def _version() -> str:
    try:
        return version("stadtbuch")
    except PackageNotFoundError:
        return "checkout"
