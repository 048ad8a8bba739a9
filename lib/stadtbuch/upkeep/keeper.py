"""What a command that looks after the state works with: no catalogue is read, so that it works when that is broken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from stadtbuch.book.ledger import Book
from stadtbuch.book.seal import Seal
from stadtbuch.settings import Settings
from stadtbuch.state import State

if TYPE_CHECKING:
    from pathlib import Path

    from stadtbuch.model.actor import Actor

BOOK = "book.sqlite"


@dataclass(frozen=True, slots=True)
class Keeper:
    """
    Somebody who looks after the state of a city.

    Attributes
    ----------
    now
        The moment, with a time zone.
    """

    settings: Settings
    actor: Actor
    now: datetime

    @property
    def root(self) -> Path:
        """Give the state folder."""
        return self.settings.folder("state")

    @property
    def public(self) -> Path:
        """Give the folder of the public pages."""
        return self.settings.folder("public")

    @property
    def state(self) -> State:
        """Give the state folder as it is: not opened, so of whatever version."""
        return State(self.root)

    @property
    def book(self) -> Book:
        """Give the book."""
        return Book(self.root / BOOK, key=self.state.key)

    @property
    def seal(self) -> Seal:
        """Give the seal of the book."""
        return Seal.of(self.book, self.state, self.settings)

    @property
    def today(self) -> date:
        """Give the day in the city's time zone."""
        return self.now.astimezone(self.settings.city.zone).date()
