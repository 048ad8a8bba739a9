"""
The allow-list: which readers, options and addresses a catalogue entry may use. Everything else is refused.

A catalogue file is data. Whatever could make it run code, read the environment or reach another machine
(templates, imports, schemes, absolute paths) is not on this list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stadtbuch.model.dataset import Source
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "cp850", "utf-16")
REGISTERS = "{REGISTERS}"
"""Where a build writes the registers about the catalogue itself; see `stadtbuch.reports.registers`."""

FOLDERS = ("{DATA}", "{CITY}", REGISTERS)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a reader: a test of its value, and in words what the value must be."""

    fits: Callable[[object], bool]
    words: Text


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader of the list: its options, and whether it can give geometry."""

    title: Text
    options: Mapping[str, Option]
    geometry: bool


def _one_character(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in "\r\n\0"


def _lines(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000


def _crs(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"EPSG:[0-9]{4,5}", value) is not None


def _layer(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w .-]{1,64}", value) is not None


_CHARACTER = Option(_one_character, Text(de="ein einzelnes Zeichen", en="a single character"))
_LINES = Option(_lines, Text(de="eine Anzahl von 0 bis 1000", en="a number from 0 to 1000"))
_HEADER = Option(lambda value: isinstance(value, bool), Text(de="true oder false", en="true or false"))
_ENCODING = Option(
    lambda value: value in ENCODINGS,
    Text(de="eine von " + ", ".join(ENCODINGS), en="one of " + ", ".join(ENCODINGS)),
)
_CRS = Option(_crs, Text(de="eine Kennung wie EPSG:25832", en="a code such as EPSG:25832"))
_LAYER = Option(_layer, Text(de="der Name einer Ebene", en="the name of a layer"))

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")

READERS: dict[str, Reader] = {
    "parquet": Reader(Text(de="Parquet und GeoParquet", en="Parquet and GeoParquet"), {}, geometry=True),
    "csv": Reader(
        Text(de="CSV, alles als Text gelesen", en="CSV, everything read as text"),
        {
            "sep": _CHARACTER, "encoding": _ENCODING, "quotechar": _CHARACTER, "skip_rows": _LINES,
            "skip_footer": _LINES, "header": _HEADER,
        },
        geometry=False,
    ),
    "geojson": Reader(Text(de="GeoJSON", en="GeoJSON"), {"crs": _CRS}, geometry=True),
    "shapefile": Reader(
        Text(de="Shapefile", en="Shapefile"), {"encoding": _ENCODING, "crs": _CRS}, geometry=True
    ),
    "geopackage": Reader(
        Text(de="GeoPackage", en="GeoPackage"), {"layer": _LAYER, "crs": _CRS}, geometry=True
    ),
}  # fmt: skip


def address_mistake(url: str) -> Text | None:
    """
    Say what is wrong with an address, or None if it may be used.

    Examples
    --------
    >>> address_mistake("{DATA}/population/residents.parquet") is None
    True
    >>> address_mistake("{env(HOME)}/x").en
    'only {DATA} and {CITY} may stand in braces, and only at the beginning'
    >>> address_mistake("../secret.csv").en
    'may not lead out of its folder with ..'
    """
    rest = next((url[len(name) :] for name in FOLDERS if url.startswith(name + "/")), None)
    path = rest.lstrip("/") if rest is not None else url
    if re.search(r"[{}]", path):
        return Text(
            de="nur {DATA} und {CITY} dürfen in Klammern stehen, und nur am Anfang",
            en="only {DATA} and {CITY} may stand in braces, and only at the beginning",
        )
    if "://" in path or "::" in path or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
        return Text(
            de="Adressen im Netz sind nicht erlaubt, gelesen werden Dateien der Stadt",
            en="network addresses are not allowed, files of the city are read",
        )
    if path.startswith(("/", "\\", "~")):
        return Text(de="darf kein absoluter Pfad sein", en="may not be an absolute path")
    if ".." in re.split(r"[/\\]", path):
        return Text(de="darf nicht mit .. aus dem Ordner führen", en="may not lead out of its folder with ..")
    if not path.strip() or re.search(r"[\x00-\x1f\\*?\[\]!|#]", path):
        return Text(de="enthält Zeichen, die nicht erlaubt sind", en="holds characters that are not allowed")
    return None


def is_register(source: Source) -> bool:
    """
    Say whether Stadtbuch itself writes a source.

    Examples
    --------
    >>> is_register(Source(reader="parquet", url="{REGISTERS}/uses.parquet"))
    True
    """
    return source.url.startswith(f"{REGISTERS}/")


def names(source: Source) -> str | None:
    """
    Name the register that a source is; None if it is none.

    Examples
    --------
    >>> names(Source(reader="parquet", url="{REGISTERS}/uses.parquet"))
    'uses'
    """
    return PurePosixPath(source.url).stem if is_register(source) else None


def parts(source: Source, settings: Settings) -> list[Path]:
    """
    Give the files that a source may consist of, whether they are there or not: a shapefile is several.

    Raises
    ------
    ValueError
        As `locate`.
    """
    path = locate(source, settings)
    if source.reader != "shapefile":
        return [path]
    return [path.with_suffix(suffix) for suffix in SHAPEFILE_PARTS]


def locate(source: Source, settings: Settings) -> Path:
    """
    Give the absolute path of a source whose address is allowed.

    ``{DATA}`` is the city's data folder, ``{CITY}`` its root, ``{REGISTERS}`` the folder of the registers; an address
    without any of them begins at the root.

    Raises
    ------
    ValueError
        If the address is not allowed: a dataset that never went through the catalogue's checks.
    """
    mistake = address_mistake(source.url)
    if mistake:
        raise ValueError(mistake.en)
    folders = {
        "{DATA}": settings.folder("data"),
        "{CITY}": settings.root,
        REGISTERS: settings.folder("state") / "registers",
    }
    first, *parts = PurePosixPath(source.url).parts
    start = folders.get(first)
    return start.joinpath(*parts) if start else settings.root.joinpath(first, *parts)
