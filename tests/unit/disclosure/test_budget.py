"""Adding up what answers told, and refusing what a budget does not cover."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders.asking import DECISION

from stadtbuch.disclosure import budget
from stadtbuch.errors import Refused
from stadtbuch.model.dataset import Budget
from stadtbuch.model.entry import Entry

DATASET = "population.residents"


def decided(**changes: Any) -> Budget:
    """Give a budget of ε = 1 a year."""
    return Budget.model_validate({"epsilon": 1.0, **DECISION, **changes})


def entries(*paid: float, dataset: str = DATASET, year: int = 2026, delta: float = 0.0) -> list[Entry]:
    """Give debits as the book holds them."""
    return [
        Entry(
            number=number,
            at=datetime(year, 1, 15, tzinfo=UTC),
            kind=budget.DEBITED,
            role="analyst",
            who="",
            subject=dataset,
            details={"year": year, "epsilon": one, "delta": delta},
            previous="",
            hash="",
        )
        for number, one in enumerate(paid, 1)
    ]


def fits(*paid: float, epsilon: float, delta: float = 0.0, of: Budget | None = None) -> bool:
    """Tell whether one more answer is given."""
    before = budget.spent(entries(*paid, delta=delta), dataset=DATASET, year=2026)
    asked: dict[str, Any] = {"dataset": DATASET, "year": 2026, "name": "x"}
    try:
        budget.require(of or decided(), before, **asked, epsilon=epsilon, delta=delta)
    except Refused as refused:
        assert refused.code == "budget.overspent"
        return False
    return True


def test_ten_tenths_are_one() -> None:
    """A budget can be used to its end, and not beyond: decimals are added as they are written."""
    assert fits(*[0.1] * 9, epsilon=0.1)
    assert not fits(*[0.1] * 10, epsilon=0.0001)


def test_delta_is_a_budget_of_its_own() -> None:
    """Where no delta was decided, none is given; where one was, it adds up."""
    assert not fits(epsilon=0.1, delta=1e-9)
    assert fits(0.1, epsilon=0.1, delta=1e-6, of=decided(delta=2e-6))
    assert not fits(0.1, 0.1, epsilon=0.1, delta=1e-6, of=decided(delta=2e-6))


def test_years_and_datasets_have_their_own() -> None:
    """What another year or another dataset told is not counted."""
    paid = [*entries(0.9), *entries(0.4, year=2025), *entries(0.3, dataset="social.benefits")]
    assert budget.spent(paid, dataset=DATASET, year=2026).as_dict() == {
        "epsilon": 0.9,
        "delta": 0.0,
        "answers": 1,
    }


def test_refusal_says_what_is_left() -> None:
    """Whoever is refused learns the price, the rest, and what to do."""
    before = budget.spent(entries(0.75), dataset=DATASET, year=2026)
    with pytest.raises(Refused) as refused:
        budget.require(
            decided(), before, dataset=DATASET, year=2026, name="residents", epsilon=0.5, delta=0.0
        )
    assert refused.value.what.en == (
        "residents costs ε 0.5; of the budget 2026 of population.residents, ε 0.25 is left."
    )
    assert refused.value.exit_code == 3
