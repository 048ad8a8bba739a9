"""Who asks: a login of the operating system, acting in one of its roles."""

from __future__ import annotations

from stadtbuch.model.frozen import Frozen


class Actor(Frozen):
    """
    Somebody who acts in a role. `login` never leaves the process; the book holds its keyed hash only.

    Attribution, not authentication: whoever may use the operating-system account is this actor.
    """

    login: str
    role: str
    roles: tuple[str, ...]
