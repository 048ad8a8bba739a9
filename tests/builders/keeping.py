"""
A city with a past, made in a second: a book, editions that are public, withdrawn or waiting, runs, contents, a log.

Nothing runs for it; every file has the form in which builds write it, by the library's own functions.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from builders.city import NOW, Made, a_city

from stadtbuch.model.actor import Actor
from stadtbuch.model.report import Edition
from stadtbuch.model.verdict import decide
from stadtbuch.reports import editions
from stadtbuch.session import City
from stadtbuch.state import FOLDERS
from stadtbuch.texts import Text, same
from stadtbuch.upkeep.keeper import Keeper

ROLES = {"*": ["analyst", "head-of-statistics"]}
LATER = NOW + timedelta(days=40)
PUBLIC_RUN, LONE_RUN, FAILED_RUN = "a1" * 32, "b2" * 32, "c3" * 32
VERSION_1 = ("store", "editions", "runs", "keys", "spool", "log", "derived", "registers", "dashboards")
"""The folders of a state of version 1, as the library of that time laid them out."""


def a_kept_city(root: Path) -> Made:
    """Make the city."""
    made = a_city(root, roles=ROLES)
    session = made.open()
    session.book.append("loaded", subject="population.residents", actor=session.actor, now=NOW)
    snapshot = session.store.put(b"rows that the public run saw")
    session.store.put(b"rows that nobody needs any more")
    a_run(session, PUBLIC_RUN, {"inputs": {"population.residents": {"sha256": snapshot}}})
    a_run(session, LONE_RUN, {"inputs": {}})
    a_run(session, FAILED_RUN, {"inputs": {}}, status="failed")
    lay(session, an_edition("area", files={"data/area.csv": b"borough,area\n01,12\n"}))
    lay(session, an_edition("area", name="2026-01-14", files={"data/area.csv": b"borough,area\n01,13\n"}))
    waiting = an_edition("people", files={"data/people.csv": b"borough,value\n01,12\n"})
    editions.lay(editions.waiting_place(session.state, "people", ""), waiting, FILES["people"])
    session.state.log("build.done", now=NOW, runs=3)
    session.state.key("pseudonyms")
    session.state.key("values")
    (session.state.root / "cache" / "stamps").write_bytes(b"made anew at any time")
    return made


FILES: dict[str, dict[str, bytes]] = {}


def an_edition(report: str, *, name: str = "2026-01-15", files: dict[str, bytes], **changes: Any) -> Edition:
    """Describe an edition with these files."""
    FILES[report] = files
    return Edition(
        **{
            "id": editions.identify(report, "", name),
            "report": report,
            "cell": "",
            "edition": name,
            "title": Text(de="Flächen", en="Areas"),
            "parameters": {},
            "made_at": NOW,
            "run_keys": {"report": PUBLIC_RUN},
            "code": "c" * 64,
            "rules": "2026.1",
            "library": "stadtbuch 0.1.0",
            "inputs": (),
            "files": editions.describe(files),
            "decision": decide([], passed=same("gut")),
        }
        | changes
    )


def lay(session: City, edition: Edition) -> None:
    """Lay an edition into the archive and enter its release."""
    place = editions.place(session.state, edition.report, edition.cell) / edition.edition
    editions.lay(place, edition, FILES[edition.report])
    session.book.append("released", subject=edition.id, actor=session.actor, now=NOW)


def a_run(session: City, key: str, info: dict[str, Any], *, status: str = "ran") -> Path:
    """Lay out the folder of a finished run."""
    folder = session.state.folder("runs") / key
    (folder / "outputs").mkdir(parents=True)
    for name, content in {"run.json": info, "result.json": {"status": status}}.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "outputs" / "results.json").write_bytes(b"[]\n")
    return folder


def a_keeper(made: Made, *, now: datetime = NOW) -> Keeper:
    """Give somebody who looks after the city's state."""
    return Keeper(made.settings, Actor(login="tester", role="analyst", roles=("analyst",)), now)


def as_version_1(made: Made) -> None:
    """Let a state be one of version 1: none of what version 2 brought."""
    root = made.root / "var"
    for name in {*FOLDERS} - {*VERSION_1}:
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "VERSION").write_text("1\n", encoding="utf-8")


def aged(root: Path, *, days: int, now: datetime = NOW) -> None:
    """Let everything below a folder have been written so many days ago."""
    then = (now - timedelta(days=days)).astimezone(UTC).timestamp()
    for path in [root, *root.rglob("*")]:
        os.utime(path, (then, then))


def everything(root: Path) -> dict[str, bytes]:
    """Give every file below a folder with its content, but locks and what SQLite keeps beside the book."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-wal", "-shm"))
    }
