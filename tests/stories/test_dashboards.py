"""Visitors of the dashboards, and strangers: what they get, what they do not get, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from builders import loops, serving
from builders.serving import Served, get, view_of, visit, wait_until

from stadtbuch import settings
from stadtbuch.dashboards import kernels, prepared, shelf
from stadtbuch.runs import warm
from stadtbuch.state import State

SEATS = 3
NO_ZYGOTE = """
import sys
from stadtbuch.dashboards import server
from stadtbuch.runs import warm
warm._filters = lambda: [b"", b""]
sys.exit(server.main(sys.argv[1:]))
"""
NAME = "who-lives-where"
INSIDE = (
    "Traceback",
    "File &quot;",
    'File "',
    "/site-packages/",
    "tornado",
    "voila/",
    "kernel_manager",
    "sb.city",
)


@pytest.fixture(scope="module")
def served(lindenstadt: Any) -> Iterator[Served]:
    """Serve the made-up city with three seats; afterwards nothing of it is left."""
    with serving.served(lindenstadt.root, "--seats", str(SEATS)) as running:
        yield running
        copy, everything = running.copy(), running.everything()
        assert running.end(signal.SIGTERM) == 0
        assert wait_until(lambda: not copy.exists() and not any(map(serving.alive, everything)))


def twin(lindenstadt: Any, folder: str, *, language: str = "de") -> str:
    """Read a static page."""
    name = "index.html" if language == "de" else "index.en.html"
    path: Path = lindenstadt.root / "public" / "dashboards" / folder / name
    return path.read_text(encoding="utf-8")


def headline(html: str) -> str:
    """Read the first big number of a page."""
    found = re.search(r'class="headline-value">([^<]+)<', html)
    assert found is not None
    return found[1]


@pytest.mark.long  # seats are counted in tests of the server, too
def test_twenty_visitors_never_exceed_the_seats(served: Served, lindenstadt: Any) -> None:
    """Of twenty visitors at once three are served; the others get the static page of their choice, and at no moment
    are there more kernels than seats.
    """
    most, over = [0], threading.Event()

    def sample() -> None:
        # A kernel lives for seconds: what is gone at the next look was a process on its way to become another one.
        before: set[int] = set()
        while not over.is_set():
            now = set(serving.kernels(served.copy()))
            most[0] = max(most[0], len(now & before))
            before = now
            time.sleep(0.05)

    async def come() -> list[Any]:
        address = f"{served.live}/{NAME}/?borough=suedheide"
        return await asyncio.gather(*(get(address) for _ in range(20)))

    watching = threading.Thread(target=sample)
    watching.start()
    answers = loops.run(come())
    over.set()
    watching.join()
    assert wait_until(lambda: len(serving.kernels(served.copy())) <= 1, seconds=60)
    full = [one for one in answers if one.code == 503]
    assert (len(full), sum(one.code == 200 for one in answers)) == (20 - SEATS, SEATS)
    assert 0 < most[0] <= SEATS
    page = full[0].body.decode()
    assert full[0].headers["Retry-After"] == "30"
    assert "Alle Plätze der interaktiven Fassung sind gerade besetzt." in page
    assert view_of(page) == view_of(twin(lindenstadt, f"{NAME}/suedheide"))
    assert f"{served.site}/dashboards/{NAME}/suedheide/index.html" in page


def test_the_live_page_shows_what_the_static_page_shows(served: Served, lindenstadt: Any) -> None:
    """Headline, picture, tables and points of a live page are the static page's, character by character."""

    async def both() -> tuple[str, str, str]:
        async with visit(served, f"/{NAME}/?borough=mitte") as one:
            first = await one.shown()
            one.choose(await one.field(), {"index": 0})
            async with visit(served, "/how-does-the-city-cycle/en/?days=weekends") as other:
                return first, await one.shown(), await other.shown()

    chosen, changed, english = map(view_of, loops.run(both()))
    assert chosen == view_of(twin(lindenstadt, f"{NAME}/mitte"))
    assert changed == view_of(twin(lindenstadt, f"{NAME}/all"))
    assert english == view_of(twin(lindenstadt, "how-does-the-city-cycle/all.weekends", language="en"))


