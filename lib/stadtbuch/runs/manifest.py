"""
The manifest: what a notebook declares in its first cell, read strictly and with all its mistakes at once.

The first cell is Markdown and holds exactly one fenced ``yaml`` block whose top key is ``stadtbuch:``. It is
the notebook's promise: a run sees what it declares there, and nothing else.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import nbformat
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.json_schema import models_json_schema

from stadtbuch.catalog import files, mistakes
from stadtbuch.errors import ManifestError, Problem
from stadtbuch.model.analysis import Manifest, Parameter, ParameterType
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.runs.parameters import day
from stadtbuch.session.snapshots import TEMPLATE, parameter_of
from stadtbuch.texts import LANGUAGES, Text

MAX_BYTES = 5_000_000
"""A notebook in git holds no outputs; one larger than this holds data."""

FENCE = re.compile(r"(?P<ticks>`{3,}|~{3,})[ ]*(?P<word>[\w.+-]*)[^`]*")
CATALOGUE = re.compile(r"catalogue:[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*")
INPUT = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*")
PARAMETERS_TAG = "parameters"
LAB_TAG = "lab"
"""Cells with this tag are their author's notes: they run in JupyterLab only, and no run, gate or page sees them."""


class Declaration(BaseModel):
    """The whole block: one key, so that other YAML in a cell is not mistaken for a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stadtbuch: Manifest


@dataclass(frozen=True, slots=True)
class Analysis:
    """
    A notebook with its manifest.

    Attributes
    ----------
    path
        Where it stands; local modules are looked for beside it.
    name
        Its path as people call it, relative to the city.
    notebook
        Its cells; outputs that are stored in the file are not used by any run.
    stored_outputs
        Positions (from 1) of cells that hold outputs. Notebooks in git hold none.
    """

    manifest: Manifest
    notebook: Any
    path: Path
    name: str
    stored_outputs: tuple[int, ...] = ()

    @property
    def defaults(self) -> dict[str, Any]:
        """
        Give the values that the cell tagged ``parameters`` assigns as plain literals.

        The cell is read, never executed; what is no literal is no default.
        """
        tagged = [
            cell.source for cell in self.notebook.cells if PARAMETERS_TAG in cell.metadata.get("tags", ())
        ]
        return _literals("\n".join(tagged))


def _literals(source: str) -> dict[str, Any]:
    r"""
    Read ``name = literal`` lines without running them.

    Examples
    --------
    >>> _literals("year = 2025\nday = date.today()")
    {'year': 2025}
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return {}
    found: dict[str, Any] = {}
    for one in statements:
        if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
            with suppress(ValueError):
                found[one.targets[0].id] = ast.literal_eval(one.value)
    return found


@dataclass(slots=True)
class _Block:
    """The text of a fenced block, and the line of the cell on which its content begins."""

    content: str
    first_line: int
    word: str = ""


@dataclass(slots=True)
class _Reading:
    """One reading of one manifest: collects mistakes with their lines."""

    name: str
    offset: int = 0
    located: files.Located | None = None
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: files.Place, code: str, what: Text, remedy: Text | None = None) -> None:
        """Note a mistake at a place below ``stadtbuch:``."""
        inside = ("stadtbuch", *place)
        line = self.located.line(inside) if self.located else None
        shown = files.dotted(inside)
        self.problems.append(
            Problem(self.name, line + self.offset if line else None, shown, what, remedy, f"manifest.{code}")
        )

    def foreign(self, problems: list[Problem]) -> None:
        """Take over mistakes that the YAML reader found, with their lines in the cell."""
        for one in problems:
            line = one.line + self.offset if one.line else None
            code = f"manifest.{one.code.rpartition('.')[2]}"
            self.problems.append(Problem(self.name, line, one.path, one.what, one.remedy, code))


def read(path: Path, *, root: Path | None = None) -> Analysis:
    """
    Read a notebook and its manifest.

    Parameters
    ----------
    path
        The notebook.
    root
        The city's folder; messages name the notebook relative to it.

    Raises
    ------
    ManifestError
        ``manifest.no-notebook``, ``manifest.too-large``, ``manifest.not-a-notebook``, ``manifest.missing``,
        or ``manifest.invalid`` with every mistake, its line in the first cell, and what to write instead.
    """
    name = _shown(path, root)
    notebook = _notebook(path, name)
    return Analysis(
        manifest=_manifest(notebook, name),
        notebook=_without_notes(notebook),
        path=path,
        name=name,
        stored_outputs=tuple(number for number, cell in enumerate(notebook.cells, 1) if cell.get("outputs")),
    )


