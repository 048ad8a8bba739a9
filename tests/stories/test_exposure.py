"""Who is planted to stand alone in the made-up register is found by measuring, without any name."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from stories.conftest import Lindenstadt

from stadtbuch.disclosure import exposure

pytestmark = pytest.mark.slow


def test_every_planted_person_is_found_alone(lindenstadt: Lindenstadt) -> None:
    """District, age and sex single out all five; k of the register is one, and the finding names the columns."""
    told = json.loads((lindenstadt.root / "truth" / "privacy.json").read_text(encoding="utf-8"))["unique"]
    people = pd.read_parquet(lindenstadt.root / "data" / "population" / "residents.parquet")  # noqa: TID251 - the source itself
    last = people[people["reference_date"] == people["reference_date"].max()]
    columns = told["key"]
    measured = exposure.measure(last, quasi=columns, unit="person_id", least=3)
    sizes = last.groupby(columns).size()
    planted = [tuple(one[name] for name in columns) for one in told["planted"]]
    assert [int(sizes[one]) for one in planted] == [1] * 5
    assert measured.alone == told["all"]
    assert (measured.k, measured.findings[0].subject) == (1, "district, age, sex")
