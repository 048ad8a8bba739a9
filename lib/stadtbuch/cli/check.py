"""``stadtbuch check``: what the gate would say about a notebook or a report, before it is handed in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch import journal
from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JobsOption,
    JsonOption,
    NowOption,
    answer,
    language,
    narrator,
    open_city,
    said,
)
from stadtbuch.cli.progress import drawn
from stadtbuch.cli.run import ParameterOption
from stadtbuch.texts import place

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.verdict import Decision


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NOTEBOOK|REPORT",
            help=said("Ein Notebook oder der Name eines Berichts.", "A notebook, or the name of a report."),
            show_default=False,
        ),
    ],
    *,
    parameter: ParameterOption = None,
    jobs: JobsOption = 1,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a notebook or a report."""
    from stadtbuch.reports import trial  # noqa: PLC0415 - start-up time

    opened = open_city(city, now=now, as_role=as_role)
    journaled = journal.noted(opened.state.folder("journal"), command="stadtbuch check", now=opened.now)
    with journaled, drawn(narrator()) as progress:
        if what.endswith(".ipynb"):
            path = Path(what) if Path(what).exists() else opened.settings.root / what
            decision = trial.of_notebook(opened, path, parameter or [], progress=progress)
        else:
            decision = trial.of_report(opened, what, jobs=jobs, progress=progress)
    document = as_document(decision)
    answer(document, as_json=as_json, human=lambda console: _tell(console, document, decision))
    if not decision.allowed:
        raise typer.Exit(3)


def as_document(decision: Decision) -> dict[str, Any]:
    """Give a decision in the shape that CONTRACTS promises for ``check``."""
    spoken = language()
    return {
        "decision": str(decision.outcome),
        "findings": [finding.as_dict(spoken) for finding in decision.findings],
        "reasons": [reason.pick(spoken) for reason in decision.reasons],
    }


def _tell(console: Console, document: dict[str, Any], decision: Decision) -> None:
    """Write the decision for people: what was found, where, which rule, what to do."""
    if decision.allowed:
        console.print(said("Würde zugelassen.", "Would be allowed."), style="bold green")
        for reason in document["reasons"]:
            console.print(reason, soft_wrap=True)
    else:
        console.print(said("Würde abgelehnt.", "Would be refused."), style="bold red")
    for one in document["findings"]:
        console.print(f"\n{one['text']}    {one['rule']}", style="bold", soft_wrap=True)
        console.print(f"{said('Wo:', 'Where:')} {place(one['subject'], language())}", soft_wrap=True)
        console.print(f"{said('Was tun?', 'What to do?')} {one['remedy']}", soft_wrap=True)
