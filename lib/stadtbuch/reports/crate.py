"""
An edition as a Workflow Run RO-Crate: ``ro-crate-metadata.json``, for machines that follow provenance.

It follows RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and the profiles Process Run Crate and Workflow Run Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5). It names the run, its inputs by version and checksum, code, parameters,
rules, environment and engine; every published value, table and figure leads to what it was made from. What people
decided stands there by their role. It holds no path of a machine, no login, no host.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from stadtbuch.catalog.licences import LICENCES
from stadtbuch.model.report import Edition, EditionFile
from stadtbuch.reports import editions, packages
from stadtbuch.reports.outputs import encode

FILE = "ro-crate-metadata.json"
RO_CRATE = "https://w3id.org/ro/crate/1.1"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
CONTEXT = [
    f"{RO_CRATE}/context",
    {
        "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
        "wasDerivedFrom": {"@id": "http://www.w3.org/ns/prov#wasDerivedFrom", "@type": "@id"},
        "wasGeneratedBy": {"@id": "http://www.w3.org/ns/prov#wasGeneratedBy", "@type": "@id"},
    },
]
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
PREPARE, REPORT, GATE, APPROVAL = "#run-prepare", "#run-report", "#gate", "#approval"
PUBLISHER, PYTHON = "#publisher", "https://www.python.org/"
COMPLETED = {"@id": "http://schema.org/CompletedActionStatus"}
PYTHON_TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the crate is written from: the edition, its package's index and run, and its records."""

    edition: Edition
    index: Mapping[str, Any]
    run: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def inputs(self) -> list[str]:
        """Give the ids of the inputs of the public step."""
        return list(self.index["inputs"])

    def input(self, name: str) -> str:
        """Give the entity of an input of the public step: its file in the package."""
        return str(self.index["inputs"][name]["file"])

    def json(self, path: str) -> Any:
        """Read a record of the edition."""
        return json.loads(self.files[path])

    def own(self, *starts: str, ends: str = "") -> list[str]:
        """Give the edition's files below some folders."""
        return [
            one.path for one in self.edition.files if one.path.startswith(starts) and one.path.endswith(ends)
        ]


def seal(edition: Edition, files: Mapping[str, bytes]) -> tuple[Edition, dict[str, bytes]]:
    """
    Add the crate to an edition that is about to be released: only now all decisions about it are known.

    An edition without a package, made before there were any, stays as it is.
    """
    kept = {path: data for path, data in files.items() if path != FILE}
    if packages.INDEX not in kept:
        return edition, kept
    bare = edition.model_copy(update={"files": editions.describe(kept)})
    kept[FILE] = made(bare, kept)
    return edition.model_copy(update={"files": editions.describe(kept)}), kept


def made(edition: Edition, files: Mapping[str, bytes]) -> bytes:
    """Write the crate of an edition; the same edition gives the same bytes."""
    told = _Told(edition, json.loads(files[packages.INDEX]), json.loads(files[packages.RUN]), files)
    graph = {one["@id"]: one for one in _entities(told)}
    return encode({"@context": CONTEXT, "@graph": list(graph.values())})


def _entities(told: _Told) -> Iterator[Entity]:
    yield _descriptor()
    yield _root(told)
    yield from _profiles()
    yield {"@id": BIOSCHEMAS, "@type": "CreativeWork", "name": "ComputationalWorkflow", "version": "1.0"}
    yield {"@id": PUBLISHER, "@type": "Organization", "name": told.index["publisher"]["en"]}
    yield from _licence(told)
    yield from _software(told)
    yield from _parameters(told)
    yield from _closed(told)
    yield from _values(told)
    yield from _decisions(told)
    if "prepare" in told.edition.run_keys:
        yield _prepare(told)
    yield _report(told)
    yield {
        "@id": editions.EDITION,
        "@type": "File",
        "name": editions.EDITION,
        "encodingFormat": "application/json",
    }
    yield from (_file(one, told) for one in told.edition.files)
    yield from _elsewhere(told)


def _descriptor() -> Entity:
    return {
        "@id": FILE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": RO_CRATE}, {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"}],
    }


