"""Reasons that people give for what they do, and that others read: in both languages, or one wording for both."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtbuch.cli.context import said
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text, same

ReasonOption = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help=said("Grund, ein Wortlaut für beide Sprachen.", "Reason, one wording for both languages."),
        show_default=False,
    ),
]
ReasonDeOption = Annotated[
    str | None,
    typer.Option(
        "--reason-de",
        metavar="TEXT",
        help=said("Grund auf Deutsch.", "Reason in German."),
        show_default=False,
    ),
]
ReasonEnOption = Annotated[
    str | None,
    typer.Option(
        "--reason-en",
        metavar="TEXT",
        help=said("Grund auf Englisch.", "Reason in English."),
        show_default=False,
    ),
]


def stated(both: str | None, german: str | None, english: str | None) -> Text:
    """
    Put a reason together from what was given.

    Raises
    ------
    UsageError
        ``usage.no-reason`` if a language has none.

    Examples
    --------
    >>> stated("Diebstahl", None, "Theft").as_dict()
    {'de': 'Diebstahl', 'en': 'Theft'}
    """
    found = [(one or both or "").strip() for one in (german, english)]
    if not all(found):
        raise UsageError(
            "usage.no-reason",
            Text(de="Der Grund fehlt.", en="The reason is missing."),
            why=Text(de="Andere lesen ihn später.", en="Others read it later."),
            remedy=Text(
                de="Schreiben Sie --reason-de „…“ --reason-en “…”, oder --reason mit einem Wortlaut für beide.",
                en="Write --reason-de „…“ --reason-en “…”, or --reason with one wording for both.",
            ),
        )
    return Text(*found) if found[0] != found[1] else same(found[0])
