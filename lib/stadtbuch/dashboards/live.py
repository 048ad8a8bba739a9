"""
The live page inside a kernel: a field of choice for each parameter, and below them what the view shows.

The kernel belongs to one visitor. What that visitor chose in the address, and the language, stand in ``run.json``,
which the server writes before it hands the kernel over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets

from stadtbuch.dashboards import controls, guard, parts, views
from stadtbuch.dashboards.controls import Choice, Control
from stadtbuch.dashboards.views import View
from stadtbuch.texts import Text

FAILED = Text(
    de="Diese Auswahl lässt sich gerade nicht rechnen. Die festen Seiten zeigen sie.",
    en="This choice cannot be computed at the moment. The fixed pages show it.",
)


def page(view: View, offered: Sequence[Control], *, facts: Mapping[str, Any]) -> Any:
    """
    Make the widgets of a live dashboard.

    Parameters
    ----------
    view
        The dashboard's function.
    offered
        What visitors choose.
    facts
        ``run.json``: ``dashboard`` holds the visitor's ``choice`` (name -> slug), ``language`` and the address of
        the ``site``.
    """
    guard.lock()
    told = facts["dashboard"]
    language = told["language"]
    start = controls.chosen(offered, {name: [slug] for name, slug in told["choice"].items()})
    fields = {one.name: _field(one, (start or controls.start(offered)), language) for one in offered}
    shown = ipywidgets.HTML()

    def now() -> Choice:
        return {one.name: one.options[fields[one.name].index] for one in offered}

    def again(change: Any) -> None:
        shown.value = answer(view, now(), facts=facts, language=language)

    for field in fields.values():
        field.observe(again, "index")
    again(None)
    row = ipywidgets.Box(list(fields.values()))
    row.add_class("dashboard-controls")
    shown.add_class("dashboard-shown")
    whole = ipywidgets.Box([row, shown])
    whole.add_class("dashboard-live")
    return whole


def answer(view: View, choice: Choice, *, facts: Mapping[str, Any], language: str) -> str:
    """Show a choice as HTML; an error becomes one plain sentence, never its own words."""
    told = facts["dashboard"]
    folder = f"{told['site']}dashboards/{told['name']}/{controls.address(choice)}/"
    try:
        shown = views.show(view, choice, facts=facts, language=language)
        html = parts.html(
            shown.marks,
            shown.files,
            language=language,
            href=lambda path: folder + parts.plain(path),
            sources=facts["inputs"],
        )
    except Exception:  # noqa: BLE001 - a stranger reads this page
        html = f'<p class="note warn">{FAILED.pick(language)} <a href="{folder}">{folder}</a></p>'
    return f'<div class="dashboard-view" data-choice="{controls.address(choice)}">{html}</div>'


def _field(control: Control, start: Choice, language: str) -> Any:
    """Make the field of a control: a list to choose from, which has a label and works with the keyboard."""
    names = [one.label.pick(language) for one in control.options]
    at = [one.slug for one in control.options].index(start[control.name].slug)
    field = ipywidgets.Dropdown(
        description=control.label.pick(language),
        options=list(zip(names, range(len(names)), strict=True)),
        index=at,
        style={"description_width": "initial"},
    )
    guard.allow(field, {"index": guard.option(len(names))})
    return field
