"""Free text: what is found, how much of it, and that what is documented was measured."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from builders.answers import answers
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy.freetext import MARKS, finds, scrub

SEED, NUMBER = 20260115, 2000

TAKEN = [
    ("name", "Frau Ambach kam nie.", "Frau [Name] kam nie."),
    ("name", "Dr. med. Kaltwasser hilft.", "Dr. med. [Name] hilft."),
    ("name", "Ich heiße Yara Brüggemann.", "Ich heiße [Name]."),
    ("name", "my name is Priya Singh.", "my name is [Name]."),
    ("name", "Danke! Viele Grüße, Bjarne Quast", "Danke! Viele Grüße, [Name]"),
    ("name", "Mein Nachbar Wenzel lärmt.", "Mein Nachbar [Name] lärmt."),
    ("name", "Katharina Stein sagte das.", "[Name] sagte das."),
    ("name", "herr müller vom bauhof", "herr [Name] vom bauhof"),
    ("name", "Frau Stein ist nett, aber Stein kam zu spät.", "Frau [Name] ist nett, aber [Name] kam zu spät."),
    ("address", "die Nachbarin in der Musterstr. 5", "die Nachbarin in der [Anschrift]"),
    ("address", "wohne lindenweg 12 a seit", "wohne [Anschrift] seit"),
    ("contact", "Mail an erika@post.example!", "Mail an [Kontakt]!"),
    ("contact", "Tel. 0221 123 45 67", "Tel. [Kontakt]"),
    ("number", "Kundennummer: K-1234567 fehlt", "Kundennummer: [Nummer] fehlt"),
    ("number", "Auto mit K-AB 1234", "Auto mit [Nummer]"),
    ("birth", "meine Mutter, geb. 3.4.1951", "meine Mutter, geb. [Geburtstag]"),
    ("account", "siehe @walburga_51", "siehe [Konto im Netz]"),
]  # fmt: skip

LEFT = [
    "Frau Bürgermeisterin, bitte handeln Sie.",
    "Mein Mann und ich fahren Bus.",
    "In der Bahnhofstraße fehlt ein Zebrastreifen.",
    "Der Sommer war heiß, und der Stein bröckelt.",
    "Seit 2019 steigen die Mieten von 650 auf 890 Euro.",
    "Tempo 30 auf der B 236!",
    "Danke und weiter so!",
]


def measured() -> dict[str, float]:
    """Count what is found of what has to go, by kind, and how much of what is taken had to go."""
    there, found = Counter[str](), Counter[str]()
    taken = right = 0
    for answer in answers(SEED, NUMBER):
        spans = finds(answer.text)
        for begin, end, kind in answer.secrets:
            there[kind] += 1
            found[kind] += any(b <= begin and end <= e for b, e, _ in spans)
        taken += len(spans)
        right += sum(any(b < end and begin < e for begin, end, _ in answer.secrets) for b, e, _ in spans)
    shares = {kind: found[kind] / there[kind] for kind in there}
    return shares | {"recall": found.total() / there.total(), "precision": right / taken}


@pytest.mark.parametrize(("kind", "text", "without"), TAKEN, ids=[text for _, text, _ in TAKEN])
def test_taken_out(kind: str, text: str, without: str) -> None:
    """Names, houses, numbers, accounts and birthdays go, and a mark says what stood there."""
    told = scrub(pd.Series([text]))
    assert told.texts.tolist() == [without]
    assert set(told.counts) == {kind}


@pytest.mark.parametrize("text", LEFT)
def test_left_alone(text: str) -> None:
    """What names nobody stays as it was written."""
    assert scrub(pd.Series([text])).texts.tolist() == [text]


def test_recall_and_precision_are_what_the_pages_say(root: Path) -> None:
    """The pages state measured numbers: this corpus, this seed, two digits."""
    told = measured()
    for page in ("docs/explanation/free-text.md", "docs/erklaerung/free-text.md"):
        rows = re.findall(
            r"^\| `(\w+)` \|.*?\| (\d\.\d\d) \|$", (root / page).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert dict(rows) == {name: f"{share:.2f}" for name, share in told.items()}


def test_names_that_are_known_go_everywhere() -> None:
    """The names of an office's staff are taken out wherever they stand."""
    told = scrub(pd.Series(["bei Kaltwasser brennt Licht"]), names=["Cosima Kaltwasser"])
    assert told.texts.tolist() == ["bei [Name] brennt Licht"]


def test_rows_stay_where_they_are() -> None:
    """Index and missing answers are kept, and the rows to read first are those with a find."""
    told = scrub(pd.Series(["Frau Ambach", None, "Mehr Bänke"], index=[7, 8, 9], dtype="str"), language="en")
    assert told.texts.index.tolist() == [7, 8, 9]
    assert told.texts.isna().tolist() == [False, True, False]
    assert told.first.tolist() == ["Frau [name]"]
    assert told.found.tolist() == [1, 0, 0]


@given(st.text(max_size=80))
def test_any_text_can_be_scrubbed(text: str) -> None:
    """No text breaks it; what is found stands in order and apart."""
    spans = finds(text)
    assert all(begin < end and kind in MARKS for begin, end, kind in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
