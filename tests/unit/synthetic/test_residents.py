"""The population register and the traps laid in it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.synthetic import areas, residents
from stadtbuch.synthetic.config import PERSONS
from stadtbuch.synthetic.residents import _shared_out
from stadtbuch.synthetic.seeds import stream

CASES = [("mini", 2026), ("small", 2026), ("small", 7)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def city(request, made):
    """Give a city in a size and with a seed."""
    return made(*request.param)


@pytest.fixture(scope="module")
def small(made):
    """Give the city of the demo."""
    return made("small")


def test_the_last_stock_has_exactly_the_promised_persons(city):
    """3,500 or 35,000 at the last reference date, about as many a year before."""
    register = city.read("population.residents")
    stocks = register.groupby("reference_date").size()
    persons = PERSONS[city.told["size"]]
    assert stocks.iloc[2] == persons
    assert 0.97 * persons < stocks.iloc[1] < 1.01 * persons
    assert stocks.iloc[0] == 1  # the test record


def test_everybody_lives_in_a_quarter_of_the_map(city):
    """Codes of the register and of the areas are the same, every quarter is inhabited."""
    quarters, stock = city.read("geography.areas"), city.stock()
    known = set(zip(quarters["quarter"], quarters["district"], quarters["borough"], strict=True))
    assert set(zip(stock["quarter"], stock["district"], stock["borough"], strict=True)) == known


def test_districts_are_uneven_but_none_is_tiny(small):
    """At least 60 persons in a district, and the largest has many times more."""
    sizes = small.stock().groupby("district").size()
    assert len(sizes) == 72
    assert sizes.min() >= 60
    assert sizes.max() > 4 * sizes.min()


def test_persons_are_registered_once_per_reference_date(city):
    """The primary key of the catalogue holds."""
    assert not city.read("population.residents").duplicated(["reference_date", "person_id"]).any()


def test_who_stayed_is_a_year_older(city):
    """The two stocks tell the same people's lives."""
    register = city.read("population.residents").set_index("person_id")
    days = sorted(register["reference_date"].unique())
    before, now = (register[register["reference_date"] == day] for day in days[1:])
    both = before.join(now, how="inner", suffixes=("_before", "_now"))
    assert len(both) > 0.9 * len(before)
    assert (both["age_now"] == both["age_before"] + 1).all()
    assert (both["sex_now"] == both["sex_before"]).all()
    assert 0.02 < (both["quarter_now"] != both["quarter_before"]).mean() < 0.1


def test_nobody_is_registered_before_arriving(city):
    """Arrival lies before the reference date and within the life."""
    register = city.read("population.residents")
    people = register[register["reference_date"].dt.year > 1900]
    lived = (people["reference_date"] - people["arrived"]).dt.days
    assert (lived >= 0).all()
    assert (lived <= (people["age"].astype(int) + 1) * 366).all()


def test_the_pyramid_shows_the_baby_boom(small):
    """Around sixty there are many more people than around fifty."""
    ages = small.stock()["age"].astype(int)
    assert ages.between(58, 62).sum() > 1.25 * ages.between(47, 51).sum()


def test_students_live_in_the_middle_and_the_old_outside(small):
    """Boroughs differ as in real cities."""
    stock = small.stock()
    young = stock["age"].between(20, 27).groupby(stock["borough"]).mean()
    mean = stock["age"].astype(int).groupby(stock["borough"]).mean()
    assert young["05"] > 2 * young["10"]
    assert mean["10"] > mean["01"] + 5


def test_women_are_the_majority_among_the_old(small):
    """Two of three over ninety, and slightly fewer than half of the children."""
    stock = small.stock()
    women = stock["sex"] == "f"
    assert women[stock["age"] >= 90].mean() > 0.6
    assert 0.46 < women[stock["age"] < 10].mean() < 0.51


def test_no_reference_date_of_an_analysis_meets_the_canaries(city):
    """Whoever filters by the reference date, as everybody must, never sees the test record."""
    canaries = city.canaries()["population.residents"]
    assert canaries["person_id"] not in set(city.stock()["person_id"])


def test_planted_persons_are_unique(city):
    """Each planted key of district, age and sex belongs to one person only."""
    planted, stock = city.truth("privacy")["unique"]["planted"], city.stock()
    assert len(planted) >= 5
    for key in planted:
        same = (
            (stock["district"] == key["district"])
            & (stock["age"] == key["age"])
            & (stock["sex"] == key["sex"])
        )
        assert same.sum() == 1, key


