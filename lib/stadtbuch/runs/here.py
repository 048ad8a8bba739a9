"""
Which city a notebook stands in: that of its run, or the one of the folder around it.

`city` is the first line of every analysis, and the same line in the lab and in a run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stadtbuch import settings as city_settings
from stadtbuch.errors import ManifestError
from stadtbuch.model.analysis import Manifest
from stadtbuch.runs import manifest as manifests
from stadtbuch.runs.parameters import bind
from stadtbuch.session import City, Declared, RunCity


def city(
    start: Path | str | None = None,
    *,
    as_role: str | None = None,
    now: datetime | None = None,
    notebook: Path | str | None = None,
    values: Mapping[str, Any] | None = None,
) -> City | RunCity:
    """
    Open the city this code stands in.

    In a run that is the run's city, with the declared inputs and nothing else. In the lab it is the city of
    the nearest ``stadtbuch.toml`` upwards.

    Parameters
    ----------
    start
        Where to look from; without it the current folder.
    as_role
        One of one's own roles.
    now
        The moment; without it the clock.
    notebook
        Whose manifest counts; without it the notebook that is open in JupyterLab.
    values
        Values of its parameters; without it the notebook's variables of these names, else the manifest's
        defaults.

    Raises
    ------
    SettingsError
        If there is no city here.
    ManifestError
        If `notebook` is named and its manifest is missing or wrong.
    """
    told = city_settings.environment()
    if told.run is not None:
        return RunCity.open(told.run)
    settings = city_settings.read(city_settings.find(Path(start or Path.cwd()).resolve()))
    declared = _manifest(Path(notebook) if notebook else None, told.notebook, settings.root)
    opened = City.open(settings, now=now or moment(), as_role=as_role)
    if declared is None:
        return opened
    return opened.declaring(Declared(declared, _values(declared, opened, values)))


def moment() -> datetime:
    """Read the clock, for code that nobody hands a moment."""
    return datetime.now(UTC)


def _manifest(named: Path | None, opened: Path | None, root: Path) -> Manifest | None:
    """Read the manifest of the session's notebook; one that is half written must not stop exploring."""
    if named is not None:
        return manifests.read(named, root=root).manifest
    if opened is None or opened.suffix != ".ipynb" or not opened.is_file():
        return None
    try:
        return manifests.read(opened, root=root).manifest
    except ManifestError as error:
        sys.stderr.write(error.render(city_settings.environment().language) + "\n")
        return None


def _values(
    declared: Manifest, opened: City, given: Mapping[str, Any] | None
) -> Callable[[], Mapping[str, Any]]:
    """Give what tells the parameters' values at the moment of asking, checked as before a run."""

    def now() -> Mapping[str, Any]:
        found = given if given is not None else {name: _namespace()[name] for name in _named(declared)}
        return bind(declared, found, choices=opened.choices)

    return now


def _named(declared: Manifest) -> list[str]:
    return [name for name in declared.parameters if name in _namespace()]


def _namespace() -> Mapping[str, Any]:
    """Give the variables of the notebook, or nothing outside of one."""
    if "IPython" not in sys.modules:
        return {}
    shell = sys.modules["IPython"].get_ipython()
    return shell.user_ns if shell is not None else {}
