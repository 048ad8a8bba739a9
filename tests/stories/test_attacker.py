"""
A reader with a pencil over everything Lindenstadt publishes: nobody is determined.

The reader (`builders.reader`) sees the downloads of the pages and nothing else. What is true is counted here from the
files of the offices, without the library.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders.reader import Labels, Reader

pytestmark = pytest.mark.slow

FILES = {
    "population.residents": "population/residents.parquet",
    "social.welfare_quarters": "social/welfare_quarters.csv",
}
GERMAN = {"Stichtag": "reference_date", "Viertel": "quarter", "Leistungsberechtigte": "recipients"}


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> int:
    """Give how many withheld cells of a table the reader tries."""
    return int(request.config.getoption("--cells", default=150))


@cache
def tables(root: Path) -> dict[str, dict[str, Any]]:
    """Give the records of all protected tables that anybody can download, by report and name."""
    found = {}
    for path in sorted((root / "public" / "reports").rglob("data/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("kind") == "protected-table":
            found[f"{path.parents[2].relative_to(root / 'public' / 'reports').parts[0]}.{record['name']}"] = (
                record
            )
    return found


@cache
def rows(root: Path, dataset: str) -> pd.DataFrame:
    """Give the rows of an office's file, days and codes as texts."""
    path = root / "data" / FILES[dataset]
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)  # noqa: TID251 - the truth itself, not an analysis
    else:
        frame = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str).rename(columns=GERMAN)  # noqa: TID251 - as above
        frame["recipients"] = frame["recipients"].str.replace(".", "").astype(int)
        frame["reference_date"] = pd.to_datetime(frame["reference_date"], format="%d.%m.%Y")
    day = pd.to_datetime(frame["reference_date"]).dt.strftime("%Y-%m-%d")
    return frame.assign(reference_date=day)


def holds(frame: pd.DataFrame, condition: dict[str, Any]) -> pd.Series:
    """Say for each row whether it fulfils a condition of a record."""
    column = frame[condition["column"]]
    if "from" in condition:
        top = np.inf if condition["to"] is None else condition["to"]
        return column.astype(int).between(condition["from"], top)
    wanted = condition.get("in", [condition.get("equals")])
    return column.astype(str).isin([str(one) for one in wanted])


def true(root: Path, record: dict[str, Any]) -> dict[Labels, int]:
    """Count what every cell of a table really holds."""
    frame = rows(root, record["dataset"])
    for condition in record["where"]:
        frame = frame[holds(frame, condition)]
    number = (
        frame[record["measure"]["count"]]
        if record.get("measure", {}).get("count")
        else pd.Series(1, frame.index)
    )
    masks: dict[str, np.ndarray] = {}
    counted = {}
    for cell in record["cells"]:
        inside = np.ones(len(frame), dtype=bool)
        for condition in cell["where"]:
            key = json.dumps(condition, sort_keys=True)
            if key not in masks:
                masks[key] = holds(frame, condition).to_numpy()
            inside &= masks[key]
        counted[tuple(cell["labels"])] = int(number.to_numpy()[inside].sum())
    return counted


COUNTS = (
    "welfare-by-quarter.recipients_by_quarter",
    "welfare-by-quarter.residents_by_quarter",
    "who-lives-where.residents_by_borough_age_sex",
)


def test_these_are_all_protected_tables_of_the_city(lindenstadt):
    """A new table of counts or sums needs an attack of its own here."""
    assert sorted(tables(lindenstadt.root)) == sorted(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_no_withheld_count_can_be_computed(lindenstadt, sample, name):
    """What is published is true; a small count may always be as large as the minimum; no withheld one is exact."""
    record = tables(lindenstadt.root)[name]
    counted, reader = true(lindenstadt.root, record), Reader(record)
    minimum = record["min_count"]
    assert {labels: value for labels, value in reader.told.items() if value is not None} == {
        labels: counted[labels] for labels, value in reader.told.items() if value is not None
    }
    assert not [one for one, value in counted.items() if 0 < value < minimum and one not in reader.hidden]
    chosen = sorted(reader.hidden, key=lambda labels: (counted[labels], str(labels)))
    step = max(1, len(chosen) // sample)
    for labels in chosen[::step]:
        most = reader.most(labels)
        assert most >= counted[labels] - 1e-6
        assert most >= minimum - 1e-6, f"{labels} is known to be small"
        if most < counted[labels] + 1 - 1e-6:
            assert most - reader.fewest(labels) >= 1 - 1e-6, f"{labels} can be computed"
    print(f"{name}: {len(chosen)} withheld, {len(chosen[::step])} tried, 0 computed")


def test_tables_of_one_register_meet_in_published_sums_only(lindenstadt):
    """Both count the residents of one day; where they count the same, both say it, so neither adds to the other."""
    one, other = (tables(lindenstadt.root)[name] for name in COUNTS[1:])
    assert one["dataset"] == other["dataset"]
    borough = {cell["labels"][0]: cell["value"] for cell in one["cells"]}
    shared = {
        cell["labels"][0]: cell["value"] for cell in other["cells"] if cell["labels"][1:] == [None, None]
    }
    assert len(shared) == len(other["labels"]["borough"]) + 1
    assert None not in shared.values()
    assert {label: borough[label] for label in shared} == shared
