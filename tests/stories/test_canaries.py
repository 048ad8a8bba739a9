"""
Nothing of closed data is where it does not belong: not in pages, editions, logs, book, nor in what a command says.

The made-up city has a mark in every closed column (``truth/privacy.json``) and thousands of names. All of them are
searched in every byte, also inside Parquet, gzip, zip and SQLite, and after commands that fail on purpose.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders.city import a_manifest
from builders.reports import START, write_notebook, write_report

pytestmark = pytest.mark.slow

REGISTER = "population.residents"
ALLOWED = ("var/store/", "var/runs/", "data/", "truth/", "synthetic.yaml")
"""The source itself, the traps and their truth, and the two private places of snapshots and runs."""

SHORTEST = 8
SAMPLE = 40
"""Every 40th person: each name costs a search through all bytes."""

READ = f"people = city.load('{REGISTER}')\nnotes = people['register_note'].dropna()"
FAILS = (
    "raise ValueError('; '.join(notes) + str(people['age'].max()) + ', '.join(people['person_id'].head()))"
)
PRINTS = "print(people[people['register_note'].notna()].to_string())"
DECLARED = a_manifest(
    purpose="address-check",
    risk="high",
    inputs={REGISTER: {"columns": ["borough", "age", "person_id", "register_note"]}},
)
COMMANDS = [
    ("de", ("run", "notebooks/fails.ipynb"), 1),
    ("en", ("check", "notebooks/fails.ipynb", "--json"), 1),
    ("de", ("check", "notebooks/prints.ipynb"), 3),
    ("en", ("check", "notebooks/prints.ipynb", "--json"), 3),
    ("de", ("build", "fails", "prints"), 1),
    ("en", ("build", "prints", "--json"), 3),
    ("en", ("book", "show", "--json"), 0),
]


@dataclass(frozen=True)
class Needle:
    """A value in every way in which it may be written; a number only where it stands alone."""

    forms: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def search(self, data: bytes) -> bool:
        """Tell whether it is there; the pattern is slow, and decides only where one of the forms is."""
        return any(form in data for form in self.forms) and self.pattern.search(data) is not None


def needle(text: str) -> Needle:
    """Search a value however it may be written."""
    forms = {
        text,
        json.dumps(text)[1:-1],
        html.escape(text),
        text.encode("ascii", "xmlcharrefreplace").decode(),
    }
    written = {form.encode() for form in forms} | {text.encode("utf-16-le"), text.encode("cp1252", "replace")}
    pattern = b"|".join(re.escape(one) for one in sorted(written))
    alone = rb"(?<![\w.])(?:" + pattern + rb")(?!\w|\.\d)" if text.isdigit() else pattern
    return Needle(tuple(sorted(written)), re.compile(alone))


def content(path: Path) -> Iterator[bytes]:
    """Give the bytes of a file, and of what is packed in it."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:4] == b"PAR1":
        table = pq.read_table(path)
        yield "\n".join(map(str, table.to_pylist())).encode()
        yield repr(table.schema.metadata).encode()
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())
    elif data[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
            yield "\n".join(book.iterdump()).encode()


def found(root: Path, values: Iterable[str]) -> set[tuple[str, str]]:
    """Give every file that holds a value, except where it may be: by name or by content."""
    needles = {value: needle(value) for value in values}
    hits, known = set(), {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or name.startswith(ALLOWED):
            continue
        for data in (name.encode(), *content(path)):
            place = sha256(data).digest()  # an edition's files stand in the archive, on the pages and in zips
            if place not in known:
                known[place] = [value for value, one in needles.items() if one.search(data)]
            hits |= {(name, value) for value in known[place]}
    return hits


def canaries(root: Path) -> list[str]:
    """Give the mark of every closed column."""
    told = json.loads((root / "truth" / "privacy.json").read_text(encoding="utf-8"))["canaries"]
    marks = [str(value) for columns in told.values() for value in columns.values()]
    assert len(marks) == 62
    return marks


def names(root: Path) -> list[str]:
    """Give the names of a sample of persons."""
    table = pq.read_table(root / "data" / "population" / "residents.parquet", columns=["full_name"])
    told = sorted({name for name in table.column("full_name").to_pylist()[::SAMPLE] if len(name) >= SHORTEST})
    assert len(told) > 100
    return told


@pytest.fixture(scope="module")
def spoiled(lindenstadt, tmp_path_factory):
    """Give a copy in which notebooks failed on purpose, and what the commands said."""
    city = lindenstadt.copy(tmp_path_factory.mktemp("canaries") / "city")
    for name, last in (("fails", FAILS), ("prints", PRINTS)):
        write_notebook(city.root, name, START, READ, last, manifest=DECLARED)
        write_report(city.root, name)
    said = {}
    for language, arguments, code in COMMANDS:
        called = city.call(*arguments, language=language)
        assert called.code == code, (arguments, called)
        said[arguments] = called.out + called.err
    return city, said


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("public/plain.html", bytes),
        ("var/log/old.gz", gzip.compress),
        ("var/spool/wide.txt", lambda data: data.decode().encode("utf-16-le")),
        ("var/editions/escaped.json", lambda data: json.dumps(data.decode()).encode()),
        ("public/reports/escaped.html", lambda data: data.decode().encode("ascii", "xmlcharrefreplace")),
    ],
)
def test_the_search_finds_what_is_planted(tmp_path, name, pack):
    """Plain, compressed, escaped, in another encoding: otherwise finding nothing would mean nothing."""
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(pack("… Jürgen Ölßner …".encode()))
    assert found(tmp_path, ["Jürgen Ölßner", "Jürgen Anders"]) == {(name, "Jürgen Ölßner")}


