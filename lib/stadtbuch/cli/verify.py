"""``stadtbuch verify``: compute editions again, from their own packages, and compare every number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtbuch import scratch
from stadtbuch.cli.context import CityOption, JsonOption, answer, language, narrator, open_city, said
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.session import City
    from stadtbuch.transparency.verdict import Verdict

AT_MOST = 10
STYLES = {
    "identical": "bold green",
    "equal": "bold green",
    "differs": "bold red",
    "cannot-run": "bold yellow",
}


def verify(
    edition: Annotated[
        list[str],
        typer.Argument(
            metavar="EDITION",
            help=said(
                "Kennung, Ordner, Zip oder Adresse einer Ausgabe; auch mehrere.",
                "Id, folder, zip or address of an edition; several are fine.",
            ),
            show_default=False,
        ),
    ],
    *,
    here: Annotated[
        bool,
        typer.Option(
            "--here",
            help=said(
                "Rechnet in der laufenden Umgebung, ohne eine neue zu bauen; das Urteil sagt es dazu.",
                "Compute in the running environment instead of building a fresh one; the verdict says so.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify editions."""
    from stadtbuch.transparency.environments import Environments  # noqa: PLC0415 - start-up time
    from stadtbuch.transparency.verification import Verifier  # noqa: PLC0415 - start-up time

    opened = _city(edition, city)
    with scratch.folder("verify") as folder:
        fresh = None if here else Environments(folder / "environments")
        verifier = Verifier(folder / "editions", city=opened, fresh=fresh)
        verifier.work.mkdir()
        found = [_one(verifier.verify, one) for one in edition]
    documents = [one.as_dict(language()) for one in found]
    told = documents[0] if len(documents) == 1 else documents
    answer(told, as_json=as_json, human=lambda console: _show(console, found))
    codes = [one.exit_code for one in found]
    if any(codes):
        raise typer.Exit(next(code for code in (1, 3) if code in codes))


def _city(targets: list[str], city: Path | None) -> City | None:
    """Open the city where an edition is named by its id; a stranger has none and needs none."""
    from stadtbuch.reports.editions import ID  # noqa: PLC0415 - start-up time

    own = [one for one in targets if ID.fullmatch(one) and not Path(one).exists()]
    return open_city(city) if own else None


def _one(verify: object, target: str) -> Verdict:
    narrator().print(said(f"Rechnet nach: {target}", f"Computing again: {target}"), soft_wrap=True)
    return verify(target)  # type: ignore[operator, no-any-return]


def _show(console: Console, found: list[Verdict]) -> None:
    for one in found:
        _say(console, one)


def _say(console: Console, found: Verdict) -> None:
    """Say the verdict for people: first what came out, then the first difference, then what was not checked."""
    from stadtbuch.transparency.verdict import OUTCOMES, PARTS  # noqa: PLC0415 - start-up time

    spoken = language()
    console.print(
        f"{found.edition}: {OUTCOMES[found.outcome].pick(spoken)}",
        style=STYLES[found.outcome],
        soft_wrap=True,
    )
    if found.why:
        console.print(found.why.pick(spoken), soft_wrap=True)
    for one in found.differences[:AT_MOST]:
        console.print(
            f"  {PARTS[one.part].pick(spoken)}: {one.subject}. {one.text.pick(spoken)}", soft_wrap=True
        )
    more = len(found.differences) - AT_MOST
    if more > 0:
        console.print(said(f"  … und {more} weitere.", f"  … and {more} more."))
    if found.environment:
        label = Text(de="Umgebung", en="Environment").pick(spoken)
        console.print(f"{label}: {found.environment.pick(spoken)}", soft_wrap=True)
    for note in found.notes:
        console.print(note.pick(spoken), soft_wrap=True)
