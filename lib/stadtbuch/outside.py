"""
What a process is told from outside: a few environment variables, read here and nowhere else.

Imports a small part of the standard library only: the quick answer of a build asks here, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple


class Environment(NamedTuple):
    """What a process was told from outside: its run, its language, the notebook it belongs to."""

    run: Path | None
    language: Literal["de", "en"]
    notebook: Path | None


def environment() -> Environment:
    """Read the few environment variables that mean something to the library."""
    run, notebook = os.environ.get("STADTBUCH_RUN"), os.environ.get("JPY_SESSION_NAME")
    spoken = (
        os.environ.get("STADTBUCH_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    )[:2]
    return Environment(
        run=Path(run) if run else None,
        language="en" if spoken == "en" else "de",
        notebook=Path(notebook) if notebook else None,
    )


def handed_on(names: Sequence[str]) -> dict[str, str]:
    """Give the variables of these names that are set: what a process that we start may know of ours."""
    return {name: os.environ[name] for name in names if name in os.environ}
