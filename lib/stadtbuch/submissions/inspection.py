"""
The inspection: what a notebook uses and what stands against it, said without running it (pure).

The same words reach the sender who checks at home and the person who decides. ``refuse`` stands against showing it,
``warn`` is for a person to weigh, ``note`` is to know. No finding repeats what the sender wrote, but names of modules
and of datasets.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from stadtbuch import atomic
from stadtbuch.errors import Refused
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.submission import Inspection, Use
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.privacy import identifiers
from stadtbuch.submissions import notebooks, syntax
from stadtbuch.submissions.notebooks import Notebook
from stadtbuch.submissions.syntax import Facts
from stadtbuch.texts import Text

OFFERED = syntax.named(
    """stadtbuch altair geopandas IPython ipywidgets intake numpy pandas pyarrow pyogrio pyproj scipy shapely yaml
    pydantic jinja2 vl_convert"""
)
"""What the sandbox offers beyond Python itself."""

_MODULE = re.compile(r"[A-Za-z_]\w{0,40}")
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_\w{30,}\b|\bglpat-[\w-]{18,}"),
    re.compile(r"\bxox[abprs]-[\w-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bAIza[\w-]{30,}"),
    re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{5,}"),
    re.compile(
        r"(?i)\b(?:password|passwort|passwd|secret|token|api_?key|apikey)\w{0,20}[\"']?\s{0,3}[:=]\s{0,3}[\"'][^\"'\s]{8,}[\"']"
    ),
    re.compile(r"[a-z]{2,10}://[^\s/:@\"']{1,60}:[^\s/@\"']{3,60}@", re.IGNORECASE),
)
_HOME = re.compile(r"(?:/home/|/Users/|[A-Z]:\\{1,2}Users\\{1,2})[\w.-]{2,}")
_LINK = re.compile(r"https?://[^\s\"'<>)\]]{4,}")
_PICTURE = re.compile(r"!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)|<img\b", re.IGNORECASE)
_ACTIVE = re.compile(
    r"<\s{0,3}(?:script|iframe|object|embed|form|style|link|meta|base|svg|math|video|audio|template)\b|\bon[a-z]{3,20}\s{0,3}=|javascript\s{0,3}:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the city knows: its datasets, the ids of cleared tables, its own mailboxes.

    A citizen at home has no catalogue; then `datasets` is None and nothing is said about what is open.
    """

    datasets: Mapping[str, Dataset] | None = None
    tables: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = field(default_factory=frozenset)


NOTHING = Known()


def inspect(
    data: bytes, *, known: Known = NOTHING, at: datetime | None = None, duplicate: bool = False
) -> Inspection:
    """
    Inspect what was sent.

    Parameters
    ----------
    data
        The bytes of the notebook.
    known
        What the city knows.
    at
        The moment of the inspection.
    duplicate
        Whether the same bytes were received before.

    Returns
    -------
    Inspection
        Never an error: bytes that are no notebook give one finding that says why.

    Examples
    --------
    >>> said = inspect(b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "import subprocess"}]}')
    >>> [one.rule for one in said.blocking]
    ['submission.processes', 'submission.no-dataset']
    """
    try:
        notebook = notebooks.read(data)
    except Refused as refusal:
        return Inspection(digest=atomic.digest(data), at=at, findings=(_refused(refusal),))
    facts = syntax.read(notebook.code)
    uses = _uses(facts, known)
    findings = [
        *_against_code(facts),
        *_about_datasets(facts, uses, known),
        *_about_imports(facts),
        *_about_words(notebook, known),
        *_about_dropped(notebook),
        *([_found("duplicate", ())] if duplicate else []),
    ]
    return Inspection(
        digest=notebook.digest,
        at=at,
        cells=len(notebook.cells),
        code_cells=len(notebook.code),
        uses=uses,
        imports=tuple(sorted(name for name in facts.imports if _MODULE.fullmatch(name))),
        findings=tuple(findings),
    )


