"""``stadtbuch backup``, ``restore``, ``upgrade``, ``tidy``: the state, for years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtbuch.cli.context import (
    AsOption,
    CityOption,
    JsonOption,
    NowOption,
    acting,
    answer,
    language,
    narrator,
    open_settings,
    said,
)

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.upkeep.keeper import Keeper
    from stadtbuch.upkeep.restore import Restored


def _keeper(city: Path | None, as_role: str | None, now: str | None, *, opened: bool) -> Keeper:
    """Give somebody who looks after the state; where it is opened, only a state of today's version will do."""
    from stadtbuch.state import State  # noqa: PLC0415 - start-up time
    from stadtbuch.upkeep.keeper import Keeper  # noqa: PLC0415 - start-up time

    settings = open_settings(city)
    keeper = Keeper(settings, *acting(settings, as_role=as_role, now=now))
    if opened:
        State.open(keeper.root)
    return keeper


@contextmanager
def _drawn(de: str, en: str) -> Iterator[Callable[[int, int], None]]:
    """Draw how many files are done, on a terminal only."""
    console = narrator()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    from rich import progress  # noqa: PLC0415 - start-up time

    with progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task(said(de, en), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _size(number: int) -> str:
    from stadtbuch.reports.look import size  # noqa: PLC0415 - start-up time

    return size(number, language())


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET",
            help=said(
                "Ordner der Sicherungen, auf einem anderen Datenträger.",
                "Folder of backups, on another disk.",
            ),
            show_default=False,
        ),
    ],
    *,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            min=1,
            help=said(
                "Danach nur die neuesten N Sicherungen behalten; sonst alle.",
                "Keep the newest N backups only afterwards; else all.",
            ),
            show_default=False,
        ),
    ] = None,
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys",
            help=said(
                "Auch die geheimen Schlüssel; wer die Sicherung hat, hat dann beides.",
                "Also the private keys; whoever has the backup then has both.",
            ),
        ),
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up the state."""
    from stadtbuch.upkeep import backup as backups  # noqa: PLC0415 - start-up time
    from stadtbuch.upkeep.vault import Vault  # noqa: PLC0415 - start-up time

    keeper = _keeper(city, as_role, now, opened=True)
    with _drawn("Sichere", "Backing up") as tell:
        made = backups.make(keeper, target, with_keys=with_keys, tell=tell)
    gone = Vault(target).keep(keep) if keep else []
    document = {**made.as_dict(), "deleted": gone}

    def human(console: Console) -> None:
        console.print(
            said(
                f"Gesichert und geprüft: {document['files']} Dateien, {_size(document['bytes'])}; "
                f"neu geschrieben {_size(document['new_bytes'])}. Sicherung {document['backup']}.",
                f"Backed up and verified: {document['files']} files, {_size(document['bytes'])}; "
                f"newly written {_size(document['new_bytes'])}. Backup {document['backup']}.",
            ),
            style="bold",
            soft_wrap=True,
        )
        if gone:
            console.print(
                said(f"Gelöscht: {', '.join(gone)}.", f"Deleted: {', '.join(gone)}."), soft_wrap=True
            )
        if not with_keys:
            console.print(
                said(
                    "Ohne Schlüssel: Bewahren Sie eine Kopie von var/keys getrennt davon auf.",
                    "Without keys: keep a copy of var/keys in another place.",
                ),
                soft_wrap=True,
            )

    answer(document, as_json=as_json, human=human)


def restore(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help=said("Ordner der Sicherungen.", "Folder of backups."), show_default=False
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            "--backup",
            metavar="NAME",
            help=said("Welche Sicherung; sonst die neueste.", "Which backup; else the newest."),
            show_default=False,
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FOLDER",
            help=said(
                "Ordner mit den Schlüsseln; sonst die des bisherigen Zustands.",
                "Folder with the keys; else those of the state that is replaced.",
            ),
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help=said("Den vorhandenen Zustand ersetzen.", "Replace the state that is there."),
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help=said(
                "Neuester Prüfpunkt, den jemand aufbewahrt: zeigt, ob die Sicherung älter ist.",
                "Newest checkpoint that somebody kept: tells whether the backup is older.",
            ),
            show_default=False,
        ),
    ] = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore the state."""
    from stadtbuch.upkeep import restore as restoring  # noqa: PLC0415 - start-up time

    keeper = _keeper(city, as_role, now, opened=False)
    with _drawn("Stelle her", "Restoring") as tell:
        done = restoring.restore(
            keeper, source, name=name, keys=keys, replace=replace, known=_stands(checkpoint), tell=tell
        )
    answer(done.as_dict(language()), as_json=as_json, human=lambda console: _tell(console, done))


