"""Killed, without power or without a disk at a step: nothing lost, nothing half, nothing twice."""

from __future__ import annotations

import errno
from random import Random

import pytest

from crash import world
from crash.world import Nursery, Scene

pytestmark = pytest.mark.slow

SEED = 20260115
CUTS = {"publish": 9, "approve": 6, "withhold": 3, "accept": 2}
"""How many cuts of each command ``make test`` tries; ``make campaign NAME=crash`` tries every step."""


def places(scene: Scene, number: int) -> list[int]:
    """Choose steps, one from each equal part of the command, so that early and late ones are among them."""
    random, part = Random(f"{SEED} {scene.name}"), scene.steps / number
    return [1 + int(part * (index + random.random())) for index in range(number)]


@pytest.mark.parametrize("name", CUTS)
def test_what_was_killed_is_finished_by_the_next_command(
    nursery: Nursery, scenes: dict[str, Scene], name: str
) -> None:
    """Kill -9 and power cuts by turns: the next build gives the same pages, archive and book as without."""
    scene = scenes[name]
    wrong = [
        one
        for index, at in enumerate(places(scene, CUTS[name]))
        for one in world.survive(nursery, scene, kind=("kill", "cut")[index % 2], at=at)
    ]
    assert wrong == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ENOSPC], ids=["EIO", "EMFILE", "ENOSPC"])
def test_a_write_that_fails_leaves_the_old_state(
    nursery: Nursery, scenes: dict[str, Scene], number: int
) -> None:
    """The command ends with a sentence, and the next one, with a sound disk, makes up for it."""
    scene = scenes["publish"]
    (at,) = places(scene, 1) if number == errno.EIO else [places(scene, 4)[number % 4]]
    assert world.survive(nursery, scene, kind="error", at=at, errno=number) == []
