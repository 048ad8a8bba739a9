"""Row filters and what is told about an input."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.session.snapshots import fill, parameter_of

VALUES = st.text(max_size=8)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES), VALUES)
def test_a_filter_never_gains_columns(rows: dict[str, Any], value: str) -> None:
    """Filling in parameters takes filters out or puts values in; it adds none."""
    rows = {name: wanted for name, wanted in rows.items() if parameter_of(wanted) is None}

    filled = fill(rows | {"borough": "{borough}"}, values={"borough": value}, extras={"borough": ("all",)})

    assert filled == rows | ({} if value == "all" else {"borough": value})


def test_a_value_that_looks_like_a_parameter_is_not_filled_twice() -> None:
    """A parameter's value is data: braces in it mean nothing."""
    assert fill({"a": "{x}"}, values={"x": "{y}", "y": "secret"}, extras={}) == {"a": "{y}"}
