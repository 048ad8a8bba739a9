"""Deciding: always with reasons, and a refusal says what to write next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtbuch.access import policy
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.verdict import Decision

ADataset = Callable[..., Dataset]
TODAY = date(2026, 3, 1)
ASK: dict[str, Any] = {"role": "analyst", "purpose": "age-structure", "columns": ["age"], "now": TODAY}


def decide(dataset: Dataset, **changes: Any) -> Decision:
    """Ask what is allowed, with one thing changed."""
    return policy.decide(dataset, **(ASK | changes))


def test_open_data_need_nothing(a_dataset: ADataset) -> None:
    """No role, purpose or columns."""
    decision = decide(a_dataset("open"), role="visitor", purpose=None, columns=None)
    assert decision.allowed
    assert decision.obligations == {
        "columns": ["person_id", "age", "district", "note"],
        "pseudonyms": [],
        "condition": "open",
    }


def test_grant_allows_the_columns_asked_for(a_dataset: ADataset) -> None:
    """In the order asked, each once; identifiers become pseudonyms; the condition names the grant."""
    decision = decide(a_dataset(), columns=["age", "person_id", "age"])
    assert decision.allowed
    assert decision.obligations == {
        "columns": ["age", "person_id"],
        "pseudonyms": ["person_id"],
        "condition": "analyst/age-structure/2027-12-31",
    }
    assert "31.12.2027" in decision.reasons[0].de


def test_last_day_of_a_grant_counts(a_dataset: ADataset) -> None:
    """Until is inclusive."""
    last = date(2027, 12, 31)
    assert decide(a_dataset(), now=last).allowed
    assert decide(a_dataset(), now=last + timedelta(days=1)).obligations == {"code": "access.grant-expired"}


def test_later_grant_replaces_one_that_ran_out(a_dataset: ADataset) -> None:
    """The longest valid grant is the condition."""
    grants = [
        {"role": "analyst", "purposes": ["age-structure"], "until": until}
        for until in (date(2025, 1, 1), date(2026, 6, 1), date(2026, 4, 1))
    ]
    decision = decide(a_dataset(grants=grants))
    assert decision.obligations["condition"] == "analyst/age-structure/2026-06-01"


def test_shared_data_are_decided_like_closed_ones(a_dataset: ADataset) -> None:
    """Purpose, grant and columns are needed."""
    assert decide(a_dataset("shared"), purpose=None).obligations == {"code": "access.no-purpose"}
    assert decide(a_dataset("shared")).allowed


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"purpose": None}, "access.no-purpose", 'purpose="age-structure"'),
        ({"purpose": ""}, "access.no-purpose", 'purpose="age-structure"'),
        ({"purpose": "age-struktur"}, "access.unknown-purpose", 'purpose="age-structure"'),
        ({"purpose": "marketing"}, "access.unknown-purpose", "age-structure, household-count"),
        (
            {"role": "visitor"},
            "access.no-grant",
            "{role: visitor, purposes: [age-structure], until: JJJJ-MM-TT}",
        ),
        ({"purpose": "household-count"}, "access.no-grant", "head-of-statistics"),
        ({"now": date(2030, 1, 1)}, "access.grant-expired", "31.12.2027"),
        ({"columns": None}, "access.columns-needed", 'columns=["person_id", "age", "district"]'),
        ({"columns": []}, "access.columns-needed", "inputs: {population.residents: {columns: ["),
        ({"columns": ["age", "sex"]}, "access.unknown-column", "person_id, age, district, note"),
        ({"columns": ["agee"]}, "access.unknown-column", "Meinten Sie age?"),
        ({"columns": ["age", "note"]}, "access.column-not-allowed", 'columns=["age"]'),
    ],
)
def test_refusal_says_what_to_write(
    changes: dict[str, Any], code: str, words: str, a_dataset: ADataset
) -> None:
    """Each reason to refuse has its code, names the dataset and gives the line that would help."""
    dataset = a_dataset()
    decision = decide(dataset, **changes)
    assert not decision.allowed
    assert decision.obligations == {"code": code}
    error = policy.denied(dataset, decision)
    assert (error.code, error.exit_code) == (code, 4)
    shown = error.render("de")
    assert shown.startswith("population.residents")
    assert "Warum:" in shown
    assert "Was tun?" in shown
    assert words in shown
    assert error.render("en") != shown


def test_deleted_data_are_gone_for_everybody(a_dataset: ADataset) -> None:
    """Open ones too; a retention time alone does not end access."""
    gone = {"phase": "deleted"}
    assert decide(a_dataset("open", lifecycle=gone)).obligations == {"code": "access.retention-over"}
    assert decide(a_dataset(lifecycle=gone)).obligations == {"code": "access.retention-over"}
    assert decide(a_dataset(lifecycle={"retention": "P1D"})).allowed


def test_unknown_column_of_open_data_is_refused(a_dataset: ADataset) -> None:
    """So that a typing error does not end in a missing column."""
    decision = decide(a_dataset("open"), columns=["agee"])
    assert decision.obligations == {"code": "access.unknown-column"}


def test_allowed_decision_is_no_error(a_dataset: ADataset) -> None:
    """Asking for the error of a permission is a mistake in the program."""
    dataset = a_dataset()
    with pytest.raises(ValueError, match="was allowed"):
        policy.denied(dataset, decide(dataset))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    role=st.sampled_from(["analyst", "visitor", ""]),
    purpose=st.sampled_from(["age-structure", "household-count", "x", "", None]),
    columns=st.none() | st.lists(st.sampled_from(["person_id", "age", "district", "note", "x"]), max_size=4),
    now=st.dates(date(2027, 1, 1), date(2028, 12, 31)),
)
def test_nothing_is_allowed_beyond_grant_and_purpose(
    role: str, purpose: str | None, columns: list[str] | None, now: date, a_dataset: ADataset
) -> None:
    """Whatever is asked: allowed exactly if role, purpose, day and every column are granted."""
    dataset = a_dataset()
    decision = policy.decide(dataset, role=role, purpose=purpose, columns=columns, now=now)
    granted = role == "analyst" and purpose == "age-structure" and now <= date(2027, 12, 31)
    fitting = bool(columns) and set(columns or []) <= {"person_id", "age", "district"}
    assert decision.allowed is (granted and fitting)
    if decision.allowed:
        assert set(decision.obligations["columns"]) == set(columns or [])
