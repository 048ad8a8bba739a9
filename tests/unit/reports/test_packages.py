"""The package of an edition: enough to compute it again, and nothing closed."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import nbformat
import pytest
from builders.city import CANARY

from stadtbuch import atomic
from stadtbuch.errors import Refused
from stadtbuch.model.report import Report
from stadtbuch.reports import decisions, editions, library, packages
from stadtbuch.reports.definitions import Cell
from stadtbuch.runs import key
from stadtbuch.runs.plan import Request
from stadtbuch.store import Store
from stadtbuch.texts import same


def newest(built, report):
    """Give the newest edition of a report; what waits is approved first."""
    city = built.open(as_role="head-of-statistics")
    if editions.waiting(city.state, report, ""):
        decisions.approve(city, report)
    found = editions.latest(city.state, report, "")
    assert found is not None
    return found


def test_every_edition_carries_what_a_stranger_needs(built):
    """Inputs, source notebook, facts, environment and a page of words in both languages are listed with checksums."""
    archived = newest(built, "area")
    paths = {file.path for file in archived.edition.files if file.path.startswith("package/")}
    assert paths == {
        "package/package.json",
        "package/run.json",
        "package/area.ipynb",
        "package/inputs/geography.boroughs.parquet",
        "package/installed.txt",
        "package/README.de.md",
        "package/README.en.md",
    }
    assert editions.damaged_files(archived) == []


def test_the_package_holds_the_code_and_the_inputs_of_the_run_key(built):
    """What lies in the package gives the very hashes that the run key was made of."""
    for report in ("area", "people"):
        folder = newest(built, report).folder
        run = json.loads((folder / packages.RUN).read_text())
        index = packages.index(folder)
        source = nbformat.read(folder / index["notebook"], as_version=4)
        assert key.code(source) == run["key_parts"]["code"]
        assert {
            name: atomic.digest((folder / one["file"]).read_bytes()) for name, one in index["inputs"].items()
        } == run["key_parts"]["inputs"]


def test_nothing_closed_gets_into_a_package(built):
    """Of a report made from the register there is the protected table, and neither its rows nor its marks."""
    folder = newest(built, "people").folder
    inputs = [path.name for path in (folder / "package" / "inputs").iterdir()]
    assert inputs == ["people.by_borough.table.json"]
    for path in folder.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes()


def parts(root: Path, *, access="open", rows=b"rows"):
    """Give what a package is made from; `rows` are the content of its one input."""
    inputs = {"a.b": {"file": "inputs/a.b.parquet", "sha256": atomic.digest(rows), "class": access}}
    known = {
        "environment": {"source": "installed distributions", "sha256": "0" * 64, "python": "3.11.7"},
        "library": {"version": "0.1.0", "sha256": "1" * 64},
    }
    report = Report(
        name="a",
        title=same("A"),
        summary=same("B"),
        report="notebooks/a.ipynb",
        release="automatic",
        roles={"author": "analyst", "release": "analyst"},
    )
    facts = {"key_parts": known, "inputs": inputs, "parameters": {}, "engine": "plain"}
    request = Request(
        key="2" * 64,
        key_parts=known,
        folder=root,
        info=facts,
        restricted=False,
        notebook=nbformat.writes(nbformat.v4.new_notebook()),
        inputs={},
        modules={"tools.py": b"x = 1\n"},
    )
    return packages.Parts(report, Cell("", {}), same("Stadt"), request, facts, root)


def made(root, **changes):
    """Make a package from those parts."""
    store = Store(root / "store")
    store.put(changes.get("rows", b"rows"))
    return packages.made(parts(root, **changes), store=store)


@pytest.mark.parametrize("access", ["closed", "shared"])
def test_an_input_that_is_not_open_is_refused_once_more(tmp_path, access):
    """The last lock does not rely on the gate."""
    with pytest.raises(Refused) as refused:
        made(tmp_path, access=access)
    assert refused.value.code == "package.closed-input"


def test_large_inputs_and_the_library_are_kept_once(tmp_path):
    """An index names by checksum what all editions share; small inputs lie in the edition itself."""
    large = b"x" * packages.OWN_FROM
    small, big = made(tmp_path), made(tmp_path, rows=large)
    assert "package/inputs/a.b.parquet" in small
    assert "package/inputs/a.b.parquet" not in big
    told = packages.shared(json.loads(big[packages.INDEX]))
    assert [one.path for one in told] == [f"package/{library.wheel().name}", "package/inputs/a.b.parquet"]
    assert told[1].public == f"packages/{atomic.digest(large)}/a.b.parquet"


def test_a_package_tells_nothing_about_the_machine(built):
    """Neither the city's folder nor the engine's place in it stands in run.json; modules and folders are relative."""
    text = b"".join(path.read_bytes() for path in newest(built, "area").folder.rglob("package/*.*"))
    assert str(built.root).encode() not in text
    assert b'"engine": "' not in (newest(built, "area").folder / packages.RUN).read_bytes()


def test_the_lock_goes_along_when_the_run_was_made_with_it(tmp_path):
    """A city with a lock file hands it on; one whose file is another by now lists what is installed."""
    lock = tmp_path / key.LOCK
    lock.parent.mkdir()
    lock.write_text("pandas==3.1.0 --hash=sha256:0\n")
    given = parts(tmp_path)
    known = given.facts["key_parts"]
    told = {"source": key.LOCK, "sha256": atomic.digest(lock.read_bytes()), "python": "3.11.7"}
    facts = {**given.facts, "key_parts": {**known, "environment": told}}
    store = Store(tmp_path / "store")
    store.put(b"rows")
    with_lock = packages.made(dataclasses.replace(given, facts=facts), store=store)
    assert with_lock[packages.LOCK] == lock.read_bytes()
    lock.write_text("pandas==3.1.1 --hash=sha256:1\n")
    assert packages.LOCK not in packages.made(dataclasses.replace(given, facts=facts), store=store)


def test_one_zip_holds_everything_in_one_folder(built):
    """Who unpacks it gets one folder with the edition, its package and the library."""
    archived, store = newest(built, "area"), built.open().store
    files = {file.path: (archived.folder / file.path).read_bytes() for file in archived.edition.files}
    contents = {one.path: store.get(one.sha256) for one in packages.shared(packages.index(archived.folder))}
    packed = packages.packed(archived.edition, files, contents)
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    top = f"area-{archived.edition.edition}/"
    assert {*names} == {f"{top}{path}" for path in (*files, f"package/{library.wheel().name}")}
    assert packages.packed(archived.edition, dict(reversed(files.items())), contents) == packed


def test_a_zip_leaves_out_what_would_make_it_too_large(built, monkeypatch):
    """What weighs too much is named by its checksum and fetched from where it lies once."""
    archived = newest(built, "area")
    monkeypatch.setattr(packages, "CARRIED", 10)
    packed = packages.packed(archived.edition, {}, {"package/small": b"1", "package/large": b"2" * 11})
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == [
        f"area-{archived.edition.edition}/package/small"
    ]


def test_the_wheel_is_this_library(built):
    """The shared wheel holds the files that ran, under names that installers accept, each in its list."""
    wheel = library.wheel()
    assert built.open().store.get(wheel.sha256) == wheel.data
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as packed:
        names = packed.namelist()
        record = next(name for name in names if name.endswith(".dist-info/RECORD"))
        listed = [line.partition(",")[0] for line in packed.read(record).decode().splitlines()]
        assert (
            packed.read("stadtbuch/texts.py")
            == (Path(library.stadtbuch.__file__).parent / "texts.py").read_bytes()
        )
    assert sorted(listed) == sorted(names)
    assert {"METADATA", "WHEEL", "entry_points.txt", "RECORD"} <= {name.rpartition("/")[2] for name in names}
