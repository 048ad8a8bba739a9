"""``stadtbuch report review``: let a finding of the gate pass that somebody looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    answer,
    explained,
    open_city,
    said,
)
from stadtbuch.cli.reasons import ReasonDeOption, ReasonEnOption, ReasonOption, stated
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

HELP = explained(
    Text(
        de="Hält fest, dass die zuständige Rolle einen Befund angesehen hat und zulässt: Daten schutzbedürftiger "
        "Gruppen, freier Text, oder etwas, das nur wie eine Kennung aussieht. Der Bericht zeigt Rolle, Tag und Grund.",
        en="Record that the role in charge looked at a finding and allows it: data of sensitive groups, free text, or "
        "something that only looks like an identifier. The report shows role, day and reason.",
    ),
    example="stadtbuch report review welfare-by-quarter --rule privacy.sensitive-review "
    '--about social.welfare_quarters --as head-of-social-affairs --reason-de "…" --reason-en "…"',
)


def review(
    report: Annotated[
        str,
        typer.Argument(
            metavar="REPORT", help=said("Name des Berichts.", "Name of the report."), show_default=False
        ),
    ],
    *,
    rule: Annotated[
        str,
        typer.Option(
            "--rule",
            metavar="RULE",
            help=said("Regel des Befunds.", "Rule of the finding."),
            show_default=False,
        ),
    ],
    about: Annotated[
        str,
        typer.Option(
            "--about",
            metavar="SUBJECT",
            help=said(
                "Wovon der Befund handelt, wie stadtbuch check es nennt: ein Datensatz oder eine Stelle.",
                "What the finding is about, as stadtbuch check names it: a dataset or a place.",
            ),
            show_default=False,
        ),
    ],
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help=said(
                "Auch in reports/reviews.yaml schreiben, damit die Überprüfung mit den Berichten mitgeht.",
                "Also write it into reports/reviews.yaml, so that it goes along with the reports.",
            ),
        ),
    ] = False,
    reason: ReasonOption = None,
    reason_de: ReasonDeOption = None,
    reason_en: ReasonEnOption = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a review."""
    from stadtbuch.reports import reviews  # noqa: PLC0415 - start-up time

    why = stated(reason, reason_de, reason_en)
    opened = open_city(city, now=now, as_role=as_role)
    made = reviews.decide(opened, report, rule=rule, about=about, reason=why, record=record)
    document = made.model_dump(mode="json")
    answer(document, as_json=as_json, human=lambda console: _show(console, document))


def _show(console: Console, document: dict[str, Any]) -> None:
    console.print(
        said(
            f"Festgehalten als {document['role']}: {document['rule']}, {document['subject']}.",
            f"Recorded as {document['role']}: {document['rule']}, {document['subject']}.",
        ),
        style="bold",
    )
    console.print(
        said(
            f"Der nächste Bau berücksichtigt es: stadtbuch build {document['report']}",
            f"The next build heeds it: stadtbuch build {document['report']}",
        )
    )