def declared(notebook: Any, *, name: str) -> Manifest:
    """
    Read the manifest of a notebook that is not on disk, such as one that is about to be saved.

    Raises
    ------
    ManifestError
        ``manifest.missing`` or ``manifest.invalid``, as `read`.
    """
    return _manifest(notebook, name)


def findings(analysis: Analysis) -> list[Finding]:
    """Say what is odd about a notebook without stopping anything: stored outputs."""
    if not analysis.stored_outputs:
        return []
    cells = ", ".join(map(str, analysis.stored_outputs))
    return [
        Finding(
            rule="notebook.stored-outputs",
            severity=Severity.warn,
            subject=analysis.name,
            text=Text(
                de=f"In der Datei sind Ausgaben gespeichert (Zellen {cells}).",
                en=f"Outputs are stored in the file (cells {cells}).",
            ),
            remedy=Text(
                de="Löschen Sie in JupyterLab alle Ausgaben und speichern Sie die Datei.",
                en="Clear all outputs in JupyterLab and save the file.",
            ),
        )
    ]


def schema() -> dict[str, Any]:
    """Give the JSON Schema of the block, as it is shipped in ``share/schemas/manifest.schema.json``."""
    _, made = models_json_schema([(Declaration, "validation")], title="Stadtbuch manifest")
    definitions = made["$defs"]
    top = definitions.pop("Declaration")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _shown(path: Path, root: Path | None) -> str:
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return path.name


def _notebook(path: Path, name: str) -> Any:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _no_notebook(name, type(error).__name__) from None
    if len(raw) > MAX_BYTES:
        raise _too_large(name)
    try:
        # `nbformat.reads` would write what it dislikes into the log, content included.
        notebook = _identified(nbformat.v4.reads(raw.decode("utf-8")))
        nbformat.validate(notebook, relax_add_props=True)
    except Exception:  # noqa: BLE001 - nbformat raises many kinds, and all of them say: this is no notebook
        raise _not_a_notebook(name) from None
    return notebook


def _without_notes(notebook: Any) -> Any:
    """Empty the cells that are for the lab only; they keep their place, so that cells count as people see them."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells[1:]:
        if LAB_TAG in cell.metadata.get("tags", ()):
            cell["source"] = ""
            cell.pop("attachments", None)
    return copy


def _identified(notebook: Any) -> Any:
    """Give every cell an id of its own: older notebooks have none, and copied cells share theirs."""
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, 1):
        if str(cell.get("id", "")) in {"", *seen}:
            cell["id"] = f"cell-{number}"
        seen.add(cell["id"])
    notebook["nbformat_minor"] = max(notebook["nbformat_minor"], 5)
    return notebook


def _manifest(notebook: Any, name: str) -> Manifest:
    first = notebook.cells[0] if notebook.cells else None
    blocks = [block for block in _blocks(first.source) if block.word in ("yaml", "yml")] if first else []
    if first is None or first.cell_type != "markdown" or not blocks:
        raise _missing(name)
    reading = _Reading(name, offset=blocks[0].first_line - 1)
    if len(blocks) > 1:
        reading.add((), "two-blocks", _two_blocks(), None)
    manifest = _parsed(blocks[0], reading)
    if manifest is not None:
        _cross_check(manifest, notebook, reading)
    if reading.problems or manifest is None:
        raise _invalid(name, reading.problems)
    return manifest


def _blocks(source: str) -> Iterator[_Block]:
    """Find the fenced blocks of Markdown; an unclosed one ends with the cell."""
    ticks = ""
    block: _Block | None = None
    lines: list[str] = []
    for number, line in enumerate(source.splitlines(), 1):
        fence = FENCE.fullmatch(line.strip())
        if block is None and fence:
            ticks, block, lines = fence["ticks"], _Block("", number + 1, fence["word"].lower()), []
        elif block is not None and fence and not fence["word"] and fence["ticks"].startswith(ticks):
            block.content = "\n".join(lines)
            yield block
            block = None
        elif block is not None:
            lines.append(line)
    if block is not None:
        block.content = "\n".join(lines)
        yield block


def _parsed(block: _Block, reading: _Reading) -> Manifest | None:
    """Read the block's YAML and check it against the model."""
    reading.located, problems = files.loads(block.content.encode(), name=reading.name)
    reading.foreign(problems)
    if reading.located is None:
        return None
    _check_texts(reading.located.data, (), reading)
    try:
        return Declaration.model_validate(reading.located.data, by_alias=True, by_name=False).stadtbuch
    except ValidationError as error:
        reading.foreign([mistakes.problem(one, Declaration, reading.located, ()) for one in error.errors()])
    return None


