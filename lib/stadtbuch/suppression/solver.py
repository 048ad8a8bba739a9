"""
Linear programs that are solved again and again with other bounds and prices.

The solver is HiGHS (MIT licence) as scipy ships it. scipy's own functions begin anew at every call; here a program
stays with the solver, so that the next search starts where the last one ended. This module is the only one that
touches scipy's private binding; the public package highspy has the same names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

Numbers = np.ndarray

TOLERANCE = 1e-7
UNBOUNDED = -np.inf
NEVER = np.inf


class Program:
    """
    Find the least ``prices @ x`` with ``relations @ x == right`` and ``low <= x <= high``.

    Parameters
    ----------
    relations
        Sparse matrix, one row per equation.
    low, high
        Bounds per variable, infinite where there is none.
    prices
        What one unit of each variable costs; nothing unless said.
    right
        The right side of the equations; zero unless said.
    """

    def __init__(
        self,
        relations: sp.spmatrix,
        *,
        low: Numbers,
        high: Numbers,
        prices: Numbers | None = None,
        right: Numbers | None = None,
    ) -> None:
        from scipy.optimize._highspy import _core  # noqa: PLC0415 - a solver is loaded where one is needed

        self._core = _core
        columns = sp.csc_matrix(relations, dtype=float)
        rows, self.size = columns.shape
        self._all = np.arange(self.size, dtype=np.int32)
        self._solver = _core._Highs()
        for option, value in _OPTIONS.items():
            self._solver.setOptionValue(option, value)
        program = _core.HighsLp()
        program.num_col_, program.num_row_ = self.size, rows
        program.col_cost_ = np.zeros(self.size) if prices is None else np.asarray(prices, dtype=float)
        program.col_lower_, program.col_upper_ = np.asarray(low, float), np.asarray(high, float)
        program.row_lower_ = program.row_upper_ = (
            np.zeros(rows) if right is None else np.asarray(right, dtype=float)
        )
        program.a_matrix_.format_ = _core.MatrixFormat.kColwise
        program.a_matrix_.num_col_, program.a_matrix_.num_row_ = self.size, rows
        program.a_matrix_.start_ = columns.indptr
        program.a_matrix_.index_ = columns.indices
        program.a_matrix_.value_ = columns.data
        self._solver.passModel(program)
        self._simplify = False

    def price(self, variable: int, price: float) -> None:
        """Change what one unit of a variable costs."""
        self._solver.changeColCost(int(variable), float(price))

    def prices(self, prices: Numbers) -> None:
        """Change what all variables cost."""
        self._solver.changeColsCost(self.size, self._all, np.asarray(prices, dtype=float))

    def bound(self, variable: int, low: float, high: float) -> None:
        """Change the bounds of one variable."""
        self._solver.changeColBounds(int(variable), float(low), float(high))

    def bounds(self, low: Numbers, high: Numbers) -> None:
        """Change the bounds of all variables."""
        self._solver.changeColsBounds(self.size, self._all, np.asarray(low, float), np.asarray(high, float))

    def presolve(self) -> None:
        """Simplify before the next search only: the first one of a large program is far quicker then."""
        self._simplify = True
        self._solver.setOptionValue("presolve", "on")

    def solve(self) -> float:
        """Give the least value; `UNBOUNDED` if there is none, `NEVER` if nothing fulfils the equations."""
        self._solver.run()
        if self._simplify:
            self._simplify = False
            self._solver.setOptionValue("presolve", "off")
        names = self._core.HighsModelStatus
        known = (
            names.kOptimal,
            names.kModelEmpty,
            names.kUnbounded,
            names.kUnboundedOrInfeasible,
            names.kInfeasible,
        )
        if self._solver.getModelStatus() not in known:  # it lost its way from the last solution: begin anew
            self._solver.clearSolver()
            self._solver.run()
        status = self._solver.getModelStatus()
        if status in (names.kOptimal, names.kModelEmpty):
            return float(self._solver.getObjectiveValue())
        return UNBOUNDED if status in (names.kUnbounded, names.kUnboundedOrInfeasible) else NEVER

    @property
    def steps(self) -> int:
        """Give how many steps of the simplex method the last search took."""
        return int(self._solver.getInfo().simplex_iteration_count)

    def found(self) -> Numbers:
        """Give the variables of the last solution."""
        return np.array(self._solver.getSolution().col_value)

    def prices_of_rows(self) -> Numbers:
        """Give what each equation costs in the last solution; it bears on it where that is not zero."""
        return np.array(self._solver.getSolution().row_dual)

    def duals(self) -> Numbers:
        """Give what each variable's bound costs in the last solution."""
        return np.array(self._solver.getSolution().col_dual)


_OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "presolve": "off",
    "solver": "simplex",
    "parallel": "off",
    "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
}