def _stands(file: Path | None) -> list[tuple[int, str]]:
    """Read a checkpoint that was given; the book that could say whose it is comes back only now."""
    if file is None:
        return []
    from stadtbuch.book import checkpoint  # noqa: PLC0415 - start-up time
    from stadtbuch.cli.files import content_of  # noqa: PLC0415 - start-up time

    return [checkpoint.read(content_of(file, "--checkpoint")).checkpoint.stand]


def _tell(console: Console, done: Restored) -> None:
    from stadtbuch.state import VERSION  # noqa: PLC0415 - start-up time

    console.print(
        said(
            f"Hergestellt aus {done.backup}: {done.files} Dateien, {done.entries} Einträge im Buch.",
            f"Restored from {done.backup}: {done.files} files, {done.entries} entries in the book.",
        ),
        style="bold",
    )
    for name, what in done.lost.items():
        console.print(
            f"{said('Schlüssel fehlt', 'Key is missing')}: {name}. {what.pick(language())}", soft_wrap=True
        )
    if done.behind:
        console.print(
            said(
                f"Das Buch ist älter als ein Prüfpunkt: {done.behind.present} statt {done.behind.entries} Einträge. "
                "Bis zu stadtbuch book acknowledge --reason … wird nichts veröffentlicht.",
                f"The book is older than a checkpoint of {done.behind.entries} entries; it has {done.behind.present}. "
                "Until stadtbuch book acknowledge --reason … nothing is published.",
            ),
            style="bold red",
            soft_wrap=True,
        )
    if done.version < VERSION:
        console.print(said("Weiter mit: stadtbuch upgrade", "Go on with: stadtbuch upgrade"))


def upgrade(
    *,
    target: Annotated[
        Path | None,
        typer.Option(
            "--backup",
            metavar="FOLDER",
            help=said(
                "Wohin die Sicherung davor geht; sonst in einen verborgenen Ordner neben dem Zustand.",
                "Where the backup before it goes; else into a hidden folder beside the state.",
            ),
            show_default=False,
        ),
    ] = None,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upgrade the state."""
    from stadtbuch.upkeep import upgrade as upgrading  # noqa: PLC0415 - start-up time

    keeper = _keeper(city, as_role, now, opened=False)
    with _drawn("Sichere zuerst", "Backing up first") as tell:
        done = upgrading.upgrade(keeper, target=target, tell=tell)
    document = {
        "from": done.found,
        "to": done.steps[-1] if done.steps else done.found,
        "steps": list(done.steps),
        "backup": None if done.backup is None else str(done.backup),
    }

    def human(console: Console) -> None:
        if not done.steps:
            console.print(said("Es ist nichts umzustellen.", "There is nothing to convert."))
            return
        console.print(
            said(
                f"Umgestellt von Version {done.found} auf {done.steps[-1]}.",
                f"Converted from version {done.found} to {done.steps[-1]}.",
            ),
            style="bold",
        )
        console.print(
            said(
                f"Die Sicherung davor liegt in {done.backup}; löschen Sie sie, wenn alles stimmt.",
                f"The backup from before is in {done.backup}; delete it when everything is right.",
            ),
            soft_wrap=True,
        )

    answer(document, as_json=as_json, human=human)


LABELS = {
    "runs": ("Läufe", "runs"),
    "failed-runs": ("gescheiterte Läufe", "failed runs"),
    "store": ("Inhalte ohne Verweis", "contents that nothing refers to"),
    "logs": ("alte Zeilen in Protokollen", "logs with old lines"),
    "waiting": ("nie freigegebene Ausgaben", "editions that nobody approved"),
    "actor-keys": ("Schlüssel vergangener Jahre", "keys of past years"),
    "leftovers": ("Reste unterbrochener Befehle", "leftovers of interrupted commands"),
}


def tidy(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=said("Sagt nur, was ginge.", "Only say what would go."))
    ] = False,
    city: CityOption = None,
    as_role: AsOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tidy up the state."""
    from stadtbuch.upkeep import retention  # noqa: PLC0415 - start-up time

    keeper = _keeper(city, as_role, now, opened=True)
    found = retention.due(keeper) if dry_run else retention.tidy(keeper)
    document: dict[str, Any] = retention.as_dict(found, dry_run=dry_run)

    def human(console: Console) -> None:
        for kind, sums in document["kinds"].items():
            if sums["number"]:
                console.print(f"{sums['number']:>6}  {said(*LABELS[kind])} ({_size(sums['bytes'])})")
        total = _size(document["bytes"])
        console.print(
            said(f"Ginge: {total}.", f"Would go: {total}.")
            if dry_run
            else said(f"Entfernt: {total}.", f"Removed: {total}."),
            style="bold",
        )

    answer(document, as_json=as_json, human=human)
