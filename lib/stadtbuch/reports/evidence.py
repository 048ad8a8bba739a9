"""
What a run left in its folder, read once and compared with itself.

The notebook of a run is written by code that nobody checked. So every output that claims to be a figure or a
table is rendered again here, from the record that it names, and must be the same to the last byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from stadtbuch.disclosure import released
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports import markup, outputs
from stadtbuch.runs import executed
from stadtbuch.texts import LANGUAGES, Text

KINDS = ("figure", "table", "headline", "points", "result", "protected")
LARGEST = 2_000_000
"""Bytes of one output file; a page weighs less than a sixth of it."""


@dataclass(frozen=True)
class Evidence:
    """
    One finished run, as files say it.

    Attributes
    ----------
    facts
        ``run.json``.
    notebook
        The executed notebook, not yet fit to leave the folder.
    figures, shown, tables
        Records by name.
    results
        Headlines and named results in their order.
    files
        Path below ``outputs/`` -> content, of everything that lies there.
    """

    folder: Path
    facts: Mapping[str, Any]
    notebook: Any
    figures: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Mapping[str, Any]]
    results: tuple[Mapping[str, Any], ...]
    files: Mapping[str, bytes]
    _released: dict[str | None, Mapping[str, released.Record]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def released(self, licence: str | None) -> Mapping[str, released.Record]:
        """Give the protected tables as a report releases them, under its licence; the same objects each time."""
        if licence not in self._released:
            self._released[licence] = {
                name: released.Record({**record, "license": licence}) for name, record in self.tables.items()
            }
        return self._released[licence]

    @classmethod
    def read(cls, folder: Path, *, source: Any | None = None) -> Evidence:
        """
        Read the folder of a finished run; anything unreadable is an error, and so a refusal.

        Parameters
        ----------
        source
            The notebook as it is now: its words are those that are judged and published. Without it, those that the
            run carried.
        """
        root = folder / "outputs"
        paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        files = {path.relative_to(root).as_posix(): _bounded(path) for path in paths}
        ran = nbformat.read(folder / "notebook.ipynb", as_version=4)
        return cls(
            folder=folder,
            facts=json.loads((folder / "run.json").read_text(encoding="utf-8")),
            notebook=ran if source is None else executed.with_texts(ran, source=source),
            figures=_records(files, "figures"),
            shown=_records(files, "shown"),
            tables=_records(files, "tables"),
            results=tuple(json.loads(files.get(outputs.RESULTS, b"[]"))),
            files=files,
        )

    def marked(self) -> Iterator[tuple[str, Any, str, str]]:
        """Give every output of the notebook that names a record: place, output, kind, name."""
        for place, output in places(self.notebook):
            mark = output.get("metadata", {}).get("stadtbuch")
            if isinstance(mark, Mapping):
                yield place, output, str(mark.get("kind")), str(mark.get("name"))

    def rendered(self, kind: str, name: str) -> dict[str, str] | None:
        """Render an output again from its record; ``None`` if there is no such record."""
        result = next(
            (one for one in self.results if one.get("name") == name and one.get("kind") == kind), None
        )
        if kind == "figure" and name in self.figures:
            return self._figure(self.figures[name])
        if kind == "table" and name in self.shown:
            record = self.shown[name]
            return {"text/html": markup.table_html(record, "de"), "text/plain": markup.table_text(record)}
        if kind == "protected" and name in self.tables:
            return {"text/html": released.from_record(self.tables[name])._repr_html_()}
        if kind == "headline" and result:
            return {
                "text/html": markup.headline_html(result, "de"),
                "text/plain": markup.headline_text(result),
            }
        if kind == "points" and result:
            return {"text/html": markup.points_html(result, "de"), "text/plain": markup.points_text(result)}
        if kind == "result" and result:
            return {"text/plain": markup.result_text(result)}
        return None

    def _figure(self, record: Mapping[str, Any]) -> dict[str, str] | None:
        svg = self.files.get(f"figures/{record['files']['de']}")
        return {"image/svg+xml": svg.decode(), "text/plain": markup.figure_text(record)} if svg else None


def _bounded(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError("an output file is too large")
    return path.read_bytes()


def _records(files: Mapping[str, bytes], folder: str) -> dict[str, Mapping[str, Any]]:
    prefix = f"{folder}/"
    return {
        path.removeprefix(prefix).removesuffix(".json"): json.loads(data)
        for path, data in files.items()
        if path.startswith(prefix) and path.endswith(".json")
    }


def places(notebook: Any) -> Iterator[tuple[str, Any]]:
    """Walk over all outputs of a notebook with the place that people know: ``cell 3, output 1``."""
    for number, cell in enumerate(notebook.cells, 1):
        for position, output in enumerate(cell.get("outputs", []), 1):
            yield f"cell {number}, output {position}", output


def findings(evidence: Evidence) -> Iterator[Finding]:
    """
    Say where outputs, records and files of a run do not agree.

    Rules: ``reports.record`` (an output is not what its record says), ``reports.file`` (a file that no record
    names), ``reports.figure`` (a figure lacks a part), ``reports.empty-figure``.
    """
    for place, output, kind, name in evidence.marked():
        if evidence.rendered(kind, name) != dict(output.get("data", {})):
            yield _differs(place)
    for name, record in evidence.figures.items():
        yield from _figure(name, record, evidence)
    for name, record in evidence.tables.items():
        if released.from_record(record).to_record() != dict(record) or record["name"] != name:
            yield _differs(f"tables/{name}")
    for path in sorted(set(evidence.files) - _named(evidence)):
        yield _stray(path)


def _named(evidence: Evidence) -> set[str]:
    """Give the files that the records name, and the records themselves."""
    kinds = {"figures": evidence.figures, "shown": evidence.shown, "tables": evidence.tables}
    own = {f"{folder}/{name}.json" for folder, records in kinds.items() for name in records}
    figures = evidence.figures.values()
    return (
        own
        | {f"figures/{one}" for record in figures for one in (*record["files"].values(), record["csv"])}
        | {outputs.RESULTS}
    )


def _figure(name: str, record: Mapping[str, Any], evidence: Evidence) -> Iterator[Finding]:
    for part in ("title", "subtitle", "alt", "reading_help"):
        for language in LANGUAGES:
            if not str((record.get(part) or {}).get(language) or "").strip():
                yield _lacking(name, part, language)
    csv = evidence.files.get(f"figures/{record['csv']}")
    if record["name"] != name or csv != markup.csv_text(record).encode():
        yield _differs(f"figures/{name}")
    for language in LANGUAGES:
        svg = evidence.files.get(f"figures/{record['files'][language]}", b"")
        if b"<path" not in svg and b"<text" not in svg and b"<line" not in svg:
            yield _empty(name)


def _differs(place: str) -> Finding:
    return Finding(
        rule="reports.record",
        severity=Severity.refuse,
        subject=place,
        text=Text(
            de=f"{place}: Die Ausgabe ist nicht das, was ihr Eintrag sagt.",
            en=f"{place}: the output is not what its record says.",
        ),
        remedy=Text(
            de="Nehmen Sie sb.figure, sb.table, sb.headline oder sb.publish und ändern Sie deren "
            "Dateien nicht.",
            en="Use sb.figure, sb.table, sb.headline or sb.publish, and leave their files as they are.",
        ),
    )


def _stray(path: str) -> Finding:
    return Finding(
        rule="reports.file",
        severity=Severity.refuse,
        subject="outputs",
        text=Text(
            de="Im Ordner der Ausgaben liegt eine Datei, die zu keiner Abbildung und keiner Tabelle gehört.",
            en="The folder of outputs holds a file that belongs to no figure and no table.",
        ),
        remedy=Text(
            de="Schreiben Sie keine eigenen Dateien; was veröffentlicht wird, entsteht aus sb.figure "
            "und sb.table.",
            en="Write no files of your own; what is published is made by sb.figure and sb.table.",
        ),
    )


def _lacking(name: str, part: str, language: str) -> Finding:
    return Finding(
        rule="reports.figure",
        severity=Severity.refuse,
        subject=f"figure {name}",
        text=Text(
            de=f"Der Abbildung fehlt {part} ({language}).", en=f"The figure lacks {part} ({language})."
        ),
        remedy=Text(de=f"Ergänzen Sie {part}= in sb.figure(...).", en=f"Add {part}= to sb.figure(...)."),
    )


def _empty(name: str) -> Finding:
    return Finding(
        rule="reports.empty-figure",
        severity=Severity.refuse,
        subject=f"figure {name}",
        text=Text(de="Die Abbildung ist leer.", en="The figure is empty."),
        remedy=Text(
            de="Prüfen Sie die Daten und die Spaltennamen.", en="Check the data and the column names."
        ),
    )
