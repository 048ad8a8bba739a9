"""The state folder: private, versioned, locked, and silent about data."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from stadtbuch import state as module
from stadtbuch.errors import Busy, StateError
from stadtbuch.state import FOLDERS, VERSION, State

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
LIB = str(Path(module.__file__).parent.parent)


def mode(path: Path) -> int:
    """Give the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def code_of(root: Path) -> str:
    """Give the code of the error that opening the folder ends with."""
    with pytest.raises(StateError) as caught:
        State.open(root)
    return caught.value.code


def test_open_lays_out_a_private_folder(tmp_path):
    """Everything a city needs is there, and only its owner may look into it."""
    state = State.open(tmp_path / "var")
    assert (state.root / "VERSION").read_text() == f"{VERSION}\n"
    assert {one.name for one in state.root.iterdir()} == {"VERSION", *FOLDERS}
    assert {mode(state.root), *(mode(state.folder(name)) for name in FOLDERS)} == {0o700}


def test_open_twice_changes_nothing(tmp_path):
    """The second command finds what the first one left."""
    first = State.open(tmp_path / "var")
    key = first.key("actor-2026")
    assert State.open(tmp_path / "var").key("actor-2026") == key


def test_a_folder_that_others_could_read_is_closed_again(tmp_path):
    """A careless copy does not leave keys and snapshots readable."""
    State.open(tmp_path / "var")
    (tmp_path / "var").chmod(0o755)
    (tmp_path / "var" / "keys").chmod(0o755)
    State.open(tmp_path / "var")
    assert (mode(tmp_path / "var"), mode(tmp_path / "var" / "keys")) == (0o700, 0o700)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    """A file is never replaced by a folder."""
    (tmp_path / "var").write_text("mine")
    assert code_of(tmp_path / "var") == "state.not-a-folder"
    assert (tmp_path / "var").read_text() == "mine"


def test_a_folder_of_somebody_else_is_not_touched(tmp_path):
    """A folder with content but without VERSION is not ours."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "letters").write_text("mine")
    assert code_of(tmp_path / "var") == "state.no-version"
    assert [one.name for one in (tmp_path / "var").iterdir()] == ["letters"]


def test_an_interrupted_first_start_is_continued(tmp_path):
    """An empty folder, or a half-written VERSION beside, is a start that was cut off."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / ".VERSION.abc").write_text("")
    assert State.open(tmp_path / "var").folder("store").is_dir()


@pytest.mark.parametrize("content", ["", "one\n", "0", "-1", "1.5", "\udcff"])
def test_an_unreadable_version_is_refused(tmp_path, content):
    """What is not a whole number from 1 on says nothing about the layout."""
    State.open(tmp_path / "var")
    (tmp_path / "var" / "VERSION").write_bytes(content.encode(errors="surrogateescape"))
    assert code_of(tmp_path / "var") == "state.no-version"


def test_a_newer_layout_is_left_alone(tmp_path):
    """An older library changes nothing in what a newer one laid out."""
    State.open(tmp_path / "var")
    (tmp_path / "var" / "VERSION").write_text(f"{VERSION + 1}\n")
    (tmp_path / "var" / "spool").rmdir()
    assert code_of(tmp_path / "var") == "state.too-new"
    assert not (tmp_path / "var" / "spool").exists()


def test_a_write_protected_folder_is_refused_also_for_root(tmp_path):
    """Whoever took the write bit away means it, even where the system would let root pass."""
    State.open(tmp_path / "var")
    (tmp_path / "var").chmod(0o500)
    assert code_of(tmp_path / "var") == "state.read-only"
    (tmp_path / "var").chmod(0o700)


def test_a_write_protected_parent_is_refused(tmp_path):
    """Where the folder cannot be made, the error says so."""
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("root may write everywhere")
    assert code_of(tmp_path / "var") == "state.read-only"
    tmp_path.chmod(0o700)


def test_a_file_system_without_files_is_refused():
    """Where no file can be made, also root gets a sentence."""
    assert code_of(Path("/proc")) == "state.read-only"
    assert code_of(Path("/proc/stadtbuch")) in ("state.read-only", "state.io")


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, "state.read-only"), (errno.EACCES, "state.read-only"), (errno.ENOSPC, "state.full"),
     (errno.EDQUOT, "state.full"), (errno.EIO, "state.io"), (errno.EMFILE, "state.io")],
)  # fmt: skip
def test_what_the_system_says_becomes_a_sentence(tmp_path, monkeypatch, number, code):
    """Each way a disk can fail has its own code."""
    State.open(tmp_path / "var")

    def broken(**_: object) -> None:
        raise OSError(number, "words of the system")

    monkeypatch.setattr(module.tempfile, "TemporaryFile", broken)
    assert code_of(tmp_path / "var") == code


