"""``stadtbuch run``: one run of one notebook, kept internal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from stadtbuch import journal
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    answer,
    language,
    narrator,
    open_city,
    said,
)
from stadtbuch.cli.form import ask
from stadtbuch.cli.progress import drawn
from stadtbuch.texts import decimal, place

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.verdict import Finding
    from stadtbuch.runs.execute import Result
    from stadtbuch.session import City

Notebook = Annotated[
    Path,
    typer.Argument(metavar="NOTEBOOK", help=said("Das Notebook.", "The notebook."), show_default=False),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="NAME=VALUE",
        help=said("Ein Parameter; mehrfach möglich.", "A parameter; may be repeated."),
        show_default=False,
    ),
]


def run(
    notebook: Notebook,
    *,
    parameter: ParameterOption = None,
    form: Annotated[
        bool,
        typer.Option(
            "--form",
            help=said(
                "Fragt nach den Parametern, die -p nicht nennt.",
                "Ask for the parameters that -p does not name.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one notebook."""
    opened = open_city(city, now=now, as_role=as_role)
    with journal.noted(opened.state.folder("journal"), command="stadtbuch run", now=opened.now):
        result, findings = perform(opened, notebook, parameter or [], answers=sys.stdin if form else None)
    document = as_document(result, findings, root=opened.settings.root)
    if not result.ok and not as_json:
        raise result.failure()
    answer(document, as_json=as_json, human=lambda console: _tell(console, document, result))
    if not result.ok:
        raise typer.Exit(result.failure().exit_code)


def perform(
    city: City, notebook: Path, given: list[str], *, answers: TextIO | None = None
) -> tuple[Result, list[Finding]]:
    """
    Plan and execute one run.

    Parameters
    ----------
    notebook
        Relative to the current folder, or to the city's.
    given
        ``NAME=VALUE``.
    answers
        Where a person answers what is not given; without it nobody is asked.
    """
    from stadtbuch.reports import registers  # noqa: PLC0415 - start-up time
    from stadtbuch.runs import execute, manifest, parameters, plan  # noqa: PLC0415 - start-up time

    path = notebook if notebook.exists() else city.settings.root / notebook
    analysis = manifest.read(path, root=city.settings.root)
    told: Mapping[str, Any] = parameters.split(given)
    if answers is not None:
        told = ask(city, analysis, told, answers=answers)
    bound = parameters.bind(analysis.manifest, told, choices=city.choices, defaults=analysis.defaults)
    registers.refresh(city)
    request = plan.plan(city, analysis, bound)
    with drawn(narrator()) as progress:
        (result,) = execute.execute([request], progress=progress, city=city)
    return result, manifest.findings(analysis)


def as_document(result: Result, findings: list[Finding], *, root: Path) -> dict[str, Any]:
    """Give the answer as JSON; the folder is relative to the city's."""
    return {
        "key": result.key,
        "status": result.status,
        "seconds": round(result.seconds, 1),
        "folder": result.folder.relative_to(root).as_posix()
        if result.folder.is_relative_to(root)
        else str(result.folder),
        "parameters": result.request.parameters,
        "error": None if result.ok else result.failure().as_dict(language()),
        "findings": [finding.as_dict(language()) for finding in findings],
    }


def _tell(console: Console, document: dict[str, Any], result: Result) -> None:
    seconds = decimal(result.seconds, language())
    if result.status == "ran":
        console.print(said(f"Ausgeführt in {seconds} s.", f"Ran in {seconds} s."), style="bold")
    else:
        console.print(
            said(
                "Nichts zu tun: Daten, Code und Parameter sind dieselben wie beim letzten Lauf.",
                "Nothing to do: data, code and parameters are those of the last run.",
            ),
            style="bold",
        )
    console.print(said(f"Lauf:    {result.key[:16]}", f"Run:     {result.key[:16]}"))
    console.print(said(f"Ordner:  {document['folder']}", f"Folder:  {document['folder']}"))
    console.print(
        said(
            "Das Ergebnis ist intern. Was davon öffentlich werden darf, sagt stadtbuch check.",
            "The result is internal. What of it may become public is told by stadtbuch check.",
        )
    )
    for finding in document["findings"]:
        console.print(
            f"{place(finding['subject'], language())}: {finding['text']} {finding['remedy']}", style="yellow"
        )
