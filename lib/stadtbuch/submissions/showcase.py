"""
What the public page shows of a re-run notebook: text, tables and pictures that cannot do anything (pure).

Everything comes from the sandbox and is what a stranger wrote. Sources, streams and errors are escaped text. Markdown
loses its raw HTML, then it and HTML outputs pass nh3 with a short list of harmless tags: no script, style, form,
frame, picture, id, class, style attribute or relative link. PNG is taken apart and put together again from the chunks
that draw; SVG is rebuilt from the elements that draw and kept only if nothing else is left, and both are files that the
page shows as images. A page that follows a content policy without scripts is the second lock, not the first.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any, Literal
from xml.etree.ElementTree import Element, register_namespace, tostring

import mistune
import nh3
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from stadtbuch.privacy import svg as drawings
from stadtbuch.submissions import notebooks
from stadtbuch.submissions.notebooks import Notebook

MAX_TEXT = 20_000
MAX_HTML = 60_000
MAX_PAGE = 200_000
MAX_SIDE = 4_000
MAX_PICTURE = 2_000_000
MAX_PICTURES = 30
MAX_PIXELS = 12_000_000
FIRST_HEADING = 3

_ANSI = re.compile(
    r"\x1b(?:\[[0-9;?]{0,40}[ -/]{0,5}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)?|.)?", re.DOTALL
)
_UNSEEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A),
     0x200E, 0x200F, 0x061C, 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000), *range(0xE0000, 0xE0080)],
    "\N{REPLACEMENT CHARACTER}",
)  # fmt: skip
_INLINE = set("a abbr b br code del em i kbd q s samp small span strong sub sup u var".split())  # noqa: SIM905 - read as words
_BLOCKS = set("blockquote dd dl dt hr li ol p pre ul table caption thead tbody tfoot tr th td".split())  # noqa: SIM905 - read as words
_HEADINGS = {f"h{level}" for level in range(2, 7)}
_EMPTIED = set(
    "script style iframe object embed template noscript noembed noframes svg math textarea title xmp select".split()  # noqa: SIM905 - read as words
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ \t]{1,9}(.{1,200})$", re.MULTILINE)
_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)

Kind = Literal["text", "source", "words", "error", "html", "picture", "left-out"]


@dataclass(frozen=True, slots=True)
class Block:
    """
    One piece of the page: a source, a text, an output.

    `html` is safe markup (for "source", "words" and "error": escaped text); a picture has `file`, `width`, `height`.
    """

    kind: Kind
    cell: int
    html: str = ""
    file: str = ""
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class Shown:
    """A notebook made safe: its blocks in order, the files of its pictures, its first heading."""

    blocks: list[Block] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    title: str = ""
    _weight: int = 0

    def add(self, block: Block) -> None:
        """Add a block, as long as the page stays light; a page that is full says so once."""
        if self._weight > MAX_PAGE:
            return
        self._weight += len(block.html)
        self.blocks.append(block if self._weight <= MAX_PAGE else Block("left-out", block.cell))


def show(executed: bytes, *, sources: Notebook | None = None) -> Shown:
    """
    Make a re-run notebook safe to show.

    Parameters
    ----------
    executed
        The notebook with our outputs, as the sandbox gave it: still untrusted.
    sources
        The notebook as it was sent: if given, sources come from there and only outputs from the sandbox.

    Raises
    ------
    Refused
        As `notebooks.read`; a larger notebook than one that may be sent is fine.

    Examples
    --------
    >>> made = show(b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# Hallo <script>x</script>"},'
    ...             b'{"cell_type": "code", "source": "1 < 2", "outputs": []}]}')
    >>> made.title, [(one.kind, one.html) for one in made.blocks if one.kind == "source"]
    ('Hallo', [('source', '1 &lt; 2')])
    """
    ran = notebooks.read_executed(executed)
    outputs = {cell.number: cell.outputs for cell in ran.cells}
    shown, levels = Shown(), _Levels()
    for cell in (sources or ran).cells:
        if cell.kind == "markdown":
            html = markdown(_titled(shown, cell.source), levels=levels)
            if html.strip():
                shown.add(Block("text", cell.number, html))
        else:
            shown.add(Block("source", cell.number, plain(cell.source.strip("\n"))))
            for output in outputs.get(cell.number, ()):
                _output(shown, cell.number, output)
    return shown


def _titled(shown: Shown, source: str) -> str:
    """Take the first heading for the page's title, and out of the text, where it would stand twice."""
    title = "" if shown.title else heading(source)
    if not title:
        return source
    shown.title = title
    return _HEADING.sub("", source, count=1)


