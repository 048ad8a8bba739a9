"""
A stranger computes an edition again: from the zip, without this checkout, in an environment built from its lock.

`make campaign NAME=verify` does the same with every edition of the made-up city (``--editions 1000``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ONE = ("who-lives-where", "mitte")


def sample(request: pytest.FixtureRequest) -> int:
    """Give how many editions are looked at."""
    return int(request.config.getoption("--editions", default=1))


def zips(lindenstadt, number: int) -> list[Path]:
    """Give the zips that readers download: one known edition first, then the others."""
    found = sorted((lindenstadt.root / "public" / "reports").rglob("package.zip"))
    first = [one for one in found if ONE[0] in one.parts and ONE[1] in one.parts]
    assert len(found) == 16
    return [*first, *(one for one in found if one not in first)][:number]


def verified(folder: Path, *arguments: str) -> tuple[int, list[dict]]:
    """Call ``stadtbuch verify`` from an empty folder, without the checkout on the path."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STADTBUCH"))}
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "stadtbuch", "verify", *arguments, "--json"],
        cwd=folder,
        env={**told, "STADTBUCH_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(ended.stdout)
    assert "error" not in document, document
    return ended.returncode, document if isinstance(document, list) else [document]


def test_a_stranger_computes_the_same(lindenstadt, tmp_path, request):
    """Lock, library, inputs and notebook come out of the zip alone; every number, table and file is identical."""
    found = zips(lindenstadt, sample(request))
    names = ["package.zip", *(f"package-{number}.zip" for number in range(1, len(found)))]
    for name, one in zip(names, found, strict=True):
        shutil.copyfile(one, tmp_path / name)
    code, documents = verified(tmp_path, *names)
    reasons = [one["reason"] for one in documents if one["verdict"] == "cannot-run"]
    if reasons and all("cannot be built here" in one for one in reasons):
        pytest.skip(
            "no environment can be built here (no package index), so no stranger computed anything again"
        )
    print(f"verified {len(documents)} editions in environments of their own")
    assert {one["edition"]: (one["verdict"], one["differences"]) for one in documents} == {
        one["edition"]: ("identical", []) for one in documents
    }
    assert code == 0
    assert all("built anew from the pinned versions" in one["environment"] for one in documents)


def test_an_edition_is_computed_where_one_stands(lindenstadt, tmp_path):
    """``--here`` takes the running environment, and the verdict says so."""
    (one,) = zips(lindenstadt, 1)
    shutil.copyfile(one, tmp_path / "package.zip")
    code, (document,) = verified(tmp_path, "package.zip", "--here")
    assert (code, document["verdict"], document["compared"] > 10) == (0, "identical", True)
    assert "running one" in document["environment"]


def test_the_city_computes_published_editions_again(lindenstadt, tmp_path):
    """The verdict and its day stand in the book and on the edition's page, in both languages."""
    city = lindenstadt.copy(tmp_path / "city")
    asked = ("build", "how-does-the-city-cycle", "--reverify", "--now", "2026-01-20T08:00", "--json")
    called = city.call(*asked)
    document = json.loads(called.out)
    edition = "how-does-the-city-cycle@2026-01-15"
    assert (called.code, [(one["edition"], one["verdict"]) for one in document["verified"]]) == (
        0,
        [(edition, "identical")],
    )
    entered = [
        one for one in json.loads(city.call("book", "show", "--json").out) if one["kind"] == "verified"
    ]
    assert [(one["subject"], one["details"]["verdict"]) for one in entered] == [(edition, "identical")]
    pages = city.root / "public" / "reports" / "how-does-the-city-cycle" / "2026-01-15"
    assert (
        "Zuletzt nachgerechnet am 20. Januar 2026:</strong> identisch" in (pages / "index.html").read_text()
    )
    assert (
        "Last computed again on 20 January 2026:</strong> identical" in (pages / "index.en.html").read_text()
    )


def test_two_cells_differ_by_their_parameters(lindenstadt):
    """The causes and the numbers that moved stand in the answer, for people in their language."""
    named = ("who-lives-where/mitte@2026-01-15", "who-lives-where/hafen@2026-01-15")
    document = json.loads(lindenstadt.call("report", "diff", *named, "--json").out)
    assert [(one["reason"], one["subject"]) for one in document["causes"]] == [("parameters", "borough")]
    assert "residents_total" in [one["name"] for one in document["values"]]
    assert "Einstellungen: borough" in lindenstadt.call("report", "diff", *named).out.decode()
    assert "parameters: borough" in lindenstadt.call("report", "diff", *named, language="en").out.decode()


def test_the_page_shows_what_is_called_here(root):
    """The commands of the how-to page are those of the tests above."""
    page = (root / "docs" / "how-to" / "verify.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("stadtbuch ")] == [
        "stadtbuch verify package.zip",
        "stadtbuch verify package.zip --here",
        "stadtbuch verify who-lives-where/mitte@2026-01-15 --here",
        "stadtbuch build how-does-the-city-cycle --reverify",
        "stadtbuch build --reverify --oldest 3",
        "stadtbuch report diff who-lives-where/mitte@2026-01-15 who-lives-where/mitte@2026-02-15",
    ]


def test_the_city_repeats_the_preparation_from_the_sealed_snapshot(lindenstadt, tmp_path):
    """By its id, an edition is compared with the book and computed from the register once more; nothing is left."""
    city = lindenstadt.copy(tmp_path / "city")
    called = city.call("verify", "who-lives-where/mitte@2026-01-15", "--here", "--json", language="en")
    document = json.loads(called.out)
    assert (called.code, document["verdict"]) == (0, "identical")
    assert "The preparation was repeated from the sealed snapshot, too." in document["notes"]
    assert list((city.root / "var" / "spool" / "verify").iterdir()) == []


def test_every_edition_offers_what_a_stranger_needs(lindenstadt):
    """Each has its zip with one copy of the library; the lock that was used is the city's."""
    lock = (lindenstadt.root / "requirements" / "runtime.lock").read_bytes()
    for one in zips(lindenstadt, 1000):
        with zipfile.ZipFile(one) as packed:
            names = [name.partition("/")[2] for name in packed.namelist()]
            top = packed.namelist()[0].partition("/")[0]
            assert packed.read(f"{top}/package/requirements.lock") == lock
        assert sum(name.endswith(".whl") for name in names) == 1
        assert {"edition.json", "ro-crate-metadata.json", "package/README.de.md"} <= set(names)
    assert len(list((lindenstadt.root / "public" / "packages").iterdir())) == 1
