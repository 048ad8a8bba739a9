"""What the doctor says about schedules, timer and notification."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from builders.city import NOW, TOML, Made, a_city
from builders.reports import ROLES, write_open_report

from stadtbuch.examination import timing
from stadtbuch.examination.notes import Note
from stadtbuch.examination.scene import Scene
from stadtbuch.notification.notices import Notice
from stadtbuch.reports import alarms


def a_planned_city(root: Path, schedule: dict | None = None, more: str = "") -> Made:
    """Give a city with a report that has a schedule."""
    made = a_city(root / "city", roles=ROLES, toml=TOML + more)
    write_open_report(made.root, schedule=schedule or {"cron": "0 6 * * *"})
    return made


def seen(notes: Iterable[Note]) -> list[tuple[str, str]]:
    """Give level and sentence."""
    return [(str(one.level), one.text.en) for one in notes]


def a_scene(city: Made) -> Scene:
    """Give the city as the doctor finds it."""
    return Scene(root=city.root, now=NOW)


def test_a_watched_dataset_that_does_not_exist_is_a_problem(tmp_path):
    """With what was probably meant."""
    city = a_planned_city(tmp_path, {"on": "new-version", "of": "geography.borough"})
    note, *_ = timing.schedules(a_scene(city))
    assert (str(note.level), note.remedy.en) == ("problem", "Did you mean geography.boroughs?")


@pytest.mark.parametrize(("hours", "level"), [(1, "ok"), (71, "ok"), (73, "problem"), (None, "hint")])
def test_a_timer_that_is_quiet_is_told(tmp_path, hours, level):
    """A hint before the first tick, a problem after three days."""
    city = a_planned_city(tmp_path)
    state = city.open().state
    if hours is not None:
        with state.lock("tick"):
            pass
        then = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(state.root / "tick.lock", (then, then))
    assert [one[0] for one in seen(timing.timer(a_scene(city)))] == [level]


def test_without_schedules_no_timer_is_missed(tmp_path):
    """A city that builds by hand hears nothing of it."""
    city = a_city(tmp_path / "city", roles=ROLES)
    city.open()
    assert seen(timing.timer(a_scene(city))) == []
    assert seen(timing.notify(a_scene(city))) == []


HOOK = '[notify.webhook]\naddress = "https://chat.example/"\ntoken = {0}\n'


@pytest.mark.parametrize(
    ("secret", "level"),
    [("{file = 'token'}", "problem"), ("{environment = 'STADT_NOT_SET'}", "hint")],
)
def test_a_secret_that_cannot_be_read_is_told(tmp_path, secret, level):
    """A file that is not there; a variable only the timer's service may know."""
    city = a_planned_city(tmp_path, more=HOOK.format(secret))
    assert [one[0] for one in seen(timing.notify(a_scene(city)))] == [level]


def test_notices_that_did_not_arrive_are_a_problem(tmp_path):
    """Until they do."""
    city = a_planned_city(tmp_path, more='[notify]\nfile = "there"\n')
    (city.root / "there").mkdir()
    opened = city.open()
    alarms.tell(opened, [Notice("failed", "area", "area@x", NOW)])
    assert seen(timing.notify(a_scene(city))) == [
        ("problem", "Notices that did not arrive: 1, the last one by file."),
    ]


def test_what_is_set_up_well_is_fine(tmp_path):
    """Nothing is sent to find out."""
    city = a_planned_city(tmp_path, more='[notify]\nfile = "notices.jsonl"\n')
    assert seen(timing.notify(a_scene(city))) == [("ok", "Notification: file")]
    assert not (city.root / "notices.jsonl").exists()