def _refused(refusal: Refused) -> Finding:
    """Turn a refusal of the gate into a finding in the same words."""
    why = refusal.why
    text = Text(de=f"{refusal.what.de} {why.de}", en=f"{refusal.what.en} {why.en}") if why else refusal.what
    remedy = refusal.remedy or Text(de="Senden Sie es noch einmal.", en="Send it again.")
    return Finding(rule=refusal.code, severity=Severity.refuse, subject="notebook", text=text, remedy=remedy)


# ---- datasets -----------------------------------------------------------------------------------------


def _uses(facts: Facts, known: Known) -> tuple[Use, ...]:
    """Join what cells ask for, by dataset."""
    cells: dict[str, set[int]] = {}
    for one in facts.asked:
        if one.dataset and syntax.DATASET.fullmatch(one.dataset):
            cells.setdefault(one.dataset, set()).add(one.cell)
    return tuple(_use(name, tuple(sorted(found)), known) for name, found in sorted(cells.items()))


def _use(name: str, cells: tuple[int, ...], known: Known) -> Use:
    if known.datasets is None:
        return Use(dataset=name, cells=cells)
    dataset = known.datasets.get(name)
    is_known = dataset is not None or name in known.tables
    return Use(
        dataset=name, cells=cells, known=is_known, open=dataset.is_open if dataset else name in known.tables
    )


def _about_datasets(facts: Facts, uses: tuple[Use, ...], known: Known) -> Iterator[Finding]:
    for use in uses:
        if use.known is False:
            yield _unknown_dataset(use, known)
        elif use.open is False:
            yield _closed_dataset(use)
    unclear = {one.cell for one in facts.asked if one.dataset is None}
    if unclear:
        yield _found("unclear-dataset", unclear)
    if not uses and not unclear:
        yield _found("no-dataset", ())
    if uses and known.datasets is None:
        yield _found("no-catalogue", ())


def _unknown_dataset(use: Use, known: Known) -> Finding:
    near = get_close_matches(use.dataset, [*(known.datasets or {}), *known.tables], n=1, cutoff=0.6)
    hint = (
        Text(de=f"Meinten Sie {near[0]}?", en=f"Did you mean {near[0]}?")
        if near
        else Text(
            de="Die Datensätze stehen auf den Seiten der Stadt.",
            en="The datasets are listed on the city's pages.",
        )
    )
    return Finding(
        rule="submission.unknown-dataset",
        severity=Severity.refuse,
        subject=_where(use.cells),
        text=Text(
            de=f"Einen Datensatz {use.dataset} gibt es in dieser Stadt nicht.",
            en=f"There is no dataset {use.dataset} in this city.",
        ),
        remedy=hint,
    )


def _closed_dataset(use: Use) -> Finding:
    return Finding(
        rule="submission.closed-dataset",
        severity=Severity.refuse,
        subject=_where(use.cells),
        text=Text(
            de=f"Der Datensatz {use.dataset} ist nicht offen; damit kann niemand außerhalb der Verwaltung rechnen.",
            en=f"The dataset {use.dataset} is not open; nobody outside the administration can compute with it.",
        ),
        remedy=Text(
            de="Nehmen Sie offene Datensätze, oder eine veröffentlichte Tabelle daraus.",
            en="Use open datasets, or a published table made from it.",
        ),
    )


# ---- code ---------------------------------------------------------------------------------------------

_CODE_KINDS = (
    "network",
    "processes",
    "shell",
    "magic",
    "files",
    "maybe-files",
    "writes",
    "packed",
    "dynamic",
    "harmless-magic",
)


def _against_code(facts: Facts) -> Iterator[Finding]:
    """Say which doors out of the notebook its code uses."""
    seen = dict(facts.seen)
    downloads = {one.cell for one in facts.asked if one.how == "download"}
    if downloads - seen.get("network", set()):
        seen["network"] = seen.get("network", set()) | downloads
    for kind in _CODE_KINDS:
        if kind in seen:
            yield _found(kind, seen[kind])
    if facts.unreadable:
        yield _found("unreadable-cell", facts.unreadable)


