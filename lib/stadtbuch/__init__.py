"""
Stadtbuch: the analyst's whole world, imported name by name when it is first used.

>>> import stadtbuch as sb
>>> "city" in dir(sb)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadtbuch.privacy.groupings import age_group, ages
    from stadtbuch.reports.figures import figure
    from stadtbuch.reports.tables import headline, points, protect, publish, table
    from stadtbuch.runs.here import city
    from stadtbuch.session import City, RunCity

_WORLD = {
    "City": "stadtbuch.session",
    "RunCity": "stadtbuch.session",
    "age_group": "stadtbuch.privacy.groupings",
    "ages": "stadtbuch.privacy.groupings",
    "city": "stadtbuch.runs.here",
    "figure": "stadtbuch.reports.figures",
    "headline": "stadtbuch.reports.tables",
    "points": "stadtbuch.reports.tables",
    "protect": "stadtbuch.reports.tables",
    "publish": "stadtbuch.reports.tables",
    "table": "stadtbuch.reports.tables",
}

__all__ = [
    "City",
    "RunCity",
    "age_group",
    "ages",
    "city",
    "figure",
    "headline",
    "points",
    "protect",
    "publish",
    "table",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used; ``import stadtbuch`` itself costs nothing."""
    if name not in _WORLD:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WORLD[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WORLD])
