"""Trade tax by company, and the one company that its sums give away."""

import pytest

DATASET = "finance.trade_tax"
CITIES = [("mini", 2026), ("small", 2026), ("small", 7)]


def paid(city):
    """Give what each company paid in the last year, with its branch and borough."""
    frame = city.without_test_record(DATASET)
    last = frame[frame["year"] == city.truth("privacy")["dominance"]["year"]]
    return last.groupby(["company_id", "branch", "borough"], as_index=False)["tax_eur"].sum()


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_one_company_pays_most_of_its_branch_and_of_its_borough(made, pattern, size, seed):
    """In every size and for every seed: nearly nine tenths of the branch, more than half of the borough."""
    city = made(size, seed)
    told, companies = city.truth("privacy")["dominance"], paid(city)
    own = companies[companies["company_id"] == told["company_id"]]
    assert own["tax_eur"].tolist() == [told["paid"]]
    for column, share in (("branch", "share_of_branch"), ("borough", "share_of_borough")):
        group = companies[companies[column] == told["cells"][column]]
        assert told["paid"] / group["tax_eur"].sum() == pytest.approx(told[share], abs=1e-4)
    assert told["share_of_branch"] == pytest.approx(pattern.traps.dominant.share, abs=0.01)
    assert told["share_of_borough"] > 0.5
    assert told["paid"] < companies["tax_eur"].sum() / 2


def test_minimum_counts_do_not_see_it(made):
    """Its branch and its borough have companies enough: only a rule about shares finds it."""
    city = made("small")
    told, companies = city.truth("privacy")["dominance"], paid(city)
    for column, label in told["cells"].items():
        assert (companies[column] == label).sum() > 20


def test_companies_have_several_notices(made):
    """So that counting rows does not count companies; the number of a notice is unique."""
    frame = made("small").without_test_record(DATASET)
    assert frame["notice"].is_unique
    assert frame.groupby(["year", "company_id"]).size().value_counts().index.tolist() == [1, 2]
    assert (frame["tax_eur"] > 0).all()


def test_tax_follows_the_number_of_people(made, pattern):
    """As much per head as the pattern says; a city of ten times the size has ten times the companies."""
    companies = {size: paid(made(size)) for size in ("mini", "small")}
    for size, persons in (("mini", 3_500), ("small", 35_000)):
        assert companies[size]["tax_eur"].sum() / persons == pytest.approx(pattern.taxes.per_head, rel=0.01)
    assert 8 < len(companies["small"]) / len(companies["mini"]) < 12
