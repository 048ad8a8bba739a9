"""
Typed parameters: checked before a kernel starts.

Papermill would take ``year="abc"`` for a whole number and make 123 of ``0123``; here a value of the wrong
type is an error, and text stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from stadtbuch.errors import ParameterError, Problem
from stadtbuch.model.analysis import Manifest, Parameter, ParameterType
from stadtbuch.texts import Text

CATALOGUE = "catalogue:"
LONGEST = 1_000

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = {"true": True, "ja": True, "yes": True, "false": False, "nein": False, "no": False}

TYPES = {
    ParameterType.text: Text(de="Text ohne Steuerzeichen", en="text without control characters"),
    ParameterType.integer: Text(de="eine ganze Zahl wie 2025", en="a whole number such as 2025"),
    ParameterType.number: Text(de="eine Zahl mit Punkt wie 1.5", en="a number with a point such as 1.5"),
    ParameterType.boolean: Text(de="true oder false", en="true or false"),
    ParameterType.date: Text(de="ein Tag wie 2025-12-31", en="a day such as 2025-12-31"),
    ParameterType.choice: Text(de="eine der Möglichkeiten", en="one of the choices"),
}


def split(given: Sequence[str]) -> dict[str, str]:
    """
    Read ``NAME=VALUE`` from the command line.

    Raises
    ------
    ParameterError
        ``parameter.form`` or ``parameter.twice``.

    Examples
    --------
    >>> split(["borough=mitte", "note=a=b"])
    {'borough': 'mitte', 'note': 'a=b'}
    """
    found: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.isidentifier():
            raise _form()
        if name in found:
            raise _twice(name)
        found[name] = value
    return found


def bind(
    manifest: Manifest,
    given: Mapping[str, Any],
    *,
    choices: Callable[[str], Sequence[str]],
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Check the values of parameters and give them their types.

    Parameters
    ----------
    manifest
        Which parameters there are.
    given
        Name -> value, or its text from the command line.
    choices
        Gives the values of a column: ``choices("catalogue:geography.boroughs.name")``.
    defaults
        What the notebook's own cell of parameters says, used where nothing is given; checked alike.

    Returns
    -------
    dict
        In the manifest's order; text, whole numbers, numbers and truth values; a date as ISO text, because
        that is what a notebook receives.

    Raises
    ------
    ParameterError
        ``parameter.unknown``, ``parameter.missing``, ``parameter.type``, ``parameter.choice`` or
        ``parameter.range``; `problems` names all of them, never the value.

    Examples
    --------
    >>> from stadtbuch.model.analysis import Parameter
    >>> year = Parameter(type="integer", label=Text(de="Jahr", en="Year"), minimum=2000)
    >>> said = Text(de="Nutzen", en="benefit")
    >>> manifest = Manifest(benefit=said, risk="none", inputs={"a.b": {}}, parameters={"year": year})
    >>> bind(manifest, {"year": "2025"}, choices=lambda reference: [])
    {'year': 2025}
    """
    problems = [_unknown(name, manifest) for name in given if name not in manifest.parameters]
    bound: dict[str, Any] = {}
    for name, parameter in manifest.parameters.items():
        value = given.get(name, (defaults or {}).get(name, parameter.default))
        problem, typed = _checked(name, parameter, value, choices)
        problems += [problem] if problem else []
        bound[name] = typed
    if problems:
        raise _wrong(problems)
    return bound


def _checked(
    name: str, parameter: Parameter, value: Any, choices: Callable[[str], Sequence[str]]
) -> tuple[Problem | None, Any]:
    """Give a value its type, or the mistake."""
    if value is None:
        return _missing(name, parameter), None
    typed = _typed(parameter.type, value)
    if typed is None:
        return _problem(name, "type", _expected_type(parameter.type)), None
    if parameter.type is ParameterType.choice:
        return _choice(name, parameter, typed, choices), typed
    return _range(name, parameter, typed), typed


