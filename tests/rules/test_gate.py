"""
What the gate refuses in a finished notebook, and what it lets pass: one line per case.

The people in here do not exist. Every case is one notebook that is good but for one thing.
"""

import base64
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import pytest

from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.privacy import outputs, positions, values
from stadtbuch.privacy.outputs import ClosedFacts, Facts, judge

KEY = b"a key of the tests"
SHOWN = ("table", "by-district")
TABLE = "<table><tr><th>Nord</th><td>12</td></tr></table>"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"><title>Menschen je Bezirk</title><rect width="3"/></svg>'
SCRIPTED = PICTURE.replace("<rect", '<rect onclick="f()"')
FRAME = '<table class="dataframe"><tr><th>age</th></tr><tr><td>34</td></tr></table>'
OPAQUE = base64.b64encode(hashlib.sha512(b"").digest() * 3).decode()
PSEUDONYM = "psn_" + "a2b3c4d5e6" * 2

NEST = gpd.GeoDataFrame(geometry=gpd.points_from_xy([7.123456], [54.321987]), crs=4326)
TREE = gpd.GeoDataFrame(geometry=gpd.points_from_xy([7.123411], [54.322044]), crs=4326)

FACTS = Facts(
    restricted=True,
    key=KEY,
    closed=(
        ClosedFacts(
            "demo.people",
            ("person_id", "name", "age", "sex"),
            index=values.digests(["erika", "mustermann", "erika mustermann", "ambachweg"], key=KEY),
            places=positions.index(NEST, key=KEY),
        ),
    ),
    records={
        ("table", "by-district"): {TABLE, "Menschen je Bezirk"},
        ("figure", "pyramid"): {PICTURE, SCRIPTED},
    },
    canaries=values.digests([values.phrase("Kanarie-Zaunkönig-7")], key=KEY),
    open_values=values.vocabulary(["Ambachweg"]),
    open_places=lambda: positions.words(TREE),
    allowed_addresses=frozenset({"amt@stadt.example"}),
    paths=("/data/city",),
    rules="2026.1",
    min_count=3,
)


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    """Print something."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(claim: tuple[str, str] | None = None, /, **data: Any) -> dict[str, Any]:
    """Display something; names of MIME types with a double underscore for the slash."""
    bundle = {mime.replace("__", "/").replace("_", "+"): content for mime, content in data.items()}
    metadata = {"stadtbuch": {"kind": claim[0], "name": claim[1]}} if claim else {}
    return {"output_type": "display_data", "data": bundle, "metadata": metadata}


def code(*outputs: dict[str, Any], source: str = "x = 1", **more: Any) -> dict[str, Any]:
    """Make a code cell that ran."""
    cell = {"cell_type": "code", "id": "a1", "metadata": {}, "execution_count": 1, "source": source}
    return cell | {"outputs": list(outputs)} | more


def markdown(source: str, **more: Any) -> dict[str, Any]:
    """Make a cell of text."""
    return {"cell_type": "markdown", "id": "b2", "metadata": {"tags": ["de"]}, "source": source} | more


def notebook(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a notebook as it is after a run."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": list(cells)} | more


@dataclass(frozen=True)
class Beside:
    """Files that go out beside a good notebook."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def judged(case: dict[str, Any] | Beside, *before: dict[str, Any]) -> list[Finding]:
    """Judge a notebook with one cell, or with some files beside it."""
    if isinstance(case, Beside):
        return judge(notebook(*before), replace(FACTS, texts=case.texts, files=case.files))
    return judge(notebook(*before, case), FACTS)


