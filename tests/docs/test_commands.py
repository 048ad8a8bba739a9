"""
Every command that stands on a page is run: whoever follows a page meets what the page says.

A page is read from top to bottom, as a person reads it. The line before a block may name a file in backticks; then
the block is that file (for a notebook: its next cell). A block of commands is run line by line, at a set time; a
comment behind a command may name another exit code than 0. A block of text behind commands is what they said.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.lab import kernel_in, server_in
from builders.serving import served
from builders.submissions import a_mail, a_submission, code, text
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from stories.conftest import lindenstadt  # noqa: F401 - the built city, shared with the stories

from stadtbuch.cli import main
from stadtbuch.errors import Refused
from stadtbuch.runs import box

pytestmark = pytest.mark.slow

NOW = "2026-01-15T09:00"
BLOCK = re.compile(r"(?:([^\n]+)\n\n?)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:file|Datei|cell of|Zelle von|[Ee]xample:|Beispiel:) `([\w./-]+\.(?:ipynb|csv|yaml))`")
CODE = re.compile(r"#.*\b[Cc]ode (\d)")
NUMBER, SECRET = re.compile(r"SB-\d{4}-\w{4}-\w{4}"), re.compile(r"^    (\S{12,})$", re.MULTILINE)
SHOWN_NUMBER, SHOWN_SECRET = "SB-2026-7K3M-Q2TD", "4F7…"
GOOD = a_submission(
    text("# Wo wird das Rad gezählt?"),
    code(
        'import stadtbuch as sb\n\ncity = sb.city()\ncounters = city.load("mobility.bicycle_counters")\ncounters'
    ),
)


@dataclass(frozen=True)
class Place:
    """Where the commands of a page are typed, in which language, and what lies there already."""

    city: bool = True
    language: str = "en"
    files: Mapping[str, bytes] = field(default_factory=dict)
    sandbox: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)
    """What is typed instead of a line that would take long: a whole build judges every page once more."""


HOME = Place(city=False)
ONE_REPORT = {"stadtbuch build": "stadtbuch build how-does-the-city-cycle"}
MAIL = {"mail.eml": a_mail(("counting.ipynb", GOOD))}
PAGES: dict[str, Place] = {
    "README.md": HOME,
    "docs/how-to/purpose.md": Place(),
    "docs/how-to/review.md": Place(),
    "docs/how-to/budget.md": Place(),
    "docs/how-to/differencing.md": Place(),
    "docs/how-to/new-city.md": HOME,
    "docs/how-to/serve.md": Place(),
    "docs/how-to/schedule.md": Place(),
    "docs/how-to/when-it-fails.md": Place(),
    "docs/how-to/notification.md": Place(),
    "docs/how-to/matrix.md": Place(),
    "docs/how-to/send-in.md": Place(files=MAIL, sandbox=True, instead=ONE_REPORT),
    "docs/first-hour/analyst.md": Place(),
    "docs/first-hour/operator.md": Place(instead=ONE_REPORT),
    "docs/first-hour/steward.md": Place(),
    "docs/first-hour/citizen.md": HOME,
    "docs/erste-stunde/auswertung.md": Place(language="de"),
    "docs/erste-stunde/betrieb.md": Place(language="de", instead=ONE_REPORT),
    "docs/erste-stunde/datenpflege.md": Place(language="de"),
    "docs/erste-stunde/einsenden.md": Place(city=False, language="de"),
}
ELSEWHERE = {
    "docs/how-to/first-report.md": "tests/docs/test_guides.py::test_the_first_report_becomes_public",
    "docs/how-to/verify.md": "tests/stories/test_stranger.py::test_the_page_shows_what_is_called_here",
    "docs/how-to/hermetic.md": "tests/unit/runs/test_hermetic.py::test_the_command_of_the_page_works",
    "docs/how-to/cluster.md": "tests/unit/runs/test_cluster.py::test_the_commands_of_the_page_do_what_it_says",
    "docs/reference/commands.md": "tests/docs/test_examples.py::test_the_example_of_every_command_works",
    **dict.fromkeys(
        (f"docs/how-to/{name}.md" for name in ("keep", "checkpoints", "removal")),
        "tests/docs/test_keeping.py::test_the_commands_about_the_state_work",
    ),
}
"""Pages whose commands have a test of their own."""


@dataclass(frozen=True)
class Block:
    """A fenced block: the line before it, its language, its lines."""

    before: str
    language: str
    content: str

    @property
    def file(self) -> str:
        """Name the file that the block is, if it is one."""
        named = FILE.findall(self.before)
        return named[-1] if named and self.language in ("csv", "yaml", "markdown", "python") else ""


def blocks(page: Path) -> list[Block]:
    """Give the blocks of a page."""
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


def with_commands(root: Path) -> set[str]:
    """Name the pages with commands."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), root / "benchmarks" / "README.md"]
    return {
        page.relative_to(root).as_posix()
        for page in pages
        if any(block.language in ("sh", "bash", "shell", "console") for block in blocks(page))
    }


