"""Secondary suppression: safe, cheapest, deterministic, and proven without a solver."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from stadtbuch.suppression import circuits, cuts
from stadtbuch.suppression.closing import Move, NotClosableError, Pattern, Problem, close, proven
from stadtbuch.suppression.cuts import is_network
from stadtbuch.suppression.moves import NOBODY

CASES = Path(__file__).parents[4] / "shared" / "cases" / "privacy"


def grid(counts: list[list[int]], *, min_count: int = 3) -> Problem:
    """Lay out a table of two dimensions with margins, row by row."""
    inner = np.array(counts)
    full = np.vstack([inner, inner.sum(axis=0)])
    full = np.hstack([full, full.sum(axis=1, keepdims=True)])
    height, width = full.shape
    across = sp.kron(sp.identity(height), np.r_[np.ones(width - 1), -1].reshape(1, -1))
    down = sp.kron(np.r_[np.ones(height - 1), -1].reshape(1, -1), sp.identity(width))
    values = full.ravel()
    primary = (values > 0) & (values < min_count)
    need = np.where(primary, np.maximum(values + 1, min_count) - values, 0)
    return Problem(sp.vstack([across, down]).tocsr(), values, primary, need, values + 1)


def a_grid(seed: int, height: int, width: int) -> Problem:
    """Make a small random table with at least one small count."""
    chance = np.random.default_rng([7, seed])
    counts = chance.choice([0, 1, 2, 2, 3, 4, 6, 9], size=(height, width))
    counts[0, 0] = chance.integers(1, 3)
    counts[1, 1] += 3
    return grid(counts.tolist())


def reach(problem: Problem, hidden: np.ndarray, cell: int, sign: int) -> float:
    """Find how far a cell can move, with no cap on the other cells: what the attacker must reckon with."""
    bounds = [
        (1 - value, None) if open_ else (0, 0) for value, open_ in zip(problem.values, hidden, strict=True)
    ]
    aim = np.zeros(len(hidden))
    aim[cell] = -sign
    solved = linprog(aim, A_eq=problem.relations, b_eq=np.zeros(problem.relations.shape[0]), bounds=bounds)
    return np.inf if solved.status == 3 else -solved.fun


def is_safe(problem: Problem, hidden: np.ndarray) -> bool:
    """Whether every primary is protected and no hidden cell is exact."""
    primaries = np.flatnonzero(problem.primary)
    if any(reach(problem, hidden, cell, 1) < problem.need[cell] - 1e-6 for cell in primaries):
        return False
    others = np.flatnonzero(hidden & ~problem.primary)
    return all(reach(problem, hidden, cell, 1) + reach(problem, hidden, cell, -1) > 0.5 for cell in others)


def cheapest(problem: Problem) -> int:
    """Try all patterns, cheapest first, and give the cost of the first safe one."""
    free = [int(cell) for cell in np.flatnonzero((problem.values > 0) & ~problem.primary)]
    costed = sorted(
        (int(problem.cost[list(chosen)].sum()), chosen)
        for size in range(len(free) + 1)
        for chosen in combinations(free, size)
    )
    for cost, chosen in costed:
        hidden = problem.primary.copy()
        hidden[list(chosen)] = True
        if is_safe(problem, hidden):
            return cost
    raise AssertionError("no pattern is safe")


@pytest.mark.parametrize("shape", [(2, 2), (2, 3)])
@pytest.mark.parametrize("seed", range(8))
def test_exact_search_finds_the_optimum(seed: int, shape: tuple[int, int]) -> None:
    """On tiny tables the pattern costs what the cheapest of all patterns costs; the cap loses nothing."""
    problem = a_grid(seed, *shape)
    pattern = close(problem, node_limit=100_000)
    assert pattern.optimal
    assert is_safe(problem, pattern.hidden)
    assert int(problem.cost[pattern.hidden & ~problem.primary].sum()) == cheapest(problem)


def test_every_hidden_cell_has_a_proof() -> None:
    """The moves prove the pattern in whole numbers; a pattern with one cell less is not proven."""
    problem = grid([[2, 9, 14], [8, 11, 7], [12, 4, 30]])
    pattern = close(problem, node_limit=10_000)
    assert proven(problem, pattern) == []
    second = int(np.flatnonzero(pattern.hidden & ~problem.primary)[0])
    fewer = pattern.hidden.copy()
    fewer[second] = False
    assert proven(problem, Pattern(fewer, pattern.moves, optimal=True, nodes=0)) != []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda move: Move(move.cells, move.amounts * 0, move.divisor),
        lambda move: Move(move.cells, -move.amounts, move.divisor),
        lambda move: Move(move.cells, move.amounts + (move.cells == move.cells[0]), move.divisor),
        lambda move: Move(move.cells, move.amounts.astype(float), move.divisor),
        lambda move: Move(move.cells[:-1], move.amounts[:-1], move.divisor),
        lambda move: Move(np.r_[move.cells, move.cells], np.r_[move.amounts, move.amounts * 0], move.divisor),
        lambda move: Move(move.cells, move.amounts, 1000),
        lambda move: Move(move.cells[:0], move.amounts[:0]),
    ],
)
def test_a_wrong_proof_is_noticed(spoil) -> None:
    """A move that is none, goes the wrong way, does not balance, is not whole or too small proves nothing."""
    problem = grid([[1, 9], [8, 11]])
    pattern = close(problem, node_limit=10_000)
    primary = int(np.flatnonzero(problem.primary)[0])
    moves = {**pattern.moves, (primary, NOBODY): spoil(pattern.moves[primary, NOBODY])}
    assert primary in proven(problem, Pattern(pattern.hidden, moves, optimal=True, nodes=0))


def test_a_move_below_what_readers_know_is_noticed() -> None:
    """A hidden cell may not fall to zero where zeros are published; where they are not, it may."""
    problem = Problem(
        sp.csr_matrix([[1, 1, -1]]), np.array([1, 1, 2]), np.array([True, True, False]),
        need=np.array([1, 1, 0]), cost=np.array([1, 1, 1]),
    )  # fmt: skip
    up = {(0, NOBODY): Move(np.array([0, 1]), np.array([1, -1]))}
    down = {(1, NOBODY): Move(np.array([0, 1]), np.array([-1, 1]))}
    pattern = Pattern(problem.primary, up | down, optimal=True, nodes=0)
    assert proven(problem, pattern) == [0, 1]
    assert proven(replace(problem, least=0), pattern) == []


def test_a_table_without_small_counts_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is small, nothing is solved."""
    monkeypatch.setattr(circuits, "Program", None)
    monkeypatch.setattr(cuts, "Program", None)
    pattern = close(grid([[5, 0], [7, 9]]), node_limit=1)
    assert not pattern.hidden.any()
    assert pattern.optimal


