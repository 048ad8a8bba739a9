"""The approvals that come with the reports are for the reports as they are."""

from __future__ import annotations

from pathlib import Path

from stadtbuch import settings
from stadtbuch.reports import approvals, definitions
from stadtbuch.runs import manifest


def test_recorded_approvals_hold_for_the_code_in_git(root: Path) -> None:
    """A notebook that was changed, if only by a formatter, needs its approval anew: `report approve --record`."""
    city = settings.read(root)
    recorded = {(one.report, one.code, one.rules) for one in approvals.recorded(city)}
    needed = {
        (name, approvals.code_of(report, _notebooks(root, report)), city.rules.version)
        for name, report in definitions.load(city).items()
        if report.release == "approval"
    }
    assert needed <= recorded


def _notebooks(root: Path, report: definitions.Report) -> dict[str, object]:
    steps = {"prepare": report.prepare, "report": report.report}
    return {step: manifest.read(root / path, root=root).notebook for step, path in steps.items() if path}
