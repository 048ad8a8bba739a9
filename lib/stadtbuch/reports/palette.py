"""
One look for all charts: quiet axes, colours that colour-blind people can tell apart, fit for light and dark
pages.

Every colour of data keeps a contrast of at least 3 to 1 against a white and against a nearly black page, so
one SVG serves both. Text and axes take the colour of the page around them (``currentColor``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""vl-convert brings Liberation Sans along and measures with it; Arial and Helvetica have the same widths."""

WIDTH = 640
BLUE, ORANGE, GREEN, PURPLE, GREY, BROWN = "#0072b2", "#d55e00", "#009e73", "#b5679b", "#7a7a7a", "#9a6b2f"
"""After Okabe and Ito (2008); yellow and sky blue are left out, they vanish on white."""

CATEGORIES = (BLUE, ORANGE, GREEN, PURPLE, GREY, BROWN)
RAMP = ("#d3e5f2", "#a3c9e3", "#6aa9d2", "#3586bb", "#12659c", "#084672")
DIVERGING = ("#b35806", "#e08e3c", "#f3d6b3", "#bcd5ea", "#5d9bc9", "#0b5c96")
INK = "currentColor"


def config() -> dict[str, Any]:
    """Give the Vega-Lite configuration of the theme."""
    words = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": None,
        "font": FONT,
        "padding": 4,
        "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": 320, "discreteWidth": WIDTH},
        "axis": words
        | {
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "labelPadding": 6,
            "gridColor": INK,
            "gridOpacity": 0.14,
            "domain": False,
            "ticks": False,
            "tickColor": INK,
            "domainColor": INK,
        },
        "axisBand": {"grid": False},
        "legend": words
        | {"titleFontWeight": "normal", "orient": "top", "symbolType": "square", "symbolSize": 130},
        "header": words | {"titleFontWeight": "normal", "labelFontWeight": "bold"},
        "title": {"color": INK, "subtitleColor": INK, "fontSize": 13, "anchor": "start"},
        "text": {"color": INK, "fontSize": 12},
        "rule": {"color": INK},
        "tick": {"color": INK},
        "bar": {"color": BLUE},
        "rect": {"color": BLUE},
        "area": {"color": BLUE, "fillOpacity": 0.85},
        "line": {"color": BLUE, "strokeWidth": 2.2},
        "point": {"color": BLUE, "filled": True, "size": 60},
        "geoshape": {
            "stroke": "#ffffff",
            "strokeWidth": 0.8,
            "color": BLUE,
        },  # not fill: filled=False shall hold
        "range": {
            "category": list(CATEGORIES),
            "ramp": list(RAMP),
            "heatmap": list(RAMP),
            "ordinal": list(RAMP),
            "diverging": list(DIVERGING),
        },
    }


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """
    Lay one configuration over another, key by key.

    Examples
    --------
    >>> merged({"axis": {"grid": True, "ticks": True}}, {"axis": {"grid": False}})
    {'axis': {'grid': False, 'ticks': True}}
    """
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result
