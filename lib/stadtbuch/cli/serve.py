"""``stadtbuch serve``: the public site and its dashboards, as two processes on two origins, until told to stop."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

import stadtbuch
from stadtbuch import scratch
from stadtbuch.cli import interruption
from stadtbuch.cli.context import CityOption, JsonOption, answer, open_city, open_settings, said
from stadtbuch.errors import StateError
from stadtbuch.settings import handed_on
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from rich.console import Console

    from stadtbuch.dashboards.shelf import Kept
    from stadtbuch.settings import Settings

SITE, DASHBOARDS = "stadtbuch.site.server", "stadtbuch.dashboards.server"
READY_SECONDS = 60.0
END_SECONDS = 15.0
LOOK_SECONDS = 2.0
KINDS = {
    "forked": ("jeder hinter einer Mauer, ohne Anlauf", "each behind a wall, started at once"),
    "boxed": ("jeder in einem Sandkasten, mit Anlauf", "each in a sandbox, started slowly"),
    "plain": ("ohne Sandkasten (bubblewrap fehlt hier)", "without a sandbox (no bubblewrap here)"),
}
"""What stands around a visitor's kernel, in German and English."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "STADTBUCH_LANGUAGE")


def serve(
    *,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help=said("Port der Seiten.", "Port of the pages.")),
    ] = 8000,
    dashboards_port: Annotated[
        int,
        typer.Option(
            "--dashboards-port",
            min=0,
            max=65535,
            help=said("Port der Dashboards.", "Port of the dashboards."),
        ),
    ] = 8001,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help=said("Auf welcher Adresse dieses Rechners.", "On which address of this machine."),
        ),
    ] = "127.0.0.1",
    seats: Annotated[
        int | None,
        typer.Option(
            "--seats",
            min=1,
            max=200,
            metavar="N",
            show_default=False,
            help=said(
                "Wie viele Besuchende zugleich ein Dashboard bekommen; sonst aus den Einstellungen.",
                "How many visitors get a dashboard at once; else from the settings.",
            ),
        ),
    ] = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve site and dashboards."""
    settings = open_settings(city)
    if interruption.left(settings):
        interruption.resume(open_city(city))
    _require_pages(settings)
    with _told_to_stop() as stop, _listening(host, port) as site, _listening(host, dashboards_port) as live:
        services = Services(settings, host, site, live, seats or settings.dashboards.seats)
        try:
            services.begin()
            answer(services.document(), as_json=as_json, human=lambda console: _tell(console, services))
            services.watch(stop)
        finally:
            services.end()


@dataclass
class Services:
    """
    The two servers.

    `site` and `live` are the sockets on which they listen; they stay open here, so that the dashboards can be
    started anew after a build without anybody being refused.
    """

    settings: Settings
    host: str
    site: socket.socket
    live: socket.socket
    seats: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    lifelines: dict[str, int] = field(default_factory=dict)
    prepared: Path | None = None
    offered: tuple[tuple[str, str], ...] = ()
    kernels: str = "plain"
    seen: tuple[Any, ...] = ()

    @property
    def site_address(self) -> str:
        """Give the address of the pages as visitors see it."""
        return (self.settings.site.address or _address(self.host, self.site)).rstrip("/") + "/"

    @property
    def live_address(self) -> str:
        """Give the origin of the dashboards as visitors see it."""
        return (self.settings.dashboards.address or _address(self.host, self.live)).rstrip("/") + "/"

    def begin(self) -> None:
        """Start both servers and wait until they answer."""
        public = str(self.settings.folder("public"))
        self._start(SITE, self.site, "--public", public, "--dashboards", self.live_address)
        self._dashboards()
        _ready(self.processes[SITE])
        self.seen = self._stamp()

    def _dashboards(self) -> None:
        """Start the server of the dashboards with a fresh copy of what is listed now."""
        from stadtbuch.dashboards import prepared  # noqa: PLC0415 - start-up time

        found = _listed(self.settings)
        self.prepared = prepared.lay_out(
            found, self.settings, datasets=_datasets(self.settings), tokens=_tokens(self.settings)
        )
        self.offered = _fingerprint(found)
        self._start(
            DASHBOARDS,
            self.live,
            *("--prepared", str(self.prepared), "--site", self.site_address),
            *("--own", _netloc(self.host, self.live), "--seats", str(self.seats)),
            *("--idle-seconds", str(self.settings.dashboards.idle_minutes * 60)),
        )
        self.kernels = str(_ready(self.processes[DASHBOARDS]).get("kernels"))

    def _start(self, module: str, listening: socket.socket, *arguments: str) -> None:
        """Start one server; it ends when the lifeline does, also if this process is killed."""
        reading, writing = os.pipe()
        own = ["--socket", str(listening.fileno()), "--lifeline", str(reading), *arguments]
        process = subprocess.Popen(  # noqa: S603 - this Python with a module of ours
            [sys.executable, "-P", "-s", "-m", module, *own],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(listening.fileno(), reading),
            env=_environment(),
            start_new_session=True,
        )
        os.close(reading)
        self.processes[module], self.lifelines[module] = process, writing

    def watch(self, stop: Sequence[bool]) -> None:
        """Wait for the end; take up what a build has changed; a server that dies takes the other with it."""
        while not stop:
            if any(process.poll() is not None for process in self.processes.values()):
                raise _died()
            stamp = self._stamp()
            if stamp != self.seen:
                self.seen = stamp
                self._renew()
            time.sleep(LOOK_SECONDS / 10)

    def _renew(self) -> None:
        """Start the dashboards anew if others are listed now: a withdrawn one goes at once."""
        if _fingerprint(_listed(self.settings)) != self.offered:
            self._stop(DASHBOARDS)
            self._dashboards()

    def _stamp(self) -> tuple[Any, ...]:
        """Tell whether a build has changed anything that dashboards depend on."""
        state = self.settings.folder("state")
        folders = (state / "dashboards", state / "derived")
        files = [path for folder in folders for path in folder.glob("*.json")]
        files += (state / "dashboards").glob("*/dashboard.json")
        files.append(self.settings.folder("public") / "site.json")
        return tuple((path.name, path.stat().st_mtime_ns) for path in sorted(files) if path.exists())

    def _stop(self, module: str) -> None:
        process = self.processes.pop(module, None)
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        os.close(self.lifelines.pop(module))
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if process.returncode < 0:  # killed, so it could not clean up itself
            scratch.sweep()

    def end(self) -> None:
        """End both servers and everything that they started."""
        for module in list(self.processes):
            self._stop(module)
        if self.prepared is not None and self.prepared.exists():
            from stadtbuch.dashboards import prepared  # noqa: PLC0415 - start-up time

            prepared.clear(self.prepared)

    def document(self) -> dict[str, Any]:
        """Say where everything is."""
        return {
            "site": self.site_address,
            "dashboards": {name: f"{self.live_address}{name}/" for name, _ in self.offered},
            "seats": self.seats,
            "boxed": self.kernels != "plain",
            "kernels": self.kernels,
            "process": os.getpid(),
        }


def _listed(settings: Settings) -> list[Kept]:
    from stadtbuch.dashboards import shelf  # noqa: PLC0415 - start-up time
    from stadtbuch.state import State  # noqa: PLC0415 - as above

    return shelf.listed(State.open(settings.folder("state")))


def _fingerprint(found: Sequence[Kept]) -> tuple[tuple[str, str], ...]:
    """Name dashboards with the runs that they come from."""
    return tuple((kept.name, str(kept.told["key"])) for kept in found)


def _datasets(settings: Settings) -> list[str]:
    """Name the datasets that have a page."""
    return sorted(path.name for path in (settings.folder("public") / "datasets").glob("*.*") if path.is_dir())


def _tokens(settings: Settings) -> str:
    path = settings.root / "site" / "tokens.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _ready(process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    """Wait for the line in which a server says that it answers."""
    out = process.stdout
    assert out is not None
    if select.select([out], [], [], READY_SECONDS)[0]:
        line = out.readline()
        if line:
            return dict(json.loads(line))
    raise _died()


def _environment() -> dict[str, str]:
    """Give the servers the little of the caller's environment that they need."""
    return {**handed_on(KEPT), "PYTHONPATH": str(Path(stadtbuch.__file__).parent.parent)}


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen here, so that a port in use is said at once and in words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError:
            raise _no_port(host, port) from None
        made.listen(128)
        yield made


