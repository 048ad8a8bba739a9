"""
The box: a command in bubblewrap with nothing around it but the system's programs, Python and what it is granted.

Several walls stand behind each other, so that one that fails is not all (`bubblewrap.LAYERS`). `opened` makes what a
box needs (the filter of calls, the control group, the granted bytes) and takes it away again; `run` adds one request,
one reply with a limit, and an end to waiting; `possible` finds out by trying whether a box can be opened here.

The box needs Linux on x86-64 or arm64, bubblewrap 0.8 and util-linux.
"""

from __future__ import annotations

import functools
import itertools
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from stadtbuch.errors import Refused
from stadtbuch.runs import bubblewrap, cgroups, seccomp
from stadtbuch.runs.bubblewrap import LAYERS, LIBRARY, Box, Grant, Limits, variables
from stadtbuch.texts import Text

__all__ = [
    "LAYERS",
    "LIBRARY",
    "PATH",
    "Answer",
    "Box",
    "Grant",
    "Limits",
    "Opened",
    "Possible",
    "end",
    "opened",
    "possible",
    "require",
    "require_tools",
    "run",
    "running",
    "variables",
    "version",
]

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
OLDEST = (0, 8)
TOOLS = (bubblewrap.PROGRAM, "setpriv", "prlimit")
FIRST_USER, BOXES_A_PROCESS = 0x70000000, 64
"""As root, each box is a user of its own, from a range that no distribution assigns."""
PATIENCE_SECONDS = 5.0
STDERR_BYTES = 1 << 14

_JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 97; shift; done; shift; exec "$@"'
_NOT_JOINED = 97
_count = itertools.count()


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What is needed to start a box: its command line and the descriptors that it inherits.

    Attributes
    ----------
    argv
        For `subprocess.Popen`; the process that starts it must live as long as the box, and in the same
        thread: the box ends with it.
    descriptors
        For ``pass_fds``.
    group
        The control group, or None.
    """

    argv: list[str]
    descriptors: tuple[int, ...]
    group: cgroups.Group | None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came out of a box.

    ``ended``: ``replied``; ``silent`` (it ended without a reply); ``time``; ``too-long``; ``not-started``.
    ``said`` is the beginning of its standard error: for the log of whoever runs the box, never for a page.
    """

    ended: Literal["replied", "silent", "time", "too-long", "not-started"]
    reply: bytes
    seconds: float
    returncode: int | None
    memory_bytes: int | None
    said: bytes


@dataclass(frozen=True, slots=True)
class Possible:
    """
    Whether a box can be opened here; if not, why, and what to do.

    ``parts``: what was found, for `stadtbuch doctor`: ``bubblewrap`` (its version), ``identity``
    (``user-namespace`` or ``own-user``), ``calls`` (the machine), ``cgroup`` (``v1``, ``v2`` or empty).
    """

    yes: bool
    parts: Mapping[str, str]
    why_not: Text | None = None
    remedy: Text | None = None

    @property
    def bounded(self) -> bool:
        """Whether memory and processes are bounded in all, not only for each process."""
        return bool(self.parts.get("cgroup"))


@contextmanager
def opened(
    box: Box,
    command: Sequence[str],
    *,
    inherit: Sequence[int] = (),
    info: int | None = None,
) -> Iterator[Opened]:
    """
    Make what a box needs, and take it away again: filter, control group, granted bytes.

    Parameters
    ----------
    inherit
        Further descriptors that the command inherits.
    info
        As in `argv`.

    Raises
    ------
    Refused
        ``box.impossible`` on a machine without a filter or without bubblewrap: no filter, no start.
    """
    require_tools()
    with ExitStack() as made:
        calls = made.enter_context(_memory("calls", seccomp.program(platform.machine(), also=box.calls)))
        data = {
            grant.target: made.enter_context(_memory("granted", grant.source))
            for grant in box.grants
            if isinstance(grant.source, bytes)
        }
        line = bubblewrap.argv(
            box,
            command,
            system=bubblewrap.system_view(),
            data=data,
            calls=calls,
            user=_new_user() if os.geteuid() == 0 else None,
            info=info,
        )
        group = _grouped(box)
        if group is not None:
            made.callback(group.close)
            line = ["/bin/sh", "-c", _JOIN, "sh", *map(str, group.doors), "--", *line]
        extra = (calls, *data.values(), *inherit, *((info,) if info is not None else ()))
        yield Opened(line, extra, group)


