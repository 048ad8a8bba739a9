"""Rounding and the cell key method: zeros stay zero, the same cell says the same, and the noise is as designed."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure import perturbation
from stadtbuch.disclosure.perturbation import NoiseTable
from stadtbuch.errors import ProtectionError

CASES = Path(__file__).parents[4] / "shared" / "cases" / "privacy"
published = pytest.mark.skipif(
    not CASES.is_dir(), reason="the folder shared/cases/privacy is not beside the checkout"
)
DESIGNED = perturbation.design(most=4, variance=2.0, absent=2)
COUNTS = st.lists(st.integers(0, 5000), min_size=1, max_size=40).map(np.array)


def expected(name: str) -> Any:
    """Give a published answer."""
    return json.loads((CASES / "expected.json").read_text(encoding="utf-8"))[name]


@published
def test_midpoint_gives_the_published_values() -> None:
    """The bands of OpenSAFELY's documentation."""
    told = {int(count): value for count, value in expected("midpoint6").items()}
    assert perturbation.midpoint(np.array(list(told))).tolist() == list(told.values())


@published
def test_real_keys_give_the_handbooks_cell() -> None:
    """The handbook's example: three record keys, their cell key, the perturbed count."""
    case = expected("handbook_ch5_ckm")
    keys = perturbation.cell_keys(np.zeros(3, dtype=int), np.array(case["record_keys"]), cells=1, number=1)
    table = NoiseTable.of_intervals(case["ptable"])
    assert keys[0] == pytest.approx(case["cell_key"])
    assert table.perturbed(np.array([case["count"]]), keys).tolist() == [case["perturbed"]]


