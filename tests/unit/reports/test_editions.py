"""The archive: immutable editions, by one rename."""

import errno
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import StateError, UsageError
from stadtbuch.model.report import Edition
from stadtbuch.model.verdict import decide
from stadtbuch.reports import editions
from stadtbuch.state import State
from stadtbuch.texts import Text, same

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
FILES = {"data/a.csv": b"a\n1\n", "results.json": b"[]\n"}


@pytest.fixture
def state(tmp_path) -> State:
    """Give an empty state."""
    return State.open(tmp_path / "var")


def an_edition(*, name="2026-01-15", cell="mitte", files=FILES) -> Edition:
    """Describe an edition."""
    return Edition(
        id=editions.identify("people", cell, name),
        report="people",
        cell=cell,
        edition=name,
        title=same("Menschen"),
        parameters={},
        made_at=NOW,
        run_keys={},
        code="c",
        rules="2026.1",
        library="x",
        inputs=(),
        files=editions.describe(files),
        decision=decide([], passed=same("gut")),
    )


def put(state: State, edition: Edition, files=FILES):
    """Lay an edition into the archive."""
    folder = editions.place(state, edition.report, edition.cell) / edition.edition
    editions.lay(folder, edition, files)
    return folder


def test_an_edition_is_read_as_it_was_laid(state):
    """Description and files come back, and nothing temporary stays."""
    folder = put(state, an_edition())
    read = editions.latest(state, "people", "mitte")
    assert read is not None
    assert read.edition == an_edition()
    assert (read.path, read.public) == ("reports/people/mitte/2026-01-15", True)
    assert editions.damaged_files(read) == []
    assert [path.name for path in folder.parent.iterdir()] == ["2026-01-15"]


def test_an_edition_in_the_archive_is_never_replaced(state):
    """A second one of the same name is an error, and the first one stays as it is."""
    folder = put(state, an_edition())
    other = {**FILES, "data/a.csv": b"a\n2\n"}
    with pytest.raises(StateError) as caught:
        put(state, an_edition(files=other), other)
    assert caught.value.code == "edition.exists"
    assert editions.damaged_files(editions.read(folder)) == []


def test_what_an_interrupted_command_left_is_no_obstacle(state):
    """Half an edition beside its place is thrown away."""
    folder = editions.place(state, "people", "mitte")
    (folder / ".2026-01-15.new" / "data").mkdir(parents=True)
    (folder / ".2026-01-15.new" / "data" / "half.csv").write_bytes(b"a")
    put(state, an_edition())
    assert [path.name for path in folder.iterdir()] == ["2026-01-15"]
    assert not (folder / "2026-01-15/data/half.csv").exists()


def test_what_the_disk_does_not_let_go_is_told(state, monkeypatch):
    """An edition that waited is out of sight, but half of it is still there: that is no success."""
    folder = editions.waiting_place(state, "people", "mitte")
    editions.lay(folder, an_edition(), FILES)

    def refuse(*_, **__):
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        with pytest.raises(StateError) as caught:
            editions.remove(folder)
    assert caught.value.code == "state.io"
    assert [path.name for path in editions.removed(state)] == [f".{folder.name}.old"]


def test_a_changed_file_is_noticed(state):
    """One byte is enough."""
    folder = put(state, an_edition())
    (folder / "data/a.csv").write_bytes(b"a\n2\n")
    assert editions.damaged_files(editions.read(folder)) == ["data/a.csv"]


def test_an_unreadable_edition_is_an_error(state):
    """Half an edition.json is no edition."""
    folder = put(state, an_edition())
    (folder / "edition.json").write_text("{", encoding="utf-8")
    with pytest.raises(StateError) as caught:
        editions.read(folder)
    assert caught.value.code == "edition.damaged"


def test_the_second_edition_of_a_day_gets_a_number(state):
    """.2, .3 and so on; the next day begins anew."""
    assert editions.next_name(date(2026, 1, 15), []) == "2026-01-15"
    assert editions.next_name(date(2026, 1, 15), ["2026-01-15"]) == "2026-01-15.2"
    assert editions.next_name(date(2026, 1, 16), ["2026-01-15.2"]) == "2026-01-16"


