"""Two locks on what a browser says: shapes in front of the kernel, declared values in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders.serving import message
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1

from stadtbuch.dashboards import guard, traffic

UPDATE = {"comm_id": "a", "data": {"method": "update", "state": {"index": 1}}}
NEEDED = {
    "a choice": ("comm_msg", UPDATE),
    "the state of the page": ("comm_msg", {"comm_id": "a", "data": {"method": "request_states"}}),
    "the state of a widget": ("comm_msg", {"comm_id": "a", "data": {"method": "request_state"}}),
    "opening the page's channel": (
        "comm_open",
        {"comm_id": "a", "target_name": "jupyter.widget.control", "data": {}},
    ),
    "which widgets there are": ("comm_info_request", {"target_name": "jupyter.widget"}),
    "who answers": ("kernel_info_request", {}),
}
REFUSED = {
    "code": ("execute_request", {"code": "1"}),
    "a widget of its own": ("comm_open", {"comm_id": "a", "target_name": "jupyter.widget", "data": {}}),
    "the end": ("shutdown_request", {"restart": False}),
    "a text": ("comm_msg", {"comm_id": "a", "data": {"method": "update", "state": {"index": "1"}}}),
    "a truth value": ("comm_msg", {"comm_id": "a", "data": {"method": "update", "state": {"index": True}}}),
    "another trait": ("comm_msg", {"comm_id": "a", "data": {"method": "update", "state": {"value": 1}}}),
    "a method of its own": ("comm_msg", {"comm_id": "a", "data": {"method": "custom", "content": {}}}),
    "no method": ("comm_msg", {"comm_id": "a", "data": {}}),
    "no data": ("comm_msg", {"comm_id": "a"}),
}


def both(kind: str, content: Any, *, channel: str = "shell") -> list[bool]:
    """Ask for a message in both forms of the protocol."""
    told = message(kind, content, channel=channel)
    parts = [json.dumps(told[name]).encode() for name in ("header", "parent_header", "metadata", "content")]
    binary = bytes(serialize_msg_to_ws_v1(parts, channel))
    return [traffic.fits(json.dumps(told), v1=False), traffic.fits(binary, v1=True)]


@pytest.mark.parametrize("kind", NEEDED)
def test_what_a_page_needs_gets_through(kind: str) -> None:
    """A page can open, ask and choose, in both forms of the protocol."""
    assert both(*NEEDED[kind]) == [True, True]


@pytest.mark.parametrize("kind", REFUSED)
def test_everything_else_is_dropped(kind: str) -> None:
    """Code, new widgets, other traits and other values never reach the kernel."""
    assert both(*REFUSED[kind]) == [False, False]


@pytest.mark.parametrize("channel", ["control", "stdin", "iopub"])
def test_only_one_channel_is_open(channel: str) -> None:
    """Even a harmless message is dropped on another channel."""
    assert both(*NEEDED["a choice"], channel=channel) == [False, False]


def test_a_long_message_is_dropped() -> None:
    """Nothing a page needs is longer than four kilobytes."""
    assert not traffic.fits(
        json.dumps(message("comm_msg", {**UPDATE, "pad": "x" * 5000}, channel="shell")), v1=False
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_the_lock_in_the_kernel_takes_nothing_undeclared(data: Any) -> None:
    """Whatever is sent to a widget without a declared trait: nothing is accepted."""
    assert not guard.accepts("unknown", data)


def test_the_lock_in_the_kernel_takes_declared_options_only() -> None:
    """The number of an option gets through; a number beyond, another trait beside it or a buffer does not."""

    class Field:
        model_id = "field"

    guard.allow(Field(), {"index": guard.option(3)})
    asked = [{"index": 2}, {"index": 3}, {"index": True}, {"index": 1, "options": []}, {}, {"value": 1}]
    assert [guard.accepts("field", {"method": "update", "state": one}) for one in asked] == [True] + [
        False
    ] * 5
    assert not guard.accepts(
        "field", {"method": "update", "state": {"index": 1}, "buffer_paths": [["index"]]}
    )
