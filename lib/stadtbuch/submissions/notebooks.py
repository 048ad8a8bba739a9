"""
The gate before anything else: bytes become a notebook, rebuilt from the few fields that are known (pure).

In this order, each step safe for what the step before let through: size, strict UTF-8, depth of brackets in one
linear pass, JSON without duplicate keys, NaN and huge numbers, nbformat 4, Python, a number of cells. Metadata, raw
cells, ids, widgets, attachments and outputs are counted and dropped: only the sources of code and Markdown cells
come out, and the outputs apart, for a comparison.

Every refusal names one mistake in the sender's words; none repeats a piece of what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

from stadtbuch import atomic
from stadtbuch.errors import Refused
from stadtbuch.texts import Text, count

MAX_BYTES = 2_000_000
MAX_DEPTH = 64
MAX_CELLS = 500
MAX_ATTACHMENTS = 20
MAX_DIGITS = 40
MAX_OUTPUTS = 2_000

_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.|\\\Z)*+(?:"|\Z)|[\[\]{}]', re.DOTALL
)  # possessive: no way back, linear
_BOM = "\ufeff"
_KINDS = ("code", "markdown", "raw")


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One cell that comes through: its number as the sender counts (from 1, dropped cells included), and its source.

    `outputs` is what the sender's own run left there: untrusted, for comparison and inspection only.
    """

    number: int
    kind: Literal["code", "markdown"]
    source: str
    outputs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was left out, counted."""

    raw: int = 0
    outputs: int = 0
    attachments: int = 0
    widgets: bool = False


@dataclass(frozen=True, slots=True)
class Notebook:
    """
    A notebook as far as it is trusted to be one.

    Attributes
    ----------
    digest
        SHA-256 of the bytes it was read from.
    cells
        Code and Markdown cells in their order.
    dropped
        What did not come through.
    """

    digest: str
    cells: tuple[Cell, ...]
    dropped: Dropped = Dropped()

    @property
    def code(self) -> tuple[Cell, ...]:
        """Give the code cells."""
        return tuple(one for one in self.cells if one.kind == "code")

    def rebuilt(self) -> dict[str, Any]:
        """
        Give the notebook as nbformat 4.5, made anew from the sources alone.

        Ids are ``cell-<number>`` with the sender's numbers; there are no outputs and no metadata but the language.
        """
        return {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"language_info": {"name": "python"}},
            "cells": [_rebuilt(cell) for cell in self.cells],
        }


def _rebuilt(cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"cell-{cell.number}",
        "cell_type": cell.kind,
        "metadata": {},
        "source": cell.source,
    }
    return made | {"execution_count": None, "outputs": []} if cell.kind == "code" else made


def read(data: bytes) -> Notebook:
    """
    Let bytes through as a notebook, or say what is wrong with them.

    Parameters
    ----------
    data
        What was sent.

    Raises
    ------
    Refused
        ``submission.empty``, ``submission.too-large``, ``submission.not-utf8``, ``submission.too-deep``,
        ``submission.not-json``, ``submission.duplicate-key``, ``submission.not-finite``,
        ``submission.huge-number``, ``submission.broken-text``, ``submission.not-a-notebook``,
        ``submission.notebook-version``, ``submission.not-python``, ``submission.too-many-cells``,
        ``submission.too-many-outputs``, ``submission.too-many-attachments``, ``submission.broken-cell``,
        ``submission.no-code``.

    Examples
    --------
    >>> sent = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": "1"}]}'
    >>> read(sent).rebuilt()["cells"][0]["source"]
    '1'
    >>> try:
    ...     read(b"PK...")
    ... except Refused as refusal:
    ...     refusal.code
    'submission.not-json'
    """
    require_size(data)
    return _through(data)


def read_executed(data: bytes) -> Notebook:
    """
    Let a re-run notebook through, as the sandbox gave it: all limits but the one of size, which was kept there.

    Its cells have the numbers of their ids (``cell-<number>``), which `Notebook.rebuilt` gave them.

    Raises
    ------
    Refused
        As `read`.
    """
    read_back = _through(data)
    numbers = [_numbered(one) for one in json.loads(data)["cells"] if one["cell_type"] != "raw"]
    cells = (
        replace(cell, number=number or cell.number)
        for cell, number in zip(read_back.cells, numbers, strict=True)
    )
    return replace(read_back, cells=tuple(cells))


def _numbered(raw: dict[str, Any]) -> int:
    """Read a cell's number from its id; 0 where that is none of ours."""
    match = re.fullmatch(r"cell-([1-9][0-9]{0,3})", str(raw.get("id")))
    return int(match[1]) if match else 0


