"""The weight of a page: what a reader's device loads, and nothing that it only links to."""

from __future__ import annotations

from stadtbuch.transparency import weight

PAGE = (
    b'<link rel="stylesheet" href="../style.css"><link rel="alternate" href="feed.xml">'
    b'<img src="a%20b.png"><img src="data:,x"><a href="big.csv">'
)
SITE = {
    "r/index.html": PAGE,
    "style.css": b"1" * 10,
    "r/a b.png": b"2" * 100,
    "r/big.csv": b"3" * 1000,
    "feed.xml": b"4" * 1000,
    "light.html": b"<p>",
}


def test_a_page_weighs_what_it_loads() -> None:
    """Style and pictures count, links and the feed do not."""
    assert weight.of("r/index.html", SITE.get) == len(PAGE) + 110
    assert weight.of("gone.html", SITE.get) is None


def test_the_heaviest_page_is_named() -> None:
    """Pages that are not there are left out; without any page there is no weight."""
    told = weight.measure(["light.html", "r/index.html", "gone.html"], SITE.get)

    assert (told["pages"], told["largest"], told["largest_bytes"]) == (2, "r/index.html", len(PAGE) + 110)
    assert weight.measure([], SITE.get) == {
        "pages": 0, "median_bytes": None, "largest_bytes": None, "largest": None,
    }  # fmt: skip
