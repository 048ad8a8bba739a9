"""What reports release of data that are not open: protected tables and protected places, by their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stadtbuch.disclosure import answers, places

if TYPE_CHECKING:
    from stadtbuch.disclosure.answers import Answer
    from stadtbuch.disclosure.places import ProtectedPlaces
    from stadtbuch.disclosure.tables import ProtectedTable

TABLE = "protected-table"
KINDS = (TABLE, places.KIND)


class Record(dict[str, Any]):
    """
    The record of something released, which nobody changes any more.

    It is told from others by what it is, not by what it says: so what follows from it can be remembered, without
    going through thousands of its cells to see whether it is the same.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def from_record(record: Mapping[str, Any]) -> ProtectedTable | ProtectedPlaces | Answer:
    """
    Read what was released from its public record.

    Raises
    ------
    UsageError
        If it is no such record (``table.record``, ``places.record``, ``private.record``).
    """
    if record.get("kind") == answers.KIND:
        return answers.Answer.from_record(record)
    if record.get("kind") == places.KIND:
        return places.ProtectedPlaces.from_record(record)
    from stadtbuch.disclosure import tables  # noqa: PLC0415 - scipy, for tables only

    return tables.ProtectedTable.from_record(record)


def variables(record: Mapping[str, Any]) -> list[str]:
    """
    Name the columns of the catalogue that a record tells.

    Examples
    --------
    >>> variables({"kind": "protected-places", "show": ["species"]})
    ['species']
    """
    if record.get("kind") == places.KIND:
        return list(record["show"])
    if record.get("kind") == answers.KIND:
        return [*record["by"], *([record["of"]] if record["of"] else [])]
    return [*record["rows"], *record["columns"]]


def labels(record: Mapping[str, Any]) -> list[str]:
    """Give the words of protected places that were judged to be fit for publication; tables are not asked."""
    if record.get("kind") != places.KIND:
        return []
    return [str(label) for one in record["found"] for label in one["labels"]]


def notes(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what must be said beside everything made from a record: why places are coarse, how much noise there is."""
    if record.get("kind") == answers.KIND:
        return {"protection": dict(record["legend"]), "epsilon": record["epsilon"], "delta": record["delta"]}
    return {"protection": dict(record["legend"])} if record.get("kind") == places.KIND else {}
