"""Report and Edition: what is public, and the immutable form in which it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from stadtbuch.model.analysis import Identifier
from stadtbuch.model.dataset import Slug
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.schedule import Schedule
from stadtbuch.model.verdict import Decision
from stadtbuch.texts import Text

_BOUND = {"type": ["integer", "string"]}
Axis = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": "The values of one parameter.",
            "oneOf": [
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}},
                {
                    "type": "string",
                    "pattern": r"^catalogue:[a-z][a-z0-9-]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$",
                },
                {
                    "type": "object",
                    "required": ["from", "to"],
                    "additionalProperties": False,
                    "properties": {
                        "from": _BOUND,
                        "to": _BOUND,
                        "every": {
                            "oneOf": [
                                {"type": "integer", "minimum": 1},
                                {"enum": ["day", "week", "month", "quarter", "year"]},
                            ]
                        },
                    },
                },
            ],
        }
    ),
]
"""Checked by `reports.matrix`, which can say more about a mistake than a type."""


class ReportRoles(Frozen):
    """In which roles a report is run and released."""

    author: Slug
    release: Slug


class Report(Frozen):
    """
    One report's definition, ``reports/<name>.yaml``.

    `cells` maps a parameter to the values it runs through: a list, ``catalogue:<dataset>.<column>``, or a range
    ``{from: 2020, to: 2025}``; all of several parameters are combined. `exclude` leaves out the combinations that
    have all the values of one of its lines; `also` are single cells beside those. `fixed` are values common to all;
    ``"{occurrence:date}"`` stands there for the day on which the report is due. `license` is that of the tables it
    releases. `on_missing_input`: while a delivery is missing, `stop` leaves the last edition as it is, `last-good` goes
    on with the snapshot of the last edition and says so. `on_failure`: `notice` tells readers that the newest edition
    is delayed, without a cause. `notify`: who is told about failures and refusals, by `schedule` only or by every
    build (`always`).
    """

    name: Slug
    title: Text
    summary: Text
    prepare: str | None = None
    report: str
    cells: dict[Identifier, Axis] = {}
    exclude: tuple[dict[Identifier, Any], ...] = ()
    also: tuple[dict[Identifier, Any], ...] = ()
    fixed: dict[Identifier, Any] = {}
    release: Literal["automatic", "approval"]
    on_missing_input: Literal["stop", "last-good"] = "stop"
    on_failure: Literal["silent", "notice"] = "silent"
    notify: Literal["schedule", "always"] = "schedule"
    schedule: Schedule | None = None
    roles: ReportRoles
    dashboard: dict[str, Any] | None = None
    next_release: Text | None = None
    contact: str | None = None
    related: tuple[str, ...] = ()
    license: str = "dl-de/by-2-0"


class EditionFile(Frozen):
    """One immutable file of an edition."""

    path: str
    sha256: str
    bytes: int
    media_type: str


class Approval(Frozen):
    """That somebody in the releasing role approved this code, manifest and rule version."""

    role: Slug
    decided: date
    code: str
    rules: str


class Review(Frozen):
    """
    That somebody in the right role looked at a finding of the gate and lets the report go on.

    `subject` is the dataset or the place that the finding names. A review of a dataset holds for reading no more than
    `columns` of it for `purpose`; one of what a notebook puts out holds for its `code` only.
    """

    report: Slug
    rule: str
    subject: str
    role: Slug
    decided: date
    rules: str
    reason: Text
    purpose: str | None = None
    columns: tuple[str, ...] = ()
    code: str | None = None


class Edition(Frozen):
    """
    One immutable publication of one cell of a report (``edition.json``).

    Id ``report[/cell]@YYYY-MM-DD[.n]``; `inputs` say for every dataset its version (content hash), class,
    licence and attribution; `run_keys` the keys of the prepare and report step.
    """

    schema_version: Literal[1] = 1
    id: str
    report: Slug
    cell: str
    edition: str
    title: Text
    parameters: dict[str, Any]
    made_at: datetime
    run_keys: dict[str, str]
    code: str
    rules: str
    library: str
    inputs: tuple[dict[str, Any], ...]
    files: tuple[EditionFile, ...]
    results: tuple[dict[str, Any], ...] = ()
    decision: Decision
    approval: Approval | None = None
    book_head: dict[str, Any] = Field(default_factory=dict)