def _check_texts(value: Any, place: files.Place, reading: _Reading) -> None:
    """Find texts in one language only, or with another language than the two."""
    if not isinstance(value, dict):
        return
    spoken = set(value) & set(LANGUAGES)
    if spoken and set(value) - set(LANGUAGES):
        for other in sorted(set(value) - set(LANGUAGES)):
            reading.add((*place[1:], other), "unknown", _unknown(), _languages())
    for language in spoken:
        if not str(value[language] or "").strip():
            reading.add(
                (*place[1:], language), "empty-text", Text(de="ist leer", en="is empty"), _languages()
            )
    for key, inner in value.items():
        _check_texts(inner, (*place, key), reading)


def _cross_check(manifest: Manifest, notebook: Any, reading: _Reading) -> None:
    """Check what the model cannot: parts that refer to each other and to other cells."""
    for name, parameter in manifest.parameters.items():
        _check_parameter(name, parameter, reading)
    for dataset, declared in manifest.inputs.items():
        if not INPUT.fullmatch(dataset):
            reading.add(("inputs", dataset), "input-id", _input_id())
        for column, wanted in declared.rows.items():
            _check_filter(manifest, ("inputs", dataset, "rows", column), wanted, reading)
    _check_parameters_cell(manifest, notebook, reading)


def _check_parameter(name: str, parameter: Parameter, reading: _Reading) -> None:
    place = ("parameters", name)
    if keyword.iskeyword(name):
        reading.add(place, "keyword", Text(de="ist ein Wort von Python", en="is a word of Python"))
    choice = parameter.type is ParameterType.choice
    if choice and not parameter.choices:
        reading.add(place, "no-choices", Text(de="choices fehlt", en="choices is missing"), _choices())
    if not choice and (parameter.choices or parameter.extra):
        what = Text(de="choices und or gibt es nur bei type: choice", en="choices and or need type: choice")
        reading.add(place, "choices-misplaced", what)
    if isinstance(parameter.choices, str) and not CATALOGUE.fullmatch(parameter.choices):
        reading.add((*place, "choices"), "choices-form", Text(de="hat nicht die erwartete Form",
                    en="does not have the expected form"), _choices())  # fmt: skip
    ranged = parameter.minimum is not None or parameter.maximum is not None
    if ranged and parameter.type not in (ParameterType.integer, ParameterType.number):
        what = Text(
            de="minimum und maximum gibt es nur bei Zahlen", en="minimum and maximum are for numbers only"
        )
        reading.add(place, "range-misplaced", what)
    if None not in (parameter.minimum, parameter.maximum) and parameter.minimum > parameter.maximum:  # type: ignore[operator]
        reading.add(
            place, "range-empty", Text(de="minimum liegt über maximum", en="minimum is above maximum")
        )
    if parameter.default is not None and not _fits(parameter):
        what = Text(de="passt nicht zu type", en="does not fit type")
        reading.add((*place, "default"), "default-type", what)


def _fits(parameter: Parameter) -> bool:
    """Whether the default has the parameter's type; its choices are known to the catalogue only."""
    value = parameter.default
    match parameter.type:
        case ParameterType.boolean:
            return isinstance(value, bool)
        case ParameterType.integer:
            return isinstance(value, int) and not isinstance(value, bool)
        case ParameterType.number:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case ParameterType.date:
            return day(value) is not None
    return isinstance(value, str)


def _check_filter(manifest: Manifest, place: files.Place, wanted: Any, reading: _Reading) -> None:
    """Check that a row filter is a value, a list of values, or the name of one parameter."""
    if isinstance(wanted, dict) or (
        isinstance(wanted, list) and any(isinstance(one, (dict, list)) for one in wanted)
    ):
        what = Text(
            de="muss ein Wert oder eine Liste von Werten sein", en="must be a value or a list of values"
        )
        reading.add(place, "rows-form", what)
        return
    inside = [one for one in wanted if isinstance(one, str)] if isinstance(wanted, list) else []
    partly = isinstance(wanted, str) and parameter_of(wanted) is None and TEMPLATE.search(wanted)
    if partly or any(TEMPLATE.search(one) for one in inside):
        what = Text(
            de="ein Parameter steht allein: \"{name}\"", en='a parameter stands on its own: "{name}"'
        )  # fmt: skip
        reading.add(place, "rows-template", what)
    name = parameter_of(wanted)
    if name is not None and name not in manifest.parameters:
        near = get_close_matches(name, list(manifest.parameters), n=1)
        guess = Text(de=f"meinten Sie {near[0]}?", en=f"did you mean {near[0]}?") if near else None
        what = Text(de=f"der Parameter {name} ist nicht erklärt", en=f"the parameter {name} is not declared")
        reading.add(place, "rows-parameter", what, guess)


