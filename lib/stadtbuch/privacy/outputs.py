"""
The gate's judgement on a finished notebook: refused by default, allowed is what is known.

Allowed are plain text, HTML of `sb.table`, `sb.headline` and `sb.protect`, and SVG of `sb.figure`, each
exactly as recorded. Every other MIME type, attachment, metadata field and error is refused. All text is
scanned: output, hover text, source, Markdown, tags, parameters, file names, downloads. A finding names the
place and the rule, never what was found there.

Texts are also read in the writings that programs use for transport (`disguises`), files as deep as they are
packed (`contents`). What this cannot do: recognise closed data that were enciphered, translated, drawn as a
shape, or told in other words. It is a last lock, not the only one (docs: explanation/gate).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from stadtbuch import checks
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.privacy import contents, disguises, identifiers, notebooks, positions, rows, svg, values
from stadtbuch.privacy.notebooks import Piece, Role, Sheet
from stadtbuch.texts import Text


@dataclass(frozen=True)
class ClosedFacts:
    """
    What is known about one input that is not open.

    Parameters
    ----------
    dataset
        Its id.
    columns
        The names of its columns.
    index
        Keyed hashes of its values (`values.index`).
    places
        Keyed hashes of its places (`positions.index`).
    binding
        Whether its rules bind (`Dataset.binding`); else a finding about it is advice.
    """

    dataset: str
    columns: tuple[str, ...]
    index: frozenset[bytes] = frozenset()
    places: frozenset[bytes] = frozenset()
    binding: bool = True


@dataclass(frozen=True)
class Facts:
    """
    What the judge knows besides the notebook.

    Parameters
    ----------
    restricted
        Whether any input of the run is not open.
    key
        Secret with which value indexes and canaries were hashed.
    closed
        The inputs that are not open; also those of the prepare step, where a report has one.
    records
        For ``(kind, name)`` every form in which that output was recorded: the exact HTML, SVG or plain text.
    texts
        Downloads and records that go out with the notebook, by file name.
    files
        Those that are no plain text: tables, archives, pictures.
    parameters
        The values of the run's parameters.
    canaries
        Keyed hashes of planted values (`values.digests` of `values.phrase`); nothing exempts from them.
    open_values, vocabulary
        Words that are known to be public: of the run's open inputs, and of titles, labels and the catalogue
        (`values.vocabulary`). A word that stands both there and in a closed input is not found.
    open_places
        Gives the places that are known to be public (`positions.words`); asked only if a closed one is met.
    allowed_addresses
        Mailboxes and telephones of offices; lower case.
    paths
        Folders of this machine that may not be told.
    rules, min_count
        Named in findings.
    binding
        False where everything that the run reads is civil society's own: then identifiers are advice.
    """

    restricted: bool
    key: bytes = b""
    closed: tuple[ClosedFacts, ...] = ()
    records: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    canaries: frozenset[bytes] = frozenset()
    open_values: frozenset[str] = frozenset()
    vocabulary: frozenset[str] = frozenset()
    open_places: Callable[[], Collection[str]] = frozenset
    allowed_addresses: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    rules: str = ""
    min_count: int | None = None
    binding: bool = True

    def weight(self, dataset: str | None) -> Severity:
        """Give the weight of a finding about a closed input: advice only for civil society's own data."""
        advice = {one.dataset for one in self.closed if not one.binding}
        return Severity.warn if dataset in advice else Severity.refuse

    @cached_property
    def exempt(self) -> frozenset[str]:
        """Give all words that are no finding."""
        return self.open_values | self.vocabulary

    @property
    def columns(self) -> list[tuple[str, tuple[str, ...]]]:
        """Give the column names of the closed inputs."""
        return [(one.dataset, one.columns) for one in self.closed]

    def recorded(self, piece: Piece) -> bool:
        """Whether a piece is exactly what was recorded under the name it claims."""
        return piece.claim is not None and piece.text in self.records.get(piece.claim, ())


