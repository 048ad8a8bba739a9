"""
Noise for answers, by OpenDP: the only module that knows the library.

Whole numbers get whole noise, from the operating system's randomness; nobody can repeat it with a seed. How much is
OpenDP's own reckoning: the smallest scale whose proven loss is within what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

CRUMB = 1e-9
"""By how much a scale is made larger, so that rounding does not make it too small."""
LAPLACE, GAUSSIAN = "discrete Laplace", "discrete Gaussian"


@dataclass(frozen=True, slots=True)
class Noisy:
    """
    Whole numbers with noise.

    Attributes
    ----------
    within
        How far each true number is away at most, in `sure` of all draws.
    """

    values: tuple[int, ...]
    within: float
    mechanism: str


def require() -> None:
    """
    Make sure that noise can be drawn, before anything is paid for it.

    Raises
    ------
    UsageError
        ``private.missing`` if OpenDP is not installed.
    """
    _library()


def added(values: Sequence[int], *, sensitivity: int, epsilon: float, delta: float, sure: float) -> Noisy:
    """
    Add noise to whole numbers that one unit can move by `sensitivity` together.

    Parameters
    ----------
    values
        The exact numbers; the sum of what one unit moves them by is at most `sensitivity`.
    epsilon, delta
        The loss that is allowed. Without delta the noise is Laplace's, with it Gauss's.
    sure
        Probability for `Noisy.within`.

    Raises
    ------
    UsageError
        ``private.missing``.
    """
    dp = _library()
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if delta:
        return _gaussian(dp, domain, values, sensitivity, (epsilon, delta), 1 - sure)

    def laplace(scale: float) -> Any:
        return dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale)

    scale = dp.binary_search_param(laplace, d_in=sensitivity, d_out=epsilon, T=float)
    within = dp.discrete_laplacian_scale_to_accuracy(scale, 1 - sure)
    return Noisy(_drawn(laplace(scale), values), float(within), LAPLACE)


def _gaussian(
    dp: Any, domain: Any, values: Sequence[int], sensitivity: int, loss: tuple[float, float], alpha: float
) -> Noisy:
    """Add Gauss's noise; a unit whose rows all fall into one cell moves it by the whole sensitivity."""

    def gaussian(scale: float) -> Any:
        drawn = dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale)
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(drawn), loss[1])

    # Searched for a sensitivity of one: a second where ten millions take minutes. Then held against the whole.
    scale = dp.binary_search_param(gaussian, d_in=1.0, d_out=loss, T=float) * sensitivity * (1 + CRUMB)
    if gaussian(scale).map(float(sensitivity))[0] > loss[0]:
        raise ArithmeticError("the noise would cost more than was paid")
    # OpenDP's own reckoning adds up every whole number in reach, which are thousands of millions for wide bounds.
    within = NormalDist().inv_cdf(1 - alpha / 2) * scale + 1
    return Noisy(_drawn(gaussian(scale), values), float(within), GAUSSIAN)


def _drawn(measurement: Callable[[list[int]], list[int]], values: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(one) for one in measurement([int(one) for one in values]))


def _library() -> Any:
    try:
        import opendp.prelude as dp  # noqa: PLC0415 - an extra, for cities that decided a budget
    except ImportError:
        raise _missing() from None
    dp.enable_features("contrib")
    return dp


def _missing() -> UsageError:
    return UsageError(
        "private.missing",
        Text(de="OpenDP fehlt für Antworten mit Rauschen.", en="OpenDP is missing for answers with noise."),
        remedy=Text(
            de="Installieren Sie den Zusatz: pip install 'stadtbuch[budget]'. Es wurde nichts abgebucht.",
            en="Install the extra: pip install 'stadtbuch[budget]'. Nothing was debited.",
        ),
    )