def _typed(kind: ParameterType, value: Any) -> Any:
    """Give the value in its type, or None where it has another one."""
    match kind:
        case ParameterType.text | ParameterType.choice:
            return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else None
        case ParameterType.integer:
            return _whole(value)
        case ParameterType.number:
            return _number(value)
        case ParameterType.boolean:
            return (
                value
                if isinstance(value, bool)
                else _WORDS.get(value.lower())
                if isinstance(value, str)
                else None
            )
        case ParameterType.date:
            return day(value)


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) and len(value) < 20 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def day(value: Any) -> str | None:
    """
    Give a day as ISO text, or None if it is none.

    Examples
    --------
    >>> day("2024-02-29"), day("2025-02-29"), day(date(2025, 12, 31))
    ('2024-02-29', None, '2025-12-31')
    """
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def _choice(
    name: str, parameter: Parameter, value: str, choices: Callable[[str], Sequence[str]]
) -> Problem | None:
    """Check a choice; the possibilities are open data or the manifest's own words, so they may be named."""
    stated = parameter.choices
    known = [*(choices(stated) if isinstance(stated, str) else stated or ()), *parameter.extra]
    if value in known:
        return None
    near = get_close_matches(value, known, n=1)
    few = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    listed = Text(de=f"möglich sind: {few}", en=f"possible are: {few}")
    return _problem(
        name,
        "choice",
        Text(de="ist keine der Möglichkeiten", en="is none of the choices"),
        did_you_mean(near[0]) if near else listed,
    )


def _range(name: str, parameter: Parameter, value: Any) -> Problem | None:
    low, high = parameter.minimum, parameter.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    bounds = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}".strip()
    return _problem(name, "range", Text(de=f"liegt nicht in {bounds}", en=f"is not within {bounds}"))


def _expected_type(kind: ParameterType) -> Text:
    wanted = TYPES[kind]
    return Text(de=f"erwartet wird {wanted.de}", en=f"expected is {wanted.en}")


def _problem(name: str, code: str, what: Text, remedy: Text | None = None) -> Problem:
    return Problem("", None, name, what, remedy, f"parameter.{code}")


def _missing(name: str, parameter: Parameter) -> Problem:
    wanted = TYPES[parameter.type]
    return _problem(
        name,
        "missing",
        Text(de=f"fehlt ({parameter.label.de})", en=f"is missing ({parameter.label.en})"),
        Text(de=f"-p {name}=…, {wanted.de}", en=f"-p {name}=…, {wanted.en}"),
    )


def _unknown(name: str, manifest: Manifest) -> Problem:
    near = get_close_matches(name, list(manifest.parameters), n=1)
    listed = ", ".join(manifest.parameters)
    none = Text(de="dieses Notebook hat keine Parameter", en="this notebook has no parameters")
    there = Text(de=f"es gibt: {listed}", en=f"there are: {listed}")
    what = Text(de="ist unbekannt", en="is unknown")
    return _problem(name, "unknown", what, did_you_mean(near[0]) if near else there if listed else none)


def did_you_mean(near: str) -> Text:
    """Suggest a known name."""
    return Text(de=f"meinten Sie {near}?", en=f"did you mean {near}?")


def _wrong(problems: Sequence[Problem]) -> ParameterError:
    return ParameterError(
        problems[0].code,
        Text(de="Die Parameter passen nicht zum Notebook.", en="The parameters do not fit the notebook."),
        problems=problems,
        remedy=Text(
            de="Das Manifest in der ersten Zelle des Notebooks nennt Namen und Typen.",
            en="The manifest in the notebook's first cell tells names and types.",
        ),
    )


def _form() -> ParameterError:
    return ParameterError(
        "parameter.form",
        Text(de="Ein Parameter hat die Form NAME=WERT.", en="A parameter has the form NAME=VALUE."),
        remedy=Text(de="Zum Beispiel: -p year=2025", en="For example: -p year=2025"),
    )


def _twice(name: str) -> ParameterError:
    return ParameterError(
        "parameter.twice",
        Text(de=f"Der Parameter {name} steht zweimal da.", en=f"The parameter {name} is given twice."),
        remedy=Text(de="Geben Sie ihn einmal an.", en="Give it once."),
    )
