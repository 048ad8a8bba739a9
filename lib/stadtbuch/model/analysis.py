"""Analysis: a notebook with its manifest: purpose, inputs, typed parameters, what it hands out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from stadtbuch.model.dataset import Name, Slug
from stadtbuch.model.frozen import Frozen
from stadtbuch.texts import Text

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class ParameterType(StrEnum):
    """Types a parameter can have; a value of another type is an error before a kernel starts."""

    text = "text"
    integer = "integer"
    number = "number"
    boolean = "boolean"
    date = "date"
    choice = "choice"


class Parameter(Frozen):
    """
    One typed parameter.

    `choices` is a list of values, or ``"catalogue:<dataset in domain of its own>.<column>"``; `extra` (``or:``
    in YAML) are choices beside those; `labels` say for readers what a choice is called. `default` is used where a
    run states no value.
    """

    type: ParameterType
    label: Text
    choices: tuple[str, ...] | str | None = None
    extra: tuple[str, ...] = Field(default=(), alias="or")
    labels: dict[str, Text] = {}
    minimum: float | None = None
    maximum: float | None = None
    default: Any = None


class Input(Frozen):
    """
    One declared input: which columns, which rows.

    A row filter compares a column with a value or a list; ``"{name}"`` stands for a parameter's value. The
    value of a parameter that is one of its `extra` choices (such as ``all``) leaves the filter out.
    """

    columns: tuple[Name, ...] | None = None
    rows: dict[Name, Any] = {}


class Manifest(Frozen):
    """What a notebook declares about itself in its first cell (CONTRACTS: manifest)."""

    title: Text | None = None
    purpose: Slug | None = None
    benefit: Text
    risk: Literal["none", "low", "high"]
    parameters: dict[Identifier, Parameter] = {}
    inputs: dict[str, Input] = Field(min_length=1)
    gives: tuple[Name, ...] = ()
    misuse: Text | None = None
    algorithm: dict[str, Text] = {}
