"""Forms: one question per parameter, and no answer that a run would not take."""

from __future__ import annotations

from typing import Any

import pytest

from stadtbuch.errors import ParameterError
from stadtbuch.model.analysis import Manifest, Parameter
from stadtbuch.runs import forms
from stadtbuch.texts import Text, same

BOROUGHS = {"catalogue:geography.boroughs.borough": ["mitte", "nord"]}
LABEL = Text(de="Wert", en="Value")


def a_manifest(**parameters: dict[str, Any]) -> Manifest:
    """Give a manifest with parameters of these types."""
    told = {name: Parameter(**{"label": LABEL, **one}) for name, one in parameters.items()}
    return Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters=told)


def asked(defaults: dict[str, Any] | None = None, **parameter: Any) -> forms.Question:
    """Give the question for one parameter."""
    (one,) = forms.questions(a_manifest(x=parameter), choices=BOROUGHS.__getitem__, defaults=defaults)
    return one


def test_a_choice_lists_its_values_with_labels():
    """Those after `or` first; what has no label is called as it is."""
    one = asked(
        type="choice", choices="catalogue:geography.boroughs.borough", labels={"all": {"de": "alle", "en": "all"}},
        **{"or": ["all"]},
    )  # fmt: skip
    assert one.options == (
        ("all", Text(de="alle", en="all")), ("mitte", same("mitte")), ("nord", same("nord")),
    )  # fmt: skip


def test_a_truth_value_is_yes_or_no():
    """Typed values, with words in both languages."""
    assert asked(type="boolean").options == (
        (True, Text(de="ja", en="yes")),
        (False, Text(de="nein", en="no")),
    )


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"type": "integer"}, "a whole number such as 2025"),
        ({"type": "integer", "minimum": 2000}, "a whole number such as 2025, 2000 …"),
        ({"type": "number", "minimum": 0.5, "maximum": 2}, "a number with a point such as 1.5, 0.5 … 2"),
        ({"type": "date"}, "a day such as 2025-12-31"),
    ],
)
def test_what_is_not_listed_says_what_is_expected(parameter: dict, expected: str):
    """Type and range."""
    assert asked(**parameter).expected.en == expected


def test_the_notebooks_own_default_goes_first_and_a_wrong_one_is_none():
    """As for a run; a default that no run would take is not offered."""
    assert asked(type="integer", default=2024).default == 2024
    assert asked({"x": 2025}, type="integer", default=2024).default == 2025
    assert asked({"x": "abc"}, type="integer", default=2024).default is None
    assert asked(type="choice", choices=["a"], default="b").default is None


def test_an_answer_is_judged_like_any_other_value():
    """Typed, or refused with the same code."""
    told = a_manifest(x={"type": "integer"}, y={"type": "text"})
    assert forms.answered(told, "x", "2025", choices=list) == 2025
    assert forms.answered(told, "y", "0123", choices=list) == "0123"
    with pytest.raises(ParameterError) as refused:
        forms.answered(told, "x", "abc", choices=list)
    assert [one.code for one in refused.value.problems] == ["parameter.type"]
