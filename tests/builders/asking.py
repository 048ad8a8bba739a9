"""Questions with noise, and a city whose register has a budget for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builders.city import Made, a_city, a_dataset

from stadtbuch.model.analysis import Question

PURPOSE = "age-structure"
DECISION = {
    "reason": {"de": "So viel darf ein Jahr verraten.", "en": "So much may a year tell."},
    "decided_by": "data-owner",
    "decided": "2026-01-10",
}


def a_register(*, epsilon: float | None = 1.0, delta: float = 0.0) -> dict[str, Any]:
    """Give the entry of the closed register, with a budget unless `epsilon` is None."""
    entry = a_dataset(access="closed")
    if epsilon is not None:
        entry["privacy"]["budget"] = {"epsilon": epsilon, "delta": delta, **DECISION}
    return entry


def a_city_with_budget(root: Path, **budget: Any) -> Made:
    """Write a city whose register of eight persons has a budget: ε = 1 a year, unless said otherwise."""
    return a_city(
        root, datasets={"geography.boroughs": a_dataset(), "population.residents": a_register(**budget)}
    )


def a_question(**changes: Any) -> dict[str, Any]:
    """Give a question as a manifest has it: persons by borough, for half of an ε."""
    asked: dict[str, Any] = {
        "title": {"de": "Einwohner", "en": "Residents"},
        "dataset": "population.residents",
        "ask": "counts",
        "by": ["borough"],
        "categories": {"borough": "catalogue:geography.boroughs.borough"},
        "epsilon": 0.5,
    }
    asked |= changes
    return {key: value for key, value in asked.items() if value is not None}


def the_question(**changes: Any) -> Question:
    """Give the same as the model."""
    return Question.model_validate(a_question(**changes))


def labels_of(frame: Any, column: str = "borough") -> Sequence[str]:
    """Give the groups of an answer."""
    return list(frame[column])