def _about_imports(facts: Facts) -> Iterator[Finding]:
    known = OFFERED | sys.stdlib_module_names | syntax.NETWORK | syntax.PACKED | syntax.PROCESSES
    missing = {name: cells for name, cells in facts.imports.items() if name not in known}
    for name, cells in sorted(missing.items()):
        shown = name if _MODULE.fullmatch(name) else "?"
        yield Finding(
            rule="submission.import",
            severity=Severity.warn,
            subject=_where(cells),
            text=Text(
                de=f"Das Paket {shown} ist dort, wo wir nachrechnen, nicht installiert.",
                en=f"The package {shown} is not installed where we re-run.",
            ),
            remedy=Text(
                de="Vorhanden sind pandas, numpy, scipy, geopandas, altair und Python selbst.",
                en="There are pandas, numpy, scipy, geopandas, altair and Python itself.",
            ),
        )


# ---- words, outputs -----------------------------------------------------------------------------------


def _about_words(notebook: Notebook, known: Known) -> Iterator[Finding]:
    """Look for what should not become public: secrets, identifiers of people, paths with a login."""
    secrets, paths, active, pictures, links = set(), set(), set(), set(), set()
    people: dict[str, set[int]] = {}
    for cell in notebook.cells:
        words = "\n".join((cell.source, *_words(cell.outputs)))
        secrets |= {cell.number} if any(pattern.search(words) for pattern in _SECRETS) else set()
        paths |= {cell.number} if _HOME.search(words) else set()
        for kind in identifiers.found(words, allowed=known.mailboxes):
            people.setdefault(kind, set()).add(cell.number)
        if cell.kind == "markdown":
            active |= {cell.number} if _ACTIVE.search(cell.source) else set()
            pictures |= {cell.number} if _PICTURE.search(cell.source) else set()
            links |= {cell.number} if _LINK.search(cell.source) else set()
    if secrets:
        yield _found("secret", secrets)
    yield from (_person(kind, cells) for kind, cells in sorted(people.items()))
    for kind, cells in (("path", paths), ("active", active), ("pictures", pictures), ("links", links)):
        if cells:
            yield _found(kind, cells)


