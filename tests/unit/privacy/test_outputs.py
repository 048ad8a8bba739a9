"""The gate holds whatever it is given: it never raises, and what it does not understand it refuses."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.model.verdict import Severity
from stadtbuch.privacy import notebooks, values
from stadtbuch.privacy.outputs import ClosedFacts, Facts, judge

KEY = b"a key of the tests"
FACTS = Facts(
    restricted=True,
    key=KEY,
    closed=(ClosedFacts("demo.people", ("age", "sex"), values.digests(["mustermann"], key=KEY)),),
    canaries=values.digests(["kanarie zaunkönig"], key=KEY),
)

GOOD: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {"tags": ["de"]}, "source": ["# Titel\n", "Text"]},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "execution_count": 1,
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "1\n"},
                {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}},
            ],
        },
    ],
}

leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    st.binary().map(lambda data: data.decode("latin-1")),
    st.text(st.characters(categories=["Cs", "L"])),
    st.sampled_from(["stream", "code", "markdown", "text/html", "stdout", "error", "display_data"]),
)  # fmt: skip
keys = st.one_of(
    st.text(max_size=5),
    st.sampled_from(
        ["cells", "metadata", "outputs", "source", "data", "cell_type", "output_type", "nbformat", "name"]
    ),
)
anything = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)
)


def places(node: Any, path: tuple = ()) -> list[tuple]:
    """List every place in nested data."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def test_good_notebook_passes() -> None:
    """The notebook that the other tests spoil is a good one."""
    assert judge(GOOD, FACTS) == []


@settings(max_examples=150, deadline=None)
@given(anything)
def test_anything_is_refused(notebook: Any) -> None:
    """Whatever is no notebook is refused, without an exception."""
    found = judge(notebook, FACTS)
    assert any(one.severity is Severity.refuse for one in found)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_spoiled_notebook_never_breaks_the_gate(data: st.DataObject) -> None:
    """Any value in any place: the gate gives findings, none of them because it broke itself."""
    spoiled = copy.deepcopy(GOOD)
    place = data.draw(st.sampled_from(places(GOOD)[1:]))
    node: Any = spoiled
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = data.draw(anything)
    assert "check.broken" not in {one.rule for one in judge(spoiled, FACTS)}


@pytest.mark.parametrize("place", [place for place in places(GOOD) if place], ids=str)
def test_a_name_in_any_place_is_found(place: tuple) -> None:
    """Wherever in the notebook a closed value stands, even where no text belongs, the gate refuses."""
    for spoil in ("Mustermann\n", {"Mustermann": 1}, [["Mustermann"]], {"x": {"y": ["Mustermann"]}}):
        spoiled = copy.deepcopy(GOOD)
        node: Any = spoiled
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = spoil
        assert any(one.severity is Severity.refuse for one in judge(spoiled, FACTS))


@pytest.mark.parametrize("place", [place for place in places(GOOD) if isinstance(place[-1:], tuple)], ids=str)
def test_an_unknown_field_in_any_place_is_refused(place: tuple) -> None:
    """A field that is not on the list is refused wherever it stands."""
    spoiled = copy.deepcopy(GOOD)
    node: Any = spoiled
    for key in place:
        node = node[key]
    if isinstance(node, dict):
        node["x-unknown"] = "kanarie zaunkönig"
        assert {"privacy.canary"} <= {one.rule for one in judge(spoiled, FACTS)} or "data" in place


def test_stderr_is_advice_where_all_data_are_open() -> None:
    """Without closed inputs a warning of a library does not stop the publication."""
    noisy = copy.deepcopy(GOOD)
    noisy["cells"][1]["outputs"][0]["name"] = "stderr"
    open_run = [one.severity for one in judge(noisy, Facts(restricted=False))]
    assert open_run == [Severity.warn]
    assert Severity.refuse in [one.severity for one in judge(noisy, FACTS)]


def test_finding_speaks_like_the_house() -> None:
    """The finding about raw rows says what, why and what to do, with numbers of rules but not of data."""
    printed = copy.deepcopy(GOOD)
    printed["cells"][1]["outputs"][0]["text"] = "   age sex\n0   34   w\n1   41   m\n"
    facts = Facts(restricted=True, closed=FACTS.closed, key=KEY, rules="2026.1", min_count=3)
    (found,) = judge(printed, facts)
    assert found.subject == "cell 2, output 1"
    assert found.text.de == (
        "Zelle 2, Ausgabe 1 zeigt 2 Zeilen aus demo.people (geschlossen). Öffentliche Berichte dürfen keine "
        "Einzelzeilen enthalten (Regelwerk 2026.1, Mindestfallzahl 3)."
    )
    assert found.remedy.de == "Fassen Sie zusammen und rufen Sie sb.protect(...) auf."


def test_a_file_that_cannot_be_read_is_refused() -> None:
    """A download that calls itself JSON and is none is not passed unread."""
    facts = Facts(restricted=False, texts={"data/counts.json": '{"name": '})
    (found,) = judge(GOOD, facts)
    assert (found.rule, found.severity) == ("privacy.form", Severity.refuse)


def test_strip_takes_only_the_marks_of_the_run() -> None:
    """Papermill's marks go, everything else stays to be judged; the original is not changed."""
    marked = copy.deepcopy(GOOD)
    marked["metadata"]["papermill"] = {"input_path": "x"}
    marked["cells"][0]["metadata"] |= {"papermill": {}, "execution": {}, "note": "x"}
    before = copy.deepcopy(marked)
    stripped = notebooks.strip(marked)
    assert marked == before
    assert stripped["metadata"] == GOOD["metadata"]
    assert stripped["cells"][0]["metadata"] == {"tags": ["de"], "note": "x"}
    assert {one.rule for one in judge(marked, FACTS)} == {"privacy.metadata"}


def test_split_words_in_html_are_found() -> None:
    """Markup or entities in the middle of a word do not hide it."""
    for html in ("<td>Muster<b>mann</b></td>", "<td>Must&#101;rmann</td>", '<td title="Mustermann">x</td>'):
        piece = notebooks.Piece(notebooks.Text(de="x", en="x"), "html", html)
        assert values.hits(piece.readable, FACTS.closed[0].index, KEY) == 1
