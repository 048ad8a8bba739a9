"""
Our own look at a page: what no automatic tester knows because it cannot tell a description from a filler.

Pure functions of HTML. They run on every page that a build changes and on all pages of reports, and in the tests on
every page; axe-core in a browser checks what needs one (contrast, focus, reading order). After WCAG 2.1, criteria
named with each rule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from operator import itemgetter
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from stadtbuch.checks import check as _rule
from stadtbuch.checks import run
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import LANGUAGES, Text

_PART = re.compile(r"<(svg|table)\b.*?</\1>", re.DOTALL)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
FILLERS = re.compile(
    r"(no (alt|description).*|image|picture|figure|chart|plot|graph|untitled|bild|abbildung|grafik|diagramm|foto"
    r"|.*\.(png|svg|jpe?g)|(bild|abbildung|figure|fig\.?)[ -_]*\d+)[.!]?",
    re.IGNORECASE,
)
SHORTEST = 20
"""A description of fewer letters cannot say what a chart shows."""

FOREIGN = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
LOADS = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "use": "href",
    "object": "data",
    "embed": "src",
}


@dataclass(slots=True)
class Node:
    """One element of a page with its place among the others."""

    tag: str
    attributes: dict[str, str]
    parent: Node | None
    children: list[Node] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    named: dict[str, Node] | None = None
    flat: list[Node] | None = None
    placed: dict[str, list[tuple[int, Node]]] | None = None

    def walk(self) -> Iterator[Node]:
        """Go through this element and all below it, in the order of the page."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(reversed(one.children))

    def find(self, *tags: str) -> list[Node]:
        """Give the elements of these tags below this one."""
        if self.tag:  # not the whole page
            return [one for one in self.walk() if one.tag in tags and one is not self]
        if self.placed is None:
            self.placed = {}
            for place, one in enumerate(self.all()):
                self.placed.setdefault(one.tag, []).append((place, one))
        found = [one for tag in tags for one in self.placed.get(tag, ())]
        return [one for _, one in (found if len(tags) == 1 else sorted(found, key=itemgetter(0)))]

    def all(self) -> Iterable[Node]:
        """Give what `walk` gives; of a whole page, gone through once."""
        if self.tag:
            return self.walk()
        if self.flat is None:
            self.flat = list(self.walk())
        return self.flat

    def by_id(self) -> dict[str, Node]:
        """Give the elements that have an id; looked for once."""
        if self.named is None:
            self.named = {one.get("id"): one for one in self.all() if one.get("id")}
        return self.named

    def get(self, name: str) -> str:
        """Give an attribute; empty if there is none."""
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        """Give all words in this element."""
        return " ".join(" ".join(word for one in self.walk() for word in one.words).split())


def check(html: str, *, subject: str) -> list[Finding]:
    """
    Check one page.

    Parameters
    ----------
    html
        The whole document.
    subject
        How people call the page: its path.

    Examples
    --------
    >>> [one.rule for one in check("<html><body><main><h1>Wer wohnt wo?</h1></main></body></html>", subject="a.html")]
    ['accessibility.language']
    """
    found = run(RULES, parse(html), None, name=subject)
    return [one.model_copy(update={"subject": f"{subject}: {one.subject}"}) for one in found]


def is_report_page(path: str) -> bool:
    """
    Tell a page of a report's own content from the rest of the site.

    Examples
    --------
    >>> is_report_page("reports/cycling/index.html"), is_report_page("reports/index.html")
    (True, False)
    """
    return path.startswith("reports/") and path.count("/") > 1 and path.endswith(".html")


def parse(html: str) -> Node:
    """Read a page into a tree."""
    return _read(html)


def _read(html: str) -> Node:
    """Read HTML; charts and tables, which are most of a page, are read once however many pages show them."""
    reader, at = _Reader(), 0
    for found in _PART.finditer(html):
        part = _picture(found[0]) if found[1] == "svg" else _table(found[0])
        if part is not None:
            reader.feed(html[at : found.start()])
            part.parent = reader.here
            reader.here.children.append(part)
            at = found.end()
    reader.feed(html[at:])
    reader.close()
    return reader.root


@lru_cache(maxsize=64)  # a chart stands on two pages in each language
def _picture(written: str) -> Node | None:
    """
    Read a picture as the XML that we write; nothing if it is none, or holds another picture: then it is read as HTML.

    A reader of HTML takes ten times as long.
    """
    if written.count("<svg") != 1:
        return None
    try:
        return _node(ElementTree.fromstring(written, forbid_dtd=True), None)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError):
        return None


@lru_cache(maxsize=64)  # as for `_picture`
def _table(written: str) -> Node | None:
    """Read a table that holds no other, nor a picture; nothing if it is not closed as it was opened."""
    if written.count("<table") != 1 or "<svg" in written:
        return None
    reader = _Reader()
    reader.feed(written)
    reader.close()
    whole = len(reader.root.children) == 1 and reader.here is reader.root
    return reader.root.children[0] if whole else None