def heading(source: str) -> str:
    """
    Give the first heading of a Markdown cell as plain words.

    Examples
    --------
    >>> heading("# Wo **Bäume** [stehen](https://a.example)")
    'Wo Bäume stehen'
    """
    match = _HEADING.search(source)
    if not match:
        return ""
    bare = nh3.clean(mistune.html(match[1]), tags=set())  # type: ignore[arg-type]
    words = " ".join(unescape(bare).translate(_UNSEEN).split())
    return words[:120].rstrip("# ")


def plain(words: str) -> str:
    r"""
    Give text as it may stand in a page: escaped, without colours of a terminal, hidden or turning signs.

    Examples
    --------
    >>> plain("\x1b[31m<b>\u202e")
    '&lt;b&gt;�'
    """
    cut = words[:MAX_TEXT]
    more = "\n[…]" if len(words) > MAX_TEXT else ""
    return escape(_ANSI.sub("", cut).translate(_UNSEEN) + more)


# ---- Markdown and HTML --------------------------------------------------------------------------------


class _Levels:
    """Keeps headings of the sender below ours and without gaps: readers move by them."""

    def __init__(self) -> None:
        self.last = FIRST_HEADING - 1

    def next(self, level: int) -> int:
        self.last = min(max(level + FIRST_HEADING - 1, FIRST_HEADING), self.last + 1, 6)
        return self.last


class _Renderer(mistune.HTMLRenderer):
    """Markdown without raw HTML, pictures and inline styles."""

    def __init__(self, levels: _Levels) -> None:
        super().__init__(escape=True)
        self.levels = levels

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        lower = self.levels.next(level)
        return f"<h{lower}>{text}</h{lower}>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"[{escape(text)}]" if text else "[…]"


def markdown(source: str, *, levels: _Levels | None = None) -> str:
    r"""
    Turn a stranger's Markdown into harmless HTML.

    Examples
    --------
    >>> markdown("[x](javascript:alert(1)) <img src=x onerror=alert(1)>")
    '<p><a rel="nofollow ugc noopener noreferrer">x</a> &lt;img src=x onerror=alert(1)&gt;</p>\n'
    """
    reader = mistune.create_markdown(
        renderer=_Renderer(levels or _Levels()), plugins=["table", "strikethrough"]
    )
    return _regions(
        _clean(str(reader(source[:MAX_HTML].translate(_UNSEEN))), tags=_INLINE | _BLOCKS | _HEADINGS)
    )


def html(given: str) -> str:
    """
    Reduce an HTML output to text and tables.

    Examples
    --------
    >>> html('<div style="x"><p onclick="f()">a<script>f()</script></p></div>')
    '<p>a</p>'
    """
    if len(given) > MAX_HTML:
        return ""
    return _regions(_clean(given.translate(_UNSEEN), tags=_INLINE | _BLOCKS))