def _words(outputs: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Give the texts in the sender's own outputs."""
    for output in outputs:
        data = output.get("data")
        values = [
            *(data.values() if isinstance(data, dict) else ()),
            output.get("text"),
            output.get("traceback"),
        ]
        for value in values:
            lines = value if isinstance(value, list) else [value]
            yield "".join(one for one in lines if isinstance(one, str))[:200_000]


def _person(kind: str, cells: Iterable[int]) -> Finding:
    title = identifiers.KINDS[kind].title
    return Finding(
        rule="submission.personal-data",
        severity=Severity.refuse,
        subject=_where(cells),
        text=Text(
            de=f"Hier steht etwas, das einen Menschen bezeichnet: {title.de}.",
            en=f"Here stands something that names a person: {title.en}.",
        ),
        remedy=Text(
            de="Entfernen Sie es, auch aus den Ausgaben, und senden Sie das Notebook noch einmal.",
            en="Remove it, from the outputs too, and send the notebook again.",
        ),
    )


def _about_dropped(notebook: Notebook) -> Iterator[Finding]:
    dropped = notebook.dropped
    for kind, number in (
        ("outputs", dropped.outputs),
        ("attachments", dropped.attachments),
        ("raw", dropped.raw),
    ):
        if number:
            yield _found(kind, ())
    if dropped.widgets:
        yield _found("widgets", ())


# ---- wordings -----------------------------------------------------------------------------------------


def _where(cells: Iterable[int]) -> str:
    """
    Name cells as the sender counts them.

    Examples
    --------
    >>> _where({3, 1}), _where(())
    ('cell 1, 3', 'notebook')
    """
    numbers = sorted(cells)
    shown = ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")
    return f"cell {shown}" if numbers else "notebook"


def _found(kind: str, cells: Iterable[int]) -> Finding:
    severity, text, remedy = _SAID[kind]
    return Finding(
        rule=f"submission.{kind}", severity=severity, subject=_where(cells), text=text, remedy=remedy
    )


_LOAD = Text(
    de='Laden Sie Daten mit city.load("domäne.datensatz").', en='Load data with city.load("domain.dataset").'
)
_TO_KNOW = Text(de="Sie müssen nichts tun.", en="You need not do anything.")

_SAID: dict[str, tuple[Severity, Text, Text]] = {
    "network": (
        Severity.refuse,
        Text(
            de="Hier wird etwas aus dem Netz geladen. Nachgerechnet wird ohne Netz.",
            en="Here something is loaded from the network. Re-runs have no network.",
        ),
        _LOAD,
    ),
    "processes": (
        Severity.refuse,
        Text(
            de="Hier werden andere Programme gestartet oder das System direkt angesprochen.",
            en="Here other programs are started, or the system is addressed directly.",
        ),
        Text(de="Rechnen Sie nur mit Python und den Daten.", en="Compute with Python and the data only."),
    ),
    "shell": (
        Severity.refuse,
        Text(
            de="Hier steht eine Zeile für die Kommandozeile (sie beginnt mit „!“).",
            en='Here is a line for the command line (it begins with "!").',
        ),
        Text(
            de="Löschen Sie sie; pip und Downloads gehen beim Nachrechnen nicht.",
            en="Delete it; pip and downloads do not work in a re-run.",
        ),
    ),
    "magic": (
        Severity.refuse,
        Text(
            de="Hier steht ein Befehl von Jupyter (er beginnt mit „%“), der etwas anderes als Python ausführt.",
            en='Here is a command of Jupyter (it begins with "%") that runs something else than Python.',
        ),
        Text(de="Schreiben Sie es in Python.", en="Write it in Python."),
    ),
    "harmless-magic": (
        Severity.note,
        Text(
            de="Hier stehen Befehle von Jupyter, die beim Nachrechnen nichts ändern.",
            en="Here are commands of Jupyter that change nothing in a re-run.",
        ),
        _TO_KNOW,
    ),
    "files": (
        Severity.refuse,
        Text(
            de="Hier wird eine Datei gelesen, die es nur bei Ihnen gibt.",
            en="Here a file is read that exists only on your side.",
        ),
        _LOAD,
    ),
    "maybe-files": (
        Severity.warn,
        Text(
            de="Hier wird etwas gelesen; ob es eine Datei ist, zeigt sich erst beim Rechnen.",
            en="Here something is read; whether it is a file shows only in a run.",
        ),
        _LOAD,
    ),
    "writes": (
        Severity.warn,
        Text(
            de="Hier wird eine Datei geschrieben. Sie verschwindet nach dem Nachrechnen.",
            en="Here a file is written. It disappears after the re-run.",
        ),
        Text(de="Zeigen Sie Ergebnisse im Notebook.", en="Show results in the notebook."),
    ),
    "packed": (
        Severity.refuse,
        Text(
            de="Hier werden gepackte Python-Objekte gelesen (pickle und Ähnliches), in denen Code stecken kann.",
            en="Here packed Python objects are read (pickle and the like), in which code can hide.",
        ),
        _LOAD,
    ),
    "dynamic": (
        Severity.warn,
        Text(
            de="Was diese Stelle tut, lässt sich ohne Ausführen nicht sagen (eval, exec, getattr und Ähnliches).",
            en="What this place does cannot be told without running it (eval, exec, getattr and the like).",
        ),
        Text(
            de="Schreiben Sie den Code aus, damit andere ihn lesen können.",
            en="Write the code out, so that others can read it.",
        ),
    ),
    "unreadable-cell": (
        Severity.warn,
        Text(
            de="Diese Zelle lässt sich nicht als Python lesen; was sie tut, lässt sich ohne Ausführen nicht sagen.",
            en="This cell cannot be read as Python; what it does cannot be told without running it.",
        ),
        Text(
            de="Führen Sie das Notebook einmal ganz aus („Restart Kernel and Run All Cells“) und beheben Sie Fehler.",
            en='Run the whole notebook once ("Restart Kernel and Run All Cells") and mend errors.',
        ),
    ),
    "unclear-dataset": (
        Severity.warn,
        Text(
            de="Welcher Datensatz hier geladen wird, lässt sich ohne Ausführen nicht sagen; er wird später fehlen.",
            en="Which dataset is loaded here cannot be told without running it; the re-run will lack it.",
        ),
        Text(
            de='Schreiben Sie seine Kennung aus: city.load("domäne.datensatz").',
            en='Write its id out: city.load("domain.dataset").',
        ),
    ),
    "no-dataset": (
        Severity.refuse,
        Text(
            de="Das Notebook nutzt keinen Datensatz der Stadt.",
            en="The notebook uses no dataset of the city.",
        ),
        Text(
            de='Laden Sie offene Daten mit city.load("domäne.datensatz"); dort wird es dann auch verlinkt.',
            en='Load open data with city.load("domain.dataset"); there it will be linked, too.',
        ),
    ),
    "no-catalogue": (
        Severity.note,
        Text(
            de="Ob die Datensätze offen sind, prüft die Stadt: Hier liegt kein Katalog.",
            en="Whether the datasets are open, the city checks: there is no catalogue here.",
        ),
        _TO_KNOW,
    ),
    "secret": (
        Severity.refuse,
        Text(
            de="Hier steht etwas, das wie ein Passwort oder Zugangsschlüssel aussieht.",
            en="Here stands something that looks like a password or an access key.",
        ),
        Text(
            de="Entfernen Sie es, und ändern Sie das Passwort: Es war schon in einer Mail.",
            en="Remove it, and change the password: it has been in a mail.",
        ),
    ),
    "path": (
        Severity.warn,
        Text(
            de="Hier steht der Pfad Ihres Rechners; er kann Ihren Namen verraten.",
            en="Here stands a path of your computer; it can reveal your name.",
        ),
        Text(de="Entfernen Sie ihn und löschen Sie die Ausgaben.", en="Remove it, and clear the outputs."),
    ),
    "active": (
        Severity.warn,
        Text(
            de="Im Text steht HTML, das etwas ausführt, einbettet oder gestaltet. Es wird entfernt.",
            en="The text holds HTML that runs, embeds or styles something. It is removed.",
        ),
        Text(de="Schreiben Sie Text in Markdown.", en="Write text in Markdown."),
    ),
    "pictures": (
        Severity.warn,
        Text(
            de="Im Text stehen Bilder. Gezeigt werden nur Bilder, die der Code beim Nachrechnen erzeugt.",
            en="The text holds pictures. Shown are only pictures that the code makes in the re-run.",
        ),
        Text(de="Erzeugen Sie Bilder im Code.", en="Make pictures in code."),
    ),
    "links": (
        Severity.note,
        Text(
            de="Im Text stehen Verweise nach außen. Sie werden als Ihre gekennzeichnet.",
            en="The text holds links to the outside. They are marked as yours.",
        ),
        _TO_KNOW,
    ),
    "outputs": (
        Severity.note,
        Text(
            de="Gespeicherte Ausgaben werden verworfen; gezeigt wird, was beim Nachrechnen herauskommt.",
            en="Stored outputs are dropped; shown is what the re-run gives.",
        ),
        _TO_KNOW,
    ),
    "attachments": (
        Severity.warn,
        Text(
            de="An Textzellen hängen Bilder. Sie werden nicht gezeigt.",
            en="Pictures are attached to text cells. They are not shown.",
        ),
        Text(de="Erzeugen Sie Bilder im Code.", en="Make pictures in code."),
    ),
    "raw": (
        Severity.note,
        Text(de="Rohe Zellen („Raw“) werden nicht gezeigt.", en="Raw cells are not shown."),
        _TO_KNOW,
    ),
    "widgets": (
        Severity.note,
        Text(
            de="Bedienelemente (Widgets) werden nicht gezeigt: Die Seite führt kein Skript aus.",
            en="Widgets are not shown: the page runs no script.",
        ),
        _TO_KNOW,
    ),
    "duplicate": (
        Severity.warn,
        Text(
            de="Genau dieses Notebook wurde schon einmal eingesandt.",
            en="Exactly this notebook was submitted before.",
        ),
        Text(de="Ziehen Sie eine der beiden Einsendungen zurück.", en="Withdraw one of the two submissions."),
    ),
}
