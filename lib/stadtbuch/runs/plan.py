"""
The planner: from a notebook and its parameters to a request, with everything the run will see and nothing
else.

It runs in the parent process, where the data are; what it lays into the run's ``inputs/`` is all that the run
gets.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from stadtbuch import atomic
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.disclosure import released
from stadtbuch.errors import SourceError, UsageError
from stadtbuch.model.analysis import Input, Manifest
from stadtbuch.model.dataset import AccessClass
from stadtbuch.runs import key
from stadtbuch.runs.manifest import Analysis
from stadtbuch.session import asking
from stadtbuch.session.city import City, city_facts, confidential, unknown
from stadtbuch.session.snapshots import Kept, Snapshot, extras_of, fill
from stadtbuch.texts import Text

KNOWN_ON_RECORD = ("sha256", "version")
"""Not part of an input's description in the key: the bytes have their own part, and the version of the whole
source must not change the key of a run that sees other rows of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One planned run: plain data that can be handed to another process.

    Attributes
    ----------
    key
        SHA-256 of `key_parts`.
    folder
        Where the run works, ``var/runs/<key>``; made by `execute`.
    info
        The content of ``run.json``.
    restricted
        Whether an input is not open: then an error's message stays in the run's folder.
    notebook
        Source of the notebook without outputs, as JSON text.
    inputs, modules
        Path in the run's folder -> content.
    kept_from
        Input -> edition whose snapshot it is, where its source is missing; not part of the key.
    """

    key: str
    key_parts: Mapping[str, Any]
    folder: Path
    info: Mapping[str, Any]
    restricted: bool
    notebook: str = field(repr=False)
    inputs: Mapping[str, bytes] = field(repr=False)
    modules: Mapping[str, bytes] = field(repr=False)
    kept_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """Give the parameters' values."""
        return dict(self.info["parameters"])

    @property
    def name(self) -> str:
        """Give the notebook's path in the city."""
        return str(self.info["notebook"])


def plan(
    city: City,
    analysis: Analysis,
    parameters: Mapping[str, Any],
    *,
    role: str | None = None,
    extra_inputs: Mapping[str, Mapping[str, Any]] | None = None,
    kept: Callable[[str], Kept | None] = lambda _: None,
    ask: asking.Ask = asking.answer,
) -> Request:
    """
    Plan one run: read and minimise its inputs, and compute its key.

    Parameters
    ----------
    city
        The session; each source is read once in it.
    analysis
        From `manifest.read`.
    parameters
        From `parameters.bind`.
    role
        In which role the inputs are read; without it, the session's.
    extra_inputs
        Id -> record of protected tables that come from another run (``"<report>.<table>"``); they win over
        those that an earlier edition released.
    kept
        Dataset -> the snapshot that an earlier run saw, to be used if its source is missing.
    ask
        Answers the manifest's questions; `asking.foreseen` where nothing may be spent.

    Raises
    ------
    AccessDenied, UsageError, SourceError
        As `City.snapshot`; ``run.no-table`` if a table is declared that no report has made yet.
    Refused
        As `asking.answer`.
    """
    manifest = analysis.manifest
    inputs: dict[str, dict[str, Any]] = {}
    contents: dict[str, bytes] = {}
    kept_from: dict[str, str] = {}
    for name, declared in manifest.inputs.items():
        if name in city.catalog.datasets:
            snapshot = _snapshot(city, manifest, name, declared, parameters, role, kept)
            described, content = _frame(city, name, snapshot)
            kept_from |= {name: snapshot.kept_from} if snapshot.kept_from else {}
        else:
            described, content = _table(city, name, dict(extra_inputs or {}))
        inputs[name] = described
        contents[described["file"]] = content
    for name, question in manifest.private.items():
        answer = ask(city, name, question, purpose=manifest.purpose, role=role)
        described, content = _described_table(city, f"{asking.PREFIX}{name}", answer)
        inputs[f"{asking.PREFIX}{name}"] = described | {"title": question.title.as_dict()}
        contents[described["file"]] = content
    modules = key.modules(analysis.notebook, beside=analysis.path.parent)
    restricted = any(one["class"] != AccessClass.open for one in inputs.values())
    parts = _parts(city, analysis, parameters, inputs, modules) | (_confidential(city) if restricted else {})
    run_key = key.of(parts)
    return Request(
        key=run_key,
        key_parts=parts,
        folder=city.state.folder("runs") / run_key,
        info=_info(city, analysis, parameters, inputs, run_key, parts, restricted=restricted),
        restricted=restricted,
        notebook=nbformat.writes(_source(analysis.notebook), version=4),
        inputs=contents,
        modules=modules,
        kept_from=kept_from,
    )


def _snapshot(
    city: City,
    manifest: Manifest,
    name: str,
    declared: Input,
    parameters: Mapping[str, Any],
    role: str | None,
    kept: Callable[[str], Kept | None],
) -> Snapshot:
    """Make the snapshot of one declared dataset; what was kept is only looked for if the source is missing."""
    rows = fill(declared.rows, values=parameters, extras=extras_of(manifest))
    asked: dict[str, Any] = {
        "purpose": manifest.purpose,
        "columns": declared.columns,
        "rows": rows,
        "role": role,
    }
    try:
        return city.snapshot(name, **asked)
    except SourceError as error:
        before = kept(name) if error.code == "source.missing" else None
        if before is None:
            raise
    return city.snapshot(name, **asked, kept=before)


def _frame(city: City, name: str, snapshot: Snapshot) -> tuple[dict[str, Any], bytes]:
    """Describe the snapshot of a dataset, and keep it in the store."""
    city.store.put(snapshot.data)
    return {"file": f"inputs/{name}.parquet", **city.describe(snapshot)}, snapshot.data