def test_zeros_may_be_withheld_too() -> None:
    """Where hidden may also mean zero less has to go, and a zero may be hidden with the small count."""
    shown = grid([[5, 0, 0], [0, 0, 5], [8, 2, 0]])
    may = replace(shown, least=0)
    first, second = close(shown, node_limit=1000), close(may, node_limit=1000)
    assert (first.cost(shown), second.cost(may)) == (23, 22)
    assert not first.hidden[shown.values == 0].any()
    assert second.hidden[shown.values == 0].any()


def test_what_must_be_published_is() -> None:
    """A fixed cell stays, although hiding it would be cheapest."""
    problem = grid([[2, 9, 14], [8, 11, 7], [12, 4, 30]])
    cheapest = close(problem, node_limit=1000).hidden & ~problem.primary
    fixed = np.zeros(len(cheapest), dtype=bool)
    fixed[np.flatnonzero(cheapest)[0]] = True
    other = close(replace(problem, fixed=fixed), node_limit=1000)
    assert not other.hidden[fixed].any()
    assert proven(problem, other) == []


def test_whoever_is_alone_in_a_cell_learns_nothing_of_another() -> None:
    """Two cells of one unit each hide each other from the public, not from each other: a third one goes."""
    problem = Problem(
        sp.csr_matrix([[1, 1, 1, 1, -1]]), np.array([40, 50, 70, 90, 250]),
        np.array([True, True, False, False, False]), need=np.array([4, 5, 0, 0, 0]), cost=np.array([1, 1, 7, 9, 25]),
        least=0,
    )  # fmt: skip
    assert close(problem, node_limit=1000).hidden.tolist() == [True, True, False, False, False]
    known = replace(problem, alone=problem.primary)
    pattern = close(known, node_limit=1000)
    assert pattern.hidden.tolist() == [True, True, True, False, False]
    assert proven(known, pattern) == []
    public = {requirement: move for requirement, move in pattern.moves.items() if requirement[1] == NOBODY}
    assert proven(known, replace(pattern, moves=public)) == [0, 1] or proven(
        known, replace(pattern, hidden=known.primary)
    )


