"""What became of notices, for machines and for people: ``stadtbuch build`` and ``stadtbuch tick`` say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stadtbuch.cli.context import language, said

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.notification.channels import Sent


def as_document(sent: Iterable[Sent]) -> list[dict[str, Any]]:
    """Give what was told on which channel, and whether it arrived."""
    return [
        {
            "event": one.notice.event,
            "report": one.notice.report,
            "channel": one.channel,
            "ok": one.ok,
            "error": one.error,
        }
        for one in sent
    ]


def tell(console: Console, told: Iterable[Mapping[str, Any]]) -> None:
    """Say who was told, and who could not be."""
    for one in told:
        console.print(_line(one), style="" if one["ok"] else "yellow", soft_wrap=True)


def _line(one: Mapping[str, Any]) -> str:
    from stadtbuch.notification.notices import EVENTS  # noqa: PLC0415 - start-up time

    event = EVENTS[one["event"]].pick(language())
    about = f"{one['report']}: {event} ({one['channel']})"
    if one["ok"]:
        return said(f"Benachrichtigt: {about}", f"Told: {about}")
    return said(
        f"Nicht benachrichtigt: {about}, {one['error']}; der nächste Takt versucht es wieder.",
        f"Not told: {about}, {one['error']}; the next tick tries again.",
    )
