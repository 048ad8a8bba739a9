"""The example in the help of every command, which `docs/reference/commands.md` shows, works in the built city."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from docs.test_commands import GOOD, MAIL, SHOWN_NUMBER, Reader, blocks, once, require_sandbox
from stories.conftest import lindenstadt

from stadtbuch.book import checkpoint
from stadtbuch.reports import editions

pytestmark = pytest.mark.slow

__all__ = ["lindenstadt", "once"]  # fixtures

PAGE = "docs/reference/commands.md"
SUBMISSIONS = "stadtbuch submission "
DEMO = "stadtbuch demo"
REASON = '"Ein ganzer Satz, der den Grund nennt."'
ENDS = {
    "stadtbuch doctor --public": 3,
    'stadtbuch book acknowledge --reason-de "…" --reason-en "…"': 2,
}
"""Examples that rightly end with another code: the made-up city is not to be public, and its book lacks nothing."""

NARROWER = {
    "stadtbuch build --jobs 2": "stadtbuch build how-does-the-city-cycle --jobs 2",
    "stadtbuch verify who-lives-where-mitte-2026-01-15.zip": "stadtbuch verify downloaded.zip --here",
    "stadtbuch report diff who-lives-where/mitte@2026-01-15 who-lives-where/mitte@2026-02-15": "stadtbuch report diff "
    "who-lives-where/mitte@2026-01-15 who-lives-where/hafen@2026-01-15",
}
"""What is typed instead of an example that would take long, or names what only a later month brings."""

BEFORE = {
    "submission rerun": [f"inspect {SHOWN_NUMBER}"],
    "submission reject": ["receive mail.eml", f"inspect {SHOWN_NUMBER}"],
    "submission withdraw": ["receive mail.eml"],
}
"""What happened to a submission before the example of a command is typed."""


def _examples(root: Path, *, submissions: bool) -> list[str]:
    lines = [
        line for block in blocks(root / PAGE) if block.language == "sh" for line in block.content.splitlines()
    ]
    return [line for line in lines if line.startswith(SUBMISSIONS) == submissions]


@pytest.fixture
def reader(
    root: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reader:
    """Give somebody who sits in a copy of the built city, a mail and a notebook at hand."""
    request.getfixturevalue("lindenstadt").copy(tmp_path / "city")
    for name, content in {**MAIL, "my-notebook.ipynb": GOOD}.items():
        (tmp_path / "city" / name).write_bytes(content)
    zip_of_mitte = tmp_path / "city/public/reports/who-lives-where/mitte/2026-01-15/package.zip"
    shutil.copyfile(zip_of_mitte, tmp_path / "city" / "downloaded.zip")
    signed = (tmp_path / "city" / "public" / "reports").rglob(editions.CHECKPOINT)
    by_size = sorted(signed, key=lambda path: checkpoint.read(path.read_bytes()).checkpoint.size)
    for name, path in (("earlier.txt", by_size[0]), ("later.txt", by_size[-1])):
        shutil.copyfile(path, tmp_path / "city" / name)
    monkeypatch.chdir(tmp_path / "city")
    return Reader(root, capsys, request.getfixturevalue("once"), {})


def _type(reader: Reader, line: str) -> None:
    for step in BEFORE.get(" ".join(shlex.split(line)[1:3]), ()):
        reader.say(SUBMISSIONS + step)
    typed = NARROWER.get(line, line).replace('"…"', REASON)
    reader.say(f"{typed}   # code {ENDS.get(line, 0)}")


def test_the_example_of_every_command_works(root: Path, reader: Reader, lindenstadt: Any) -> None:
    """Typed one after the other, each ends with 0 unless it is said above why not."""
    lines = _examples(root, submissions=False)
    assert DEMO in lines and lindenstadt.demo.code == 0  # the city was built by it
    for line in lines:
        if line != DEMO:
            _type(reader, line)


def test_the_examples_about_submissions_work(root: Path, reader: Reader) -> None:
    """From receipt to decision, in the order of the page."""
    require_sandbox()
    for line in _examples(root, submissions=True):
        _type(reader, line)
