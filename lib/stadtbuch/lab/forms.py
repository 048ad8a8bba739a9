"""
``%sb_form``: the parameters of a notebook as widgets; what is chosen is in the notebook's variables, typed.

Every change is judged by `parameters.bind`, as for a run: a value that does not fit changes no variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import ipywidgets as widgets

from stadtbuch.errors import ParameterError
from stadtbuch.model.analysis import Manifest, ParameterType
from stadtbuch.runs import forms, parameters
from stadtbuch.runs.forms import Choices, Question
from stadtbuch.texts import Text

FITS = Text(
    de="Die Variablen des Notebooks haben diese Werte.", en="The notebook's variables have these values."
)
LAYOUT = {"description_width": "16em"}


class Form:
    """
    A form for the parameters of one notebook.

    Attributes
    ----------
    values
        Name -> typed value, as they were last when all of them fitted.
    widget
        What is shown.
    fields
        Name -> the widget of a parameter.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        choices: Choices,
        start: Mapping[str, Any],
        language: str,
        take: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.manifest, self.choices, self.language, self.take = manifest, choices, language, take
        self.values: dict[str, Any] = {}
        asked = forms.questions(manifest, choices=choices, defaults=start)
        self.fields = {one.name: _field(one, language) for one in asked}
        self.message = widgets.Label()
        self.widget = widgets.VBox([*self.fields.values(), self.message])
        for field in self.fields.values():
            field.observe(self._changed, names="value")
        self._changed()

    def _changed(self, _change: object = None) -> None:
        """Judge everything that stands in the form."""
        given = {name: _given(field.value) for name, field in self.fields.items()}
        try:
            bound = parameters.bind(self.manifest, given, choices=self.choices)
        except ParameterError as error:
            self.message.value = "; ".join(self._said(problem) for problem in error.problems)
            return
        self.values = bound
        self.take(bound)
        self.message.value = FITS.pick(self.language)

    def _said(self, problem: Any) -> str:
        label = self.manifest.parameters[problem.path].label.pick(self.language)
        hint = f" ({problem.remedy.pick(self.language)})" if problem.remedy else ""
        return f"{label}: {problem.what.pick(self.language)}{hint}"


def _given(value: Any) -> Any:
    """Take an empty field for no answer."""
    return None if value == "" else value


def _field(one: Question, language: str) -> Any:
    """Make the widget that fits a type; numbers are typed as text, since other fields round and cut silently."""
    told = {"description": one.label.pick(language), "style": LAYOUT, "layout": {"width": "32em"}}
    if one.kind is ParameterType.boolean:
        return widgets.Checkbox(value=bool(one.default), **told)
    if one.options:
        options = [(label.pick(language), value) for value, label in one.options]
        return widgets.Dropdown(options=options, value=one.default, **told)
    if one.kind is ParameterType.date:
        return widgets.DatePicker(value=date.fromisoformat(one.default) if one.default else None, **told)
    shown = "" if one.default is None else str(one.default)
    return widgets.Text(value=shown, placeholder=one.expected.pick(language), continuous_update=False, **told)
