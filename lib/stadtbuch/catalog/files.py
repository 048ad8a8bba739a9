"""
Reading YAML that people write: strict, bounded, and with the line of every node.

What YAML would let pass is a mistake here: a key that stands twice, an alias, a tag. What YAML would change
silently stays as it is written: ``0101`` and ``24:00`` are text, ``no`` is text, every key is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from stadtbuch.errors import Problem
from stadtbuch.texts import Text

MAX_BYTES = 2_000_000
MAX_DEPTH = 20

Place = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Located:
    """
    The content of a file as plain data, with the line on which each node begins.

    `moved` says of places whose content is really written elsewhere in the file where that is.
    """

    file: str
    data: dict[str, Any]
    lines: Mapping[Place, int]
    moved: Mapping[Place, Place] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """
        Give the line of a place, or of the nearest node around it where the place itself is missing.

        Examples
        --------
        >>> Located("a.yaml", {}, {(): 1, ("domain",): 2}).line(("domain", "missing"))
        2
        """
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)

    def problem(self, place: Place, code: str, what: Text, remedy: Text | None = None) -> Problem:
        """Say a mistake at a place of this file."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.moved:
                place = (*self.moved[place[:length]], *place[length:])
                break
        return Problem(self.file, self.line(place), dotted(place), what, remedy, code)


def dotted(place: Place) -> str:
    """
    Write a place the way people name it.

    Examples
    --------
    >>> dotted(("datasets", "residents", "schema", "fields", 0, "name"))
    'datasets.residents.schema.fields.0.name'
    """
    return ".".join(str(part) for part in place)


def read(path: Path, *, name: str) -> tuple[Located | None, list[Problem]]:
    """
    Read one YAML file.

    Parameters
    ----------
    path
        The file.
    name
        How messages call it: its path relative to the city's root.

    Returns
    -------
    tuple
        The content, or None where nothing can be made of it, and every mistake found.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return None, [_unreadable(name, type(error).__name__)]
    return loads(raw, name=name)


def loads(raw: bytes, *, name: str) -> tuple[Located | None, list[Problem]]:
    r"""
    Read YAML from bytes; see `read`.

    Examples
    --------
    >>> content, problems = loads(b"code: 0101", name="a.yaml")
    >>> content.data["code"]
    '0101'
    >>> loads(b"a: 1\na: 2", name="a.yaml")[1][0].line
    2
    """
    if len(raw) > MAX_BYTES:
        return None, [_too_large(name)]
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [_not_utf8(name, raw[: error.start].count(b"\n") + 1)]
    if not source.strip():
        return None, [_empty(name)]
    return _parsed(source, name)


def _parsed(source: str, name: str) -> tuple[Located | None, list[Problem]]:
    """Check the events first, so that nothing that could explode or recurse is ever built."""
    try:
        problems = list(_forbidden(source, name))
        if problems:
            return None, problems
        node = yaml.compose(source, Loader=_Loader)
    except yaml.YAMLError as error:
        return None, [_not_yaml(name, error)]
    if node is None:
        return None, [_empty(name)]
    if not isinstance(node, yaml.MappingNode):
        return None, [_not_mapping(name)]
    built = _Builder(name)
    data = built.value(node, ())
    return Located(name, data, built.lines), built.problems


def _forbidden(source: str, name: str) -> Iterator[Problem]:
    """Find aliases, foreign tags and absurd nesting."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        line = event.start_mark.line + 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield _too_deep(name, line)
            return
        if isinstance(event, yaml.AliasEvent):
            yield _alias(name, line)
        elif getattr(event, "tag", None):
            yield _tag(name, line)


@dataclass(slots=True)
class _Builder:
    """Builds plain data from nodes and notes where they stand."""

    file: str
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value(self, node: yaml.Node, place: Place) -> Any:
        """Give the plain value of a node."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        return node.value if node.style else scalar(node.value)  # the C parser writes "" for plain

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(_odd_key(self.file, line, place))
                continue
            key = key_node.value
            inner = (*place, key)
            if key in found:
                self.problems.append(_twice(self.file, line, inner, self.lines[inner]))
                continue
            self.lines[inner] = line
            found[key] = self.value(value_node, inner)
        return found


_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


def scalar(written: str) -> Any:
    """
    Give the value of an unquoted word: whole number, number, date, true, false, null; else the text itself.

    Examples
    --------
    >>> scalar("12"), scalar("0101"), scalar("24:00"), scalar("no")
    (12, '0101', '24:00', 'no')
    """
    if written in _WORDS:
        return _WORDS[written]
    if _INTEGER.fullmatch(written):
        return int(written)
    if _NUMBER.fullmatch(written):
        return float(written)
    return _day(written) if _DATE.fullmatch(written) else written


def _day(written: str) -> date | str:
    """Give the date, or the text where there is no such day: the model then says what is wrong."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return written


