"""The levels of reproducibility: each criterion can fail by itself, and nothing passes unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stadtbuch.transparency.levels import CRITERIA, Facts, judge

GOLD = Facts(
    language="python", parses=True, functions=3, longest_line=90, sections=frozenset({"method", "limits"}),
    versioned=True, reviewed_by="head", author="analyst", runs=frozenset({"k"}), logged=frozenset({"k", "l"}),
    edition_files=frozenset({"notebooks/a.ipynb", "data/a.csv", "package/package.json"}),
    tidy=True, readme=True, lock=True, tests=True, changelog=True, automation=True, packaged=True, scheduled=True,
)  # fmt: skip

WITHOUT: dict[str, tuple[dict[str, Any], str | None]] = {
    "open-language": ({"language": "r"}, None),
    "version-control": ({"versioned": False}, None),
    "readme": ({"readme": False}, None),
    "peer-review": ({"reviewed_by": "analyst"}, None),
    "open-code": ({"edition_files": frozenset({"notebooks/x", "data/a.csv", "package/p"})}, None),
    "minimal-manual": ({"runs": frozenset()}, "baseline"),
    "documented": ({"sections": frozenset({"method"})}, "baseline"),
    "standard-folders": ({"edition_files": GOLD.edition_files - {"data/a.csv"}}, "baseline"),
    "functions": ({"functions": 0}, "baseline"),
    "standards": ({"longest_line": 121}, "baseline"),
    "tests": ({"tests": False}, "baseline"),
    "dependencies": ({"lock": False}, "baseline"),
    "logs": ({"logged": frozenset({"l"})}, "baseline"),
    "tidy": ({"tidy": False}, "baseline"),
    "packaged": ({"packaged": False}, "silver"),
    "automation": ({"automation": False}, "silver"),
    "scheduled": ({"scheduled": False}, "silver"),
    "changelog": ({"changelog": False}, "silver"),
}


def test_who_meets_everything_is_gold() -> None:
    """The counterpart of all that follows."""
    assert judge(GOLD) == {"level": "gold", "unmet": [], "not_checked": []}


@pytest.mark.parametrize("name", [one.name for one in CRITERIA])
def test_each_criterion_is_needed(name: str) -> None:
    """Without it, it is named as unmet, and the level falls to the one below it."""
    change, level = WITHOUT[name]

    told = judge(replace(GOLD, **change))

    assert name in told["unmet"]
    assert told["level"] == level


def test_what_was_not_looked_at_counts_as_little_as_unmet() -> None:
    """Without git nobody knows whether the code is versioned: no level, and it says so."""
    assert judge(replace(GOLD, versioned=None)) == {
        "level": None, "unmet": [], "not_checked": ["version-control"],
    }  # fmt: skip


def test_nothing_seen_is_no_level() -> None:
    """A report that could not be looked at passes nothing."""
    told = judge(Facts())

    assert told["level"] is None
    assert len(told["unmet"]) + len(told["not_checked"]) == len(CRITERIA)