def _node(element: Element, parent: Node | None) -> Node:
    tag = str(element.tag).rpartition("}")[2].lower()
    attributes = {name.rpartition("}")[2].lower(): value for name, value in element.attrib.items()}
    node = Node(tag, attributes, parent, words=[element.text or "", *(one.tail or "" for one in element)])
    node.children = [_node(child, node) for child in element]
    return node


class _Reader(HTMLParser):
    """Builds the tree; elements that nobody closed end with their parent."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Node("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(node)
        if tag not in VOID:
            self.here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Node(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        node: Node | None = self.here
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self.here = node.parent

    def handle_data(self, data: str) -> None:
        self.here.words.append(data)


def _found(rule: str, subject: str, text: Text, remedy: Text) -> Finding:
    return Finding(rule=rule, severity=Severity.refuse, subject=subject, text=text, remedy=remedy)


@_rule("accessibility.language")
def language(page: Node, facts: object) -> Iterator[Finding]:
    """Require a language on the page, and known ones on its parts (3.1.1, 3.1.2)."""
    for one in page.find("html"):
        if one.get("lang") not in LANGUAGES:
            yield _found(
                "accessibility.language",
                "html",
                Text(
                    de="Die Seite sagt nicht, in welcher Sprache sie ist.",
                    en="The page does not say its language.",
                ),
                Text(de='Setzen Sie lang="de" oder lang="en".', en='Set lang="de" or lang="en".'),
            )


@_rule("accessibility.headings")
def headings(page: Node, facts: object) -> Iterator[Finding]:
    """Require one first heading, and no level left out on the way down (1.3.1, 2.4.6)."""
    found = page.find("h1", "h2", "h3", "h4", "h5", "h6")
    levels = [int(one.tag[1]) for one in found]
    if levels.count(1) != 1:
        yield _found(
            "accessibility.headings",
            "h1",
            Text(
                de=f"Die Seite hat {levels.count(1)} Hauptüberschriften.",
                en=f"The page has {levels.count(1)} main headings.",
            ),
            Text(de="Genau eine Überschrift der Ebene 1.", en="Exactly one heading of level 1."),
        )
    for before, one in zip([0, *levels], found, strict=False):
        if int(one.tag[1]) > before + 1 and before:
            yield _found(
                "accessibility.headings",
                one.tag,
                Text(
                    de=f"Auf Ebene {before} folgt {one.tag}: eine Ebene fehlt.",
                    en=f"Level {before} is followed by {one.tag}: a level is left out.",
                ),
                Text(
                    de="Überschriften eine Ebene nach der anderen.",
                    en="One level of headings after the other.",
                ),
            )
        if not one.text:
            yield _found(
                "accessibility.headings",
                one.tag,
                Text(de="Eine Überschrift ist leer.", en="A heading is empty."),
                Text(
                    de="Geben Sie ihr Worte oder nehmen Sie sie heraus.", en="Give it words or take it out."
                ),
            )


@_rule("accessibility.landmarks")
def landmarks(page: Node, facts: object) -> Iterator[Finding]:
    """Require one main part, and a link to it as the first thing the keyboard reaches (2.4.1)."""
    mains = page.find("main")
    first = next((one for one in page.find("a", "button", "input", "select", "summary")), None)
    target = f"#{mains[0].get('id')}" if mains else ""
    if len(mains) == 1 and first is not None and first.get("href") == target:
        return
    if len(mains) == 1 and first is None:
        return
    yield _found(
        "accessibility.landmarks",
        "main",
        Text(
            de="Der Sprung zum Inhalt fehlt oder führt nicht zum Hauptteil.",
            en="The link to the content is missing or does not lead to the main part.",
        ),
        Text(
            de="Genau ein main mit id, und der erste Link der Seite dorthin.",
            en="Exactly one main with an id, and the page's first link to it.",
        ),
    )


@_rule("accessibility.pictures")
def pictures(page: Node, facts: object) -> Iterator[Finding]:
    """Require a real description of every picture, no filler such as "image" or a file name (1.1.1)."""
    for one in page.find("img"):
        if "alt" not in one.attributes or (one.get("alt") and not describes(one.get("alt"))):
            yield _undescribed("img")
    for one in page.find("svg"):
        hidden = one.get("aria-hidden") == "true"
        if not hidden and not (
            one.get("role") == "img" and _name(one, page) and describes(_described(one, page))
        ):
            yield _undescribed("svg")


def describes(words: str) -> bool:
    """
    Tell a description from a filler.

    Examples
    --------
    >>> describes("No description has been provided for this image"), describes("Abbildung 3")
    (False, False)
    >>> describes("Balken nach Alter: Die 30- bis 39-Jährigen sind die größte Gruppe.")
    True
    """
    plain = words.strip()
    return len(plain) >= SHORTEST and not FILLERS.fullmatch(plain)


def _name(svg: Node, page: Node) -> str:
    return svg.get("aria-label") or _referred(svg.get("aria-labelledby"), page)


def _described(svg: Node, page: Node) -> str:
    """Give the longer of name and description: either may hold the alternative text."""
    return max(_name(svg, page), _referred(svg.get("aria-describedby"), page), key=len)


def _referred(ids: str, page: Node) -> str:
    """Give the words that an attribute refers to."""
    known = page.by_id()
    return " ".join(known[name].text for name in ids.split() if name in known)


def _undescribed(kind: str) -> Finding:
    return _found(
        "accessibility.pictures",
        kind,
        Text(
            de="Ein Bild hat keine Beschreibung oder nur einen Platzhalter.",
            en="A picture has no description, or only a filler.",
        ),
        Text(de="Sagen Sie in alt=, was das Bild zeigt.", en="Say in alt= what the picture shows."),
    )


@_rule("accessibility.figures")
def figures(page: Node, facts: object) -> Iterator[Finding]:
    """Require a caption and a table view with every drawn chart (1.1.1, 1.3.1)."""
    for one in page.find("figure"):
        lacks = [
            name for name, tag in (("figcaption", "figcaption"), ("table", "table")) if not one.find(tag)
        ]
        if one.find("img") and not one.find(
            "svg"
        ):  # a preview: the chart with its table stands on the page it leads to
            lacks = [name for name in lacks if name != "table"]
        for name in lacks:
            yield _found(
                "accessibility.figures",
                one.get("id") or "figure",
                Text(de=f"Einer Abbildung fehlt: {name}.", en=f"A figure lacks: {name}."),
                Text(de="Zeigen Sie Bilder mit sb.figure(...).", en="Show pictures with sb.figure(...)."),
            )


@_rule("accessibility.tables")
def tables(page: Node, facts: object) -> Iterator[Finding]:
    """Require a caption and heading cells in every table (1.3.1)."""
    for one in page.find("table"):
        named = one.find("caption") or (one.parent and one.parent.get("aria-label"))
        if not named or not any(cell.get("scope") or cell.parent for cell in one.find("th")):
            yield _found(
                "accessibility.tables",
                "table",
                Text(
                    de="Einer Tabelle fehlen Titel oder Kopfzellen.",
                    en="A table lacks a caption or heading cells.",
                ),
                Text(
                    de="Zeigen Sie Tabellen mit sb.table(..., caption=...).",
                    en="Show tables with sb.table(..., caption=...).",
                ),
            )


@_rule("accessibility.names")
def names(page: Node, facts: object) -> Iterator[Finding]:
    """Require words in every link and control, and ids that occur once (2.4.4, 4.1.2)."""
    for one in page.find("a", "button", "summary"):
        pictured = [img for img in one.find("img") if img.get("alt")] or [
            svg for svg in one.find("svg") if _name(svg, page)
        ]
        if not one.text and not one.get("aria-label") and not pictured:
            yield _nameless(one.tag)
    labelled = {one.get("for") for one in page.find("label")}
    for one in page.find("input", "select", "textarea"):
        if one.get("id") not in labelled and not one.get("aria-label") and not one.get("aria-labelledby"):
            yield _nameless(one.tag)
    for name, number in Counter(one.get("id") for one in page.all() if one.get("id")).items():
        if number > 1:
            yield _found(
                "accessibility.names",
                name,
                Text(de="Diese Kennung kommt mehrmals vor.", en="This id occurs more than once."),
                Text(de="Jede id genau einmal je Seite.", en="Every id exactly once per page."),
            )


def _nameless(tag: str) -> Finding:
    return _found(
        "accessibility.names",
        tag,
        Text(de="Ein Link oder Feld hat keinen Namen.", en="A link or control has no name."),
        Text(
            de="Geben Sie ihm Worte, die sagen, wohin er führt.", en="Give it words that say where it leads."
        ),
    )


@_rule("page.policy")
def policy(page: Node, facts: object) -> Iterator[Finding]:
    """Require what the page's own policy demands: no inline style or script, no handler, nothing foreign."""
    for one in page.all():
        acts = [name for name in one.attributes if name.startswith("on")]
        foreign = FOREIGN.match(one.get(LOADS.get(one.tag, "")) or "")
        inline = one.tag == "style" or (one.tag == "script" and not one.get("src"))
        if "style" in one.attributes or acts or foreign or inline:
            yield _found(
                "page.policy",
                one.tag,
                Text(
                    de="Die Seite enthält, was ihre Richtlinie verbietet.",
                    en="The page holds what its policy forbids.",
                ),
                Text(
                    de="Kein style, kein Skript, nichts von fremden Servern.",
                    en="No style, no script, nothing from foreign servers.",
                ),
            )


RULES: Sequence = (language, headings, landmarks, pictures, figures, tables, names, policy)
