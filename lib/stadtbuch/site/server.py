"""
The web server of ``stadtbuch serve``: the files of ``public/``, with the headers that a page cannot give itself.

It lists no folder, follows no link out of the folder, shows the city's own page for an address that is not there, and
leads on from "interactive version" to the dashboards' origin. Any other web server serves the same files as well.
"""

from __future__ import annotations

import argparse
import json
import logging
import mimetypes
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from tornado import httpserver, ioloop, web

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "Cache-Control": "no-cache",
    "Server": "stadtbuch",
}
SENT_IN, BOXED = "showcase", "sandbox allow-downloads"
"""Browsers take this rule from a header only; below this folder stands what citizens sent in."""
TYPES = {
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".geojson": "application/geo+json",
    ".parquet": "application/vnd.apache.parquet",
    ".ipynb": "application/x-ipynb+json",
    ".xml": "application/xml",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
SPOKEN = ("text/", "application/json", "application/xml", "application/geo+json", "image/svg+xml")
DOOR = re.compile(r"/dashboards/([a-z0-9-]+)/live/(?:index(\.en)?\.html)?")
QUESTION = re.compile(r"[a-z0-9_]+=[a-z0-9-]*(?:&[a-z0-9_]+=[a-z0-9-]*)*")
PIECE = 1 << 16
MISSING = {"de": "404.html", "en": "404.en.html"}


class Files(web.StaticFileHandler):
    """
    The files of the site.

    While a build exchanges a file, an answer is the old one or the new one: it is opened once, and size, mark and
    content are those of what was opened. Tornado itself asks for the path again and again, and keeps a file's first
    mark (``ETag``) for as long as the server lives.
    """

    file: BinaryIO | None = None

    def set_default_headers(self) -> None:
        """Set the rules for browsers on every answer."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def set_extra_headers(self, path: str) -> None:
        """Say how text is written, and box what citizens sent in."""
        kind = self.get_content_type()
        if Path(self.absolute_path or "").is_relative_to(Path(self.root).resolve() / SENT_IN):
            self.add_header("Content-Security-Policy", BOXED)
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith(SPOKEN) else kind)

    def get_content_type(self) -> str:
        """Give the type of a file by its ending; what is unknown is bytes."""
        ending = Path(self.absolute_path or "").suffix
        return TYPES.get(ending) or mimetypes.guess_type(f"x{ending}")[0] or "application/octet-stream"

    def prepare(self) -> None:
        """Refuse what cannot be the name of a file; the system would stumble over it."""
        if "\0" in self.path_args[0]:
            raise web.HTTPError(404)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Serve nothing that is hidden or lies elsewhere."""
        inside = Path(absolute_path).resolve()
        if not inside.is_relative_to(Path(root).resolve()) or _hidden(inside, Path(root).resolve()):
            raise web.HTTPError(404)
        found = super().validate_absolute_path(root, absolute_path)
        if found is not None:
            try:
                self.file = Path(found).open("rb")  # noqa: SIM115 - until the answer is given
            except OSError:  # it went just now
                raise web.HTTPError(404) from None
            self._stat_result = os.fstat(self.file.fileno())
        return found

    def compute_etag(self) -> str | None:
        """Mark the file that was opened; each that is written is another one."""
        found = self._stat()
        return f'"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"'

    def get_content(self, abspath: str, start: int | None = None, end: int | None = None) -> Iterator[bytes]:  # type: ignore[override]
        """Read from the file that was opened, piece by piece."""
        assert self.file is not None
        self.file.seek(start or 0)
        left = (self._stat().st_size if end is None else end) - (start or 0)
        while left > 0 and (piece := self.file.read(min(left, PIECE))):
            left -= len(piece)
            yield piece

    def on_finish(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()

    async def get(self, path: str, include_body: bool = True) -> None:
        """Give a file, or lead on to the live dashboards."""
        door = DOOR.fullmatch(self.request.path)
        origin = self.settings["dashboards"]
        if door and origin:
            asked = self.request.query if QUESTION.fullmatch(self.request.query) else ""
            below = "en/" if door[2] else ""
            self.redirect(f"{origin}/{door[1]}/{below}" + (f"?{asked}" if asked else ""))
            return
        await super().get(path, include_body)

    def write_error(self, status_code: int, **details: Any) -> None:
        """Show the site's own page for what is not there, with the right number."""
        language = "en" if self.request.path.endswith(".en.html") else "de"
        page = Path(self.root) / MISSING[language]
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if status_code in (403, 404) and page.is_file():
            self.finish(page.read_bytes())
            return
        self.finish(
            f'<!DOCTYPE html>\n<html lang="de"><title>{status_code}</title><h1>{status_code}</h1></html>'
        )

    def log_exception(self, *details: Any) -> None:
        """Keep addresses that strangers asked for out of the log."""


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def application(public: Path, *, dashboards: str) -> web.Application:
    """
    Make the application.

    Parameters
    ----------
    public
        The folder with the pages.
    dashboards
        Origin of the live dashboards; empty if there is none.
    """
    handler = (r"/(.*)", Files, {"path": str(public), "default_filename": "index.html"})
    return web.Application([handler], dashboards=dashboards.rstrip("/"))  # type: ignore[list-item]


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--public", type=Path, required=True)
    reader.add_argument("--socket", type=int, required=True)
    reader.add_argument("--lifeline", type=int, required=True)
    reader.add_argument("--dashboards", default="")
    asked = reader.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    server = httpserver.HTTPServer(
        application(asked.public, dashboards=asked.dashboards), max_header_size=16_384, max_body_size=0
    )
    listening = socket.socket(fileno=asked.socket)
    listening.setblocking(False)
    server.add_socket(listening)
    loop = ioloop.IOLoop.current()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    Thread(target=_watch, args=(asked.lifeline, loop), daemon=True).start()
    loop.add_callback(_say_ready)
    loop.start()
    server.stop()
    return 0


def _say_ready() -> None:
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()


def _watch(lifeline: int, loop: ioloop.IOLoop) -> None:
    """Wait until the command that started this server is gone, however it ended."""
    with suppress(OSError):
        os.read(lifeline, 1)
    loop.add_callback(loop.stop)


if __name__ == "__main__":
    sys.exit(main())
