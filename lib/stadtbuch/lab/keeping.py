"""
Which outputs of a notebook may be written to disk: those of notebooks that provably read open data only.

Whatever is not understood counts as closed: a manifest with a mistake, a dataset that the catalogue does not
know, an id that is computed, a file that is read past the door.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any

import nbformat

from stadtbuch.errors import StadtbuchError
from stadtbuch.lab.watching import MARK, RESTRICTED
from stadtbuch.runs import manifest as manifests

IsOpen = Callable[[str], bool]
"""Whether an id names an open dataset or a released table."""

_STANDARD = frozenset(
    """
    __future__ abc bisect calendar cmath collections colorsys copy dataclasses datetime decimal enum
    fractions functools heapq itertools json locale math numbers operator random re statistics string
    textwrap time types typing unicodedata warnings zoneinfo
    """.split()  # noqa: SIM905 - many words read better as text
)
_LIBRARIES = frozenset(
    """
    altair geopandas IPython ipywidgets matplotlib numpy pandas pyproj scipy seaborn shapely sklearn
    stadtbuch statsmodels vl_convert
    """.split()  # noqa: SIM905 - many words read better as text
)
_PUBLIC = frozenset(
    """
    City age_group ages city dashboard figure headline places points protect publish table
    """.split()  # noqa: SIM905 - many words read better as text
)
"""What an analysis needs of our own library; whatever else it holds is past the door."""

_READS = re.compile(
    r"read_\w+|\w*from_?file|from_?regex|open\w*|load\w*|genfromtxt|memmap|eval|exec|system|popen|imread|get_handle"
    r"|DataSource|ExcelFile|HDFStore|SQLDatabase|FileLinks?|attrgetter|methodcaller"
)
"""Names of methods and functions that read files or run code, whatever library they belong to."""

_DOORS = frozenset({"load"})
_MAGICS = frozenset(
    """
    load_ext sb_data sb_peek sb_check sb_preview sb_new time timeit matplotlib precision who whos
    """.split()  # noqa: SIM905 - many words read better as text
)
_TIMED = re.compile(r"\s*%%?time(?:it)?(?:\s+-[a-z]+\d*(?:\s+\d+)?)*\s+(.*)", re.DOTALL)

_UNSURE = frozenset(
    """
    __import__ open eval exec compile getattr setattr globals locals vars __dict__ __builtins__ get_ipython
    In Out _ih _oh
    """.split()  # noqa: SIM905 - many words read better as text
)
_INNER = frozenset(
    """
    source snapshot _sources _seen _read store state io
    """.split()  # noqa: SIM905 - many words read better as text
)
"""What a session keeps of its sources; a notebook that reaches for it is past the door."""


class Kind(StrEnum):
    """What a notebook is known to read."""

    open = "open"
    closed = "closed"
    unsure = "unsure"


def kind(notebook: Mapping[str, Any], *, is_open: IsOpen) -> Kind:
    """
    Say what a notebook reads: only of one that reads open data, outputs may be written to disk.

    Parameters
    ----------
    notebook
        As in its file.
    is_open
        Tells of an id whether it is open; anything unknown is not.

    Examples
    --------
    >>> cell = {"cell_type": "code", "source": "city.load('a.b')", "outputs": []}
    >>> str(kind({"cells": [cell]}, is_open={"a.b"}.__contains__))
    'open'
    >>> str(kind({"cells": [cell]}, is_open=set().__contains__))
    'closed'
    >>> str(kind({"cells": [cell | {"source": "city.load(name)"}]}, is_open={"a.b"}.__contains__))
    'unsure'
    """
    cells = notebook["cells"]
    if any(_restricted(output) for cell in cells for output in cell.get("outputs") or ()):
        return Kind.closed
    declared, loaded = _declared(notebook), _loaded(cells)
    known = (declared or set()) | (loaded or set())
    if not all(is_open(name) for name in known):
        return Kind.closed
    return Kind.open if known and declared is not None and loaded is not None else Kind.unsure


def _restricted(output: Mapping[str, Any]) -> bool:
    """Tell whether an output comes from a kernel that had read something that is not open."""
    mark = (output.get("metadata") or {}).get(MARK)
    return isinstance(mark, Mapping) and bool(mark.get(RESTRICTED))


def names_us(notebook: Mapping[str, Any]) -> bool:
    """Tell whether a notebook has anything to do with us: a cell names the library, or an output bears its mark."""
    cells = notebook["cells"]
    named = any("stadtbuch" in text(cell.get("source")) for cell in cells)
    outputs = [output for cell in cells for output in cell.get("outputs") or ()]
    return named or any(MARK in (output.get("metadata") or {}) for output in outputs)


def prints(notebook: Mapping[str, Any]) -> set[bytes]:
    """Give a fingerprint of every output, to know it again in another notebook."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs") or ()]
    told = [one for one in outputs if MARK not in (one.get("metadata") or {})]
    return {sha256(json.dumps(_content(one), sort_keys=True).encode()).digest() for one in told}


def _content(output: Mapping[str, Any]) -> Any:
    """Give what an output shows, without its number; nbformat also allows lists of lines."""
    if output.get("output_type") == "stream":
        return text(output.get("text"))
    shown = output.get("data") or {}
    return {str(mime): text(one) for mime, one in shown.items()} or [
        output.get("ename"),
        output.get("evalue"),
    ]


