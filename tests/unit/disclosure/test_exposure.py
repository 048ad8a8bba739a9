"""How exposed people are in rows that name nobody."""

from __future__ import annotations

import pandas as pd
import pytest

from stadtbuch.disclosure import exposure
from stadtbuch.errors import UsageError

ROWS = pd.DataFrame(
    {
        "unit": ["a", "b", "c", "d", "e", "f"],
        "age": [30, 30, 30, 31, 31, 99],
        "sex": ["f", "f", "f", "m", "m", "f"],
        "benefit": ["x", "y", "x", "x", "x", "y"],
    }
)
QUASI = ["age", "sex"]


def test_who_stands_alone_is_counted() -> None:
    """One person of 99 is alone, three are below three; without the age nobody would be."""
    told = exposure.measure(ROWS, quasi=QUASI, least=3)
    assert (told.people, told.k, told.alone, told.below) == (6, 1, 1, 3)
    assert dict(told.without) == {"age": 0, "sex": 1}


def test_a_person_in_several_rows_counts_once() -> None:
    """Twelve rows of six people are six people; the one of 99 stays alone."""
    twice = pd.concat([ROWS, ROWS])
    assert exposure.measure(twice, quasi=QUASI, least=3).alone == 0
    told = exposure.measure(twice, quasi=QUASI, unit="unit", least=3)
    assert (told.people, told.alone, told.k) == (6, 1, 1)


def test_findings_name_columns_and_no_value() -> None:
    """The columns together, the one to make coarser, and the sensitive one that a whole group shares."""
    told = exposure.measure(ROWS, quasi=QUASI, sensitive=["benefit"], least=3)
    assert [one.subject for one in told.findings] == ["age, sex", "benefit"]
    assert "Making age coarser helps most" in told.findings[0].remedy.en
    said = " ".join(one.text.en + one.remedy.en for one in told.findings)
    assert not any(value in said for value in ("99", "30", "31"))
    assert (told.diversity["benefit"], 0 < told.closeness["benefit"] <= 1) == (1.0, True)


def test_large_groups_are_no_finding() -> None:
    """Where everybody is one of many, there is nothing to say."""
    told = exposure.measure(pd.concat([ROWS[:3]] * 4), quasi=QUASI, sensitive=["benefit"], least=3)
    assert (told.k, told.findings) == (12, ())


def test_a_gap_hides_nobody() -> None:
    """A missing age is an age of its own."""
    gap = ROWS.assign(age=ROWS["age"].mask(ROWS["unit"] == "a"))
    assert exposure.measure(gap, quasi=QUASI, least=2).alone == 2


def test_nothing_to_look_at_is_said() -> None:
    """Without a column that tells something there is no k."""
    with pytest.raises(UsageError) as refused:
        exposure.measure(ROWS, quasi=[], least=3)
    assert refused.value.code == "exposure.columns"
