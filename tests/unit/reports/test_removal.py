"""Emergency removal: not one byte of what was disclosed stays, and it never comes back unnoticed."""

import errno
import json
from pathlib import Path

import pytest
from builders.city import NOW, Made
from builders.keeping import a_kept_city, a_run, an_edition, lay
from builders.reports import HEADLINE, START, TABLE, write_open_report

from stadtbuch import atomic
from stadtbuch.errors import AccessDenied, Refused, StateError, UsageError
from stadtbuch.reports import build, decisions, editions, recovery, removal
from stadtbuch.runs import key
from stadtbuch.site import pages
from stadtbuch.texts import Text

CANARY = "WACHTEL-4711-Schierling"
REASON = Text(de="Eine Zeile verriet einen Menschen.", en="One row told of a person.")
HEAD = "head-of-statistics"
SAYS = TABLE.replace("Flächen", "Flächen ' + ''.join(['WACHTEL', '-4711-', 'Schierling']) + '")
"""The canary is put together in the run: the notebook's source, which stays with the city, does not hold it."""

LEAKED = ("shown/areas.json", "notebooks/area.ipynb")


def where(root: Path) -> list[str]:
    """Give every file of state and pages that holds the canary, SQLite's and its log included."""
    return sorted(
        path.relative_to(root).as_posix()
        for folder in ("var", "public")
        for path in (root / folder).rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    )


def test_no_byte_of_a_published_canary_stays(built):
    """It was on pages, in search, archive and runs; afterwards nowhere, and only the tombstone tells of it."""
    write_open_report(built.root, "area", START, HEADLINE, SAYS)
    build.build(built.open(), ["area"])
    pages.write(built.open(), now=NOW)
    (edition,) = [one for one in editions.names(built.open().state, "area", "") if one.endswith(".2")]
    before = where(built.root)
    assert {name.split("/")[0] for name in before} == {"var", "public"}
    assert {name.split("/")[1] for name in before} >= {"editions", "runs", "reports"}
    plant_everywhere(built)
    session = built.open(as_role=HEAD)
    found = removal.remove(session, f"area@{edition}", reason=REASON, files=LEAKED)
    pages.write(built.open(), now=NOW)
    assert where(built.root) == []
    assert found.ids == [f"area@{edition}"]
    stone = (built.root / f"public/reports/area/{edition}/index.html").read_text(encoding="utf-8")
    assert REASON.de in stone
    assert "Prüfsummen" in stone
    assert (
        built.root / "public/reports/area/index.html"
    ).is_file()  # the edition before is sound and shown again
    assert built.open().book.verify()["ok"]


def plant_everywhere(city: Made) -> None:
    """Lay the canary where a build or a visitor's server may leave it, beside what this city really has."""
    state = city.open().state
    for name in (
        "spool/preview-ab/x.html",
        "cache/x/y",
        "dashboards/area/outputs/x.json",
        "editions/area/_/.2026.old/x",
    ):
        (state.root / name).parent.mkdir(parents=True, exist_ok=True)
        (state.root / name).write_text(CANARY)
    (city.root / "public/dashboards/area").mkdir(parents=True)
    (city.root / "public/dashboards/area/index.html").write_text(CANARY)


def test_what_was_removed_is_not_published_again(built):
    """The next build makes the same content, refuses it, and leaves nothing of it behind."""
    write_open_report(built.root, "area", START, HEADLINE, SAYS)
    build.build(built.open(), ["area"])
    removal.remove(built.open(as_role=HEAD), "area@2026-01-15.2", reason=REASON, files=LEAKED)
    summary = build.build(built.open(), ["area"])
    (line,) = summary["runs"]
    assert (line["publication"], line["error"].code, summary["exit_code"]) == (
        "refused",
        "edition.removed-content",
        3,
    )
    assert where(built.root) == []
    write_open_report(built.root, "area", START, HEADLINE, TABLE.replace("Flächen", "Fläche"))
    assert build.build(built.open(), ["area"])["runs"][0]["publication"] == "published"


@pytest.fixture
def city(tmp_path) -> Made:
    """Give a city with a past: two editions of one report, and a table that another report read."""
    made = a_kept_city(tmp_path / "city")
    write_open_report(made.root)
    session = made.open()
    (session.state.folder("derived") / "area.by_borough.json").write_text(json.dumps({"secret": CANARY}))
    table = {"id": "area.by_borough", "kind": "table", "class": "open"}
    lay(session, an_edition("people", files={"data/total.csv": b"8\n"}, inputs=(table,)))
    lay(session, an_edition("people", name="2026-01-16", files={"data/total.csv": b"9\n"}))
    return made


