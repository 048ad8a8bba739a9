"""
An edition as a page: everything the archive holds, in the order readers know from good statistical offices.

Question, answer, main points, analysis, data, glossary, method, limits, use and misuse, sources, and how it was made.
The archive is read and never changed; the page around it may be written again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nbformat

from stadtbuch.catalog.licences import NO_LICENCE
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.report import Edition, EditionFile, Report
from stadtbuch.reports import body, lineage, look, markup, outputs, packages, pictures
from stadtbuch.reports.delays import Delay
from stadtbuch.reports.look import FILES, Shell
from stadtbuch.texts import LANGUAGES, Text, same

TABLE_ROWS = 400
"""Rows of a figure's table view; a page stays light, the CSV beside it is complete and the page says so."""

SOMEWHERE = "\ue000/"
"""Stands for the way to the edition's files until it is known where the page stands; no text holds it (Unicode keeps
it for private use)."""

OVERALL = Text(de="Insgesamt", en="Overall")
TABLES = (".csv", ".parquet", ".geojson")
FORMATS = {
    "csv": "CSV",
    "parquet": "Parquet",
    "geojson": "GeoJSON",
    "json": "JSON",
    "txt": "Text",
    "svg": "SVG",
}
LABELS = {
    "data/datapackage.json": Text(
        de="Beschreibung der Tabellen (Data Package)", en="Description of the tables (Data Package)"
    ),
    "data/LICENCE.txt": Text(de="Lizenz und Namensnennung", en="Licence and attribution"),
    "results.json": Text(de="Benannte Ergebnisse", en="Named results"),
}
ORIGIN = Text(de="Woraus diese Tabelle entstand", en="What this table was made from")
VERDICTS = {
    "identical": Text(
        de="identisch: jede Zahl, jede Tabelle, jede Datei ist gleich",
        en="identical: every number, table and file is the same",
    ),
    "equal": Text(
        de="gleich im Rahmen der Toleranz: alle Zahlen stimmen überein, einzelne Dateien sind anders geschrieben",
        en="equal within tolerance: all numbers agree, some files are written differently",
    ),
    "differs": Text(
        de="verschieden: mindestens eine Angabe kam anders heraus; wir gehen dem nach",
        en="differs: at least one figure came out differently; we are looking into it",
    ),
    "cannot-run": Text(
        de="nicht ausführbar: es ließ sich diesmal nicht nachrechnen",
        en="could not run: it could not be computed again this time",
    ),
}
HEADINGS = (
    ("data", Text(de="Daten zum Herunterladen", en="Data to download")),
    ("glossary", Text(de="Begriffe", en="Glossary")),
    ("method", Text(de="Wie gemessen wurde", en="How it was measured")),
    ("limits", Text(de="Stärken und Grenzen", en="Strengths and limitations")),
    ("sources", Text(de="Quellen und Lizenzen", en="Sources and licences")),
    ("made", Text(de="Wie ist das entstanden?", en="How was this made?")),
    ("editions", Text(de="Ausgaben und Berichtigungen", en="Editions and corrections")),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A label and the folder of the site it leads to; no folder where the page itself is meant."""

    label: Text
    path: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """That an edition was computed again: the day, and what came out."""

    day: date
    verdict: str


@dataclass(frozen=True, slots=True)
class Context:
    """
    What a page of an edition says about its surroundings.

    Parameters
    ----------
    shell
        What surrounds the content.
    folder
        How the page gets to the edition's files: empty in its own folder, ``"2026-01-15/"`` one above.
    permanent
        The edition's folder in the site.
    report
        The report's definition, if there still is one.
    cells, editions, related
        Other cells of the report, all editions of this cell, newest first, and related reports.
    latest
        The folder of the latest edition, where this is an earlier one.
    dashboard
        The folder of the report's dashboard, if it has one.
    datasets
        The catalogue: only what stands in it gets a link.
    package
        Bytes of the zip beside the edition's files; 0 where there is none.
    verified
        What computing it again gave last.
    delay
        What readers are told while something does not work; on pages of the newest edition.
    """

    shell: Shell
    folder: str = ""
    permanent: str = ""
    report: Report | None = None
    cells: tuple[Link, ...] = ()
    editions: tuple[Link, ...] = ()
    related: tuple[Link, ...] = ()
    latest: str | None = None
    dashboard: str | None = None
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    package: int = 0
    verified: Verified | None = None
    delay: Delay | None = None


def render(folder: Path, *, language: str, context: Context) -> str:
    """
    Write the page of one edition in one language.

    Parameters
    ----------
    folder
        The edition's folder in the archive.
    language
        ``"de"`` or ``"en"``.
    context
        What surrounds the page.

    Returns
    -------
    str
        A whole HTML document; the same archive and context give the same bytes.
    """
    kept = _kept(folder, (folder / "edition.json").read_bytes(), language)
    archive = _Archive(folder, kept.edition, language, context)
    facts = _facts(archive, kept.parts(context.folder), kept.manifest)
    return look.page("report.html.j2", language=language, shell=context.shell, it=facts)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the pages of an edition in one language have in common, wherever they stand."""

    edition: Edition
    manifest: dict[str, Any]
    sections: Mapping[str, body.Section]

    def parts(self, folder: str) -> dict[str, body.Section]:
        """Give the sections, with the way to the edition's files from where the page stands."""
        return {
            name: replace(one, html=one.html.replace(SOMEWHERE, folder))
            for name, one in self.sections.items()
        }


def get_ready(folder: Path) -> None:
    """Turn a new edition into sections while others still run; what is odd is told when its pages are made."""
    with suppress(Exception):
        written = (folder / "edition.json").read_bytes()
        for language in LANGUAGES:
            _kept(folder, written, language)


@lru_cache(maxsize=256)  # the newest edition stands at its own address and at that of its cell
def _kept(folder: Path, written: bytes, language: str) -> _Kept:
    """Read an edition, which never changes, and turn its notebook into sections."""
    edition = Edition.model_validate_json(written)
    notebook = nbformat.read(folder / "notebooks" / f"{edition.report}.ipynb", as_version=4)
    recorded = _Records(folder, edition, language).recorded
    parts = body.sections(notebook, language=language, title=edition.title.pick(language), recorded=recorded)
    return _Kept(edition, body.manifest(notebook), parts)


def cell_label(edition: Edition, report: Report | None) -> Text | None:
    """
    Name the cell of an edition for readers: the values of the parameters that the report runs through.

    ``all``, the choice beside the values, reads "overall". Nothing for a report without cells.
    """
    if not edition.cell:
        return None
    names = [name for name in (report.cells if report else {}) if name in edition.parameters]
    values = [edition.parameters[name] for name in names] or [edition.cell]
    labels = [OVERALL if value == "all" else same(str(value)) for value in values]
    return Text(de=", ".join(one.de for one in labels), en=", ".join(one.en for one in labels))


def first_figure(folder: Path) -> dict[str, Any] | None:
    """Give the record of the first figure in an edition's notebook; nothing if it has none."""
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        for kind, name in body.shown(nbformat.read(path, as_version=4)):
            file = folder / "figures" / f"{name}.json"
            if kind == "figure" and file.exists():
                return dict(json.loads(file.read_text(encoding="utf-8")))
    return None


@dataclass(frozen=True, slots=True)
class _Records:
    """One edition's files, as its notebook shows them in one language."""

    folder: Path
    edition: Edition
    language: str

    def json(self, path: str) -> Any:
        """Read a record; nothing if the edition has none."""
        file = self.folder / path
        return outputs.decode(file.read_bytes()) if file.exists() else None

    def recorded(self, kind: str, name: str) -> str:
        """Write the record behind an output of the notebook."""
        if kind == "figure":
            return self._figure(name)
        if kind == "points":
            found = next((one for one in self.edition.results if one.get("name") == name), None)
            return markup.points_html(found, self.language) if found else ""
        record = self.json(f"shown/{name}.json")
        return markup.table_html(record, self.language) + self._origin("table", name) if record else ""

    def _origin(self, kind: str, name: str) -> str:
        """Lead from a table to what it was made from."""
        to = f'<a href="#{lineage.anchor(kind, name)}">{ORIGIN.pick(self.language)}</a>'
        return f'<p class="small">{to}</p>'

    def _figure(self, name: str) -> str:
        record = self.json(f"figures/{name}.json")
        table = markup.figure_table(record)
        all_rows = len(table["rows"])
        table["rows"] = table["rows"][:TABLE_ROWS]
        picture = f"figures/{record['files'][self.language]}"
        return look.part(
            "figure.html.j2",
            language=self.language,
            record=record,
            anchor=f"bild-{name}",
            origin=lineage.anchor("figure", name),
            svg=pictures.inline(
                (self.folder / picture).read_text(encoding="utf-8"),
                label=record["alt"][self.language],
                identity=f"bild-{name}",
            ),
            table=markup.table_html(table, self.language),
            shown=len(table["rows"]),
            left_out=all_rows - len(table["rows"]),
            csv=f"{SOMEWHERE}figures/{record['csv']}",
            csv_bytes=self.bytes(f"figures/{record['csv']}"),
            picture=f"{SOMEWHERE}{picture}",
            picture_bytes=self.bytes(picture),
            credit=self._credit(record["sources"]),
        )

    def _credit(self, sources: list[str]) -> str:
        """Name the sources of a figure by their titles."""
        known = {one.get("id"): one for one in self.edition.inputs}
        return "; ".join(look.pick(known[one].get("title"), self.language) for one in sources if one in known)

    def bytes(self, path: str) -> int:
        """Give a file's size."""
        return (self.folder / path).stat().st_size


@dataclass(frozen=True, slots=True)
class _Archive(_Records):
    """The same, seen from one page."""

    context: Context

    def href(self, path: str | None) -> str | None:
        """Lead to the page of a folder of the site in the page's language."""
        return None if path is None else f"{self.context.shell.root}{path}/{FILES[self.language]}"


def _facts(archive: _Archive, parts: dict[str, body.Section], manifest: dict[str, Any]) -> dict[str, Any]:
    """Gather what the template shows."""
    edition, context, language = archive.edition, archive.context, archive.language
    report = context.report
    label = cell_label(edition, report)
    return {
        "edition": edition,
        "title": edition.title,
        "summary": report.summary if report else "",
        "cell_label": label,
        "cell_kicker": _kicker(edition, report, manifest, label),
        "headlines": [
            (markup.headline_html(one, language), lineage.anchor("headline", str(one["name"])))
            for one in edition.results
            if one.get("kind") == "headline"
        ],
        "made": _made(archive),
        "parameters": _parameters(edition, manifest, leave=set(report.cells if report else ())),
        "all_parameters": _parameters(edition, manifest, leave=set()),
        "next_release": report.next_release if report else None,
        "contact": (report and report.contact) or context.shell.city.contact,
        "made_at": _moment(edition, context, language),
        "sections": parts,
        "contents": _contents(parts, language),
        "legends": _legends(archive),
        "benefit": manifest.get("benefit"),
        "misuse": _misuse(archive, manifest),
        "inputs": list({one.get("id"): _input(one, archive) for one in edition.inputs}.values()),
        "downloads": _downloads(archive),
        "licences": _licences(archive),
        "notebooks": [_file(one, archive) for one in edition.files if one.path.startswith("notebooks/")],
        "public": {one.path for one in edition.files},
        "folder": context.folder,
        "cells": [{"label": one.label, "href": archive.href(one.path)} for one in context.cells],
        "editions": [{"label": one.label, "href": archive.href(one.path)} for one in context.editions],
        "related": [(one.label, archive.href(one.path)) for one in context.related],
        "latest": archive.href(context.latest),
        **_notices(archive),
        "dashboard": archive.href(context.dashboard),
        "permanent": archive.href(context.permanent) if context.folder else FILES[language],
        **_trail(edition, report, label, context),
    }


def _notices(archive: _Archive) -> dict[str, Any]:
    """Give what is told about deliveries that were missing for this edition, and about what is missing or late now."""
    edition, delay = archive.edition, archive.context.delay
    kept = {str(one["id"]): one for one in edition.inputs if one.get("kept_from")}
    missing = [name for name in delay.missing if name not in kept] if delay else []
    titles = {one.get("id"): one.get("title") for one in edition.inputs}
    return {
        "kept": [(one.get("title"), one["kept_from"].rpartition("@")[2]) for one in kept.values()],
        "late_since": delay.since if delay and not delay.missing else None,
        "missing_since": delay.since if delay and missing else None,
        "missing": [titles.get(name) or name for name in missing],
    }


def _made(archive: _Archive) -> dict[str, Any]:
    """Say how the edition was made: every result with its sources, the surroundings, and how to compute it again."""
    edition, folder = archive.edition, archive.folder
    inputs = {one.get("id", ""): _input(one, archive) for one in edition.inputs}
    return {
        "things": [
            (one, lineage.KINDS[one.kind], [inputs[name] for name in one.sources if name in inputs])
            for one in lineage.things(edition, folder)
        ],
        "steps": {
            step: [inputs[name] for name in lineage.of_step(edition, step)] for step in ("prepare", "report")
        },
        "environment": lineage.environment(folder),
        "downloads": lineage.downloads(edition, folder),
        "package": archive.context.package,
        "zip": f"{archive.context.folder}{packages.ZIP}",
        "verified": archive.context.verified,
        "verdict": VERDICTS.get(archive.context.verified.verdict) if archive.context.verified else None,
    }


def _trail(edition: Edition, report: Report | None, label: Text | None, context: Context) -> dict[str, Any]:
    """Give the steps from the first page to this one."""
    steps: list[tuple[Text, str]] = [(Text(de="Berichte", en="Reports"), "reports")]
    last = edition.title
    if label:
        steps.append((edition.title, f"reports/{edition.report}"))
        last = label
    if not context.folder and context.permanent:
        steps.append((last, context.permanent.rpartition("/")[0]))
        last = Text(de=f"Ausgabe {edition.edition}", en=f"Edition {edition.edition}")
    return {"steps": steps, "here_label": last}


def _kicker(
    edition: Edition, report: Report | None, manifest: dict[str, Any], label: Text | None
) -> Text | None:
    """Put the parameter's name before the cell's: "Stadtbezirk Mitte"; a sum over all stands alone."""
    names = list(report.cells) if report else []
    if not label or len(names) != 1 or label == OVERALL:
        return label
    title = _label(names[0], manifest)
    return Text(de=f"{title.de} {label.de}", en=f"{title.en} {label.en}")


def _label(name: str, manifest: dict[str, Any]) -> Text:
    """Give a parameter's name for readers."""
    label = (manifest.get("parameters") or {}).get(name, {}).get("label") or {}
    return Text(de=label.get("de", name), en=label.get("en", name))


def _parameters(edition: Edition, manifest: dict[str, Any], *, leave: set[str]) -> list[tuple[Text, Text]]:
    """Give the parameters with their names and values for readers."""
    return [
        (_label(name, manifest), _value(value))
        for name, value in edition.parameters.items()
        if name not in leave
    ]


def _value(value: Any) -> Text:
    if value == "all":
        return OVERALL
    return Text(de=look.show(value, "de"), en=look.show(value, "en"))


def _moment(edition: Edition, context: Context, language: str) -> str:
    """Say when the edition was made, in the city's time."""
    here = edition.made_at.astimezone(ZoneInfo(context.shell.city.timezone))
    clock = f"{here:%H:%M}" + (" Uhr" if language == "de" else "")
    return f"{look.long_date(here.date(), language)}, {clock} ({context.shell.city.timezone})"


def _contents(parts: dict[str, body.Section], language: str) -> list[tuple[str, str]]:
    """List the headings of the page in their order."""
    first = [
        ("main-points", Text(de="Hauptaussagen", en="Main points")),
        ("plain-language", Text(de="In einfachen Worten", en="In plain words")),
    ]
    found = [(name, parts[name].heading or label.pick(language)) for name, label in first if name in parts]
    if body.ANALYSIS in parts:
        found += parts[body.ANALYSIS].contents
    for name, label in HEADINGS:
        if name != "glossary" or name in parts:
            found.append((name, (name in parts and parts[name].heading) or label.pick(language)))
    return found


def _legends(archive: _Archive) -> list[Text]:
    """Collect the legends of signs in figures and tables, each once."""
    records = [archive.json(file.path) for file in archive.edition.files if _is_record(file.path)]
    legends = [one.get("marks") or one.get("legend") for one in records if isinstance(one, dict)]
    unique = {
        (one["de"], one["en"]) for one in legends if isinstance(one, dict) and {"de", "en"} <= one.keys()
    }
    return [Text(de=de, en=en) for de, en in sorted(unique)]


def _is_record(path: str) -> bool:
    return (
        path.endswith(".json")
        and path.startswith(("figures/", "shown/", "data/"))
        and path != "data/datapackage.json"
    )


def _misuse(archive: _Archive, manifest: dict[str, Any]) -> list[tuple[Text, Any]]:
    """Say what the numbers are not for: the report's own note, then each dataset's."""
    own = manifest.get("misuse")
    notes = [(Text(de="Nicht geeignet.", en="Not suited."), own)] if own else []
    for name in dict.fromkeys(one.get("id", "") for one in archive.edition.inputs):
        dataset = archive.context.datasets.get(name)
        if dataset:
            notes.append((Text(de=f"{dataset.title.de}:", en=f"{dataset.title.en}:"), dataset.misuse))
    return notes


def _input(one: dict[str, Any], archive: _Archive) -> dict[str, Any]:
    """Describe one input; older editions may lack what newer ones say."""
    name = one.get("id", "")
    known = name in archive.context.datasets
    licence = one.get("licence_title") or one.get("licence")
    return {
        "id": name,
        "title": one.get("title") or name,
        "href": archive.href(f"datasets/{name}") if known else _own(name, archive),
        "access": str(one.get("class", "open")),
        "version": one.get("version") or one.get("sha256") or "",
        "attribution": one.get("attribution"),
        "licence_title": licence,
        "licence_url": one.get("licence_url"),
        "no_licence": NO_LICENCE if not licence and one.get("class", "open") != "open" else None,
    }


def _own(name: str, archive: _Archive) -> str | None:
    """Lead to the downloads of this page where an input is a table that the report made itself."""
    return "#data" if name.startswith(f"{archive.edition.report}.") else None


def _downloads(archive: _Archive) -> list[dict[str, Any]]:
    """List the downloads: tables, the data of figures, then what describes them; formats of one table in one row."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for file in archive.edition.files:
        rank = _rank(file.path)
        if rank is not None:
            row = rows.setdefault(
                (rank, file.path.rpartition(".")[0]), {"label": _wording(file.path, archive), "files": []}
            )
            ending = file.path.rpartition(".")[2]
            row["files"].append({**_file(file, archive), "format": FORMATS.get(ending, ending.upper())})
    return [row for _, row in sorted(rows.items(), key=lambda item: item[0])]


def _rank(path: str) -> int | None:
    """Say in which group of downloads a file stands; nothing for files that are no download."""
    if path in LABELS:
        return 2
    if not path.endswith(TABLES):
        return None
    return 0 if path.startswith("data/") else 1 if path.startswith("figures/") else None


def _wording(path: str, archive: _Archive) -> Any:
    """Name a download: by the title of its figure, the caption of its table, or as a protected table."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if path in LABELS:
        return LABELS[path]
    if path.startswith("figures/"):
        return (archive.json(f"figures/{stem}.json") or {}).get("title") or same(stem)
    shown = archive.json(f"shown/{stem}.json") or {}
    return shown.get("caption") or Text(de=f"Tabelle {stem}", en=f"Table {stem}")


def _licences(archive: _Archive) -> list[dict[str, Any]]:
    """Give the licences of the edition's own tables."""
    package = archive.json("data/datapackage.json") or archive.json("figures/datapackage.json") or {}
    titles = {one.get("licence"): one.get("licence_title") for one in archive.edition.inputs}
    return [
        {"title": look.pick(titles.get(one["name"]) or one["title"], archive.language), "url": one["path"]}
        for one in package.get("licenses", ())
    ]


def _file(file: EditionFile, archive: _Archive) -> dict[str, Any]:
    name = file.path.rpartition("/")[2]
    return {"name": name, "href": f"{archive.context.folder}{file.path}", "bytes": file.bytes}
