"""What strangers wrote, made harmless: nothing runs, fetches, bends or pretends, and honest work stays readable."""

import base64
import re
import struct
import zlib
from html.parser import HTMLParser

import pytest
from builders.payloads import HTML, MARKDOWN, SVG, svg
from builders.submissions import a_submission, code, executed, shown, text
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.submissions import showcase

WORDS = """
    a abbr b blockquote br caption code dd del div dl dt em h3 h4 h5 h6 hr i kbd li ol p pre q s samp small span
    strong sub sup table tbody td tfoot th thead tr u ul var
"""
TAGS = set(WORDS.split())
ATTRIBUTES = {
    "href",
    "title",
    "rel",
    "start",
    "colspan",
    "rowspan",
    "scope",
    "class",
    "role",
    "tabindex",
    "aria-label",
}


class Seen(HTMLParser):
    """Collects tags, attributes and addresses of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), []
        self.feed(markup)

    def handle_starttag(self, tag, attrs) -> None:
        """Remember one tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [dict(attrs) for name, _ in attrs if name == "href"]


def require_harmless(markup: str) -> None:
    """Fail on any tag, attribute or address beyond the short list."""
    seen = Seen(markup)
    assert seen.tags - TAGS == set()
    assert seen.attributes - ATTRIBUTES == set()
    for link in seen.links:
        assert re.fullmatch(r"https?://[^\s\"'<>]+", link["href"])
        assert link["rel"] == "nofollow ugc noopener noreferrer"


@pytest.mark.parametrize("payload", HTML)
def test_html_outputs_become_text_and_tables(payload: str) -> None:
    """Nothing but the short list is left of an HTML output, as it is and inside a table."""
    require_harmless(showcase.html(HTML[payload]))
    require_harmless(showcase.html(f"<table><tr><td>{HTML[payload]}</td></tr></table>"))


@pytest.mark.parametrize("payload", [*MARKDOWN, *(f"html: {name}" for name in HTML)])
def test_markdown_becomes_harmless(payload: str) -> None:
    """Markdown may not do more than HTML; raw HTML in it is shown as the text it is."""
    source = HTML[payload[6:]] if payload.startswith("html: ") else MARKDOWN[payload]
    require_harmless(showcase.markdown(source))
    require_harmless(showcase.markdown(f"Text\n\n- {source}\n\n> {source}\n"))


@given(st.text("<>/\"'=` &;#!-[]()\\\n\tascriptonerjvhfdlgmy:%0\u2028\x00", max_size=200))
def test_any_text_becomes_harmless(given_text: str) -> None:
    """Whatever the signs and their order, only the short list comes out."""
    require_harmless(showcase.html(given_text))
    require_harmless(showcase.markdown(given_text))


PIECES = st.lists(st.sampled_from([*HTML.values(), *MARKDOWN.values()]), min_size=2, max_size=4)


@given(PIECES, st.randoms(use_true_random=False))
def test_mixed_and_cut_payloads_become_harmless(pieces: list[str], random) -> None:
    """Payloads cut and put together anew: mutations hide in the seams."""
    joined = "".join(piece[: random.randint(1, len(piece))] for piece in pieces)
    require_harmless(showcase.html(joined))
    require_harmless(showcase.markdown(joined))
    again = showcase.html(showcase.html(joined))
    require_harmless(again)