READ_ONLY_MOUNT = """
mount -t tmpfs none "$1" || exit 77
"$2" -c "$3" "$1/var" make || exit 1
mount -o remount,ro "$1" || exit 77
"$2" -c "$3" "$1/var" refuse
"""
IN_MOUNT = """
import sys, pathlib
from stadtbuch.state import State
from stadtbuch.errors import StateError
try:
    State.open(pathlib.Path(sys.argv[1]))
except StateError as error:
    sys.exit(0 if error.code == "state.read-only" and sys.argv[2] == "refuse" else 1)
sys.exit(0 if sys.argv[2] == "make" else 1)
"""


def test_a_real_read_only_file_system_is_refused(tmp_path):
    """Also for root, on a disk that is mounted read-only (in a name space of its own)."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY_MOUNT, "sh"]
    try:
        ended = subprocess.run(
            [*command, str(tmp_path), sys.executable, IN_MOUNT],
            env={**os.environ, "PYTHONPATH": LIB}, capture_output=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if ended.returncode == 77 or b"unshare" in ended.stderr:
        pytest.skip("this machine allows no name spaces")
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_an_unknown_folder_is_a_mistake_in_the_program(tmp_path):
    """Only the folders of the contract exist."""
    with pytest.raises(KeyError):
        State.open(tmp_path / "var").folder("elsewhere")


def test_a_key_is_made_once_and_kept_private(tmp_path):
    """32 random bytes, 0600, the same at every use, another one per name."""
    state = State.open(tmp_path / "var")
    key = state.key("actor-2026")
    path = state.folder("keys") / "actor-2026.key"
    assert (len(key), mode(path), path.read_bytes()) == (32, 0o600, key)
    assert state.key("actor-2026") == key
    assert state.key("pseudonym") != key
    assert State.open(tmp_path / "other").key("actor-2026") != key


def _key(root: Path) -> bytes:
    return State.open(root).key("actor-2026")


def test_processes_that_start_at_once_share_one_key(tmp_path):
    """The first start of a city may well be two commands at the same moment."""
    with get_context("spawn").Pool(3) as pool:
        keys = pool.map(_key, [tmp_path / "var"] * 9)
    assert len(set(keys)) == 1


def test_whoever_waits_for_a_key_takes_the_one_that_was_made_meanwhile(tmp_path):
    """The second of two processes looks again before it makes a key of its own."""
    state = State.open(tmp_path / "var")
    found: list[bytes] = []
    second = threading.Thread(target=lambda: found.append(state.key("actor-2026")))
    with module.atomic.queue(state.folder("keys") / ".lock"):
        second.start()
        second.join(timeout=0.2)
        (state.folder("keys") / "actor-2026.key").write_bytes(b"k" * 32)
    second.join()
    assert found == [b"k" * 32]


def test_a_damaged_key_is_never_replaced(tmp_path):
    """A new key would silently cut every link made with the old one."""
    state = State.open(tmp_path / "var")
    path = state.folder("keys") / "actor-2026.key"
    path.write_bytes(b"short")
    with pytest.raises(StateError) as caught:
        state.key("actor-2026")
    assert caught.value.code == "state.key-damaged"
    assert path.read_bytes() == b"short"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".lock", "x.key", "a" * 70])
def test_only_plain_names_become_files(tmp_path, name):
    """No name leads out of the folder."""
    state = State.open(tmp_path / "var")
    with pytest.raises(ValueError, match="a-z"):
        state.key(name)
    with pytest.raises(ValueError, match="a-z"), state.lock(name):
        pass


def test_a_second_command_is_told_who_is_at_work(tmp_path):
    """The message names command, process and time, and no login."""
    state = State.open(tmp_path / "var")
    with state.lock("build", command="stadtbuch build"), pytest.raises(Busy) as caught, state.lock("build"):
        pass
    said = caught.value.render("de")
    assert caught.value.code == "state.busy"
    assert "„stadtbuch build“" in said
    assert f"Prozess {os.getpid()}" in said
    assert "UTC" in said


def test_a_lock_is_free_again_afterwards_also_after_an_error(tmp_path):
    """A command that fails does not lock the city."""
    state = State.open(tmp_path / "var")
    with pytest.raises(ZeroDivisionError), state.lock():
        raise ZeroDivisionError
    with state.lock(), state.lock("other"):
        pass


def test_a_holder_without_a_note_is_still_a_holder(tmp_path):
    """Between taking the lock and writing the note there is a moment."""
    state = State.open(tmp_path / "var")
    with state.lock():
        (state.root / "build.lock").write_bytes(b"")
        with pytest.raises(Busy, match="stadtbuch"), state.lock():
            pass


HOLD = """
import os, sys, pathlib, time
from stadtbuch.state import State
with State.open(pathlib.Path(sys.argv[1])).lock("build", command="stadtbuch build"):
    if os.fork() == 0:
        print("the worker lives", flush=True)
    time.sleep(60)
