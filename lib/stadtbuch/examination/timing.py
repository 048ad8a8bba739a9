"""What makes reports come on time: schedules that can be met, a timer that ticks, and people who are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from stadtbuch import settings as city_settings
from stadtbuch.errors import SettingsError
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.notification import channels
from stadtbuch.reports import alarms, timetable
from stadtbuch.settings import FILE, Secret
from stadtbuch.texts import Text

SILENT = timedelta(days=3)
"""How long a timer may be quiet: a weekend without power is no defect."""


def schedules(scene: Scene) -> Iterable[Note]:
    """Look for datasets that schedules watch and the catalogue does not have."""
    known = {dataset.id for dataset in scene.datasets}
    planned = {name: one.schedule for name, one in scene.reports.items() if one.schedule is not None}
    for report, one in planned.items():
        for dataset in one.of:
            if dataset not in known:
                yield _unknown(report, dataset, known)
    if planned:
        number = len(planned)
        yield fine(f"Berichte mit Zeitplan: {number}", f"Reports with a schedule: {number}", reports=number)


def _unknown(report: str, dataset: str, known: Iterable[str]) -> Note:
    near = get_close_matches(dataset, list(known), n=1)
    text = Text(
        de=f"{report} wartet auf neue Fassungen von {dataset}; das gibt es nicht.",
        en=f"{report} waits for new versions of {dataset}; there is no such dataset.",
    )
    guess = Text(de=f"Meinten Sie {near[0]}?", en=f"Did you mean {near[0]}?") if near else None
    look = Text(de="Nennen Sie unter schedule.of einen Datensatz des Katalogs.",
                en="Name a dataset of the catalogue under schedule.of.")  # fmt: skip
    return problem(text, guess or look, subject=f"reports/{report}.yaml", command="stadtbuch catalog list")


def timer(scene: Scene) -> Iterable[Note]:
    """Look when the last tick began: reports with a schedule come only if somebody calls it."""
    planned = [name for name, one in scene.reports.items() if one.schedule is not None]
    if not planned or not scene.has_state:
        return
    lock = scene.state.root / f"{timetable.TICK}.lock"
    remedy = Text(
        de="Richten Sie einen Timer ein, der stadtbuch tick aufruft.",
        en="Set up a timer that calls stadtbuch tick.",
    )
    if not lock.exists():
        text = Text(
            de="Berichte haben Zeitpläne, aber es gab noch keinen Takt.",
            en="Reports have schedules, but there has been no tick yet.",
        )
        yield hint(text, remedy, subject="schedule", command="stadtbuch schedule install")
        return
    last = datetime.fromtimestamp(lock.stat().st_mtime, UTC)
    quiet = scene.now - last
    local = last.astimezone(scene.settings.city.zone)
    if quiet > SILENT:
        text = Text(
            de=f"Seit dem {local:%d.%m.%Y %H:%M} gab es keinen Takt.",
            en=f"There has been no tick since {local:%Y-%m-%d %H:%M}.",
        )
        why = Text(de="Was fällig ist, wird nicht gebaut, und niemand wird gewarnt.",
                   en="What is due is not built, and nobody is warned.")  # fmt: skip
        yield problem(
            text, remedy, subject="schedule", why=why, command="stadtbuch schedule install",
            facts={"days": quiet.days},
        )  # fmt: skip
    else:
        yield fine(f"Letzter Takt: {local:%d.%m.%Y %H:%M}", f"Last tick: {local:%Y-%m-%d %H:%M}")


def notify(scene: Scene) -> Iterable[Note]:
    """Look whether secrets can be read and notices arrive."""
    names = channels.channels(scene.settings)
    if not names:
        return
    wrong = list(_secrets(scene))
    yield from wrong
    lost = [one for one in alarms.deliveries(scene.book).values() if not one.ok and one.channel in names]
    if lost:
        number, last = len(lost), lost[-1].channel
        text = Text(
            de=f"Benachrichtigungen kamen nicht an: {number}, zuletzt über {last}.",
            en=f"Notices that did not arrive: {number}, the last one by {last}.",
        )
        remedy = Text(
            de="Prüfen Sie [notify] und [network]; das Buch nennt die Art des Fehlers.",
            en="Check [notify] and [network]; the book tells the kind of error.",
        )
        command = f"stadtbuch book show --kind {alarms.TOLD}"
        yield problem(text, remedy, subject=FILE, command=command, facts={"notices": number})
    if not wrong and not lost:
        listed = ", ".join(names)
        yield fine(f"Benachrichtigung: {listed}", f"Notification: {listed}")


def _secrets(scene: Scene) -> Iterator[Note]:
    """Try to read every secret that notification needs; what it says is not looked at."""
    told = scene.settings.notify
    found: list[Secret | None] = [told.mail.password] if told.mail else []
    found += [told.webhook.token, told.webhook.secret_address] if told.webhook else []
    for secret in found:
        if secret is None:
            continue
        try:
            city_settings.revealed(secret, root=scene.settings.root)
        except SettingsError as error:
            look = Text(de="Prüfen Sie [notify].", en="Check [notify].")
            # A variable that the timer's service sets is not seen by whoever asks the doctor.
            say = problem if secret.file else hint
            yield say(error.what, error.remedy or look, why=error.why, subject=FILE)
