"""What the web server of ``stadtbuch serve`` adds to the files, and how it answers what is no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import loops
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from stadtbuch import atomic
from stadtbuch.site import server

PAGES = (
    "index.html",
    "404.html",
    "showcase/index.html",
    "showcase/s-1/index.html",
    "datasets/a.b/index.html",
)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """Give a folder with a few pages, and a file beside it that is nobody's business."""
    (tmp_path / "stadtbuch.toml").write_text("closed", encoding="utf-8")
    for name in PAGES:
        path = tmp_path / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"page {name}", encoding="utf-8")
    return tmp_path / "public"


def asked(public: Path, path: str, **headers: str) -> HTTPResponse:
    """Ask the server for one address."""

    async def ask() -> HTTPResponse:
        listening, port = bind_unused_port()
        web = HTTPServer(server.application(public, dashboards="http://127.0.0.1:1/"))
        web.add_socket(listening)
        try:
            address = f"http://127.0.0.1:{port}{path}"
            client = AsyncHTTPClient(force_instance=True)
            return await client.fetch(address, raise_error=False, headers=headers)
        finally:
            web.stop()

    return loops.run(ask())


@pytest.mark.parametrize(
    ("path", "boxed"),
    [
        ("/showcase/s-1/", True),
        ("/showcase/s-1/index.html", True),
        ("/datasets%2f..%2fshowcase/s-1/index.html", True),
        ("/", False),
        ("/datasets/a.b/", False),
    ],
)
def test_what_citizens_sent_in_is_boxed_by_the_browser(public: Path, path: str, boxed: bool) -> None:
    """A second policy comes with everything below showcase/, however its address is written."""
    answer = asked(public, path)
    rules = answer.headers.get_list("Content-Security-Policy")
    assert answer.code == 200
    assert ("sandbox allow-downloads" in rules) is boxed
    assert server.CSP in rules


@pytest.mark.parametrize(
    "path", ["/%00", "/a%00.html", "/" + "x" * 3000, "/..%2fstadtbuch.toml", "/a%2f%00%2f.."]
)
def test_an_address_that_is_no_file_is_an_ordinary_miss(public: Path, path: str) -> None:
    """The city's own page, never an error of the server."""
    answer = asked(public, path)
    assert answer.code in (403, 404)
    assert answer.body == b"page 404.html"


def test_a_page_that_is_exchanged_while_it_is_asked_for_is_whole(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and content are those of one page: of the old one here, because that was there when it was asked for."""
    ask = server.Files.should_return_304

    def exchange(handler: server.Files) -> bool:
        atomic.write(public / "index.html", b"the new page, which is much longer")
        return ask(handler)

    monkeypatch.setattr(server.Files, "should_return_304", exchange)
    answer = asked(public, "/")
    assert (answer.code, answer.body) == (200, b"page index.html")
    assert answer.headers["Content-Length"] == str(len(answer.body))


def test_a_browser_that_knows_the_old_page_gets_the_new_one(public: Path) -> None:
    """Of the same length, in the same second: what a browser kept is compared with what is there now."""
    known = asked(public, "/").headers["Etag"]
    assert asked(public, "/", **{"If-None-Match": known}).code == 304
    atomic.write(public / "index.html", b"PAGE INDEX.HTML")
    answer = asked(public, "/", **{"If-None-Match": known})
    assert (answer.code, answer.body) == (200, b"PAGE INDEX.HTML")


@pytest.mark.parametrize(
    ("part", "code", "body"),
    [("bytes=5-8", 206, b"inde"), ("bytes=-4", 206, b"html"), ("bytes=99-", 416, b"")],
)
def test_a_part_of_a_file_can_be_asked_for(public: Path, part: str, code: int, body: bytes) -> None:
    """As players and download programs do."""
    answer = asked(public, "/index.html", Range=part)
    assert (answer.code, answer.body) == (code, body)
