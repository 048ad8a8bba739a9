"""Charts inside pages: nothing acts, nothing leads away, everything drawn stays."""

from __future__ import annotations

import pytest
from defusedxml.common import EntitiesForbidden

from stadtbuch.reports import pictures

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def inline(inner: str) -> str:
    """Write a picture with some content."""
    return pictures.inline(SVG.format(inner), label="Balken nach Alter", identity="bild")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<style>*{fill:red}</style>",
        '<rect onclick="x()"/>',
        '<rect style="fill:url(https://fremd.example/a)"/>',
        '<image xlink:href="https://fremd.example/a.png"/>',
        '<use xlink:href="https://fremd.example/a.svg#x"/>',
        '<use xlink:href="nachbar.svg#x"/>',
        '<a xlink:href="javascript:alert(1)"><text>x</text></a>',
        "<foreignObject><p>x</p></foreignObject>",
        '<animate attributeName="x"/>',
        '<rect fill="url(//fremd.example)"/>',
    ],
)
def test_picture_neither_acts_nor_leads_away(hostile: str) -> None:
    """No script, style, handler or foreign address survives inside a picture."""
    written = inline(hostile)
    for forbidden in (
        "script",
        "nachbar",
        "style",
        "onclick",
        "fremd.example",
        "javascript",
        "foreignObject",
        "animate",
        "image",
    ):
        assert forbidden not in written


def test_style_becomes_attributes_so_that_the_policy_allows_it() -> None:
    """What a style attribute said is drawn all the same."""
    assert '<rect fill="red" stroke-width="2" />' in inline('<rect style="fill: red; stroke-width: 2"/>')


def test_references_inside_the_picture_stay() -> None:
    """Clip paths and gradients work by references to the picture's own parts."""
    inner = '<clipPath id="c"><rect/></clipPath><g clip-path="url(#c)"><use href="#c"/></g>'
    assert 'clip-path="url(#c)"' in inline(inner) and 'href="#c"' in inline(inner)


def test_picture_that_names_itself_keeps_its_name_and_others_get_one() -> None:
    """Every picture has one name for screen readers."""
    named = '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t"><title id="t">Titel</title></svg>'
    assert pictures.inline(named, label="x", identity="y").count("aria-labelledby") == 1
    assert 'aria-labelledby="bild-title"><title id="bild-title">Balken nach Alter</title>' in inline("")


def test_bomb_of_entities_is_refused() -> None:
    """A picture that blows itself up when read is not read."""
    bomb = '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("<text>&a;</text>")
    with pytest.raises(EntitiesForbidden):
        pictures.inline(bomb, label="x", identity="y")