"""


def test_a_killed_command_lets_go_even_if_its_worker_lives_on(tmp_path):
    """The system frees the lock of a dead process; a forked worker does not keep it."""
    state = State.open(tmp_path / "var")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.root)], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": LIB}, start_new_session=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == b"the worker lives\n"
        with pytest.raises(Busy), state.lock():
            pass
        holder.kill()
        holder.wait()
        with state.lock():
            pass
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.stdout.close()


def test_a_log_line_is_one_json_document_in_utc(tmp_path):
    """Machines read the log line by line; the book's entry tells more."""
    state = State.open(tmp_path / "var")
    now = datetime.fromisoformat("2026-01-15T09:30:00+01:00")
    state.log("build.done", now=now, entry=7, report="who-lives-where/mitte@2026-01-15.2", runs=3, dry=False)
    state.log("build.started", now=now)
    lines = (state.folder("log") / "stadtbuch.log").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "at": "2026-01-15T08:30:00Z", "event": "build.done", "entry": 7,
        "report": "who-lives-where/mitte@2026-01-15.2", "runs": 3, "dry": False,
    }  # fmt: skip
    assert json.loads(lines[1]) == {"at": "2026-01-15T08:30:00Z", "event": "build.started"}
    assert mode(state.folder("log") / "stadtbuch.log") == 0o600


@pytest.mark.parametrize(
    "value",
    ["Erika Mustermann", "Mustermann", "Straße", "müller", "zz-canary Zoë", 48.137, None, ["a"], {"a": 1},
     b"x", "", "/x", "a\nb", "a" * 300],
)  # fmt: skip
def test_the_log_takes_no_data_values(tmp_path, value):
    """Names, streets, coordinates and rows cannot be logged, and the refusal does not repeat them."""
    state = State.open(tmp_path / "var")
    with pytest.raises(ValueError, match="field 'subject'") as caught:
        state.log("catalog.read", now=NOW, subject=value)
    assert str(value) == "" or str(value) not in str(caught.value)
    assert not (state.folder("log") / "stadtbuch.log").exists()


def test_the_event_is_an_id_as_well(tmp_path):
    """A sentence built from data cannot hide in the event."""
    with pytest.raises(ValueError, match="field 'event'"):
        State.open(tmp_path / "var").log("Read Erika Mustermann", now=NOW)


def test_the_log_is_rotated_and_keeps_five_files(tmp_path, monkeypatch):
    """The newest lines stay, the oldest go, no line is cut."""
    monkeypatch.setattr(module, "LOG_BYTES", 500)
    state = State.open(tmp_path / "var")
    for number in range(100):
        state.log("tick.done", now=NOW, number=number)
    files = sorted(state.folder("log").glob("stadtbuch.log*"))
    assert [one.name for one in files] == ["stadtbuch.log", *(f"stadtbuch.log.{n}" for n in range(1, 5))]
    assert max(one.stat().st_size for one in files) <= 500
    numbers = [
        json.loads(line)["number"] for one in reversed(files[1:]) for line in one.read_text().splitlines()
    ]
    numbers += [json.loads(line)["number"] for line in files[0].read_text().splitlines()]
    assert numbers == list(range(numbers[0], 100))
    assert len(numbers) > 20


def _log_many(root: Path) -> None:
    state = State.open(root)
    for number in range(100):
        state.log("tick.done", now=NOW, number=number)


def test_several_processes_can_log_at_once(tmp_path):
    """No line is lost or mixed with another."""
    with get_context("spawn").Pool(2) as pool:
        pool.map(_log_many, [tmp_path / "var"] * 2)
    lines = (tmp_path / "var" / "log" / "stadtbuch.log").read_text().splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == sorted([*range(100), *range(100)])