def run(box: Box, command: Sequence[str], request: bytes) -> Answer:
    """
    Start a box, hand it one request on its standard input, and take one reply.

    Parameters
    ----------
    command
        ``{reply}`` in it is replaced by the number of the descriptor for the reply. Standard output and error
        are no way out: the first is closed, of the second the beginning is kept for the log.
    request
        Bytes.

    Raises
    ------
    Refused
        As `opened`.
    """
    begun = time.monotonic()
    with ExitStack() as made:
        asked = made.enter_context(_memory("request", request))
        reading, writing = _pipe(made)
        hearing, telling = _pipe(made)
        line = [part.replace("{reply}", str(writing.fileno())) for part in command]
        here = made.enter_context(opened(box, line, inherit=(writing.fileno(),), info=telling.fileno()))
        process = subprocess.Popen(  # noqa: S603 - bubblewrap, with a command line of our own
            here.argv,
            stdin=asked,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=here.descriptors,
            start_new_session=True,
            env={"PATH": PATH} if "environment" in box.layers else None,
        )
        writing.close()
        telling.close()
        first = None
        try:
            first = _first_process(hearing)
            made.callback(_close, first)
            heard = _listen(box, process, reading, until=begun + box.limits.seconds)
        finally:
            end(process, first)
        return Answer(
            ended=_how(heard, process.returncode),
            reply=bytes(heard.reply),
            seconds=time.monotonic() - begun,
            returncode=process.returncode,
            memory_bytes=here.group.peak() if here.group else None,
            said=bytes(heard.said),
        )


@contextmanager
def running(box: Box, command: Sequence[str], *, inherit: Sequence[int] = (), said: int) -> Iterator[None]:
    """
    Start a box that stays, and end it with everything in it when the context ends.

    It ends with the thread that starts it as well.

    Parameters
    ----------
    inherit
        Descriptors that the command inherits.
    said
        Descriptor of a file for its standard output and error.

    Raises
    ------
    Refused
        As `opened`.
    """
    with ExitStack() as made:
        hearing, telling = _pipe(made)
        here = made.enter_context(opened(box, command, inherit=inherit, info=telling.fileno()))
        process = subprocess.Popen(  # noqa: S603 - bubblewrap, with a command line of our own
            here.argv,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=here.descriptors,
            start_new_session=True,
            env={"PATH": PATH},
        )
        telling.close()
        first = None
        try:
            first = _first_process(hearing)
            made.callback(_close, first)
            yield
        finally:
            end(process, first)


@dataclass(slots=True)
class _Heard:
    reply: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    stopped: Literal["time", "too-long"] | None = None


def _listen(box: Box, process: subprocess.Popen[bytes], reading: BinaryIO, *, until: float) -> _Heard:
    """Collect the reply until it ends, is too long, or time is up; what goes to stderr is mostly dropped."""
    heard = _Heard()
    errors = process.stderr
    assert errors is not None
    waiting: dict[int, bytearray] = {reading.fileno(): heard.reply, errors.fileno(): heard.said}
    while reading.fileno() in waiting:
        left = until - time.monotonic()
        if left <= 0 and "time" in box.layers:
            heard.stopped = "time"
            break
        for one in select.select(list(waiting), [], [], max(left, 1.0))[0]:
            piece = os.read(one, 1 << 16)
            waiting[one] += piece
            if not piece:
                del waiting[one]
        del heard.said[STDERR_BYTES:]
        if len(heard.reply) > box.limits.reply_bytes and "reply" in box.layers:
            heard.stopped = "too-long"
            break
    return heard


def end(process: subprocess.Popen[bytes], first: int | None) -> None:
    """
    End a box and wait until nothing of it is left.

    The kernel lets the first process inside go only after all the others, so its end is the end of all.

    Parameters
    ----------
    first
        Descriptor of the first process inside; None if it never started.
    """
    if first is not None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(first, signal.SIGKILL)
        select.select([first], [], [], PATIENCE_SECONDS)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _first_process(hearing: BinaryIO) -> int | None:
    """
    Open the first process inside, of which bubblewrap tells before it starts it: ``{"child-pid": 123, ...}``.

    None if there is none: bubblewrap has ended with an error.
    """
    said = bytearray()
    while b"}" not in said and (piece := os.read(hearing.fileno(), 4096)):
        said += piece
    found = re.search(rb'"child-pid": ([0-9]+)', said)
    try:
        return os.pidfd_open(int(found[1])) if found else None
    except ProcessLookupError:
        return None


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _how(heard: _Heard, returncode: int) -> Literal["replied", "silent", "time", "too-long", "not-started"]:
    if heard.stopped:
        return heard.stopped
    if heard.reply:
        return "replied"
    refused = returncode == _NOT_JOINED or heard.said.startswith((b"bwrap:", b"setpriv:", b"prlimit:"))
    return "not-started" if refused else "silent"


def possible() -> Possible:
    """
    Find out whether a box can be opened here, by opening one.

    Examples
    --------
    >>> found = possible()
    >>> found.yes or bool(found.why_not)
    True
    """
    parts: dict[str, str] = {}
    try:
        require_tools()
        parts["bubblewrap"] = ".".join(map(str, version()))
        parts["calls"] = platform.machine()
        place = cgroups.find()
        parts["cgroup"] = place.version if place else ""
        parts["identity"] = "own-user" if os.geteuid() == 0 else "user-namespace"
        answer = run(
            Box(environment=variables(), limits=Limits(seconds=20)),
            [sys.executable, "-I", "-S", "-c", "import os; os.write({reply}, b'ready')"],
            b"",
        )
    except Refused as refused:
        return Possible(yes=False, parts=parts, why_not=refused.why, remedy=refused.remedy)
    if answer.reply != b"ready":
        return Possible(False, parts, *_no_start(answer))
    return Possible(yes=True, parts=parts)


