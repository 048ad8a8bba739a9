"""
From a run that passed the gate to the files of an edition.

Nothing is copied from the run's folder as it is: notebooks lose what machines noted in them, tables are
written again from their records, and every download names its licence and its sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import nbformat

from stadtbuch import atomic
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.disclosure import released
from stadtbuch.disclosure.places import ProtectedPlaces
from stadtbuch.model.report import Report
from stadtbuch.reports import figures, markup, outputs, records
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs.manifest import LAB_TAG
from stadtbuch.store import frame_bytes
from stadtbuch.texts import LANGUAGES, Text

if TYPE_CHECKING:
    import pandas as pd

    from stadtbuch.disclosure.answers import Answer
    from stadtbuch.disclosure.tables import ProtectedTable

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TYPES = {0: "integer", None: "integer", 1: "number", 2: "number"}
PACKAGE = "datapackage.json"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


@dataclass(frozen=True)
class Material:
    """
    Everything an edition is made from.

    Attributes
    ----------
    evidence
        The public step, as it passed the gate.
    source
        The notebook of the preparing step, if there is one: only its source leaves.
    cleared
        Records of the protected tables, by name.
    inputs
        What the edition says of each input, see `described`.
    publisher
        Who publishes, for licence texts.
    """

    report: Report
    cell: Cell
    evidence: Evidence
    source: Any | None
    cleared: Mapping[str, Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Any]]
    publisher: Text


def files(material: Material) -> dict[str, bytes]:
    """Give all files of an edition by path; the same material gives the same bytes."""
    evidence, report = material.evidence, material.report
    made = {f"notebooks/{report.name}.ipynb": written(public_notebook(evidence.notebook))}
    if material.source is not None and report.prepare:
        made[f"notebooks/{PurePosixPath(report.prepare).name}"] = written(source_only(material.source))
    for path in evidence.files:
        if path.startswith(("figures/", "shown/")) or path == outputs.RESULTS:
            made[path] = evidence.files[path]
    made.setdefault(outputs.RESULTS, outputs.encode([]))
    tables = {**_shown(evidence), **_cleared(material)}
    made |= {f"data/{name}": data for name, data in tables.items()}
    made["data/LICENCE.txt"] = licence_text(material).encode()
    for folder in ("data", "figures"):
        listed = sorted(
            path for path in made if path.startswith(f"{folder}/") and path.endswith((".csv", ".parquet"))
        )
        if listed:
            made[f"{folder}/{PACKAGE}"] = outputs.encode(
                _package(material, {path: made[path] for path in listed}, folder)
            )
    return made


def public_notebook(notebook: Any) -> Any:
    """
    Give an executed notebook without what machines noted in it: paths, times, names of programs.

    Cells keep source, tags and outputs; the cell of the parameters gets a fixed id. Those for the lab only, which
    no run executed, are left out.
    """
    copy = deepcopy(notebook)
    first, *others = copy.cells
    copy.cells = [first, *(one for one in others if LAB_TAG not in one.get("metadata", {}).get("tags", []))]
    return _bare(copy)


def planned_notebook(notebook: Any) -> Any:
    """
    Give a notebook as a run takes it: no outputs, nothing that machines noted, every cell in its place.

    The cells for the lab stay, emptied as the plan gave them: the hash of the code counts them.
    """
    return _without_outputs(_bare(deepcopy(notebook)))


def _bare(copy: Any) -> Any:
    for number, cell in enumerate(copy.cells):
        tags = list(cell.get("metadata", {}).get("tags", []))
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell["id"] = "injected-parameters" if "injected-parameters" in tags else _id(cell, number)
        for output in cell.get("outputs", []):
            if "metadata" in output:
                mark = output.metadata.get("stadtbuch")
                output.metadata = nbformat.from_dict({"stadtbuch": mark} if mark else {})
    return _plain(copy)


def source_only(notebook: Any) -> Any:
    """Give a notebook without any output."""
    return _without_outputs(public_notebook(notebook))


def _without_outputs(copy: Any) -> Any:
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    return copy


def _id(cell: Any, number: int) -> str:
    return str(cell.get("id") or f"cell-{number}")


def _plain(notebook: Any) -> Any:
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": language})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def written(notebook: Any) -> bytes:
    """Write a notebook in one stable form."""
    return (nbformat.writes(notebook, version=4) + "\n").encode()


def described(evidence: Evidence, *, step: str) -> Iterator[dict[str, Any]]:
    """
    Say of each input what readers may know: title, class, version, licence, attribution; never its content.

    Parameters
    ----------
    step
        ``"prepare"`` or ``"report"``.
    """
    keys = (
        "title",
        "class",
        "kind",
        "version",
        "licence",
        "licence_title",
        "licence_url",
        "attribution",
        "purpose",
    )
    for name, one in evidence.facts["inputs"].items():
        paid = {key: one[key] for key in ("derived_from", "epsilon", "delta") if "epsilon" in one}
        yield {"id": name, "step": step} | {key: one.get(key) for key in keys} | paid


def _cleared(material: Material) -> dict[str, bytes]:
    """Write each protected table as CSV, Parquet and record; places as GeoJSON, too."""
    return {
        f"{name}.{ending}": data
        for name, record in material.cleared.items()
        for ending, data in _forms(_remembered(record))
    }


def _remembered(record: Mapping[str, Any]) -> released.Record:
    return record if isinstance(record, released.Record) else released.Record(record)


@lru_cache(maxsize=32)  # all cells of a report release the same table
def _table(record: released.Record) -> ProtectedTable | ProtectedPlaces | Answer:
    return released.from_record(record)


@lru_cache(maxsize=32)  # as for `_table`
def _frame(record: released.Record) -> pd.DataFrame:
    return _table(record).frame


@lru_cache(maxsize=32)  # as for `_table`
def _forms(record: released.Record) -> tuple[tuple[str, bytes], ...]:
    """Give a record's files by their endings."""
    table, frame = _table(record), _frame(record)
    content = {"columns": [{"name": one} for one in frame.columns], "rows": records.rows(frame)}
    made = [
        ("csv", markup.csv_text(content).encode()),
        ("parquet", frame_bytes(frame)),
        ("json", outputs.encode(record)),
    ]
    places = [("geojson", outputs.encode(table.geojson()))] if isinstance(table, ProtectedPlaces) else []
    return (*made, *places)


