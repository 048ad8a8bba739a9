"""
A unit of work on a cluster's worker: take an order, run it in a private folder, send back its files.

An order and its answer are JSON text and name pieces of the artefacts; no object of the coordinator travels. The run
itself is done by `execute`, as on the coordinator's machine. A worker whose Python, library or packages are not the
coordinator's refuses: its result would not be what the run key promises.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import stat
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Any

from stadtbuch import scratch
from stadtbuch.errors import Refused, StadtbuchError
from stadtbuch.runs import execute, key, worker
from stadtbuch.runs.artefacts import Artefacts
from stadtbuch.runs.plan import Request
from stadtbuch.settings import Runs
from stadtbuch.texts import Text

INPUT = 2**30
"""Bytes of one file that a run is given."""
PIECE = 64 * 2**20
ALL = 256 * 2**20
FILES = 2000
"""How much a run may hand out together; a report's figures and tables are a few megabytes."""
NAME = re.compile(r"(?:notebook\.ipynb|kernel\.log|outputs(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}){1,4})")
"""Names of files that come back: no dot in front, so neither ``..`` nor anything hidden."""


def perform(order: str) -> str:
    """
    Do one order.

    Parameters
    ----------
    order
        JSON: ``artefacts`` and ``key`` (where the pieces are, and what opens them), ``terms`` and ``request``
        (pieces), ``seconds``, ``limits`` (as ``[runs]`` in the settings), ``folder`` (where to work; null: the
        machine's folder for temporary files).

    Returns
    -------
    str
        JSON: ``status`` (``ran``, ``failed``, ``unfit``), and with it ``seconds``, ``cpu_seconds``, ``error``,
        ``engine``, ``wall`` and ``files``, or ``problems``.
    """
    asked = json.loads(order)
    shelf = Artefacts(asked["artefacts"], b64decode(asked["key"]))
    try:
        problems = unfit(shelf.get(asked["terms"], limit=PIECE).decode())
        if problems:
            return json.dumps({"status": "unfit", "problems": problems})
        return json.dumps(_done(asked, shelf))
    except StadtbuchError as problem:
        return json.dumps({"status": "failed", "seconds": 0.0, "error": told(problem), "files": {}})


def _done(asked: Mapping[str, Any], shelf: Artefacts) -> dict[str, Any]:
    """Run an order that is for us."""
    _allow_children()
    with private_folder(asked["folder"]) as folder:
        request = _request(json.loads(shelf.get(asked["request"], limit=INPUT)), shelf, folder / "run")
        limits = Runs.model_validate(asked["limits"])
        crew = partial(execute.locally, wall=limits.wall)
        (result,) = execute.execute([request], seconds=float(asked["seconds"]), crew=crew, limits=limits)
        files = {name: [shelf.put(data), len(data)] for name, data in handed_out(request.folder)}
        info = json.loads((request.folder / worker.INFO).read_text(encoding="utf-8"))
    return {
        "status": result.status,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "error": result.error,
        "engine": info["engine"],
        "wall": info["wall"],
        "files": files,
    }


def told(problem: StadtbuchError) -> dict[str, Any]:
    """Write an error as a run's result holds it."""
    said = {language: problem.as_dict(language) for language in ("de", "en")}
    parts = {code: {name: one[name] for name in ("text", "why", "remedy")} for code, one in said.items()}
    return {
        "type": type(problem).__name__,
        "cell": None,
        "code": problem.code,
        "exit_code": problem.exit_code,
        **parts,
    }


def terms(root: Path) -> dict[str, Any]:
    """
    Say what a worker must have to give the coordinator's results: Python, library, packages.

    Parameters
    ----------
    root
        The city's folder; the packages that its lock file names count, without one all that are installed.
    """
    installed = _installed()
    lock = root / key.LOCK
    pinned = (
        re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE)
        if lock.is_file()
        else []
    )
    names = {_normal(name) for name in pinned} & installed.keys() or installed.keys()
    packages = {name: installed[name] for name in sorted(names)}
    return {
        "python": key.environment(root)["python"],
        "library": key.library()["sha256"],
        "packages": packages,
    }