def _table(city: City, name: str, extra: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], bytes]:
    """Take a protected table from another run of this build, or from what a report released."""
    record = extra.get(name) or city.derived(name)
    if record is None:
        raise _no_table(city, name)
    return _described_table(city, name, record)


def _described_table(city: City, name: str, record: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Describe what was made of data that are not open and may be published, and keep it in the store."""
    content = _canonical(record) if isinstance(record, released.Record) else key.canonical(record)
    city.store.put(content)
    described: dict[str, Any] = {
        "file": f"inputs/{name}.table.json",
        "kind": "table",
        "sha256": atomic.digest(content),
        "class": str(AccessClass.open),
        "version": None,
        "purpose": None,
        "derived_from": record["dataset"],
        "min_count": record.get("min_count"),
        **released.notes(record),
    }
    source = city.origin(record["dataset"], columns=released.variables(record))
    cited = _released(name, source, publisher=city.settings.city.publisher, licence=record.get("license"))
    return described | source | cited, content


@lru_cache(maxsize=32)  # the cells of a report read the same tables
def _canonical(record: released.Record) -> bytes:
    return key.canonical(record)


def released_table(city: City, name: str) -> tuple[dict[str, Any], bytes]:
    """
    Give a released table as a run sees it: its description, and the content of its file.

    Raises
    ------
    UsageError
        ``run.no-table`` or ``catalog.unknown-dataset``.
    """
    return _table(city, name, {})


def _released(
    name: str, source: Mapping[str, Any], *, publisher: Text, licence: str | None
) -> dict[str, Any]:
    """Tell how a released table is called and cited: under the report's licence, made from a named source."""
    known = LICENCES.get(licence or "")
    made_from = {"de": "aus", "en": "from"}
    cited = {
        language: ", ".join(
            [f"{publisher.pick(language)}; {word}: {source['title'][language]}"]
            + ([source["attribution"][language]] if source.get("attribution") else [])
        )
        for language, word in made_from.items()
    }
    return {
        "title": table_title(name).as_dict(),
        "licence": licence if known else None,
        "licence_title": known.title.as_dict() if known else None,
        "licence_url": known.url if known else None,
        "attribution": cited,
    }


def table_title(name: str) -> Text:
    """
    Say what a released table is called for readers.

    Examples
    --------
    >>> table_title("who-lives-where.residents_by_age").en
    'Protected table residents_by_age'
    """
    table = name.rpartition(".")[2]
    return Text(de=f"Geschützte Tabelle {table}", en=f"Protected table {table}")


def _parts(
    city: City,
    analysis: Analysis,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, Any]],
    modules: Mapping[str, bytes],
) -> dict[str, Any]:
    """Name everything that the result depends on."""
    facts = city_facts(city)
    return {
        "format": key.FORMAT,
        "code": key.code(analysis.notebook),
        "manifest": key.digest(
            {"purpose": analysis.manifest.purpose, "gives": list(analysis.manifest.gives)}
        ),
        "modules": {path: atomic.digest(content) for path, content in modules.items()},
        "inputs": {name: one["sha256"] for name, one in inputs.items()},
        "catalogue": {name: key.digest(_told(one)) for name, one in inputs.items()},
        "parameters": dict(parameters),
        "environment": key.environment(city.settings.root),
        "library": key.library(),
        "rules": {"version": facts["rules"], "thresholds": facts["thresholds"], **facts.get("tables", {})},
        "city": key.digest(facts["city"]),
        "seed": city.seed,
        "languages": facts["languages"],
    }


def _confidential(city: City) -> dict[str, str]:
    """Let a key depend on the rules for sums without telling them: by a secret of the city, not by a bare hash."""
    told = confidential(city)
    if not told:
        return {}
    secret = city.state.key("confidential")
    return {"confidential": hmac.new(secret, key.canonical(told), sha256).hexdigest()}


def _told(described: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a run is told about an input: titles, columns, filter, purpose, licence."""
    return {part: value for part, value in described.items() if part not in KNOWN_ON_RECORD}


def _info(
    city: City,
    analysis: Analysis,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    run_key: str,
    parts: Mapping[str, Any],
    *,
    restricted: bool,
) -> dict[str, Any]:
    """Write down what the run and those after it must know: the content of ``run.json``."""
    manifest = analysis.manifest
    return {
        "schema_version": 1,
        "key": run_key,
        "key_parts": dict(parts),
        "notebook": analysis.name,
        "parameters": dict(parameters),
        "purpose": manifest.purpose,
        "restricted": restricted,
        "seed": city.seed,
        "engine": "plain",
        **city_facts(city),
        **(confidential(city) if restricted else {}),
        "inputs": dict(inputs),
        "gives": list(manifest.gives),
    }


def _source(notebook: Any) -> Any:
    """Copy a notebook without outputs."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


def _no_table(city: City, name: str) -> UsageError:
    """Say that a declared input is neither in the catalogue nor made by a report."""
    report, _, _table_name = name.partition(".")
    domains = {dataset.domain for dataset in city.catalog.datasets.values()}
    if report in domains:
        return unknown(name, known=list(city.catalog.datasets))
    return UsageError(
        "run.no-table",
        Text(
            de=f"{name} gibt es nicht: kein Datensatz heißt so, kein Bericht hat diese Tabelle freigegeben.",
            en=f"{name} does not exist: no dataset has this id, and no report has released this table.",
        ),
        remedy=Text(
            de=f"Bauen Sie den Bericht, der sie bildet: stadtbuch build {report}",
            en=f"Build the report that makes it: stadtbuch build {report}",
        ),
    )
