"""What each published number, table and figure was made from, for the page that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from stadtbuch.disclosure import released
from stadtbuch.model.report import Edition
from stadtbuch.reports import outputs, packages
from stadtbuch.texts import Text, same

KINDS = {
    "headline": Text(de="Kennzahl", en="Headline number"),
    "points": Text(de="Hauptaussagen", en="Main points"),
    "result": Text(de="Benanntes Ergebnis", en="Named result"),
    "figure": Text(de="Abbildung", en="Figure"),
    "table": Text(de="Tabelle", en="Table"),
    "protected": Text(de="Geschützte Tabelle", en="Protected table"),
}
ENGINES = {
    "plain": Text(
        de="gewöhnlicher Python-Prozess, ohne Wand zum übrigen Rechner",
        en="an ordinary Python process, without a wall to the rest of the machine",
    ),
    "direct": Text(de="vorgewärmter Python-Prozess", en="a warm Python process"),
    "warm": Text(de="vorgewärmter Jupyter-Kernel", en="a warm Jupyter kernel"),
    "sandboxed": Text(de="abgeschotteter Jupyter-Kernel", en="a boxed Jupyter kernel"),
}


@dataclass(frozen=True, slots=True)
class Made:
    """
    One published thing and what it was made from.

    Attributes
    ----------
    kind, name
        As in its record.
    sources
        Ids of the inputs.
    step
        ``"prepare"`` or ``"report"``.
    """

    kind: str
    name: str
    label: Text
    sources: tuple[str, ...]
    step: str = "report"

    @property
    def anchor(self) -> str:
        """Give its place on the page."""
        return anchor(self.kind, self.name)


def anchor(kind: str, name: str) -> str:
    """
    Give the place on the page that says what something was made from.

    Examples
    --------
    >>> anchor("figure", "by_age")
    'made-figure-by_age'
    """
    return f"made-{kind}-{name}"


def things(edition: Edition, folder: Path) -> list[Made]:
    """Give everything that an edition publishes, in the order of its kinds, each with its inputs."""
    return [*_results(edition), *_records(edition, folder)]


def _results(edition: Edition) -> Iterator[Made]:
    """Give headlines, points and named results: they read what the public step reads."""
    sources = of_step(edition, "report")
    for kind in ("headline", "points", "result"):
        for one in edition.results:
            if one.get("kind") == kind:
                yield Made(kind, str(one["name"]), _label(one), sources)


def _label(one: Mapping[str, Any]) -> Text:
    told = one.get("label") or {}
    return Text(de=told["de"], en=told["en"]) if {"de", "en"} <= told.keys() else same(str(one["name"]))


def _records(edition: Edition, folder: Path) -> Iterator[Made]:
    """Give figures, tables and protected tables by their records."""
    for file in edition.files:
        stem = PurePosixPath(file.path).stem
        if not file.path.endswith(".json") or stem == "datapackage":
            continue
        record = outputs.decode((folder / file.path).read_bytes()) if file.path.startswith(_FOLDERS) else {}
        if file.path.startswith("figures/"):
            sources = tuple(record.get("sources") or of_step(edition, "report"))
            yield Made("figure", stem, _words(record.get("title"), stem), sources)
        elif file.path.startswith("shown/"):
            yield Made("table", stem, _words(record.get("caption"), stem), of_step(edition, "report"))
        elif file.path.startswith("data/") and record.get("kind") in released.KINDS:
            sources = tuple(one for one in of_step(edition, "prepare") if one == record.get("dataset"))
            yield Made("protected", stem, same(stem), sources or of_step(edition, "prepare"), "prepare")


_FOLDERS = ("figures/", "shown/", "data/")


def _words(told: Any, name: str) -> Text:
    return Text(de=told["de"], en=told["en"]) if isinstance(told, Mapping) else same(name)


def of_step(edition: Edition, step: str) -> tuple[str, ...]:
    """Give the inputs of one step; editions made before steps were told have one."""
    return tuple(one["id"] for one in edition.inputs if one.get("step", "report") == step)


def environment(folder: Path) -> list[tuple[Text, Text]]:
    """Say with what an edition was computed: Python, libraries, the library itself, the process and its wall."""
    told = packages.index(folder)
    if told is None:
        return []
    surrounding, engine = told["environment"], told.get("engine") or {}
    locked = (
        Text(de="festgelegt mit Prüfsummen", en="pinned with checksums")
        if surrounding["file"] == packages.LOCK
        else Text(de="Liste mit Versionen", en="list with versions")
    )
    named = str(engine.get("engine", ""))
    told_engine = ENGINES.get(named, same(named))
    wall = engine.get("wall")
    rows = [
        (Text(de="Sprache", en="Language"), same(f"Python {surrounding['python']}")),
        (Text(de="Bibliotheken", en="Libraries"), locked),
        (
            Text(de="Stadtbuch", en="Stadtbuch"),
            same(f"{told['library']['version']} ({told['library']['sha256'][:12]})"),
        ),
        (Text(de="Ausgeführt als", en="Executed as"), told_engine),
    ]
    if wall:
        rows.append(
            (
                Text(de="Wand", en="Wall"),
                same(", ".join(map(str, wall)) if isinstance(wall, list) else str(wall)),
            )
        )
    return [row for row in rows if row[1].de]


def downloads(edition: Edition, folder: Path) -> list[tuple[str, Text, int]]:
    """Give the files for computing again: path, what it is, bytes; nothing for editions without a package."""
    if packages.index(folder) is None:
        return []
    sizes = {file.path: file.bytes for file in edition.files}
    wanted: Sequence[tuple[str, Text]] = [
        (packages.READMES["de"], Text(de="Anleitung (deutsch)", en="Instructions (German)")),
        (packages.READMES["en"], Text(de="Anleitung (englisch)", en="Instructions (English)")),
        (packages.LOCK, Text(de="Bibliotheken mit Prüfsummen", en="Libraries with checksums")),
        (packages.INSTALLED, Text(de="Bibliotheken mit Versionen", en="Libraries with versions")),
        (
            "ro-crate-metadata.json",
            Text(de="Herkunft für Programme (RO-Crate)", en="Provenance for programs (RO-Crate)"),
        ),
        ("checkpoint.txt", Text(de="Unterschriebener Stand des Buchs", en="Signed state of the book")),
    ]
    return [(path, label, sizes[path]) for path, label in wanted if path in sizes]
