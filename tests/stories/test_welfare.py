"""
The welfare page: sensitive numbers over two dates, from the quarter to the city, and what it does not say.

What is true comes from the office's file and from ``truth/``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

REPORT = "welfare-by-quarter"
NOW, BEFORE = "2025-12-31", "2024-12-31"
pytestmark = pytest.mark.slow


def edition(root: Path) -> Path:
    """Give the folder of the report's edition."""
    (found,) = (path for path in (root / "public" / "reports" / REPORT).iterdir() if path.is_dir())
    return found


def record(root: Path) -> dict[tuple[str | None, str | None], int | None]:
    """Give the protected table: area and date to number, None where it is withheld."""
    told = json.loads((edition(root) / "data" / "recipients_by_quarter.json").read_text(encoding="utf-8"))
    return {tuple(cell["labels"]): cell["value"] for cell in told["cells"]}


def truth(root: Path, name: str) -> Any:
    """Read a page of the ground truth."""
    return json.loads((root / "truth" / f"{name}.json").read_text(encoding="utf-8"))


def office(root: Path) -> pd.DataFrame:
    """Give the office's rows."""
    file = root / "data" / "social" / "welfare_quarters.csv"
    return pd.read_csv(file, sep=";", encoding="cp1252", dtype=str)  # noqa: TID251 - the truth itself


def download(root: Path, path: str) -> pd.DataFrame:
    """Read a download as a reader does."""
    return pd.read_csv(edition(root) / path)  # noqa: TID251 - as a reader


def test_the_headline_is_what_the_office_counted(lindenstadt):
    """All recipients of the last date, divided by all residents."""
    rows = office(lindenstadt.root)
    last = rows[rows["Stichtag"] == "31.12.2025"][["Leistungsberechtigte", "Bevölkerung"]]
    counted, people = last.apply(lambda one: one.str.replace(".", "").astype(int).sum())
    told = json.loads((edition(lindenstadt.root) / "results.json").read_text(encoding="utf-8"))
    named = {one["name"]: one["value"] for one in told if one["kind"] in ("headline", "result")}
    assert named["recipients_total"] == counted
    assert named["headline-1"] == round(counted / people * 100, 1)


def test_a_planted_small_count_is_withheld_and_its_district_does_not_give_it_away(lindenstadt):
    """The quarter is withheld at the date of the trap, and so is at least one other number of its district."""
    trap, told = truth(lindenstadt.root, "privacy")["margin"], record(lindenstadt.root)
    inside = [area for area, day in told if day == NOW and area and area.startswith(trap["district"])]
    withheld = [area for area in inside if told[area, NOW] is None]
    assert trap["cell"]["quarter"] in withheld
    assert len(withheld) > 1


def test_quarters_that_are_small_at_one_date_only_are_not_given_away_by_the_other(lindenstadt):
    """Where both dates together are published, no date is withheld alone."""
    told = record(lindenstadt.root)
    areas = {area for area, _ in told}
    alone = [
        area
        for area in areas
        if told[area, None] is not None and (told[area, NOW] is None) != (told[area, BEFORE] is None)
    ]
    assert alone == []
    assert any(told[area, NOW] is None for area in areas)


def test_a_share_stands_only_where_it_says_something(lindenstadt):
    """A hundred residents, three on either side, no withheld number: else no share, in no table."""
    for path in ("data/districts.csv", "figures/map.csv"):
        rows = download(lindenstadt.root, path)
        withheld = (rows[[name for name in ("value", "mark") if name in rows]] == "·").any(axis="columns")
        rows["value"] = pd.to_numeric(rows["value"].where(~withheld))
        given = rows[rows["share"].notna()]
        assert len(rows) == 72
        assert 0 < len(given) < 72
        assert (given["persons"] >= 100).all()
        assert ((given["value"] >= 3) & (given["persons"] - given["value"] >= 3)).all()
        assert rows.loc[withheld, "share"].isna().all()
        assert withheld.any()


def test_an_impossible_delivery_is_named_and_compared_with_nothing(lindenstadt):
    """The planted quarter with more recipients than residents: listed, its borough has no share for that date."""
    (planted,) = (
        row
        for one in truth(lindenstadt.root, "quality")["defects"]
        if (one["dataset"], one["defect"]) == ("social.welfare_quarters", "more-than-all")
        for row in one["rows"]
    )
    areas = json.loads(
        (lindenstadt.root / "data" / "geography" / "quarters.geojson").read_text(encoding="utf-8")
    )
    (quarter,) = (
        one["properties"] for one in areas["features"] if one["properties"]["quarter"] == planted["quarter"]
    )
    assert planted["reference_date"] == BEFORE
    assert download(lindenstadt.root, "data/wrong.csv")["quarter_name"].tolist() == [quarter["quarter_name"]]
    change = download(lindenstadt.root, "figures/change.csv").set_index("borough_name")
    assert change.index[change["before"].isna()].tolist() == [quarter["borough_name"]]


WORDS = {
    "index.html": (
        "Warum fehlen Zahlen?",
        "Wer abzieht, weiß vom vierten",
        "Er heißt nicht: niemand",
        "Mindestfallzahl:",
    ),
    "index.en.html": (
        "Why are numbers missing?",
        "Whoever subtracts knows of the fourth",
        "It does not mean nobody",
        "Minimum count:",
    ),
}


@pytest.mark.parametrize("page", WORDS)
def test_the_page_says_why_numbers_are_missing(lindenstadt, page):
    """In both languages, with an example and with terms explained."""
    text = (lindenstadt.root / "public" / "reports" / REPORT / page).read_text(encoding="utf-8")
    assert [one for one in WORDS[page] if one not in text] == []


def test_the_truth_beside_the_publication_stays_inside(lindenstadt, tmp_path):
    """Every true number lies between the ends that readers can compute, and no small one is known to be small."""
    city = lindenstadt.copy(tmp_path / "city")
    ran = city.call(
        "run", "notebooks/internal/truth-beside-publication.ipynb", "--json", "--now", "2026-01-16"
    )
    told = json.loads(ran.out)
    assert (ran.code, told["status"]) == (0, "ran")
    found = json.loads((city.root / told["folder"] / "outputs" / "results.json").read_text(encoding="utf-8"))
    numbers = {one["name"]: one["value"] for one in found}
    assert numbers.pop("withheld") > 20
    assert numbers == {"truth_outside_the_ends": 0, "small_and_known_to_be_small": 0}
    assert not list((city.root / "public").rglob("*truth-beside*"))