def twins(root: Path) -> dict[str, str]:
    """Give the pages that are a translation of another page, with that page."""
    german = {
        f"docs/anleitungen/{page.name}": f"docs/how-to/{page.name}"
        for page in root.glob("docs/anleitungen/*.md")
    }
    return {**german, "LIESMICH.md": "README.md"}


def test_no_page_is_left_out(root: Path) -> None:
    """A new page with commands says in this test where they are run."""
    assert with_commands(root) - set(twins(root)) == {*PAGES, *ELSEWHERE}


def test_a_translation_shows_the_commands_of_its_page(root: Path) -> None:
    """So one run proves both; wordings of answers may differ."""
    run = ("sh", "yaml", "toml", "python", "markdown", "csv")
    for german, english in twins(root).items():
        shown = [
            [(one.language, one.content) for one in blocks(root / page) if one.language in run]
            for page in (german, english)
        ]
        assert shown[0] == shown[1], german


def test_pages_that_are_run_elsewhere_are_run_there(root: Path) -> None:
    """Each other test that is named exists."""
    for named in ELSEWHERE.values():
        file, _, test = named.partition("::")
        assert f"def {test}(" in (root / file).read_text(encoding="utf-8")


LONG = ("docs/erste-stunde/auswertung.md", "docs/erste-stunde/betrieb.md", "docs/how-to/purpose.md")
"""Left to the campaign: the same first hours in English, and other pages on access, stand for them."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.long) if one in LONG else one for one in PAGES]
)
def test_the_commands_of_a_page_do_what_it_says(
    root: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    once: Callable[[str], bool],
    name: str,
) -> None:
    """Each command ends as the page says, and says what the page shows."""
    place = PAGES[name]
    if place.sandbox:
        require_sandbox()
    folder = tmp_path / "city"
    if place.city:
        request.getfixturevalue("lindenstadt").copy(folder)
    else:
        folder.mkdir()
    for file, content in place.files.items():
        (folder / file).write_bytes(content)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STADTBUCH_LANGUAGE", place.language)
    Reader(root, capsys, once, place.instead).read(blocks(root / name))


def require_sandbox() -> None:
    """Skip visibly where no sandbox can be opened."""
    try:
        box.require(bounded=False)
    except Refused as refusal:
        pytest.skip(
            f"no sandbox can be opened here, so the page about submissions was not run ({refusal.code})"
        )


@pytest.fixture(scope="module")
def once() -> Callable[[str], bool]:
    """Tell whether something is met for the first time: servers and make are asked once."""
    met: set[str] = set()

    def first(line: str) -> bool:
        new = line not in met
        met.add(line)
        return new

    return first


@dataclass
class Reader:
    """Somebody who follows a page: what was said last, and the receipt that they got."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    once: Callable[[str], bool]
    instead: Mapping[str, str]
    said: str = ""
    number: str = SHOWN_NUMBER
    secret: str = SHOWN_SECRET

    def read(self, page: list[Block]) -> None:
        """Do what the page says, from top to bottom."""
        cells = [block for block in page if block.language == "python" and not block.file]
        if cells:
            with kernel_in(Path.cwd(), STADTBUCH_LANGUAGE=os.environ["STADTBUCH_LANGUAGE"]) as kernel:
                self._follow(page, kernel)
        else:
            self._follow(page, None)

    def _follow(self, page: list[Block], kernel: Any) -> None:
        for block in page:
            if block.file:
                write(Path(block.file), block)
            elif block.language == "sh":
                self.said = "".join(self.say(line) for line in block.content.splitlines())
            elif block.language == "python":
                self.said = _words(kernel.run(block.content))
            elif block.language == "text":
                self._compare(block.content)

    def _compare(self, shown: str) -> None:
        """Find every line that the page shows in what was said; an ellipsis leaves something out."""
        said = _plain(self.said)
        for line in shown.splitlines():
            wanted = _plain(line).replace(SHOWN_NUMBER, self.number)
            for part in wanted.split("…"):
                assert part.strip() in said, f"the page shows: {part.strip()}\nsaid was: {self.said}"

    def say(self, line: str) -> str:
        """Type a line, check how it ends, and give what it said."""
        line = line.replace(SHOWN_NUMBER, self.number).replace(SHOWN_SECRET, self.secret)
        words = shlex.split(self.instead.get(line, line), comments=True)
        if not words:
            return ""
        if words[0] == "cd":
            os.chdir(words[1])
            return ""
        if words[0] == "make":
            return self._make(words)
        assert words[0] == "stadtbuch", line
        if words[1] in ("serve", "lab") and "--new" not in words:
            return self._serve(words[1]) if words[1] == "serve" else self._lab()
        return self._call(words[1:], line)

    def _call(self, arguments: list[str], line: str) -> str:
        found = CODE.search(line)
        expected = int(found[1]) if found else 0
        ended = main.main([*arguments, *timed(arguments)])
        answer = self.capsys.readouterr()
        assert ended == expected, f"{line}\nended with {ended}\n{answer.out}{answer.err}"
        if arguments[:2] == ["submission", "receive"]:
            self.number, self.secret = NUMBER.search(answer.out)[0], SECRET.search(answer.out)[1]
        return answer.out + answer.err

    def _make(self, words: list[str]) -> str:
        """Ask make what it would do: the targets themselves are tested where they belong."""
        if self.once(shlex.join(words)):
            planned = subprocess.run(
                ["make", "-n", *words[1:]], cwd=self.root, capture_output=True, text=True, check=False
            )
            assert planned.returncode == 0, planned.stderr
        return ""

    def _serve(self, command: str) -> str:
        """Start site and dashboards, see both answer, stop them."""
        if self.once(command):
            with served(Path.cwd()) as running:
                for address in (f"{running.site}/", *running.told["dashboards"].values()):
                    with urllib.request.urlopen(address) as answer:
                        assert answer.status == 200
            assert running.process.returncode == 0
        return ""

    def _lab(self) -> str:
        """Start JupyterLab, see the start notebook there, stop it."""
        if self.once("lab"):
            with server_in(Path.cwd()) as server:
                start = server.ask("/api/contents/notebooks/tutorials/start.ipynb?content=0")
                assert start["type"] == "notebook"
        return ""


