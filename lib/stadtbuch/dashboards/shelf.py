"""
The shelf: dashboards that passed the gate, each with the records of every choice and what a live kernel reads.

A folder ``var/dashboards/<name>`` is replaced as a whole. What it says is checked against its hashes whenever it is
read, and it counts only as long as its report is public and every released table in it is the one that is released.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from stadtbuch import atomic
from stadtbuch.dashboards.controls import Choice, Control, address
from stadtbuch.errors import StateError
from stadtbuch.reports import editions
from stadtbuch.runs import key
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.texts import Text

DESCRIPTION = "dashboard.json"
NOTEBOOK, RUN = "live/source.ipynb", "live/run.json"


@dataclass(frozen=True)
class Kept:
    """
    One dashboard on the shelf.

    Attributes
    ----------
    folder
        Where it lies.
    told
        The content of ``dashboard.json``.
    outputs
        Path below ``outputs/`` -> content: records and pictures of all choices.
    """

    folder: Path
    told: Mapping[str, Any]
    outputs: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """Give its name, that of its report."""
        return str(self.told["name"])

    @property
    def title(self) -> Text:
        """Give its title."""
        return Text(**self.told["title"])

    @property
    def summary(self) -> Text:
        """Give what it shows, in a sentence."""
        return Text(**self.told["summary"])

    @property
    def controls(self) -> tuple[Control, ...]:
        """Give what visitors choose."""
        return tuple(Control.from_record(one) for one in self.told["controls"])

    @property
    def inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Give what is known about its inputs, by id."""
        return dict(self.told["inputs"])

    @property
    def notebook(self) -> Any:
        """Give its notebook, as source."""
        return nbformat.read(self.folder / NOTEBOOK, as_version=4)

    def marks(self, choice: Choice) -> list[tuple[str, str]]:
        """Give kind and name of what a choice shows, in its order."""
        return [(kind, name) for kind, name in self.told["marks"][address(choice)]]

    def bytes(self, path: str) -> bytes:
        """Give the content of one of its files."""
        return (self.folder / path).read_bytes()


def put(state: State, told: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Put a dashboard on the shelf, in the place of an earlier one: `stage` and `show` in one."""
    stage(state, told, files)
    show(state, told["name"])


def stage(state: State, told: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """
    Write a dashboard beside its place, down to the disk; `show` puts it on the shelf.

    Parameters
    ----------
    told
        What ``dashboard.json`` says; the hashes of the files are added.
    files
        Path in its folder -> content.
    """
    place = state.folder("dashboards") / told["name"]
    building = place.parent / f".{place.name}.new"
    content = {**told, "files": {path: atomic.digest(data) for path, data in sorted(files.items())}}
    with atomic.telling("var/dashboards"):
        shutil.rmtree(building, ignore_errors=True)
        for path, data in files.items():
            (building / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic.write(building / path, data, mode=0o600)
        atomic.write(building / DESCRIPTION, _encoded(content))
        atomic.sync_folder(place.parent)


def show(state: State, name: str) -> None:
    """Put a dashboard that was written beside its place on the shelf; an earlier one goes first."""
    place = state.folder("dashboards") / name
    with atomic.telling("var/dashboards"):
        if place.exists():
            take_down(state, name)
        (place.parent / f".{name}.new").rename(place)
        atomic.sync_folder(place.parent)


def mend(city: City) -> int:
    """
    Finish what an interruption left beside the shelf: what the book calls released is shown, the rest goes.

    Returns
    -------
    int
        How many dashboards were put on the shelf.
    """
    folder, done = city.state.folder("dashboards"), 0
    with atomic.telling("var/dashboards"):
        for path in sorted(folder.glob(".*.new")):
            name = path.name.removeprefix(".").removesuffix(".new")
            if _is_released(city, name, read(path)):
                show(city.state, name)
                done += 1
        for path in [*folder.glob(".*.new"), *folder.glob(".*.old")]:
            shutil.rmtree(path)
    return done


def _is_released(city: City, name: str, kept: Kept | None) -> bool:
    """Tell whether the book says that exactly this dashboard was released last."""
    last = list(city.book.entries(kind="dashboard-released", subject=f"dashboards/{name}"))[-1:]
    return kept is not None and bool(last) and last[0].details["key"] == kept.told["key"]


def take_down(state: State, name: str) -> None:
    """Take a dashboard off the shelf: renamed first, so that nobody reads half of it."""
    place = state.folder("dashboards") / name
    old = place.parent / f".{name}.old"
    with atomic.telling("var/dashboards"):
        atomic.remove_folder(old)
        if place.exists():
            place.rename(old)
            atomic.remove_folder(old)


def read(folder: Path) -> Kept | None:
    """Read a dashboard; None if it is incomplete or not what its description says."""
    try:
        told = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        content = {path: (folder / path).read_bytes() for path in told["files"]}
    except (OSError, ValueError, KeyError):
        return None
    if any(atomic.digest(content[path]) != known for path, known in told["files"].items()):
        return None
    shown = {
        path.removeprefix("outputs/"): data for path, data in content.items() if path.startswith("outputs/")
    }
    return Kept(folder, told, shown)


def everything(state: State) -> list[Kept]:
    """Give every sound dashboard on the shelf, by name."""
    folders = sorted(
        path
        for path in state.folder("dashboards").iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    return [kept for kept in map(read, folders) if kept is not None]


def listed(state: State) -> list[Kept]:
    """
    Give the dashboards that visitors may see now.

    A dashboard counts only as long as its report has a public edition, and every released table it was made from is
    the one that is released today: a withdrawn table takes its dashboard with it.
    """
    public = {_report(state, folder) for folder in editions.folders(state)}
    return [kept for kept in everything(state) if kept.name in public and _current(state, kept)]


def _report(state: State, folder: Path) -> str | None:
    """Name the report of an edition that is public; None for one that is withdrawn or damaged."""
    try:
        archived = editions.read(folder)
    except StateError:
        return None
    return archived.edition.report if archived.public else None


def _current(state: State, kept: Kept) -> bool:
    """Tell whether every released table that a dashboard was made from still is what is released."""
    tables = {name: one["sha256"] for name, one in kept.inputs.items() if one["kind"] == "table"}
    return all(_released(state, name) == known for name, known in tables.items())


def _released(state: State, table: str) -> str | None:
    """Give the hash of a released table as a run would see it."""
    path = state.folder("derived") / f"{table}.json"
    try:
        return atomic.digest(key.canonical(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return None


def of(city: City) -> list[Kept]:
    """Give the dashboards of a city that visitors may see."""
    return listed(city.state)


def _encoded(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
