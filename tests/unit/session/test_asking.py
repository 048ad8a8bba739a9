"""Asking a city with noise: paid first, answered once, refused when the year is used up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders.asking import PURPOSE, a_city_with_budget, labels_of, the_question
from builders.city import Made

from stadtbuch.book import standing
from stadtbuch.disclosure import budget, released
from stadtbuch.errors import AccessDenied, Refused, StadtbuchError
from stadtbuch.session import City, asking, noise

DATASET = "population.residents"


@pytest.fixture(autouse=True)
def _opendp() -> None:
    pytest.importorskip("opendp", reason="the extra budget (OpenDP) is not installed")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give a city with a budget of ε = 1 a year."""
    return a_city_with_budget(tmp_path / "city")


def ask(city: City, **changes: Any) -> Any:
    """Ask, and give the answer as people have it."""
    return released.from_record(asking.answer(city, "residents", the_question(**changes), purpose=PURPOSE))


def paid(city: City) -> list[float]:
    """Give what the book says was paid."""
    return [one.details["epsilon"] for one in city.book.entries(kind=budget.DEBITED)]


def test_an_answer_is_paid_for_and_says_how_sure_it_is(made: Made) -> None:
    """Two boroughs, each with a number and its ends; the book holds the debit and no number."""
    city = made.open()
    answer = ask(city)
    assert labels_of(answer.frame) == ["01", "02"]
    assert (answer.frame["at_least"] <= answer.frame["at_most"]).all()
    assert (answer.epsilon, answer.year, answer.unit) == (0.5, 2026, "person")
    assert "ε = 0.50" in answer.legend.en
    assert "1.65 times" in answer.legend.en
    (entry,) = city.book.entries(kind=budget.DEBITED)
    assert (entry.subject, entry.details["epsilon"]) == (DATASET, 0.5)
    assert set(entry.details) == {"year", "epsilon", "delta", "question", "name", "ask"}


def test_the_same_question_has_the_same_answer(made: Made) -> None:
    """Asked again, by another session or under another name, nothing is drawn and nothing is paid."""
    first = ask(made.open())
    city = made.open()
    again = asking.answer(city, "other", the_question(title={"de": "a", "en": "b"}), purpose=PURPOSE)
    assert released.from_record(again).frame.equals(first.frame)  # type: ignore[union-attr]
    assert (again["name"], again["title"]["en"], paid(city)) == ("other", "b", [0.5])


def test_new_data_are_a_new_question(made: Made) -> None:
    """Another version of the source tells something new, and is paid for."""
    ask(made.open())
    with (made.root / "data" / "residents.csv").open("a", encoding="utf-8") as file:
        file.write("P900;01;44;2025-12-31;x;ohne\n")
    city = made.open()
    ask(city)
    assert paid(city) == [0.5, 0.5]


def test_the_year_has_a_limit(made: Made) -> None:
    """The third half is refused, and is neither entered nor answered; the next year begins anew."""
    city = made.open()
    ask(city)
    ask(city, by=[], categories={})
    with pytest.raises(Refused) as refused:
        ask(city, by=[], categories={}, rows={"borough": "01"})
    assert (refused.value.code, paid(city)) == ("budget.overspent", [0.5, 0.5])
    later = made.open(now=datetime(2027, 1, 2, tzinfo=UTC))
    ask(later, by=[], categories={}, rows={"borough": "01"})
    assert paid(later) == [0.5, 0.5, 0.5]


def test_a_command_cannot_borrow_from_another_year(made: Made) -> None:
    """The clock decides which year pays, not the moment that a command was told."""
    city = made.open(now=datetime(2027, 3, 1, tzinfo=UTC), clock=datetime(2026, 3, 1, tzinfo=UTC))
    assert ask(city).year == 2026


def test_paid_before_drawn(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the drawing fails, the debit stays, and asking again pays again."""

    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("no randomness")

    city = made.open()
    with monkeypatch.context() as patched:
        patched.setattr(noise, "added", broken)
        with pytest.raises(OSError, match="no randomness"):
            ask(city)
    assert paid(city) == [0.5]
    ask(city)
    assert paid(city) == [0.5, 0.5]


def test_a_forecast_spends_nothing(made: Made) -> None:
    """What a dry run sees has no numbers; where the budget is used up it says so."""
    city = made.open()
    seen = asking.foreseen(city, "residents", the_question(), purpose=PURPOSE)
    assert (seen["numbers"], paid(city)) == ([], [])
    with pytest.raises(Refused):
        asking.foreseen(city, "residents", the_question(epsilon=1.5), purpose=PURPOSE)


def test_a_restore_refills_nothing(made: Made) -> None:
    """After entries of the book were lost, nobody knows what was spent: the year gives no new answer."""
    city = made.open()
    known = ask(city)
    gap = standing.Gap(entries=9, head="0" * 64, present=1)
    city.book.append(
        standing.ACKNOWLEDGED,
        subject="book",
        actor=city.actor,
        now=city.now,
        details={**gap.as_dict(), "reason": {"de": "x", "en": "x"}},
    )
    assert ask(city).frame.equals(known.frame)
    with pytest.raises(Refused) as refused:
        ask(city, by=[], categories={})
    assert refused.value.code == "budget.unknown"


def test_who_may_not_read_may_not_ask(made: Made) -> None:
    """Purpose and columns are decided as for reading the rows."""
    city = made.open()
    with pytest.raises(AccessDenied):
        asking.answer(city, "residents", the_question(), purpose=None)
    with pytest.raises(AccessDenied):
        ask(city, by=["denomination"], categories={"denomination": ["x"]})
    assert paid(city) == []


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"ask": "sum", "of": "age", "bounds": [0, 100]}, "borough"),
        ({"ask": "mean", "of": "age", "bounds": [0, 100], "epsilon": 1.0}, "borough"),
        ({"ask": "histogram", "of": "age", "edges": [0, 18, 65], "by": [], "categories": {}}, "age_group"),
    ],
)
def test_every_kind_has_its_ends(made: Made, changes: dict[str, Any], column: str) -> None:
    """Sums, means and histograms come with the same three columns; what a mean cannot say it leaves out."""
    frame = ask(made.open(), **changes).frame
    assert list(frame) == [column, "value", "at_least", "at_most"]
    told = frame.dropna()
    assert (told["at_least"] <= told["at_most"]).all()


def test_an_answer_survives_its_record(made: Made) -> None:
    """What is read back is what was given; a record of another form is refused."""
    record = asking.answer(made.open(), "residents", the_question(), purpose=PURPOSE)
    answer = released.from_record(record)
    assert answer.to_record() == record
    with pytest.raises(StadtbuchError) as refused:
        released.from_record(dict(record) | {"format": 2})
    assert refused.value.code == "private.record"
