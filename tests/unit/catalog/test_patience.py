"""Patience with sources: a service that is away for a moment is asked again, nothing else is."""

import errno
import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from builders.city import a_city

from stadtbuch.catalog import reading
from stadtbuch.catalog.patience import patiently
from stadtbuch.errors import SourceError


class Flaky(http.server.ThreadingHTTPServer):
    """A service that gives the answers it was told, in their order; None breaks the connection off."""

    answers: list[int | None]


class Answer(http.server.BaseHTTPRequestHandler):
    """Gives the next answer."""

    def do_GET(self) -> None:
        """Answer, or break off."""
        number = self.server.answers.pop(0)
        if number is None:
            self.connection.close()
            return
        self.send_response(number)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"rows")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Flaky]:
    """Give a service on this machine."""
    with Flaky(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def read(service: Flaky) -> bytes:
    """Ask the service, as a reader does."""
    with urllib.request.urlopen(f"http://127.0.0.1:{service.server_port}/") as answer:
        return answer.read()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_service_that_stumbles_is_asked_again(service):
    """503, too many requests, a broken connection: the waits double, and in the end there are rows."""
    service.answers, waits = [503, 429, None, 200], []
    assert patiently(lambda: read(service), retries=3, seconds=0.5, sleep=waits.append) == b"rows"
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("answers", "tries"), [([404], 1), ([500, 500, 500], 3)])
def test_what_does_not_pass_is_told(service, answers, tries):
    """A wrong address at once; a service that stays away after the last try."""
    service.answers, waits = list(answers), []
    with pytest.raises(urllib.error.HTTPError) as caught:
        patiently(lambda: read(service), retries=2, seconds=1, sleep=waits.append)
    caught.value.close()
    assert (len(waits) + 1, service.answers) == (tries, [])


def test_a_network_drive_that_stumbles_is_read_again(tmp_path, monkeypatch):
    """The whole reading begins anew; a file of the wrong form is read once."""
    made = a_city(tmp_path, toml=_patient())
    dataset = made.open().catalog.datasets["geography.boroughs"]
    faults = [OSError(errno.ESTALE, "stale"), OSError(errno.EIO, "away")]
    parse = reading.text_table.parse

    def stumbling(*given: object, **named: object):
        if faults:
            raise faults.pop()
        return parse(*given, **named)

    monkeypatch.setattr(reading.text_table, "parse", stumbling)
    assert len(reading.read(dataset, made.settings)) == 2
    tries: list[int] = []

    def wrong(*_: object, **__: object):
        tries.append(1)
        raise ValueError("no table")

    monkeypatch.setattr(reading.text_table, "parse", wrong)
    with pytest.raises(SourceError):
        reading.read(dataset, made.settings)
    assert tries == [1]


def _patient() -> str:
    """Give the settings of a city that waits for no time."""
    from builders.city import TOML

    return TOML + "[network]\nretries = 2\nretry_seconds = 0\n"
