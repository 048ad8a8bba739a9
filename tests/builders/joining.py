"""Two tables about the same forty people: in each at least ten are alike, joined by their number one is alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from builders.city import Made, a_city, a_dataset

TOGETHER = {("a", "w"): 9, ("a", "x"): 1, ("b", "w"): 1, ("b", "x"): 9, ("c", "y"): 10, ("d", "z"): 10}
"""(age group, job) -> people."""
AGES, JOBS = "population.ages", "population.jobs"


def people() -> pd.DataFrame:
    """Give the forty people with number, age group and job."""
    rows = [pair for pair, size in TOGETHER.items() for _ in range(size)]
    frame = pd.DataFrame(rows, columns=["age_group", "job"])
    return frame.assign(nr=[f"{number:02}" for number in range(len(frame))])


def a_dataset_of(column: str, *, access: str) -> dict[str, Any]:
    """Give the entry of one of both tables."""
    entry = a_dataset(access="closed") if access == "closed" else a_dataset()
    title = {"de": column, "en": column}
    entry["schema"] = {
        "primaryKey": ["nr"],
        "fields": [
            {"name": "nr", "type": "code", "title": title},
            {"name": column, "type": "code", "title": title, "privacy": "quasi-identifier"},
        ],
    }
    entry["source"] = {"reader": "csv", "url": f"{{DATA}}/{column}.csv", "options": {"sep": ";"}}
    entry["privacy"] = {"unit": "person", "min_count": 3}
    if access == "closed":
        entry["privacy"]["purposes"] = {"age-structure": ["nr", column]}
    return entry


def a_city_of_pairs(root: Path, *, access: str = "open") -> Made:
    """Write a city that holds both tables."""
    datasets = {
        AGES: a_dataset_of("age_group", access=access),
        JOBS: a_dataset_of("job", access=access),
    }
    made = a_city(root, datasets=datasets)
    for column in ("age_group", "job"):
        people()[["nr", column]].to_csv(made.root / "data" / f"{column}.csv", sep=";", index=False)
    return made
