"""Linear programs that stay with the solver: right after every change, and honest where there is no answer."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from stadtbuch.suppression.solver import NEVER, UNBOUNDED, Program


def a_program(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make random relations with a point that fulfils them, and bounds around it."""
    chance = np.random.default_rng([3, seed])
    relations = chance.integers(-1, 2, (4, 9)).astype(float)
    point = chance.integers(0, 6, 9).astype(float)
    return relations, relations @ point, point - chance.integers(0, 3, 9), point + chance.integers(0, 5, 9)


def test_every_change_gives_what_a_fresh_search_gives() -> None:
    """Prices and bounds change again and again; the answer is that of scipy, begun anew each time."""
    for seed in range(10):
        relations, right, low, high = a_program(seed)
        program = Program(sp.csr_matrix(relations), low=low, high=high, right=right)
        for aim in range(9):
            prices = np.eye(9)[aim] * (-1) ** aim
            program.prices(prices)
            program.bounds(low - aim, high)
            program.bound(0, low[0], high[0])
            expected = linprog(
                prices, A_eq=relations, b_eq=right,
                bounds=np.column_stack([np.r_[low[0], low[1:] - aim], high]),
            )  # fmt: skip
            assert program.solve() == pytest.approx(expected.fun)
            assert np.allclose(relations @ program.found(), right)
            program.price(aim, 0.0)


def test_what_has_no_answer_is_said() -> None:
    """Without a bound the least is unbounded; against the equations there is never one."""
    relations = sp.csr_matrix([[1, -1]])
    program = Program(relations, low=np.zeros(2), high=np.full(2, np.inf), prices=-np.ones(2))
    assert program.solve() == UNBOUNDED
    program.bound(0, 1, 2)
    program.bound(1, 5, 6)
    assert program.solve() == NEVER
