"""``stadtbuch demo``: the city that does not exist, from its data to its public pages."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stadtbuch.cli import build as building
from stadtbuch.cli.context import (
    CityOption,
    JobsOption,
    JsonOption,
    NowOption,
    answer,
    language,
    narrator,
    open_city,
    open_settings,
    said,
)
from stadtbuch.texts import count

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.session import City

PORT = 8000


def demo(
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
    jobs: JobsOption = 2,
    city: CityOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the demo."""
    from stadtbuch import synthetic  # noqa: PLC0415 - start-up time: it brings geopandas along
    from stadtbuch.reports import values  # noqa: PLC0415 - start-up time

    narrator().print(said("Daten der erfundenen Stadt …", "Data of the made-up city …"), style="dim")
    data = synthetic.make(open_settings(city), size=size, seed=seed)
    opened = open_city(city, now=now)
    values.plant(opened, synthetic.canaries(opened.settings))
    summary = building.perform(opened, [], jobs=jobs)
    document = {"data": data, **building.spoken(summary)}
    document["site"] = facts(opened) | document.get("site", {})
    answer(document, as_json=as_json, human=lambda console: _tell(console, opened, document))
    building.end(summary, as_json=as_json)


def facts(city: City) -> dict[str, Any]:
    """Say what the site holds: pages of reports, datasets, those withheld, and where it begins."""
    from stadtbuch.reports import editions  # noqa: PLC0415 - start-up time

    public = [one for one in editions.history(city.state) if one.public]
    datasets = city.catalog.datasets.values()
    return {
        "reports": len({one.edition.report for one in public}),
        "pages": len({(one.edition.report, one.edition.cell) for one in public}),
        "datasets": len(datasets),
        "withheld": sum(not one.is_open for one in datasets),
        "index": shown(building.site_of(city)),
    }


def shown(path: Path) -> str:
    """Give a path as people type it: relative where that is shorter."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def _tell(console: Console, city: City, document: dict[str, Any]) -> None:
    building.tell(console, document)
    site = document["site"]
    persons = count(document["data"]["tables"].get("population.residents", 0), language())
    console.print()
    console.print(
        said(
            f"{city.settings.city.name}: {_number(site['reports'], 'Bericht', 'Berichte')} auf "
            f"{_number(site['pages'], 'Seite', 'Seiten')}, {_number(site['datasets'], 'Datensatz', 'Datensätze')}, "
            f"davon {site['withheld']} mit Gründen zurückgehalten. "
            f"Alles erfunden ({persons} Zeilen im Register).",
            f"{city.settings.city.name}: {_number(site['reports'], 'report', 'reports')} on "
            f"{_number(site['pages'], 'page', 'pages')}, {_number(site['datasets'], 'dataset', 'datasets')}, "
            f"{site['withheld']} of them withheld with reasons. "
            f"All made up ({persons} rows in the register).",
        ),
        soft_wrap=True,
    )
    folder = shlex.quote(str(Path(site["index"]).parent))
    python = Path(sys.executable).name
    console.print(said("Ansehen:", "To look at it:"), style="bold")
    console.print(f"  {site['index']}", soft_wrap=True)
    console.print(
        said(
            f"  stadtbuch serve --port {PORT}   (Seiten und Dashboards)",
            f"  stadtbuch serve --port {PORT}   (pages and dashboards)",
        ),
        soft_wrap=True,
    )
    console.print(
        said(
            f"  {python} -m http.server {PORT} --directory {folder}   (nur die Seiten)",
            f"  {python} -m http.server {PORT} --directory {folder}   (the pages only)",
        ),
        soft_wrap=True,
    )
    console.print(f"  http://localhost:{PORT}/", soft_wrap=True)


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
