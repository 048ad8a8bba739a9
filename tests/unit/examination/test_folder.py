"""What the doctor sees in a city's own files, on a new city that was never built."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from stadtbuch import founding
from stadtbuch.examination import folder, people
from stadtbuch.examination.scene import Scene
from stadtbuch.founding import Wishes
from stadtbuch.model.report import Approval
from stadtbuch.reports import approvals

REPORT = "reports/first-report.yaml"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Give a new city."""
    founding.lay(tmp_path / "city", founding.files(Wishes(login="m.muster", today=date(2026, 1, 15))))
    return tmp_path / "city"


def scene(city: Path) -> Scene:
    """Look at the city anew."""
    return Scene(root=city, now=datetime(2026, 1, 15, 9, tzinfo=UTC))


def replace(path: Path, old: str, new: str) -> None:
    """Replace words of a file; they must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_an_approval_of_other_code_is_told(city: Path) -> None:
    """A notebook that was changed waits for its approval anew; one that is as it was does not."""
    replace(city / REPORT, "release: automatic", "release: approval")
    seen = scene(city)
    report = seen.reports["first-report"]
    steps = {"report": seen.notebooks[report.report].notebook}
    code = approvals.code_of(report, steps)
    approval = Approval(role="head-of-statistics", decided=date(2026, 1, 15), code=code, rules="2026.1")
    approvals.record(seen.settings, report, approval)
    assert list(folder.recorded(scene(city))) == []
    replace(city / "notebooks/analyses/first-report.ipynb", "Die Zahlen", "Alle Zahlen")
    (note,) = folder.recorded(scene(city))
    assert note.command == "stadtbuch report approve first-report --as head-of-statistics --record"


def test_a_report_that_nobody_can_release_is_a_problem(city: Path) -> None:
    """It would wait for ever; where nobody has to release, nobody has to have the role."""
    assert list(people.unknown(scene(city))) == []
    replace(city / REPORT, "release: automatic", "release: approval")
    (note,) = people.unknown(scene(city))
    assert "head-of-statistics" in note.text.en
    assert note.level == "problem"


def test_a_word_that_is_explained_is_no_placeholder(city: Path) -> None:
    """Comments and the README speak of TODO; only a line that waits for somebody counts."""
    lines = {note.subject: note.text.en for note in folder.placeholders(scene(city))}
    assert "README.md" not in lines
    replace(city / "stadtbuch.toml", "# TODO", "# done")
    replace(city / "stadtbuch.toml", "          # done", "  # TODO later")
    assert "stadtbuch.toml" in {note.subject for note in folder.placeholders(scene(city))}


def test_a_city_with_finished_texts_has_no_placeholders(city: Path) -> None:
    """The last TODO gone, the check is content."""
    for path in (city / "stadtbuch.toml", *(city / "site").iterdir()):
        replace(path, "TODO", "Altmarkt 1")
    (note,) = folder.placeholders(scene(city))
    assert note.level == "ok"


def test_names_with_spaces_stay_whole_in_commands(city: Path) -> None:
    """A command that is copied into a shell must not do something else."""
    notebook = city / "notebooks" / "my first; try.ipynb"
    notebook.write_text("no notebook", encoding="utf-8")
    replace(city / REPORT, "notebooks/analyses/first-report.ipynb", '"notebooks/my first; try.ipynb"')
    (note,) = folder.notebooks(scene(city))
    assert note.command == "stadtbuch check 'notebooks/my first; try.ipynb'"
