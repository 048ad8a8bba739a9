"""
The first thing that ``stadtbuch`` does: give the quick answer if there is one, else call the command line.

Imports little: a build that finds nothing to do ends here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stadtbuch import outside
from stadtbuch.cli import unchanged


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command and give its exit code, as `stadtbuch.cli.main.main`.

    Parameters
    ----------
    argv
        The arguments; those of the process if left out.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    told = _quick(given)
    if told is not None:
        return _say(told)
    from stadtbuch.cli import main as everything  # noqa: PLC0415 - start-up time: the quick answer does without

    return everything.main(argv)


def _quick(given: Sequence[str]) -> str | None:
    """Give the answer of a build that finds nothing to do."""
    if given[:1] != ["build"]:
        return None
    language = outside.environment().language
    return unchanged.answer(given[1:], language=language, now=time.time(), here=Path.cwd())


def _say(told: str) -> int:
    """Write UTF-8 to stdout; a reader who is gone (``| head``) is no reason for a traceback."""
    try:
        sys.stdout.buffer.write(told.encode())
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
