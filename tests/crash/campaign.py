"""
``make campaign NAME=crash``: every step of every command, 300 random moments of a build, a broken disk, a full one.

It goes on where it was stopped: what was tried stands in ``build/crash-campaign.jsonl``, one line each. The last line
that it prints gives the seed and the counts; its exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests import their builders from there

from crash import moments, world
from crash.world import Nursery, Scene

Case = tuple[str, Callable[[], list[str]]]
ERRORS = (errno.EIO, errno.EMFILE, errno.ENOSPC)


def cases(
    nursery: Nursery, scenes: dict[str, Scene], *, seed: int, every: int, number: int
) -> Iterator[Case]:
    """Give everything to try, each with a name that says what it is."""
    for scene in scenes.values():
        for at in range(1, scene.steps + 1, every):
            for kind in ("kill", "cut"):
                yield f"{scene.name} {kind} {at}", _survive(nursery, scene, kind, at, 0)
            code = ERRORS[at % len(ERRORS)]
            yield f"{scene.name} error-{code} {at}", _survive(nursery, scene, "error", at, code)
    random = Random(seed)
    for index in range(number):
        share = random.random()
        yield f"moment {index} {share:.6f}", _moment(nursery, scenes["publish"], share)
    for megabytes in range(1, 9):
        yield f"full {megabytes}", _full(nursery, scenes["publish"], megabytes)


def _survive(nursery: Nursery, scene: Scene, kind: str, at: int, code: int) -> Callable[[], list[str]]:
    return lambda: world.survive(nursery, scene, kind=kind, at=at, errno=code)


def _moment(nursery: Nursery, scene: Scene, share: float) -> Callable[[], list[str]]:
    return lambda: moments.survive(nursery, scene, share=share)


def _full(nursery: Nursery, scene: Scene, megabytes: int) -> Callable[[], list[str]]:
    return lambda: moments.fill(nursery, scene, megabytes=megabytes) if moments.may_mount() else []


def main() -> int:
    """Try everything that was not tried yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260115)
    parser.add_argument("--every", type=int, default=1, help="only every n-th step")
    parser.add_argument("--moments", type=int, default=300)
    parser.add_argument("--record", type=Path, default=Path("build/crash-campaign.jsonl"))
    given = parser.parse_args()
    given.record.parent.mkdir(parents=True, exist_ok=True)
    known = (
        [json.loads(line) for line in given.record.read_text().splitlines()] if given.record.exists() else []
    )
    tried = {one["case"]: one["wrong"] for one in known if one["seed"] == given.seed}
    with tempfile.TemporaryDirectory(prefix="crash-campaign-") as folder, given.record.open("a") as record:
        nursery = Nursery(Path(folder) / "nursery")
        scenes = {one.name: one for one in world.make(Path(folder) / "scenes", nursery)}
        for name, attempt in cases(nursery, scenes, seed=given.seed, every=given.every, number=given.moments):
            if name not in tried:
                tried[name] = attempt()
                record.write(json.dumps({"seed": given.seed, "case": name, "wrong": tried[name]}) + "\n")
                record.flush()
            for one in tried[name]:
                print(one, flush=True)
        nursery.close()
    if not moments.may_mount():
        print("Skipped: a full disk needs root, to mount a small one.")
    kinds = Counter(_kind(name) for name in tried)
    bad = sum(bool(wrong) for wrong in tried.values())
    counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    print(f"crash campaign: seed {given.seed}, every {given.every}. step; {counted}; {bad} wrong")
    return 1 if bad else 0


def _kind(name: str) -> str:
    """Sort a case for the last line."""
    words = name.split()
    if words[0] in ("moment", "full"):
        return {"moment": "random moments", "full": "full disks"}[words[0]]
    return {"kill": "kills at a step", "cut": "power cuts at a step"}.get(words[1], "failing writes")


if __name__ == "__main__":
    sys.exit(main())
