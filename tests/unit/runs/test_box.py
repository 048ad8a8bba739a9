"""The box: its command line says every wall, it starts with all of them or not at all, and nothing of it is left."""

import gc
import os
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from stadtbuch.errors import Refused
from stadtbuch.runs import box, bubblewrap, cgroups
from stadtbuch.runs.box import Box, Grant, Limits

PYTHON = [sys.executable, "-I", "-S", "-c"]


def line(here: Box, *, user: int | None = None) -> list[str]:
    """Give bubblewrap's command line, for a made-up system."""
    system = ["--ro-bind", "/usr", "/usr"]
    data = {grant.target: 9 for grant in here.grants if isinstance(grant.source, bytes)}
    return bubblewrap.argv(here, ["program"], system=system, data=data, calls=7, user=user)


def options(said: list[str]) -> set[str]:
    """Give the options before the command."""
    return {part for part in said[: said.index("--")] if part.startswith("--")}


@pytest.fixture
def possible() -> None:
    """Skip, visibly, where no box can be opened."""
    found = box.possible()
    if not found.yes:
        pytest.skip(f"no sandbox can be opened here: {found.why_not.en if found.why_not else ''}")


def test_every_wall_stands_by_default() -> None:
    """Nobody has to ask for a wall."""
    asked = options(line(Box()))
    assert {
        "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--disable-userns", "--new-session", "--die-with-parent", "--clearenv", "--remount-ro", "--seccomp", "--size",
    } <= asked  # fmt: skip
    assert not {"--bind", "--dev-bind", "--share-net"} & asked


def test_root_becomes_a_user_that_nobody_else_is() -> None:
    """As root: no capability is left, and the number is another one for each box."""
    said = line(Box(), user=box._new_user())
    after = said[said.index("--") + 1 :]
    assert "--unshare-user" not in said
    assert said[said.index("--cap-drop") + 1] == "ALL"
    assert {"--bounding-set=-all", "--inh-caps=-all", "--clear-groups", "--no-new-privs"} <= set(after)
    numbers = {box._new_user() for _ in range(box.BOXES_A_PROCESS)}
    assert len(numbers) == box.BOXES_A_PROCESS
    assert all(box.FIRST_USER <= number < 2**31 for number in numbers)


def test_limits_come_last_before_the_command() -> None:
    """The command itself starts under its limits, and cannot raise them."""
    said = line(Box(limits=Limits(cpu_seconds=3, processes=5, open_files=9)))
    after = said[said.index("--") + 1 :]
    assert after[0] == "prlimit"
    assert {"--cpu=3", "--nproc=5", "--nofile=9", "--core=0"} <= set(after)
    assert after[-1] == "program"


def test_folders_in_memory_lie_below_what_is_shown() -> None:
    """/tmp comes first, for Python may be installed below it; and the folders above a grant can be entered."""
    said = line(Box(grants=(Grant(b"x", "/deep/er/file"),)))
    assert said.index("/tmp") < said.index("/usr")
    assert said[said.index("/deep") - 3 : said.index("/deep") + 1] == ["--perms", "0755", "--dir", "/deep"]
    assert said[said.index("/deep/er/file") - 2 : said.index("/deep/er/file")] == ["--ro-bind-data", "9"]


@pytest.mark.parametrize("layer", sorted(box.LAYERS - {"time", "reply", "cgroup"}))
def test_a_wall_is_only_missing_where_it_was_taken_away(layer: str) -> None:
    """Each wall changes the command line; the tests of attacks rely on it."""
    assert line(Box().without(layer)) != line(Box())


def test_city_is_not_part_of_the_view() -> None:
    """Shown are the system, Python and this library; no folder above them."""
    view = bubblewrap.system_view()
    shown = {after for option, after in pairwise(view) if "bind" in option}
    library = Path(box.__file__).parents[1]
    above = {str(library.parents[1]), str(library.parents[2]), "/", "/home", "/etc", "/var", "/run"}
    assert not above & shown
    assert str(library) in shown