def test_every_edition_with_the_same_content_goes(city):
    """Later or earlier, of whatever report, public or waiting; others stay whole."""
    session = city.open(as_role=HEAD)
    leaked = b"borough,area\n01,12\n"
    lay(
        session,
        an_edition("area", name="2026-01-17", files={"data/area.csv": leaked, "data/LICENCE.txt": b"CC0"}),
    )
    other = an_edition(
        "people", name="2026-01-18", files={"data/copy.csv": leaked, "data/LICENCE.txt": b"CC0"}
    )
    editions.remove(editions.waiting_place(session.state, "people", ""))
    editions.lay(
        editions.waiting_place(session.state, "people", ""),
        other,
        {"data/copy.csv": leaked, "data/LICENCE.txt": b"CC0"},
    )
    found = removal.remove(session, "area@2026-01-15", reason=REASON)
    assert found.ids == ["area@2026-01-15", "area@2026-01-17", "people@2026-01-18"]
    left = {one.edition.id: one for one in editions.history(session.state)}
    assert [id for id, one in left.items() if one.content_removed] == ["area@2026-01-15", "area@2026-01-17"]
    assert all(editions.damaged_files(one) == [] for one in left.values() if one.public)
    assert list(editions.all_waiting(session.state)) == []
    assert leaked not in [path.read_bytes() for path in (city.root / "var").rglob("*.*") if path.is_file()]


def test_checksums_and_the_incident_stay(city):
    """What was there can still be proved to somebody who has the file; the book says who, when and why."""
    session = city.open(as_role=HEAD)
    before = editions.find(session.state, "area@2026-01-15").edition
    removal.remove(session, "area@2026-01-15", reason=REASON)
    after = editions.find(session.state, "area@2026-01-15")
    assert after.edition.files == before.files
    assert after.status["content"] == "removed"
    (entry,) = session.book.entries(removal.KIND)
    assert (entry.subject, entry.role, entry.details["reason"]) == ("area@2026-01-15", HEAD, REASON.as_dict())
    assert entry.details["digests"] == [before.files[0].sha256]


def test_what_was_made_from_it_is_listed(city):
    """Editions that read one of the report's tables since; the tables themselves are found no more."""
    session = city.open(as_role=HEAD)
    found = removal.remove(session, "area@2026-01-15", reason=REASON)
    assert found.derived == ("people@2026-01-15",)
    assert list(session.state.folder("derived").iterdir()) == []


def test_runs_that_saw_its_tables_go_and_others_stay(city):
    """With the contents that only they had seen."""
    session = city.open(as_role=HEAD)
    secret = session.store.put(CANARY.encode())
    a_run(session, "e5" * 32, {"inputs": {"area.by_borough": {"sha256": secret}}})
    removal.remove(session, "area@2026-01-15", reason=REASON)
    runs = {path.name[:2] for path in session.state.folder("runs").iterdir()}
    assert runs == {"b2", "c3"}
    assert not session.store.has(secret)


def test_a_single_file_can_be_named(city):
    """Then only editions with that file go; one that the edition does not have is a mistake."""
    session = city.open(as_role=HEAD)
    files = {"data/a.csv": b"shared\n", "data/b.csv": b"leaked\n"}
    lay(session, an_edition("area", name="2026-01-20", files=files))
    lay(session, an_edition("area", name="2026-01-21", files={"data/a.csv": b"shared\n"}))
    assert removal.scope(session.state, "area@2026-01-20").ids == ["area@2026-01-20", "area@2026-01-21"]
    assert removal.scope(session.state, "area@2026-01-20", files=["data/b.csv"]).ids == ["area@2026-01-20"]
    with pytest.raises(UsageError) as caught:
        removal.scope(session.state, "area@2026-01-20", files=["data/c.csv"])
    assert caught.value.code == "edition.no-file"


