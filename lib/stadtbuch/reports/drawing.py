"""
From a chart to a static SVG that may stand in a page: small, quiet, the same bytes every time.

Vega draws for a screen with scripts. A page without scripts needs less: no ``style`` attributes (the page's
content security policy forbids them), no roles inside a picture that has one description, no ids that meet
those of another picture, coordinates to a tenth of a pixel. What is left may be looked at and scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

from stadtbuch.errors import UsageError
from stadtbuch.reports import palette
from stadtbuch.texts import Text

if TYPE_CHECKING:
    import altair

LOCALE: dict[str, Any] = {"de": "de-DE", "en": "en-GB"}
SVG = "http://www.w3.org/2000/svg"
ALL_ROWS = "stadtbuch"
"""Our way to hand data to a chart: Altair's own, without first writing all of them out to count them."""
SYNTHETIC = Text(de="Synthetische Daten", en="Synthetic data")
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+e-?\d+")
CORNERS = re.compile(r"(?:M-?[\d.e-]+,-?[\d.e-]+(?:L-?[\d.e-]+,-?[\d.e-]+)+Z)+")
DRAWN = (
    "d",
    "transform",
    "points",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "width",
    "height",
)
NOISE = ("role", "class", "pointer-events", "font-family", "stroke-miterlimit", "cursor")
SAYS_NOTHING = {
    ("opacity", "1"),
    ("transform", "translate(0,0)"),
    ("stroke-width", "1"),
    ("font-weight", "normal"),
}
NEUTRAL = re.compile(r"#([0-4])\1\1|#([0-4][0-9a-f])\2\2|black", re.IGNORECASE)
PAPER = ("#fff", "#ffffff", "white")


def spec(chart: altair.TopLevelMixin) -> dict[str, Any]:
    """
    Give a chart's Vega-Lite specification in the theme of the city; the chart's own configuration wins.

    A chart with no width of its own is as wide as the column of text, axes and legend included.
    """
    import altair  # noqa: PLC0415 - half a second; only notebooks that draw need it

    altair.data_transformers.register(ALL_ROWS, altair.to_values)
    with altair.theme.enable("none"), altair.data_transformers.enable(ALL_ROWS):
        written: dict[str, Any] = chart.to_dict()
    written["config"] = palette.merged(palette.config(), written.get("config", {}))
    if not any(
        key in written for key in ("width", "autosize", "facet", "hconcat", "vconcat", "concat", "repeat")
    ):
        written |= {"width": palette.WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}}
    for unit in _units(written):
        _hover(unit)
    _rewind(written)
    return written


def _rewind(part: Any) -> None:
    """
    Turn the rings of all polygons the way d3 reads them: outer rings clockwise, holes the other way.

    GeoJSON (RFC 7946) asks for the opposite; d3 would take such an area for the whole globe without it.
    """
    if isinstance(part, dict) and part.get("type") == "Polygon":
        part["coordinates"] = _wound(part["coordinates"])
    elif isinstance(part, dict) and part.get("type") == "MultiPolygon":
        part["coordinates"] = [_wound(polygon) for polygon in part["coordinates"]]
    elif isinstance(part, dict):
        for value in part.values():
            _rewind(value)
    elif isinstance(part, list) and part and isinstance(part[0], (dict, list)):
        for value in part:
            _rewind(value)


def _wound(polygon: Sequence[Any]) -> list[Any]:
    return [_turned(ring, clockwise=number == 0) for number, ring in enumerate(polygon)]


def _turned(ring: Sequence[Sequence[float]], *, clockwise: bool) -> list[Sequence[float]]:
    """Give a ring in one direction; the sign of its area (shoelace formula) tells which it has."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
    return list(ring) if (area < 0) == clockwise else list(reversed(ring))


def _units(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk over all single views of a specification."""
    if "mark" in part:
        yield part  # type: ignore[misc]
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for child in part.get(key, []):
            yield from _units(child)
    if isinstance(part.get("spec"), dict):
        yield from _units(part["spec"])


