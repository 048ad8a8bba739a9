"""``stadtbuch lab``: JupyterLab in this city, and new analyses from templates."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import CityOption, JsonOption, answer, open_settings, said
from stadtbuch.errors import Failed
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console


def lab(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=1,
            max=65535,
            help=said(
                "Der Port; sonst 8888 oder der nächste freie.", "The port; else 8888 or the next free one."
            ),
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser",
            help=said("Öffnet den Browser.", "Open the browser."),
            show_default=False,
        ),
    ] = True,
    new: Annotated[
        str | None,
        typer.Option(
            "--new",
            metavar="NAME",
            help=said(
                "Legt statt dessen eine neue Auswertung an: notebooks/analyses/NAME.ipynb.",
                "Instead begin a new analysis: notebooks/analyses/NAME.ipynb.",
            ),
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--template",
            metavar="TEMPLATE",
            help=said(
                "Vorlage für --new: open-data oder closed-data.",
                "Template for --new: open-data, closed-data.",
            ),
        ),
    ] = "open-data",
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start JupyterLab."""
    found = open_settings(city)
    if new is not None:
        from stadtbuch.runs import drafts  # noqa: PLC0415 - start-up time

        made = drafts.draft(found, new, template=template)
        answer({"notebooks": made}, as_json=as_json, human=lambda console: _tell(console, made))
        return
    require_lab()
    told = {"city": str(found.root), "port": port, "browser": browser, "json": as_json}
    start(told)


def start(told: dict[str, Any]) -> None:
    """Become JupyterLab: this process ends here, so that Ctrl-C and signals reach one place."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "stadtbuch.lab", json.dumps(told)])  # noqa: S606 - no shell


def require_lab() -> None:
    """
    Make sure that JupyterLab is installed.

    Raises
    ------
    Failed
        ``lab.not-installed``.
    """
    if find_spec("jupyterlab") is None:
        raise Failed(
            "lab.not-installed",
            Text(de="JupyterLab ist nicht installiert.", en="JupyterLab is not installed."),
            why=Text(
                de="Für Berichte und Seiten braucht es kein JupyterLab; deshalb kommt es nur auf Wunsch mit.",
                en="Reports and pages do without JupyterLab, so it is installed on request only.",
            ),
            remedy=Text(
                de="Rufen Sie „make lab“ auf, oder: pip install 'stadtbuch[lab]'",
                en="Call \"make lab\", or: pip install 'stadtbuch[lab]'",
            ),
        )


def _tell(console: Console, made: list[str]) -> None:
    console.print(said("Angelegt:", "Made:"), style="bold")
    for path in made:
        console.print(f"  {path}")
    console.print(
        said(
            "Öffnen Sie die Datei in JupyterLab (stadtbuch lab) und füllen Sie aus, was mit TODO beginnt.",
            "Open the file in JupyterLab (stadtbuch lab) and fill in what begins with TODO.",
        )
    )
