"""What machines read: one JSON document on stdout, in the shapes that are promised; everything else on stderr."""

import json
import re
import sqlite3
from typing import Any

import pytest

pytestmark = pytest.mark.slow

RUN = {
    "report", "cell", "parameters", "key", "status", "publication", "reason", "notices", "seconds", "edition",
    "findings",
}  # fmt: skip
STATUS = {"ran", "unchanged", "refused", "failed"}
PUBLICATION = {"published", "unchanged", "awaiting-approval", "refused", "withheld", "none"}
COUNTS = {"executed", "runs", *STATUS, "published", "awaiting-approval", "withheld"}
FINDING = {"rule", "severity", "subject", "text", "remedy"}
HASH = re.compile(r"[0-9a-f]{64}")
EDITION = re.compile(r"[a-z-]+(/[a-z-]+)?@\d{4}-\d\d-\d\d(\.\d+)?")


def document(called: Any, *, code: int = 0) -> Any:
    """Give the one document on stdout; progress and warnings are elsewhere."""
    text = called.out.decode("utf-8")
    assert called.code == code, called.err
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert b"Traceback" not in called.err
    return json.loads(text)


@pytest.fixture(scope="module")
def city(lindenstadt, tmp_path_factory):
    """Give a copy of the built city: even reading commands open its state."""
    return lindenstadt.copy(tmp_path_factory.mktemp("json") / "city")


def definitions(city: Any) -> set[str]:
    """Give the names of the city's reports."""
    return {path.stem for path in (city.root / "reports").glob("*.yaml")} - {"approvals", "reviews"}


def assert_build(found: dict[str, Any]) -> None:
    """Hold the shape of ``build``."""
    assert set(found["counts"]) == COUNTS
    assert all(isinstance(number, int) for number in found["counts"].values())
    for run in found["runs"]:
        assert set(run) == RUN
        assert run["status"] in STATUS
        assert run["publication"] in PUBLICATION
        assert HASH.fullmatch(run["key"])
        assert EDITION.fullmatch(run["edition"])
        assert isinstance(run["parameters"], dict)
        assert isinstance(run["seconds"], (int, float))
        assert run["notices"] == []
        assert all(set(one) == FINDING for one in run["findings"])
    for status in STATUS:
        assert found["counts"][status] == sum(run["status"] == status for run in found["runs"])


def test_demo(lindenstadt):
    """The build's document with the data and the site beside it; progress only on stderr."""
    found = document(lindenstadt.demo)
    assert set(found) == {"data", "runs", "counts", "site", "dashboards"}
    assert {one["publication"] for one in found["dashboards"]} == {"published"}
    assert_build(found)
    assert {run["publication"] for run in found["runs"]} == {"published"}
    assert found["site"]["reports"] == len(definitions(lindenstadt))
    assert found["site"]["pages"] == len(found["runs"]) > 12
    assert "notebooks/analyses/who-lives-where.ipynb" in lindenstadt.demo.err.decode("utf-8")


def test_build(city):
    """A second build runs nothing and says so."""
    found = document(city.call("build", "--json", "--now", "2026-01-16"))
    assert set(found) == {"runs", "counts", "dashboards"}
    assert {one["publication"] for one in found["dashboards"]} == {"unchanged"}
    assert_build(found)
    assert {(run["status"], run["publication"]) for run in found["runs"]} == {("unchanged", "unchanged")}
    assert found["counts"]["executed"] == 0
    cells = [(run["report"], run["cell"]) for run in found["runs"]]
    assert len(set(cells)) == len(cells) > 12
    assert {report for report, _ in cells} == definitions(city)


def test_check(city):
    """Decision, findings, reasons."""
    found = document(city.call("check", "who-lives-where", "--json", "--now", "2026-01-16"))
    assert set(found) == {"decision", "findings", "reasons"}
    assert (found["decision"], found["findings"]) == ("allow", [])
    assert found["reasons"]


def test_catalog_list(city):
    """Every dataset with its class; whatever is not open has a reason."""
    found = document(city.call("catalog", "list", "--json"))
    assert {one["id"] for one in found} >= {"geography.areas", "population.residents", "stadtbuch.datasets"}
    assert {frozenset(one) for one in found} == {
        frozenset({
            "id", "title", "class", "domain", "licence", "publisher", "owner", "contact", "reason", "next_step",
        })
    }  # fmt: skip
    classes = {one["id"]: one["class"] for one in found}
    assert set(classes.values()) == {"open", "shared", "closed"}
    assert classes["population.residents"] == "closed"
    assert all((one["reason"] is None) == (one["class"] == "open") for one in found)
    assert [one["id"] for one in found] == sorted(classes)


def test_quality(city):
    """Every dataset on every criterion: value, unit, target, verdict, and why there is no number."""
    found = document(city.call("quality", "--json", "--now", "2026-01-16"))["datasets"]
    assert set(found) == {one["id"] for one in document(city.call("catalog", "list", "--json"))}
    assert {len(card) for card in found.values()} == {14}
    for one in (one for card in found.values() for one in card.values()):
        assert set(one) == {"value", "unit", "target", "verdict", "gap"}
        assert one["verdict"] in {"good", "warning", "bad", "not-measured"}
        assert (one["gap"] is None) == (one["verdict"] != "not-measured")


def test_report_list(city):
    """Every page with its latest edition, its path below public/, and when it was released."""
    found = document(city.call("report", "list", "--json"))
    assert {one["report"] for one in found} == definitions(city)
    for one in found:
        assert set(one) == {"report", "cell", "edition", "path", "released", "status"}
        assert one["status"] == "published"
        assert EDITION.fullmatch(one["edition"])
        assert (city.root / "public" / one["path"] / "index.html").is_file()
        assert one["released"] == "2026-01-15T08:00:00+01:00"


def test_book_verify(city):
    """Whole: ok, how many, and the last hash; changed behind its back: not ok, and where."""
    found = document(city.call("book", "verify", "--json"))
    assert set(found) == {"ok", "entries", "head"}
    assert found["ok"] is True
    assert found["entries"] > 13
    assert HASH.fullmatch(found["head"])


def test_a_changed_book_is_told(city, tmp_path):
    """Somebody who edits an entry is found out."""
    copy = city.copy(tmp_path / "city")
    book = sqlite3.connect(copy.root / "var" / "book.sqlite")
    book.execute("drop trigger never_changed")
    book.execute("update entries set role = 'operator' where number = 3")
    book.commit()
    book.close()
    called = copy.call("book", "verify", "--json")
    assert called.code != 0
    found = json.loads(called.out)
    assert found["ok"] is False
    assert {"ok", "entries", "head"} <= set(found)
    assert found["problem"]


@pytest.mark.parametrize(
    "arguments", [("build", "nothing"), ("check", "nothing"), ("catalog", "show", "no.thing")]
)
def test_errors_are_one_document_too(city, arguments):
    """Code, exit code, text, why, remedy, single mistakes."""
    found = document(city.call(*arguments, "--json"), code=2)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "exit_code", "text", "why", "remedy", "problems"}
    assert found["error"]["exit_code"] == 2
    assert found["error"]["remedy"]