def test_the_stated_number_of_unique_persons_is_right(city):
    """Counted again without the generator."""
    stock = city.stock()
    keys = Counter(zip(stock["district"], stock["age"], stock["sex"], strict=True))
    assert sum(count == 1 for count in keys.values()) == city.truth("privacy")["unique"]["all"]


def recoverable_cells(stock):
    """Give the cells of borough by age group and sex that are below three, counted without the generator."""
    group = stock["age"].astype(int).clip(upper=90) // 5 * 5
    table = stock.groupby(["borough", group, "sex"]).size().unstack(["age", "sex"], fill_value=0)
    cells = table.stack(["age", "sex"])
    return cells[cells < 3].to_dict()


@pytest.mark.parametrize("seed", [2026, 7])
def test_one_small_cell_is_recoverable_from_its_margins(made, seed):
    """In borough by age group and sex exactly one cell is below three: its margin gives it away."""
    city = made("small", seed)
    trap = city.truth("privacy")["recoverable"]
    assert trap["holds"] is True
    assert trap["cell"]["age_group"] == "90+"
    assert recoverable_cells(city.stock()) == {
        (trap["cell"]["borough"], 90, trap["cell"]["sex"]): trap["count"]
    }
    assert trap["count"] == 2


def test_other_small_cells_are_filled_up(pattern):
    """With few people many cells would be small by nature; only the planted one stays so."""
    quarters = areas.draw(pattern, rng=stream(2026, "areas")).quarters
    register = residents.register(pattern, quarters, persons=10_000, rng=stream(2026, "residents"))
    stock = register[register["reference_date"] == str(pattern.register_.reference_dates[1])]
    assert recoverable_cells(stock) == {("07", 90, "m"): 2}


@pytest.mark.slow
def test_the_small_cell_is_there_in_the_full_city_too(pattern):
    """Ten times the people, the same trap."""
    quarters = areas.draw(pattern, rng=stream(2026, "areas")).quarters
    register = residents.register(pattern, quarters, persons=PERSONS["full"], rng=stream(2026, "residents"))
    stock = register[register["reference_date"] == str(pattern.register_.reference_dates[1])]
    assert len(stock) == 350_000
    assert recoverable_cells(stock) == {("07", 90, "m"): 2}


def test_the_smallest_city_says_that_it_is_too_small_for_that_table(made):
    """Where many cells are small, the truth does not claim otherwise."""
    assert made("mini").truth("privacy")["recoverable"]["holds"] is False


def test_the_name_for_the_hover_text_stands_in_one_note(city):
    """One person's note holds the person's own name."""
    trap, stock = city.truth("privacy")["hover"], city.stock()
    person = stock[stock["full_name"] == trap["full_name"]]
    assert len(person) == 1
    assert person["register_note"].item() == trap["note"]
    assert trap["full_name"] in trap["note"]
    assert (person["district"].item(), person["age"].item()) == (trap["district"], trap["age"])


def test_most_notes_are_empty(small):
    """Free text is rare, names in it are rarer; the stated number is right."""
    notes = small.stock()["register_note"]
    assert 0.005 < notes.notna().mean() < 0.03
    assert notes.dropna().str.contains(" ").sum() == small.truth("privacy")["notes_with_names"]


def test_no_word_of_a_name_or_note_is_a_word_of_the_map(small, pattern):
    """Else every published map would look like a leak of a name."""
    stock, quarters = small.stock(), small.read("geography.areas")
    closed = set(" ".join([*stock["full_name"], *stock["register_note"].dropna()]).casefold().split())
    public = [quarters[f"{level}_name"] for level in ("quarter", "district", "borough")]
    words = set(" ".join(name for names in public for name in names).replace("-", " ").casefold().split())
    words |= {pattern.map.river.name.casefold(), "lindenstadt"}
    assert closed & words == set()


@given(
    total=st.integers(0, 10**6),
    weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=60),
)
def test_shares_add_up_and_are_off_by_less_than_one(total, weights):
    """The method of the largest remainder loses nobody."""
    share = np.array(weights) / sum(weights)
    parts = _shared_out(total, share)
    assert parts.sum() == total
    assert (np.abs(parts - total * share) < 1 + 1e-6).all()


def test_the_open_counts_are_those_of_the_register(made):
    """Borough by borough, at both reference dates, without the test record."""
    city = made("mini")
    counted = city.read("population.residents_by_borough").set_index(["reference_date", "borough"])["persons"]
    register = city.without_test_record("population.residents")
    assert counted.to_dict() == register.groupby(["reference_date", "borough"]).size().to_dict()
