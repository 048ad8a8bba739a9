"""The executed notebook with the words of today."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stadtbuch.runs import executed


def ran(*before: Any) -> Any:
    """Give an executed notebook: the cell of parameters, what papermill added, one result."""
    tags = {"tags": ["parameters"]}
    added = new_code_cell("year = 2026", id="injected-parameters", metadata={"tags": [executed.INJECTED]})
    shown = new_code_cell("year", id="c", outputs=[new_output("stream", text="2026")], execution_count=3)
    return new_notebook(cells=[*before, new_code_cell("year = 1", id="b", metadata=tags), added, shown])


def source(*cells: Any) -> Any:
    """Give the same notebook as it stands in git, with other cells around its code."""
    first, last = (
        new_code_cell("year = 1", id="b", metadata={"tags": ["parameters"]}),
        new_code_cell("year", id="c"),
    )
    return new_notebook(cells=[*cells[:1], first, *cells[1:2], last, *cells[2:]])


def test_words_come_from_the_source_and_results_from_the_run() -> None:
    """New, moved and removed Markdown; the outputs and papermill's cell stay where the code is."""
    now = source(new_markdown_cell("Neu"), new_markdown_cell("Mitte"), new_markdown_cell("Ende"))
    woven = executed.with_texts(ran(new_markdown_cell("Alt")), source=now)
    assert [cell.source for cell in woven.cells] == [
        "Neu", "year = 1", "year = 2026", "Mitte", "year", "Ende",
    ]  # fmt: skip
    assert woven.cells[4].outputs[0].text == "2026"


def test_unchanged_words_give_the_same_notebook() -> None:
    """Nothing else is touched, so that the same source gives the same bytes."""
    words = new_markdown_cell("Alt", id="a")
    assert executed.with_texts(ran(words), source=source(words)) == ran(words)


def test_marks_of_a_run_do_not_come_in_with_the_words() -> None:
    """What an executed notebook would not hold either is left out."""
    noisy = new_markdown_cell("Alt", id="a", metadata={"papermill": {"status": "x"}, "tags": []})
    woven = executed.with_texts(ran(), source=source(noisy))
    assert woven.cells[0].metadata == {}


@pytest.mark.parametrize(
    "changed",
    [
        new_notebook(cells=[new_code_cell("year = 1", metadata={"tags": ["parameters"]})]),
        source(new_code_cell("print('x')")),
        new_notebook(cells=[new_code_cell("year = 1"), new_code_cell("year")]),
    ],
    ids=["less code", "more code", "another tag"],
)
def test_other_code_than_was_executed_is_never_shown(changed: Any) -> None:
    """The outputs would stand below code that did not make them."""
    with pytest.raises(ValueError, match="executed"):
        executed.with_texts(ran(), source=changed)
