"""
Calls the command line in processes that are killed, or told that the disk is broken, at a chosen step.

Started as a program of its own: it imports the library once, then forks a process of its own group for every request
that it reads as a line of JSON. A step is a call by which the command changes the disk: a file opened for writing, a
flush, a rename, a removal, a folder, a commit of the book. Nothing of this is known to the library.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
KEPT = (
    "log/stadtbuch.log",
)  # lines of the log may be lost with the power; they are told by the book as well


class Steps:
    """Counts the steps of a process, and does something at one of them."""

    def __init__(self, root: str, *, at: int | None, act: Callable[[Steps, str], None]) -> None:
        self.root, self.at, self.act = root, at, act
        self.number, self.inside = 0, False
        self.unflushed: set[str] = set()

    def watch(self) -> None:
        """Begin to count."""
        sys.addaudithook(self._audit)
        flush = os.fsync
        os.fsync = lambda handle: (self._flush(handle), flush(handle))[1]  # type: ignore[assignment]
        connect = sqlite3.connect
        step = self.step

        class Connection(sqlite3.Connection):
            """A connection whose commits are steps."""

            def commit(self) -> None:
                step("commit")
                super().commit()

        sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)  # type: ignore[assignment]

    def step(self, name: str) -> None:
        """Count one step; act at the chosen one."""
        if self.inside:
            return
        self.number += 1
        if self.number == self.at:
            self.inside = True
            try:
                self.act(self, name)
            finally:
                self.inside = False

    def _audit(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = given
            if isinstance(flags, int) and flags & WRITING and self._ours(path):
                self.step("open")
                self.unflushed.add(os.path.abspath(path))  # noqa: PTH100 - the text as it was given
        elif event in EVENTS:
            if not self._ours(given[0]):
                return
            self.step(event)
            if event == "os.rename" and str(given[0]) in self.unflushed:
                self.unflushed.remove(str(given[0]))
                self.unflushed.add(str(given[1]))

    def _ours(self, path: Any) -> bool:
        """Whether a path lies in the city; a name relative to an open folder does."""
        if not isinstance(path, str | os.PathLike):  # an open file
            return False
        told = os.fspath(path)
        return isinstance(told, str) and (told.startswith(self.root) or not told.startswith("/"))

    def _flush(self, handle: int) -> None:
        self.step("flush")
        self.unflushed.discard(os.readlink(f"/proc/self/fd/{int(handle)}"))  # noqa: PTH115 - as the system says it


def kill(steps: Steps, name: str) -> None:
    """End the whole group, as ``kill -9`` does."""
    os.killpg(0, signal.SIGKILL)


def cut(steps: Steps, name: str) -> None:
    """End it as a power cut does: what was not flushed is half there."""
    for path in steps.unflushed:
        if not path.endswith(KEPT) and Path(path).is_file():
            os.truncate(path, Path(path).stat().st_size // 2)
    os.killpg(0, signal.SIGKILL)


def broken(number: int) -> Callable[[Steps, str], None]:
    """Let the disk say no, once."""

    def act(steps: Steps, name: str) -> None:
        if name == "commit":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_WRITE"
            raise error
        raise OSError(number, os.strerror(number))

    return act


ACTS = {"kill": lambda _: kill, "cut": lambda _: cut, "error": broken, "count": lambda _: lambda *_: None}


def call(request: dict[str, Any]) -> int:
    """Run one command in this process."""
    from stadtbuch.cli import main

    if os.environ.get("CRASH_TRACE"):
        main._unexpected = _reraise  # type: ignore[assignment]
    os.chdir(request["root"])
    if request["temporary"]:
        os.environ["TMPDIR"], tempfile.tempdir = request["temporary"], None
    for stream, name in ((1, "out"), (2, "err")):
        handle = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, stream)
    steps = Steps(request["root"], at=request["at"], act=ACTS[request["kind"]](request["errno"]))
    steps.watch()
    code = main.main(request["arguments"])
    sys.stdout.flush()
    steps.inside = True
    Path(request["out"] + ".steps").write_text(str(steps.number))
    return code


def _reraise(error: Exception) -> Any:
    raise error


IMPORTED = """
    geopandas pyarrow.parquet pyarrow.dataset pandas.core.arrays.arrow.extension_types rich.console rich.progress
    jinja2.ext mistune.plugins.def_list cryptography.hazmat.primitives.asymmetric.ed25519 encodings.utf_8_sig
    stadtbuch.catalog.reading stadtbuch.cli.main stadtbuch.cli.build stadtbuch.cli.report stadtbuch.cli.looked
    stadtbuch.cli.unchanged stadtbuch.dashboards.build stadtbuch.dashboards.shelf stadtbuch.reports.build
    stadtbuch.reports.recovery stadtbuch.runs.kernels stadtbuch.site.pages stadtbuch.submissions.review
"""


def warm() -> None:
    """Do once what every command would do again: imports, templates, the list of what is installed, the wheel."""
    for name in IMPORTED.split():
        importlib.import_module(name)
    import nbformat

    from stadtbuch.reports import body, library, look, packages
    from stadtbuch.runs import key

    key.environment(Path("/nowhere"))
    key.library()
    for relaxed in (False, True):
        nbformat.validate(nbformat.v4.new_notebook(), relax_add_props=relaxed)
    library.wheel()
    packages.installed()
    body._exporter()
    for language in ("de", "en"):
        environment = look._environment(language)
        for name in environment.list_templates():
            environment.get_template(name)
    gc.freeze()  # so that no process copies what all of them only read


def serve() -> None:
    """Answer requests, each a list of commands to run at once, until there is none any more."""
    warm()
    print("ready", flush=True)
    for line in sys.stdin:
        children = [begin(request) for request in json.loads(line)]
        answers = []
        for child in children:
            _, status, used = os.wait4(child, 0)
            answers.append(
                {"status": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime}
            )
        print(json.dumps(answers), flush=True)


def begin(request: dict[str, Any]) -> int:
    """Fork a process for a command."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        code = call(request)
        atexit._run_exitfuncs()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
