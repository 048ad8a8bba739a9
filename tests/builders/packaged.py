"""An edition in a folder, with a package whose run key is the one of its parts: nothing was run for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from stadtbuch import atomic
from stadtbuch.model.report import Edition, Report
from stadtbuch.model.verdict import decide
from stadtbuch.reports import crate, editions, library, packages, release
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.outputs import encode
from stadtbuch.runs import key
from stadtbuch.runs.plan import Request
from stadtbuch.store import Store
from stadtbuch.texts import same

ROWS = b"PAR1 rows"
CODE = "1 + 1"
PIN = "pandas==3.1.0 \\\n    --hash=sha256:" + 64 * "0" + "\n"


def a_report() -> Report:
    """Define the report."""
    return Report(
        name="area",
        title=same("Fläche"),
        summary=same("Wie groß?"),
        report="notebooks/area.ipynb",
        release="automatic",
        roles={"author": "analyst", "release": "analyst"},
    )


def parts(root: Path, *, rows: bytes = ROWS, threshold: int = 3, year: int = 2025) -> packages.Parts:
    """Give what a package is made from, with a key that holds."""
    lock = root / key.LOCK
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(PIN)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE, id="one")])
    modules = {"tools.py": b"x = 1\n"}
    inputs = {
        "a.b": {"file": "inputs/a.b.parquet", "sha256": atomic.digest(rows), "class": "open", "kind": "frame"}
    }
    known = {
        "format": 1,
        "code": key.code(release.planned_notebook(notebook)),
        "modules": {path: atomic.digest(data) for path, data in modules.items()},
        "inputs": {name: one["sha256"] for name, one in inputs.items()},
        "parameters": {"year": year},
        "environment": {"source": key.LOCK, "sha256": atomic.digest(lock.read_bytes()), "python": "3.11.7"},
        "library": key.library(),
        "rules": {"version": "2026.1", "thresholds": {"min_count": threshold}},
    }
    facts: dict[str, Any] = {
        "key": key.of(known),
        "key_parts": known,
        "inputs": inputs,
        "parameters": {"year": year},
        "thresholds": {"min_count": threshold},
        "now": "2026-01-15T08:00:00+01:00",
        "restricted": False,
        "city": {"timezone": "Europe/Berlin"},
    }
    text = nbformat.writes(notebook, version=4)
    request = Request(facts["key"], known, root, facts, False, text, {}, modules)
    return packages.Parts(a_report(), Cell("", {"year": year}), same("Stadt"), request, facts, root)


def an_input(rows: bytes) -> dict[str, Any]:
    """Describe the one input as an edition does."""
    title = {"de": "A", "en": "A"}
    return {"id": "a.b", "step": "report", "title": title, "class": "open", "version": atomic.digest(rows)}


def an_edition(root: Path, *, value: float = 1.5, name: str = "2026-01-15", **changes: Any) -> Path:
    """Lay an edition with its package into a folder."""
    given = parts(root / "city", **changes)
    store = Store(root / "store")
    store.put(changes.get("rows", ROWS))
    results = [{"name": "total", "kind": "result", "value": value, "unit": None, "label": None}]
    notebook = release.written(release.public_notebook(nbformat.reads(given.request.notebook, as_version=4)))
    files = {
        "results.json": encode(results),
        "data/areas.csv": f"borough,area\n01,{value}\n".encode(),
        "notebooks/area.ipynb": notebook,
    }
    bare = Edition(
        id=editions.identify("area", "", name),
        report="area",
        cell="",
        edition=name,
        title=same("Fläche"),
        parameters={"year": given.facts["parameters"]["year"]},
        made_at=datetime(2026, 1, 15, 7, tzinfo=UTC),
        run_keys={"report": given.facts["key"]},
        code="c" * 64,
        rules="2026.1",
        library="0.1.0",
        inputs=(an_input(changes.get("rows", ROWS)),),
        files=editions.describe(files),
        results=tuple(results),
        decision=decide([], passed=same("gut")),
    )
    whole, files = packages.add(bare, files, given, store=store)
    folder = root / name
    editions.lay(folder, *crate.seal(whole, files))
    return folder


def forge(folder: Path, path: str, data: bytes) -> None:
    """Change a file and its checksum in the description, as somebody does who knows how it works."""
    (folder / path).write_bytes(data)
    told = json.loads((folder / editions.EDITION).read_text())
    for file in told["files"]:
        if file["path"] == path:
            file |= {"sha256": atomic.digest(data), "bytes": len(data)}
    (folder / editions.EDITION).write_bytes(encode(told))


def zipped(folder: Path) -> bytes:
    """Pack an edition as the site does."""
    described = editions.read(folder).edition
    names = [editions.EDITION, *(file.path for file in described.files)]
    wheel = library.wheel()
    files = {name: (folder / name).read_bytes() for name in names}
    return packages.packed(described, files, {f"package/{wheel.name}": wheel.data})
