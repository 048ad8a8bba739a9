"""The preview of a page: it stands alone, runs nothing and leads nowhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from builders.reports import write_notebook

from stadtbuch.errors import Refused, UsageError
from stadtbuch.reports import previews, trial


class Links(HTMLParser):
    """Collects what a page would fetch, follow or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an address or a script."""
        told = dict(attrs)
        for name in ("src", "href", "srcset", "action"):
            if told.get(name) and not (told[name] or "").startswith(("#", "data:")) and tag not in ("link",):
                self.found.append((tag, told[name] or ""))
        if tag == "script" or any(name.startswith("on") for name in told):
            self.found.append((tag, "script"))


def tried(built, name: str):
    """Run and judge a notebook of the built city."""
    return trial.tried(built.open(), built.root / f"notebooks/{name}.ipynb", [])


@pytest.mark.parametrize(
    ("language", "words"), [("de", "Bezirk 01 ist größer"), ("en", "Borough 01 is larger")]
)
def test_the_page_stands_alone(built, language, words):
    """Headline, figure and texts are there, style is inside, nothing is fetched."""
    page = previews.page(built.open(), tried(built, "area"), language=language)
    links = Links()
    links.feed(page)
    assert links.found == []
    assert words in page
    assert "19,75" in page or "19.75" in page
    assert "<style>" in page
    assert f'content="{previews.CSP}"'.replace("'", "&#x27;") in page
    assert "script-src" not in page


def test_nothing_stays_behind(built):
    """The preview is no edition: archive, spool and book are as before."""
    city = built.open()
    before = sorted(path for path in city.state.root.rglob("*") if "runs" not in path.parts)
    judged = tried(built, "area")
    entries = len(list(city.book.entries()))
    previews.page(city, judged, language="de")
    assert sorted(path for path in city.state.root.rglob("*") if "runs" not in path.parts) == before
    assert len(list(city.book.entries())) == entries


def test_a_preparing_notebook_has_no_page(built):
    """It says which notebook has one."""
    with pytest.raises(UsageError) as error:
        previews.page(built.open(), tried(built, "people.prepare"), language="de")
    assert error.value.code == "preview.no-page"


def test_a_notebook_without_a_report_has_a_page_already(built):
    """Its title stands for that of the report that is to come."""
    source = built.root / "notebooks/area.ipynb"
    (built.root / "notebooks/Neu & Groß.ipynb").write_bytes(source.read_bytes())
    page = previews.page(built.open(), tried(built, "Neu & Groß"), language="de")
    assert "<h1" in page
    assert "Neu &amp; Groß" in page


def test_what_cannot_be_read_is_no_page(built):
    """A run that could not be judged is refused with a sentence."""
    judged = tried(built, "area")
    broken = trial.Trial(judged.analysis, judged.report, "report", None, judged.decision)
    with pytest.raises(Refused) as error:
        previews.page(built.open(), broken, language="de")
    assert error.value.code == "preview.unreadable"


def test_a_refused_notebook_still_shows_its_page(built):
    """Its author sees what is wrong and how it looks."""
    path = write_notebook(
        built.root,
        "half",
        "import stadtbuch as sb\ncity = sb.city()",
        "sb.headline(3, unit={'de': 'km²', 'en': 'km²'}, at='2025-12-31')",
        manifest={"benefit": {"de": "x", "en": "x"}, "risk": "none", "inputs": {"geography.boroughs": {}}},
        words=[],
    )
    judged = trial.tried(built.open(), path, [])
    assert not judged.decision.allowed
    assert "km²" in previews.page(built.open(), judged, language="de")


def test_the_frame_runs_nothing():
    """A sandbox without any permission; the page is escaped into it."""
    html = previews.frame('<script>"x"</script>', label='A "b"')
    assert re.match(r'<iframe sandbox="" title="A &quot;b&quot;" srcdoc="&lt;script', html)
    assert "<script" not in html
