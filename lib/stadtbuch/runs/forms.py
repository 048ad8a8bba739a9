"""
Forms: the parameters of a notebook as questions, made from the manifest's types for the command line and the lab.

An answer is judged by `parameters.bind`, like every other value: a form can give nothing that ``-p`` could not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stadtbuch.errors import ParameterError
from stadtbuch.model.analysis import Manifest, Parameter, ParameterType
from stadtbuch.runs import parameters
from stadtbuch.texts import Text, same

YES_NO = {True: Text(de="ja", en="yes"), False: Text(de="nein", en="no")}
Choices = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """
    One parameter to be asked for.

    Attributes
    ----------
    options
        The values that are possible, each with what readers see; empty where they are not listed.
    default
        What is taken without an answer; None if there must be one.
    expected
        What an answer has to be.
    """

    name: str
    label: Text
    kind: ParameterType
    options: tuple[tuple[Any, Text], ...]
    default: Any
    expected: Text


def questions(
    manifest: Manifest, *, choices: Choices, defaults: Mapping[str, Any] | None = None
) -> list[Question]:
    """
    Give the questions of a notebook in the manifest's order.

    Parameters
    ----------
    manifest
        Declares the parameters.
    choices
        Gives the values of ``catalogue:<dataset>.<column>``.
    defaults
        What the notebook's own cell of parameters says; it goes before the manifest's default, as for a run.

    Examples
    --------
    >>> told = Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters={
    ...     "year": Parameter(type="integer", label=same("Jahr"), minimum=2000, maximum=2030, default=2025)})
    >>> [(one.name, one.default, one.expected.en) for one in questions(told, choices=lambda reference: [])]
    [('year', 2025, 'a whole number such as 2025, 2000 … 2030')]
    """
    own = defaults or {}
    return [
        Question(
            name,
            one.label,
            one.type,
            _options(one, choices),
            _default(manifest, name, own.get(name, one.default), choices),
            _expected(one),
        )
        for name, one in manifest.parameters.items()
    ]


def answered(manifest: Manifest, name: str, given: Any, *, choices: Choices) -> Any:
    """
    Give an answer its type.

    Raises
    ------
    ParameterError
        As `parameters.bind`, about this parameter alone.
    """
    alone = manifest.model_copy(update={"parameters": {name: manifest.parameters[name]}})
    return parameters.bind(alone, {name: given}, choices=choices)[name]


def _default(manifest: Manifest, name: str, given: Any, choices: Choices) -> Any:
    """Give a default only if it would be taken as an answer."""
    try:
        return None if given is None else answered(manifest, name, given, choices=choices)
    except ParameterError:
        return None


def _options(one: Parameter, choices: Choices) -> tuple[tuple[Any, Text], ...]:
    if one.type is ParameterType.boolean:
        return tuple(YES_NO.items())
    if one.type is not ParameterType.choice:
        return ()
    listed = choices(one.choices) if isinstance(one.choices, str) else one.choices or ()
    return tuple((value, one.labels.get(value, same(value))) for value in (*one.extra, *listed))


def _expected(one: Parameter) -> Text:
    wanted = parameters.TYPES[one.type]
    low, high = one.minimum, one.maximum
    if low is None and high is None:
        return wanted
    bounds = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}".strip()
    return Text(de=f"{wanted.de}, {bounds}", en=f"{wanted.en}, {bounds}")