def test_two_visitors_never_see_each_others_numbers(served: Served, lindenstadt: Any) -> None:
    """Two visitors at once, one of them with the kernel that was waiting, each see their own choice and keep it."""

    async def come(borough: str) -> list[str]:
        async with visit(served, f"/{NAME}/?borough={borough}") as one:
            return [one.html, await one.shown(), await one.shown()]

    async def both() -> list[list[str]]:
        return await asyncio.gather(come("hafen"), come("westend"))

    for borough, pages in zip(("hafen", "westend"), loops.run(both()), strict=True):
        expected = headline(twin(lindenstadt, f"{NAME}/{borough}"))
        assert [headline(page) for page in pages] == [expected] * 3
        assert all(f'data-choice="{borough}"' in page for page in pages)


STRANGE = {
    "a value that is not declared": f"/{NAME}/?borough=atlantis",
    "a parameter that is not declared": f"/{NAME}/?year=2025",
    "a template": f"/{NAME}/?template=reveal",
    "a theme": f"/{NAME}/?theme=dark",
    "two values": f"/{NAME}/?borough=mitte&borough=hafen",
    "code": f"/{NAME}/?borough=__import__('os')",
    "bytes": f"/{NAME}/?borough=%ff%fe",
}


@pytest.mark.parametrize("kind", STRANGE)
def test_an_address_with_anything_undeclared_is_refused(served: Served, kind: str) -> None:
    """400, without a kernel and without a word about the inside."""
    answer = loops.run(get(served.live + STRANGE[kind]))
    assert answer.code == 400
    assert not [word for word in INSIDE if word in answer.body.decode()]


NOTHING = (
    "/api/kernels",
    "/api/kernels/",
    "/api/kernelspecs",
    "/api/contents",
    "/api/sessions",
    "/api/terminals",
    "/api/status",
    "/api/me",
    "/api",
    "/api/kernels/00000000-0000-0000-0000-000000000000",
    "/api/kernels/00000000-0000-0000-0000-000000000000/channels",
    "/voila/tree",
    "/voila/tree/",
    "/voila/api/contents/",
    "/voila/files/who-lives-where.ipynb",
    f"/voila/render/{NAME}.ipynb",
    "/voila/query/00000000-0000-0000-0000-000000000000",
    "/voila/execution/00000000-0000-0000-0000-000000000000",
    "/voila/api/shutdown/00000000-0000-0000-0000-000000000000",
    f"/{NAME}.ipynb",
    f"/{NAME}/fr/",
    "/login",
    "/logout",
    "/metrics",
    "/tree",
    "/static/favicon.ico",
    "/files/about.json",
    "/about.json",
    "/voila/static/../../../../../../etc/passwd",
    "/voila/static/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/voila/static/%2e%2e/%2e%2e/%2e%2e/about.json",
    "/voila/static//etc/passwd",
    "/voila/templates/lab/static/../../../../../../etc/passwd",
    "/voila/templates/lab/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/voila/templates/..%2f..%2f..%2fetc/static/passwd",
    "/voila/templates/x",
    "/voila/labextensions/..%2f..%2f..%2fetc%2fpasswd",
    "/voila/api/themes/..%2f..%2f..%2fetc%2fpasswd",
    "/../../../etc/passwd",
)


def test_nothing_but_dashboards_answers(served: Served) -> None:
    """No listing, no contents, no other notebook, no file from elsewhere, no way to end a kernel."""

    async def ask() -> dict[str, tuple[int, bytes]]:
        return {path: await raw(served.live, path) for path in NOTHING}

    answers = loops.run(ask())
    assert {path: code for path, (code, _) in answers.items() if code not in (404, 403, 400)} == {}
    told = {path: body.decode(errors="replace") for path, (_, body) in answers.items()}
    assert [
        path for path, body in told.items() if "root:" in body or any(one in body for one in INSIDE)
    ] == []


def test_an_address_without_its_slash_leads_on(served: Served) -> None:
    """People leave it out; the choice stays, and nobody is led elsewhere."""
    answer = loops.run(get(f"{served.live}/{NAME}?borough=mitte"))
    assert (answer.code, answer.headers["Location"]) == (302, f"/{NAME}/?borough=mitte")


