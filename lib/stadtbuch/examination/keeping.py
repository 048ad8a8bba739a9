"""What the city does so that it can still rely on its state in years: seal, checkpoints elsewhere, backups, tidying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from shlex import quote

from stadtbuch.actors import VISITOR
from stadtbuch.book import standing
from stadtbuch.book.seal import Seal, SealKey
from stadtbuch.errors import StadtbuchError
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.model.actor import Actor
from stadtbuch.model.entry import Entry
from stadtbuch.reports.look import size
from stadtbuch.texts import Text
from stadtbuch.upkeep import backup, retention
from stadtbuch.upkeep.keeper import Keeper
from stadtbuch.upkeep.upgrade import before_upgrade

BACKUP_AFTER, SEND_AFTER = timedelta(days=8), timedelta(days=92)
"""After what time a newer backup, or another checkpoint in somebody else's hands, is worth a hint."""


def _keys(scene: Scene) -> list[SealKey]:
    """Give the keys of the book; none where it cannot be read: the check of the book says so."""
    try:
        return _seal(scene).history() if scene.has_state else []
    except StadtbuchError:
        return []


def _seal(scene: Scene) -> Seal:
    return Seal.of(scene.book, scene.state, scene.settings)


def _entries(scene: Scene, kind: str | None = None) -> Iterator[Entry]:
    """Give entries of the book; none where it cannot be read."""
    try:
        yield from scene.book.entries(kind=kind) if scene.has_state else ()
    except StadtbuchError:
        return


def seal(scene: Scene) -> Iterable[Note]:
    """Look at the key that signs the book: its private half is there, and the one before has signed it."""
    found = _keys(scene)
    for one in found:
        if not one.sound:
            yield problem(
                Text(
                    de=f"Schlüssel {one.number} des Buchs hat der vorige nicht unterschrieben.",
                    en=f"Key {one.number} of the book was not signed by the one before.",
                ),
                Text(
                    de="Klären Sie, wer ihn eingetragen hat; ersetzen Sie ihn.",
                    en="Find out who entered it; replace it.",
                ),
                subject=one.name,
                command="stadtbuch book key rotate",
            )
    if found and not _seal(scene).is_whole():
        yield problem(
            Text(
                de="Der private Teil des Schlüssels, der das Buch unterschreibt, fehlt.",
                en="The private half of the key that signs the book is missing.",
            ),
            Text(
                de="Legen Sie ihn aus Ihrer Ablage zurück, oder ersetzen Sie ihn mit einem Grund.",
                en="Put it back from where you keep it, or replace it and say why.",
            ),
            subject="book",
            why=Text(de="Ohne ihn erscheint keine neue Ausgabe.", en="Without it no new edition appears."),
            command="stadtbuch book key rotate --lost",
        )


def test_key(scene: Scene) -> Iterable[Note]:
    """Refuse a key that was made for a synthetic city: it is no city's own."""
    for one in _keys(scene)[-1:]:
        if one.test:
            yield problem(
                Text(
                    de="Das Buch wird mit einem Schlüssel zum Testen unterschrieben.",
                    en="The book is signed with a key for tests.",
                ),
                Text(de="Legen Sie einen richtigen an.", en="Make a real one."),
                subject=one.name,
                command="stadtbuch book key rotate",
            )


def sent(scene: Scene) -> Iterable[Note]:
    """Look at when a checkpoint last left the machine by a command."""
    if not _keys(scene):
        return
    last = standing.sent(scene.state.root / "checkpoints")
    if last is not None and scene.now - last.at <= SEND_AFTER:
        yield fine(
            f"Letzter verschickter Prüfpunkt: {last.at:%d.%m.%Y}, {last.size} Einträge",
            f"Last checkpoint that was sent: {last.at:%Y-%m-%d}, {last.size} entries",
            days=_days(scene, last.at),
            entries=last.size,
        )
        return
    since = {} if last is None else {"days": _days(scene, last.at)}
    yield hint(
        Text(
            de="Lange wurde kein Prüfpunkt jemandem außerhalb gegeben.",
            en="No checkpoint was given to somebody outside for a long time.",
        ),
        Text(
            de="Schicken Sie einen der Aufsicht oder dem Stadtarchiv.",
            en="Send one to the supervisory body or the city's archive.",
        ),
        subject="book",
        why=Text(
            de="Nur wer einen Prüfpunkt hat, bemerkt ein gekürztes Buch, auch wenn die Seiten fehlen.",
            en="Only who has a checkpoint notices a shortened book, even where the pages are gone.",
        ),
        command="stadtbuch book checkpoint --out checkpoint.txt",
        facts=since,
    )


def backups(scene: Scene) -> Iterable[Note]:
    """Look at the age of the last backup, as the book knows it."""
    left = before_upgrade(scene.state.root)
    if left.exists():
        yield hint(
            Text(
                de="Die Sicherung vor der Umstellung ist noch da.",
                en="The backup from before the upgrade is still there.",
            ),
            Text(de="Löschen Sie sie, wenn alles stimmt.", en="Delete it when everything is right."),
            subject=scene.shown(left),
            why=Text(de="Sie enthält auch die Schlüssel.", en="It holds the keys, too."),
            command=f"rm -r {quote(scene.shown(left))}",
        )
    last = list(_entries(scene, backup.KIND))[-1:]
    if last and scene.now - last[0].at <= BACKUP_AFTER:
        keys = last[0].details.get("with_keys")
        de, en = ("mit Schlüsseln", "with keys") if keys else ("ohne Schlüssel", "without keys")
        yield fine(
            f"Letzte Sicherung: {last[0].at:%d.%m.%Y}, {de}",
            f"Last backup: {last[0].at:%Y-%m-%d}, {en}",
            days=_days(scene, last[0].at),
            bytes=last[0].details.get("bytes"),
        )
    elif next(_entries(scene), None) is not None:
        yield hint(
            Text(de="Es gibt keine Sicherung der letzten Tage.", en="There is no backup of the last days."),
            Text(de="Sichern Sie auf einen anderen Datenträger.", en="Back up to another disk."),
            subject="state",
            command="stadtbuch backup ../backups",
            facts={"days": _days(scene, last[0].at)} if last else {},
        )


def due(scene: Scene) -> Iterable[Note]:
    """Count what has lain longer than the city wants to keep it."""
    if not scene.has_state:
        return
    keeper = Keeper(scene.settings, Actor(login="", role=VISITOR, roles=()), scene.now)
    try:
        found = retention.due(keeper)
    except StadtbuchError:
        return  # the check of the archive says what cannot be read
    total = sum(one.bytes for one in found)
    if not found:
        yield fine("Keine Frist ist vorbei", "No time of retention is over")
        return
    yield hint(
        Text(
            de=f"Fristen sind vorbei: {len(found)} Dinge, {size(total, 'de')}.",
            en=f"Times of retention are over: {len(found)} things, {size(total, 'en')}.",
        ),
        Text(de="Räumen Sie auf.", en="Tidy up."),
        subject="state",
        command="stadtbuch tidy",
        facts={"number": len(found), "bytes": total},
    )


def _days(scene: Scene, at: datetime) -> int:
    return (scene.now - at).days
