"""
Applying a decision to a frame: only these columns, only these rows, pseudonyms instead of identifiers.

Never a column or a row more than was in the frame.
"""

from __future__ import annotations

import hmac
import json
from base64 import b32encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pandas as pd

from stadtbuch.access import coarsening
from stadtbuch.errors import AccessDenied, UsageError
from stadtbuch.model.dataset import Dataset, PrivacyRole
from stadtbuch.texts import Text

LENGTH = 20
PICKING_OUT = (PrivacyRole.identifier, PrivacyRole.free_text)

Pseudonym = Callable[[str, str], str]


def pseudonym(key: bytes, *, dataset: str, version: str, purpose: str) -> Pseudonym:
    """
    Make the function that turns a column's value into its pseudonym.

    Stable within one version of one dataset and one purpose, so that people can be counted and joined there,
    and nowhere else. 100 bits of HMAC-SHA256 in base32.

    Examples
    --------
    >>> name = pseudonym(b"secret", dataset="a.b", version="1", purpose="count")
    >>> name("person_id", "P-1")
    'psn_z3l4tsxt4qe57tjjxbrn'
    >>> name("person_id", "P-1") == name("household_id", "P-1")
    False
    """

    def named(column: str, value: str) -> str:
        told = json.dumps([dataset, version, purpose, column, value], ensure_ascii=False).encode()
        digest = hmac.new(key, told, sha256).digest()
        return "psn_" + b32encode(digest).decode().lower()[:LENGTH]

    return named


def minimise(
    frame: pd.DataFrame,
    dataset: Dataset,
    *,
    columns: Sequence[str],
    rows: Mapping[str, Any],
    pseudonym: Pseudonym,
) -> pd.DataFrame:
    """
    Keep only what was granted.

    Parameters
    ----------
    frame
        Holds at least `columns` and the columns of `rows`, typed by the schema.
    dataset
        Says which columns identify somebody.
    columns
        To keep, in this order.
    rows
        Column to value, or to a list of values: equality only. A column may be filtered without being kept.
    pseudonym
        See the function of that name.

    Returns
    -------
    pandas.DataFrame
        With a fresh index, so that the position of a row tells nothing.

    Raises
    ------
    UsageError
        ``access.row-filter``: a column that is not there, or a value that does not fit its type.
    AccessDenied
        ``access.filter-identifier``: a filter that would pick out single persons.
    """
    kept = matching(frame, dataset, rows=rows)
    slim = frame.loc[kept, list(dict.fromkeys(columns))].reset_index(drop=True)
    made = {name: _replaced(slim[name], pseudonym) for name in identifiers(dataset, columns)}
    made |= {name: _coarse(slim[name], dataset) for name in coarse(dataset, columns)}
    drawn = any(str(slim[name].dtype) == "geometry" for name in made)
    return (pd.DataFrame(slim) if drawn else slim).assign(**made)  # a cell has a name, no shape


def matching(frame: pd.DataFrame, dataset: Dataset, *, rows: Mapping[str, Any]) -> pd.Series:
    """
    Mark the rows that a row filter keeps.

    Raises
    ------
    UsageError, AccessDenied
        As `minimise`.
    """
    kept = pd.Series(True, index=frame.index)
    for name, value in rows.items():
        kept &= _matching(frame, dataset, name, value)
    return kept


def require_fair_filter(
    dataset: Dataset, *, purpose: str | None, columns: Sequence[str], rows: Mapping[str, Any]
) -> None:
    """
    Refuse a row filter that would tell more than the purpose may know.

    Which rows arrive tells the content of the columns they were chosen by. So data that are not open are
    chosen by columns of their purpose and by harmless ones only; by a sensitive one only where it is read.

    Parameters
    ----------
    purpose
        For which is read.
    columns
        That are read.
    rows
        The filter: column to value. Columns that do not exist are left to `minimise`.

    Raises
    ------
    AccessDenied
        ``access.filter-identifier``, ``access.filter-not-allowed`` or ``access.row-filter``, with the column.
    """
    if dataset.is_open:
        return
    covered = dataset.privacy.purposes.get(purpose or "", ())
    for name in rows:
        if name in dataset.table.names:
            _require_fair(dataset, name, purpose=purpose or "", covered=covered, columns=columns)


