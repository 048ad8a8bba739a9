"""
A hostile notebook: what somebody could send in who means us harm.

An attack says with ``attempt(what, do)`` what it tries; what no wall may let pass would answer ``YES``. Beside that
the world outside is looked at after every attack (`world.World.harm`). Attacks that cannot disturb each other share a
box in ``make test``; ``make campaign NAME=sandbox`` gives each its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any


@dataclass(frozen=True)
class Seen:
    """What came of an attack: the text of its cell, and the whole run."""

    text: str
    run: dict[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)


def _nothing_more(seen: Seen) -> None:
    """Judge by `YES` and by the world alone."""


@dataclass(frozen=True)
class Attack:
    """
    One hostile notebook.

    `batch`: with whom it may share a box; ``alone``: with nobody; ``light``: with nobody, and it needs no kernel.
    `fault`: how the run has to end; None: by itself.
    `after`: whose traces it looks for. `judge`: what to look at beside the world.
    """

    name: str
    code: str
    batch: str = "look"
    fault: tuple[str, ...] | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    seconds: float = 30.0
    output_bytes: int = 8 << 20
    after: str = ""
    judge: Callable[[Seen], None] = _nothing_more


ATTACKS: dict[str, Attack] = {}


def attack(name: str, code: str, **more: Any) -> None:
    """Add one to the list."""
    assert name not in ATTACKS
    ATTACKS[name] = Attack(name, dedent(code).strip("\n"), **more)
