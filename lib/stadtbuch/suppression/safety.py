"""
Three kinds of safety of a withheld cell, each more than the one before.

Tables are published with `Safety.upper_end` for cells that are unsafe by themselves and `Safety.width` for those that
are withheld for others; `Safety.algebra` holds for both, and alone it is no protection: of a withheld pair that adds
up to 2, where nothing is below 1, both are known. A release record names the kinds by their letters.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from stadtbuch.texts import Text

CLOSE = 1e-6  # of a solver's numbers, which stand for whole ones


class Safety(StrEnum):
    """What an attacker who reads everything published cannot do with a withheld cell."""

    algebra = "R"
    width = "W"
    upper_end = "U"

    @property
    def text(self) -> Text:
        """Say it in one sentence."""
        return _TEXTS[self]


_TEXTS = {
    Safety.algebra: Text(
        de="Der Wert lässt sich nicht durch Addieren und Subtrahieren ausrechnen.",
        en="The value cannot be computed by adding and subtracting.",
    ),
    Safety.width: Text(
        de="Zwischen dem kleinsten und dem größten möglichen Wert liegt mindestens die verlangte Breite.",
        en="The smallest and the largest possible value lie at least the demanded width apart.",
    ),
    Safety.upper_end: Text(
        de="Der größte mögliche Wert liegt mindestens um den verlangten Schutz über dem wahren.",
        en="The largest possible value lies above the true one by at least the demanded protection.",
    ),
}


def reached(
    low: np.ndarray,
    high: np.ndarray,
    *,
    values: np.ndarray,
    room: np.ndarray,
    computed: np.ndarray,
    width: int = 1,
) -> dict[Safety, np.ndarray]:
    """
    Say for each cell which kinds of safety it has.

    Parameters
    ----------
    low, high
        What an attacker can compute of each cell (`audit.intervals`).
    values
        The true values.
    room
        How far an attacker must be left to overestimate each cell; 0 where that is not asked.
    computed
        Which cells follow by algebra (`nullspace.computed`).
    width
        How wide an interval has to be.

    Examples
    --------
    >>> kinds = reached(np.array([1, 1]), np.array([1, 3]), values=np.array([1, 2]), room=np.array([2, 0]),
    ...                 computed=np.array([False, False]))
    >>> {str(kind): cells.tolist() for kind, cells in kinds.items()}
    {'R': [True, True], 'W': [False, True], 'U': [False, True]}
    """
    return {
        Safety.algebra: ~computed,
        Safety.width: high >= low + width - CLOSE,
        Safety.upper_end: high >= values + room - CLOSE,
    }