@pytest.mark.parametrize(
    ("relations", "answer"),
    [
        ([[1, 1, -1]], True),
        ([[1, 1, -1, 0], [0, 0, 1, 1]], True),
        ([[1, 1, 0], [1, 1, 0], [0, 1, 1]], False),
        ([[1, 1, 0], [0, 1, 1], [1, 0, 1]], False),
        (grid([[2, 9, 14], [8, 11, 7]]).relations.toarray().tolist(), True),
    ],
)
def test_networks_are_recognised(relations: list[list[int]], answer: bool) -> None:
    """Two dimensions with margins are a network; three relations of one cell, or an odd ring, are none."""
    assert is_network(sp.csr_matrix(relations)) is answer


def test_same_table_same_pattern() -> None:
    """Solving again gives the same cells."""
    problem = a_grid(3, 6, 5)
    first, again = (close(problem, node_limit=10_000).hidden.tolist() for _ in range(2))
    assert first == again


def test_node_limit_gives_a_safe_pattern_that_says_it_may_be_dear() -> None:
    """When the nodes are used up, the best pattern so far is safe, and marked as not proven optimal."""
    problem = a_grid(5, 6, 6)
    full, cut_short = close(problem, node_limit=100_000), close(problem, node_limit=0)
    assert (full.optimal, cut_short.optimal) == (True, False)
    assert proven(problem, cut_short) == []


def test_what_cannot_be_protected_is_said() -> None:
    """A small count that stands in no sum with others cannot move: the cell is named."""
    alone = Problem(
        sp.csr_matrix([[1, 0, 0], [0, 1, -1]]), np.array([0, 1, 1]), np.array([False, True, False]),
        need=np.array([0, 1, 0]), cost=np.array([1, 2, 2]),
    )  # fmt: skip
    assert close(alone, node_limit=10).hidden.tolist() == [False, True, True]
    fixed = Problem(sp.csr_matrix([[1]]), np.array([1]), np.array([True]), np.array([1]), np.array([2]))
    with pytest.raises(NotClosableError) as caught:
        close(fixed, node_limit=10)
    assert caught.value.cell == 0


@pytest.mark.shared
@pytest.mark.skipif(not CASES.is_dir(), reason="the folder shared/cases/privacy is not beside the checkout")
def test_published_case_of_sdctable() -> None:
    """The 4 x 2 table of sdcTable: one small count, and the optimum that its authors publish."""
    expected = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
    lines = (CASES / "sdctable_microdata1.csv").read_text(encoding="utf-8").splitlines()
    heads = [head.strip('"') for head in lines[0].split(",")]
    counts = np.zeros((4, 2), dtype=int)
    for line in lines[1:]:
        row = dict(zip(heads, (part.strip('"') for part in line.split(",")), strict=True))
        counts["ABCD".index(row["region"]), ["male", "female"].index(row["gender"])] += 1
    problem = grid(counts.tolist())
    problem = Problem(problem.relations, problem.values, problem.primary, problem.need, problem.values)
    # numbered there 1 to 15 in the order total, A, B, C, D by total, male, female
    number = {(r, c): 3 * ((r + 1) % 5) + (c + 1) % 3 + 1 for r in range(5) for c in range(3)}

    def numbered(cells: np.ndarray) -> list[int]:
        return sorted(number[divmod(int(cell), 3)] for cell in np.flatnonzero(cells))

    assert numbered(problem.primary) == expected["sdctable_primary_microdata1"]["freq<=2"]
    assert (
        numbered(close(problem, node_limit=1000).hidden) == expected["sdctable_secondary_microdata1"]["OPT"]
    )


def test_a_thinning_cut_short_leaves_no_cell_without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """When programs are used up the pattern is dearer and safe: what no proof uses is published all the same."""
    problem = a_grid(2, 7, 6)
    monkeypatch.setattr(circuits, "THINNING", 0)
    monkeypatch.setattr("stadtbuch.suppression.closing.EXACT", 0)
    grown = circuits.Circuits(problem)
    grown.grow()
    spare = np.flatnonzero(problem.open & ~grown.hidden)
    grown.hidden[spare] = True
    grown.drop()
    assert not grown.hidden[spare].any()
    assert proven(problem, close(problem, node_limit=0)) == []


def test_what_no_proof_uses_any_more_is_published() -> None:
    """Whenever a pattern was thinned, each withheld cell is in a proof; otherwise it would have none of its own."""
    problem = a_grid(1, 7, 6)
    built = circuits.Circuits(problem)
    built.grow()
    built.drop()
    spare = np.flatnonzero(problem.open & ~built.hidden)
    kept = built.hidden.copy()
    built.hidden[spare] = True
    built.drop([])
    assert (built.hidden == kept).all()