def _declared(notebook: Mapping[str, Any]) -> set[str] | None:
    """Give the inputs of the manifest; nothing declared is an empty set, a mistake is None."""
    cells = notebook["cells"]
    first = cells[0] if cells else {}
    if first.get("cell_type") != "markdown" or "stadtbuch:" not in text(first.get("source")):
        return set()
    try:
        plain = [{"metadata": {}, **cell, "source": text(cell.get("source"))} for cell in cells]
        return set(manifests.declared(nbformat.from_dict({"cells": plain}), name="notebook").inputs)
    except StadtbuchError:
        return None


def _loaded(cells: Any) -> set[str] | None:
    """Give the ids that the code loads; None if something is not sure."""
    found: set[str] = set()
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        ids = _ids(text(cell.get("source")))
        if ids is None:
            return None
        found |= ids
    return found


def text(source: Any) -> str:
    """Give a cell's source as one text; nbformat also allows a list of lines."""
    return "".join(source) if isinstance(source, list) else str(source or "")


def _ids(source: str) -> set[str] | None:
    """Read one cell's code."""
    lines = source.splitlines()
    magics = [line.strip().lstrip("%").split()[:1] for line in lines if line.lstrip().startswith("%")]
    if any(not word or word[0] not in _MAGICS for word in magics):
        return None
    plain = "\n".join(_timed(line) if line.lstrip().startswith("%") else line for line in lines)
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return _of_tree(tree)


def _timed(line: str) -> str:
    """Give the code that a line of ``%time`` or ``%timeit`` runs; other magics that are known run none."""
    return found[1] if (found := _TIMED.fullmatch(line)) else ""


def _of_tree(tree: ast.AST) -> set[str] | None:
    doors: set[int] = set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _DOORS:
            name = _literal(node)
            if name is None:
                return None
            found.add(name)
            doors.add(id(node.func))
    unsure = any(_is_unsure(node) for node in ast.walk(tree) if id(node) not in doors)
    return None if unsure else found


def _literal(call: ast.Call) -> str | None:
    """Give the id that a call of `load` names."""
    named = [word.value for word in call.keywords if word.arg == "dataset"]
    first = next(iter([*call.args[:1], *named]), None)
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _is_unsure(node: ast.AST) -> bool:
    """Whether a piece of code could read data in a way that is not seen here."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        known = all(name in _STANDARD | _LIBRARIES for name in _imported(node))
        return not known or _is_own(node) or any(_reads(part) for part in _parts(node))
    if isinstance(node, ast.Attribute):
        return _reads(node.attr)
    if isinstance(node, ast.keyword):
        return node.arg == "filename"  # IPython's pictures and texts read a file so
    if isinstance(node, ast.Call) and "city" in (
        getattr(node.func, "attr", ""),
        getattr(node.func, "id", ""),
    ):
        return bool(node.args) or any(word.arg in (None, "start") for word in node.keywords)  # another city
    return isinstance(node, ast.Name) and node.id in _UNSURE


def _reads(name: str) -> bool:
    """Tell whether a name stands for something that may read a file or run code."""
    return bool(_READS.fullmatch(name)) or name in _UNSURE | _INNER


def _parts(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Give every name in a line that imports."""
    paths = [one.name for one in node.names] + [getattr(node, "module", None) or ""]
    yield from (part for path in paths for part in path.split("."))


def _is_own(node: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether a line imports of our own library what no analysis needs, or under a name that is not seen."""
    if isinstance(node, ast.Import):
        return any(one.name.startswith("stadtbuch.") for one in node.names)
    own = str(node.module).partition(".")[0] == "stadtbuch"
    return own and any(one.name not in _PUBLIC or one.asname or "." in str(node.module) for one in node.names)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Give the top names of the packages that a line imports; a relative import is none we know."""
    if isinstance(node, ast.ImportFrom):
        yield "" if node.level else str(node.module).partition(".")[0]
    else:
        yield from (one.name.partition(".")[0] for one in node.names)


def strip(notebook: dict[str, Any]) -> int:
    """
    Take outputs, execution counts, timings and the state of widgets out of a notebook, in place.

    Returns
    -------
    int
        How many outputs there were.
    """
    number = 0
    for cell in notebook["cells"]:
        number += len(cell.get("outputs") or ())
        if cell.get("cell_type") == "code" or "outputs" in cell:
            cell["outputs"], cell["execution_count"] = [], None
        _forget(cell.get("metadata"), ("execution", "ExecuteTime"))
    _forget(notebook.get("metadata"), ("widgets",))
    return number


def tidy(notebook: dict[str, Any]) -> int:
    """Take only what the lab itself put there out of a notebook, in place; give how many outputs that were."""
    number = 0
    for cell in notebook["cells"]:
        outputs = cell.get("outputs")
        if outputs:
            cell["outputs"] = [one for one in outputs if MARK not in (one.get("metadata") or {})]
            number += len(outputs) - len(cell["outputs"])
    return number


def _forget(metadata: Any, keys: tuple[str, ...]) -> None:
    if isinstance(metadata, dict):
        for key in keys:
            metadata.pop(key, None)


def attachments(notebook: Mapping[str, Any]) -> list[int]:
    """Give the positions (from 1) of cells that hold attachments: they are written, and nobody can check them."""
    return [number for number, cell in enumerate(notebook["cells"], 1) if cell.get("attachments")]
