"""
Pictures: which SVG may be shown. Refused is all that is not on a short list of what charts are made of.

A picture must not run, fetch or embed anything. So no script, no handler, no link, no embedded picture or
HTML, no style sheet, no inline style, no reference but to a part of the same picture, no DOCTYPE, entities
or comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from stadtbuch.texts import Text

NAMESPACE = "http://www.w3.org/2000/svg"
XML = "http://www.w3.org/XML/1998/namespace"

_ELEMENTS = """
    svg g path line rect circle ellipse polygon polyline text tspan title desc metadata defs clipPath mask
    linearGradient radialGradient stop pattern use symbol marker
"""
_ATTRIBUTES = """
    aria-describedby aria-hidden aria-label aria-labelledby aria-roledescription class clip-path
    clip-rule clipPathUnits cx cy d direction display dominant-baseline dx dy fill fill-opacity
    fill-rule focusable font-family font-size font-style font-variant font-weight fx fy
    gradientTransform gradientUnits height href id lang letter-spacing marker-end marker-mid
    marker-start markerHeight markerUnits markerWidth mask maskContentUnits maskUnits offset opacity
    orient overflow paint-order patternContentUnits patternTransform patternUnits pointer-events points
    preserveAspectRatio r refX refY role rotate rx ry shape-rendering spreadMethod stop-color
    stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
    stroke-miterlimit stroke-opacity stroke-width text-anchor text-rendering textLength transform
    vector-effect version viewBox visibility width x x1 x2 y y1 y2
"""
_COORDINATES = """
    cx cy d dx dy fx fy gradientTransform height markerHeight markerWidth offset patternTransform points r
    refX refY rotate rx ry textLength transform viewBox width x x1 x2 y y1 y2
"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())

_URL = re.compile(r"url\s*\(\s*[\"']?\s*(?!#[\w.-]+[\"']?\s*\))", re.IGNORECASE)
_LOCAL = re.compile(r"#[\w.-]+")
_MARKUP = re.compile(r"<!(?!\[CDATA\[)|<\?(?!xml )", re.IGNORECASE)
_DRAWING = re.compile(
    r"(?:[MmLlHhVvCcSsQqTtAaZz]|translate|rotate|scale|matrix|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d+)?|[\s,()])*"
)
_DRAWN = frozenset(_COORDINATES.split())
# no coordinate of a picture has so many digits before the point: it could be a number that identifies
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{7,}")
_SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]{0,30}")

UNREADABLE = Text(de="Das ist kein lesbares SVG.", en="This is no readable SVG.")
DOCTYPE = Text(
    de="Es enthält DOCTYPE, Entitäten, Kommentare oder Verarbeitungsanweisungen.",
    en="It holds DOCTYPE, entities, comments or processing instructions.",
)
ROOT = Text(de="Das äußerste Element ist nicht svg.", en="The outermost element is not svg.")


@lru_cache(maxsize=32)  # as for `words`
def faults(svg: str) -> tuple[Text, ...]:
    """
    Say what a picture holds that it may not hold; nothing where it may be shown.

    Parameters
    ----------
    svg
        The picture as text.

    Examples
    --------
    >>> faults('<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>')
    ()
    >>> [fault.en for fault in faults('<svg xmlns="http://www.w3.org/2000/svg" onload="f()"><script/></svg>')]
    ['attribute onload on svg', 'element script']
    """
    if _MARKUP.search(svg):
        return (DOCTYPE,)
    try:
        root = ElementTree.fromstring(svg, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError):
        return (UNREADABLE,)
    if root.tag != f"{{{NAMESPACE}}}svg":
        return (ROOT,)
    return tuple({fault.en: fault for element in root.iter() for fault in _element(element)}.values())


def _element(element: Element) -> Iterator[Text]:
    """Say what is wrong with one element and its attributes."""
    name = _local(element.tag)
    if name is None or name not in ELEMENTS:
        yield same_kind("Element", "element", name)
        return
    for key, value in element.attrib.items():
        yield from _attribute(name, key, value)


def _attribute(element: str, key: str, value: str) -> Iterator[Text]:
    plain = key.removeprefix(f"{{{XML}}}")
    if plain not in ATTRIBUTES and not (plain != key and plain in ("lang", "space")):
        yield Text(de=f"Attribut {_named(key)} an {element}", en=f"attribute {_named(key)} on {element}")
    elif plain == "href" and not _LOCAL.fullmatch(value):
        yield Text(de=f"Verweis nach außen an {element}", en=f"reference to the outside on {element}")
    elif _URL.search(value) or "\\" in value:
        yield Text(
            de=f"fremde Adresse in {plain} an {element}", en=f"foreign address in {plain} on {element}"
        )


def _local(tag: object) -> str | None:
    """Give the plain name of an element of SVG; None for everything else."""
    if not isinstance(tag, str) or not tag.startswith(f"{{{NAMESPACE}}}"):
        return tag.rpartition("}")[2] + " (fremd)" if isinstance(tag, str) else None
    return tag.rpartition("}")[2]


def _named(key: str) -> str:
    """Name an attribute without its namespace; a name that is no plain word could itself be a message."""
    plain = key.rpartition("}")[2]
    return plain if _SAFE_NAME.fullmatch(plain) else "?"


def same_kind(de: str, en: str, name: str | None) -> Text:
    """Name a kind of thing with a plain word, or with a question mark where the word is none."""
    plain = name if name and _SAFE_NAME.fullmatch(name.removesuffix(" (fremd)")) else "?"
    return Text(de=f"{de} {plain}", en=f"{en} {plain.replace('(fremd)', '(foreign)')}")


@lru_cache(maxsize=32)  # a chart is judged as an output and as a file, and the map of a city in every report
def words(svg: str) -> str:
    """
    Give all text of a picture that readers or machines can find, without what only draws.

    Names of elements and attributes count as text too. Where the picture cannot be read, all of it is text.

    Examples
    --------
    >>> words('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0,1" aria-label="Balken"/>'
    ...       '<text>Mü<tspan>ller</tspan></text></svg>').split()
    ['Balken', 'Mü', 'ller', 'Müller']
    """
    try:
        root = ElementTree.fromstring(svg, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError):
        return svg
    parts = [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if not _only_draws(key, value)
    ]
    parts += root.itertext()
    # a word may be cut by an element in its middle: each text is also read as one piece
    parts += ["".join(element.itertext()) for element in root.iter(f"{{{NAMESPACE}}}text") if len(element)]
    return "\n".join(parts)


def _only_draws(key: str, value: str) -> bool:
    """Say whether an attribute holds nothing but coordinates, sizes and commands of drawing."""
    return key in _DRAWN and bool(_DRAWING.fullmatch(value)) and not _LONG_NUMBER.search(value)
