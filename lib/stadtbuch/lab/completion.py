"""
Completion inside the quotes of ``city.load("...", purpose="...", columns=["..."])``: what the catalogue knows.

The text before the cursor is read by brackets and quotes, not as Python: while somebody types, it is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stadtbuch import settings as city_settings
from stadtbuch.catalog import index
from stadtbuch.catalog.index import Catalog
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.dataset import Dataset
from stadtbuch.session.city import City

ID_CALLS = ("load", "dataset", "get")
"""Functions whose first argument is the id of a dataset."""

_CALL = re.compile(r"(\w+)\s*$")
_KEYWORD = re.compile(r"(?<![\w.])(\w+)\s*=\s*$")
_STRING = re.compile(r"""(["'])([a-z][\w.-]*)\1""")
_PURPOSE = re.compile(r"""\bpurpose\s*=\s*(["'])([\w-]+)\1""")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(slots=True)
class _Open:
    """A bracket that is open at the cursor: which, what stands before it, and where its inside begins."""

    sign: str
    before: str
    at: int


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What is being typed: an argument of a call, in quotes that are still open.

    Parameters
    ----------
    call
        Name of the function.
    argument
        Keyword of the argument; ``"dataset"`` for the first one without a keyword.
    typed
        What stands between the quote and the cursor.
    given
        The text of the call from its bracket to the quote.
    """

    call: str
    argument: str
    typed: str
    given: str = field(default="")

    @property
    def dataset(self) -> str | None:
        """Give the first id that stands in the call."""
        found = _STRING.search(self.given)
        return found[2] if found else None

    @property
    def purpose(self) -> str | None:
        """Give the purpose that stands in the call."""
        found = _PURPOSE.search(self.given)
        return found[2] if found else None


def asked(text: str) -> Asked | None:
    """
    Read what is being typed at the end of a text.

    Examples
    --------
    >>> asked('city.load("popul')
    Asked(call='load', argument='dataset', typed='popul', given='')
    >>> asked('city.load("a.b", columns=["x", "y').argument
    'columns'
    >>> asked('print("popul') is None
    True
    """
    brackets, quote = _scan(text)
    if quote is None or not brackets:
        return None
    call = next((one for one in reversed(brackets) if one.sign == "(" and one.before), None)
    if call is None:
        return None
    given = text[call.at : quote]
    argument = _argument(text, brackets, quote)
    if call.before not in (*ID_CALLS, "protect") or argument is None:
        return None
    return Asked(call=call.before, argument=argument, typed=text[quote + 1 :], given=given)


def _scan(text: str) -> tuple[list[_Open], int | None]:
    """Give the open brackets at the end of a text, and where its open quote stands."""
    brackets: list[_Open] = []
    quote: int | None = None
    at = 0
    while at < len(text):
        sign = text[at]
        if quote is not None:
            at += sign == "\\"
            quote = None if sign == text[quote] or sign == "\n" else quote
        elif sign in "\"'":
            quote = at
        elif sign == "#":
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        elif sign in _CLOSING:
            name = _CALL.search(text[:at])
            brackets.append(_Open(sign, name[1] if name else "", at + 1))
        elif brackets and sign == _CLOSING[brackets[-1].sign]:
            brackets.pop()
        at += 1
    return brackets, quote


def _argument(text: str, brackets: Sequence[_Open], quote: int) -> str | None:
    """Say to which argument a quote belongs: the keyword before it, or before the list that it stands in."""
    inner = brackets[-1]
    if inner.sign == "(":
        before = text[inner.at : quote]
        keyword = _KEYWORD.search(before)
        return keyword[1] if keyword else ("dataset" if not before.strip() else None)
    if len(brackets) < 2 or brackets[-2].sign != "(":
        return None
    keyword = _KEYWORD.search(text[brackets[-2].at : inner.at - 1])
    return keyword[1] if keyword else None


def offers(one: Asked, *, catalog: Catalog, tables: Sequence[str] = ()) -> list[str]:
    """
    Give what could stand in the quotes, in the order of the catalogue.

    Parameters
    ----------
    tables
        Ids of tables that reports released; `city.load` gives them as well.
    """
    found = list(_candidates(one, catalog, tables))
    fitting = [name for name in found if name.startswith(one.typed)]
    return fitting or [name for name in found if one.typed and one.typed in name]


def _candidates(one: Asked, catalog: Catalog, tables: Sequence[str]) -> Iterator[str]:
    if one.argument == "dataset":
        yield from catalog.datasets
        yield from tables if one.call == "load" else ()
        return
    dataset = catalog.datasets.get(one.dataset or "")
    if one.argument == "purpose":
        yield from dataset.privacy.purposes if dataset else _purposes(catalog)
    elif dataset is not None and one.argument in ("columns", "rows"):
        yield from _columns(dataset, one.purpose)


def _purposes(catalog: Catalog) -> list[str]:
    return sorted({name for one in catalog.datasets.values() for name in one.privacy.purposes})


def _columns(dataset: Dataset, purpose: str | None) -> Sequence[str]:
    """Give the columns that the purpose may read; all of them where none is stated."""
    return dataset.privacy.purposes.get(purpose or "", dataset.table.names)


class Completer:
    """
    Answers the kernel's completion requests.

    Parameters
    ----------
    session
        Gives the notebook's last `City`, or nothing as long as there is none.
    """

    def __init__(self, session: Callable[[], City | None]) -> None:
        self.session = session
        self._read: Catalog | None = None

    def __call__(self, context: Any) -> dict[str, Any]:
        """Give completions in the form of IPython's matchers (version 2)."""
        from IPython.core.completer import SimpleCompletion  # noqa: PLC0415 - only inside a notebook

        lines = context.full_text.split("\n")
        before = "\n".join(
            [*lines[: context.cursor_line], lines[context.cursor_line][: context.cursor_position]]
        )
        one = asked(before)
        names = self._names(one) if one else []
        return {
            "completions": [SimpleCompletion(text=name, type="text") for name in names],
            "matched_fragment": one.typed if one else context.token,
            "suppress": bool(names),
            "ordered": True,
        }

    def _names(self, one: Asked) -> list[str]:
        """Look into the catalogue; while somebody types, nothing is worth an error."""
        try:
            session = self.session()
            return offers(one, catalog=self._catalog(session), tables=_released(session))
        except StadtbuchError:
            return []

    def _catalog(self, session: City | None) -> Catalog:
        if session is not None:
            return session.catalog
        if self._read is None:
            self._read = index.load(city_settings.read(city_settings.find(Path.cwd())))
        return self._read


def _released(session: City | None) -> list[str]:
    """Give the ids of tables that reports released."""
    if session is None:
        return []
    folder = session.state.folder("derived")
    return sorted(path.name.removesuffix(".json") for path in folder.glob("*.json"))
