"""Drawing how far runs are: a bar on a terminal, a line per run elsewhere; always on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stadtbuch.cli.context import said

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.runs.execute import Progress

_ENDED = {"ran": ("ausgeführt", "ran"), "failed": ("gescheitert", "failed")}


@contextmanager
def drawn(console: Console) -> Iterator[Callable[[Progress], None]]:
    """
    Give the function to which `execute` tells its progress.

    Parameters
    ----------
    console
        The narrator: stderr. A bar is drawn only on a terminal; unchanged runs are not worth a line.
    """
    if not console.is_terminal:
        yield lambda event: _line(console, event)
        return
    from rich import progress  # noqa: PLC0415 - start-up time

    with progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task(said("Läufe", "Runs"), total=None)
        yield lambda event: _move(bar, task, event)


def _line(console: Console, event: Progress) -> None:
    if event.status in _ENDED:
        console.print(f"[{event.done}/{event.total}] {event.request.name}: {said(*_ENDED[event.status])}")


def _move(bar: Any, task: Any, event: Progress) -> None:
    bar.update(task, completed=event.done, total=event.total, description=event.request.name)