async def raw(origin: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Ask with exactly this path; a client would tidy it up."""
    place = urlsplit(origin)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@dataclass
class Found:
    """What a stranger found out and tried on one live page, and what became of it."""

    page: str = ""
    environment: str = ""
    mounts: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    unchanged: str = ""
    changed: str = ""
    refused: set[int] = field(default_factory=set)
    lives: int = 0


TEXT = {
    "_model_module": "@jupyter-widgets/controls",
    "_model_module_version": "2.0.0",
    "_model_name": "TextModel",
    "_view_module": "@jupyter-widgets/controls",
    "_view_module_version": "2.0.0",
    "_view_name": "TextView",
    "value": "x",
}
VALUES: tuple[dict[str, Any], ...] = (
    {"index": 99},
    {"index": -1},
    {"index": True},
    {"index": "0"},
    {"index": None},
    {"index": 10**400},
    {"index": 0, "_options_labels": ["<b>", "b"]},
    {"value": 1},
    {"options": ["x"]},
    {"index": [0]},
    {},
)
BROKEN = ("", "{", "null", "[" * 3000, '{"header": null}', "x" * 100_000)


@pytest.fixture(scope="module")
def stranger(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Open one live page and try everything on it."""
    owned = tmp_path_factory.mktemp("stranger") / "owned"

    async def come() -> Found:
        found = Found()
        async with visit(served, f"/{NAME}/?borough=mitte") as one:
            found.page, found.before = one.html, await one.states()
            process = serving.kernels(served.copy())[0]
            found.environment = Path(f"/proc/{process}/environ").read_bytes().decode()
            found.mounts = Path(f"/proc/{process}/mountinfo").read_text()
            await _attack(one, owned)
            found.refused, found.lives = await _endings(served, one.kernel)
            found.unchanged = await one.shown()
            one.choose(await one.field(), {"index": 0})
            found.after, found.changed = await one.states(), await one.shown()
        return found

    found = loops.run(come())
    assert not owned.exists()
    return found


async def _attack(one: Any, owned: Path) -> None:
    """Send code, new widgets, values out of bounds, broken messages."""
    code = {
        "code": f"open({str(owned)!r}, 'w'); import os; os._exit(1)",
        "silent": False,
        "store_history": True,
    }
    field = await one.field()
    for channel in ("shell", "control", "stdin", "iopub"):
        for kind in ("execute_request", "complete_request", "inspect_request", "shutdown_request"):
            one.say(kind, code, channel=channel)
    one.say("interrupt_request", {}, channel="control")
    one.say("debug_request", {"command": "attach"}, channel="control")
    one.say("comm_open", {"comm_id": "x", "target_name": "jupyter.widget", "data": {"state": TEXT}})
    for state in VALUES:
        one.choose(field, state)
    for model in await one.states():
        one.choose(model, {"value": "<img src=x>"})
    for broken in BROKEN:
        one.socket.write_message(broken)
    one.socket.write_message(b"\x05" + b"\x00" * 60, binary=True)


async def _endings(served: Served, kernel: str) -> tuple[set[int], int]:
    """Try to end, stop and restart a kernel by its address; then ask whether it lives."""
    paths = [f"/api/kernels/{kernel}{end}" for end in ("", "/interrupt", "/restart")]
    tried = [(path, method) for path in paths for method in ("DELETE", "POST", "PATCH", "PUT")]
    tried.append((f"/voila/api/shutdown/{kernel}", "POST"))
    refused = {(await raw(served.live, path, method))[0] for path, method in tried}
    return refused, (await raw(served.live, paths[0]))[0]


def test_a_strangers_messages_do_nothing(stranger: Found) -> None:
    """Code, new widgets, values out of bounds and the end of the kernel, sent over the connection: nothing happens,
    and the visitor's own choice still works.
    """
    assert set(stranger.before) == set(stranger.after)
    assert 'data-choice="mitte"' in stranger.unchanged
    assert 'data-choice="all"' in stranger.changed


def test_a_stranger_cannot_end_a_kernel(stranger: Found) -> None:
    """The address of a kernel answers that it lives, to GET only."""
    assert stranger.refused <= {403, 404, 405}
    assert stranger.lives == 200


def test_a_kernel_sees_only_its_own(stranger: Found, served: Served, lindenstadt: Any) -> None:
    """A kernel's environment holds nothing of the server's; where a box is possible, neither does its world: not even
    the private copy, of which it got the files of its own dashboard.
    """
    assert "STADTBUCH_SECRET" not in stranger.environment
    if served.told["boxed"]:
        assert str(lindenstadt.root) not in stranger.mounts
    if served.told["kernels"] == "forked":
        assert served.copy().name not in stranger.mounts


def test_no_page_sets_a_cookie_or_shows_its_source(stranger: Found, served: Served) -> None:
    """The live page loads from its own origin only and shows no code; what it loads comes with strict headers."""
    others = [loops.run(get(served.live + path)) for path in ("/robots.txt", "/assets/style.css", "/")]
    assert all("Set-Cookie" not in one.headers for one in others)
    assert all("default-src 'none'" in one.headers["Content-Security-Policy"] for one in others)
    loaded = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', stranger.page)
    assert [one for one in loaded if not one.startswith(("/", "data:", served.site))] == []
    assert not re.search(r"sb\.(city|figure|dashboard)|import stadtbuch", stranger.page)


def test_the_site_answers_like_any_web_server(served: Served, lindenstadt: Any) -> None:
    """Types, its own page for what is missing, no listing, nothing hidden, and the way to the live dashboard."""

    async def ask() -> list[Any]:
        paths = (
            "/",
            f"/dashboards/{NAME}/mitte/pyramid.csv",
            "/no-such-page.html",
            "/assets/",
            f"/dashboards/{NAME}/live/index.en.html?borough=mitte",
            f"/dashboards/{NAME}/live/index.html?borough=<x>",
        )
        return [await get(served.site + path) for path in paths]

    home, csv, missing, listing, door, strange = loops.run(ask())
    assert (home.code, home.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert home.headers["X-Content-Type-Options"] == "nosniff"
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (missing.code, listing.code) == (404, 404)
    page = lindenstadt.root / "public" / "404.html"
    assert not page.exists() or missing.body == page.read_bytes()
    assert door.headers["Location"] == f"{served.live}/{NAME}/en/?borough=mitte"
    assert strange.headers["Location"] == f"{served.live}/{NAME}/"
    for path in ("/../stadtbuch.toml", "/..%2fstadtbuch.toml", "/%2e%2e/stadtbuch.toml", "/.git/config"):
        assert loops.run(raw(served.site, path))[0] in (403, 404), path


def folders(running: Served) -> list[Path]:
    """Give the folders of live kernels: of cold ones in the private copy, of forked ones those of their sockets."""
    server = running.process.pid
    return [
        *(running.copy() / "kernels").iterdir(),
        *Path(tempfile.gettempdir()).glob(f"{warm.SOCKETS}-{server}-*/k/*"),
    ]


@pytest.mark.parametrize(
    "zygote", [True, pytest.param(False, marks=pytest.mark.long)], ids=["forked", "no zygote starts"]
)
def test_idle_visitors_leave_nothing_behind(lindenstadt: Any, zygote: bool) -> None:
    """After culling no kernel, no process and no folder is left, although the visitor's page is still open; and the
    private copy goes with the server. Where no zygote can start, a cold kernel in a box of its own helps out.
    """
    needs_forking()
    with cold_server(lindenstadt, idle=2 if zygote else 12, broken=not zygote) as running:

        async def stay() -> tuple[str, list[Path], list[int], bool]:
            async with visit(running, f"/{NAME}/?borough=mitte") as one:
                there = await one.shown(), folders(running), serving.kernels(running.copy())
                gone = await asyncio.to_thread(wait_until, lambda: not folders(running), seconds=60)
                return *there, gone

        shown, made, found, gone = loops.run(stay())
        left = serving.kernels(running.copy())
        copy, everything = running.copy(), running.everything()
    assert (len(made), len(found), gone, left) == (1, 1, True, [])
    assert (made[0].parent.name == "k") == zygote
    assert view_of(shown) == view_of(twin(lindenstadt, f"{NAME}/mitte"))
    assert not copy.exists()
    assert not any(map(serving.alive, everything))
    assert not list(Path(tempfile.gettempdir()).glob(f"{warm.SOCKETS}-{running.process.pid}-*"))


def needs_forking() -> None:
    """Skip where kernels of dashboards cannot be forked."""
    found = kernels.possible()
    if found != "forked":
        pytest.skip(f"this machine allows {found} kernels of dashboards only")


def test_a_kernel_or_zygote_that_is_killed_harms_no_next_visitor(lindenstadt: Any) -> None:
    """Its visitor's seat is free again, nothing of it is left, and whoever comes next is served: by a new zygote, if it
    was the zygote, in which case its kernels are gone too.
    """
    needs_forking()
    with cold_server(lindenstadt, idle=600) as running:
        copy = running.copy()

        async def strike(find: Any) -> None:
            async with visit(running, f"/{NAME}/?borough=mitte") as one:  # there is one seat
                await one.states()
                victims = {*serving.kernels(copy), *find(copy)}
                os.kill(find(copy)[0], signal.SIGKILL)
                assert await asyncio.to_thread(wait_until, lambda: not any(map(serving.alive, victims)))

        async def come() -> tuple[list[int], list[int], str]:
            await strike(serving.kernels)
            before = serving.zygotes(copy)
            await strike(serving.zygotes)
            async with visit(running, f"/{NAME}/?borough=hafen") as one:
                return before, serving.zygotes(copy), await one.shown()

        before, after, shown = loops.run(come())
    assert (len(before), len(after)) == (1, 1)
    assert before != after
    assert view_of(shown) == view_of(twin(lindenstadt, f"{NAME}/hafen"))


class cold_server:  # noqa: N801 - used as a function
    """Start only the dashboards, with nothing in waiting and with a short patience."""

    def __init__(self, city: Any, *, idle: int, broken: bool = False) -> None:
        self.city, self.idle, self.broken = city, idle, broken

    def __enter__(self) -> Served:
        told = settings.read(self.city.root)
        found = shelf.listed(State.open(told.folder("state")))
        copy = prepared.lay_out(found, told, datasets=[], tokens="")
        self.socket = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        reading, self.lifeline = os.pipe()
        program = ["-m", "stadtbuch.dashboards.server"] if not self.broken else ["-c", NO_ZYGOTE]
        command = [sys.executable, *program, "--prepared", str(copy)]
        command += ["--socket", str(self.socket.fileno()), "--lifeline", str(reading), "--cold"]
        command += ["--site", "http://127.0.0.1:1/", "--own", address, "--seats", "1"]
        command += ["--idle-seconds", str(self.idle)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            pass_fds=(self.socket.fileno(), reading),
            env={**os.environ, "PYTHONPATH": serving.LIB},
        )
        os.close(reading)
        assert self.process.stdout is not None
        self.process.stdout.readline()
        running = Served(self.process, {"dashboards": {NAME: f"http://{address}/{NAME}/"}, "site": ""})
        running.copy = lambda: copy  # type: ignore[method-assign]
        return running

    def __exit__(self, *error: object) -> None:
        os.close(self.lifeline)  # the one who started it is gone
        self.process.wait(30)
        self.process.stdout.close()  # type: ignore[union-attr]
        self.socket.close()


@pytest.mark.parametrize("end", ["Ctrl-C", "the command is killed", "its server is killed"])
def test_serving_ends_with_everything_it_started(lindenstadt: Any, end: str) -> None:
    """Ctrl-C and even the death of the command or its server leave no server, no kernel, no wall and no folder."""
    with serving.served(lindenstadt.root, "--seats", "1") as running:
        copy, server = running.copy(), running.dashboards()

        async def stay() -> set[int]:
            async with visit(running, f"/{NAME}/?borough=mitte"):
                assert serving.kernels(copy)
                everything = running.everything()
                if end == "its server is killed":
                    os.kill(server, signal.SIGKILL)
                else:
                    running.process.send_signal(signal.SIGINT if end == "Ctrl-C" else signal.SIGKILL)
                await asyncio.to_thread(running.process.wait, 30)
                return everything

        everything = loops.run(stay())
        assert wait_until(lambda: not any(map(serving.alive, everything)))
        assert wait_until(lambda: not copy.exists())
        sockets = f"{warm.SOCKETS}-{server}-*"
        assert wait_until(lambda: not list(Path(tempfile.gettempdir()).glob(sockets)))
    assert len(everything) >= 3
    assert running.process.returncode == {"Ctrl-C": 0, "the command is killed": -signal.SIGKILL}.get(end, 1)