def _root(told: _Told) -> Entity:
    edition = told.edition
    steps = [PREPARE] if "prepare" in edition.run_keys else []
    decided = [GATE, *([APPROVAL] if edition.approval else [])]
    parts = [editions.EDITION, *(one.path for one in edition.files), *(one.path for one in _shared(told))]
    return {
        "@id": "./",
        "@type": "Dataset",
        "identifier": edition.id,
        "name": f"{edition.title.en}: {edition.id}",
        "alternateName": edition.title.de,
        "description": told.index["report"]["summary"]["en"],
        "datePublished": edition.made_at.isoformat(),
        "license": _ref(_licence_url(told)),
        "publisher": _ref(PUBLISHER),
        "author": _ref(PUBLISHER),
        "conformsTo": _refs(PROFILES),
        "mainEntity": _ref(told.index["notebook"]),
        "mentions": _refs([*steps, REPORT, *decided]),
        "hasPart": _refs(dict.fromkeys(parts)),
        "variableMeasured": _refs(one for one, _ in _named(told)),
    }


def _profiles() -> Iterator[Entity]:
    for address, (name, version) in PROFILES.items():
        yield {"@id": address, "@type": "CreativeWork", "name": name, "version": version}


def _licence_url(told: _Told) -> str:
    known = LICENCES.get(told.index["report"].get("license") or "")
    return known.url if known else "#licence"


def _licence(told: _Told) -> Iterator[Entity]:
    name = told.index["report"].get("license") or ""
    title = LICENCES[name].title.en if name in LICENCES else name
    yield {"@id": _licence_url(told), "@type": "CreativeWork", "name": title, "description": title}


def _software(told: _Told) -> Iterator[Entity]:
    """Name code, language, library, environment and engine."""
    edition, library, engine = told.edition, told.index["library"], told.index.get("engine") or {}
    environment = told.index["environment"]
    yield {
        "@id": PYTHON,
        "@type": "ComputerLanguage",
        "name": "Python",
        "version": environment["python"],
        "url": PYTHON,
    }
    walled = {"additionalProperty": _refs(f"#engine-{name}" for name in engine)} if engine else {}
    yield {
        "@id": _library(told),
        "@type": "SoftwareApplication",
        "name": "stadtbuch",
        "softwareVersion": library["version"],
        "identifier": library["sha256"],
        **walled,
    }
    for name, value in engine.items():
        yield _property(f"#engine-{name}", name, value)
    modules = told.own("package/modules/")
    needed = [environment["file"], _library(told), *modules]
    parameters = [f"#parameter-{name}" for name in told.run["parameters"]]
    notebook = told.index["notebook"]
    yield {
        **_bare(notebook, told),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": f"{edition.title.en} (notebook)",
        "version": told.run["key_parts"]["code"],
        "conformsTo": _ref(BIOSCHEMAS),
        "programmingLanguage": _ref(PYTHON),
        "softwareRequirements": _refs(needed),
        "input": _refs([*parameters, *(f"#input-{name}" for name in told.inputs)]),
        "output": _ref("#output-results"),
    }
    yield {
        "@id": "#output-results",
        "@type": "FormalParameter",
        "additionalType": "File",
        "name": "results",
        "description": "named results, figures and tables",
        "workExample": _ref("results.json"),
    }


def _library(told: _Told) -> str:
    return f"urn:sha256:{told.index['library']['sha256']}"


def _parameters(told: _Told) -> Iterator[Entity]:
    """Describe parameters and inputs: what the workflow asks for, and what it got."""
    for name, value in told.run["parameters"].items():
        yield {
            "@id": f"#parameter-{name}",
            "@type": "FormalParameter",
            "additionalType": PYTHON_TYPES.get(type(value), "Text"),
            "name": name,
            "valueRequired": True,
            "workExample": _ref(f"#value-{name}"),
        }
        yield {**_property(f"#value-{name}", name, value), "exampleOfWork": _ref(f"#parameter-{name}")}
    for name in told.inputs:
        yield {
            "@id": f"#input-{name}",
            "@type": "FormalParameter",
            "additionalType": "File",
            "name": name,
            "valueRequired": True,
            "workExample": _ref(told.input(name)),
        }


def _closed(told: _Told) -> Iterator[Entity]:
    """Name what only the preparing step read, where it is not open: id, version and class, never content."""
    for one in told.edition.inputs:
        if one.get("step") == "prepare":
            yield {
                "@id": _source(one["id"]),
                "@type": "CreativeWork",
                "name": one["title"]["en"],
                "identifier": one["id"],
                "version": one.get("version"),
                "conditionsOfAccess": str(one.get("class")),
            }


