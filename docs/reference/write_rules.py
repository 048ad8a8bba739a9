"""
Write docs/reference/rules.md, the rule book of tables, from the tests of the rules.

`make docs` runs it; a test compares page and rules. With ``-`` the page goes to stdout.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

PAGE = Path(__file__).with_name("rules.md")
RULES = Path(__file__).parents[2] / "tests" / "rules"
HEAD = """# The rules of tables

Written by `make docs` from the tests of the rules (`tests/rules`): what stands here is what was tested.
`·` is withheld, `–` is a true zero. The numbers of concentration rules are examples; a city's own ones stay inside.

"""
PARTS = {
    "test_primary": "## When a cell tells too much by itself\n",
    "test_tables": "## What is withheld in a table\n\n"
    "The minimum count is 3. First what was counted, then what is published.\n",
    "test_clearance": "## What is withheld in groups and sums\n\n"
    "The minimum is 3 units. Of sums, what each company pays; one may not be more than 85 per cent.\n",
}
SOURCE = "Fischetti and Salazar-González, JASA 95 (2000); the minimum count is the city's decision"


def module(name: str) -> ModuleType:
    """Read one file of rules."""
    spec = importlib.util.spec_from_file_location(f"rules_{name}", RULES / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def section(rule: str, source: str, tables: list[str]) -> str:
    """Give one rule with its tables and its source."""
    blocks = [f"```text\n{dedent(table).strip()}\n```\n" for table in tables]
    return "\n".join([f"### {rule}\n", *blocks, f"Source: {source}.\n"])


def page() -> str:
    """Give the whole page."""
    primary = [section(one.rule, one.source, [one.lines]) for one in module("test_primary").RULES]
    tables = [section(rule, SOURCE, [before, after]) for rule, before, after in module("test_tables").RULES]
    cleared = [
        section(one.rule, one.source, [one.before, one.after]) for one in module("test_clearance").RULES
    ]
    parts = [
        PARTS["test_primary"],
        *primary,
        PARTS["test_tables"],
        *tables,
        PARTS["test_clearance"],
        *cleared,
    ]
    return HEAD + "\n".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
