"""
Reading a finished notebook defensively: every text in it, with its place; every field that is not known.

The notebook comes as the dictionary that ``.ipynb`` files hold (nbformat 4). Nothing about it is taken for
granted: whatever has another form than expected becomes a fault, and a fault refuses.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from typing import Any, Literal

from stadtbuch.privacy import spelling, svg
from stadtbuch.texts import Text

TEXT_PLAIN, TEXT_HTML, IMAGE_SVG = "text/plain", "text/html", "image/svg+xml"
KINDS = frozenset({"figure", "table", "headline", "points", "result", "protected"})

STRIPPED_FROM_NOTEBOOK = ("papermill",)
STRIPPED_FROM_CELLS = ("papermill", "execution", "ExecuteTime", "collapsed", "scrolled", "jupyter")
"""
Metadata that tell how a run went, not what it found. `strip` removes them; the gate refuses what is
left.
"""

_NOTEBOOK_KEYS = frozenset({"cells", "metadata", "nbformat", "nbformat_minor"})
_CELL_KEYS = frozenset({"cell_type", "id", "metadata", "source", "outputs", "execution_count", "attachments"})
_OUTPUT_KEYS = {
    "stream": frozenset({"output_type", "name", "text"}),
    "display_data": frozenset({"output_type", "data", "metadata"}),
    "execute_result": frozenset({"output_type", "data", "metadata", "execution_count"}),
    "error": frozenset({"output_type", "ename", "evalue", "traceback"}),
}
_KERNEL_KEYS = {
    "kernelspec": frozenset({"name", "display_name", "language"}),
    "language_info": frozenset(
        {
            "name",
            "version",
            "mimetype",
            "file_extension",
            "pygments_lexer",
            "codemirror_mode",
            "nbconvert_exporter",
        }
    ),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_ESCAPE = re.compile(r"\\[abfnrtv]")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Role = Literal[
    "source",
    "markdown",
    "parameter",
    "tag",
    "stdout",
    "stderr",
    "plain",
    "html",
    "svg",
    "file",
    "meta",
    "behind",
]
"""`behind` are data that lie behind what an output shows: the rows of a chart, the state of a widget, a script."""


@dataclass(frozen=True)
class Piece:
    """
    One text of a notebook: where it stands, what it is, and which record it claims to show.

    `beside` marks files that go out beside the notebook.
    """

    place: Text
    role: Role
    text: str
    claim: tuple[str, str] | None = None
    beside: bool = False

    @cached_property
    def readable(self) -> str:
        """Give what a reader, a search or a screen reader can find in the text."""
        return spelling.plain(self._told())

    def _told(self) -> str:
        if self.role == "svg":
            return svg.words(self.text)
        if self.role == "html":
            plain = unescape(self.text)
            return f"{plain}\n{unescape(re.sub(r'<[^>]*>', '', self.text))}"
        if self.role in ("source", "markdown"):
            return f"{self.text}\n{_ESCAPE.sub(' ', self.text)}"
        return _ANSI.sub("", self.text)


@dataclass(frozen=True)
class Fault:
    """Something whose form is not allowed: by which rule, where, and what (never its content)."""

    rule: str
    place: Text
    what: Text


@dataclass
class Sheet:
    """A notebook taken apart."""

    pieces: list[Piece] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, rule: str, place: Text, de: str, en: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(rule, place, Text(de=de, en=en)))

    def add(
        self,
        place: Text,
        role: Role,
        content: Any,
        *,
        claim: tuple[str, str] | None = None,
        beside: bool = False,
    ) -> None:
        """Note a text; what is no text is a fault."""
        text = joined(content)
        if text is None:
            self.fault("privacy.form", place, "Hier wird Text erwartet.", "Text is expected here.")
            text = "\n".join(leaves(content))
        if text:
            self.pieces.append(Piece(place, role, text, claim, beside))


def strip(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """
    Copy a notebook without the marks that papermill and Jupyter leave about how a run went.

    Only what was stripped and then judged may be published.

    Examples
    --------
    >>> strip({"metadata": {"papermill": {"output_path": "x"}}, "cells": []})
    {'metadata': {}, 'cells': []}
    """
    plain = copy.deepcopy(dict(notebook))
    _without(plain, STRIPPED_FROM_NOTEBOOK)
    for cell in plain["cells"] if isinstance(plain.get("cells"), list) else ():
        if isinstance(cell, dict):
            _without(cell, STRIPPED_FROM_CELLS)
    return plain


def _without(holder: dict[str, Any], keys: Iterable[str]) -> None:
    if isinstance(holder.get("metadata"), dict):
        for key in keys:
            holder["metadata"].pop(key, None)


def joined(content: Any) -> str | None:
    """Give text as one string; nbformat also allows a list of lines. None if it is neither."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "".join(content)
    return None


