"""Killed, without power or without a disk at a step: nothing lost, nothing half, nothing twice."""

from __future__ import annotations

import errno
import functools
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from crash import moments, serving, world
from crash.world import BUILD, FIRST, Nursery, Scene

pytestmark = pytest.mark.slow

SEED = 20260115
CUTS = {"publish": 8, "approve": 5, "withhold": 2, "withdraw": 3, "accept": 2}
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


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE], ids=["EIO", "EMFILE"])
def test_a_write_that_fails_leaves_the_old_state(
    nursery: Nursery, scenes: dict[str, Scene], number: int
) -> None:
    """The command ends with a sentence, and the next one, with a sound disk, makes up for it."""
    scene = scenes["publish"]
    (at,) = places(scene, 1) if number == errno.EIO else [places(scene, 4)[number % 4]]
    assert world.survive(nursery, scene, kind="error", at=at, errno=number) == []


SURROUNDINGS = {
    "TZ": "Pacific/Chatham",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "4711",
    "STADTBUCH_LANGUAGE": "en",
}


@pytest.mark.parametrize("account", [None, moments.NOBODY], ids=["same account", "other account"])
def test_the_same_bytes_elsewhere(nursery: Nursery, scenes: dict[str, Scene], account: int | None) -> None:
    """
    Another folder, time zone, locale, umask, hash seed, language, number of jobs and account: every byte is the same.

    That build is killed as soon as its first run is over, its group and all; the next one goes on from there.
    """
    if account is not None and not moments.other_account():
        pytest.skip("another account needs root and a Python that everybody may read")
    scene = scenes["publish"]
    with moments.city(scene, name="Ein anderer Ort") as (root, scratch):
        if account is not None:
            moments.give_away(root.parent)
        begin = functools.partial(
            moments.start,
            root,
            *BUILD,
            "--jobs",
            "2",
            scratch=scratch,
            more=SURROUNDINGS,
            umask=0o077,
            account=account,
        )
        process = begin()
        moments.until(lambda: [*root.glob("var/runs/*/result.json")] or process.poll() is not None)
        assert moments.kill(process, root) == []
        assert begin().wait() == 0
        moments.take_back(root.parent)
        assert world.half_editions(root) == []
        assert world.same_pages(world.tree(root / "public"), world.tree(scene.after / "public")) == []
        assert world.left_over(root) == []
        assert [*scratch.iterdir(), *world.processes(root)] == []


def test_two_commands_at_once_do_no_harm(nursery: Nursery, scenes: dict[str, Scene]) -> None:
    """One does it, the other one says that somebody is at work or finds it done; stale locks mean nothing."""
    for name, others in (("publish", [BUILD, ("tick", "--now", FIRST)]), ("approve", [BUILD])):
        scene = scenes[name]
        with scene.copy() as root:
            (root / "var/build.lock").write_text('{"pid": 1, "command": "stadtbuch build"}', encoding="utf-8")
            ended = nursery.at_once(root, scene.command, *others)
            assert {one.status for one in ended} <= {0, 1}
            assert all("ändert gerade diese Stadt" in one.err for one in ended if one.status == 1)
            assert world.half_editions(root) == []
            follow = [scene.next] if ended[0].status == 0 else [scene.command, scene.next]
            assert [nursery.call(root, command).status for command in follow] == [0] * len(follow)
            assert world.wrong(root, scene) == []


def test_a_page_that_is_asked_for_during_a_build_is_whole(nursery: Nursery, scenes: dict[str, Scene]) -> None:
    """`serve` and a command that publishes: each answer is the page as it was or as it becomes, or none was there."""
    scene = scenes["approve"]
    paths = sorted(path for path in scene.before if path != "site.json")
    with scene.copy() as root, serving.public(root / "public") as fetch, ThreadPoolExecutor(1) as other:
        assert {path: fetch(path) for path in paths} == {path: (200, scene.before[path]) for path in paths}
        command = other.submit(nursery.call, root, scene.command)
        seen: list[tuple[str, tuple[int, bytes]]] = []
        while not command.done():
            seen += [(path, fetch(path)) for path in paths]
        assert command.result().status == 0
        after = world.tree(root / "public")
        assert {path: fetch(path) for path in after} == {path: (200, data) for path, data in after.items()}
    strange = {path for path, (code, body) in seen if (code, body) not in _either(path, scene.before, after)}
    assert (strange, len(seen) > 0) == (set(), True)


def _either(path: str, *sites: dict[str, bytes]) -> list[tuple[int, bytes]]:
    """Give the answers that a reader may get."""
    return [(200, site[path]) for site in sites if path in site]


@pytest.mark.skipif(not moments.may_mount(), reason="a full disk needs root, to mount a small one")
def test_a_full_disk_leaves_the_old_state(nursery: Nursery, scenes: dict[str, Scene]) -> None:
    """A real one: the command says so, and goes on once there is room."""
    assert moments.fill(nursery, scenes["publish"], megabytes=2) == []
