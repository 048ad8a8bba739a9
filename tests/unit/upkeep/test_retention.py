"""Tidying up: each kind after its time, nothing that is needed, and an interruption does no harm."""

import json
import tempfile
from datetime import date, timedelta

import pytest
from builders.city import NOW, Made
from builders.keeping import FAILED_RUN, LONE_RUN, PUBLIC_RUN, a_keeper, a_kept_city, aged, everything
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch import scratch
from stadtbuch.errors import Busy, SettingsError
from stadtbuch.reports import editions
from stadtbuch.settings import before, read
from stadtbuch.texts import same
from stadtbuch.upkeep import retention

YEARS_LATER = NOW + timedelta(days=3 * 366)


@pytest.fixture
def city(tmp_path) -> Made:
    """Give a city with a past in which everything was written yesterday."""
    made = a_kept_city(tmp_path / "city")
    aged(made.root / "var", days=1)
    return made


def due(city: Made, now=NOW) -> set[tuple[str, str]]:
    """Give kind and path of what is due."""
    return {(one.kind, one.path) for one in retention.due(a_keeper(city, now=now))}


def test_nothing_of_yesterday_is_due(city):
    """Not even what nobody needs."""
    assert due(city) == set()
    assert retention.tidy(a_keeper(city)) == []
    assert list(city.open().book.entries(kind="tidied")) == []


def test_each_kind_has_its_time(city):
    """Failed runs go first, contents without a reference next, then runs that nothing was made from."""
    keeper = a_keeper(city)
    (lone,) = [one for one in (city.root / "var/store").glob("??/*") if b"nobody needs" in one.read_bytes()]
    aged(city.root / "var/runs", days=20)
    assert due(city) == {("failed-runs", f"runs/{FAILED_RUN}")}
    aged(city.root / "var/store", days=40)
    content = ("store", lone.relative_to(city.root / "var").as_posix())
    assert due(city) == {("failed-runs", f"runs/{FAILED_RUN}"), content}
    aged(city.root / "var/runs", days=100)
    assert due(city) == {("failed-runs", f"runs/{FAILED_RUN}"), content, ("runs", f"runs/{LONE_RUN}")}
    assert {one.kind for one in retention.tidy(keeper)} == {"failed-runs", "store", "runs"}
    assert due(city) == set()


def test_what_public_and_waiting_editions_come_from_stays_for_ever(city):
    """Their runs, and the contents that those runs saw, however old."""
    aged(city.root / "var", days=3000)
    retention.tidy(a_keeper(city))
    assert (city.root / "var/runs" / PUBLIC_RUN / "result.json").is_file()
    stored = [path.read_bytes() for path in (city.root / "var/store").glob("??/*")]
    assert stored == [b"rows that the public run saw"]
    for one in editions.history(city.open().state):
        assert editions.damaged_files(one) == []


def test_the_run_of_a_withdrawn_edition_is_not_needed_any_more(city):
    """When the last edition made from it is out of public."""
    aged(city.root / "var", days=100)
    session = city.open()
    editions.remove(editions.waiting_place(session.state, "people", ""))
    for one in list(editions.history(session.state)):
        assert ("runs", f"runs/{PUBLIC_RUN}") not in due(city)
        editions.withhold(one, reason=same("falsch"), role="analyst", now=NOW)
    assert ("runs", f"runs/{PUBLIC_RUN}") in due(city)


def test_an_edition_that_nobody_approved_goes_after_a_year(city):
    """By the day on which it was made; public editions never do."""
    kinds = {kind for kind, _ in due(city, YEARS_LATER)}
    assert "waiting" in kinds
    retention.tidy(a_keeper(city, now=YEARS_LATER))
    state = city.open().state
    assert list(editions.all_waiting(state)) == []
    assert len(list(editions.history(state))) == 2


def test_the_key_of_a_past_year_goes_and_the_chain_holds(city):
    """From then on nobody can tell who acted; the entries are what they were."""
    before_that = list(city.open().book.entries())
    assert ("actor-keys", "keys/actor-2026.key") not in due(city, NOW.replace(year=2027))
    retention.tidy(a_keeper(city, now=YEARS_LATER))
    assert not (city.root / "var/keys/actor-2026.key").exists()
    book = city.open().book
    assert list(book.entries())[: len(before_that)] == before_that
    assert book.verify()["ok"]
    (entry,) = book.entries(kind="actor-key-deleted")
    assert entry.subject == "actor-2026"
    assert (city.root / "var/keys/pseudonyms.key").exists()