def _hover(unit: dict[str, Any]) -> None:
    """Keep a describing text only on marks whose author asked for one (``tooltip`` or ``description``)."""
    encoding = unit.get("encoding", {})
    mark = unit["mark"] if isinstance(unit["mark"], dict) else {"type": unit["mark"]}
    wanted = encoding.get("tooltip")
    if isinstance(wanted, list) and len(wanted) == 1:
        wanted = wanted[0]
    if isinstance(wanted, dict) and "description" not in encoding:
        encoding["description"] = wanted
    unit["mark"] = (
        mark if {"tooltip", "description"} & (encoding.keys() | mark.keys()) else mark | {"aria": False}
    )


def convert(written: Mapping[str, Any], *, language: str) -> str:
    """Draw a specification with the numbers and dates of a language; nothing is fetched from anywhere."""
    import vl_convert  # noqa: PLC0415 - starts a JavaScript engine

    locale = LOCALE[language]
    return vl_convert.vegalite_to_svg(
        dict(written), format_locale=locale, time_format_locale=locale, allowed_base_urls=[]
    )


def tidy(
    drawn: str, *, name: str, language: str, title: str, alt: str, credit: Sequence[str], synthetic: bool
) -> str:
    """
    Turn Vega's SVG into one for a page.

    Parameters
    ----------
    drawn
        What `convert` gave.
    name, language
        Together the prefix of every id.
    title, alt
        What stands in ``<title>`` and ``<desc>``.
    credit
        Lines on sources, licences and attribution for ``<metadata>``.
    synthetic
        Whether the picture says in itself that its data are made up.

    Raises
    ------
    UsageError
        ``figure.empty`` if the chart has axes but no marks.
    """
    root = fromstring(drawn)
    if not has_marks(root):
        raise _empty(name)
    prefix = f"{name}-{language}"
    _prune(root)
    _rename(root, prefix)
    for element in list(root.iter()):
        _clean(element)
    _flatten(root)
    _front(root, prefix=prefix, language=language, title=title, alt=alt, credit=credit)
    if synthetic:
        _ribbon(root, SYNTHETIC.pick(language))
    return tostring(root, encoding="unicode")


def has_marks(root: Element) -> bool:
    """Tell whether anything is drawn beside axes, legends and titles."""
    return any(
        _visible(item)
        for group in root.iter()
        if "role-mark" in group.get("class", "").split()
        for item in group.iter()
        if item is not group
    )


def _visible(item: Element) -> bool:
    tag = item.tag.rpartition("}")[2]
    if tag == "path":
        return bool(re.search(r"[hlvacqzHLVACQZ]", item.get("d", ""))) and item.get("class") is None
    return (tag == "text" and bool((item.text or "").strip())) or tag in ("line", "rect", "circle", "image")


def _empty(name: str) -> UsageError:
    return UsageError(
        "figure.empty",
        Text(de=f"Die Abbildung {name} ist leer.", en=f"The figure {name} is empty."),
        why=Text(
            de="Das Diagramm hat keine einzige Marke: Die Daten sind leer oder eine Spalte heißt anders.",
            en="The chart has not a single mark: the data are empty, or a column has another name.",
        ),
        remedy=Text(
            de="Prüfen Sie die Daten und die Spaltennamen in encode(...).",
            en="Check the data and the column names in encode(...).",
        ),
    )


def _prune(parent: Element) -> None:
    """Take out what is never seen: Vega's empty backgrounds, hidden foregrounds, empty groups."""
    for child in list(parent):
        _prune(child)
        hidden = child.get("display") == "none" or child.get("opacity") == "0"
        blank = child.get("class") == "background" and not (child.get("stroke") or child.get("fill"))
        empty = child.tag == f"{{{SVG}}}g" and len(child) == 0
        if hidden or blank or empty:
            parent.remove(child)


def _flatten(parent: Element) -> None:
    """Lift the content of groups that change nothing to the place where the group stood."""
    children: list[Element] = []
    for child in list(parent):
        _flatten(child)
        children += list(child) if child.tag == "g" and not child.attrib else [child]
    parent[:] = children


def _rename(root: Element, prefix: str) -> None:
    """Give ids in order of appearance; Vega counts on over all charts of a process."""
    named = {
        one.get("id"): f"{prefix}-{number}"
        for number, one in enumerate(e for e in root.iter() if e.get("id"))
    }
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, named[value])
            elif value.startswith("url(#"):
                element.set(key, f"url(#{named.get(value[5:-1], value[5:-1])})")


