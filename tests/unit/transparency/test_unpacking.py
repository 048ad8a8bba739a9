"""From a source to checked bytes: one changed byte is named, whoever changed it and however well."""

import io
import json
import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from builders.packaged import an_edition, forge, zipped

from stadtbuch.errors import Failed, UsageError
from stadtbuch.reports import editions, library, packages
from stadtbuch.transparency import sources, unpacking


def opened(target, into):
    """Open an edition by what a person would name."""
    return unpacking.unpack(sources.source(str(target)), into)


def named(target, into):
    """Give part and subject of every difference."""
    return [(one.part, one.subject) for one in opened(target, into).differences]


def turn(path):
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_a_sound_edition_has_no_difference(edition, tmp_path):
    """Folder, package and run key fit together; the library comes from the running one or is missing."""
    found = opened(edition, tmp_path / "into")
    assert found.differences == []
    assert found.missing == [f"package/{library.wheel().name}"]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("package/inputs/a.b.parquet", "data"),
        ("package/area.ipynb", "code"),
        ("notebooks/area.ipynb", "code"),
        ("package/modules/tools.py", "code"),
        ("package/requirements.lock", "lock"),
        ("package/run.json", "parameters"),
        ("results.json", "output"),
        ("data/areas.csv", "output"),
        ("package/package.json", "description"),
    ],
)
def test_one_changed_byte_is_named(edition, tmp_path, path, part):
    """The difference says which part of the edition it is, and nothing is run."""
    turn(edition / path)
    assert named(edition, tmp_path / "into") == [(part, path)]


def test_a_missing_file_is_named(edition, tmp_path):
    """What is not there is a difference, not an error."""
    (edition / "results.json").unlink()
    assert named(edition, tmp_path / "into") == [("output", "results.json")]


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("package/inputs/a.b.parquet", b"other", ("data", "a.b")),
        ("package/requirements.lock", b"evil==1.0 \\\n", ("lock", "package/requirements.lock")),
        ("package/modules/tools.py", b"x = 2\n", ("code", "package/modules/tools.py")),
    ],
)
def test_whoever_changes_a_checksum_too_meets_the_run_key(edition, tmp_path, path, data, expected):
    """The run key was made of the bytes that were; it stands in the description and in the book."""
    forge(edition, path, data)
    assert named(edition, tmp_path / "into") == [expected]


def test_a_forged_notebook_meets_the_run_key(edition, tmp_path):
    """Other code gives another hash of the code."""
    notebook = json.loads((edition / "package/area.ipynb").read_text())
    notebook["cells"][0]["source"] = "1 + 2"
    forge(edition, "package/area.ipynb", json.dumps(notebook).encode())
    assert named(edition, tmp_path / "into") == [("code", "package/area.ipynb")]


def test_forged_facts_of_the_run_meet_the_run_key(edition, tmp_path):
    """Whoever also changes what the key is said to be made of gets another key."""
    run = json.loads((edition / packages.RUN).read_text())
    run["key_parts"]["parameters"] = run["parameters"] = {"year": 1999}
    forge(edition, packages.RUN, json.dumps(run).encode())
    assert named(edition, tmp_path / "into") == [("parameters", packages.RUN)]


def test_folder_zip_and_address_give_the_same(edition, tmp_path):
    """However an edition came, the same files lie there in the end; zip and site bring the library along."""
    (tmp_path / "edition.zip").write_bytes(zipped(edition))
    site = tmp_path / "site"
    shutil.copytree(edition, site / "reports" / "area" / "2026-01-15")
    shared = site / "packages" / library.wheel().sha256
    shared.mkdir(parents=True)
    (shared / library.wheel().name).write_bytes(library.wheel().data)
    with serving(site) as address:
        found = [
            opened(target, tmp_path / f"into-{number}")
            for number, target in enumerate(
                [
                    tmp_path / "edition.zip",
                    site / "reports" / "area" / "2026-01-15",
                    f"{address}/reports/area/2026-01-15/",
                    f"{address}/reports/area/2026-01-15/index.html",
                ]
            )
        ]
    for one in found:
        assert (one.differences, one.missing) == ([], [])
        assert bytes_of(one.folder) == bytes_of(found[0].folder)


