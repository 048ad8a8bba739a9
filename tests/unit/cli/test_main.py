"""The command line: quick to start, bilingual, sentences instead of tracebacks, stable exit codes."""

import importlib
import json
import os
import subprocess
import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer

from stadtbuch import cli, errors
from stadtbuch.cli import context, main
from stadtbuch.cli.main import DOORS, Door
from stadtbuch.errors import StadtbuchError, UsageError
from stadtbuch.texts import Text

LIB = str(Path(cli.__file__).parents[2])
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def door(monkeypatch):
    """Give a way to stand a function behind the command ``try``."""

    def stand(function):
        module = types.ModuleType("stadtbuch.cli.trial")
        module.trial = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        text = Text(de="Ein Versuch.", en="A trial.")
        monkeypatch.setitem(DOORS, "try", Door("stadtbuch.cli.trial:trial", text, "stadtbuch try"))

    return stand


def called(capsys, *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process: exit code, stdout, stderr."""
    code = main.main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def process(*arguments: str, code: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line, or a piece of Python, in a process of its own."""
    program = ["-c", code] if code else ["-m", "stadtbuch"]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        env={"PYTHONPATH": LIB, "PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


HELP = """
import sys
from stadtbuch.cli.main import main
main(["--help"])
heavy = ("pandas", "geopandas", "numpy", "altair", "papermill", "intake", "rich", "yaml")
commands = [name for name in sys.modules if name.startswith("stadtbuch.cli.")]
print("loaded", [name for name in heavy if name in sys.modules], *sorted(commands))
"""


def test_help_loads_nothing_heavy():
    """The first answer comes at once, because no command is imported for it."""
    shown = process(code=HELP)
    own = "stadtbuch.cli.context stadtbuch.cli.main stadtbuch.cli.speech"
    assert shown.stdout.splitlines()[-1] == f"loaded [] {own}"
    assert all(f"  {name} " in shown.stdout for name, one in DOORS.items() if not one.hidden)


def test_help_is_in_the_readers_language():
    """Headings, sentences and examples; hidden commands are not listed."""
    german, english = process("--help"), process("--help", STADTBUCH_LANGUAGE="en")
    assert "Aufruf: stadtbuch [OPTIONEN] BEFEHL" in german.stdout
    assert "Zeigt und prüft das Buch der Stadt." in german.stdout
    assert "Usage: stadtbuch [OPTIONS] COMMAND" in english.stdout
    assert "Show and verify the city's book." in english.stdout
    assert "  synthetic " not in german.stdout + english.stdout
    assert (german.returncode, german.stderr) == (0, "")


def test_no_command_at_all_shows_the_help(capsys):
    """Whoever types only the name learns what there is."""
    assert called(capsys) == called(capsys, "--help")


@pytest.mark.parametrize("name", DOORS)
def test_every_listed_command_exists(name):
    """A name in the help leads somewhere."""
    module, _, attribute = DOORS[name].target.partition(":")
    assert hasattr(importlib.import_module(module), attribute)


def every_command():
    """Give the path of every command and group that exists."""
    for name, one in DOORS.items():
        try:
            loaded = main.load(name, one)
        except StadtbuchError:
            continue
        yield (name,)
        yield from ((name, verb) for verb in getattr(loaded, "commands", {}))


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_every_command_has_help_with_an_example(capsys, path):
    """PRODUCT: every command has --help with an example."""
    code, out, err = called(capsys, *path, "--help")
    assert (code, err) == (0, "")
    example = out.split("Beispiel:")[1].split("Optionen:")[0].strip()
    assert example.startswith(f"stadtbuch {' '.join(path)}")


def test_a_plain_function_becomes_a_command(capsys, door):
    """A module needs no more than a function with typed parameters."""
    door(lambda: print("done"))
    assert called(capsys, "try") == (0, "done\n", "")


@pytest.mark.parametrize(
    "kind",
    [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, StadtbuchError)],
)
def test_an_error_ends_in_sentences_and_its_exit_code(capsys, door, kind):
    """On stderr, nothing on stdout, no traceback."""

    def fail() -> None:
        raise kind("demo.code", Text(de="Das geht nicht.", en="No."), remedy=Text(de="Anders.", en="Other."))

    door(fail)
    assert called(capsys, "try") == (kind.exit_code, "", "Das geht nicht.\nWas tun? Anders.\n")


def test_an_error_speaks_english_where_the_reader_does(capsys, door, monkeypatch):
    """One switch for everything a process says."""
    monkeypatch.setenv("STADTBUCH_LANGUAGE", "en")
    assert called(capsys, "nonsense")[2].startswith("“stadtbuch” needs to be followed by a command")


def test_an_error_is_one_json_document_if_asked(capsys, door):
    """On stdout, so that a machine reads either the answer or the error from the same place."""

    def fail(*, as_json: context.JsonOption = False) -> None:
        raise UsageError("demo.code", Text(de="Grüße [rot]", en="x"))

    door(fail)
    code, out, err = called(capsys, "try", "--json")
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["code"] == "demo.code"
    assert "Grüße [rot]" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], "usage.unknown-command"),
        (["book"], "usage.unknown-command"),
        (["book", "nonsense"], "usage.unknown-command"),
        (["--nonsense"], "usage.unknown-option"),
        (["book", "show", "--nonsense"], "usage.unknown-option"),
        (["book", "show", "--knd", "x"], "usage.unknown-option"),
        (["book", "show", "--last"], "usage.value-missing"),
        (["book", "show", "--last", "Erika"], "usage.invalid"),
        (["book", "show", "--last", "0"], "usage.invalid"),
        (["book", "show", "Erika"], "usage.extra-argument"),
    ],
)
def test_a_slip_of_the_pen_is_a_usage_error(capsys, arguments, code):
    """Exit code 2, a German sentence with advice, also as JSON; the given value is not repeated."""
    exit_code, out, err = called(capsys, *arguments)
    assert (exit_code, out) == (2, "")
    assert "Was tun?" in err
    assert "Erika" not in err
    if arguments[-1] not in ("--last", "book"):  # which would take --json for themselves
        exit_code, out, err = called(capsys, *arguments, "--json")
        assert (exit_code, err, json.loads(out)["error"]["code"]) == (2, "", code)


