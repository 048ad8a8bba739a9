"""What a foreign notebook shows: made anew from known fields, or left out."""

import base64
from typing import Any

import pytest

from stadtbuch.submissions import outputs

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ({"output_type": "stream", "name": "stdout", "text": ["a", "b"]}, {"name": "stdout", "text": "ab"}),
        ({"output_type": "stream", "name": "other", "text": "a"}, None),
        ({"output_type": "display_data", "data": {"image/png": PNG}}, {"data": {"image/png": PNG}}),
        ({"output_type": "display_data", "data": {"image/png": "PHN2Zz4="}}, None),
        ({"output_type": "display_data", "data": {"image/svg+xml": "a", "x/y": "z"}}, {"data": {"image/svg+xml": "a"}}),
        ({"output_type": "execute_result", "data": {"text/plain": "\x1b[1ma"}}, {"data": {"text/plain": "a"}}),
        ({"output_type": "execute_result", "data": {"application/javascript": "x"}}, None),
        ({"output_type": "error", "ename": "<b>", "evalue": "v"}, {"ename": "Error", "evalue": "v"}),
        ({"output_type": "update_display_data", "data": {"text/plain": "x"}}, None),
        ("text", None),
    ],
)  # fmt: skip
def test_outputs_are_made_anew(output: Any, kept: dict[str, Any] | None) -> None:
    """Only known kinds with known fields; a picture is one, or it is not there."""
    made = outputs.rebuilt(output)
    assert (made is None) == (kept is None)
    if made is not None and kept is not None:
        assert kept.items() <= made.items()


def test_half_of_a_page_is_none() -> None:
    """A table that is too long is left out whole, with its short form in its place; a long text is cut."""
    output = {
        "output_type": "display_data",
        "data": {"text/html": "<p>" * 100_000, "text/plain": "y" * 300_000},
    }
    made = outputs.rebuilt(output)
    assert made is not None
    assert list(made["data"]) == ["text/plain"]
    assert len(made["data"]["text/plain"]) <= outputs.MAX_TEXT + 2


def test_signs_that_are_none_are_replaced() -> None:
    """Lone surrogates, NUL and the commands of terminals do not reach a file or a page."""
    assert outputs.clean("a\ud800\x00\x1b]0;t\x07b\x1b[2Jc\x7f") == "a?bc"


def test_traceback_is_short_and_plain() -> None:
    """Of an error: its name, its words and a bounded, uncoloured trace."""
    told = {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": ["\x1b[31ma"] * 99 + [3]}
    made = outputs.rebuilt(told)
    assert made == {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": ["a"] * 50}
