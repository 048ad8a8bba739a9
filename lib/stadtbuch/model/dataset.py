"""
Dataset: one described dataset of the catalogue, with everything governance asks about it.

Field names in YAML are those of DCAT-AP.de, Frictionless Table Schema and the roles of municipal data
strategies; in Python they are the same in snake case.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from stadtbuch.model.frozen import Frozen
from stadtbuch.model.places import PlaceRules
from stadtbuch.texts import Text

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class AccessClass(StrEnum):
    """Who may see a dataset (DCAT-AP.de: PUBLIC, RESTRICTED, NON_PUBLIC)."""

    open = "open"
    shared = "shared"
    closed = "closed"


class ReasonKind(StrEnum):
    """Why something is withheld."""

    personal_data = "personal-data"
    statistical_secrecy = "statistical-secrecy"
    trade_secret = "trade-secret"  # noqa: S105 - a reason, no password
    third_party_rights = "third-party-rights"
    security = "security"
    nature_protection = "nature-protection"
    ongoing_procedure = "ongoing-procedure"
    other = "other"


class PrivacyRole(StrEnum):
    """What a column can tell about a person or a protected thing."""

    identifier = "identifier"
    quasi_identifier = "quasi-identifier"
    sensitive = "sensitive"
    free_text = "free-text"
    harmless = "harmless"


class FieldType(StrEnum):
    """Types of Table Schema that the parser knows; ``code`` is text whose zeros and letters are kept."""

    string = "string"
    code = "code"
    integer = "integer"
    number = "number"
    boolean = "boolean"
    date = "date"
    datetime = "datetime"
    geometry = "geometry"


class Source(Frozen):
    """Where a dataset lives and which reader opens it."""

    reader: str
    url: str
    options: dict[str, Any] = Field(default_factory=dict)


class Reason(Frozen):
    """Why a dataset is withheld, by whose decision, until when that is looked at again."""

    kind: ReasonKind
    text: Text
    legal_basis: str
    decided_by: Slug
    decided: date
    review: date


class Preparation(Frozen):
    """What was tried to make the data publishable before they were withheld."""

    tried: tuple[str, ...]
    outcome: Text


class Grant(Frozen):
    """Which role may read for which purposes, until when, and under which agreement."""

    role: Slug
    purposes: tuple[Slug, ...] = Field(min_length=1)
    until: date
    agreement: str = ""


class Access(Frozen):
    """The access block: explicit, no default."""

    access_class: AccessClass = Field(alias="class")
    reason: Reason | None = None
    preparation: Preparation | None = None
    grants: tuple[Grant, ...] = ()
    use_restrictions: tuple[Text, ...] = ()


class Budget(Frozen):
    """
    How much answers with noise may tell about one protected unit in a calendar year, by whose decision.

    `epsilon` and `delta` are the sums over all answers of a year (differential privacy); without `delta` only
    answers that need none are given.
    """

    epsilon: float = Field(gt=0, le=10)
    delta: float = Field(default=0, ge=0, lt=0.001)
    per: Literal["year"] = "year"
    reason: Text
    decided_by: Slug
    decided: date


class Privacy(Frozen):
    """
    Protection unit, minimum count, columns of each purpose, how exact places may be, budget of noisy answers.

    `zeros`: whether zeros in tables are always published, or may be withheld too, which withholds fewer other cells.
    """

    unit: Literal["person", "household", "company", "none"]
    min_count: int | None = Field(default=None, ge=2)
    zeros: Literal["published", "may-be-withheld"] = "published"
    sensitive_group: bool = False
    purposes: dict[Slug, tuple[Name, ...]] = Field(default_factory=dict)
    places: PlaceRules | None = None
    budget: Budget | None = None


class Constraints(Frozen):
    """What values of a column are allowed (Table Schema)."""

    required: bool = False
    unique: bool = False
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str, ...] | None = None
    pattern: str | None = None


class Coarseness(Frozen):
    """
    How coarse a column arrives wherever data that are not open are read: by a step of numbers, a slot, or a grid.

    For coordinates the step is the side of a cell, in the unit of the column. A point of a column of geometry arrives
    as the name of its cell in the European grid (INSPIRE), whose side in metres `grid` is.
    """

    step: float | None = Field(default=None, gt=0)
    slot: Literal["hour", "quarter-day", "day"] | None = None
    grid: Literal[100, 1000, 10000, 100000] | None = None


class Column(Frozen):
    """
    One column: name, type, meaning, privacy role, and how its source writes it.

    `source_name` is the heading in the file where it differs; `missing` are the signs for "no value";
    `decimal`, `thousands`, `format`, `true`, `false` say how numbers, dates and truth values are written.
    `labels` gives a code's wording in both languages.

    `timezone` is for times that are written without an offset and not in the city's own zone: ``UTC``, or
    ``Etc/GMT-1`` for winter time all year. `ambiguous` says which of the two hours is meant when the clocks
    go back; without it such a time is an error.

    `coarse` is for places and moments of people: nobody reads them more exactly.
    """

    name: Name
    type: FieldType
    title: Text
    description: Text | None = None
    unit: str | None = None
    privacy: PrivacyRole = PrivacyRole.harmless
    constraints: Constraints = Constraints()
    labels: dict[str, Text] = Field(default_factory=dict)
    source_name: str | None = None
    missing: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    format: str | None = None
    true: tuple[str, ...] = ("true", "True", "1", "ja")
    false: tuple[str, ...] = ("false", "False", "0", "nein")
    timezone: str | None = None
    ambiguous: Literal["refuse", "summer", "winter"] = "refuse"
    coarse: Coarseness | None = None

    @property
    def heading(self) -> str:
        """Give the column's name in its source."""
        return self.source_name or self.name


