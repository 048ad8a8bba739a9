"""The budget, its sums and its mistakes."""

import pandas as pd
import pytest

LINES, AREAS = "finance.budget", "finance.budget_areas"
CITIES = [("mini", 2026), ("small", 7)]
SUM = ["year", "area", "kind"]


def line(frame, one):
    """Give one line of the budget."""
    there = (frame["year"] == one.year) & (frame["product"] == one.product) & (frame["kind"] == one.kind)
    return frame[there].iloc[0]


def told(rows):
    """Give keys in order."""
    return sorted(tuple(row.values()) for row in rows)


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_wrong_signs_are_where_the_truth_says(made, pattern, size, seed):
    """Below zero are the planted ones, and one repayment that is true."""
    city = made(size, seed)
    frame = city.read(LINES)
    below = frame.loc[frame["actual_eur"] < 0, ["year", "product", "kind"]].to_dict("records")
    wrong, true = city.defects(LINES)["wrong-sign"], city.look_alikes(LINES)["reversal"]
    assert told(below) == told(wrong + true)
    reversal = line(frame, pattern.traps.budget.reversal)
    assert -0.1 < reversal["actual_eur"] / reversal["planned_eur"] < 0


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_exactly_one_sum_does_not_add_up(made, pattern, size, seed):
    """By so many euros as the pattern says; all others are right to the cent."""
    city = made(size, seed)
    lines, areas = city.read(LINES), city.read(AREAS)
    sums = lines.groupby(SUM)[["planned_eur", "actual_eur"]].sum(min_count=1).round(2)
    away = (areas.set_index(SUM)[["planned_eur", "actual_eur"]] - sums).round(2).stack().dropna()
    wrong = away[away != 0]
    assert wrong.tolist() == [pattern.traps.budget.wrong_by]
    keys = [dict(zip(SUM, (int(key[0]), *key[1:3]), strict=True)) for key in wrong.index]
    assert keys == city.defects(AREAS)["sum-differs"]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_slipped_comma_and_a_line_of_zero_are_known(made, pattern, size, seed):
    """Ten times the year before is a mistake, nothing at all is not."""
    city = made(size, seed)
    frame, traps = city.read(LINES), pattern.traps.budget
    before = line(frame, traps.shifted.model_copy(update={"year": traps.shifted.year - 1}))
    assert line(frame, traps.shifted)["planned_eur"] > 8 * before["planned_eur"]
    zero = frame.loc[frame["planned_eur"] == 0, ["year", "product", "kind"]].to_dict("records")
    assert told(zero) == told(city.look_alikes(LINES)["zero-line"])


def test_results_end_with_the_last_closed_year(made, pattern):
    """Later years have plans only."""
    frame = made("mini").read(LINES)
    closed = frame["year"] <= pattern.budget.closed_year
    assert frame.loc[closed, "actual_eur"].notna().all()
    assert frame.loc[~closed, "actual_eur"].isna().all()
    assert frame["planned_eur"].notna().all()


def test_product_areas_are_those_of_german_budgets(made):
    """Sixteen, from internal administration to general finance; a product belongs to its area."""
    frame = made("mini").read(LINES)
    areas = sorted(frame["area"].unique())
    assert areas == [
        "11",
        "12",
        "21",
        "25",
        "31",
        "36",
        "41",
        "42",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "61",
    ]
    assert (frame["product"].str[:2] == frame["area"]).all()
    assert (frame.groupby("area")["area_title_de"].nunique() == 1).all()


def test_income_and_expenses_nearly_balance(made):
    """And both follow the number of people: a city of ten times the size spends ten times as much."""
    spent = {}
    for size in ("mini", "small"):
        plan = made(size).read(LINES).query("year == 2026").groupby("kind")["planned_eur"].sum()
        assert 0.85 < plan["income"] / plan["expense"] < 1.15
        spent[size] = plan["expense"]
    assert 9 < spent["small"] / spent["mini"] < 11


def test_amounts_stand_in_the_file_as_treasuries_write_them(made):
    """Thousands points, a comma for the cents, nothing for what is not known."""
    path = made("mini").settings.folder("data") / "finance" / "budget.csv"
    rows = pd.Series(path.read_bytes().decode("utf-8-sig").split("\r\n")[1:-1])
    assert rows.str.fullmatch(r"\d{4};\d\d;[^;]+;[^;]+;\d{4};[^;]+;(income|expense)"
                              r";-?[\d.]+,\d\d;(-?[\d.]+,\d\d)?").all()  # fmt: skip
    assert rows.str.contains(r"\d\.\d{3},").any()
