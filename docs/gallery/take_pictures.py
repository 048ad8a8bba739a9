"""
Take the pictures of this folder again: a built city, served, looked at by Debian's Chromium on a desk and on a phone.

Run in the folder of a built city (``make demo``): ``python docs/gallery/take_pictures.py [FOLDER]``. The city is
served on free ports with one seat for dashboards, so that the page of the limit can be photographed, too.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
PAGES = {
    "home": "index.html",
    "dataset": "datasets/mobility.bicycle_counts/index.html",
    "withheld": "registers/withheld/index.html",
    "who-lives-where": "reports/who-lives-where/all/index.html",
    "how-does-the-city-cycle": "reports/how-does-the-city-cycle/index.html",
    "state-of-our-data": "reports/state-of-our-data/index.html",
    "owl-kingfisher-drinking-water": "reports/owl-kingfisher-drinking-water/index.html",
    "showcase": "showcase/index.html",
}
DASHBOARDS = ("who-lives-where", "how-does-the-city-cycle")
LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 1000}},
    "phone": {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 1.5},
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served() -> Iterator[tuple[str, str]]:
    """Serve the city in the current folder; give the addresses of its pages and its dashboards."""
    site, live = _free_port(), _free_port()
    command = [sys.executable, "-m", "stadtbuch", "serve", "--port", str(site), "--dashboards-port", str(live),
               "--seats", "1", "--json"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
    try:
        assert process.stdout is not None
        json.loads(process.stdout.readline())  # said when both answer
        yield f"http://127.0.0.1:{site}", f"http://127.0.0.1:{live}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def main(folder: Path) -> None:
    """Take every picture in both sizes."""
    with served() as (site, live), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look, size in LOOKS.items():
            page = browser.new_context(**size, locale="de-DE").new_page()
            for name, path in PAGES.items():
                _take(page, f"{site}/{path}", folder / f"{name}.{look}.jpg")
            for name in DASHBOARDS:
                _take(page, f"{live}/{name}/", folder / f"dashboard-{name}.{look}.jpg", wait=True)
                other = browser.new_context(**size).new_page()  # somebody else comes while the seat is taken
                _take(other, f"{live}/{name}/", folder / f"limit.{look}.jpg")
                other.context.close()
                page.goto("about:blank")
                page.wait_for_timeout(8_000)  # until the seat is free again
            page.context.close()
        browser.close()


def _take(page: Any, address: str, file: Path, *, wait: bool = False) -> None:
    page.goto(address, timeout=120_000)
    if wait:
        page.wait_for_selector("figure svg", timeout=120_000)
    page.screenshot(path=file, type="jpeg", quality=72)
    print(file.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
