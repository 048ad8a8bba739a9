"""The hostile notebooks, sent to a city that works as root."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attacks.hostile import ATTACKS
from attacks.suite import Driver, Evidence, drive, held

IDENTITY = "root"


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """Give the process that opens the boxes."""
    yield from drive(IDENTITY)


@pytest.fixture(scope="module")
def evidence(driver: Driver, alone: bool) -> Evidence:
    """Give what came of the attacks; each box is opened when it is first asked for."""
    return Evidence(driver, alone=alone)


@pytest.mark.long  # the same notebooks sent to an ordinary user stand for them
@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_notebook_does_no_harm(name: str, evidence: Evidence) -> None:
    """It reads, changes, reaches and leaves nothing outside of its box, and stays within its limits."""
    held(ATTACKS[name], evidence.of(ATTACKS[name]))
