"""The scorecard shows all criteria; what leaves of data that are not open tells no count and no day."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from builders.city import a_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.model.dataset import Dataset
from stadtbuch.model.measure import Criterion, Gap, Grade
from stadtbuch.quality import scorecard

TODAY = date(2026, 1, 15)
HIDDEN = ("of", "failed", "newest", "due")


def described(access: str = "closed") -> Dataset:
    """Describe the register of persons (or the open boroughs) as the catalogue would."""
    entry = a_dataset(access=access, accrualPeriodicity="ANNUAL")
    return Dataset.model_validate(entry | {"id": "population.residents", "domain": "population"})


def people(rows: int, *, twice: int = 0) -> pd.DataFrame:
    """Make a register in which some persons stand twice."""
    ids = [f"P{number}" for number in range(rows - twice)] + ["P0"] * twice
    return pd.DataFrame(
        {
            "person_id": ids, "borough": "01", "age": pd.array([30] * rows, dtype="Int64"),
            "valid_on": pd.to_datetime(["2025-12-03"] * rows), "denomination": "x", "note": "x",
        }
    )  # fmt: skip


def card(frame: pd.DataFrame | None, dataset: Dataset, **changes: object) -> dict[Criterion, object]:
    """Give the public scorecard by criterion."""
    content = None if frame is None else scorecard.look(frame, dataset, at=TODAY)
    whole = scorecard.scorecard(dataset, content, at=TODAY, reports=1, **changes)
    rows = None if frame is None else len(frame)
    return {one.criterion: one for one in scorecard.public(whole, dataset, rows=rows)}


def test_all_fourteen_criteria_are_there() -> None:
    """Measured or not, none is left out, and what is not built says so."""
    found = card(people(200), described())
    assert list(found) == list(Criterion)
    assert len(found) == 14
    assert found[Criterion.consistent].gap == Gap.not_built


def test_what_could_not_be_read_is_visible() -> None:
    """Without data the criteria about data have a gap; the description is measured all the same."""
    found = card(None, described())
    assert found[Criterion.complete].gap == Gap.unreadable
    assert found[Criterion.understandable].value is not None


def test_few_closed_records_give_no_figure_at_all() -> None:
    """One of three nests incomplete: neither share nor verdict leaves."""
    found = card(people(99, twice=2), described())
    assert found[Criterion.unambiguous].gap == Gap.too_few
    assert (found[Criterion.unambiguous].value, found[Criterion.unambiguous].verdict) == (
        None,
        Grade.not_measured,
    )
    assert found[Criterion.controlled].value is not None


def test_closed_data_tell_neither_counts_nor_days() -> None:
    """Steps instead of shares, and nothing from which the number of records could be computed."""
    found = card(people(1000, twice=1), described())
    assert found[Criterion.unambiguous].value == 0.99
    for one in found.values():
        if one.criterion not in scorecard.OF_DESCRIPTION:
            assert [getattr(one, name) for name in HIDDEN] == [None] * 4
        assert one.records == ()


def test_open_data_tell_everything_but_records() -> None:
    """Counts of open data are open."""
    frame = pd.DataFrame({"borough": ["01", "02", "02"], "area": [1.0, 2.0, 3.0]})
    found = card(frame, described("open"))[Criterion.unambiguous]
    assert (found.value, found.of, found.failed, found.records) == (pytest.approx(1 / 3), 3, 2, ())


@settings(deadline=None)
@given(st.integers(100, 3000), st.data())
def test_closed_registers_of_other_sizes_look_alike(rows: int, data: st.DataObject) -> None:
    """Which step is told depends on the share alone: the size cannot be computed from it."""
    wrong = data.draw(st.integers(0, rows - 1))
    share = (rows - wrong) / rows
    assert scorecard.step(share) in scorecard.STEPS
    assert scorecard.step(share) <= share


def test_the_worst_verdict_counts() -> None:
    """A dataset is as good as its worst criterion; what is not measured does not count as good."""
    dataset = described("open")
    frame = pd.DataFrame({"borough": ["01", "01"], "area": [1.0, 2.0]})
    content = scorecard.look(frame, dataset, at=TODAY)
    whole = scorecard.scorecard(dataset, content, at=TODAY, reports=1)
    assert scorecard.worst(whole) == Grade.bad
    assert scorecard.worst(one for one in whole if one.criterion == Criterion.precise) == Grade.not_measured
