"""
Write docs/reference/doctor.md from the rounds of the doctor.

`make docs` runs it; a test compares page and checks. With ``-`` the page goes to stdout.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stadtbuch.examination.rounds import ROUNDS

PAGE = Path(__file__).with_name("doctor.md")
HEAD = """# What `stadtbuch doctor` looks at

Written by `make docs` from the checks themselves; a test compares both.
The doctor reads and never writes: nothing is laid out, mended or sent. It shows no data value, no key and no login.

Each check says `ok`, `hint` or `problem`; hints and problems say why, what to do and, where there is one, the command.
Exit code 0: no problem (hints are fine). 3: at least one problem. 2: the city that was named does not exist.

`--json` gives one document with `ok`, `public`, `at`, `counts`, `seen` and `skipped`.
An element of `seen` has `check`, `group`, `severity`, `subject`, `text`, `why`, `remedy`, `command` and `facts`.
`skipped` names the checks that could not be asked because `stadtbuch.toml` or a library is missing or broken.
"""


def page() -> str:
    """Give the whole page: a section per group, a line per check."""
    lines = [HEAD]
    for group, checks in ROUNDS.items():
        only = " (with `--public`)" if all(one.needs == "public" for one in checks) else ""
        lines += [f"## {group.title.en}{only}\n", "| Check | Looks at |", "|---|---|"]
        lines += [f"| `{one.id}` | {one.title.en} |" for one in checks]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
