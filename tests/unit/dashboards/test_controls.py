"""What visitors may choose: what is declared, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.dashboards import controls
from stadtbuch.errors import ReportError
from stadtbuch.model.analysis import Manifest
from stadtbuch.texts import same


def a_manifest(**parameters: Any) -> Manifest:
    """Declare parameters."""
    labelled = {name: {"label": same(name), **one} for name, one in parameters.items()}
    return Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters=labelled)


def declared(*names: str, **parameters: Any) -> tuple[controls.Control, ...]:
    """Read controls from a manifest."""
    return controls.declared(
        a_manifest(**parameters), names or list(parameters), choices=lambda _: ["Mitte", "Süd"]
    )


def test_the_grid_holds_every_combination_in_declared_order() -> None:
    """Two controls give the product of their options; its addresses are slugs."""
    found = declared(
        borough={"type": "choice", "choices": "catalogue:a.b.c", "or": ["all"]},
        year={"type": "integer", "minimum": 2024, "maximum": 2025},
    )
    assert [controls.address(one) for one in controls.grid(found)] == [
        "all.2024",
        "all.2025",
        "mitte.2024",
        "mitte.2025",
        "sued.2024",
        "sued.2025",
    ]
    assert [controls.values(one) for one in controls.grid(found)][-1] == {"borough": "Süd", "year": 2025}


def test_labels_of_the_manifest_win() -> None:
    """A choice is called what the manifest says, in both languages; `all` has a name anyhow."""
    label = {"de": "Werktage", "en": "Working days"}
    found = declared(
        days={"type": "choice", "choices": ["work", "rest"], "or": ["all"], "labels": {"work": label}}
    )
    assert [one.label.en for one in found[0].options] == ["overall", "Working days", "rest"]


@pytest.mark.parametrize(
    "parameter",
    [
        {"type": "text"},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "integer", "minimum": 0},
        {"type": "date"},
        {"type": "choice", "choices": ["Süd", "sued"]},
    ],
)
def test_what_cannot_be_listed_is_refused(parameter: dict[str, Any]) -> None:
    """Every value of a control has a page of its own, so a text or a half-open range is none."""
    with pytest.raises(ReportError) as refusal:
        declared(one=parameter)
    assert refusal.value.code == "dashboard.parameter"


def test_a_parameter_that_is_not_declared_is_refused() -> None:
    """The report cannot offer what the notebook does not know."""
    with pytest.raises(ReportError) as refusal:
        declared("nothing", one={"type": "boolean"})
    assert refusal.value.code == "dashboard.parameter"


def test_a_grid_that_is_too_large_is_refused() -> None:
    """A hundred years for two boroughs are too many pages."""
    with pytest.raises(ReportError) as refusal:
        declared(
            year={"type": "integer", "minimum": 1900, "maximum": 2025},
            place={"type": "choice", "choices": ["a", "b"]},
        )
    assert refusal.value.code == "dashboard.too-large"


def test_records_give_back_the_same_controls() -> None:
    """What the run is told is what was declared."""
    found = declared(year={"type": "integer", "minimum": 1, "maximum": 3, "default": 2})
    assert [controls.Control.from_record(one.to_record()) for one in found] == list(found)
    assert found[0].first.value == 2


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=3), max_size=3))
def test_an_address_gives_a_declared_choice_or_nothing(arguments: dict[str, list[str]]) -> None:
    """Whatever a stranger writes into the address: a declared option of a declared control, or a refusal."""
    found = declared(borough={"type": "choice", "choices": "catalogue:a.b.c", "or": ["all"]})
    chosen = controls.chosen(found, arguments)
    assert chosen is None or chosen["borough"] in found[0].options
    if chosen is not None and arguments:
        assert arguments == {"borough": [chosen["borough"].slug]}
