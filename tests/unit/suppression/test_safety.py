"""Kinds of safety: each is more than the one before."""

import numpy as np
import scipy.sparse as sp

from stadtbuch.suppression import audit, nullspace
from stadtbuch.suppression.safety import Safety, reached


def kinds(parts: list[int], total: int, room: list[int]) -> str:
    """Withhold all parts of a published total; give the letters that hold for every part."""
    relations = sp.csr_matrix([[1] * len(parts) + [-1]])
    values, hidden = np.array([*parts, total]), np.array([True] * len(parts) + [False])
    low, high = audit.intervals(relations, values, hidden, least=1)
    found = reached(
        low,
        high,
        values=values,
        room=np.array([*room, 0]),
        computed=nullspace.computed(relations, hidden),
    )
    return "".join(kind for kind, cells in found.items() if cells[hidden].all())


def test_each_kind_is_more_than_the_one_before() -> None:
    """Alone: computed. Two ones: not by algebra, yet exact. Wide, but not far enough above. At last safe."""
    assert kinds([1], 1, [2]) == ""
    assert kinds([1, 1], 2, [2, 2]) == "R"
    assert kinds([1, 2], 3, [2, 1]) == "RW"
    assert kinds([1, 2, 4], 7, [2, 1, 0]) == "RWU"


def test_every_kind_is_said_in_both_languages() -> None:
    """A letter in a record has its sentence."""
    assert [str(kind) for kind in Safety] == ["R", "W", "U"]
    assert len({(kind.text.de, kind.text.en) for kind in Safety}) == 3
