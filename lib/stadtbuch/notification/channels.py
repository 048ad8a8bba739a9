"""
How notices reach people: a file, a mail, a webhook. What goes wrong here stops nothing and is told as an outcome.

Nothing is sent unencrypted beyond this machine, and no proxy is taken from the environment.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from stadtbuch import settings as city_settings
from stadtbuch.errors import SettingsError
from stadtbuch.notification.notices import EVENTS, Notice, body, message
from stadtbuch.settings import Mail, Settings, Webhook
from stadtbuch.texts import Text, instant

SECONDS = 15
"""How long a mail server or a webhook may keep silent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one notice on one channel; `error` names the kind of error, nothing it said."""

    notice: Notice
    channel: str
    ok: bool
    error: str = ""


def channels(settings: Settings) -> list[str]:
    """Give the names of the channels that a city has set up."""
    told = settings.notify
    wanted = {"file": told.file, "mail": told.mail, "webhook": told.webhook}
    return [name for name, there in wanted.items() if there]


def send(notice: Notice, channel: str, *, settings: Settings, now: datetime) -> Sent:
    """
    Send a notice on one channel; never raises what a channel raises.

    Parameters
    ----------
    notice
        What is told.
    channel
        One of `channels`.
    settings
        The city's.
    now
        The moment that the notice bears.
    """
    try:
        _SENDERS[channel](notice, settings, now)
    except Exception as error:  # noqa: BLE001 - whatever a channel raises, the reports go on
        return Sent(notice, channel, ok=False, error=_kind(error))
    return Sent(notice, channel, ok=True)


def _kind(error: Exception) -> str:
    """Name an error by its type, or by our own code: what a server says may hold anything."""
    return error.code if isinstance(error, SettingsError) else type(error).__name__


def _shown(notice: Notice, settings: Settings) -> Text:
    local = notice.due.astimezone(settings.city.zone)
    return Text(de=f"{local:%d.%m.%Y %H:%M}", en=f"{local:%Y-%m-%d %H:%M}")


def document(notice: Notice, *, settings: Settings, now: datetime) -> dict[str, object]:
    """Give a notice as JSON: the same for the file and the webhook."""
    shown = _shown(notice, settings)
    head = EVENTS[notice.event]
    texts = {
        language: f"{head.pick(language)}: {body(notice, language=language, shown=shown.pick(language))}"
        for language in ("de", "en")
    }
    return {"at": instant(now), "city": settings.city.name, **notice.to_record(), "text": texts}


# ---- file -----------------------------------------------------------------------------------------------


def _append(notice: Notice, settings: Settings, now: datetime) -> None:
    """Add one line in one write: two commands at once do not mix their lines."""
    path = settings.root / settings.notify.file
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(document(notice, settings=settings, now=now), ensure_ascii=False) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


# ---- mail -----------------------------------------------------------------------------------------------


def _mail(notice: Notice, settings: Settings, now: datetime) -> None:
    told = settings.notify.mail
    assert told is not None  # `channels` names it only if it is set up
    with _connected(told, settings) as server:
        server.send_message(letter(notice, told, settings=settings, now=now))


def letter(notice: Notice, mail: Mail, *, settings: Settings, now: datetime) -> EmailMessage:
    """Write the mail: plain text, marked as written by a machine, so that no holiday answer comes back."""
    head, text = message(
        notice, city=settings.city.name, shown=_shown(notice, settings), first=settings.city.language
    )
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = head, mail.sender, ", ".join(mail.recipients)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = make_msgid(domain=mail.sender.partition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text)
    return made


@contextmanager
def _connected(mail: Mail, settings: Settings) -> Iterator[smtplib.SMTP]:
    """Connect and log in; a password is never sent over an open line to another machine."""
    named = "stadtbuch.invalid"  # else smtplib asks the name server who we are
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.server, mail.port, local_hostname=named, timeout=SECONDS, context=_trust(settings)
        )
    else:
        server = smtplib.SMTP(mail.server, mail.port, local_hostname=named, timeout=SECONDS)
    try:
        if mail.security == "starttls":
            server.starttls(context=_trust(settings))
        if mail.password is not None:
            server.login(mail.user, city_settings.revealed(mail.password, root=settings.root))
        yield server
        server.quit()
    finally:
        server.close()  # no farewell after a failure: a broken line would let us wait


def _trust(settings: Settings) -> ssl.SSLContext:
    """Trust the system's certificates and those of the city's own authority."""
    context = ssl.create_default_context()
    if settings.network.ca_file:
        context.load_verify_locations(settings.root / settings.network.ca_file)
    return context


# ---- webhook --------------------------------------------------------------------------------------------


class _NoRedirect(HTTPRedirectHandler):
    """A notice goes where the city said, and nowhere else."""

    def redirect_request(self, *told: object) -> None:  # type: ignore[override]
        """Follow nobody."""


def _post(notice: Notice, settings: Settings, now: datetime) -> None:
    told = settings.notify.webhook
    assert told is not None  # `channels` names it only if it is set up
    data = json.dumps(document(notice, settings=settings, now=now), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "stadtbuch"}
    if told.token is not None:
        headers["Authorization"] = f"Bearer {city_settings.revealed(told.token, root=settings.root)}"
    request = Request(_address(told, settings), data=data, headers=headers, method="POST")  # noqa: S310 - checked
    with _opener(settings).open(request, timeout=SECONDS) as answer:
        answer.read(1)


def _address(webhook: Webhook, settings: Settings) -> str:
    if webhook.secret_address is None:
        return webhook.address
    found = city_settings.revealed(webhook.secret_address, root=settings.root)
    if not city_settings.is_safe_address(found):
        raise ValueError("https, or http on this machine")
    return found


def _opener(settings: Settings) -> OpenerDirector:
    proxy = settings.network.proxy
    proxies = {"http": proxy, "https": proxy} if proxy else {}
    return build_opener(ProxyHandler(proxies), HTTPSHandler(context=_trust(settings)), _NoRedirect())


_SENDERS: dict[str, Callable[[Notice, Settings, datetime], None]] = {
    "file": _append, "mail": _mail, "webhook": _post,
}  # fmt: skip


def deliver(notices: Sequence[Notice], *, settings: Settings, now: datetime) -> list[Sent]:
    """Send notices on all channels of a city."""
    return [
        send(notice, channel, settings=settings, now=now)
        for notice in notices
        for channel in channels(settings)
    ]
