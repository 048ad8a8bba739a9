"""
The server of the live dashboards: Voila, reduced to the listed dashboards, for strangers.

It shows nothing but those, takes nothing but a declared choice, runs no code of a visitor, and says no word about
its inside. Whoever finds no seat gets the static page. It runs as a process of its own on an origin of its own,
because the widgets need rules for scripts that the site does not allow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, get_args
from urllib.parse import urlsplit

import nbformat
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado import httpserver, ioloop, web
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from stadtbuch.dashboards import controls, prepared
from stadtbuch.dashboards.controls import Choice
from stadtbuch.dashboards.kernels import NAME, Kernels, Kind, LiveKernel, Specs, possible
from stadtbuch.dashboards.pages import Mode, Pages
from stadtbuch.dashboards.prepared import Prepared
from stadtbuch.dashboards.seats import Seat, Seats
from stadtbuch.dashboards.traffic import Connection
from stadtbuch.dashboards.visits import Offered
from stadtbuch.reports.look import SHARE, Shell
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

LANGUAGE_PATHS = {"de": "", "en": "en/"}
RETRY_SECONDS = 30
RENDER_SECONDS = 60.0
SWEEP_MILLISECONDS = 1000
MESSAGES = ["comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"]
KEPT = ("/channels", "/voila/static/", "/voila/templates/", "/voila/labextensions/", "/voila/api/themes/")
HOLE, END = "<!--cells-->", "<!--end-->"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
}
BOXED = Text(
    de="Die interaktive Fassung läuft in einem Sandkasten ohne Netz, der nur diese offenen Daten sieht.",
    en="The interactive version runs in a sandbox without network that sees only these open data.",
)
PLAIN = Text(
    de="Die interaktive Fassung läuft auf diesem Rechner ohne Sandkasten.",
    en="The interactive version runs without a sandbox on this machine.",
)


class Everybody(IdentityProvider):
    """Every visitor is the same nobody: no login, no token, no cookie."""

    auth_enabled = False

    def get_user(self, handler: Any) -> User:
        """Give the one user there is."""
        return User("visitor")

    def set_login_cookie(self, handler: Any, user: Any) -> None:
        """Set none."""

    def get_handlers(self) -> list[Any]:
        """Offer no login and no logout."""
        return []


class Quiet(web.RequestHandler):
    """What all pages have in common: headers, and errors that say nothing about the inside."""

    def set_default_headers(self) -> None:
        """Set the rules for browsers on every answer."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Server", "stadtbuch")

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer an error with its number and the way to the site."""
        self.set_default_headers()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        site = self.settings["public"].site
        self.finish(
            f'<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>{status_code}</title>'
            f'<link rel="stylesheet" href="/assets/style.css"></head><body><main class="wrap"><h1>{status_code}</h1>'
            f'<p>Diese Adresse zeigt nichts. <a href="{site}dashboards/index.html">Zu den Dashboards</a></p>'
            f'<p lang="en">There is nothing at this address. '
            f'<a href="{site}dashboards/index.en.html">To the dashboards</a></p></main></body></html>'
        )

    def log_exception(self, *details: Any) -> None:
        """Keep what went wrong out of the log: it could hold a visitor's words."""


def quiet(handler: type[web.RequestHandler]) -> type[web.RequestHandler]:
    """Give a handler of somebody else our headers and errors."""
    return type(f"Quiet{handler.__name__}", (Quiet, handler), {})


class KernelInfo(KernelHandler):
    """A page asks whether its kernel lives; nobody ends a kernel from outside."""

    SUPPORTED_METHODS = ("GET",)


class Assets(TemplateStaticFileHandler):
    """Scripts of Voila's templates; an address that is no path to one is nothing."""

    def parse_url_path(self, path: str) -> str:
        """Refuse what the stock handler would stumble over."""
        named = path.split("/")
        if len(named) < 3 or named[1] != "static" or ".." in named or "" in named:
            raise web.HTTPError(404)
        return str(super().parse_url_path(path))


OWN = {KernelHandler: KernelInfo, TemplateStaticFileHandler: Assets}


