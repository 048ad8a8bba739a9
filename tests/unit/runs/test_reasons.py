"""Why something runs: each part of the key in words, and never a value."""

from __future__ import annotations

from typing import Any

import pytest

from stadtbuch.runs import reasons

BEFORE: dict[str, Any] = {
    "code": "1",
    "modules": {"first.py": "1"},
    "inputs": {"a.b": "1", "a.c": "1"},
    "catalogue": {"a.b": "1", "a.c": "1"},
    "parameters": {"year": 2025, "name": "KANARI"},
    "environment": {"source": "requirements/runtime.lock", "sha256": "1", "python": "3.11.7"},
    "library": {"version": "1", "sha256": "1"},
    "rules": {"version": "2026.1", "thresholds": {"min_count": 3, "min_count_sensitive": 5}},
    "seed": 1,
}

CHANGES: dict[str, tuple[dict[str, Any], list[tuple[str, str | None]]]] = {
    "nothing": ({}, []),
    "code": ({"code": "2"}, [("code", None)]),
    "one input of two": ({"inputs": {"a.b": "1", "a.c": "2"}}, [("inputs", "a.c")]),
    "an input more": ({"inputs": {"a.b": "1", "a.c": "1", "a.d": "1"}}, [("inputs", "a.d")]),
    "a module less": ({"modules": {}}, [("modules", "first.py")]),
    "a parameter": ({"parameters": {"year": 2026, "name": "KANARI"}}, [("parameters", "year")]),
    "the lock": ({"environment": BEFORE["environment"] | {"sha256": "2"}}, [("environment", "sha256")]),
    "the library": ({"library": {"version": "1", "sha256": "2"}}, [("library", None)]),
    "a threshold": (
        {"rules": {"version": "2026.1", "thresholds": {"min_count": 4, "min_count_sensitive": 5}}},
        [("rules", "min_count")],
    ),
    "two things": ({"code": "2", "seed": 2}, [("code", None), ("seed", None)]),
    "a part that nobody knows yet": ({"weather": "1"}, [("weather", None)]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_exactly_the_parts_that_changed_are_named(name: str) -> None:
    """One change is one reason; what stayed the same is not mentioned."""
    change, expected = CHANGES[name]
    found = reasons.between(BEFORE, {**BEFORE, **change})
    assert [(one.part, one.name) for one in found] == expected


def test_reasons_are_sentences_in_both_languages_without_values() -> None:
    """Names of datasets and parameters are told; what a parameter is set to is not."""
    changed = dict.fromkeys(BEFORE) | {"parameters": {"year": 1, "name": "KANARI-2"}}
    told = [one.text for one in reasons.between(BEFORE, changed)]
    assert all(one.de != one.en and "{" not in one.de for one in told)
    assert not any("KANARI" in one.de + one.en for one in told)


def test_every_part_of_a_key_has_words() -> None:
    """Only a part that comes later is called by its name."""
    assert set(BEFORE) | {"format", "manifest", "city", "languages", "dashboard"} <= set(reasons.WORDS)
