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
TAXES = {"branch": "Branche", "borough": "Bezirk"}


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
SUMS = {
    "budget-understandable.trade_tax_by_borough": "borough",
    "budget-understandable.trade_tax_by_branch": "branch",
}


def test_these_are_all_protected_tables_of_the_city(lindenstadt):
    """A new table of counts or sums needs an attack of its own here."""
    assert sorted(tables(lindenstadt.root)) == sorted([*COUNTS, *SUMS])


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


def paid(root: Path, variable: str) -> dict[str, list[int]]:
    """Give what each company paid in the year of the page, by branch or borough, largest first."""
    path = root / "data" / "finance" / "trade_tax.csv"
    frame = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str)  # noqa: TID251 - the truth itself
    frame = frame[frame["Jahr"] == "2024"].assign(paid=lambda t: t["Betrag"].str.replace(".", "").astype(int))
    companies = frame.groupby([TAXES[variable], "Unternehmen"])["paid"].sum()
    return {
        label: sorted(values, reverse=True)
        for label, values in companies.groupby(level=0).apply(list).items()
    }


@pytest.mark.parametrize("name", SUMS)
def test_no_company_learns_what_another_pays(lindenstadt, name):
    """
    No published sum is of few companies, or nearly all of one; and of a withheld one nobody gets close.

    Of every withheld sum that the largest dominates, the second largest takes away what it pays itself and what it
    reckons of the rest: the largest could still pay a tenth more than it does.
    """
    record = tables(lindenstadt.root)[name]
    companies, reader = paid(lindenstadt.root, SUMS[name]), Reader(record)
    published = {label: value for (label,), value in reader.told.items() if value is not None and label}
    assert published
    for label, value in published.items():
        largest, second, *rest = companies[label]
        assert value == sum(companies[label])
        assert sum(rest) * 10 >= largest
        assert second > 0
    alone = 0
    for (label,) in reader.hidden:
        first, *others = companies[label]
        if len(others) > 1 and sum(others[1:]) * 10 >= first:
            continue
        alone += 1
        assert reader.most((label,)) - (others[0] if others else 0) >= 1.1 * first
    assert alone


def test_the_dominant_company_is_in_no_published_sum_of_its_own(lindenstadt):
    """Its branch and its borough are withheld, by the planted truth."""
    told = json.loads((lindenstadt.root / "truth" / "privacy.json").read_text(encoding="utf-8"))["dominance"]
    for name, variable in SUMS.items():
        record = Reader(tables(lindenstadt.root)[name])
        assert (told["cells"][variable],) in record.hidden
        assert len(record.hidden) > 1
