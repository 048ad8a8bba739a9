"""
Bad input: each kind has its own code, exit code and sentence in both languages, and nothing is lost.

Every case is a copy of one city that was built and approved, with one thing broken; the real command line is
called three times (German, English, JSON), and afterwards archive, pages and book are as they were.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders.city import CANARY, Made, a_dataset, a_manifest, a_notebook, default_datasets, write_catalogue
from builders.reports import HEADLINE, START, TABLE, a_publishing_city, write_open_report

from stadtbuch import settings
from stadtbuch.atomic import digest
from stadtbuch.book.ledger import Book
from stadtbuch.cli import main
from stadtbuch.state import State

pytestmark = pytest.mark.slow

FIRST, SECOND = "2026-01-15T02:00", "2026-01-16T02:00"
LIB = str(Path(main.__file__).parents[2])
GEOGRAPHY = "catalogs/geography.yaml"
AT_SECOND = ("--now", SECOND)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Build a city with an open report and one from the closed register, and approve the latter."""
    made = a_publishing_city(tmp_path_factory.mktemp("good") / "city")
    parameters = {"year": {"type": "integer", "label": {"de": "Jahr", "en": "Year"}}}
    manifest = a_manifest(parameters=parameters)
    a_notebook(made.root, "year", manifest=manifest, parameters="year = 2025", name="yearly")
    where = ("--city", str(made.root), "--now", FIRST)
    assert main.main(["build", "--jobs", "2", *where]) == 0
    assert main.main(["report", "approve", "people", "--as", "head-of-statistics", *where]) == 0
    return made


@pytest.fixture
def city(built: Made, tmp_path: Path) -> Made:
    """Give a copy that may be broken."""
    folder = tmp_path / "city"
    shutil.copytree(built.root, folder)
    return Made(folder, settings.read(folder))


def memory(city: Made) -> dict[str, Any]:
    """Give what must not be lost: hashes of archive and pages, and the book's entries."""
    files = {
        path.relative_to(city.root).as_posix(): digest(path.read_bytes())
        for folder in ("var/editions", "var/derived", "public")
        for path in sorted((city.root / folder).rglob("*"))
        if path.is_file()
    }
    book = Book(city.root / "var/book.sqlite", key=State.open(city.root / "var").key)
    entries = [json.dumps(entry.model_dump(mode="json")) for entry in book.entries()]
    assert files
    assert entries
    return {"files": files, "entries": entries}


def assert_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    """
    Compare what must not be lost.

    The book may have got entries about data that were read or measured. Only the pages that tell what the catalogue
    and the deliveries are like today may do so: those of the datasets that are asked for or no longer read, the
    register with the grants, the figures of the process, the list of files; and the checkpoint, which stands for the
    book as it is now.
    """
    names = [name for name in before["files"] if before["files"][name] != after["files"].get(name)]
    today = [
        f"public/{page}/index{ending}.html"
        for page in (
            "datasets/geography.boroughs", "datasets/population.residents", "registers/withheld", "registers/process"
        )
        for ending in ("", ".en")
    ]  # fmt: skip
    assert set(names) <= {
        *today, "public/site.json", "public/book/checkpoint.txt", "public/registers/process/process.json"
    }  # fmt: skip
    assert set(after["files"]) == set(before["files"])
    assert after["entries"][: len(before["entries"])] == before["entries"]
    assert {json.loads(one)["kind"] for one in after["entries"][len(before["entries"]) :]} <= {
        "loaded",
        "measured",
    }


# ---- the ways to break a city ---------------------------------------------------------------------------


def replace(root: Path, file: str, old: str, new: str) -> None:
    """Change a text in a file; that it is there is part of the promise."""
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def without_access(root: Path) -> None:
    """Leave out whether a dataset is open."""
    write_catalogue(root, default_datasets() | {"geography.boroughs": a_dataset(access="open") | {}})
    text = (root / GEOGRAPHY).read_text(encoding="utf-8")
    (root / GEOGRAPHY).write_text(re.sub(r"    access:\n      class: open\n", "", text), encoding="utf-8")


def in_another_encoding(root: Path) -> None:
    """Deliver the open file as Windows writes it, with a mark in the line that cannot be read."""
    (root / "data/boroughs.csv").write_bytes(f"borough;area\n01;1\nKöln {CANARY};3\n".encode("cp1252"))


def nothing(root: Path) -> None:
    """Change nothing: the arguments alone are wrong."""


@dataclass(frozen=True)
class Case:
    """One way to break a city: what is done, what is called, how it ends, what the answer names."""

    name: str
    spoil: Callable[[Path], Any]
    code: str
    exit_code: int
    place: str
    arguments: tuple[str, ...] = ("build", *AT_SECOND)
    help_de: str = ""
    help_en: str = ""


