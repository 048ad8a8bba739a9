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


class Question(Frozen):
    """
    One question to data that are not open, answered with noise and paid from the dataset's budget.

    `by` names the columns of the groups, `categories` their values where the catalogue's `labels` do not: a list, or
    ``"catalogue:<dataset in domain of its own>.<column>"`` of an open dataset. `of` is the column of a sum, a mean or
    a histogram, `bounds` the range into which its values are drawn, `edges` the borders of a histogram's bins.
    At most `most_rows` rows of one unit count.
    """

    title: Text
    dataset: str
    ask: Literal["counts", "sum", "mean", "histogram"]
    of: Name | None = None
    by: tuple[Name, ...] = Field(default=(), max_length=3)
    categories: dict[Name, tuple[str, ...] | str] = {}
    rows: dict[Name, Any] = {}
    bounds: tuple[float, float] | None = None
    edges: tuple[float, ...] = ()
    most_rows: int = Field(default=1, ge=1, le=1000)
    epsilon: float = Field(gt=0, le=10)
    delta: float = Field(default=0, ge=0, lt=0.001)


class Manifest(Frozen):
    """What a notebook declares about itself in its first cell (CONTRACTS: manifest)."""

    title: Text | None = None
    purpose: Slug | None = None
    benefit: Text
    risk: Literal["none", "low", "high"]
    parameters: dict[Identifier, Parameter] = {}
    inputs: dict[str, Input] = Field(min_length=1)
    private: dict[Name, Question] = {}
    gives: tuple[Name, ...] = ()
    misuse: Text | None = None
    algorithm: dict[str, Text] = {}