def _clean(given: str, *, tags: set[str]) -> str:
    return nh3.clean(
        given,
        tags=tags,
        clean_content_tags=_EMPTIED,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"https", "http"},
        link_rel="nofollow ugc noopener noreferrer",
        strip_comments=True,
    )


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Keep whole addresses on the web, and numbers where numbers belong."""
    if attribute == "href":
        return value if _ADDRESS.fullmatch(value) else None
    if attribute in ("colspan", "rowspan", "start"):
        return value if _SPAN.fullmatch(value) else None
    if attribute == "scope":
        return value if value in ("row", "col") else None
    return value


def _regions(clean: str) -> str:
    """Let wide tables scroll by themselves; an empty heading of a column is no heading."""
    region = '<div class="scroll" role="group" tabindex="0" aria-label="Tabelle / table"><table>'
    table = clean.replace("<table>", region).replace("</table>", "</table></div>")
    return re.sub(r"<th>\s*</th>", "<td></td>", table).replace("<pre>", '<pre tabindex="0">')


# ---- outputs ------------------------------------------------------------------------------------------


def _output(shown: Shown, cell: int, output: Mapping[str, Any]) -> None:
    """Show one output by the best of its forms that is allowed; what is not is said to be left out."""
    kind = output.get("output_type")
    if kind == "stream":
        shown.add(
            Block(
                "error" if output.get("name") == "stderr" else "words", cell, plain(_text(output.get("text")))
            )
        )
        return
    if kind == "error":
        shown.add(Block("error", cell, plain(f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}")))
        return
    data = output.get("data")
    block = next(_blocks(shown, cell, data), None) if isinstance(data, dict) else None
    shown.add(block or Block("left-out", cell))


def _blocks(shown: Shown, cell: int, data: Mapping[str, Any]) -> Iterator[Block]:
    """Give what can be shown of a bundle, the richest first."""
    if "image/svg+xml" in data and (drawn := clean_svg(_text(data["image/svg+xml"]))):
        yield from _picture(shown, cell, drawn, "svg")
    if "image/png" in data and (drawn := clean_png(_decoded(data["image/png"]))):
        yield from _picture(shown, cell, drawn, "png")
    if "text/html" in data and (cleaned := html(_text(data["text/html"]))).strip():
        yield Block("html", cell, cleaned)
    if "text/markdown" in data and (cleaned := markdown(_text(data["text/markdown"]))).strip():
        yield Block("html", cell, cleaned)
    if _text(data.get("text/plain")).strip():
        yield Block("words", cell, plain(_text(data["text/plain"])))


def _picture(shown: Shown, cell: int, drawn: tuple[bytes, int, int], ending: str) -> Iterator[Block]:
    data, width, height = drawn
    if len(shown.files) < MAX_PICTURES:
        name = f"picture-{len(shown.files) + 1}.{ending}"
        shown.files[name] = data
        yield Block("picture", cell, file=name, width=width, height=height)


def _text(value: Any) -> str:
    """Join what nbformat allows as one text or as lines; everything else is nothing."""
    lines = value if isinstance(value, list) else [value]
    return "".join(one for one in lines if isinstance(one, str))


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(re.sub(r"\s", "", _text(value)), validate=True)
    except (binascii.Error, ValueError):
        return b""


# ---- pictures -----------------------------------------------------------------------------------------

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DRAWING = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def clean_png(data: bytes) -> tuple[bytes, int, int] | None:
    """
    Take a PNG apart and put it together from the chunks that draw: no texts, no times, nothing behind its end.

    Returns
    -------
    tuple or None
        The picture, its width and its height in pixels; nothing if it is broken, too large, or none.
    """
    if not data.startswith(_SIGNATURE) or len(data) > MAX_PICTURE:
        return None
    chunks = list(_chunks(data))
    names = [name for name, _ in chunks]
    if not chunks or names[0] != b"IHDR" or names[-1] != b"IEND" or len(chunks[0][1]) != 13:
        return None
    width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        return None
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour)
    if channels is None or depth not in (1, 2, 4, 8, 16):
        return None
    packed = b"".join(body for name, body in chunks if name == b"IDAT")
    if not _unpacks(packed, limit=height * (1 + (width * channels * depth + 7) // 8) + 100_000):
        return None
    kept = b"".join(_chunk(name, body) for name, body in chunks if name in _DRAWING)
    return _SIGNATURE + kept, width, height


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the chunks up to the end; nothing more after one that is cut or whose checksum is wrong."""
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        check = data[place + 8 + length : place + 12 + length]
        if len(check) != 4 or struct.unpack(">I", check)[0] != zlib.crc32(name + body):
            return
        yield name, body
        if name == b"IEND":
            return
        place += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unpacks(packed: bytes, *, limit: int) -> bool:
    """Tell whether the pixels unpack to what the head promises and not to a flood."""
    try:
        reader = zlib.decompressobj()
        made = len(reader.decompress(packed, limit + 1))
    except zlib.error:
        return False
    return 0 < made <= limit