def leaves(content: Any) -> Iterator[str]:
    """Give every key and value of nested data as text, without recursion."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif one is not None:
            yield str(one)


def read(notebook: Any) -> Sheet:
    """Take a notebook apart; whatever is not understood is a fault."""
    sheet, place = Sheet(), Text(de="Notebook", en="notebook")
    if not isinstance(notebook, Mapping):
        sheet.fault("privacy.form", place, "Das ist kein Notebook.", "This is no notebook.")
        return sheet
    if notebook.get("nbformat") != 4 or not isinstance(notebook.get("cells"), list):
        sheet.fault("privacy.form", place, "Gelesen wird nur das Format 4.", "Only format 4 is read.")
    _count(sheet, place, notebook.get("nbformat_minor"))
    _unknown(sheet, place, notebook, _NOTEBOOK_KEYS)
    _kernel(sheet, place, notebook.get("metadata", {}))
    cells = notebook.get("cells")
    for number, cell in enumerate(cells if isinstance(cells, list) else (), start=1):
        _cell(sheet, Text(de=f"Zelle {number}", en=f"cell {number}"), cell)
    return sheet


def _unknown(sheet: Sheet, place: Text, given: Mapping[Any, Any], known: Iterable[str]) -> None:
    """Note keys that are not known, and what stands under them as text to be scanned."""
    odd = [key for key in given if not isinstance(key, str) or key not in known]
    if odd:
        sheet.fault(
            "privacy.metadata", place, f"{len(odd)} unbekannte Felder.", f"{len(odd)} unknown fields."
        )
        sheet.add(
            place, "meta", "\n".join(text for key in odd for text in (*leaves(key), *leaves(given[key])))
        )
        for key in odd:
            _behind(sheet, place, given[key])


def _kernel(sheet: Sheet, place: Text, metadata: Any) -> None:
    """Read the notebook's own metadata: which kernel and language, nothing else."""
    if not isinstance(metadata, Mapping):
        sheet.fault(
            "privacy.metadata", place, "Die Metadaten haben keine Felder.", "The metadata have no fields."
        )
        return
    _unknown(sheet, place, metadata, _KERNEL_KEYS)
    for key, known in _KERNEL_KEYS.items():
        part = metadata.get(key, {})
        if isinstance(part, Mapping):
            _unknown(sheet, place, part, known)
        else:
            sheet.fault("privacy.metadata", place, f"{key} hat keine Felder.", f"{key} has no fields.")
        sheet.add(place, "meta", "\n".join(leaves(part)))


def _cell(sheet: Sheet, place: Text, cell: Any) -> None:
    """Read one cell: source, tags, attachments, outputs."""
    if not isinstance(cell, Mapping) or cell.get("cell_type") not in ("code", "markdown"):
        sheet.fault(
            "privacy.form",
            place,
            "Nur Code und Markdown sind erlaubt.",
            "Only code and Markdown are allowed.",
        )
        sheet.add(place, "meta", "\n".join(leaves(cell)))
        return
    _unknown(sheet, place, cell, _CELL_KEYS)
    sheet.add(place, "source" if cell["cell_type"] == "code" else "markdown", cell.get("source", ""))
    sheet.add(place, "meta", "\n".join(leaves(cell.get("id"))))
    _tags(sheet, place, cell.get("metadata", {}))
    if cell.get("attachments"):
        sheet.fault(
            "privacy.attachment", place, "Die Zelle enthält einen Anhang.", "The cell holds an attachment."
        )
        sheet.add(place, "meta", "\n".join(leaves(cell["attachments"])))
    _count(sheet, place, cell.get("execution_count"))
    outputs = cell.get("outputs", [])
    if not isinstance(outputs, list) or (outputs and cell["cell_type"] != "code"):
        sheet.fault(
            "privacy.form", place, "Ausgaben stehen am falschen Ort.", "Outputs are in the wrong place."
        )
        sheet.add(place, "meta", "\n".join(leaves(outputs)))
        return
    for number, output in enumerate(outputs, start=1):
        _output(sheet, Text(de=f"{place.de}, Ausgabe {number}", en=f"{place.en}, output {number}"), output)


def _count(sheet: Sheet, place: Text, number: Any) -> None:
    if number is not None and (
        isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 100_000
    ):
        sheet.fault(
            "privacy.metadata",
            place,
            "Hier steht statt einer Nummer etwas anderes.",
            "Something else stands here instead of a number.",
        )
        sheet.add(place, "meta", "\n".join(leaves(number)))


def _tags(sheet: Sheet, place: Text, metadata: Any) -> None:
    """Read a cell's metadata: tags and nothing else."""
    if not isinstance(metadata, Mapping):
        sheet.fault(
            "privacy.metadata", place, "Die Metadaten haben keine Felder.", "The metadata have no fields."
        )
        sheet.add(place, "meta", "\n".join(leaves(metadata)))
        return
    _unknown(sheet, place, metadata, ("tags",))
    tags = metadata.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        sheet.fault("privacy.metadata", place, "Die Schlagworte sind keine Liste.", "The tags are no list.")
    sheet.add(place, "tag", "\n".join(leaves(tags)))