@lru_cache(maxsize=8)
def unfit(wanted: str) -> tuple[str, ...]:
    """
    Say what this worker has other than the coordinator: ``pandas 3.1.0, not 3.1.1``.

    Parameters
    ----------
    wanted
        The coordinator's `terms` as JSON; compared once per process.
    """
    told = json.loads(wanted)
    own, found = key.environment(Path(os.devnull))["python"], _installed()
    pairs = [("Python", own, told["python"])]
    pairs += [("stadtbuch", key.library()["sha256"][:12], told["library"][:12])]
    pairs += [(name, found.get(name, "–"), version) for name, version in told["packages"].items()]
    return tuple(f"{name} {here}, not {there}" for name, here, there in pairs if here != there)


def _installed() -> dict[str, str]:
    return {_normal(str(one.name)): str(one.version) for one in distributions()}


def _normal(name: str) -> str:
    """Write a package's name as the index does (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _request(told: Mapping[str, Any], shelf: Artefacts, folder: Path) -> Request:
    """Put the request together again from its pieces."""
    info = told["info"]
    inputs, modules = (
        {path: shelf.get(name, limit=INPUT) for path, name in told[kind].items()}
        for kind in ("inputs", "modules")
    )
    return Request(
        key=info["key"],
        key_parts=info["key_parts"],
        folder=folder,
        info=info,
        restricted=bool(told["restricted"]),
        notebook=told["notebook"],
        inputs=inputs,
        modules=modules,
    )


def handed_out(folder: Path) -> Iterator[tuple[str, bytes]]:
    """
    Give the files of a run, by name: notebook, log, and what lies in ``outputs``.

    Raises
    ------
    Refused
        ``cluster.output`` if there is a link, a device, a strange name, or too much: a report has no use for that.
    """
    paths = [folder / worker.EXECUTED, folder / "kernel.log", *_below(folder / "outputs")]
    found = [path for path in paths if path.exists() or path.is_symlink()]
    names = [path.relative_to(folder).as_posix() for path in found]
    seen = [path.lstat() for path in found]
    if not all(map(is_harmless, names)) or not all(stat.S_ISREG(one.st_mode) for one in seen):
        raise strange_output()
    sizes = [one.st_size for one in seen]
    if is_too_much(sizes):
        raise strange_output()
    for name, path in zip(names, found, strict=True):
        yield name, path.read_bytes()


def _below(folder: Path) -> list[Path]:
    """List everything below a folder that is no folder itself; links to folders are not followed."""
    return sorted(
        Path(parent) / name
        for parent, folders, files in os.walk(folder)
        for name in (*files, *(one for one in folders if (Path(parent) / one).is_symlink()))
    )


def is_too_much(sizes: Sequence[int]) -> bool:
    """
    Tell whether files of these sizes are more than a run may hand out.

    Examples
    --------
    >>> is_too_much([1000, PIECE]), is_too_much([PIECE + 1]), is_too_much([1] * (FILES + 1))
    (False, True, True)
    """
    return len(sizes) > FILES or sum(sizes) > ALL or max(sizes, default=0) > PIECE


def is_harmless(name: str) -> bool:
    """
    Tell whether a file of this name may be written below a run's folder.

    Examples
    --------
    >>> is_harmless("outputs/tables/ages.json"), is_harmless("outputs/../../x"), is_harmless("run.json")
    (True, False, False)
    """
    return bool(NAME.fullmatch(name)) and PurePosixPath(name).as_posix() == name


@contextmanager
def private_folder(place: str | None = None) -> Iterator[Path]:
    """Make a folder that only this user can enter, and remove it; those of killed workers are removed as well."""
    with scratch.folder(scratch.UNIT, place=Path(place) if place else None) as folder:
        yield folder


def _allow_children() -> None:
    """
    Let a worker start processes although Dask's keeper started it as a daemon.

    Python forbids daemons to have children, because they would outlive a daemon that is killed. Ours do not: each of
    them holds a lifeline.
    """
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]


def spoken(problems: Sequence[str]) -> str:
    """Name the first few differences."""
    more = f" (+{len(problems) - 3})" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more


def strange_output() -> Refused:
    """Say that what a run handed out is not taken."""
    return Refused(
        "cluster.output",
        Text(
            de="Was der Lauf ausgegeben hat, wird nicht übernommen.",
            en="What the run handed out is not taken over.",
        ),
        why=Text(
            de="Darunter ist ein Verweis, ein fremder Name, ein Gerät, oder es ist zu viel.",
            en="There is a link, a strange name or a device among it, or it is too much.",
        ),
        remedy=Text(
            de="Schreiben Sie im Notebook nur mit sb.figure, sb.table und sb.publish.",
            en="In the notebook, write with sb.figure, sb.table and sb.publish only.",
        ),
    )
