"""Channels: a file, real mail servers and a real web server on this machine; what fails is an outcome, no error."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from builders.city import TOML
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stadtbuch import settings as city_settings
from stadtbuch.errors import SettingsError
from stadtbuch.notification import channels
from stadtbuch.notification.notices import EVENTS, Notice
from stadtbuch.settings import Settings

NOW = datetime(2026, 1, 16, 6, 0, tzinfo=UTC)
DUE = datetime(2026, 1, 16, 5, 0, tzinfo=UTC)
PASSWORD = "sehr geheim"


def a_notice(**changes: Any) -> Notice:
    """Give a notice about a report that failed."""
    told = {"event": "failed", "report": "area", "occurrence": "area@2026-01-16T05:00Z", "due": DUE,
            "codes": ("source.missing",), "cells": 2}  # fmt: skip
    return Notice(**{**told, **changes})


def settings(root: Path, more: str) -> Settings:
    """Read the settings of a city with a channel."""
    (root / city_settings.FILE).write_text(TOML + more, encoding="utf-8")
    return city_settings.read(root)


def a_secret(root: Path, name: str, content: str, *, mode: int = 0o600) -> None:
    """Write a file that holds a secret."""
    (root / name).write_text(content + "\n", encoding="utf-8")
    (root / name).chmod(mode)


def sent(told: Settings, channel: str, **changes: Any) -> tuple[bool, str]:
    """Send a notice and give what became of it."""
    one = channels.send(a_notice(**changes), channel, settings=told, now=NOW)
    return one.ok, one.error


# ---- file -----------------------------------------------------------------------------------------------


def test_a_file_gets_one_line_per_notice(tmp_path: Path):
    """JSON with both languages; only the owner may read it."""
    told = settings(tmp_path, '[notify]\nfile = "var/notices.jsonl"\n')
    assert [sent(told, "file"), sent(told, "file", event="late")] == [(True, "")] * 2
    first, second = map(json.loads, (tmp_path / "var" / "notices.jsonl").read_text().splitlines())
    assert (first["event"], first["report"], first["codes"]) == ("failed", "area", ["source.missing"])
    assert "Der Bericht konnte nicht gebaut werden." in first["text"]["de"]
    assert "16.01.2026 06:00" in first["text"]["de"]
    assert second["text"]["en"].startswith("late: The report is not there at its deadline.")
    assert (tmp_path / "var" / "notices.jsonl").stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_an_outcome(tmp_path: Path):
    """A folder stands where the file should."""
    (tmp_path / "there").mkdir()
    told = settings(tmp_path, '[notify]\nfile = "there"\n')
    assert sent(told, "file") == (False, "IsADirectoryError")


# ---- mail -----------------------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """Takes letters; may fail."""

    letters: list[Any] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a letter."""
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, letter))
        return self.answer


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        b"stadtbuch",
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


class AnyPort(Controller):
    """A mail server on a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def a_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Run a mail server on this machine, and give its port."""
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a certificate for localhost that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return file


