"""The approvals that come with the reports are for the reports as they are."""

from __future__ import annotations

from pathlib import Path

from stadtbuch import settings
from stadtbuch.catalog import index
from stadtbuch.reports import approvals, definitions, reviews
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


def test_recorded_reviews_are_by_the_owners_of_the_data(root: Path) -> None:
    """A review that comes with the reports was decided by the role that owns the dataset, about columns it has."""
    city = settings.read(root)
    datasets = index.load(city).datasets
    for one in reviews.recorded(city):
        if one.rule in reviews.OF_DATASETS:
            assert one.role == datasets[one.subject].owner
            assert set(one.columns) <= set(datasets[one.subject].table.names)
        assert one.rules == city.rules.version


def _notebooks(root: Path, report: definitions.Report) -> dict[str, object]:
    steps = {"prepare": report.prepare, "report": report.report}
    return {step: manifest.read(root / path, root=root).notebook for step, path in steps.items() if path}
