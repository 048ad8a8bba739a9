"""
An executed notebook and its words of today.

No code of a notebook sees its Markdown, so a changed sentence needs no new run; but the page, the gate and the
archive must see the sentence that stands there now.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

INJECTED = "injected-parameters"
"""The tag of the cell that papermill adds below the one tagged ``parameters``."""
VOLATILE = ("execution", "papermill")


def with_texts(executed: Any, *, source: Any) -> Any:
    """
    Give an executed notebook with the other cells of its source as it is now.

    Parameters
    ----------
    executed
        What a run left; its code cells, with their outputs, stay as they are.
    source
        The notebook as it stands now. Its code cells are those that were executed: the run key says so.

    Raises
    ------
    ValueError
        If they are not. Nothing is published then.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> code, old, new = v4.new_code_cell("1 + 1"), v4.new_markdown_cell("Alt"), v4.new_markdown_cell("Neu")
    >>> ran, now = v4.new_notebook(cells=[old, code]), v4.new_notebook(cells=[code, new])
    >>> [cell.source for cell in with_texts(ran, source=now).cells]
    ['1 + 1', 'Neu']
    """
    woven = deepcopy(executed)
    ran = [cell for cell in woven.cells if cell.cell_type == "code"]
    woven.cells = list(_woven(ran, source.cells))
    return woven


def _woven(ran: list[Any], now: list[Any]) -> Iterator[Any]:
    """Walk along the source: code as it was executed, everything else as it is written now."""
    at = 0
    for cell in now:
        if cell.cell_type != "code":
            yield _clean(deepcopy(cell))
            continue
        if at >= len(ran) or not _same(ran[at], cell):
            raise ValueError("the code is not the code that was executed")
        yield ran[at]
        at += 1
        while at < len(ran) and INJECTED in ran[at].metadata.get("tags", ()):
            yield ran[at]
            at += 1
    if at < len(ran):
        raise ValueError("more code was executed than there is")


def _same(one: Any, other: Any) -> bool:
    return (one.source, sorted(one.metadata.get("tags", ()))) == (
        other.source,
        sorted(other.metadata.get("tags", ())),
    )


def _clean(cell: Any) -> Any:
    """Take out what an executed notebook does not hold either: marks of a run, an empty list of tags."""
    for name in VOLATILE:
        cell.metadata.pop(name, None)
    if not cell.metadata.get("tags"):
        cell.metadata.pop("tags", None)
    return cell