def clean_svg(given: str) -> tuple[bytes, int, int] | None:
    """
    Rebuild an SVG from what draws; nothing if it cannot be read, or if something else is left afterwards.

    Examples
    --------
    >>> picture = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3" onload="f()"><script>f()</script></svg>'
    >>> clean_svg(picture)
    (b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3" />', 4, 3)
    """
    if len(given) > MAX_PICTURE or notebooks.too_deep_markup(given):
        return None
    try:
        root = ElementTree.fromstring(re.sub(r"<!--.*?-->", "", given, flags=re.DOTALL), forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError):
        return None
    if root.tag != f"{{{drawings.NAMESPACE}}}svg":
        return None
    _strip(root)
    register_namespace("", drawings.NAMESPACE)
    text = tostring(root, encoding="unicode").translate(_UNSEEN)
    if drawings.faults(text):
        return None
    return (text.encode(), *_size(root))


def _strip(element: Element) -> None:
    """Drop what does not draw, with all that is inside it."""
    for child in list(element):
        name = child.tag.partition(f"{{{drawings.NAMESPACE}}}")[2] if isinstance(child.tag, str) else ""
        if name in drawings.ELEMENTS - {"metadata"}:
            _strip(child)
        else:
            element.remove(child)
    for key, value in _presented(element.attrib):
        element.attrib.setdefault(key, value)
    for key in [key for key, value in element.attrib.items() if not _draws(key, value)]:
        del element.attrib[key]


def _presented(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Turn a style attribute into the attributes that mean the same."""
    pairs = (one.partition(":") for one in attributes.get("style", "").split(";"))
    return [
        (key.strip(), value.strip())
        for key, _, value in pairs
        if key.strip() in drawings.ATTRIBUTES - {"href"}
    ]


def _draws(key: str, value: str) -> bool:
    """Tell whether an attribute draws: one of the list, without any address but a part of the picture."""
    if key not in drawings.ATTRIBUTES or "\\" in value:
        return False
    if key == "href":
        return re.fullmatch(r"#[\w.-]+", value) is not None
    return not re.search(r"url\s*\(\s*[\"']?\s*(?!#)|expression|javascript\s*:|@import", value, re.IGNORECASE)


def _size(root: Element) -> tuple[int, int]:
    """Give the size in pixels that the picture asks for, within bounds."""
    box = [_number(one) for one in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
    wide = _number(root.get("width", "")) or (box[2] if len(box) == 4 else 0)
    high = _number(root.get("height", "")) or (box[3] if len(box) == 4 else 0)
    return (min(round(wide), MAX_SIDE) or 640, min(round(high), MAX_SIDE) or 400)


def _number(written: str) -> float:
    match = re.match(r"\d{1,6}(?:\.\d{0,6})?", written)
    return float(match[0]) if match else 0.0


def handout(notebook: Notebook) -> bytes:
    """Give the notebook for download: sources only, so that others can go on from it."""
    return (json.dumps(notebook.rebuilt(), ensure_ascii=False, indent=1) + "\n").encode()
