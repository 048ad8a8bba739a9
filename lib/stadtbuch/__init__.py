"""
Stadtbuch: the analyst's whole world, imported name by name when it is first used.

>>> import stadtbuch as sb
>>> "city" in dir(sb)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadtbuch.dashboards.views import dashboard
    from stadtbuch.disclosure.grid import cell_levels
    from stadtbuch.disclosure.groupings import age_group, ages
    from stadtbuch.reports.exposed import exposure
    from stadtbuch.reports.figures import figure
    from stadtbuch.reports.places import places
    from stadtbuch.reports.tables import headline, points, protect, publish, table
    from stadtbuch.runs.here import city
    from stadtbuch.session import City

_WORLD = {
    "City": "stadtbuch.session",
    "age_group": "stadtbuch.disclosure.groupings",
    "ages": "stadtbuch.disclosure.groupings",
    "cell_levels": "stadtbuch.disclosure.grid",
    "city": "stadtbuch.runs.here",
    "dashboard": "stadtbuch.dashboards.views",
    "exposure": "stadtbuch.reports.exposed",
    "figure": "stadtbuch.reports.figures",
    "headline": "stadtbuch.reports.tables",
    "places": "stadtbuch.reports.places",
    "points": "stadtbuch.reports.tables",
    "protect": "stadtbuch.reports.tables",
    "publish": "stadtbuch.reports.tables",
    "table": "stadtbuch.reports.tables",
}

__all__ = [
    "City",
    "age_group",
    "ages",
    "cell_levels",
    "city",
    "dashboard",
    "exposure",
    "figure",
    "headline",
    "places",
    "points",
    "protect",
    "publish",
    "table",
]


# ``%load_ext stadtbuch`` looks for these two; they are no part of an analyst's world.
_IPYTHON = {
    "load_ipython_extension": "stadtbuch.lab.extension",
    "unload_ipython_extension": "stadtbuch.lab.extension",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used; ``import stadtbuch`` itself costs nothing."""
    module = _WORLD.get(name) or _IPYTHON.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WORLD])
