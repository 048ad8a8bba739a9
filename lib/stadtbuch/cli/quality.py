"""``stadtbuch quality``: how good the data are, measured against what the catalogue demands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.model.measure import Measurement
    from stadtbuch.session import City


def quality(
    dataset: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATASET",
            help=said("Welche Datensätze; ohne Angabe alle.", "Which datasets; else all."),
            show_default=False,
        ),
    ] = None,
    *,
    process: Annotated[
        bool,
        typer.Option(
            "--process",
            help=said(
                "Statt der Daten: wie pünktlich, verlässlich und sparsam die Berichte entstehen.",
                "Instead of the data: how punctually, reliably and sparingly reports are made.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure datasets, or how reports are made."""
    opened = open_city(city, now=now, as_role=as_role)
    if process:
        if dataset:
            raise _not_both()
        _answer_process(opened, as_json=as_json)
        return
    cards = measured(opened, dataset or [])
    document = {"datasets": {name: as_document(card) for name, card in cards.items()}}
    answer(
        document, as_json=as_json, human=lambda console: tell(console, opened, cards, single=bool(dataset))
    )


def _answer_process(city: City, *, as_json: bool) -> None:
    """Give the report about the process; texts of the settings in the language of the process."""
    from stadtbuch.cli import process_report  # noqa: PLC0415 - start-up time
    from stadtbuch.transparency import gathering  # noqa: PLC0415 - start-up time

    told = gathering.report(city) | {"pages": gathering.published(city)}
    source = told["energy"]["source"][language()]
    document = {"process": told | {"energy": told["energy"] | {"source": source}}}
    answer(document, as_json=as_json, human=lambda console: process_report.tell(console, document["process"]))


def _not_both() -> UsageError:
    return UsageError(
        "usage.process",
        Text(
            de="--process handelt nicht von einzelnen Datensätzen.",
            en="--process is not about single datasets.",
        ),
        remedy=Text(
            de="Rufen Sie stadtbuch quality --process ohne Namen auf.",
            en="Call stadtbuch quality --process without names.",
        ),
    )


def measured(city: City, names: Sequence[str]) -> dict[str, tuple[Measurement, ...]]:
    """
    Measure the named datasets, or all: as everybody may know it, whoever asks.

    Raises
    ------
    UsageError
        ``catalog.unknown-dataset``.
    """
    from stadtbuch.reports import registers  # noqa: PLC0415 - start-up time
    from stadtbuch.session import measuring  # noqa: PLC0415 - start-up time

    wanted = [city.dataset(name).id for name in names] or sorted(city.catalog.datasets)
    narrator().print(said("Die Quellen werden gemessen …", "Measuring the sources …"), style="dim")
    uses = list(registers.find_uses(city))
    readers = registers.readers(uses)
    return {name: measuring.public(city, name, reports=readers.get(name, 0)).measurements for name in wanted}


def as_document(card: Iterable[Measurement]) -> dict[str, Any]:
    """Give a scorecard as JSON: criterion -> value, unit, target, verdict, and why nothing was measured."""
    return {
        one.criterion.value: {
            "value": one.value,
            "unit": one.unit,
            "target": one.target,
            "verdict": one.verdict.value,
            "gap": one.gap.value if one.gap else None,
        }
        for one in card
    }


def tell(console: Console, city: City, cards: Mapping[str, Sequence[Measurement]], *, single: bool) -> None:
    """Print a line per dataset, or a line per criterion for those that were asked for by name."""
    for name, card in cards.items():
        if single:
            console.print(f"{city.dataset(name).title.pick(language())}  ({name})", style="bold")
            console.print(_sheet(card))
        else:
            console.print(f"{name:<40} {_line(card)}", soft_wrap=True)
    if not single:
        console.print(
            said("Mehr zu einem Datensatz: stadtbuch quality ID", "More about one: stadtbuch quality ID"),
            style="dim",
        )


def _sheet(card: Sequence[Measurement]) -> Any:
    """Make a table of all criteria of a dataset."""
    from rich.table import Table  # noqa: PLC0415 - start-up time

    from stadtbuch.quality import words  # noqa: PLC0415 - start-up time

    table = Table(box=None, pad_edge=False, show_header=False)
    for one in card:
        why = words.GAPS[one.gap].pick(language()) if one.gap else words.value(one, language())
        table.add_row(
            words.CRITERIA[one.criterion].pick(language()), words.GRADES[one.verdict].pick(language()), why
        )
    return table


def _line(card: Sequence[Measurement]) -> str:
    """Count the verdicts, and name the criteria that are not good."""
    from stadtbuch.quality import words  # noqa: PLC0415 - start-up time

    verdicts = [one.verdict for one in card]
    told = [f"{verdicts.count(grade)} {word.pick(language())}" for grade, word in words.GRADES.items()]
    troubled = [
        words.CRITERIA[one.criterion].pick(language()) for one in card if one.verdict in ("warning", "bad")
    ]
    return ", ".join(told) + (f" ({', '.join(troubled)})" if troubled else "")
