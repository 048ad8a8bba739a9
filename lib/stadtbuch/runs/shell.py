"""
The shell of a forked run: IPython as in a kernel, without ZeroMQ.

It is ipykernel's own shell, made before the fork; what it would send to a notebook server goes as frames through one
socket. So what a cell shows is what it shows in a kernel. There are no comms and no input: a report asks nobody.

A frame is JSON behind its length in four bytes; a file's content follows its frame.
"""

from __future__ import annotations

import builtins
import getpass
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from ipykernel import compiler, zmqshell
from IPython.core.error import StdinNotImplementedError
from jupyter_client.session import Session, json_packer
from traitlets.config import Config

from stadtbuch.runs import inside

FLUSHED_CHARACTERS = 1 << 16


class Line:
    """The socket to whoever runs the notebook; frames that nobody waits for are dropped."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None

    def send(self, told: bytes, content: bytes = b"") -> None:
        """Send one frame, and a file's content behind it."""
        if self.socket is not None:
            self.socket.sendall(struct.pack("!I", len(told)) + told + content)


LINE = Line()


class Frames(Session):
    """Takes the messages that a kernel would send to its clients, and sends type and content."""

    def msg(self, msg_type: str, content: Any = None, *about: Any, **more: Any) -> dict[str, Any]:
        """Make a message of what is needed of it."""
        header = {"msg_type": msg_type, "msg_id": ""}
        return {"header": header, **header, "parent_header": {}, "content": content or {}, "metadata": {}}

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *about: Any, **more: Any) -> Any:
        """Send it."""
        told = msg_or_type if isinstance(msg_or_type, dict) else self.msg(msg_or_type, content)
        LINE.send(json_packer({"type": told["msg_type"], "content": told["content"]}))
        return told


class Stream(io.TextIOBase):
    """Standard output or error of the cells; written when a cell shows something or ends."""

    errors = "strict"

    def __init__(self, name: str, session: Frames) -> None:
        self._name, self._session = name, session
        self._held: list[str] = []
        self._length = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Say UTF-8."""
        return "UTF-8"

    @property
    def name(self) -> str:
        """Give the stream's name as files have one."""
        return f"<{self._name}>"

    def fileno(self) -> int:
        """Give the descriptor behind it: what is written there goes into the run's private log."""
        return {"stdout": 1, "stderr": 2}[self._name]

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Keep a text until there is reason to send it."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._held.append(text)
        self._length += len(text)
        if self._length > FLUSHED_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what is kept."""
        text = "".join(self._held)
        self._held.clear()
        self._length = 0
        if text:
            self._session.send(None, "stream", {"name": self._name, "text": text})


def prepare() -> Any:
    """Make the shell that all runs of this zygote start from."""
    inside.steady()
    zmqshell.system = _system
    session = Frames(key=b"")
    told = Config()
    told.HistoryManager.enabled = False
    told.HistoryManager.hist_file = ":memory:"
    shell: Any = zmqshell.ZMQInteractiveShell.instance(config=told, compiler_class=compiler.XCachingCompiler)
    shell.kernel = SimpleNamespace(eventloop=None)
    shell.display_pub.session = session
    shell.displayhook.session = session
    return shell


def attach(shell: Any, line: socket.socket) -> None:
    """Connect the shell of a fresh run to whoever runs its notebook."""
    LINE.socket = line
    session = shell.display_pub.session
    sys.stdout, sys.stderr = Stream("stdout", session), Stream("stderr", session)
    builtins.input = _no_input("raw_input")
    getpass.getpass = _no_input("getpass")


def _no_input(what: str) -> Any:
    def refused(*asked: Any, **more: Any) -> NoReturn:
        raise StdinNotImplementedError(
            f"{what} was called, but this frontend does not support input requests."
        )

    return refused


def _system(cmd: str) -> int:
    """
    Run a shell's command as ``!command`` does, through a pipe.

    A kernel does it through a terminal, of which a run has none; line ends are those that a terminal makes.
    """
    ended = subprocess.run(  # noqa: S603 - the notebook's own command, behind its wall
        ["/bin/sh", "-c", cmd],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    sys.stdout.write(ended.stdout.decode("utf-8", "replace").replace("\n", "\r\n"))
    sys.stdout.flush()
    return 128 - ended.returncode if ended.returncode > 128 else ended.returncode


def serve(shell: Any, line: socket.socket, outputs: Path) -> NoReturn:
    """Run cells, hand out the files that were made, and end with the one who asked."""
    asked = line.makefile("rb")
    while True:
        head = asked.read(4)
        if len(head) < 4:
            os._exit(0)
        request = json.loads(asked.read(struct.unpack("!I", head)[0]))
        if "code" in request:
            _run(shell, request["code"])
        else:
            _hand_out(outputs, most=request["most"])


def _run(shell: Any, code: str) -> None:
    session = shell.display_pub.session
    session.send(None, "execute_input", {"execution_count": shell.execution_count})
    result = shell.run_cell(code, store_history=True)
    sys.stdout.flush()
    sys.stderr.flush()
    shell.payload_manager.clear_payload()
    well = result.success and not shell._last_traceback_during_displayhook
    session.send(None, "done", {"ok": well})
    if shell.exit_now:
        os._exit(0)


def _hand_out(outputs: Path, *, most: int) -> None:
    """Send the files below a folder; links and other things that are no files are left where they are."""
    left = most
    for path, about in _files(outputs):
        left -= about.st_size
        if left < 0:
            break
        content = path.read_bytes()
        told = {"type": "file", "path": path.relative_to(outputs).as_posix(), "size": len(content)}
        LINE.send(json.dumps(told).encode(), content)
    LINE.send(json.dumps({"type": "all", "whole": left >= 0}).encode())


def _files(outputs: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for folder, _, names in os.walk(outputs):
        for path in sorted(Path(folder) / name for name in names):
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                yield path, about