def _check_parameters_cell(manifest: Manifest, notebook: Any, reading: _Reading) -> None:
    """Check the cell tagged ``parameters``: the values for the lab; papermill writes below it."""
    tagged = [cell for cell in notebook.cells if PARAMETERS_TAG in cell.metadata.get("tags", ())]
    if not manifest.parameters and not tagged:
        return
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        what = Text(
            de="genau eine Code-Zelle mit der Markierung „parameters“ muss die Werte enthalten",
            en="exactly one code cell tagged “parameters” must hold the values",
        )
        reading.add(("parameters",), "parameters-cell", what)
        return
    for name in sorted(_assigned(tagged[0].source) - set(manifest.parameters)):
        what = Text(
            de=f"die Zelle „parameters“ setzt {name}, das Manifest erklärt es nicht",
            en=f"the cell “parameters” sets {name}, the manifest does not declare it",
        )
        reading.add(("parameters",), "parameters-cell", what)


def _assigned(source: str) -> set[str]:
    """Give the names that a cell assigns at top level; nothing if it is no Python (the run will say so)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    targets: list[ast.expr] = []
    for node in tree.body:
        targets += node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _unknown() -> Text:
    return Text(de="ist unbekannt", en="is unknown")


def _languages() -> Text:
    return Text(de='schreiben Sie {de: "...", en: "..."}', en='write {de: "...", en: "..."}')


def _choices() -> Text:
    return Text(
        de='schreiben Sie eine Liste oder "catalogue:<datendomäne>.<datensatz>.<spalte>"',
        en='write a list or "catalogue:<domain>.<dataset>.<column>"',
    )


def _input_id() -> Text:
    return Text(
        de="ist keine Kennung wie population.residents oder <bericht>.<tabelle>",
        en="is no id such as population.residents or <report>.<table>",
    )


def _two_blocks() -> Text:
    return Text(de="hat mehr als einen yaml-Block", en="has more than one yaml block")


_HOW_TO = Text(
    de="docs/reference/manifest.md zeigt ein Manifest zum Abschreiben.",
    en="docs/reference/manifest.md shows a manifest to copy.",
)


def _missing(name: str) -> ManifestError:
    return ManifestError(
        "manifest.missing",
        Text(de=f"{name} hat kein Manifest.", en=f"{name} has no manifest."),
        why=Text(
            de="Die erste Zelle muss Markdown sein und einen yaml-Block mit stadtbuch: enthalten.",
            en="The first cell must be Markdown and hold one yaml block with stadtbuch:.",
        ),
        remedy=_HOW_TO,
    )


def _invalid(name: str, problems: list[Problem]) -> ManifestError:
    return ManifestError(
        "manifest.invalid",
        Text(de=f"Das Manifest von {name} ist nicht gültig.", en=f"The manifest of {name} is not valid."),
        problems=problems,
        remedy=Text(
            de=f"Berichtigen Sie die erste Zelle (die Zeilen zählen in ihr). {_HOW_TO.de}",
            en=f"Correct the first cell (lines count within it). {_HOW_TO.en}",
        ),
    )


def _no_notebook(name: str, kind: str) -> ManifestError:
    return ManifestError(
        "manifest.no-notebook",
        Text(de=f"{name} lässt sich nicht öffnen ({kind}).", en=f"{name} cannot be opened ({kind})."),
        remedy=Text(de="Prüfen Sie den Pfad des Notebooks.", en="Check the notebook's path."),
    )


def _too_large(name: str) -> ManifestError:
    size = MAX_BYTES // 1_000_000
    return ManifestError(
        "manifest.too-large",
        Text(de=f"{name} ist größer als {size} MB.", en=f"{name} is larger than {size} MB."),
        why=Text(
            de="Notebooks im Projekt enthalten keine Ausgaben.",
            en="Notebooks in the project hold no outputs.",
        ),
        remedy=Text(
            de="Löschen Sie in JupyterLab alle Ausgaben und speichern Sie das Notebook.",
            en="Clear all outputs in JupyterLab and save the notebook.",
        ),
    )


def _not_a_notebook(name: str) -> ManifestError:
    return ManifestError(
        "manifest.not-a-notebook",
        Text(de=f"{name} ist kein lesbares Notebook.", en=f"{name} is no readable notebook."),
        remedy=Text(de="Öffnen und speichern Sie es in JupyterLab.", en="Open and save it in JupyterLab."),
    )
