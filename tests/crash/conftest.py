"""One nursery and one set of scenes per test process; how many cuts is said on the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crash import world
from crash.world import Nursery, Scene


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Give the process that calls commands."""
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> dict[str, Scene]:
    """Give the scenes by name."""
    return {one.name: one for one in world.make(tmp_path_factory.mktemp("scenes"), nursery)}
