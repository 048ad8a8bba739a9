"""The commands of the pages about the state are run on a city with a past that is made in a second."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders.keeping import a_kept_city, an_edition, lay
from builders.reports import write_open_report
from docs.test_commands import Reader, blocks

REPORT = "how-does-the-city-cycle"


@pytest.mark.parametrize("page", ["keep", "checkpoints", "removal"])
def test_the_commands_about_the_state_work(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    """From top to bottom, each ends as the page says."""
    city = a_kept_city(tmp_path / "city")
    write_open_report(city.root, REPORT)
    lay(city.open(), an_edition(REPORT, files={"data/cycling.csv": b"day,value\n1,2\n"}))
    monkeypatch.setattr("stadtbuch.cli.report.write_site", lambda city: 0)  # its editions have no pages
    monkeypatch.chdir(city.root)
    reader = Reader(root, capsys, lambda line: True, {})
    reader.read(blocks(root / "docs" / "how-to" / f"{page}.md"))
    assert city.open().book.verify()["ok"]
