"""The internal page of a failure: why, which data, what to do, since when; and it goes when all is well again."""

import json
import re

from builders.reports import HEADLINE, START, a_manifest, write_notebook, write_open_report

from stadtbuch.cli import main
from stadtbuch.reports import build, failures

LATER = "2026-01-16T08:00"


def called(capsys, city, *arguments: str):
    """Run a command and give its answer."""
    main.main([*arguments, "--city", str(city.root), "--json"])
    return json.loads(capsys.readouterr().out)


def test_a_missing_delivery_is_explained(built, capsys):
    """Dataset, role, day and last edition stand there in both languages; the day stays, and the end is the end."""
    delivery = built.root / "data" / "boroughs.csv"
    content = delivery.read_bytes()
    delivery.unlink()
    for now in ("2026-01-16T08:00", "2026-01-17T08:00"):
        called(capsys, built, "build", "area", "--now", now)
    (line,) = called(capsys, built, "report", "failures")
    assert (line["report"], line["code"], line["last_good"]) == ("area", "source.missing", "area@2026-01-15")
    assert (line["since"][:10], line["at"][:10]) == ("2026-01-16", "2026-01-17")
    folder = built.root / "var/failures/area/_"
    assert line["page"] == "var/failures/area/_/index.html"
    for page, word in (("index.html", "verantwortlich"), ("index.en.html", "owner")):
        told = (folder / page).read_text(encoding="utf-8")
        assert "geography.boroughs" in told
        assert word in told
        assert re.findall(r'(?:src|href)="([^"]+)"', told) == [
            "style.css", {"index.html": "index.en.html"}.get(page, "index.html")
        ]  # fmt: skip
    assert [path.stat().st_mode & 0o077 for path in [folder, *folder.iterdir()]] == [0] * 5
    delivery.write_bytes(content)
    called(capsys, built, "build", "area", "--now", "2026-01-18T08:00")
    assert called(capsys, built, "report", "failures") == []
    assert not folder.exists()


def test_a_failing_cell_is_named_and_nothing_of_the_data_is(built):
    """Number of the cell, type of the error, what had changed; yesterday's edition is named."""
    write_open_report(built.root, "area", START, "frame = city.load('geography.boroughs')\nframe['nothing']")
    build.build(built.open(), ["area"])
    (record,) = failures.everything(built.open().state)
    assert (record["notebook_cell"], record["type"], record["status"]) == (3, "KeyError", "failed")
    assert [one["en"] for one in record["changed"]] == ["the notebook's code is another one"]
    assert record["last_good"] == "area@2026-01-15"


def test_a_refusal_says_what_the_gate_saw(built):
    """Each finding with its remedy."""
    write_notebook(built.root, "area", START, HEADLINE, manifest=a_manifest(), words=[])
    build.build(built.open(), ["area"])
    (record,) = failures.everything(built.open().state)
    assert (record["status"], record["code"]) == ("refused", "gate.refused")
    assert all(one["text"]["de"] and one["remedy"]["en"] for one in record["told"])


def test_a_page_of_a_cell_that_is_gone_goes_too(built):
    """The definition was wrong for all pages at once; once its cells are found again, nothing is left of that."""
    notebook = built.root / "notebooks" / "area.ipynb"
    content = notebook.read_bytes()
    notebook.write_text("{}", encoding="utf-8")
    build.build(built.open(), ["area"])
    stale = failures.place(built.open().state, "area", "old-cell")
    failures.place(built.open().state, "area", "").rename(stale)
    notebook.write_bytes(content)
    build.build(built.open(), ["area"])

    assert not stale.exists()
