"""
From a source to a folder whose every byte was checked: what is not as the edition says is named, and never used.

The chain of checksums begins with ``edition.json``; it lists the package, and the package names what it shares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from pydantic import ValidationError

from stadtbuch import atomic
from stadtbuch.model.report import Edition
from stadtbuch.reports import packages
from stadtbuch.reports.editions import CHECKPOINT, EDITION
from stadtbuch.runs import key
from stadtbuch.store import Store
from stadtbuch.texts import Text
from stadtbuch.transparency import sources
from stadtbuch.transparency.sources import Source
from stadtbuch.transparency.verdict import Difference, Part

LARGEST = 500_000_000
"""Bytes of all files of an edition together."""
OUTPUTS = ("data/", "figures/", "shown/", "results.json")


@dataclass
class Opened:
    """
    An edition, laid out in a folder of our own.

    Attributes
    ----------
    folder
        Holds ``edition.json`` and every listed file that is what it should be.
    differences
        What is not.
    missing
        Paths of shared content that was nowhere to be found.
    """

    folder: Path
    edition: Edition
    source: Source
    differences: list[Difference] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def index(self) -> dict[str, Any] | None:
        """Give the index of its package; nothing if it has none, or a damaged one."""
        try:
            return packages.index(self.folder)
        except ValueError:
            return None


def part_of(path: str) -> Part:
    """
    Say what a file of an edition is a part of.

    Examples
    --------
    >>> part_of("package/inputs/a.b.parquet"), part_of("notebooks/a.ipynb"), part_of("package/requirements.lock")
    ('data', 'code', 'lock')
    """
    if path in (packages.LOCK, packages.INSTALLED):
        return "lock"
    if path.endswith(".whl"):
        return "library"
    if path.endswith((".ipynb", ".py")):
        return "code"
    if path == packages.RUN:
        return "parameters"
    if path.startswith("package/inputs/"):
        return "data"
    if path == CHECKPOINT:
        return "checkpoint"
    return "output" if path.startswith(OUTPUTS) else "description"


def unpack(source: Source, into: Path, *, store: Store | None = None) -> Opened:
    """
    Lay an edition out in a folder, and check every byte of it.

    Parameters
    ----------
    source
        From `sources.source`.
    into
        An empty folder of our own.
    store
        The city's store, where the edition is our own: it holds what editions share.

    Raises
    ------
    UsageError
        ``verify.no-edition`` if ``edition.json`` is not there or says nothing that can be understood.
    """
    data = source.read(EDITION, limit=sources.DESCRIPTION_BYTES)
    edition = _described(data)
    opened = Opened(into, edition, source)
    into.mkdir(parents=True, exist_ok=True)
    (into / EDITION).write_bytes(data or b"")
    left = LARGEST
    for file in edition.files:
        left -= file.bytes
        if file.bytes < 0 or left < 0 or not sources.fits(file.path):
            raise sources.no_edition()
        found = source.read(file.path, limit=file.bytes)
        fault = _fault(found, size=file.bytes, sha256=file.sha256)
        if fault is not None or found is None:
            opened.differences.append(Difference(part_of(file.path), file.path, fault or GONE))
        else:
            _put(into / file.path, found)
    opened.differences += _inside(opened)
    if not opened.differences:
        _bring_shared(opened, store)
    return opened


GONE = Text(de="Die Datei fehlt.", en="The file is missing.")
CHANGED = Text(
    de="Die Datei ist nicht die veröffentlichte: Ihre Prüfsumme ist eine andere.",
    en="The file is not the published one: its checksum is another.",
)


def _described(data: bytes | None) -> Edition:
    """Read the description of an edition; what cannot be understood is none."""
    if data is None or len(data) > sources.DESCRIPTION_BYTES:
        raise sources.no_edition()
    try:
        return Edition.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError):
        raise sources.no_edition() from None


def _fault(data: bytes | None, *, size: int, sha256: str) -> Text | None:
    if data is None:
        return GONE
    return None if len(data) == size and atomic.digest(data) == sha256 else CHANGED


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _inside(opened: Opened) -> Iterator[Difference]:
    """
    Compare the package with the run key: whoever changed a file and its checksum in the description meets it here.

    The key stands in the edition's description, in the book, and in what others have kept.
    """
    if opened.differences or opened.index is None:
        return
    try:
        run = json.loads((opened.folder / packages.RUN).read_bytes())
        known = run["key_parts"]
        found = dict(_recomputed(opened, opened.index))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        yield Difference("description", packages.INDEX, NOT_UNDERSTOOD)
        return
    if key.of(known) != opened.edition.run_keys.get("report"):
        yield Difference("parameters", packages.RUN, OTHER_KEY)
    for (part, name), digest in found.items():
        expected = _expected(known, part, name)
        if digest != expected:
            yield Difference(part, name, OTHER_PART)
    if run.get("parameters") != known.get("parameters"):
        yield Difference("parameters", packages.RUN, OTHER_PART)


NOT_UNDERSTOOD = Text(
    de="Das Paket lässt sich nicht verstehen.",
    en="The package cannot be understood.",
)
OTHER_KEY = Text(
    de="Die Angaben zum Lauf ergeben einen anderen Laufschlüssel als den veröffentlichten.",
    en="What is said about the run gives another run key than the published one.",
)
OTHER_PART = Text(
    de="Das ist nicht, woraus der veröffentlichte Laufschlüssel gebildet wurde.",
    en="This is not what the published run key was made of.",
)


def _recomputed(opened: Opened, index: Mapping[str, Any]) -> Iterator[tuple[tuple[Part, str], str]]:
    """Hash code, modules, inputs and lock of the package as the planner does."""
    folder = opened.folder
    yield ("code", index["notebook"]), key.code(nbformat.read(folder / index["notebook"], as_version=4))
    modules = folder / "package" / "modules"
    for path in sorted(modules.rglob("*")) if modules.is_dir() else ():
        if path.is_file():
            yield ("code", path.relative_to(folder).as_posix()), atomic.digest(path.read_bytes())
    for name, one in index["inputs"].items():
        if (folder / one["file"]).is_file():
            yield ("data", name), atomic.digest((folder / one["file"]).read_bytes())
    if index["environment"]["file"] == packages.LOCK:
        yield ("lock", packages.LOCK), atomic.digest((folder / packages.LOCK).read_bytes())


def _expected(known: Mapping[str, Any], part: str, name: str) -> Any:
    """Give the hash that the run key was made of."""
    if part == "data":
        return known["inputs"].get(name)
    if part == "lock":
        return known["environment"]["sha256"]
    below = "package/modules/"
    return known["modules"].get(name.removeprefix(below)) if name.startswith(below) else known["code"]


def _bring_shared(opened: Opened, store: Store | None) -> None:
    """Fetch what the package shares from wherever it lies: beside it, in its zip, in the site, or in the store."""
    wanted = packages.shared(opened.index)
    packed = sources.beside(opened.source) if wanted else None
    for one in wanted:
        if not sources.fits(one.path) or one.bytes > LARGEST:
            raise sources.no_edition()
        for found in _places(opened, one, packed, store):
            if found is not None and atomic.digest(found) == one.sha256:
                _put(opened.folder / one.path, found)
                break
        else:
            opened.missing.append(one.path)


def _places(
    opened: Opened, one: packages.Elsewhere, packed: sources.Packed | None, store: Store | None
) -> Iterator[bytes | None]:
    yield opened.source.read(one.path, limit=one.bytes)
    yield packed.read(one.path, limit=one.bytes) if packed else None
    yield opened.source.above(one.public, limit=one.bytes)
    yield store.get(one.sha256) if store is not None and store.has(one.sha256) else None