def _output(sheet: Sheet, place: Text, output: Any) -> None:
    """Read one output by its type."""
    kind = output.get("output_type") if isinstance(output, Mapping) else None
    if not isinstance(kind, str) or kind not in _OUTPUT_KEYS:
        sheet.fault(
            "privacy.form", place, "Diese Art von Ausgabe ist unbekannt.", "This type of output is unknown."
        )
        sheet.add(place, "meta", "\n".join(leaves(output)))
        return
    _unknown(sheet, place, output, _OUTPUT_KEYS[kind])
    if kind == "stream":
        _stream(sheet, place, output)
    elif kind == "error":
        sheet.fault(
            "privacy.traceback", place, "Die Zelle endete mit einem Fehler.", "The cell ended with an error."
        )
        sheet.add(
            place, "meta", "\n".join(leaves([output.get(key) for key in ("ename", "evalue", "traceback")]))
        )
    else:
        _count(sheet, place, output.get("execution_count"))
        _bundle(sheet, place, output.get("data", {}), _claim(sheet, place, output.get("metadata", {})))


def _stream(sheet: Sheet, place: Text, output: Mapping[str, Any]) -> None:
    name = output.get("name")
    if name not in ("stdout", "stderr"):
        sheet.fault(
            "privacy.form", place, "Dieser Ausgabekanal ist unbekannt.", "This output channel is unknown."
        )
        sheet.add(place, "meta", "\n".join(leaves(name)))
    sheet.add(place, "stderr" if name == "stderr" else "stdout", output.get("text", ""))


def _claim(sheet: Sheet, place: Text, metadata: Any) -> tuple[str, str] | None:
    """Read which record an output claims to show; any other metadata is a fault."""
    if metadata in ({}, None):
        return None
    if isinstance(metadata, Mapping) and set(metadata) == {"stadtbuch"}:
        said = metadata["stadtbuch"]
        if isinstance(said, Mapping) and set(said) == {"kind", "name"}:
            kind, name = said["kind"], said["name"]
            if isinstance(kind, str) and kind in KINDS and isinstance(name, str) and _NAME.fullmatch(name):
                sheet.add(place, "meta", name)
                return kind, name
    sheet.fault(
        "privacy.metadata",
        place,
        "Die Ausgabe trägt fremde Metadaten.",
        "The output carries foreign metadata.",
    )
    sheet.add(place, "meta", "\n".join(leaves(metadata)))
    return None


def _bundle(sheet: Sheet, place: Text, data: Any, claim: tuple[str, str] | None) -> None:
    """Read the forms of one display output: each MIME type is a text of its own."""
    if not isinstance(data, Mapping):
        sheet.fault("privacy.form", place, "Die Ausgabe hat keine Formen.", "The output has no forms.")
        sheet.add(place, "meta", "\n".join(leaves(data)))
        return
    roles: dict[str, Role] = {TEXT_PLAIN: "plain", TEXT_HTML: "html", IMAGE_SVG: "svg"}
    for mime, content in data.items():
        if isinstance(mime, str) and mime in roles:
            sheet.add(place, roles[mime], content, claim=claim)
        else:
            named = (
                mime if isinstance(mime, str) and re.fullmatch(r"[a-z]+/[A-Za-z0-9.+_-]{1,60}", mime) else "?"
            )
            sheet.fault("privacy.mime", place, named, named)
            text = joined(content)
            sheet.add(
                place, "meta", "\n".join([*leaves(mime), *(leaves(content) if text is None else [text])])
            )
            _behind(sheet, place, content)


def _behind(sheet: Sheet, place: Text, content: Any) -> None:
    """Note data that an output carries and does not show, in their own shape."""
    text = joined(content)
    if text is not None or content:
        shaped = json.dumps(content, ensure_ascii=False, default=str, skipkeys=True) if text is None else text
        sheet.add(place, "behind", shaped)


class _Unseen(HTMLParser):
    """Collects what HTML holds and readers do not see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the values of attributes; what follows a script's beginning is not seen."""
        self.found += [value for _, value in attrs if value]
        self._inside = tag in ("script", "style", "template")

    def handle_endtag(self, tag: str) -> None:
        """Go back to what is seen."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Keep scripts."""
        if self._inside:
            self.found.append(data)

    def handle_comment(self, data: str) -> None:
        """Keep comments."""
        self.found.append(data)

    def handle_decl(self, decl: str) -> None:
        """Keep declarations."""
        self.found.append(decl)

    def handle_pi(self, data: str) -> None:
        """Keep instructions to programs."""
        self.found.append(data)

    def unknown_decl(self, data: str) -> None:
        """Keep whatever else is marked as no text."""
        self.found.append(data)


def unseen(html: str) -> str:
    r"""
    Give what HTML holds and readers do not see: comments, attributes, scripts, styles.

    Examples
    --------
    >>> unseen('<p data-name="Erika">Text<!-- and Max --></p>')
    'Erika\n and Max '
    """
    reading = _Unseen()
    reading.feed(html)
    reading.close()
    return "\n".join(reading.found)
