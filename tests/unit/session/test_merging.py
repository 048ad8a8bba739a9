"""`city.merge`, in the lab and in a run; and the gate, which measures once more whoever joined."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from builders.city import a_manifest, a_notebook
from builders.joining import AGES, JOBS, a_city_of_pairs

from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.verdict import Severity
from stadtbuch.reports import meeting
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute, manifest, plan
from stadtbuch.session import RunCity

PURPOSE = "age-structure"


def a_run(root: Path, *, access: str, **inputs: Any) -> RunCity:
    """Give the city of a run that reads both tables; it was laid out, not executed."""
    made = a_city_of_pairs(root, access=access)
    told = a_manifest(
        purpose=PURPOSE if access == "closed" else None,
        inputs=inputs or {AGES: {"columns": ["nr", "age_group"]}, JOBS: {"columns": ["nr", "job"]}},
    )
    analysis = manifest.read(a_notebook(root, manifest=told), root=root)
    request = plan.plan(made.open(), analysis, {})
    request.folder.mkdir(parents=True)
    execute._lay_out(request)
    return RunCity.open(request.folder)


def gate(run: RunCity, step: str) -> list[tuple[str, str, Severity]]:
    """Give what the gate finds about inputs that meet."""
    evidence = Evidence(run.folder, run.info, None, {}, {}, {}, (), {})
    return [(one.rule, one.subject, one.severity) for one in meeting.findings(evidence, step=step)]


def test_the_lab_warns_and_goes_on(tmp_path: Path) -> None:
    """Trying is free: the join is there, with what was measured, and the columns are named; no value is."""
    city = a_city_of_pairs(tmp_path).open()
    ages, jobs = city.load(AGES), city.load(JOBS)
    with pytest.warns(UserWarning, match="age_group, job") as said:
        both = city.merge(ages, jobs, on="nr")
    assert (len(both), both.attrs["stadtbuch"]) == (40, {"k": 1, "columns": ["age_group", "job"]})
    assert re.findall(r"\b(?:[a-dw-z]|\d\d)\b", str(said[0].message)) == []


def test_a_run_of_open_data_stops(tmp_path: Path) -> None:
    """What would be public is not made; joined past `city.merge`, the gate refuses the same."""
    run = a_run(tmp_path, access="open")
    with pytest.raises(Refused) as refused:
        run.merge(run.load(AGES), run.load(JOBS))
    assert (refused.value.code, refused.value.exit_code) == ("privacy.merge", 3)
    assert gate(run, "report") == [("privacy.merge", f"{AGES} + {JOBS}", Severity.refuse)]


def test_rows_that_stay_inside_are_a_warning(tmp_path: Path) -> None:
    """A preparing step may join closed data: only its protected tables leave."""
    run = a_run(tmp_path, access="closed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.merge(run.load(AGES), run.load(JOBS), on="nr").attrs["stadtbuch"]["k"] == 1
    assert gate(run, "prepare") == [("privacy.merge", f"{AGES} + {JOBS}", Severity.warn)]


def test_columns_that_were_not_read_do_not_meet(tmp_path: Path) -> None:
    """Without the number there is nothing to join by, and nothing to find."""
    run = a_run(
        tmp_path, access="open", **{AGES: {"columns": ["age_group"]}, JOBS: {"columns": ["nr", "job"]}}
    )
    assert gate(run, "report") == []


def test_a_snapshot_that_was_changed_is_not_judged(tmp_path: Path) -> None:
    """The gate measures what was planned, and stops at anything else."""
    run = a_run(tmp_path, access="open")
    changed = json.loads(json.dumps(run.info))
    changed["inputs"][JOBS]["sha256"] = "0" * 64
    with pytest.raises(ValueError, match="planned"):
        gate(RunCity(run.folder, changed), "report")


def test_nothing_to_join_by_is_said(tmp_path: Path) -> None:
    """The error names the columns that both have."""
    city = a_city_of_pairs(tmp_path).open()
    with pytest.raises(UsageError) as refused:
        city.merge(city.load(AGES), city.load(JOBS), on="age_group")
    assert (refused.value.code, "nr" in refused.value.remedy.en) == ("merge.columns", True)