def test_sources_streams_and_errors_are_text() -> None:
    """Code is shown as it is, escaped; colours of the terminal and hidden signs are not."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["\x1b[31m<b>rot</b>\x1b[0m", "\u202e"]},
        {"output_type": "stream", "name": "stderr", "text": "<script>"},
        {"output_type": "error", "ename": "X<y>", "evalue": "&", "traceback": ["<script>"]},
    ]
    data = a_submission(code("a < b  # </code><script>"))
    blocks = showcase.show(executed(data, {1: outputs})).blocks
    assert [(one.kind, one.html) for one in blocks] == [
        ("source", "a &lt; b  # &lt;/code&gt;&lt;script&gt;"),
        ("words", "&lt;b&gt;rot&lt;/b&gt;�"),
        ("error", "&lt;script&gt;"),
        ("error", "X&lt;y&gt;: &amp;"),
    ]


def test_honest_work_stays_readable() -> None:
    """A table of pandas, a list, a link and emphasis come through."""
    table = '<div><style scoped>.x {}</style><table border="1" class="dataframe"><thead><tr><th></th><th>a</th></tr>'
    table += "</thead><tbody><tr><th>0</th><td>1</td></tr></tbody></table></div>"
    made = showcase.html(table)
    assert "<tr><td></td><th>a</th></tr>" in made
    assert "<th>0</th><td>1</td>" in made
    assert '<div class="scroll" role="group" tabindex="0"' in made
    said = showcase.markdown("## Zwei\n\n**fett** [hier](https://a.example/b?c=1&d=2)\n\n1. eins")
    assert '<a href="https://a.example/b?c=1&amp;d=2" rel="nofollow ugc noopener noreferrer">hier</a>' in said
    assert "<strong>fett</strong>" in said
    assert "<li>eins</li>" in said


def test_headings_lie_below_ours_and_leave_no_gap() -> None:
    """Readers who move by headings never fall into a hole, whatever levels the sender chose."""
    data = a_submission(text("# Titel\n\n# A\n\n##### B\n\n## C"), code("1"), text("###### D\n\n# E"))
    markup = "".join(one.html for one in showcase.show(executed(data)).blocks if one.kind == "text")
    assert re.findall(r"<h(\d)>(\w)", markup) == [("3", "A"), ("4", "B"), ("4", "C"), ("5", "D"), ("3", "E")]


def test_the_first_heading_is_the_title_and_stands_once() -> None:
    """The page's own heading is the sender's, as plain words."""
    shown_ = showcase.show(
        executed(a_submission(text("Vorweg"), text("# Wo *Räder* <b>&amp;</b> fahren\n\nHier."), code("1")))
    )
    assert shown_.title == "Wo Räder & fahren"
    assert "Räder" not in "".join(one.html for one in shown_.blocks)


def test_the_richest_allowed_form_is_shown() -> None:
    """A picture goes before HTML, HTML before text; what is not allowed is said to be left out."""
    outputs = [
        shown(svg=svg(""), html="<b>x</b>", plain="x"),
        shown(svg="<svg", html="<b>x</b>", plain="x"),
        shown(html="<script>x</script>", plain="x"),
        {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {}}},
        {"output_type": "update_display_data", "data": "x"},
        {"output_type": "evil"},
    ]
    blocks = showcase.show(executed(a_submission(code("1")), {1: outputs})).blocks[1:]
    assert [one.kind for one in blocks] == ["picture", "html", "words", *["left-out"] * 4]


def test_a_page_stays_light() -> None:
    """Beyond the limit the rest is left out, and the page says so once."""
    long = {"output_type": "stream", "name": "stdout", "text": "x" * 19_000}
    data = a_submission(*[code("1")] * 20)
    blocks = showcase.show(executed(data, {number: [long] for number in range(1, 21)})).blocks
    assert sum(len(one.html) for one in blocks) < showcase.MAX_PAGE
    assert [one.kind for one in blocks].count("left-out") == 1


def test_sources_come_from_the_submission_and_only_outputs_from_the_sandbox() -> None:
    """A sandbox that was broken into cannot rewrite what somebody sent."""
    from stadtbuch.submissions import notebooks

    sent = notebooks.read(a_submission(code("1 + 1")))
    other = executed(
        a_submission(code("evil()"), code("more()")), {1: [shown(plain="2")], 2: [shown(plain="3")]}
    )
    assert [one.html for one in showcase.show(other, sources=sent).blocks] == ["1 + 1", "2"]


# ---- pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", SVG)
def test_a_picture_only_draws(payload: str) -> None:
    """What runs or fetches is cut out of a picture; what draws stays."""
    made = showcase.clean_svg(svg(SVG[payload]))
    assert made is not None
    drawing = made[0].decode()
    assert "<circle" in drawing
    assert (
        re.search(
            r"script|evil|on\w+=|alert|foreignObject|animate|<set|url\(\s*['\"]?http|data:|style", drawing
        )
        is None
    )


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + svg("<text>&a;</text>"),
        '<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd">' + svg(""),
        '<?xml-stylesheet href="http://evil.example/x.css"?>' + svg(""),
        svg("<g>" * 5_000 + "</g>" * 5_000),
        svg("x" * 2_100_000),
        "<html xmlns='http://www.w3.org/1999/xhtml'/>",
        '<svg><rect/></svg>',
        "",
        "\ud800",
    ],
)  # fmt: skip
def test_a_picture_that_is_none_is_left_out(bomb: str) -> None:
    """Entities, foreign definitions, depth, size, another language: no picture."""
    made = showcase.clean_svg(bomb)
    assert made is None or b"evil" not in made[0]


def test_styles_become_attributes() -> None:
    """Charts of many programs write styles; the page's policy would ignore them."""
    data, width, height = showcase.clean_svg(
        svg('<path d="M0,0" style="stroke: red; cursor: pointer; fill:none"/>')
    )
    assert (width, height) == (20, 10)
    assert b'stroke="red"' in data
    assert b"cursor" not in data