def judge(notebook: Mapping[str, Any], facts: Facts) -> list[Finding]:
    r"""
    Say what stands against publishing a notebook; an empty list, or one without ``refuse``, lets it pass.

    Parameters
    ----------
    notebook
        The executed notebook as in its file, stripped by `notebooks.strip`: only what was judged may be
        published.
    facts
        What is known about its run.

    Returns
    -------
    list of Finding
        In the order of the rules, then of the places. Never raises: a rule that breaks refuses.

    Examples
    --------
    >>> printed = {"output_type": "stream", "name": "stdout", "text": "  age sex\n0  34   w\n1  51   m"}
    >>> cell = {"cell_type": "code", "metadata": {}, "source": "people.head()", "outputs": [printed]}
    >>> facts = Facts(restricted=True, closed=(ClosedFacts("demo.people", ("age", "sex")),))
    >>> for finding in judge({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}, facts):
    ...     print(finding.rule, finding.subject)
    privacy.raw-rows cell 1, output 1
    """
    try:
        sheet = notebooks.read(notebook)
        _add_files(sheet, facts)
        _look_behind(sheet, facts)
    except Exception as error:  # noqa: BLE001 - fail closed: what cannot even be read is refused
        return [_unreadable(error)]
    return _once(checks.run(CHECKS, sheet, facts, name="notebook"))


def _add_files(sheet: Sheet, facts: Facts) -> None:
    """Add what goes out beside the notebook: downloads with their names, parameters."""
    for name, content in facts.texts.items():
        place = Text(de=f"Datei {_safe(name)}", en=f"file {_safe(name)}")
        sheet.add(place, "tag", str(name))
        sheet.add(place, "svg" if str(name).lower().endswith(".svg") else "file", content, beside=True)
        if str(name).lower().endswith((".json", ".geojson")):
            # In JSON a line break is written as \\n: read, not only looked at, or a word hides behind the n.
            sheet.add(place, "file", "\n".join(notebooks.leaves(json.loads(content))), beside=True)
            sheet.add(place, "behind", content, beside=True)
    for name, data in facts.files.items():
        _add_file(sheet, str(name), data)
    place = Text(de="Parameter", en="parameters")
    sheet.add(place, "parameter", "\n".join(notebooks.leaves(facts.parameters)))


def _add_file(sheet: Sheet, name: str, data: bytes) -> None:
    """Add every text in a file that is no plain text; where something in it cannot be read, that is a fault."""
    place = Text(de=f"Datei {_safe(name)}", en=f"file {_safe(name)}")
    sheet.add(place, "tag", name)
    for part in contents.parts(data):
        inner = _within(place, ", ".join(part.within))
        if part.text is None:
            sheet.fault(
                "privacy.file-form",
                inner,
                "Die Datei hat eine Form, die nicht geprüft werden kann.",
                "The file has a form that cannot be checked.",
            )
        else:
            sheet.add(inner, "file", part.text, beside=True)


def _within(place: Text, what: str) -> Text:
    """Name a place inside a place."""
    return Text(de=f"{place.de} ({_GERMAN.get(what, what)})", en=f"{place.en} ({what})") if what else place


_GERMAN = {
    "escapes": "Escape-Folgen",
    "entities": "HTML-Zeichen",
    "percent": "Prozentschreibweise",
    "hexadecimal": "hexadezimal",
    "put together": "zusammengesetzt",
    "unseen": "unsichtbar",
}


def _look_behind(sheet: Sheet, facts: Facts) -> None:
    """Add what the texts say in other writings, what code puts together, and what HTML does not show."""
    for piece in tuple(sheet.pieces):
        written = piece.role in _WRITTEN
        inner: Role = "parameter" if written else "file"
        for writing, text in disguises.undone(piece.text if piece.role != "svg" else piece.readable):
            place = _within(piece.place, writing)
            if text is None:
                sheet.fault(
                    "privacy.opaque",
                    place,
                    "Hier stehen verschlüsselte oder gepackte Daten, die niemand lesen kann.",
                    "Here are packed or enciphered data that nobody can read.",
                )
            elif not (piece.role == "html" and writing == "entities"):
                sheet.add(place, inner, text, beside=True)
        if piece.role == "source":
            sheet.add(
                _within(piece.place, "put together"), inner, disguises.literals(piece.text), beside=True
            )
        if piece.role == "html" and not facts.recorded(piece):
            sheet.add(_within(piece.place, "unseen"), "behind", notebooks.unseen(piece.text))


