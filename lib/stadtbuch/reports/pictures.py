"""
A chart's SVG, made fit to stand inside a page.

The archive keeps the file as it was made and judged. What stands in a page is written anew from it with a short
list of what may stay: no script, no handler, no inline style, no address outside of the picture. A second lock on
the same door, because a page is read by strangers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree import ElementTree as Plain

from defusedxml import ElementTree

SVG = "http://www.w3.org/2000/svg"
KEPT = {
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
    "desc",
    "defs",
    "clipPath",
    "linearGradient",
    "radialGradient",
    "stop",
    "pattern",
    "mask",
    "use",
    "symbol",
    "marker",
}
ELSEWHERE = re.compile(r"url\(\s*[\"']?(?!#)|^\s*(?:javascript|data|https?|//)", re.IGNORECASE)


@lru_cache(maxsize=64)  # a chart stands on two pages in each language
def inline(svg: str, *, label: str, identity: str) -> str:
    """
    Write a chart as it may stand in a page.

    Parameters
    ----------
    svg
        The chart's file as text.
    label
        The alternative text; used where the picture does not name itself.
    identity
        Start of ids on this page, so that the picture's own name can be found.

    Examples
    --------
    >>> inline('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><rect style="fill: red"/><script>1</script></svg>',
    ...        label="Ein Balken", identity="a")
    '<svg role="img" aria-labelledby="a-title"><title id="a-title">Ein Balken</title><rect fill="red" /></svg>'
    """
    tree = ElementTree.fromstring(svg)
    _clean(tree)
    _name(tree, label, identity)
    return Plain.tostring(tree, encoding="unicode")


def _clean(element: Plain.Element) -> None:
    """Reduce one element and all below it to what may stay."""
    element.attrib = _attributes(element.attrib)
    element.tag = _plain(element.tag)
    for child in list(element):
        if isinstance(child.tag, str) and _plain(child.tag) in KEPT:
            _clean(child)
        else:
            element.remove(child)


def _attributes(given: dict[str, str]) -> dict[str, str]:
    """Keep what draws and names; a style becomes attributes, which the page's policy allows."""
    wanted = {**dict(_declarations(given.get("style", ""))), **given}
    return {
        _plain(name): value
        for name, value in wanted.items()
        if _plain(name) != "style"
        and not _plain(name).lower().startswith("on")
        and not _leads_away(name, value)
    }


def _leads_away(name: str, value: str) -> bool:
    """Whether an attribute points outside of the picture."""
    return (_plain(name) == "href" and not value.startswith("#")) or bool(ELSEWHERE.search(value))


def _declarations(style: str) -> list[tuple[str, str]]:
    """Read a style attribute as presentation attributes."""
    pairs = (part.partition(":") for part in style.split(";"))
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


def _name(tree: Plain.Element, label: str, identity: str) -> None:
    """Give the picture a role and a name where its maker did not."""
    if tree.get("aria-labelledby"):
        return
    tree.attrib = {"role": "img", "aria-labelledby": f"{identity}-title", **tree.attrib}
    for old in tree.findall("title"):
        tree.remove(old)
    title = Plain.Element("title", {"id": f"{identity}-title"})
    title.text = label
    tree.insert(0, title)


def _plain(name: str) -> str:
    """Give a name without its namespace; inside HTML the parser knows it."""
    return name.rpartition("}")[2]