def test_the_latest_is_latest_in_time_not_in_letters(state):
    """.10 comes after .9."""
    for name in ("2026-01-15", "2026-01-15.9", "2026-01-15.10"):
        put(state, an_edition(name=name))
    assert editions.latest(state, "people", "mitte").edition.edition == "2026-01-15.10"


@given(st.lists(st.tuples(st.dates(), st.integers(2, 30)), min_size=1, unique=True))
def test_a_new_name_is_always_the_last(pairs):
    """Whatever there is, the next edition of the last day sorts behind it and is new."""
    taken = [f"{day.isoformat()}.{number}" for day, number in pairs]
    new = editions.next_name(max(day for day, _ in pairs), taken)
    assert new not in taken
    assert max([*taken, new], key=editions.order) == new


def test_history_tells_all_in_order(state):
    """By cell, then by time; hidden folders of an interrupted command are left out."""
    for cell, name in (("sued", "2026-01-15"), ("mitte", "2026-01-16"), ("mitte", "2026-01-15")):
        put(state, an_edition(cell=cell, name=name))
    (editions.place(state, "people", "mitte") / ".2026-01-17.new").mkdir()
    assert [one.edition.id for one in editions.history(state)] == [
        "people/mitte@2026-01-15", "people/mitte@2026-01-16", "people/sued@2026-01-15",
    ]  # fmt: skip
    assert list(editions.history(state, "other")) == []


def test_a_report_without_cells_has_its_own_folder(state):
    """The empty cell is _ in the archive and nothing in the address."""
    put(state, an_edition(cell=""))
    assert editions.latest(state, "people", "").path == "reports/people/2026-01-15"


def test_waiting_editions_are_not_in_the_archive(state):
    """What waits lies in the spool, one per cell."""
    place = editions.waiting_place(state, "people", "mitte")
    for edition in (an_edition(name="2026-01-14"), an_edition()):
        editions.switch(editions.stage_waiting(place, edition, FILES), place)
    assert [path.name for path in place.parent.iterdir()] == ["mitte"]
    assert list(editions.history(state)) == []
    assert [one.edition.id for one in editions.all_waiting(state)] == ["people/mitte@2026-01-15"]
    editions.remove(editions.waiting_place(state, "people", "mitte"))
    assert editions.waiting(state, "people", "mitte") is None


def test_a_withheld_edition_keeps_its_files(state):
    """Only the note beside it changes."""
    folder = put(state, an_edition())
    before = (folder / "edition.json").read_bytes()
    editions.withhold(editions.read(folder), reason=Text(de="Fehler", en="mistake"), role="head", now=NOW)
    after = editions.read(folder)
    assert not after.public
    assert after.status["reason"]["en"] == "mistake"
    assert (folder / "edition.json").read_bytes() == before


@pytest.mark.parametrize(
    "id", ["people@2026-01-15", "x", "people/../x@2026-01-15", "people/mitte@2026-1-5", ""]
)
def test_an_id_that_names_nothing_is_told(state, id):
    """Also one that tries to leave the archive."""
    put(state, an_edition())
    with pytest.raises(UsageError) as caught:
        editions.find(state, id)
    assert caught.value.code == "edition.unknown"


def test_an_edition_is_found_by_its_id(state):
    """The id that is printed everywhere leads to it."""
    put(state, an_edition())
    assert editions.find(state, "people/mitte@2026-01-15").edition.cell == "mitte"


def test_same_files_are_the_same_edition(state):
    """Another day with the same bytes is nothing new; one other byte is."""
    other = editions.describe({**FILES, "data/a.csv": b"a\n2\n"})
    assert editions.same(an_edition(), an_edition(name="2026-02-01"))
    assert not editions.same(an_edition(), an_edition().model_copy(update={"files": other}))


def test_the_description_is_written_in_one_form():
    """The same edition gives the same bytes, in UTF-8 and readable."""
    written = editions.edition_bytes(an_edition())
    assert written == editions.edition_bytes(an_edition())
    assert json.loads(written)["title"] == {"de": "Menschen", "en": "Menschen"}
