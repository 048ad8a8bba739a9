"""Traps for the gate: one for each hiding place, drawn from seeds; look-alikes and clean notebooks beside them."""

from __future__ import annotations

import pytest
from builders import traps
from builders.traps import Trap, World

from stadtbuch.model.verdict import Severity
from stadtbuch.privacy.outputs import judge

SEEDS = (20260115, 7)
PLANTED = {trap.what: trap for trap in traps.traps(World(SEEDS[0]))}


def refusing(world: World, trap: Trap) -> set[str]:
    """Give the rules that refuse a trap."""
    found = judge(trap.notebook, world.facts(trap))
    return {one.rule for one in found if one.severity is Severity.refuse}


@pytest.mark.parametrize("trap", PLANTED.values(), ids=PLANTED)
def test_every_trap_is_caught_by_its_rule(trap: Trap) -> None:
    """Wherever a secret hides, the rule that is named for it refuses."""
    assert trap.rule in refusing(World(SEEDS[0]), trap)


@pytest.mark.parametrize("seed", SEEDS[1:])
def test_another_seed_passes(seed: int) -> None:
    """Other people, other numbers: the same traps are caught."""
    world = World(seed)
    missed = {trap.what for trap in traps.traps(world) if trap.rule not in refusing(world, trap)}
    assert missed == set()


def test_no_finding_repeats_the_secret() -> None:
    """Whatever was found where, the finding names the place and never the person."""
    world = World(SEEDS[0])
    for trap in PLANTED.values():
        said = str(judge(trap.notebook, world.facts(trap))).casefold()
        assert world.last.casefold() not in said
        assert world.pseudonym not in said


@pytest.mark.parametrize("seed", SEEDS)
def test_lookalikes_raise_no_alarm(seed: int) -> None:
    """Order numbers, hashes, postal codes and the like pass: printed, written, and in a file."""
    world = World(seed)
    for what, text in traps.lookalikes(world).items():
        book = traps.notebook(traps.words(text), traps.code(traps.printed(text), source=f"x = {text!r}"))
        trap = Trap(what, "", book, texts={"data/a.csv": f"a\n{text}\n"})
        assert (what, judge(book, world.facts(trap))) == (what, [])


@pytest.mark.parametrize("seed", SEEDS)
def test_clean_notebooks_pass(seed: int) -> None:
    """Of twenty ordinary notebooks none is refused."""
    world = World(seed)
    alarms = [found for book, facts in traps.clean(world, 20) if (found := judge(book, facts))]
    assert alarms == []
