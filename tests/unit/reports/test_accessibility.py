"""Our own look at pages: each rule finds its planted mistake and leaves a good page alone."""

from __future__ import annotations

import pytest

from stadtbuch.reports import accessibility

GOOD = """<!DOCTYPE html>
<html lang="de"><head><title>Seite</title></head><body><a class="skip" href="#inhalt">Zum Inhalt</a>
<main id="inhalt"><h1>Wer wohnt wo?</h1><h2>Bild</h2>
<figure id="bild"><figcaption>Titel</figcaption>
<svg role="img" aria-labelledby="t" aria-describedby="d"><title id="t">Titel</title>
<desc id="d">Balken nach Alter: am längsten ist der mittlere.</desc></svg>
<details><summary>Tabelle</summary><table><caption>Zahlen</caption><tr><th scope="col">Alter</th></tr></table></details>
</figure><a href="x.csv">CSV</a></main></body></html>"""


def rules(html: str) -> list[str]:
    """Give the rules that find something."""
    return [one.rule for one in accessibility.check(html, subject="seite.html")]


def test_good_page_has_no_findings() -> None:
    """A page that does everything right is left alone."""
    assert rules(GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ('<html lang="de">', "<html>", "accessibility.language"),
        ('<html lang="de">', '<html lang="xx">', "accessibility.language"),
        ("<h2>Bild</h2>", "<h3>Bild</h3>", "accessibility.headings"),
        ("<h2>Bild</h2>", "<h1>Noch eine</h1>", "accessibility.headings"),
        ("<h2>Bild</h2>", "<h2></h2>", "accessibility.headings"),
        ('href="#inhalt"', 'href="#woanders"', "accessibility.landmarks"),
        ("Balken nach Alter: am längsten ist der mittlere.", "Diagramm", "accessibility.pictures"),
        (' role="img"', "", "accessibility.pictures"),
        ("<figcaption>Titel</figcaption>", "", "accessibility.figures"),
        ("<caption>Zahlen</caption>", "", "accessibility.tables"),
        ('<th scope="col">Alter</th>', "<td>Alter</td>", "accessibility.tables"),
        ('<a href="x.csv">CSV</a>', '<a href="x.csv"></a>', "accessibility.names"),
        ('<a href="x.csv">CSV</a>', '<input id="a">', "accessibility.names"),
        ('<a href="x.csv">CSV</a>', '<p id="t">doppelt</p>', "accessibility.names"),
        ('<a href="x.csv">CSV</a>', '<p style="color: red">x</p>', "page.policy"),
        ('<a href="x.csv">CSV</a>', '<p onclick="x()">x</p>', "page.policy"),
        ('<a href="x.csv">CSV</a>', "<script>1</script>", "page.policy"),
        ('<a href="x.csv">CSV</a>', '<img src="//fremd.example/a.png" alt="">', "page.policy"),
    ],
)
def test_planted_mistake_is_found_by_its_rule(before: str, after: str, rule: str) -> None:
    """Each planted mistake is found, by the rule that names it, and by no other."""
    assert set(rules(GOOD.replace(before, after))) == {rule}


@pytest.mark.parametrize(
    "words",
    ["No description has been provided for this image", "image", "Abbildung 3", "chart.svg", "Ein Balken"],
)
def test_filler_is_no_description(words: str) -> None:
    """What nbconvert and hurried people write in place of a description does not count as one."""
    page = GOOD.replace("<h2>Bild</h2>", f'<h2>Bild</h2><img src="a.png" alt="{words}">')
    assert rules(page) == ["accessibility.pictures"]


def test_picture_for_the_eye_only_needs_no_words() -> None:
    """An empty alternative text says that a picture adds nothing; that is allowed, leaving it out is not."""
    assert rules(GOOD.replace("<h2>Bild</h2>", '<h2>Bild</h2><img src="a.png" alt="">')) == []
    assert rules(GOOD.replace("<h2>Bild</h2>", '<h2>Bild</h2><img src="a.png">')) == [
        "accessibility.pictures"
    ]


def test_finding_names_page_and_place() -> None:
    """A finding says on which page it is, so that somebody can go there."""
    found = accessibility.check(GOOD.replace("<figcaption>Titel</figcaption>", ""), subject="seite.html")
    assert found[0].subject == "seite.html: bild"


@pytest.mark.parametrize(
    "picture",
    [
        '<svg role="img" aria-label="Balken nach Alter, Orte"><rect onclick="x()"/></svg>',
        '<svg role="img" aria-label="Balken nach Alter, Orte"><rect style="fill: red"/></svg>',
        '<svg role="img" aria-label="Balken nach Alter, Orte"><g><script>1</script></g></svg>',
        '<svg role="img" aria-label="Balken nach Alter, Orte"><svg aria-hidden="true"><g onclick="x()"/></svg></svg>',
        '<svg role="img" aria-label="Balken nach Alter, Orte"><rect onclick=x()></svg>',
    ],
)
def test_what_a_picture_does_is_seen_however_it_is_written(picture: str) -> None:
    """Inside a picture, nested or no XML at all, the policy of the page holds as everywhere."""
    assert rules(GOOD.replace('<a href="x.csv">CSV</a>', picture)) == ["page.policy"]