class Seen:
    """What Voila sees of the kernels during one request: the visitor's, and no other way to start one."""

    def __init__(self, kernels: Kernels, seat: Seat, run: Mapping[str, Any]) -> None:
        self._kernels, self._seat, self._run = kernels, seat, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    async def start_kernel(self, **asked: Any) -> str:
        """Hand over the visitor's kernel; what Voila would put into its environment is dropped."""
        return await self._kernels.admit(self._seat, self._run)


class Live(TornadoVoilaHandler):
    """One dashboard in one language."""

    SUPPORTED_METHODS = ("GET",)

    def initialize(self, **about: Any) -> None:
        """Take what Voila needs, and the dashboard's pages."""
        self.pages: Pages = about.pop("pages")
        self.language: str = about.pop("language")
        super().initialize(**about)
        self.seen: Seen | None = None
        self.seat: Seat | None = None

    @property
    def kernel_manager(self) -> Any:
        """Give the kernels as this visitor may see them."""
        return self.seen or self.settings["kernel_manager"]

    async def get(self, path: str | None = None) -> None:
        """Show the live page; the static one if there is no seat."""
        public: Public = self.settings["public"]
        choice = self._choice()
        self.seat = public.seats.take()
        if self.seat is None:
            self._full(public, choice)
            return
        self.frame = public.frame(self.pages, choice, language=self.language)
        self.seen = Seen(public.kernel_manager, self.seat, public.run(self.pages, choice, self.language))
        try:
            await asyncio.wait_for(super().get(path), RENDER_SECONDS)
        except Exception:  # noqa: BLE001 - whatever went wrong inside, the visitor reads the static page
            await public.kernel_manager.leave(self.seat)
            if not self._headers_written:
                self._full(public, choice)
        finally:
            self.seat.done = monotonic()
            if self.seat.kernel is None:
                public.seats.leave(self.seat)

    def _choice(self) -> Choice:
        """Read the choice from the address; anything that is not declared is a mistake of the sender."""
        given = {
            name: [value.decode("utf-8", "replace") for value in values]
            for name, values in self.request.query_arguments.items()
        }
        found = controls.chosen(self.pages.controls, given)
        if found is None:
            raise web.HTTPError(400)
        return found

    def _full(self, public: Public, choice: Choice) -> None:
        """Show the static page of the choice, and say that all seats are taken."""
        self.set_status(503)
        self.set_header("Retry-After", str(RETRY_SECONDS))
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(public.page(self.pages, choice, language=self.language, mode="full"))


class Home(web.RequestHandler):
    """The list of dashboards is a page of the site."""

    SUPPORTED_METHODS = ("GET",)

    def get(self) -> None:
        """Lead there."""
        self.redirect(f"{self.settings['public'].site}dashboards/index.html")


class Style(web.RequestHandler):
    """The style sheet of the site, and what the live page adds to it."""

    SUPPORTED_METHODS = ("GET",)

    def initialize(self, text: str, kind: str) -> None:
        """Take the file's content and type."""
        self.text, self.kind = text, kind

    def get(self) -> None:
        """Give it."""
        self.set_header("Content-Type", f"{self.kind}; charset=utf-8")
        self.set_header("Cache-Control", "max-age=300")
        self.finish(self.text)


class Nothing(web.RequestHandler):
    """Every other address."""

    def prepare(self) -> None:
        """There is nothing."""
        raise web.HTTPError(404)