def a_context(authority: Path) -> ssl.SSLContext:
    """Give the server's side of an encrypted line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    return context


def mail_settings(root: Path, port: int, *, security: str, more: str = "", network: str = "") -> Settings:
    """Read settings that send mail to this machine."""
    return settings(
        root,
        f'[notify.mail]\nserver = "localhost"\nport = {port}\nsecurity = "{security}"\n'
        f'sender = "stadtbuch@kleinstadt.example"\nrecipients = ["dienst@kleinstadt.example"]\n{more}\n{network}',
    )


def test_a_mail_says_in_both_languages_what_happened(tmp_path: Path):
    """Subject, what to do, marked as automatic: no holiday answer comes back."""
    mailbox = Mailbox()
    with a_server(mailbox) as port:
        assert sent(mail_settings(tmp_path, port, security="none"), "mail") == (True, "")
    ((sender, recipients, letter),) = mailbox.letters
    assert (sender, recipients) == ("stadtbuch@kleinstadt.example", ["dienst@kleinstadt.example"])
    assert letter["Subject"] == "[Kleinstadt] area: gescheitert"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_content()
    assert text.index("Die letzte Ausgabe bleibt öffentlich.") < text.index("The last edition stays public.")
    assert "Was tun? stadtbuch build area" in text
    assert "source.missing" in text


# aiosmtpd does not know that a line that is encrypted from the start is safe for passwords.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_with_a_password(tmp_path: Path, authority: Path, security: str):
    """Against the city's own authority; the password stands in a file of its own."""
    (tmp_path / "ca.pem").write_bytes(authority.read_bytes())
    a_secret(tmp_path, "mail.password", PASSWORD)
    more = 'user = "stadtbuch"\npassword = {file = "mail.password"}'
    context = a_context(authority)
    line = (
        {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    )
    mailbox = Mailbox()
    login = {"authenticator": _login, "auth_required": True, "auth_require_tls": security == "starttls"}
    with a_server(mailbox, **line, **login) as port:
        network = '[network]\nca_file = "ca.pem"\n'
        good = mail_settings(tmp_path, port, security=security, more=more, network=network)
        assert sent(good, "mail") == (True, "")
        stranger = mail_settings(tmp_path, port, security=security, more=more)
        assert sent(stranger, "mail") == (False, "SSLCertVerificationError")
        a_secret(tmp_path, "mail.password", "falsch")
        assert sent(good, "mail") == (False, "SMTPAuthenticationError")
    assert len(mailbox.letters) == 1


def test_a_server_that_refuses_or_is_not_there_is_an_outcome(tmp_path: Path):
    """Named by the kind of error; what the server said stays with it."""
    mailbox = Mailbox(answer="554 KANARI")
    with a_server(mailbox) as port:
        told = mail_settings(tmp_path, port, security="none")
        assert sent(told, "mail") == (False, "SMTPDataError")
    assert sent(told, "mail") == (False, "ConnectionRefusedError")


# ---- webhook --------------------------------------------------------------------------------------------


@dataclass
class Hook:
    """What a web server was told, and how it answers."""

    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    status: int = 204
    location: str = ""


@contextmanager
def a_hook(hook: Hook) -> Iterator[str]:
    """Run a web server on this machine, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.asked.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hook.asked.append((self.path, dict(self.headers), None))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *told: Any) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_gets_json_and_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The token comes from the environment that the settings name; no proxy of the environment is asked."""
    monkeypatch.setenv("STADT_TOKEN", "abc")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    hook = Hook()
    with a_hook(hook) as address:
        more = f'[notify.webhook]\naddress = "{address}"\ntoken = {{environment = "STADT_TOKEN"}}\n'
        assert sent(settings(tmp_path, more), "webhook") == (True, "")
    ((path, headers, document),) = hook.asked
    assert (path, headers["Authorization"], headers["Content-Type"]) == (
        "/hook",
        "Bearer abc",
        "application/json",
    )
    assert (document["event"], document["city"], document["cells"]) == ("failed", "Kleinstadt", 2)


def test_a_secret_address_comes_from_a_file(tmp_path: Path):
    """Chat systems give addresses that whoever knows them may write to."""
    hook = Hook()
    with a_hook(hook) as address:
        a_secret(tmp_path, "hook", address)
        told = settings(tmp_path, '[notify.webhook]\nsecret_address = {file = "hook"}\n')
        assert sent(told, "webhook") == (True, "")
        a_secret(tmp_path, "hook", "http://chat.example/x")
        assert sent(told, "webhook") == (False, "ValueError")
    assert len(hook.asked) == 1


def test_a_proxy_of_the_settings_is_used(tmp_path: Path):
    """A request for another host arrives at the proxy."""
    hook = Hook()
    with a_hook(hook) as proxy:
        a_secret(tmp_path, "hook", "http://localhost:9/elsewhere")
        more = '[notify.webhook]\nsecret_address = {file = "hook"}\n'
        told = settings(tmp_path, f'{more}[network]\nproxy = "{proxy.removesuffix("/hook")}"\n')
        assert sent(told, "webhook") == (True, "")
    assert hook.asked[0][0] == "http://localhost:9/elsewhere"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_answer_is_an_outcome(tmp_path: Path, status: int):
    """Nobody is followed elsewhere."""
    hook, other = Hook(status=status), Hook()
    with a_hook(hook) as address, a_hook(other) as elsewhere:
        hook.location = elsewhere if status == 302 else ""
        told = settings(tmp_path, f'[notify.webhook]\naddress = "{address}"\n')
        assert sent(told, "webhook") == (False, "HTTPError")
    assert (len(hook.asked), other.asked) == (1, [])


# ---- settings and secrets -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "x"])
def test_a_secret_that_everybody_may_read_or_that_is_empty_is_none(tmp_path: Path, content: str):
    """The notice is not sent, and the outcome names the cause."""
    a_secret(tmp_path, "token", content, mode=0o644)
    hook = Hook()
    with a_hook(hook) as address:
        told = settings(tmp_path, f'[notify.webhook]\naddress = "{address}"\ntoken = {{file = "token"}}\n')
        assert sent(told, "webhook") == (False, "settings.secret")
    assert hook.asked == []


MAIL = '[notify.mail]\nserver = "m.example"\nsender = "a@b.example"\nrecipients = ["c@d.example"]\n'


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ('[notify]\nevents = ["broken"]\n', "notify.events.0"),
        (MAIL + 'password = "geheim"\n', "notify.mail.password"),
        (MAIL + 'user = "x"\n', "notify.mail"),
        (MAIL + 'user = "x"\npassword = {}\n', "notify.mail.password"),
        (MAIL + 'security = "none"\n', "notify.mail"),
        (MAIL.replace("c@d.example", "Erika <c@d.example>"), "notify.mail.recipients.0"),
        (MAIL.replace('"c@d.example"', ""), "notify.mail.recipients"),
        ('[notify.webhook]\naddress = "http://chat.example/x"\n', "notify.webhook"),
        ('[notify.webhook]\n', "notify.webhook"),
        ('[notify.webhook]\naddress = "https://a.example/"\nsecret_address = {file = "x"}\n', "notify.webhook"),
        ('[network]\nproxy = "http://user:geheim@proxy.example:8080"\n', "network.proxy"),
    ],
)  # fmt: skip
def test_settings_that_are_unsafe_or_hold_a_secret_are_refused(tmp_path: Path, more: str, place: str):
    """A password in the settings, an open line to elsewhere, half an account; the message repeats no secret."""
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, more)
    assert place in [one.path for one in refused.value.problems]
    assert "geheim" not in str(refused.value)


def test_without_settings_nobody_is_told(tmp_path: Path):
    """No channel, no surprise."""
    assert channels.channels(settings(tmp_path, "")) == []


@pytest.mark.parametrize("event", EVENTS)
def test_a_notice_holds_names_times_and_codes_only(event: str, tmp_path: Path):
    """Whatever a report computed, and whatever an error said: there is no place for it."""
    told = settings(tmp_path, "")
    document = channels.document(a_notice(event=event), settings=told, now=NOW)
    assert set(document) == {"at", "city", "event", "report", "occurrence", "due", "codes", "cells", "text"}
    assert Notice.from_record(document) == a_notice(event=event)
