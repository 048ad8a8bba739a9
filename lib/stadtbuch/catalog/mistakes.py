"""What pydantic finds, said to people who write YAML: where, what, and what was probably meant."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from stadtbuch.catalog.files import Located, Place
from stadtbuch.errors import Problem
from stadtbuch.texts import Text


def did_you_mean(written: str, known: Iterable[str]) -> Text | None:
    """
    Suggest the nearest known word, or list the words where none is near and they are few.

    Examples
    --------
    >>> did_you_mean("closd", ["open", "shared", "closed"]).en
    'did you mean closed?'
    """
    words = list(known)
    near = get_close_matches(written, words, n=1)
    if near:
        return Text(de=f"meinten Sie {near[0]}?", en=f"did you mean {near[0]}?")
    if 0 < len(words) <= 25:
        listed = ", ".join(words)
        return Text(de=f"erlaubt: {listed}", en=f"allowed: {listed}")
    return None


def problem(error: Mapping[str, Any], model: type[BaseModel], content: Located, place: Place) -> Problem:
    """
    Say one error of pydantic as a problem of the file.

    Parameters
    ----------
    error
        One of ``ValidationError.errors()``.
    model
        That was validated against: the known keys come from it.
    content
        Of the file, for the lines.
    place
        Where in the file the validated part stands.
    """
    inner = tuple(part for part in error["loc"] if part != "[key]")
    code, what, remedy = _said(error, model, inner)
    return content.problem((*place, *inner), code, what, remedy)


def _said(error: Mapping[str, Any], model: type[BaseModel], inner: Place) -> tuple[str, Text, Text | None]:
    kind, last = error["type"], str(inner[-1]) if inner else ""
    if kind == "missing" and inner == ("access",):
        return "catalog.access-missing", *_ACCESS
    if kind == "missing":
        return "catalog.key-missing", Text(de="fehlt", en="is missing"), _MISSING.get(last)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        unknown = Text(de="ist ein unbekannter Schlüssel", en="is an unknown key")
        return "catalog.key-unknown", unknown, did_you_mean(last, _known_keys(model, inner[:-1]))
    if inner and inner[-1] in ("owner", "steward") and isinstance(error.get("input"), list):
        return "catalog.owner", *_ONE_OWNER
    if kind in ("enum", "literal_error"):
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"]) or [error["ctx"]["expected"]]
        return "catalog.value", _not_allowed(error), did_you_mean(str(error["input"]), allowed)
    return "catalog.value", *_wording(error)


def _not_allowed(error: Mapping[str, Any]) -> Text:
    return Text(de="ist keiner der erlaubten Werte", en="is none of the allowed values")


def _wording(error: Mapping[str, Any]) -> tuple[Text, Text | None]:
    """Say the common kinds of mistake; the rest keeps pydantic's own sentence."""
    kind, value = error["type"], error.get("input")
    if "[key]" in error["loc"] or kind == "string_pattern_mismatch":
        return _PATTERN
    if kind == "string_type" and isinstance(value, int | float):
        return _QUOTES
    if kind in _KINDS:
        return _KINDS[kind], None
    return Text(de=f"ist nicht gültig ({error['msg']})", en=f"is not valid ({error['msg']})"), None


_ACCESS = (
    Text(
        de="fehlt: ob ein Datensatz offen ist, hat keinen Vorgabewert",
        en="is missing: openness has no default",
    ),
    Text(
        de="schreiben Sie access: {class: open}, {class: shared, …} oder {class: closed, …}",
        en="write access: {class: open}, {class: shared, …} or {class: closed, …}",
    ),
)
_ONE_OWNER = (
    Text(de="muss genau eine Rolle sein", en="must be exactly one role"),
    Text(
        de="weitere Beteiligte gehören unter custody.holders",
        en="further parties belong under custody.holders",
    ),
)
_PATTERN = (
    Text(de="hat nicht die verlangte Form", en="does not have the required form"),
    Text(
        de="Kleinbuchstaben a–z und Ziffern; Spalten und Datensätze mit _, Rollen und Zwecke mit -",
        en="small letters a–z and digits; columns and datasets with _, roles and purposes with -",
    ),
)
_QUOTES = (
    Text(de="muss Text sein, ist aber eine Zahl", en="must be text but is a number"),
    Text(de="setzen Sie den Wert in Anführungszeichen", en="put the value in quotation marks"),
)
_KINDS = {
    "string_type": Text(de="muss Text sein", en="must be text"),
    "tuple_type": Text(de="muss eine Liste sein: [a, b]", en="must be a list: [a, b]"),
    "list_type": Text(de="muss eine Liste sein: [a, b]", en="must be a list: [a, b]"),
    "dict_type": Text(de="muss aus benannten Angaben bestehen", en="must consist of named parts"),
    "model_type": Text(de="muss aus benannten Angaben bestehen", en="must consist of named parts"),
    "dataclass_type": Text(de="muss deutsch und englisch sein: {de: …, en: …}", en="must be {de: …, en: …}"),
    "bool_type": Text(de="muss true oder false sein", en="must be true or false"),
    "bool_parsing": Text(de="muss true oder false sein", en="must be true or false"),
    "int_type": Text(de="muss eine ganze Zahl sein", en="must be a whole number"),
    "int_parsing": Text(de="muss eine ganze Zahl sein", en="must be a whole number"),
    "float_type": Text(de="muss eine Zahl sein", en="must be a number"),
    "float_parsing": Text(de="muss eine Zahl sein", en="must be a number"),
    "date_type": Text(de="muss ein Datum sein: 2026-01-31", en="must be a date: 2026-01-31"),
    "date_parsing": Text(de="muss ein Datum sein: 2026-01-31", en="must be a date: 2026-01-31"),
    "date_from_datetime_parsing": Text(de="muss ein Datum sein: 2026-01-31", en="must be a date: 2026-01-31"),
    "too_short": Text(de="darf nicht leer sein", en="may not be empty"),
}
_MISSING = {
    "de": Text(de="jeder Text steht deutsch und englisch da", en="every text stands in German and English"),
    "en": Text(de="jeder Text steht deutsch und englisch da", en="every text stands in German and English"),
    "misuse": Text(
        de="ein Satz, wofür die Daten nicht taugen oder wovor gewarnt wird",
        en="a sentence that says what the data are unfit for or what to beware of",
    ),
    "class": Text(de="open, shared oder closed", en="open, shared or closed"),
    "schema_version": Text(de="schreiben Sie schema_version: 1", en="write schema_version: 1"),
}


def _known_keys(model: type[BaseModel], inner: Place) -> list[str]:
    """Give the keys that are allowed at a place inside a model."""
    kind: Any = model
    for part in inner:
        kind = _inside(kind, part)
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    if is_dataclass(kind):
        return [field.name for field in dataclass_fields(kind)]
    return []


def _inside(kind: Any, part: str | int) -> Any:
    """Go one step down: from a model to a field's type, from a list or mapping to its items."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if part == (field.alias or name):
                return field.annotation
        return None
    arguments = get_args(kind)
    return arguments[-1] if get_origin(kind) is dict else arguments[0] if arguments else None


def _bare(kind: Any) -> Any:
    """Strip ``Annotated`` and ``| None``."""
    while get_origin(kind) in (Annotated, Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    return kind
