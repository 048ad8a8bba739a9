"""The journal: a note that nobody holds any more was left by a command that ended in the middle."""

import fcntl
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from stadtbuch import journal
from stadtbuch.errors import Busy, StateError
from stadtbuch.texts import same

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)


def noted(folder, command="stadtbuch build"):
    """Hold a note."""
    return journal.noted(folder, command=command, now=NOW)


def test_a_note_is_held_and_goes_at_the_end(tmp_path):
    """While a command runs nobody takes it for interrupted; afterwards nothing is left."""
    with noted(tmp_path) as held:
        assert held.path.exists()
        assert journal.interrupted(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (Busy("x", same("x")), 0),
        (StateError("x", same("x")), 1),
        (OSError("x"), 1),
        (KeyboardInterrupt(), 1),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_error_in_the_middle_leaves_the_note(tmp_path, error, left):
    """A refusal left everything as it was; a broken disk or Ctrl-C perhaps did not."""
    with pytest.raises(type(error)), noted(tmp_path):
        raise error
    assert [one.command for one in journal.interrupted(tmp_path)] == ["stadtbuch build"] * left


def test_a_killed_command_leaves_its_note(tmp_path):
    """It says which command it was and since when, and is forgotten once all is finished."""
    program = (
        "import os, sys, pathlib, datetime\nfrom stadtbuch import journal\n"
        "now = datetime.datetime(2026, 1, 15, 8, tzinfo=datetime.timezone.utc)\n"
        "with journal.noted(pathlib.Path(sys.argv[1]), command='stadtbuch build', now=now):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == -9
    left = journal.interrupted(tmp_path)
    assert [(one.command, one.since) for one in left] == [("stadtbuch build", "2026-01-15T08:00:00Z")]
    journal.forget(left)
    assert list(tmp_path.iterdir()) == []


def test_drafts_of_killed_commands_go_with_the_next_note(tmp_path):
    """A command that was killed before its note had its name changed nothing; a draft that somebody holds stays."""
    (tmp_path / "1-abc.new").write_bytes(b"")
    (tmp_path / "2-def.new").write_bytes(b"")
    with (tmp_path / "2-def.new").open() as draft:
        fcntl.flock(draft, fcntl.LOCK_EX)
        with noted(tmp_path):
            assert [path.name for path in tmp_path.glob("*.new")] == ["2-def.new"]


def test_a_damaged_note_still_says_that_something_is_unfinished(tmp_path):
    """What a power cut left of it is enough."""
    (tmp_path / "1-abc.json").write_bytes(b"{")
    assert [one.command for one in journal.interrupted(tmp_path)] == ["stadtbuch"]


def test_a_note_can_be_left_on_purpose(tmp_path):
    """A build that could not write one of its reports ends, and the next one looks after it."""
    with noted(tmp_path) as held:
        held.keep()
    assert len(journal.interrupted(tmp_path)) == 1
