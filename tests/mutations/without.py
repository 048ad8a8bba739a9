"""
Run tests with one rule switched off: a function of the house says something else, and the test must notice.

A program: it reads switches as JSON from its input, one per line, and writes one JSON answer per line. Each switch is
tried in a fork of its own, which has the slow libraries but nothing of the house, so that the changed source is the
one that every module gets.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def changed(source: str, *, function: str, says: str) -> ast.Module:
    """
    Give a module in which one function (``name`` or ``Class.name``) has another body.

    Raises
    ------
    LookupError
        If the module has no such function, or if it says that already.
    """
    tree = ast.parse(source)
    body: list[ast.stmt] = tree.body
    *outer, name = function.split(".")
    for one in outer:
        body = _named(body, one, ast.ClassDef).body
    found = _named(body, name, ast.FunctionDef)
    instead = ast.parse(says).body
    if [ast.dump(line) for line in found.body[1:]] == [ast.dump(line) for line in instead]:
        raise LookupError(f"{function} says that already")
    found.body = instead
    return ast.fix_missing_locations(tree)


def _named(body: list[ast.stmt], name: str, kind: type) -> Any:
    for one in body:
        if isinstance(one, kind) and getattr(one, "name", None) == name:
            return one
    raise LookupError(f"there is no {name}")


class Changed(SourceFileLoader):
    """Loads a module with one function changed, and keeps nothing of it on the disk."""

    def __init__(self, name: str, path: str, *, function: str, says: str) -> None:
        super().__init__(name, path)
        self.function, self.says = function, says

    def get_code(self, fullname: str) -> Any:
        """Compile the changed source."""
        path = self.get_filename(fullname)
        source = self.get_data(path).decode()
        return compile(changed(source, function=self.function, says=self.says), path, "exec")


class Switch(MetaPathFinder):
    """Finds the module that is to be changed before anything else does."""

    def __init__(self, module: str, *, function: str, says: str) -> None:
        self.module, self.function, self.says = module, function, says

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Give the changed module's place."""
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None:
            return None
        loader = Changed(fullname, spec.origin, function=self.function, says=self.says)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


class Seen:
    """What happened to the tests: how many passed, failed, and could not even be tried."""

    def __init__(self) -> None:
        self.passed = self.failed = self.broken = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a test's own part; trouble before it is no verdict."""
        if report.when == "call":
            self.passed += report.passed
            self.failed += report.failed
        else:
            self.broken += report.failed

    def pytest_collectreport(self, report: Any) -> None:
        """Count what could not be collected."""
        self.broken += report.failed


def tried(switch: dict[str, str] | None, test: str) -> dict[str, int]:
    """Run one test, with a switch or without, and count what happened."""
    import pytest

    if switch is not None:
        module, function = switch["where"].split(":")
        sys.meta_path.insert(0, Switch(module, function=function, says=switch["says"]))
    seen = Seen()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main(["-p", "no:cacheprovider", "--no-header", "-x", test], plugins=[seen])
    if code not in (0, 1):
        seen.broken += 1
    return {"passed": seen.passed, "failed": seen.failed, "broken": seen.broken}


def forked(switch: dict[str, str] | None, test: str) -> dict[str, int]:
    """Try in a fork, and read its answer."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            answer = json.dumps(tried(switch, test))
        except BaseException:  # noqa: BLE001 - whatever happens in the fork is an answer, not an end
            answer = json.dumps({"passed": 0, "failed": 0, "broken": 1})
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer_of:
        said = answer_of.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else {"passed": 0, "failed": 0, "broken": 1}


def main() -> None:
    """Answer one switch after another."""
    import geopandas  # noqa: F401 - what is slow to load and not changed
    import pytest  # noqa: F401
    import scipy.optimize
    import scipy.sparse  # noqa: F401

    os.chdir(ROOT)
    for line in sys.stdin:
        asked = json.loads(line)
        switch = asked if "where" in asked else None
        sys.stdout.write(json.dumps(forked(switch, asked["test"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
