"""``stadtbuch catalog``: show, search and check what data there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import CityOption, JsonOption, answer, explained, language, open_settings, said
from stadtbuch.errors import Problem
from stadtbuch.model.dataset import AccessClass, Dataset
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.catalog.index import Catalog

app = typer.Typer(add_completion=False)

CLASSES = {
    "open": Text(de="offen", en="open"),
    "shared": Text(de="geteilt", en="shared"),
    "closed": Text(de="geschlossen", en="closed"),
}


def _catalog(settings: Settings) -> Catalog:
    from stadtbuch.catalog import index  # noqa: PLC0415 - start-up time

    return index.load(settings)


def next_step(dataset: Dataset) -> Text:
    """Say what somebody does next who wants to use a dataset."""
    if dataset.is_open:
        return Text(de=f'city.load("{dataset.id}")', en=f'city.load("{dataset.id}")')
    ask = Text(
        de=f"Fragen Sie {dataset.owner} ({dataset.contact_point}).",
        en=f"Ask {dataset.owner} ({dataset.contact_point}).",
    )
    if not dataset.access.grants:
        return ask
    grant = dataset.access.grants[0]
    purpose = grant.purposes[0]
    columns = ", ".join(f'"{name}"' for name in dataset.privacy.purposes.get(purpose, ()))
    line = f'city.load("{dataset.id}", purpose="{purpose}", columns=[{columns}])'
    return Text(
        de=f"Als {grant.role}: {line}. Sonst: {ask.de}",
        en=f"As {grant.role}: {line}. Otherwise: {ask.en}",
    )


def summary(dataset: Dataset, spoken: str) -> dict[str, Any]:
    """Give what a list says about a dataset; where data that are not open lie, it does not say."""
    reason = dataset.access.reason
    withheld = None
    if reason and not dataset.is_open:
        withheld = {
            "kind": reason.kind.value,
            "text": reason.text.pick(spoken),
            "legal_basis": reason.legal_basis,
            "decided_by": reason.decided_by,
            "decided": reason.decided.isoformat(),
            "review": reason.review.isoformat(),
        }
    return {
        "id": dataset.id,
        "title": dataset.title.pick(spoken),
        "class": dataset.access_class.value,
        "domain": dataset.domain,
        "licence": dataset.license,
        "publisher": dataset.publisher,
        "owner": dataset.owner,
        "contact": dataset.contact_point,
        "reason": withheld,
        "next_step": next_step(dataset).pick(spoken),
    }


def details(dataset: Dataset, spoken: str) -> dict[str, Any]:
    """Give everything that may be said about a dataset."""
    whole = _spoken(dataset.model_dump(mode="json", by_alias=True), spoken)
    left_out = {"access"} if dataset.is_open else {"access", "source"}
    rest = {key: value for key, value in whole.items() if key not in left_out}
    grants = [
        {"role": grant.role, "purposes": list(grant.purposes), "until": grant.until.isoformat()}
        for grant in dataset.access.grants
    ]
    return rest | summary(dataset, spoken) | {"grants": grants}


def _spoken(value: Any, spoken: str) -> Any:
    """Replace every pair of German and English wording by the one asked for."""
    if isinstance(value, dict):
        if value.keys() == {"de", "en"} and all(isinstance(one, str) for one in value.values()):
            return value[spoken]
        return {key: _spoken(one, spoken) for key, one in value.items()}
    return [_spoken(one, spoken) for one in value] if isinstance(value, list) else value


def _table(datasets: Iterable[Dataset], console: Console) -> None:
    from rich.table import Table  # noqa: PLC0415 - start-up time

    spoken, shown = language(), list(datasets)
    table = Table(box=None, pad_edge=False)
    for heading in (
        said("Kennung", "Id"),
        said("Titel", "Title"),
        said("Zugang", "Access"),
        said("Lizenz", "Licence"),
    ):
        table.add_column(heading, overflow="fold")
    for one in shown:
        table.add_row(
            one.id, one.title.pick(spoken), CLASSES[one.access_class].pick(spoken), one.license or "–"
        )
    console.print(table)
    plural = said(f"{len(shown)} Datensätze.", f"{len(shown)} datasets.")
    console.print(said("1 Datensatz.", "1 dataset.") if len(shown) == 1 else plural)


@app.command(
    "list",
    help=explained(
        Text(
            de="Zeigt alle Datensätze, auch die zurückgehaltenen.",
            en="Show all datasets, also those withheld.",
        ),
        example="stadtbuch catalog list --class open",
    ),
)
def list_(
    *,
    access: Annotated[
        AccessClass | None,
        typer.Option("--class", help=said("Nur Datensätze dieser Klasse.", "Only datasets of this class.")),
    ] = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the datasets."""
    every = _catalog(open_settings(city)).datasets.values()
    found = [one for one in every if access is None or one.access_class is access]
    _list(found, as_json=as_json)


def _list(found: list[Dataset], *, as_json: bool) -> None:
    document = [summary(one, language()) for one in found]
    answer(document, as_json=as_json, human=lambda console: _table(found, console))