class TableSchema(Frozen):
    """
    The columns of a dataset; what is not described here is not read.

    A source that holds more columns than described is refused, so that a change is noticed; `additional` says
    that the rest is known and left out on purpose.
    """

    primary_key: tuple[Name, ...] = Field(default=(), alias="primaryKey")
    fields: tuple[Column, ...] = Field(min_length=1)  # type: ignore[assignment]
    additional: Literal["refuse", "ignore"] = "refuse"

    def column(self, name: str) -> Column:
        """Give the column of a name; `KeyError` if there is none."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names of all columns in their order."""
        return tuple(one.name for one in self.fields)


class Custody(Frozen):
    """Who holds the data; anything but the city itself needs a reason."""

    kind: Literal["city", "shared", "third-party", "released"] = "city"
    holders: tuple[str, ...] = ()
    reason: Text | None = None


class Donation(Frozen):
    """
    Where data come from that somebody gave to the city, and what was settled before they were accepted.

    `rights` is the donor's declaration, `method` how the data were made, `checked` what the city looked at;
    `position` says how places of private persons were made coarse.
    """

    donor: Text
    received: date
    rights: Text
    method: Text
    checked: Text
    position: Text | None = None


class Lifecycle(Frozen):
    """Phase and retention (ISO 8601 duration)."""

    phase: Literal["captured", "processed", "maintained", "archived", "deleted"] = "maintained"
    retention: str | None = None
    archive_offer: int | None = None


class Description(Frozen):
    """
    What a catalogue file says about one dataset.

    Which licences, readers and domains exist is checked by the catalogue, not by the type.
    """

    title: Text
    description: Text
    keyword: dict[Literal["de", "en"], tuple[str, ...]] = Field(default_factory=dict)
    theme: tuple[str, ...] = ()
    action_field: str | None = None
    spatial: str | None = None
    temporal: str | None = None
    accrual_periodicity: str | None = Field(default=None, alias="accrualPeriodicity")
    issued: date | None = None
    modified: date | None = None
    version: str | None = None
    license: str | None = None
    attribution: Text | None = None
    publisher: Slug
    owner: Slug
    steward: Slug
    maintainer: Slug | None = None
    contact_point: str = Field(alias="contactPoint")
    source: Source
    access: Access
    privacy: Privacy = Privacy(unit="none")
    table: TableSchema = Field(alias="schema")
    custody: Custody = Custody()
    lifecycle: Lifecycle = Lifecycle()
    quality: dict[str, Any] = Field(default_factory=dict)
    misuse: Text
    benefit: Text | None = None
    origin: Literal["administration", "science", "business", "civil-society"] = "administration"
    donation: Donation | None = None


class Dataset(Description):
    """One described dataset; `id` is ``domain.name``."""

    id: str
    domain: Slug

    @property
    def name(self) -> str:
        """Give the second half of the id, which file names are made of."""
        return self.id.partition(".")[2]

    @property
    def access_class(self) -> AccessClass:
        """Give the access class."""
        return self.access.access_class

    @property
    def binding(self) -> bool:
        """
        Whether the rules bind: for the city's data, and for data of others that the city holds.

        For data that civil society holds itself they are advice.
        """
        own = ("third-party", "released")
        return not (self.origin == "civil-society" and self.custody.kind in own)

    @property
    def is_open(self) -> bool:
        """Whether anybody may read the data."""
        return self.access.access_class is AccessClass.open
