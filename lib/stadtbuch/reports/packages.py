"""
The package of an edition: everything a stranger needs to compute its public step again, and nothing closed.

``package/`` in the edition's folder holds the lock file, the inputs of the public step, its parameters and facts,
its source notebook and local modules. ``package/package.json`` lists them, and names by checksum what is kept once
for all editions: the library itself and large inputs. Those lie in the store, in ``public/packages/<sha256>/`` and,
unless they are too large, in the zip that readers download.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from stadtbuch import atomic
from stadtbuch.errors import Refused
from stadtbuch.model.dataset import AccessClass
from stadtbuch.model.report import Edition, Report
from stadtbuch.reports import editions, library, release
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.outputs import encode
from stadtbuch.runs import key
from stadtbuch.runs.plan import Request
from stadtbuch.store import Store
from stadtbuch.texts import Text

FOLDER = "package/"
INDEX = "package/package.json"
RUN = "package/run.json"
LOCK, INSTALLED = "package/requirements.lock", "package/installed.txt"
READMES = {"de": "package/README.de.md", "en": "package/README.en.md"}
ZIP = "package.zip"
PUBLIC = "packages"
OWN_FROM = 1_000_000
"""Bytes from which an input is kept once for all editions and not in each of them."""
CARRIED = 20_000_000
"""Bytes of shared content that the zip of an edition takes along; what is larger, it only names."""
MACHINE = ("engine", "wall", "limits")
"""What of ``run.json`` tells about the machine and not about the result; the index says it once."""
TOLD = {"name", "title", "summary", "report", "prepare", "release", "roles", "license"}


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What a package is made from.

    Attributes
    ----------
    request, facts
        The plan of the public step, and its ``run.json``.
    root
        The city's folder, for the lock file.
    """

    report: Report
    cell: Cell
    publisher: Text
    request: Request
    facts: Mapping[str, Any]
    root: Path


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Content that editions share: its place in a package, its checksum and size, and its public address."""

    path: str
    sha256: str
    bytes: int

    @property
    def public(self) -> str:
        """Give its path below the site's root."""
        return f"{PUBLIC}/{self.sha256}/{PurePosixPath(self.path).name}"


def add(
    edition: Edition, files: Mapping[str, bytes], parts: Parts, *, store: Store
) -> tuple[Edition, dict[str, bytes]]:
    """
    Add the package to an edition that is about to be laid down; what is shared goes into the store.

    Raises
    ------
    Refused
        ``package.closed-input`` if the public step read anything that is not open; the gate refuses that before.
    """
    store.put(library.wheel().data)
    whole = {**files, **made(parts, store=store)}
    return edition.model_copy(update={"files": editions.describe(whole)}), whole


def made(parts: Parts, *, store: Store) -> dict[str, bytes]:
    """Give the files of a package by path; the same run gives the same bytes."""
    inputs = {f"{FOLDER}{one['file']}": store.get(one["sha256"]) for one in _open(parts.facts["inputs"])}
    own = {path: data for path, data in inputs.items() if len(data) < OWN_FROM}
    wheel = library.wheel()
    elsewhere = [Elsewhere(f"{FOLDER}{wheel.name}", wheel.sha256, len(wheel.data))]
    elsewhere += [
        Elsewhere(path, atomic.digest(data), len(data)) for path, data in inputs.items() if path not in own
    ]
    environment = _environment(parts)
    source = release.planned_notebook(nbformat.reads(parts.request.notebook, as_version=4))
    files = own | environment
    files[f"{FOLDER}{parts.report.name}.ipynb"] = release.written(source)
    files |= {f"{FOLDER}modules/{path}": data for path, data in parts.request.modules.items()}
    files[RUN] = encode({name: value for name, value in parts.facts.items() if name not in MACHINE})
    files[INDEX] = encode(_index(parts, files=files, elsewhere=elsewhere))
    return files | {READMES[one]: _readme(parts, one).encode() for one in READMES}


def _open(inputs: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give the inputs, as long as all of them are open: the last lock before closed rows could leave."""
    for one in inputs.values():
        if one.get("class") != AccessClass.open:
            raise _closed()
        yield one


def _environment(parts: Parts) -> dict[str, bytes]:
    """Take the lock file that the run's key names; without one, the names and versions of what is installed."""
    told = parts.facts["key_parts"]["environment"]
    lock = parts.root / key.LOCK
    if told["source"] == key.LOCK and lock.is_file() and atomic.digest(lock.read_bytes()) == told["sha256"]:
        return {LOCK: lock.read_bytes()}
    return {INSTALLED: installed()}


@cache
def installed() -> bytes:
    """List what is installed, one ``name==version`` per line: not as sure as a lock, and better than nothing."""
    found = {(str(one.name).lower(), str(one.version)) for one in distributions()}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found) if name != library.NAME).encode()


def _index(parts: Parts, *, files: Mapping[str, bytes], elsewhere: list[Elsewhere]) -> dict[str, Any]:
    """Say what is what in a package."""
    known = parts.facts["key_parts"]
    wheel = elsewhere[0]
    return {
        "schema_version": 1,
        "report": parts.report.model_dump(mode="json", include=TOLD),
        "publisher": parts.publisher.as_dict(),
        "cell": {
            "slug": parts.cell.slug,
            "parameters": json.loads(json.dumps(dict(parts.cell.parameters), default=str)),
        },
        "notebook": f"{FOLDER}{parts.report.name}.ipynb",
        "run": RUN,
        "environment": {"file": LOCK if LOCK in files else INSTALLED, **known["environment"]},
        "library": {**known["library"], "wheel": wheel.path},
        "engine": {name: parts.facts[name] for name in ("engine", "wall") if parts.facts.get(name)},
        "inputs": {
            name: {"file": f"{FOLDER}{one['file']}", "sha256": one["sha256"]}
            for name, one in parts.facts["inputs"].items()
        },
        "elsewhere": [
            {"path": one.path, "sha256": one.sha256, "bytes": one.bytes, "public": one.public}
            for one in elsewhere
        ],
    }


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(dict(parameters), default=str)))


