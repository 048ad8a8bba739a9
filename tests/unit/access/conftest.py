"""Datasets for the tests of access: valid by default, one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from stadtbuch.model.dataset import Dataset

TITLE = {"de": "x", "en": "x"}
ROLES = {
    "person_id": "identifier",
    "age": "quasi-identifier",
    "district": "quasi-identifier",
    "note": "free-text",
}
TYPES = {"person_id": "string", "age": "integer", "district": "code", "note": "string"}


def build(access: str = "closed", **changes: Any) -> Dataset:
    """Give a dataset of an access class; closed ones are granted to analysts for `age-structure`."""
    reason = {
        "kind": "personal-data", "text": TITLE, "legal_basis": "§ 1", "decided_by": "data-owner",
        "decided": date(2026, 1, 15), "review": date(2028, 1, 15),
    }  # fmt: skip
    granted = {"role": "analyst", "purposes": ["age-structure"], "until": date(2027, 12, 31)}
    restricted = {"class": access, "reason": reason, "grants": changes.pop("grants", [granted])}
    content: dict[str, Any] = {
        "id": "population.residents", "domain": "population", "title": TITLE, "description": TITLE,
        "publisher": "office", "owner": "head-of-statistics", "steward": "steward", "misuse": TITLE,
        "contactPoint": "statistik@musterstadt.example", "source": {"reader": "csv", "url": "x.csv"},
        "access": {"class": "open"} if access == "open" else restricted,
        "privacy": {"unit": "person", "purposes": {
            "age-structure": ["person_id", "age", "district"], "household-count": ["district"],
        }},
        "schema": {"fields": [
            {"name": name, "type": TYPES[name], "title": TITLE,
             "privacy": "harmless" if access == "open" else role}
            for name, role in ROLES.items()
        ]},
    }  # fmt: skip
    return Dataset.model_validate(content | changes)


@pytest.fixture
def a_dataset() -> Callable[..., Dataset]:
    """Give the builder of datasets."""
    return build
