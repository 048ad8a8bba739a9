"""Parameters: typed before a kernel starts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import ParameterError
from stadtbuch.model.analysis import Manifest, Parameter
from stadtbuch.runs.parameters import bind, split
from stadtbuch.texts import Text, same

BOROUGHS = {"catalogue:geography.boroughs.borough": ["mitte", "nord"]}


def a_manifest_with(**parameter: Any) -> Manifest:
    """Give a manifest with one parameter ``x``."""
    told = Parameter(**{"type": "text", "label": Text(de="Wert", en="Value"), **parameter})
    return Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters={"x": told})


def bound(value: Any, **parameter: Any) -> Any:
    """Bind one value."""
    return bind(a_manifest_with(**parameter), {"x": value}, choices=BOROUGHS.__getitem__)["x"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("text", "0123", "0123"),
        ("integer", "2025", 2025),
        ("integer", "-3", -3),
        ("number", "1.5", 1.5),
        ("number", "2", 2.0),
        ("number", 3, 3.0),
        ("boolean", "ja", True),
        ("boolean", "False", False),
        ("boolean", True, True),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", date(2025, 12, 31), "2025-12-31"),
    ],
)
def test_values_get_their_type(kind: str, given: Any, expected: Any) -> None:
    """Text from the command line becomes the declared type; zeros of a text stay."""
    value = bound(given, type=kind)

    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "abc"), ("integer", "1.0"), ("integer", "0123"), ("integer", 1.0), ("integer", True),
        ("integer", "9" * 30), ("number", "1,5"), ("number", "nan"), ("number", float("inf")),
        ("number", "1e999"), ("boolean", "1"), ("boolean", 1), ("date", "31.12.2025"), ("date", "2025-02-29"),
        ("date", "20251231"), ("date", datetime(2025, 12, 31)), ("text", 5), ("text", "a\nb"),
        ("text", "x" * 1001),
    ],
)  # fmt: skip
def test_another_type_is_refused(kind: str, given: Any) -> None:
    """A value that would have to be guessed is an error; the message does not repeat it."""
    with pytest.raises(ParameterError) as refused:
        bound(given, type=kind)

    assert (refused.value.code, refused.value.exit_code) == ("parameter.type", 2)
    assert repr(given) not in str(refused.value)


@pytest.mark.parametrize("value", ["mitte", "all"])
def test_a_choice_is_in_the_catalogue_or_extra(value: str) -> None:
    """The catalogue's values and those after ``or`` are allowed."""
    choices = "catalogue:geography.boroughs.borough"

    assert bound(value, type="choice", choices=choices, extra=("all",)) == value


def test_another_choice_is_guessed_or_listed() -> None:
    """A near miss gets a suggestion, everything else the list."""
    told = []
    for value in ("mite", "x"):
        with pytest.raises(ParameterError) as refused:
            bound(value, type="choice", choices=("mitte", "nord"), extra=("all",))
        assert refused.value.code == "parameter.choice"
        told.append(refused.value.problems[0].remedy.de)

    assert told == ["meinten Sie mitte?", "möglich sind: mitte, nord, all"]


def test_a_number_stays_in_its_range() -> None:
    """Bounds belong to the range."""
    assert bound("2000", type="integer", minimum=2000, maximum=2030) == 2000
    with pytest.raises(ParameterError) as refused:
        bound("1999", type="integer", minimum=2000, maximum=2030)
    assert refused.value.problems[0].what.de == "liegt nicht in 2000 … 2030"


def test_all_mistakes_come_at_once() -> None:
    """Unknown and missing parameters are named together."""
    with pytest.raises(ParameterError) as refused:
        bind(a_manifest_with(), {"y": "1"}, choices=BOROUGHS.__getitem__)

    assert [one.code for one in refused.value.problems] == ["parameter.unknown", "parameter.missing"]
    assert "x: fehlt (Wert)" in str(refused.value)


def test_a_default_fills_in() -> None:
    """A parameter with a default need not be given."""
    manifest = a_manifest_with(type="date", default=date(2025, 12, 31))

    assert bind(manifest, {}, choices=BOROUGHS.__getitem__) == {"x": "2025-12-31"}


@given(st.text())
def test_text_is_never_changed(value: str) -> None:
    """A text arrives as it was given or not at all."""
    try:
        assert bound(value) == value
    except ParameterError as refused:
        assert refused.code == "parameter.type"


@pytest.mark.parametrize(("given", "code"), [("year", "parameter.form"), ("1x=2", "parameter.form")])
def test_the_command_line_form_is_checked(given: str, code: str) -> None:
    """Without a sign or with an odd name nothing is guessed."""
    with pytest.raises(ParameterError) as refused:
        split([given])
    assert refused.value.code == code


def test_a_parameter_given_twice_is_refused() -> None:
    """The last one does not win silently."""
    with pytest.raises(ParameterError) as refused:
        split(["x=1", "x=2"])
    assert refused.value.code == "parameter.twice"