class Public(Voila):
    """Voila for strangers; `asked` says where it listens and what it serves."""

    asked: argparse.Namespace
    prepared: Prepared
    seats: Seats
    city: Settings
    kind: Kind

    @property
    def site(self) -> str:
        """Give the site's address, with a slash at its end."""
        return str(self.asked.site).rstrip("/") + "/"

    def setup_template_dirs(self) -> None:
        """Put our template before Voila's."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(SHARE / "voila"))

    def init_settings(self) -> dict[str, Any]:
        """Set up the kernels behind the seats, and nothing that a page could ask more of."""
        settings = super().init_settings()
        kernels = self.kernel_manager
        kernels.allowed_message_types = MESSAGES  # stock lets visitors end kernels
        kernels.seats, kernels.prepared = self.seats, self.prepared.live
        kernels.folder = self.prepared.root / "kernels"
        kernels.memory_mb, kernels.zone = self.city.dashboards.memory_mb, self.city.city.timezone
        kernels.offered = Offered(self.prepared.live, kernels.memory_mb)
        kernels.kind = self.kind = self.asked.kind or possible()
        kernels.ahead = not self.asked.cold
        note = PLAIN if self.kind == "plain" else BOXED
        self.pages = [
            Pages(kept, frozenset(self.prepared.about["datasets"]), note)
            for kept in self.prepared.dashboards()
        ]
        self.voila_configuration.prelaunch_hook = _with_frame
        kernels.refill()
        self._sweeping = ioloop.PeriodicCallback(kernels.sweep, SWEEP_MILLISECONDS)
        self._sweeping.start()
        return {**settings, "public": self, "default_handler_class": quiet(Nothing)}

    def init_handlers(self) -> list[Any]:
        """Offer the listed dashboards, what their pages load, and nothing else."""
        stock = [tuple(one) for one in super().init_handlers()]
        offered: list[Any] = [
            (one[0], quiet(OWN.get(one[1], one[1])), *one[2:])
            for one in stock
            if one[1] is KernelHandler or any(part in one[0] for part in KEPT)
        ]
        for pages in self.pages:
            for language, below in LANGUAGE_PATHS.items():
                address = f"/{pages.kept.name}/{below}"
                offered.append((address, quiet(Live), self._about(pages, language)))
                onward = {"url": address, "permanent": False}  # people leave the slash at the end out
                offered.append((address.rstrip("/"), quiet(web.RedirectHandler), onward))
        style = self.prepared.about["style"]
        extra = (SHARE / "voila" / "live.css").read_text(encoding="utf-8")
        robots = "User-agent: *\nDisallow: /\n"
        return [
            ("/", quiet(Home)),
            ("/assets/style.css", quiet(Style), {"text": style, "kind": "text/css"}),
            ("/assets/live.css", quiet(Style), {"text": extra, "kind": "text/css"}),
            ("/robots.txt", quiet(Style), {"text": robots, "kind": "text/plain"}),
            *offered,
        ]

    def _about(self, pages: Pages, language: str) -> dict[str, Any]:
        return {
            "pages": pages,
            "language": language,
            "notebook_path": f"{pages.kept.name}.ipynb",
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }

    def run(self, pages: Pages, choice: Choice, language: str) -> dict[str, Any]:
        """Write what a visitor's kernel is told: what the run was told, and what this visitor chose."""
        told = json.loads(pages.kept.bytes("live/run.json"))
        own = {"choice": {name: one.slug for name, one in choice.items()}, "language": language}
        return {**told, "dashboard": {**told["dashboard"], **own, "site": self.site}}

    def page(self, pages: Pages, choice: Choice, *, language: str, mode: Mode) -> str:
        """Render a page of the dashboard for this origin: links lead to the site."""
        query = controls.query(choice)
        paths = {
            code: f"/{pages.kept.name}/{below}" + (f"?{query}" if query else "")
            for code, below in LANGUAGE_PATHS.items()
        }
        shell = Shell(
            city=self.city.city,
            root=self.site,
            style="/assets/style.css",
            section="dashboards",
            files=paths,
        )
        return pages.page(choice, language=language, shell=shell, mode=mode, live=paths[language])

    def frame(self, pages: Pages, choice: Choice, *, language: str) -> tuple[str, str, str]:
        """Cut the live page where the cells go: what stands before, between and after them."""
        whole = self.page(pages, choice, language=language, mode="live")
        before, _, rest = whole.partition(HOLE)
        middle, _, after = rest.partition(END)
        return before, middle, after

    def listen(self) -> None:
        """Listen on the socket that was handed over, and say so."""
        server = httpserver.HTTPServer(self.app, max_header_size=16_384, max_body_size=0)
        server.add_socket(_socket(self.asked.socket))
        self.port = urlsplit(f"//{self.asked.own}").port or 0
        loop, over = ioloop.IOLoop.current(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.add_callback_from_signal(over.set))
        Thread(target=_watch, args=(self.asked.lifeline, loop, over), daemon=True).start()
        loop.add_callback(_say_ready, self)
        loop.run_sync(over.wait)
        server.stop()
        self._sweeping.stop()
        loop.run_sync(self.kernel_manager.end)
        loop.run_sync(server.close_all_connections)


