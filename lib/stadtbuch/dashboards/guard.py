"""
The lock on widgets: of all that a visitor's browser sends, only a declared choice gets through.

A page of widgets lets every visitor set every trait of every widget and make new ones. Here, nothing but the number
of an option of a control that was declared reaches the code; everything else is dropped without a word, because an
answer would be written from the visitor's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import comm
import ipywidgets

Checks = Mapping[str, Callable[[Any], bool]]
STRANGERS = ("jupyter.widget", "jupyter.widget.version")
STATES = "jupyter.widget.control"
"""A page asks here for the state of all widgets; nothing can be set."""

_allowed: dict[str, Checks] = {}
_dropped = [0]


def lock() -> None:
    """
    Put the lock on, before any widget exists: a widget binds its handler when it opens.

    Raises
    ------
    RuntimeError
        If a widget exists already.
    """
    if ipywidgets.Widget.widgets:
        raise RuntimeError("the lock must be on before the first widget")
    ipywidgets.Widget._handle_msg = _handle
    comms = comm.get_comm_manager()  # asked by its module: ipykernel puts its own there
    for target in STRANGERS:  # visitors make no widgets
        comms.targets.pop(target, None)
    comms.register_target(STATES, ipywidgets.Widget.handle_control_comm_opened)


def allow(widget: Any, checks: Checks) -> None:
    """Let these traits of a widget be set, each to values that its check accepts."""
    _allowed[widget.model_id] = dict(checks)


def option(number: int) -> Callable[[Any], bool]:
    """
    Give the check of a choice among a number of options: an exact whole number, no truth value.

    Examples
    --------
    >>> fits = option(3)
    >>> [fits(value) for value in (0, 2, 3, -1, True, 1.0, "1", None)]
    [True, True, False, False, False, False, False, False]
    """
    return lambda value: type(value) is int and 0 <= value < number


def dropped() -> int:
    """Count the messages that were dropped (for tests)."""
    return _dropped[0]


def accepts(model: str, data: Any) -> bool:
    """Tell whether an update of a widget holds nothing but declared traits with allowed values."""
    if not isinstance(data, Mapping) or data.get("method") != "update" or data.get("buffer_paths"):
        return False
    state, checks = data.get("state"), _allowed.get(model, {})
    return (
        isinstance(state, Mapping)
        and bool(state)
        and all(name in checks and checks[name](value) for name, value in state.items())
    )


def _handle(widget: Any, message: Any) -> None:
    """Take a message of the browser for one widget; the place of ``ipywidgets.Widget._handle_msg``."""
    try:
        data = message["content"]["data"]
        if data.get("method") == "request_state":
            widget.send_state()
        elif accepts(widget.model_id, data):
            widget.set_state(dict(data["state"]))
        else:
            _dropped[0] += 1
    except Exception:  # noqa: BLE001 - no word of a visitor may get into a log or an answer
        _dropped[0] += 1
