"""The noise itself: drawn by OpenDP, as wide as it must be, and no wider than it is said to be."""

from __future__ import annotations

import math
import sys

import pytest

from stadtbuch.errors import UsageError
from stadtbuch.session import noise

DRAWS = 4000
# Hoeffding: a share of 4,000 draws is off by more than 0.052 in less than one of two thousand million test runs.
OFF = math.sqrt(math.log(2 / 1e-9) / (2 * DRAWS))


@pytest.fixture(autouse=True)
def _opendp() -> None:
    pytest.importorskip("opendp", reason="the extra budget (OpenDP) is not installed")


@pytest.mark.parametrize("delta", [0.0, 1e-6])
def test_the_true_number_lies_within_as_often_as_is_said(delta: float) -> None:
    """95 of 100 draws are within the stated distance: not fewer, and not all (that would be wasted noise)."""
    drawn = noise.added([1000] * DRAWS, sensitivity=3, epsilon=0.5, delta=delta, sure=0.95)
    share = sum(abs(one - 1000) <= drawn.within for one in drawn.values) / DRAWS
    assert abs(share - 0.95) < OFF


def test_half_the_epsilon_is_twice_the_noise() -> None:
    """The scale is sensitivity by epsilon: what one person can move must drown in it."""
    spread = [
        sum(abs(one) for one in noise.added([0] * DRAWS, sensitivity=2, epsilon=e, delta=0, sure=0.95).values)
        for e in (0.5, 0.25)
    ]
    # The mean of |noise| is close to the scale, 4 and 8; each mean is off by less than 7 scales / sqrt(4000).
    assert [round(one / DRAWS / scale, 0) for one, scale in zip(spread, (4, 8), strict=True)] == [1, 1]


@pytest.mark.parametrize("delta", [0.0, 1e-9])
def test_wide_bounds_and_little_budget_have_an_answer(delta: float) -> None:
    """A sum of incomes of thousand rows a person at a thousandth of ε: useless, and said to be."""
    drawn = noise.added([0, 5], sensitivity=10_000_000, epsilon=0.001, delta=delta, sure=0.95)
    assert drawn.within > 10_000_000_000


def test_two_draws_differ() -> None:
    """Nobody can repeat the noise: there is no seed."""
    one, other = (noise.added([0] * 50, sensitivity=1, epsilon=0.1, delta=0, sure=0.95) for _ in range(2))
    assert one.values != other.values


def test_neighbours_can_hardly_be_told_apart() -> None:
    """With or without one person, no range of results is more than e^ε times as likely."""
    drawn = [
        noise.added([size] * DRAWS, sensitivity=1, epsilon=0.5, delta=0, sure=0.95).values
        for size in (10, 11)
    ]
    shares = [sum(one <= 10 for one in values) / DRAWS for values in drawn]
    assert shares[0] - OFF <= math.exp(0.5) * (shares[1] + OFF)
    assert 1 - shares[1] - OFF <= math.exp(0.5) * (1 - shares[0] + OFF)


def test_without_the_library_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(UsageError) as missing:
        noise.require()
    assert missing.value.code == "private.missing"
    assert "stadtbuch[budget]" in missing.value.render("en")
