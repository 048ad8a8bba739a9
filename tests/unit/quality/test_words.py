"""One word per thing: the command line, the pages and the catalogue say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stadtbuch.model.measure import Measurement
from stadtbuch.quality import words


@pytest.mark.parametrize(
    ("column", "known"), [("criterion", words.CRITERIA), ("verdict", words.GRADES), ("gap", words.GAPS)]
)
def test_the_catalogue_uses_our_words(root: Path, column: str, known: dict) -> None:
    """The labels of the register of measurements are those of the command line, all of them."""
    entry = yaml.safe_load((root / "catalogs" / "stadtbuch.yaml").read_text(encoding="utf-8"))
    fields = entry["datasets"]["measurements"]["schema"]["fields"]
    (labels,) = [one["labels"] for one in fields if one["name"] == column]
    assert labels == {code.value: word.as_dict() for code, word in known.items()}


def test_a_share_is_never_rounded_up_to_all() -> None:
    """99.99 per cent are not all, and a share without counts is a lower bound."""
    one = Measurement(dataset="a.b", criterion="complete", value=0.9999, unit="share", of=10_000)
    assert words.value(one, "de") == "99,9 %"
    assert words.value(one.model_copy(update={"of": None}), "en") == "at least 99.9 %"
    assert words.value(one.model_copy(update={"value": 1.0}), "en") == "100 %"


def test_one_report_is_one_report() -> None:
    """Singular and plural."""
    one = Measurement(dataset="a.b", criterion="relevant", value=1, unit="reports")
    assert words.value(one, "de") == "1 Bericht"
    assert words.value(one.model_copy(update={"value": 2}), "en") == "2 reports"