def _require_fair(
    dataset: Dataset, name: str, *, purpose: str, covered: Sequence[str], columns: Sequence[str]
) -> None:
    role = dataset.table.column(name).privacy
    if role in PICKING_OUT:
        raise _picks_out(dataset, name)
    if dataset.table.column(name).coarse is not None:
        raise _exact(dataset, name)
    if name not in covered and role is not PrivacyRole.harmless:
        raise _not_of_purpose(dataset, name, purpose=purpose, covered=covered)
    if role is PrivacyRole.sensitive and name not in columns:
        raise _unread_sensitive(dataset, name)


def identifiers(dataset: Dataset, columns: Sequence[str]) -> list[str]:
    """Give those of the columns that name somebody."""
    return [
        one for one in dict.fromkeys(columns) if dataset.table.column(one).privacy is PrivacyRole.identifier
    ]


def coarse(dataset: Dataset, columns: Sequence[str]) -> list[str]:
    """Give those of the columns that arrive coarser than they are kept; open data arrive as they are."""
    if dataset.is_open:
        return []
    return [one for one in dict.fromkeys(columns) if dataset.table.column(one).coarse is not None]


def _coarse(values: pd.Series, dataset: Dataset) -> pd.Series:
    rule = dataset.table.column(str(values.name)).coarse
    return values if rule is None else coarsening.coarsened(values, rule)


def _replaced(values: pd.Series, pseudonym: Pseudonym) -> pd.Series:
    known = {value: pseudonym(str(values.name), str(value)) for value in values.dropna().unique()}
    return values.map(known).astype("str")


def _matching(frame: pd.DataFrame, dataset: Dataset, name: str, value: Any) -> pd.Series:
    """Mark the rows whose column equals the value, or one of a list."""
    if name not in frame.columns or name not in dataset.table.names:
        raise _no_such_column(dataset, name)
    if not dataset.is_open and dataset.table.column(name).privacy in PICKING_OUT:
        raise _picks_out(dataset, name)
    asked = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    column = frame[name]
    fitting = [_fitted(one, column, dataset, name) for one in asked]
    return column.isin(fitting).fillna(False).astype(bool)


def _fitted(value: Any, column: pd.Series, dataset: Dataset, name: str) -> Any:
    """Give the value in the column's own type; anything that would silently match nothing is an error."""
    kind = column.dtype.kind if hasattr(column.dtype, "kind") else "O"
    if kind == "M" and isinstance(value, date | datetime | str):
        return _moment(value, column, dataset, name)
    fits = {
        "b": isinstance(value, bool),
        "i": isinstance(value, int) and not isinstance(value, bool),
        "f": isinstance(value, int | float) and not isinstance(value, bool),
    }.get(kind, isinstance(value, str) and kind in "OU")
    if not fits:
        raise _wrong_type(dataset, name)
    return value


def _moment(value: Any, column: pd.Series, dataset: Dataset, name: str) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(value)
    except ValueError:
        raise _wrong_type(dataset, name) from None
    zone = column.dt.tz
    if zone is None:
        return moment.tz_localize(None) if moment.tzinfo is None else moment.tz_convert(None)
    return moment.tz_localize(zone) if moment.tzinfo is None else moment.tz_convert(zone)


def _no_such_column(dataset: Dataset, name: str) -> UsageError:
    known = ", ".join(dataset.table.names)
    return UsageError(
        "access.row-filter",
        Text(
            de=f"{dataset.id} lässt sich nicht nach {name} auswählen: Diese Spalte gibt es nicht.",
            en=f"{dataset.id} cannot be filtered by {name}: there is no such column.",
        ),
        remedy=Text(de=f"Es gibt: {known}", en=f"There are: {known}"),
    )