def require(*, bounded: bool = False) -> Possible:
    """
    Go on only where a box can be opened.

    Parameters
    ----------
    bounded
        Whether memory and processes must be bounded in all (a control group), as on a city's server.

    Raises
    ------
    Refused
        ``box.impossible`` or ``box.unbounded``.
    """
    found = possible()
    if not found.yes:
        raise _impossible(found.why_not, found.remedy)
    if bounded and not found.bounded:
        raise _unbounded()
    return found


def require_tools() -> None:
    """Refuse where the box would lack a wall; a filter for another machine is none."""
    if platform.system() != "Linux" or platform.machine() not in seccomp.MACHINES:
        raise _impossible(
            Text(
                de="Der Sandkasten läuft nur unter Linux auf x86-64 und ARM64.",
                en="The sandbox runs on Linux on x86-64 and ARM64 only.",
            ),
            Text(de="Nehmen Sie einen solchen Rechner.", en="Use such a machine."),
        )
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing:
        raise _impossible(
            Text(de=f"Es fehlt: {', '.join(missing)}.", en=f"Missing: {', '.join(missing)}."),
            Text(
                de="Installieren Sie die Pakete bubblewrap und util-linux.",
                en="Install the packages bubblewrap and util-linux.",
            ),
        )
    if version() < OLDEST:
        raise _impossible(
            Text(de="bubblewrap ist älter als 0.8.", en="bubblewrap is older than 0.8."),
            Text(de="Installieren Sie eine neuere Fassung.", en="Install a newer version."),
        )


@functools.cache
def version() -> tuple[int, ...]:
    """Give bubblewrap's version."""
    program = str(shutil.which(bubblewrap.PROGRAM, path=PATH))
    said = subprocess.run([program, "--version"], capture_output=True, check=False).stdout  # noqa: S603
    return tuple(int(part) for part in re.findall(rb"[0-9]+", said)[:3])


def _no_start(answer: Answer) -> tuple[Text, Text]:
    """Say why a trial failed, as far as it can be told; the system's own words go to whoever looks for them."""
    words = answer.said.decode(errors="replace").strip().splitlines()[:1] or [f"exit {answer.returncode}"]
    return (
        Text(
            de=f"bubblewrap kann hier keinen Sandkasten öffnen: {words[0]}",
            en=f"bubblewrap cannot open a sandbox here: {words[0]}",
        ),
        Text(
            de="Erlauben Sie Benutzern eigene Namensräume (sysctl kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces), oder nehmen Sie einen Rechner, "
            "der das darf; in manchen Containern geht es nicht.",
            en="Allow users their own namespaces (sysctl kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces), or use a machine that may; "
            "in some containers it is not possible.",
        ),
    )


def _impossible(why: Text | None, remedy: Text | None) -> Refused:
    return Refused(
        "box.impossible",
        Text(
            de="Hier lässt sich kein Sandkasten öffnen, also läuft kein fremdes Notebook.",
            en="No sandbox can be opened here, so no foreign notebook runs.",
        ),
        why=why,
        remedy=remedy,
    )


def _unbounded() -> Refused:
    return Refused(
        "box.unbounded",
        Text(
            de="Speicher und Prozesse des Sandkastens lassen sich hier nicht insgesamt begrenzen.",
            en="Memory and processes of the sandbox cannot be bounded in all here.",
        ),
        why=Text(
            de="Es gibt keine Kontrollgruppe (cgroup), in die der Befehl schreiben darf.",
            en="There is no control group (cgroup) into which the command may write.",
        ),
        remedy=Text(
            de="Starten Sie den Befehl mit systemd-run --user --scope -p Delegate=yes "
            "oder als Dienst mit Delegate=yes.",
            en="Start the command with systemd-run --user --scope -p Delegate=yes "
            "or as a service with Delegate=yes.",
        ),
    )


def _grouped(box: Box) -> cgroups.Group | None:
    """Make a control group where that is possible; whether it must be, the caller decides (`require`)."""
    place = cgroups.find() if "cgroup" in box.layers else None
    if place is None:
        return None
    try:
        return cgroups.make(place, memory_bytes=box.limits.memory_bytes, processes=box.limits.processes)
    except OSError:
        return None


def _new_user() -> int:
    """Give a number of a user that nobody else has: this process's, one of 64 in turn."""
    return FIRST_USER + os.getpid() * BOXES_A_PROCESS + next(_count) % BOXES_A_PROCESS


@contextmanager
def _memory(name: str, content: bytes) -> Iterator[int]:
    """Lay bytes into a file that exists in memory only, and give its descriptor."""
    handle = os.memfd_create(name)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


def _pipe(made: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return (
        made.enter_context(os.fdopen(reading, "rb", buffering=0)),
        made.enter_context(os.fdopen(writing, "wb", buffering=0)),
    )
