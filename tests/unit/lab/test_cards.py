"""How findings, decisions and datasets look: escaped, with headings, in both languages."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from builders.small_city import a_dataset

from stadtbuch.lab import cards
from stadtbuch.lab.cards import HTML, PLAIN, Loaded
from stadtbuch.model.verdict import Finding, Severity, decide
from stadtbuch.texts import Text, same

EVIL = '<img src=x onerror="alert(1)">'


def a_finding(severity: Severity = Severity.refuse, text: str = "Zu klein") -> Finding:
    """Make a finding."""
    said = Text(de=text, en="Too small")
    remedy = Text(de="Gröber gruppieren.", en="Group coarser.")
    return Finding(rule="privacy.small", severity=severity, subject="cell 1", text=said, remedy=remedy)


class Reader(HTMLParser):
    """Collects tags and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Note a tag."""
        self.tags.append(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the last one."""
        assert self.open.pop() == tag


def read(html: str) -> Reader:
    """Parse HTML and make sure that it is whole."""
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.mark.parametrize(("language", "words"), [("de", "Was tun? Gröber"), ("en", "What to do? Group")])
def test_a_finding_says_what_to_do(language, words):
    """Severity in words, text, rule and remedy, in the language that was asked for."""
    said = cards.finding(a_finding(), language)
    assert words in said[PLAIN]
    assert "privacy.small" in said[HTML]
    read(said[HTML])


def test_a_refusal_is_not_told_by_colour_alone():
    """The word stands there, too."""
    assert "Würde abgelehnt" in cards.decision(decide([a_finding()], passed=same("ok")), "de")[HTML]
    assert "Would be allowed" in cards.decision(decide([], passed=same("ok")), "en")[HTML]


def test_only_notes_speak_softly():
    """A note has no loud border."""
    quiet = cards.findings([a_finding(Severity.note)], "de")[HTML]
    assert "--jp-warn-color1" not in quiet
    assert "--jp-warn-color1" in cards.findings([a_finding(Severity.note), a_finding()], "de")[HTML]


def test_everything_from_outside_is_escaped():
    """A title, an id or a text that looks like HTML is text."""
    dataset = a_dataset(title={"de": EVIL, "en": EVIL}, misuse={"de": EVIL, "en": EVIL})
    one = Loaded(dataset, None, same(EVIL), columns=(EVIL,), rows={EVIL: 1})
    shown = [
        cards.finding(a_finding(text=EVIL), "de"),
        cards.findings([a_finding(text=EVIL)], "de", heading=same(EVIL), more=same(EVIL)),
        cards.dataset(dataset, "de"),
        cards.datasets([dataset], "en"),
        cards.loaded(one, "de"),
    ]
    for bundle in shown:
        assert "img" not in read(bundle[HTML]).tags
        assert "&lt;img" in bundle[HTML]


def test_tables_can_be_read_aloud():
    """A caption, headings of columns and of rows."""
    html = cards.datasets([a_dataset()], "de")[HTML]
    assert {"caption", "thead", "th"} <= set(read(html).tags)
    assert 'scope="col"' in html
    assert 'scope="row"' in html