def _unreadable(name: str, kind: str) -> Problem:
    return Problem(
        name, None, "",
        Text(de=f"Die Datei lässt sich nicht lesen ({kind}).", en=f"The file cannot be read ({kind})."),
        Text(de="Prüfen Sie Namen und Rechte der Datei.", en="Check the file's name and permissions."),
        "catalog.unreadable",
    )  # fmt: skip


def _too_large(name: str) -> Problem:
    return Problem(
        name, None, "",
        Text(
            de=f"Die Datei ist größer als {MAX_BYTES // 1_000_000} MB.",
            en=f"The file is larger than {MAX_BYTES // 1_000_000} MB.",
        ),
        Text(de="Daten gehören in die Quelle, nicht hierher.", en="Data belong in the source, not here."),
        "catalog.too-large",
    )  # fmt: skip


def _not_utf8(name: str, line: int) -> Problem:
    return Problem(
        name, line, "",
        Text(de="Die Datei ist nicht in UTF-8 gespeichert.", en="The file is not stored as UTF-8."),
        Text(de="Speichern Sie sie als UTF-8.", en="Save it as UTF-8."),
        "catalog.encoding",
    )  # fmt: skip


def _empty(name: str) -> Problem:
    return Problem(
        name, None, "",
        Text(de="Die Datei ist leer.", en="The file is empty."),
        Text(de="Füllen Sie die Datei oder löschen Sie sie.", en="Fill the file or delete it."),
        "catalog.empty",
    )  # fmt: skip


def _not_yaml(name: str, error: yaml.YAMLError) -> Problem:
    """Name the line; the parser's own words are English and about tokens, so they stay out."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Problem(
        name, mark.line + 1 if mark else None, "",
        Text(de="Ab hier ist die Datei kein gültiges YAML.", en="From here on the file is not valid YAML."),
        Text(
            de="Prüfen Sie Einrückung, Doppelpunkte, Klammern und Anführungszeichen.",
            en="Check indentation, colons, brackets and quotation marks.",
        ),
        "catalog.not-yaml",
    )  # fmt: skip


def _not_mapping(name: str) -> Problem:
    return Problem(
        name, 1, "",
        Text(
            de="Die Datei muss aus benannten Angaben bestehen (domain:, datasets:).",
            en="The file must consist of named parts (domain:, datasets:).",
        ),
        None,
        "catalog.not-mapping",
    )  # fmt: skip


def _too_deep(name: str, line: int) -> Problem:
    return Problem(
        name, line, "",
        Text(de="Die Angaben sind zu tief verschachtelt.", en="The parts are nested too deeply."),
        None,
        "catalog.too-deep",
    )  # fmt: skip


def _alias(name: str, line: int) -> Problem:
    return Problem(
        name, line, "",
        Text(de="Verweise mit * sind nicht erlaubt.", en="References with * are not allowed."),
        Text(
            de="Schreiben Sie die Angabe aus oder setzen Sie sie unter defaults:.",
            en="Write the part out or put it under defaults:.",
        ),
        "catalog.alias",
    )  # fmt: skip


def _tag(name: str, line: int) -> Problem:
    return Problem(
        name, line, "",
        Text(de="Angaben mit ! sind nicht erlaubt.", en="Tags with ! are not allowed."),
        Text(de="Schreiben Sie den Wert ohne !.", en="Write the value without !."),
        "catalog.tag",
    )  # fmt: skip


def _odd_key(name: str, line: int, place: Place) -> Problem:
    return Problem(
        name, line, dotted(place),
        Text(de="Ein Schlüssel muss ein einzelnes Wort sein.", en="A key must be a single word."),
        None,
        "catalog.key",
    )  # fmt: skip


def _twice(name: str, line: int, place: Place, first: int) -> Problem:
    return Problem(
        name, line, dotted(place),
        Text(de=f"steht schon in Zeile {first}", en=f"stands already on line {first}"),
        Text(de="Behalten Sie nur eine der beiden Angaben.", en="Keep only one of the two."),
        "catalog.key-twice",
    )  # fmt: skip