def bytes_of(folder):
    """Give everything in a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class serving:  # noqa: N801 - reads as a sentence
    """Serve a folder on loopback."""

    def __init__(self, folder):
        quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(folder)))

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_a_folder_that_was_copied_alone_takes_the_library_from_its_zip(edition, tmp_path):
    """The site lays the zip beside the files; a copy of the folder is complete."""
    (edition / packages.ZIP).write_bytes(zipped(edition))
    assert opened(edition, tmp_path / "into").missing == []


def test_a_wrong_library_is_not_taken(edition, tmp_path):
    """Shared content counts by its checksum only."""
    (edition / "package" / library.wheel().name).write_bytes(b"something else")
    assert opened(edition, tmp_path / "into").missing == [f"package/{library.wheel().name}"]


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname", "a\\..\\b", "data/../../x", "C:/x"])
def test_a_description_leads_nowhere_else(edition, tmp_path, path):
    """A path that leaves the edition makes it none."""
    told = json.loads((edition / editions.EDITION).read_text())
    told["files"][0]["path"] = path
    (edition / editions.EDITION).write_text(json.dumps(told))
    with pytest.raises(UsageError) as refused:
        opened(edition, tmp_path / "into")
    assert refused.value.code == "verify.no-edition"
    assert not (tmp_path / "outside.txt").exists()


def test_a_link_out_of_the_folder_is_not_followed(edition, tmp_path):
    """What lies behind a link is not part of the edition."""
    (tmp_path / "secret").write_bytes((edition / "results.json").read_bytes())
    (edition / "results.json").unlink()
    (edition / "results.json").symlink_to(tmp_path / "secret")
    assert named(edition, tmp_path / "into") == [("output", "results.json")]


def test_a_zip_that_swells_is_read_no_further_than_its_description(edition, tmp_path):
    """A file may unpack to gigabytes; what is read of it is one byte more than it should have."""
    small = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(zipped(edition))) as before,
        zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            data = before.read(name)
            after.writestr(name, b"0" * 50_000_000 if name.endswith("results.json") else data)
    (tmp_path / "bomb.zip").write_bytes(small.getvalue())
    assert named(tmp_path / "bomb.zip", tmp_path / "into") == [("output", "results.json")]
    assert sources.source(str(tmp_path / "bomb.zip")).read("results.json", limit=100) == b"0" * 101


def test_sizes_are_bounded_before_anything_is_read(edition, tmp_path):
    """An edition that says it has half a terabyte is none."""
    told = json.loads((edition / editions.EDITION).read_text())
    told["files"][0]["bytes"] = 500_000_000_000
    (edition / editions.EDITION).write_text(json.dumps(told))
    with pytest.raises(UsageError):
        opened(edition, tmp_path / "into")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"PK\x03\x04", b"[" * 100_000])
def test_what_is_no_edition_is_told_as_such(tmp_path, content):
    """Neither a broken file nor a hostile one is anything but a sentence."""
    (tmp_path / "x.zip").write_bytes(content)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / editions.EDITION).write_bytes(content)
    for target in ("x.zip", "x", "nothing"):
        with pytest.raises(UsageError) as refused:
            opened(tmp_path / target, tmp_path / "into")
        assert refused.value.code in ("verify.no-edition", "verify.no-zip")


def test_a_server_that_does_not_answer_is_told(tmp_path, edition):
    """Nobody listens there; the error says what to do."""
    with serving(edition) as address:
        gone = address
    with pytest.raises(Failed) as failed:
        opened(f"{gone}/", tmp_path / "into")
    assert failed.value.code == "verify.unreachable"


def test_two_editions_beside_each_other_are_not_guessed_between(tmp_path):
    """A folder with several editions is none; one with exactly one is that one."""
    an_edition(tmp_path / "a")
    assert sources.source(str(tmp_path / "a")).root.name == "2026-01-15"
    an_edition(tmp_path / "a", name="2026-01-16")
    with pytest.raises(UsageError):
        sources.source(str(tmp_path / "a"))