REFUSED = [
    ("privacy.raw-rows", "the first lines of a frame", code(stream("   age sex\n0   34   w\n1   41   m\n"))),
    ("privacy.raw-rows", "a long frame", code(stream("  age\n0  34\n..  ..\n\n[350 rows x 1 columns]"))),
    ("privacy.raw-rows", "a frame as CSV", code(stream("age,sex\n34,w\n41,m\n"))),
    ("privacy.raw-rows", "rows as dictionaries", code(stream("[{'age': 34, 'sex': 'w'}, {'age': 4}]"))),
    ("privacy.raw-rows", "a column", code(stream("0    34\n1    41\nName: age, dtype: int64"))),
    ("privacy.raw-rows", "unprotected counts", code(stream("district\nNord    2\nSüd    40\ndtype: int64"))),
    ("privacy.pseudonym", "a pseudonym", code(stream(f"Person {PSEUDONYM}"))),
    ("privacy.pseudonym", "a pseudonym that pandas cut", code(stream(f"{PSEUDONYM[:14]}..."))),
    ("privacy.identifier", "an account number", code(stream("DE89 3704 0044 0532 0130 00"))),
    ("privacy.identifier", "a private mail address", markdown("Fragen an erika@post.example")),
    ("privacy.value", "a name", code(stream("Sehr geehrte Frau MUSTERMANN,"))),
    ("privacy.value", "a name with a soft hyphen", code(stream("Muster\u00admann"))),
    ("privacy.source-literal", "a name in the code", code(source='people[people["name"] == "Mustermann"]')),
    ("privacy.source-literal", "a name in the text", markdown("Wie bei Erika Mustermann zu sehen")),
    ("privacy.source-literal", "a name as a tag", markdown("Text", metadata={"tags": ["mustermann"]})),
    ("privacy.coordinates", "a place in a table", code(stream("Uhu;7,12346;54,32199"))),
    ("privacy.coordinates", "a rounded place in the code", code(source="NEST = (54.3220, 7.1235)")),
    ("privacy.coordinates", "a place in the text", markdown("Bei 54°19'19.15\" Nord, 7°07'24.44\" Ost")),
    ("privacy.canary", "a planted value", code(stream("kanarie zaunkönig 7"))),
    ("privacy.value", "a name in Base64", code(stream("RXJpa2EgTXVzdGVybWFubg=="))),
    ("privacy.source-literal", "a name put together", code(source="'Muster' + 'mann'")),
    ("privacy.opaque", "data that nobody can read", code(stream(OPAQUE))),
    ("privacy.file-form", "a file that nobody can read", Beside(files={"a.bin": bytes(range(256))})),
    ("privacy.hidden-rows", "columns of a download", Beside({"a.json": '{"age": [34, 41], "sex": ["w", "m"]}'})),
    ("privacy.hidden-rows", "a chart's data", code(shown(application__vega_json={"values": [{"age": 3, "sex": "w"}]}))),
    ("privacy.mime", "a widget", code(shown(**{"application__vnd.jupyter.widget-view_json": {}}))),
    ("privacy.mime", "a bitmap", code(shown(image__png="iVBORw0KGgo="))),
    ("privacy.mime", "JavaScript", code(shown(application__javascript="alert(1)"))),
    ("privacy.attachment", "an attachment", markdown("![](attachment:a.png)", attachments={"a.png": {}})),
    ("privacy.attachment", "an embedded file", markdown("![](data:image/png;base64,iVBORw0KGgo=)")),
    ("privacy.metadata", "metadata of a cell", markdown("Text", metadata={"tags": [], "note": "x"})),
    ("privacy.metadata", "metadata of an output", code(shown(text__plain="1") | {"metadata": {"note": "x"}})),
    ("privacy.traceback", "an error", code({"output_type": "error", "ename": "E", "evalue": ""})),
    ("privacy.traceback", "a printed error", code(stream("Traceback (most recent call last):\n  ..."))),
    ("privacy.stderr", "a warning", code(stream("UserWarning: odd", "stderr"))),
    ("privacy.path", "a folder of an account", code(stream("/home/erna/daten.csv"))),
    ("privacy.path", "a folder that the city named", code(stream("read /data/city/x.csv"))),
    ("privacy.path", "a folder of Windows", code(stream(r"C:\Users\erna\daten.csv"))),
    ("privacy.secret", "a key", code(source="key = 'AKIAABCDEFGHIJKLMNOP'")),
    ("privacy.secret", "a password in an address", code(source="url = 'postgres://erna:geheim@db.example/x'")),
    ("privacy.unrecorded", "HTML of one's own", code(shown(text__html="<b>12</b>"))),
    ("privacy.unrecorded", "a changed number", code(shown(SHOWN, text__html=TABLE.replace("12", "13")))),
    ("privacy.unrecorded", "an unknown picture", code(shown(("figure", "b"), image__svg_xml=PICTURE))),
    ("privacy.svg", "a picture with a handler", code(shown(("figure", "pyramid"), image__svg_xml=SCRIPTED))),
    ("privacy.form", "a raw cell", {"cell_type": "raw", "metadata": {}, "source": "x"}),
    ("privacy.form", "an unknown output", code({"output_type": "page", "data": {}})),
]  # fmt: skip

PASSES = [
    ("a printed sentence", code(stream("Gruppiert nach age und sex.\nFertig."))),
    (
        "a recorded table",
        code(shown(SHOWN, text__html=TABLE, text__plain="Menschen je Bezirk")),
    ),
    ("a recorded picture", code(shown(("figure", "pyramid"), image__svg_xml=PICTURE))),
    (
        "a protected table printed",
        code(stream("   district  sex  value mark\n0  Nord     m    12\n1  Nord  w  <NA>  ·\n")),
    ),
    ("types of columns", code(stream("age     Int64\nsex       str\ndtype: object"))),
    ("a street that open data know too", code(stream("Messstelle Ambachweg: 1.204 Fahrräder"))),
    ("a longer word that holds a name", code(stream("Mustermannstraße und Erikagasse"))),
    ("an office's mailbox", markdown("Fragen an amt@stadt.example")),
    ("large numbers", code(stream("12345678901 · 2026-01-15 · 05 315 000 · 0,1234567"))),
    ("an address on the web with a folder", markdown("[Seite](https://stadt.example/home/daten)")),
    ("the place of a tree that is open", code(stream("7.12341, 54.32204"))),
    ("the name of a cell", code(stream("CRS3035RES5000mN3470000E4130000 4–10"))),
    ("the word password", code(source='password = settings["password"]')),
    ("a code cell without output", code()),
]