def test_old_lines_of_the_log_go_and_younger_ones_stay(city):
    """Line by line, whatever file they stand in."""
    state = city.open().state
    state.log("build.done", now=YEARS_LATER, runs=1)
    (city.root / "var/log/stadtbuch.log.1").write_text(
        '{"at": "2020-01-01T00:00:00Z", "event": "old"}\nbroken\n'
    )
    retention.tidy(a_keeper(city, now=YEARS_LATER))
    lines = (city.root / "var/log/stadtbuch.log").read_text().splitlines()
    assert [json.loads(line)["runs"] for line in lines] == [1]
    assert not (city.root / "var/log/stadtbuch.log.1").exists()


def test_leftovers_of_interrupted_commands_go(city):
    """A preview, what was being taken away; not what somebody may be writing now, and no half edition."""
    half = [f"editions/area/_/.2026-01-16.{word}" for word in ("new", "old")]
    for name in ("spool/preview-ab", f"runs/.{LONE_RUN}.old", *half):
        (city.root / "var" / name).mkdir(parents=True)
    assert {kind for kind, _ in due(city, NOW)} == set()
    found = due(city, NOW.replace(year=2099))
    assert ("leftovers", "spool/preview-ab") in found
    assert ("leftovers", "editions/area/_/.2026-01-16.old") in found
    assert ("leftovers", "editions/area/_/.2026-01-16.new") not in found  # the book may know that edition
    assert ("leftovers", f"runs/.{LONE_RUN}.old") in found


def test_what_killed_processes_left_elsewhere_goes(city, tmp_path, monkeypatch):
    """Their folders for temporary files, which lie outside of the state; not when it is only asked."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{scratch.PREFIX}-kernel-4194999-abcdefgh"
    left.mkdir()
    retention.due(a_keeper(city))
    assert left.exists()
    retention.tidy(a_keeper(city))
    assert not left.exists()


def test_asking_changes_nothing(city):
    """The dry run says what would go, with sizes."""
    aged(city.root / "var", days=3000)
    before_that = everything(city.root)
    found = retention.due(a_keeper(city))
    told = retention.as_dict(found, dry_run=True)
    assert told["kinds"]["runs"]["number"] == 1
    assert told["bytes"] == sum(one.bytes for one in found) > 0
    assert everything(city.root) == before_that


def test_an_interruption_leaves_nothing_half_and_the_next_time_finishes(city, monkeypatch):
    """Wherever it is cut off: what is there is whole, and what was due goes."""
    aged(city.root / "var", days=3000)
    take, done = retention._remove, []

    def cut(keeper, one):
        if done:
            raise KeyboardInterrupt
        take(keeper, one)
        done.append(one)

    while len(retention.due(a_keeper(city))) > 1:
        done.clear()
        with monkeypatch.context() as patched:
            patched.setattr(retention, "_remove", cut)
            with pytest.raises(KeyboardInterrupt):
                retention.tidy(a_keeper(city))
    assert len(retention.tidy(a_keeper(city))) == 1
    assert retention.due(a_keeper(city)) == []
    assert city.open().book.verify()["ok"]


def test_a_running_build_is_left_alone(city):
    """Its runs are not referred to by anything yet."""
    with city.open().state.lock("build"), pytest.raises(Busy):
        retention.tidy(a_keeper(city))


@pytest.mark.parametrize("written", ["P", "90D", "P1H", "P-1D", "PT5M", ""])
def test_a_time_without_a_length_is_refused(city, written):
    """Nothing must ever be due at once by mistake."""
    toml = city.root / "stadtbuch.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8") + f'\n[retention]\nruns = "{written}"\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"retention.runs"):
        read(city.root)


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 50), st.integers(0, 40), st.integers(0, 900)
)
def test_a_longer_time_never_ends_earlier(today, years, months, days):
    """However the calendar falls."""
    shorter = before(today, f"P{years}Y{months}M{days}D")
    assert shorter <= today
    assert before(today, f"P{years}Y{months}M{days + 1}D") < shorter
    assert before(today, f"P{years}Y{months + 1}M{days}D") < shorter or days > 0 or shorter.day >= 28
