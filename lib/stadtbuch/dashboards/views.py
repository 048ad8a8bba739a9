"""
`sb.dashboard`: one pure function of declared parameters, shown live or written for every choice.

In a build, the same function writes the records of all choices, which the gate judges as it judges a report. Live,
it answers the choice of one visitor. Because both are one function over the same inputs, both show the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from stadtbuch.dashboards import controls
from stadtbuch.dashboards.controls import Choice, Control
from stadtbuch.errors import UsageError
from stadtbuch.reports import outputs
from stadtbuch.reports.outputs import Outputs
from stadtbuch.session import RunCity
from stadtbuch.settings import environment
from stadtbuch.texts import Text

View = Callable[..., None]


@dataclass(frozen=True)
class Shown(Outputs):
    """
    What a view showed, kept in memory: nothing is written and nothing is displayed.

    Attributes
    ----------
    files
        Path below ``outputs/`` -> content, as a run would have written it.
    marks
        Kind and name of every output in its order.
    spoken
        Languages in which pictures are drawn.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    marks: list[tuple[str, str]] = field(default_factory=list)
    spoken: tuple[str, ...] = ("de",)

    @property
    def languages(self) -> tuple[str, ...]:
        """Give the languages in which pictures are drawn: the visitor's."""
        return self.spoken

    def write(self, path: str, data: bytes) -> None:
        """Keep a file."""
        self.files[path] = data

    def claim(self, kind: str, name: str) -> None:
        """Refuse a name that an earlier output of the same kind already has."""
        if f"{kind}/{name}.json" in self.files:
            raise outputs.twice(name)

    def results(self) -> list[dict[str, Any]]:
        """Give the headlines and named results so far."""
        return list(json.loads(self.files.get(outputs.RESULTS, b"[]")))

    def show(self, bundle: Mapping[str, str], *, kind: str, name: str) -> None:
        """Note what was shown."""
        self.marks.append((kind, name))


def prefix(choice: Choice) -> str:
    """
    Give what stands before the names of everything a choice shows.

    Examples
    --------
    >>> prefix({"year": controls.Option(2025, "2025", Text(de="2025", en="2025"))})
    '2025--'
    """
    return f"{controls.address(choice)}--"


def show(view: View, choice: Choice, *, facts: Mapping[str, Any], language: str) -> Shown:
    """Let a view answer a choice in one language and give what it showed."""
    out = Shown(folder=None, facts=facts, prefix=prefix(choice), spoken=(language,))
    with outputs.into(out):
        view(**controls.values(choice))
    return out


def write(view: View, offered: Sequence[Control], *, out: Outputs) -> None:
    """Let a view answer every choice into the outputs of a run."""
    for choice in controls.grid(offered):
        with outputs.into(replace(out, prefix=prefix(choice))):
            view(**controls.values(choice))


def dashboard(view: View) -> Any:
    """
    Offer a view to visitors, with the parameters that the report's ``dashboard:`` names.

    Parameters
    ----------
    view
        A function that takes the parameters by name and shows figures, tables and numbers with `sb.figure`,
        `sb.table`, `sb.headline` and `sb.points`. It reads what was loaded before and changes nothing: it is called
        again for every choice.

    Returns
    -------
    object
        In a live dashboard what the page shows. In a build nothing: every choice is written. In the lab nothing:
        the view is shown once, for the values that the notebook declares.

    Raises
    ------
    UsageError
        ``dashboard.view`` if it is no function.
    """
    if not callable(view):
        raise _no_view()
    run = environment().run
    if run is None:
        view(**_accepted(view, _lab()))
        return None
    facts = RunCity.open(run).facts()
    told = facts.get("dashboard")
    if told is None:
        view(**_accepted(view, facts["parameters"]))
        return None
    offered = [Control.from_record(one) for one in told["controls"]]
    if told["live"]:
        from stadtbuch.dashboards import live  # noqa: PLC0415 - widgets, in live kernels only

        return live.page(view, offered, facts=facts)
    write(view, offered, out=outputs.current())
    return None


def _accepted(view: View, values: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the values that the view takes; a manifest may declare more."""
    return {name: values[name] for name in signature(view).parameters if name in values}


def _lab() -> dict[str, Any]:
    """Give the values of the notebook that is open."""
    from IPython import get_ipython  # noqa: PLC0415 - only inside a notebook

    from stadtbuch.session import City  # noqa: PLC0415 - as above

    shell = get_ipython()  # type: ignore[no-untyped-call]
    opened = [one for one in shell.user_ns.values() if isinstance(one, City)] if shell is not None else []
    return opened[-1].parameters if opened else {}


def _no_view() -> UsageError:
    return UsageError(
        "dashboard.view",
        Text(de="sb.dashboard erwartet eine Funktion.", en="sb.dashboard expects a function."),
        remedy=Text(
            de="Schreiben Sie def view(borough): ... und danach sb.dashboard(view).",
            en="Write def view(borough): ... and then sb.dashboard(view).",
        ),
    )
