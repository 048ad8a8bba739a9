"""Several tables protected at once: links, sums, status, costs, and each mistake with its own words."""

import numpy as np
import pytest

from stadtbuch.disclosure import protection
from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.primary import PQ, Contributions, Dominance, few, judge, room_of_counts
from stadtbuch.disclosure.protection import Judged, protect
from stadtbuch.errors import ProtectionError
from stadtbuch.suppression import closing

PLACE = Hierarchy("place", ("a", "b", "c"), {"all": ("a", "b", "c")})
SEX = Hierarchy("sex", ("f", "m"), {"all": ("f", "m")})
AGE = Hierarchy("age", ("old", "young"), {"all": ("old", "young")})


def counted(inner: list, *hierarchies: Hierarchy, fixed: np.ndarray | None = None) -> Judged:
    """Judge a table of counts with the minimum 3."""
    cube = Cube(hierarchies, np.array(inner))
    return Judged(cube, few(cube.values, minimum=3), room_of_counts(cube.values, minimum=3), fixed=fixed)


def test_what_two_tables_share_is_withheld_in_both() -> None:
    """A margin that one table must withhold is withheld in the other one, where it would be safe."""
    first = counted([[2, 0], [6, 7], [30, 41]], PLACE, SEX)
    second = counted([[1, 1], [6, 7], [31, 40]], PLACE, AGE)
    made = protect([first, second], node_limit=2000)
    totals = [[one.cube.labels.index((place, "all")) for place in ("a", "b", "c")] for one in (first, second)]
    assert made.hidden(0)[totals[0]].tolist() == made.hidden(1)[totals[1]].tolist()
    assert made.hidden(0)[totals[0]][0]


def test_status_tells_why_and_intervals_tell_what_is_left() -> None:
    """Inside the city each cell says s, u, x or z; what is withheld has an interval that holds its value."""
    fixed = np.zeros(12, dtype=bool)
    fixed[-1] = True
    judged = counted([[2, 20], [9, 11], [30, 41]], PLACE, SEX, fixed=fixed)
    made = protect([judged], node_limit=2000)
    status = dict(zip(judged.cube.labels, made.status(0), strict=True))
    assert (status["a", "f"], status["a", "m"], status["all", "all"], status["c", "f"]) == (
        "u",
        "x",
        "z",
        "s",
    )
    low, high = made.intervals(0)
    values = judged.cube.values
    assert ((low <= values) & (values <= high)).all()
    assert (high - low)[made.hidden(0)].min() >= 1
    assert not (high - low)[~made.hidden(0)].any()


def test_zeros_have_two_costs() -> None:
    """Publishing zeros costs more cells than allowing them to be withheld: both can be told."""
    judged = counted(
        [[5, 0, 0], [0, 0, 5], [8, 2, 0]], PLACE, Hierarchy("b", ("x", "y", "z"), {"all": ("x", "y", "z")})
    )
    shown = protect([judged], node_limit=2000)
    withheld = protect([judged], node_limit=2000, zeros="may-be-withheld")
    assert (shown.lost, withheld.lost) == (23, 22)


def test_costs_can_be_chosen() -> None:
    """By cell as few as possible are withheld, by value as little as possible is."""
    judged = counted([[2, 20], [9, 11], [30, 41]], PLACE, SEX)
    few_cells = protect([judged], node_limit=2000, cost=protection.by_cell)
    little = protect([judged], node_limit=2000, cost=protection.by_value)
    many = [int(made.hidden(0).sum()) for made in (few_cells, little)]
    assert many[0] <= many[1]
    assert judged.cube.values[little.hidden(0)].sum() <= judged.cube.values[few_cells.hidden(0)].sum()
    assert protect([judged], node_limit=2000, cost=protection.by_size).pattern.optimal


def test_several_dominated_cells_in_one_row_are_safe() -> None:
    """Each keeps its own room above its value, also against the others' numbers."""
    values = np.array([[900, 40, 30, 5], [800, 90, 20, 10], [300, 290, 280, 270]])
    where = np.repeat(np.arange(3), 4)
    bare = Contributions.of(where, values.ravel(), cells=3)
    cube = Cube((PLACE,), values.sum(axis=1))
    gathered = bare.spread(cube.member, unit=np.arange(12))
    unsafe, room = judge(gathered, [Dominance(1, 85), PQ(30)])
    assert unsafe.tolist() == [True, True, False, False]
    made = protect([Judged(cube, unsafe, room)], node_limit=1000, zeros="may-be-withheld")
    high = made.intervals(0)[1]
    assert (high[:2] >= cube.values[:2] + room[:2]).all()


@pytest.mark.parametrize(
    ("code", "tables"),
    [
        ("protect.negative", [counted([417, -3, 4], PLACE)]),
        ("protect.contradiction", [counted([417, 3, 4], PLACE), counted([417, 3, 5], PLACE)]),
        ("protect.impossible", [counted([2, 5, 0], PLACE, fixed=np.array([False, True, False, True]))]),
    ],
)
def test_each_mistake_names_the_cell_and_no_value(code: str, tables: list[Judged]) -> None:
    """Wrong or hopeless input is refused with its code, in both languages, without a number of the table."""
    with pytest.raises(ProtectionError) as caught:
        protect(tables, node_limit=1000)
    assert caught.value.code == code
    told = caught.value.render("de") + caught.value.render("en")
    assert "Feld" in told
    assert "417" not in told


def test_beyond_the_limit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many cells are refused before anything is searched."""
    monkeypatch.setattr(protection, "LARGEST", 3)
    with pytest.raises(ProtectionError) as caught:
        protect([counted([5, 6, 7], PLACE)], node_limit=1000)
    assert caught.value.code == "protect.too-large"


def test_what_the_audit_doubts_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern whose proofs are believed but that leaves a cell exact is refused."""

    def careless(problem: closing.Problem, *, node_limit: int) -> closing.Pattern:
        return closing.Pattern(problem.primary, {}, optimal=node_limit > 0, nodes=0)

    monkeypatch.setattr(closing, "close", careless)
    monkeypatch.setattr(closing, "proven", lambda problem, pattern: [])
    with pytest.raises(ProtectionError) as caught:
        protect([counted([[2, 20], [9, 11], [30, 41]], PLACE, SEX)], node_limit=1000)
    assert caught.value.code == "protect.audit"
