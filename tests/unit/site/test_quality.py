"""What a dataset's page says of its quality: sentences that hold for every number, and no count of closed data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import small_city
from builders.city import a_city

from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement
from stadtbuch.session.measuring import Card
from stadtbuch.site import assembly, quality


def measured(criterion: str, grade: str = "good", **more: Any) -> Measurement:
    """Give one measurement."""
    return Measurement(dataset="a.b", criterion=criterion, verdict=grade, **more)


@pytest.mark.parametrize(
    ("grades", "de", "en"),
    [
        ([], "Keines von 14 Kriterien ist gemessen.", "None of 14 criteria is measured."),
        (["bad"], "Gemessen ist 1 von 14 Kriterien: 1 schlecht.", "1 of 14 criteria is measured: 1 bad."),
        (
            ["good", "bad", "good", "warning"],
            "Gemessen sind 4 von 14 Kriterien: 2 gut, 1 mäßig, 1 schlecht.",
            "4 of 14 criteria are measured: 2 good, 1 fair, 1 bad.",
        ),
    ],
)
def test_the_summary_is_a_right_sentence_for_none_one_and_many(grades: list[str], de: str, en: str) -> None:
    """Grammar follows the number, and verdicts that do not occur are not listed."""
    said = quality.summary([measured("complete", grade) for grade in grades], of=14)
    assert (said.de, said.en) == (de, en)


def test_an_age_is_told_by_its_days() -> None:
    """A page does not change each night because data got a day older; hidden days are a dash."""
    days: dict[str, Any] = {"value": 16, "unit": "days", "target": 396}
    told = measured("timely", newest=date(2025, 12, 31), due=date(2027, 1, 31), **days)
    hidden = measured("timely", value=None, unit="days", target=396)
    card = Card(dataset="a.b", measurements=(told, hidden))
    said = quality.told(card)
    assert said is not None
    assert said["rows"][0]["result"].en == "as of 31 December 2025, timely until 31 January 2027"
    assert said["rows"][1]["result"].de == "–"


def test_what_was_not_measured_stays_visible_with_its_reason() -> None:
    """Criteria without a number are listed by the reason."""
    gap = [
        Measurement(dataset="a.b", criterion=one, gap=Gap.not_built)
        for one in (Criterion.precise, Criterion.current)
    ]
    said = quality.told(Card(dataset="a.b", measurements=tuple(gap)))
    assert said is not None
    ((reason, criteria),) = said["gaps"]
    assert (reason.en, [one.en for one in criteria]) == (
        "not yet measured by Stadtbuch",
        ["precise", "kept current"],
    )


def test_every_dataset_is_measured_and_closed_ones_tell_no_count(tmp_path: Path) -> None:
    """What the pages get is public: of closed data no row count, no day, no record."""
    city = a_city(tmp_path).open()
    cards = quality.cards(city)
    assert set(cards) == set(city.catalog.datasets)
    register = cards["population.residents"]
    assert register.rows is None
    rows = [one for one in register.measurements if one.criterion in (Criterion.complete, Criterion.timely)]
    assert all(one.of is None and one.newest is None and one.records == () for one in rows)


def test_a_page_shows_its_card_and_none_where_nothing_was_measured(tmp_path: Path) -> None:
    """The section stands on the pages of datasets that have a card, in both languages."""
    site = small_city.make_site(tmp_path, today=date(2026, 1, 16))
    name, other = list(site.datasets)[:2]
    share = measured("complete", value=0.9996, unit="share", target=0.95, of=9000, failed=4)
    files = assembly.build(replace(site, cards={name: Card(dataset=name, measurements=(share,))}))
    page = files[f"datasets/{name}/index.en.html"].decode()
    assert "How good the data are" in page
    assert "1 of 1 criteria is measured: 1 good." in page
    assert "99.9 %" in page
    assert "Wie gut die Daten sind" in files[f"datasets/{name}/index.html"].decode()
    assert "How good the data are" not in files[f"datasets/{other}/index.en.html"].decode()


def test_every_grade_that_counts_is_told() -> None:
    """No verdict falls out of the summary."""
    assert {*quality.TOLD, Grade.not_measured} == set(Grade)