def _source(name: str) -> str:
    return f"#dataset-{name}"


def _named(told: _Told) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every headline, point and named result with the id of its entity."""
    for one in told.edition.results:
        yield f"#result-{one['name']}", one


def _values(told: _Told) -> Iterator[Entity]:
    """Give every published value with what it was made from."""
    for place, one in _named(told):
        value = (
            one.get("value") if "value" in one else "; ".join(point["en"] for point in one.get("points", ()))
        )
        unit = {"unitText": one["unit"]["en"]} if one.get("unit") else {}
        label = {"description": one["label"]["en"]} if one.get("label") else {}
        yield {**_property(place, one["name"], value), **unit, **label, **_origin(told, told.inputs)}


def _origin(told: _Told, sources: Sequence[str]) -> Entity:
    """Lead from a result to its inputs, code, parameters, environment and rules."""
    made_from = [told.input(name) for name in sources if name in told.index["inputs"]]
    values = [f"#value-{name}" for name in told.run["parameters"]]
    everything = [
        *made_from,
        told.index["notebook"],
        *values,
        told.index["environment"]["file"],
        _library(told),
        GATE,
    ]
    return {"wasDerivedFrom": _refs(everything), "wasGeneratedBy": _ref(REPORT)}


def _prepare(told: _Told) -> Entity:
    """Describe the step that made protected tables of data that stay where they are."""
    read = [one["id"] for one in told.edition.inputs if one.get("step") == "prepare"]
    return {
        "@id": PREPARE,
        "@type": "CreateAction",
        "name": "Preparation",
        "description": "Protected tables made from data that are not in this crate.",
        "identifier": told.edition.run_keys["prepare"],
        "endTime": told.run["now"],
        "actionStatus": COMPLETED,
        "agent": _ref(PUBLISHER),
        "instrument": _ref(_prepared(told)),
        "object": _refs(map(_source, read)),
        "result": _refs(_tables(told)),
    }


def _prepared(told: _Told) -> str:
    """Give the notebook of the preparing step; the library where an edition does not hold it."""
    path = f"notebooks/{PurePosixPath(told.index['report'].get('prepare') or '').name}"
    return path if path in told.files else _library(told)


def _tables(told: _Told) -> list[str]:
    """Give the files of protected tables."""
    records = [path for path in told.own("data/", ends=".json") if path != "data/datapackage.json"]
    stems = {path.removesuffix(".json") for path in records}
    return [path for path in told.own("data/") if path.rpartition(".")[0] in stems]


def _report(told: _Told) -> Entity:
    """Describe the run of the public step."""
    parameters = [f"#value-{name}" for name in told.run["parameters"]]
    shown = set(_tables(told))
    files = [
        path
        for path in told.own("data/", "figures/", "shown/", "notebooks/", "results.json")
        if path not in shown
    ]
    files = [path for path in files if path != _prepared(told)]
    return {
        "@id": REPORT,
        "@type": "CreateAction",
        "name": f"Run of {told.edition.id}",
        "description": "The public step: everything this edition says, computed from open data and protected tables.",
        "identifier": told.edition.run_keys.get("report"),
        "endTime": told.run["now"],
        "actionStatus": COMPLETED,
        "agent": _ref(PUBLISHER),
        "instrument": _ref(told.index["notebook"]),
        "object": _refs([*(told.input(name) for name in told.inputs), *parameters]),
        "result": _refs([*files, *(place for place, _ in _named(told))]),
    }


def _decisions(told: _Told) -> Iterator[Entity]:
    """Name what rules and people decided: the gate by its rules, people by their role."""
    edition = told.edition
    thresholds = told.run.get("thresholds") or {}
    rules = {"rules": edition.rules, **thresholds}
    yield {
        "@id": GATE,
        "@type": "AssessAction",
        "name": f"Gate, rule set {edition.rules}",
        "description": " ".join(one.en for one in edition.decision.reasons),
        "agent": _ref(PUBLISHER),
        "instrument": _ref(_library(told)),
        "actionStatus": COMPLETED,
        "additionalProperty": _refs(f"#rule-{name}" for name in rules),
    }
    for name, value in rules.items():
        yield _property(f"#rule-{name}", name, value)
    if edition.approval:
        role = f"#role-{edition.approval.role}"
        yield {
            "@id": role,
            "@type": "Organization",
            "name": edition.approval.role,
            "description": "a role, not a person",
        }
        yield {
            "@id": APPROVAL,
            "@type": "AuthorizeAction",
            "name": "Approval",
            "description": "Somebody in this role approved code, manifest and rule set.",
            "agent": _ref(role),
            "endTime": edition.approval.decided.isoformat(),
            "identifier": edition.approval.code,
            "actionStatus": COMPLETED,
        }


def _file(one: EditionFile, told: _Told) -> Entity:
    """Describe a file; figures and tables lead to what they were made from."""
    if one.path == told.index["notebook"]:
        return next(entity for entity in _software(told) if entity["@id"] == one.path)
    return {**_bare(one.path, told), **_made_from(one.path, told)}


def _bare(path: str, told: _Told) -> Entity:
    (one,) = (file for file in told.edition.files if file.path == path)
    code = (
        {"@type": ["File", "SoftwareSourceCode"], "version": told.edition.code}
        if _is_code(path)
        else {"@type": "File"}
    )
    return {
        "@id": path,
        **code,
        "name": path,
        "encodingFormat": one.media_type,
        "contentSize": str(one.bytes),
        "sha256": one.sha256,
    }


def _is_code(path: str) -> bool:
    return path.endswith((".ipynb", ".py"))


def _made_from(path: str, told: _Told) -> Entity:
    """Lead from a figure, a table or an input to its sources."""
    for name, one in told.index["inputs"].items():
        if one["file"] == path:
            return {"exampleOfWork": _ref(f"#input-{name}"), **_cited(name, told)}
    if path in _tables(told) and "prepare" in told.edition.run_keys:
        read = [_source(one["id"]) for one in told.edition.inputs if one.get("step") == "prepare"]
        return {"wasDerivedFrom": _refs([*read, _prepared(told)]), "wasGeneratedBy": _ref(PREPARE)}
    if path.endswith((".txt", "datapackage.json")):
        return {}
    if path.startswith("figures/"):
        record = f"figures/{PurePosixPath(path).name.partition('.')[0]}.json"
        sources = told.json(record).get("sources") if record in told.files else None
        return _origin(told, told.inputs if sources is None else sources)
    if path == "results.json":
        return {"exampleOfWork": _ref("#output-results"), **_origin(told, told.inputs)}
    if path.startswith(("data/", "shown/")):
        return _origin(told, told.inputs)
    return {}


def _cited(name: str, told: _Told) -> Entity:
    """Say of an input which version of which dataset it is."""
    one = next((one for one in told.edition.inputs if one["id"] == name), {})
    licence = {"license": one["licence_url"]} if one.get("licence_url") else {}
    version = {"version": one["version"]} if one.get("version") else {}
    attribution = {"description": one["attribution"]["en"]} if one.get("attribution") else {}
    return {"identifier": name, **version, **licence, **attribution}


def _shared(told: _Told) -> list[packages.Elsewhere]:
    """Give the shared content that the crate counts as its own: inputs, which the run has read."""
    wanted = {one["file"] for one in told.index["inputs"].values()}
    return [one for one in packages.shared(told.index) if one.path in wanted]


def _elsewhere(told: _Told) -> Iterator[Entity]:
    for one in _shared(told):
        yield {
            "@id": one.path,
            "@type": "File",
            "name": one.path,
            "encodingFormat": editions.media_type(one.path),
            "contentSize": str(one.bytes),
            "sha256": one.sha256,
            **_made_from(one.path, told),
        }


def _property(place: str, name: str, value: Any) -> Entity:
    plain = (
        value
        if isinstance(value, (int, float, str))
        else ""
        if value is None
        else json.dumps(value, sort_keys=True)
    )
    return {"@id": place, "@type": "PropertyValue", "name": name, "value": plain}


def _ref(place: str) -> dict[str, str]:
    return {"@id": place}


def _refs(places: Any) -> Any:
    """Give one reference as it is and several as a list: RO-Crate asks for the compact form."""
    found = [_ref(one) for one in dict.fromkeys(places)]
    return found[0] if len(found) == 1 else found