def test_request_goes_in_and_one_reply_comes_out(possible: None) -> None:
    """The command reads its request from standard input and writes to one descriptor; printing is no way out."""
    told = "import os, sys; print('lost'); os.write({reply}, sys.stdin.buffer.read()[::-1])"
    answer = box.run(Box(environment=box.variables()), [*PYTHON, told], b"abc")
    assert (answer.ended, answer.reply) == ("replied", b"cba")
    assert b"lost" not in answer.said


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("pass", "silent"),
        ("import os; os.abort()", "silent"),
        ("import time; time.sleep(60)", "time"),
        ("import os\nwhile True: os.write({reply}, b'x' * 65536)", "too-long"),
        ("import os\nwhile True: os.write(2, b'x' * 65536)", "time"),
    ],
)
def test_each_end_is_told(possible: None, code: str, ended: str) -> None:
    """It ends by itself, in time, and within its reply; what it says beside that is dropped."""
    here = Box(environment=box.variables(), limits=Limits(seconds=1.5, reply_bytes=1 << 20))
    answer = box.run(here, [*PYTHON, code], b"")
    assert answer.ended == ended
    assert len(answer.said) <= box.STDERR_BYTES
    assert len(answer.reply) <= (1 << 20) + (1 << 16)


def test_program_that_is_not_there_did_not_start(possible: None) -> None:
    """A box without its command is told apart from one whose command failed."""
    assert box.run(Box(), ["/no/such/program"], b"").ended == "not-started"


def test_grants_are_readable_and_fixed(possible: None) -> None:
    """Bytes of a file that only we may read lie inside as a file that everybody may read and nobody change."""
    code = (
        "import os; data = open('/box/x/y').read()\n"
        "try: open('/box/x/y', 'w')\n"
        "except OSError as e: os.write({reply}, (data + e.strerror).encode())"
    )
    here = Box(grants=(Grant(b"granted ", "/box/x/y"),), environment=box.variables())
    answer = box.run(here, [*PYTHON, code], b"")
    assert answer.reply in (b"granted Read-only file system", b"granted Permission denied")


def test_nothing_is_left(possible: None) -> None:
    """No process, no group, no descriptor and no file, however it ended."""
    place = cgroups.find()
    gc.collect()  # what earlier tests left open and forgot is not ours
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = sorted(one.name for one in Path("/proc/self/fd").iterdir()), children.read_text()
    told = "import os, time\nos.fork(); os.setsid(); os.fork(); os.write({reply}, b'x')\ntime.sleep(60)"
    answer = box.run(Box(environment=box.variables(), limits=Limits(seconds=1.0)), [*PYTHON, told], b"")
    assert answer.ended == "time"
    assert (sorted(one.name for one in Path("/proc/self/fd").iterdir()), children.read_text()) == before
    folders = list(place.folders.values()) if place else []
    assert not [one for folder in folders for one in folder.glob(f"{cgroups.PREFIX}{os.getpid()}-*")]


def test_no_filter_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine whose calls are not known nothing is opened, and the reason is told."""
    monkeypatch.setattr(box.platform, "machine", lambda: "riscv64")
    assert not box.possible().yes
    with pytest.raises(Refused) as caught:
        box.require()
    assert caught.value.code == "box.impossible"
    assert "ARM64" in caught.value.render("de")
    with pytest.raises(Refused), box.opened(Box(), ["true"]):
        pass


def test_no_bubblewrap_no_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without bubblewrap it says what to install; an old one is not good enough."""
    monkeypatch.setattr(box, "PATH", str(tmp_path))
    found = box.possible()
    assert not found.yes
    assert "bwrap" in found.why_not.de
    assert "bubblewrap" in found.remedy.en
    monkeypatch.undo()
    monkeypatch.setattr(box, "version", lambda: (0, 7, 9))
    assert "0.8" in box.possible().why_not.en


def test_kernel_that_forbids_namespaces_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bubblewrap may not make namespaces, the first line that it says is the reason."""
    said = b"bwrap: setting up uid map: Permission denied\n"
    ended = box.Answer("not-started", b"", 0.1, 1, None, said)
    monkeypatch.setattr(box, "run", lambda *_: ended)
    found = box.possible()
    assert not found.yes
    assert "setting up uid map" in found.why_not.de
    assert "kernel.apparmor_restrict_unprivileged_userns" in found.remedy.de


def test_city_server_needs_a_control_group(possible: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For trying out, a machine without control groups will do; a city's server has to have one."""
    monkeypatch.setattr(box.cgroups, "find", lambda: None)
    assert not box.require().bounded
    with pytest.raises(Refused) as caught:
        box.require(bounded=True)
    assert caught.value.code == "box.unbounded"
    assert "Delegate=yes" in caught.value.render("en")