def test_a_named_table_goes_in_all_its_forms(city):
    """As CSV, JSON and Parquet, as the page shows it, and as runs read it, here and in other reports' editions."""
    session = city.open(as_role=HEAD)
    record = {"kind": "protected-table", "name": "by_borough", "cells": [1, 2]}
    forms = {
        "data/by_borough.csv": b"leaked\n",
        "data/by_borough.json": json.dumps(record, indent=1).encode(),
        "data/by_borough.parquet": b"PAR1 leaked",
    }
    as_input = key.canonical(record)
    others = {
        "data/datapackage.json": b"{}",
        "data/other.csv": b"harmless\n",
        "figures/by_borough.csv": b"f\n",
    }
    lay(session, an_edition("area", name="2026-01-20", files=forms | others))
    read = {"package/inputs/area.by_borough.table.json": as_input, "results.json": b"[]\n"}
    lay(session, an_edition("people", name="2026-01-20", files=read))
    lay(session, an_edition("people", name="2026-01-21", files=others))
    for path in forms:
        found = removal.scope(session.state, "area@2026-01-20", files=[path])
        assert found.ids == ["area@2026-01-20", "people@2026-01-20"]
        assert found.digests == {atomic.digest(data) for data in (*forms.values(), as_input)}


def test_the_next_build_finishes_a_removal_that_was_cut_off(city, monkeypatch):
    """Without the command, too: the book knows what was to go."""

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stadtbuch.reports.removal._note", fail)
        with pytest.raises(KeyboardInterrupt):
            removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    assert editions.find(city.open().state, "area@2026-01-15").public
    recovery.mend(city.open())
    gone = editions.find(city.open().state, "area@2026-01-15")
    assert (gone.status["content"], gone.status["role"]) == ("removed", HEAD)
    assert gone.status["at"] == NOW.astimezone(city.settings.city.zone).isoformat()
    corrected = {"data/area.csv": b"corrected\n"}
    place = editions.waiting_place(city.open().state, "area", "")
    editions.lay(place, an_edition("area", files=corrected), corrected)  # waits under the same name
    assert recovery.mend(city.open()).withheld == 0
    assert (place / "data/area.csv").is_file()


@pytest.mark.parametrize(
    "step", ["_clear_public", "_clear_rest", "_empty", "_point", "editions.edition_bytes", "outputs.encode"]
)
def test_a_removal_that_was_cut_off_is_finished_by_the_same_command(city, monkeypatch, step):
    """Wherever: from the first note on it is not public, and in the end it is gone, with one entry."""

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"stadtbuch.reports.removal.{step}", fail)
        with pytest.raises(KeyboardInterrupt):
            removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    session = city.open()
    gone = editions.find(session.state, "area@2026-01-15")
    assert gone.status["content"] == "removed"
    assert sorted(path.name for path in gone.folder.iterdir()) == ["edition.json", "status.json"]
    assert len(list(session.book.entries(removal.KIND))) == 1
    assert where(city.root) == []


def test_a_removal_that_the_disk_refuses_is_an_error(city, monkeypatch):
    """Never a success while bytes are still among the pages; the next command goes on."""

    def refuse(*_, **__):
        raise OSError(errno.EIO, "broken")

    page = city.root / "public" / "reports" / "area" / "2026-01-15" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(CANARY, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        with pytest.raises(StateError) as caught:
            removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    assert (caught.value.code, page.exists()) == ("state.io", True)
    assert recovery.mend(city.open()).withheld == 1
    assert not page.exists()


def test_only_the_releasing_role_removes(city):
    """And what was withheld before can still be removed."""
    with pytest.raises(AccessDenied):
        removal.remove(city.open(as_role="analyst"), "area@2026-01-15", reason=REASON)
    decisions.withhold(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON)
    assert removal.remove(city.open(as_role=HEAD), "area@2026-01-15", reason=REASON).ids == [
        "area@2026-01-15"
    ]


def test_asking_takes_nothing(city):
    """The scope is told before anything happens."""
    before = {path: path.stat().st_mtime_ns for path in (city.root / "var").rglob("*") if path.is_file()}
    told = removal.scope(city.open().state, "area@2026-01-15").as_dict()
    assert told == {"editions": ["area@2026-01-15"], "files": 1, "derived": ["people@2026-01-15"]}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_clean_content_passes(city):
    """Only what was removed is refused, and licences that are alike everywhere are no content."""
    session = city.open(as_role=HEAD)
    removal.require_clean(session, an_edition("area", files={"data/area.csv": b"borough,area\n01,12\n"}))
    removal.remove(session, "area@2026-01-15", reason=REASON)
    with pytest.raises(Refused):
        removal.require_clean(session, an_edition("area", files={"data/new.csv": b"borough,area\n01,12\n"}))
    removal.require_clean(
        session, an_edition("area", files={"data/area.csv": b"other\n", "data/LICENCE.txt": b"CC0"})
    )