@published
def test_whole_keys_give_all_cells_of_the_office() -> None:
    """All 200 cells of the table that ONS publishes with its method: key, row of the table, noise."""
    with gzip.open(CASES / "ptable_10_5_rule.csv.gz", "rt", encoding="utf-8") as file:
        rows = [[int(one[name]) for name in ("pcv", "ckey", "pvalue")] for one in csv.DictReader(file)]
    table = NoiseTable.of_ons(rows)
    with (CASES / "ons_micro.csv").open(encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    with (CASES / "ons_perturbed_table_var1_var5_var8.csv").open(encoding="utf-8") as file:
        told = list(csv.DictReader(file))
    names = ("var1", "var5", "var8")
    cells = {tuple(one[name] for name in names): number for number, one in enumerate(told)}
    cell = np.array([cells[tuple(one[name] for name in names)] for one in records])
    keys = perturbation.cell_keys(
        cell, np.array([int(one["record_key"]) for one in records]), cells=len(told)
    )
    counts = np.bincount(cell, minlength=len(told))

    assert len(told) == expected("ons_ckm")["rows"]
    assert keys[counts > 0].tolist() == [int(one["ckey"]) for one in told if int(one["pre_sdc_count"])]
    given_ = table.perturbed(counts, keys)
    shown = ["" if count < 10 else str(count) for count in given_]
    assert [one or "0" for one in shown] == [one["count"] or "0" for one in told]


def test_rows_of_large_counts_repeat() -> None:
    """ONS's table has 750 rows; 751 uses row 501 again, 1000 row 750, 1001 row 501."""
    table = NoiseTable.of_ons([count, key, 0] for count in range(751) for key in range(2))
    assert table.rows(np.array([0, 5, 750, 751, 1000, 1001])).tolist() == [0, 5, 750, 501, 750, 501]


@given(counts=COUNTS, base=st.integers(2, 50))
def test_rounding_stays_within_half_a_base(counts: np.ndarray, base: int) -> None:
    """A rounded count is a multiple of the base, no more than half a base away; zero stays zero."""
    made = perturbation.rounded(counts, base=base)
    assert (made % base == 0).all() and (np.abs(made - counts) * 2 <= base).all()
    assert (made[counts == 0] == 0).all()


@given(counts=COUNTS, seed=st.integers(0, 99))
def test_the_same_cell_always_says_the_same_and_zero_stays(counts: np.ndarray, seed: int) -> None:
    """Noise is looked up, not drawn: twice the same; zeros stay zero, nothing is negative, nothing beyond the most."""
    table = DESIGNED
    keys = np.random.default_rng(seed).random(len(counts))
    once, twice = table.perturbed(counts, keys), table.perturbed(counts, keys)
    assert (once == twice).all()
    assert (once[counts == 0] == 0).all() and (once >= 0).all()
    assert (np.abs(once - counts) <= 4).all()
    assert not np.isin(once, [1, 2]).any()


@pytest.mark.parametrize(("most", "variance", "absent"), [(1, 0.5, 0), (2, 1.0, 0), (5, 3.0, 2), (8, 4.0, 0)])
def test_designed_noise_has_no_bias_and_the_variance_asked_for(
    most: int, variance: float, absent: int
) -> None:
    """Mean 0 in every row; the variance in the row that holds for all larger counts, which is symmetric."""
    table = perturbation.design(most=most, variance=variance, absent=absent)
    for ends, noise in zip(table.ends, table.noise, strict=True):
        chances = np.diff(ends, prepend=0)
        assert float(chances @ noise) == pytest.approx(0, abs=1e-6)
    assert float(chances @ noise**2) == pytest.approx(variance, rel=1e-6)
    assert chances == pytest.approx(chances[::-1], rel=1e-6)


def test_designed_noise_has_the_greatest_entropy() -> None:
    """Any other noise with the same mean and variance says more: its entropy is smaller."""
    table = perturbation.design(most=2, variance=1.0)
    chances = np.diff(table.ends[-1], prepend=0)
    noise = table.noise[-1].astype(float)
    basis = np.linalg.svd(np.stack([noise**0, noise, noise**2]))[2][
        3:
    ]  # changes neither sum, mean nor variance

    def entropy(one: np.ndarray) -> float:
        return float(-(one * np.log(one)).sum())

    for direction in (*basis, *-basis):
        assert entropy(chances) > entropy(chances + 0.01 * direction)


def test_record_keys_are_of_the_unit_and_need_the_secret() -> None:
    """The same unit has the same key; another secret gives other keys; keys are spread evenly."""
    units = [f"P{number}" for number in range(4096)]
    ours, again, others = (perturbation.record_keys(units, key=key) for key in (b"one", b"one", b"two"))
    assert (ours == again).all() and (ours != others).mean() > 0.9
    assert np.bincount(ours, minlength=256).std() < 8  # 16 each, give or take the chance of 4 standard errors


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (lambda: perturbation.rounded(np.array([1]), base=1), "perturbation.base"),
        (lambda: perturbation.rounded(np.array([-1]), base=5), "perturbation.count"),
        (lambda: perturbation.rounded(np.array([1.5]), base=5), "perturbation.count"),
        (lambda: perturbation.midpoint(np.array([1]), width=5), "perturbation.base"),
        (lambda: NoiseTable.of_ons([[1, 0, 0], [3, 0, 0]]), "perturbation.table"),
        (lambda: NoiseTable.of_ons([[1, 0, 0], [1, 2, 0]]), "perturbation.table"),
        (lambda: NoiseTable.of_intervals([[0, 0, 0, 0.5], [0, 0, 0.6, 1]]), "perturbation.table"),
        (lambda: NoiseTable.of_intervals([[0, 1, 0, 1]]), "perturbation.table"),
        (lambda: perturbation.design(most=1, variance=1, absent=1), "perturbation.design"),
        (
            lambda: NoiseTable.of_intervals([[0, 0, 0, 1]]).perturbed(np.array([0]), np.array([1.5])),
            "perturbation.key",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(action: Any, code: str) -> None:
    """Each has an error of its own, in both languages, with what to do, and no count in it."""
    with pytest.raises(ProtectionError) as refused:
        action()
    assert refused.value.code == code
    assert refused.value.remedy is not None
