"""Hostile structures: what stands in the file itself, before anything runs; and replies that are not what they seem."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from stadtbuch.errors import Refused
from stadtbuch.runs.box import Answer
from stadtbuch.submissions import notebooks, rerun


def a_cell(source: Any = "1", **more: Any) -> dict[str, Any]:
    """Give a code cell."""
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source, **more}


def a_text(**more: Any) -> dict[str, Any]:
    """Give a Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": "x", **more}


def a_file(*cells: Any, **more: Any) -> bytes:
    """Give a notebook's bytes; what is not asked for is as it should be."""
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells) or [a_cell()], **more}
    return json.dumps(content).encode()


DEEP = 100_000
REFUSED = {
    "deep-lists": b'{"nbformat": 4, "cells": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep-objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep-in-metadata": a_file().replace(b'"metadata": {}', b'"metadata": ' + b'{"a":[' * 500 + b"]}" * 500, 1),
    "deep-open-end": b"[" * 1_900_000,
    "deep-behind-a-quote": b'{"a": "\\"", "b": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "many-cells": a_file(*[a_cell()] * 501),
    "duplicate-key": b'{"nbformat": 4, "nbformat": 4, "metadata": {}, "cells": []}',
    "duplicate-source": a_file().replace(b'"source": "1"', b'"source": "1", "source": "import os"'),
    "nan": a_file(metadata={"a": float("nan")}),
    "infinity": a_file(metadata={"a": float("inf")}),
    "huge-whole-number": a_file().replace(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 1_000_000),
    "huge-exponent": a_file().replace(b'"nbformat_minor": 5', b'"nbformat_minor": 1e999999999'),
    "version-3": a_file(nbformat=3),
    "version-true": a_file(nbformat=True),
    "version-text": a_file(nbformat="4"),
    "utf-16": a_file().decode().encode("utf-16"),
    "utf-7-like": b"+AHsAIgBu-",
    "latin-1": a_file(a_cell("# ä")).replace(b"\\u00e4", b"\xe4"),
    "nul-bytes": b"\x00" * 1000,
    "zip": b"PK\x03\x04" + b"\x00" * 100,
    "pickle": b"\x80\x04\x95",
    "surrogate-in-source": a_file(a_cell("x")).replace(b'"x"', b'"\\ud800"'),
    "nul-in-source": a_file(a_cell("x")).replace(b'"x"', b'"a\\u0000b"'),
    "too-large": a_file(a_cell("x" * 2_100_000)),
    "cells-no-list": a_file(cells={"0": a_cell()}),
    "cell-no-object": a_file("import os"),
    "cell-of-no-kind": a_file(a_cell(cell_type="__class__")),
    "source-no-text": a_file(a_cell({"x": 1})),
    "source-nested": a_file(a_cell([["import os"]])),
    "outputs-no-list": a_file(a_cell(outputs={"a": 1})),
    "other-language": a_file(metadata={"kernelspec": {"name": "bash", "language": "bash"}}),
    "list-on-top": b"[1, 2]",
    "empty": b"   \n",
    "only-text": a_file(a_text()),
    "many-outputs": a_file(a_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": ""}] * 2001)),
    "trailing": a_file() + b"{}",
    "comment": b"// x\n" + a_file(),
    "many-attachments": a_file(a_text(attachments={str(number): {} for number in range(21)}), a_cell()),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_structure_is_refused(name: str) -> None:
    """It is refused with a reason, nothing of it is repeated, and reading it costs a bounded amount of memory."""
    data = REFUSED[name]
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as caught:
            notebooks.read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code.startswith("submission.")
    assert peak < 60_000_000
    assert "import os" not in caught.value.render("de") + caught.value.render("en")


EVIL = {
    "kernelspec": {
        "name": "python3",
        "language": "python",
        "argv": ["sh", "-c", "EVIL"],
        "display_name": "EVIL",
    },
    "papermill": {
        "parameters": {"x = EVIL; y": 1},
        "output_path": "{x.__class__.EVIL}",
        "input_path": "EVIL",
    },
    "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"EVIL": {}}}},
    "language_info": {"name": "python", "version": "EVIL", "pygments_lexer": "EVIL"},
    "__notebook__": "EVIL",
    "stadtbuch": {"inputs": {"EVIL": {}}},
}
TAGS = {"tags": ["parameters", "EVIL"], "papermill": {"status": "EVIL"}, "jupyter": {"source_hidden": "EVIL"}}
TAGGED = a_cell("1", id="../../EVIL", metadata=TAGS)
SHOWN = {"output_type": "display_data", "data": {"text/html": "EVIL"}, "metadata": {}}
KEPT = {
    "metadata": a_file(TAGGED, metadata=EVIL),
    "outputs": a_file(a_cell("1", outputs=[SHOWN])),
    "raw-cell": a_file({"cell_type": "raw", "metadata": {"format": "text/html"}, "source": "<script>EVIL"}, a_cell()),
    "attachment": a_file(a_text(attachments={"a": {"image/svg+xml": "EVIL"}}), a_cell()),
    "execution-count": a_file(a_cell("1", execution_count="EVIL", extra={"EVIL": 1})),
    "top-level": a_file(TAGGED, EVIL="EVIL", orig_nbformat="EVIL"),
    "mark-in-front": b"\xef\xbb\xbf" + a_file(TAGGED),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_only_sources_come_through(name: str) -> None:
    """What hides beside the sources is gone from what runs: metadata, ids, tags, outputs, raw cells, attachments."""
    rebuilt = notebooks.read(KEPT[name]).rebuilt()
    assert "EVIL" not in json.dumps(rebuilt)
    assert {cell["id"] for cell in rebuilt["cells"]} <= {"cell-1", "cell-2"}
    assert all(cell["metadata"] == {} for cell in rebuilt["cells"])


def _replies() -> Iterator[tuple[str, bytes]]:
    whole = {"output_type": "stream", "name": "stdout", "text": "x"}
    error = {"output_type": "error", "ename": "<b>", "evalue": [], "traceback": [[], 3, "\x1b[1m"] * 99}
    for name, content in {
        "list": [],
        "text": "x",
        "null": None,
        "outputs-list": {"outputs": [1]},
        "cell-unknown": {"outputs": {"cell-99": [whole]}},
        "output-number": {"outputs": {"cell-1": [1, None, "x", [], {"output_type": []}]}},
        "fault-text": {"fault": "x", "outputs": {}},
        "fault-cell": {"fault": {"cell": 10**30, "kind": "<script>", "message": {}}},
        "fault-true": {"fault": {"cell": True, "kind": None}},
        "fault-negative": {"fault": {"cell": -1, "kind": "x" * 10**6}},
        "data-list": {"outputs": {"cell-1": [{"output_type": "display_data", "data": [["text/html", "x"]]}]}},
        "name": {"outputs": {"cell-1": [{**whole, "name": "../../etc"}]}},
        "many": {"outputs": {"cell-1": [whole] * 10_000}},
        "traceback": {"outputs": {"cell-1": [error]}},
    }.items():
        yield name, json.dumps(content).encode()
    yield "deep", b'{"outputs":' * 50_000
    yield "not-utf8", b"\xff\xfe{}"
    yield "huge-number", b'{"fault": {"cell": ' + b"9" * 10_000 + b"}}"
    yield (
        "surrogate",
        b'{"outputs": {"cell-1": [{"output_type": "stream", "name": "stdout", "text": "\\ud800"}]}}',
    )
    yield "duplicate", b'{"outputs": {}, "outputs": {"cell-1": "x"}}'
    yield "two-replies", b'{"fault": null, "outputs": {}}{"fault": null}'
    yield "cut-off", b'{"fault": null, "outputs": {"cell-1": ['


@pytest.mark.parametrize(("name", "reply"), list(_replies()), ids=[name for name, _ in _replies()])
def test_reply_is_only_what_it_may_be(name: str, reply: bytes) -> None:
    """Whatever comes out of the box: no exception, known cells, known fields, texts that can be written down."""
    notebook = notebooks.read(a_file(a_cell("1"), a_cell("2")))
    ran = rerun._understood(Answer("replied", reply, 1.0, 0, None, b""), notebook)
    assert set(ran.outputs) <= {"cell-1", "cell-2"}
    shown = json.dumps(
        {"outputs": {key: list(value) for key, value in ran.outputs.items()}}, ensure_ascii=False
    )
    assert len(shown.encode()) < 1_000_000
    assert "\x1b" not in shown
    assert all(len(outputs) <= rerun.MAX_OUTPUTS_OF_A_CELL for outputs in ran.outputs.values())
    if ran.fault is not None:
        assert ran.fault.cell in (None, 1, 2)
        assert "<" not in ran.fault.kind
        assert len(ran.fault.kind) <= 80
