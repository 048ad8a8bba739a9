"""`sb.exposure` knows the roles of columns from the run's inputs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stadtbuch.reports.exposed import exposure


def test_roles_and_minimum_count_come_from_the_catalogue(run: Path) -> None:
    """Both quasi-identifiers are looked at, a column that nobody described is not, and three must be alike."""
    rows = pd.DataFrame({"borough": ["1", "1", "2"], "sex": ["f", "m", "f"], "shoe": [40, 41, 42]})
    told = exposure(rows)
    assert (told.columns, told.least, told.alone) == (("borough", "sex"), 3, 3)
    assert exposure(rows, quasi=["borough"], least=2).alone == 1
    assert not list((run / "outputs").iterdir())