def _with_frame(handler: Live, *, notebook: Any, cwd: str) -> None:
    """Hand the visitor's page to the template; Voila gives it a notebook of its own for each request."""
    before, middle, after = handler.frame
    notebook.metadata["stadtbuch"] = {"before": before, "middle": middle, "after": after}


def _say_ready(public: Public) -> None:
    told = {"ready": True, "boxed": public.kind != "plain", "kernels": public.kind}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _socket(descriptor: int) -> socket.socket:
    found = socket.socket(fileno=descriptor)
    found.setblocking(False)
    return found


def _watch(lifeline: int, loop: ioloop.IOLoop, over: asyncio.Event) -> None:
    """Wait until the command that started this server is gone, however it ended."""
    with suppress(OSError):
        os.read(lifeline, 1)
    loop.add_callback(over.set)


def notebooks(found: Prepared) -> Path:
    """Write the notebooks as Voila runs them: the code of each, without manifest, texts and parameters."""
    folder = found.root / "notebooks"
    folder.mkdir(mode=0o700)
    for kept in found.dashboards():
        source = kept.notebook
        code = [one for one in source.cells if one.cell_type == "code"]
        source.cells = [one for one in code if "parameters" not in one.metadata.get("tags", ())]
        source.metadata = {
            "kernelspec": {"name": NAME, "display_name": "Stadtbuch", "language": "python"},
            "language_info": {"name": "python"},
        }
        nbformat.write(source, folder / f"{kept.name}.ipynb")
    return folder


def configuration(found: Prepared, folder: Path, *, idle_seconds: int) -> Config:
    """Say what is switched off in Voila, and where it finds its notebooks."""
    config = Config()
    config.Public = Config(
        base_url="/",
        root_dir=str(folder),
        connection_dir_root=str(found.root),
        open_browser=False,
        identity_provider_class=Everybody,
        kernel_websocket_connection_class=Connection,
        log_level=logging.CRITICAL,
        token="",
    )
    config.VoilaConfiguration = Config(
        template="lab",
        multi_kernel_manager_class=Kernels,
        kernel_spec_manager_class=Specs,
        preheat_kernel=False,
        progressive_rendering=False,
        strip_sources=True,
        show_tracebacks=False,
        allow_template_override="NO",
        allow_theme_override="NO",
        file_allowlist=[],
        http_header_envs=[],
        extension_allowlist=["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"],
    )
    config.Kernels = Config(
        cull_idle_timeout=idle_seconds,
        cull_interval=max(1, min(10, idle_seconds)),
        cull_connected=True,
        allow_tracebacks=False,
        kernel_manager_class=f"{LiveKernel.__module__}.{LiveKernel.__name__}",
    )
    config.LiveKernel = Config(autorestart=False, shutdown_wait_time=2.0)
    return config


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; the private copy goes with the server."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--prepared", type=Path, required=True)
    reader.add_argument("--socket", type=int, required=True)
    reader.add_argument("--lifeline", type=int, required=True)
    reader.add_argument("--site", required=True)
    reader.add_argument("--own", required=True)
    reader.add_argument("--seats", type=int, required=True)
    reader.add_argument("--idle-seconds", type=int, default=600)
    reader.add_argument("--cold", action="store_true")
    reader.add_argument("--kind", choices=get_args(Kind))
    asked = reader.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # a log of this server could hold a visitor's words
    found = prepared.read(asked.prepared)
    config = configuration(found, notebooks(found), idle_seconds=asked.idle_seconds)
    app = Public(config=config)
    app.asked, app.prepared = asked, found
    app.city = Settings(root=Path(found.about["root"]), **found.about["settings"])
    app.seats = Seats(asked.seats)
    try:
        app.initialize([])
        app.start()
    finally:
        prepared.clear(asked.prepared)
    return 0


if __name__ == "__main__":
    sys.exit(main())