CASES = [
    Case(
        "missing access block", without_access, "catalog.access-missing", 3,
        "datasets.boroughs.access", help_de="schreiben Sie access:", help_en="write access:",
    ),
    Case(
        "unknown key", lambda root: replace(root, GEOGRAPHY, "    owner:", "    keywrod: x\n    owner:"),
        "catalog.key-unknown", 3, f"{GEOGRAPHY}:", help_de="meinten Sie keyword?", help_en="did you mean keyword?",
    ),
    Case(
        "duplicate key", lambda root: replace(root, GEOGRAPHY, "    owner:", "    owner: x\n    owner:"),
        "catalog.key-twice", 3, "datasets.boroughs.owner", help_de="Behalten Sie nur eine",
        help_en="Keep only one",
    ),
    Case(
        "reader not on the list", lambda root: replace(root, GEOGRAPHY, "reader: csv", "reader: pickle"),
        "catalog.reader-unknown", 3, "datasets.boroughs.source.reader", help_de="erlaubt: parquet, csv",
        help_en="allowed: parquet, csv",
    ),
    Case(
        "catalogue that is no YAML", lambda root: (root / GEOGRAPHY).write_text("datasets: [a\n  b: }\n"),
        "catalog.not-yaml", 3, f"{GEOGRAPHY}:2", help_de="Prüfen Sie Einrückung", help_en="Check indentation",
    ),
    Case(
        "dataset file missing", lambda root: (root / "data/boroughs.csv").unlink(), "source.missing", 1,
        "geography.boroughs", help_de="Legen Sie die Datei dorthin", help_en="Put the file there",
    ),
    Case(
        "wrong encoding", in_another_encoding, "source.encoding", 1, "boroughs.csv",
        help_de="encoding: cp1252", help_en="encoding: cp1252",
    ),
    Case(
        "unknown parameter", nothing, "parameter.unknown", 2, "yaer",
        ("run", "notebooks/yearly.ipynb", "-p", "yaer=2025", *AT_SECOND), "meinten Sie year?", "did you mean year?",
    ),
    Case(
        "wrong parameter type", nothing, "parameter.type", 2, "year",
        ("run", "notebooks/yearly.ipynb", "-p", "year=soon", *AT_SECOND), "ganze Zahl", "whole number",
    ),
    Case(
        "purpose missing",
        lambda root: replace(root, "notebooks/people.prepare.ipynb", "  purpose: age-structure\\n", ""),
        "access.no-purpose", 4, "population.residents", help_de="purpose:", help_en="purpose:",
    ),
    Case(
        "grant expired", lambda root: replace(root, "catalogs/population.yaml", "'2027-12-31'", "'2026-01-15'"),
        "access.grant-expired", 4, "population.residents", help_de="grants:", help_en="grants:",
    ),
    Case(
        "manifest that is no YAML",
        lambda root: replace(root, "notebooks/people.prepare.ipynb", "stadtbuch:\\n", "stadtbuch: [\\n"),
        "manifest.not-yaml", 1, "notebooks/people.prepare.ipynb:", help_de="Berichtigen Sie die erste Zelle",
        help_en="Correct the first cell",
    ),
    Case(
        "empty settings", lambda root: (root / "stadtbuch.toml").write_text(""), "settings.invalid", 2,
        "stadtbuch.toml", help_de="docs/reference/settings.md", help_en="docs/reference/settings.md",
    ),
]  # fmt: skip


# ---- calling the command line ---------------------------------------------------------------------------


def told(document: dict[str, Any]) -> tuple[str, str]:
    """Give the codes of an answer: of the error, and of its first single mistake (or the same)."""
    errors = [document["error"]] if "error" in document else []
    errors += [run["error"] for run in document.get("runs", ()) if run.get("error")]
    (error,) = errors
    problems = [one["code"] for one in error["problems"]]
    assert error["text"]
    assert error["remedy"] or all(one["remedy"] for one in error["problems"])
    return error["code"], problems[-1] if problems else error["code"]


def spoken(capsys, city: Made, case: Case, language: str) -> str:
    """Call the command in a language; check how it ends, give everything it said."""
    os.environ["STADTBUCH_LANGUAGE"] = language
    try:
        code = main.main([*case.arguments, "--city", str(city.root)])
    finally:
        del os.environ["STADTBUCH_LANGUAGE"]
    said = capsys.readouterr()
    assert code == case.exit_code
    return said.out + said.err


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_is_told_and_nothing_is_lost(capsys, city, case):
    """Exit code, own code, place and remedy in both languages; no traceback, no value; the old state stays."""
    before = memory(city)
    case.spoil(city.root)
    de, en = spoken(capsys, city, case, "de"), spoken(capsys, city, case, "en")
    assert case.place in de
    assert case.place in en
    assert de != en
    assert case.help_de in de
    assert case.help_en in en
    assert main.main([*case.arguments, "--city", str(city.root), "--json"]) == case.exit_code
    captured = capsys.readouterr()
    assert case.code in told(json.loads(captured.out))
    for text in (de, en, captured.out, captured.err):
        assert "Traceback" not in text
        assert CANARY not in text
        assert "internal.error" not in text
        assert str(city.root) not in text
    assert_kept(before, memory(city))


