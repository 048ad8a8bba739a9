"""What several stories share: the made-up city of this repository, small, made and built once per test session."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stadtbuch.cli import main

CITY = (
    "stadtbuch.toml",
    "synthetic.yaml",
    "roles.yaml",
    "concentration.toml",
    "catalogs",
    "notebooks",
    "reports",
    "requirements",
)
LIB = str(Path(main.__file__).parents[2])
DEMO = ("demo", "--size", "mini", "--jobs", "2", "--now", "2026-01-15T08:00", "--json")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a campaign ask for more editions, or for more withheld cells."""
    parser.addoption("--cells", type=int, default=150, help="how many withheld cells of a table are attacked")
    parser.addoption("--editions", type=int, default=1, help="how many editions a stranger computes again")


@dataclass(frozen=True)
class Called:
    """A command that ran in a process of its own: how it ended and every byte it said."""

    code: int
    out: bytes
    err: bytes


@dataclass(frozen=True)
class Lindenstadt:
    """A built city, and what the command that built it said."""

    root: Path
    demo: Called

    def call(self, *arguments: str, language: str = "de") -> Called:
        """Call the command line in the city's folder."""
        return call(self.root, *arguments, language=language)

    def copy(self, folder: Path) -> Lindenstadt:
        """Copy the city, to change it."""
        shutil.copytree(self.root, folder)
        return Lindenstadt(folder, self.demo)


def call(root: Path, *arguments: str, language: str = "de") -> Called:
    """Call ``stadtbuch`` as a person does: a process of its own, in the city's folder."""
    ended = subprocess.run(
        [sys.executable, "-m", "stadtbuch", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": LIB, "STADTBUCH_LANGUAGE": language},
        capture_output=True,
        check=False,
    )
    return Called(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def lindenstadt(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Lindenstadt:
    """
    Give the made-up city with its pages: read only, copy it to change it.

    It takes most of a minute, so test processes that run at once share it: the first one builds, others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "lindenstadt"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "code").exists():
            _build(root, shared)
    out, err = (shared / "out").read_bytes(), (shared / "err").read_bytes()
    return Lindenstadt(shared / "city", Called(int((shared / "code").read_text()), out, err))


def _build(root: Path, shared: Path) -> None:
    """Copy the city's files (no data, no state, no pages) and call the demo there."""
    (shared / "city").mkdir()
    for name in CITY:
        source, target = root / name, shared / "city" / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    called = call(shared / "city", *DEMO)
    (shared / "out").write_bytes(called.out)
    (shared / "err").write_bytes(called.err)
    (shared / "code").write_text(str(called.code))