def _clean(element: Element) -> None:
    """Leave the attributes that draw; the words on a mark become its hover text."""
    element.tag = element.tag.rpartition("}")[2]
    for declaration in filter(None, (element.attrib.pop("style", "") or "").split(";")):
        key, _, value = declaration.partition(":")
        element.set(key.strip(), value.strip())
    words = element.get("aria-label") if element.get("role") == "graphics-symbol" else None
    mark = element.get("aria-roledescription") not in ("axis", "legend", "title", "header")
    for key, value in list(element.attrib.items()):
        if key in NOISE or key.startswith("aria-") or (key, value) in SAYS_NOTHING:
            del element.attrib[key]
        elif key in DRAWN:
            element.set(key, shortened(value) if key == "d" else NUMBER.sub(_tenth, value))
        elif key in ("fill", "stroke"):
            _recolour(element, key, value)
    if words and mark:
        hover = Element("title")
        hover.text = words
        element.insert(0, hover)


def shortened(path: str) -> str:
    """
    Write a path's coordinates to a tenth of a pixel; a line of corners as steps, which are shorter than
    places.

    Steps are differences of rounded places, so that neighbours on a map keep their common border.

    Examples
    --------
    >>> shortened("M10.04,20L110.06,20.01L110.06,20L12.5,7Z")
    'M10,20l100.1,0,-97.6,-13z'
    """
    if not CORNERS.fullmatch(path):
        return NUMBER.sub(_tenth, path)
    rings = (ring.strip("Z").split("L") for ring in path.removeprefix("M").split("M"))
    return "".join(_ring([_place(corner) for corner in ring]) for ring in rings) if path else path


def _place(corner: str) -> tuple[int, int]:
    """Give a corner in tenths of a pixel."""
    x, y = corner.split(",")
    return round(float(x) * 10), round(float(y) * 10)


def _ring(corners: Sequence[tuple[int, int]]) -> str:
    steps = [f"{(b[0] - a[0]) / 10:g},{(b[1] - a[1]) / 10:g}" for a, b in pairwise(corners) if a != b]
    return f"M{corners[0][0] / 10:g},{corners[0][1] / 10:g}" + (f"l{','.join(steps)}z" if steps else "z")


def _tenth(match: re.Match[str]) -> str:
    rounded = f"{float(match[0]):.1f}".removesuffix(".0")
    return "0" if rounded == "-0" else rounded


def _recolour(element: Element, key: str, value: str) -> None:
    """Near-black follows the page's ink, white its paper: the class tells the style sheet."""
    if NEUTRAL.fullmatch(value):
        element.set(key, palette.INK)
    elif value.lower() in PAPER:
        element.set("class", " ".join(filter(None, (element.get("class"), f"sb-paper-{key}"))))


def _front(root: Element, *, prefix: str, language: str, title: str, alt: str, credit: Sequence[str]) -> None:
    """Put role, name, description and credit at the head of the picture."""
    size = {key: root.get(key, "") for key in ("width", "height", "viewBox")}
    root.attrib.clear()
    root.attrib |= {"xmlns": SVG, "class": "sb-svg"} | size | {"role": "img", "lang": language}
    root.attrib |= {"aria-labelledby": f"{prefix}-title", "aria-describedby": f"{prefix}-desc"}
    root.attrib |= {"font-family": palette.FONT}
    heads = (
        ("title", f"{prefix}-title", title),
        ("desc", f"{prefix}-desc", alt),
        ("metadata", "", "\n".join(credit)),
    )
    for place, (tag, identity, words) in enumerate(heads):
        element = Element(tag, {"id": identity} if identity else {})
        element.text = words
        root.insert(place, element)


def _ribbon(root: Element, words: str) -> None:
    """Add a line below the picture that says its data are made up."""
    width, height = (float(root.get(key, "0")) for key in ("width", "height"))
    root.set("height", f"{height + 18:g}")
    root.set("viewBox", f"0 0 {width:g} {height + 18:g}")
    place = {"x": f"{width - 4:g}", "y": f"{height + 12:g}", "text-anchor": "end", "font-size": "11px"}
    ribbon = SubElement(
        root, "text", {"class": "sb-ribbon", "fill": palette.INK, "fill-opacity": "0.75"} | place
    )
    ribbon.text = words