def test_every_kind_of_bad_input_has_its_own_code():
    """Machines can tell them apart."""
    codes = [case.code for case in CASES]
    assert len(set(codes)) == len(codes)


def test_catalog_check_finds_the_same(capsys, city):
    """All mistakes at once, also without building."""
    without_access(city.root)
    replace(city.root, GEOGRAPHY, "reader: csv", "reader: pickle")
    assert main.main(["catalog", "check", "--city", str(city.root)]) == 3
    said = capsys.readouterr()
    assert "datasets.boroughs.access" in said.out + said.err
    assert "datasets.boroughs.source.reader" in said.out + said.err


def test_whatever_is_mended_builds_again_without_running_anything(capsys, city):
    """The failure leaves nothing behind that would have to be cleaned up."""
    good = (city.root / GEOGRAPHY).read_bytes()
    (city.root / GEOGRAPHY).write_text("datasets: [a\n  b: }\n")
    assert main.main(["build", *AT_SECOND, "--city", str(city.root)]) == 3
    (city.root / GEOGRAPHY).write_bytes(good)
    capsys.readouterr()
    assert main.main(["build", *AT_SECOND, "--city", str(city.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["executed"] == 0


# ---- the state folder -----------------------------------------------------------------------------------

BUSY = Case("second build", nothing, "state.busy", 1, "stadtbuch build", help_de="Warten Sie", help_en="Wait")
WAIT = (
    "import os, pathlib, time\n"
    "door = pathlib.Path(os.environ['STADTBUCH_RUN']).parents[2] / 'go'\n"
    "while not door.exists():\n    time.sleep(0.02)"
)


def test_a_second_build_at_the_same_time_is_told_who_is_first(capsys, city):
    """A real build in a second process: ours ends at once with code 1, the first one ends well."""
    write_open_report(city.root, "area", START, WAIT, HEADLINE, TABLE)
    settings = city.root / "stadtbuch.toml"
    behind = settings.read_text(encoding="utf-8")
    settings.write_text(f'{behind}\n[runs]\nwall = "none"\n', encoding="utf-8")  # it must see our sign
    before = memory(city)
    lock = city.root / "var" / "build.lock"
    lock.unlink()
    first = subprocess.Popen(
        [sys.executable, "-m", "stadtbuch", "build", *AT_SECOND, "--city", str(city.root)],
        env={**os.environ, "PYTHONPATH": LIB}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(lambda: lock.exists() and lock.read_bytes(), first)
        de, en = spoken(capsys, city, BUSY, "de"), spoken(capsys, city, BUSY, "en")
        assert main.main(["build", "--city", str(city.root), "--json"]) == 1
        assert told(json.loads(capsys.readouterr().out)) == ("state.busy", "state.busy")
        assert memory(city) == before
    finally:
        (city.root / "go").touch()
        out, err = first.communicate(timeout=60)
    assert (first.returncode, "Traceback" in out + err) == (0, False)
    for text, remedy in ((de, BUSY.help_de), (en, BUSY.help_en)):
        assert BUSY.place in text
        assert remedy in text
        assert str(first.pid) in text
    assert any(name.startswith("var/editions/area/_/2026-01-16/") for name in memory(city)["files"])


def until(condition: Callable[[], Any], process: subprocess.Popen) -> None:
    """Wait for something that another process does, as long as it lives."""
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


@pytest.mark.parametrize("arguments", [("build",), ("check", "area"), ("run", "notebooks/area.ipynb")])
def test_a_read_only_state_folder_is_told_and_stays_as_it_is(capsys, city, arguments):
    """Also for root, whom the system would let pass: taking the write bit away is meant."""
    before = memory(city)
    case = Case("read-only", nothing, "state.read-only", 1, "var", (*arguments, *AT_SECOND))
    (city.root / "var").chmod(0o500)
    try:
        de, en = spoken(capsys, city, case, "de"), spoken(capsys, city, case, "en")
        assert main.main([*case.arguments, "--city", str(city.root), "--json"]) == 1
        assert told(json.loads(capsys.readouterr().out)) == ("state.read-only", "state.read-only")
    finally:
        (city.root / "var").chmod(0o700)
    assert "var ist schreibgeschützt" in de
    assert "Was tun?" in de
    assert "var is read-only" in en
    assert "What to do?" in en
    assert "Traceback" not in de + en
    assert memory(city) == before
