"""Runs that were not needed are counted, and a broken line or disk breaks nothing."""

from __future__ import annotations

from pathlib import Path

from stadtbuch import spared


def test_spared_runs_add_up_since_the_first_line(tmp_path: Path) -> None:
    """One line per build that found something unchanged; before the first one there is no figure, not a zero."""
    assert spared.read(tmp_path) is None
    spared.note(tmp_path, 3, at=1_768_500_000)
    spared.note(tmp_path, 0, at=1_768_600_000)
    spared.note(tmp_path, 4, at=1_768_700_000)

    assert spared.read(tmp_path) == {"runs": 7, "since": "2026-01-15"}
    assert len((tmp_path / spared.FILE).read_text().splitlines()) == 2


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    """A power cut in the middle of a line costs that line."""
    spared.note(tmp_path, 3, at=1_768_500_000)
    with (tmp_path / spared.FILE).open("a") as file:
        file.write('{"at": "2026-01-1')

    assert spared.read(tmp_path) == {"runs": 3, "since": "2026-01-15"}


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    """A statistic never fails a build."""
    spared.note(tmp_path / "gone", 3, at=1_768_500_000)
    assert spared.read(tmp_path / "gone") is None
