"""Which pictures may be shown, and what text they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy.svg import faults, words

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'

REFUSED = {
    "<script>1</script>": "element script",
    "<foreignObject/>": "element foreignObject",
    '<image href="#a"/>': "element image",
    "<style>a{}</style>": "element style",
    "<a/>": "element a",
    "<animate/>": "element animate",
    '<rect style="fill:red"/>': "attribute style on rect",
    '<rect onload="f()"/>': "attribute onload on rect",
    '<use href="https://a.example/x.svg#a"/>': "reference to the outside on use",
    '<use href="x.svg"/>': "reference to the outside on use",
    '<use xlink:href="#a"/>': "attribute href on use",
    '<rect fill="url(https://a.example/)"/>': "foreign address in fill on rect",
    '<rect fill="url(x.svg#a)"/>': "foreign address in fill on rect",
    '<rect fill="u\\72l(x)"/>': "foreign address in fill on rect",
    '<g xmlns:x="urn:x"><x:secret/></g>': "element secret (foreign)",
    '<rect x:a="1" xmlns:x="urn:x"/>': "attribute a on rect",
    "<!-- Erika -->": "It holds DOCTYPE, entities, comments or processing instructions.",
    "<?php 1 ?>": "It holds DOCTYPE, entities, comments or processing instructions.",
    "<g>": "This is no readable SVG.",
    "&nbsp;": "This is no readable SVG.",
}


@pytest.mark.parametrize(("content", "fault"), REFUSED.items())
def test_refused(content: str, fault: str) -> None:
    """What runs, fetches, embeds or hides is named."""
    assert [one.en for one in faults(f"{OPEN}{content}</svg>")] == [fault]


@pytest.mark.parametrize(
    "svg",
    [
        "<!DOCTYPE svg><svg/>",
        '<!DOCTYPE x [<!ENTITY e "y">]>' + OPEN + "&e;</svg>",
        "<svg/>",
        "<html/>",
        "",
        "Erika",
    ],
)
def test_other_documents_are_refused(svg: str) -> None:
    """A DOCTYPE, another root and no XML at all are refused."""
    assert len(faults(svg)) == 1


def test_what_charts_are_made_of_passes() -> None:
    """Shapes, text, gradients, clips, local references and descriptions may be shown."""
    content = (
        '<title>a</title><desc>b</desc><metadata>CC BY 4.0, https://stadt.example</metadata><defs><clipPath id="c">'
        '<rect width="1"/></clipPath><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>'
        '<g clip-path="url(#c)" transform="translate(0,1)"><path fill="url(#g)" d="M0,0h1Z" aria-label="x"/></g>'
        '<use href="#c"/><text x="1" xml:lang="de" xml:space="preserve">1.204</text>'
    )
    assert faults(f'<?xml version="1.0"?>{OPEN}{content}</svg>') == ()


def test_real_charts_pass() -> None:
    """What Altair and vl-convert draw is allowed as it is."""
    import altair as alt
    import pandas as pd
    import vl_convert

    data = pd.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3], "c": ["p", "q", "p"]})
    charts = [
        alt.Chart(data, title="T").mark_bar().encode(x="a", y="b", color="c", tooltip="a"),
        alt.Chart(data).mark_area(clip=True, opacity=0.5).encode(x="b", y="b"),
        alt.Chart(data).mark_rect().encode(x="a", y="c", color="b"),
    ]
    for chart in charts:
        assert faults(vl_convert.vegalite_to_svg(chart.to_dict())) == ()


def test_words_are_found_wherever_they_stand() -> None:
    """Titles, descriptions, hover texts, attributes, split texts, classes and odd paths are read; drawings not."""
    content = (
        '<title>Eins</title><desc>Zwei</desc><rect aria-label="Drei" class="Vier" id="Fünf" d="M0,1 L2.5,-3Z"/>'
        '<path d="Sechs"/><text>Sie<tspan>ben</tspan></text><metadata>Acht</metadata>'
    )
    read = words(f"{OPEN}{content}</svg>").split()
    assert {"Eins", "Zwei", "Drei", "Vier", "Fünf", "Sechs", "Sieben", "Acht"} <= set(read)
    assert not any("2.5" in one for one in read)


@pytest.mark.parametrize("name", ["aria-label", "id", "class", "font-family", "{urn:x}x", "x", "d", "points"])
def test_a_number_that_identifies_is_found_in_every_attribute(name: str) -> None:
    """A tax id is made of digits like a drawing, and no coordinate is that long."""
    plain = name.replace("{urn:x}", "n:")
    assert "46036892817" in words(f'{OPEN}<g xmlns:n="urn:x" {plain}="46036892817"/></svg>')


@pytest.mark.parametrize(
    ("name", "found"), [("aria-label", True), ("lang", True), ("width", False), ("d", False)]
)
def test_only_attributes_that_draw_are_left_out(name: str, found: bool) -> None:
    """A short number is a drawing by the name of its attribute, not by its looks."""
    assert ("120.5" in words(f'{OPEN}<g {name}="120.5"/></svg>')) is found


def test_unreadable_pictures_are_all_text() -> None:
    """Where a picture cannot be read, everything in it is searched."""
    assert words("<svg>Erika") == "<svg>Erika"


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    """No text breaks the judgement; what is no picture is refused."""
    assert faults(text) != ()
    assert faults(f"{OPEN}{text}") != ()


def test_names_that_are_messages_are_not_repeated() -> None:
    """A made-up name of an element or attribute could itself be data: only plain names are told."""
    (fault,) = faults(f'{OPEN}<rect Müller_Erika="1"/></svg>')
    assert fault.en == "attribute ? on rect"