def timed(arguments: list[str]) -> Iterator[str]:
    """Set the time of a command that knows it: pages do not age."""
    if "--now" not in arguments and "--now" in options(arguments):
        yield from ("--now", NOW)


def options(arguments: list[str]) -> set[str]:
    """Give the options of a command."""
    found: Any = main.load(arguments[0], main.DOORS[arguments[0]])
    for word in arguments[1:]:
        found = found.commands[word] if hasattr(found, "commands") else found
    return {option for one in found.params for option in one.opts}


def write(path: Path, block: Block) -> None:
    """Write a file as the page shows it; a notebook gets one cell more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".ipynb":
        path.write_text(block.content, encoding="utf-8")
        return
    notebook = nbformat.read(path, as_version=4) if path.exists() else new_notebook()
    if block.language == "python":
        notebook.cells.append(new_code_cell(block.content.strip()))
    else:
        fenced = f"```yaml\n{block.content}```" if block.language == "yaml" else block.content.strip()
        notebook.cells.append(new_markdown_cell(fenced))
    nbformat.write(notebook, path)


def _words(outputs: list[dict[str, Any]]) -> str:
    """Give all text of a cell's outputs."""
    return "\n".join(
        one.get("text") or one.get("data", {}).get("text/plain", "") or str(one) for one in outputs
    )


def _plain(words: str) -> str:
    return re.sub(r"\s+", " ", words).strip()