@app.command(
    help=explained(
        Text(de="Sucht in Titeln, Schlagwörtern, Spalten.", en="Search titles, keywords and columns."),
        example="stadtbuch catalog search Einwohner",
    )
)
def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS", help=said("Alle müssen vorkommen.", "All must occur.")),
    ],
    *,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the datasets."""
    found = _catalog(open_settings(city)).search(" ".join(words), language())
    _list(found, as_json=as_json)


@app.command(
    help=explained(
        Text(
            de="Zeigt alles, was über einen Datensatz gesagt werden darf.",
            en="Show everything that may be said about a dataset.",
        ),
        example="stadtbuch catalog show population.residents",
    )
)
def show(
    dataset: Annotated[
        str, typer.Argument(metavar="ID", help=said("Kennung des Datensatzes.", "Id of the dataset."))
    ],
    *,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dataset."""
    found = _catalog(open_settings(city)).get(dataset)
    answer(details(found, language()), as_json=as_json, human=lambda console: _sheet(found, console))


def _sheet(dataset: Dataset, console: Console) -> None:
    """Print a dataset: what it is, who answers for it, its columns, what to do next."""
    from rich.table import Table  # noqa: PLC0415 - start-up time

    spoken = language()
    console.print(f"{dataset.title.pick(spoken)}  ({dataset.id})", style="bold")
    console.print(dataset.description.pick(spoken))
    console.print()
    for label, value in _facts(dataset):
        console.print(f"{label.pick(spoken) + ':':<24}{value}")
    console.print()
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading.pick(spoken))
    for column in dataset.table.fields:
        title = column.title.pick(spoken) + (f" [{column.unit}]" if column.unit else "")
        table.add_row(column.name, column.type.value, column.privacy.value, title)
    console.print(table)


_HEADINGS = (
    Text(de="Spalte", en="Column"),
    Text(de="Typ", en="Type"),
    Text(de="Rolle", en="Role"),
    Text(de="Bedeutung", en="Meaning"),
)


def _facts(dataset: Dataset) -> list[tuple[Text, str]]:
    spoken, reason = language(), dataset.access.reason
    facts: list[tuple[Text, str | None]] = [
        (Text(de="Zugang", en="Access"), CLASSES[dataset.access_class].pick(spoken)),
        (Text(de="Grund", en="Reason"), reason.text.pick(spoken) if reason and not dataset.is_open else None),
        (Text(de="Rechtsgrundlage", en="Legal basis"), reason.legal_basis if reason else None),
        (Text(de="Lizenz", en="Licence"), dataset.license),
        (Text(de="Verantwortlich", en="Owner"), dataset.owner),
        (Text(de="Beauftragt", en="Steward"), dataset.steward),
        (Text(de="Kontakt", en="Contact"), dataset.contact_point),
        (Text(de="Zwecke", en="Purposes"), ", ".join(dataset.privacy.purposes) or None),
        (Text(de="Aufbewahrung", en="Retention"), dataset.lifecycle.retention),
        (Text(de="Vorsicht", en="Beware"), dataset.misuse.pick(spoken)),
        (Text(de="Nächster Schritt", en="Next step"), next_step(dataset).pick(spoken)),
    ]
    return [(label, value) for label, value in facts if value]


@app.command(
    help=explained(
        Text(
            de="Prüft alle Katalogdateien und nennt jeden Fehler; Code 3, wenn es welche gibt.",
            en="Check all catalogue files and name every mistake; exit code 3 if there are any.",
        ),
        example="stadtbuch catalog check --write",
    )
)
def check(
    *,
    write: Annotated[
        bool,
        typer.Option("--write", help=said("Erneuert catalogs/intake.yaml.", "Renew catalogs/intake.yaml.")),
    ] = False,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the catalogue."""
    from stadtbuch.catalog import index, intake_file  # noqa: PLC0415 - start-up time

    settings = open_settings(city)
    datasets, problems = index.collect(settings)
    if not problems:
        catalog = index.Catalog({one.id: one for one in sorted(datasets, key=lambda one: one.id)})
        if write:
            intake_file.write(catalog, settings)
        elif not intake_file.is_current(catalog, settings):
            problems = [intake_file.stale(settings)]
    document = {
        "decision": "refuse" if problems else "allow",
        "findings": [_finding(problem, language()) for problem in problems],
    }
    answer(document, as_json=as_json, human=lambda console: _verdict(problems, len(datasets), console))
    if problems:
        raise typer.Exit(3)


def _finding(problem: Problem, spoken: str) -> dict[str, str]:
    """Give a mistake in the shape of every check's findings."""
    place = (
        problem.file
        + (f":{problem.line}" if problem.line else "")
        + (f" {problem.path}" if problem.path else "")
    )
    return {
        "rule": problem.code,
        "severity": "refuse",
        "subject": place,
        "text": problem.what.pick(spoken),
        "remedy": problem.remedy.pick(spoken) if problem.remedy else "",
    }


def _verdict(problems: list[Problem], number: int, console: Console) -> None:
    for problem in problems:
        console.print(problem.render(language()), soft_wrap=True)
    if problems:
        console.print(said(f"{len(problems)} Fehler.", f"{len(problems)} mistakes."), style="bold red")
    else:
        console.print(
            said(f"Kein Fehler (Datensätze: {number}).", f"No mistakes (datasets: {number})."), style="green"
        )
