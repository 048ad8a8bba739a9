"""What of the spool reaches the public pages, and what never does."""

from pathlib import Path

import pytest
from builders.city import a_city
from builders.submissions import REASON, ROLES, a_submission, accepted, code, received, reran, text

from stadtbuch.site import showcase
from stadtbuch.submissions import inbox, review


@pytest.fixture
def city(tmp_path: Path):
    """Open a small city."""
    return a_city(tmp_path / "city", roles=ROLES).open()


def numbers(city, **changes) -> list[str]:
    """Give the numbers of what is shown."""
    exhibits, _ = showcase.gather(city.state, **{"open_data": lambda _: True} | changes)
    return [one.number for one in exhibits]


def test_only_what_was_accepted_is_shown(city) -> None:
    """Received, inspected, re-run and rejected submissions are nobody else's business."""
    received(city)
    ran, rejected = received(city).submission.number, received(city).submission.number
    review.inspect(city, ran)
    reran(city, ran)
    review.reject(city, rejected, reason=REASON)
    shown = accepted(city).submission.number
    assert numbers(city) == [shown]


def test_a_dataset_that_is_closed_today_takes_its_showcase_along(city) -> None:
    """What was open when it was accepted and is not any more is no longer shown."""
    accepted(city)
    assert numbers(city, open_data=lambda name: name != "geography.boroughs") == []


@pytest.mark.parametrize(
    "name", ["original.bin", "rerun.ipynb", "rerun.json", "inspection.json", "submission.json"]
)
def test_a_damaged_submission_is_not_shown_and_stops_no_other(city, name: str) -> None:
    """The site is built all the same."""
    bad, good = accepted(city).submission.number, accepted(city).submission.number
    (inbox.spool(city.state) / bad / name).write_bytes(b"{")
    assert numbers(city) == [good]


def test_withdrawn_leaves_number_and_day(city) -> None:
    """And only where a page was."""
    public, never = accepted(city), received(city)
    for one in (public, never):
        review.withdraw_by_sender(city, one.submission.number, secret=one.secret)
    exhibits, gone = showcase.gather(city.state, open_data=lambda _: True)
    assert exhibits == ()
    assert gone == (showcase.Gone(public.submission.number, city.now),)


def test_without_a_heading_the_number_is_the_title(city) -> None:
    """A page always has a name."""
    data = a_submission(text("nur Text"), code('city.load("geography.boroughs")'))
    number = accepted(city, data).submission.number
    (exhibit,), _ = showcase.gather(city.state, open_data=lambda _: True)
    assert exhibit.title.en == f"Submission {number}"
