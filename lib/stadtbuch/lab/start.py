"""
Starting JupyterLab for a city: the start notebook, and the settings under which it runs.

``python -m stadtbuch.lab`` calls it; ``stadtbuch lab`` starts it as a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from stadtbuch import atomic, settings
from stadtbuch.settings import Settings

START = "tutorials/start.ipynb"
SHIPPED = Path(__file__).resolve().parent.parent / "share" / "lab" / "start.ipynb"
EXTENSION = "stadtbuch.lab.server"
HIDDEN = ("__pycache__", "*.pyc", "*~")
OFF = ("voila.server_extension=False", "jupyter_server_ydoc=False")
"""Dashboards have a server of their own; a shared document would keep outputs in a file that nobody cleans."""


def start_notebook(city: Settings) -> str:
    """Give the start notebook's path below the city; where there is none, the library's is put there."""
    path = city.folder("notebooks") / START
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, SHIPPED.read_bytes())
    return path.relative_to(city.root).as_posix()


def flags(
    city: Settings, *, start: str, port: int | None = None, browser: bool = True, announce: bool = False
) -> list[str]:
    """
    Give the arguments under which JupyterLab runs in a city.

    They stand above every other configuration. Token and address (this machine only) are Jupyter's own defaults.

    Parameters
    ----------
    start
        Path of the notebook that opens first, below the city.
    announce
        Whether the server says in one line of JSON where it listens.
    """
    told: dict[str, Any] = {
        "ServerApp.root_dir": str(city.root),
        "ServerApp.open_browser": browser,
        "ServerApp.allow_root": True,  # in a container there is nobody else; it is the caller's own code that runs
        "LabApp.default_url": f"/lab/tree/{start}",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
        "LabApp.collaborative": False,
        "YDocExtension.disable_rtc": True,
        "ContentsManager.allow_hidden": False,
    }
    told |= {"ServerApp.port": port} if port is not None else {}
    told |= {"Stadtbuch.announce": True} if announce else {}
    listed = [f"--{name}={value}" for name, value in told.items()]
    listed += [f"--ContentsManager.hide_globs={name}" for name in (*HIDDEN, city.paths.state)]
    return [*listed, *(f"--ServerApp.jpserver_extensions={name}" for name in (f"{EXTENSION}=True", *OFF))]


def main(arguments: Sequence[str]) -> None:
    """
    Run JupyterLab until it is stopped.

    Parameters
    ----------
    arguments
        One JSON document: ``city`` (its folder), ``port``, ``browser``, ``json``.
    """
    told = json.loads(arguments[0])
    city = settings.read(Path(told["city"]))
    start = start_notebook(city)
    # Only this process needs JupyterLab, and only with the extra [lab] is it installed.
    lab = import_module("jupyterlab.labapp").LabApp
    lab.launch_instance(
        argv=flags(city, start=start, port=told["port"], browser=told["browser"], announce=bool(told["json"]))
    )
