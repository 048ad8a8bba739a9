"""``%sb_form``: widgets from the types; variables change only when everything fits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import ipywidgets as widgets
import pytest
from builders.city import Made, a_notebook
from builders.lab import Kernel, kernel_in, marked

from stadtbuch.lab.forms import Form
from stadtbuch.model.analysis import Manifest, Parameter
from stadtbuch.texts import Text, same

PARAMETERS: dict[str, Any] = {
    "borough": {"type": "choice", "choices": ["mitte", "nord"], "or": ["all"], "default": "all",
                "label": Text(de="Stadtbezirk", en="Borough")},
    "year": {"type": "integer", "minimum": 2000, "maximum": 2030, "default": 2025, "label": Text(de="Jahr", en="Year")},
    "share": {"type": "number", "default": 0.5, "label": Text(de="Anteil", en="Share")},
    "until": {"type": "date", "default": "2025-12-31", "label": Text(de="Stichtag", en="Date")},
    "code": {"type": "text", "default": "0123", "label": Text(de="Schlüssel", en="Code")},
    "open": {"type": "boolean", "default": True, "label": Text(de="Nur offene", en="Open only")},
}  # fmt: skip


def a_form(taken: dict[str, Any], *, language: str = "de") -> Form:
    """Give a form over all types."""
    told = {name: Parameter(**one) for name, one in PARAMETERS.items()}
    manifest = Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters=told)
    return Form(manifest, choices=list, start={}, language=language, take=taken.update)


def test_every_type_has_its_widget_and_its_typed_value():
    """Labels in the reader's language; text stays text, a day is what a run gets."""
    taken: dict[str, Any] = {}
    form = a_form(taken)
    assert [type(one) for one in form.fields.values()] == [
        widgets.Dropdown, widgets.Text, widgets.Text, widgets.DatePicker, widgets.Text, widgets.Checkbox,
    ]  # fmt: skip
    assert [one.description for one in a_form({}, language="en").fields.values()][:2] == ["Borough", "Year"]
    assert taken == {
        "borough": "all", "year": 2025, "share": 0.5, "until": "2025-12-31", "code": "0123", "open": True,
    }  # fmt: skip
    form.fields["until"].value = date(2028, 2, 29)
    form.fields["borough"].value = "nord"
    assert (taken["until"], taken["borough"]) == ("2028-02-29", "nord")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("year", "abc", "Jahr: passt nicht"),
        ("year", "1999", "Jahr: liegt nicht in 2000 … 2030"),
        ("year", "2025.5", "Jahr:"),
        ("year", "", "Jahr: fehlt"),
        ("share", "1,5", "Anteil:"),
        ("until", None, "Stichtag: fehlt"),
    ],
)
def test_what_does_not_fit_changes_no_variable(name: str, value: Any, said: str):
    """The form says what is wrong, and the last good values stay."""
    taken: dict[str, Any] = {}
    form = a_form(taken)
    before = dict(taken)
    form.fields[name].value = value
    assert taken == before
    assert form.message.value.startswith(said.split(":")[0])
    form.fields[name].value = {"year": "2024", "share": "0.25", "until": date(2025, 1, 1)}[name]
    assert taken != before


@pytest.fixture(scope="module")
def page(city: Made) -> Iterator[Kernel]:
    """Give a kernel that belongs to a notebook with a parameter."""
    told = {
        "benefit": {"de": "x", "en": "x"}, "risk": "none", "inputs": {"geography.boroughs": {}},
        "parameters": {"borough": {"type": "choice", "choices": "catalogue:geography.boroughs.borough",
                                   "label": {"de": "Stadtbezirk", "en": "Borough"}}},
    }  # fmt: skip
    path = a_notebook(city.root, "1 + 1", manifest=told, parameters='borough = "02"', name="formed")
    with kernel_in(city.root, JPY_SESSION_NAME=str(path)) as one:
        one.run("%load_ext stadtbuch")
        yield one


def test_a_notebook_shows_its_form_and_gets_its_variables(page: Kernel):
    """Choices come from the catalogue; the widget is marked, so that it is not saved."""
    (shown,) = page.run("%sb_form")
    assert "application/vnd.jupyter.widget-view+json" in shown["data"]
    assert marked(shown) == {"kind": "form"}
    (value,) = page.run("borough")
    assert value["data"]["text/plain"] == "'02'"
    page.run(
        "import ipywidgets\n"
        "[one] = [one for one in ipywidgets.Widget.widgets.values() if isinstance(one, ipywidgets.Dropdown)]\n"
        "one.value = '01'"
    )
    (value,) = page.run("borough")
    assert value["data"]["text/plain"] == "'01'"
