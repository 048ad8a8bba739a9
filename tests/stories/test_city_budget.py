"""
The budget page: what it says is what the budget says, and what it read differently is listed.

The numbers are computed here once more from the files of the treasury, without catalogue, door and notebook.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

REPORT = "budget-understandable"
pytestmark = pytest.mark.slow


def treasury(root: Path) -> pd.DataFrame:
    """Give the lines of the budget as the treasury wrote them."""
    file = root / "data" / "finance" / "budget.csv"
    return pd.read_csv(file, sep=";", decimal=",", thousands=".", dtype={"Produkt": str})  # noqa: TID251 - the truth itself


def residents(root: Path, day: str) -> int:
    """Count the residents of a reference date."""
    file = root / "data" / "population" / "residents_by_borough.csv"
    counted = pd.read_csv(file, sep=";", dtype=str, encoding="utf-8-sig")  # noqa: TID251 - the truth itself
    there = counted.loc[counted["Stichtag"] == day, "Bevölkerung"]
    return int(there.str.replace(".", "").astype(int).sum())


def edition(root: Path) -> Path:
    """Give the folder of the report's edition."""
    (found,) = (path for path in (root / "public" / "reports" / REPORT).iterdir() if path.is_dir())
    return found


def results(root: Path) -> dict[str, float]:
    """Give the named results."""
    told = json.loads((edition(root) / "results.json").read_text(encoding="utf-8"))
    return {one["name"]: one["value"] for one in told if one["kind"] == "result"}


def test_the_number_per_head_is_the_plan_divided_by_the_residents(lindenstadt):
    """Sum of all planned expenses of the year, and the people of the last reference date before it."""
    lines, found = treasury(lindenstadt.root), results(lindenstadt.root)
    planned = lines[(lines["Jahr"] == 2026) & (lines["Art"] == "expense")]["Ansatz"].sum()
    assert found["expenses_planned"] == round(planned)
    assert found["expenses_per_resident"] == round(planned / residents(lindenstadt.root, "31.12.2025"))


def test_a_slip_of_the_sign_is_corrected_and_listed(lindenstadt):
    """The planted one of the last closed year: counted as it was meant, and shown with both amounts."""
    lines = treasury(lindenstadt.root)
    closed = lines[(lines["Jahr"] == 2024) & (lines["Art"] == "expense")]
    slipped = closed[closed["Ergebnis"] < 0]
    assert len(slipped) == 1
    assert results(lindenstadt.root)["expenses_actual"] == round(closed["Ergebnis"].abs().sum())
    rows = pd.read_csv(edition(lindenstadt.root) / "data" / "slips.csv", dtype={"product": str})  # noqa: TID251 - as a reader
    assert rows["product"].tolist() == slipped["Produkt"].tolist()
    assert rows["delivered"].tolist() == slipped["Ergebnis"].tolist()
    assert rows["used"].tolist() == slipped["Ergebnis"].abs().tolist()


def test_the_tasks_in_the_picture_add_up_to_the_number_per_head(lindenstadt):
    """What tasks bring in themselves and what taxes and grants pay is all that is spent."""
    tasks = pd.read_csv(edition(lindenstadt.root) / "figures" / "tasks.csv")  # noqa: TID251 - as a reader
    assert len(tasks) == 16
    assert (tasks["covered"] + tasks["rest"] - tasks["expense"]).abs().max() <= 1
    assert tasks["expense"].sum() == pytest.approx(results(lindenstadt.root)["expenses_per_resident"], abs=8)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            "index.html",
            ("Niemand zahlt den Betrag je Kopf", "nicht um Preise bereinigt", "Umlage:", "Steuergeheimnis"),
        ),
        (
            "index.en.html",
            ("Nobody pays the amount per head", "not adjusted for prices", "Levy:", "tax secret"),
        ),
    ],
)
def test_the_page_says_where_the_number_misleads(lindenstadt, page, words):
    """In both languages, with terms explained."""
    text = (lindenstadt.root / "public" / "reports" / REPORT / page).read_text(encoding="utf-8")
    assert [one for one in words if one not in text] == []
