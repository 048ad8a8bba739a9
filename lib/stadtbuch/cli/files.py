"""Files that people name on the command line: read and written with sentences instead of system errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

LARGEST = 1_000_000
"""Bytes that are read of such a file at most."""


def content_of(path: Path, option: str) -> bytes:
    """
    Read a file that an option names.

    Raises
    ------
    UsageError
        ``usage.no-file`` if that is not possible.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError:
        raise UsageError(
            "usage.no-file",
            Text(
                de=f"Die Datei zu {option} lässt sich nicht lesen.",
                en=f"The file of {option} cannot be read.",
            ),
            remedy=Text(
                de="Nennen Sie eine vorhandene Datei, die Sie lesen dürfen.",
                en="Name an existing file that you may read.",
            ),
        ) from None


@contextmanager
def writing(option: str) -> Iterator[None]:
    """Say in a sentence that a file cannot be written where the user wants it."""
    try:
        yield
    except OSError:
        raise UsageError(
            "usage.file",
            Text(
                de=f"Die Datei zu {option} lässt sich nicht schreiben.",
                en=f"The file of {option} cannot be written.",
            ),
            remedy=Text(
                de="Nennen Sie einen vorhandenen Ordner, in den Sie schreiben dürfen.",
                en="Name an existing folder that you may write to.",
            ),
        ) from None