def test_the_search_finds_what_is_packed(tmp_path, lindenstadt):
    """In a Parquet file, in the book, in a file's name; a number only where it stands alone."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "Quendel-77.csv").write_bytes(b"a;1234567.5\nb;91234567\n")
    (tmp_path / "public" / "number.csv").write_bytes(b"a;1234567\n")
    source = lindenstadt.root / "data" / "population" / "residents.parquet"
    (tmp_path / "public" / "rows.parquet").write_bytes(source.read_bytes())
    with closing(sqlite3.connect(tmp_path / "book.sqlite")) as book:
        book.execute("create table entries (details text)")
        book.execute("insert into entries values (?)", ("x" * 9000 + " Quendel-77",))
        book.commit()
    note = canaries(lindenstadt.root)[2]
    assert note.startswith("Kanarienvermerk")
    assert found(tmp_path, ["Quendel-77", "1234567", note]) == {
        ("public/Quendel-77.csv", "Quendel-77"),
        ("public/number.csv", "1234567"),
        ("book.sqlite", "Quendel-77"),
        ("public/rows.parquet", note),
    }


def test_the_marks_are_in_the_source(lindenstadt):
    """The search finds what it looks for where it must be: every mark of the register."""
    told = json.loads((lindenstadt.root / "truth" / "privacy.json").read_text(encoding="utf-8"))["canaries"]
    data = b"\n".join(content(lindenstadt.root / "data" / "population" / "residents.parquet"))
    for column, value in told[REGISTER].items():
        if column not in ("reference_date", "arrived"):
            assert needle(str(value)).search(data), column


def test_no_mark_of_a_closed_column_is_anywhere_else(lindenstadt):
    """Not in public/, var/log, var/editions, var/derived, var/spool, the book, nor in what the demo said."""
    marks = canaries(lindenstadt.root)
    assert found(lindenstadt.root, marks) == set()
    said = lindenstadt.demo.out + lindenstadt.demo.err
    assert [mark for mark in marks if needle(mark).search(said)] == []


def test_no_name_is_anywhere_else(lindenstadt):
    """The names of a sample of persons; and no pseudonym either."""
    people = names(lindenstadt.root)
    assert found(lindenstadt.root, people) == set()
    said = lindenstadt.demo.out + lindenstadt.demo.err
    assert [name for name in people if needle(name).search(said)] == []
    for folder in ("public", "var/editions", "var/derived", "var/log"):
        for path in (lindenstadt.root / folder).rglob("*"):
            assert not (path.is_file() and re.search(rb"psn_[a-z2-7]{20}", path.read_bytes())), path.name


def test_everything_that_is_searched_is_there(lindenstadt):
    """The places exist and are not empty, so that the search had something to read."""
    for folder in ("public", "var/log", "var/editions", "var/derived", "var/runs", "var/store"):
        assert any(path.is_file() for path in (lindenstadt.root / folder).rglob("*")), folder
    assert (lindenstadt.root / "var" / "book.sqlite").stat().st_size > 0


def test_failing_commands_say_nothing_of_it(spoiled):
    """Neither the error that quotes notes nor the printed rows come through, in either language or as JSON."""
    city, said = spoiled
    values = [*canaries(city.root), *names(city.root)]
    for command, text in said.items():
        assert [value for value in values if needle(value).search(text)] == [], command
        assert b"Traceback" not in text
        assert not re.search(rb"psn_[a-z2-7]{8}", text)


def test_failing_commands_leave_nothing_of_it(spoiled):
    """Log, book, editions and pages stay clean; what was printed and raised is in the private run only."""
    city, _ = spoiled
    assert found(city.root, [*canaries(city.root), *names(city.root)]) == set()
    runs = [path for path in (city.root / "var" / "runs").rglob("*") if path.is_file()]
    note = needle(canaries(city.root)[2])
    assert any(note.search(path.read_bytes()) for path in runs if path.suffix == ".ipynb")
    for path in runs:
        assert path.stat().st_mode & 0o077 == 0 or path.parents[0].stat().st_mode & 0o077 == 0
