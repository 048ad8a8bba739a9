"""
Comparing what was published with what was computed again: first by bytes, then number by number.

Named results, tables and the data of figures are compared with a tolerance. Notebooks, pictures and all other files
are compared by bytes; where only those are written differently, all numbers still agree, and the verdict says so.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from stadtbuch.reports import packages
from stadtbuch.reports.editions import CHECKPOINT
from stadtbuch.texts import Text
from stadtbuch.transparency.verdict import Difference

RELATIVE = 1e-9
"""How far two numbers may be apart, relative to the larger: other processors add in another order."""
ABSOLUTE = 1e-12
AT_MOST = 20
"""Differences that are told of one file; the first says what happened, all of them fill a screen."""
NOT_COMPUTED = (packages.FOLDER, CHECKPOINT, "ro-crate-metadata.json")
"""What says how an edition was made is checked by its checksum; it is not computed again."""
BY_NUMBER = (".csv", ".json")
Place = tuple[str, ...]


def compare(
    published: Mapping[str, bytes], again: Mapping[str, bytes], *, relative: float = RELATIVE
) -> Iterator[Difference]:
    """
    Give every difference between the files of an edition and those computed again.

    Parameters
    ----------
    published, again
        Path -> content. Only `again` knows what there should be; what only one of them has is a difference.
    relative
        The tolerance of numbers.

    Examples
    --------
    >>> found = list(compare({"results.json": b'[{"name": "a", "value": 1.0}]'},
    ...                      {"results.json": b'[{"name": "a", "value": 1.5}]'}))
    >>> found[0].subject, found[0].text.en
    ('results.json: a, value', 'Published: 1.0. Computed again: 1.5.')
    """
    told = {path: data for path, data in published.items() if not path.startswith(NOT_COMPUTED)}
    for path in sorted(told.keys() | again.keys()):
        before, after = told.get(path), again.get(path)
        if before is None or after is None:
            yield Difference("output", path, MISSING if after is None else UNPUBLISHED)
        elif before != after:
            yield from _differ(path, before, after, relative)


MISSING = Text(
    de="Das kam beim Nachrechnen nicht heraus.", en="This did not come out when it was computed again."
)
UNPUBLISHED = Text(de="Das wurde nicht veröffentlicht.", en="This was not published.")
WRITTEN = Text(
    de="Anders geschrieben; alle Zahlen stimmen überein.", en="Written differently; all numbers agree."
)


def _differ(path: str, before: bytes, after: bytes, relative: float) -> Iterator[Difference]:
    """Say where two files differ; if no number does, that they are only written differently."""
    found: Sequence[Difference] = ()
    if path.endswith(BY_NUMBER):
        try:
            found = _first(path, _parsed(path, before), _parsed(path, after), relative)
        except (ValueError, RecursionError):
            found = [Difference("output", path, MISSING)]
    yield from found or [Difference("output", path, WRITTEN, weighs=False)]


def _parsed(path: str, data: bytes) -> Any:
    if path.endswith(".csv"):
        return [dict(enumerate(row)) for row in csv.reader(StringIO(data.decode()))]
    return json.loads(data)


def _first(path: str, before: Any, after: Any, relative: float) -> list[Difference]:
    found: list[Difference] = []
    for place, one, other in _unequal(before, after, (), relative):
        subject = f"{path}: {', '.join(place)}" if place else path
        found.append(Difference("output", subject, _values(one, other)))
        if len(found) == AT_MOST:
            break
    return found


def _unequal(
    one: Any, other: Any, place: tuple[str, ...], relative: float
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Walk two values at once and give every place where they are not the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _unequal(one.get(name), other.get(name), (*place, _called(name)), relative)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True), 1):
            yield from _unequal(*pair, (*place, _named(pair[0], number)), relative)
    elif not close(one, other, relative=relative):
        yield place, one, other


def _called(name: Any) -> str:
    return str(name + 1) if isinstance(name, int) else str(name)


def _named(one: Any, number: int) -> str:
    return str(one["name"]) if isinstance(one, dict) and isinstance(one.get("name"), str) else str(number)


def close(one: Any, other: Any, *, relative: float = RELATIVE) -> bool:
    """
    Tell whether two values are the same; numbers, also those written as text, within the tolerance.

    Examples
    --------
    >>> close(0.1 + 0.2, 0.3), close("0.30000000000000004", "0.3"), close("·", "2"), close(True, 1)
    (True, True, False, False)
    """
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    numbers = _number(one), _number(other)
    if None in numbers or (type(one) is not type(other) and str in (type(one), type(other))):
        return bool(one == other)
    return math.isclose(*numbers, rel_tol=relative, abs_tol=ABSOLUTE)  # type: ignore[arg-type]


def _number(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    try:
        found = float(value) if isinstance(value, str) and value.strip() == value else None
    except ValueError:
        return None
    return found if found is not None and math.isfinite(found) else None


def _values(one: Any, other: Any) -> Text:
    """Say both values; they are public, or would have been."""
    before, after = _shown(one), _shown(other)
    return Text(
        de=f"Veröffentlicht: {before}. Nachgerechnet: {after}.",
        en=f"Published: {before}. Computed again: {after}.",
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
    return "–" if value is None else str(value)[:80]


def weighed(found: Sequence[Difference]) -> list[Difference]:
    """Put what weighs first: the first difference is what people read."""
    return sorted(found, key=lambda one: not one.weighs)
