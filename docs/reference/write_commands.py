"""
Write docs/reference/commands.md from the commands themselves.

`make docs` runs it; a test compares page and commands. With ``-`` the page goes to stdout.
The help is in the language of the process, so run it with ``STADTBUCH_LANGUAGE=en``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stadtbuch.cli.main import command

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Commands

Written by `make docs` from the commands themselves; a test compares both.
The commands speak German or English, as `STADTBUCH_LANGUAGE` or `LANG` says.

Exit codes: 0 ok, 1 failed, 2 usage, 3 refused by a check or the gate, 4 access to data denied.
With `--json`, stdout holds exactly one JSON document; logs and progress go to stderr.
`jupyter stadtbuch ...` does the same as `stadtbuch ...`.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Give the path and the object of every command that does something, in the order of the help."""
    yield from _below("stadtbuch", command())


def _below(path: str, one: Any) -> Iterator[tuple[str, Any]]:
    """Give a command, or those of a group."""
    if not hasattr(one, "list_commands"):
        yield path, one
        return
    for name in one.list_commands(None):
        found = one.get_command(None, name)
        if not found.hidden:
            yield from _below(f"{path} {name}", found)


def page() -> str:
    """Give the whole page."""
    return "\n".join([HEAD, *(section(path, one) for path, one in commands())])


def section(path: str, one: Any) -> str:
    """Give the part of the page about one command."""
    what, _, example = (one.help or "").strip().partition("\n\nExample:")
    lines = [f"## `{path}`\n", what.strip(), ""]
    if example.strip():
        lines += ["```sh", *(line.strip() for line in example.strip().splitlines()), "```", ""]
    shown = [row for row in map(_row, one.params) if row]
    if shown:
        lines += ["| Option or argument | Meaning |", "|---|---|", *shown, ""]
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    """Give one line about an option or argument."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    names = ", ".join(f"`{name}`" for name in parameter.opts if name.startswith("-"))
    meaning = re.sub(r"\s+", " ", getattr(parameter, "help", None) or "").strip()
    place = (parameter.metavar or parameter.name.upper()).replace("|", "\\|")
    return f"| {names or f'`{place}`'} | {meaning} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