@given(
    st.lists(st.sampled_from([*SVG.values(), *HTML.values(), "<g>", "</g>", "<", '"', "&#106;"]), max_size=4)
)
def test_any_mixture_gives_a_harmless_picture_or_none(pieces: list[str]) -> None:
    """Whatever is left passes the same check as our own pictures."""
    from stadtbuch.privacy import svg as rules

    made = showcase.clean_svg(svg("".join(pieces)))
    assert made is None or rules.faults(made[0].decode()) == ()


def png(
    width: int = 2, height: int = 1, *, extra: bytes = b"", pixels: bytes | None = None, colour: int = 2
) -> bytes:
    """Give a PNG."""
    raw = pixels if pixels is not None else b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def chunk(name: bytes, body: bytes) -> bytes:
    """Give one chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_png_is_put_together_from_what_draws() -> None:
    """Texts, times and what hangs behind the end are gone; the pixels are the same."""
    dirty = (
        png(extra=chunk(b"tEXt", b"Author\0Erika") + chunk(b"iTXt", b"<script>"))
        + b"<script>alert(1)</script>"
    )
    assert showcase.clean_png(dirty) == (png(), 2, 1)


BROKEN = {
    "gif": b"GIF89a" + b"x" * 50,
    "html": b"<html>" * 10,
    "cut": png()[:-6],
    "wrong checksum": png()[:-14] + b"0000" + png()[-10:],
    "too wide": png(5_000, 1),
    "too many pixels": png(3_999, 3_999, pixels=b"x"),
    "a flood": png(2, 1, pixels=b"\0" * 5_000_000),
    "no pixels": png(pixels=b"")[:50],
    "no size": png(0, 1),
    "unknown colour": png(colour=5),
    "empty": b"",
}


@pytest.mark.parametrize("form", BROKEN)
def test_a_png_that_is_none_is_left_out(form: str) -> None:
    """Another format behind the ending, a bomb, damage: no picture."""
    assert showcase.clean_png(BROKEN[form]) is None


@given(st.data())
def test_any_damage_gives_a_picture_or_none(data: st.DataObject) -> None:
    """No bytes stop the reading."""
    good = png()
    place = data.draw(st.integers(0, len(good)))
    showcase.clean_png(
        good[:place] + data.draw(st.binary(max_size=8)) + good[place + data.draw(st.integers(0, 8)) :]
    )


def test_a_png_in_base64_with_line_ends_is_shown() -> None:
    """Jupyter breaks long lines."""
    coded = base64.encodebytes(png()).decode()
    made = showcase.show(executed(a_submission(code("1")), {1: [shown(png=coded), shown(png="%%%")]}))
    assert [one.kind for one in made.blocks] == ["source", "picture", "left-out"]
    assert made.files == {"picture-1.png": png()}
