"""``stadtbuch synthetic``: make the data of a city that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stadtbuch.cli.context import (
    CityOption,
    JsonOption,
    answer,
    explained,
    language,
    narrator,
    open_settings,
    said,
)
from stadtbuch.texts import Text, count

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(add_completion=False)


@app.command(
    help=explained(
        Text(
            de="Erzeugt die Daten der erfundenen Stadt; gleicher Startwert, gleiche Daten.",
            en="Make the data of the made-up city; same seed, same data.",
        ),
        example="stadtbuch synthetic make --size small --seed 2026",
    )
)
def make(
    *,
    size: Annotated[
        Literal["mini", "small", "full"],
        typer.Option(
            "--size",
            help=said("3.500, 35.000 oder 350.000 Personen.", "3,500, 35,000 or 350,000 persons."),
        ),
    ] = "small",
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            metavar="N",
            help=said("Startwert der Zufallszahlen.", "Seed of the random numbers."),
        ),
    ] = 2026,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the data."""
    from stadtbuch import synthetic  # noqa: PLC0415 - start-up time: it brings geopandas along

    told = synthetic.make(open_settings(city), size=size, seed=seed, progress=_tell)
    answer(told, as_json=as_json, human=lambda console: _show(console, told))


def _tell(step: str) -> None:
    """Say on stderr what is being made."""
    wording = said("Dateien werden geschrieben …", "Writing files …") if step == "write" else f"{step} …"
    narrator().print(wording, style="dim")


def _show(console: Console, told: dict[str, Any]) -> None:
    if not told["written"]:
        console.print(
            said("Die Daten sind schon da und unverändert.", "The data are there already, unchanged.")
        )
    for dataset, rows in told["tables"].items():
        console.print(f"{count(rows, language()):>10}  {dataset}")