def _shown(evidence: Evidence) -> dict[str, bytes]:
    """Write each shown table as CSV; labels of codes are left to the data package."""
    return {f"{name}.csv": markup.csv_text(_flat(record)).encode() for name, record in evidence.shown.items()}


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the special cells of a shown table into what a CSV can hold."""
    rows = [[_cell(value) for value in row] for row in record["rows"]]
    return {"columns": record["columns"], "rows": rows}


def _cell(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return markup.MARGIN if value.get("total") else value.get("mark", value.get("de", ""))


def licence_text(material: Material) -> str:
    """Say under which licence the data of an edition may be used and how to name their sources."""
    lines = []
    for language in LANGUAGES:
        lines += [*_licence_lines(material, language), ""]
    return "\n".join(lines)


HEADS = {
    "title": Text(de="Lizenz und Namensnennung", en="Licence and attribution"),
    "tables": Text(de="Tabellen in diesem Ordner:", en="Tables in this folder:"),
    "sources": Text(de="Quellen:", en="Sources:"),
    "closed": Text(
        de="nicht offen; nur geschützte Tabellen daraus sind veröffentlicht",
        en="not open; only protected tables made from it are published",
    ),
}


def _licence_lines(material: Material, language: str) -> Iterator[str]:
    title = material.report.title.pick(language)
    yield f"{HEADS['title'].pick(language)}: {title}"
    if material.cleared:
        known = LICENCES[material.report.license]
        publisher = material.publisher.pick(language)
        yield f"{HEADS['tables'].pick(language)} {publisher}. {known.title.pick(language)}, {known.url}"
    yield HEADS["sources"].pick(language)
    for one in material.inputs:
        credit = figures.credit({"x": one}, ["x"], language)[0]
        yield f"- {credit}" + ("" if one["class"] == "open" else f" ({HEADS['closed'].pick(language)})")


def _package(material: Material, tables: Mapping[str, bytes], folder: str) -> dict[str, Any]:
    """Describe the tables of one folder of an edition as a Data Package (https://datapackage.org)."""
    report, cell = material.report, material.cell
    return {
        "$schema": PROFILE,
        "name": "-".join(filter(None, (report.name, cell.slug, folder))),
        "title": report.title.de,
        "description": report.summary.de,
        "translations": {"en": {"title": report.title.en, "description": report.summary.en}},
        "licenses": _licences(material),
        "sources": [_source(one) for one in material.inputs],
        "contributors": [{"title": material.publisher.de, "roles": ["publisher"]}],
        "resources": [_resource(path, data, material) for path, data in tables.items()],
    }


def _licences(material: Material) -> list[dict[str, str]]:
    ids = [one["licence"] for one in material.inputs if one["class"] == "open" and one.get("licence")]
    unique = dict.fromkeys([*([material.report.license] if material.cleared else []), *ids])
    return [
        {"name": name, "title": LICENCES[name].title.de, "path": LICENCES[name].url}
        for name in unique
        if name in LICENCES
    ]


def _source(one: Mapping[str, Any]) -> dict[str, Any]:
    attribution = one.get("attribution") or {}
    said = {
        "title": one["title"]["de"],
        "id": one["id"],
        "class": one["class"],
        "version": one.get("version"),
    }
    more = {
        "attribution": attribution.get("de"),
        "licence": one.get("licence"),
        "licence_url": one.get("licence_url"),
    }
    return {key: value for key, value in (said | more).items() if value}


def _resource(path: str, data: bytes, material: Material) -> dict[str, Any]:
    """Describe one file; its path is relative to the package's own folder."""
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    columns = _columns(path, stem, material)
    return {
        "name": "-".join(filter(None, (stem.replace("_", "-"), "parquet" if ending == "parquet" else ""))),
        "path": path.rpartition("/")[2],
        "format": ending,
        "mediatype": "text/csv" if ending == "csv" else "application/vnd.apache.parquet",
        **({"encoding": "utf-8"} if ending == "csv" else {}),
        "bytes": len(data),
        "hash": f"sha256:{atomic.digest(data)}",
        "schema": {"fields": [_field(one) for one in columns]},
    }


def _columns(path: str, stem: str, material: Material) -> Sequence[Mapping[str, Any]]:
    evidence = material.evidence
    if path.startswith("figures/"):
        return evidence.figures[stem]["columns"]
    if stem in evidence.shown and stem not in material.cleared:
        return evidence.shown[stem]["columns"]
    frame = _frame(_remembered(material.cleared[stem]))
    known = outputs.Outputs(folder=None, facts=evidence.facts).columns
    bare = {
        name: Text(de=name, en=name)
        for name in frame.columns
        if name not in known and name not in records.KNOWN
    }
    return records.columns(frame, given=bare, known=known)


def _field(column: Mapping[str, Any]) -> dict[str, Any]:
    kind = TYPES[column.get("places", 0)] if column.get("align") == "number" else "string"
    said = {
        "name": column["name"],
        "type": kind,
        "title": column["title"]["de"],
        "title_en": column["title"]["en"],
    }
    labels = column.get("labels")
    return said | (
        {"categories": [{"value": code, "label": one["de"]} for code, one in labels.items()]}
        if labels
        else {}
    )
