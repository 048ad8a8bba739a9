"""
The story of a city that tells about its own data: what is open, what is not and why, who uses it, how good it is.

All numbers come from registers that anybody can download; a reader can count them again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stadtbuch import settings
from stadtbuch.catalog import index

pytestmark = pytest.mark.slow

REPORT = "reports/state-of-our-data"
NAMES = ("datasets", "withheld", "uses", "measurements")


def register(city: Any, name: str) -> pd.DataFrame:
    """Read a register as a reader does who downloaded it."""
    path = city.root / "public" / "datasets" / f"stadtbuch.{name}" / f"{name}.csv"
    return pd.read_csv(path, dtype={"rows": "Int64"})  # noqa: TID251 - a reader's own tool


@pytest.fixture(scope="module")
def results(lindenstadt) -> dict[str, Any]:
    """Give the named results of the published report."""
    (edition,) = (lindenstadt.root / "public" / REPORT).glob("2026-*")
    content = json.loads((edition / "results.json").read_text(encoding="utf-8"))
    return {one["name"]: one["value"] for one in content if one["kind"] == "result"}


@pytest.fixture(scope="module")
def page(lindenstadt) -> str:
    """Give the German page."""
    return (lindenstadt.root / "public" / REPORT / "index.html").read_text(encoding="utf-8")


def test_the_report_is_published_without_anybody_approving(lindenstadt, page) -> None:
    """Everything it reads is open; it is online in both languages after the first build."""
    assert "Wie steht es um unsere Daten?" in page
    english = (lindenstadt.root / "public" / REPORT / "index.en.html").read_text(encoding="utf-8")
    assert "State of our data" in english
    (line,) = [
        one for one in json.loads(lindenstadt.demo.out)["runs"] if one["report"] == "state-of-our-data"
    ]
    assert (line["publication"], line["findings"]) == ("published", [])


def test_the_numbers_are_those_of_the_catalogue(lindenstadt, results) -> None:
    """Whoever counts the catalogue's entries gets the same; the registers themselves are not counted."""
    datasets = index.load(settings.read(lindenstadt.root)).datasets.values()
    own = [one for one in datasets if one.domain != "stadtbuch"]
    assert results["datasets_total"] == len(own)
    assert results["datasets_open"] == sum(one.is_open for one in own)
    assert results["datasets_withheld"] == sum(not one.is_open for one in own)


def test_the_numbers_can_be_counted_again_from_the_downloads(lindenstadt, results) -> None:
    """The registers are open datasets: download, count, compare."""
    own = register(lindenstadt, "datasets").query("not register")
    taken = register(lindenstadt, "measurements").query("verdict != 'not-measured'")
    taken = taken[taken["dataset"].isin(own["id"])]
    assert results["datasets_used"] == (own["reports"] > 0).sum()
    assert results["measurements_taken"] == len(taken)
    assert results["measurements_good"] == (taken["verdict"] == "good").sum()
    assert results["reviews_overdue"] == register(lindenstadt, "withheld")["overdue"].sum()


def test_every_withheld_dataset_is_on_the_page_with_its_reason(lindenstadt, page) -> None:
    """Title and reason in the words of the catalogue."""
    withheld = register(lindenstadt, "withheld")
    assert len(withheld)
    for _, row in withheld.iterrows():
        assert row["title_de"].removesuffix(" (synthetisch)") in page
        assert row["reason_de"].split(".")[0] in page


def test_the_closed_registers_size_is_nowhere(lindenstadt, page) -> None:
    """Of data that are not open no number of records is on the page or in a register."""
    made = json.loads(lindenstadt.demo.out)["data"]["tables"]["population.residents"]
    written = {str(made), f"{made:,}", f"{made:,}".replace(",", ".")}
    closed = register(lindenstadt, "datasets").query("access_class != 'open'")
    assert closed["rows"].isna().all()
    assert not written & set(re.findall(r"[\d.,]+\d", page))
    own = register(lindenstadt, "measurements").query("dataset == 'population.residents'")
    assert (
        own.query("criterion in ['complete', 'unambiguous', 'correct', 'uniform']")["looked_at"].isna().all()
    )


def test_what_is_not_measured_is_on_the_page(page) -> None:
    """Fourteen criteria, also those that nobody measures yet."""
    for word in ("vollständig", "widerspruchsfrei", "pünktlich geliefert", "nicht gemessen"):
        assert word in page


def test_registers_are_open_datasets_with_a_page(lindenstadt) -> None:
    """Described, downloadable, and the report that uses them is named."""
    for name in NAMES:
        folder = lindenstadt.root / "public" / "datasets" / f"stadtbuch.{name}"
        assert {f"{name}.csv", f"{name}.parquet", "datapackage.json"} <= {
            path.name for path in folder.iterdir()
        }
        assert "Wie steht es um unsere Daten?" in (folder / "index.html").read_text(encoding="utf-8")


def test_plain_intake_reads_a_register(lindenstadt) -> None:
    """The generated catalogue leads to it without our library."""
    import intake

    catalogue = intake.open_catalog(str(Path(lindenstadt.root) / "catalogs" / "intake.yaml"))
    assert set(catalogue["stadtbuch.uses"].read()["how"]) <= {"open", "protected"}