def _safe(name: object) -> str:
    """Give a file name for findings, where it is plain; names can hold data too."""
    return str(name) if re.fullmatch(r"[a-z0-9][a-z0-9_./-]{0,80}", str(name)) else "?"


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Keep one finding per rule, place and text."""
    return list({(one.rule, one.subject, one.text.en): one for one in findings}.values())


# ---- the rules ----------------------------------------------------------------------------------------


@checks.check("privacy.form")
def form(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse what is not built like a notebook of format 4."""
    return _of_faults(sheet, "privacy.form", Text(
        de="Führen Sie das Notebook mit stadtbuch aus und ändern Sie die Datei danach nicht.",
        en="Run the notebook with stadtbuch and do not change the file afterwards."))  # fmt: skip


@checks.check("privacy.metadata")
def metadata(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse metadata that are not on the list: nobody sees them, anybody can read them."""
    return _of_faults(sheet, "privacy.metadata", Text(
        de="Entfernen Sie die Metadaten (Jupyter: Zelleigenschaften); Schlagworte einer Zelle dürfen "
        "bleiben.",
        en="Remove the metadata (Jupyter: property inspector); tags of a cell may stay."))  # fmt: skip


@checks.check("privacy.attachment")
def attachment(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse attachments and embedded files: what is in them cannot be read."""
    remedy = Text(
        de="Entfernen Sie Anhang oder eingebettete Datei; Abbildungen entstehen mit sb.figure(...).",
        en="Remove the attachment or embedded file; figures are made with sb.figure(...).",
    )
    yield from _of_faults(sheet, "privacy.attachment", remedy)
    for piece in sheet.pieces:
        if "data:" in piece.text.lower() and _EMBEDDED.search(piece.text):
            what = Text(de="Der Text bettet eine Datei ein (data:).", en="The text embeds a file (data:).")
            yield _finding("privacy.attachment", piece.place, what, remedy)


@checks.check("privacy.mime")
def mime(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse every form of output that nobody here can read."""
    for fault in sheet.faults:
        if fault.rule == "privacy.mime":
            what = Text(
                de=f"Die Ausgabe hat die Form {fault.what.de}, die nicht geprüft werden kann.",
                en=f"The output has the form {fault.what.en}, which cannot be checked.",
            )
            yield _finding("privacy.mime", fault.place, what, _SHOW)


@checks.check("privacy.file-form")
def file_form(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse files that nobody here can read, packed or not: pictures, programs, databases, damaged archives."""
    yield from _of_faults(sheet, "privacy.file-form", Text(
        de="Geben Sie Tabellen als CSV, Parquet oder Excel heraus, Karten als GeoJSON, Bilder mit sb.figure(...).",
        en="Hand out tables as CSV, Parquet or Excel, maps as GeoJSON, pictures with sb.figure(...)."))  # fmt: skip


@checks.check("privacy.opaque")
def opaque(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse long runs of packed or enciphered data: what nobody can read, nobody can check."""
    yield from _of_faults(sheet, "privacy.opaque", Text(
        de="Entfernen Sie die Zeichenfolge; Daten gehören in Tabellen, Bilder entstehen mit sb.figure(...).",
        en="Remove the run of signs; data belong into tables, pictures are made with sb.figure(...)."))  # fmt: skip


@checks.check("privacy.hidden-rows")
def hidden_rows(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse rows behind what an output shows: data of a chart or a map, state of a widget, scripts, attributes."""
    for piece in sheet.pieces if facts.restricted else ():
        sight = _behind(piece, facts) if piece.role == "behind" else None
        if sight:
            number = sight.number or 1
            whose = f" aus {sight.dataset}" if sight.dataset else ""
            what = Text(
                de=f"{piece.place.de} trägt mehr, als sie zeigt: {number} Zeilen{whose}.",
                en=f"{_start(piece.place.en)} carries more than it shows: {number} rows"
                f"{f' of {sight.dataset}' if sight.dataset else ''}.",
            )
            weight = facts.weight(sight.dataset)
            yield _finding("privacy.hidden-rows", piece.place, what, _SHOW, severity=weight)


def _behind(piece: Piece, facts: Facts) -> rows.Sight | None:
    """See rows in data that have a shape, or else in text."""
    try:
        content = json.loads(piece.text)
    except ValueError:
        return rows.seen(piece.readable, columns=facts.columns)
    sight = rows.seen_behind(content, columns=facts.columns)
    # A file may hold long lists of its own; behind an output nobody compared them with what it shows.
    return None if sight and piece.beside and sight.dataset is None else sight


@checks.check("privacy.traceback")
def traceback(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse errors: their texts quote values and files."""
    yield from _of_faults(sheet, "privacy.traceback", _ERROR)
    for piece in sheet.pieces:
        if piece.role not in ("source", "markdown") and _is_report_of_error(piece.readable):
            what = Text(de="Der Text enthält einen Fehlerbericht.", en="The text holds an error report.")
            yield _finding("privacy.traceback", piece.place, what, _ERROR)


@checks.check("privacy.stderr")
def stderr(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse warnings in restricted runs, where they can quote values; elsewhere advise against them."""
    for piece in sheet.pieces:
        if piece.role == "stderr" and piece.text.strip():
            what = Text(
                de="Die Zelle hat Warnungen ausgegeben (stderr).", en="The cell printed warnings (stderr)."
            )
            remedy = Text(
                de="Beheben Sie die Ursache der Warnung oder unterdrücken Sie sie gezielt mit "
                "warnings.filterwarnings.",
                en="Mend the cause of the warning, or filter just that one with warnings.filterwarnings.",
            )
            weight = Severity.refuse if facts.restricted else Severity.warn
            yield _finding("privacy.stderr", piece.place, what, remedy, severity=weight)


@checks.check("privacy.unrecorded")
def unrecorded(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse HTML and pictures that are not, sign by sign, what `sb.table` and `sb.figure` recorded."""
    for piece in sheet.pieces:
        if piece.role in ("html", "svg") and not piece.beside and not facts.recorded(piece):
            kind = Text(de="HTML", en="HTML") if piece.role == "html" else Text(de="ein Bild", en="a picture")
            what = Text(
                de=f"Die Ausgabe zeigt {kind.de}, zu dem es keinen gleichlautenden Nachweis des Laufs gibt.",
                en=f"The output shows {kind.en} without a record of the run that says the same.",
            )
            yield _finding("privacy.unrecorded", piece.place, what, _SHOW)


@checks.check("privacy.svg")
def picture(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse pictures that run, fetch or embed anything."""
    for piece in sheet.pieces:
        if piece.role == "svg":
            for fault in svg.faults(piece.text):
                what = Text(
                    de=f"Im Bild nicht erlaubt: {fault.de}.", en=f"Not allowed in a picture: {fault.en}."
                )
                yield _finding("privacy.svg", piece.place, what, _SHOW)


@checks.check("privacy.raw-rows")
def raw_rows(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse single rows of closed data, the way pandas and Python print them."""
    if not facts.restricted:
        return
    for piece in sheet.pieces:
        if piece.role in ("source", "markdown", "meta", "behind", "svg") or facts.recorded(piece):
            continue
        look = rows.seen_html if piece.role == "html" else rows.seen
        sight = look(piece.readable, columns=facts.columns)
        if sight:
            what, weight = _rows_text(piece.place, sight, facts), facts.weight(sight.dataset)
            yield _finding("privacy.raw-rows", piece.place, what, _PROTECT, severity=weight)


@checks.check("privacy.pseudonym")
def pseudonym(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse pseudonyms everywhere: each stands for one person."""
    for piece in sheet.pieces:
        number = len(set(_PSEUDONYM.findall(piece.readable)))
        if number:
            what = Text(
                de=f"{piece.place.de} enthält Pseudonyme ({number}): jedes steht für eine Person.",
                en=f"{_start(piece.place.en)} holds pseudonyms ({number}): each stands for one person.",
            )
            remedy = Text(
                de="Zählen Sie über die Spalte, statt sie zu zeigen; dann sb.protect(...).",
                en="Count over the column instead of showing it; then sb.protect(...).",
            )
            yield _finding("privacy.pseudonym", piece.place, what, remedy)


@checks.check("privacy.identifier")
def identifier(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse what names a person by itself."""
    for piece in sheet.pieces:
        for name, number in _identifiers(piece, facts).items():
            title = identifiers.KINDS[name].title
            what = Text(
                de=f"{piece.place.de} enthält etwas, das aussieht wie: {title.de} ({number}).",
                en=f"{_start(piece.place.en)} holds something that looks like: {title.en} ({number}).",
            )
            remedy = Text(
                de="Entfernen Sie es. Adressen von Ämtern gehören in stadtbuch.toml (contact) oder "
                "in den Katalog (contactPoint).",
                en="Remove it. Addresses of offices belong into stadtbuch.toml (contact) or the "
                "catalogue (contactPoint).",
            )
            weight = Severity.refuse if facts.binding else Severity.warn
            yield _finding("privacy.identifier", piece.place, what, remedy, severity=weight)


def _identifiers(piece: Piece, facts: Facts) -> dict[str, int]:
    return identifiers.found(piece.readable, allowed=facts.allowed_addresses, public=facts.exempt)


@checks.check("privacy.value")
def value(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse values of closed inputs in anything that was put out."""
    written = Text(
        de="Zeigen Sie keine Namen, Adressen und seltenen Angaben; ist das Wort öffentlich, steht es "
        "im Katalog eines offenen Datensatzes.",
        en="Show no names, addresses and rare values; if the word is public, it is in the catalogue "
        "of an open dataset.",
    )
    yield from _repeated(
        sheet, facts, "privacy.value", [p for p in sheet.pieces if p.role not in _WRITTEN], written
    )


@checks.check("privacy.source-literal")
def source_literal(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse values of closed inputs in what people wrote: source, text, tags, parameters, file names."""
    remedy = Text(
        de="Schreiben Sie keine Werte aus geschlossenen Daten in Code oder Text; wählen Sie Zeilen "
        "über rows: im Manifest.",
        en="Write no values of closed data into code or text; choose rows by rows: in the manifest.",
    )
    written = [piece for piece in sheet.pieces if piece.role in _WRITTEN]
    yield from _repeated(sheet, facts, "privacy.source-literal", written, remedy)


@checks.check("privacy.coordinates")
def coordinates(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse places of closed inputs: a pair of numbers that leads to one."""
    for piece in sheet.pieces:
        for one in facts.closed:
            if positions.hits(piece.readable, one.places, facts.key) == 0:
                continue
            number = positions.hits(piece.readable, one.places, facts.key, exempt=facts.open_places())
            if number:
                what = Text(
                    de=f"{piece.place.de} nennt Orte aus {one.dataset} ({number}).",
                    en=f"{_start(piece.place.en)} tells places of {one.dataset} ({number}).",
                )
                weight = facts.weight(one.dataset)
                yield _finding("privacy.coordinates", piece.place, what, _COARSEN, severity=weight)


@checks.check("privacy.canary")
def canary(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse planted values: where one shows up, closed data flow."""
    for piece in sheet.pieces:
        if values.hits(piece.readable, facts.canaries, facts.key):
            what = Text(
                de="Hier steht ein Prüfwert, der nur in geschlossenen Daten vorkommt.",
                en="Here stands a test value that occurs in closed data only.",
            )
            yield _finding("privacy.canary", piece.place, what, _PROTECT)


@checks.check("privacy.path")
def path(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse places on this machine: they tell accounts and the build-up of the system."""
    for piece in sheet.pieces:
        text = piece.readable
        if _names_folder(text) or any(folder and folder in text for folder in facts.paths):
            what = Text(
                de="Der Text nennt einen Ordner dieses Rechners.",
                en="The text names a folder of this machine.",
            )
            remedy = Text(
                de="Nennen Sie Datensätze bei ihrem Namen im Katalog, Dateien nur mit ihrem Namen.",
                en="Call datasets by their name in the catalogue, files by their name only.",
            )
            yield _finding("privacy.path", piece.place, what, remedy)


@checks.check("privacy.secret")
def secret(sheet: Sheet, facts: Facts) -> Iterator[Finding]:
    """Refuse keys, tokens and passwords."""
    for piece in sheet.pieces:
        if _holds_secret(piece.readable):
            what = Text(de="Hier steht ein Schlüssel oder Passwort.", en="Here stands a key or password.")
            remedy = Text(
                de="Entfernen Sie es, und lassen Sie es sperren: Es gilt als bekannt.",
                en="Remove it and have it revoked: it counts as known.",
            )
            yield _finding("privacy.secret", piece.place, what, remedy)


CHECKS: tuple[checks.Check, ...] = (
    form, metadata, attachment, mime, file_form, opaque, hidden_rows, traceback, stderr, unrecorded, picture,
    raw_rows, pseudonym, identifier, value, source_literal, coordinates, canary, path, secret,
)  # fmt: skip
"""All rules of the gate, in the order in which their findings stand."""


# ---- what the rules share -----------------------------------------------------------------------------

_WRITTEN = ("source", "markdown", "tag", "parameter")

_PSEUDONYM = re.compile(r"psn_[a-z2-7]{8,}")
_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|^Cell In\[\d+\], line \d+|^-{60,}\n\w*(?:Error|Exception)\b",
    re.MULTILINE,
)
_SIGNS = ("Traceback (most recent call last)", "Cell In[", "-" * 60)
"""Every report of an error holds one of these; looking for them is much faster than the pattern."""
_PATH = re.compile(
    r"(?<![\w./:-])(?:file://)?/(?:home|Users|root|tmp|var/folders|private/var|mnt|media|srv|opt|usr/local)/[\w.~-]"
    r"|(?<![\w])[A-Za-z]:[\\/]{1,2}(?:Users|Windows|Program Files|Documents)\b"
    r"|\\\\[\w.-]+\\[\w$.-]+",
)
_PATH_SIGNS = (
    "/home", "/Users", "/root", "/tmp", "/var/folders", "/private", "/mnt", "/media", "/srv", "/opt", "/usr/local",  # noqa: S108 - looked for, not written to
    ":\\", ":/", "\\\\",
)  # fmt: skip
"""Every folder that is looked for holds one of these; looking for them is much faster than the pattern."""
_EMBEDDED = re.compile(r"\bdata:[\w.+-]+/[\w.+-]+[;,]", re.IGNORECASE)
_SECRETS = tuple(
    (signs.split(), re.compile(pattern))
    for signs, pattern in (
        ("-----begin", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        ("akia asia", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        (
            "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox sk- pypi-",
            r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|pypi-)[A-Za-z0-9_-]{16,}",
        ),
        ("eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
        ("://", r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@'\"]{1,64}:[^\s/@'\"]{1,64}@"),
        (
            "passw kennwort secret key token",
            r"(?i)\b(?:password|passwort|passwd|kennwort|secret|api[_-]?key|access[_-]?token|auth[_-]?token)[\"']?\s*[:=]\s*[\"'][^\"'\s{}]{6,}[\"']",
        ),
    )
)
"""What a secret looks like, each with signs in small letters without which it is not looked for."""

_SHOW = Text(
    de="Zeigen Sie Tabellen mit sb.table(...), Zahlen mit sb.headline(...), Abbildungen mit sb.figure(...).",
    en="Show tables with sb.table(...), numbers with sb.headline(...), figures with sb.figure(...).",
)
_PROTECT = Text(
    de="Fassen Sie zusammen und rufen Sie sb.protect(...) auf.",
    en="Aggregate and call sb.protect(...).",
)
_COARSEN = Text(
    de="Schreiben Sie keine genauen Orte; veröffentlicht werden Gebiete aus sb.places(...).",
    en="Write no exact places; what is published are areas made by sb.places(...).",
)
_ERROR = Text(
    de="Beheben Sie den Fehler und führen Sie das Notebook neu aus.",
    en="Mend the error and run the notebook again.",
)


def _finding(
    rule: str, place: Text, text: Text, remedy: Text, *, severity: Severity = Severity.refuse
) -> Finding:
    return Finding(rule=rule, severity=severity, subject=place.en, text=text, remedy=remedy)


def _start(place: str) -> str:
    """Write a place at the start of an English sentence."""
    return place[:1].upper() + place[1:]


def _is_report_of_error(text: str) -> bool:
    return any(sign in text for sign in _SIGNS) and _TRACEBACK.search(text) is not None


@lru_cache(maxsize=512)  # the cells of a report share most of their texts
def _holds_secret(text: str) -> bool:
    folded = text.lower()
    return any(pattern.search(text) for signs, pattern in _SECRETS if any(sign in folded for sign in signs))


def _names_folder(text: str) -> bool:
    return any(sign in text for sign in _PATH_SIGNS) and _PATH.search(text) is not None


def _of_faults(sheet: Sheet, rule: str, remedy: Text) -> Iterator[Finding]:
    """Turn the faults of one rule into findings."""
    for fault in sheet.faults:
        if fault.rule == rule:
            yield _finding(rule, fault.place, fault.what, remedy)


def _rows_text(place: Text, sight: rows.Sight, facts: Facts) -> Text:
    """Say how many rows of which dataset were seen, and why that cannot be."""
    known = sight.dataset or ", ".join(one.dataset for one in facts.closed)
    many = Text(de="einzelne Zeilen", en="single rows")
    if sight.number is not None:
        many = Text(
            de=f"{sight.number} Zeilen" if sight.number != 1 else "1 Zeile",
            en=f"{sight.number} rows" if sight.number != 1 else "1 row",
        )
    least = Text(de="", en="")
    if facts.rules and facts.min_count:
        least = Text(
            de=f" (Regelwerk {facts.rules}, Mindestfallzahl {facts.min_count})",
            en=f" (rules {facts.rules}, minimum count {facts.min_count})",
        )
    return Text(
        de=f"{place.de} zeigt {many.de} aus {known} (geschlossen). "
        f"Öffentliche Berichte dürfen keine Einzelzeilen enthalten{least.de}.",
        en=f"{_start(place.en)} shows {many.en} of {known} (closed). Public reports may not hold "
        f"single rows{least.en}.",
    )


def _repeated(
    sheet: Sheet, facts: Facts, rule: str, pieces: Iterable[Piece], remedy: Text
) -> Iterator[Finding]:
    """Find values of closed inputs in some pieces."""
    for piece in pieces:
        for one in facts.closed:
            number = values.hits(piece.readable, one.index, facts.key, exempt=facts.exempt)
            if number:
                what = Text(
                    de=f"{piece.place.de} wiederholt Werte aus {one.dataset} ({number}).",
                    en=f"{_start(piece.place.en)} repeats values of {one.dataset} ({number}).",
                )
                yield _finding(rule, piece.place, what, remedy, severity=facts.weight(one.dataset))


def _unreadable(error: Exception) -> Finding:
    what = Text(
        de=f"Das Notebook lässt sich nicht lesen ({type(error).__name__}). Was nicht geprüft ist, "
        "wird nicht veröffentlicht.",
        en=f"The notebook cannot be read ({type(error).__name__}). What is not checked is not published.",
    )
    remedy = Text(de="Führen Sie das Notebook mit stadtbuch aus.", en="Run the notebook with stadtbuch.")
    return _finding("privacy.form", Text(de="Notebook", en="notebook"), what, remedy)