def _through(data: bytes) -> Notebook:
    content = _parsed(_text(data))
    _require_version(content)
    _require_python(content)
    return _notebook(content, digest=atomic.digest(data))


def require_size(data: bytes) -> None:
    """
    Refuse nothing and too much, the only thing that is asked of bytes at their receipt.

    Raises
    ------
    Refused
        ``submission.empty`` or ``submission.too-large``.
    """
    if not data.strip():
        _refuse_empty()
    if len(data) > MAX_BYTES:
        _refuse_size(len(data))


def _text(data: bytes) -> str:
    """Decode the bytes, if they are text."""
    try:
        return data.decode("utf-8").removeprefix(_BOM)  # some editors on Windows put a mark in front
    except UnicodeDecodeError:
        _refuse_encoding()


def _parsed(text: str) -> dict[str, Any]:
    """Parse JSON that is known to be shallow."""
    if too_deep(text, limit=MAX_DEPTH):
        _refuse_depth()
    try:
        content = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except ValueError:
        _refuse_json()
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        _refuse_other()
    return content


def too_deep(text: str, *, limit: int) -> bool:
    """
    Tell whether brackets outside of strings are nested deeper than a limit, in one pass.

    Examples
    --------
    >>> too_deep('[["[[["]]', limit=2), too_deep('[[[1]]]', limit=2)
    (False, True)
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        depth += (sign in "[{") - (sign in "]}") if len(sign) == 1 and sign != '"' else 0
        if depth > limit:
            return True
    return False


def too_deep_markup(markup: str) -> bool:
    """Tell whether markup has more opening marks in a row than closing ones, beyond what a parser should follow."""
    depth = deepest = 0
    for mark in re.finditer(r"<(/?)[A-Za-z][^<>]*?(/?)>", markup):
        depth += -1 if mark[1] else 0 if mark[2] else 1
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping whose keys all stand there once; a second one would be read differently by others."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            _refuse_duplicate()
        made[key] = value
    return made


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        _refuse_number()
    return int(digits)


def _finite(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        _refuse_number()
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        _refuse_number()
    return number


def _require_version(content: dict[str, Any]) -> None:
    if content["nbformat"] != 4 or isinstance(content["nbformat"], bool):
        _refuse_version()
    if not isinstance(content.get("cells"), list):
        _refuse_other()


def _require_python(content: dict[str, Any]) -> None:
    """Accept what says Python, or says nothing; the name of an environment says nothing about its language."""
    metadata = _mapping(content.get("metadata"))
    stated = (
        _mapping(metadata.get("language_info")).get("name"),
        _mapping(metadata.get("kernelspec")).get("language"),
    )
    language = next((one for one in stated if one), "python")
    if not isinstance(language, str) or not re.fullmatch(r"i?python[0-9.]*", language.lower()):
        _refuse_language()


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _notebook(content: dict[str, Any], *, digest: str) -> Notebook:
    """Take the sources out of the cells, and count the rest."""
    raw = content["cells"]
    if len(raw) > MAX_CELLS:
        _refuse_cells(len(raw))
    cells = [_cell(one, number) for number, one in enumerate(raw, start=1)]
    kept = tuple(one for one in cells if one)
    attachments = sum(len(_mapping(_mapping(one).get("attachments"))) for one in raw)
    outputs = sum(len(one.outputs) for one in kept)
    if attachments > MAX_ATTACHMENTS:
        _refuse_attachments()
    if outputs > MAX_OUTPUTS:
        _refuse_outputs()
    if not any(one.kind == "code" and one.source.strip() for one in kept):
        _refuse_no_code()
    widgets = "widgets" in _mapping(content.get("metadata"))
    return Notebook(digest, kept, Dropped(cells.count(None), outputs, attachments, widgets))


def _cell(raw: Any, number: int) -> Cell | None:
    """Read one cell; nothing for a raw one, which no reader would see."""
    kind = _mapping(raw).get("cell_type")
    if kind not in _KINDS:
        _refuse_cell(number)
    source = _joined(raw.get("source"), number)
    if kind == "raw":
        return None
    outputs = raw.get("outputs", []) if kind == "code" else []
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        _refuse_cell(number)
    return Cell(number, kind, source, tuple(outputs))


def _joined(source: Any, number: int) -> str:
    """Join a source, which nbformat allows as one text or as lines."""
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        _refuse_cell(number)
    text = "".join(lines)
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse_text(number)
    if "\0" in text:
        _refuse_text(number)
    return text


# ---- refusals, one per kind of mistake ----------------------------------------------------------------

_SAVE_AGAIN = Text(
    de="Öffnen Sie die Datei in JupyterLab, speichern Sie sie als Notebook (.ipynb) und senden Sie sie noch einmal.",
    en="Open the file in JupyterLab, save it as a notebook (.ipynb) and send it again.",
)


def _refuse_empty() -> NoReturn:
    raise Refused(
        "submission.empty",
        Text(de="Die Datei ist leer.", en="The file is empty."),
        remedy=Text(
            de="Sehen Sie nach, ob Sie die richtige Datei gewählt haben, und senden Sie sie noch einmal.",
            en="Check that you chose the right file, and send it again.",
        ),
    )


def _refuse_size(size: int) -> NoReturn:
    raise Refused(
        "submission.too-large",
        Text(
            de=f"Das Notebook ist {count(size // 1000, 'de')} kB groß; angenommen werden "
            f"{count(MAX_BYTES // 1000, 'de')} kB.",
            en=f"The notebook has {count(size // 1000, 'en')} kB; accepted are {count(MAX_BYTES // 1000, 'en')} kB.",
        ),
        why=Text(
            de="Fast immer sind es gespeicherte Ergebnisse und Bilder; wir rechnen sie ohnehin selbst neu.",
            en="Almost always these are stored results and pictures; we compute them anew ourselves.",
        ),
        remedy=Text(
            de="Löschen Sie in JupyterLab mit „Edit > Clear Outputs of All Cells“ alle Ausgaben und speichern Sie.",
            en='Choose "Edit > Clear Outputs of All Cells" in JupyterLab, save, and send it again.',
        ),
    )


def _refuse_encoding() -> NoReturn:
    raise Refused(
        "submission.not-utf8",
        Text(
            de="Das ist kein Notebook: Die Datei ist kein Text in UTF-8.",
            en="This is not a notebook: the file is no text in UTF-8.",
        ),
        why=Text(
            de="Vielleicht ist sie gepackt, beschädigt oder ein anderes Format.",
            en="It may be packed, damaged, or of another format.",
        ),
        remedy=_SAVE_AGAIN,
    )


def _refuse_depth() -> NoReturn:
    raise Refused(
        "submission.too-deep",
        Text(
            de=f"Die Datei ist mehr als {MAX_DEPTH}-fach ineinander verschachtelt.",
            en=f"The file is nested more than {MAX_DEPTH} levels deep.",
        ),
        why=Text(de="So tief ist kein gewöhnliches Notebook.", en="No ordinary notebook is that deep."),
        remedy=Text(
            de="Löschen Sie alle Ausgaben, speichern Sie in JupyterLab und senden Sie die Datei noch einmal.",
            en="Clear all outputs, save in JupyterLab and send the file again.",
        ),
    )


def _refuse_json() -> NoReturn:
    raise Refused(
        "submission.not-json",
        Text(
            de="Das ist kein Notebook: Die Datei ist kein gültiges JSON.",
            en="This is not a notebook: the file is not valid JSON.",
        ),
        why=Text(
            de="Notebooks (.ipynb) sind JSON-Dateien; diese ist abgeschnitten, beschädigt oder etwas anderes.",
            en="Notebooks (.ipynb) are JSON files; this one is cut off, damaged, or something else.",
        ),
        remedy=_SAVE_AGAIN,
    )


def _refuse_duplicate() -> NoReturn:
    raise Refused(
        "submission.duplicate-key",
        Text(de="In der Datei steht ein Schlüssel zweimal.", en="A key stands twice in the file."),
        why=Text(
            de="Zwei Programme könnten dann zwei verschiedene Notebooks lesen.",
            en="Two programs could then read two different notebooks.",
        ),
        remedy=_SAVE_AGAIN,
    )


def _refuse_constant(_: str) -> NoReturn:
    raise Refused(
        "submission.not-finite",
        Text(
            de="In der Datei steht NaN oder Infinity als Zahl; das ist kein gültiges JSON.",
            en="The file holds NaN or Infinity as a number; that is not valid JSON.",
        ),
        remedy=Text(
            de="Löschen Sie alle Ausgaben, speichern Sie und senden Sie die Datei noch einmal.",
            en="Clear all outputs, save, and send the file again.",
        ),
    )


def _refuse_number() -> NoReturn:
    raise Refused(
        "submission.huge-number",
        Text(
            de="In der Datei steht eine übergroße Zahl.",
            en="The file holds a number that is far too large.",
        ),
        why=Text(
            de="Solche Zahlen kommen in Notebooks nicht vor und legen Programme lahm.",
            en="Such numbers do not occur in notebooks and bring programs to a halt.",
        ),
        remedy=Text(
            de="Löschen Sie alle Ausgaben, speichern Sie und senden Sie die Datei noch einmal.",
            en="Clear all outputs, save, and send the file again.",
        ),
    )


def _refuse_other() -> NoReturn:
    raise Refused(
        "submission.not-a-notebook",
        Text(
            de="Die Datei ist JSON, aber kein Jupyter-Notebook.",
            en="The file is JSON, but not a Jupyter notebook.",
        ),
        why=Text(de="Ihr fehlen „nbformat“ oder „cells“.", en='It lacks "nbformat" or "cells".'),
        remedy=_SAVE_AGAIN,
    )


def _refuse_version() -> NoReturn:
    raise Refused(
        "submission.notebook-version",
        Text(
            de="Das Notebook hat ein anderes Format als 4 (nbformat).",
            en="The notebook is of another format than 4 (nbformat).",
        ),
        remedy=Text(
            de="Öffnen und speichern Sie es mit einem JupyterLab von heute; das wandelt es um.",
            en="Open and save it with a JupyterLab of today, which converts it.",
        ),
    )


def _refuse_language() -> NoReturn:
    raise Refused(
        "submission.not-python",
        Text(de="Das Notebook ist nicht in Python geschrieben.", en="The notebook is not written in Python."),
        why=Text(de="Nachrechnen können wir bisher nur Python.", en="So far we can only re-run Python."),
        remedy=Text(
            de="Schreiben Sie uns eine Nachricht ohne Notebook, wenn Sie in einer anderen Sprache arbeiten.",
            en="Write to us without a notebook if you work in another language.",
        ),
    )


def _refuse_cells(number: int) -> NoReturn:
    raise Refused(
        "submission.too-many-cells",
        Text(
            de=f"Das Notebook hat {count(number, 'de')} Zellen; angenommen werden {MAX_CELLS}.",
            en=f"The notebook has {count(number, 'en')} cells; accepted are {MAX_CELLS}.",
        ),
        remedy=Text(
            de="Kürzen Sie es oder teilen Sie es auf zwei Einsendungen auf.",
            en="Shorten it, or split it into two submissions.",
        ),
    )


def _refuse_outputs() -> NoReturn:
    raise Refused(
        "submission.too-many-outputs",
        Text(
            de=f"Im Notebook sind mehr als {count(MAX_OUTPUTS, 'de')} Ausgaben gespeichert.",
            en=f"More than {count(MAX_OUTPUTS, 'en')} outputs are stored in the notebook.",
        ),
        remedy=Text(
            de="Löschen Sie alle Ausgaben, speichern Sie und senden Sie die Datei noch einmal.",
            en="Clear all outputs, save, and send the file again.",
        ),
    )


def _refuse_attachments() -> NoReturn:
    raise Refused(
        "submission.too-many-attachments",
        Text(
            de=f"In den Textzellen stecken mehr als {MAX_ATTACHMENTS} angehängte Bilder.",
            en=f"More than {MAX_ATTACHMENTS} pictures are attached to the text cells.",
        ),
        why=Text(
            de="Angehängte Bilder werden nicht gezeigt, weil wir sie nicht nachrechnen können.",
            en="Attached pictures are not shown, because we cannot recompute them.",
        ),
        remedy=Text(
            de="Entfernen Sie sie und erzeugen Sie Bilder im Code.",
            en="Remove them and make pictures in code.",
        ),
    )


def _refuse_cell(number: int) -> NoReturn:
    raise Refused(
        "submission.broken-cell",
        Text(
            de=f"Zelle {number} hat eine Form, die kein Notebook kennt.",
            en=f"Cell {number} has a form that no notebook knows.",
        ),
        remedy=_SAVE_AGAIN,
    )


def _refuse_text(number: int) -> NoReturn:
    raise Refused(
        "submission.broken-text",
        Text(
            de=f"Zelle {number} enthält Zeichen, die es in Unicode nicht gibt, oder das Zeichen Null.",
            en=f"Cell {number} holds signs that do not exist in Unicode, or the sign NUL.",
        ),
        remedy=Text(
            de="Löschen Sie die Stelle und schreiben Sie sie neu.",
            en="Delete the place and write it anew.",
        ),
    )


def _refuse_no_code() -> NoReturn:
    raise Refused(
        "submission.no-code",
        Text(de="Im Notebook steht kein Code.", en="There is no code in the notebook."),
        why=Text(
            de="Gezeigt werden Auswertungen, die sich nachrechnen lassen.",
            en="What is shown are analyses that can be re-run.",
        ),
        remedy=Text(
            de="Senden Sie das Notebook mit den Zellen, die rechnen.",
            en="Send the notebook with the cells that compute.",
        ),
    )