@pytest.mark.parametrize(
    ("rule", "what", "cell"), REFUSED, ids=[f"{rule}: {what}" for rule, what, _ in REFUSED]
)
def test_refused(rule: str, what: str, cell: dict[str, Any] | Beside) -> None:
    """The gate refuses the notebook, by this rule."""
    found = judged(cell, markdown("# Titel"))
    assert rule in {one.rule for one in found if one.severity is Severity.refuse}
    assert all(one.subject.startswith(("cell 2", "file a.")) for one in found)


@pytest.mark.parametrize(("what", "cell"), PASSES, ids=[what for what, _ in PASSES])
def test_passes(what: str, cell: dict[str, Any]) -> None:
    """The gate has nothing to say about the notebook."""
    assert judge(notebook(markdown("# Titel"), cell), FACTS) == []


@pytest.mark.parametrize("check", outputs.CHECKS, ids=[check.rule for check in outputs.CHECKS])
def test_every_rule_is_needed(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch one rule off, and at least one of its notebooks passes: each rule has its case."""
    monkeypatch.setattr(outputs, "CHECKS", tuple(one for one in outputs.CHECKS if one is not check))
    cases = [cell for rule, _, cell in REFUSED if rule == check.rule]
    assert any(judged(cell) == [] for cell in cases)


@pytest.mark.parametrize(
    ("rule", "what", "cell"), REFUSED, ids=[f"{rule}: {what}" for rule, what, _ in REFUSED]
)
def test_no_finding_tells_what_was_found(rule: str, what: str, cell: dict[str, Any] | Beside) -> None:
    """A finding names place and rule in both languages, and never the value."""
    for found in judged(cell):
        said = " ".join(
            [found.subject, found.text.de, found.text.en, found.remedy.de, found.remedy.en]
        ).casefold()
        for value in (
            "mustermann",
            "erika",
            "zaunkönig",
            "3704",
            PSEUDONYM[:12],
            "erna",
            "akia",
            "geheim@",
            "data/city",
        ):
            assert value not in said
        assert found.text.de
        assert found.text.en != found.text.de
        assert found.remedy.de


@pytest.mark.parametrize("check", outputs.CHECKS, ids=[check.rule for check in outputs.CHECKS])
def test_a_broken_rule_refuses(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule that breaks refuses, by its name and without what it stumbled over; it does not let pass."""

    def broken(sheet: Any, facts: Any) -> list[Any]:
        raise KeyError("Mustermann")

    broken.rule = check.rule  # type: ignore[attr-defined]
    rules = tuple(broken if one is check else one for one in outputs.CHECKS)
    monkeypatch.setattr(outputs, "CHECKS", rules)
    (found,) = judge(notebook(markdown("# Titel")), FACTS)
    assert (found.rule, found.severity) == ("check.broken", Severity.refuse)
    assert check.rule in found.text.de
    assert "Mustermann" not in found.text.de


READERS = [
    (outputs.notebooks, "read"), (outputs.disguises, "undone"), (outputs.disguises, "literals"),
    (outputs.contents, "parts"), (outputs.notebooks, "leaves"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), READERS, ids=[name for _, name in READERS])
def test_a_broken_reader_refuses(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the notebook apart may break as well: then nothing was read, and nothing passes."""

    def broken(*given: Any) -> Any:
        raise KeyError("Mustermann")

    monkeypatch.setattr(module, name, broken)
    given = replace(FACTS, files={"a.csv": b"x"})
    (found,) = judge(notebook(markdown("# Titel"), code()), given)
    assert (found.rule, found.severity, found.subject) == ("privacy.form", Severity.refuse, "notebook")
    assert "Mustermann" not in found.text.de


def test_files_beside_the_notebook_are_read() -> None:
    """Downloads, their names and the run's parameters are scanned as well."""
    given = Facts(
        restricted=False,
        key=KEY,
        closed=FACTS.closed,
        texts={
            "data/by-district.csv": "name\nMustermann\n",
            "mustermann.csv": "a\n1\n",
            "figures/x.svg": SCRIPTED,
        },
        parameters={"person": "Erika Mustermann"},
    )
    found = {(one.rule, one.subject) for one in judge(notebook(markdown("# Titel")), given)}
    assert ("privacy.value", "file data/by-district.csv") in found
    assert ("privacy.source-literal", "file mustermann.csv") in found
    assert ("privacy.source-literal", "parameters") in found
    assert ("privacy.svg", "file figures/x.svg") in found
