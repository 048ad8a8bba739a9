"""Rates and means: formed from published numbers, withheld where they would rest on few."""

from typing import Any

import pandas as pd
import pytest

from stadtbuch.disclosure import tables
from stadtbuch.disclosure.clearance import Origin, Rules, clear
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.primary import Dominance
from stadtbuch.disclosure.ratios import Thresholds
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.disclosure.tabulation import Measure, of_counts, of_rows
from stadtbuch.errors import UsageError

AREAS = Levels.of("area", pd.DataFrame({"area": list("abcdef"), "borough": list("AAAABB")}))
ORIGIN = Origin("demo.people", "person", ["area", "tax"])


def a_table(counts: list[int], *, rates: tuple[int, int] = (3, 100)) -> ProtectedTable:
    """Protect counts by area."""
    series = pd.Series(counts, index=pd.Index(list("abcdef"), name="area"))
    made = of_counts(series, name="t", by=["area"], hierarchies={"area": AREAS})
    return clear([made], rules=Rules(3, 1000, rates=Thresholds(*rates)), origin=ORIGIN)["t"]


PEOPLE = [200, 150, 99, 300, 120, 400]
PART = [20, 0, 50, 298, 40, 400]


def test_rates_keep_both_thresholds() -> None:
    """Of a hundred at least; three with and three without the feature; nobody and everybody are left to the table."""
    told = a_table(PART).rate(a_table(PEOPLE), "area")
    assert told["value"].round(2).tolist()[:2] == [10.0, 0.0]
    assert told["mark"].tolist() == ["", "–", "·", "·", "", ""]
    assert told["value"].isna().tolist() == [False, False, True, True, False, False]


def test_rates_of_a_level() -> None:
    """Boroughs have rates where quarters have none, per thousand if asked."""
    told = a_table(PART).rate(a_table(PEOPLE), "borough", per=1000)
    assert told["value"].round(1).tolist() == [round(1000 * 368 / 749, 1), round(1000 * 440 / 520, 1)]


def test_a_withheld_count_has_no_rate() -> None:
    """Neither as the part nor as the whole."""
    hidden = a_table([2, 30, 40, 50, 60, 70])
    other = a_table([200, 200, 200, 200, 200, 200])
    marks = hidden.by("area")["mark"].tolist()
    assert "·" in marks
    assert hidden.rate(other, "area")["mark"].tolist() == marks


def test_a_city_may_be_stricter_and_nobody_looser() -> None:
    """The thresholds travel with the table; an analyst may raise them."""
    people = a_table(PEOPLE, rates=(3, 200))
    assert a_table(PART).rate(people, "area")["mark"].tolist()[1] == "·"
    assert ProtectedTable.from_record(people.to_record()).rates == (3, 200)
    assert a_table(PART).rate(a_table(PEOPLE), "area", numerator=30)["mark"].tolist()[0] == "·"
    with pytest.raises(UsageError) as caught:
        a_table(PART).rate(a_table(PEOPLE), "area", denominator=50)
    assert caught.value.code == "table.rate-threshold"


def test_a_grid_has_rates_too() -> None:
    """Tables in rows and columns take part, and keep their form where a city has the usual thresholds."""
    counts = pd.Series(PART, index=pd.Index(list("abcdef"), name="area"))
    grid = tables.protect(
        counts,
        rows="area",
        min_count=3,
        node_limit=100,
        dataset="d",
        name="t",
        unit="person",
        column_names=["area"],
    )
    assert (
        grid.rate(a_table(PEOPLE), "area")["mark"].tolist()
        == a_table(PART).rate(a_table(PEOPLE), "area")["mark"].tolist()
    )
    assert grid.to_record()["format"] == 1


def sums(amounts: list[int], **levels: Any) -> dict[str, ProtectedTable]:
    """Protect amounts of people in two areas, and their number."""
    rows = pd.DataFrame({"area": ["a"] * 4 + ["b"] * (len(amounts) - 4), "tax": amounts})
    one = of_rows(rows, name="sum", by=["area"], measure=Measure(sum="tax"), hierarchies=levels)
    two = of_rows(rows, name="number", by=["area"], measure=Measure(), hierarchies=levels)
    return clear([one, two], rules=Rules(3, 100, concentration=(Dominance(1, 90),)), origin=ORIGIN)


def test_means_are_sums_per_published_count() -> None:
    """A mean needs both numbers."""
    made = sums([10, 20, 30, 40, 5, 5, 5, 6])
    assert made["sum"].mean(made["number"], "area")["value"].tolist() == [25.0, 5.25]
    few = sums([10, 20, 30, 40, 5, 5])
    assert few["sum"].mean(few["number"], "area")["mark"].tolist() == ["·", "·"]


def wrong() -> list[tuple[str, Any]]:
    """Give what is no ratio."""
    counts, made = a_table(PEOPLE), sums([10, 20, 30, 40, 5, 5, 5, 6])
    return [
        ("table.rate", lambda: made["sum"].rate(counts, "area")),
        ("table.rate", lambda: a_table(PEOPLE).rate(a_table(PART), "area")),
        ("table.mean", lambda: counts.mean(counts, "area")),
        ("table.unknown-variable", lambda: counts.rate(counts, "district")),
    ]


def test_what_is_no_ratio_is_refused() -> None:
    """Sums as rates, parts above their whole, means of counts, unknown variables: with a remedy, without a number."""
    for code, ask in wrong():
        with pytest.raises(UsageError) as caught:
            ask()
        assert (caught.value.code, caught.value.remedy is None) == (code, False)