def _picks_out(dataset: Dataset, name: str) -> AccessDenied:
    return AccessDenied(
        "access.filter-identifier",
        Text(
            de=f"{dataset.id} lässt sich nicht nach {name} auswählen.",
            en=f"{dataset.id} cannot be filtered by {name}.",
        ),
        why=Text(
            de="Diese Spalte bezeichnet einzelne Personen oder enthält freien Text.",
            en="This column names single persons or holds free text.",
        ),
        remedy=Text(
            de="Wählen Sie nach Merkmalen von Gruppen aus, etwa nach dem Gebiet.",
            en="Filter by what groups have in common, such as the area.",
        ),
    )


def _exact(dataset: Dataset, name: str) -> AccessDenied:
    return AccessDenied(
        "access.filter-coarse",
        Text(
            de=f"{dataset.id} lässt sich nicht nach {name} auswählen.",
            en=f"{dataset.id} cannot be filtered by {name}.",
        ),
        why=Text(
            de="Diese Spalte wird nur vergröbert gelesen; eine Auswahl nach genauen Werten verriete sie.",
            en="This column is read coarsened only; a filter by exact values would tell them.",
        ),
        remedy=Text(
            de="Zählen Sie je Zelle und Zeitraum, und wählen Sie danach aus.",
            en="Count per cell and slot, and select afterwards.",
        ),
    )


def _not_of_purpose(dataset: Dataset, name: str, *, purpose: str, covered: Sequence[str]) -> AccessDenied:
    listed = ", ".join(covered)
    return AccessDenied(
        "access.filter-not-allowed",
        Text(
            de=f"{dataset.id} lässt sich für den Zweck {purpose} nicht nach {name} auswählen.",
            en=f"{dataset.id} cannot be filtered by {name} for the purpose {purpose}.",
        ),
        why=Text(
            de=f"Welche Zeilen kommen, verrät, was in {name} steht; der Zweck umfasst nur: {listed}.",
            en=f"Which rows come tells what {name} holds; the purpose covers only: {listed}.",
        ),
        remedy=Text(
            de=f"Streichen Sie {name} unter rows: oder bei rows=, oder bitten Sie {dataset.owner} "
            f"({dataset.contact_point}), die Spalte unter privacy.purposes aufzunehmen.",
            en=f"Remove {name} under rows: or from rows=, or ask {dataset.owner} "
            f"({dataset.contact_point}) to add the column under privacy.purposes.",
        ),
    )


def _unread_sensitive(dataset: Dataset, name: str) -> AccessDenied:
    return AccessDenied(
        "access.row-filter",
        Text(
            de=f"{dataset.id} lässt sich nicht nach {name} filtern.",
            en=f"{dataset.id} cannot be filtered by {name}.",
        ),
        why=Text(
            de="Die Spalte ist schutzbedürftig und gehört nicht zu denen, die hier gelesen werden.",
            en="The column is sensitive and not among those that are read here.",
        ),
        remedy=Text(
            de=f"Streichen Sie {name} unter rows: oder bei rows=, oder lesen Sie die Spalte mit.",
            en=f"Remove {name} under rows: or from rows=, or read the column too.",
        ),
    )


def _wrong_type(dataset: Dataset, name: str) -> UsageError:
    kind = dataset.table.column(name).type.value
    return UsageError(
        "access.row-filter",
        Text(
            de=f"{dataset.id}: Der Wert, nach dem {name} ausgewählt wird, ist nicht vom Typ {kind}.",
            en=f"{dataset.id}: the value by which {name} is filtered is not of type {kind}.",
        ),
        remedy=Text(
            de="Geben Sie einen Wert dieses Typs an; der Typ eines Parameters steht im Manifest.",
            en="Give a value of this type; a parameter's type stands in the manifest.",
        ),
    )
