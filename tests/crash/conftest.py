"""One nursery and one set of scenes per test process; how many cuts is said on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crash import world
from crash.world import Nursery, Scene


@pytest.fixture(scope="session")
def disk() -> Iterator[Path]:
    """Give a folder for cities that are cut off, in memory if possible."""
    with world.quick_disk("crash-") as folder:
        yield folder


@pytest.fixture(scope="session")
def nursery(disk: Path) -> Iterator[Nursery]:
    """Give the process that calls commands."""
    made = Nursery(disk / "nursery")
    yield made
    made.close()


@pytest.fixture(scope="session")
def scenes(disk: Path, nursery: Nursery) -> dict[str, Scene]:
    """Give the scenes by name."""
    return {one.name: one for one in world.make(disk / "scenes", nursery)}
