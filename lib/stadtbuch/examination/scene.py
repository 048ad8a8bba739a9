"""
What the doctor finds: everything that is read, read once, whether it can be read or not.

Reading never lays anything out: no state folder is made, no permission mended. What cannot be read is ``None``
or empty here, and the check that is about it says why.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from stadtbuch import actors
from stadtbuch import settings as city_settings
from stadtbuch.book.ledger import Book
from stadtbuch.errors import Problem, SettingsError, StadtbuchError
from stadtbuch.settings import Settings
from stadtbuch.state import State

if TYPE_CHECKING:
    from stadtbuch.model.dataset import Dataset
    from stadtbuch.model.report import Report
    from stadtbuch.runs import manifest

CHECKPOINTS = ".ipynb_checkpoints"


@dataclass(frozen=True)
class Scene:
    """
    A city as the doctor finds it.

    Attributes
    ----------
    root
        The city's folder; None where there is no city.
    now
        The moment, with a time zone.
    public
        Whether the city is about to go public.
    """

    root: Path | None
    now: datetime
    public: bool = False

    @cached_property
    def _settings(self) -> Settings | SettingsError | None:
        if self.root is None:
            return None
        try:
            return city_settings.read(self.root)
        except SettingsError as error:
            return error

    @property
    def settings(self) -> Settings:
        """
        Give the settings.

        Raises
        ------
        LookupError
            If there are none that can be read; a check that needs a city is not asked then.
        """
        if not isinstance(self._settings, Settings):
            raise LookupError(city_settings.FILE)
        return self._settings

    @property
    def has_city(self) -> bool:
        """Whether there are settings that can be read."""
        return isinstance(self._settings, Settings)

    @property
    def settings_error(self) -> SettingsError | None:
        """Give what is wrong with the settings."""
        return self._settings if isinstance(self._settings, SettingsError) else None

    @property
    def today(self) -> date:
        """Give the day in the city's zone."""
        return self.now.astimezone(self.settings.city.zone).date()

    @cached_property
    def _catalogue(self) -> tuple[list[Dataset], list[Problem]]:
        from stadtbuch.catalog import index  # noqa: PLC0415 - where a library is missing, other checks go on

        return index.collect(self.settings)

    @property
    def datasets(self) -> list[Dataset]:
        """Give the datasets whose entries are valid."""
        return self._catalogue[0]

    @property
    def catalogue_problems(self) -> list[Problem]:
        """Give all mistakes in the catalogue's files."""
        return self._catalogue[1]

    @cached_property
    def _reports(self) -> tuple[dict[str, Report], list[Problem]]:
        from stadtbuch.reports import definitions  # noqa: PLC0415 - where a library is missing, other checks go on

        try:
            return definitions.load(self.settings), []
        except StadtbuchError as error:
            return definitions.readable(self.settings), list(error.problems)

    @property
    def reports(self) -> dict[str, Report]:
        """Give the definitions that can be read."""
        return self._reports[0]

    @property
    def report_problems(self) -> list[Problem]:
        """Give all mistakes in the report definitions."""
        return self._reports[1]

    @cached_property
    def notebooks(self) -> dict[str, manifest.Analysis | StadtbuchError]:
        """Give every notebook of the city by its path: as it was read, or why it could not be."""
        folder = self.settings.folder("notebooks")
        paths = sorted(path for path in folder.rglob("*.ipynb") if CHECKPOINTS not in path.parts)
        return dict(map(self._notebook, paths))

    def _notebook(self, path: Path) -> tuple[str, manifest.Analysis | StadtbuchError]:
        from stadtbuch.runs import manifest  # noqa: PLC0415 - where a library is missing, other checks go on

        root = self.settings.root
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        try:
            return name, manifest.read(path, root=root)
        except StadtbuchError as error:
            return name, error

    @cached_property
    def _roles(self) -> Mapping[str, tuple[str, ...]] | SettingsError:
        try:
            return actors.roles_of(self.settings.root)
        except SettingsError as error:
            return error

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Give the roles of each login; nothing if the file cannot be read."""
        return {} if isinstance(self._roles, SettingsError) else self._roles

    @property
    def roles_error(self) -> SettingsError | None:
        """Give what is wrong with the file of roles."""
        return self._roles if isinstance(self._roles, SettingsError) else None

    @property
    def state(self) -> State:
        """Give the state folder as it is: not opened, so not laid out and not mended."""
        return State(self.settings.folder("state"))

    @property
    def has_state(self) -> bool:
        """Whether anything was ever remembered."""
        return self.state.root.is_dir()

    @property
    def book(self) -> Book:
        """Give the book for reading; no key is ever made for it."""
        return Book(self.state.root / "book.sqlite", key=_no_key)

    @cached_property
    def keys(self) -> dict[str, bytes]:
        """Give the keys by name. They are compared, and never told."""
        folder = self.state.root / "keys"
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.key")) if path.is_file()}

    def shown(self, path: Path) -> str:
        """Give a path as people of the city call it."""
        root = self.settings.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _no_key(name: str) -> bytes:
    raise LookupError(name)  # reading a book needs no key, and an examination writes nothing


def mode(path: Path) -> int:
    """Give the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def below(folder: Path) -> Iterator[Path]:
    """Give every file below a folder; what disappears meanwhile is left out."""
    if folder.is_dir():
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def weight(folder: Path) -> tuple[int, int]:
    """Give the bytes and the number of the files below a folder; (0, 0) where there is none."""
    size = number = 0
    for path in below(folder):
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue
        number += 1
    return size, number