def test_a_similar_option_is_suggested(capsys):
    """The nearest name is the likeliest."""
    assert "Meinten Sie --kind?" in called(capsys, "book", "show", "--knd", "x")[2]


def test_a_missing_argument_is_named(capsys, door):
    """By the name that the help uses."""

    def needs(notebook: str) -> None:
        raise AssertionError

    door(needs)
    code, _, err = called(capsys, "try")
    assert (code, err.splitlines()[0]) == (2, "Es fehlt NOTEBOOK.")


def test_json_after_two_dashes_is_no_option(capsys, door):
    """What follows ``--`` belongs to the command."""

    def fail(words: list[str]) -> None:
        raise UsageError("demo.code", Text(de="Nein.", en="No."))

    door(fail)
    assert called(capsys, "try", "--", "--json") == (2, "", "Nein.\n")


def test_an_unexpected_error_shows_type_and_place_only(capsys, door):
    """Its message, which may hold data, and the frames stay out of sight."""

    def break_down() -> None:
        context.moment("2026-01-15", zone=None).replace(tzinfo="Erika Mustermann")

    door(break_down)
    code, out, err = called(capsys, "try")
    assert (code, out) == (1, "")
    assert "TypeError" in err
    assert "Traceback" not in err
    assert "Mustermann" not in err


def test_an_unexpected_error_names_the_line_of_the_library():
    """Whoever reports it can be helped."""

    def break_down() -> None:
        context.explained(None, example="x")

    with pytest.raises(AttributeError) as caught:
        break_down()
    error = main._unexpected(caught.value).as_dict("en")
    assert error["code"] == "internal.error"
    assert "AttributeError in stadtbuch/cli/context.py:" in error["text"]
    assert main._place(ValueError("never raised")) == "?"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, typer.Abort])
def test_an_interrupted_command_says_so(capsys, door, kind):
    """Ctrl-C is exit code 1 and a sentence."""

    def interrupted() -> None:
        raise kind

    door(interrupted)
    code, out, err = called(capsys, "try")
    assert (code, out, err.splitlines()[0]) == (1, "", "Abgebrochen.")


