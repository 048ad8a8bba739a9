"""Repair: more is withheld of the new table, never anything else, and as little as turns out to do."""

import numpy as np
from hypothesis import given, settings
from unit.disclosure.test_history import band, code, release, universes

from stadtbuch.disclosure import history
from stadtbuch.disclosure.history import Release, exposure
from stadtbuch.disclosure.repair import repaired


def test_the_number_that_gives_it_away_is_withheld() -> None:
    """One of two; the other one stays."""
    old = release("old", ([band(0, 17)], 20))
    made = repaired(release("new", ([band(0, 18)], 21), ([band(60, None)], 30)), [old])
    assert made is not None
    assert made.values == (None, 30)


def test_in_a_table_with_margins_others_go_along() -> None:
    """A number alone could be computed from its line: as many are withheld as it takes."""
    bands, sexes = [(0, 18), (19, 64), (65, None)], ["f", "m"]
    counts = np.array([[11, 30, 20], [12, 28, 15]])
    cells = [
        ([band(*bands[at]), code("sex", sex)], int(counts[row, at]))
        for row, sex in enumerate(sexes)
        for at in range(3)
    ]
    cells += [([band(*bands[at])], int(counts[:, at].sum())) for at in range(3)]
    cells += [([code("sex", sex)], int(counts[row].sum())) for row, sex in enumerate(sexes)]
    new = release("new", *cells, ([], int(counts.sum())))
    old = release("old", ([band(0, 17), code("sex", "f")], 10))
    made = repaired(new, [old])
    assert exposure(new, [old]).atoms == 1
    assert made is not None
    assert exposure(made, [old]).atoms == 0
    assert 2 <= made.hidden <= 5
    assert all(left in (None, right) for left, right in zip(made.values, new.values, strict=True))


def test_what_no_number_tells_cannot_be_repaired() -> None:
    """Two withheld cells say that somebody is in each: then the rest is too few, whatever is withheld."""
    old = release("old", ([band(0, 0)], None), ([band(1, 2)], None), ([band(0, 2)], 4))
    new = release("new", ([band(1, 1)], None), ([band(2, 2)], None))
    assert exposure(new, [old]).atoms
    assert repaired(new, [old]) is None


@settings(max_examples=30, deadline=None)
@given(universes())
def test_a_repaired_table_exposes_nothing(universe: tuple[list[Release], np.ndarray]) -> None:
    """And tells nothing that the table did not tell; a table that exposes nothing stays as it is."""
    (new, *earlier), _ = universe
    made = repaired(new, earlier)
    if made is None:
        assert exposure(new, earlier).atoms
        return
    assert all(left in (None, right) for left, right in zip(made.values, new.values, strict=True))
    assert (made.values == new.values) == (not exposure(new, earlier).atoms)
    assert not history.exposure(made, earlier).atoms