def index(folder: Path) -> dict[str, Any] | None:
    """Read the index of an edition's package; nothing for editions that were made before there were any."""
    path = folder / INDEX
    return dict(json.loads(path.read_bytes())) if path.is_file() else None


def shared(told: Mapping[str, Any] | None) -> list[Elsewhere]:
    """Give what a package shares with others."""
    return [Elsewhere(one["path"], one["sha256"], one["bytes"]) for one in (told or {}).get("elsewhere", ())]


def packed(edition: Edition, files: Mapping[str, bytes], contents: Mapping[str, bytes]) -> bytes:
    """
    Pack an edition with its package into one zip, in one folder of its own.

    Parameters
    ----------
    files
        All files of the edition, ``edition.json`` too.
    contents
        Path in the package -> shared content; what would make the zip too large is left out.
    """
    top = "-".join(filter(None, (edition.report, edition.cell, edition.edition)))
    carried: dict[str, bytes] = {}
    for path, data in sorted(contents.items(), key=lambda one: len(one[1])):
        if sum(map(len, carried.values())) + len(data) <= CARRIED:
            carried[path] = data
    return library.packed({f"{top}/{path}": data for path, data in {**files, **carried}.items()}, level=1)


def of_package(path: str) -> bool:
    """Tell whether a file of an edition belongs to its package."""
    return path.startswith(FOLDER)


def _closed() -> Refused:
    return Refused(
        "package.closed-input",
        Text(
            de="Der öffentliche Teil liest Daten, die nicht offen sind; ein Paket daraus gibt es nicht.",
            en="The public step reads data that are not open; no package is made of it.",
        ),
        remedy=Text(
            de="Bilden Sie in einem vorbereitenden Notebook geschützte Tabellen mit sb.protect(...).",
            en="Make protected tables in a preparing notebook with sb.protect(...).",
        ),
    )


def _readme(parts: Parts, language: str) -> str:
    """Tell a stranger what lies here and how to compute it again."""
    title = parts.report.title.pick(language)
    wheel, python = library.wheel().name, parts.facts["key_parts"]["environment"]["python"]
    return README.pick(language).format(
        title=title, wheel=wheel, python=python, notebook=f"{parts.report.name}.ipynb"
    )


README = Text(
    de="""# Nachrechnen: {title}

Dieser Ordner gehört zu einer veröffentlichten Ausgabe.
Mit ihm kann jede und jeder den öffentlichen Teil noch einmal rechnen und jede Zahl vergleichen.

## Was hier liegt

- `package.json` sagt, was was ist, mit Prüfsummen.
- `{notebook}` ist das Notebook, so wie es gelaufen ist, ohne Ergebnisse; `modules/` sind eigene Module dazu.
- `inputs/` sind seine Eingaben: offene Daten und geschützte Tabellen. Geschlossene Daten sind nirgends dabei.
- `run.json` nennt Parameter, Schwellenwerte, Regelwerk und Schlüssel des Laufs.
- `requirements.lock` (oder `installed.txt`) nennt die Bibliotheken mit Versionen.
- `{wheel}` ist Stadtbuch selbst. Die Datei liegt im Zip und auf den Seiten unter `packages/`.

## So geht es

Sie brauchen Python {python} (oder eine nahe Version) und einen Spiegel der Python-Pakete.
Ein Notebook ist ein Programm. Rechnen Sie nur nach, wem Sie so weit trauen.

```
python -m venv env
env/bin/pip install --require-hashes -r package/requirements.lock
env/bin/pip install --no-deps package/{wheel}
env/bin/stadtbuch verify . --here
```

Wer Stadtbuch schon hat, ruft im entpackten Ordner nur `stadtbuch verify .` auf.
Das Urteil ist: identisch, gleich im Rahmen der Toleranz,
verschieden (mit dem ersten Unterschied) oder nicht ausführbar (mit dem Grund).
""",
    en="""# Compute it again: {title}

This folder belongs to a published edition.
With it, anybody can compute the public step again and compare every number.

## What lies here

- `package.json` says what is what, with checksums.
- `{notebook}` is the notebook as it ran, without results; `modules/` are its own modules.
- `inputs/` are its inputs: open data and protected tables. Closed data are nowhere in here.
- `run.json` names parameters, thresholds, rule set and run key.
- `requirements.lock` (or `installed.txt`) names the libraries with their versions.
- `{wheel}` is Stadtbuch itself. The file is in the zip, and on the site below `packages/`.

## How to do it

You need Python {python} (or a version near it) and a mirror of the Python packages.
A notebook is a program. Compute again only what comes from somebody you trust that far.

```
python -m venv env
env/bin/pip install --require-hashes -r package/requirements.lock
env/bin/pip install --no-deps package/{wheel}
env/bin/stadtbuch verify . --here
```

Whoever has Stadtbuch already only calls `stadtbuch verify .` in the unpacked folder.
The verdict is: identical, equal within tolerance,
differs (with the first difference) or cannot run (with the reason).
""",
)
