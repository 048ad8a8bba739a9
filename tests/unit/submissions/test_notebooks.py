"""The gate before anything runs: each kind of mistake its own answer, and only sources come through."""

import json
from collections.abc import Callable

import pytest
from builders.submissions import a_submission, code, shown, text
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import Refused
from stadtbuch.submissions import notebooks

GOOD = a_submission()


def with_cells(*cells) -> bytes:
    """Give a notebook of these cells."""
    return a_submission(*cells)


MISTAKES: dict[str, bytes | Callable[[], bytes]] = {
    "empty": b" \n",
    "too-large": b" " * (notebooks.MAX_BYTES + 1) + b"{}",
    "not-utf8": GOOD.decode().encode("latin-1"),
    "too-deep": b"[" * 65 + b"]" * 65,
    "not-json": GOOD[:-1],
    "duplicate-key": GOOD.replace(b'"nbformat": 4', b'"nbformat": 4, "nbformat": 4'),
    "not-finite": GOOD.replace(b'"nbformat_minor": 5', b'"nbformat_minor": NaN'),
    "huge-number": GOOD.replace(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 5000),
    "not-a-notebook": b'{"cells": []}',
    "notebook-version": a_submission(nbformat=3),
    "not-python": a_submission(metadata={"kernelspec": {"language": "R"}}),
    "too-many-cells": lambda: with_cells(*[code("1")] * 501),
    "too-many-outputs": lambda: with_cells(code("1", outputs=[shown(plain="1")] * 2001)),
    "too-many-attachments": lambda: with_cells(code("1"), *[text("x", attachments={"a": {}})] * 21),
    "broken-cell": with_cells({"cell_type": "video", "source": "x"}),
    "broken-text": GOOD.replace(b"Wie gro", b"\\ud800"),
    "no-code": with_cells(text("# Nur Text"), code("  ")),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_every_mistake_has_its_own_answer(kind: str) -> None:
    """What is wrong is said by a code of its own, with what to do, in both languages."""
    made = MISTAKES[kind]
    with pytest.raises(Refused) as refusal:
        notebooks.read(made if isinstance(made, bytes) else made())
    assert refusal.value.code == f"submission.{kind}"
    assert refusal.value.remedy is not None
    assert refusal.value.what.de != refusal.value.what.en


OTHER_FORMS = {
    "cells is no list": ("not-a-notebook", a_submission(cells={})),
    "true is no version": ("notebook-version", a_submission(nbformat=True)),
    "an infinite float": ("huge-number", GOOD.replace(b'"nbformat_minor": 5', b'"nbformat_minor": 1e999')),
    "a long float": (
        "huge-number",
        GOOD.replace(b'"nbformat_minor": 5', b'"nbformat_minor": 0.' + b"1" * 99),
    ),
    "a cell is a number": ("broken-cell", a_submission(cells=[7])),
    "a source is a number": ("broken-cell", with_cells(code("1") | {"source": [1]})),
    "outputs are a text": ("broken-cell", with_cells(code("1") | {"outputs": "x"})),
    "a NUL in a source": ("broken-text", with_cells(code("a\0b"))),
    "a list": ("not-a-notebook", b"[1, 2]"),
    "a zip": ("not-utf8", b"PK\x03\x04\xff\xfe"),
    "language is a list": ("not-python", a_submission(metadata={"language_info": {"name": ["python"]}})),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_of_the_same_mistakes(form: str) -> None:
    """A mistake is recognised in each of its forms."""
    expected, data = OTHER_FORMS[form]
    with pytest.raises(Refused) as refusal:
        notebooks.read(data)
    assert refusal.value.code == f"submission.{expected}"


def test_only_sources_come_through() -> None:
    """Metadata, ids, raw cells, attachments, outputs and widgets are counted and dropped."""
    data = a_submission(
        text("a", id="evil", attachments={"x.png": {}}),
        {"cell_type": "raw", "source": "roh", "metadata": {}},
        code("1", outputs=[shown(plain="1")], metadata={"tags": ["parameters"]}, evil=True),
        metadata={"widgets": {}, "kernelspec": {"name": "bash", "language": "python"}, "papermill": {}},
    )
    notebook = notebooks.read(data)
    assert notebook.dropped == notebooks.Dropped(raw=1, outputs=1, attachments=1, widgets=True)
    assert notebook.rebuilt() == {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {"id": "cell-1", "cell_type": "markdown", "metadata": {}, "source": "a"},
            {
                "id": "cell-3",
                "cell_type": "code",
                "metadata": {},
                "source": "1",
                "execution_count": None,
                "outputs": [],
            },
        ],
    }


def test_rebuilt_comes_through_again_unchanged() -> None:
    """What was rebuilt once is rebuilt to the same: nothing is lost on the way to the page."""
    once = notebooks.read(GOOD).rebuilt()
    assert notebooks.read(json.dumps(once).encode()).rebuilt() == once


def test_a_rerun_keeps_the_numbers_of_the_sender() -> None:
    """Where a raw cell was dropped, the outputs still belong to the cell that the sender counts."""
    sent = notebooks.read(a_submission({"cell_type": "raw", "source": ""}, code("1"), code("2")))
    back = notebooks.read_executed(json.dumps(sent.rebuilt()).encode())
    assert [cell.number for cell in back.cells] == [2, 3]


def test_a_mark_of_windows_is_no_mistake() -> None:
    """Some editors put a byte order mark in front."""
    assert len(notebooks.read(b"\xef\xbb\xbf" + GOOD).cells) == 2


def test_lines_are_joined() -> None:
    """A source may be a list of lines."""
    assert notebooks.read(with_cells(code("x") | {"source": ["a\n", "b"]})).cells[0].source == "a\nb"


@given(
    st.recursive(st.text('[]{}"\\a', max_size=20), lambda inner: st.lists(inner, max_size=3), max_leaves=20)
)
def test_depth_is_counted_outside_of_texts_only(value: object) -> None:
    """The scan finds the depth that the parser would, brackets in texts do not count."""

    def depth(one: object) -> int:
        return 1 + max(map(depth, one), default=0) if isinstance(one, list) else 0

    written = json.dumps(value)
    assert notebooks.too_deep(written, limit=depth(value)) is False
    assert depth(value) == 0 or notebooks.too_deep(written, limit=depth(value) - 1) is True


@given(st.binary(max_size=200) | st.text('[]{}":,\\ 0123456789cellsnbformat', max_size=200).map(str.encode))
def test_anything_gives_a_notebook_or_a_refusal(data: bytes) -> None:
    """No bytes whatsoever give another error."""
    try:
        notebooks.read(data)
    except Refused as refusal:
        assert refusal.code.startswith("submission.")


@given(st.data())
def test_a_damaged_notebook_gives_a_notebook_or_a_refusal(data: st.DataObject) -> None:
    """Any cut, flip or insertion in a good notebook gives no other error."""
    place = data.draw(st.integers(0, len(GOOD) - 1))
    piece = data.draw(
        st.sampled_from([b"", b"[", b"}", b'"', b"\\", b"null", b"1e9", b"\x00", b"\xff", b'"cells"'])
    )
    width = data.draw(st.integers(0, 12))
    try:
        notebooks.read(GOOD[:place] + piece + GOOD[place + width :])
    except Refused as refusal:
        assert refusal.code.startswith("submission.")