def test_a_command_can_answer_and_refuse(capsys, door):
    """A check prints its findings and ends with 3."""

    def refuse() -> None:
        context.answer({"decision": "refuse"}, as_json=True, human=print)
        raise typer.Exit(3)

    door(refuse)
    assert called(capsys, "try") == (3, '{"decision": "refuse"}\n', "")


def test_a_command_of_a_broken_installation_is_a_sentence(capsys, monkeypatch):
    """A listed command whose module is missing is not a traceback."""
    for target in ("stadtbuch.cli.nowhere:app", "stadtbuch.cli.main:nothing"):
        monkeypatch.setitem(DOORS, "try", Door(target, Text(de="x", en="x"), "stadtbuch try"))
        code, _, err = called(capsys, "try")
        assert (code, err.splitlines()[0]) == (1, "Der Befehl try fehlt in dieser Installation.")


def test_a_module_that_cannot_be_imported_is_not_called_missing(capsys, monkeypatch, tmp_path):
    """A missing dependency is another mistake than a missing command."""
    (tmp_path / "trial_module.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(DOORS, "try", Door("trial_module:app", Text(de="x", en="x"), "stadtbuch try"))
    assert "ModuleNotFoundError" in called(capsys, "try")[2]


ANSWERS = """
import sys
from stadtbuch.cli import context, main
class Answers:
    def main(self, *_, **__):
        context.answer("x" * 100_000, as_json=True, human=print)
main.command = Answers
sys.exit(main.main(["x"]))
"""


@pytest.mark.parametrize(
    "program", [["-m", "stadtbuch", "--help"], ["-m", "stadtbuch", "nonsense", "--json"], ["-c", ANSWERS]]
)
def test_a_reader_that_hangs_up_is_no_error(program):
    """A pipe that nobody reads any more (``| head``) ends the command without words."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, *program],
        env={"PYTHONPATH": LIB, "PATH": os.environ["PATH"]},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_json_is_utf8_whatever_the_terminal_says(tmp_path):
    """An old locale does not break a document or a sentence."""
    shown = process("book", "verify", "--city", str(tmp_path), "--json", PYTHONIOENCODING="ascii")
    assert json.loads(shown.stdout)["error"]["text"].startswith("Hier ist keine Stadt")
    assert "für" not in shown.stderr


def test_the_version_is_shown(capsys):
    """One line for reports of mistakes."""
    code, out, err = called(capsys, "--version")
    assert (code, err, len(out.splitlines())) == (0, "", 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-15", "2026-01-15T00:00:00+01:00"),
        ("2026-07-15T08:30", "2026-07-15T08:30:00+02:00"),
        ("2026-07-15T08:30:00Z", "2026-07-15T10:30:00+02:00"),
        ("2026-10-25T02:30", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_now_is_read_in_the_zone_of_the_city(given, expected):
    """A date is its midnight; an offset is converted; a doubled hour is the first of the two."""
    assert context.moment(given, zone=BERLIN).isoformat() == expected


@pytest.mark.parametrize(
    "given", ["", "yesterday", "2026-02-30", "15.01.2026", "0001-01-01", "2026-03-29T02:30"]
)
def test_now_that_is_no_time_is_a_usage_error(given):
    """Also an hour that the clocks jump over."""
    with pytest.raises(UsageError) as caught:
        context.moment(given, zone=BERLIN)
    assert caught.value.code == "usage.now"


def test_without_now_the_clock_tells():
    """In the zone of the city."""
    before = datetime.now(UTC)
    told = context.moment(None, zone=BERLIN)
    assert before <= told <= datetime.now(UTC)
    assert told.tzinfo == BERLIN


def test_human_answers_know_no_markup(capsys):
    """A title with square brackets is printed as it is, and long ids are not cut in a pipe."""
    title = "Zählung [rot] :smile: " + "x" * 150
    context.answer(None, as_json=False, human=lambda console: console.print(title))
    assert capsys.readouterr().out == title + "\n"


def test_progress_goes_to_stderr(capsys):
    """Nothing but the answer is on stdout."""
    context.narrator().print("2 of 3")
    assert capsys.readouterr() == ("", "2 of 3\n")
