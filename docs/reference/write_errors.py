"""
Write docs/reference/errors.md from the places in the library that raise errors.

`make docs` runs it; a test compares page and code. With ``-`` the page goes to stdout.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stadtbuch import errors

PAGE = Path(__file__).with_name("errors.md")
LIBRARY = Path(errors.__file__).parent
CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.StadtbuchError)
}
HEAD = """# Errors

Written by `make docs` from the places in the library that raise them; a test compares both.
Every error says what happened, why, and what to do, in German or English; `--json` gives its code.
An error never holds a data value. `…` stands for what the message inserts: a dataset, a column, a rule.
"""


@dataclass(frozen=True, order=True)
class Said:
    """One error as it stands in the code."""

    code: str
    kind: str
    what: str
    remedy: str


def said() -> list[Said]:
    """Give every error with a literal code, by code."""
    return sorted({one for path in sorted(LIBRARY.rglob("*.py")) for one in _in(path)})


def _in(path: Path) -> Iterator[Said]:
    """Give the errors of one file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and (kind := getattr(node.func, "id", getattr(node.func, "attr", ""))) in CLASSES
        ):
            named = {word.arg: word.value for word in node.keywords}
            code = node.args[0] if node.args else named.get("code")
            what = node.args[1] if len(node.args) > 1 else named.get("what")
            if isinstance(code, ast.Constant):
                yield Said(str(code.value), kind, _english(what), _english(named.get("remedy")))


def _english(node: ast.expr | None) -> str:
    """Give the English wording of ``Text(de=..., en=...)``; ``…`` where it is made elsewhere."""
    if node is None:
        return ""
    words = [word.value for word in node.keywords if word.arg == "en"] if isinstance(node, ast.Call) else []
    return _wording(words[0]) if words else "…"


def _wording(node: ast.expr) -> str:
    """Give a literal as it reads, with ``…`` for what is inserted."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_wording(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


def page() -> str:
    """Give the whole page: a section per class, a line per code."""
    everything = said()
    lines = [HEAD]
    for kind in sorted({one.kind for one in everything}, key=lambda name: (CLASSES[name].exit_code, name)):
        about = inspect.getdoc(CLASSES[kind]).splitlines()[0]
        lines += [f"## {kind}: exit code {CLASSES[kind].exit_code}\n", f"{about}\n"]
        lines += ["| Code | What happened | What to do |", "|---|---|---|"]
        lines += [
            f"| `{one.code}` | {_cell(one.what)} | {_cell(one.remedy)} |"
            for one in everything
            if one.kind == kind
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(words: str) -> str:
    """Give words that do not break a table."""
    return " ".join(words.split()).replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