@contextmanager
def _told_to_stop() -> Iterator[list[bool]]:
    """Note Ctrl-C and SIGTERM instead of breaking off: what was started has to be ended first."""
    stop: list[bool] = []

    def noted(number: int, frame: FrameType | None) -> None:
        stop.append(True)

    before = {number: signal.signal(number, noted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _netloc(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{listening.getsockname()[1]}"


def _address(host: str, listening: socket.socket) -> str:
    return f"http://{_netloc(host, listening)}"


def _tell(console: Console, services: Services) -> None:
    console.print(said(f"Seiten:      {services.site_address}", f"Pages:       {services.site_address}"))
    for name, _ in services.offered:
        console.print(f"Dashboard:   {services.live_address}{name}/")
    if not services.offered:
        console.print(
            said(
                "Dashboards:  keines; „stadtbuch build“ baut die der veröffentlichten Berichte.",
                'Dashboards:  none; "stadtbuch build" builds those of published reports.',
            )
        )
    number = said(f"Plätze:      {services.seats}, ", f"Seats:       {services.seats}, ")
    console.print(number + said(*KINDS[services.kernels]))
    console.print(said("Strg-C beendet beides.", "Ctrl-C ends both."), style="dim")


def _require_pages(settings: Settings) -> None:
    if (settings.folder("public") / "index.html").is_file():
        return
    raise StateError(
        "serve.nothing",
        Text(de="Es gibt noch keine Seiten.", en="There are no pages yet."),
        remedy=Text(
            de="Bauen Sie sie: stadtbuch build (oder stadtbuch demo).",
            en="Build them: stadtbuch build (or stadtbuch demo).",
        ),
    )


def _no_port(host: str, port: int) -> StateError:
    return StateError(
        "serve.port",
        Text(
            de=f"Auf {host}, Port {port}, lässt sich nichts anbieten.",
            en=f"Nothing can be served on {host}, port {port}.",
        ),
        why=Text(
            de="Ein anderes Programm belegt ihn, er ist nicht erlaubt, oder die Adresse ist keine dieses Rechners.",
            en="Another program uses it, it is not allowed, or the address is not one of this machine.",
        ),
        remedy=Text(
            de="Nennen Sie mit --port und --dashboards-port andere, mit --host eine Adresse dieses Rechners.",
            en="Name others with --port and --dashboards-port, and with --host an address of this machine.",
        ),
    )


def _died() -> StateError:
    return StateError(
        "serve.ended",
        Text(
            de="Einer der beiden Server ist abgebrochen; der andere wurde beendet.",
            en="One of the two servers broke off; the other one was ended.",
        ),
        remedy=Text(
            de="Starten Sie neu. Geschieht es wieder, sagt „stadtbuch doctor“, was fehlt.",
            en='Start again. If it happens again, "stadtbuch doctor" says what is missing.',
        ),
    )
